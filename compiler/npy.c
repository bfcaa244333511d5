/*
 * .npy, versions 1 to 3: magic, version, header length, a Python dict as
 * text, then the elements. Little-endian and C order only.
 */
#include "compiler/npy.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC	   "\x93NUMPY"
#define MAGIC_LEN  6
#define HEADER_MAX 4096

static const struct descr {
	const char *text;
	enum dtype dt;
} descrs[] = {
	{"<f4", F32}, {"<f2", F16}, {"<f8", F64}, {"|i1", I8},	{"<i2", I16}, {"<i4", I32},
	{"<i8", I64}, {"|u1", U8},  {"<u2", U16}, {"<u4", U32}, {"<u8", U64}, {"|b1", BOOL},
};

bool npy_is(struct span file)
{
	return file.len >= MAGIC_LEN && !memcmp(file.data, MAGIC, MAGIC_LEN);
}

/* The text behind 'key':, or NULL. */
static const char *find_key(const char *header, const char *key)
{
	const char *p = strstr(header, key);

	if (!p)
		return NULL;
	p += strlen(key);
	while (*p == ' ')
		p++;
	if (*p++ != ':')
		return NULL;
	while (*p == ' ')
		p++;
	return p;
}

static int read_dtype(const char *header, struct type *t, struct err *e)
{
	const char *p = find_key(header, "'descr'");

	for (size_t i = 0; p && i < COUNT_OF(descrs); i++)
		if (p[0] == '\'' && !strncmp(p + 1, descrs[i].text, 3) && p[4] == '\'')
			t->dt = descrs[i].dt;
	if (t->dt == DT_NONE)
		return fail(e, E_INPUT_FILE, "the .npy file's element type %.12s is not supported",
			    p ? p : "(none)");
	return 0;
}

/* "(1, 3, 8)" */
static int read_shape(const char *header, struct type *t, struct err *e)
{
	const char *p = find_key(header, "'shape'");
	int64_t count;
	char *end;

	if (!p || *p++ != '(')
		return fail(e, E_INPUT_FILE, "the .npy file's header has no shape");
	for (;;) {
		while (*p == ' ' || *p == ',')
			p++;
		if (*p == ')')
			break;
		if (!isdigit((unsigned char)*p) || t->rank == RANK_MAX)
			return fail(e, E_INPUT_FILE,
				    "the .npy file's shape is not at most 8 numbers");
		t->dim[t->rank++] = strtoll(p, &end, 10);
		p = end;
	}
	if (!type_count_ok(t, &count))
		return fail(e, E_INPUT_FILE, "the .npy file's shape is too large");
	return 0;
}

static int read_header(const char *header, struct type *t, struct err *e)
{
	const char *order = find_key(header, "'fortran_order'");

	if (read_dtype(header, t, e) < 0 || read_shape(header, t, e) < 0)
		return -1;
	if (!order || (strncmp(order, "False", 5) != 0 && t->rank > 1)) {
		fail(e, E_INPUT_FILE, "the .npy file is in Fortran order");
		return err_hint(e, "numpy.save(FILE, numpy.ascontiguousarray(array))");
	}
	return 0;
}

int npy_read(struct span file, struct type *t, const void **data, struct err *e)
{
	const uint8_t *p = file.data;
	char header[HEADER_MAX + 1];
	size_t start, len;

	*t = (struct type){DT_NONE};
	if (!npy_is(file) || file.len < 12 || p[6] < 1 || p[6] > 3)
		return fail(e, E_INPUT_FILE, "this is not an .npy file of version 1 to 3");
	start = p[6] == 1 ? 10 : 12;
	len = (size_t)p[8] | (size_t)p[9] << 8;
	if (p[6] > 1)
		len |= (size_t)p[10] << 16 | (size_t)p[11] << 24;
	if (len > HEADER_MAX || len > file.len - start)
		return fail(e, E_INPUT_FILE, "the .npy file's header is cut off or too long");
	memcpy(header, p + start, len);
	header[len] = 0;
	if (read_header(header, t, e) < 0)
		return -1;
	if (file.len - start - len != type_bytes(t))
		return fail(e, E_INPUT_FILE,
			    "the .npy file has %zu bytes of data, its shape needs %llu",
			    file.len - start - len, (unsigned long long)type_bytes(t));
	*data = p + start + len;
	for (size_t i = start + len; i < file.len && t->dt == BOOL; i++)
		if (p[i] > 1)
			return fail(e, E_INPUT_FILE, "the .npy file has a bool that is not 0 or 1");
	return 0;
}
