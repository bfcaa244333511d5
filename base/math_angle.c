/*
 * Circular functions and their inverses in double-double: sine and cosine by
 * Taylor polynomials after a reduction by pi / 2 that is exact for any angle
 * (Payne and Hanek, SIGNUM 18 (1983)), arctan by one Newton step from a short
 * polynomial.
 */
#include "base/base.h"
#include "base/dd.h"
#include "base/math.h"
#include "base/math_tables.h"

#include <stdbool.h>

#define QUARTER_PI 0x1.921fb54442d18p-1

static struct dd sin_near(struct dd x)
{
	struct dd z = mul(x, x);

	return add(x, mul(mul(x, z), scale(polynomial(SIN, COUNT_OF(SIN), 4, z), -1)));
}

static struct dd cos_near(struct dd x)
{
	struct dd z = mul(x, x);

	return add1(mul(z, scale(polynomial(COS, COUNT_OF(COS), 4, z), -1)), 1);
}

/*
 * p = x 2 / pi modulo 4, seven words of 32 bits, the last one first; returns how many of the bits
 * are behind the point, 191 to 222. Of 2 / pi, words that give multiples of 4 are left out, and
 * those behind the seventh: they are worth less than 2^-138, where x is 2^-61 from a multiple of pi
 * / 2 at least.
 */
static int times_two_by_pi(double x, uint32_t p[8])
{
	int e = exponent_of(x) - 52, first = (e + 62) / 32;
	uint64_t m = (uint64_t)times_power(x, -e), low = m & UINT32_MAX, high = m >> 32;

	memset(p, 0, 8 * sizeof(p[0]));
	for (int k = 0; k < 7; k++) {
		uint64_t word = TWO_BY_PI[first + 6 - k], carry = low * word + p[k];

		p[k] = (uint32_t)carry;
		carry = (carry >> 32) + high * word;
		for (int j = k + 1; j < 8; j++, carry >>= 32) {
			carry += p[j];
			p[j] = (uint32_t)carry;
		}
	}
	return 32 * (first + 5) - e;
}

/* x = quarter pi / 2 + rest, |rest| <= pi / 4; returns quarter modulo 4. x is finite. */
static unsigned quarter_turns(double x, struct dd *rest)
{
	uint32_t p[8];
	int point, top, bits;
	unsigned quarter;
	struct dd f = {0, 0};
	bool less;

	*rest = (struct dd){x, 0};
	if (fabs(x) <= QUARTER_PI)
		return 0;
	point = times_two_by_pi(fabs(x), p);
	top = point / 32;
	bits = point % 32;
	quarter = (unsigned)(((uint64_t)p[top + 1] << 32 | p[top]) >> bits);
	p[top] &= ((uint32_t)1 << bits) - 1;
	less = (p[top - (bits == 0)] >> (bits ? bits - 1 : 31)) & 1;
	if (less) { /* 1 - f: the bits' complement, up to the last one */
		quarter++;
		for (int k = 0; k <= top; k++)
			p[k] = ~p[k];
		p[top] &= ((uint32_t)1 << bits) - 1;
	}
	for (int k = top; k >= 0; k--)
		f = add1(f, p[k] * power_of_two(32 * k - point));
	*rest = scale(mul(f, (struct dd){HALF_PI[0], HALF_PI[1]}), less != (x < 0) ? -1 : 1);
	return x < 0 ? -quarter & 3 : quarter & 3;
}

/* sin(x + quarter pi / 2) */
static struct dd sin_any(double x, unsigned quarter)
{
	struct dd rest, y;

	quarter += quarter_turns(x, &rest);
	y = quarter & 1 ? cos_near(rest) : sin_near(rest);
	return scale(y, quarter & 2 ? -1 : 1);
}

double math_sin(double x)
{
	if (!isfinite(x))
		return QUIET;
	return fabs(x) < BELOW_ROUND ? x : sin_any(x, 0).hi;
}

double math_cos(double x)
{
	if (!isfinite(x))
		return QUIET;
	return fabs(x) < BELOW_ROUND ? 1 : sin_any(x, 1).hi;
}

double math_tan(double x)
{
	if (!isfinite(x))
		return QUIET;
	return fabs(x) < BELOW_ROUND ? x : divide(sin_any(x, 0), sin_any(x, 1)).hi;
}

/* atan x, 0 <= x <= 1: y, then y + atan((x - tan y) / (1 + x tan y)), times cos y in both parts. */
static struct dd atan_near(struct dd x)
{
	double y = x.hi * ATAN(x.hi * x.hi);
	struct dd s = sin_near((struct dd){y, 0}), c = cos_near((struct dd){y, 0});
	struct dd d = divide(add(mul(x, c), scale(s, -1)), add(c, mul(x, s)));

	d = add1(d, d.hi * d.hi * d.hi * (-1.0 / 3));
	return add1(d, y);
}

/* x >= 0 */
static struct dd atan_any(struct dd x)
{
	struct dd right = {HALF_PI[0], HALF_PI[1]};

	if (x.hi <= 1)
		return atan_near(x);
	return add(right, scale(atan_near(divide((struct dd){1, 0}, x)), -1));
}

double math_atan(double x)
{
	if (isnan(x))
		return QUIET;
	if (fabs(x) < BELOW_ROUND)
		return x;
	if (fabs(x) > BEYOND_ROUND)
		return copysign(HALF_PI[0], x);
	return copysign(atan_any((struct dd){fabs(x), 0}).hi, x);
}

/* atan(x / sqrt((1 - x)(1 + x))) */
double math_asin(double x)
{
	double a = fabs(x);

	if (!(a <= 1))
		return QUIET;
	if (a < BELOW_ROUND)
		return x;
	if (a == 1)
		return copysign(HALF_PI[0], x);
	return copysign(
		atan_any(divide((struct dd){a, 0}, square_root(mul(sum(1, -a), sum(1, a))))).hi, x);
}

/* 2 atan(sqrt((1 - x) / (1 + x))) */
double math_acos(double x)
{
	if (!(fabs(x) <= 1))
		return QUIET;
	if (x == -1)
		return 2 * HALF_PI[0];
	return 2 * atan_any(square_root(divide(sum(1, -x), sum(1, x)))).hi;
}
