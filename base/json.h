/*
 * JSON writer: canonical (no spaces, keys in the order written, shortest
 * round-trip numbers), so that the same data gives the same bytes. Reading
 * is left to jansson.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buf.h"

struct json {
	struct buf *out;
	bool comma; /* a value already stands at this level */
};

struct json json_begin(struct buf *out);
/* key is NULL inside arrays and at the top. kind: '{' or '[', closed with '}' or ']'. */
void json_open(struct json *j, const char *key, char kind);
void json_close(struct json *j, char kind);
void json_str(struct json *j, const char *key,
	      const char *value); /* bytes that are not UTF-8: U+FFFD */
void json_int(struct json *j, const char *key, int64_t value);
void json_real(struct json *j, const char *key, double value);	  /* NaN and infinity: null */
void json_raw(struct json *j, const char *key, const char *text); /* already JSON */

#endif
