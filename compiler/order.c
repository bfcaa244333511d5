/*
 * Order. Three candidates: the order there is; the same with every node that
 * makes more than it frees moved down to its first reader; a list schedule
 * that always takes the ready node that leaves the fewest bytes live. The one
 * whose storage needs least at its peak wins, then the one with fewer copies, then the
 * one named first.
 * Storage is chosen anew for each, so what shares bytes is known.
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

static bool reads_any(const struct node *n, const struct node *maker)
{
	for (uint32_t k = 0; k < maker->nout; k++)
		if (maker->out[k] && reads(n, maker->out[k]))
			return true;
	return false;
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

/* Last to first: a node that makes more than it frees waits for its first reader. */
static uint32_t *late_order(struct graph *g, struct arena *tmp)
{
	struct schedule s = {.g = g, .left = graph_uses(g, tmp)};
	uint32_t *order = NEW(tmp, g->nnode, uint32_t);

	for (uint32_t i = 0; i < g->nnode; i++)
		order[i] = i;
	for (uint32_t i = g->nnode; i-- > 0;) {
		const struct node *n = &g->node[i];
		uint32_t to = i + 1;

		if (growth(&s, n) <= 0)
			continue;
		while (to < g->nnode && !reads_any(&g->node[order[to]], n))
			to++;
		if (to == g->nnode)
			continue; /* a graph output: the earlier the better for its inputs */
		memmove(&order[i], &order[i + 1], (to - 1 - i) * sizeof(*order));
		order[to - 1] = i;
	}
	return order;
}

/* The nodes as they were in `from`, in this order. */
static void reorder(struct graph *g, const struct node *from, const uint32_t *order)
{
	for (uint32_t i = 0; i < g->nnode; i++) {
		g->node[i] = from[order[i]];
		for (uint32_t k = 0; k < g->node[i].nout; k++)
			node_set_out(g, &g->node[i], k, g->node[i].out[k]);
	}
}

int pass_order(struct graph *g, struct err *e)
{
	uint32_t *(*const make[])(struct graph *, struct arena *) = {late_order, greedy_order};
	struct arena *tmp = arena_open(0);
	struct node *from = arena_copy(tmp, g->node, g->nnode * sizeof(*from));
	uint32_t *order[COUNT_OF(make)], *best = NEW(tmp, g->nnode, uint32_t);
	uint32_t fewest;
	uint64_t least;

	(void)e;
	if (g->nnode > SCHEDULE_NODES)
		goto done;
	for (uint32_t i = 0; i < g->nnode; i++)
		best[i] = i;
	for (size_t k = 0; k < COUNT_OF(make); k++)
		order[k] = make[k](g, tmp);
	least = alias_peak(g, &fewest);
	for (size_t k = 0; k < COUNT_OF(make); k++) {
		uint32_t copies;
		uint64_t peak;

		reorder(g, from, order[k]);
		peak = alias_peak(g, &copies);
		if (peak < least || (peak == least && copies < fewest)) {
			least = peak;
			fewest = copies;
			best = order[k];
		}
	}
	reorder(g, from, best);
done:
	arena_close(tmp);
	return 0;
}
