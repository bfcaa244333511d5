/*
 * Items as the packers see them: sizes in units of their greatest common
 * divisor, the live bytes cut into boxes that are disjoint within an item,
 * steps renumbered to those where a box begins.
 */
#ifndef COMPILER_PLACE_PLACE_INT_H
#define COMPILER_PLACE_PLACE_INT_H

#include "base/arena.h"
#include "compiler/place/place.h"

struct box {
	uint64_t low, high;
	uint32_t first, last;
};

struct shape {
	uint64_t size, align;
	uint32_t first, last; /* over its boxes */
	uint32_t nbox;
	struct box *box;
};

struct space {
	struct arena *arena;
	struct shape *shape;
	uint32_t n, nsteps, nboxes;
	uint64_t unit;	   /* bytes */
	uint64_t *live;	   /* per step; one more, 0 */
	uint64_t max_live; /* greatest of live */
	uint64_t bound;	   /* max_live, or the greatest size if that is more */
};

/* A set of offsets. */
struct packing {
	uint64_t top;
	uint64_t *offset;
};

void space_init(struct space *s, const struct place_item *item, uint32_t n, struct arena *a);

/* Both improve *best, which is the caller's, and end at s->bound. */
struct greedy;
struct greedy *greedy_new(const struct space *s, struct packing *best);
void greedy_rules(struct greedy *g); /* eight orders, first fit and best fit; before all else */
void greedy_climb(struct greedy *g); /* from what the rules found */

/* Brings *best down towards target, at least s->bound, in at most so many placements: their number.
 */
uint64_t repair(const struct space *s, struct packing *best, uint64_t target, uint64_t nodes);

#endif
