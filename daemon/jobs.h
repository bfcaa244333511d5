/*
 * Work that outlives a request: compilations, and questions to the compiler
 * for its identity. Equal work in flight is done once; requests wait for it
 * without a thread of their own.
 */
#ifndef DAEMON_JOBS_H
#define DAEMON_JOBS_H

#include "base/hash.h"
#include "daemon/config.h"

#define JOB_ID 33 /* with the terminating zero */

struct cache;
struct identities;
struct job;
struct jobs;
struct metrics;

enum job_state { JOB_QUEUED, JOB_RUNNING, JOB_DONE, JOB_FAILED };

struct job_view {
	enum job_state state;
	char id[JOB_ID], key[SHA256_HEX], stage[32];
	int percent;
};

/* A request that waits. It belongs to the request; wake is called once, from any thread. */
struct waiter {
	void (*wake)(struct waiter *w);
	struct job *job; /* while it waits */
	struct waiter *next;
};

struct jobs *jobs_open(const struct config *config, struct cache *cache, struct identities *ids,
		       struct metrics *metrics);
/* Ends running children, fails what waits, wakes everyone. Nothing starts after it. */
void jobs_stop(struct jobs *js);
void jobs_close(struct jobs *js);

struct job_spec {
	const char *key, *dir; /* dir holds model.onnx and the bound files */
	char *const *args;     /* words for the compiler, NULL at the end */
	bool plan_only;	       /* the report is the result, nothing is published */
};

/*
 * Begins or joins the compilation for a key. Where a new job begins it takes
 * the folder over (*joined false). E_BUSY where the queue is full. The caller
 * gets a reference.
 */
int jobs_compile(struct jobs *js, const struct job_spec *spec, struct job **job, bool *joined,
		 struct err *e);
/* The same for the identity of a target. */
int jobs_identify(struct jobs *js, const char *target, struct job **job, struct err *e);
struct job *jobs_find(struct jobs *js, const char *id); /* with a reference, or NULL */

/* false: it has ended, nothing waits. Else wake will be called when it ends. */
bool job_wait(struct job *job, struct waiter *w);
/* true: w waits no more and wake will not be called. */
bool job_leave(struct jobs *js, struct waiter *w);
void job_view(struct job *job, struct job_view *out);
/* Of a failed job: HTTP status and problem object, which live as long as the reference. */
int job_problem(struct job *job, const char **text);
/* Of a plan that is done: its report, which lives as long as the reference; NULL: it is no plan. */
const char *job_report(struct job *job);
void job_release(struct job *job); /* NULL is fine */

void jobs_depth(struct jobs *js, uint64_t *waiting, uint64_t *running);

#endif
