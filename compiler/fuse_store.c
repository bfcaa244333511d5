/*
 * What follows a convolution and only moves or reduces its result becomes the
 * way it is stored (.Conv): DepthToSpace, or Reshape, Transpose, Reshape that
 * say the same, and a pool. The result as a whole then never exists, and
 * nothing is computed more often. A ConvTranspose of blocks side by side is a
 * shuffle, too. Done where implicit GEMM will compute the convolution,
 * whatever layout its input gets.
 */
#include "compiler/fuse.h"

#include <string.h>

#define REACH_MAX  31	/* of a kernel's axis: a bit per tap */
#define IMAGE_MAX  4095 /* of an axis: a table holds coordinates of taps */
#define RAISED_MAX 4	/* windows that an element is in */

/* Weights and bias, if there is one. */
static bool has_constant_weights(const struct graph *g, const struct node *n)
{
	for (uint32_t k = 1; k < n->nmain; k++)
		if (n->in[k] && !val_is_const(&g->val[n->in[k]]))
			return false;
	return true;
}

/* The convolution that makes v for one reader, if it can store it in another way. */
static struct node *taker(const struct fuse *f, val_id v)
{
	const struct graph *g = f->g;
	struct node *n = fuse_producer(g, v);
	const struct conv_attr *a;

	if (!n || !fuse_is(n, "Conv") || f->uses[v] != 1 || g->val[v].type.dt != F32 ||
	    !has_constant_weights(g, n))
		return NULL;
	a = n->attr;
	for (int i = 0; i < a->win.nd; i++)
		if ((a->win.kernel[i] - 1) * a->win.dilation[i] > REACH_MAX ||
		    g->val[n->in[0]].type.dim[2 + i] > IMAGE_MAX)
			return NULL;
	return a->group == 1 ? n : NULL;
}

static int become(struct fuse *f, struct node *n, const struct attr *more, uint32_t count,
		  struct err *e)
{
	struct attr *attrs = NEW(f->g->arena, n->nattrs + count, struct attr);

	if (n->nattrs)
		memcpy(attrs, n->attrs, n->nattrs * sizeof(*attrs));
	memcpy(attrs + n->nattrs, more, count * sizeof(*attrs));
	n->attrs = attrs;
	n->nattrs += count;
	n->was = n->op->name;
	n->op = &op__Conv;
	n->version = f->g->opset;
	n->attr = NEW(f->g->arena, 1, struct conv_attr);
	return n->op->infer(f->g, n, e);
}

/* ---- shuffles ---- */

struct shuffle {
	int64_t block;
	bool column_row_depth;
	struct node *node[3]; /* that say it, the last one first */
	uint32_t count;
	val_id in;
};

/* The node before, if its result has one reader. */
static struct node *made_by(const struct fuse *f, const struct node *n, const char *op)
{
	struct node *p = fuse_producer(f->g, n->in[0]);

	return p && f->uses[n->in[0]] == 1 && fuse_is(p, op) ? p : NULL;
}

static bool is_shape(const struct type *t, int rank, const int64_t *dim)
{
	return t->rank == rank && !memcmp(t->dim, dim, (size_t)rank * sizeof(*dim));
}

/* n is the Reshape that ends one. */
static bool find_written_out(const struct fuse *f, struct node *n, struct shuffle *s)
{
	static const int depth_first[6] = {0, 3, 4, 1, 5, 2}, column_first[6] = {0, 1, 4, 2, 5, 3};
	const struct graph *g = f->g;
	struct node *turn = made_by(f, n, "Transpose"), *split = NULL;
	const struct type *x, *y = &g->val[n->out[0]].type;
	const int *perm;
	int64_t b;

	if (turn && g->val[turn->in[0]].type.rank == 6)
		split = made_by(f, turn, "Reshape");
	if (!split)
		return false;
	perm = ((const struct perm_attr *)turn->attr)->perm;
	x = &g->val[split->in[0]].type;
	b = g->val[split->out[0]].type.dim[2];
	*s = (struct shuffle){.block = b,
			      .column_row_depth = !memcmp(perm, column_first, sizeof(column_first)),
			      .node = {n, turn, split},
			      .count = 3,
			      .in = split->in[0]};
	if (x->rank != 4 || b < 2 || x->dim[1] % (b * b) ||
	    (!s->column_row_depth && memcmp(perm, depth_first, sizeof(depth_first)) != 0))
		return false;
	return is_shape(
		       y, 4,
		       (int64_t[]){x->dim[0], x->dim[1] / (b * b), x->dim[2] * b, x->dim[3] * b}) &&
	       is_shape(&g->val[split->out[0]].type, 6,
			s->column_row_depth ? (int64_t[]){x->dim[0], x->dim[1] / (b * b), b, b,
							  x->dim[2], x->dim[3]}
					    : (int64_t[]){x->dim[0], b, b, x->dim[1] / (b * b),
							  x->dim[2], x->dim[3]});
}

