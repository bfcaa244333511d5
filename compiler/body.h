/*
 * Graphs inside the graph: branches of If, bodies of Loop and Scan,
 * functions. Read once, written out wherever they stand (body_expand), when
 * the types of what goes in are known. Their values are slots, numbered from
 * 1; 0 is an omitted operand.
 */
#ifndef COMPILER_BODY_H
#define COMPILER_BODY_H

#include "compiler/ir.h"

struct expand;

#define BODY_NODES_MAX 100000 /* that all bodies of a model become */
#define BODY_DEPTH_MAX 100    /* of bodies inside each other */

struct capture { /* a name of the scope around it */
	const char *name;
	uint32_t slot;
};

struct body_node {
	const struct op *op;
	const char *name;
	int version;
	const struct body *callee; /* of .Call */
	uint32_t nin, nout, nattrs;
	uint32_t *in, *out;
	struct attr
		*attrs; /* with names of the function's attributes instead of values: attr.ref */
};

struct body {
	const char *name; /* of a function, else "" */
	uint32_t nparam, ncapture, nout, nslot, nnode;
	struct capture *capture;
	val_id *slot; /* constants; 0: what is made anew each time */
	uint32_t *param, *out;
	struct body_node *node;	    /* in an order in which each stands behind what it reads */
	uint32_t nattrs, ndefaults; /* of a function: attributes that it takes */
	const char **attr;
	struct attr *defaults;
};

struct body_env { /* attributes of the function around it, as it was called */
	uint32_t n;
	const struct attr *attrs;
};

/* attr.graph */
struct closure {
	const struct body *body;
	const struct body_env *env;
};

/* One more copy: in are the parameters and the captures, out (body->nout) the results. */
int body_expand(struct expand *x, const struct closure *c, const val_id *in, val_id *out);
/* The body of graph attribute `name`. */
const struct closure *body_find(const struct node *n, const char *name);

/* What it captures: among the last inputs of the node, in the order of its graph attributes. */
const val_id *body_captures(const struct node *n, const struct closure *c);

/* A call of a function: made by the reader, written out by infer. */
extern const struct op op__Call;
struct call_attr {
	const struct body *body;
};

#endif
