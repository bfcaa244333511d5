/* Multipart: looks for the border in what is held, passes on what can't be part of one. */
#include "daemon/multipart.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define BOUNDARY_MAX 70 /* RFC 2046 */
#define HEADERS_MAX  8192

static bool plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_' || c == '-';
}

/* Value of parameter name in a header line: quoted or bare. false: none, or longer than size. */
static bool parameter(const char *line, const char *name, char *out, size_t size)
{
	size_t len = strlen(name), n = 0;

	for (const char *p = strchr(line, ';'); p; p = strchr(p, ';')) {
		char end = ';';

		p += 1 + strspn(p + 1, " \t");
		if (strncasecmp(p, name, len) != 0 || p[len] != '=')
			continue;
		p += len + 1;
		if (*p == '"') {
			end = '"';
			p++;
		}
		while (p[n] && p[n] != end && p[n] != ' ' && n + 1 < size) {
			out[n] = p[n];
			n++;
		}
		out[n] = 0;
		return n > 0 && (p[n] == end || (end == ';' && (!p[n] || p[n] == ' ')));
	}
	return false;
}

int multipart_init(struct multipart *m, const char *content_type, struct multipart_sink sink,
		   struct err *e)
{
	char boundary[BOUNDARY_MAX + 1];

	*m = (struct multipart){.sink = sink, .state = MP_PREAMBLE};
	if (!parameter(content_type, "boundary", boundary, sizeof(boundary)))
		return fail(e, E_USAGE, "multipart: the boundary is missing or longer than %d",
			    BOUNDARY_MAX);
	m->border_len = (size_t)snprintf(m->border, sizeof(m->border), "\r\n--%s", boundary);
	buf_puts(&m->hold, "\r\n"); /* the first border may stand at the very beginning */
	return 0;
}

static void drop(struct multipart *m, size_t n)
{
	memmove(m->hold.data, m->hold.data + n, m->hold.len - n);
	m->hold.len -= n;
	m->hold.data[m->hold.len] = 0;
}

/* Everything before the border goes to the sink. 1: state changed, 0: more is needed. */
static int take_data(struct multipart *m, struct err *e)
{
	const uint8_t *at = memmem(m->hold.data, m->hold.len, m->border, m->border_len);
	size_t sure = at			     ? (size_t)(at - m->hold.data)
		      : m->hold.len >= m->border_len ? m->hold.len - m->border_len + 1
						     : 0;

	if (m->state == MP_DATA && sure &&
	    m->sink.data(m->sink.ctx, (struct span){m->hold.data, sure}, e) < 0)
		return -1;
	drop(m, at ? sure + m->border_len : sure);
	if (at)
		m->state = MP_BORDER;
	return at != NULL;
}

/* After a border: "--" ends it all, blanks and CR LF begin a part. */
static int take_border(struct multipart *m, struct err *e)
{
	size_t blanks = strspn(buf_str(&m->hold), " \t");

	if (m->hold.len < blanks + 2)
		return m->hold.len > 256 ? fail(e, E_USAGE, "multipart: a border is not ended") : 0;
	if (!memcmp(m->hold.data, "--", 2)) {
		m->state = MP_END;
		return 1;
	}
	if (memcmp(m->hold.data + blanks, "\r\n", 2) != 0)
		return fail(e, E_USAGE, "multipart: a border is not ended by a new line");
	drop(m, blanks); /* the CR LF stays, so that empty headers end like others */
	m->state = MP_HEADERS;
	return 1;
}

static bool find_name(char *headers, char name[MULTIPART_NAME_MAX + 1])
{
	static const char wanted[] = "content-disposition:";
	char *rest = headers, *line;

	while ((line = strsep(&rest, "\r\n"))) {
		if (strncasecmp(line, wanted, sizeof(wanted) - 1) != 0)
			continue;
		return strcasestr(line, "form-data") &&
		       parameter(line, "name", name, MULTIPART_NAME_MAX + 1);
	}
	return false;
}

static int take_headers(struct multipart *m, struct err *e)
{
	const uint8_t *end = memmem(m->hold.data, m->hold.len, "\r\n\r\n", 4);
	size_t len = end ? (size_t)(end - m->hold.data) + 4 : m->hold.len;
	char name[MULTIPART_NAME_MAX + 1];
	bool ok;

	if (len > HEADERS_MAX)
		return fail(e, E_HEADERS, "multipart: the headers of part %zu are longer than %d",
			    m->nparts + 1, HEADERS_MAX);
	if (!end)
		return 0;
	if (++m->nparts > MULTIPART_PARTS_MAX)
		return fail(e, E_LIMIT_PARTS, "multipart: more than %d parts", MULTIPART_PARTS_MAX);
	m->hold.data[len - 1] = 0;
	ok = find_name((char *)m->hold.data, name) && name[0] != '.';
	for (const char *p = name; ok && *p; p++)
		ok = plain(*p);
	if (!ok)
		return fail(
			e, E_USAGE,
			"multipart: part %zu has no name of 1 to %d letters, digits, '.', '_', '-'",
			m->nparts, MULTIPART_NAME_MAX);
	drop(m, len);
	m->state = MP_DATA;
	return m->sink.part(m->sink.ctx, name, e) < 0 ? -1 : 1;
}

int multipart_feed(struct multipart *m, const void *data, size_t len, struct err *e)
{
	int more = 1;

	buf_append(&m->hold, data, len);
	while (more == 1) {
		switch (m->state) {
		case MP_PREAMBLE:
		case MP_DATA:
			more = take_data(m, e);
			break;
		case MP_BORDER:
			more = take_border(m, e);
			break;
		case MP_HEADERS:
			more = take_headers(m, e);
			break;
		case MP_END:
			drop(m, m->hold.len);
			more = 0;
			break;
		}
	}
	return more;
}

int multipart_end(struct multipart *m, struct err *e)
{
	return m->state == MP_END ? 0 : fail(e, E_USAGE, "multipart: the last border is missing");
}

void multipart_release(struct multipart *m)
{
	buf_release(&m->hold);
}
