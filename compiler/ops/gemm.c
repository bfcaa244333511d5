/* Gemm: y = alpha * a' b' + beta * c, matrices; a' is a or its transpose; c is broadcast to y. */
#include "compiler/ops/window.h"

#include <math.h>

static const struct attr_rule attrs[] = {{"alpha", ATTR_FLOAT, false},
					 {"beta", ATTR_FLOAT, false},
					 {"transA", ATTR_INT, false},
					 {"transB", ATTR_INT, false},
					 {NULL, ATTR_INT, false}};

static int parse(struct graph *g, struct node *n, struct err *e)
{
	struct gemm_attr *attr = n->attr;
	int64_t a, b;

	(void)g;
	if (attr_float(n, "alpha", 1, &attr->alpha, e) < 0 ||
	    attr_float(n, "beta", 1, &attr->beta, e) < 0 || attr_int(n, "transA", 0, &a, e) < 0 ||
	    attr_int(n, "transB", 0, &b, e) < 0)
		return -1;
	attr->trans_a = a != 0;
	attr->trans_b = b != 0;
	return 0;
}

static bool is_whole(float f)
{
	return f == rintf(f) && fabsf(f) <= 0x1p31f;
}

static int infer(struct graph *g, struct node *n, struct err *e)
{
	const struct gemm_attr *attr = n->attr;
	const struct type *a = &node_arg(g, n, 0)->type, *b = &node_arg(g, n, 1)->type;
	struct type y = {.dt = a->dt, .rank = 2}, wide;

	for (uint32_t k = 1; k < n->nmain; k++)
		if (node_arg(g, n, k) && check_same_dtype(g, n, 0, k, e) < 0)
			return -1;
	if (!dtype_is_float(a->dt) && !(is_whole(attr->alpha) && is_whole(attr->beta)))
		return fail(e, E_OP_UNSUPPORTED,
			    "Gemm of %s with alpha %g and beta %g: integers take whole factors",
			    in_text(g, n, 0), (double)attr->alpha, (double)attr->beta);
	if (a->rank != 2 || b->rank != 2)
		return fail(e, E_SHAPE, "Gemm takes matrices, not %s and %s", in_text(g, n, 0),
			    in_text(g, n, 1));
	y.dim[0] = a->dim[attr->trans_a];
	y.dim[1] = b->dim[!attr->trans_b];
	if (a->dim[!attr->trans_a] != b->dim[attr->trans_b])
		return fail(e, E_SHAPE, "%s%s and %s%s don't have one inner size", in_text(g, n, 0),
			    attr->trans_a ? " (transposed)" : "", in_text(g, n, 1),
			    attr->trans_b ? " (transposed)" : "");
	if (node_arg(g, n, 2)) {
		if (broadcast(g, &y, &node_arg(g, n, 2)->type, &wide, e) < 0)
			return -1;
		if (!type_equal(&wide, &y))
			return fail(e, E_SHAPE, "c %s can't be broadcast to %s", in_text(g, n, 2),
				    type_text(g->arena, &y));
	}
	return set_out(g, n, 0, &y, e);
}

/* Integers wrap; the factors are whole. */
static void eval_ints(const struct gemm_attr *attr, const struct tensor *in, const struct tensor *c,
		      struct tensor *out)
{
	const struct type *ta = &in[0].type, *tb = &in[1].type;
	struct walk w;

	walk_init(&w, &out->type);
	if (c)
		walk_broadcast(&w, 0, &c->type);
	for (int64_t i = 0; w.left; walk_next(&w), i++) {
		int64_t m = w.index[0], n = w.index[1];
		struct run a = {&in[0], attr->trans_a ? m : m * ta->dim[1],
				attr->trans_a ? ta->dim[1] : 1};
		struct run b = {&in[1], attr->trans_b ? n * tb->dim[1] : n,
				attr->trans_b ? 1 : tb->dim[1]};
		uint64_t sum = (uint64_t)dot_ints(a, b, ta->dim[!attr->trans_a]) *
			       (uint64_t)(int64_t)attr->alpha;

		if (c)
			sum += (uint64_t)(int64_t)attr->beta *
			       (uint64_t)get_int(c->data, c->type.dt, w.at[0]);
		put_int(out->data, out->type.dt, i, (int64_t)sum);
	}
}

static int eval(const struct graph *g, const struct node *n, const struct tensor *in,
		struct tensor *out, struct err *e)
{
	const struct gemm_attr *attr = n->attr;
	const struct tensor *c = n->nmain > 2 && in[2].data ? &in[2] : NULL;
	double *a, *b;
	int64_t rows = out->type.dim[0], cols = out->type.dim[1];
	int64_t depth = in[0].type.dim[!attr->trans_a];
	int64_t a_row = attr->trans_a ? 1 : depth, a_k = attr->trans_a ? rows : 1;
	int64_t b_col = attr->trans_b ? depth : 1, b_k = attr->trans_b ? 1 : cols;
	struct walk w;

	(void)g;
	(void)e;
	if (!dtype_is_float(out->type.dt)) {
		eval_ints(attr, in, c, out);
		return 0;
	}
	a = load_all(&in[0]);
	b = load_all(&in[1]);
	walk_init(&w, &out->type);
	if (c)
		walk_broadcast(&w, 0, &c->type);
	for (int64_t i = 0; w.left; walk_next(&w), i++) {
		const double *row = a + w.index[0] * a_row, *col = b + w.index[1] * b_col;
		double sum = 0;

		for (int64_t k = 0; k < depth; k++)
			sum += row[k * a_k] * col[k * b_k];
		sum *= (double)attr->alpha;
		if (c)
			sum += (double)attr->beta * get_float(c->data, c->type.dt, w.at[0]);
		put_float(out->data, out->type.dt, i, sum);
	}
	mem_free(a);
	mem_free(b);
	return 0;
}

const struct op op_Gemm = {
	.name = "Gemm",
	.since = 7,
	.min_in = 2,
	.max_in = 3,
	.types = DT_PRODUCTS,
	.min_out = 1,
	.max_out = 1,
	.attrs = attrs,
	.attr_size = sizeof(struct gemm_attr),
	.parse = parse,
	.infer = infer,
	.eval = eval,
	.layout = WANT_PLAIN,
	.tail = true,
	.lower = lower_matmul,
};
