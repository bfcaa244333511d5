/*
 * Composite operators: op->expand writes a node as others. Each one made is
 * an operator of opset EXPAND_OPSET behind the graph's last node, typed and
 * folded at once, so that its type can be asked for. After a failure, which
 * is kept, every call returns 0 and does nothing: an expansion is read, and
 * written, as if nothing could fail, and ends in expand_end.
 */
#ifndef COMPILER_OPS_EXPAND_H
#define COMPILER_OPS_EXPAND_H

#include "compiler/ops/util.h"

#define EXPAND_OPSET 18

struct expand {
	struct graph *g;
	const struct node *n; /* what is written out */
	struct err *e;
	bool failed, done;
};

/* Operand k of the composite, 0 where it is omitted, and its type. */
static inline val_id expand_in(const struct expand *x, uint32_t k)
{
	return k < x->n->nmain ? x->n->in[k] : 0;
}

struct type expand_type(const struct expand *x, val_id v); /* a copy: values move */

/* Output 0 of one more node. */
val_id expand_op(struct expand *x, const char *op, const val_id *in, uint32_t nin,
		 const struct attr *attrs, uint32_t nattrs);
val_id expand_1(struct expand *x, const char *op, val_id a);
val_id expand_2(struct expand *x, const char *op, val_id a, val_id b);
val_id expand_3(struct expand *x, const char *op, val_id a, val_id b, val_id c);
/* With one integer attribute. */
val_id expand_int(struct expand *x, const char *op, val_id a, val_id b, const char *name,
		  int64_t value);
val_id expand_reduce(struct expand *x, const char *op, val_id a, uint32_t axes, bool keep);
val_id expand_reshape(struct expand *x, val_id a, const int64_t *dims, int rank);
val_id expand_transpose(struct expand *x, val_id a, const int *perm, int rank);
val_id expand_cast(struct expand *x, val_id a, enum dtype dt);

/* Constants: integers on one axis; one number. */
val_id expand_ints(struct expand *x, const int64_t *v, uint32_t n);
val_id expand_number(struct expand *x, enum dtype dt, double v);

/* v is output k of the composite. */
void expand_out(struct expand *x, uint32_t k, val_id v);
/* What op->expand returns: -1 after a failure. */
int expand_end(const struct expand *x);

#endif
