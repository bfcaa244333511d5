/* Handlers of half-precision arithmetic: the rows of half.def. */
#include "base/math_approx.h"
#include "emulator/exec_half.h"
#include "emulator/exec_isa.h"

#define wide(h)	   ((double)f32_of_f16(h))
#define round16(v) f16_of_f64(v, 0)

/*
 * The product is exact in double, the sum may not be: then it is cut towards
 * zero and made odd, so that the second rounding sees on which side of every
 * border the exact value lies.
 */
static inline uint16_t fma16(uint16_t a, uint16_t b, uint16_t c)
{
	double p = wide(a) * wide(b), z = wide(c), s = p + z, t = s - p;
	double rest = (p - (s - t)) + (z - t);

	if (rest - rest == 0 && rest != 0)
		s = f64_of((bits_of64(s) - ((rest < 0) != (s < 0))) | 1);
	return round16(s);
}

static inline uint16_t lesser16(uint16_t a, uint16_t b, bool greater)
{
	double x = wide(a), y = wide(b);

	if (x != x && y != y)
		return 0x7fff;
	if (x != x || y != y)
		return x != x ? b : a;
	if (x == y)
		return greater ? a & b : a | b;
	return (x < y) != greater ? a : b;
}

#define PAIR_OF(e0, e1) ((uint32_t)(e0) | (uint32_t)(e1) << 16)
#define PAIR2(e)                                               \
	__extension__({                                        \
		uint16_t r_[2];                                \
		for (int k_ = 0; k_ < 2; k_++) {               \
			uint16_t x = (uint16_t)(a >> k_ * 16); \
			uint16_t y = (uint16_t)(b >> k_ * 16); \
			r_[k_] = (e);                          \
		}                                              \
		PAIR_OF(r_[0], r_[1]);                         \
	})
#define PAIR3(e)                                               \
	__extension__({                                        \
		uint16_t r_[2];                                \
		for (int k_ = 0; k_ < 2; k_++) {               \
			uint16_t x = (uint16_t)(a >> k_ * 16); \
			uint16_t y = (uint16_t)(b >> k_ * 16); \
			uint16_t z = (uint16_t)(c >> k_ * 16); \
			r_[k_] = (e);                          \
		}                                              \
		PAIR_OF(r_[0], r_[1]);                         \
	})

#define FORM_PASS 1
#include "emulator/exec_form.h"

#include "emulator/half.def"
#undef FORM_PASS

const struct form ISA(half_forms)[] = {
#define FORM_PASS 2
#include "emulator/exec_form.h"

#include "emulator/half.def"
	{NULL, NULL, NULL}};
