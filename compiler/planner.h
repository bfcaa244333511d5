/* The planners of planners.def, and weights that are in the arena while their node runs. */
#ifndef COMPILER_PLANNER_H
#define COMPILER_PLANNER_H

#include "compiler/ir.h"

enum planner {
#define PLANNER(id, name, on, what) PLANNER_##id,
#include "compiler/planners.def"
#undef PLANNER
	PLANNER_COUNT
};

struct place_item;
struct place_found;

/* Offsets for items 0.. = slots 1.., as a peer finds them; counts streamed weights, too. */
void planner_place(const struct graph *g, struct place_item *item, struct place_found *found);

/* The n items and, where weights are streamed, one per node for those that it reads. */
struct place_item *planner_with_weights(const struct graph *g, struct place_item *item, uint32_t *n,
					struct arena *a);

#endif
