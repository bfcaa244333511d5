/* The inputs and outputs of a run, as the command line has them. */
#ifndef CLIENT_INPUTS_H
#define CLIENT_INPUTS_H

#include "client/client.h"
#include "client/npz.h"
#include "runtime/runtime.h"

struct input {
	struct map map; /* the file; data lies in it where the format allows */
	struct ndarray array;
	void *random;
};

struct inputs {
	uint32_t count;
	struct input *input;
	const void **data; /* what runtime_run wants */
};

/*
 * Reads the files of NAME=FILE words and fills what is not given from ref
 * (NULL: none), then from the seed, if there is one (client/README.md has the
 * formula). ref must outlive *in.
 */
int inputs_read(const struct runtime *rt, const struct words *given, const struct npz *ref,
		const char *seed, struct inputs *in, struct err *e);
void inputs_release(struct inputs *in);

#endif
