/*
 * Softmax, LogSoftmax: y = exp(x - max) / sum exp(x - max), its logarithm,
 * along one axis. Before opset 13 the axis and all behind it were one.
 */
#include "base/math.h"
#include "compiler/ops/util.h"

#include <math.h>

static const struct attr_rule attrs[] = {{"axis", ATTR_INT, false}, {NULL, ATTR_INT, false}};

static int infer_softmax(struct graph *g, struct node *n, bool flat, struct err *e)
{
	struct axis_attr *attr = n->attr;
	const struct type *x = &node_arg(g, n, 0)->type;
	int64_t axis;

	attr->flat = flat;
	if (attr_int(n, "axis", flat ? 1 : -1, &axis, e) < 0)
		return -1;
	if (x->rank && axis_normal(n, axis, x->rank, &attr->axis, e) < 0)
		return -1;
	return set_out(g, n, 0, x, e);
}

static int infer_flat(struct graph *g, struct node *n, struct err *e)
{
	return infer_softmax(g, n, true, e);
}

static int infer_axis(struct graph *g, struct node *n, struct err *e)
{
	return infer_softmax(g, n, false, e);
}

/* One row of `count` elements, `stride` apart. */
static void row(const struct tensor *in, struct tensor *out, int64_t at, int64_t count,
		int64_t stride, bool log_of)
{
	double max = -(double)INFINITY, sum = 0;

	for (int64_t i = 0; i < count; i++) {
		double v = get_float(in->data, in->type.dt, at + i * stride);

		max = v > max || isnan(v) ? v : max;
	}
	for (int64_t i = 0; i < count; i++)
		sum += math_exp(get_float(in->data, in->type.dt, at + i * stride) - max);
	for (int64_t i = 0; i < count; i++) {
		double v = get_float(in->data, in->type.dt, at + i * stride) - max;

		put_float(out->data, out->type.dt, at + i * stride,
			  log_of ? v - math_log(sum) : math_exp(v) / sum);
	}
}

static void eval_rows(const struct node *n, const struct tensor *in, struct tensor *out,
		      bool log_of)
{
	const struct axis_attr *attr = n->attr;
	int64_t outer, count, inner;

	split_at(&in[0].type, attr->axis, &outer, &count, &inner);
	if (attr->flat) {
		count *= inner;
		inner = 1;
	}
	for (int64_t i = 0; i < outer; i++)
		for (int64_t j = 0; j < inner; j++)
			row(in, out, i * count * inner + j, count, inner, log_of);
}

static int eval_softmax(const struct graph *g, const struct node *n, const struct tensor *in,
			struct tensor *out, struct err *e)
{
	(void)g;
	(void)e;
	eval_rows(n, in, out, false);
	return 0;
}

static int eval_log(const struct graph *g, const struct node *n, const struct tensor *in,
		    struct tensor *out, struct err *e)
{
	(void)g;
	(void)e;
	eval_rows(n, in, out, true);
	return 0;
}

#define SOFTMAX(id, onnx, from, to, infer_it, eval_it) \
	const struct op op_##id = {                    \
		.name = onnx,                          \
		.since = from,                         \
		.until = to,                           \
		.min_in = 1,                           \
		.max_in = 1,                           \
		.types = DT_FLOATS,                    \
		.min_out = 1,                          \
		.max_out = 1,                          \
		.attrs = attrs,                        \
		.attr_size = sizeof(struct axis_attr), \
		.infer = infer_it,                     \
		.eval = eval_it,                       \
		.layout = WANT_PLAIN,                  \
		.mem = {{SHARE_INPLACE, 0}},           \
		.lower = lower_softmax,                \
	}
SOFTMAX(Softmax_1, "Softmax", 1, 12, infer_flat, eval_softmax);
SOFTMAX(Softmax, "Softmax", 13, 0, infer_axis, eval_softmax);
SOFTMAX(LogSoftmax_1, "LogSoftmax", 1, 12, infer_flat, eval_log);
SOFTMAX(LogSoftmax, "LogSoftmax", 13, 0, infer_axis, eval_log);
