/* The parts of the service, and the event loops that carry its connections. */
#ifndef DAEMON_SERVER_H
#define DAEMON_SERVER_H

#include "daemon/config.h"

#include <stdatomic.h>

struct cache;
struct identities;
struct job;
struct jobs;
struct metrics;
struct request;

struct server {
	struct config config;
	struct cache *cache;
	struct identities *ids;
	struct metrics *metrics;
	struct jobs *jobs;
	struct loop *loops;
	size_t nloops;
	atomic_bool stopping;
	atomic_ulong next_request;
	char boot[9]; /* makes request ids differ between runs */
};

/* One connection, from accept to close; only its loop's thread touches it. */
struct connection {
	struct loop *loop;
	struct connection *next, **at;
	struct request *request; /* in progress, or NULL */
	int fd;
	int64_t since; /* ms: opened, or the last request ended */
};

/* Listens and starts the loops; fills addr with "HOST:PORT". */
int server_start(struct server *s, char addr[64], struct err *e);
/* Lets answers that are ready go out, then closes everything. jobs_stop comes first. */
void server_stop(struct server *s);

/* Suspends the connection until job ends (or the deadline, in ms of now_ms, passes). */
void server_wait(struct request *rq, struct job *job, int64_t deadline);
/* Takes it off the list of those that wait. */
void server_forget(struct request *rq);
int64_t now_ms(void);
int64_t now_ns(void);

#endif
