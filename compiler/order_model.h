/* The order search's problem for a graph. */
#ifndef COMPILER_ORDER_MODEL_H
#define COMPILER_ORDER_MODEL_H

#include "compiler/ir.h"
#include "compiler/order_search.h"

/*
 * shared: what no order can do without, whatever alias chooses (order_content.h); else what it
 * needs if the Concats hold what they hold now, unless two relations exclude each other. Needs
 * alias_fixed; nodes stay as they are, and everything made is the arena's. False where values
 * share bytes in more ways than can be looked at.
 */
bool order_model(const struct graph *g, struct arena *a, bool shared, struct order_problem *p);

#endif
