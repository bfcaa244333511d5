/*
 * InstanceNormalization, LayerNormalization, GroupNormalization,
 * RMSNormalization, MeanVarianceNormalization, LpNormalization: written as
 * means, and elementwise operators with what they make. Short floats are
 * computed with as f32.
 */
#include "compiler/ops/expand.h"

struct moments {
	val_id mean, centered, inverse; /* x - mean, 1 / sqrt(variance + epsilon) */
};

static double float_attr(const struct expand *x, const char *name, float otherwise)
{
	const struct attr *a = attr_find(x->n, name);

	return (double)(a ? a->f : otherwise);
}

static int64_t int_attr(const struct expand *x, const char *name, int64_t otherwise)
{
	const struct attr *a = attr_find(x->n, name);

	return a ? a->i : otherwise;
}

static int refuse(struct expand *x, const char *why)
{
	return fail(x->e, E_SHAPE, "%s of %s %s", x->n->op->name, in_text(x->g, x->n, 0), why);
}

/* Operand k with which is computed, 0 where it is omitted. */
static val_id wide(struct expand *x, uint32_t k)
{
	val_id v = expand_in(x, k);
	enum dtype dt = expand_type(x, v).dt;

	return v && (dt == F16 || dt == BF16) ? expand_cast(x, v, F32) : v;
}

static void narrow_out(struct expand *x, val_id y)
{
	expand_out(x, 0, expand_cast(x, y, expand_type(x, expand_in(x, 0)).dt));
}

static val_id mean_square(struct expand *x, val_id v, uint32_t axes)
{
	return expand_reduce(x, "ReduceMean", expand_2(x, "Mul", v, v), axes, true);
}

static val_id inverse_root(struct expand *x, val_id v, double epsilon)
{
	val_id e = expand_number(x, expand_type(x, v).dt, epsilon);

	return expand_1(x, "Reciprocal", expand_1(x, "Sqrt", expand_2(x, "Add", v, e)));
}

static struct moments moments_of(struct expand *x, val_id v, uint32_t axes, double epsilon)
{
	struct moments m;

	m.mean = expand_reduce(x, "ReduceMean", v, axes, true);
	m.centered = expand_2(x, "Sub", v, m.mean);
	m.inverse = inverse_root(x, mean_square(x, m.centered, axes), epsilon);
	return m;
}

/* Operand k, one number per entry of axis 1, with axes of one element behind it. */
static val_id per_channel(struct expand *x, uint32_t k, int rank, int64_t count)
{
	int64_t dims[RANK_MAX] = {count, 1, 1, 1, 1, 1, 1, 1};

	return expand_reshape(x, wide(x, k), dims, rank - 1);
}

static val_id scale_shift(struct expand *x, val_id v, val_id scale, val_id shift)
{
	v = expand_2(x, "Mul", v, scale);
	return shift ? expand_2(x, "Add", v, shift) : v;
}

/* ---- InstanceNormalization ---- */

static const struct attr_rule epsilon_attrs[] = {{"epsilon", ATTR_FLOAT, false},
						 {"consumed_inputs", ATTR_INTS, false},
						 {NULL, ATTR_INT, false}};

static int expand_instance(struct expand *x)
{
	struct type t = expand_type(x, expand_in(x, 0));
	struct moments m;
	val_id scale, shift;

	if (t.rank < 3)
		return refuse(x, "has no spatial axis");
	m = moments_of(x, wide(x, 0), (1u << t.rank) - 4, float_attr(x, "epsilon", 1e-5f));
	scale = expand_2(x, "Mul", m.inverse, per_channel(x, 1, t.rank, t.dim[1]));
	shift = per_channel(x, 2, t.rank, t.dim[1]);
	narrow_out(x, scale_shift(x, m.centered, scale, shift));
	return expand_end(x);
}

/* ---- LayerNormalization, RMSNormalization: over all axes from `axis` on ---- */

static const struct attr_rule layer_attrs[] = {{"axis", ATTR_INT, false},
					       {"epsilon", ATTR_FLOAT, false},
					       {"stash_type", ATTR_INT, false},
					       {NULL, ATTR_INT, false}};

static int axes_from(struct expand *x, uint32_t *axes)
{
	int rank = expand_type(x, expand_in(x, 0)).rank, axis;

	if (axis_normal(x->n, int_attr(x, "axis", -1), rank, &axis, x->e) < 0)
		return -1;
	*axes = (1u << rank) - (1u << axis);
	return 0;
}

static int expand_layer(struct expand *x)
{
	struct moments m;
	val_id y;
	uint32_t axes;

	if (axes_from(x, &axes) < 0)
		return -1;
	m = moments_of(x, wide(x, 0), axes, float_attr(x, "epsilon", 1e-5f));
	y = expand_2(x, "Mul", m.centered, m.inverse);
	narrow_out(x, scale_shift(x, y, wide(x, 1), wide(x, 2)));
	expand_out(x, 1, m.mean);
	expand_out(x, 2, m.inverse);
	return expand_end(x);
}

static int expand_rms(struct expand *x)
{
	val_id v = wide(x, 0), inverse;
	uint32_t axes;

	if (axes_from(x, &axes) < 0)
		return -1;
	inverse = inverse_root(x, mean_square(x, v, axes), float_attr(x, "epsilon", 1e-5f));
	narrow_out(x, scale_shift(x, expand_2(x, "Mul", v, inverse), wide(x, 1), 0));
	return expand_end(x);
}

