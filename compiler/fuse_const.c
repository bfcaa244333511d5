/*
 * Constants into weights: BatchNormalization, and Mul, Div, Add, Sub with
 * one number or one per channel, right after a Conv, ConvTranspose, Gemm or
 * MatMul whose weights are constant, become part of weights and bias (a
 * MatMul of matrices becomes Gemm where it needs one; what is only added to
 * a MatMul stays, as its epilogue). Computed in double, rounded once per
 * folded node.
 */
#include "compiler/fuse.h"

#include <math.h>
#include <string.h>

static double load(const struct val *v, int64_t i)
{
	float x;

	memcpy(&x, (const uint8_t *)v->data + i * 4, 4);
	return (double)x;
}

static bool is_const_f32(const struct val *v)
{
	return v && val_is_const(v) && v->type.dt == F32;
}

/* One number (stride 0) or one per element of x's axis, broadcast to x without widening it. */
static bool per_channel(const struct val *c, const struct type *x, int axis, int64_t *stride)
{
	int shift = x->rank - c->type.rank;

	if (!is_const_f32(c) || shift < 0 || x->rank < 2)
		return false;
	*stride = 0;
	for (int i = 0; i < c->type.rank; i++) {
		if (c->type.dim[i] == 1)
			continue;
		if (shift + i != axis || c->type.dim[i] != x->dim[axis])
			return false;
		*stride = 1;
	}
	return true;
}

static struct fuse_affine affine_new(struct graph *g, int64_t channels)
{
	struct fuse_affine a = {.channels = channels};

	a.scale = NEW(g->arena, channels, double);
	a.shift = NEW(g->arena, channels, double);
	return a;
}

bool fuse_norm(struct graph *g, const struct node *n, struct fuse_affine *a)
{
	const struct norm_attr *attr = n->attr;
	const struct val *x = node_in(g, n, 0);

	for (uint32_t k = 1; k < 5; k++)
		if (!is_const_f32(node_in(g, n, k)))
			return false;
	if (x->type.dt != F32 || x->type.rank < 2)
		return false;
	*a = affine_new(g, x->type.dim[1]);
	for (int64_t c = 0; c < a->channels; c++) {
		double var = load(node_in(g, n, 4), c), mean = load(node_in(g, n, 3), c);

		a->scale[c] = load(node_in(g, n, 1), c) / sqrt(var + (double)attr->epsilon);
		a->shift[c] = load(node_in(g, n, 2), c) - mean * a->scale[c];
	}
	return true;
}

/* One binary node with constant c as scale and shift of its other operand. */
static const struct binary {
	const char *op;
	uint32_t data; /* which input is not constant */
	enum { TIMES, OVER, PLUS, MINUS, FROM } how;
} binaries[] = {
	{"Mul", 0, TIMES}, {"Mul", 1, TIMES}, {"Div", 0, OVER}, {"Add", 0, PLUS},
	{"Add", 1, PLUS},  {"Sub", 0, MINUS}, {"Sub", 1, FROM},
};

static void set_channel(struct fuse_affine *a, int64_t channel, int how, double c)
{
	a->scale[channel] = how == TIMES ? c : how == OVER ? 1 / c : how == FROM ? -1 : 1;
	a->shift[channel] = how == PLUS || how == FROM ? c : how == MINUS ? -c : 0;
}

/* The row of binaries that n is; COUNT_OF where it is none. */
static size_t find_binary(const struct graph *g, const struct node *n)
{
	uint32_t constant = n->nin == 2 && val_is_const(&g->val[n->in[0]]) ? 0 : 1;
	size_t row = 0;

	while (row < COUNT_OF(binaries) &&
	       !(fuse_is(n, binaries[row].op) && binaries[row].data != constant))
		row++;
	return row;
}

static bool from_binary(struct graph *g, const struct node *n, const struct binary *b, int axis,
			struct fuse_affine *a)
{
	const struct val *c = node_in(g, n, !b->data);
	const struct type *x = &g->val[n->in[b->data]].type;
	int64_t stride;

	if (!per_channel(c, x, axis, &stride))
		return false;
	*a = affine_new(g, x->dim[axis]);
	for (int64_t i = 0; i < a->channels; i++)
		set_channel(a, i, b->how, load(c, i * stride));
	return true;
}

static bool is_product(const struct node *n)
{
	return fuse_is(n, "Gemm") || fuse_is(n, "MatMul");
}

/* Axis of the result along which the weights are scaled: the channels, the columns. */
static int channel_axis(const struct graph *g, const struct node *taker)
{
	return is_product(taker) ? g->val[taker->out[0]].type.rank - 1 : 1;
}

/* Output channel of weight element i. */
static int64_t channel_of(const struct node *conv, const struct type *w, int64_t i)
{
	const struct conv_attr *attr = conv->attr;
	const struct gemm_attr *gemm = conv->attr;
	int64_t inner = type_count(w) / MAX(w->dim[0] * w->dim[1], 1);
	int64_t row = i / inner / w->dim[1], column = i / inner % w->dim[1];

	if (is_product(conv))
		return fuse_is(conv, "Gemm") && gemm->trans_b ? row : column;
	if (fuse_is(conv, "Conv"))
		return row;
	return row / (w->dim[0] / attr->group) * w->dim[1] + column;
}

