/*
 * The order of nodes that needs least memory at its peak. Pure: it knows
 * nothing of graphs, so that it is tested on its own against brute force.
 */
#ifndef COMPILER_ORDER_SEARCH_H
#define COMPILER_ORDER_SEARCH_H

#include "base/arena.h"

#define ORDER_START UINT32_MAX

/* Bytes that are born and die together: at the writer, after the last of the readers. */
struct order_cell {
	uint64_t bytes;
	uint32_t writer; /* ORDER_START: live from the start */
	uint32_t nread;
	const uint32_t *read; /* nodes, ascending */
	bool kept;	      /* live to the end */
};

/* Where these cells die at the node, it writes so many of its bytes over them. */
struct order_credit {
	uint64_t bytes;
	bool parts; /* over those of them that die; else over none if not all do */
	uint32_t ncell;
	const uint32_t *cell; /* the node reads all of them */
};

struct order_node {
	uint32_t npred;
	const uint32_t *pred; /* nodes that must have run; lower indices */
	uint64_t scratch;     /* bytes that are live only while it runs */
	uint32_t ncredit;     /* at most one of them counts */
	const struct order_credit *credit;
};

struct order_problem {
	uint32_t nnode, ncell;
	const struct order_node *node; /* in an order that is possible: the given one */
	const struct order_cell *cell;
	uint32_t turn; /* 0: near the given order; else another of those that are as good */
};

struct order_found {
	uint64_t given, peak; /* of the given order, of the one found */
	uint64_t bound;	      /* no order has a lower peak; it is exact where peak is the bound */
	uint32_t states;      /* down-sets looked at */
};

#define ORDER_STATES 200000

/*
 * order[i]: the node that runs as the i-th. The given order stays wherever that is good enough.
 * At most `limit` states are searched, fewer where there are many nodes; what is left then gets the
 * better of the given order and a beam's. The answer depends on nothing else.
 */
void order_search(const struct order_problem *p, uint32_t limit, uint32_t *order,
		  struct order_found *found);

#endif
