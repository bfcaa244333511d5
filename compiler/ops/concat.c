/* Concat: the inputs one after the other along one axis. */
#include "compiler/ops/util.h"

#include <string.h>

static const struct attr_rule attrs[] = {{"axis", ATTR_INT, true}, {NULL, ATTR_INT, false}};

static int infer(struct graph *g, struct node *n, struct err *e)
{
	struct axis_attr *attr = n->attr;
	struct type y = node_arg(g, n, 0)->type;
	int64_t axis;

	if (attr_int(n, "axis", 0, &axis, e) < 0 ||
	    axis_normal(n, axis, y.rank, &attr->axis, e) < 0)
		return -1;
	for (uint32_t k = 1; k < n->nmain; k++) {
		const struct type *x;
		bool fits;

		if (check_dtype(g, n, k, DT_ANY, e) < 0 || check_same_dtype(g, n, 0, k, e) < 0)
			return -1;
		x = &node_arg(g, n, k)->type;
		fits = x->rank == y.rank;
		for (int i = 0; i < y.rank && fits; i++)
			fits = i == attr->axis || x->dim[i] == y.dim[i];
		if (!fits)
			return fail(e, E_SHAPE, "%s and %s can't be joined on axis %d",
				    in_text(g, n, 0), in_text(g, n, k), attr->axis);
		if (__builtin_add_overflow(y.dim[attr->axis], x->dim[attr->axis],
					   &y.dim[attr->axis]))
			return fail(e, E_PLAN_TOO_BIG, "axis %d becomes too large", attr->axis);
	}
	return set_out(g, n, 0, &y, e);
}

static int eval(const struct graph *g, const struct node *n, const struct tensor *in,
		struct tensor *out, struct err *e)
{
	const struct axis_attr *attr = n->attr;
	size_t size = dtype_size(out->type.dt);
	int64_t outer, all, inner, done = 0;

	(void)g;
	(void)e;
	split_at(&out->type, attr->axis, &outer, &all, &inner);
	for (uint32_t k = 0; k < n->nmain; k++) {
		int64_t mine = in[k].type.dim[attr->axis];
		size_t run = (size_t)(mine * inner) * size;

		for (int64_t i = 0; i < outer; i++)
			memcpy((char *)out->data + (size_t)((i * all + done) * inner) * size,
			       (const char *)in[k].data + (size_t)i * run, run);
		done += mine;
	}
	return 0;
}

const struct op op_Concat = {
	.name = "Concat",
	.since = 4,
	.min_in = 1,
	.max_in = 255,
	.min_out = 1,
	.max_out = 1,
	.attrs = attrs,
	.attr_size = sizeof(struct axis_attr),
	.infer = infer,
	.eval = eval,
	.layout = WANT_ANY,
	.mem = {{SHARE_INTO, ANY_INPUT}},
	.lower = lower_concat,
};
