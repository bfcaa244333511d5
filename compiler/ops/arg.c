/* ArgMax, ArgMin: where on an axis the greatest or least element is. NaN is both. */
#include "compiler/ops/util.h"

#include <math.h>
#include <string.h>

static const struct attr_rule old_attrs[] = {
	{"axis", ATTR_INT, false}, {"keepdims", ATTR_INT, false}, {NULL, ATTR_INT, false}};
static const struct attr_rule attrs[] = {{"axis", ATTR_INT, false},
					 {"keepdims", ATTR_INT, false},
					 {"select_last_index", ATTR_INT, false},
					 {NULL, ATTR_INT, false}};

static int infer(struct graph *g, struct node *n, struct err *e)
{
	struct arg_attr *attr = n->attr;
	const struct type *x = &node_arg(g, n, 0)->type;
	struct type y = {.dt = I64};
	int64_t axis, keep, last;

	if (check_dtype(g, n, 0, DT_NUMBERS, e) < 0 || attr_int(n, "axis", 0, &axis, e) < 0 ||
	    attr_int(n, "keepdims", 1, &keep, e) < 0 ||
	    attr_int(n, "select_last_index", 0, &last, e) < 0 ||
	    axis_normal(n, axis, x->rank, &attr->axis, e) < 0)
		return -1;
	if (!x->dim[attr->axis])
		return fail(e, E_SHAPE, "%s along axis %d of %s, which is empty", n->op->name,
			    attr->axis, in_text(g, n, 0));
	attr->max = !strcmp(n->op->name, "ArgMax");
	attr->last = last != 0;
	for (int i = 0; i < x->rank; i++)
		if (i != attr->axis)
			y.dim[y.rank++] = x->dim[i];
		else if (keep)
			y.dim[y.rank++] = 1;
	return set_out(g, n, 0, &y, e);
}

/* Of elements a and b: above 0 where b is greater; NaN is the greatest. */
static int compare(const struct tensor *x, int64_t a, int64_t b)
{
	enum dtype dt = x->type.dt;

	if (dtype_is_float(dt)) {
		double u = get_float(x->data, dt, a), v = get_float(x->data, dt, b);

		return isnan(u) || isnan(v) ? isnan(v) - isnan(u) : (v > u) - (v < u);
	} else {
		int64_t u = get_int(x->data, dt, a), v = get_int(x->data, dt, b);

		if (dt == U64)
			return ((uint64_t)v > (uint64_t)u) - ((uint64_t)v < (uint64_t)u);
		return (v > u) - (v < u);
	}
}

static bool is_nan(const struct tensor *x, int64_t i)
{
	return dtype_is_float(x->type.dt) && isnan(get_float(x->data, x->type.dt, i));
}

static int eval(const struct graph *g, const struct node *n, const struct tensor *in,
		struct tensor *out, struct err *e)
{
	const struct arg_attr *attr = n->attr;
	int64_t outer, length, inner;

	(void)g;
	(void)e;
	split_at(&in->type, attr->axis, &outer, &length, &inner);
	for (int64_t o = 0; o < outer * inner; o++) {
		int64_t first = o / inner * length * inner + o % inner, best = 0;

		for (int64_t i = 1; i < length; i++) {
			int order = compare(in, first + best * inner, first + i * inner);

			if (!attr->max && !is_nan(in, first + best * inner) &&
			    !is_nan(in, first + i * inner))
				order = -order;
			if (order > 0 || (order == 0 && attr->last))
				best = i;
		}
		put_int(out->data, I64, o, best);
	}
	return 0;
}

#define ARG(id, onnx, from, to, rules)                \
	const struct op op_##id = {                   \
		.name = onnx,                         \
		.since = from,                        \
		.until = to,                          \
		.min_in = 1,                          \
		.max_in = 1,                          \
		.min_out = 1,                         \
		.max_out = 1,                         \
		.attrs = rules,                       \
		.attr_size = sizeof(struct arg_attr), \
		.infer = infer,                       \
		.eval = eval,                         \
		.layout = WANT_PLAIN,                 \
		.lower = lower_arg,                   \
	}
ARG(ArgMax_1, "ArgMax", 1, 11, old_attrs);
ARG(ArgMax, "ArgMax", 12, 0, attrs);
ARG(ArgMin_1, "ArgMin", 1, 11, old_attrs);
ARG(ArgMin, "ArgMin", 12, 0, attrs);
