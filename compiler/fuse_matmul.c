/*
 * A Transpose into the product of matrices that alone reads it: MatMul
 * becomes .MatMul, which names the axes of its operands, Gemm turns over
 * transA or transB. The kernels address operands by strides, so nothing is
 * moved; only where no axis of the matrix would be a run of bytes, or the
 * kernel for few rows would be lost, the Transpose stays.
 */
#include "compiler/fuse.h"

#include <string.h>

#define FEW_ROWS 4 /* lower/matmul.c: their kernel wants rows that are runs */

bool fuse_is_transpose(const struct graph *g, const struct node *n, int perm[RANK_MAX])
{
	const struct type *in, *out;
	struct access a;
	uint32_t seen = 0;

	if (!n || !fuse_is_map(n) || n->ntail)
		return false;
	in = &g->val[n->in[0]].type;
	out = &g->val[n->out[0]].type;
	if (in->rank != out->rank)
		return false;
	a = access_of(g, n, 0);
	for (int o = 0; o < out->rank; o++) {
		int found = -1;

		for (int i = 0; i < in->rank && found < 0; i++) {
			bool moved = in->dim[i] == 1
					     ? out->dim[o] == 1
					     : a.axis[i] == o && a.step[i] == 1 && a.start[i] == 0;

			if (moved && !(seen >> i & 1) && in->dim[i] == out->dim[o])
				found = i;
		}
		if (found < 0)
			return false;
		perm[o] = found;
		seen |= 1u << found;
	}
	return true;
}

static struct attr ints_attr(struct graph *g, const char *name, const int *perm, int rank)
{
	int64_t *v = NEW(g->arena, rank, int64_t);

	for (int i = 0; i < rank; i++)
		v[i] = perm[i];
	return (struct attr){.name = name, .type = ATTR_INTS, .n = (uint32_t)rank, .ints = v};
}

static void write_perms(struct graph *g, struct node *n)
{
	const struct matmul_attr *m = n->attr;
	struct attr *a = NEW(g->arena, 2, struct attr);

	a[0] = ints_attr(g, "perm_a", m->perm_a, g->val[n->in[0]].type.rank);
	a[1] = ints_attr(g, "perm_b", m->perm_b, g->val[n->in[1]].type.rank);
	if (n->op != &op__MatMul)
		n->version = g->opset;
	if (!n->was)
		n->was = n->op->name;
	n->op = &op__MatMul;
	n->attrs = a;
	n->nattrs = 2;
}

static bool few_rows(const struct graph *g, const struct node *n)
{
	const struct type *y = &g->val[n->out[0]].type, *b = &g->val[n->in[1]].type;

	return val_is_const(&g->val[n->in[1]]) && b->rank == 2 &&
	       type_count(y) <= FEW_ROWS * MAX(y->dim[y->rank - 1], 1);
}

/* perm: what the Transpose does to operand k. */
static bool into_matmul(struct graph *g, struct node *n, uint32_t k, const int *perm)
{
	struct matmul_attr *m = n->attr;
	int *own = k ? m->perm_b : m->perm_a, rank = g->val[n->in[k]].type.rank;
	int both[RANK_MAX];

	for (int i = 0; i < rank; i++)
		both[i] = perm[own[i]];
	if (both[rank - 1] != rank - 1 && both[rank - 2] != rank - 1)
		return false;
	memcpy(own, both, (size_t)rank * sizeof(*own));
	return true;
}

/* A matrix, so perm is its transposition. */
static void into_gemm(struct graph *g, struct node *n, uint32_t k)
{
	struct gemm_attr *m = n->attr;
	const char *name = k ? "transB" : "transA";
	bool *flag = k ? &m->trans_b : &m->trans_a;
	struct attr *a = NEW(g->arena, n->nattrs + 1, struct attr);
	uint32_t count = 0;

	for (uint32_t i = 0; i < n->nattrs; i++)
		if (strcmp(n->attrs[i].name, name))
			a[count++] = n->attrs[i];
	*flag = !*flag;
	if (*flag)
		a[count++] = (struct attr){.name = name, .type = ATTR_INT, .i = 1};
	n->attrs = a;
	n->nattrs = count;
}

static bool take(struct fuse *f, struct node *n, uint32_t k)
{
	struct graph *g = f->g;
	struct node *p = fuse_producer(g, n->in[k]);
	bool gemm = fuse_is(n, "Gemm");
	int perm[RANK_MAX];

	if (!fuse_is_transpose(g, p, perm) || f->uses[n->in[k]] != 1 ||
	    g->val[n->in[k]].type.rank < 2)
		return false;
	if ((k == 0 && few_rows(g, n)) || (!gemm && !into_matmul(g, n, k, perm)))
		return false;
	if (gemm)
		into_gemm(g, n, k);
	if (n->in[!k] != n->in[k])
		p->dead = true;
	f->uses[p->in[0]] += n->in[!k] == n->in[k];
	n->in[k] = p->in[0];
	if (!gemm)
		write_perms(g, n);
	fuse_did(f, REWRITE_TRANSPOSE);
	return true;
}

void fuse_transposes(struct fuse *f)
{
	struct graph *g = f->g;

	if (!rewrite_on(g, REWRITE_TRANSPOSE))
		return;
	fuse_count(f);
	for (uint32_t i = 0; i < g->nnode; i++) {
		struct node *n = &g->node[i];

		if (!fuse_is(n, "MatMul") && !fuse_is(n, ".MatMul") && !fuse_is(n, "Gemm"))
			continue;
		for (uint32_t k = 0; k < 2; k++)
			while (take(f, n, k))
				;
	}
	graph_compact(g);
}
