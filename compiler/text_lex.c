/* Tokens of the text IR. */
#include "compiler/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void skip_blanks(struct reader *r)
{
	while (*r->p == ' ' || *r->p == '\t' || *r->p == '\r')
		r->p++;
	if (*r->p == '#')
		r->p += strcspn(r->p, "\n");
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.';
}

int expected(struct reader *r, const char *what)
{
	char found[24];
	int n;

	skip_blanks(r);
	n = (int)strcspn(r->p, "\n");
	err_escape(found, sizeof(found), r->p);
	found[MIN((size_t)n, sizeof(found) - 1)] = 0;
	if (!n)
		return fail(r->e, E_USAGE, "line %d: expected %s, but the line ends", r->line,
			    what);
	return fail(r->e, E_USAGE, "line %d: expected %s, found '%s'", r->line, what, found);
}

bool accept(struct reader *r, const char *mark)
{
	skip_blanks(r);
	if (strncmp(r->p, mark, strlen(mark)) != 0)
		return false;
	r->p += strlen(mark);
	return true;
}

bool accept_word(struct reader *r, const char *word)
{
	size_t n = strlen(word);

	skip_blanks(r);
	if (strncmp(r->p, word, n) != 0 || is_word(r->p[n]))
		return false;
	r->p += n;
	return true;
}

int expect(struct reader *r, const char *mark)
{
	char what[16] = "'";

	if (accept(r, mark))
		return 0;
	strncat(what, mark, 8);
	strncat(what, "'", 2);
	return expected(r, what);
}

bool at_end(struct reader *r)
{
	skip_blanks(r);
	return *r->p == '\n' || *r->p == 0;
}

const char *read_word(struct reader *r)
{
	const char *start;

	skip_blanks(r);
	start = r->p;
	while (is_word(*r->p))
		r->p++;
	return r->p > start ? arena_strndup(r->g->arena, start, (size_t)(r->p - start)) : NULL;
}

int read_int(struct reader *r, int64_t *v)
{
	char *end;

	skip_blanks(r);
	if (!isdigit((unsigned char)r->p[*r->p == '-']))
		return expected(r, "a whole number");
	errno = 0;
	*v = strtoll(r->p, &end, 10);
	if (errno)
		return expected(r, "a number of 64 bits");
	r->p = end;
	return 0;
}

int read_uint(struct reader *r, uint64_t max, uint64_t *v)
{
	char *end;

	skip_blanks(r);
	if (!isdigit((unsigned char)*r->p))
		return expected(r, "a number that is not negative");
	errno = 0;
	*v = strtoull(r->p, &end, 10);
	if (errno || *v > max)
		return expected(r, "a smaller number");
	r->p = end;
	return 0;
}

int read_version(struct reader *r, int *version)
{
	uint64_t u;

	if (read_uint(r, INT32_MAX, &u) < 0)
		return -1;
	*version = (int)u;
	return 0;
}

int read_double(struct reader *r, double *v)
{
	char *end;

	skip_blanks(r);
	*v = strtod(r->p, &end);
	if (end == r->p || isspace((unsigned char)*r->p))
		return expected(r, "a number");
	r->p = end;
	return 0;
}

/* After a backslash: one of \\ \" \n \t \xNN; -1 for anything else. */
static int read_escape(struct reader *r)
{
	char hex[3] = {0}, c = *r->p;

	if (c)
		r->p++;
	switch (c) {
	case '\\':
	case '"':
		return c;
	case 'n':
		return '\n';
	case 't':
		return '\t';
	case 'x':
		if (!isxdigit((unsigned char)r->p[0]) || !isxdigit((unsigned char)r->p[1]))
			return -1;
		memcpy(hex, r->p, 2);
		r->p += 2;
		return (int)strtol(hex, NULL, 16);
	default:
		return -1;
	}
}

int read_quoted(struct reader *r, const char **s)
{
	size_t len = 0;
	char *out;

	if (!accept(r, "\""))
		return expected(r, "a quoted string");
	while (r->p[len] && r->p[len] != '\n' && r->p[len] != '"')
		len += r->p[len] == '\\' && r->p[len + 1] ? 2 : 1;
	out = arena_alloc(r->g->arena, len + 1);
	*s = out;
	while (*r->p != '"') {
		int c = (unsigned char)*r->p;

		if (!c || c == '\n')
			return expected(r, "the closing quote");
		r->p++;
		if (c == '\\')
			c = read_escape(r);
		if (c <= 0)
			return expected(r, "an escape: \\\\ \\\" \\n \\t \\xNN, not \\x00");
		*out++ = (char)c;
	}
	r->p++;
	return 0;
}

static int read_dim(struct reader *r, int64_t *dim, const char **sym)
{
	skip_blanks(r);
	if (accept(r, "?")) {
		*dim = -1;
		return 0;
	}
	if (isdigit((unsigned char)*r->p)) {
		const char *start = r->p;

		if (read_int(r, dim) < 0)
			return -1;
		if (!is_word(*r->p) && *r->p != '?')
			return 0;
		r->p = start; /* a symbol may begin with digits */
	}
	*dim = -1;
	if (*r->p == '"') {
		if (read_quoted(r, sym) < 0)
			return -1;
	} else if (!(*sym = read_word(r))) {
		return expected(r, "a dimension");
	}
	return expect(r, "?");
}

static int read_dims(struct reader *r, struct type *t, const char **sym)
{
	if (accept(r, "*")) {
		t->rank = RANK_UNKNOWN;
		return expect(r, "]");
	}
	while (!accept(r, "]")) {
		if (t->rank && expect(r, ",") < 0)
			return -1;
		if (t->rank == RANK_MAX)
			return expected(r, "at most 8 dimensions");
		if (read_dim(r, &t->dim[t->rank], &sym[t->rank]) < 0)
			return -1;
		t->rank++;
	}
	return 0;
}

int read_type(struct reader *r, struct type *t, const char ***sym)
{
	const char *word, *names[RANK_MAX] = {"", "", "", "", "", "", "", ""};
	struct type sized;
	int64_t count;
	bool named = false;

	*t = (struct type){DT_NONE};
	if (!accept(r, "?")) { /* a declaration may know the shape only */
		word = read_word(r);
		if (!word || (t->dt = dtype_parse(word)) == DT_NONE)
			return expected(r, "a type after this");
	}
	if (expect(r, "[") < 0 || read_dims(r, t, names) < 0)
		return -1;
	sized = *t;
	for (int i = 0; i < t->rank && t->rank != RANK_UNKNOWN; i++) {
		named = named || names[i][0];
		sized.dim[i] = MAX(t->dim[i], 0);
	}
	if (t->rank != RANK_UNKNOWN && !type_count_ok(&sized, &count))
		return expected(r, "fewer elements before this");
	if (named && !sym)
		return expected(r, "a type without named dimensions before this");
	if (sym)
		*sym = arena_copy(r->g->arena, names, sizeof(names));
	return 0;
}

bool is_plain_name(const char *s)
{
	bool digits = true;

	if (!*s)
		return false;
	for (; *s; s++) {
		if (!is_word(*s) && *s != '/' && *s != '-')
			return false;
		digits = digits && isdigit((unsigned char)*s);
	}
	return !digits; /* bare digits are anonymous values */
}

void print_quoted(struct buf *out, const char *s)
{
	buf_puts(out, "\"");
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c == '\n')
			buf_puts(out, "\\n");
		else if (c == '\t')
			buf_puts(out, "\\t");
		else if (c < 32 || c > 126)
			buf_printf(out, "\\x%02x", c);
		else
			buf_append(out, s, 1);
	}
	buf_puts(out, "\"");
}
