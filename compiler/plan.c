/*
 * Packing, and the pass that packs the slots.
 *
 * Eight greedy orders, each placed first-fit and best-fit into the gaps that
 * the items of the same steps leave, then a hill climb from the best one
 * (after Vela: what reaches the top is tried before one of the items that it
 * rests on). It ends at the lower bound, the most bytes live at one step;
 * otherwise after a number of placements, never of seconds. Steps are first
 * renumbered to those where an item begins: no other step can be a peak.
 */
#include "compiler/plan.h"
#include "compiler/rewrites.h"

#include "base/arena.h"
#include "compiler/passes.h"

#include <stdlib.h>
#include <string.h>

enum fit { FIRST_FIT, BEST_FIT, FIT_COUNT };

struct placed { /* items put so far, by offset */
	uint64_t low, high;
	uint32_t first, last, item;
};

struct packer {
	struct arena *arena;
	struct plan_item *item; /* our copy: rounded, renumbered */
	uint32_t n, nsteps;
	uint64_t *live; /* per step: bytes */
	uint64_t bound;
	struct placed *placed;
	uint32_t *order, *best_order;
	uint64_t *best_offset;
	uint64_t best;
	enum fit best_fit;
};

static bool share_step(const struct plan_item *a, const struct plan_item *b)
{
	return a->first <= b->last && b->first <= a->last;
}

/* ---- steps and the lower bound ---- */

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Index of the greatest start that is not after step. */
static uint32_t start_index(const uint32_t *start, uint32_t n, uint32_t step)
{
	uint32_t low = 0, high = n;

	while (high - low > 1) {
		uint32_t mid = low + (high - low) / 2;

		if (start[mid] <= step)
			low = mid;
		else
			high = mid;
	}
	return low;
}

static void renumber(struct packer *p)
{
	uint32_t *start = NEW(p->arena, p->n, uint32_t), kept = 0;

	for (uint32_t i = 0; i < p->n; i++)
		start[i] = p->item[i].first;
	qsort(start, p->n, sizeof(*start), by_value);
	for (uint32_t i = 0; i < p->n; i++)
		if (!i || start[i] != start[kept - 1])
			start[kept++] = start[i];
	for (uint32_t i = 0; i < p->n; i++) {
		p->item[i].first = start_index(start, kept, p->item[i].first);
		p->item[i].last = start_index(start, kept, p->item[i].last);
	}
	p->nsteps = kept;
}

static void sum_live(struct packer *p)
{
	p->live = NEW(p->arena, p->nsteps + 1, uint64_t);
	for (uint32_t i = 0; i < p->n; i++) {
		p->live[p->item[i].first] += p->item[i].size;
		p->live[p->item[i].last + 1] -= p->item[i].size;
	}
	for (uint32_t s = 1; s < p->nsteps; s++)
		p->live[s] += p->live[s - 1];
	for (uint32_t s = 0; s < p->nsteps; s++)
		p->bound = MAX(p->bound, p->live[s]);
}

/* False where the sum of all sizes could not even be formed safely. */
static bool packer_init(struct packer *p, const struct plan_item *item, uint32_t n)
{
	*p = (struct packer){.arena = arena_open(0), .n = n, .best = UINT64_MAX};
	CHECK(n < 1u << 17); /* so that no sum of sizes overflows */
	p->item = arena_copy(p->arena, item, n * sizeof(*item));
	for (uint32_t i = 0; i < n; i++) {
		CHECK(item[i].first <= item[i].last);
		if (item[i].size > PLAN_BYTES_MAX)
			return false;
		p->item[i].size = round_up(item[i].size, PLAN_ALIGN);
	}
	renumber(p);
	sum_live(p);
	return p->bound <= PLAN_BYTES_MAX;
}

/* ---- placing in one order ---- */

/* Lowest offset (or that of the tightest gap) where item i touches nothing of its steps. */
static uint64_t find_gap(const struct packer *p, uint32_t nplaced, const struct plan_item *it,
			 enum fit fit)
{
	uint64_t edge = 0, best = 0, best_gap = UINT64_MAX;

	for (uint32_t k = 0; k < nplaced; k++) {
		const struct placed *q = &p->placed[k];

		if (q->first > it->last || it->first > q->last)
			continue;
		if (q->low > edge && q->low - edge >= it->size && q->low - edge < best_gap) {
			if (fit == FIRST_FIT)
				return edge;
			best = edge;
			best_gap = q->low - edge;
		}
		edge = MAX(edge, q->high);
	}
	return best_gap == UINT64_MAX ? edge : best;
}

