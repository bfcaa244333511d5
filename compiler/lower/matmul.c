/*
 * MatMul, Gemm and convolutions of single pixels as products of matrices:
 * few rows and constant B go to gemv, the rest to gemm, what is not f32 to
 * matmul_direct. Constant B is packed.
 * What Gemm adds and scales becomes part of the tail, or of the packed
 * operands where it is constant.
 */
#include "compiler/lower/matmul.h"
#include "compiler/lower/conv.h"
#include "compiler/lower/tile.h"

#include <string.h>

#define GEMV_ROWS    4
#define GEMV_THREADS 128

static bool is_const(const struct lower *l, val_id v)
{
	return val_is_const(&l->g->val[v]);
}

static float const_at(const struct val *v, int64_t i)
{
	float f;

	memcpy(&f, (const char *)v->data + i * 4, 4);
	return f;
}

/* ---- gemv ---- */

/* [n][k padded], then the bias. */
static void pack_rows(struct lower *l, const struct product *p, int64_t k_pad)
{
	const struct val *b = &l->g->val[p->b];
	float *out = NEW(l->g->arena, p->n * (k_pad + 1), float);

	for (int64_t n = 0; n < p->n; n++)
		for (int64_t k = 0; k < p->k; k++)
			out[n * k_pad + k] = const_at(b, k * p->bk + n * p->bn);
	if (p->bias)
		memcpy(out + p->n * k_pad, p->bias, (size_t)p->n * sizeof(float));
	lower_weight(l, out, (uint64_t)(p->n * (k_pad + 1)) * sizeof(float));
}

static int lower_gemv(struct graph *g, struct node *n, const struct product *p, struct err *e)
{
	const struct val *y = node_out(g, n, 0), *a = &g->val[p->a];
	int vec = p->n % 4 == 0 ? lower_vec(y) : 1;
	bool wide = p->k % 4 == 0 && p->am % 4 == 0 && a->off % 16 == 0;
	int64_t k_pad = div_up(p->k, 4) * 4;
	struct lower l;

	lower_begin(&l, g, n, "gemv");
	lower_value(&l, n->out[0], 2);
	lower_operand(&l, p->a);
	pack_rows(&l, p, k_pad);
	lower_define(&l, "MM", p->m);
	lower_define(&l, "NN", p->n);
	lower_define(&l, "KK", p->k);
	lower_define(&l, "K_PAD", k_pad);
	lower_define(&l, "KV", wide ? 4 : 1);
	lower_define(&l, "X_PITCH", p->am);
	lower_define(&l, "THREADS", GEMV_THREADS);
	lower_epilogue(&l, vec);
	return lower_end(&l, div_up(p->n / vec, GEMV_THREADS / 32), 1, 1, GEMV_THREADS, e);
}

/* ---- gemm ---- */

/* [k][n padded] of every batch item of a constant B; its strides become the packed ones. */
static void pack_matrix(struct lower *l, struct product *p)
{
	const struct val *b = &l->g->val[p->b];
	int64_t rows = div_up(p->k, 8) * 8, cols = div_up(p->n, 4) * 4;
	float *out = NEW(l->g->arena, rows * cols, float);

	for (int64_t k = 0; k < p->k; k++)
		for (int64_t n = 0; n < p->n; n++)
			out[k * cols + n] = const_at(b, k * p->bk + n * p->bn);
	lower_weight(l, out, (uint64_t)(rows * cols) * sizeof(float));
	p->bk = cols;
	p->bn = 1;
	lower_define(l, "B_VEC", 4);
	lower_define(l, "B_ROWS", rows);
	lower_define(l, "B_COLS", cols);
}

/* May 4 neighbours be loaded at once, wherever a batch item begins? */
static bool is_wide(const struct lower *l, val_id v, const struct form *base,
		    const struct space *batches, int64_t run, int64_t other)
{
	const struct val *x = &l->g->val[v];

	if (run % 4 || other % 4 || (!val_is_const(x) && x->off % 16))
		return false;
	for (int k = 0; k < batches->n; k++)
		if (base->coef[k] % 4)
			return false;
	return true;
}

static void add_b(struct lower *l, struct product *p)
{
	bool single = p->b_base.base == 0;

	for (int k = 0; k < p->batches.n; k++)
		single = single && !p->b_base.coef[k];
	if (is_const(l, p->b) && single) {
		pack_matrix(l, p);
		return;
	}
	lower_operand(l, p->b);
	lower_define(l, "B_VEC",
		     p->bn == 1 && is_wide(l, p->b, &p->b_base, &p->batches, p->n, p->bk) ? 4 : 1);
	lower_define(l, "B_ROWS", p->k);
	lower_define(l, "B_COLS", p->n);
}

static void add_bias(struct lower *l, const struct product *p)
{
	lower_define(l, "HAS_BIAS", p->bias != NULL);
	if (p->bias)
		lower_weight(l, p->bias, (uint64_t)p->n * sizeof(float));
}

