/*
 * Reductions over a set of axes, and the global pools, which are the same
 * over all spatial axes. The axes were an attribute (axes) and became input 1.
 */
#include "base/math.h"
#include "compiler/ops/util.h"

#include <math.h>

static const struct attr_rule old_attrs[] = {
	{"axes", ATTR_INTS, false}, {"keepdims", ATTR_INT, false}, {NULL, ATTR_INT, false}};
static const struct attr_rule new_attrs[] = {{"keepdims", ATTR_INT, false},
					     {"noop_with_empty_axes", ATTR_INT, false},
					     {NULL, ATTR_INT, false}};

extern const struct op op_Identity, op_GlobalAveragePool, op_GlobalMaxPool;

static int read_axes(const struct graph *g, struct node *n, int rank, struct err *e)
{
	struct reduce_attr *attr = n->attr;
	const int64_t *axes = NULL;
	uint32_t count = 0;
	int64_t noop, keep;

	if (attr_int(n, "noop_with_empty_axes", 0, &noop, e) < 0 ||
	    attr_int(n, "keepdims", 1, &keep, e) < 0 ||
	    (node_arg(g, n, 1) ? const_ints(g, n, 1, &axes, &count, e)
			       : attr_ints(n, "axes", -1, &axes, &count, e)) < 0 ||
	    axes_set(n, axes, count, rank, &attr->axes, e) < 0)
		return -1;
	attr->keep = keep != 0;
	if (!count && !noop)
		attr->axes = (1u << rank) - 1;
	return 0;
}

static struct type reduced(const struct type *x, const struct reduce_attr *attr)
{
	struct type y = {.dt = x->dt};

	for (int i = 0; i < x->rank; i++)
		if (!(attr->axes & 1u << i))
			y.dim[y.rank++] = x->dim[i];
		else if (attr->keep)
			y.dim[y.rank++] = 1;
	return y;
}

/* Over the spatial axes of a feature map it is the global pool, which reads blocked maps. */
static void be_global_pool(struct node *n, const struct type *x)
{
	const struct reduce_attr *attr = n->attr;
	bool max = attr->kind == REDUCE_MAX;

	if ((max || attr->kind == REDUCE_MEAN) && attr->keep && dtype_is_float(x->dt) &&
	    (x->rank == 4 || x->rank == 5) && attr->axes == (1u << x->rank) - 4) {
		n->op = max ? &op_GlobalMaxPool : &op_GlobalAveragePool;
		n->nattrs = 0;
		n->nin = n->nmain = 1;
	}
}

static int infer_reduce(struct graph *g, struct node *n, enum reduce_kind kind, struct err *e)
{
	struct reduce_attr *attr = n->attr;
	const struct type *x = &node_arg(g, n, 0)->type;
	struct type y;

	attr->kind = kind;
	if (read_axes(g, n, x->rank, e) < 0)
		return -1;
	y = reduced(x, attr);
	if (!type_count(x) && type_count(&y) && kind == REDUCE_MEAN && !dtype_is_float(x->dt))
		return fail(e, E_SHAPE, "%s of %s, which is empty", n->op->name, in_text(g, n, 0));
	if (set_out(g, n, 0, &y, e) < 0)
		return -1;
	if (!attr->axes && kind <= REDUCE_PROD) { /* the others still give |x|, log x, ... */
		n->op = &op_Identity;
		n->nattrs = 0;
		n->nin = n->nmain = 1;
	} else {
		be_global_pool(n, x);
	}
	return 0;
}

static int infer_pool(struct graph *g, struct node *n, enum reduce_kind kind, struct err *e)
{
	struct reduce_attr *attr = n->attr;
	const struct type *x = &node_arg(g, n, 0)->type;
	struct type y;

	if (check_rank(g, n, 0, 3, e) < 0)
		return -1;
	*attr = (struct reduce_attr){.kind = kind, .axes = (1u << x->rank) - 4, .keep = true};
	y = reduced(x, attr);
	if (!type_count(x) && type_count(&y))
		return fail(e, E_SHAPE, "%s of %s, which is empty", n->op->name, in_text(g, n, 0));
	return set_out(g, n, 0, &y, e);
}

