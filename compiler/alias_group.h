/* Groups of values with fixed distances to each other, and whether two may become one. */
#ifndef COMPILER_ALIAS_GROUP_H
#define COMPILER_ALIAS_GROUP_H

#include "compiler/alias_int.h"
#include "compiler/rewrites.h"

struct member {		      /* per value */
	uint32_t group, next; /* value ids: the group's name, the next member or 0 */
	uint64_t off;
	int64_t pitch;	    /* elements */
	int64_t born, dies; /* steps: -1 before the first node; NEVER after the last */
	bool view;	    /* placed in its input */
	bool gaps;	    /* all kernels around it address by pitch */
};

struct alias { /* in the making */
	const struct graph *g;
	struct arena *tmp;
	struct member *m;
	const struct leaves *leaves;
	uint32_t did[REWRITE_COUNT];
};

/* Two groups as they would be in one, each moved up. */
struct join {
	uint32_t group[2];
	uint64_t up[2];
};

static inline int64_t group_items(const struct alias *a, val_id v)
{
	const struct type *t = &a->g->val[v].type;

	return t->rank ? t->dim[0] : 1;
}

/* Bytes from its first to its last. */
uint64_t group_extent(const struct alias *a, val_id v);
uint64_t group_bytes(const struct alias *a, uint32_t group);
/* Moves every member of group `from` up by `shift` bytes and into group `to`. */
void group_merge(struct alias *a, uint32_t to, uint32_t from, uint64_t shift);

/* The two groups such that x_byte of the one is y_byte of the other. */
struct join group_join(uint32_t x, uint64_t x_byte, uint32_t y, uint64_t y_byte);
void group_merge_join(struct alias *a, const struct join *j);
/*
 * Values of the two must not share bytes as they would, or caller's input and output would. n: its
 * output comes over an input, or NULL.
 */
bool group_clash(const struct alias *a, const struct join *j, const struct node *n);

/* Output 0 may be written over input k, index by index, byte by byte. */
bool group_same_index(const struct alias *a, const struct node *n, uint32_t k);

#endif
