/*
 * The pass that packs the slots: every slot is an item that is live as a
 * whole. compiler/place/ does the packing.
 */
#include "compiler/plan.h"
#include "compiler/rewrites.h"

#include "base/arena.h"
#include "compiler/passes.h"
#include "compiler/place/place.h"
#include "compiler/planner.h"

static const char *certificate(struct arena *a, const struct place_found *f)
{
	static const char *const proof[] = {
		[PLACE_MAX_LIVE] = "optimal: max-live",
		[PLACE_EXHAUSTED] = "optimal: exhausted",
	};

	if (f->proof != PLACE_GAP)
		return proof[f->proof];
	return arena_printf(a, "gap: %.2f %%",
			    100.0 * (double)(f->bytes - f->lower_bound) / (double)f->lower_bound);
}

/* Slots that stand where an earlier one stands at other times. */
static uint32_t count_reused(const struct graph *g)
{
	uint32_t count = 0;

	for (slot_id i = 1; i < g->nslot; i++) {
		const struct slot *a = &g->slot[i];
		bool shared = false;

		for (slot_id k = 1; k < i && !shared; k++)
			shared = a->offset < g->slot[k].offset + g->slot[k].size &&
				 g->slot[k].offset < a->offset + a->size;
		count += shared;
	}
	return count;
}

/* Slots 1.. as items; the parts stand behind them. */
struct place_item *plan_items(const struct graph *g, struct arena *a)
{
	uint32_t n = g->nslot - 1;
	struct place_item *item = NEW(a, n, struct place_item);
	struct place_part *part = NEW(a, n, struct place_part);

	for (uint32_t i = 0; i < n; i++) {
		const struct slot *s = &g->slot[i + 1];

		part[i] = (struct place_part){0, s->size, s->first, s->last};
		item[i] = (struct place_item){
			.size = s->size, .align = PLAN_ALIGN, .nparts = 1, .part = &part[i]};
	}
	return item;
}

bool plan_too_big(const struct graph *g)
{
	CHECK(g->nslot < 1u << 17); /* so that no sum of sizes overflows */
	for (slot_id i = 1; i < g->nslot; i++)
		if (g->slot[i].size > PLAN_BYTES_MAX)
			return true;
	return false;
}

int pass_plan(struct graph *g, struct err *e)
{
	struct arena *tmp = arena_open(0);
	struct place_item *item = plan_items(g, tmp);
	struct place_found found;
	uint32_t n = g->nslot - 1;
	int ret = 0;

	if (plan_too_big(g)) {
		ret = fail(e, E_PLAN_TOO_BIG, "the activations need more than %llu bytes at once",
			   (unsigned long long)PLAN_BYTES_MAX);
		goto done;
	}
	if (g->planner == PLANNER_OCCAMY || g->planner == PLANNER_NONE) {
		item = planner_with_weights(g, item, &n, tmp);
		place(item, n, &found);
	} else {
		planner_place(g, item, &found);
	}
	if (found.bytes > PLAN_BYTES_MAX) {
		ret = fail(e, E_PLAN_TOO_BIG, "the plan needs %llu bytes, at most %llu can be used",
			   (unsigned long long)found.bytes, (unsigned long long)PLAN_BYTES_MAX);
		goto done;
	}
	for (slot_id i = 1; i < g->nslot; i++)
		g->slot[i].offset = item[i - 1].offset;
	g->arena_bytes = found.bytes;
	g->lower_bound = found.lower_bound;
	g->certificate = certificate(g->arena, &found);
	g->rewrites_did[REWRITE_REUSE] = count_reused(g);
done:
	arena_close(tmp);
	return ret;
}
