/*
 * Handlers of floating-point instructions: the rows of float.def. The
 * helpers have no branches that a vectorising compiler could not turn into
 * selections.
 */
#include "emulator/exec_isa.h"

/* One step towards (M: away) in the order of the reals; bits of a finite or infinite value. */
static inline float step_down(float f)
{
	uint32_t u = bits_of(f), mag = u & 0x7fffffff;

	return f32_of(!mag ? 0x80000001 : u >> 31 ? u + 1 : u - 1);
}

static inline float step_up(float f)
{
	return -step_down(-f);
}

/* The exact value is s + rest, |rest| at most half an ulp of s. */
static inline float round_rm(double s, double rest)
{
	float f = (float)s;
	double g = (double)f;

	return g > s || (g == s && rest < 0) ? step_down(f) : f;
}

static inline float round_rp(double s, double rest)
{
	float f = (float)s;
	double g = (double)f;

	return g < s || (g == s && rest > 0) ? step_up(f) : f;
}

static inline float round_rz(double s, double rest)
{
	return s < 0 || (s == 0 && rest < 0) ? round_rp(s, rest) : round_rm(s, rest);
}

/* Knuth's two-sum; an infinite or NaN sum has no rest. */
static inline double two_sum(double a, double b, double *rest)
{
	double s = a + b, t = s - a, r = (a - (s - t)) + (b - t);

	*rest = r - r == 0 ? r : 0;
	return s;
}

static inline float sum_rz(double a, double b)
{
	double rest, s = two_sum(a, b, &rest);

	return round_rz(s, rest);
}

static inline float sum_rp(double a, double b)
{
	double rest, s = two_sum(a, b, &rest);

	return round_rp(s, rest);
}

/* Rounding down, an exact zero of unlike signs is -0. */
static inline float sum_rm(double a, double b)
{
	double rest, s = two_sum(a, b, &rest);
	bool zero = s == 0 && rest == 0 && (bits_of64(a) | bits_of64(b)) >> 63;

	return zero ? -0.0f : round_rm(s, rest);
}

/* The operand that is a number wins; -0 is less than +0. */
static inline float min_f(float a, float b)
{
	float r = a < b ? a : b;

	r = a == b ? f32_of(bits_of(a) | bits_of(b)) : r;
	r = b != b ? a : r;
	return r;
}

static inline float max_f(float a, float b)
{
	float r = a > b ? a : b;

	r = a == b ? f32_of(bits_of(a) & bits_of(b)) : r;
	r = b != b ? a : r;
	return r;
}

static inline double min_d(double a, double b)
{
	double r = a < b ? a : b;

	r = a == b ? f64_of(bits_of64(a) | bits_of64(b)) : r;
	return b != b ? a : r;
}

static inline double max_d(double a, double b)
{
	double r = a > b ? a : b;

	r = a == b ? f64_of(bits_of64(a) & bits_of64(b)) : r;
	return b != b ? a : r;
}

static inline double flush64(double a)
{
	return f64_of(bits_of64(a) & (uint64_t)0x7ff << 52 ? bits_of64(a)
							   : bits_of64(a) & (uint64_t)1 << 63);
}

static inline double high_word(double a)
{
	return f64_of(bits_of64(a) & 0xffffffff00000000u);
}

/* 2^x for |x| < 1022: 2^n by the exponent, 2^f by a Taylor series, |f| <= 1/2, error < 1e-13. */
static inline double pow2(double x)
{
	const double magic = 6755399441055744.0; /* 1.5 * 2^52: adding it rounds to an integer */
	double shifted = x + magic, f = (x - (shifted - magic)) * 0.69314718055994530942;
	uint64_t n = bits_of64(shifted) << 52;
	double p = 1.0 / 479001600;

	p = p * f + 1.0 / 39916800;
	p = p * f + 1.0 / 3628800;
	p = p * f + 1.0 / 362880;
	p = p * f + 1.0 / 40320;
	p = p * f + 1.0 / 5040;
	p = p * f + 1.0 / 720;
	p = p * f + 1.0 / 120;
	p = p * f + 1.0 / 24;
	p = p * f + 1.0 / 6;
	p = p * f + 0.5;
	p = p * f + 1;
	p = p * f + 1;
	return f64_of(bits_of64(p) + n);
}

static inline float ex2(float a)
{
	double x = (double)(a < -200 ? -200 : a > 200 ? 200 : a);

	return a != a ? a : (float)pow2(x);
}

