/*
 * Data of constants in the text IR. Up to 64 elements are written out; more
 * become a tag (the head of the bytes' SHA-256), read back as pseudo-random
 * numbers that the tag seeds: a pass test needs shapes and liveness, not a
 * model's weights.
 */
#include "base/half.h"
#include "base/hash.h"
#include "compiler/text.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INLINE_MAX 64
#define DATA_MAX   ((uint64_t)1 << 30) /* bytes of all constants of one text */

/* ---- out ---- */

void print_float(struct buf *out, float f)
{
	char s[40];

	if (isnan(f)) {
		buf_puts(out, "nan");
		return;
	}
	for (int digits = 1; digits <= 9; digits++) {
		snprintf(s, sizeof(s), "%.*g", digits, (double)f);
		if (strtof(s, NULL) == f)
			break;
	}
	buf_puts(out, s);
}

static void print_double(struct buf *out, double d)
{
	char s[40];

	if (isnan(d)) {
		buf_puts(out, "nan");
		return;
	}
	for (int digits = 1; digits <= 17; digits++) {
		snprintf(s, sizeof(s), "%.*g", digits, d);
		if (strtod(s, NULL) == d)
			break;
	}
	buf_puts(out, s);
}

/* Elements may be unaligned. */
#define LOAD(T, p)                            \
	({                                    \
		T load_;                      \
		memcpy(&load_, p, sizeof(T)); \
		load_;                        \
	})

static void print_element(struct buf *out, enum dtype dt, const uint8_t *p)
{
	switch (dt) {
	case F32:
		print_float(out, LOAD(float, p));
		return;
	case F16:
		print_float(out, half_to_float(LOAD(uint16_t, p)));
		return;
	case BF16:
		print_float(out, bfloat_to_float(LOAD(uint16_t, p)));
		return;
	case F64:
		print_double(out, LOAD(double, p));
		return;
	case I8:
		buf_printf(out, "%d", LOAD(int8_t, p));
		return;
	case I16:
		buf_printf(out, "%d", LOAD(int16_t, p));
		return;
	case I32:
		buf_printf(out, "%d", LOAD(int32_t, p));
		return;
	case I64:
		buf_printf(out, "%lld", (long long)LOAD(int64_t, p));
		return;
	case U16:
		buf_printf(out, "%u", LOAD(uint16_t, p));
		return;
	case U32:
		buf_printf(out, "%u", LOAD(uint32_t, p));
		return;
	case U64:
		buf_printf(out, "%llu", (unsigned long long)LOAD(uint64_t, p));
		return;
	default: /* U8, BOOL */
		buf_printf(out, "%u", *p);
		return;
	}
}

void print_data(struct buf *out, const struct type *t, const void *data, uint64_t fill)
{
	int64_t n = type_count(t);
	char hex[SHA256_HEX];

	if (fill) {
		buf_printf(out, "fill=%016llx", (unsigned long long)fill);
	} else if (n > INLINE_MAX) {
		hash_bytes_hex(data, (size_t)type_bytes(t), hex);
		buf_printf(out, "fill=%.16s", hex);
	} else {
		buf_puts(out, "{");
		for (int64_t i = 0; i < n; i++) {
			buf_puts(out, i ? ", " : "");
			print_element(out, t->dt,
				      (const uint8_t *)data + (size_t)i * dtype_size(t->dt));
		}
		buf_puts(out, "}");
	}
}

/* ---- in ---- */

static const struct range {
	int64_t min;
	uint64_t max;
} ranges[DT_COUNT] = {
	[I8] = {INT8_MIN, INT8_MAX},
	[I16] = {INT16_MIN, INT16_MAX},
	[I32] = {INT32_MIN, INT32_MAX},
	[I64] = {INT64_MIN, INT64_MAX},
	[U8] = {0, UINT8_MAX},
	[U16] = {0, UINT16_MAX},
	[U32] = {0, UINT32_MAX},
	[U64] = {0, UINT64_MAX},
	[BOOL] = {0, 1},
};

