/* Handlers of integer, bit and move instructions: the rows of int.def. */
#include "emulator/exec_isa.h"
#include "emulator/exec_lane.h"

static inline uint64_t mulhi_u64(uint64_t a, uint64_t b)
{
	return (uint64_t)((unsigned __int128)a * b >> 64);
}

static inline uint64_t mulhi_s64(uint64_t a, uint64_t b)
{
	return (uint64_t)((__int128)(int64_t)a * (int64_t)b >> 64);
}

static inline uint32_t sext24(uint32_t a)
{
	return (uint32_t)((int32_t)(a << 8) >> 8);
}

static inline int32_t sat_s32(int64_t v)
{
	return v > INT32_MAX ? INT32_MAX : v < INT32_MIN ? INT32_MIN : (int32_t)v;
}

static inline uint32_t brev_u32(uint32_t a)
{
	a = (a >> 1 & 0x55555555) | (a & 0x55555555) << 1;
	a = (a >> 2 & 0x33333333) | (a & 0x33333333) << 2;
	a = (a >> 4 & 0x0f0f0f0f) | (a & 0x0f0f0f0f) << 4;
	return __builtin_bswap32(a);
}

static inline uint32_t bfind_u32(uint32_t a)
{
	return a ? 31 - (uint32_t)__builtin_clz(a) : FULL_MASK;
}

static inline uint32_t bfind_u64(uint64_t a)
{
	return a ? 63 - (uint32_t)__builtin_clzll(a) : FULL_MASK;
}

/* Bits pos .. pos+len-1, zero beyond the value's end. */
static inline uint64_t bfe_u64(uint64_t a, uint32_t pos, uint32_t len)
{
	uint64_t v = pos < 64 ? a >> pos : 0;

	return len < 64 ? v & (((uint64_t)1 << len) - 1) : v;
}

static inline uint32_t bfe_u32(uint32_t a, uint32_t pos, uint32_t len)
{
	return (uint32_t)bfe_u64(a, pos, len);
}

/* As above, filled with the field's top bit or, where it reaches beyond, the value's sign. */
static inline uint64_t bfe_sign(uint64_t a, uint32_t pos, uint32_t len, uint32_t width)
{
	uint32_t top = pos + len - 1 < width - 1 ? pos + len - 1 : width - 1;
	uint64_t field = bfe_u64(a, pos, len);
	uint32_t got = pos >= width ? 0 : len < width - pos ? len : width - pos;

	if (!len)
		return 0;
	if (got < 64 && (a >> top & 1))
		field |= ~(uint64_t)0 << got;
	return field;
}

static inline uint32_t bfe_s32(uint32_t a, uint32_t pos, uint32_t len)
{
	return (uint32_t)bfe_sign(a, pos, len, 32);
}

static inline uint64_t bfe_s64(uint64_t a, uint32_t pos, uint32_t len)
{
	return bfe_sign(a, pos, len, 64);
}

/* a is put over b. */
static inline uint64_t bfi(uint64_t a, uint64_t b, uint32_t pos, uint32_t len)
{
	uint64_t mask = len < 64 ? ((uint64_t)1 << len) - 1 : ~(uint64_t)0;

	return pos < 64 ? (b & ~(mask << pos)) | (a & mask) << pos : b;
}

static inline uint32_t funnel_left(uint32_t lo, uint32_t hi, uint32_t n)
{
	return (uint32_t)(((uint64_t)hi << 32 | lo) << n >> 32);
}

static inline uint32_t funnel_right(uint32_t lo, uint32_t hi, uint32_t n)
{
	return (uint32_t)(((uint64_t)hi << 32 | lo) >> n);
}

static inline uint32_t prmt_u32(uint32_t a, uint32_t b, uint32_t select)
{
	uint64_t bytes = (uint64_t)b << 32 | a;
	uint32_t r = 0;

	for (uint32_t k = 0; k < 4; k++) {
		uint32_t s = select >> k * 4, v = (uint32_t)(bytes >> (s & 7) * 8) & 255;

		if (s & 8)
			v = v & 128 ? 255 : 0;
		r |= v << k * 8;
	}
	return r;
}

