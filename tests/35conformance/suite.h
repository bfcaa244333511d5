/* A choice of a corpus' tests, run and told as TAP. */
#ifndef CONFORMANCE_SUITE_H
#define CONFORMANCE_SUITE_H

#include "tests/35conformance/corpus.h"
#include "tests/35conformance/run.h"

struct suite_options {
	const char *dir, *only; /* only: a file of names, one per line; NULL: all */
	bool tier[6];		/* all false: any, and tests that tests.def does not have */
	uint32_t shard, shards; /* every shards-th of what is left, from number shard on */
	uint32_t jobs;
	int seconds;
	struct run_options run;
};

/*
 * true in the parent, *status 0 where nothing failed; false in a child process, *status its exit
 * status: return from main with it. An error leaves *status -1 and fills e.
 */
bool suite_run(const struct suite_options *o, int *status, struct err *e);

#endif
