/* Between alias.c, which gives storage, and alias_choose.c, which decides what Concats copy. */
#ifndef COMPILER_ALIAS_INT_H
#define COMPILER_ALIAS_INT_H

#include "compiler/alias.h"

/* Which inputs of Concats are copied although they could stand in the output. */
struct leaves {
	uint32_t *first; /* per output of a Concat: index of its input 0 */
	bool *copied;	 /* per input of a Concat */
};

static inline bool leaves_copied(const struct leaves *l, const struct node *n, uint32_t k)
{
	return l && l->copied[l->first[n->out[0]] + k];
}

/* Slots, offsets and pitches; NULL: nothing is copied that need not be. fixed: only what depends
 * on no order of the nodes. How many inputs of Concats are copied. */
uint32_t alias_assign(struct graph *g, const struct leaves *leaves, bool fixed);

/* What to copy so that the peak is least; in the graph's arena. */
const struct leaves *alias_choose(struct graph *g, uint64_t *peak, uint32_t *copies);

#endif
