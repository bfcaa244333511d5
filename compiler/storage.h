/* Where a value's bytes lie in its slot, and which nodes only show bytes that are there already. */
#ifndef COMPILER_STORAGE_H
#define COMPILER_STORAGE_H

#include "compiler/ir.h"

#define STORAGE_ALIGN 16 /* bytes: kernels load up to four floats at once */

/* Bytes from the first to the last, with `pitch` elements from one batch item to the next. */
uint64_t storage_extent(const struct val *v, int64_t pitch);

/*
 * Output 0 of n is input 0 (at this pitch) from byte `offset` on, in another shape or a part of
 * it: a .View, or a .Map that copies what could stay where it is. *pitch: the output's.
 */
bool storage_view(const struct graph *g, const struct node *n, int64_t in_pitch, uint64_t *offset,
		  int64_t *pitch);
/* And alias has it so: n has no kernel. */
bool storage_is_view(const struct graph *g, const struct node *n);

/*
 * Input k of Concat n could stand in the output, which has this pitch, `offset` bytes behind its
 * start: it is one run of bytes per batch item, and laid out like the output.
 */
bool storage_leaf(const struct graph *g, const struct node *n, uint32_t k, int64_t pitch,
		  uint64_t *offset);

#endif
