/*
 * What operator files share: checks of types and shapes whose messages say
 * what was found, element access by data type, and the walk over a tensor
 * with strided operands that every plain reference is a loop of.
 */
#ifndef COMPILER_OPS_UTIL_H
#define COMPILER_OPS_UTIL_H

#include "compiler/ops/op.h"

/* An operand of the operator itself, not of a tail fused behind it; NULL: omitted. */
static inline struct val *node_arg(const struct graph *g, const struct node *n, uint32_t k)
{
	return k < n->nmain ? node_in(g, n, k) : NULL;
}

/* ---- checks ---- */

/* Input k is there and of one of the types in the mask; E_TYPE otherwise. */
int check_dtype(const struct graph *g, const struct node *n, uint32_t k, uint32_t mask,
		struct err *e);
/* Inputs a and b are of one type; E_TYPE naming both. */
int check_same_dtype(const struct graph *g, const struct node *n, uint32_t a, uint32_t b,
		     struct err *e);
/* Input k has at least `least` axes; E_SHAPE. */
int check_rank(const struct graph *g, const struct node *n, uint32_t k, int least, struct err *e);
/* Input k, where it is given, holds `count` elements on one axis (bias, scale); E_SHAPE. */
int check_vector(const struct graph *g, const struct node *n, uint32_t k, int64_t count,
		 struct err *e);
/* Types output k (nothing where it is omitted); E_PLAN_TOO_BIG where its size can't be counted. */
int set_out(struct graph *g, struct node *n, uint32_t k, const struct type *t, struct err *e);
/* Numpy broadcasting; E_SHAPE naming both. */
int broadcast(const struct graph *g, const struct type *a, const struct type *b, struct type *out,
	      struct err *e);
/* Ints attribute of exactly `want` entries, or of any number where want < 0; absent: *n = 0. */
int attr_ints(const struct node *n, const char *name, int want, const int64_t **v, uint32_t *count,
	      struct err *e);
/* Axes as a bit set, each in [-rank, rank) and given once; E_ATTR. */
int axes_set(const struct node *n, const int64_t *v, uint32_t count, int rank, uint32_t *set,
	     struct err *e);
/* Constant scalar of input k as double; E_SHAPE_DYNAMIC where it is no constant. */
int const_scalar(const struct graph *g, const struct node *n, uint32_t k, double *v, struct err *e);
/* Constant input k as the dimensions of *t: none negative. */
int const_dims(const struct graph *g, const struct node *n, uint32_t k, struct type *t,
	       struct err *e);
/* All of constant input k as floats. */
int const_floats(const struct graph *g, const struct node *n, uint32_t k, const float **v,
		 uint32_t *count, struct err *e);
const char *in_text(const struct graph *g, const struct node *n, uint32_t k); /* its type */

/* ---- elements ---- */

bool dtype_is_float(enum dtype dt);
double get_float(const void *data, enum dtype dt, int64_t i);	/* any type; unaligned is fine */
void put_float(void *data, enum dtype dt, int64_t i, double v); /* clamps to integers, NaN: 0 */
int64_t get_int(const void *data, enum dtype dt, int64_t i);
void put_int(void *data, enum dtype dt, int64_t i, int64_t v); /* wraps */
void convert(void *out, enum dtype to, const void *in, enum dtype from, int64_t count);

/* ---- walks ---- */

#define WALK_OPERANDS 4
struct walk { /* visits a shape in row-major order: for (...; w.left; walk_next(&w)) */
	int rank;
	int64_t left, dim[RANK_MAX], index[RANK_MAX];
	int64_t at[WALK_OPERANDS]; /* element offset of each operand */
	int64_t stride[WALK_OPERANDS][RANK_MAX];
};

void walk_init(struct walk *w, const struct type *shape); /* all strides zero */
void walk_next(struct walk *w);
/* Operand k is of type t, broadcast to the walk's shape. */
void walk_broadcast(struct walk *w, int k, const struct type *t);
void strides_of(const struct type *t, int64_t stride[RANK_MAX]); /* dense row-major, in elements */
/* Copies the elements that operand 0 of w points to, in the walk's order. */
void walk_copy(struct walk *w, void *out, const void *in, enum dtype dt);
/* *t as outer x axis x inner. */
void split_at(const struct type *t, int axis, int64_t *outer, int64_t *n, int64_t *inner);

#endif
