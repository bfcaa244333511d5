/* binary16 and bfloat16 by bits, so that no host support is needed. */
#ifndef EMULATOR_EXEC_HALF_H
#define EMULATOR_EXEC_HALF_H

#include "emulator/exec_lane.h"

static inline float f32_of_f16(uint16_t h)
{
	uint32_t sign = (uint32_t)(h & 0x8000) << 16, mag = h & 0x7fff;
	float tiny = (float)(int32_t)mag * 0x1p-24f; /* subnormal: mag units of 2^-24 */
	uint32_t normal = (mag << 13) + (mag >= 0x7c00 ? (255 - 31) << 23 : (127 - 15) << 23);

	return f32_of(sign | (mag < 0x400 ? bits_of(tiny) : normal));
}

/* Rounded to nearest even, or towards zero. */
static inline uint16_t f16_of_f64(double v, int towards_zero)
{
	uint64_t u = bits_of64(v), mag = u & INT64_MAX;
	uint32_t sign = (uint32_t)(u >> 48) & 0x8000;
	double a = f64_of(mag);
	/* at least 2^-14, so that subnormal results are cut at 2^-24 */
	int64_t exponent = (int64_t)(mag >> 52) - 1023 < -14 ? -14 : (int64_t)(mag >> 52) - 1023;
	double unit = f64_of((uint64_t)(exponent - 10 + 1023) << 52);
	double steps, limit = towards_zero ? 65536 : 65520;
	int64_t n;

	if (mag > (uint64_t)0x7ff << 52)
		return 0x7fff;
	if (mag == (uint64_t)0x7ff << 52)
		return (uint16_t)(sign | 0x7c00);
	if (a >= limit || a >= 65536)
		return (uint16_t)(sign | (towards_zero ? 0x7bff : 0x7c00));
	steps = a / unit; /* exact: a power of two */
	n = (int64_t)(towards_zero ? __builtin_trunc(steps) : __builtin_rint(steps));
	/* n in units of the last place; a carry to the next power of two adds up by itself */
	return (uint16_t)(sign | (uint32_t)(n + (exponent + 14) * 1024));
}

static inline uint16_t bf16_of_f32(float f)
{
	uint32_t u = bits_of(f);

	if ((u & 0x7fffffff) > 0x7f800000)
		return 0x7fff;
	return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

#endif
