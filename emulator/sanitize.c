/*
 * The sanitizer's part of every access.
 *
 * Global memory: a load must find its bytes written, and whatever two blocks
 * of one launch touch nobody may write (atomics aside): the tags of the
 * shadow say who was there. Shared memory: the same for warps between two
 * barriers. The warps of a block run one after another, so a warp's loads are
 * only noted (`seen`) while it runs, and count (`reader`) when it pauses.
 */
#include "emulator/sanitize.h"

#include "emulator/exec_lane.h"
#include "emulator/exec_memory.h"
#include "emulator/sched.h"

#include <string.h>

/* The other side of a race: a tag, a warp or a lane; nobody: 0. */
struct rival {
	uint32_t who;
	bool writes;
};

static bool race(struct warp *w, const struct op *o, enum fault f, uint32_t lane, uint64_t at,
		 struct rival r)
{
	w->block->other = r.who;
	w->block->other_writes = r.writes;
	exec_fault(w, o, f, lane, at);
	return false;
}

/* ---- global memory ---- */

/* One lane's bytes; they lie in one word or fill several. */
static bool lane_written(const struct shadow *s, uint64_t at, uint32_t bytes)
{
	uint64_t i = at - s->at;
	uint8_t all = SHADOW_FULL;

	if (s->full)
		return true;
	if (bytes < SHADOW_WORD)
		return (uint8_t) ~(s->written[i / SHADOW_WORD] >> i % SHADOW_WORD) %
			       (1u << bytes) ==
		       0;
	for (uint32_t k = 0; k < bytes / SHADOW_WORD; k++)
		all &= s->written[i / SHADOW_WORD + k];
	return all == SHADOW_FULL;
}

/* Some byte belongs to a tensor that must survive the launch. */
static bool lane_held(const struct shadow *s, uint64_t at, uint32_t bytes)
{
	uint64_t i = at - s->at;
	uint8_t any = 0;

	if (bytes < SHADOW_WORD)
		return (uint32_t)s->written[i / SHADOW_WORD] >> (SHADOW_HELD + i % SHADOW_WORD) &
		       ((1u << bytes) - 1);
	for (uint32_t k = 0; k < bytes / SHADOW_WORD; k++)
		any |= s->written[i / SHADOW_WORD + k];
	return any >> SHADOW_HELD;
}

static void mark_written(struct shadow *s, uint64_t at, uint32_t bytes)
{
	uint64_t i = at - s->at;
	uint8_t *p = &s->written[i / SHADOW_WORD];

	if (s->full)
		return;
	if (bytes < SHADOW_WORD) /* another block may write the rest of the word now */
		__atomic_fetch_or(p, (uint8_t)(((1u << bytes) - 1) << i % SHADOW_WORD),
				  __ATOMIC_RELAXED);
	else
		memset(p, SHADOW_FULL, bytes / SHADOW_WORD);
}

/* Who else of this launch was at the unit in a way that does not go with this touch. */
static struct rival rival(const struct block *b, const struct shadow *s, uint64_t unit,
			  enum touch touch, bool raced)
{
	uint32_t first = b->launch->tag, w = s->writer[unit], r = s->reader[unit];

	if (w >= first && w != b->tag && !(touch == TOUCH_ATOMIC && w == first + TAG_ATOMIC))
		return (struct rival){w, true};
	if (touch != TOUCH_LOAD && raced && r >= first && r != b->tag)
		return (struct rival){r, false};
	return (struct rival){0, false};
}

static void put_tag(const struct block *b, struct shadow *s, uint64_t unit, enum touch touch)
{
	uint32_t first = b->launch->tag, r = s->reader[unit];

	if (touch == TOUCH_LOAD)
		s->reader[unit] = r < first || r == b->tag ? b->tag : first + TAG_MANY;
	else if (touch == TOUCH_STORE)
		s->writer[unit] = b->tag;
	else if (s->writer[unit] != b->tag)
		s->writer[unit] = first + TAG_ATOMIC;
}

