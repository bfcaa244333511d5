/*
 * Gather: the slices of x along one axis that the indices name; negative
 * ones count from the back. Fuse makes a part of x of constant indices that
 * are evenly spaced; all others have a kernel.
 */
#include "compiler/ops/util.h"

#include <string.h>

static const struct attr_rule attrs[] = {{"axis", ATTR_INT, false}, {NULL, ATTR_INT, false}};

static int check_indices(const struct graph *g, const struct node *n, int64_t dim, struct err *e)
{
	const struct val *v = node_arg(g, n, 1);
	int64_t count = type_count(&v->type);

	for (int64_t i = 0; val_is_const(v) && i < count; i++) {
		int64_t at = get_int(v->data, v->type.dt, i);

		if (at < -dim || at >= dim)
			return fail(e, E_VALUE, "index %lld is outside %s", (long long)at,
				    in_text(g, n, 0));
	}
	return 0;
}

static int infer(struct graph *g, struct node *n, struct err *e)
{
	struct axis_attr *attr = n->attr;
	const struct type *x = &node_arg(g, n, 0)->type, *at = &node_arg(g, n, 1)->type;
	struct type y = {.dt = x->dt};
	int64_t axis;

	if (check_dtype(g, n, 1, DT_BIT(I32) | DT_BIT(I64), e) < 0 ||
	    attr_int(n, "axis", 0, &axis, e) < 0 ||
	    axis_normal(n, axis, x->rank, &attr->axis, e) < 0 ||
	    check_indices(g, n, x->dim[attr->axis], e) < 0)
		return -1;
	if (!x->dim[attr->axis] && type_count(at))
		return fail(e, E_SHAPE, "axis %d of %s has nothing to gather", attr->axis,
			    in_text(g, n, 0));
	if (x->rank - 1 + at->rank > RANK_MAX)
		return fail(e, E_RANK, "Gather of %s by %s has too many dimensions",
			    in_text(g, n, 0), in_text(g, n, 1));
	for (int i = 0; i < x->rank; i++) {
		if (i != attr->axis)
			y.dim[y.rank++] = x->dim[i];
		else
			for (int j = 0; j < at->rank; j++)
				y.dim[y.rank++] = at->dim[j];
	}
	return set_out(g, n, 0, &y, e);
}

static int eval(const struct graph *g, const struct node *n, const struct tensor *in,
		struct tensor *out, struct err *e)
{
	const struct axis_attr *attr = n->attr;
	int64_t outer, dim, inner, count = type_count(&in[1].type);
	char *to = out->data;
	size_t run;

	(void)g;
	(void)e;
	split_at(&in[0].type, attr->axis, &outer, &dim, &inner);
	run = (size_t)inner * dtype_size(in[0].type.dt);
	for (int64_t i = 0; i < outer; i++)
		for (int64_t j = 0; j < count; j++, to += run) {
			int64_t at = get_int(in[1].data, in[1].type.dt, j);

			at += at < 0 ? dim : 0;
			memcpy(to, (const char *)in[0].data + (size_t)(i * dim + at) * run, run);
		}
	return 0;
}

const struct op op_Gather = {
	.name = "Gather",
	.since = 1,
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.attrs = attrs,
	.attr_size = sizeof(struct axis_attr),
	.infer = infer,
	.eval = eval,
	.layout = WANT_PLAIN,
	.lower = lower_gather,
};
