/*
 * Errors that a user can act on: what, where, why, what to do.
 *
 *	int f(..., struct err *e)       0, or -1 with *e filled by fail()
 *
 * The message is complete where it is made; callers pass it on and never
 * re-word it. A caller may add what only it knows with err_node/err_hint.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/buf.h"

enum err_code {
	E_OK,
#define ERR(code, status, exit, title) code,
#include "base/err_codes.def"
#undef ERR
	E_COUNT
};

/* One of several findings, for errors that list all of them. */
struct err_item {
	enum err_code code;
	char node[96], op[48], detail[256];
};

struct err {
	enum err_code code;
	char detail[512]; /* one sentence, values printed, control bytes escaped */
	char node[96];	  /* node name as in the model, escaped and cut; "" if none */
	char op[48];
	char tensor[96];
	char hint[256];
	int64_t offset; /* byte in the file, -1: none */
	struct err_item *items;
	size_t nitems, dropped; /* dropped: findings beyond ERR_ITEMS_MAX */
};

#define ERR_ITEMS_MAX 1000
#define ERR_INIT             \
	(struct err)         \
	{                    \
		.offset = -1 \
	}

/* Fills *e (a first error is kept: a later fail() only returns -1) and returns -1. */
int fail(struct err *e, enum err_code code, const char *fmt, ...) PRINTF(3, 4);
/* Adds where and what to do; each keeps what is already there. They return -1 too. */
int err_node(struct err *e, const char *node, const char *op);
int err_tensor(struct err *e, const char *tensor);
int err_hint(struct err *e, const char *fmt, ...) PRINTF(2, 3);
int err_offset(struct err *e, int64_t offset);
/* Appends one finding to the list. */
void err_item(struct err *e, enum err_code code, const char *node, const char *op, const char *fmt,
	      ...) PRINTF(5, 6);

const char *err_name(enum err_code code); /* "E_SHAPE" */
const char *err_title(enum err_code code);
int err_status(enum err_code code); /* HTTP */
int err_exit(enum err_code code);   /* sysexits */
enum err_code err_parse(const char *name);

/* RFC 9457 problem object on one line, no newline: code, title, detail, node, op, hint, details[].
 */
void err_json(const struct err *e, struct buf *out);
/* "prog: detail [node ...]; hint" for people, then the problem object as the last line. */
void err_print(const struct err *e, const char *prog);
void err_release(struct err *e); /* and ready for use again */

/* Copies s with control bytes as \xNN, cut to the size of out. */
void err_escape(char *out, size_t size, const char *s);

#endif
