/*
 * Operators that only state another shape for the same bytes: Reshape,
 * Flatten, Squeeze, Unsqueeze, Identity, Dropout at inference, and the
 * internal .View that fuse makes of all of them.
 */
#include "compiler/ops/util.h"

#include <string.h>

static int eval(const struct graph *g, const struct node *n, const struct tensor *in,
		struct tensor *out, struct err *e)
{
	(void)g;
	(void)n;
	(void)e;
	memcpy(out->data, in->data, (size_t)type_bytes(&in->type));
	return 0;
}

#define VIEW(id, onnx, from, to, lo, hi, outputs, rules, size, infer_it) \
	const struct op op_##id = {                                      \
		.name = onnx,                                            \
		.since = from,                                           \
		.until = to,                                             \
		.min_in = lo,                                            \
		.max_in = hi,                                            \
		.min_out = 1,                                            \
		.max_out = outputs,                                      \
		.attrs = rules,                                          \
		.attr_size = size,                                       \
		.infer = infer_it,                                       \
		.eval = eval,                                            \
		.layout = WANT_PLAIN,                                    \
		.mem = {{SHARE_VIEW, 0}},                                \
	}

/* ---- Reshape: -1 is what is left, 0 keeps the axis (or, with allowzero, is zero) ---- */

static const struct attr_rule reshape_attrs[] = {{"allowzero", ATTR_INT, false},
						 {NULL, ATTR_INT, false}};

/* y has the dimensions as the model writes them; *rest: the axis that is -1, or -1. */
static int reshape_dims(const struct graph *g, const struct node *n, bool allow_zero,
			struct type *y, int *rest, struct err *e)
{
	const struct type *x = &node_arg(g, n, 0)->type;
	bool zero = false;

	*rest = -1;
	for (int i = 0; i < y->rank; i++) {
		int64_t want = y->dim[i];

		zero = zero || (want == 0 && allow_zero);
		if (want < -1)
			return fail(e, E_SHAPE, "the new shape holds %lld", (long long)want);
		if (want == -1 && *rest >= 0)
			return fail(e, E_SHAPE, "the new shape holds -1 twice");
		if (want == -1)
			y->dim[ *rest = i] = 1;
		if (want || allow_zero)
			continue;
		if (i >= x->rank)
			return fail(e, E_SHAPE, "the new shape keeps axis %d, which %s lacks", i,
				    in_text(g, n, 0));
		y->dim[i] = x->dim[i];
	}
	if (zero && *rest >= 0)
		return fail(e, E_SHAPE, "the new shape holds 0 (allowzero) and -1");
	return 0;
}

static int infer_reshape(struct graph *g, struct node *n, struct err *e)
{
	const struct type *x = &node_arg(g, n, 0)->type;
	struct type y = {.dt = x->dt};
	int64_t allow_zero, count = type_count(x), product;
	const int64_t *want;
	uint32_t rank;
	int rest;

	if (attr_int(n, "allowzero", 0, &allow_zero, e) < 0 ||
	    const_ints(g, n, 1, &want, &rank, e) < 0)
		return -1;
	if (rank > RANK_MAX)
		return fail(e, E_RANK, "the new shape has %u dimensions; at most %d are supported",
			    rank, RANK_MAX);
	y.rank = (uint8_t)rank;
	memcpy(y.dim, want, rank * sizeof(*want));
	if (reshape_dims(g, n, allow_zero != 0, &y, &rest, e) < 0)
		return -1;
	if (!type_count_ok(&y, &product))
		product = -1;
	if (rest >= 0 && product > 0) {
		y.dim[rest] = count / product;
		product *= y.dim[rest];
	}
	if (product != count) {
		if (rest >= 0)
			y.dim[rest] = -1;
		return fail(e, E_SHAPE, "%s has %lld elements, which do not fit %s",
			    in_text(g, n, 0), (long long)count, type_text(g->arena, &y));
	}
	return set_out(g, n, 0, &y, e);
}

VIEW(Reshape, "Reshape", 5, 0, 2, 2, 1, reshape_attrs, 0, infer_reshape);

/* ---- Flatten: a matrix, cut before axis ---- */

static const struct attr_rule axis_attrs[] = {{"axis", ATTR_INT, false}, {NULL, ATTR_INT, false}};

static int infer_flatten(struct graph *g, struct node *n, struct err *e)
{
	const struct type *x = &node_arg(g, n, 0)->type;
	struct type y = {.dt = x->dt, .rank = 2, .dim = {1, 1}};
	int64_t axis;

	if (attr_int(n, "axis", 1, &axis, e) < 0)
		return -1;
	if (axis < -x->rank || axis > x->rank)
		return fail(e, E_ATTR, "axis %lld of Flatten is outside [%d, %d]", (long long)axis,
			    -x->rank, x->rank);
	axis += axis < 0 ? x->rank : 0;
	for (int i = 0; i < x->rank; i++)
		if (!mul_ok(y.dim[i >= axis], x->dim[i], &y.dim[i >= axis]))
			return fail(e, E_PLAN_TOO_BIG, "%s is too large", in_text(g, n, 0));
	return set_out(g, n, 0, &y, e);
}

VIEW(Flatten, "Flatten", 1, 0, 1, 1, 1, axis_attrs, 0, infer_flatten);

/* ---- Squeeze, Unsqueeze: the axes are an attribute, from opset 13 on input 1 ---- */

