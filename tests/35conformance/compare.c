/*
 * The rule of ONNX's own runner: |a - b| <= ATOL + RTOL * |b|, NaN equals
 * NaN, infinity by its sign; bfloat16 has a relative tolerance of 2^-6.
 * Integers and truth values are exact here.
 */
#include "tests/35conformance/compare.h"

#include <math.h>
#include <string.h>

static void print_type(struct buf *out, const struct ndarray *a)
{
	buf_printf(out, "%s[", a->elem->name);
	for (uint32_t i = 0; i < a->rank; i++)
		buf_printf(out, "%s%lld", i ? "," : "", (long long)a->shape[i]);
	buf_puts(out, "]");
}

static bool same_type(const struct ndarray *got, const struct ndarray *want, const char *name,
		      struct buf *why)
{
	if (got->elem == want->elem && got->rank == want->rank &&
	    !memcmp(got->shape, want->shape, want->rank * sizeof(want->shape[0])))
		return true;
	buf_printf(why, "output '%s' is ", name);
	print_type(why, got);
	buf_puts(why, ", not ");
	print_type(why, want);
	buf_puts(why, "\n");
	return false;
}

static bool close_to(double a, double b, double rtol)
{
	if (isnan(b) || isinf(b))
		return isnan(b) ? isnan(a) : a == b;
	return fabs(a - b) <= ATOL + rtol * fabs(b);
}

static bool same(const struct ndarray *got, const struct ndarray *want, size_t i)
{
	char kind = want->elem->kind;
	size_t size = want->elem->size;

	if (kind != 'f' && kind != 'g')
		return !memcmp(got->data.data + i * size, want->data.data + i * size, size);
	return close_to(ndarray_value(got, i), ndarray_value(want, i), kind == 'g' ? 0x1p-6 : RTOL);
}

bool compare(const struct ndarray *got, const struct ndarray *want, const char *name,
	     struct buf *why)
{
	size_t count = want->data.len / want->elem->size, wrong = 0, first = 0;

	if (!same_type(got, want, name, why))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!same(got, want, i) && !wrong++)
			first = i;
	if (wrong)
		buf_printf(why, "output '%s': %zu of %zu values differ; at %zu: %.9g is not %.9g\n",
			   name, wrong, count, first, ndarray_value(got, first),
			   ndarray_value(want, first));
	return !wrong;
}
