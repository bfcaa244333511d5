/* The order search's problem for a graph. */
#ifndef COMPILER_ORDER_MODEL_H
#define COMPILER_ORDER_MODEL_H

#include "compiler/ir.h"
#include "compiler/order_search.h"

/*
 * What no order can do without, by the storage relations that alias knows; alias may find that two
 * of them exclude each other, never that there is another one. Needs alias_fixed; nodes stay as
 * they are, and everything made is the arena's.
 */
void order_model(const struct graph *g, struct arena *a, struct order_problem *p);

#endif