static bool touch_lane(struct warp *w, const struct op *o, const struct extent *x, uint32_t lane,
		       uint64_t at, enum touch touch)
{
	struct block *b = w->block;
	struct shadow *s = x->shadow;
	uint32_t bytes = MEM_BYTES(o->x) * MEM_COUNT(o->x), unit = b->launch->kernel->unit;
	uint64_t first = (at - s->at) / unit, end = first + bytes / unit;

	if (touch != TOUCH_STORE && !x->filled && !lane_written(s, at, bytes)) {
		exec_fault(w, o, FAULT_UNWRITTEN, lane, at);
		return false;
	}
	if (touch == TOUCH_LOAD && !x->raced)
		return true;
	if (touch != TOUCH_LOAD && b->launch->plan && lane_held(s, at, bytes)) {
		exec_fault(w, o, FAULT_HELD, lane, at);
		return false;
	}
	for (uint64_t u = first; u < end; u++) {
		struct rival r = rival(b, s, u, touch, x->raced);

		if (r.who)
			return race(w, o, FAULT_RACE, lane, at, r);
		put_tag(b, s, u, touch);
	}
	if (touch == TOUCH_STORE)
		mark_written(s, at, bytes);
	return true;
}

bool sanitize_global(struct warp *w, const struct op *o, const uint64_t *at, enum touch touch)
{
	struct block *b = w->block;
	const struct extent *x = b->cache[o->mem].extent;

	b->fault_write = touch != TOUCH_LOAD;
	for (uint32_t left = w->mask; left; left &= left - 1) {
		uint32_t lane = (uint32_t)__builtin_ctz(left);

		if (b->mixed)
			x = check_find(b->launch, o, at[lane], touch != TOUCH_LOAD);
		if (x->shadow && !touch_lane(w, o, x, lane, at[lane], touch))
			return false;
	}
	return true;
}

/* ---- shared memory ---- */

static uint8_t name_of(const struct warp *w)
{
	return w->block->alone ? SHARED_NOBODY : (uint8_t)(w->index + 1);
}

/* All states of the lanes' units, joined. */
static inline __attribute__((always_inline)) uint64_t look(const uint8_t *state, uint32_t shift,
							   const uint32_t *at, size_t n)
{
	uint64_t all = 0;

	for (int i = 0; i < WARP_LANES; i++) {
		uint64_t v = 0;

		memcpy(&v, state + (at[i] >> shift), n);
		all |= v;
	}
	return all;
}

static inline __attribute__((always_inline)) void put(uint8_t *to, uint32_t shift,
						      const uint32_t *at, size_t n, uint8_t v)
{
	for (int i = 0; i < WARP_LANES; i++)
		memset(to + (at[i] >> shift), v, n);
}

static uint64_t look_any(const uint8_t *state, uint32_t shift, const uint32_t *at, size_t n)
{
	switch (n) {
	case 1:
		return look(state, shift, at, 1);
	case 2:
		return look(state, shift, at, 2);
	case 4:
		return look(state, shift, at, 4);
	case 8:
		return look(state, shift, at, 8);
	default:
		return 0xff; /* to be looked at one by one */
	}
}

static void put_any(uint8_t *to, uint32_t shift, const uint32_t *at, size_t n, uint8_t v)
{
	switch (n) {
	case 1:
		put(to, shift, at, 1, v);
		break;
	case 2:
		put(to, shift, at, 2, v);
		break;
	case 4:
		put(to, shift, at, 4, v);
		break;
	default:
		put(to, shift, at, n, v);
	}
}

/* One unit in full; where other warps are only known to be there, the fast look stops. */
static bool unit_ok(struct warp *w, const struct op *o, uint32_t lane, uint32_t at, uint32_t u,
		    enum touch touch)
{
	const struct shared_shadow *s = &w->block->shadow;
	uint8_t me = name_of(w), state = s->state[u], reader = s->reader[u];
	uint8_t writer = state == SHARED_UNWRITTEN ? SHARED_NOBODY : state;

	if (touch != TOUCH_STORE && state == SHARED_UNWRITTEN) {
		exec_fault(w, o, FAULT_SHARED_UNWRITTEN, lane, at);
		return false;
	}
	if (writer && writer != me && !(touch == TOUCH_ATOMIC && writer == SHARED_ATOMIC))
		return race(w, o, FAULT_SHARED_RACE, lane, at, (struct rival){writer, true});
	if (touch != TOUCH_LOAD && reader && reader != me)
		return race(w, o, FAULT_SHARED_RACE, lane, at, (struct rival){reader, false});
	return true;
}

static bool units_ok(struct warp *w, const struct op *o, const uint32_t *at, uint32_t n,
		     enum touch touch)
{
	for (uint32_t left = w->mask; left; left &= left - 1) {
		uint32_t lane = (uint32_t)__builtin_ctz(left);

		for (uint32_t k = 0; k < n; k++)
			if (!unit_ok(w, o, lane, at[lane], (at[lane] >> w->block->shadow.shift) + k,
				     touch))
				return false;
	}
	return true;
}