void product_defines(struct lower *l, const struct product *p)
{
	lower_define(l, "MM", p->m);
	lower_define(l, "NN", p->n);
	lower_define(l, "KK", p->k);
	lower_define(l, "AM", p->am);
	lower_define(l, "AK", p->ak);
	lower_define(l, "BK", p->bk);
	lower_define(l, "BN_", p->bn);
}

static int lower_gemm(struct graph *g, struct node *n, struct product *p, struct err *e)
{
	const struct tile *t = tile_choose(p->m, p->n, p->batch, 0);
	const struct val *y = node_out(g, n, 0);
	struct lower l;

	lower_begin(&l, g, n, "gemm");
	lower_value(&l, n->out[0], 2);
	lower_operand(&l, p->a);
	add_b(&l, p);
	add_bias(&l, p);
	tile_defines(&l, t);
	product_defines(&l, p);
	lower_define(&l, "A_VEC",
		     p->ak == 1 && is_wide(&l, p->a, &p->a_base, &p->batches, p->k, p->am) ? 4 : 1);
	form_function(&p->a_base, &p->batches, "a_base", &l.text);
	form_function(&p->b_base, &p->batches, "b_base", &l.text);
	lower_epilogue(&l, p->n % 4 == 0 ? lower_vec(y) : 1);
	return lower_end(&l, div_up(p->m, t->bm), div_up(p->n, t->bn), p->batch, tile_threads(t),
			 e);
}

static int lower_product(struct graph *g, struct node *n, struct product *p, struct err *e)
{
	if (p->m <= GEMV_ROWS && p->batch == 1 && p->ak == 1 && val_is_const(&g->val[p->b]))
		return lower_gemv(g, n, p, e);
	return lower_gemm(g, n, p, e);
}

/* ---- the operators ---- */

int lower_pointwise(struct graph *g, struct node *n, const struct shape *s, struct err *e)
{
	struct product p = {.a = n->in[0],
			    .b = n->in[1],
			    .m = s->batch,
			    .n = s->co,
			    .k = s->ci,
			    .batch = 1,
			    .am = val_is_const(s->x) ? s->ci : s->x->pitch,
			    .ak = 1,
			    .bk = 1,
			    .bn = s->ci};

	if (s->b && val_is_const(s->b)) {
		float *bias = NEW(g->arena, s->co, float);

		memcpy(bias, s->b->data, (size_t)s->co * sizeof(float));
		p.bias = bias;
	} else if (s->b) {
		return lower_conv_direct(g, n, s, e);
	}
	return lower_product(g, n, &p, e);
}

/* Batch axes of an operand, numpy's way, as a form over those of the output. */
static void batch_form(struct form *f, const struct space *batches, const struct type *t,
		       const int64_t *stride)
{
	int nb = t->rank - 2, shift = batches->n - nb;

	*f = (struct form){0};
	for (int k = 0; k < nb; k++)
		if (t->dim[k] != 1)
			f->coef[k + shift] = stride[k];
}

/* Sizes and strides of an operand whose axes change places. */
static struct type permuted(const struct val *v, const int *perm, int64_t stride[RANK_MAX])
{
	struct type t = v->type;
	int64_t own[RANK_MAX];

	form_strides(v, own);
	for (int i = 0; i < t.rank; i++) {
		t.dim[i] = v->type.dim[perm[i]];
		stride[i] = own[perm[i]];
	}
	return t;
}

/* Rows of all batch items are one matrix where B is shared and A has no gaps. */
static void join_rows(struct product *p)
{
	int64_t run = p->m * p->am;

	for (int k = p->batches.n - 1; k >= 0; k--) {
		if (p->b_base.coef[k])
			return;
		if (p->batches.size[k] != 1 && p->a_base.coef[k] != run)
			return;
		run *= p->batches.size[k];
	}
	p->m *= p->batch;
	p->batch = 1;
	p->batches.n = 0;
}

static void matmul_product(struct product *p, const struct graph *g, const struct node *n)
{
	const struct matmul_attr *at = n->attr;
	const struct val *y = node_out(g, n, 0);
	int64_t sa[RANK_MAX], sb[RANK_MAX];
	struct type a = permuted(node_in(g, n, 0), at->perm_a, sa);
	struct type b = permuted(node_in(g, n, 1), at->perm_b, sb);
	int ra = a.rank, rb = b.rank, nb = MAX(MAX(ra, rb) - 2, 0);

	*p = (struct product){.a = n->in[0], .b = n->in[1], .batch = 1};
	p->k = a.dim[ra - 1];
	p->m = ra > 1 ? a.dim[ra - 2] : 1;
	p->n = rb > 1 ? b.dim[rb - 1] : 1;
	p->am = ra > 1 ? sa[ra - 2] : 0;
	p->ak = ra > 1 ? sa[ra - 1] : 1;
	p->bk = rb > 1 ? sb[rb - 2] : 1;
	p->bn = rb > 1 ? sb[rb - 1] : 0;
	p->batches.n = nb;
	for (int k = 0; k < nb; k++) {
		p->batches.size[k] = y->type.dim[k];
		p->batch *= y->type.dim[k];
	}
	batch_form(&p->a_base, &p->batches, &a, sa);
	batch_form(&p->b_base, &p->batches, &b, sb);
	join_rows(p);
}

