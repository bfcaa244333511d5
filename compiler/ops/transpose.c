/* Transpose: axis i of y is axis perm[i] of x; without perm the axes are reversed. */
#include "compiler/ops/util.h"

static const struct attr_rule attrs[] = {{"perm", ATTR_INTS, false}, {NULL, ATTR_INT, false}};

static int infer(struct graph *g, struct node *n, struct err *e)
{
	struct perm_attr *attr = n->attr;
	const struct type *x = &node_arg(g, n, 0)->type;
	struct type y = *x;
	const int64_t *perm;
	uint32_t count, seen = 0;

	if (attr_ints(n, "perm", x->rank, &perm, &count, e) < 0)
		return -1;
	for (int i = 0; i < x->rank; i++) {
		int64_t axis = perm ? perm[i] : x->rank - 1 - i;

		if (axis < 0 || axis >= x->rank || seen & 1u << axis)
			return fail(e, E_ATTR,
				    "perm is no permutation of %d axes: entry %d is %lld", x->rank,
				    i, (long long)axis);
		seen |= 1u << axis;
		attr->perm[i] = (int)axis;
		y.dim[i] = x->dim[axis];
	}
	return set_out(g, n, 0, &y, e);
}

static int eval(const struct graph *g, const struct node *n, const struct tensor *in,
		struct tensor *out, struct err *e)
{
	const struct perm_attr *attr = n->attr;
	int64_t stride[RANK_MAX] = {0};
	struct walk w;

	(void)g;
	(void)e;
	strides_of(&in->type, stride);
	walk_init(&w, &out->type);
	for (int i = 0; i < w.rank; i++)
		w.stride[0][i] = stride[attr->perm[i]];
	walk_copy(&w, out->data, in->data, in->type.dt);
	return 0;
}

const struct op op_Transpose = {
	.name = "Transpose",
	.since = 1,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.attrs = attrs,
	.attr_size = sizeof(struct perm_attr),
	.infer = infer,
	.eval = eval,
	.layout = WANT_ANY,
};
