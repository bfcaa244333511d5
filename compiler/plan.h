/*
 * What the memory plan of a graph is made of: the slots as items to pack.
 */
#ifndef COMPILER_PLAN_H
#define COMPILER_PLAN_H

#include "compiler/ir.h"
#include "compiler/place/place.h"

#define PLAN_ALIGN     256u
#define PLAN_BYTES_MAX ((uint64_t)1 << 40) /* no device has 1 TiB */

/* A slot is larger than PLAN_BYTES_MAX: the items can't be packed. */
bool plan_too_big(const struct graph *g);

/* Slots 1..nslot-1 with their live ranges, in the arena. */
struct place_item *plan_items(const struct graph *g, struct arena *a);

#endif
