/*
 * Lane loops for handlers. Written as plain loops over 32 lanes that the
 * compiler turns into vectors: the slots of an operation are equal or
 * disjoint, so no lane depends on another (ivdep).
 */
#ifndef EMULATOR_EXEC_LANE_H
#define EMULATOR_EXEC_LANE_H

#include "emulator/exec.h"

#include <string.h>

#define PASTE_(a, b) a##_##b
#define PASTE(a, b)  PASTE_(a, b)
#define ISA(name)    PASTE(name, EXEC_ISA)

#ifdef __clang__
#define LANES                                                                          \
	_Pragma("clang loop vectorize(assume_safety) unroll(disable)") for (int i = 0; \
									    i < WARP_LANES; i++)
#else
#define LANES _Pragma("GCC ivdep") for (int i = 0; i < WARP_LANES; i++)
#endif

/* Value types and how they lie in a lane; what is narrower than a lane is cut when it is read. */
typedef uint8_t u8_val;
typedef int8_t s8_val;
typedef uint16_t u16_val;
typedef int16_t s16_val;
typedef uint16_t f16_val;
typedef uint32_t u32_val;
typedef int32_t s32_val;
typedef uint64_t u64_val;
typedef int64_t s64_val;
typedef float f32_val;
typedef double f64_val;
typedef uint32_t u8_lane, s8_lane, u16_lane, s16_lane, f16_lane, u32_lane;
typedef int32_t s32_lane;
typedef uint64_t u64_lane;
typedef int64_t s64_lane;
typedef float f32_lane;
typedef double f64_lane;

#define SIG_u8	"w"
#define SIG_s8	"w"
#define SIG_u16 "w"
#define SIG_s16 "w"
#define SIG_f16 "w"
#define SIG_u32 "w"
#define SIG_s32 "w"
#define SIG_f32 "f"
#define SIG_u64 "d"
#define SIG_s64 "d"
#define SIG_f64 "g"

#define AT(T, offset)  ((T##_lane *)(void *)(w->regs + (offset)))
#define PRED(offset)   (*(uint32_t *)(void *)(w->regs + (offset)))
#define HANDLER(id)    static const struct op *id(struct warp *w, const struct op *o)
#define READ(T, v, p)  T##_val v = (T##_val)(p)[i]
#define WRITE(T, p, e) ((p)[i] = (T##_lane)(T##_val)(e))

static inline float f32_of(uint32_t bits)
{
	float f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

static inline uint32_t bits_of(float f)
{
	uint32_t b;

	memcpy(&b, &f, sizeof(b));
	return b;
}

static inline double f64_of(uint64_t bits)
{
	double f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

static inline uint64_t bits_of64(double f)
{
	uint64_t b;

	memcpy(&b, &f, sizeof(b));
	return b;
}

#endif