static bool find_shuffle(const struct fuse *f, struct node *n, struct shuffle *s)
{
	const struct depth_attr *a = n->attr;

	if (n->dead)
		return false;
	if (fuse_is(n, "Reshape"))
		return find_written_out(f, n, s);
	if (!fuse_is(n, "DepthToSpace") || a->block < 2)
		return false;
	*s = (struct shuffle){.block = a->block,
			      .column_row_depth = a->column_row_depth,
			      .node = {n},
			      .count = 1,
			      .in = n->in[0]};
	return true;
}

/* The operand of an elementwise operator whose other operands are single numbers; 0: it is none. */
static val_id only_operand(const struct graph *g, const struct node *n)
{
	val_id v = 0;

	for (uint32_t k = 0; n->op->expr && k < n->nin; k++) {
		const struct val *x = node_in(g, n, k);

		if (x && val_is_const(x) && type_count(&x->type) == 1)
			continue;
		if (v || !x || !type_equal(&x->type, &g->val[n->out[0]].type))
			return 0;
		v = n->in[k];
	}
	return v;
}

/*
 * The convolution stores shuffled what s moves. What is elementwise between them (with single
 * numbers as other operands) then follows the shuffle.
 */
static int store_shuffled(struct fuse *f, const struct shuffle *s, struct err *e)
{
	struct graph *g = f->g;
	val_id v = s->in, y = s->node[0]->out[0];
	struct node *n = fuse_producer(g, v), *conv;
	const struct attr attrs[] = {
		{.name = "mode", .type = ATTR_STRING, .s = s->column_row_depth ? "CRD" : "DCR"},
		{.name = "shuffle", .type = ATTR_INT, .i = s->block}};

	while (n && f->uses[v] == 1 && only_operand(g, n)) {
		v = only_operand(g, n);
		n = fuse_producer(g, v);
	}
	conv = taker(f, v);
	if (!conv)
		return 0;
	for (val_id at = s->in, next; at != v; at = next) {
		next = only_operand(g, fuse_producer(g, at));
		g->val[at].type = g->val[y].type;
	}
	graph_replace(g, y, s->in);
	f->uses[s->in] = f->uses[y];
	for (uint32_t i = 0; i < s->count; i++)
		s->node[i]->dead = true;
	fuse_did(f, REWRITE_SHUFFLE);
	return become(f, conv, attrs, COUNT_OF(attrs), e);
}

/* A ConvTranspose of blocks side by side with constant weights: one pixel becomes a block. */
static bool is_upsampling(const struct graph *g, const struct node *n)
{
	const struct conv_attr *a = n->attr;
	const struct type *x = &g->val[n->in[0]].type, *y = &g->val[n->out[0]].type;
	int64_t block;

	if (n->dead || !fuse_is(n, "ConvTranspose") || a->group != 1 || a->win.nd != 2 ||
	    x->dt != F32 || !has_constant_weights(g, n))
		return false;
	block = a->win.kernel[0];
	for (int i = 0; i < 2; i++)
		if (a->win.kernel[i] != block || a->win.stride[i] != block || block < 2 ||
		    a->win.dilation[i] != 1 || a->win.pad_lo[i] ||
		    y->dim[2 + i] != x->dim[2 + i] * block || x->dim[2 + i] > IMAGE_MAX)
			return false;
	return true;
}

static void copy_f32(float *to, const struct val *from, int64_t i)
{
	memcpy(to, (const char *)from->data + i * 4, 4);
}

