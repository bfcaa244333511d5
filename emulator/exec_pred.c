/*
 * Handlers that make or use predicates: setp, selp, testp, logic, carries. They
 * write the active lanes only, so one handler serves full and partial masks.
 */
#include "emulator/exec_isa.h"

/* Bits of op.x of a setp, see decode_pred.c. */
enum { JOIN_AND, JOIN_OR, JOIN_XOR, JOIN_MASK = 3, JOIN_NEGATED = 4 };

static inline void put(struct warp *w, uint32_t offset, uint32_t value)
{
	PRED(offset) = (PRED(offset) & ~w->mask) | (value & w->mask);
}

static uint32_t join(uint32_t x, uint32_t r, uint32_t p)
{
	if (x & JOIN_NEGATED)
		p = ~p;
	switch (x & JOIN_MASK) {
	case JOIN_AND:
		return r & p;
	case JOIN_OR:
		return r | p;
	default:
		return r ^ p;
	}
}

/* d = r join c, e = !r join c */
static inline const struct op *set(struct warp *w, const struct op *o, uint32_t r)
{
	uint32_t p = PRED(o->c);

	put(w, o->e, join(o->x, ~r, p));
	put(w, o->d, join(o->x, r, p));
	return o + 1;
}

#define SETP(id, T, cond)                                            \
	HANDLER(id)                                                  \
	{                                                            \
		const T##_lane *a_ = AT(T, o->a), *b_ = AT(T, o->b); \
		uint32_t r = 0;                                      \
		LANES                                                \
		{                                                    \
			READ(T, a, a_);                              \
			READ(T, b, b_);                              \
			r |= (uint32_t)(cond) << i;                  \
		}                                                    \
		return set(w, o, r);                                 \
	}
