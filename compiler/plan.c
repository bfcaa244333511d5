/*
 * The pass that packs the slots. A slot is an item whose parts are the values
 * in it, each with its own live range: a part's bytes are free before it is
 * born and after it is dead, although its neighbours live. compiler/place/ does
 * the packing.
 */
#include "compiler/plan.h"
#include "compiler/rewrites.h"

#include "base/arena.h"
#include "compiler/passes.h"
#include "compiler/place/place.h"
#include "compiler/planner.h"
#include "compiler/storage.h"

#define TRY_NODES 1000 /* of the packer's search, for one of several orders */

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

#define RUNS_MAX                                                                         \
	16 /* beyond, a value with gaps between its batch items counts as if it had none \
	    */

/* Parts of a value: one, or one per batch item where there are gaps between them. */
static uint32_t part_count(const struct val *v)
{
	int64_t items = v->type.rank ? v->type.dim[0] : 1;

	return v->slot && v->pitch != val_item(v) && items > 1 && items <= RUNS_MAX
		       ? (uint32_t)items
		       : 1;
}

/* The last value's end is the slot's: that is rounded up. */
static void put_parts(const struct graph *g, const struct val *v, struct place_part *part)
{
	uint64_t size = g->slot[v->slot].size, elem = dtype_size(v->type.dt), low = v->off;
	uint32_t count = part_count(v);
	uint64_t bytes = count > 1 ? (uint64_t)val_item(v) * elem : storage_extent(v, v->pitch);

	for (uint32_t i = 0; i < count; i++) {
		uint64_t high = low + MAX(bytes, 1);

		if (i + 1 == count && round_up(high, PLAN_ALIGN) == size)
			high = size;
		part[i] = (struct place_part){low, high, v->first, v->last};
		low += (uint64_t)v->pitch * elem;
	}
}

/* Per slot the number of parts; 0 where it lives as a whole: scratch memory, or without `reuse`. */
static uint32_t *count_parts(const struct graph *g, struct arena *a)
{
	uint32_t *count = NEW(a, g->nslot, uint32_t);

	for (val_id v = 1; v < g->nval && rewrite_on(g, REWRITE_REUSE); v++)
		count[g->val[v].slot] += part_count(&g->val[v]);
	return count;
}

struct place_item *plan_items(const struct graph *g, struct arena *a)
{
	struct place_item *item = NEW(a, g->nslot, struct place_item);
	struct place_part **next = NEW(a, g->nslot, struct place_part *);
	uint32_t *count = count_parts(g, a);

	for (slot_id i = 1; i < g->nslot; i++) {
		const struct slot *s = &g->slot[i];

		next[i] = NEW(a, MAX(count[i], 1), struct place_part);
		*next[i] = (struct place_part){0, s->size, s->first, s->last};
		item[i - 1] = (struct place_item){.size = s->size,
						  .align = PLAN_ALIGN,
						  .nparts = MAX(count[i], 1),
						  .part = next[i]};
	}
	for (val_id v = 1; v < g->nval; v++) {
		const struct val *x = &g->val[v];

		if (!x->slot || !count[x->slot])
			continue;
		put_parts(g, x, next[x->slot]);
		next[x->slot] += part_count(x);
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

uint64_t plan_bytes(const struct graph *g, uint64_t *nodes)
{
	struct arena *tmp = arena_open(0);
	const struct place_options options = {.nodes = TRY_NODES, .threads = 1};
	struct place_found found = {.bytes = UINT64_MAX};

	if (!plan_too_big(g))
		place_with(plan_items(g, tmp), g->nslot - 1, &options, &found);
	*nodes = found.nodes;
	arena_close(tmp);
	return found.bytes;
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
