/*
 * Split: cuts x along one axis into the outputs. The sizes are an attribute,
 * from opset 13 on input 1; without them the parts are equal (from opset 18
 * on, num_outputs parts of which the last may be smaller).
 */
#include "compiler/ops/util.h"

static const struct attr_rule attrs_2[] = {
	{"axis", ATTR_INT, false}, {"split", ATTR_INTS, false}, {NULL, ATTR_INT, false}};
static const struct attr_rule attrs_13[] = {{"axis", ATTR_INT, false}, {NULL, ATTR_INT, false}};
static const struct attr_rule attrs_18[] = {
	{"axis", ATTR_INT, false}, {"num_outputs", ATTR_INT, false}, {NULL, ATTR_INT, false}};

/* Sizes where none are given. */
static int equal_parts(const struct graph *g, const struct node *n, int64_t dim, int64_t *size,
		       struct err *e)
{
	int64_t parts, part;

	if (attr_int(n, "num_outputs", n->nout, &parts, e) < 0)
		return -1;
	if (parts != n->nout)
		return fail(e, E_ATTR, "num_outputs is %lld, but there are %u outputs",
			    (long long)parts, n->nout);
	part = div_up(dim, parts);
	if (!attr_find(n, "num_outputs") && dim % parts)
		return fail(e, E_SHAPE, "%s can't be split into %lld equal parts", in_text(g, n, 0),
			    (long long)parts);
	for (uint32_t i = 0; i < n->nout; i++)
		size[i] = MIN(part, MAX(dim - part * (int64_t)i, 0));
	return 0;
}

static int given_parts(const struct graph *g, const struct node *n, int64_t dim, const int64_t *v,
		       uint32_t count, struct err *e)
{
	int64_t sum = 0;
	bool ok = true;

	if (count != n->nout)
		return fail(e, E_SHAPE, "%u sizes for %u outputs", count, n->nout);
	for (uint32_t i = 0; i < count; i++) {
		if (v[i] < 0)
			return fail(e, E_VALUE, "size %u is %lld", i, (long long)v[i]);
		ok = ok && !__builtin_add_overflow(sum, v[i], &sum);
	}
	if (!ok || sum != dim)
		return fail(e, E_SHAPE, "the sizes sum up to %lld, the axis of %s has %lld",
			    (long long)sum, in_text(g, n, 0), (long long)dim);
	return 0;
}

static int infer(struct graph *g, struct node *n, struct err *e)
{
	struct axis_attr *attr = n->attr;
	struct type y = node_arg(g, n, 0)->type;
	int64_t axis, *equal = NEW(g->arena, n->nout, int64_t);
	const int64_t *size;
	uint32_t count;

	if (attr_int(n, "axis", 0, &axis, e) < 0 ||
	    axis_normal(n, axis, y.rank, &attr->axis, e) < 0)
		return -1;
	if ((node_arg(g, n, 1) ? const_ints(g, n, 1, &size, &count, e)
			       : attr_ints(n, "split", -1, &size, &count, e)) < 0)
		return -1;
	if (size && given_parts(g, n, y.dim[attr->axis], size, count, e) < 0)
		return -1;
	if (!size && equal_parts(g, n, y.dim[attr->axis], equal, e) < 0)
		return -1;
	for (uint32_t k = 0; k < n->nout; k++) {
		y.dim[attr->axis] = size ? size[k] : equal[k];
		if (set_out(g, n, k, &y, e) < 0)
			return -1;
	}
	return 0;
}

static int eval(const struct graph *g, const struct node *n, const struct tensor *in,
		struct tensor *out, struct err *e)
{
	const struct axis_attr *attr = n->attr;
	int64_t stride[RANK_MAX] = {0}, start = 0;
	struct walk w;

	(void)g;
	(void)e;
	strides_of(&in->type, stride);
	for (uint32_t k = 0; k < n->nout; k++) {
		walk_init(&w, &out[k].type);
		for (int i = 0; i < w.rank; i++)
			w.stride[0][i] = stride[i];
		w.at[0] = start * stride[attr->axis];
		walk_copy(&w, out[k].data, in->data, in->type.dt);
		start += out[k].type.dim[attr->axis];
	}
	return 0;
}

#define SPLIT(id, from, to, hi, rules)                 \
	const struct op op_##id = {                    \
		.name = "Split",                       \
		.since = from,                         \
		.until = to,                           \
		.min_in = 1,                           \
		.max_in = hi,                          \
		.min_out = 1,                          \
		.max_out = 255,                        \
		.attrs = rules,                        \
		.attr_size = sizeof(struct axis_attr), \
		.infer = infer,                        \
		.eval = eval,                          \
		.layout = WANT_ANY,                    \
	}
SPLIT(Split_2, 2, 12, 1, attrs_2);
SPLIT(Split_13, 13, 17, 2, attrs_13);
SPLIT(Split, 18, 0, 2, attrs_18);