static int read_float_element(struct reader *r, enum dtype dt, uint8_t *p)
{
	const char *start = r->p;
	double d;
	float f;
	uint16_t h;

	if (read_double(r, &d) < 0)
		return -1;
	f = strtof(start, NULL); /* not (float)d: that would round twice */
	h = dt == F16 ? half_from_float(f) : bfloat_from_float(f);
	if (dt == F64)
		memcpy(p, &d, sizeof(d));
	else if (dt == F32)
		memcpy(p, &f, sizeof(f));
	else
		memcpy(p, &h, sizeof(h));
	return 0;
}

static int read_element(struct reader *r, enum dtype dt, uint8_t *p)
{
	int64_t i;
	uint64_t u;

	if (dt == F32 || dt == F16 || dt == BF16 || dt == F64)
		return read_float_element(r, dt, p);
	if (accept(r, "-")) {
		if (read_uint(r, (uint64_t)INT64_MAX + 1, &u) < 0)
			return -1;
		i = (int64_t)(0 - u);
		if (i < ranges[dt].min)
			return expected(r, "a number in the type's range before this");
	} else {
		if (read_uint(r, ranges[dt].max, &u) < 0)
			return -1;
		i = (int64_t)u;
	}
	memcpy(p, &i, dtype_size(dt)); /* little-endian: the low bytes */
	return 0;
}

static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* Floats in [-1, 1) over the root of the fan-in, signed integers in [-64, 63], unsigned to 127. */
static void fill_data(const struct type *t, uint64_t seed, uint8_t *p)
{
	size_t size = dtype_size(t->dt);
	int64_t n = type_count(t), fan_in = t->rank > 1 && t->dim[0] ? n / t->dim[0] : 1;
	double scale = 1.0 / sqrt((double)MAX(fan_in, 1));

	for (int64_t i = 0; i < n; i++, p += size) {
		uint64_t x = next_random(&seed);
		double d = ((double)(x >> 40) / (1 << 23) - 1) * scale;
		float f = (float)d;
		uint16_t h = t->dt == F16 ? half_from_float(f) : bfloat_from_float(f);
		int64_t v = (int64_t)(x >> 57) + (ranges[t->dt].min < 0 ? -64 : 0);

		if (t->dt == F32)
			memcpy(p, &f, sizeof(f));
		else if (t->dt == F64)
			memcpy(p, &d, sizeof(d));
		else if (t->dt == F16 || t->dt == BF16)
			memcpy(p, &h, sizeof(h));
		else if (t->dt == BOOL)
			*p = (uint8_t)(x >> 63);
		else
			memcpy(p, &v, size);
	}
}

static int read_tag(struct reader *r, uint64_t *tag)
{
	char hex[17] = {0};

	for (int i = 0; i < 16; i++) {
		if (!isxdigit((unsigned char)r->p[i]))
			return expected(r, "16 hex digits");
		hex[i] = r->p[i];
	}
	r->p += 16;
	*tag = strtoull(hex, NULL, 16);
	return *tag ? 0 : expected(r, "a tag that is not zero before this");
}

int read_data(struct reader *r, const struct type *t, const void **data, uint64_t *fill)
{
	size_t size = dtype_size(t->dt);
	int64_t n;
	uint8_t *p;

	for (int i = 0; i < t->rank; i++)
		if (t->rank == RANK_UNKNOWN || t->dim[i] < 0)
			return expected(r, "a type without '?' before this");
	if (!size)
		return expected(r, "a data type before this");
	n = type_count(t);
	if ((uint64_t)n > DATA_MAX / size || r->data_bytes + (uint64_t)n * size > DATA_MAX)
		return expected(r, "at most 1 GiB of constants before this");
	r->data_bytes += (uint64_t)n * size;
	*fill = 0;
	if (accept(r, "fill=")) {
		if (read_tag(r, fill) < 0)
			return -1;
		*data = p = arena_alloc(r->g->arena, (size_t)n * size);
		fill_data(t, *fill, p);
		return 0;
	}
	if (n > INLINE_MAX)
		return expected(r, "fill=TAG, as there are more than 64 elements");
	*data = p = arena_alloc(r->g->arena, (size_t)n * size);
	if (expect(r, "{") < 0)
		return -1;
	for (int64_t i = 0; i < n; i++, p += size)
		if ((i && expect(r, ",") < 0) || read_element(r, t->dt, p) < 0)
			return -1;
	return expect(r, "}");
}
