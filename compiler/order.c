/*
 * Order: the one whose storage needs least at its peak, by an exact search
 * (order_search.c) over two problems that order_model.c makes of the graph: what
 * every choice of alias needs, whose optimum is the bound, and what the present one
 * needs, whose optimum is nearer to the truth where Concats copy. Of both and the
 * model's own order the one whose arena is smallest is taken; it is called exact
 * where no more bytes are live at its peak than the bound says.
 */
#include "compiler/alias.h"
#include "compiler/order_model.h"
#include "compiler/passes.h"
#include "compiler/plan.h"
#include "compiler/rewrites.h"

#define NODES_MAX 10000 /* beyond, the model's order stays */

/* Orders that are as good are tried for one that packs without a gap. In all of them: */
#define TURNS	    16
#define TURN_NODES  4000  /* of the graph */
#define TURN_STATES 50000 /* of the search */
#define PACK_NODES  20000 /* of the packer's search */

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

/* ---- candidates ---- */

struct choice {
	struct graph *g;
	struct arena *tmp;
	const struct node *from; /* as the model has them */
	uint32_t *best;		 /* the best order so far, and what it needs */
	struct alias_needs needs;
	uint64_t bound; /* of every order */
	uint64_t nodes; /* that the packer looked at */
	uint32_t states;
};

static bool is_better(const struct alias_needs *a, const struct alias_needs *b)
{
	if (a->bytes != b->bytes)
		return a->bytes < b->bytes;
	return a->peak != b->peak ? a->peak < b->peak : a->copies < b->copies;
}

/* The search's order of this problem, if it is none that there was. */
static void try(struct choice *c, const struct order_problem *p, struct order_found *found)
{
	uint32_t *order = NEW(c->tmp, c->g->nnode, uint32_t);
	struct alias_needs needs;

	order_search(p, ORDER_STATES, order, found);
	c->states += found->states;
	if (!rewrite_on(c->g, REWRITE_ORDER) || (found->peak == found->given && !p->turn))
		return;
	reorder(c->g, c->from, order);
	needs = alias_try(c->g);
	c->nodes += needs.nodes;
	if (is_better(&needs, &c->needs)) {
		c->needs = needs;
		c->best = order;
	}
}

static bool may_try(const struct choice *c, uint32_t turn)
{
	if (c->needs.bytes <= c->bound || !rewrite_on(c->g, REWRITE_ORDER))
		return false;
	return !turn || (turn < TURNS && turn * c->g->nnode <= TURN_NODES &&
			 c->states <= TURN_STATES && c->nodes <= PACK_NODES);
}

static void search(struct choice *c)
{
	struct order_problem least, real;
	struct order_found found;
	bool known;

	alias_fixed(c->g);
	known = c->g->nnode <= NODES_MAX && order_model(c->g, c->tmp, true, &least) &&
		order_model(c->g, c->tmp, false, &real);
	c->bound = greatest(c->g);
	c->needs = alias_try(c->g);
	if (!known)
		return;
	try(c, &least, &found);
	c->bound = MAX(found.bound, PLAN_ALIGN); /* a slot is at least as large */
	for (; may_try(c, real.turn); real.turn++)
		try(c, &real, &found);
}

int pass_order(struct graph *g, struct err *e)
{
	struct arena *tmp = arena_open(0);
	struct choice c = {
		.g = g, .tmp = tmp, .from = arena_copy(tmp, g->node, g->nnode * sizeof(*c.from))};

	(void)e;
	c.best = NEW(tmp, g->nnode, uint32_t);
	for (uint32_t i = 0; i < g->nnode; i++)
		c.best[i] = i;
	search(&c);
	reorder(g, c.from, c.best);
	g->rewrites_did[REWRITE_ORDER] = count_moved(g->nnode, c.best);
	g->order_certificate = certificate(g->arena, c.needs.peak, c.bound);
	arena_close(tmp);
	return 0;
}