/* An element as it is combined; top: see below. */
static double term(enum reduce_kind kind, double v, double top)
{
	switch (kind) {
	case REDUCE_L1:
		return fabs(v);
	case REDUCE_L2:
	case REDUCE_SUM_SQUARE:
		return v * v;
	case REDUCE_LOG_SUM_EXP:
		return math_exp(v - top);
	default:
		return v;
	}
}

static double finish(enum reduce_kind kind, double acc, int64_t count, double top)
{
	switch (kind) {
	case REDUCE_MEAN:
		return acc / (double)count;
	case REDUCE_L2:
		return sqrt(acc);
	case REDUCE_LOG_SUM:
	case REDUCE_LOG_SUM_EXP:
		return math_log(acc) + top;
	default:
		return acc;
	}
}

static double combine(enum reduce_kind kind, const struct tensor *x, struct walk w, double top)
{
	double acc = kind == REDUCE_PROD  ? 1
		     : kind == REDUCE_MAX ? -(double)INFINITY
		     : kind == REDUCE_MIN ? (double)INFINITY
					  : 0;

	for (; w.left; walk_next(&w)) {
		double v = term(kind, get_float(x->data, x->type.dt, w.at[0]), top);

		if (kind == REDUCE_MAX)
			acc = v > acc || isnan(v) ? v : acc;
		else if (kind == REDUCE_MIN)
			acc = v < acc || isnan(v) ? v : acc;
		else if (kind == REDUCE_PROD)
			acc *= v;
		else
			acc += v;
	}
	return acc;
}

static double reduce_floats(enum reduce_kind kind, const struct tensor *x, const struct walk *w)
{
	/* the greatest exponent, so that no exp overflows */
	double top = kind == REDUCE_LOG_SUM_EXP ? combine(REDUCE_MAX, x, *w, 0) : 0;

	top = isfinite(top) ? top : 0;
	return finish(kind, combine(kind, x, *w, top), w->left, top);
}

/* The least or greatest number of an integer type. */
static int64_t range_end(enum dtype dt, bool upper)
{
	int64_t end = upper;

	if (dt != BOOL)
		put_float(&end, dt, 0, upper ? (double)INFINITY : -(double)INFINITY);
	return get_int(&end, dt, 0);
}

static int64_t reduce_ints(enum reduce_kind kind, const struct tensor *x, struct walk *w)
{
	bool is_u64 = x->type.dt == U64;
	uint64_t acc = kind == REDUCE_PROD;
	int64_t count = w->left;

	if (kind == REDUCE_MAX || kind == REDUCE_MIN)
		acc = (uint64_t)range_end(x->type.dt, kind == REDUCE_MIN);
	for (; w->left; walk_next(w)) {
		int64_t v = get_int(x->data, x->type.dt, w->at[0]);
		bool less = is_u64 ? (uint64_t)v < acc : v < (int64_t)acc;

		if (kind == REDUCE_MAX || kind == REDUCE_MIN)
			acc = less == (kind == REDUCE_MIN) ? (uint64_t)v : acc;
		else if (kind == REDUCE_PROD)
			acc *= (uint64_t)v;
		else if (kind == REDUCE_SUM_SQUARE)
			acc += (uint64_t)v * (uint64_t)v;
		else
			acc += kind == REDUCE_L1 && v < 0 && !is_u64 ? -(uint64_t)v : (uint64_t)v;
	}
	if (kind != REDUCE_MEAN)
		return (int64_t)acc;
	return is_u64 ? (int64_t)(acc / (uint64_t)count) : (int64_t)acc / count;
}

static int eval(const struct graph *g, const struct node *n, const struct tensor *in,
		struct tensor *out, struct err *e)
{
	const struct reduce_attr *attr = n->attr;
	const struct type *x = &in[0].type;
	struct type kept = *x, gone = {.dt = x->dt};
	int64_t stride[RANK_MAX] = {0};
	struct walk outer, inner;
	int64_t i = 0;

