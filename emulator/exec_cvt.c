/* Handlers of conversions: the rows of cvt.def. */
#include "emulator/exec_half.h"
#include "emulator/exec_isa.h"

/* A value of a signed or unsigned type clamped to a type's range. */
#define CLAMP_SIGNED(T)                                                           \
	static inline int64_t clamp_##T(int64_t v, int64_t lo, uint64_t hi)       \
	{                                                                         \
		return v < lo ? lo : v > 0 && (uint64_t)v > hi ? (int64_t)hi : v; \
	}
#define CLAMP_UNSIGNED(T)                                                     \
	static inline uint64_t clamp_##T(uint64_t v, int64_t lo, uint64_t hi) \
	{                                                                     \
		(void)lo;                                                     \
		return v > hi ? hi : v;                                       \
	}
CLAMP_SIGNED(s8)
CLAMP_SIGNED(s16)
CLAMP_SIGNED(s32)
CLAMP_SIGNED(s64)
CLAMP_UNSIGNED(u8)
CLAMP_UNSIGNED(u16)
CLAMP_UNSIGNED(u32)
CLAMP_UNSIGNED(u64)

/* f is v rounded to nearest; above is 1, 0 or -1 as f lies above, on or below v. */
static inline float near_f32(float f, int above, int direction)
{
	uint32_t u = bits_of(f);
	bool negative = u >> 31;
	bool down = above > 0 && (direction < 0 || (direction == 0 && !negative));
	bool up = above < 0 && (direction > 0 || (direction == 0 && negative));

	if (down)
		u = !(u << 1) ? 0x80000001 : negative ? u + 1 : u - 1;
	if (up)
		u = !(u << 1) ? 1 : negative ? u - 1 : u + 1;
	return f32_of(u);
}

static inline int order(double a, double b)
{
	return (a > b) - (a < b);
}

#define BEYOND_EXACT(T)                                  \
	static inline int beyond_##T(float f, T##_val v) \
	{                                                \
		return order((double)f, (double)v);      \
	}
BEYOND_EXACT(u8)
BEYOND_EXACT(s8)
BEYOND_EXACT(u16)
BEYOND_EXACT(s16)
BEYOND_EXACT(u32)
BEYOND_EXACT(s32)

static inline int beyond_u64(float f, uint64_t v)
{
	if (f >= 0x1p64f)
		return 1;
	return ((uint64_t)f > v) - ((uint64_t)f < v);
}

static inline int beyond_s64(float f, int64_t v)
{
	if (f >= 0x1p63f)
		return 1;
	return ((int64_t)f > v) - ((int64_t)f < v);
}

/* A rounded double as an integer: clamped, NaN as the hardware has it. */
#define NARROW(T, lo, hi)                                                                         \
	static inline T##_val T##_of(double v)                                                    \
	{                                                                                         \
		double c = v < (double)(lo) ? (double)(lo) : v > (double)(hi) ? (double)(hi) : v; \
		return (T##_val)(int64_t)(c != c ? 0 : c);                                        \
	}
NARROW(u8, 0, UINT8_MAX)
NARROW(s8, INT8_MIN, INT8_MAX)
NARROW(u16, 0, UINT16_MAX)
NARROW(s16, INT16_MIN, INT16_MAX)
NARROW(u32, 0, UINT32_MAX)

static inline int32_t s32_of(double v)
{
	double c = v < -2147483648.0 ? -2147483648.0 : v > 2147483647.0 ? 2147483647.0 : v;

	return (int32_t)(c != c ? 0 : c);
}

static inline int64_t s64_of(double v)
{
	if (v != v || v < -0x1p63)
		return INT64_MIN;
	return v >= 0x1p63 ? INT64_MAX : (int64_t)v;
}

static inline uint64_t u64_of(double v)
{
	if (v != v)
		return (uint64_t)1 << 63;
	return v >= 0x1p64 ? UINT64_MAX : v <= 0 ? 0 : (uint64_t)v;
}

#define FORM_PASS 1
#include "emulator/exec_form.h"

#include "emulator/cvt.def"
#undef FORM_PASS

const struct form ISA(cvt_forms)[] = {
#define FORM_PASS 2
#include "emulator/exec_form.h"

#include "emulator/cvt.def"
	{NULL, NULL, NULL}};
