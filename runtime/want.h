/*
 * Typed reads from the JSON of an artifact, which may be hostile: each says
 * in E_ARTIFACT what was expected where, and takes nothing on trust.
 */
#ifndef RUNTIME_WANT_H
#define RUNTIME_WANT_H

#include "base/err.h"

#include <jansson.h>

/* Where we read: file and list for messages, index in the list. */
struct want {
	const char *path, *list;
	size_t at; /* WANT_TOP: the list's owner itself */
	struct err *e;
};

#define WANT_TOP SIZE_MAX

/* One object from text; duplicate members and anything after it are refused. NULL on failure. */
json_t *want_parse(const struct want *w, const char *text, size_t len);
int want_fail(const struct want *w, const char *member, const char *expected);
int want_uint(const struct want *w, const json_t *o, const char *member, uint64_t max,
	      uint64_t *out);
int want_u32(const struct want *w, const json_t *o, const char *member, uint32_t max,
	     uint32_t *out);
/* Borrowed from o. */
int want_str(const struct want *w, const json_t *o, const char *member, const char **out);
int want_object(const struct want *w, const json_t *o, const char *member, json_t **out);
int want_array(const struct want *w, const json_t *o, const char *member, size_t max, json_t **out);
/* An array of exactly n integers, each at most max. */
int want_uints(const struct want *w, const json_t *o, const char *member, size_t n, uint64_t max,
	       uint64_t *out);
/* Element i of a, an integer, as part of member. */
int want_item(const struct want *w, const json_t *a, size_t i, const char *member, uint64_t max,
	      uint64_t *out);

#endif
