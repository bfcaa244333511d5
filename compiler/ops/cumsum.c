/* CumSum: running sums along one axis. */
#include "compiler/ops/util.h"

static const struct attr_rule attrs[] = {
	{"exclusive", ATTR_INT, false}, {"reverse", ATTR_INT, false}, {NULL, ATTR_INT, false}};

static int infer(struct graph *g, struct node *n, struct err *e)
{
	struct cumsum_attr *attr = n->attr;
	const struct type *x = &node_arg(g, n, 0)->type;
	int64_t exclusive, reverse;
	const int64_t *axis;
	uint32_t count;

	if (check_dtype(g, n, 0, DT_FLOATS | DT_BIT(I32) | DT_BIT(I64) | DT_BIT(U32) | DT_BIT(U64),
			e) < 0 ||
	    attr_int(n, "exclusive", 0, &exclusive, e) < 0 ||
	    attr_int(n, "reverse", 0, &reverse, e) < 0 || const_ints(g, n, 1, &axis, &count, e) < 0)
		return -1;
	if (count != 1)
		return fail(e, E_SHAPE, "the axis of CumSum must be one number, it is %s",
			    in_text(g, n, 1));
	if (axis_normal(n, *axis, x->rank, &attr->axis, e) < 0)
		return -1;
	attr->exclusive = exclusive != 0;
	attr->reverse = reverse != 0;
	return set_out(g, n, 0, x, e);
}

static int eval(const struct graph *g, const struct node *n, const struct tensor *in,
		struct tensor *out, struct err *e)
{
	const struct cumsum_attr *attr = n->attr;
	enum dtype dt = in->type.dt;
	int64_t outer, length, inner;

	(void)g;
	(void)e;
	split_at(&in->type, attr->axis, &outer, &length, &inner);
	for (int64_t o = 0; o < outer * inner; o++) {
		double real = 0;
		uint64_t whole = 0;

		for (int64_t r = 0; r < length; r++) {
			int64_t i = attr->reverse ? length - 1 - r : r;
			int64_t at = (o / inner * length + i) * inner + o % inner;
			double before = real;
			uint64_t less = whole;

			if (dtype_is_float(dt)) {
				real += get_float(in->data, dt, at);
				put_float(out->data, dt, at, attr->exclusive ? before : real);
			} else {
				whole += (uint64_t)get_int(in->data, dt, at);
				put_int(out->data, dt, at,
					(int64_t)(attr->exclusive ? less : whole));
			}
		}
	}
	return 0;
}

const struct op op_CumSum = {
	.name = "CumSum",
	.since = 11,
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.attrs = attrs,
	.attr_size = sizeof(struct cumsum_attr),
	.infer = infer,
	.eval = eval,
	.layout = WANT_PLAIN,
	.mem = {{SHARE_INPLACE, 0}},
	.lower = lower_cumsum,
};
