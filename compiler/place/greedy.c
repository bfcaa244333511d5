/*
 * Eight greedy orders, each placed first-fit and best-fit into the gaps that
 * the items of the same steps leave, then a hill climb from the best one
 * (after Vela: what reaches the top is tried before one of the items that it
 * rests on). It ends at the lower bound, otherwise after a number of
 * placements, never of seconds.
 */
#include "compiler/place/place_int.h"

#include <stdlib.h>
#include <string.h>

enum fit { FIRST_FIT, BEST_FIT, FIT_COUNT };

struct placed { /* boxes put so far, by low */
	uint64_t low, high;
	uint32_t first, last;
};

struct ban { /* offsets from..to-1 would touch something */
	uint64_t from, to;
};

#define SHELVES 64

struct shelf {
	struct placed *placed;
	uint32_t n;
};

struct greedy {
	const struct space *s;
	struct shelf shelf[SHELVES]; /* by slices of the steps; few boxes: one */
	uint32_t nshelves, slice;
	struct ban *ban;
	uint32_t *order, *best_order;
	uint64_t *offset;
	struct packing *best;
	enum fit best_fit;
};

static bool share_step(const struct shape *a, const struct shape *b)
{
	return a->first <= b->last && b->first <= a->last;
}

/* ---- placing in one order ---- */

static int by_from(const void *a, const void *b)
{
	const struct ban *x = a, *y = b;

	return x->from < y->from ? -1 : x->from > y->from;
}

/* What is already there forbids some offsets: they, by their beginning (some may stand twice). */
static uint32_t list_bans(struct greedy *g, const struct shape *it)
{
	uint32_t n = 0, shelves = 0;

	for (uint32_t b = 0; b < it->nbox; b++) {
		const struct box *mine = &it->box[b];

		for (uint32_t i = mine->first / g->slice; i <= mine->last / g->slice; i++) {
			const struct shelf *s = &g->shelf[i];

			shelves++;
			for (uint32_t k = 0; k < s->n; k++) {
				const struct placed *q = &s->placed[k];

				if (q->first > mine->last || mine->first > q->last ||
				    q->high <= mine->low)
					continue;
				g->ban[n++] = (struct ban){
					q->low >= mine->high ? q->low - mine->high + 1 : 0,
					q->high - mine->low};
			}
		}
	}
	if (shelves > 1)
		qsort(g->ban, n, sizeof(*g->ban), by_from);
	return n;
}

/* Lowest offset (or that of the tightest gap) where the item touches nothing of its steps. */
static uint64_t find_gap(struct greedy *g, const struct shape *it, enum fit fit)
{
	uint64_t edge = 0, best = 0, best_gap = UINT64_MAX;
	uint32_t n = list_bans(g, it);

	for (uint32_t k = 0; k < n; k++) {
		const struct ban *q = &g->ban[k];

		if (q->from > edge && q->from - edge < best_gap) {
			if (fit == FIRST_FIT)
				return edge;
			best = edge;
			best_gap = q->from - edge;
		}
		if (q->to > edge)
			edge = round_up(q->to, it->align);
	}
	return best_gap == UINT64_MAX ? edge : best;
}

static void insert(struct shelf *s, const struct placed *p)
{
	uint32_t at = 0, end = s->n++;

	while (at < end) {
		uint32_t mid = at + (end - at) / 2;

		if (s->placed[mid].low > p->low)
			end = mid;
		else
			at = mid + 1;
	}
	memmove(&s->placed[at + 1], &s->placed[at], (s->n - 1 - at) * sizeof(*s->placed));
	s->placed[at] = *p;
}

static void insert_box(struct greedy *g, const struct box *b, uint64_t offset)
{
	struct placed p = {offset + b->low, offset + b->high, b->first, b->last};

	for (uint32_t i = b->first / g->slice; i <= b->last / g->slice; i++)
		insert(&g->shelf[i], &p);
}