/* As a convolution of single pixels whose channels are those of the block's pixels, shuffled. */
static int store_upsampled(struct fuse *f, struct node *n, struct err *e)
{
	struct graph *g = f->g;
	const struct val *w = &g->val[n->in[1]], *b = node_in(g, n, 2);
	int64_t reads = w->type.dim[0], channels = w->type.dim[1], block = w->type.dim[2];
	int64_t pixels = block * block, count = pixels * channels;
	struct type tw = {.dt = F32, .rank = 4, .dim = {count, reads, 1, 1}};
	struct type tb = {.dt = F32, .rank = 1, .dim = {count}};
	const struct attr attrs[] = {{.name = "mode", .type = ATTR_STRING, .s = "DCR"},
				     {.name = "shuffle", .type = ATTR_INT, .i = block}};
	float *weights = NEW(g->arena, count * reads, float), *bias = NEW(g->arena, count, float);

	for (int64_t i = 0; i < count * reads; i++) {
		int64_t row = i / reads, column = row % channels * pixels + row / channels;

		copy_f32(&weights[i], w, i % reads * count + column);
	}
	for (int64_t i = 0; b && i < count; i++)
		copy_f32(&bias[i], b, i % channels);
	n->in = arena_copy(g->arena, n->in, n->nin * sizeof(*n->in));
	n->in[1] = val_const(g, g->val[n->in[1]].name, &tw, weights);
	if (b)
		n->in[2] = val_const(g, g->val[n->in[2]].name, &tb, bias);
	n->nattrs = 0;
	fuse_did(f, REWRITE_SHUFFLE);
	return become(f, n, attrs, COUNT_OF(attrs), e);
}

int fuse_shuffles(struct fuse *f, struct err *e)
{
	struct graph *g = f->g;

	fuse_count(f);
	for (uint32_t i = 0; i < g->nnode && rewrite_on(g, REWRITE_SHUFFLE); i++) {
		struct shuffle s;

		if (find_shuffle(f, &g->node[i], &s) && store_shuffled(f, &s, e) < 0)
			return -1;
		if (is_upsampling(g, &g->node[i]) && store_upsampled(f, &g->node[i], e) < 0)
			return -1;
	}
	graph_compact(g);
	return 0;
}

/* ---- pools ---- */

/* The windows stand side by side and inside of x, and one is as large as a thread can hold. */
static bool is_tiling(const struct graph *g, const struct node *n)
{
	const struct window *w = &((const struct pool_attr *)n->attr)->win;
	const struct type *x = &g->val[n->in[0]].type, *y = &g->val[n->out[0]].type;
	int64_t size = 1;

	for (int i = 0; i < w->nd; i++) {
		if (w->stride[i] != w->kernel[i] || (w->dilation[i] != 1 && w->kernel[i] != 1) ||
		    w->pad_lo[i] || w->pad_hi[i] || y->dim[2 + i] * w->kernel[i] > x->dim[2 + i])
			return false;
		size *= w->kernel[i];
	}
	return size == 2 || size == 4;
}

/* Maxima that an element raises few of; nothing follows them. */
static bool is_raised(const struct node *n)
{
	const struct window *w = &((const struct pool_attr *)n->attr)->win;
	int64_t count = 1;

	for (int i = 0; i < w->nd; i++) {
		if (w->dilation[i] != 1 && w->kernel[i] != 1)
			return false;
		count *= div_up(w->kernel[i], w->stride[i]);
	}
	return fuse_is(n, "MaxPool") && count <= RAISED_MAX && !n->ntail;
}

/* No operand of its tail depends on the pixel. */
static bool has_even_tail(const struct graph *g, const struct node *n)
{
	for (uint32_t k = n->nmain; k < n->nin; k++) {
		struct access a = access_of(g, n, k);

		for (int i = 0; i < g->val[n->in[k]].type.rank; i++)
			if (a.axis[i] > 1 && g->val[n->in[k]].type.dim[i] != 1)
				return false;
	}
	return true;
}

static int store_pooled(struct fuse *f, struct node *pool, struct node *conv, bool moves,
			struct err *e)
{
	const struct window *w = &((const struct pool_attr *)pool->attr)->win;
	const struct type *y = &f->g->val[pool->out[0]].type;
	uint32_t nd = (uint32_t)w->nd, count = 2;
	const int64_t *size = arena_copy(f->g->arena, y->dim + 2, nd * sizeof(*size));
	struct attr attrs[6] = {{.name = "pool",
				 .type = ATTR_STRING,
				 .s = fuse_is(pool, "MaxPool") ? "max" : "average"},
				{.name = "window", .type = ATTR_INTS, .n = nd, .ints = w->kernel}};