static void gemm_product(struct product *p, const struct graph *g, const struct node *n)
{
	const struct gemm_attr *at = n->attr;
	const struct val *a = node_in(g, n, 0), *b = node_in(g, n, 1), *y = node_out(g, n, 0);
	int64_t sa[RANK_MAX], sb[RANK_MAX];

	form_strides(a, sa);
	form_strides(b, sb);
	*p = (struct product){.a = n->in[0],
			      .b = n->in[1],
			      .m = y->type.dim[0],
			      .n = y->type.dim[1],
			      .k = a->type.dim[!at->trans_a],
			      .batch = 1,
			      .am = sa[at->trans_a],
			      .ak = sa[!at->trans_a],
			      .bk = sb[at->trans_b],
			      .bn = sb[!at->trans_b]};
}

/* beta * C as the accumulators' start: C is constant and the same in every row. */
static bool take_bias(struct product *p, struct graph *g, const struct node *n)
{
	const struct gemm_attr *at = n->attr;
	const struct val *c = node_in(g, n, 2);
	int64_t cols, rows;
	float *bias;

	if (!val_is_const(c) || at->alpha != 1.0f)
		return false;
	cols = c->type.rank ? c->type.dim[c->type.rank - 1] : 1;
	rows = c->type.rank > 1 ? c->type.dim[c->type.rank - 2] : 1;
	if (rows != 1)
		return false;
	bias = NEW(g->arena, p->n, float);
	for (int64_t i = 0; i < p->n; i++)
		bias[i] = at->beta * const_at(c, cols == 1 ? 0 : i);
	p->bias = bias;
	return true;
}

static uint16_t scalar_input(struct graph *g, struct node *n, float value)
{
	struct type t = {.dt = F32};
	val_id *in = NEW(g->arena, n->nin + 1, val_id);

	memcpy(in, n->in, n->nin * sizeof(*in));
	in[n->nin] = val_const(g, "", &t, arena_copy(g->arena, &value, sizeof(value)));
	n->in = in;
	return (uint16_t)(TAIL_IN | n->nin++);
}

static void add_step(struct node *n, const char *op, uint16_t a, uint16_t b)
{
	struct tail_step *s = &n->tail[n->ntail++];

	*s = (struct tail_step){.op = op_find(op, 14), .dt = F32, .nargs = 2, .arg = {a, b}};
	CHECK(s->op && s->op->expr);
}

/*
 * The node with alpha * main + beta * C in front of its tail. Its inputs and access array are
 * longer than the node's; the graph's own node stays as it is.
 */
static struct node with_scaling(struct graph *g, const struct node *from)
{
	const struct gemm_attr *at = from->attr;
	struct node n = *from;
	uint16_t main = 0, c = TAIL_IN | 2, scaled = 0;

	n.tail = NEW(g->arena, from->ntail + 3, struct tail_step);
	n.ntail = 0;
	if (at->alpha != 1.0f) {
		add_step(&n, "Mul", main, scalar_input(g, &n, at->alpha));
		main = (uint16_t)n.ntail;
	}
	if (from->nmain > 2 && from->in[2]) {
		if (at->beta != 1.0f) {
			add_step(&n, "Mul", c, scalar_input(g, &n, at->beta));
			c = (uint16_t)n.ntail;
		}
		add_step(&n, "Add", main, c);
	}
	scaled = (uint16_t)n.ntail;
	for (uint32_t s = 0; s < from->ntail; s++) {
		struct tail_step *step = &n.tail[n.ntail++];

		*step = from->tail[s];
		for (int k = 0; k < step->nargs; k++)
			if (!(step->arg[k] & TAIL_IN))
				step->arg[k] = (uint16_t)(step->arg[k] + scaled);
	}
	if (from->access) {
		n.access = NEW(g->arena, n.nin, struct access *);
		memcpy(n.access, from->access, from->nin * sizeof(*n.access));
	}
	return n;
}

static int lower_scaled(struct graph *g, struct node *n, struct err *e)
{
	struct product p;
	struct node own = *n, wide;
	int ret;

	gemm_product(&p, g, n);
	if (n->nmain > 2 && n->in[2] && take_bias(&p, g, n))
		own.nmain = 2;
	wide = with_scaling(g, &own);
	/* lowering finds the node's index by its address: it stands in for the node meanwhile */
	own = *n;
	*n = wide;
	ret = lower_product(g, n, &p, e);
	*n = own;
	return ret;
}

int lower_matmul(struct graph *g, struct node *n, struct err *e)
{
	bool is_gemm = !strcmp(n->op->name, "Gemm"), is_f32 = node_out(g, n, 0)->type.dt == F32;
	struct product p;

	if (is_gemm && is_f32)
		return lower_scaled(g, n, e);
	if (is_gemm)
		gemm_product(&p, g, n);
	else
		matmul_product(&p, g, n);
	if (!is_f32)
		return lower_matmul_direct(g, n, &p, e);
	return lower_product(g, n, &p, e);
}
