/*
 * Loads and stores. Addresses of the active lanes are collected and checked
 * as a whole (extent, alignment) before any data moves; whole warps on
 * 4-byte and 16-byte elements take short ways, the rest goes lane by lane.
 */
#include "emulator/exec_isa.h"
#include "emulator/exec_memory.h"

/* Addresses of a warp; lanes that are off repeat an active one. */
struct lanes {
	_Alignas(64) uint64_t at[WARP_LANES];
	uint64_t lo, hi, bits; /* bits: all addresses or-ed */
	bool uniform, dense;   /* dense: one element behind the other */
};

typedef uint32_t quad __attribute__((vector_size(16), may_alias));

static void collect(struct warp *w, const struct op *o, uint32_t bytes, struct lanes *l)
{
	uint64_t *at = l->at, first, differ = 0, step = 0, bits = 0;
	int64_t lo, hi;

	if (o->x & MEM_ADDRESS64) {
		const u64_lane *p = AT(u64, o->e);

		LANES at[i] = p[i] + (uint64_t)o->imm;
	} else {
		const u32_lane *p = AT(u32, o->e);

		LANES at[i] = (uint32_t)(p[i] + (uint32_t)o->imm);
	}
	first = at[w->mask ? __builtin_ctz(w->mask) : 0];
	if (w->partial) {
		uint64_t mask = w->mask;

		LANES at[i] = mask >> i & 1 ? at[i] : first;
	}
	lo = hi = (int64_t)first;
	LANES
	{
		int64_t a = (int64_t)at[i];

		lo = a < lo ? a : lo;
		hi = a > hi ? a : hi;
		bits |= at[i];
		differ |= at[i] ^ first;
		step |= at[i] ^ (first + (uint64_t)i * bytes);
	}
	l->lo = (uint64_t)lo;
	l->hi = (uint64_t)hi;
	l->bits = bits;
	l->uniform = !differ;
	l->dense = !step;
}

static uint32_t lane_of(const struct warp *w, const struct lanes *l, uint64_t bad, uint64_t mask)
{
	for (uint32_t i = 0; i < WARP_LANES; i++)
		if (w->mask >> i & 1 && (l->at[i] & mask) == bad)
			return i;
	return 0;
}

static bool misaligned(struct warp *w, const struct op *o, const struct lanes *l, uint32_t bytes)
{
	if (!(l->bits & (bytes - 1)))
		return false;
	for (uint32_t i = 0; i < WARP_LANES; i++)
		if (w->mask >> i & 1 && l->at[i] & (bytes - 1)) {
			exec_fault(w, o, FAULT_ALIGN, i, l->at[i]);
			return true;
		}
	return false;
}

/* The lanes' offsets inside their rows; the extent is already known to be right. */
static bool in_rows(const struct span_cache *c, const struct lanes *l, uint32_t bytes)
{
	uint64_t lo = l->lo - c->base, hi = l->hi - c->base;

	if (lo / c->pitch == hi / c->pitch)
		return hi % c->pitch + bytes <= c->width;
	if (hi > UINT32_MAX) {
		for (int i = 0; i < WARP_LANES; i++)
			if ((l->at[i] - c->base) % c->pitch + bytes > c->width)
				return false;
	} else {
		for (int i = 0; i < WARP_LANES; i++)
			if ((uint32_t)(l->at[i] - c->base) % (uint32_t)c->pitch + bytes > c->width)
				return false;
	}
	return true;
}

/* Checks global addresses; false: the fault is reported. */
static bool global_ok(struct warp *w, const struct op *o, const struct lanes *l, uint32_t bytes,
		      bool write)
{
	struct block *b = w->block;
	const struct span_cache *c = &b->cache[o->mem];
	int lane;

	if (misaligned(w, o, l, bytes))
		return false;
	if (l->lo >= c->lo && l->hi < c->hi && l->hi + bytes <= c->hi &&
	    (!c->pitch || in_rows(c, l, bytes)))
		return true;
	lane = check_access(b, o, l->at, w->mask, bytes, write);
	if (lane < 0)
		return true;
	b->fault_write = write;
	exec_fault(w, o, FAULT_ADDRESS, (uint32_t)lane, l->at[lane]);
	return false;
}

