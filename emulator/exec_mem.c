/*
 * Loads and stores of global, local, parameter and generic addresses. The
 * addresses of the active lanes are collected and checked as a whole
 * (extent, alignment) before any data moves.
 */
#include "emulator/exec_access.h"

#define OFFSET		uint64_t
#define MOVE(name)	name##_global
#define PLACE(base, at) ((void)(base), host(at))
#include "emulator/exec_move.h"

void ISA(collect)(struct warp *w, const struct op *o, struct lanes *l)
{
	uint64_t *at = l->at;

	if (o->x & MEM_ADDRESS64) {
		const u64_lane *p = AT(u64, o->e);
		uint64_t imm = (uint64_t)o->imm;

		LANES at[i] = p[i] + imm;
	} else {
		const u32_lane *p = AT(u32, o->e);
		uint32_t imm = (uint32_t)o->imm;

		LANES at[i] = p[i] + imm;
	}
	if (w->partial) {
		uint64_t mask = w->mask, first = at[__builtin_ctz(w->mask)];

		LANES at[i] = mask >> i & 1 ? at[i] : first;
	}
}

/* True where no lane lies beyond the extent or between the rows of the known extent. */
static bool in_extent(const struct extent_cache *c, const struct lanes *l, uint32_t bytes)
{
	uint64_t last = c->hi - c->lo - bytes, wrong = 0;

	if (c->hi - c->lo < bytes)
		return false;
	LANES wrong |= l->at[i] - c->lo > last;
	if (wrong || !c->pitch)
		return !wrong;
	if (c->hi - c->base > INT32_MAX || c->pitch > INT32_MAX) {
		for (int i = 0; i < WARP_LANES; i++)
			wrong |= (l->at[i] - c->base) % c->pitch + bytes > c->width;
	} else {
		int32_t pitch = (int32_t)c->pitch, most = (int32_t)c->width - (int32_t)bytes;
		double inverse = 1.0 / (double)pitch;
		int32_t over = 0;

		/* the quotient may be wrong by one, the remainder tells */
		LANES
		{
			int32_t at = (int32_t)(l->at[i] - c->base);
			int32_t r = at - (int32_t)((double)at * inverse) * pitch;

			r = r < 0 ? r + pitch : r >= pitch ? r - pitch : r;
			over |= r > most;
		}
		wrong = over != 0;
	}
	return !wrong;
}

static bool misaligned(const struct lanes *l, uint32_t bytes)
{
	uint64_t odd = 0;

	LANES odd |= l->at[i];
	return odd & (bytes - 1);
}

static bool fault(struct warp *w, const struct op *o, const struct lanes *l, enum fault f,
		  uint32_t lane)
{
	exec_fault(w, o, f, lane, l->at[lane]);
	return false;
}

static bool aligned(struct warp *w, const struct op *o, const struct lanes *l)
{
	uint32_t odd = total(o) - 1;

	if (!misaligned(l, total(o)))
		return true;
	for (uint32_t i = 0; i < WARP_LANES; i++)
		if (w->mask >> i & 1 && l->at[i] & odd)
			return fault(w, o, l, FAULT_ALIGN, i);
	return false;
}

bool ISA(global_ok)(struct warp *w, const struct op *o, const struct lanes *l, bool write)
{
	struct block *b = w->block;
	int lane;

	if (!aligned(w, o, l))
		return false;
	if (in_extent(&b->cache[o->mem], l, total(o)))
		return true;
	lane = check_access(b, o, l->at, w->mask, total(o), write);
	if (lane < 0)
		return true;
	b->fault_write = write;
	return fault(w, o, l, FAULT_ADDRESS, (uint32_t)lane);
}

/* All lanes inside `size` bytes. */
static bool inside(struct warp *w, const struct op *o, const struct lanes *l, uint64_t size)
{
	uint32_t bytes = total(o);

	if (!aligned(w, o, l))
		return false;
	for (uint32_t i = 0; i < WARP_LANES; i++)
		if (w->mask >> i & 1 && (l->at[i] >= size || size - l->at[i] < bytes))
			return fault(w, o, l, FAULT_LOCAL, i);
	return true;
}

static bool local_ok(struct warp *w, const struct op *o, struct lanes *l)
{
	const struct block *b = w->block;
	uint64_t size = b->local_bytes, base;

	if (!inside(w, o, l, size))
		return false;
	base = (uint64_t)(uintptr_t)b->local + (uint64_t)w->index * WARP_LANES * size;
	LANES l->at[i] += base + (uint64_t)i * size;
	return true;
}

bool ISA(window_ok)(struct warp *w, const struct op *o, struct lanes *l, uint64_t window,
		    bool write)
{
	if (window != WINDOW_SHARED && window != WINDOW_LOCAL)
		return ISA(global_ok)(w, o, l, write);
	LANES l->at[i] &= ~WINDOW_MASK;
	return window == WINDOW_SHARED ? ISA(shared_ok)(w, o, l) : local_ok(w, o, l);
}

bool ISA(window_sane)(struct warp *w, const struct op *o, const struct lanes *l, uint64_t window,
		      enum touch touch)
{
	uint64_t base = (uint64_t)(uintptr_t)w->block->shared;
	uint32_t at[WARP_LANES];