/* The arena's size with this order, UINT64_MAX as soon as it is over limit. */
static uint64_t put_all(struct greedy *g, enum fit fit, uint64_t limit)
{
	uint64_t top = 0;

	for (uint32_t i = 0; i < g->nshelves; i++)
		g->shelf[i].n = 0;
	for (uint32_t i = 0; i < g->s->n; i++) {
		const struct shape *it = &g->s->shape[g->order[i]];
		uint64_t low = find_gap(g, it, fit);

		top = MAX(top, low + it->size);
		if (top > limit)
			return UINT64_MAX;
		g->offset[g->order[i]] = low;
		for (uint32_t k = 0; k < it->nbox; k++)
			insert_box(g, &it->box[k], low);
	}
	return top;
}

/* Keeps the placement that was just made. */
static void keep(struct greedy *g, uint64_t top, enum fit fit)
{
	g->best->top = top;
	g->best_fit = fit;
	memcpy(g->best_order, g->order, g->s->n * sizeof(*g->order));
	memcpy(g->best->offset, g->offset, g->s->n * sizeof(*g->offset));
}

/* ---- greedy orders ---- */

struct ranked {
	double key[2]; /* greatest first */
	uint32_t item;
};

static int by_key(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	for (int k = 0; k < 2; k++)
		if (x->key[k] < y->key[k] || x->key[k] > y->key[k])
			return x->key[k] < y->key[k] ? 1 : -1;
	return x->item < y->item ? -1 : x->item > y->item;
}

/* What the rules look at. */
struct facts {
	double size, length, area, conflicts, peak; /* peak: most live bytes while it lives */
	double first, last;
};

enum fact { SIZE, LENGTH, AREA, CONFLICTS, PEAK, EARLY, LAST, SIZE_CONFLICTS };

static const enum fact rules[][2] = {
	{SIZE, LENGTH}, {AREA, SIZE},	   {LENGTH, SIZE},	     {EARLY, SIZE},
	{LAST, SIZE},	{CONFLICTS, SIZE}, {SIZE_CONFLICTS, LENGTH}, {PEAK, SIZE},
};

static double fact_of(const struct facts *f, enum fact which)
{
	switch (which) {
	case SIZE:
		return f->size;
	case LENGTH:
		return f->length;
	case AREA:
		return f->area;
	case CONFLICTS:
		return f->conflicts;
	case PEAK:
		return f->peak;
	case EARLY:
		return -f->first;
	case LAST:
		return f->last;
	case SIZE_CONFLICTS:
		return f->size * f->conflicts;
	}
	return 0;
}

static struct facts *gather(const struct space *s)
{
	struct facts *f = NEW(s->arena, s->n, struct facts);
	uint32_t *begun = NEW(s->arena, s->nsteps + 2, uint32_t); /* items with first < step */
	uint32_t *over = NEW(s->arena, s->nsteps + 2, uint32_t);  /* items with last < step */

	for (uint32_t i = 0; i < s->n; i++) {
		begun[s->shape[i].first + 1]++;
		over[s->shape[i].last + 1]++;
	}
	for (uint32_t t = 1; t <= s->nsteps; t++) {
		begun[t] += begun[t - 1];
		over[t] += over[t - 1];
	}
	for (uint32_t i = 0; i < s->n; i++) {
		const struct shape *it = &s->shape[i];

		f[i] = (struct facts){.size = (double)it->size,
				      .length = (double)it->last - (double)it->first + 1,
				      .conflicts = begun[it->last + 1] - over[it->first],
				      .first = it->first,
				      .last = it->last};
		for (uint32_t k = 0; k < it->nbox; k++)
			f[i].area += (double)(it->box[k].high - it->box[k].low) *
				     (double)(it->box[k].last - it->box[k].first + 1);
		for (uint32_t t = it->first; t <= it->last && t < s->nsteps; t++)
			f[i].peak = MAX(f[i].peak, (double)s->live[t]);
	}
	return f;
}

#define RULES_WORK ((uint64_t)2000000000) /* box visits: all rules up to some 15 000 boxes */

