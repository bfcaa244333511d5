/* The JSON of a compiled artifact and of a job. */
#ifndef DAEMON_ANSWER_H
#define DAEMON_ANSWER_H

#include "daemon/request.h"

struct cache_entry;

#define ARTIFACT_TYPE "application/vnd.occamy.artifact"

/* 200: key, cache, artifact, digest, bytes, blobs, report. how: "hit", "miss", "joined". */
int answer_entry(struct request *rq, const struct cache_entry *en, const char *how, struct err *e);
/* rq->job's state; with its result or problem where it has ended. */
int answer_job(struct request *rq, int status, struct err *e);

#endif
