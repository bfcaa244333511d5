/*
 * Live ranges, in node indices, both ends inclusive. A value lives from its
 * definition to its last reader; a graph input from 0, a graph output to the
 * last node; a view from the definition of what it shows, so that its node
 * reads nothing. The bytes of a slot live as long as a value that covers them, the slot
 * as long as any value in it. Also makes the slots of scratch memory: those live during
 * one node.
 */
#include "compiler/alias.h"
#include "compiler/ops/op.h"
#include "compiler/passes.h"
#include "compiler/plan.h"
#include "compiler/rewrites.h"
#include "compiler/storage.h"

static void set_values(struct graph *g)
{
	for (val_id v = 1; v < g->nval; v++) {
		struct val *x = &g->val[v];

		x->first = x->last = x->slot && x->def ? x->def - 1 : 0;
		if (x->slot && x->output && g->nnode)
			x->last = g->nnode - 1;
	}
	for (uint32_t i = 0; i < g->nnode; i++) {
		const struct node *n = &g->node[i];

		if (storage_is_view(g, n)) {
			struct val *v = node_out(g, n, 0);

			v->first = node_in(g, n, 0)->first;
			v->last = v->output ? v->last : v->first;
			continue;
		}
		for (uint32_t k = 0; k < n->nin; k++) {
			struct val *x = node_in(g, n, k);

			if (x && x->slot)
				x->last = MAX(x->last, i);
		}
	}
}

static void set_slots(struct graph *g)
{
	for (slot_id s = 1; s < g->nslot; s++) {
		g->slot[s].first = UINT32_MAX;
		g->slot[s].last = 0;
	}
	for (val_id v = 1; v < g->nval; v++) {
		const struct val *x = &g->val[v];
		struct slot *s = &g->slot[x->slot];

		if (!x->slot)
			continue;
		s->first = MIN(s->first, x->first);
		s->last = MAX(s->last, x->last);
	}
	for (slot_id s = 1; s < g->nslot && g->nnode && !rewrite_on(g, REWRITE_REUSE); s++) {
		g->slot[s].first = 0;
		g->slot[s].last = g->nnode - 1;
	}
}

static void add_scratch(struct graph *g, uint32_t node)
{
	struct node *n = &g->node[node];
	uint64_t bytes = n->op->scratch ? n->op->scratch(g, n) : 0;

	n->scratch = 0;
	if (!bytes)
		return;
	g->slot = GROW(g->arena, g->slot, g->nslot);
	g->slot[g->nslot] =
		(struct slot){.size = round_up(bytes, PLAN_ALIGN), .first = node, .last = node};
	n->scratch = g->nslot++;
}

void live_set(struct graph *g)
{
	set_values(g);
	set_slots(g);
	for (uint32_t i = 0; i < g->nnode; i++)
		add_scratch(g, i);
}

uint64_t live_peak(const struct graph *g)
{
	struct arena *tmp = arena_open(0);
	uint64_t peak =
		plan_too_big(g) ? UINT64_MAX : place_max_live(plan_items(g, tmp), g->nslot - 1);

	arena_close(tmp);
	return peak;
}

int pass_live(struct graph *g, struct err *e)
{
	(void)e;
	live_set(g);
	return 0;
}
