/*
 * GatherElements: x with its coordinate on one axis replaced by an index per
 * element of the output. GatherND: slices of x that tuples of indices name.
 * Negative indices count from the back.
 */
#include "compiler/ops/util.h"

#include <string.h>

static const struct attr_rule axis_attrs[] = {{"axis", ATTR_INT, false}, {NULL, ATTR_INT, false}};
static const struct attr_rule batch_attrs[] = {{"batch_dims", ATTR_INT, false},
					       {NULL, ATTR_INT, false}};

/* Constant index number i for an axis of `dim`. */
static int check_index(const struct graph *g, const struct node *n, int64_t i, int64_t dim,
		       struct err *e)
{
	const struct val *v = node_arg(g, n, 1);
	int64_t at = val_is_const(v) ? get_int(v->data, v->type.dt, i) : 0;

	if (at < -dim || at >= dim)
		return fail(e, E_VALUE, "index %lld is outside of %s", (long long)at,
			    in_text(g, n, 0));
	return 0;
}

/* ---- GatherElements ---- */

static int infer_elements(struct graph *g, struct node *n, struct err *e)
{
	struct axis_attr *attr = n->attr;
	const struct type *x = &node_arg(g, n, 0)->type, *at = &node_arg(g, n, 1)->type;
	struct type y = *at;
	int64_t axis, count = type_count(at);

	if (check_dtype(g, n, 1, DT_BIT(I32) | DT_BIT(I64), e) < 0 ||
	    attr_int(n, "axis", 0, &axis, e) < 0 ||
	    axis_normal(n, axis, x->rank, &attr->axis, e) < 0)
		return -1;
	for (int i = 0; i < x->rank; i++)
		if (at->rank != x->rank || (i != attr->axis && at->dim[i] > x->dim[i]))
			return fail(e, E_SHAPE, "GatherElements of %s by %s", in_text(g, n, 0),
				    in_text(g, n, 1));
	for (int64_t i = 0; i < (val_is_const(node_arg(g, n, 1)) ? count : MIN(count, 1)); i++)
		if (check_index(g, n, i, x->dim[attr->axis], e) < 0)
			return -1;
	y.dt = x->dt;
	return set_out(g, n, 0, &y, e);
}

static int eval_elements(const struct graph *g, const struct node *n, const struct tensor *in,
			 struct tensor *out, struct err *e)
{
	const struct axis_attr *attr = n->attr;
	const struct type *x = &in[0].type;
	size_t size = dtype_size(x->dt);
	int64_t stride[RANK_MAX] = {0}, i = 0;
	struct walk w;

	(void)g;
	(void)e;
	strides_of(x, stride);
	walk_init(&w, &out->type);
	for (; w.left; walk_next(&w), i++) {
		int64_t at = get_int(in[1].data, in[1].type.dt, i), from = 0;

		at += at < 0 ? x->dim[attr->axis] : 0;
		for (int k = 0; k < x->rank; k++)
			from += (k == attr->axis ? at : w.index[k]) * stride[k];
		memcpy((char *)out->data + (size_t)i * size,
		       (const char *)in[0].data + (size_t)from * size, size);
	}
	return 0;
}

/* ---- GatherND ---- */

/* Every index that is a constant; with run-time ones, that there is something to read. */
static int check_tuples(const struct graph *g, const struct node *n, int64_t batch, int64_t parts,
			struct err *e)
{
	const struct val *v = node_arg(g, n, 1);
	const struct type *x = &node_arg(g, n, 0)->type;
	int64_t tuples = type_count(&v->type) / parts;

	for (int64_t i = 0; i < (val_is_const(v) ? tuples : MIN(tuples, 1)); i++)
		for (int64_t k = 0; k < parts; k++)
			if (check_index(g, n, i * parts + k, x->dim[batch + k], e) < 0)
				return -1;
	return 0;
}

