/*
 * Runs the compiler as a child: own process group, limits, no inherited
 * descriptors, a clean environment, a time limit. See child.c.
 */
#ifndef DAEMON_CHILD_H
#define DAEMON_CHILD_H

#include "base/err.h"
#include "daemon/config.h"

#include <sys/resource.h>
#include <sys/types.h>

#define CHILD_PROGRESS_FD 3 /* where the child writes "STAGE PERCENT\n" */

struct child {
	/* in */
	const struct config *config; /* compiler and limits */
	char *const *args;	     /* of the compiler, NULL at the end */
	const char *dir;	     /* working directory, NULL: / */
	int64_t wall_seconds;
	void (*started)(void *ctx, pid_t pid); /* pid 0: it is about to be reaped */
	void (*progress)(void *ctx, const char *stage, int percent);
	void *ctx;
	/* out */
	struct buf out, err; /* standard output, and the end of standard error */
	int status;	     /* of waitpid */
	bool timed_out;
	struct rusage usage;
};

/* Fails only where the child could not be started. Blocks; from any thread. */
int child_run(struct child *c, struct err *e);
void child_release(struct child *c);

/* The last line of standard error that is not empty. */
const char *child_last_line(struct child *c);
/* Fills *e for a child that gave no problem object: signal, limit, or a bug. Returns -1. */
int child_fail(const struct child *c, struct err *e);

/* main of the executable when it was started as that child: sets the limits and becomes the
 * compiler. argv: --worker, four limits, the parent's pid, the compiler, its arguments. */
int child_worker(int argc, char **argv);

#endif
