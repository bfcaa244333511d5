/*
 * What Occamy is compared with. Each peer is its rewrites (planners.def) and
 * its way to find offsets, here as simple as theirs:
 *
 *	greedy-size  greatest first, into the tightest gap (Pisarchyk & Lee 2020, as TensorFlow
 *Lite) occamy23     program order, first fit, over a list of free blocks (corelab-src/occamy,
 *	             mallocPoolOpt.cpp): a hole of exactly the size is refused, as in the code that
 *	             was published; sizes are rounded up to 256, as all of ours, there to 32
 *
 * Streamed weights are in the arena from before their first node until after their last one, as
 * the public code has them (ONNXConstantAtUse).
 */
#include "compiler/planner.h"

#include "compiler/place/place.h"
#include "compiler/plan.h"

#include <stdlib.h>
#include <string.h>

struct piece { /* a slot or a streamed weight */
	uint64_t size, offset;
	uint32_t first, last, index;
	slot_id slot; /* 0: a weight */
};

struct pieces {
	struct arena *tmp;
	struct piece *v;
	uint32_t n;
};

/* ---- what there is to place: weights of a node before its slots, as they are allocated ---- */

static void add(struct pieces *p, uint64_t size, uint32_t first, uint32_t last, slot_id slot)
{
	p->v = GROW(p->tmp, p->v, p->n);
	p->v[p->n] = (struct piece){
		.size = size, .first = first, .last = last, .index = p->n, .slot = slot};
	p->n++;
}

static void add_weights(struct pieces *p, const struct graph *g)
{
	uint32_t *first = NEW(p->tmp, g->nval, uint32_t), *last = NEW(p->tmp, g->nval, uint32_t);

	for (uint32_t i = 0; i < g->nnode; i++)
		for (uint32_t k = 0; k < g->node[i].nin; k++) {
			val_id v = g->node[i].in[k];

			if (!last[v])
				first[v] = i;
			last[v] = i + 1;
		}
	for (val_id v = 1; v < g->nval; v++)
		if (last[v] && val_is_const(&g->val[v]))
			add(p, round_up(type_bytes(&g->val[v].type), PLAN_ALIGN), first[v],
			    last[v] - 1, 0);
}

static struct pieces collect(const struct graph *g)
{
	struct pieces p = {.tmp = arena_open(0)};

	if (g->streamed)
		add_weights(&p, g);
	for (slot_id s = 1; s < g->nslot; s++)
		add(&p, g->slot[s].size, g->slot[s].first, g->slot[s].last, s);
	return p;
}

static bool share_step(const struct piece *a, const struct piece *b)
{
	return a->first <= b->last && b->first <= a->last;
}

/* ---- greedy-size ---- */

static int by_size(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	if (x->size != y->size)
		return x->size < y->size ? 1 : -1;
	return x->index < y->index ? -1 : x->index > y->index;
}

/* placed: sorted by offset. */
static uint64_t tightest_gap(struct piece *const *placed, uint32_t n, const struct piece *it)
{
	uint64_t edge = 0, best = UINT64_MAX, best_gap = UINT64_MAX;

	for (uint32_t i = 0; i < n; i++) {
		const struct piece *q = placed[i];

		if (!share_step(q, it))
			continue;
		if (q->offset >= edge + it->size && q->offset - edge < best_gap) {
			best = edge;
			best_gap = q->offset - edge;
		}
		edge = MAX(edge, q->offset + q->size);
	}
	return best == UINT64_MAX ? edge : best;
}

static void pack_by_size(struct pieces *p)
{
	struct piece **placed = NEW(p->tmp, p->n, struct piece *);

	qsort(p->v, p->n, sizeof(*p->v), by_size);
	for (uint32_t i = 0; i < p->n; i++) {
		struct piece *it = &p->v[i];
		uint32_t at = i;

		it->offset = tightest_gap(placed, i, it);
		for (; at > 0 && placed[at - 1]->offset > it->offset; at--)
			placed[at] = placed[at - 1];
		placed[at] = it;
	}
}

/* ---- occamy23 ---- */

struct hole {
	uint64_t start, size;
};

struct pool { /* free blocks by address; the last one has no end */
	struct hole *hole;
	uint32_t n;
};

