/*
 * Attributes in the text IR. The spelling tells the type: 3 is an int, 3.0 a
 * float, "x" a string, [..] a list of these, f32[2] {..} a tensor.
 */
#include "compiler/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define LIST_MAX ((uint32_t)16384) /* attributes, list entries */

/* ---- out ---- */

static void put_attr_float(struct buf *out, float f)
{
	size_t at = out->len;

	print_float(out, f);
	if (!strpbrk(buf_str(out) + at, ".ein")) /* tells it from an int */
		buf_puts(out, ".0");
}

static void put_list(struct buf *out, const struct attr *a)
{
	/* an empty list says its kind */
	if (!a->n && a->type != ATTR_INTS)
		buf_puts(out, a->type == ATTR_FLOATS ? "floats" : "strings");
	buf_puts(out, "[");
	for (uint32_t i = 0; i < a->n; i++) {
		buf_puts(out, i ? "," : "");
		if (a->type == ATTR_INTS)
			buf_printf(out, "%lld", (long long)a->ints[i]);
		else if (a->type == ATTR_FLOATS)
			put_attr_float(out, a->floats[i]);
		else
			print_quoted(out, a->strings[i]);
	}
	buf_puts(out, "]");
}

static void put_attr(struct buf *out, const struct attr *a)
{
	buf_printf(out, "%s=", a->name);
	switch (a->type) {
	case ATTR_INT:
		buf_printf(out, "%lld", (long long)a->i);
		return;
	case ATTR_FLOAT:
		put_attr_float(out, a->f);
		return;
	case ATTR_STRING:
		print_quoted(out, a->s);
		return;
	case ATTR_TENSOR:
		type_print(out, &a->ttype);
		buf_puts(out, " ");
		print_data(out, &a->ttype, a->tdata, a->fill);
		return;
	case ATTR_GRAPH:
		buf_puts(out, "graph");
		return;
	default:
		put_list(out, a);
		return;
	}
}

void print_attrs(struct buf *out, const struct attr *a, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		buf_puts(out, i ? ", " : " {");
		put_attr(out, &a[i]);
	}
	buf_puts(out, n ? "}" : "");
}

/* ---- in ---- */

static int read_number_attr(struct reader *r, struct attr *a)
{
	const char *start = r->p;
	size_t n = strcspn(r->p, ",]} \n");
	bool real = false;
	double d;

	for (size_t i = 0; i < n; i++)
		real = real || (r->p[i] && strchr(".ein", r->p[i]));
	a->type = real ? ATTR_FLOAT : ATTR_INT;
	if (!real)
		return read_int(r, &a->i);
	if (read_double(r, &d) < 0)
		return -1;
	a->f = strtof(start, NULL);
	return 0;
}

static int read_list_entry(struct reader *r, struct attr *a, int64_t **ints, float **floats,
			   const char ***strings)
{
	struct arena *arena = r->g->arena;
	struct attr one = {.type = ATTR_STRING};

	skip_blanks(r);
	if (*r->p == '"' ? read_quoted(r, &one.s) < 0 : read_number_attr(r, &one) < 0)
		return -1;
	if (!a->n)
		a->type = one.type == ATTR_INT	   ? ATTR_INTS
			  : one.type == ATTR_FLOAT ? ATTR_FLOATS
						   : ATTR_STRINGS;
	*ints = GROW(arena, *ints, a->n);
	*floats = GROW(arena, *floats, a->n);
	*strings = GROW(arena, *strings, a->n);
	(*ints)[a->n] = one.i;
	(*floats)[a->n] = one.f;
	(*strings)[a->n] = one.s;
	a->n++;
	if ((int)a->type - (int)ATTR_INTS != (int)one.type - (int)ATTR_INT)
		return expected(r, "one kind of entry per list before this");
	return a->n <= LIST_MAX ? 0 : expected(r, "a shorter list");
}

static int read_list(struct reader *r, struct attr *a, enum attr_type empty)
{
	int64_t *ints = NULL;
	float *floats = NULL;
	const char **strings = NULL;

	a->type = empty;
	if (expect(r, "[") < 0)
		return -1;
	while (!accept(r, "]"))
		if ((a->n && expect(r, ",") < 0) ||
		    read_list_entry(r, a, &ints, &floats, &strings) < 0)
			return -1;
	a->ints = ints;
	a->floats = floats;
	a->strings = strings;
	return 0;
}

static int read_attr(struct reader *r, struct attr *a)
{
	a->name = read_word(r);
	if (!a->name)
		return expected(r, "an attribute's name");
	if (expect(r, "=") < 0)
		return -1;
	skip_blanks(r);
	if (*r->p == '[')
		return read_list(r, a, ATTR_INTS);
	if (*r->p == '"') {
		a->type = ATTR_STRING;
		return read_quoted(r, &a->s);
	}
	if (accept_word(r, "floats"))
		return read_list(r, a, ATTR_FLOATS);
	if (accept_word(r, "strings"))
		return read_list(r, a, ATTR_STRINGS);
	if (isalpha((unsigned char)*r->p) && strncmp(r->p, "inf", 3) && strncmp(r->p, "nan", 3)) {
		a->type = ATTR_TENSOR;
		if (read_type(r, &a->ttype, NULL) < 0)
			return -1;
		return read_data(r, &a->ttype, &a->tdata, &a->fill);
	}
	return read_number_attr(r, a);
}

int read_attrs(struct reader *r, struct attr **attrs, uint32_t *n)
{
	*attrs = NULL;
	*n = 0;
	if (!accept(r, "{"))
		return 0;
	do {
		if (*n == LIST_MAX)
			return expected(r, "fewer attributes");
		*attrs = GROW(r->g->arena, *attrs, *n);
		(*attrs)[*n] = (struct attr){0};
		if (read_attr(r, &(*attrs)[*n]) < 0)
			return -1;
		++*n;
	} while (accept(r, ","));
	return expect(r, "}");
}
