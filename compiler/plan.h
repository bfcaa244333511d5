/*
 * Packing: sizes and live ranges in, offsets out. Pure: it knows nothing of
 * graphs, so that it is tested on its own against many random instances.
 */
#ifndef COMPILER_PLAN_H
#define COMPILER_PLAN_H

#include "base/err.h"

#define PLAN_ALIGN     256u
#define PLAN_BYTES_MAX ((uint64_t)1 << 40) /* no device has 1 TiB */

struct plan_item {
	uint64_t size;	      /* bytes; rounded up to PLAN_ALIGN inside */
	uint32_t first, last; /* steps, both inclusive */
	uint64_t offset;      /* the answer, a multiple of PLAN_ALIGN */
};

struct plan_found {
	uint64_t bytes, lower_bound; /* lower_bound: most bytes that are live at one step */
};

/* Fills the offsets. Items that share a step never overlap. E_PLAN_TOO_BIG beyond PLAN_BYTES_MAX.
 */
int plan_pack(struct plan_item *item, uint32_t n, struct plan_found *found, struct err *e);

/* The lower bound alone; UINT64_MAX where it is beyond PLAN_BYTES_MAX. */
uint64_t plan_max_live(const struct plan_item *item, uint32_t n);

#endif
