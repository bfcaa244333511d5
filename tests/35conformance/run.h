/* One test of a corpus in this process: compiled, run on the emulated device, compared. */
#ifndef CONFORMANCE_RUN_H
#define CONFORMANCE_RUN_H

#include "base/buf.h"

enum verdict { PASSED, FAILED, SKIPPED };

struct run_options {
	const char *target;	  /* "sm_87" */
	const char *kernel_cache; /* or NULL */
};

/*
 * folder: of model.onnx and its data sets. artifact: a file to write and to remove. words: lines
 * for people: why it failed or was skipped, what was made a constant.
 */
enum verdict run_test(const char *folder, const char *artifact, const struct run_options *o,
		      struct buf *words);

#endif
