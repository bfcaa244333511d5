/*
 * Pad: elements in front of and behind each axis, negative ones cut off.
 * They are a constant, the edge, the mirror image (reflect) or the other end
 * (wrap). Before opset 11 the pads were an attribute. Zeros around a feature
 * map are taken over by what reads it (fuse_pad.c).
 */
#include "compiler/ops/util.h"

#include <string.h>

static const struct attr_rule old_attrs[] = {{"mode", ATTR_STRING, false},
					     {"pads", ATTR_INTS, true},
					     {"value", ATTR_FLOAT, false},
					     {NULL, ATTR_INT, false}};
static const struct attr_rule new_attrs[] = {{"mode", ATTR_STRING, false}, {NULL, ATTR_INT, false}};

static int parse(struct graph *g, struct node *n, struct err *e)
{
	static const char *const modes[] = {"constant", "edge", "reflect", "wrap"};
	struct pad_attr *attr = n->attr;
	const char *word = attr_string(n, "mode", modes[0]);
	float value;

	(void)g;
	if (attr_float(n, "value", 0, &value, e) < 0)
		return -1;
	attr->value = (double)value;
	for (size_t i = 0; i < COUNT_OF(modes); i++)
		if (!strcmp(word, modes[i])) {
			attr->mode = (enum pad_mode)i;
			return 0;
		}
	return fail(e, E_ATTR, "mode '%s' of Pad is unknown", word);
}

/* pads holds `count` numbers in front, then as many behind, for the axes in axis. */
static int pad_axes(struct graph *g, struct node *n, const int64_t *pads, uint32_t count,
		    const int64_t *axis, struct err *e)
{
	struct pad_attr *attr = n->attr;
	struct type y = node_arg(g, n, 0)->type;
	uint32_t set;

	memset(attr->before, 0, sizeof(attr->before));
	if (axis && axes_set(n, axis, count, y.rank, &set, e) < 0)
		return -1;
	for (uint32_t i = 0; i < count; i++) {
		int at = (int)(axis ? axis[i] : (int64_t)i);
		int64_t lo = pads[i], hi = pads[count + i], dim, most;

		at += at < 0 ? y.rank : 0;
		dim = y.dim[at];
		most = attr->mode == PAD_CONSTANT  ? INT64_MAX
		       : attr->mode == PAD_REFLECT ? dim - 1
		       : dim			   ? INT64_MAX
						   : 0;
		if (__builtin_add_overflow(y.dim[at], lo, &y.dim[at]) ||
		    __builtin_add_overflow(y.dim[at], hi, &y.dim[at]) || y.dim[at] < 0 ||
		    lo < -dim || hi < -dim || MAX(lo, hi) > most)
			return fail(e, E_SHAPE, "pads of %lld and %lld do not fit axis %d of %s",
				    (long long)lo, (long long)hi, at, in_text(g, n, 0));
		attr->before[at] = lo;
	}
	return set_out(g, n, 0, &y, e);
}

static int infer_old(struct graph *g, struct node *n, struct err *e)
{
	int rank = node_arg(g, n, 0)->type.rank;
	const int64_t *pads;
	uint32_t count;

	if (attr_ints(n, "pads", 2 * rank, &pads, &count, e) < 0)
		return -1;
	return pad_axes(g, n, pads, count / 2, NULL, e);
}

static int infer(struct graph *g, struct node *n, struct err *e)
{
	struct pad_attr *attr = n->attr;
	const struct val *value = node_arg(g, n, 2);
	uint32_t count, want = node_arg(g, n, 0)->type.rank;
	const int64_t *pads, *axes = NULL;

	if (const_ints(g, n, 1, &pads, &count, e) < 0 ||
	    (node_arg(g, n, 3) && const_ints(g, n, 3, &axes, &want, e) < 0))
		return -1;
	if (count != 2 * want)
		return fail(e, E_SHAPE, "%u pads for %u axes", count, want);
	attr->by_input = value != NULL;
	if (value && check_same_dtype(g, n, 0, 2, e) < 0)
		return -1;
	if (value && type_count(&value->type) != 1)
		return fail(e, E_SHAPE, "Pad's constant must be one number, it is %s",
			    in_text(g, n, 2));
	if (value && val_is_const(value) && const_scalar(g, n, 2, &attr->value, e) < 0)
		return -1;
	return pad_axes(g, n, pads, want, axes, e);
}

/* Index on an axis of size dim that the output reads, -1: the constant. */
static int64_t source(enum pad_mode mode, int64_t i, int64_t dim)
{
	if (i >= 0 && i < dim)
		return i;
	switch (mode) {
	case PAD_CONSTANT:
		return -1;
	case PAD_EDGE:
		return i < 0 ? 0 : dim - 1;
	case PAD_REFLECT:
		return i < 0 ? -i : 2 * (dim - 1) - i;
	default:
		return (i % dim + dim) % dim;
	}
}

static int eval(const struct graph *g, const struct node *n, const struct tensor *in,
		struct tensor *out, struct err *e)
{
	const struct pad_attr *attr = n->attr;
	enum dtype dt = out->type.dt;
	size_t size = dtype_size(dt);
	int64_t stride[RANK_MAX] = {0};
	struct walk w;

	(void)g;
	(void)e;
	strides_of(&in->type, stride);
	walk_init(&w, &out->type);
	for (int64_t i = 0; w.left; walk_next(&w), i++) {
		int64_t at = 0;

		for (int k = 0; k < w.rank && at >= 0; k++) {
			int64_t from =
				source(attr->mode, w.index[k] - attr->before[k], in->type.dim[k]);

			at = from < 0 ? -1 : at + from * stride[k];
		}
		if (at >= 0)
			memcpy((char *)out->data + (size_t)i * size,
			       (const char *)in->data + (size_t)at * size, size);
		else if (attr->by_input)
			memcpy((char *)out->data + (size_t)i * size, in[2].data, size);
		else
			put_float(out->data, dt, i, attr->value);
	}
	return 0;
}

#define PAD(id, from, to, lo, hi, rules, infer_it)    \
	const struct op op_##id = {                   \
		.name = "Pad",                        \
		.since = from,                        \
		.until = to,                          \
		.min_in = lo,                         \
		.max_in = hi,                         \
		.min_out = 1,                         \
		.max_out = 1,                         \
		.attrs = rules,                       \
		.attr_size = sizeof(struct pad_attr), \
		.parse = parse,                       \
		.infer = infer_it,                    \
		.eval = eval,                         \
		.layout = WANT_ANY,                   \
		.lower = lower_pad,                   \
	}
PAD(Pad_2, 2, 10, 1, 1, old_attrs, infer_old);
PAD(Pad, 11, 0, 2, 4, new_attrs, infer);
