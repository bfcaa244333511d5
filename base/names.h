/*
 * Names to numbers: a hash table in an arena that only grows. The number 0
 * stands for "not there". Nothing depends on the table's order.
 */
#ifndef BASE_NAMES_H
#define BASE_NAMES_H

#include "base/arena.h"

struct names {
	struct arena *arena;
	struct names_entry *entry;
	size_t cap, n;
};

struct names names_begin(struct arena *a);
/* The number of a name, to be read or set; 0 where the name is new. The name is copied. Valid until
 * the next call. */
uint32_t *names_at(struct names *t, const void *name, size_t len);
uint32_t names_find(const struct names *t, const void *name, size_t len);

#endif
