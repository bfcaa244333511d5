/*
 * Order: the one whose storage needs least at its peak, by an exact search
 * (order_search.c) over two problems that order_model.c makes of the graph: what
 * every choice of alias needs, whose optimum is the bound, and what the present one
 * needs, whose optimum is nearer to the truth where Concats copy. The best of
 * both and of the model's own order, by what alias then really finds, is taken, and is
 * called exact where it needs no more than the bound.
 */
#include "compiler/alias.h"
#include "compiler/order_model.h"
#include "compiler/passes.h"
#include "compiler/rewrites.h"

/* The nodes as they were in `from`, in this order. */
static void reorder(struct graph *g, const struct node *from, const uint32_t *order)
{
	for (uint32_t i = 0; i < g->nnode; i++) {
		g->node[i] = from[order[i]];
		for (uint32_t k = 0; k < g->node[i].nout; k++)
			node_set_out(g, &g->node[i], k, g->node[i].out[k]);
	}
}

struct taken { /* an order, and what alias needs for it */
	uint32_t *order;
	uint64_t peak;
	uint32_t copies;
};

static uint32_t count_moved(uint32_t n, const uint32_t *order)
{
	uint32_t moved = 0;

	for (uint32_t i = 0; i < n; i++)
		moved += order[i] != i;
	return moved;
}

static uint64_t greatest(const struct graph *g)
{
	uint64_t bytes = 1;

	for (val_id v = 1; v < g->nval; v++)
		if (g->val[v].slot)
			bytes = MAX(bytes, val_bytes(&g->val[v]));
	return bytes;
}

static const char *certificate(struct arena *a, uint64_t peak, uint64_t bound)
{
	if (peak <= bound)
		return "exact";
	return arena_printf(a, "gap: %.2f %%", 100.0 * (double)(peak - bound) / (double)bound);
}

struct candidate {
	uint32_t *order;
	uint64_t bound; /* of its problem */
	bool other;	/* than the given one */
};

/* The best order of one of the two problems. */
static struct candidate search(const struct graph *g, struct arena *a, bool shared)
{
	struct candidate c = {.order = NEW(a, g->nnode, uint32_t), .bound = greatest(g)};
	struct order_problem problem;
	struct order_found found;

	if (!order_model(g, a, shared, &problem))
		return c;
	order_search(&problem, ORDER_STATES, c.order, &found);
	c.bound = found.bound;
	c.other = found.peak < found.given;
	return c;
}

/* Takes the order if its storage is better than what there is. */
static void try(struct graph *g, const struct node *from, struct taken *best,
		const struct candidate *c)
{
	struct taken now;

	if (!c->other)
		return;
	reorder(g, from, c->order);
	now.peak = alias_peak(g, &now.copies);
	if (now.peak < best->peak || (now.peak == best->peak && now.copies < best->copies)) {
		now.order = c->order;
		*best = now;
	}
}

int pass_order(struct graph *g, struct err *e)
{
	struct arena *tmp = arena_open(0);
	struct node *from = arena_copy(tmp, g->node, g->nnode * sizeof(*from));
	struct candidate least, real;
	struct taken best = {.order = NEW(tmp, g->nnode, uint32_t)};

	(void)e;
	for (uint32_t i = 0; i < g->nnode; i++)
		best.order[i] = i;
	alias_fixed(g);
	least = search(g, tmp, true);
	real = search(g, tmp, false);
	best.peak = alias_peak(g, &best.copies);
	if (rewrite_on(g, REWRITE_ORDER)) {
		try(g, from, &best, &real);
		try(g, from, &best, &least);
		reorder(g, from, best.order);
		g->rewrites_did[REWRITE_ORDER] = count_moved(g->nnode, best.order);
	}
	g->order_certificate = certificate(g->arena, best.peak, least.bound);
	arena_close(tmp);
	return 0;
}
