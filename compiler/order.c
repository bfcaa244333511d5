/*
 * Order. Two candidates: the order there is, and a list schedule that always
 * takes the ready node that leaves the fewest bytes live. The one whose
 * storage needs less at its peak wins; ties keep the order there is. A view
 * goes right behind what it shows.
 */
#include "compiler/alias.h"
#include "compiler/ops/op.h"
#include "compiler/passes.h"

#include <string.h>

#define SCHEDULE_NODES 4000 /* beyond, the order there is stays: the schedule is quadratic */

struct schedule {
	struct graph *g;
	uint32_t *left; /* per value: readers to come, + 1 if an output */
	bool *there;	/* per value */
	bool *done;	/* per node */
	uint32_t *order, n;
};

static bool is_ready(const struct schedule *s, const struct node *n)
{
	for (uint32_t k = 0; k < n->nin; k++)
		if (!s->there[n->in[k]])
			return false;
	return true;
}

static uint32_t reads(const struct node *n, val_id v)
{
	uint32_t count = 0;

	for (uint32_t k = 0; k < n->nin; k++)
		count += n->in[k] == v;
	return count;
}

/* Bytes that are live more (or less) after n than before it. */
static int64_t growth(const struct schedule *s, const struct node *n)
{
	const struct graph *g = s->g;
	int64_t sum = 0;

	if (n->op == &op__View)
		return INT64_MIN;
	for (uint32_t k = 0; k < n->nout; k++)
		if (s->left[n->out[k]])
			sum += (int64_t)val_bytes(&g->val[n->out[k]]);
	for (uint32_t k = 0; k < n->nin; k++) {
		const struct val *x = node_in(g, n, k);
		bool again = false;

		for (uint32_t j = 0; j < k; j++)
			again = again || n->in[j] == n->in[k];
		if (x && !again && !val_is_const(x) && s->left[n->in[k]] == reads(n, n->in[k]))
			sum -= (int64_t)val_bytes(x);
	}
	return sum;
}

static void take(struct schedule *s, uint32_t node)
{
	const struct node *n = &s->g->node[node];

	s->done[node] = true;
	s->order[s->n++] = node;
	for (uint32_t k = 0; k < n->nin; k++)
		s->left[n->in[k]]--;
	for (uint32_t k = 0; k < n->nout; k++)
		s->there[n->out[k]] = true;
}

static uint32_t *greedy_order(struct graph *g, struct arena *tmp)
{
	struct schedule s = {.g = g};

	s.left = graph_uses(g, tmp);
	s.there = NEW(tmp, g->nval, bool);
	s.done = NEW(tmp, g->nnode, bool);
	s.order = NEW(tmp, g->nnode, uint32_t);
	for (val_id v = 0; v < g->nval; v++)
		s.there[v] = !g->val[v].def;
	while (s.n < g->nnode) {
		uint32_t best = g->nnode;
		int64_t best_growth = 0;

		for (uint32_t i = 0; i < g->nnode; i++) {
			int64_t bytes;

			if (s.done[i] || !is_ready(&s, &g->node[i]))
				continue;
			bytes = growth(&s, &g->node[i]);
			if (best == g->nnode || bytes < best_growth) {
				best = i;
				best_growth = bytes;
			}
		}
		take(&s, best);
	}
	return s.order;
}

static void reorder(struct graph *g, const uint32_t *order)
{
	struct node *node = NEW(g->arena, g->nnode, struct node);

	for (uint32_t i = 0; i < g->nnode; i++) {
		node[i] = g->node[order[i]];
		for (uint32_t k = 0; k < node[i].nout; k++)
			if (node[i].out[k])
				g->val[node[i].out[k]].def = i + 1;
	}
	memcpy(g->node, node, g->nnode * sizeof(*node));
}

int pass_order(struct graph *g, struct err *e)
{
	struct arena *tmp = arena_open(0);
	uint32_t *order, *back = NEW(tmp, g->nnode, uint32_t);
	uint64_t peak;

	(void)e;
	if (g->nnode > SCHEDULE_NODES)
		goto done;
	order = greedy_order(g, tmp);
	for (uint32_t i = 0; i < g->nnode; i++)
		back[order[i]] = i;
	peak = alias_peak(g);
	reorder(g, order);
	if (alias_peak(g) >= peak)
		reorder(g, back);
done:
	arena_close(tmp);
	return 0;
}
