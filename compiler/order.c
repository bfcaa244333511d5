/*
 * Order: the one whose storage needs least at its peak, by an exact search
 * (order_search.c) over what the graph's storage relations leave free
 * (order_model.c). The model's own order stays where it is as good: its places
 * are those the plan was always made for. What alias then really finds decides
 * whether the result is called exact.
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

static uint32_t count_moved(uint32_t n, const uint32_t *order)
{
	uint32_t moved = 0;

	for (uint32_t i = 0; i < n; i++)
		moved += order[i] != i;
	return moved;
}

static const char *certificate(struct arena *a, uint64_t peak, uint64_t bound)
{
	if (peak <= bound)
		return "exact";
	return arena_printf(a, "gap: %.2f %%", 100.0 * (double)(peak - bound) / (double)bound);
}

int pass_order(struct graph *g, struct err *e)
{
	struct arena *tmp = arena_open(0);
	struct node *from = arena_copy(tmp, g->node, g->nnode * sizeof(*from));
	uint32_t *order = NEW(tmp, g->nnode, uint32_t), *given = NEW(tmp, g->nnode, uint32_t);
	struct order_problem problem;
	struct order_found found;
	uint32_t copies, fewest;
	uint64_t peak, least;

	(void)e;
	for (uint32_t i = 0; i < g->nnode; i++)
		given[i] = i;
	alias_fixed(g);
	order_model(g, tmp, &problem);
	order_search(&problem, ORDER_STATES, order, &found);
	least = alias_peak(g, &fewest);
	if (found.peak < found.given && rewrite_on(g, REWRITE_ORDER)) {
		reorder(g, from, order);
		peak = alias_peak(g, &copies);
		if (peak > least || (peak == least && copies >= fewest))
			reorder(g, from, given);
		else
			g->rewrites_did[REWRITE_ORDER] = count_moved(g->nnode, order);
		least = MIN(peak, least);
	}
	g->order_certificate = certificate(g->arena, least, found.bound);
	arena_close(tmp);
	return 0;
}