/* Checks offsets in shared memory and turns them into host addresses. */
static bool shared_ok(struct warp *w, const struct op *o, struct lanes *l, uint32_t bytes)
{
	const struct block *b = w->block;

	if (misaligned(w, o, l, bytes))
		return false;
	if ((int64_t)l->lo < 0 || l->hi + bytes > b->shared_bytes) {
		uint64_t bad = (int64_t)l->lo < 0 ? l->lo : l->hi;

		exec_fault(w, o, FAULT_SHARED, lane_of(w, l, bad, ~(uint64_t)0), bad);
		return false;
	}
	LANES l->at[i] += (uint64_t)(uintptr_t)b->shared;
	return true;
}

static bool local_ok(struct warp *w, const struct op *o, struct lanes *l, uint32_t bytes)
{
	const struct block *b = w->block;
	uint64_t base = (uint64_t)(uintptr_t)b->local +
			(uint64_t)w->index * WARP_LANES * b->local_bytes;

	if (misaligned(w, o, l, bytes))
		return false;
	if ((int64_t)l->lo < 0 || l->hi + bytes > b->local_bytes) {
		uint64_t bad = (int64_t)l->lo < 0 ? l->lo : l->hi;

		exec_fault(w, o, FAULT_LOCAL, lane_of(w, l, bad, ~(uint64_t)0), bad);
		return false;
	}
	LANES l->at[i] += base + (uint64_t)i * b->local_bytes;
	l->uniform = l->dense = false;
	return true;
}

static inline uint8_t *host(uint64_t at)
{
	return (uint8_t *)(uintptr_t)at; /* NOLINT: a checked device address */
}

static inline uint64_t fetch(uint64_t at, uint32_t bytes, bool is_signed)
{
	uint64_t v = 0;

	memcpy(&v, host(at), bytes);
	if (is_signed && bytes < 8)
		v = (uint64_t)((int64_t)(v << (64 - bytes * 8)) >> (64 - bytes * 8));
	return v;
}

static const uint32_t *data_regs(const struct op *o, uint32_t regs[4])
{
	regs[0] = o->d;
	regs[1] = o->a;
	regs[2] = o->b;
	regs[3] = o->c;
	return regs;
}

/* Any size, any mask. */
static void load_any(struct warp *w, const struct op *o, const struct lanes *l)
{
	uint32_t regs[4], bytes = MEM_BYTES(o->x), count = MEM_COUNT(o->x);
	bool is_signed = o->x & MEM_SIGNED;

	data_regs(o, regs);
	for (uint32_t left = w->mask; left; left &= left - 1) {
		int i = __builtin_ctz(left);

		for (uint32_t k = 0; k < count; k++) {
			uint64_t v = fetch(l->at[i] + k * bytes, bytes, is_signed);

			if (o->x & MEM_DATA64)
				AT(u64, regs[k])[i] = v;
			else
				AT(u32, regs[k])[i] = (uint32_t)v;
		}
	}
}

static void store_any(struct warp *w, const struct op *o, const struct lanes *l)
{
	uint32_t regs[4], bytes = MEM_BYTES(o->x), count = MEM_COUNT(o->x);

	data_regs(o, regs);
	for (uint32_t left = w->mask; left; left &= left - 1) {
		int i = __builtin_ctz(left);

		for (uint32_t k = 0; k < count; k++) {
			uint64_t v = o->x & MEM_DATA64 ? AT(u64, regs[k])[i] : AT(u32, regs[k])[i];

			memcpy(host(l->at[i] + k * bytes), &v, bytes);
		}
	}
}

static void load_word(struct warp *w, const struct op *o, const struct lanes *l)
{
	u32_lane *d = AT(u32, o->d);
	uint32_t v;

	if (l->dense && !w->partial) {
		memcpy(d, host(l->lo), SLOT32);
		return;
	}
	if (w->partial) {
		for (uint32_t left = w->mask; left; left &= left - 1) {
			int i = __builtin_ctz(left);

			memcpy(&d[i], host(l->at[i]), 4);
		}
		return;
	}
	if (l->uniform) {
		memcpy(&v, host(l->at[0]), 4);
		LANES d[i] = v;
		return;
	}
	for (int i = 0; i < WARP_LANES; i++)
		memcpy(&d[i], host(l->at[i]), 4);
}

