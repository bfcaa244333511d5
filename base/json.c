/* JSON writer. */
#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct json json_begin(struct buf *out)
{
	return (struct json){.out = out};
}

/* Length of the valid UTF-8 sequence at s, 0 if there is none. */
static size_t utf8_len(const unsigned char *s)
{
	static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = s[0] < 0x80	 ? 1
		   : s[0] < 0xc0 ? 0
		   : s[0] < 0xe0 ? 2
		   : s[0] < 0xf0 ? 3
		   : s[0] < 0xf8 ? 4
				 : 0;
	uint32_t c;

	if (n < 2)
		return n;
	c = s[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	return c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : n;
}

static void put_string(struct buf *out, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	buf_puts(out, "\"");
	while (*s) {
		size_t n = utf8_len(s);

		if (n == 0) {
			buf_puts(out, "\xef\xbf\xbd");
			n = 1;
		} else if (*s == '"' || *s == '\\') {
			buf_printf(out, "\\%c", *s);
		} else if (*s < 32 || *s == 127) {
			buf_printf(out, "\\u%04x", *s);
		} else {
			buf_append(out, s, n);
		}
		s += n;
	}
	buf_puts(out, "\"");
}

static void start(struct json *j, const char *key)
{
	if (j->comma)
		buf_puts(j->out, ",");
	if (key) {
		put_string(j->out, key);
		buf_puts(j->out, ":");
	}
	j->comma = true;
}

void json_open(struct json *j, const char *key, char kind)
{
	start(j, key);
	buf_append(j->out, &kind, 1);
	j->comma = false;
}

void json_close(struct json *j, char kind)
{
	buf_append(j->out, &kind, 1);
	j->comma = true;
}

void json_str(struct json *j, const char *key, const char *value)
{
	start(j, key);
	put_string(j->out, value);
}

void json_int(struct json *j, const char *key, int64_t value)
{
	start(j, key);
	buf_printf(j->out, "%lld", (long long)value);
}

void json_real(struct json *j, const char *key, double value)
{
	char text[32];

	start(j, key);
	if (!isfinite(value)) {
		buf_puts(j->out, "null");
		return;
	}
	for (int digits = 6; digits <= 17; digits += 11) {
		double back;

		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (sscanf(text, "%lf", &back) == 1 && back == value)
			break;
	}
	buf_puts(j->out, text);
}

void json_raw(struct json *j, const char *key, const char *text)
{
	start(j, key);
	buf_puts(j->out, text);
}