static const struct attr_rule axes_attrs[] = {{"axes", ATTR_INTS, false}, {NULL, ATTR_INT, false}};
static const struct attr_rule axes_required[] = {{"axes", ATTR_INTS, true},
						 {NULL, ATTR_INT, false}};

static int read_axes(const struct graph *g, const struct node *n, const int64_t **axes,
		     uint32_t *count, struct err *e)
{
	if (node_arg(g, n, 1))
		return const_ints(g, n, 1, axes, count, e);
	return attr_ints(n, "axes", -1, axes, count, e);
}

static int infer_squeeze(struct graph *g, struct node *n, struct err *e)
{
	const struct type *x = &node_arg(g, n, 0)->type;
	struct type y = {.dt = x->dt};
	const int64_t *axes;
	uint32_t count, set;

	if (read_axes(g, n, &axes, &count, e) < 0 || axes_set(n, axes, count, x->rank, &set, e) < 0)
		return -1;
	for (int i = 0; i < x->rank; i++) {
		bool drop = set & 1u << i || (!count && x->dim[i] == 1);

		if (drop && x->dim[i] != 1)
			return fail(e, E_SHAPE, "axis %d of %s is not 1, it can't be squeezed", i,
				    in_text(g, n, 0));
		if (!drop)
			y.dim[y.rank++] = x->dim[i];
	}
	return set_out(g, n, 0, &y, e);
}

static int infer_unsqueeze(struct graph *g, struct node *n, struct err *e)
{
	const struct type *x = &node_arg(g, n, 0)->type;
	struct type y = {.dt = x->dt};
	const int64_t *axes;
	uint32_t count, set, from = 0;

	if (read_axes(g, n, &axes, &count, e) < 0)
		return -1;
	if (x->rank + count > RANK_MAX)
		return fail(e, E_RANK, "%s with %u more axes; at most %d are supported",
			    in_text(g, n, 0), count, RANK_MAX);
	y.rank = (uint8_t)(x->rank + count);
	if (axes_set(n, axes, count, y.rank, &set, e) < 0)
		return -1;
	for (int i = 0; i < y.rank; i++)
		y.dim[i] = set & 1u << i ? 1 : x->dim[from++];
	return set_out(g, n, 0, &y, e);
}

VIEW(Squeeze_1, "Squeeze", 1, 12, 1, 1, 1, axes_attrs, 0, infer_squeeze);
VIEW(Squeeze, "Squeeze", 13, 0, 1, 2, 1, NULL, 0, infer_squeeze);
VIEW(Unsqueeze_1, "Unsqueeze", 1, 12, 1, 1, 1, axes_required, 0, infer_unsqueeze);
VIEW(Unsqueeze, "Unsqueeze", 13, 0, 2, 2, 1, NULL, 0, infer_unsqueeze);

/* ---- Identity, Dropout ---- */

static int infer_identity(struct graph *g, struct node *n, struct err *e)
{
	return set_out(g, n, 0, &node_arg(g, n, 0)->type, e);
}

#define MASK_MAX ((uint64_t)64 << 20)

/* The mask says that every element stays: a constant. */
static int infer_dropout(struct graph *g, struct node *n, struct err *e)
{
	struct type mask = node_arg(g, n, 0)->type;
	double training = 0;
	uint8_t *ones;

	if (check_dtype(g, n, 0, DT_FLOATS, e) < 0 ||
	    (node_arg(g, n, 2) && const_scalar(g, n, 2, &training, e) < 0))
		return -1;
	if (training != 0)
		return fail(e, E_OP_UNSUPPORTED, "Dropout in training mode");
	mask.dt = BOOL;
	if (set_out(g, n, 1, &mask, e) < 0)
		return -1;
	if (node_out(g, n, 1)) {
		if (type_bytes(&mask) > MASK_MAX)
			return fail(e, E_LIMIT_FOLD, "the mask of Dropout has %llu bytes",
				    (unsigned long long)type_bytes(&mask));
		ones = arena_alloc(g->arena, (size_t)type_bytes(&mask));
		memset(ones, 1, (size_t)type_bytes(&mask));
		node_out(g, n, 1)->data = ones;
		node_out(g, n, 1)->def = 0;
		n->out[1] = 0;
	}
	return infer_identity(g, n, e);
}

static const struct attr_rule ratio_attrs[] = {{"ratio", ATTR_FLOAT, false},
					       {NULL, ATTR_INT, false}};
static const struct attr_rule seed_attrs[] = {{"seed", ATTR_INT, false}, {NULL, ATTR_INT, false}};

VIEW(Identity, "Identity", 1, 0, 1, 1, 1, NULL, 0, infer_identity);
VIEW(Dropout_7, "Dropout", 7, 11, 1, 1, 2, ratio_attrs, 0, infer_dropout);
VIEW(Dropout, "Dropout", 12, 0, 1, 3, 2, seed_attrs, 0, infer_dropout);
/* ---- .View: what fuse makes of the others, and of a part that is one run of bytes ---- */

static const struct attr_rule view_attrs[] = {{"offset", ATTR_INT, false}, {NULL, ATTR_INT, false}};

static int parse_view(struct graph *g, struct node *n, struct err *e)
{
	struct view_attr *attr = n->attr;

	(void)g;
	return attr_int(n, "offset", 0, &attr->offset, e);
}

const struct op op__View = {
	.name = ".View",
	.since = 1,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.attrs = view_attrs,
	.attr_size = sizeof(struct view_attr),
	.parse = parse_view,
	.layout = WANT_PLAIN,
	.mem = {{SHARE_VIEW, 0}},
	.lower = lower_view,
};
