/* Storage, asked by other passes. */
#ifndef COMPILER_ALIAS_H
#define COMPILER_ALIAS_H

#include "compiler/ir.h"

struct alias_needs {
	uint64_t peak, bytes; /* most that are live at one step; as packed */
	uint32_t copies;      /* inputs of Concats that are copied */
	uint64_t nodes;	      /* of the packer's search */
};

/* alias.c: what the storage needs that alias gives this order. Leaves the graph without storage. */
struct alias_needs alias_try(struct graph *g);

/* alias.c: storage by VIEW and INTO alone, which depend on no order: slot, off and pitch. */
void alias_fixed(struct graph *g);
/* alias.c: the contracts let output 0 be written over input k, index by index, where the bytes
 * from one batch item to the next are as many. */
bool alias_same_index(const struct graph *g, const struct node *n, uint32_t k);

/* live.c: live ranges of values and slots; scratch slots. Needs storage. */
void live_set(struct graph *g);
/* Most bytes that are live at one step, those of a slot counted where a value covers them. */
uint64_t live_peak(const struct graph *g);

/* fuse, order and alias: true for Concat as far as its inputs may stand inside its output. */
bool alias_is_into(const struct node *n);

#endif
