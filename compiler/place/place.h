/*
 * Packing: items with sizes and live ranges in, offsets out. Pure: it knows
 * nothing of graphs, so that it is tested on its own against brute force.
 */
#ifndef COMPILER_PLACE_PLACE_H
#define COMPILER_PLACE_PLACE_H

#include "base/base.h"

/* Bytes [low, high) of an item are live in steps first..last, both inclusive. */
struct place_part {
	uint64_t low, high;
	uint32_t first, last;
};

/*
 * Parts of one item may overlap each other; a byte that is in none of them is
 * never live. Two items conflict only where a part of one and a part of the
 * other share a step and would share a byte.
 */
struct place_item {
	uint64_t size, align; /* align: of the offset, at least 1; no part reaches over size */
	uint32_t nparts;
	const struct place_part *part;
	uint64_t offset; /* the answer */
};

enum place_proof {
	PLACE_MAX_LIVE,	 /* bytes is the lower bound */
	PLACE_EXHAUSTED, /* a complete search found nothing smaller */
	PLACE_GAP,	 /* it may be possible with less */
};

struct place_found {
	uint64_t bytes;	      /* greatest offset + size */
	uint64_t lower_bound; /* most bytes that are live at one step, items united */
	uint64_t excluded;    /* proved: it takes more than this */
	enum place_proof proof;
	uint64_t nodes; /* decisions of the search */
};

struct place_options {
	uint64_t capacity; /* enough is enough; 0: as small as possible */
	uint64_t nodes;	   /* most decisions of the search */
	uint32_t threads;  /* at least 1; the answer does not depend on it */
};

#define PLACE_SUM_MAX  ((uint64_t)1 << 62) /* sizes and alignments of all items together */
#define PLACE_STEP_MAX ((uint32_t)1 << 24)

/* Fills the offsets. The caller has checked that the items are within both limits. */
void place_with(struct place_item *item, uint32_t n, const struct place_options *o,
		struct place_found *found);
/* The same with the options of a compilation. */
void place(struct place_item *item, uint32_t n, struct place_found *found);

/* The lower bound alone. */
uint64_t place_max_live(const struct place_item *item, uint32_t n);

#endif