/* log2 of a positive number: exponent + 2 atanh((m - 1) / (m + 1)) / ln 2, m in [0.7, 1.4]. */
static inline double log2_positive(double a)
{
	uint64_t u = bits_of64(a);
	int64_t n = (int64_t)(u - 0x3fe6a09e667f3bcdu) >> 52;
	double m = f64_of(u - ((uint64_t)n << 52)), t = (m - 1) / (m + 1), z = t * t;
	double p = 1.0 / 19;

	p = p * z + 1.0 / 17;
	p = p * z + 1.0 / 15;
	p = p * z + 1.0 / 13;
	p = p * z + 1.0 / 11;
	p = p * z + 1.0 / 9;
	p = p * z + 1.0 / 7;
	p = p * z + 1.0 / 5;
	p = p * z + 1.0 / 3;
	p = p * z + 1;
	return (double)(int32_t)n + 2.88539008177792681472 * t * p;
}

static inline float lg2(float a)
{
	float r = (float)log2_positive((double)(a > 0 ? a : 1));

	r = a == 0 ? -__builtin_inff() : r;
	r = a > 3.4028235e38f ? a : r;
	return a < 0 || a != a ? __builtin_nanf("") : r;
}

/* sin(a + quarter turns): reduced to [-pi/4, pi/4] by pi/2 in two parts. */
static inline float sine(float a, int quarter)
{
	const double magic = 6755399441055744.0;
	double x = (double)a, shifted = x * 0.63661977236758134308 + magic, n = shifted - magic;
	double r = (x - n * 1.57079632679489655800) - n * 6.12323399573676603587e-17, z = r * r;
	uint64_t turn = bits_of64(shifted) + (uint64_t)quarter;
	double s = 1.0 / 6227020800, c = 1.0 / 87178291200;

	s = -s * z + 1.0 / 39916800;
	s = -s * z + 1.0 / 362880;
	s = -s * z + 1.0 / 5040;
	s = -s * z + 1.0 / 120;
	s = -s * z + 1.0 / 6;
	s = r - r * z * s;
	c = -c * z + 1.0 / 479001600;
	c = -c * z + 1.0 / 3628800;
	c = -c * z + 1.0 / 40320;
	c = -c * z + 1.0 / 720;
	c = -c * z + 1.0 / 24;
	c = 1 - z * (0.5 - z * c);
	s = turn & 1 ? c : s;
	s = turn & 2 ? -s : s;
	return a - a == 0 ? (float)s : __builtin_nanf("");
}

static inline float hyperbolic_tangent(float a)
{
	double x = (double)(a < -20 ? -20 : a > 20 ? 20 : a);
	double e = pow2(x * 2.88539008177792681472), r = (e - 1) / (e + 1);

	/* near zero the difference cancels: x - x^3/3 + 2x^5/15 is exact enough there */
	r = x < 0.01 && x > -0.01 ? x - x * x * x * (1.0 / 3 - x * x * (2.0 / 15)) : r;
	return a != a ? a : (float)r;
}

#define FORM_PASS 1
#include "emulator/exec_form.h"

#include "emulator/float.def"
#undef FORM_PASS

/*
 * A run of n fused multiply-adds at full mask, the body of every GEMM: this
 * operation and the n - 1 behind it, with no dispatch between them.
 */
const struct op *ISA(fma_run)(struct warp *w, const struct op *o)
{
	const struct op *end = o + o->x;

	for (; o < end; o++) {
		f32_lane *d = AT(f32, o->d);
		const f32_lane *a = AT(f32, o->a), *b = AT(f32, o->b), *c = AT(f32, o->c);

		LANES d[i] = __builtin_fmaf(a[i], b[i], c[i]);
	}
	return o;
}

/* One of them alone, under a mask. */
const struct op *ISA(masked_fma)(struct warp *w, const struct op *o)
{
	f32_lane *d = AT(f32, o->d);
	const f32_lane *a = AT(f32, o->a), *b = AT(f32, o->b), *c = AT(f32, o->c);
	uint32_t mask = w->mask;

	LANES d[i] = mask >> i & 1 ? __builtin_fmaf(a[i], b[i], c[i]) : d[i];
	return o + 1;
}

const struct form ISA(float_forms)[] = {
#define FORM_PASS 2
#include "emulator/exec_form.h"

#include "emulator/float.def"
	{NULL, NULL, NULL}};
