/*
 * Exponentials, logarithms, hyperbolic functions, pow, erf. Everything is
 * computed in double-double (2^-80 or better here) and rounded once. There
 * are two cores: e^x - 1 by a Taylor polynomial of the reduced argument, and
 * its inverse by one Newton step from a short polynomial. erf is x times a
 * polynomial, erfc e^(-x^2) times one (Shepherd and Laframboise, Math. Comp.
 * 36 (1981)). base/math_fit.py computes the constants.
 */
#include "base/math.h"

#include "base/base.h"
#include "base/dd.h"
#include "base/math_tables.h"

#include <stdbool.h>

/* ---- exponentials ---- */

/* e^x - 1, |x| < 0.36: from that of x / 16, by (1 + p)^2 - 1 = 2p + p^2. */
static struct dd expm1_near(struct dd x)
{
	struct dd s = scale(x, 0x1p-4);
	struct dd p = add(s, mul(mul(s, s), polynomial(EXP, COUNT_OF(EXP), 3, s)));

	for (int i = 0; i < 4; i++)
		p = add(scale(p, 2), mul(p, p));
	return p;
}

/* n with x = n ln 2 + rest; |x| < 800. */
static int split_ln2(struct dd x, struct dd *rest)
{
	double n = nearest(x.hi * INV_LN2);

	*rest = add(add1(x, -n * LN2[0]), sum(-n * LN2[1], -n * LN2[2]));
	return (int)n;
}

/* e^x, rounded. */
static double exp_rounded(struct dd x)
{
	struct dd rest;
	int n;

	if (x.hi > 710)
		return INFINITE;
	if (x.hi < -746)
		return 0;
	n = split_ln2(x, &rest);
	return round_power(add1(expm1_near(rest), 1), n);
}

/* e^x - 1, |x| < 200. */
static struct dd expm1_any(struct dd x)
{
	struct dd rest, p;
	int n = split_ln2(x, &rest);

	p = expm1_near(rest);
	return n ? add1(scale(add1(p, 1), power_of_two(n)), -1) : p;
}

double math_exp(double x)
{
	return isnan(x) ? QUIET : exp_rounded((struct dd){x, 0});
}

double math_exp2(double x)
{
	double n;
	struct dd ln2 = quick_sum(LN2[0], LN2[1] + LN2[2]);

	if (isnan(x))
		return QUIET;
	if (fabs(x) > 1100)
		return x > 0 ? INFINITE : 0;
	if (fabs(x) < BELOW_ROUND)
		return 1;
	n = nearest(x);
	return round_power(add1(expm1_near(mul(ln2, (struct dd){x - n, 0})), 1), (int)n);
}

double math_expm1(double x)
{
	if (isnan(x))
		return QUIET;
	if (fabs(x) < BELOW_ROUND)
		return x;
	if (x > 100)
		return exp_rounded((struct dd){x, 0});
	return x < -100 ? -1 : expm1_any((struct dd){x, 0}).hi;
}

/* e^|x| - 1 as E, sinh = (E + E / (1 + E)) / 2, cosh = 1 + E^2 / (1 + E) / 2; large: e^(|x| - ln
 * 2). */
static double half_exp(double x)
{
	return exp_rounded(sum(fabs(x) - LN2[0], -LN2[1]));
}

double math_sinh(double x)
{
	struct dd e;

	if (isnan(x))
		return QUIET;
	if (fabs(x) < BELOW_ROUND)
		return x;
	if (fabs(x) > 100)
		return copysign(half_exp(x), x);
	e = expm1_any((struct dd){fabs(x), 0});
	return copysign(add(e, divide(e, add1(e, 1))).hi / 2, x);
}

double math_cosh(double x)
{
	struct dd e;

	if (isnan(x))
		return QUIET;
	if (fabs(x) < BELOW_ROUND)
		return 1;
	if (fabs(x) > 100)
		return half_exp(x);
	e = expm1_any((struct dd){fabs(x), 0});
	return add1(scale(divide(mul(e, e), add1(e, 1)), 0.5), 1).hi;
}

double math_tanh(double x)
{
	struct dd e;

	if (isnan(x))
		return QUIET;
	if (fabs(x) < BELOW_ROUND)
		return x;
	if (fabs(x) > 50)
		return copysign(1, x);
	e = expm1_any((struct dd){2 * fabs(x), 0});
	return copysign(divide(e, add1(e, 2)).hi, x);
}

/* ---- logarithms ---- */

/* log(1 + d), 1 + d in [0.7, 1.42]: y with 1 + q = (1 + d) e^-y, then y + log(1 + q). */
static struct dd log1p_near(struct dd d)
{
	double t = d.hi / (2 + d.hi), y = 2 * t * ATANH(t * t);
	struct dd p = expm1_near((struct dd){-y, 0});
	struct dd q = add(add(d, p), mul(d, p));

	q = add1(q, q.hi * q.hi * (-0.5 + q.hi * (1.0 / 3)));
	return add1(q, y);
}

/* log x = n ln 2 + log m, m in [sqrt 1/2, sqrt 2]; returns log m. x is positive and finite. */
static struct dd log_split(struct dd x, int *n)
{
	double m;

	*n = exponent_of(x.hi);
	m = times_power(x.hi, -*n);
	*n += m > 0x1.6a09e667f3bcdp0;
	x = (struct dd){times_power(x.hi, -*n), times_power(x.lo, -*n)};
	return log1p_near(add1(x, -1));
}

