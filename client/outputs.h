/* What a run leaves: files, a report, a summary for people. */
#ifndef CLIENT_OUTPUTS_H
#define CLIENT_OUTPUTS_H

#include "client/client.h"
#include "client/ndarray.h"
#include "runtime/runtime.h"

struct output {
	struct ndarray array;
	char *file; /* NULL: not written */
};

struct outputs {
	uint32_t count;
	struct output *output;
	void **data; /* what runtime_run fills */
};

void outputs_init(const struct artifact *a, struct outputs *out);
/* DIR/output_N.npy, or .pb where .npy has no such type. DIR is there. */
int outputs_write(const struct artifact *a, const char *dir, struct outputs *out, struct err *e);
int outputs_report(const struct runtime *rt, const struct outputs *out, const char *path,
		   struct err *e);
void outputs_print(const struct runtime *rt, const struct outputs *out);
void outputs_release(struct outputs *out);

#endif
