/*
 * A Concat that begins with all inputs of an earlier one reads that one's
 * result instead: DenseNet's long lists become a chain, in which each result
 * stands inside the next. The same bytes are live, and none is copied twice.
 */
#include "compiler/fuse.h"

#include <string.h>

static const struct node *concat_at(const struct graph *g, uint32_t i)
{
	const struct node *n = &g->node[i];

	return !n->dead && fuse_is(n, "Concat") && n->nin > 1 ? n : NULL;
}

static bool begins_with(const struct node *n, const struct node *before)
{
	const struct axis_attr *a = n->attr, *b = before->attr;

	return a->axis == b->axis && n->nin > before->nin &&
	       memcmp(n->in, before->in, before->nin * sizeof(n->in[0])) == 0;
}

/* Compared with the last one before it that begins with the same value; last to first, since the
 * lists change. */
void fuse_concats(struct fuse *f)
{
	struct graph *g = f->g;
	uint32_t *latest = NEW(g->arena, g->nval, uint32_t); /* per first input, node + 1 */
	uint32_t *before = NEW(g->arena, g->nnode + 1, uint32_t);

	if (!rewrite_on(g, REWRITE_CONCAT))
		return;
	for (uint32_t i = 0; i < g->nnode; i++) {
		const struct node *n = concat_at(g, i);

		if (!n)
			continue;
		before[i] = latest[n->in[0]];
		latest[n->in[0]] = i + 1;
	}
	for (uint32_t i = g->nnode; i-- > 0;) {
		struct node *n = &g->node[i];
		const struct node *b = before[i] ? &g->node[before[i] - 1] : NULL;

		if (!b || !begins_with(n, b))
			continue;
		n->in[0] = b->out[0];
		memmove(n->in + 1, n->in + b->nin, (n->nin - b->nin) * sizeof(n->in[0]));
		n->nin -= b->nin - 1;
		n->nmain = n->nin;
	}
}
