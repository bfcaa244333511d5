/* What the parts of the order search share. */
#ifndef COMPILER_ORDER_INT_H
#define COMPILER_ORDER_INT_H

#include "compiler/order_search.h"

struct order_list {
	uint32_t n;
	const uint32_t *at;
};

/* Per node: the cells that it reads and writes, the nodes that wait for it. */
struct order_space {
	const struct order_problem *p;
	struct arena *arena;
	struct order_list *reads, *writes, *next;
	uint64_t *written; /* bytes of writes */
	uint32_t *dying;   /* per cell: the last question that found it dying */
	uint32_t question;
};

/* Nodes [begin, end): a stretch at whose ends the same bytes are live in every order. */
struct order_segment {
	uint32_t begin, end;
	uint64_t live; /* before it */
	uint64_t given, bound;
};

/* A down-set within a segment: all nodes before it have run, none behind it. */
struct order_set {
	uint32_t begin, end;
	uint64_t *bits;
	uint64_t live; /* bytes */
};

struct order_move {
	uint32_t node;
	uint64_t during, after; /* bytes that are live while it runs, and then */
	uint64_t rank;		/* order_exact.c: of those within the budget the least goes first */
};

/* order_step.c */
void order_space_init(struct order_space *s, const struct order_problem *p, struct arena *a);
bool order_done(const struct order_set *d, uint32_t node);
void order_flip(struct order_set *d, uint32_t node);
bool order_ready(const struct order_space *s, const struct order_set *d, uint32_t node);
struct order_move order_move_of(struct order_space *s, const struct order_set *d, uint32_t node);
/*
 * The moves from d, ascending by node, into move[] (one per node of the segment): their number.
 * Where a move is safe within the budget (no other one can be better), it is the only one.
 */
uint32_t order_moves(struct order_space *s, struct order_set *d, uint64_t budget,
		     struct order_move *move);
/* Peak of the segment in the order node[0 .. end - begin); moves live to its end. */
uint64_t order_peak(struct order_space *s, const struct order_segment *seg, const uint32_t *node,
		    uint64_t *live);

/* order_twins.c: the same problem, where of nodes that are alike only one order is left. */
void order_twins(const struct order_space *s, struct order_problem *p);

/* order_exact.c: the least peak that is at least `floor`, and an order for it; false beyond the
 * limit: then *bound is as far as it came. */
bool order_exact(struct order_space *s, const struct order_segment *seg, uint64_t floor,
		 uint32_t *limit, uint32_t *node, uint64_t *bound);

/* order_beam.c: an order of the segment, by the `width` best states of each length. */
void order_beam(struct order_space *s, const struct order_segment *seg, uint64_t floor,
		uint32_t width, uint32_t *node);

#endif