	if (!is_tiling(f->g, pool)) {
		attrs[count++] = (struct attr){
			.name = "step", .type = ATTR_INTS, .n = nd, .ints = w->stride};
		attrs[count++] =
			(struct attr){.name = "pad", .type = ATTR_INTS, .n = nd, .ints = w->pad_lo};
		attrs[count++] =
			(struct attr){.name = "size", .type = ATTR_INTS, .n = nd, .ints = size};
	}
	if (conv->ntail)
		attrs[count++] =
			(struct attr){.name = "before", .type = ATTR_INT, .i = conv->ntail};
	fuse_join(f, pool, conv, 0, moves);
	fuse_did(f, REWRITE_POOL);
	return become(f, moves ? pool : conv, attrs, count, e);
}

static bool is_pool(const struct node *n)
{
	return !n->dead && (fuse_is(n, "MaxPool") || fuse_is(n, "AveragePool")) &&
	       (n->nout == 1 || !n->out[1]);
}

/* The convolution that makes v, if it can store what the pool makes of that. */
static struct node *storer(const struct fuse *f, const struct node *pool, val_id v)
{
	const struct graph *g = f->g;
	struct node *conv = taker(f, v);
	bool tiling = is_tiling(g, pool);

	if (!conv || (!tiling && !is_raised(pool)) || !has_even_tail(g, conv))
		return NULL;
	/* what is raised is written before the operands are read */
	for (uint32_t k = conv->nmain; k < conv->nin && !tiling; k++)
		if (!val_is_const(&g->val[conv->in[k]]))
			return NULL;
	return conv;
}

/* The Concat of different results, all of which can be stored as the pool, its only reader, makes
 * them; or NULL. */
static struct node *concat_of(const struct fuse *f, const struct node *pool)
{
	struct node *c = fuse_producer(f->g, pool->in[0]);

	if (pool->ntail || !c || !fuse_is(c, "Concat") || f->uses[pool->in[0]] != 1 ||
	    ((const struct axis_attr *)c->attr)->axis != 1)
		return NULL;
	for (uint32_t k = 0; k < c->nin; k++) {
		for (uint32_t j = 0; j < k; j++)
			if (c->in[j] == c->in[k])
				return NULL;
		if (!storer(f, pool, c->in[k]))
			return NULL;
	}
	return c;
}

/* A pool of a Concat becomes the Concat of pools: the whole is never there. */
static void split(struct fuse *f, uint32_t at, uint32_t concat)
{
	struct graph *g = f->g;
	struct node pool = g->node[at];
	struct type t = g->val[pool.out[0]].type;
	uint32_t count = g->node[concat].nin;

	for (uint32_t k = 0; k < count; k++, concat++) {
		val_id x = g->node[concat].in[k], y;
		struct node *n = node_insert(g, concat, pool.op, pool.name, 1, 1);

		n->version = pool.version;
		n->nattrs = pool.nattrs;
		n->attrs = pool.attrs;
		n->attr = pool.attr;
		n->in[0] = x;
		t.dim[1] = g->val[x].type.dim[1];
		y = val_add(g, arena_printf(g->arena, "%s.pool", g->val[x].name), &t);
		node_set_out(g, &g->node[concat], 0, y);
		g->node[concat + 1].in[k] = y;
	}
	g->node[at + count].dead = true;
	node_set_out(g, &g->node[concat], 0, pool.out[0]);
	fuse_count(f);
}

int fuse_pools(struct fuse *f, struct err *e)
{
	struct graph *g = f->g;

	fuse_count(f);
	for (uint32_t i = 0; i < g->nnode && rewrite_on(g, REWRITE_POOL); i++) {
		const struct node *c = is_pool(&g->node[i]) ? concat_of(f, &g->node[i]) : NULL;

		if (c)
			split(f, i, (uint32_t)(c - g->node));
	}
	for (uint32_t i = 0; i < g->nnode && rewrite_on(g, REWRITE_POOL); i++) {
		struct node *n = &g->node[i], *conv = is_pool(n) ? storer(f, n, n->in[0]) : NULL;
		bool moves;

		if (conv && fuse_may_join(f, n, conv, 0, &moves) &&
		    store_pooled(f, n, conv, moves, e) < 0)
			return -1;
	}
	graph_compact(g);
	return 0;
}