void greedy_rules(struct greedy *g)
{
	const struct space *s = g->s;
	struct facts *f = gather(s);
	struct ranked *r = NEW(s->arena, s->n, struct ranked);
	uint64_t work = 0;

	for (size_t k = 0; k < COUNT_OF(rules) && work <= RULES_WORK; k++) {
		work += (uint64_t)s->nboxes * s->nboxes;
		for (uint32_t i = 0; i < s->n; i++)
			r[i] = (struct ranked){
				{fact_of(&f[i], rules[k][0]), fact_of(&f[i], rules[k][1])}, i};
		qsort(r, s->n, sizeof(*r), by_key);
		for (uint32_t i = 0; i < s->n; i++)
			g->order[i] = r[i].item;
		for (int fit = 0; fit < FIT_COUNT && g->best->top > s->bound; fit++) {
			uint64_t top = put_all(g, (enum fit)fit, g->best->top - 1);

			if (top < g->best->top)
				keep(g, top, (enum fit)fit);
		}
	}
}

/* ---- hill climb ---- */

#define CLIMB_WORK  ((uint64_t)60000000) /* box visits */
#define CLIMB_STEPS 2000

static uint32_t draw(uint64_t *state, uint32_t below)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((*state >> 33) % below);
}

/* One of the items in `order` before position `limit` that item i shares a step with. */
static uint32_t draw_conflict(const struct greedy *g, uint32_t i, uint32_t limit, uint64_t *state)
{
	const struct shape *shape = g->s->shape;
	uint32_t found = 0, pick = 0;

	for (uint32_t k = 0; k < limit; k++)
		if (share_step(&shape[i], &shape[g->order[k]]) && !draw(state, ++found))
			pick = k;
	return pick;
}

/* Moves an item that reaches the top in front of an earlier one, at random but reproducibly. */
static void perturb(struct greedy *g, uint64_t *state)
{
	uint32_t found = 0, top = 0, at = 0, to, moved;

	for (uint32_t i = 0; i < g->s->n; i++)
		if (g->best->offset[i] + g->s->shape[i].size == g->best->top &&
		    !draw(state, ++found))
			top = i;
	while (g->order[at] != top)
		at++;
	if (!at) { /* it is the first one already: any other move */
		at = draw(state, g->s->n);
		top = g->order[at];
	}
	to = draw_conflict(g, top, at, state);
	moved = g->order[at];
	memmove(&g->order[to + 1], &g->order[to], (at - to) * sizeof(*g->order));
	g->order[to] = moved;
}

void greedy_climb(struct greedy *g)
{
	const struct space *s = g->s;
	uint64_t state = 1, cost = (uint64_t)s->nboxes * s->nboxes / 2 + 1;
	uint64_t steps = MIN(CLIMB_STEPS, CLIMB_WORK / cost);

	for (uint64_t i = 0; i < steps && g->best->top > s->bound && s->n > 1; i++) {
		uint64_t top;

		memcpy(g->order, g->best_order, s->n * sizeof(*g->order));
		for (uint32_t moves = draw(&state, 3) + 1; moves; moves--)
			perturb(g, &state);
		top = put_all(g, g->best_fit, g->best->top);
		if (top <= g->best->top)
			keep(g, top, g->best_fit);
	}
}

struct greedy *greedy_new(const struct space *s, struct packing *best)
{
	struct greedy *g = NEW(s->arena, 1, struct greedy);
	uint32_t widest = 1;

	for (uint32_t i = 0; i < s->n; i++)
		widest = MAX(widest, s->shape[i].nbox);
	*g = (struct greedy){.s = s, .best = best};
	g->nshelves = s->nboxes > 2000 ? SHELVES : 1;
	g->slice = s->nsteps / g->nshelves + 1;
	for (uint32_t i = 0; i < g->nshelves; i++)
		g->shelf[i].placed = NEW(s->arena, s->nboxes, struct placed);
	g->ban = NEW(s->arena, (size_t)s->nboxes * widest * g->nshelves, struct ban);
	g->order = NEW(s->arena, s->n, uint32_t);
	g->best_order = NEW(s->arena, s->n, uint32_t);
	g->offset = NEW(s->arena, s->n, uint64_t);
	best->top = s->n ? UINT64_MAX : 0;
	best->offset = NEW(s->arena, s->n, uint64_t);
	return g;
}
