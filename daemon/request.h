/*
 * One request: what is known of it, and the ways to answer. request.c is
 * between libmicrohttpd and the handlers of the routes.
 */
#ifndef DAEMON_REQUEST_H
#define DAEMON_REQUEST_H

#include "base/arena.h"
#include "daemon/jobs.h"
#include "daemon/server.h"
#include "daemon/upload.h"

#include <microhttpd.h>

#define REQUEST_MAGIC 0x0cca3b17
#define URI_MAX	      8192 /* beyond: 414 */

enum request_state { RQ_NEW, RQ_BODY, RQ_DISCARD, RQ_READY, RQ_WAITING, RQ_ANSWERED };

enum { M_GET = 1, M_HEAD = 2, M_POST = 4 };

struct cache_part;

struct route {
	const char *name;    /* label in metrics and logs */
	const char *pattern; /* '*': one path segment, or a part of one */
	int methods;
	/* Looks at the request before its body comes: NULL, or 0 to go on. */
	int (*check)(struct request *rq, struct err *e);
	/* Answers, or suspends; called again when it was resumed. -1: *e becomes the answer. */
	int (*answer)(struct request *rq, struct err *e);
};

struct request {
	uint32_t magic;
	struct server *server;
	struct connection *connection;
	struct MHD_Connection *mhd;
	struct arena *arena;
	enum request_state state;
	char id[24];
	const char *method, *segment; /* segment: what '*' matched */
	const struct route *route;    /* NULL: none */
	size_t uri_len;
	struct err err; /* of check, while a small body is read and thrown away */
	int64_t started, deadline;
	int64_t body_done; /* ns */
	uint64_t discarded;
	bool must_close; /* the answer was sent past libmicrohttpd */
	int status;
	/* while it waits */
	struct waiter waiter;
	struct request *next_waiting, **waiting_at;
	struct job *job; /* a reference */
	/* the route's own */
	struct upload upload;
	bool has_upload;
	void *data;
};

/* Callbacks for libmicrohttpd. */
enum MHD_Result request_handle(void *cls, struct MHD_Connection *mhd, const char *url,
			       const char *method, const char *version, const char *data,
			       size_t *size, void **context);
void *request_begin(void *cls, const char *uri, struct MHD_Connection *mhd);
void request_end(void *cls, struct MHD_Connection *mhd, void **context,
		 enum MHD_RequestTerminationCode why);
size_t request_unescape(void *cls, struct MHD_Connection *mhd, char *text);
/* An answer past libmicrohttpd, while a body is coming in: the connection must be closed after it.
 */
void request_abort(struct request *rq, struct err *e);

const char *request_header(const struct request *rq, const char *name); /* NULL: none */
/* Does a comma list in the header hold this word, in any case, up to ';'? */
bool request_header_has(const struct request *rq, const char *name, const char *word);

/* Pairs of further headers, NULL at the end. */
int reply_text(struct request *rq, int status, const char *type, struct span body,
	       const char *const *headers);
int reply_json(struct request *rq, int status, const struct buf *body, const char *const *headers);
/* A part of the cache, with ETag, If-None-Match, Range, If-Range. */
int reply_part(struct request *rq, const struct cache_part *part, const char *type,
	       const char *const *headers, struct err *e);
int reply_problem(struct request *rq, const struct err *e);

const struct route *route_find(const char *path, struct arena *a, const char **segment);
const char *route_methods(const struct route *route); /* for Allow */

int check_compile(struct request *rq, struct err *e);
int check_plan(struct request *rq, struct err *e);
int post_compile(struct request *rq, struct err *e);

#endif
