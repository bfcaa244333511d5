/*
 * multipart/form-data (RFC 7578) as it arrives, in pieces of any size. Holds
 * at most one piece and one part's headers. Knows nothing of files.
 */
#ifndef DAEMON_MULTIPART_H
#define DAEMON_MULTIPART_H

#include "base/err.h"

#define MULTIPART_NAME_MAX  64
#define MULTIPART_PARTS_MAX 64

struct multipart_sink {
	void *ctx;
	/* name: letters, digits, '.', '_', '-', not beginning with a dot */
	int (*part)(void *ctx, const char *name, struct err *e);
	int (*data)(void *ctx, struct span data, struct err *e);
};

struct multipart {
	struct multipart_sink sink;
	enum { MP_PREAMBLE, MP_BORDER, MP_HEADERS, MP_DATA, MP_END } state;
	char border[80]; /* CR LF "--" boundary */
	size_t border_len, nparts;
	struct buf hold; /* what has come and is not yet understood */
};

int multipart_init(struct multipart *m, const char *content_type, struct multipart_sink sink,
		   struct err *e);
int multipart_feed(struct multipart *m, const void *data, size_t len, struct err *e);
int multipart_end(struct multipart *m,
		  struct err *e); /* E_USAGE where the last border is missing */
void multipart_release(struct multipart *m);

#endif
