/*
 * ReduceL1, ReduceL2, ReduceLogSum, ReduceLogSumExp, ReduceSumSquare: a
 * ReduceSum with something elementwise in front and behind. The exponentials
 * are taken of what is left of x without its maximum.
 */
#include "compiler/ops/expand.h"

static const struct attr_rule old_attrs[] = {
	{"axes", ATTR_INTS, false}, {"keepdims", ATTR_INT, false}, {NULL, ATTR_INT, false}};
static const struct attr_rule new_attrs[] = {{"keepdims", ATTR_INT, false},
					     {"noop_with_empty_axes", ATTR_INT, false},
					     {NULL, ATTR_INT, false}};

/* The node's own axes and attributes, of today's form. */
static val_id reduce(struct expand *x, const char *op, val_id a, bool keep)
{
	const struct attr *axes = attr_find(x->n, "axes");
	const struct attr *noop = attr_find(x->n, "noop_with_empty_axes");
	struct attr attrs[] = {
		{.name = "keepdims", .type = ATTR_INT, .i = keep},
		{.name = "noop_with_empty_axes", .type = ATTR_INT, .i = noop ? noop->i : 0}};
	val_id list = axes ? expand_ints(x, axes->ints, axes->n) : expand_in(x, 1);

	return expand_op(x, op, (val_id[]){a, list}, list ? 2 : 1, attrs, 2);
}

static bool keeps(const struct expand *x)
{
	const struct attr *keep = attr_find(x->n, "keepdims");

	return !keep || keep->i;
}

static int done(struct expand *x, val_id y)
{
	expand_out(x, 0, y);
	return expand_end(x);
}

static int expand_l1(struct expand *x)
{
	return done(x, reduce(x, "ReduceSum", expand_1(x, "Abs", expand_in(x, 0)), keeps(x)));
}

static val_id sum_of_squares(struct expand *x)
{
	val_id a = expand_in(x, 0);

	return reduce(x, "ReduceSum", expand_2(x, "Mul", a, a), keeps(x));
}

static int expand_sum_square(struct expand *x)
{
	return done(x, sum_of_squares(x));
}

static int expand_l2(struct expand *x)
{
	return done(x, expand_1(x, "Sqrt", sum_of_squares(x)));
}

static int expand_log_sum(struct expand *x)
{
	return done(x, expand_1(x, "Log", reduce(x, "ReduceSum", expand_in(x, 0), keeps(x))));
}

static int expand_log_sum_exp(struct expand *x)
{
	struct type t = expand_type(x, expand_in(x, 0)), y;
	val_id a = expand_in(x, 0), top, sum;

	if (!type_count(&t)) /* no maximum */
		return done(x, expand_1(x, "Log", reduce(x, "ReduceSum", a, keeps(x))));
	top = reduce(x, "ReduceMax", a, true);
	sum = reduce(x, "ReduceSum", expand_1(x, "Exp", expand_2(x, "Sub", a, top)), keeps(x));
	y = expand_type(x, sum);
	return done(x, expand_2(x, "Add", expand_1(x, "Log", sum),
				expand_reshape(x, top, y.dim, y.rank)));
}

#define REDUCE(id, onnx, from, to, inputs, rules, expand_it) \
	const struct op op_##id = {                          \
		.name = onnx,                                \
		.since = from,                               \
		.until = to,                                 \
		.min_in = 1,                                 \
		.max_in = inputs,                            \
		.min_out = 1,                                \
		.max_out = 1,                                \
		.attrs = rules,                              \
		.expand = expand_it,                         \
	}
#define REDUCES(name, expand_it)                                 \
	REDUCE(name##_1, #name, 1, 17, 1, old_attrs, expand_it); \
	REDUCE(name, #name, 18, 0, 2, new_attrs, expand_it)
REDUCES(ReduceL1, expand_l1);
REDUCES(ReduceL2, expand_l2);
REDUCES(ReduceLogSum, expand_log_sum);
REDUCES(ReduceLogSumExp, expand_log_sum_exp);
REDUCES(ReduceSumSquare, expand_sum_square);
