/* Constant, ConstantOfShape, Range, Expand: values that are made, not computed from run-time data.
 * All but Expand are folded only. */
#include "compiler/ops/util.h"

#include <math.h>
#include <string.h>

/* ---- Constant ---- */

static const struct attr_rule constant_attrs[] = {
	{"value", ATTR_TENSOR, false},	      {"value_float", ATTR_FLOAT, false},
	{"value_floats", ATTR_FLOATS, false}, {"value_int", ATTR_INT, false},
	{"value_ints", ATTR_INTS, false},     {NULL, ATTR_INT, false}};

static int infer_constant(struct graph *g, struct node *n, struct err *e)
{
	const struct attr *a = n->attrs;
	struct type y = {.dt = I64};

	if (n->nattrs != 1)
		return fail(e, E_ATTR, "Constant needs exactly one value, it has %u", n->nattrs);
	if (a->type == ATTR_TENSOR)
		return set_out(g, n, 0, &a->ttype, e);
	if (a->type == ATTR_FLOAT || a->type == ATTR_FLOATS)
		y.dt = F32;
	if (a->type == ATTR_FLOATS || a->type == ATTR_INTS) {
		y.rank = 1;
		y.dim[0] = a->n;
	}
	return set_out(g, n, 0, &y, e);
}

static int eval_constant(const struct graph *g, const struct node *n, const struct tensor *in,
			 struct tensor *out, struct err *e)
{
	const struct attr *a = n->attrs;
	const void *from = a->type == ATTR_TENSOR   ? a->tdata
			   : a->type == ATTR_FLOAT  ? (const void *)&a->f
			   : a->type == ATTR_FLOATS ? (const void *)a->floats
			   : a->type == ATTR_INT    ? (const void *)&a->i
						    : (const void *)a->ints;

	(void)g;
	(void)in;
	(void)e;
	if (type_count(&out->type))
		memcpy(out->data, from, (size_t)type_bytes(&out->type));
	return 0;
}

/* ---- ConstantOfShape ---- */

static const struct attr_rule fill_attrs[] = {{"value", ATTR_TENSOR, false},
					      {NULL, ATTR_INT, false}};

static int infer_fill(struct graph *g, struct node *n, struct err *e)
{
	const struct attr *a = attr_find(n, "value");
	struct type y = {.dt = a ? a->ttype.dt : F32};

	if (a && type_count(&a->ttype) != 1)
		return fail(e, E_ATTR, "the value of ConstantOfShape is %s, not one number",
			    type_text(g->arena, &a->ttype));
	if (const_dims(g, n, 0, &y, e) < 0)
		return -1;
	return set_out(g, n, 0, &y, e);
}

static int eval_fill(const struct graph *g, const struct node *n, const struct tensor *in,
		     struct tensor *out, struct err *e)
{
	const struct attr *a = attr_find(n, "value");
	size_t size = dtype_size(out->type.dt), count = (size_t)type_count(&out->type);

	(void)g;
	(void)in;
	(void)e;
	for (size_t i = 0; a && i < count; i++)
		memcpy((char *)out->data + i * size, a->tdata, size);
	if (!a)
		memset(out->data, 0, count * size);
	return 0;
}

/* ---- Range ---- */

static int infer_range(struct graph *g, struct node *n, struct err *e)
{
	enum dtype dt = node_arg(g, n, 0)->type.dt;
	struct type y = {.dt = dt, .rank = 1};
	double v[3], count;

	for (uint32_t k = 0; k < 3; k++)
		if (check_dtype(g, n, k, DT_BIT(F32) | DT_BIT(F64) | DT_SIGNED, e) < 0 ||
		    check_same_dtype(g, n, 0, k, e) < 0 || const_scalar(g, n, k, &v[k], e) < 0)
			return -1;
	if (v[2] == 0)
		return fail(e, E_VALUE, "the step of Range is 0");
	count = ceil((v[1] - v[0]) / v[2]);
	if (!(count < 0x1p53))
		return fail(e, E_LIMIT_FOLD, "Range from %g to %g by %g has too many elements",
			    v[0], v[1], v[2]);
	y.dim[0] = count > 0 ? (int64_t)count : 0;
	if (!dtype_is_float(dt)) { /* exact where doubles are not */
		__int128 at[3], span;

		for (uint32_t k = 0; k < 3; k++)
			at[k] = get_int(node_arg(g, n, k)->data, dt, 0);
		span = at[2] > 0 ? at[1] - at[0] : at[0] - at[1];
		at[2] = at[2] > 0 ? at[2] : -at[2];
		y.dim[0] = span > 0 ? (int64_t)((span + at[2] - 1) / at[2]) : 0;
	}
	return set_out(g, n, 0, &y, e);
}

static int eval_range(const struct graph *g, const struct node *n, const struct tensor *in,
		      struct tensor *out, struct err *e)
{
	enum dtype dt = out->type.dt;

	(void)g;
	(void)n;
	(void)e;
	for (int64_t i = 0; i < out->type.dim[0]; i++)
		if (dtype_is_float(dt))
			put_float(out->data, dt, i,
				  get_float(in[0].data, dt, 0) +
					  (double)i * get_float(in[2].data, dt, 0));
		else
			put_int(out->data, dt, i,
				(int64_t)((uint64_t)get_int(in[0].data, dt, 0) +
					  (uint64_t)i * (uint64_t)get_int(in[2].data, dt, 0)));
	return 0;
}

/* ---- Expand ---- */

static int infer_expand(struct graph *g, struct node *n, struct err *e)
{
	extern const struct op op_Identity;
	const struct type *x = &node_arg(g, n, 0)->type;
	struct type want = {.dt = x->dt}, y;

	if (const_dims(g, n, 1, &want, e) < 0 || broadcast(g, x, &want, &y, e) < 0 ||
	    set_out(g, n, 0, &y, e) < 0)
		return -1;
	if (type_equal(x, &y)) {
		n->op = &op_Identity;
		n->nin = n->nmain = 1;
	}
	return 0;
}

static int eval_expand(const struct graph *g, const struct node *n, const struct tensor *in,
		       struct tensor *out, struct err *e)
{
	struct walk w;

	(void)g;
	(void)n;
	(void)e;
	walk_init(&w, &out->type);
	walk_broadcast(&w, 0, &in->type);
	walk_copy(&w, out->data, in->data, in->type.dt);
	return 0;
}

#define MADE(id, from, lo, hi, rules, infer_it, eval_it) \
	const struct op op_##id = {                      \
		.name = #id,                             \
		.since = from,                           \
		.min_in = lo,                            \
		.max_in = hi,                            \
		.min_out = 1,                            \
		.max_out = 1,                            \
		.attrs = rules,                          \
		.infer = infer_it,                       \
		.eval = eval_it,                         \
		.layout = WANT_ANY,                      \
	}
MADE(Constant, 1, 0, 0, constant_attrs, infer_constant, eval_constant);
MADE(ConstantOfShape, 9, 1, 1, fill_attrs, infer_fill, eval_fill);
MADE(Range, 11, 3, 3, NULL, infer_range, eval_range);
MADE(Expand, 8, 2, 2, NULL, infer_expand, eval_expand);
