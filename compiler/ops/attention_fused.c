/*
 * .Attention, which fuse makes: softmax(scale * q k' with the tail's steps) v, where the scores
 * never exist as a tensor. Inputs q, k, v and what the steps read. They are read through accesses
 * from coordinates of their own: batch axes and q's [row, column], k's and v's, of the scores for
 * the steps' operands. Axis i of the result is axis perm[i] of [batch axes, row, column of v].
 */
#include "base/math.h"
#include "compiler/access.h"
#include "compiler/ops/util.h"

#include <math.h>
#include <string.h>

static const struct attr_rule attrs[] = {{"scores", ATTR_INTS, true}, {"depth", ATTR_INT, true},
					 {"width", ATTR_INT, true},   {"perm", ATTR_INTS, true},
					 {"scale", ATTR_FLOAT, true}, {"guard", ATTR_INT, false},
					 {NULL, ATTR_INT, false}};

void attention_spaces(struct attention_attr *a, const struct type *scores, int64_t depth,
		      int64_t width)
{
	int rank = scores->rank;

	for (int i = 0; i < ATTENTION_SPACES; i++)
		a->space[i] = *scores;
	a->space[ATTENTION_Q].dim[rank - 1] = depth;
	a->space[ATTENTION_K].dim[rank - 2] = scores->dim[rank - 1];
	a->space[ATTENTION_K].dim[rank - 1] = depth;
	a->space[ATTENTION_V].dim[rank - 2] = scores->dim[rank - 1];
	a->space[ATTENTION_V].dim[rank - 1] = width;
}

static int read_spaces(const struct node *n, struct attention_attr *attr, struct err *e)
{
	struct type scores = {.dt = F32};
	const int64_t *dim;
	int64_t depth, width;
	uint32_t rank;

	if (attr_ints(n, "scores", -1, &dim, &rank, e) < 0 ||
	    attr_int(n, "depth", 0, &depth, e) < 0 || attr_int(n, "width", 0, &width, e) < 0)
		return -1;
	if (rank < 2 || rank > RANK_MAX || depth < 1 || width < 1)
		return fail(e, E_ATTR, "scores of %u axes of rows of %lld and %lld", rank,
			    (long long)depth, (long long)width);
	scores.rank = (uint8_t)rank;
	for (uint32_t i = 0; i < rank; i++) {
		if (dim[i] < 1 || dim[i] > INT32_MAX)
			return fail(e, E_ATTR, "axis %u of the scores has %lld elements", i,
				    (long long)dim[i]);
		scores.dim[i] = dim[i];
	}
	attention_spaces(attr, &scores, depth, width);
	return 0;
}

/* Every coordinate that the operand is read at is in it. */
static int check_operand(const struct graph *g, const struct node *n, uint32_t k,
			 const struct type *space, struct err *e)
{
	const struct type *x = &node_arg(g, n, k)->type;
	int shift = space->rank - x->rank;
	bool fits = shift >= 0;

	if (n->access && n->access[k])
		fits = access_fits(n->access[k], x, space);
	else
		for (int i = 0; i < x->rank && fits; i++)
			fits = x->dim[i] == 1 || x->dim[i] == space->dim[shift + i];
	if (fits && x->dt == F32)
		return 0;
	return fail(e, E_SHAPE, "operand %u is %s, but is read as %s", k, in_text(g, n, k),
		    type_text(g->arena, space));
}

static int infer(struct graph *g, struct node *n, struct err *e)
{
	struct attention_attr *attr = n->attr;
	const struct type *scores = &attr->space[ATTENTION_SCORES];
	struct type y = {.dt = F32};
	const int64_t *perm;
	uint32_t count, seen = 0;
	int64_t guard;

	if (read_spaces(n, attr, e) < 0 || attr_int(n, "guard", 0, &guard, e) < 0 ||
	    attr_float(n, "scale", 1, &attr->scale, e) < 0 ||
	    attr_ints(n, "perm", scores->rank, &perm, &count, e) < 0)
		return -1;
	attr->guard = guard != 0;
	n->space = attr->space;
	for (uint32_t k = 0; k < ATTENTION_SCORES; k++)
		if (check_operand(g, n, k, &attr->space[k], e) < 0)
			return -1;
	y.rank = scores->rank;
	for (int i = 0; i < y.rank; i++) {
		if (perm[i] < 0 || perm[i] >= y.rank || seen & 1u << perm[i])
			return fail(e, E_ATTR, "perm is no permutation of %d axes", y.rank);
		seen |= 1u << perm[i];
		attr->perm[i] = (int)perm[i];
		y.dim[i] = perm[i] == y.rank - 1 ? attr->space[ATTENTION_V].dim[y.rank - 1]
						 : scores->dim[perm[i]];
	}
	return set_out(g, n, 0, &y, e);
}

