/*
 * Layouts. A feature map that an operator with blocked kernels makes or
 * reads is BLOCKED, unless it is a graph input or output, has too few
 * channels, or nobody but plain readers wants it: those kernels read and
 * write PLAIN, too. What is only mapped or concatenated takes the layout of
 * the operand it is like. Where a BLOCKED value has a reader that needs
 * PLAIN, a .Map copies it. Needs types, fused nodes.
 */
#include "compiler/access.h"
#include "compiler/ops/op.h"
#include "compiler/passes.h"
#include "compiler/storage.h"

#define CHANNELS_MIN 5 /* below, blocks of 8 are at least half padding */

struct wish {		      /* per value */
	bool blocked_reader;  /* as input 0 of an operator with blocked kernels */
	bool plain_reader;    /* needs PLAIN */
	bool flexible_reader; /* takes both, would like to see it BLOCKED or does not care */
	bool blocked_maker, plain_maker;
};

static bool may_be_blocked(const struct val *v)
{
	const struct type *t = &v->type;
	bool spatial = false;

	if (v->input || v->output || val_is_const(v) || t->dt != F32 || t->rank < 3 || t->rank > 5)
		return false;
	for (int i = 2; i < t->rank; i++)
		spatial = spatial || t->dim[i] != 1;
	return spatial && t->dim[1] >= CHANNELS_MIN && type_count(t) > 0;
}

static bool needs_plain(const struct node *n, uint32_t k)
{
	return k < n->nmain && n->op->layout == WANT_PLAIN;
}

static bool is_concat(const struct node *n)
{
	return n->op->mem[0].how == SHARE_INTO;
}

/* Its output will be PLAIN, so nothing BLOCKED is wanted from its inputs. */
static bool is_plain_concat(const struct graph *g, const struct node *n, const struct wish *out)
{
	return is_concat(n) &&
	       (!may_be_blocked(&g->val[n->out[0]]) ||
		(out->plain_reader && !out->blocked_reader && !out->flexible_reader));
}

/* Last node to first, since a Concat passes on what its readers want. */
static struct wish *collect(const struct graph *g, struct arena *tmp)
{
	struct wish *w = NEW(tmp, g->nval, struct wish);

	for (uint32_t i = g->nnode; i-- > 0;) {
		const struct node *n = &g->node[i];
		bool blocked = n->op->layout == WANT_BLOCKED;
		bool plain_concat = is_plain_concat(g, n, &w[n->out[0]]);

		for (uint32_t k = 0; k < n->nin; k++) {
			struct wish *in = &w[n->in[k]];

			if (needs_plain(n, k) || plain_concat)
				in->plain_reader = true;
			else if (k == 0 && n->nmain && blocked)
				in->blocked_reader = true;
			else
				in->flexible_reader = true;
		}
		for (uint32_t k = 0; k < n->nout; k++) {
			w[n->out[k]].blocked_maker = k == 0 && blocked;
			w[n->out[k]].plain_maker = k > 0 || n->op->layout == WANT_PLAIN;
		}
	}
	return w;
}

/* A part of a blocked value that is whole blocks, and so would be a view. */
static bool is_part(struct graph *g, const struct node *n)
{
	struct val *v = node_out(g, n, 0);
	const struct val *in = node_in(g, n, 0);
	enum layout before = v->layout;
	uint64_t offset;
	int64_t pitch;
	bool part;

	v->layout = BLOCKED;
	part = in && in->layout == BLOCKED && storage_view(g, n, val_item(in), &offset, &pitch);
	v->layout = before;
	return part;
}

/* Of a value that no operator with blocked kernels touches: that of an operand of its shape. */
static enum layout like_operand(struct graph *g, const struct node *n)
{
	if (n->op == &op__Map && is_part(g, n))
		return BLOCKED;
	for (uint32_t k = 0; k < n->nin; k++) {
		enum layout layout = g->val[n->in[k]].layout;

		if (is_concat(n) ? layout == PLAIN : access_is_identity(g, n, k))
			return layout;
	}
	return is_concat(n) ? BLOCKED : PLAIN;
}

static enum layout decide(struct graph *g, const struct node *n, val_id v, const struct wish *w)
{
	if (!may_be_blocked(&g->val[v]) || w->plain_maker)
		return PLAIN;
	if (w->blocked_reader)
		return BLOCKED;
	if (w->plain_reader)
		return PLAIN;
	return w->blocked_maker ? BLOCKED : like_operand(g, n);
}

/* Readers that need PLAIN get one common copy, made in front of the first of them. */
static void copy_plain(struct graph *g, val_id v)
{
	val_id copy = 0;

	for (uint32_t i = 0; i < g->nnode; i++)
		for (uint32_t k = 0; k < g->node[i].nin; k++) {
			struct node *n = &g->node[i];

			if (n->in[k] != v || !needs_plain(n, k))
				continue;
			if (!copy) {
				copy = val_add(g,
					       arena_printf(g->arena, "%s.plain", g->val[v].name),
					       &g->val[v].type);
				n = node_insert(g, i, &op__Map, "", 1, 1);
				n->nmain = 0;
				n->in[0] = v;
				node_set_out(g, n, 0, copy);
				n = &g->node[++i];
			}
			n->in[k] = copy;
		}
}

int pass_layout(struct graph *g, struct err *e)
{
	struct arena *tmp = arena_open(0);
	struct wish *w = collect(g, tmp);
	uint32_t nval = g->nval;

	(void)e;
	for (uint32_t i = 0; i < g->nnode; i++)
		for (uint32_t k = 0; k < g->node[i].nout; k++) {
			val_id v = g->node[i].out[k];

			if (v)
				g->val[v].layout = decide(g, &g->node[i], v, &w[v]);
		}
	for (val_id v = 1; v < nval; v++)
		if (g->val[v].layout == BLOCKED && w[v].plain_reader)
			copy_plain(g, v);
	arena_close(tmp);
	return 0;
}
