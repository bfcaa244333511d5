/*
 * Work in child processes, several at a time, results in order: a crash or
 * a hang is one result, and nothing that one piece of work leaves behind
 * reaches another.
 */
#ifndef CONFORMANCE_POOL_H
#define CONFORMANCE_POOL_H

#include "base/buf.h"

struct pool {
	uint32_t count, jobs; /* pieces of work; at most so many at a time */
	int seconds;	      /* that one piece may take */
	void *ctx;
	int (*work)(void *ctx, uint32_t i); /* in a child: what it prints and its exit status */
	/* In the parent, for 0, 1, 2...; status as of waitpid, or POOL_TIMEOUT; text: standard
	 * output and error of the child. */
	void (*done)(void *ctx, uint32_t i, int status, const char *text);
};

#define POOL_TIMEOUT (-1)

/*
 * true in the parent, when all is done. false in each child, with *status:
 * its caller returns from main with that, so that what checks for leaks at
 * exit does.
 */
bool pool_run(const struct pool *p, int *status);

#endif
