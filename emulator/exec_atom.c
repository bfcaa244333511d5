/*
 * Atomic operations: lane by lane, in the order of the lanes; between
 * threads of the host by compare-and-swap.
 */
#include "emulator/exec_access.h"

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
static uint64_t atom_new(enum mem_atom kind, uint64_t old, uint64_t v, uint64_t swap,
			 uint32_t bytes)
{
	int64_t so = bytes == 4 ? (int32_t)old : (int64_t)old,
		sv = bytes == 4 ? (int32_t)v : (int64_t)v;

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
		uint64_t *p = (uint64_t *)(void *)host(at),
			 old = __atomic_load_n(p, __ATOMIC_RELAXED);

		while (!__atomic_compare_exchange_n(p, &old, atom_new(kind, old, v, swap, 8), true,
						    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			;
		return old;
	}
	uint32_t *p = (uint32_t *)(void *)host(at), old = __atomic_load_n(p, __ATOMIC_RELAXED);

	while (!__atomic_compare_exchange_n(p, &old, (uint32_t)atom_new(kind, old, v, swap, 4),
					    true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
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

/* All active lanes must be in one window. */
static const struct op *atom_in(struct warp *w, const struct op *o, struct lanes *l,
				uint64_t window, bool sanitize)
{
	w->block->mixed = false;
	if (!ISA(window_ok)(w, o, l, window, true) ||
	    (sanitize && !ISA(window_sane)(w, o, l, window, TOUCH_ATOMIC)))
		return NULL;
	return atom(w, o, l);
}

#define ATOM(name, window, sanitize)                        \
	HANDLER(name)                                       \
	{                                                   \
		struct lanes l;                             \
                                                            \
		ISA(collect)(w, o, &l);                     \
		return atom_in(w, o, &l, window, sanitize); \
	}

ATOM(atom_global, 0, false)
ATOM(atom_shared, WINDOW_SHARED, false)
ATOM(atom_generic, l.at[0] & WINDOW_MASK, false)
ATOM(atom_global_sanitized, 0, true)
ATOM(atom_shared_sanitized, WINDOW_SHARED, true)
ATOM(atom_generic_sanitized, l.at[0] & WINDOW_MASK, true)

op_fn ISA(atom_handler)(const char *name)
{
	static const struct {
		const char *name;
		op_fn run;
	} rows[] = {{"atom.global", atom_global},
		    {"atom.shared", atom_shared},
		    {"atom.generic", atom_generic},
		    {"atom.global.sanitized", atom_global_sanitized},
		    {"atom.shared.sanitized", atom_shared_sanitized},
		    {"atom.generic.sanitized", atom_generic_sanitized}};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (!strcmp(rows[i].name, name))
			return rows[i].run;
	return NULL;
}
