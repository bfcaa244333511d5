/* Storage, asked by other passes. */
#ifndef COMPILER_ALIAS_H
#define COMPILER_ALIAS_H

#include "compiler/ir.h"

/* alias.c: most bytes live at one step, with the storage that alias gives this order, and how many
 * inputs of Concats are copied. Leaves the graph without storage. */
uint64_t alias_peak(struct graph *g, uint32_t *copies);

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
