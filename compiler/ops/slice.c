/*
 * Slice: y[i] = x[start + step * i] on the given axes. Starts and ends count
 * from the back where negative and are clamped into the axis; a negative
 * step walks backwards. Before opset 10 they were attributes.
 */
#include "compiler/ops/util.h"

static const struct attr_rule old_attrs[] = {{"starts", ATTR_INTS, true},
					     {"ends", ATTR_INTS, true},
					     {"axes", ATTR_INTS, false},
					     {NULL, ATTR_INT, false}};

struct range {
	uint32_t count;
	const int64_t *start, *end, *axis, *step; /* axis, step: NULL where absent */
};

/* Input k, the axes or steps; NULL where it is omitted. */
static int read_optional(const struct graph *g, const struct node *n, uint32_t k, uint32_t want,
			 const int64_t **v, struct err *e)
{
	uint32_t count = want;

	*v = NULL;
	if (node_arg(g, n, k) && const_ints(g, n, k, v, &count, e) < 0)
		return -1;
	if (count != want)
		return fail(e, E_SHAPE, "Slice has %u starts, but %u %s", want, count,
			    k == 3 ? "axes" : "steps");
	return 0;
}

static int read_inputs(const struct graph *g, const struct node *n, struct range *r, struct err *e)
{
	uint32_t ends;

	if (const_ints(g, n, 1, &r->start, &r->count, e) < 0 ||
	    const_ints(g, n, 2, &r->end, &ends, e) < 0)
		return -1;
	if (ends != r->count)
		return fail(e, E_SHAPE, "Slice has %u starts, but %u ends", r->count, ends);
	if (read_optional(g, n, 3, r->count, &r->axis, e) < 0)
		return -1;
	return read_optional(g, n, 4, r->count, &r->step, e);
}

static int read_attributes(const struct node *n, struct range *r, struct err *e)
{
	uint32_t count;

	if (attr_ints(n, "starts", -1, &r->start, &r->count, e) < 0 ||
	    attr_ints(n, "ends", (int)r->count, &r->end, &count, e) < 0)
		return -1;
	r->step = NULL;
	if (attr_find(n, "axes"))
		return attr_ints(n, "axes", (int)r->count, &r->axis, &count, e);
	r->axis = NULL;
	return 0;
}

static int64_t clamp(int64_t v, int64_t dim, int64_t lo, int64_t hi)
{
	if (v < 0)
		v += dim;
	return v < lo ? lo : v > hi ? hi : v;
}

/* First index and number of elements on an axis of size dim. */
static int64_t slice_axis(int64_t dim, int64_t *start, int64_t end, int64_t step)
{
	if (!dim)
		return 0;
	if (step > 0) {
		*start = clamp(*start, dim, 0, dim);
		end = clamp(end, dim, 0, dim);
		return end > *start ? (end - *start - 1) / step + 1 : 0;
	}
	*start = clamp(*start, dim, 0, dim - 1);
	end = clamp(end, dim, -1, dim - 1);
	return *start > end ? (*start - end - 1) / -step + 1 : 0;
}

static int infer_range(struct graph *g, struct node *n, const struct range *r, struct err *e)
{
	struct slice_attr *attr = n->attr;
	const struct type *x = &node_arg(g, n, 0)->type;
	struct type y = *x;
	uint32_t seen = 0;

	for (int i = 0; i < RANK_MAX; i++) {
		attr->start[i] = 0;
		attr->step[i] = 1;
	}
	for (uint32_t i = 0; i < r->count; i++) {
		int64_t start = r->start[i], step = r->step ? r->step[i] : 1;
		int axis;

		if (axis_normal(n, r->axis ? r->axis[i] : (int64_t)i, x->rank, &axis, e) < 0)
			return -1;
		if (seen & 1u << axis)
			return fail(e, E_VALUE, "axis %d is sliced twice", axis);
		if (!step)
			return fail(e, E_VALUE, "the step of axis %d is 0", axis);
		seen |= 1u << axis;
		step = MAX(step, -INT64_MAX);
		y.dim[axis] = slice_axis(x->dim[axis], &start, r->end[i], step);
		attr->start[axis] = y.dim[axis] ? start : 0;
		attr->step[axis] = y.dim[axis] > 1 ? step : 1; /* no product of these overflows */
	}
	return set_out(g, n, 0, &y, e);
}

static int infer(struct graph *g, struct node *n, struct err *e)
{
	struct range r;

	if (read_inputs(g, n, &r, e) < 0)
		return -1;
	return infer_range(g, n, &r, e);
}

static int infer_old(struct graph *g, struct node *n, struct err *e)
{
	struct range r;

	if (read_attributes(n, &r, e) < 0)
		return -1;
	return infer_range(g, n, &r, e);
}

static int eval(const struct graph *g, const struct node *n, const struct tensor *in,
		struct tensor *out, struct err *e)
{
	const struct slice_attr *attr = n->attr;
	int64_t stride[RANK_MAX] = {0};
	struct walk w;

	(void)g;
	(void)e;
	strides_of(&in->type, stride);
	walk_init(&w, &out->type);
	for (int i = 0; i < w.rank; i++) {
		w.stride[0][i] = attr->step[i] * stride[i];
		w.at[0] += attr->start[i] * stride[i];
	}
	walk_copy(&w, out->data, in->data, in->type.dt);
	return 0;
}

#define SLICE(id, from, to, lo, hi, rules, infer_it)    \
	const struct op op_##id = {                     \
		.name = "Slice",                        \
		.since = from,                          \
		.until = to,                            \
		.min_in = lo,                           \
		.max_in = hi,                           \
		.min_out = 1,                           \
		.max_out = 1,                           \
		.attrs = rules,                         \
		.attr_size = sizeof(struct slice_attr), \
		.infer = infer_it,                      \
		.eval = eval,                           \
		.layout = WANT_ANY,                     \
	}
SLICE(Slice_1, 1, 9, 1, 1, old_attrs, infer_old);
SLICE(Slice, 10, 0, 3, 5, NULL, infer);