static int infer_nd(struct graph *g, struct node *n, struct err *e)
{
	struct axis_attr *attr = n->attr;
	const struct type *x = &node_arg(g, n, 0)->type, *at = &node_arg(g, n, 1)->type;
	struct type y = {.dt = x->dt};
	int64_t batch, parts = at->rank ? at->dim[at->rank - 1] : 0;

	if (check_dtype(g, n, 1, DT_BIT(I32) | DT_BIT(I64), e) < 0 ||
	    attr_int(n, "batch_dims", 0, &batch, e) < 0)
		return -1;
	if (batch < 0 || batch >= MIN(x->rank, at->rank) || parts < 1 || parts > x->rank - batch)
		return fail(e, E_SHAPE, "GatherND of %s by %s in %lld batch axes", in_text(g, n, 0),
			    in_text(g, n, 1), (long long)batch);
	if (at->rank - 1 + x->rank - (int)(batch + parts) > RANK_MAX)
		return fail(e, E_RANK, "GatherND of %s by %s has too many dimensions",
			    in_text(g, n, 0), in_text(g, n, 1));
	for (int i = 0; i < at->rank - 1; i++)
		y.dim[y.rank++] = at->dim[i];
	for (int i = 0; i < batch; i++)
		if (at->dim[i] != x->dim[i])
			return fail(e, E_SHAPE, "batch axis %d of %s and %s differs", i,
				    in_text(g, n, 0), in_text(g, n, 1));
	for (int i = (int)(batch + parts); i < x->rank; i++)
		y.dim[y.rank++] = x->dim[i];
	if (check_tuples(g, n, batch, parts, e) < 0)
		return -1;
	attr->axis = (int)batch;
	return set_out(g, n, 0, &y, e);
}

static int eval_nd(const struct graph *g, const struct node *n, const struct tensor *in,
		   struct tensor *out, struct err *e)
{
	const struct axis_attr *attr = n->attr;
	const struct type *x = &in[0].type, *at = &in[1].type;
	int64_t parts = at->dim[at->rank - 1], per_batch = 1, tuples, run = 1;
	int64_t stride[RANK_MAX] = {0};
	size_t bytes;

	(void)g;
	(void)e;
	strides_of(x, stride);
	for (int i = attr->axis; i < at->rank - 1; i++)
		per_batch *= at->dim[i];
	for (int i = attr->axis + (int)parts; i < x->rank; i++)
		run *= x->dim[i];
	tuples = type_count(at) / parts;
	bytes = (size_t)run * dtype_size(x->dt);
	for (int64_t i = 0; i < tuples && bytes; i++) {
		int64_t from = attr->axis ? i / per_batch * stride[attr->axis - 1] : 0;

		for (int k = 0; k < parts; k++) {
			int64_t v = get_int(in[1].data, at->dt, i * parts + k);

			v += v < 0 ? x->dim[attr->axis + k] : 0;
			from += v * stride[attr->axis + k];
		}
		memcpy((char *)out->data + (size_t)i * bytes,
		       (const char *)in[0].data + (size_t)from * dtype_size(x->dt), bytes);
	}
	return 0;
}

#define GATHER(id, from, rules, infer_it, eval_it, lower_it) \
	const struct op op_##id = {                          \
		.name = #id,                                 \
		.since = from,                               \
		.min_in = 2,                                 \
		.max_in = 2,                                 \
		.min_out = 1,                                \
		.max_out = 1,                                \
		.attrs = rules,                              \
		.attr_size = sizeof(struct axis_attr),       \
		.infer = infer_it,                           \
		.eval = eval_it,                             \
		.layout = WANT_PLAIN,                        \
		.lower = lower_it,                           \
	}
GATHER(GatherElements, 11, axis_attrs, infer_elements, eval_elements, lower_gather_elements);
GATHER(GatherND, 11, batch_attrs, infer_nd, eval_nd, lower_gather_nd);