#define SETP_INT(T)             \
	SETP(eq_##T, T, a == b) \
	SETP(ne_##T, T, a != b) \
	SETP(lt_##T, T, a < b)  \
	SETP(le_##T, T, a <= b) \
	SETP(gt_##T, T, a > b)  \
	SETP(ge_##T, T, a >= b)
#define SETP_FLOAT(T)                          \
	SETP(eq_##T, T, a == b)                \
	SETP(ne_##T, T, (a < b) | (a > b))     \
	SETP(lt_##T, T, a < b)                 \
	SETP(le_##T, T, a <= b)                \
	SETP(gt_##T, T, a > b)                 \
	SETP(ge_##T, T, a >= b)                \
	SETP(equ_##T, T, !((a < b) | (a > b))) \
	SETP(neu_##T, T, a != b)               \
	SETP(ltu_##T, T, !(a >= b))            \
	SETP(leu_##T, T, !(a > b))             \
	SETP(gtu_##T, T, !(a <= b))            \
	SETP(geu_##T, T, !(a < b))             \
	SETP(num_##T, T, (a == a) & (b == b))  \
	SETP(nan_##T, T, (a != a) | (b != b))

SETP_INT(u16)
SETP_INT(s16)
SETP_INT(u32)
SETP_INT(s32)
SETP_INT(u64)
SETP_INT(s64)
SETP_FLOAT(f32)
SETP_FLOAT(f64)

#define TESTP(id, T, cond)                          \
	HANDLER(id)                                 \
	{                                           \
		const T##_lane *a_ = AT(T, o->a);   \
		uint32_t r = 0;                     \
		LANES                               \
		{                                   \
			READ(T, a, a_);             \
			r |= (uint32_t)(cond) << i; \
		}                                   \
		put(w, o->d, r);                    \
		return o + 1;                       \
	}
#define EXP32 0x7f800000u
#define EXP64 ((uint64_t)0x7ff << 52)
TESTP(finite32, u32, (a & EXP32) != EXP32)
TESTP(infinite32, u32, (a & 0x7fffffff) == EXP32)
TESTP(number32, u32, (a & 0x7fffffff) <= EXP32)
TESTP(notanumber32, u32, (a & 0x7fffffff) > EXP32)
TESTP(normal32, u32, (a & EXP32) != EXP32 && (a & EXP32))
TESTP(subnormal32, u32, !(a & EXP32) && (a & 0x7fffff))
TESTP(finite64, u64, (a & EXP64) != EXP64)
TESTP(infinite64, u64, (a & INT64_MAX) == EXP64)
TESTP(number64, u64, (a & INT64_MAX) <= EXP64)
TESTP(notanumber64, u64, (a & INT64_MAX) > EXP64)
TESTP(normal64, u64, (a & EXP64) != EXP64 && (a & EXP64))
TESTP(subnormal64, u64, !(a & EXP64) && (a & INT64_MAX))

HANDLER(and_pred)
{
	put(w, o->d, PRED(o->a) & PRED(o->b));
	return o + 1;
}

HANDLER(or_pred)
{
	put(w, o->d, PRED(o->a) | PRED(o->b));
	return o + 1;
}

HANDLER(xor_pred)
{
	put(w, o->d, PRED(o->a) ^ PRED(o->b));
	return o + 1;
}

HANDLER(not_pred)
{
	put(w, o->d, ~PRED(o->a));
	return o + 1;
}

HANDLER(mov_pred)
{
	put(w, o->d, PRED(o->a));
	return o + 1;
}

#define SELP(id, T)                                                                   \
	HANDLER(id)                                                                   \
	{                                                                             \
		T##_lane *d = AT(T, o->d);                                            \
		const T##_lane *a = AT(T, o->a), *b = AT(T, o->b);                    \
		uint32_t p = PRED(o->c) & w->mask, keep = ~w->mask;                   \
		if (!keep) {                                                          \
			LANES d[i] = p >> i & 1 ? a[i] : b[i];                        \
		} else {                                                              \
			LANES d[i] = keep >> i & 1 ? d[i] : p >> i & 1 ? a[i] : b[i]; \
		}                                                                     \
		return o + 1;                                                         \
	}
SELP(selp32, u32)
SELP(selp64, u64)

/* Extended precision: lane i's carry is bit i of e, x says whether it comes in and goes out. */
#define CARRY(id, T, WIDE, W, value)                                                    \
	HANDLER(id)                                                                     \
	{                                                                               \
		T##_lane *to = AT(T, o->d);                                             \
		const T##_lane *a_ = AT(T, o->a), *b_ = AT(T, o->b), *c_ = AT(T, o->c); \
		uint32_t in = o->x & CARRY_IN ? PRED(o->e) : 0, out = 0;                \
		for (uint32_t i = 0; i < WARP_LANES; i++) {                             \
			WIDE a = (WIDE)a_[i], b = (WIDE)b_[i], c = (WIDE)c_[i], r;      \
			(void)c;                                                        \
			r = (value);                                                    \
			out |= (uint32_t)(r >> W & 1) << i;                             \
			if (w->mask >> i & 1)                                           \
				to[i] = (T##_val)r;                                     \
		}                                                                       \
		if (o->x & CARRY_OUT)                                                   \
			put(w, o->e, out);                                              \
		return o + 1;                                                           \
	}
#define CARRIES(W, WIDE, SIGNED)                                                   \
	CARRY(carry_add##W, u##W, WIDE, W, a + b + (in >> i & 1))                  \
	CARRY(carry_sub##W, u##W, WIDE, W, a - b - (in >> i & 1))                  \
	CARRY(carry_lo##W, u##W, WIDE, W, (u##W##_val)(a * b) + c + (in >> i & 1)) \
	CARRY(carry_hiu##W, u##W, WIDE, W, (a * b >> W) + c + (in >> i & 1))       \
	CARRY(carry_his##W, u##W, WIDE, W,                                         \
	      (WIDE)(u##W##_val)((SIGNED)(s##W##_val)a * (s##W##_val)b >> W) + c + (in >> i & 1))
CARRIES(32, uint64_t, int64_t)
CARRIES(64, unsigned __int128, __int128)

#define ROW_SETP(c, T)                                          \
	{                                                       \
		"setp." #c "." #T, "p" SIG_##T SIG_##T, c##_##T \
	}
#define ROWS_INT(T)                                                                          \
	ROW_SETP(eq, T), ROW_SETP(ne, T), ROW_SETP(lt, T), ROW_SETP(le, T), ROW_SETP(gt, T), \
		ROW_SETP(ge, T)
#define ROWS_UNSIGNED(T, W)                                        \
	ROWS_INT(T), {"setp.lo." #T, "p" SIG_##T SIG_##T, lt_##T}, \
		{"setp.ls." #T, "p" SIG_##T SIG_##T, le_##T},      \
		{"setp.hi." #T, "p" SIG_##T SIG_##T, gt_##T},      \
		{"setp.hs." #T, "p" SIG_##T SIG_##T, ge_##T},      \
		{"setp.eq.b" #W, "p" SIG_##T SIG_##T, eq_##T},     \
	{                                                          \
		"setp.ne.b" #W, "p" SIG_##T SIG_##T, ne_##T        \
	}
#define ROWS_FLOAT(T)                                                                        \
	ROWS_INT(T), ROW_SETP(equ, T), ROW_SETP(neu, T), ROW_SETP(ltu, T), ROW_SETP(leu, T), \
		ROW_SETP(gtu, T), ROW_SETP(geu, T), ROW_SETP(num, T), ROW_SETP(nan, T)
#define ROWS_CARRY(W, S)                                                                          \
	{"carry.add.u" #W, S S S, carry_add##W}, {"carry.add.s" #W, S S S, carry_add##W},         \
		{"carry.sub.u" #W, S S S, carry_sub##W}, {"carry.sub.s" #W, S S S, carry_sub##W}, \
		{"carry.mad.lo.u" #W, S S S S, carry_lo##W},                                      \
		{"carry.mad.lo.s" #W, S S S S, carry_lo##W},                                      \
		{"carry.mad.hi.u" #W, S S S S, carry_hiu##W},                                     \
	{                                                                                         \
		"carry.mad.hi.s" #W, S S S S, carry_his##W                                        \
	}
#define ROW_TESTP(k)                            \
	{"testp." #k ".f32", "pf", k##32},      \
	{                                       \
		"testp." #k ".f64", "pg", k##64 \
	}

const struct form ISA(pred_forms)[] = {ROWS_UNSIGNED(u16, 16),
				       ROWS_UNSIGNED(u32, 32),
				       ROWS_UNSIGNED(u64, 64),
				       ROWS_INT(s16),
				       ROWS_INT(s32),
				       ROWS_INT(s64),
				       ROWS_FLOAT(f32),
				       ROWS_FLOAT(f64),
				       ROW_TESTP(finite),
				       ROW_TESTP(infinite),
				       ROW_TESTP(number),
				       ROW_TESTP(notanumber),
				       ROW_TESTP(normal),
				       ROW_TESTP(subnormal),
				       ROWS_CARRY(32, "w"),
				       ROWS_CARRY(64, "d"),
				       {"and.pred", "ppp", and_pred},
				       {"or.pred", "ppp", or_pred},
				       {"xor.pred", "ppp", xor_pred},
				       {"not.pred", "pp", not_pred},
				       {"mov.pred", "pp", mov_pred},
				       {"selp.b16", "wwwp", selp32},
				       {"selp.u16", "wwwp", selp32},
				       {"selp.s16", "wwwp", selp32},
				       {"selp.b32", "wwwp", selp32},
				       {"selp.u32", "wwwp", selp32},
				       {"selp.s32", "wwwp", selp32},
				       {"selp.f32", "fffp", selp32},
				       {"selp.b64", "dddp", selp64},
				       {"selp.u64", "dddp", selp64},
				       {"selp.s64", "dddp", selp64},
				       {"selp.f64", "gggp", selp64},
				       {NULL, NULL, NULL}};
