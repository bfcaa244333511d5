/* What both formats share: choosing one, and reading single values. */
#include "client/ndarray.h"

#include <math.h>
#include <string.h>

int ndarray_parse(struct span file, const char *name, struct ndarray *out, struct err *e)
{
	if (file.len >= 6 && !memcmp(file.data, "\x93NUMPY", 6))
		return npy_parse(file, name, out, e);
	return pb_parse(file, name, out, e);
}

void ndarray_release(struct ndarray *a)
{
	mem_free(a->own);
	*a = (struct ndarray){0};
}

static double half(uint16_t h)
{
	int exponent = h >> 10 & 31, fraction = h & 1023;
	double v = exponent == 0    ? ldexp(fraction, -24)
		   : exponent == 31 ? (double)(fraction ? NAN : INFINITY)
				    : ldexp(fraction + 1024, exponent - 25);

	return h & 0x8000 ? -v : v;
}

static double real(const struct elem *el, const uint8_t *p)
{
	uint32_t bits = 0;
	uint16_t h;
	double d;
	float f;

	if (el->size == 8) {
		memcpy(&d, p, 8);
		return d;
	}
	if (el->size == 4) {
		memcpy(&f, p, 4);
		return (double)f;
	}
	memcpy(&h, p, 2);
	if (el->kind == 'f')
		return half(h);
	bits = (uint32_t)h << 16; /* bfloat16 is the upper half of a float */
	memcpy(&f, &bits, 4);
	return (double)f;
}

double ndarray_value(const struct ndarray *a, size_t i)
{
	const uint8_t *p = a->data.data + i * a->elem->size;
	unsigned unused = 64 - (unsigned)a->elem->size * 8;
	uint64_t v = 0;

	if (a->elem->kind == 'f' || a->elem->kind == 'g')
		return real(a->elem, p);
	memcpy(&v, p, a->elem->size);
	if (a->elem->kind != 'i')
		return (double)v;
	return (double)((int64_t)(v << unused) >> unused); /* sign extended */
}
