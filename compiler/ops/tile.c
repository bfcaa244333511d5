/* Tile: the input again and again along each axis: a Pad that wraps around. */
#include "compiler/ops/util.h"

#include <string.h>

static int infer(struct graph *g, struct node *n, struct err *e)
{
	extern const struct op op_Identity;
	const struct type *x = &node_arg(g, n, 0)->type;
	struct pad_attr *attr = n->attr;
	struct type y = *x, repeats = {0};

	*attr = (struct pad_attr){.mode = PAD_WRAP};
	if (const_dims(g, n, 1, &repeats, e) < 0)
		return -1;
	if (repeats.rank != y.rank)
		return fail(e, E_SHAPE, "%d repeats for %s", repeats.rank, in_text(g, n, 0));
	for (int i = 0; i < y.rank; i++)
		if (!mul_ok(y.dim[i], repeats.dim[i], &y.dim[i]))
			return fail(e, E_LIMIT_FOLD, "%lld repeats of %s",
				    (long long)repeats.dim[i], in_text(g, n, 0));
	if (type_equal(x, &y)) {
		n->op = &op_Identity;
		n->nin = n->nmain = 1;
	}
	return set_out(g, n, 0, &y, e);
}

static int eval(const struct graph *g, const struct node *n, const struct tensor *in,
		struct tensor *out, struct err *e)
{
	size_t size = dtype_size(out->type.dt);
	int64_t stride[RANK_MAX] = {0};
	struct walk w;
	char *to = out->data;

	(void)g;
	(void)n;
	(void)e;
	strides_of(&in->type, stride);
	walk_init(&w, &out->type);
	for (; w.left; walk_next(&w), to += size) {
		int64_t at = 0;

		for (int i = 0; i < w.rank; i++)
			at += w.index[i] % in->type.dim[i] * stride[i];
		memcpy(to, (const char *)in->data + (size_t)at * size, size);
	}
	return 0;
}

const struct op op_Tile = {
	.name = "Tile",
	.since = 6,
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.attr_size = sizeof(struct pad_attr),
	.infer = infer,
	.eval = eval,
	.layout = WANT_ANY,
	.lower = lower_pad,
};