static void store_word(struct warp *w, const struct op *o, const struct lanes *l)
{
	const u32_lane *d = AT(u32, o->d);

	if (w->partial) {
		for (uint32_t left = w->mask; left; left &= left - 1) {
			int i = __builtin_ctz(left);

			memcpy(host(l->at[i]), &d[i], 4);
		}
	} else if (l->dense) {
		memcpy(host(l->at[0]), d, SLOT32);
	} else {
		for (int i = 0; i < WARP_LANES; i++)
			memcpy(host(l->at[i]), &d[i], 4);
	}
}

/* Four rows of four words become four columns. */
static inline void transpose(quad *a, quad *b, quad *c, quad *d)
{
	quad ab0 = __builtin_shufflevector(*a, *b, 0, 4, 1, 5);
	quad ab1 = __builtin_shufflevector(*a, *b, 2, 6, 3, 7);
	quad cd0 = __builtin_shufflevector(*c, *d, 0, 4, 1, 5);
	quad cd1 = __builtin_shufflevector(*c, *d, 2, 6, 3, 7);

	*a = __builtin_shufflevector(ab0, cd0, 0, 1, 4, 5);
	*b = __builtin_shufflevector(ab0, cd0, 2, 3, 6, 7);
	*c = __builtin_shufflevector(ab1, cd1, 0, 1, 4, 5);
	*d = __builtin_shufflevector(ab1, cd1, 2, 3, 6, 7);
}

static void load_quad(struct warp *w, const struct op *o, const struct lanes *l)
{
	u32_lane *d = AT(u32, o->d), *a = AT(u32, o->a), *b = AT(u32, o->b), *c = AT(u32, o->c);
	quad q[4];

	if (l->uniform) {
		q[0] = *(const quad *)(const void *)host(l->at[0]);
		LANES d[i] = q[0][0];
		LANES a[i] = q[0][1];
		LANES b[i] = q[0][2];
		LANES c[i] = q[0][3];
		return;
	}
	for (int i = 0; i < WARP_LANES; i += 4) {
		for (int k = 0; k < 4; k++)
			q[k] = *(const quad *)(const void *)host(l->at[i + k]);
		transpose(&q[0], &q[1], &q[2], &q[3]);
		*(quad *)(void *)(d + i) = q[0];
		*(quad *)(void *)(a + i) = q[1];
		*(quad *)(void *)(b + i) = q[2];
		*(quad *)(void *)(c + i) = q[3];
	}
}

static void store_quad(struct warp *w, const struct op *o, const struct lanes *l)
{
	const u32_lane *d = AT(u32, o->d), *a = AT(u32, o->a), *b = AT(u32, o->b),
		       *c = AT(u32, o->c);
	quad q[4];

	for (int i = 0; i < WARP_LANES; i += 4) {
		q[0] = *(const quad *)(const void *)(d + i);
		q[1] = *(const quad *)(const void *)(a + i);
		q[2] = *(const quad *)(const void *)(b + i);
		q[3] = *(const quad *)(const void *)(c + i);
		transpose(&q[0], &q[1], &q[2], &q[3]);
		for (int k = 0; k < 4; k++)
			*(quad *)(void *)host(l->at[i + k]) = q[k];
	}
}

#define WORD (4u | 1u << 4)
#define QUAD (4u | 4u << 4)
#define FORM (255u | MEM_DATA64)

static void load(struct warp *w, const struct op *o, const struct lanes *l)
{
	if ((o->x & FORM) == WORD)
		load_word(w, o, l);
	else if ((o->x & FORM) == QUAD && !w->partial)
		load_quad(w, o, l);
	else
		load_any(w, o, l);
}

static void store(struct warp *w, const struct op *o, const struct lanes *l)
{
	if ((o->x & FORM) == WORD)
		store_word(w, o, l);
	else if ((o->x & FORM) == QUAD && !w->partial)
		store_quad(w, o, l);
	else
		store_any(w, o, l);
}

static inline uint32_t total(const struct op *o)
{
	return MEM_BYTES(o->x) * MEM_COUNT(o->x);
}

