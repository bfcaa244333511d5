/*
 * Trilu: x above or below a diagonal, else 0: a choice by a constant mask.
 * EyeLike: ones on a diagonal, a constant.
 */
#include "compiler/ops/expand.h"

#include <string.h>

#define MASK_MAX ((int64_t)64 << 20)

static const struct attr_rule trilu_attrs[] = {{"upper", ATTR_INT, false}, {NULL, ATTR_INT, false}};

static int expand_trilu(struct expand *x)
{
	const struct attr *upper = attr_find(x->n, "upper");
	struct type t = expand_type(x, expand_in(x, 0)), m = {.dt = BOOL, .rank = 2};
	bool up = !upper || upper->i;
	double k = 0;
	uint8_t *mask;

	if (check_rank(x->g, x->n, 0, 2, x->e) < 0 ||
	    (expand_in(x, 1) && const_scalar(x->g, x->n, 1, &k, x->e) < 0))
		return -1;
	memcpy(m.dim, t.dim + t.rank - 2, 2 * sizeof(m.dim[0]));
	if (type_count(&m) > MASK_MAX)
		return fail(x->e, E_LIMIT_FOLD, "the mask of Trilu has %lld bytes",
			    (long long)type_count(&m));
	mask = arena_alloc(x->g->arena, (size_t)type_count(&m));
	for (int64_t i = 0; i < m.dim[0]; i++)
		for (int64_t j = 0; j < m.dim[1]; j++)
			mask[i * m.dim[1] + j] = up ? (double)(j - i) >= k : (double)(j - i) <= k;
	expand_out(x, 0,
		   expand_3(x, "Where", val_const(x->g, "", &m, mask), expand_in(x, 0),
			    expand_number(x, t.dt, 0)));
	return expand_end(x);
}

const struct op op_Trilu = {
	.name = "Trilu",
	.since = 14,
	.min_in = 1,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.attrs = trilu_attrs,
	.expand = expand_trilu,
};

/* ---- EyeLike ---- */

static const struct attr_rule eye_attrs[] = {
	{"dtype", ATTR_INT, false}, {"k", ATTR_INT, false}, {NULL, ATTR_INT, false}};

static int infer_eye(struct graph *g, struct node *n, struct err *e)
{
	struct type y = node_arg(g, n, 0)->type;
	int64_t dt;

	if (attr_int(n, "dtype", 0, &dt, e) < 0)
		return -1;
	if (y.rank != 2)
		return fail(e, E_SHAPE, "EyeLike of %s, which is no matrix", in_text(g, n, 0));
	if (attr_find(n, "dtype"))
		y.dt = dt >= 0 && dt <= INT32_MAX ? dtype_from_onnx((int32_t)dt) : DT_NONE;
	if (y.dt == DT_NONE)
		return fail(e, E_ATTR, "EyeLike of type %lld, which is unknown", (long long)dt);
	return set_out(g, n, 0, &y, e);
}

static int eval_eye(const struct graph *g, const struct node *n, const struct tensor *in,
		    struct tensor *out, struct err *e)
{
	int64_t k, rows = out->type.dim[0], columns = out->type.dim[1];

	(void)g;
	(void)in;
	if (attr_int(n, "k", 0, &k, e) < 0)
		return -1;
	memset(out->data, 0, (size_t)type_bytes(&out->type));
	for (int64_t i = 0; i < rows; i++)
		if (k >= -rows && k <= columns && i + k >= 0 && i + k < columns)
			put_float(out->data, out->type.dt, i * columns + i + k, 1);
	return 0;
}

const struct op op_EyeLike = {
	.name = "EyeLike",
	.since = 9,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.attrs = eye_attrs,
	.infer = infer_eye,
	.eval = eval_eye,
	.fold_shape = true,
};
