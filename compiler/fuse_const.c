/*
 * Constants into weights: BatchNormalization, and Mul, Div, Add, Sub with
 * one number or one per channel, right after a Conv or ConvTranspose whose
 * weights are constant, become part of weights and bias. Computed in double,
 * rounded once per folded node.
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

/* One number (stride 0) or one per channel (axis 1 of x), broadcast to x without widening it. */
static bool per_channel(const struct val *c, const struct type *x, int64_t *stride)
{
	int shift = x->rank - c->type.rank;

	if (!is_const_f32(c) || shift < 0 || x->rank < 2)
		return false;
	*stride = 0;
	for (int i = 0; i < c->type.rank; i++) {
		if (c->type.dim[i] == 1)
			continue;
		if (shift + i != 1 || c->type.dim[i] != x->dim[1])
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

static bool from_binary(struct graph *g, const struct node *n, uint32_t *data,
			struct fuse_affine *a)
{
	uint32_t constant = n->nin == 2 && val_is_const(&g->val[n->in[0]]) ? 0 : 1;
	int64_t stride;
	size_t row = 0;

	while (row < COUNT_OF(binaries) &&
	       !(fuse_is(n, binaries[row].op) && binaries[row].data != constant))
		row++;
	if (row == COUNT_OF(binaries))
		return false;
	*data = binaries[row].data;
	if (!per_channel(node_in(g, n, constant), &g->val[n->in[*data]].type, &stride))
		return false;
	*a = affine_new(g, g->val[n->in[*data]].type.dim[1]);
	for (int64_t i = 0; i < a->channels; i++)
		set_channel(a, i, binaries[row].how, load(node_in(g, n, constant), i * stride));
	return true;
}

/* Output channel of weight element i. */
static int64_t channel_of(const struct node *conv, const struct type *w, int64_t i)
{
	const struct conv_attr *attr = conv->attr;
	int64_t inner = type_count(w) / MAX(w->dim[0] * w->dim[1], 1);
	int64_t row = i / inner / w->dim[1], column = i / inner % w->dim[1];

	if (fuse_is(conv, "Conv"))
		return row;
	return row / (w->dim[0] / attr->group) * w->dim[1] + column;
}

static bool changes_scale(const struct fuse_affine *a)
{
	for (int64_t c = 0; c < a->channels; c++)
		if (a->scale[c] != 1)
			return true;
	return false;
}

static void scale_weights(struct graph *g, struct node *conv, const struct fuse_affine *a)
{
	const struct val *w = node_in(g, conv, 1);
	struct type t = w->type;
	int64_t count = type_count(&t);
	float *data = NEW(g->arena, count, float);

	for (int64_t i = 0; i < count; i++)
		data[i] = (float)(load(w, i) * a->scale[channel_of(conv, &t, i)]);
	conv->in[1] = val_const(g, w->name, &t, data);
}

static void move_bias(struct graph *g, struct node *conv, const struct fuse_affine *a)
{
	const struct val *b = node_in(g, conv, 2);
	struct type t = {.dt = F32, .rank = 1, .dim = {a->channels}};
	float *data = NEW(g->arena, a->channels, float);
	val_id *in = NEW(g->arena, 3, val_id);
	bool any = b != NULL;

	for (int64_t c = 0; c < a->channels; c++)
		any = any || a->shift[c] != 0;
	if (!any)
		return;
	for (int64_t c = 0; c < a->channels; c++)
		data[c] = (float)((b ? load(b, c) * a->scale[c] : 0) + a->shift[c]);
	in[0] = conv->in[0];
	in[1] = conv->in[1];
	in[2] = val_const(g, b ? b->name : "", &t, data);
	conv->in = in;
	conv->nin = conv->nmain = 3;
}

/* The convolution that makes v and can take an affine map of it, or NULL. */
static struct node *taker(const struct fuse *f, val_id v)
{
	struct node *p = fuse_producer(f->g, v);

	if (!p || f->uses[v] != 1 || (!fuse_is(p, "Conv") && !fuse_is(p, "ConvTranspose")))
		return NULL;
	if (!is_const_f32(node_in(f->g, p, 1)) ||
	    (node_in(f->g, p, 2) && !is_const_f32(node_in(f->g, p, 2))))
		return NULL;
	return p;
}

void fuse_constants(struct fuse *f)
{
	struct graph *g = f->g;

	for (uint32_t i = 0; i < g->nnode; i++) {
		struct node *n = &g->node[i], *conv;
		struct fuse_affine a;
		uint32_t data = 0;
		bool norm = fuse_is(n, "BatchNormalization");

		if (n->dead || (norm && !fuse_norm(g, n, &a)) ||
		    (!norm && !from_binary(g, n, &data, &a)))
			continue;
		conv = taker(f, n->in[data]);
		if (!conv)
			continue;
		if (changes_scale(&a))
			scale_weights(g, conv, &a);
		move_bias(g, conv, &a);
		n->dead = true;
		node_set_out(g, conv, 0, n->out[0]);
	}
	graph_compact(g);
}