static struct dd log_any(struct dd x)
{
	int n;
	struct dd y = log_split(x, &n);

	return add(add1(y, n * LN2[0]), sum(n * LN2[1], n * LN2[2]));
}

/* log(1 + d), d > -1. */
static struct dd log1p_any(struct dd d)
{
	return d.hi > -0.29 && d.hi < 0.41 ? log1p_near(d) : log_any(add1(d, 1));
}

/* True where log x needs no computing; y is the result then. */
static bool log_special(double x, double *y)
{
	*y = x == 0 ? -INFINITE : x == INFINITE ? INFINITE : QUIET;
	return !(x > 0) || x == INFINITE;
}

double math_log(double x)
{
	double y;

	return log_special(x, &y) ? y : log_any((struct dd){x, 0}).hi;
}

double math_log2(double x)
{
	struct dd y;
	double special;
	int n;

	if (log_special(x, &special))
		return special;
	y = log_split((struct dd){x, 0}, &n);
	return add1(mul(y, (struct dd){LOG2_E[0], LOG2_E[1]}), n).hi;
}

double math_log1p(double x)
{
	double y;

	if (fabs(x) < BELOW_ROUND)
		return x;
	return log_special(1 + x, &y) ? y : log1p_any((struct dd){x, 0}).hi;
}

/* sign(x) log(u), u = |x| + sqrt(x^2 + 1) = 1 + |x| + x^2 / (1 + sqrt(x^2 + 1)) */
double math_asinh(double x)
{
	struct dd a = {fabs(x), 0}, square, d;

	if (isnan(x))
		return QUIET;
	if (a.hi < BELOW_ROUND || a.hi == INFINITE)
		return x;
	if (a.hi > BEYOND_ROUND)
		return copysign(add(log_any(a), sum(LN2[0], LN2[1])).hi, x);
	square = mul(a, a);
	d = add(a, divide(square, add1(square_root(add1(square, 1)), 1)));
	return copysign(log1p_any(d).hi, x);
}

/* log(x + sqrt(x^2 - 1)), with d = x - 1: log(1 + d + sqrt(d (d + 2))) */
double math_acosh(double x)
{
	struct dd d;

	if (!(x >= 1))
		return QUIET;
	if (x == INFINITE)
		return x;
	if (x > BEYOND_ROUND)
		return add(log_any((struct dd){x, 0}), sum(LN2[0], LN2[1])).hi;
	d = sum(x, -1);
	return log1p_any(add(d, square_root(mul(d, add1(d, 2))))).hi;
}

/* log((1 + x) / (1 - x)) / 2 = log(1 + 2x / (1 - x)) / 2 */
double math_atanh(double x)
{
	double a = fabs(x);

	if (!(a <= 1))
		return QUIET;
	if (a < BELOW_ROUND)
		return x;
	if (a == 1)
		return copysign(INFINITE, x);
	return copysign(log1p_any(divide((struct dd){2 * a, 0}, sum(1, -a))).hi / 2, x);
}

/* ---- pow ---- */

static bool is_integer(double y)
{
	return floor(y) == y;
}

static bool is_odd(double y)
{
	return is_integer(y) && !is_integer(y / 2);
}

/* x^y where one of them is 0 or infinite and neither NaN. */
static double power_of_edge(double x, double y)
{
	double a = fabs(x), magnitude = (a > 1) == (y > 0) ? INFINITE : 0;

	return copysign(a == 1 ? 1 : magnitude, signbit(x) && is_odd(y) ? -1 : 1);
}

double math_pow(double x, double y)
{
	double a = fabs(x);
	struct dd power;

	if (x == 1 || y == 0)
		return 1;
	if (isnan(x) || isnan(y) || (x < 0 && isfinite(x) && !is_integer(y)))
		return QUIET;
	if (a == 0 || isinf(x) || isinf(y))
		return power_of_edge(x, y);
	y = fabs(y) > 0x1p70 ? copysign(0x1p70, y) : y;
	power = log_any((struct dd){a, 0});
	power = fabs(y) > 0x1p-70 ? mul(power, (struct dd){y, 0}) : (struct dd){0, 0};
	return copysign(exp_rounded(power), x < 0 && is_odd(y) ? -1 : 1);
}

/* ---- error function ---- */

double math_erf(double x)
{
	struct dd a = {fabs(x), 0}, square, t;
	int n;

	if (isnan(x))
		return QUIET;
	if (a.hi > 6)
		return copysign(1, x);
	if (a.hi == 0)
		return x;
	if (a.hi < BELOW_ROUND) { /* scaled: no part of the product may underflow */
		n = exponent_of(a.hi) + 1;
		a.hi = times_power(a.hi, -n);
		return copysign(round_power(mul(a, ERF[0]), n), x);
	}
	square = mul(a, a);
	if (a.hi < 1)
		return copysign(mul(a, polynomial(ERF, COUNT_OF(ERF), 8, square)).hi, x);
	t = divide(sum(a.hi, -ERFC_CENTRE), sum(a.hi, ERFC_CENTRE));
	t = mul(polynomial(ERFC, COUNT_OF(ERFC), 8, t), add1(expm1_any(scale(square, -1)), 1));
	return copysign(add1(scale(t, -1), 1).hi, x);
}
