/* Arithmetic and bit instructions: the rows of ops.def, and what their oracles need. */
#include "tests/40emulator/forms.h"

#include <fenv.h>

#define S16(x) ((int64_t)(int16_t)(x))
#define S24(x) ((int64_t)((x) << 40) >> 40)
#define S32(x) ((int64_t)(int32_t)(x))
#define S64(x) ((int64_t)(x))
#define F(x)   f32_of(x)
#define D(x)   f64_of(x)
#define R(v)   bits32(v)
#define Q(v)   bits64(v)
#define FZ(x)  f32_of(flush(x))
#define DZ(x)  (fpclassify(D(x)) == FP_SUBNORMAL ? copysign(0, D(x)) : D(x))
#define h(x)   ((long double)half_value((x)&0xffff))
#define H(v)   half_nearest(v)

static uint64_t flush(uint64_t a)
{
	return fpclassify(F(a)) == FP_SUBNORMAL ? a & 0x80000000 : a;
}

static float unit(float v)
{
	return v >= 1 ? 1 : v > 0 ? v : 0;
}

/* In the rounding mode of the host; volatile keeps the compiler from computing it elsewhere. */
static uint64_t directed(int mode, char op, float x, float y, float z)
{
	volatile float a = x, b = y, c = z, r;

	fesetround(mode);
	r = op == '+' ? a + b : op == '-' ? a - b : op == '*' ? a * b : fmaf(a, b, c);
	fesetround(FE_TONEAREST);
	return R(r);
}

/* The number, where one is none; the negative zero. */
static double lesser(double a, double b)
{
	if (isnan(a) || isnan(b))
		return isnan(a) ? b : a;
	if (a == b)
		return signbit(a) ? a : b;
	return a < b ? a : b;
}

static uint64_t saturate(int64_t v)
{
	return (uint64_t)(v > INT32_MAX ? INT32_MAX : v < INT32_MIN ? INT32_MIN : v);
}

static uint64_t shift_left(uint64_t a, uint64_t by)
{
	while (by-- && a)
		a *= 2;
	return a;
}

static uint64_t shift_right(uint64_t a, uint64_t by)
{
	while (by-- && a)
		a /= 2;
	return a;
}

static uint64_t leading_zeros(uint64_t a, uint64_t width)
{
	uint64_t n = width;

	for (; a; a /= 2)
		n--;
	return n;
}

static uint64_t ones(uint64_t a)
{
	uint64_t n = 0;

	for (; a; a /= 2)
		n += a % 2;
	return n;
}

static uint64_t reversed(uint64_t a, int width)
{
	uint64_t r = 0;

	for (int i = 0; i < width; i++, a /= 2)
		r = r * 2 + a % 2;
	return r;
}

/* The manual's loop over bits. */
static uint64_t field(uint64_t a, uint64_t b, uint64_t c, uint64_t width, bool is_signed)
{
	uint64_t pos = b & 255, len = c & 255, d = 0, sign;
	uint64_t top = pos + len - 1 < width - 1 ? pos + len - 1 : width - 1;

	sign = !is_signed || !len ? 0 : a >> top & 1;
	for (uint64_t i = 0; i < width; i++)
		d |= (i < len && pos + i < width ? a >> (pos + i) & 1 : sign) << i;
	return d;
}

static uint64_t insert(uint64_t a, uint64_t b, uint64_t p, uint64_t l, uint64_t width)
{
	uint64_t pos = p & 255, len = l & 255;

	for (uint64_t i = 0; i < len && pos + i < width; i++) {
		b &= ~((uint64_t)1 << (pos + i));
		b |= (a >> i & 1) << (pos + i);
	}
	return b;
}

static uint64_t funnel(uint64_t lo, uint64_t hi, uint64_t n, bool left)
{
	unsigned __int128 both = (unsigned __int128)hi << 32 | lo;

	return (uint64_t)(left ? both << n >> 32 : both >> n) & UINT32_MAX;
}

static uint64_t permute(uint64_t a, uint64_t b, uint64_t c)
{
	uint8_t bytes[8];
	uint64_t r = 0, both = b << 32 | a;

	memcpy(bytes, &both, 8);
	for (int k = 3; k >= 0; k--) {
		uint64_t s = c >> 4 * k & 15, v = bytes[s & 7];

		if (s > 7)
			v = v > 127 ? 255 : 0;
		r = r * 256 + v;
	}
	return r;
}

static uint64_t backward(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t r = 0, both = b << 32 | a;

	for (uint64_t k = 0; k < 4; k++)
		r |= (both >> (c + 8 - k) % 8 * 8 & 255) << 8 * k;
	return r;
}

/* ecl: byte max(c, k), ecr: byte min(c, k) */
static uint64_t edge(uint64_t a, int c, bool left)
{
	uint64_t r = 0;

	for (int k = 0; k < 4; k++)
		r |= (a >> 8 * (left ? (c > k ? c : k) : (c < k ? c : k)) & 255) << 8 * k;
	return r;
}

static uint64_t table3(uint64_t a, uint64_t b, uint64_t c, uint64_t table)
{
	uint64_t r = 0;

	for (int i = 0; i < 32; i++)
		r |= (table >> ((a >> i & 1) * 4 + (b >> i & 1) * 2 + (c >> i & 1)) & 1) << i;
	return r;
}

static uint64_t dot4(uint64_t a, uint64_t b, bool a_signed, bool b_signed)
{
	int64_t sum = 0;

	for (int k = 0; k < 32; k += 8) {
		int64_t x = (int64_t)(a >> k & 255), y = (int64_t)(b >> k & 255);

		x -= a_signed && x > 127 ? 256 : 0;
		y -= b_signed && y > 127 ? 256 : 0;
		sum += x * y;
	}
	return (uint64_t)sum;
}

/* The nearer of the two bfloats around a finite float; even on ties. */
static uint64_t bfloat(uint64_t a)
{
	uint64_t lo = a >> 16, rest = a & 0xffff;

	return rest > 0x8000 || (rest == 0x8000 && lo & 1) ? lo + 1 : lo;
}

/* Towards zero. */
static uint64_t half_cut(float v)
{
	uint64_t n = half_nearest((long double)v);

	if (isfinite(v) && fabs(half_value(n)) > (double)fabsf(v))
		n--;
	return n;
}

/* One oracle for all rows: row n is case n. */
enum { FIRST = __COUNTER__ + 1 };
static uint64_t want(const struct form_case *f, uint64_t a, uint64_t b, uint64_t c)
{
	switch (*(const int *)f->arg) {
#define OP(insn, d, a_, b_, c_, compare, tolerance, expr) \
	case __COUNTER__ - FIRST:                         \
		return (expr);
#include "tests/40emulator/ops.def"
#undef OP
	default:
		return 0;
	}
}

static const struct form_case rows[] = {
#define OP(insn, d, a, b, c, compare, tolerance, expr) \
	{insn, d, a, b, c, compare, tolerance, want, NULL},
#include "tests/40emulator/ops.def"
#undef OP
};

int main(void)
{
	form_start();
	for (int i = 0; i < (int)COUNT_OF(rows); i++) {
		struct form_case f = rows[i];

		f.arg = &i;
		form_run(&f);
	}
	return form_end();
}
