/* MatMul: matrix products over the last two axes, the axes before them broadcast as numpy does. */
#include "compiler/ops/window.h"

/* A vector is a matrix of one row on the left, of one column on the right. */
static struct type as_matrix(const struct type *t, bool left)
{
	struct type m = *t;

	if (t->rank == 1) {
		m.rank = 2;
		m.dim[0] = left ? 1 : t->dim[0];
		m.dim[1] = left ? t->dim[0] : 1;
	}
	return m;
}

/* Shape of the whole product, with rows and columns that came from vectors. */
static int product(const struct graph *g, const struct type *a, const struct type *b,
		   struct type *y, struct err *e)
{
	struct type batch_a = *a, batch_b = *b;

	batch_a.rank = (uint8_t)(a->rank - 2);
	batch_b.rank = (uint8_t)(b->rank - 2);
	if (broadcast(g, &batch_a, &batch_b, y, e) < 0)
		return -1;
	y->dim[y->rank] = a->dim[a->rank - 2];
	y->dim[y->rank + 1] = b->dim[b->rank - 1];
	y->rank = (uint8_t)(y->rank + 2);
	return 0;
}

static int infer(struct graph *g, struct node *n, struct err *e)
{
	const struct type *ta = &node_arg(g, n, 0)->type, *tb = &node_arg(g, n, 1)->type;
	struct type a = as_matrix(ta, true), b = as_matrix(tb, false), y;

	if (check_dtype(g, n, 0, DT_FLOATS, e) < 0 || check_same_dtype(g, n, 0, 1, e) < 0 ||
	    check_rank(g, n, 0, 1, e) < 0 || check_rank(g, n, 1, 1, e) < 0)
		return -1;
	if (a.dim[a.rank - 1] != b.dim[b.rank - 2])
		return fail(e, E_SHAPE, "MatMul of %s and %s: the inner sizes %lld and %lld differ",
			    in_text(g, n, 0), in_text(g, n, 1), (long long)a.dim[a.rank - 1],
			    (long long)b.dim[b.rank - 2]);
	if (product(g, &a, &b, &y, e) < 0)
		return -1;
	if (tb->rank == 1)
		y.rank--;
	if (ta->rank == 1) {
		if (tb->rank > 1)
			y.dim[y.rank - 2] = y.dim[y.rank - 1];
		y.rank--;
	}
	return set_out(g, n, 0, &y, e);
}

static int eval(const struct graph *g, const struct node *n, const struct tensor *in,
		struct tensor *out, struct err *e)
{
	struct type a = as_matrix(&in[0].type, true), b = as_matrix(&in[1].type, false), y;
	double *x, *z;
	int64_t depth = a.dim[a.rank - 1];
	int last;
	struct walk w;

	(void)n;
	if (product(g, &a, &b, &y, e) < 0)
		return -1;
	x = load_all(&in[0]);
	z = load_all(&in[1]);
	last = y.rank - 1;
	/* the batch axes broadcast; rows move only a, columns only b */
	walk_init(&w, &y);
	walk_broadcast(&w, 0, &a);
	walk_broadcast(&w, 1, &b);
	w.stride[0][last] = 0;
	w.stride[0][last - 1] = depth;
	w.stride[1][last] = 1;
	w.stride[1][last - 1] = 0;
	for (int64_t i = 0; w.left; walk_next(&w), i++) {
		const double *row = x + w.at[0], *col = z + w.at[1];
		double sum = 0;

		for (int64_t k = 0; k < depth; k++)
			sum += row[k] * col[k * b.dim[b.rank - 1]];
		put_float(out->data, out->type.dt, i, sum);
	}
	mem_free(x);
	mem_free(z);
	return 0;
}

const struct op op_MatMul = {
	.name = "MatMul",
	.since = 1,
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.eval = eval,
	.layout = WANT_PLAIN,
	.tail = true,
	.lower = lower_matmul,
};