/* ---- GroupNormalization: scale and bias per group, from opset 21 on per channel ---- */

static const struct attr_rule group_attrs[] = {{"epsilon", ATTR_FLOAT, false},
					       {"num_groups", ATTR_INT, true},
					       {"stash_type", ATTR_INT, false},
					       {NULL, ATTR_INT, false}};

static int expand_group(struct expand *x)
{
	struct type t = expand_type(x, expand_in(x, 0));
	int64_t groups = int_attr(x, "num_groups", 1), inner = 1, dims[3];
	bool per_group = x->n->op->until != 0;
	struct moments m;
	val_id y;

	if (t.rank < 2 || groups < 1 || t.dim[1] % groups)
		return refuse(x, "in groups that do not divide its channels");
	for (int i = 2; i < t.rank; i++)
		inner *= t.dim[i];
	dims[0] = t.dim[0];
	dims[1] = groups;
	dims[2] = t.dim[1] / groups * inner;
	m = moments_of(x, expand_reshape(x, wide(x, 0), dims, 3), 4,
		       float_attr(x, "epsilon", 1e-5f));
	y = expand_2(x, "Mul", m.centered, m.inverse);
	if (per_group)
		y = scale_shift(x, y, per_channel(x, 1, 3, groups), per_channel(x, 2, 3, groups));
	y = expand_reshape(x, y, t.dim, t.rank);
	if (!per_group)
		y = scale_shift(x, y, per_channel(x, 1, t.rank, t.dim[1]),
				per_channel(x, 2, t.rank, t.dim[1]));
	narrow_out(x, y);
	return expand_end(x);
}

/* ---- MeanVarianceNormalization, LpNormalization ---- */

static const struct attr_rule axes_attrs[] = {{"axes", ATTR_INTS, false}, {NULL, ATTR_INT, false}};

static int expand_mean_variance(struct expand *x)
{
	static const int64_t otherwise[] = {0, 2, 3};
	const struct attr *a = attr_find(x->n, "axes");
	struct moments m;
	val_id v = wide(x, 0), deviation, least;
	uint32_t axes;

	if (axes_set(x->n, a ? a->ints : otherwise, a ? a->n : 3, expand_type(x, v).rank, &axes,
		     x->e) < 0)
		return -1;
	m.mean = expand_reduce(x, "ReduceMean", v, axes, true);
	m.centered = expand_2(x, "Sub", v, m.mean);
	deviation = expand_1(x, "Sqrt", mean_square(x, m.centered, axes));
	least = expand_number(x, expand_type(x, deviation).dt, 1e-9);
	narrow_out(x, expand_2(x, "Div", m.centered, expand_2(x, "Add", deviation, least)));
	return expand_end(x);
}

static const struct attr_rule lp_attrs[] = {
	{"axis", ATTR_INT, false}, {"p", ATTR_INT, false}, {NULL, ATTR_INT, false}};

/* Where the norm is 0 the result is, too. */
static int expand_lp(struct expand *x)
{
	int64_t p = int_attr(x, "p", 2);
	val_id v = wide(x, 0), norm, zero;
	int axis;

	if (p != 1 && p != 2)
		return fail(x->e, E_ATTR, "LpNormalization with p = %lld", (long long)p);
	if (axis_normal(x->n, int_attr(x, "axis", -1), expand_type(x, v).rank, &axis, x->e) < 0)
		return -1;
	norm = expand_reduce(x, p == 1 ? "ReduceL1" : "ReduceL2", v, 1u << axis, true);
	zero = expand_number(x, expand_type(x, v).dt, 0);
	narrow_out(x, expand_3(x, "Where", expand_2(x, "Equal", norm, zero), zero,
			       expand_2(x, "Div", v, norm)));
	return expand_end(x);
}

#define NORMAL(id, onnx, from, to, lo, hi, outputs, rules, expand_it) \
	const struct op op_##id = {                                   \
		.name = onnx,                                         \
		.since = from,                                        \
		.until = to,                                          \
		.min_in = lo,                                         \
		.max_in = hi,                                         \
		.min_out = 1,                                         \
		.max_out = outputs,                                   \
		.attrs = rules,                                       \
		.expand = expand_it,                                  \
	}
NORMAL(InstanceNormalization, "InstanceNormalization", 1, 0, 3, 3, 1, epsilon_attrs,
       expand_instance);
NORMAL(LayerNormalization, "LayerNormalization", 17, 0, 2, 3, 3, layer_attrs, expand_layer);
NORMAL(RMSNormalization, "RMSNormalization", 23, 0, 2, 2, 1, layer_attrs, expand_rms);
NORMAL(GroupNormalization_18, "GroupNormalization", 18, 20, 3, 3, 1, group_attrs, expand_group);
NORMAL(GroupNormalization, "GroupNormalization", 21, 0, 3, 3, 1, group_attrs, expand_group);
NORMAL(MeanVarianceNormalization, "MeanVarianceNormalization", 9, 0, 1, 1, 1, axes_attrs,
       expand_mean_variance);
NORMAL(LpNormalization, "LpNormalization", 1, 0, 1, 1, 1, lp_attrs, expand_lp);