	if (window == WINDOW_LOCAL)
		return true;
	if (window != WINDOW_SHARED)
		return sanitize_global(w, o, l->at, touch);
	for (int i = 0; i < WARP_LANES; i++)
		at[i] = (uint32_t)(l->at[i] - base);
	return sanitize_shared(w, o, at, touch);
}

HANDLER(ld_global)
{
	struct lanes l;

	ISA(collect)(w, o, &l);
	if (!ISA(global_ok)(w, o, &l, false))
		return NULL;
	load_global(w, o, NULL, l.at);
	return o + 1;
}

HANDLER(st_global)
{
	struct lanes l;

	ISA(collect)(w, o, &l);
	if (!ISA(global_ok)(w, o, &l, true))
		return NULL;
	store_global(w, o, NULL, l.at);
	return o + 1;
}

HANDLER(ld_global_sanitized)
{
	struct block *b = w->block;
	struct lanes l;

	ISA(collect)(w, o, &l);
	b->mixed = false;
	if (!ISA(global_ok)(w, o, &l, false))
		return NULL;
	if ((b->mixed || !b->cache[o->mem].quiet) && !sanitize_global(w, o, l.at, TOUCH_LOAD))
		return NULL;
	load_global(w, o, NULL, l.at);
	return o + 1;
}

HANDLER(st_global_sanitized)
{
	struct lanes l;

	ISA(collect)(w, o, &l);
	w->block->mixed = false;
	if (!ISA(global_ok)(w, o, &l, true) || !sanitize_global(w, o, l.at, TOUCH_STORE))
		return NULL;
	store_global(w, o, NULL, l.at);
	return sanitize_stored(w, o, l.at, 0) ? o + 1 : NULL;
}

HANDLER(ld_local)
{
	struct lanes l;

	ISA(collect)(w, o, &l);
	if (!local_ok(w, o, &l))
		return NULL;
	load_global(w, o, NULL, l.at);
	return o + 1;
}

HANDLER(st_local)
{
	struct lanes l;

	ISA(collect)(w, o, &l);
	if (!local_ok(w, o, &l))
		return NULL;
	store_global(w, o, NULL, l.at);
	return o + 1;
}

HANDLER(ld_param)
{
	struct lanes l;

	ISA(collect)(w, o, &l);
	if (!inside(w, o, &l, w->block->param_bytes))
		return NULL;
	LANES l.at[i] += (uint64_t)(uintptr_t)w->block->params;
	load_global(w, o, NULL, l.at);
	return o + 1;
}

/* The active lanes, all in one window. */
static bool one_window(struct warp *w, const struct op *o, uint64_t window, bool write,
		       bool sanitize)
{
	enum touch touch = write ? TOUCH_STORE : TOUCH_LOAD;
	struct lanes l;

	ISA(collect)(w, o, &l);
	w->block->mixed = false;
	if (!ISA(window_ok)(w, o, &l, window, write) ||
	    (sanitize && !ISA(window_sane)(w, o, &l, window, touch)))
		return false;
	if (!write) {
		load_global(w, o, NULL, l.at);
		return true;
	}
	store_global(w, o, NULL, l.at);
	return !sanitize ||
	       sanitize_stored(w, o, l.at,
			       window == WINDOW_SHARED ? (uint64_t)(uintptr_t)w->block->shared : 0);
}

/* Generic addresses: the lanes of each window in turn. */
static const struct op *generic(struct warp *w, const struct op *o, bool write, bool sanitize)
{
	uint32_t mask = w->mask, partial = w->partial;
	bool ok = true;

	for (uint32_t left = mask; left && ok; left &= ~w->mask) {
		struct lanes l;
		uint64_t window;

		w->mask = left;
		w->partial = left != FULL_MASK;
		ISA(collect)(w, o, &l);
		window = l.at[__builtin_ctz(left)] & WINDOW_MASK;
		for (int i = 0; i < WARP_LANES; i++)
			if ((l.at[i] & WINDOW_MASK) != window)
				w->mask &= ~(1u << i);
		w->partial = w->mask != FULL_MASK;
		ok = one_window(w, o, window, write, sanitize);
	}
	w->mask = mask;
	w->partial = partial;
	return ok ? o + 1 : NULL;
}

HANDLER(ld_generic)
{
	return generic(w, o, false, false);
}

HANDLER(st_generic)
{
	return generic(w, o, true, false);
}

HANDLER(ld_generic_sanitized)
{
	return generic(w, o, false, true);
}

HANDLER(st_generic_sanitized)
{
	return generic(w, o, true, true);
}

op_fn ISA(memory_handler)(const char *name)
{
	static const struct {
		const char *name;
		op_fn run;
	} rows[] = {{"ld.global", ld_global},
		    {"st.global", st_global},
		    {"ld.local", ld_local},
		    {"st.local", st_local},
		    {"ld.param", ld_param},
		    {"ld.generic", ld_generic},
		    {"st.generic", st_generic},
		    {"ld.global.sanitized", ld_global_sanitized},
		    {"st.global.sanitized", st_global_sanitized},
		    {"ld.local.sanitized", ld_local},
		    {"st.local.sanitized", st_local},
		    {"ld.param.sanitized", ld_param},
		    {"ld.generic.sanitized", ld_generic_sanitized},
		    {"st.generic.sanitized", st_generic_sanitized}};
	op_fn shared = ISA(shared_handler)(name);

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (!strcmp(rows[i].name, name))
			return rows[i].run;
	return shared ? shared : ISA(atom_handler)(name);
}