static void put_atomic(struct warp *w, const uint32_t *at, uint32_t n)
{
	struct shared_shadow *s = &w->block->shadow;

	for (uint32_t left = w->mask; left; left &= left - 1)
		for (uint32_t k = 0; k < n; k++) {
			uint8_t *p = &s->state[(at[__builtin_ctz(left)] >> s->shift) + k];

			if (*p != name_of(w) && !w->block->alone)
				*p = SHARED_ATOMIC;
		}
}

bool sanitize_shared(struct warp *w, const struct op *o, const uint32_t *at, enum touch touch)
{
	struct shared_shadow *s = &w->block->shadow;
	uint32_t n = MEM_BYTES(o->x) * MEM_COUNT(o->x) >> s->shift;
	uint64_t seen = touch == TOUCH_ATOMIC ? 1 : look_any(s->state, s->shift, at, n);

	w->block->fault_write = touch != TOUCH_LOAD;
	if (touch == TOUCH_STORE)
		seen = (seen & 0x7f7f7f7f7f7f7f7f) | look_any(s->reader, s->shift, at, n);
	if (seen && !units_ok(w, o, at, n, touch))
		return false;
	if (touch == TOUCH_STORE)
		put_any(s->state, s->shift, at, n, name_of(w));
	else if (touch == TOUCH_ATOMIC)
		put_atomic(w, at, n);
	else if (!w->block->alone)
		put_any(s->seen, s->shift, at, n, 1);
	s->reads |= touch == TOUCH_LOAD;
	return true;
}

void sanitize_block(struct block *b)
{
	struct shared_shadow *s = &b->shadow;

	memset(s->state, SHARED_UNWRITTEN, s->units);
	memset(s->seen, 0, s->units);
	memset(s->reader, SHARED_NOBODY, s->units);
	s->reads = false;
}

void sanitize_pause(struct block *b, const struct warp *w)
{
	struct shared_shadow *s = &b->shadow;
	uint8_t me = name_of(w), *restrict seen = s->seen, *restrict reader = s->reader;

	if (!s->reads || b->alone)
		return;
	for (uint32_t u = 0; u < s->units; u++) {
		reader[u] = seen[u] ? me : reader[u];
		seen[u] = 0;
	}
	s->reads = false;
}

void sanitize_barrier(struct block *b)
{
	struct shared_shadow *s = &b->shadow;

	for (uint32_t u = 0; u < s->units; u++)
		s->state[u] &= SHARED_UNWRITTEN;
	memset(s->reader, SHARED_NOBODY, s->units);
}

/* ---- what the lanes of one instruction store ---- */

static bool in_order(const struct warp *w, const uint64_t *at, uint32_t bytes)
{
	uint64_t free = 0, wrong = 0;

	if (!w->partial) {
		for (int i = 0; i < WARP_LANES - 1; i++)
			wrong |= at[i + 1] < at[i] + bytes;
		return !wrong;
	}
	for (uint32_t left = w->mask; left; left &= left - 1) {
		uint64_t here = at[__builtin_ctz(left)];

		wrong |= here < free;
		free = here + bytes;
	}
	return !wrong;
}

static bool stands(const struct warp *w, const struct op *o, uint32_t lane, uint64_t at)
{
	const uint32_t regs[4] = {o->d, o->a, o->b, o->c};
	uint32_t bytes = MEM_BYTES(o->x);

	for (uint32_t k = 0; k < MEM_COUNT(o->x); k++) {
		uint64_t v = o->x & MEM_DATA64 ? AT(u64, regs[k])[lane] : AT(u32, regs[k])[lane];

		if (memcmp((const uint8_t *)(uintptr_t)at + (size_t)k * bytes, &v, bytes) != 0)
			return false;
	}
	return true;
}

/* Where two lanes store to one place only one of them can find its own there, or both stored the
 * same. */
bool sanitize_stored(struct warp *w, const struct op *o, const uint64_t *at, uint64_t base)
{
	uint32_t bytes = MEM_BYTES(o->x) * MEM_COUNT(o->x);

	if (in_order(w, at, bytes))
		return true;
	for (uint32_t left = w->mask; left; left &= left - 1) {
		uint32_t lane = (uint32_t)__builtin_ctz(left), other = lane;

		if (stands(w, o, lane, at[lane]))
			continue;
		for (uint32_t i = 0; i < WARP_LANES; i++)
			if (w->mask >> i & 1 && i != lane && at[i] < at[lane] + bytes &&
			    at[lane] < at[i] + bytes)
				other = i;
		return race(w, o, FAULT_CLASH, lane, at[lane] - base, (struct rival){other, true});
	}
	return true;
}
