/*
 * QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear: written as
 * divisions, roundings and casts. Scale and zero point are one number, or one
 * per entry of an axis; blocks, which opset 21 has, are refused.
 */
#include "compiler/ops/expand.h"

static const struct attr_rule none[] = {{NULL, ATTR_INT, false}};
static const struct attr_rule axis_attrs[] = {{"axis", ATTR_INT, false}, {NULL, ATTR_INT, false}};
static const struct attr_rule attrs[] = {
	{"axis", ATTR_INT, false},	 {"saturate", ATTR_INT, false},
	{"block_size", ATTR_INT, false}, {"output_dtype", ATTR_INT, false},
	{"precision", ATTR_INT, false},	 {NULL, ATTR_INT, false}};

static int64_t int_attr(const struct expand *x, const char *name, int64_t otherwise)
{
	const struct attr *a = attr_find(x->n, name);

	return a ? a->i : otherwise;
}

/* Operand k as f32, with its axis where it belongs in x; 0 after an error. */
static val_id along(struct expand *x, uint32_t k)
{
	struct type t = expand_type(x, expand_in(x, 0)), s = expand_type(x, expand_in(x, k));
	int64_t dims[RANK_MAX] = {1, 1, 1, 1, 1, 1, 1, 1};
	val_id v = expand_cast(x, expand_in(x, k), F32);
	int axis;

	if (type_count(&s) == 1)
		return expand_reshape(x, v, dims, 0);
	if (axis_normal(x->n, int_attr(x, "axis", 1), t.rank, &axis, x->e) < 0) {
		x->failed = true;
		return 0;
	}
	if (s.rank != 1 || s.dim[0] != t.dim[axis]) {
		fail(x->e, E_SHAPE, "%s of %s by %s along axis %d", x->n->op->name,
		     in_text(x->g, x->n, 0), in_text(x->g, x->n, k), axis);
		x->failed = true;
		return 0;
	}
	dims[axis] = s.dim[0];
	return expand_reshape(x, v, dims, t.rank);
}

static int check_form(const struct expand *x)
{
	if (int_attr(x, "block_size", 0))
		return fail(x->e, E_OP_UNSUPPORTED, "%s in blocks", x->n->op->name);
	return 0;
}

/* round(v) + zero, within the type. */
static val_id quantized(struct expand *x, val_id v, val_id zero, enum dtype dt)
{
	int bits = 8 * (int)dtype_size(dt);
	bool is_signed = DT_SIGNED & DT_BIT(dt);
	double least = is_signed ? -(double)(1 << (bits - 1)) : 0;

	v = expand_1(x, "Round", v);
	if (zero)
		v = expand_2(x, "Add", v, zero);
	v = expand_3(x, "Clip", v, expand_number(x, F32, least),
		     expand_number(x, F32, least + (double)(1 << bits) - 1));
	return expand_cast(x, v, dt);
}

static int expand_quantize(struct expand *x)
{
	val_id zero = expand_in(x, 2);
	int64_t code = int_attr(x, "output_dtype", 0);
	enum dtype dt = zero   ? expand_type(x, zero).dt
			: code ? dtype_from_onnx((int32_t)MIN(MAX(code, 0), INT32_MAX))
			       : U8;
	val_id v = expand_cast(x, expand_in(x, 0), F32);

	if (check_form(x) < 0)
		return -1;
	if (!(DT_BIT(dt) & (DT_BIT(I8) | DT_BIT(U8) | DT_BIT(I16) | DT_BIT(U16))))
		return fail(x->e, E_OP_UNSUPPORTED, "QuantizeLinear to %s",
			    zero ? dtype_name(dt) : "this type");
	v = expand_2(x, "Div", v, along(x, 1));
	expand_out(x, 0, quantized(x, v, zero ? along(x, 2) : 0, dt));
	return expand_end(x);
}

static int expand_dequantize(struct expand *x)
{
	enum dtype dt = expand_type(x, expand_in(x, 1)).dt;
	val_id v = expand_in(x, 0), zero = expand_in(x, 2);
	enum dtype from = expand_type(x, v).dt;

	if (check_form(x) < 0)
		return -1;
	if (from == I32) { /* differences beyond 24 bits */
		expand_out(x, 0,
			   expand_cast(x, expand_2(x, "Mul", expand_cast(x, v, F32), along(x, 1)),
				       dt));
		return expand_end(x);
	}
	v = expand_cast(x, v, F32);
	if (zero)
		v = expand_2(x, "Sub", v, along(x, 2));
	expand_out(x, 0, expand_cast(x, expand_2(x, "Mul", v, along(x, 1)), dt));
	return expand_end(x);
}

/* To u8 by the range of x, 0 included: the values, the scale, the zero point. */
static int expand_dynamic(struct expand *x)
{
	struct type t = expand_type(x, expand_in(x, 0));
	uint32_t all = (1u << t.rank) - 1;
	val_id v = expand_in(x, 0), zero = expand_number(x, F32, 0), least, most, scale, point;

	if (!type_count(&t))
		return fail(x->e, E_SHAPE, "the range of %s", in_text(x->g, x->n, 0));
	least = expand_2(x, "Min", expand_reduce(x, "ReduceMin", v, all, false), zero);
	most = expand_2(x, "Max", expand_reduce(x, "ReduceMax", v, all, false), zero);
	scale = expand_2(x, "Div", expand_2(x, "Sub", most, least), expand_number(x, F32, 255));
	point = quantized(x, expand_1(x, "Neg", expand_2(x, "Div", least, scale)), 0, U8);
	expand_out(x, 0,
		   quantized(x, expand_2(x, "Div", v, scale), expand_cast(x, point, F32), U8));
	expand_out(x, 1, scale);
	expand_out(x, 2, point);
	return expand_end(x);
}

#define QUANTIZE(id, onnx, from, to, mask, rules, expand_it) \
	const struct op op_##id = {                          \
		.name = onnx,                                \
		.since = from,                               \
		.until = to,                                 \
		.min_in = 2,                                 \
		.max_in = 3,                                 \
		.types = mask,                               \
		.min_out = 1,                                \
		.max_out = 1,                                \
		.attrs = rules,                              \
		.expand = expand_it,                         \
	}
#define DT_REALS  (DT_BIT(F32) | DT_BIT(F16) | DT_BIT(BF16) | DT_BIT(I32))
#define DT_STORED (DT_BIT(I8) | DT_BIT(U8) | DT_BIT(I16) | DT_BIT(U16) | DT_BIT(I32))
QUANTIZE(QuantizeLinear_10, "QuantizeLinear", 10, 12, DT_REALS, none, expand_quantize);
QUANTIZE(QuantizeLinear_13, "QuantizeLinear", 13, 18, DT_REALS, axis_attrs, expand_quantize);
QUANTIZE(QuantizeLinear, "QuantizeLinear", 19, 0, DT_REALS, attrs, expand_quantize);
QUANTIZE(DequantizeLinear_10, "DequantizeLinear", 10, 12, DT_STORED, none, expand_dequantize);
QUANTIZE(DequantizeLinear_13, "DequantizeLinear", 13, 18, DT_STORED, axis_attrs, expand_dequantize);
QUANTIZE(DequantizeLinear, "DequantizeLinear", 19, 0, DT_STORED, attrs, expand_dequantize);

const struct op op_DynamicQuantizeLinear = {
	.name = "DynamicQuantizeLinear",
	.since = 11,
	.min_in = 1,
	.max_in = 1,
	.types = DT_BIT(F32),
	.min_out = 3,
	.max_out = 3,
	.expand = expand_dynamic,
};