/* ---- the plain reference, without the tail, as in every operator ---- */

struct operand {
	double *data;
	struct type type;
	struct access access;
};

static double at(const struct operand *o, const int64_t *index)
{
	int64_t place = 0;

	for (int j = 0; j < o->type.rank; j++) {
		int axis = o->access.axis[j];

		place = place * o->type.dim[j] + o->access.start[j] +
			(axis < 0 ? 0 : o->access.step[j] * index[axis]);
	}
	return o->data[place];
}

static void open_operands(const struct graph *g, const struct node *n, const struct tensor *in,
			  struct operand *o)
{
	for (uint32_t k = 0; k < ATTENTION_SCORES; k++) {
		int64_t count = type_count(&in[k].type);

		o[k].type = in[k].type;
		o[k].access = access_of(g, n, k);
		o[k].data = mem_alloc((size_t)count * sizeof(double) + 1);
		for (int64_t i = 0; i < count; i++)
			o[k].data[i] = get_float(in[k].data, F32, i);
	}
}

/* Probabilities of the row that index names; `columns` of them. */
static void row_of(const struct attention_attr *a, const struct operand *o, int64_t *index,
		   int64_t columns, double *p)
{
	int rank = a->space[ATTENTION_Q].rank;
	int64_t depth = a->space[ATTENTION_Q].dim[rank - 1], row = index[rank - 2];
	double top = -(double)INFINITY, sum = 0;

	for (int64_t t = 0; t < columns; t++) {
		p[t] = 0;
		for (index[rank - 1] = 0; index[rank - 1] < depth; index[rank - 1]++) {
			double q = at(&o[ATTENTION_Q], index);

			index[rank - 2] = t;
			p[t] += q * at(&o[ATTENTION_K], index);
			index[rank - 2] = row;
		}
		p[t] *= (double)a->scale;
		top = p[t] > top || isnan(p[t]) ? p[t] : top;
	}
	for (int64_t t = 0; t < columns; t++)
		sum += p[t] = math_exp(p[t] - top);
	for (int64_t t = 0; t < columns; t++)
		p[t] = a->guard && !(sum > 0) ? 0 : p[t] / sum;
}

static int eval(const struct graph *g, const struct node *n, const struct tensor *in,
		struct tensor *out, struct err *e)
{
	const struct attention_attr *a = n->attr;
	struct type rows = a->space[ATTENTION_SCORES];
	int rank = rows.rank;
	int64_t columns = rows.dim[rank - 1], width = a->space[ATTENTION_V].dim[rank - 1];
	int64_t stride[RANK_MAX], by[RANK_MAX];
	double *p = mem_alloc((size_t)columns * sizeof(double));
	struct operand o[ATTENTION_SCORES];
	struct walk w;

	(void)e;
	open_operands(g, n, in, o);
	strides_of(&out->type, stride);
	for (int i = 0; i < rank; i++)
		by[a->perm[i]] = stride[i];
	rows.dim[rank - 1] = 1;
	for (walk_init(&w, &rows); w.left; walk_next(&w)) {
		int64_t index[RANK_MAX], place = 0;

		memcpy(index, w.index, sizeof(index));
		row_of(a, o, index, columns, p);
		for (int i = 0; i < rank - 1; i++)
			place += index[i] * by[i];
		for (index[rank - 1] = 0; index[rank - 1] < width; index[rank - 1]++) {
			double sum = 0;

			for (index[rank - 2] = 0; index[rank - 2] < columns; index[rank - 2]++)
				sum += p[index[rank - 2]] * at(&o[ATTENTION_V], index);
			put_float(out->data, F32, place + index[rank - 1] * by[rank - 1], sum);
		}
	}
	for (int k = 0; k < ATTENTION_SCORES; k++)
		mem_free(o[k].data);
	mem_free(p);
	return 0;
}

const struct op op__Attention = {
	.name = ".Attention",
	.since = 1,
	.min_in = 3,
	.max_in = 255,
	.types = DT_BIT(F32),
	.min_out = 1,
	.max_out = 1,
	.attrs = attrs,
	.attr_size = sizeof(struct attention_attr),
	.infer = infer,
	.eval = eval,
	.layout = WANT_PLAIN,
	.lower = lower_attention,
};
