/* "bytes=A-B", "bytes=A-", "bytes=-N". */
#include "daemon/range.h"

#include <string.h>
#include <strings.h>

/* Digits at *s, at most 19 of them; moves *s behind. */
static bool number(const char **s, uint64_t *out)
{
	size_t n = strspn(*s, "0123456789");

	if (n == 0 || n > 19)
		return false;
	*out = 0;
	for (size_t i = 0; i < n; i++)
		*out = *out * 10 + (uint64_t)((*s)[i] - '0');
	*s += n;
	return true;
}

enum range_kind range_parse(const char *text, uint64_t total, uint64_t *first, uint64_t *bytes)
{
	uint64_t a, b = UINT64_MAX;
	bool suffix;

	*first = 0;
	*bytes = total;
	if (!text || strncasecmp(text, "bytes=", 6) != 0)
		return RANGE_ALL;
	text += 6;
	suffix = *text == '-';
	text += suffix;
	if (!number(&text, &a))
		return RANGE_ALL;
	if (!suffix) {
		if (*text++ != '-' || (*text && !number(&text, &b)) || b < a)
			return RANGE_ALL;
	}
	if (*text)
		return RANGE_ALL;
	if (suffix) {
		*bytes = MIN(a, total);
		*first = total - *bytes;
		return *bytes ? RANGE_PART : RANGE_NONE;
	}
	if (a >= total)
		return RANGE_NONE;
	*first = a;
	*bytes = MIN(b, total - 1) - a + 1;
	return RANGE_PART;
}
