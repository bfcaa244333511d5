/*
 * Loads and stores of shared memory. The hottest accesses of a GEMM: the
 * offsets are 32 bits wide, whatever the address register is.
 */
#include "emulator/exec_access.h"

#define OFFSET		uint32_t
#define MOVE(name)	name##_shared
#define PLACE(base, at) ((base) + (at))
#include "emulator/exec_move.h"

struct offsets {
	_Alignas(64) uint32_t at[WARP_LANES];
};

/* Finds the lane that is at fault and reports it. */
static bool bad(struct warp *w, const struct op *o)
{
	struct lanes l;
	uint32_t bytes = total(o), size = w->block->shared_bytes;

	ISA(collect)(w, o, &l);
	for (uint32_t i = 0; i < WARP_LANES; i++) {
		uint64_t at = l.at[i] & ~WINDOW_MASK; /* from a generic access */

		if (!(w->mask >> i & 1))
			continue;
		if (at % bytes)
			exec_fault(w, o, FAULT_ALIGN, i, at);
		else if (at >= size || size - at < bytes)
			exec_fault(w, o, FAULT_SHARED, i, at);
	}
	return false;
}

/* The offsets, or false and the fault. Lanes that are off repeat an active one. */
static inline bool gather(struct warp *w, const struct op *o, struct offsets *s)
{
	uint32_t *at = s->at, bytes = total(o), size = w->block->shared_bytes, wrong = 0;
	uint32_t last = size - bytes, odd = bytes - 1;

	if (o->x & MEM_ADDRESS64) {
		const u64_lane *p = AT(u64, o->e);
		uint64_t imm = (uint64_t)o->imm;

		/* what does not fit 32 bits is beyond the end all the more */
		LANES at[i] = p[i] + imm > UINT32_MAX ? UINT32_MAX : (uint32_t)(p[i] + imm);
	} else {
		const u32_lane *p = AT(u32, o->e);
		uint32_t imm = (uint32_t)o->imm;

		LANES at[i] = p[i] + imm;
	}
	if (w->partial) {
		uint32_t mask = w->mask, first = at[__builtin_ctz(mask)];

		LANES at[i] = mask >> i & 1 ? at[i] : first;
	}
	LANES wrong |= (at[i] & odd) | (at[i] > last ? FULL_MASK : 0);
	return (!wrong && bytes <= size) || bad(w, o);
}

HANDLER(ld_shared)
{
	struct offsets s;

	if (!gather(w, o, &s))
		return NULL;
	load_shared(w, o, w->block->shared, s.at);
	return o + 1;
}

HANDLER(st_shared)
{
	struct offsets s;

	if (!gather(w, o, &s))
		return NULL;
	store_shared(w, o, w->block->shared, s.at);
	return o + 1;
}

HANDLER(ld_shared_sanitized)
{
	struct offsets s;

	if (!gather(w, o, &s) || !sanitize_shared(w, o, s.at, TOUCH_LOAD))
		return NULL;
	load_shared(w, o, w->block->shared, s.at);
	return o + 1;
}

HANDLER(st_shared_sanitized)
{
	uint64_t base = (uint64_t)(uintptr_t)w->block->shared;
	struct offsets s;
	struct lanes l;

	if (!gather(w, o, &s) || !sanitize_shared(w, o, s.at, TOUCH_STORE))
		return NULL;
	store_shared(w, o, w->block->shared, s.at);
	LANES l.at[i] = base + s.at[i];
	return sanitize_stored(w, o, l.at, base) ? o + 1 : NULL;
}

bool ISA(shared_ok)(struct warp *w, const struct op *o, struct lanes *l)
{
	uint64_t base = (uint64_t)(uintptr_t)w->block->shared, wrong = 0;
	uint32_t size = w->block->shared_bytes, bytes = total(o);

	LANES wrong |= (l->at[i] & (bytes - 1)) | (l->at[i] + bytes > size);
	if (wrong)
		return bad(w, o);
	LANES l->at[i] += base;
	return true;
}

op_fn ISA(shared_handler)(const char *name)
{
	static const struct {
		const char *name;
		op_fn run;
	} rows[] = {{"ld.shared", ld_shared},
		    {"st.shared", st_shared},
		    {"ld.shared.sanitized", ld_shared_sanitized},
		    {"st.shared.sanitized", st_shared_sanitized}};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (!strcmp(rows[i].name, name))
			return rows[i].run;
	return NULL;
}