/* The arena's size with this order, UINT64_MAX as soon as it is over limit. */
static uint64_t place(struct packer *p, enum fit fit, uint64_t limit)
{
	uint64_t top = 0;

	for (uint32_t i = 0; i < p->n; i++) {
		const struct plan_item *it = &p->item[p->order[i]];
		uint64_t low = find_gap(p, i, it, fit);
		uint32_t at = i;

		top = MAX(top, low + it->size);
		if (top > limit)
			return UINT64_MAX;
		while (at > 0 && p->placed[at - 1].low > low)
			at--;
		memmove(&p->placed[at + 1], &p->placed[at], (i - at) * sizeof(*p->placed));
		p->placed[at] =
			(struct placed){low, low + it->size, it->first, it->last, p->order[i]};
	}
	return top;
}

/* Keeps the placement that was just made. */
static void keep(struct packer *p, uint64_t top, enum fit fit)
{
	p->best = top;
	p->best_fit = fit;
	memcpy(p->best_order, p->order, p->n * sizeof(*p->order));
	for (uint32_t k = 0; k < p->n; k++)
		p->best_offset[p->placed[k].item] = p->placed[k].low;
}

/* ---- greedy orders ---- */

struct ranked {
	uint64_t key[2]; /* greatest first */
	uint32_t item;
};

static int by_key(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	for (int k = 0; k < 2; k++)
		if (x->key[k] != y->key[k])
			return x->key[k] < y->key[k] ? 1 : -1;
	return x->item < y->item ? -1 : x->item > y->item;
}

/* What the rules look at. */
struct facts {
	uint64_t size, length, conflicts, peak; /* peak: most live bytes while it lives */
	uint64_t first, last;
};

static void rule_size(const struct facts *f, uint64_t key[2])
{
	key[0] = f->size;
	key[1] = f->length;
}

static void rule_area(const struct facts *f, uint64_t key[2])
{
	key[0] = f->size * f->length;
	key[1] = f->size;
}

static void rule_length(const struct facts *f, uint64_t key[2])
{
	key[0] = f->length;
	key[1] = f->size;
}

static void rule_start(const struct facts *f, uint64_t key[2])
{
	key[0] = UINT32_MAX - f->first;
	key[1] = f->size;
}

static void rule_end(const struct facts *f, uint64_t key[2])
{
	key[0] = f->last;
	key[1] = f->size;
}

static void rule_conflicts(const struct facts *f, uint64_t key[2])
{
	key[0] = f->conflicts;
	key[1] = f->size;
}

static void rule_size_conflicts(const struct facts *f, uint64_t key[2])
{
	key[0] = f->size * f->conflicts;
	key[1] = f->length;
}

static void rule_peak(const struct facts *f, uint64_t key[2])
{
	key[0] = f->peak;
	key[1] = f->size;
}

static void (*const rules[])(const struct facts *f, uint64_t key[2]) = {
	rule_size, rule_area,	   rule_length,		rule_start,
	rule_end,  rule_conflicts, rule_size_conflicts, rule_peak,
};

static struct facts *gather(const struct packer *p)
{
	struct facts *f = NEW(p->arena, p->n, struct facts);
	uint32_t *begun = NEW(p->arena, p->nsteps + 1, uint32_t); /* items with first < step */
	uint32_t *over = NEW(p->arena, p->nsteps + 1, uint32_t);  /* items with last < step */

	for (uint32_t i = 0; i < p->n; i++) {
		begun[p->item[i].first + 1]++;
		over[p->item[i].last + 1]++;
	}
	for (uint32_t s = 1; s <= p->nsteps; s++) {
		begun[s] += begun[s - 1];
		over[s] += over[s - 1];
	}
	for (uint32_t i = 0; i < p->n; i++) {
		const struct plan_item *it = &p->item[i];

		f[i] = (struct facts){.size = it->size / PLAN_ALIGN,
				      .length = (uint64_t)it->last - it->first + 1,
				      .conflicts = begun[it->last + 1] - over[it->first],
				      .first = it->first,
				      .last = it->last};
		for (uint32_t s = it->first; s <= it->last; s++)
			f[i].peak = MAX(f[i].peak, p->live[s]);
	}
	return f;
}

#define RULES_WORK ((uint64_t)2000000000) /* item visits: all rules up to some 15 000 items */

static void try_rules(struct packer *p)
{
	struct facts *f = gather(p);
	struct ranked *r = NEW(p->arena, p->n, struct ranked);
	uint64_t work = 0;

	for (size_t k = 0; k < COUNT_OF(rules) && work <= RULES_WORK; k++) {
		work += (uint64_t)p->n * p->n;
		for (uint32_t i = 0; i < p->n; i++) {
			r[i].item = i;
			rules[k](&f[i], r[i].key);
		}
		qsort(r, p->n, sizeof(*r), by_key);
		for (uint32_t i = 0; i < p->n; i++)
			p->order[i] = r[i].item;
		for (int fit = 0; fit < FIT_COUNT && p->best > p->bound; fit++) {
			uint64_t top = place(p, (enum fit)fit, p->best - 1);

			if (top < p->best)
				keep(p, top, (enum fit)fit);
		}
	}
}