HANDLER(ld_global)
{
	struct lanes l;

	collect(w, o, total(o), &l);
	if (!global_ok(w, o, &l, total(o), false))
		return NULL;
	load(w, o, &l);
	return o + 1;
}

HANDLER(st_global)
{
	struct lanes l;

	collect(w, o, total(o), &l);
	if (!global_ok(w, o, &l, total(o), true))
		return NULL;
	store(w, o, &l);
	return o + 1;
}

HANDLER(ld_shared)
{
	struct lanes l;

	collect(w, o, total(o), &l);
	if (!shared_ok(w, o, &l, total(o)))
		return NULL;
	l.lo += (uint64_t)(uintptr_t)w->block->shared;
	load(w, o, &l);
	return o + 1;
}

HANDLER(st_shared)
{
	struct lanes l;

	collect(w, o, total(o), &l);
	if (!shared_ok(w, o, &l, total(o)))
		return NULL;
	store(w, o, &l);
	return o + 1;
}

HANDLER(ld_local)
{
	struct lanes l;

	collect(w, o, total(o), &l);
	if (!local_ok(w, o, &l, total(o)))
		return NULL;
	load(w, o, &l);
	return o + 1;
}

HANDLER(st_local)
{
	struct lanes l;

	collect(w, o, total(o), &l);
	if (!local_ok(w, o, &l, total(o)))
		return NULL;
	store(w, o, &l);
	return o + 1;
}

/* Parameters: the decoder knows that constant addresses are inside; indexed ones are checked. */
HANDLER(ld_param)
{
	struct lanes l;

	collect(w, o, total(o), &l);
	if (l.hi + total(o) > w->block->param_bytes || (int64_t)l.lo < 0)
		return exec_fault(w, o, FAULT_LOCAL, lane_of(w, &l, l.hi, ~(uint64_t)0), l.hi);
	LANES l.at[i] += (uint64_t)(uintptr_t)w->block->params;
	l.lo = l.at[0];
	load(w, o, &l);
	return o + 1;
}

/* Generic addresses: the lanes of each window in turn. */
static bool generic(struct warp *w, const struct op *o, struct lanes *l, uint64_t window,
		    bool write)
{
	if (window != WINDOW_SHARED && window != WINDOW_LOCAL)
		return global_ok(w, o, l, total(o), write);
	LANES l->at[i] &= ~WINDOW_MASK;
	l->lo &= ~WINDOW_MASK;
	l->hi &= ~WINDOW_MASK;
	return window == WINDOW_SHARED ? shared_ok(w, o, l, total(o)) : local_ok(w, o, l, total(o));
}

static const struct op *generic_access(struct warp *w, const struct op *o, bool write)
{
	uint32_t mask = w->mask, partial = w->partial;
	bool ok = true;

	for (uint32_t left = mask; left && ok; left &= ~w->mask) {
		struct lanes l;
		uint64_t window;

		w->mask = left;
		w->partial = left != FULL_MASK;
		collect(w, o, total(o), &l);
		window = l.at[__builtin_ctz(left)] & WINDOW_MASK;
		for (int i = 0; i < WARP_LANES; i++)
			if ((l.at[i] & WINDOW_MASK) != window)
				w->mask &= ~(1u << i);
		w->partial = w->mask != FULL_MASK;
		collect(w, o, total(o), &l);
		ok = generic(w, o, &l, window, write);
		l.dense = l.dense && l.lo == l.at[0];
		if (ok && write)
			store(w, o, &l);
		else if (ok)
			load(w, o, &l);
	}
	w->mask = mask;
	w->partial = partial;
	return ok ? o + 1 : NULL;
}

HANDLER(ld_generic)
{
	return generic_access(w, o, false);
}

HANDLER(st_generic)
{
	return generic_access(w, o, true);
}

static void put_old(struct warp *w, const struct op *o, int i, uint64_t old)
{
	if (o->x & MEM_NO_RESULT)
		return;
	if (o->x & MEM_DATA64)
		AT(u64, o->d)[i] = old;
	else
		AT(u32, o->d)[i] = (uint32_t)old;
}

