/* Element types. */
#include "runtime/elem.h"

#include <string.h>

static const struct elem rows[] = {
	{"f32", "<f4", 1, 4, 'f'},  {"f16", "<f2", 10, 2, 'f'}, {"f64", "<f8", 11, 8, 'f'},
	{"bf16", NULL, 16, 2, 'g'}, {"i8", "|i1", 3, 1, 'i'},	{"i16", "<i2", 5, 2, 'i'},
	{"i32", "<i4", 6, 4, 'i'},  {"i64", "<i8", 7, 8, 'i'},	{"u8", "|u1", 2, 1, 'u'},
	{"u16", "<u2", 4, 2, 'u'},  {"u32", "<u4", 12, 4, 'u'}, {"u64", "<u8", 13, 8, 'u'},
	{"bool", "|b1", 9, 1, 'b'},
};

const struct elem *elem_find(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	return NULL;
}

/* '=' is native, and the machines we run on are little endian; one byte has no order. */
const struct elem *elem_npy(const char *descr)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (rows[i].npy && descr[0] && !strcmp(rows[i].npy + 1, descr + 1) &&
		    strchr(rows[i].size == 1 ? "|<>=" : "<=", descr[0]))
			return &rows[i];
	return NULL;
}

const struct elem *elem_onnx(int64_t code)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (rows[i].onnx == code)
			return &rows[i];
	return NULL;
}

bool elem_bytes(const struct elem *d, uint32_t rank, const int64_t *shape, uint64_t *bytes)
{
	int64_t n = (int64_t)d->size;

	for (uint32_t i = 0; i < rank; i++)
		if (!mul_ok(n, shape[i], &n))
			return false;
	*bytes = (uint64_t)n;
	return true;
}
