/* Shape, Size: the input's dimensions (from start to end) and number of elements, as constants. */
#include "compiler/ops/util.h"

static const struct attr_rule attrs[] = {
	{"start", ATTR_INT, false}, {"end", ATTR_INT, false}, {NULL, ATTR_INT, false}};

/* The axes [*from, *to): negative ones count from the back, then both are clamped. */
static int slice_axes(const struct node *n, int rank, int64_t *from, int64_t *to, struct err *e)
{
	int64_t *v[2] = {from, to};

	if (attr_int(n, "start", 0, from, e) < 0 || attr_int(n, "end", rank, to, e) < 0)
		return -1;
	for (int i = 0; i < 2; i++) {
		*v[i] += *v[i] < 0 ? rank : 0;
		*v[i] = MIN(MAX(*v[i], 0), rank);
	}
	*to = MAX(*to, *from);
	return 0;
}

static int infer_shape(struct graph *g, struct node *n, struct err *e)
{
	struct type y = {.dt = I64, .rank = 1};
	int64_t from, to;

	if (slice_axes(n, node_arg(g, n, 0)->type.rank, &from, &to, e) < 0)
		return -1;
	y.dim[0] = to - from;
	return set_out(g, n, 0, &y, e);
}

static int eval_shape(const struct graph *g, const struct node *n, const struct tensor *in,
		      struct tensor *out, struct err *e)
{
	int64_t from, to;

	(void)g;
	if (slice_axes(n, in->type.rank, &from, &to, e) < 0)
		return -1;
	for (int64_t i = from; i < to; i++)
		put_int(out->data, I64, i - from, in->type.dim[i]);
	return 0;
}

static int infer_size(struct graph *g, struct node *n, struct err *e)
{
	struct type y = {.dt = I64};

	return set_out(g, n, 0, &y, e);
}

static int eval_size(const struct graph *g, const struct node *n, const struct tensor *in,
		     struct tensor *out, struct err *e)
{
	(void)g;
	(void)n;
	(void)e;
	put_int(out->data, I64, 0, type_count(&in->type));
	return 0;
}

#define SHAPE(id, onnx, from, to, rules, infer_it, eval_it) \
	const struct op op_##id = {                         \
		.name = onnx,                               \
		.since = from,                              \
		.until = to,                                \
		.min_in = 1,                                \
		.max_in = 1,                                \
		.min_out = 1,                               \
		.max_out = 1,                               \
		.attrs = rules,                             \
		.infer = infer_it,                          \
		.eval = eval_it,                            \
		.fold_shape = true,                         \
	}
SHAPE(Shape_1, "Shape", 1, 14, NULL, infer_shape, eval_shape);
SHAPE(Shape, "Shape", 15, 0, attrs, infer_shape, eval_shape);
SHAPE(Size, "Size", 1, 0, NULL, infer_size, eval_size);