/* ---- hill climb ---- */

#define CLIMB_WORK  ((uint64_t)60000000) /* item visits */
#define CLIMB_STEPS 2000

static uint32_t draw(uint64_t *state, uint32_t below)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((*state >> 33) % below);
}

/* One of the items in `order` before position `limit` that item i shares a step with. */
static uint32_t draw_conflict(const struct packer *p, uint32_t i, uint32_t limit, uint64_t *state)
{
	uint32_t found = 0, pick = 0;

	for (uint32_t k = 0; k < limit; k++)
		if (share_step(&p->item[i], &p->item[p->order[k]]) && !draw(state, ++found))
			pick = k;
	return pick;
}

/* Moves an item that reaches the top in front of an earlier one, at random but reproducibly. */
static void perturb(struct packer *p, uint64_t *state)
{
	uint32_t found = 0, top = 0, at = 0, to, moved;

	for (uint32_t i = 0; i < p->n; i++)
		if (p->best_offset[i] + p->item[i].size == p->best && !draw(state, ++found))
			top = i;
	while (p->order[at] != top)
		at++;
	if (!at) { /* it is the first one already: any other move */
		at = draw(state, p->n);
		top = p->order[at];
	}
	to = draw_conflict(p, top, at, state);
	moved = p->order[at];
	memmove(&p->order[to + 1], &p->order[to], (at - to) * sizeof(*p->order));
	p->order[to] = moved;
}

static void climb(struct packer *p)
{
	uint64_t state = 1, cost = (uint64_t)p->n * p->n / 2 + 1;
	uint64_t steps = MIN(CLIMB_STEPS, CLIMB_WORK / cost);

	for (uint64_t i = 0; i < steps && p->best > p->bound && p->n > 1; i++) {
		uint64_t top;

		memcpy(p->order, p->best_order, p->n * sizeof(*p->order));
		for (uint32_t moves = draw(&state, 3) + 1; moves; moves--)
			perturb(p, &state);
		top = place(p, p->best_fit, p->best);
		if (top <= p->best)
			keep(p, top, p->best_fit);
	}
}

/* ---- exported ---- */

uint64_t plan_max_live(const struct plan_item *item, uint32_t n)
{
	struct packer p;
	uint64_t bound = packer_init(&p, item, n) ? p.bound : UINT64_MAX;

	arena_close(p.arena);
	return bound;
}

int plan_pack(struct plan_item *item, uint32_t n, struct plan_found *found, struct err *e)
{
	struct packer p;
	int ret = 0;

	if (!packer_init(&p, item, n)) {
		ret = fail(e, E_PLAN_TOO_BIG, "the activations need more than %llu bytes at once",
			   (unsigned long long)PLAN_BYTES_MAX);
		goto done;
	}
	p.placed = NEW(p.arena, n, struct placed);
	p.order = NEW(p.arena, n, uint32_t);
	p.best_order = NEW(p.arena, n, uint32_t);
	p.best_offset = NEW(p.arena, n, uint64_t);
	if (!n)
		p.best = 0;
	try_rules(&p);
	climb(&p);
	if (p.best > PLAN_BYTES_MAX) {
		ret = fail(e, E_PLAN_TOO_BIG, "the plan needs %llu bytes, at most %llu can be used",
			   (unsigned long long)p.best, (unsigned long long)PLAN_BYTES_MAX);
		goto done;
	}
	for (uint32_t i = 0; i < n; i++)
		item[i].offset = p.best_offset[i];
	*found = (struct plan_found){p.best, p.bound};
done:
	arena_close(p.arena);
	return ret;
}

static const char *certificate(struct arena *a, const struct plan_found *f)
{
	if (f->bytes == f->lower_bound)
		return "optimal: max-live";
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

int pass_plan(struct graph *g, struct err *e)
{
	uint32_t n = g->nslot - 1;
	struct plan_item *item = NEW(g->arena, n, struct plan_item);
	struct plan_found found;

	for (uint32_t i = 0; i < n; i++) {
		const struct slot *s = &g->slot[i + 1];

		item[i] = (struct plan_item){.size = s->size, .first = s->first, .last = s->last};
	}
	if (plan_pack(item, n, &found, e) < 0)
		return -1;
	for (uint32_t i = 0; i < n; i++)
		g->slot[i + 1].offset = item[i].offset;
	g->arena_bytes = found.bytes;
	g->lower_bound = found.lower_bound;
	g->certificate = certificate(g->arena, &found);
	g->rewrites_did[REWRITE_REUSE] = count_reused(g);
	return 0;
}
