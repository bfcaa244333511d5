/*
 * NumPy's .npy, versions 1 to 3: magic, version, length of the header, the
 * header (a Python dictionary of 'descr', 'fortran_order', 'shape'), data.
 */
#include "client/ndarray.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MAGIC "\x93NUMPY"

struct text { /* the header while it is read */
	const char *p, *end;
	const char *name;
	struct err *e;
};

static int bad(const struct text *t, const char *why)
{
	return fail(t->e, E_INPUT_FILE, "%s: .npy header: %s", t->name, why);
}

static void skip_space(struct text *t)
{
	while (t->p < t->end && (*t->p == ' ' || *t->p == '\n' || *t->p == '\t'))
		t->p++;
}

/* Takes c if it comes next. */
static bool take(struct text *t, char c)
{
	skip_space(t);
	if (t->p == t->end || *t->p != c)
		return false;
	t->p++;
	return true;
}

static int read_string(struct text *t, char *out, size_t size)
{
	char quote;
	size_t n = 0;

	skip_space(t);
	if (t->p == t->end || (*t->p != '\'' && *t->p != '"'))
		return bad(t, "expected a string (structured types can't be used)");
	quote = *t->p++;
	while (t->p < t->end && *t->p != quote) {
		if (n + 1 >= size)
			return bad(t, "a string is too long");
		out[n++] = *t->p++;
	}
	out[n] = 0;
	return take(t, quote) ? 0 : bad(t, "a string does not end");
}

static int read_dim(struct text *t, int64_t *out)
{
	const char *start = t->p;
	int64_t v = 0;

	for (; t->p < t->end && *t->p >= '0' && *t->p <= '9'; t->p++)
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, *t->p - '0', &v))
			return bad(t, "a dimension is too large");
	*out = v;
	return t->p > start ? 0 : bad(t, "expected a dimension");
}

static int read_shape(struct text *t, struct ndarray *a)
{
	if (!take(t, '('))
		return bad(t, "expected a shape");
	while (!take(t, ')')) {
		if (a->rank == ARTIFACT_RANK_MAX)
			return bad(t, "more than 8 dimensions");
		skip_space(t);
		if (read_dim(t, &a->shape[a->rank]) < 0)
			return -1;
		a->rank++;
		if (!take(t, ',') && (t->p == t->end || *t->p != ')'))
			return bad(t, "expected , or ) in the shape");
	}
	return 0;
}

static int read_order(struct text *t)
{
	static const char no[] = "False", yes[] = "True";

	skip_space(t);
	if ((size_t)(t->end - t->p) >= strlen(yes) && !memcmp(t->p, yes, strlen(yes))) {
		bad(t, "the array is in Fortran order");
		return err_hint(t->e, "save it with numpy.ascontiguousarray(array)");
	}
	if ((size_t)(t->end - t->p) < strlen(no) || memcmp(t->p, no, strlen(no)) != 0)
		return bad(t, "expected False or True");
	t->p += strlen(no);
	return 0;
}

static int read_descr(struct text *t, struct ndarray *a)
{
	char descr[32];

	if (read_string(t, descr, sizeof(descr)) < 0)
		return -1;
	a->elem = elem_npy(descr);
	if (a->elem)
		return 0;
	fail(t->e, E_INPUT_FILE, "%s: .npy header: type '%s' can't be used", t->name, descr);
	if (descr[0] == '>')
		err_hint(t->e, "it is big endian; save it with array.astype('<%s')", descr + 1);
	return -1;
}

/* One member; seen has a bit for each that was read. */
static int read_member(struct text *t, struct ndarray *a, unsigned *seen)
{
	static const char *const keys[] = {"descr", "fortran_order", "shape"};
	char key[32];
	unsigned i = 0;

	if (read_string(t, key, sizeof(key)) < 0)
		return -1;
	while (i < COUNT_OF(keys) && strcmp(keys[i], key) != 0)
		i++;
	if (i == COUNT_OF(keys) || *seen & 1u << i)
		return bad(t, "an unknown or repeated key");
	*seen |= 1u << i;
	if (!take(t, ':'))
		return bad(t, "expected :");
	return i == 0 ? read_descr(t, a) : i == 1 ? read_order(t) : read_shape(t, a);
}

static int read_header(struct text *t, struct ndarray *a)
{
	unsigned seen = 0;

	if (!take(t, '{'))
		return bad(t, "expected a dictionary");
	while (!take(t, '}')) {
		if (read_member(t, a, &seen) < 0)
			return -1;
		if (!take(t, ',') && (t->p == t->end || *t->p != '}'))
			return bad(t, "expected , or }");
	}
	skip_space(t);
	if (t->p != t->end)
		return bad(t, "something stands after the dictionary");
	return seen == 7 ? 0 : bad(t, "a key is missing");
}

int npy_parse(struct span file, const char *name, struct ndarray *out, struct err *e)
{
	const uint8_t *p = file.data;
	size_t at = 10, len;
	struct text t = {.name = name, .e = e};
	uint64_t bytes;

	*out = (struct ndarray){0};
	if (file.len < 12 || memcmp(p, MAGIC, 6) != 0)
		return fail(e, E_INPUT_FILE, "%s: not a .npy file", name);
	if (p[6] < 1 || p[6] > 3 || p[7] != 0)
		return fail(e, E_INPUT_FILE, "%s: .npy version %d.%d is not known", name, p[6],
			    p[7]);
	len = p[8] | (size_t)p[9] << 8;
	if (p[6] > 1) {
		len |= (size_t)p[10] << 16 | (size_t)p[11] << 24;
		at = 12;
	}
	if (len > file.len - at)
		return fail(e, E_INPUT_FILE, "%s: the .npy header is cut short", name);
	t.p = (const char *)p + at;
	t.end = t.p + len;
	if (read_header(&t, out) < 0)
		return -1;
	out->data = (struct span){p + at + len, file.len - at - len};
	if (!elem_bytes(out->elem, out->rank, out->shape, &bytes) || bytes != out->data.len)
		return fail(e, E_INPUT_FILE, "%s: %zu bytes of data do not fit the shape", name,
			    out->data.len);
	return 0;
}

/* Padded with blanks so that the data begins at a multiple of 64, as NumPy writes it. */
void npy_header(struct buf *out, const struct ndarray *a)
{
	struct buf text = BUF_INIT;
	size_t len;

	buf_printf(&text, "{'descr': '%s', 'fortran_order': False, 'shape': (", a->elem->npy);
	for (uint32_t i = 0; i < a->rank; i++)
		buf_printf(&text, "%" PRId64 "%s", a->shape[i],
			   i + 1 < a->rank ? ", "
			   : a->rank == 1  ? ","
					   : "");
	buf_puts(&text, "), }");
	len = round_up(10 + text.len + 1, 64) - 10;
	while (text.len + 1 < len)
		buf_puts(&text, " ");
	buf_puts(&text, "\n");
	buf_append(out, MAGIC "\x01\x00", 8);
	buf_append(out, (uint8_t[]){(uint8_t)len, (uint8_t)(len >> 8)}, 2);
	buf_append(out, text.data, text.len);
	buf_release(&text);
}
