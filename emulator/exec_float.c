/*
 * Handlers of floating-point instructions: the rows of float.def. The
 * helpers have no branches that a vectorising compiler could not turn into
 * selections.
 */
#include "base/math_approx.h"
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

/* The manual: by a finite number beyond 2^126 the quotient is 0, or NaN where a is infinite. */
static inline float div_approx(float a, float b)
{
	uint32_t size = bits_of(b) & 0x7fffffff;
	float q = a / b;

	return size > 0x7e800000 && size < 0x7f800000 ? a * 0 : q;
}

/* Approximations: special values here, the rest in double and rounded once. */
static inline float lg2(float a)
{
	float r = (float)approx_log2((double)(a > 0 ? a : 1));

	r = a == 0 ? -__builtin_inff() : r;
	r = a > 3.4028235e38f ? a : r;
	return a < 0 || a != a ? __builtin_nanf("") : r;
}

static inline float sine(float a, unsigned quarter)
{
	return a - a == 0 ? (float)approx_sin((double)a, quarter) : __builtin_nanf("");
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
