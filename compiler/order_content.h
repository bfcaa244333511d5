/* Of what bytes values consist, for the order of execution. */
#ifndef COMPILER_ORDER_CONTENT_H
#define COMPILER_ORDER_CONTENT_H

#include "compiler/ir.h"

struct order_run { /* bytes [at, at + bytes) of what the maker of `from` writes */
	val_id from;
	uint64_t at, bytes;
};

struct order_content { /* a value's bytes, without gaps, in their order */
	struct order_run *run;
	uint32_t n;
};

struct order_contents {
	struct order_content *of; /* per value */
	val_id *root;		  /* per value: what it is a view of, else itself */
	bool *held;		  /* per root: it is a Concat's input or output that shares bytes */
};

/*
 * shared: a Concat holds all inputs that it might, as if several could have the same one, so that
 * no choice of alias needs less; else those that stand in it now. Needs alias_fixed. False beyond
 * a number of runs.
 */
bool order_contents(const struct graph *g, struct arena *a, bool shared, struct order_contents *to);

#endif