/* selects: four selections of 16 bits, the one for c = 0 in the lowest. */
static inline uint32_t prmt_mode(uint32_t a, uint32_t b, uint32_t c, uint64_t selects)
{
	return prmt_u32(a, b, (uint32_t)(selects >> (c & 3) * 16));
}

static inline uint32_t byte_of(uint32_t v, int k, bool is_signed)
{
	uint32_t u = v >> k * 8 & 255;

	return is_signed ? (uint32_t)(int32_t)(int8_t)u : u;
}

static inline uint32_t dp4a(uint32_t a, uint32_t b, bool sa, bool sb)
{
	uint32_t sum = 0;

	for (int k = 0; k < 4; k++)
		sum += byte_of(a, k, sa) * byte_of(b, k, sb);
	return sum;
}

/* Two halves of a times bytes first, first + 1 of b. */
static inline uint32_t dp2a(uint32_t a, uint32_t b, int first, bool sa, bool sb)
{
	uint32_t lo = a & 0xffff, hi = a >> 16;

	if (sa) {
		lo = (uint32_t)(int32_t)(int16_t)lo;
		hi = (uint32_t)(int32_t)(int16_t)hi;
	}
	return lo * byte_of(b, first, sb) + hi * byte_of(b, first + 1, sb);
}

#define FORM_PASS 1
#include "emulator/exec_form.h"

#include "emulator/int.def"
#undef FORM_PASS

/* lop3: any function of three bits, by its truth table in imm. */
HANDLER(lop3)
{
	u32_lane *d = AT(u32, o->d);
	const u32_lane *pa = AT(u32, o->a), *pb = AT(u32, o->b), *pc = AT(u32, o->c);
	uint32_t bit[8];

	for (int k = 0; k < 8; k++)
		bit[k] = o->imm >> k & 1 ? FULL_MASK : 0;
	LANES
	{
		uint32_t a = pa[i], b = pb[i], c = pc[i];

		d[i] = (~a & ((~b & ((~c & bit[0]) | (c & bit[1]))) |
			      (b & ((~c & bit[2]) | (c & bit[3]))))) |
		       (a & ((~b & ((~c & bit[4]) | (c & bit[5]))) |
			     (b & ((~c & bit[6]) | (c & bit[7])))));
	}
	return o + 1;
}

/* bfi has four operands: the length is the slot e. */
HANDLER(bfi32)
{
	u32_lane *d = AT(u32, o->d);
	const u32_lane *a = AT(u32, o->a), *b = AT(u32, o->b), *c = AT(u32, o->c),
		       *e = AT(u32, o->e);

	LANES d[i] = (uint32_t)bfi(a[i], b[i], c[i] & 255, e[i] & 255);
	return o + 1;
}

HANDLER(bfi64)
{
	u64_lane *d = AT(u64, o->d);
	const u64_lane *a = AT(u64, o->a), *b = AT(u64, o->b);
	const u32_lane *c = AT(u32, o->c), *e = AT(u32, o->e);

	LANES d[i] = bfi(a[i], b[i], c[i] & 255, e[i] & 255);
	return o + 1;
}

/* Masked: a full run into the scratch slot, then the active lanes move on to the result. */
const struct op *ISA(masked32)(struct warp *w, const struct op *o)
{
	struct op t = *o;
	const u32_lane *from = AT(u32, REGS_SCRATCH);
	u32_lane *d = AT(u32, o->d);
	uint32_t mask = w->mask;

	t.d = REGS_SCRATCH;
	o->run[0](w, &t);
	LANES d[i] = mask >> i & 1 ? from[i] : d[i];
	return o + 1;
}

const struct op *ISA(masked64)(struct warp *w, const struct op *o)
{
	struct op t = *o;
	const u64_lane *from = AT(u64, REGS_SCRATCH);
	u64_lane *d = AT(u64, o->d);
	uint64_t mask = w->mask;

	t.d = REGS_SCRATCH;
	o->run[0](w, &t);
	LANES d[i] = mask >> i & 1 ? from[i] : d[i];
	return o + 1;
}

const struct form ISA(int_forms)[] = {
#define FORM_PASS 2
#include "emulator/exec_form.h"

#include "emulator/int.def"
	{"lop3.b32", "wwwwi", lop3},
	{"bfi.b32", "wwwww", bfi32},
	{"bfi.b64", "dddww", bfi64},
	{NULL, NULL, NULL}};