/* Neighbours among the weights that are of one channel. */
static int64_t channel_run(const struct node *conv, const struct type *w)
{
	int64_t inner = type_count(w) / MAX(w->dim[0] * w->dim[1], 1);

	if (is_product(conv))
		return 1;
	return MAX(fuse_is(conv, "Conv") ? w->dim[1] * inner : inner, 1);
}

static bool any_not(const double *v, int64_t n, double usual)
{
	for (int64_t c = 0; c < n; c++)
		if (v[c] != usual)
			return true;
	return false;
}

static void scale_weights(struct graph *g, struct node *conv, const struct fuse_affine *a)
{
	const struct val *w = node_in(g, conv, 1);
	struct type t = w->type;
	int64_t count = type_count(&t), run = channel_run(conv, &t);
	float *data = NEW(g->arena, count, float);

	for (int64_t i = 0; i < count; i += run) {
		double scale = a->scale[channel_of(conv, &t, i)];

		for (int64_t k = i; k < i + run; k++)
			data[k] = (float)(load(w, k) * scale);
	}
	conv->in[1] = val_const(g, w->name, &t, data);
}

/* Its bias will be what is added, without a factor; a MatMul gets one. */
static double take_beta(struct graph *g, struct node *n)
{
	struct gemm_attr *attr = n->attr;
	double beta = 1;
	uint32_t count = 0;

	if (fuse_is(n, "MatMul")) {
		n->was = n->op->name;
		n->op = op_find("Gemm", g->opset);
		n->version = g->opset;
		n->attr = attr = NEW(g->arena, 1, struct gemm_attr);
		attr->alpha = 1;
	}
	if (!fuse_is(n, "Gemm"))
		return 1;
	if (node_in(g, n, 2))
		beta = (double)attr->beta;
	attr->beta = 1;
	for (uint32_t i = 0; i < n->nattrs; i++)
		if (strcmp(n->attrs[i].name, "beta"))
			n->attrs[count++] = n->attrs[i];
	n->nattrs = count;
	return beta;
}

static void move_bias(struct graph *g, struct node *conv, const struct fuse_affine *a)
{
	const struct val *b = node_in(g, conv, 2);
	struct type t = {.dt = F32, .rank = 1, .dim = {a->channels}};
	float *data = NEW(g->arena, a->channels, float);
	val_id *in = NEW(g->arena, 3, val_id);
	int64_t stride = b && type_count(&b->type) == a->channels;
	double beta;

	if (!b && !any_not(a->shift, a->channels, 0))
		return;
	beta = take_beta(g, conv);
	for (int64_t c = 0; c < a->channels; c++)
		data[c] = (float)((b ? beta * load(b, c * stride) * a->scale[c] : 0) + a->shift[c]);
	in[0] = conv->in[0];
	in[1] = conv->in[1];
	in[2] = val_const(g, b ? b->name : "", &t, data);
	conv->in = in;
	conv->nin = conv->nmain = 3;
}

/* The operator that makes v and can take an affine map of it, or NULL. */
static struct node *taker(const struct fuse *f, val_id v)
{
	struct node *p = fuse_producer(f->g, v);
	const struct val *w, *b;

	if (!p || f->uses[v] != 1 ||
	    (!fuse_is(p, "Conv") && !fuse_is(p, "ConvTranspose") && !is_product(p)))
		return NULL;
	w = node_in(f->g, p, 1);
	b = node_in(f->g, p, 2);
	if (!is_const_f32(w) || (b && !is_const_f32(b)) || (is_product(p) && w->type.rank != 2))
		return NULL;
	/* one number per column, or one for all */
	if (fuse_is(p, "Gemm") && b && type_count(&b->type) != 1 &&
	    type_count(&b->type) != b->type.dim[b->type.rank - 1])
		return NULL;
	return p;
}

/* A product without bias takes one only where it can be Gemm, and is scaled, too. */
static bool takes(const struct graph *g, const struct node *p, const struct fuse_affine *a)
{
	if (!fuse_is(p, "MatMul") || !any_not(a->shift, a->channels, 0))
		return true;
	return any_not(a->scale, a->channels, 1) && g->val[p->in[0]].type.rank == 2;
}

/* The operator before n, n as an affine map of its result. */
static struct node *affine_of(struct fuse *f, const struct node *n, struct fuse_affine *a)
{
	struct graph *g = f->g;
	bool norm = fuse_is(n, "BatchNormalization");
	size_t row = find_binary(g, n);
	struct node *p;

	if (n->dead || (!norm && row == COUNT_OF(binaries)))
		return NULL;
	p = taker(f, n->in[norm ? 0 : binaries[row].data]);
	if (!p || (norm && channel_axis(g, p) != 1))
		return NULL;
	if (norm ? !fuse_norm(g, n, a) : !from_binary(g, n, &binaries[row], channel_axis(g, p), a))
		return NULL;
	return takes(g, p, a) ? p : NULL;
}

void fuse_constants(struct fuse *f)
{
	struct graph *g = f->g;

	for (uint32_t i = 0; i < g->nnode && rewrite_on(g, REWRITE_WEIGHTS); i++) {
		struct node *n = &g->node[i];
		struct fuse_affine a;
		struct node *p = affine_of(f, n, &a);

		if (!p)
			continue;
		if (any_not(a.scale, a.channels, 1))
			scale_weights(g, p, &a);
		move_bias(g, p, &a);
		n->dead = true;
		node_set_out(g, p, 0, n->out[0]);
		fuse_did(f, REWRITE_WEIGHTS);
	}
	graph_compact(g);
}
