/* Typed reads from hostile JSON. */
#include "runtime/want.h"

#include <inttypes.h>
#include <stdio.h>

int want_fail(const struct want *w, const char *member, const char *expected)
{
	if (w->at == WANT_TOP)
		return fail(w->e, E_ARTIFACT, "%s: %s: %s: expected %s", w->path, w->list, member,
			    expected);
	return fail(w->e, E_ARTIFACT, "%s: %s[%zu]: %s: expected %s", w->path, w->list, w->at,
		    member, expected);
}

json_t *want_parse(const struct want *w, const char *text, size_t len)
{
	json_error_t je;
	json_t *o = json_loadb(text, len, JSON_REJECT_DUPLICATES, &je);

	if (!o) {
		fail(w->e, E_ARTIFACT, "%s: %s: not valid JSON: %s", w->path, w->list, je.text);
		err_offset(w->e, je.position);
	} else if (!json_is_object(o)) {
		fail(w->e, E_ARTIFACT, "%s: %s: not a JSON object", w->path, w->list);
		json_decref(o);
		o = NULL;
	}
	return o;
}

static int take(const struct want *w, const json_t *v, const char *member, uint64_t max,
		uint64_t *out)
{
	char expected[64];

	if (json_is_integer(v) && json_integer_value(v) >= 0 &&
	    (uint64_t)json_integer_value(v) <= max) {
		*out = (uint64_t)json_integer_value(v);
		return 0;
	}
	snprintf(expected, sizeof(expected), "an integer from 0 to %" PRIu64, max);
	return want_fail(w, member, expected);
}

int want_uint(const struct want *w, const json_t *o, const char *member, uint64_t max,
	      uint64_t *out)
{
	return take(w, json_object_get(o, member), member, max, out);
}

int want_u32(const struct want *w, const json_t *o, const char *member, uint32_t max, uint32_t *out)
{
	uint64_t v = 0;

	if (want_uint(w, o, member, max, &v) < 0)
		return -1;
	*out = (uint32_t)v;
	return 0;
}

int want_str(const struct want *w, const json_t *o, const char *member, const char **out)
{
	const json_t *v = json_object_get(o, member);

	if (!json_is_string(v))
		return want_fail(w, member, "a string");
	*out = json_string_value(v);
	return 0;
}

int want_object(const struct want *w, const json_t *o, const char *member, json_t **out)
{
	*out = json_object_get(o, member);
	return json_is_object(*out) ? 0 : want_fail(w, member, "an object");
}

int want_array(const struct want *w, const json_t *o, const char *member, size_t max, json_t **out)
{
	char expected[64];

	*out = json_object_get(o, member);
	if (json_is_array(*out) && json_array_size(*out) <= max)
		return 0;
	snprintf(expected, sizeof(expected), "an array of at most %zu elements", max);
	return want_fail(w, member, expected);
}

int want_item(const struct want *w, const json_t *a, size_t i, const char *member, uint64_t max,
	      uint64_t *out)
{
	return take(w, json_array_get(a, i), member, max, out);
}

int want_uints(const struct want *w, const json_t *o, const char *member, size_t n, uint64_t max,
	       uint64_t *out)
{
	json_t *a = json_object_get(o, member);
	char expected[64];

	if (!json_is_array(a) || json_array_size(a) != n) {
		snprintf(expected, sizeof(expected), "an array of %zu integers", n);
		return want_fail(w, member, expected);
	}
	for (size_t i = 0; i < n; i++)
		if (want_item(w, a, i, member, max, &out[i]) < 0)
			return -1;
	return 0;
}
