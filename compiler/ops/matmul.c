/*
 * MatMul: matrix products over the last two axes, the axes before them broadcast as numpy does.
 * .MatMul, which fuse makes, is the same of operands whose axes change places first.
 */
#include "compiler/ops/window.h"

static const struct attr_rule perms[] = {
	{"perm_a", ATTR_INTS, false}, {"perm_b", ATTR_INTS, false}, {NULL, ATTR_INT, false}};

/* Operand k with its axes in the order of the attribute. */
static int read_perm(const struct graph *g, const struct node *n, uint32_t k, int *perm,
		     struct type *t, struct err *e)
{
	const struct type *x = &node_arg(g, n, k)->type;
	const int64_t *v;
	uint32_t count, seen = 0;

	if (attr_ints(n, k ? "perm_b" : "perm_a", x->rank, &v, &count, e) < 0)
		return -1;
	*t = *x;
	for (int i = 0; i < x->rank; i++) {
		int64_t axis = v ? v[i] : i;

		if (axis < 0 || axis >= x->rank || seen & 1u << axis)
			return fail(e, E_ATTR, "perm_%c is no permutation of %d axes", "ab"[k],
				    x -> rank);
		seen |= 1u << axis;
		perm[i] = (int)axis;
		t->dim[i] = x->dim[axis];
	}
	return 0;
}

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
	struct matmul_attr *attr = n->attr;
	struct type ta, tb, a, b, y;

	if (check_same_dtype(g, n, 0, 1, e) < 0 || check_rank(g, n, 0, 1, e) < 0 ||
	    check_rank(g, n, 1, 1, e) < 0 || read_perm(g, n, 0, attr->perm_a, &ta, e) < 0 ||
	    read_perm(g, n, 1, attr->perm_b, &tb, e) < 0)
		return -1;
	a = as_matrix(&ta, true);
	b = as_matrix(&tb, false);
	if (a.dim[a.rank - 1] != b.dim[b.rank - 2])
		return fail(e, E_SHAPE, "MatMul of %s and %s: the inner sizes %lld and %lld differ",
			    in_text(g, n, 0), in_text(g, n, 1), (long long)a.dim[a.rank - 1],
			    (long long)b.dim[b.rank - 2]);
	if (product(g, &a, &b, &y, e) < 0)
		return -1;
	if (tb.rank == 1)
		y.rank--;
	if (ta.rank == 1) {
		if (tb.rank > 1)
			y.dim[y.rank - 2] = y.dim[y.rank - 1];
		y.rank--;
	}
	return set_out(g, n, 0, &y, e);
}

/* What walks over y also walks over the batch axes of x; returns the strides of its matrix. */
static void walk_operand(struct walk *w, int k, const struct tensor *x, const int *perm,
			 int64_t *rows, int64_t *cols)
{
	int64_t stride[RANK_MAX];
	int rank = x->type.rank, shift = w->rank - rank;

	strides_of(&x->type, stride);
	for (int i = 0; i < rank - 2; i++)
		w->stride[k][shift + i] = x->type.dim[perm[i]] == 1 ? 0 : stride[perm[i]];
	*rows = rank == 1 ? 1 : stride[perm[rank - 2]];
	*cols = rank == 1 ? 1 : stride[perm[rank - 1]];
}

static int eval(const struct graph *g, const struct node *n, const struct tensor *in,
		struct tensor *out, struct err *e)
{
	const struct matmul_attr *attr = n->attr;
	struct type a = in[0].type, b = in[1].type, y;
	int64_t depth, am, ak, bk, bn;
	double *x, *z;
	struct walk w;

	for (int i = 0; i < a.rank; i++)
		a.dim[i] = in[0].type.dim[attr->perm_a[i]];
	for (int i = 0; i < b.rank; i++)
		b.dim[i] = in[1].type.dim[attr->perm_b[i]];
	depth = a.dim[a.rank - 1];
	a = as_matrix(&a, true);
	b = as_matrix(&b, false);
	if (product(g, &a, &b, &y, e) < 0)
		return -1;
	x = load_all(&in[0]);
	z = load_all(&in[1]);
	walk_init(&w, &y);
	walk_operand(&w, 0, &in[0], attr->perm_a, &am, &ak);
	walk_operand(&w, 1, &in[1], attr->perm_b, &bk, &bn);
	w.stride[0][w.rank - 2] = am;
	w.stride[1][w.rank - 1] = bn;
	for (int64_t i = 0; w.left; walk_next(&w), i++) {
		const double *row = x + w.at[0], *col = z + w.at[1];
		double sum = 0;

		if (!dtype_is_float(out->type.dt)) {
			put_int(out->data, out->type.dt, i,
				dot_ints((struct run){&in[0], w.at[0], ak},
					 (struct run){&in[1], w.at[1], bk}, depth));
			continue;
		}
		for (int64_t k = 0; k < depth; k++)
			sum += row[k * ak] * col[k * bk];
		put_float(out->data, out->type.dt, i, sum);
	}
	mem_free(x);
	mem_free(z);
	return 0;
}

#define MATMUL(id, word, rules)                          \
	const struct op op_##id = {                      \
		.name = word,                            \
		.since = 1,                              \
		.min_in = 2,                             \
		.max_in = 2,                             \
		.types = DT_PRODUCTS,                    \
		.min_out = 1,                            \
		.max_out = 1,                            \
		.attrs = rules,                          \
		.attr_size = sizeof(struct matmul_attr), \
		.infer = infer,                          \
		.eval = eval,                            \
		.layout = WANT_PLAIN,                    \
		.tail = true,                            \
		.lower = lower_matmul,                   \
	}
MATMUL(MatMul, "MatMul", NULL);
MATMUL(_MatMul, ".MatMul", perms);
