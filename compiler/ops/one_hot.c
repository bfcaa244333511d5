/*
 * OneHot, Hardmax: equal to a row of numbers, or not. Indices below 0 count
 * from the back; what is outside of the depth is nowhere.
 */
#include "compiler/ops/expand.h"

static const struct attr_rule attrs[] = {{"axis", ATTR_INT, false}, {NULL, ATTR_INT, false}};

/* Numbers 0 to depth - 1 along the axis of a shape of that rank. */
static val_id row(struct expand *x, int64_t depth, int axis, int rank)
{
	int64_t dims[RANK_MAX] = {1, 1, 1, 1, 1, 1, 1, 1};
	val_id v = expand_3(x, "Range", expand_number(x, I64, 0),
			    expand_number(x, I64, (double)depth), expand_number(x, I64, 1));

	dims[axis] = depth;
	return expand_reshape(x, v, dims, rank);
}

static int expand_one_hot(struct expand *x)
{
	const struct attr *a = attr_find(x->n, "axis");
	struct type t = expand_type(x, expand_in(x, 0)), values = expand_type(x, expand_in(x, 2));
	val_id at, depth, hot, value[2];
	double count;
	int axis;

	if (const_scalar(x->g, x->n, 1, &count, x->e) < 0)
		return -1;
	if (t.rank == RANK_MAX)
		return fail(x->e, E_RANK, "OneHot of %s", in_text(x->g, x->n, 0));
	if (axis_normal(x->n, a ? a->i : -1, t.rank + 1, &axis, x->e) < 0)
		return -1;
	if (!(count >= 0) || count >= 0x1p53)
		return fail(x->e, E_VALUE, "OneHot of depth %g", count);
	if (values.rank != 1 || values.dim[0] != 2)
		return fail(x->e, E_SHAPE, "OneHot needs two values, input 2 is %s",
			    in_text(x->g, x->n, 2));
	at = expand_cast(x, expand_in(x, 0), I64);
	depth = expand_number(x, I64, count);
	at = expand_3(x, "Where", expand_2(x, "Less", at, expand_number(x, I64, 0)),
		      expand_2(x, "Add", at, depth), at);
	at = expand_2(x, "Unsqueeze", at, expand_ints(x, &(int64_t){axis}, 1));
	hot = expand_2(x, "Equal", at, row(x, (int64_t)count, axis, t.rank + 1));
	for (int i = 0; i < 2; i++)
		value[i] = expand_2(x, "Gather", expand_in(x, 2), expand_number(x, I64, i));
	expand_out(x, 0, expand_3(x, "Where", hot, value[1], value[0]));
	return expand_end(x);
}

const struct op op_OneHot = {
	.name = "OneHot",
	.since = 9,
	.min_in = 3,
	.max_in = 3,
	.min_out = 1,
	.max_out = 1,
	.attrs = attrs,
	.expand = expand_one_hot,
};

/* ---- Hardmax: 1 where the first maximum is; before opset 13 over all axes from `axis` on ---- */

static val_id hardmax(struct expand *x, val_id v, int axis)
{
	struct type t = expand_type(x, v);
	val_id top = expand_int(x, "ArgMax", v, 0, "axis", axis);
	val_id hot = expand_2(x, "Equal", top, row(x, t.dim[axis], axis, t.rank));

	return expand_cast(x, hot, t.dt);
}

static int expand_hardmax(struct expand *x)
{
	const struct attr *a = attr_find(x->n, "axis");
	struct type t = expand_type(x, expand_in(x, 0));
	bool flat = x->n->op->until != 0;
	int64_t dims[2] = {1, 1};
	val_id v = expand_in(x, 0);
	int axis;

	if (axis_normal(x->n, a ? a->i : flat ? 1 : -1, t.rank, &axis, x->e) < 0)
		return -1;
	for (int i = 0; i < t.rank; i++)
		dims[i >= axis] *= t.dim[i];
	if (!flat)
		v = hardmax(x, v, axis);
	else
		v = expand_reshape(x, hardmax(x, expand_reshape(x, v, dims, 2), 1), t.dim, t.rank);
	expand_out(x, 0, v);
	return expand_end(x);
}

#define HARDMAX(id, from, to)             \
	const struct op op_##id = {       \
		.name = "Hardmax",        \
		.since = from,            \
		.until = to,              \
		.min_in = 1,              \
		.max_in = 1,              \
		.min_out = 1,             \
		.max_out = 1,             \
		.attrs = attrs,           \
		.expand = expand_hardmax, \
	}
HARDMAX(Hardmax_1, 1, 12);
HARDMAX(Hardmax, 13, 0);
