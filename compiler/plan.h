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

/* Bytes of the arena that the slots need as they are packed (UINT64_MAX: too many), and nodes that
 * the packer looked at. */
uint64_t plan_bytes(const struct graph *g, uint64_t *nodes);

/* Slots 1..nslot-1 with their live ranges, in the arena. */
struct place_item *plan_items(const struct graph *g, struct arena *a);

#endif