	(void)g;
	(void)e;
	strides_of(x, stride);
	for (int k = 0; k < x->rank; k++)
		if (attr->axes & 1u << k)
			kept.dim[k] = 1;
	walk_init(&outer, &kept);
	for (int k = 0; k < x->rank; k++)
		outer.stride[0][k] = stride[k];
	for (int k = 0; k < x->rank; k++)
		if (attr->axes & 1u << k)
			gone.dim[gone.rank++] = x->dim[k];
	for (; outer.left; walk_next(&outer), i++) {
		walk_init(&inner, &gone);
		inner.at[0] = outer.at[0];
		for (int k = 0, j = 0; k < x->rank; k++)
			if (attr->axes & 1u << k)
				inner.stride[0][j++] = stride[k];
		if (dtype_is_float(x->dt) || attr->kind == REDUCE_L2 ||
		    attr->kind == REDUCE_LOG_SUM || attr->kind == REDUCE_LOG_SUM_EXP)
			put_float(out->data, x->dt, i, reduce_floats(attr->kind, in, &inner));
		else
			put_int(out->data, x->dt, i, reduce_ints(attr->kind, in, &inner));
	}
	return 0;
}

#define REDUCE(id, onnx, from, to, inputs, mask, rules, infer_kind, want) \
	const struct op op_##id = {                                       \
		.name = onnx,                                             \
		.since = from,                                            \
		.until = to,                                              \
		.min_in = 1,                                              \
		.max_in = inputs,                                         \
		.types = mask,                                            \
		.min_out = 1,                                             \
		.max_out = 1,                                             \
		.attrs = rules,                                           \
		.attr_size = sizeof(struct reduce_attr),                  \
		.infer = infer_kind,                                      \
		.eval = eval,                                             \
		.layout = want,                                           \
		.tail = true,                                             \
		.lower = lower_reduce,                                    \
	}
#define INFER(name, base, kind)                                         \
	static int name(struct graph *g, struct node *n, struct err *e) \
	{                                                               \
		return base(g, n, kind, e);                             \
	}
#define REDUCES(name, kind, mask, changed)                                                   \
	INFER(infer_##name, infer_reduce, kind)                                              \
	REDUCE(name##_1, #name, 1, changed - 1, 1, mask, old_attrs, infer_##name, WANT_ANY); \
	REDUCE(name, #name, changed, 0, 2, mask, new_attrs, infer_##name, WANT_ANY)

REDUCES(ReduceMean, REDUCE_MEAN, DT_NUMBERS, 18);
REDUCES(ReduceSum, REDUCE_SUM, DT_NUMBERS, 13);
REDUCES(ReduceMax, REDUCE_MAX, DT_ANY, 18);
REDUCES(ReduceMin, REDUCE_MIN, DT_ANY, 18);
REDUCES(ReduceProd, REDUCE_PROD, DT_NUMBERS, 18);
REDUCES(ReduceL1, REDUCE_L1, DT_NUMBERS, 18);
REDUCES(ReduceL2, REDUCE_L2, DT_NUMBERS, 18);
REDUCES(ReduceSumSquare, REDUCE_SUM_SQUARE, DT_NUMBERS, 18);
REDUCES(ReduceLogSum, REDUCE_LOG_SUM, DT_NUMBERS, 18);
REDUCES(ReduceLogSumExp, REDUCE_LOG_SUM_EXP, DT_NUMBERS, 18);
INFER(infer_average, infer_pool, REDUCE_MEAN)
INFER(infer_max, infer_pool, REDUCE_MAX)
REDUCE(GlobalAveragePool, "GlobalAveragePool", 1, 0, 1, DT_FLOATS, NULL, infer_average,
       WANT_BLOCKED);
REDUCE(GlobalMaxPool, "GlobalMaxPool", 1, 0, 1, DT_FLOATS, NULL, infer_max, WANT_BLOCKED);
