/*
 * Double-double arithmetic, for base/math*.c alone: an unevaluated sum of two
 * doubles, about 104 bits. Dekker, Numer. Math. 18 (1971); Shewchuk, Discrete
 * Comput. Geom. 18 (1997).
 */
#ifndef BASE_DD_H
#define BASE_DD_H

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

_Static_assert(FLT_EVAL_METHOD == 0, "doubles must be computed as doubles");

struct dd {
	double hi, lo; /* |lo| at most half a unit of hi's last place */
};

#define QUIET	     ((double)NAN)
#define INFINITE     ((double)INFINITY)
#define BELOW_ROUND  0x1p-54 /* f(x) = x + O(x^2) rounds to x below it, if the rest is < x^2 */
#define BEYOND_ROUND 0x1p60  /* adding 1 does not matter */

/* a + b exactly, |a| >= |b| or a is 0. */
static inline struct dd quick_sum(double a, double b)
{
	double s = a + b;

	return (struct dd){s, b - (s - a)};
}

/* a + b exactly. */
static inline struct dd sum(double a, double b)
{
	double s = a + b, t = s - a;

	return (struct dd){s, (a - (s - t)) + (b - t)};
}

/* a * b exactly; no part may overflow or underflow: |a|, |b| < 2^990, and |a b| > 2^-900. */
static inline struct dd product(double a, double b)
{
	double p = a * b, t = a * 0x1.0000002p27, u = b * 0x1.0000002p27;
	double a1 = t - (t - a), a2 = a - a1, b1 = u - (u - b), b2 = b - b1;

	return (struct dd){p, ((a1 * b1 - p) + a1 * b2 + a2 * b1) + a2 * b2};
}

static inline struct dd add(struct dd a, struct dd b)
{
	struct dd s = sum(a.hi, b.hi), t = sum(a.lo, b.lo);

	s = quick_sum(s.hi, s.lo + t.hi);
	return quick_sum(s.hi, s.lo + t.lo);
}

static inline struct dd add1(struct dd a, double b)
{
	return add(a, (struct dd){b, 0});
}

static inline struct dd scale(struct dd a, double power_of_two)
{
	return (struct dd){a.hi * power_of_two, a.lo * power_of_two};
}

static inline struct dd mul(struct dd a, struct dd b)
{
	struct dd p = product(a.hi, b.hi);

	return quick_sum(p.hi, p.lo + (a.hi * b.lo + a.lo * b.hi));
}

static inline struct dd divide(struct dd a, struct dd b)
{
	double q = a.hi / b.hi;
	struct dd rest = add(a, mul(b, (struct dd){-q, 0}));

	return quick_sum(q, rest.hi / b.hi);
}

static inline struct dd square_root(struct dd a)
{
	double r = sqrt(a.hi);
	struct dd square = product(r, r), rest;

	if (r == 0)
		return (struct dd){0, 0};
	rest = add(a, scale(square, -1));
	return quick_sum(r, rest.hi / (2 * r));
}

/* Horner's scheme; from c[exact] on, plain double does. */
static inline struct dd polynomial(const struct dd *c, size_t n, size_t exact, struct dd x)
{
	double tail = c[--n].hi;
	struct dd p;

	while (n > exact)
		tail = c[--n].hi + x.hi * tail;
	for (p = (struct dd){tail, 0}; n;)
		p = add(c[--n], mul(x, p));
	return p;
}

/* ---- powers of two ---- */

static inline double power_of_two(int n)
{
	uint64_t bits = (uint64_t)(n + 1023) << 52;
	double p;

	memcpy(&p, &bits, sizeof(p));
	return p;
}

/* x 2^n, |n| <= 2000; exact where that is possible. */
static inline double times_power(double x, int n)
{
	return x * power_of_two(n / 2) * power_of_two(n - n / 2);
}

/* x 2^n, 0.5 < x < 2, rounded once, also where it is subnormal. */
static inline double round_power(struct dd x, int n)
{
	double y = times_power(x.hi, n), one;

	if (y >= DBL_MIN)
		return y;
	one = power_of_two(-1022 - n); /* as an addend it makes 2^(-1074 - n) the last place */
	return times_power(add1(x, one).hi - one, n);
}

/* x > 0, finite: 2^n with x = 2^n m, m in [1, 2). */
static inline int exponent_of(double x)
{
	int below = x < DBL_MIN ? 54 : 0;
	uint64_t bits;

	x *= power_of_two(below);
	memcpy(&bits, &x, sizeof(bits));
	return (int)(bits >> 52) - 1023 - below;
}

static inline double nearest(double x)
{
	return (x + 0x1.8p52) - 0x1.8p52;
}

#endif
