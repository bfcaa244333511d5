/* Every conversion between integers and floats, against one oracle in exact arithmetic. */
#include "tests/40emulator/forms.h"

#include <fenv.h>
#include <stdio.h>

struct cvt {
	const char *to, *from, *rounding;
	bool sat, ftz;
};

static int width(const char *type)
{
	return type[1] == '8' ? 8 : (type[1] - '0') * 10 + type[2] - '0';
}

/* Bits of a value as a number; integers of 64 bits fit a long double of the 80387 only. */
static __int128 integer(const char *type, uint64_t bits)
{
	int w = width(type);

	if (type[0] == 's' && w < 64 && bits >> (w - 1) & 1)
		return (__int128)bits - ((__int128)1 << w);
	return type[0] == 's' ? (__int128)(int64_t)bits : (__int128)bits;
}

static double number(const char *type, uint64_t bits)
{
	return width(type) == 16   ? half_value(bits)
	       : width(type) == 32 ? (double)f32_of(bits)
				   : f64_of(bits);
}

static uint64_t clamp(const char *to, __int128 v)
{
	int w = width(to);
	__int128 lo = to[0] == 's' ? -((__int128)1 << (w - 1)) : 0;
	__int128 hi = ((__int128)1 << (to[0] == 's' ? w - 1 : w)) - 1;

	return (uint64_t)(v < lo ? lo : v > hi ? hi : v);
}

static double round_to_integer(const char *rounding, double v)
{
	switch (rounding[1]) {
	case 'n':
		return nearbyint(v);
	case 'z':
		return trunc(v);
	case 'm':
		return floor(v);
	default:
		return ceil(v);
	}
}

static int direction(const char *rounding)
{
	switch (*rounding ? rounding[1] : 'n') {
	case 'z':
		return FE_TOWARDZERO;
	case 'm':
		return FE_DOWNWARD;
	case 'p':
		return FE_UPWARD;
	default:
		return FE_TONEAREST;
	}
}

static uint64_t float_bits(const struct cvt *c, double v)
{
	if (width(c->to) == 16)
		return half_nearest((long double)v);
	if (width(c->to) == 64)
		return bits64(v);
	fesetround(direction(c->rounding));
	volatile double x = v;
	volatile float f = (float)x;

	fesetround(FE_TONEAREST);
	return bits32(f);
}

static uint64_t from_integer(const struct cvt *c, __int128 v)
{
	if (c->to[0] != 'f')
		return c->sat ? clamp(c->to, v) : (uint64_t)v;
	fesetround(width(c->to) == 32 ? direction(c->rounding) : FE_TONEAREST);
	volatile int64_t s = (int64_t)v;
	volatile uint64_t u = (uint64_t)v;
	volatile float f = v < 0 ? (float)s : (float)u;
	volatile double d = v < 0 ? (double)s : (double)u;

	fesetround(FE_TONEAREST);
	return width(c->to) == 32   ? bits32(f)
	       : width(c->to) == 64 ? bits64(d)
				    : half_nearest((long double)v);
}

static uint64_t flush(uint64_t bits)
{
	return fpclassify(f32_of(bits)) == FP_SUBNORMAL ? bits & 0x80000000 : bits;
}

static uint64_t to_integer(const struct cvt *c, double v)
{
	if (isnan(v))
		return width(c->to) == 64 ? (uint64_t)1 << 63 : 0;
	v = v > 0x1p100 ? 0x1p100 : v < -0x1p100 ? -0x1p100 : v;
	return clamp(c->to, (__int128)v);
}

static uint64_t want(const struct form_case *f, uint64_t a, uint64_t b, uint64_t ignored)
{
	const struct cvt *c = f->arg;
	double v;

	(void)b;
	(void)ignored;
	if (c->from[0] != 'f')
		return from_integer(c, integer(c->from, a));
	if (c->ftz && width(c->from) == 32)
		a = flush(a);
	v = number(c->from, a);
	if (c->rounding[0] && c->rounding[2] == 'i')
		v = round_to_integer(c->rounding, v);
	if (c->to[0] != 'f')
		return to_integer(c, v);
	if (c->sat)
		v = v > 0 ? (v < 1 ? v : 1) : 0;
	a = float_bits(c, v);
	return c->ftz && width(c->to) == 32 ? flush(a) : a;
}

static void run(const char *to, const char *from, const char *rounding, bool sat, bool ftz)
{
	struct cvt c = {to, from, rounding, sat, ftz};
	char insn[80];
	struct form_case f = {.insn = insn, .d = to, .a = from, .want = want, .arg = &c};

	snprintf(insn, sizeof(insn), "cvt%s%s%s%s.%s.%s %%d, %%a", *rounding ? "." : "", rounding,
		 ftz ? ".ftz" : "", sat ? ".sat" : "", to, from);
	form_run(&f);
}

int main(void)
{
	static const char *const ints[] = {"u8", "s8", "u16", "s16", "u32", "s32", "u64", "s64"};
	static const char *const floats[] = {"f16", "f32", "f64"};
	static const char *const integral[] = {"rni", "rzi", "rmi", "rpi"};
	static const char *const roundings[] = {"rn", "rz", "rm", "rp"};

	form_start();
	for (size_t i = 0; i < COUNT_OF(ints); i++) {
		for (size_t j = 0; j < COUNT_OF(ints); j++)
			for (int sat = 0; sat < 2; sat++)
				run(ints[j], ints[i], "", sat, false);
		for (size_t r = 0; r < COUNT_OF(roundings); r++) {
			run("f32", ints[i], roundings[r], false, false);
			run(ints[i], "f32", integral[r], r == 1, r == 2);
			run(ints[i], "f64", integral[r], r == 2, false);
			if (i < 6)
				run(ints[i], "f16", integral[r], false, false);
		}
		run("f64", ints[i], "rn", false, false);
		if (i < 6)
			run("f16", ints[i], "rn", false, false);
	}
	for (size_t r = 0; r < COUNT_OF(roundings); r++) {
		run("f32", "f32", integral[r], r == 3, r == 2);
		run("f64", "f64", integral[r], false, false);
		run("f32", "f64", roundings[r], r == 1, r == 2);
	}
	run("f32", "f32", "", true, false);
	run("f32", "f32", "", true, true);
	run("f64", "f32", "", false, false);
	run("f64", "f32", "", false, true);
	for (size_t k = 1; k < COUNT_OF(floats); k++) {
		run(floats[k], "f16", "", false, false);
		run("f16", floats[k], "rn", false, false);
	}
	return form_end();
}
