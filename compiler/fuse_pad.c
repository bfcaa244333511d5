/*
 * A Pad of zeros along spatial axes goes where all its readers can take it
 * over: into the pads of Conv, and of AveragePool as far as that counts the
 * zeros, too. The attributes as text follow, so that the IR can be read back.
 */
#include "compiler/fuse.h"

#include <string.h>

static bool is_zero_frame(const struct graph *g, const struct node *n)
{
	const struct pad_attr *attr = n->attr;
	const struct type *in = &g->val[n->in[0]].type, *out = &g->val[n->out[0]].type;

	if (attr->mode != PAD_CONSTANT || attr->value != 0 || g->val[n->out[0]].output ||
	    (attr->by_input && !val_is_const(&g->val[n->in[2]])))
		return false;
	for (int i = 0; i < in->rank; i++) {
		int64_t before = attr->before[i], after = out->dim[i] - in->dim[i] - before;

		if (before < 0 || after < 0 || (i < 2 && (before || after)))
			return false;
	}
	return in->rank > 2;
}

static bool takes_zeros(const struct node *n, val_id v)
{
	const struct pool_attr *pool = n->attr;

	for (uint32_t k = 1; k < n->nin; k++)
		if (n->in[k] == v)
			return false;
	if (fuse_is(n, "Conv"))
		return true;
	if (!fuse_is(n, "AveragePool") || pool->ceil)
		return false;
	for (int i = 0; i < pool->win.nd && !pool->count_include_pad; i++)
		if (pool->win.pad_lo[i] || pool->win.pad_hi[i])
			return false;
	return true;
}

static bool all_take(const struct graph *g, val_id v)
{
	for (uint32_t i = 0; i < g->nnode; i++)
		for (uint32_t k = 0; k < g->node[i].nin && !g->node[i].dead; k++)
			if (g->node[i].in[k] == v && !takes_zeros(&g->node[i], v))
				return false;
	return true;
}

/* The attributes of n with pads as in w, without auto_pad; a pool counts them. */
static void write_attrs(struct graph *g, struct node *n, const struct window *w)
{
	struct attr *attrs = NEW(g->arena, n->nattrs + 2, struct attr);
	int64_t *pads = NEW(g->arena, 2 * w->nd, int64_t);
	uint32_t count = 0;

	for (uint32_t i = 0; i < n->nattrs; i++) {
		const char *name = n->attrs[i].name;

		if (strcmp(name, "pads") && strcmp(name, "auto_pad") &&
		    strcmp(name, "count_include_pad"))
			attrs[count++] = n->attrs[i];
	}
	memcpy(pads, w->pad_lo, (size_t)w->nd * sizeof(*pads));
	memcpy(pads + w->nd, w->pad_hi, (size_t)w->nd * sizeof(*pads));
	attrs[count++] = (struct attr){
		.name = "pads", .type = ATTR_INTS, .n = 2 * (uint32_t)w->nd, .ints = pads};
	if (fuse_is(n, "AveragePool"))
		attrs[count++] =
			(struct attr){.name = "count_include_pad", .type = ATTR_INT, .i = 1};
	n->attrs = attrs;
	n->nattrs = count;
}

/* n reads what the Pad reads, and adds the zeros itself. */
static void take(struct graph *g, struct node *n, const struct node *pad)
{
	const struct pad_attr *attr = pad->attr;
	const struct type *in = &g->val[pad->in[0]].type, *out = &g->val[pad->out[0]].type;
	struct conv_attr *conv = n->attr;
	struct pool_attr *pool = n->attr;
	bool is_conv = fuse_is(n, "Conv");
	struct window *w = is_conv ? &conv->win : &pool->win;

	for (int i = 0; i < w->nd; i++) {
		w->pad_lo[i] += attr->before[i + 2];
		w->pad_hi[i] += out->dim[i + 2] - in->dim[i + 2] - attr->before[i + 2];
	}
	if (!is_conv)
		pool->count_include_pad = true;
	n->in[0] = pad->in[0];
	write_attrs(g, n, w);
}

void fuse_pads(struct fuse *f)
{
	struct graph *g = f->g;

	for (uint32_t i = 0; i < g->nnode; i++) {
		const struct node *pad = &g->node[i];

		if (!rewrite_on(g, REWRITE_PAD) || !fuse_is(pad, "Pad") || !is_zero_frame(g, pad) ||
		    !all_take(g, pad->out[0]))
			continue;
		for (uint32_t k = i + 1; k < g->nnode; k++)
			if (g->node[k].nin && g->node[k].in[0] == pad->out[0])
				take(g, &g->node[k], pad);
		g->node[i].dead = true;
		fuse_did(f, REWRITE_PAD);
	}
	graph_compact(g);
}
