/* What the memory handlers share: the addresses of a warp, their checks, moving data. */
#ifndef EMULATOR_EXEC_ACCESS_H
#define EMULATOR_EXEC_ACCESS_H

#include "emulator/exec_isa.h"
#include "emulator/exec_memory.h"

/* Addresses of a warp; lanes that are off repeat an active one. */
struct lanes {
	_Alignas(64) uint64_t at[WARP_LANES];
};

/* Aligned: the address has been checked. */
typedef uint32_t quad __attribute__((vector_size(16), may_alias));
/* A register's lanes. */
typedef uint32_t oct __attribute__((vector_size(32), may_alias));

#define WORD (4u | 1u << 4)
#define QUAD (4u | 4u << 4)
#define FORM (255u | MEM_DATA64)

static inline uint32_t total(const struct op *o)
{
	return MEM_BYTES(o->x) * MEM_COUNT(o->x);
}

static inline uint8_t *host(uint64_t at)
{
	return (uint8_t *)(uintptr_t)at;
}

/* Four rows of four words become four columns, in both halves. */
static inline void transpose(oct q[4])
{
	oct ab0 = __builtin_shufflevector(q[0], q[1], 0, 8, 1, 9, 4, 12, 5, 13);
	oct ab1 = __builtin_shufflevector(q[0], q[1], 2, 10, 3, 11, 6, 14, 7, 15);
	oct cd0 = __builtin_shufflevector(q[2], q[3], 0, 8, 1, 9, 4, 12, 5, 13);
	oct cd1 = __builtin_shufflevector(q[2], q[3], 2, 10, 3, 11, 6, 14, 7, 15);

	q[0] = __builtin_shufflevector(ab0, cd0, 0, 1, 8, 9, 4, 5, 12, 13);
	q[1] = __builtin_shufflevector(ab0, cd0, 2, 3, 10, 11, 6, 7, 14, 15);
	q[2] = __builtin_shufflevector(ab1, cd1, 0, 1, 8, 9, 4, 5, 12, 13);
	q[3] = __builtin_shufflevector(ab1, cd1, 2, 3, 10, 11, 6, 7, 14, 15);
}

/* Eight lanes of a register, from lane `first` on; lanes that are off keep what they have. */
static inline void put_lanes(u32_lane *to, const oct *from, const struct warp *w, int first)
{
	static const oct bit = {1, 2, 4, 8, 16, 32, 64, 128};
	oct *d = (oct *)(void *)to, v = *from;

	if (w->partial) {
		oct on = (oct)((bit & (w->mask >> first)) != 0);

		v = (v & on) | (*d & ~on);
	}
	*d = v;
}

/* exec_mem.c: collects addresses; checks them, reports and gives false where they are bad. */
void ISA(collect)(struct warp *w, const struct op *o, struct lanes *l);
bool ISA(global_ok)(struct warp *w, const struct op *o, const struct lanes *l, bool write);
/* Checks them in the space of the window and turns them into host addresses. */
bool ISA(window_ok)(struct warp *w, const struct op *o, struct lanes *l, uint64_t window,
		    bool write);
/* The sanitizer's look at host addresses of one window. */
bool ISA(window_sane)(struct warp *w, const struct op *o, const struct lanes *l, uint64_t window,
		      enum touch touch);
/* exec_shared.c */
bool ISA(shared_ok)(struct warp *w, const struct op *o, struct lanes *l);

op_fn ISA(shared_handler)(const char *name);
op_fn ISA(atom_handler)(const char *name);

#endif