static uint64_t pool_take(struct pool *p, uint64_t size)
{
	uint32_t i = 0;
	uint64_t start;

	while (p->hole[i].size <= size) /* "<" would take the hole that fits exactly */
		i++;
	start = p->hole[i].start;
	p->hole[i].start += size;
	p->hole[i].size -= size;
	return start;
}

static void pool_remove(struct pool *p, uint32_t i)
{
	p->n--;
	memmove(&p->hole[i], &p->hole[i + 1], (p->n - i) * sizeof(*p->hole));
}

static void pool_give(struct pool *p, uint64_t start, uint64_t size)
{
	uint32_t i = 0;

	while (p->hole[i].start < start)
		i++;
	memmove(&p->hole[i + 1], &p->hole[i], (p->n - i) * sizeof(*p->hole));
	p->hole[i] = (struct hole){start, size};
	p->n++;
	if (p->hole[i].start + p->hole[i].size == p->hole[i + 1].start) {
		p->hole[i].size += p->hole[i + 1].size;
		pool_remove(p, i + 1);
	}
	if (i > 0 && p->hole[i - 1].start + p->hole[i - 1].size == p->hole[i].start) {
		p->hole[i - 1].size += p->hole[i].size;
		pool_remove(p, i);
	}
}

static void pack_first_fit(struct pieces *p, uint32_t steps)
{
	struct pool pool = {.hole = NEW(p->tmp, p->n + 2, struct hole), .n = 1};

	pool.hole[0].size = INT64_MAX;
	for (uint32_t step = 0; step < steps; step++) {
		for (uint32_t i = 0; i < p->n; i++)
			if (p->v[i].first == step && p->v[i].size)
				p->v[i].offset = pool_take(&pool, p->v[i].size);
		for (uint32_t i = 0; i < p->n; i++)
			if (p->v[i].last == step && p->v[i].size)
				pool_give(&pool, p->v[i].offset, p->v[i].size);
	}
}

/* ---- the pass's part ---- */

static uint64_t max_live(const struct pieces *p, uint32_t steps)
{
	uint64_t *change = NEW(p->tmp, steps + 1, uint64_t), live = 0, most = 0;

	for (uint32_t i = 0; i < p->n; i++) {
		change[p->v[i].first] += p->v[i].size;
		change[p->v[i].last + 1] -= p->v[i].size;
	}
	for (uint32_t s = 0; s < steps; s++) {
		live += change[s];
		most = MAX(most, live);
	}
	return most;
}

void planner_place(const struct graph *g, struct place_item *item, struct place_found *found)
{
	bool occamy23 = g->planner == PLANNER_OCCAMY23;
	struct pieces p = collect(g);

	*found = (struct place_found){.lower_bound = max_live(&p, g->nnode)};
	if (occamy23)
		pack_first_fit(&p, g->nnode);
	else
		pack_by_size(&p);
	for (uint32_t i = 0; i < p.n; i++) {
		found->bytes = MAX(found->bytes, p.v[i].offset + p.v[i].size);
		if (p.v[i].slot)
			item[p.v[i].slot - 1].offset = p.v[i].offset;
	}
	found->proof = found->bytes == found->lower_bound ? PLACE_MAX_LIVE : PLACE_GAP;
	arena_close(p.tmp);
}

struct place_item *planner_with_weights(const struct graph *g, struct place_item *item, uint32_t *n,
					struct arena *a)
{
	struct place_item *all = NEW(a, *n + g->nnode, struct place_item);
	struct place_part *part = NEW(a, g->nnode, struct place_part);

	if (!g->streamed)
		return item;
	memcpy(all, item, *n * sizeof(*all));
	for (uint32_t i = 0; i < g->nnode; i++) {
		const struct node *node = &g->node[i];
		uint64_t bytes = 0;

		for (uint32_t k = 0; k < node->nin; k++)
			if (val_is_const(&g->val[node->in[k]]))
				bytes +=
					round_up(type_bytes(&g->val[node->in[k]].type), PLAN_ALIGN);
		part[i] = (struct place_part){0, bytes, i, i};
		all[(*n)++] = (struct place_item){
			.size = bytes, .align = PLAN_ALIGN, .nparts = 1, .part = &part[i]};
	}
	return all;
}
