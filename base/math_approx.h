/*
 * What the approximate instructions of a GPU compute, for the emulator: short
 * polynomials in double, to 2^-30 or better, so that a result rounded to float
 * is off by 0.51 units of the last place at most. No branch, call or table,
 * so that a loop over lanes becomes vectors; only + - * / of doubles, so that
 * the bytes are the same everywhere. base/math_fit.py computes the constants.
 */
#ifndef BASE_MATH_APPROX_H
#define BASE_MATH_APPROX_H

#include "base/math_approx_tables.h"

#include <stdint.h>
#include <string.h>

static inline double approx_of_bits(uint64_t bits)
{
	double f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

static inline uint64_t approx_bits(double f)
{
	uint64_t bits;

	memcpy(&bits, &f, sizeof(bits));
	return bits;
}

/* 2^x, for |x| up to 1000; beyond 1000 it is held there. Not for NaN. */
static inline double approx_exp2(double x)
{
	double bounded = x < -1000 ? -1000 : x > 1000 ? 1000 : x;
	double shifted = bounded + 0x1.8p52; /* the nearest integer, in the low bits */
	double rest = bounded - (shifted - 0x1.8p52);

	return approx_of_bits(approx_bits(APPROX_EXP2(rest)) + (approx_bits(shifted) << 52));
}

/* log2 x of a positive normal number: x = 2^n m, m in [sqrt 1/2, sqrt 2]. */
static inline double approx_log2(double x)
{
	uint64_t n = (approx_bits(x) - 0x3fe6a09e667f3bcd + ((uint64_t)1023 << 52)) >> 52;
	double m = approx_of_bits(approx_bits(x) - ((n - 1023) << 52)), t = (m - 1) / (m + 1);

	/* n in the low bits of 2^52 */
	return (approx_of_bits(n | 0x4330000000000000) - (0x1p52 + 1023)) + t * APPROX_LOG2(t * t);
}

/* sin(x + quarter pi / 2), |x| < 2^22; beyond, the error is x 2^-54, and 0 from 2^31 on. */
static inline double approx_sin(double x, unsigned quarter)
{
	double bounded = x < 0x1p31 && x > -0x1p31 ? x : 0;
	double shifted = bounded * APPROX_TWO_BY_PI + 0x1.8p52, n = shifted - 0x1.8p52;
	double r = (bounded - n * APPROX_HALF_PI) - n * APPROX_HALF_PI_REST, z = r * r;
	uint64_t turn = approx_bits(shifted) + quarter;
	double s = r * APPROX_SIN(z), c = APPROX_COS(z);

	s = turn & 1 ? c : s;
	return turn & 2 ? -s : s;
}

/* (e^2x - 1) / (e^2x + 1); near 0, where the difference would cancel, x - x^3 / 3 + 2 x^5 / 15. */
static inline double approx_tanh(double x)
{
	double bounded = x < -30 ? -30 : x > 30 ? 30 : x, z = x * x;
	double e = approx_exp2(bounded * (2 / APPROX_LN2)), r = (e - 1) / (e + 1);

	return z < 0x1p-9 ? x - x * z * (1.0 / 3 - z * (2.0 / 15)) : r;
}

#endif
