/*
 * One search for a packing of at most `capacity` units: place/search.c.
 * search_plan() prepares what all searches share, search_run() is one try.
 */
#ifndef COMPILER_PLACE_SEARCH_INT_H
#define COMPILER_PLACE_SEARCH_INT_H

#include "compiler/place/place_int.h"

struct near { /* an item that shares a step with this one */
	uint32_t item;
	int64_t over, under; /* least distance of the other above this one; of this one above it */
};

struct entry { /* bytes of an item in one section */
	uint32_t item;
	int64_t low;
};

/* What does not change: neighbours, sections. */
struct field {
	const struct space *s;
	struct near *near; /* item i: near_at[i]..near_at[i + 1] */
	uint32_t *near_at;
	struct entry *entry; /* step t: entry_at[t]..entry_at[t + 1] */
	uint32_t *entry_at;
	bool plain; /* every item is one box that is all of it: a search can be complete */
};

enum search_end { SEARCH_FOUND, SEARCH_NONE, SEARCH_LIMIT };

struct search; /* one strategy's state, kept between its runs */

void field_init(struct field *f, const struct space *s);
struct search *search_new(const struct field *f, uint32_t strategy, struct arena *a);
void search_free(struct search *q);
enum search_end search_run(struct search *q, int64_t capacity, uint64_t limit);
uint64_t search_last_nodes(const struct search *q);	       /* decisions of the last run */
void search_offsets(const struct search *q, uint64_t *offset); /* after SEARCH_FOUND */

#define STRATEGIES 8

#endif