static uint64_t atom_float(enum mem_atom kind, uint64_t old, uint64_t v)
{
	float x = f32_of((uint32_t)old), y = f32_of((uint32_t)v);

	switch (kind) {
	case ATOM_ADD_F32:
		return bits_of(x + y);
	case ATOM_MIN_F32:
		return y < x || x != x ? v : old;
	case ATOM_MAX_F32:
		return y > x || x != x ? v : old;
	default:
		return bits_of64(f64_of(old) + f64_of(v));
	}
}

/* What stands in memory after the atomic operation; s: the compare value's partner for cas. */
static uint64_t atom_new(enum mem_atom kind, uint64_t old, uint64_t v, uint64_t swap, uint32_t bytes)
{
	int64_t so = bytes == 4 ? (int32_t)old : (int64_t)old, sv = bytes == 4 ? (int32_t)v : (int64_t)v;

	switch (kind) {
	case ATOM_ADD:
		return old + v;
	case ATOM_MIN_U:
		return MIN(old, v);
	case ATOM_MAX_U:
		return MAX(old, v);
	case ATOM_MIN_S:
		return so < sv ? old : v;
	case ATOM_MAX_S:
		return so > sv ? old : v;
	case ATOM_AND:
		return old & v;
	case ATOM_OR:
		return old | v;
	case ATOM_XOR:
		return old ^ v;
	case ATOM_EXCH:
		return v;
	case ATOM_CAS:
		return old == v ? swap : old;
	case ATOM_INC:
		return old >= v ? 0 : old + 1;
	case ATOM_DEC:
		return !old || old > v ? v : old - 1;
	default:
		return atom_float(kind, old, v);
	}
}

static uint64_t atom_lane(const struct op *o, uint64_t at, uint64_t v, uint64_t swap)
{
	enum mem_atom kind = (enum mem_atom)(o->x >> MEM_ATOM_SHIFT);

	if (MEM_BYTES(o->x) == 8) {
		uint64_t *p = (uint64_t *)(void *)host(at), old = __atomic_load_n(p, __ATOMIC_RELAXED);

		while (!__atomic_compare_exchange_n(p, &old, atom_new(kind, old, v, swap, 8), true,
						    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			;
		return old;
	}
	uint32_t *p = (uint32_t *)(void *)host(at), old = __atomic_load_n(p, __ATOMIC_RELAXED);

	while (!__atomic_compare_exchange_n(p, &old, (uint32_t)atom_new(kind, old, v, swap, 4), true,
					    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		;
	return old;
}

static const struct op *atom(struct warp *w, const struct op *o, const struct lanes *l)
{
	for (uint32_t left = w->mask; left; left &= left - 1) {
		int i = __builtin_ctz(left);
		bool wide = o->x & MEM_DATA64;
		uint64_t v = wide ? AT(u64, o->a)[i] : AT(u32, o->a)[i];
		uint64_t swap = wide ? AT(u64, o->b)[i] : AT(u32, o->b)[i];

		put_old(w, o, i, atom_lane(o, l->at[i], v, swap));
	}
	return o + 1;
}

HANDLER(atom_global)
{
	struct lanes l;

	collect(w, o, total(o), &l);
	return global_ok(w, o, &l, total(o), true) ? atom(w, o, &l) : NULL;
}

HANDLER(atom_shared)
{
	struct lanes l;

	collect(w, o, total(o), &l);
	return shared_ok(w, o, &l, total(o)) ? atom(w, o, &l) : NULL;
}

/* All active lanes must be in one window. */
HANDLER(atom_generic)
{
	struct lanes l;

	collect(w, o, total(o), &l);
	return generic(w, o, &l, l.hi & WINDOW_MASK, true) ? atom(w, o, &l) : NULL;
}

op_fn ISA(memory_handler)(const char *name)
{
	static const struct {
		const char *name;
		op_fn run;
	} rows[] = {{"ld.global", ld_global},	{"st.global", st_global},
		    {"ld.shared", ld_shared},	{"st.shared", st_shared},
		    {"ld.local", ld_local},	{"st.local", st_local},
		    {"ld.param", ld_param},	{"ld.generic", ld_generic},
		    {"st.generic", st_generic}, {"atom.global", atom_global},
		    {"atom.shared", atom_shared}, {"atom.generic", atom_generic}};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (!strcmp(rows[i].name, name))
			return rows[i].run;
	return NULL;
}
