/*
 * Branch and bound for one capacity. Every unplaced item has a lower bound of
 * its offset, and one decision is: item j stands at its bound, or it does not.
 * In the second case something unplaced stands in that place and j above it,
 * which raises j's bound; if nothing could, the second case is dominated: j
 * could drop. j may be any item that no unplaced neighbour can get under, so
 * the search works where it is tightest: in the section (step) with the least
 * slack, slack = capacity - (lowest bound of its unplaced items) - (their
 * sum). A negative slack ends the branch, and its section counts as more
 * urgent from then on. Ranges that no unplaced item connects are searched one
 * by one. A run ends after a number of decisions.
 */
#include "compiler/place/search_int.h"

#include <stdlib.h>
#include <string.h>

#define NONE INT64_MAX

struct change {
	int64_t *where, old;
};

struct search {
	const struct field *f;
	uint32_t strategy, runs;
	uint64_t nodes, left, longest, seed;
	uint64_t before; /* nodes of all runs but the last */
	int64_t capacity;
	/* per item */
	int64_t *low;	  /* lower bound; of a placed item its offset */
	int64_t *placed;  /* 0 or 1 */
	int64_t *skipped; /* where it was refused and must be blocked; NONE: nowhere */
	int64_t *listed;  /* in refused */
	int64_t *rank;	  /* preorder */
	/* per section */
	int64_t *floor, *total, *cut;
	double *weight;
	double gain;
	bool from_below;
	struct change *trail;
	size_t ntrail, trail_cap;
	uint32_t *refused; /* items with skipped set, some no more */
	int64_t nrefused;
	uint32_t *dirty;
	uint32_t ndirty;
	uint8_t *is_dirty;
};

static void set(struct search *q, int64_t *where, int64_t value)
{
	if (q->ntrail == q->trail_cap) {
		q->trail_cap *= 2;
		q->trail = mem_resize(q->trail, q->trail_cap * sizeof(*q->trail));
	}
	q->trail[q->ntrail++] = (struct change){where, *where};
	*where = value;
}

static void undo(struct search *q, size_t mark)
{
	while (q->ntrail > mark) {
		q->ntrail--;
		*q->trail[q->ntrail].where = q->trail[q->ntrail].old;
	}
}

/* ---- bounds ---- */

static int64_t aligned(const struct search *q, uint32_t item, int64_t offset)
{
	int64_t align = (int64_t)q->f->s->shape[item].align;

	return align == 1 ? offset : (offset + align - 1) / align * align;
}

static void touch(struct search *q, uint32_t section)
{
	if (!q->is_dirty[section]) {
		q->is_dirty[section] = 1;
		q->dirty[q->ndirty++] = section;
	}
}

static void raise(struct search *q, uint32_t item, int64_t to)
{
	const struct shape *it = &q->f->s->shape[item];
	int64_t old = q->low[item];

	set(q, &q->low[item], to);
	for (uint32_t b = 0; b < it->nbox; b++) {
		int64_t was = old + (int64_t)it->box[b].low;

		for (uint32_t t = it->box[b].first; t <= it->box[b].last; t++)
			if (q->floor[t] == was)
				touch(q, t);
	}
}

/* Least offset of a refused item over those that can stand in its way; NONE: none can. */
static int64_t over_blockers(const struct search *q, uint32_t item)
{
	const struct field *f = q->f;
	int64_t top = q->skipped[item] + (int64_t)f->s->shape[item].size, best = NONE;

	for (uint32_t k = f->near_at[item]; k < f->near_at[item + 1]; k++) {
		const struct near *o = &f->near[k];

		if (!q->placed[o->item] && q->low[o->item] < top)
			best = MIN(best, q->low[o->item] + o->under);
	}
	return best == NONE ? NONE : aligned(q, item, best);
}

/* Floors of the sections that changed; false where one is over capacity. */
static bool settle(struct search *q)
{
	const struct field *f = q->f;
	bool ok = true;

	for (uint32_t i = 0; i < q->ndirty; i++) {
		uint32_t t = q->dirty[i];
		int64_t floor = NONE;

		q->is_dirty[t] = 0;
		if (!ok || !q->total[t])
			continue;
		for (uint32_t k = f->entry_at[t]; k < f->entry_at[t + 1]; k++)
			if (!q->placed[f->entry[k].item])
				floor = MIN(floor, q->low[f->entry[k].item] + f->entry[k].low);
		if (floor != q->floor[t])
			set(q, &q->floor[t], floor);
		if (floor + q->total[t] > q->capacity) {
			q->weight[t] += q->gain;
			ok = false;
		}
	}
	q->ndirty = 0;
	return ok;
}

/* Refused items rise with what they must stand on. */
static bool follow(struct search *q)
{
	bool changed = true;

	while (changed) {
		changed = false;
		for (int64_t i = 0; i < q->nrefused; i++) {
			uint32_t item = q->refused[i];
			int64_t to;

			if (q->placed[item] || q->skipped[item] == NONE)
				continue;
			to = over_blockers(q, item);
			if (to == NONE)
				return false;
			if (to > q->low[item]) {
				raise(q, item, to);
				changed = true;
			}
		}
	}
	return true;
}

static bool propagate(struct search *q)
{
	bool ok = follow(q);

	return settle(q) && ok;
}

/* ---- the two cases ---- */

static bool stand(struct search *q, uint32_t item)
{
	const struct field *f = q->f;
	const struct shape *it = &f->s->shape[item];
	int64_t offset = q->low[item];

	set(q, &q->placed[item], 1);
	if (offset + (int64_t)it->size > q->capacity)
		return false;
	for (uint32_t b = 0; b < it->nbox; b++)
		for (uint32_t t = it->box[b].first; t <= it->box[b].last; t++) {
			set(q, &q->total[t],
			    q->total[t] - (int64_t)(it->box[b].high - it->box[b].low));
			touch(q, t);
		}
	for (uint32_t t = it->first; t < it->last; t++)
		set(q, &q->cut[t], q->cut[t] - 1);
	for (uint32_t k = f->near_at[item]; k < f->near_at[item + 1]; k++) {
		const struct near *o = &f->near[k];

		if (q->placed[o->item])
			continue;
		if (q->skipped[o->item] != NONE &&
		    offset < q->skipped[o->item] + (int64_t)f->s->shape[o->item].size)
			set(q, &q->skipped[o->item], NONE);
		if (q->low[o->item] < offset + o->over)
			raise(q, o->item, aligned(q, o->item, offset + o->over));
	}
	return propagate(q);
}

static bool refuse(struct search *q, uint32_t item)
{
	int64_t to;

	set(q, &q->skipped[item], q->low[item]);
	if (!q->listed[item]) {
		set(q, &q->listed[item], 1);
		q->refused[q->nrefused] = item;
		set(q, &q->nrefused, q->nrefused + 1);
	}
	to = over_blockers(q, item);
	if (to == NONE || to <= q->low[item]) /* the latter only where shapes interlock */
		return false;
	raise(q, item, to);
	return propagate(q);
}

/* ---- choice ---- */

/* Something unplaced could get under the item: that first. */
static uint32_t go_down(const struct search *q, uint32_t item)
{
	const struct field *f = q->f;
	uint32_t k = f->near_at[item];

	while (k < f->near_at[item + 1]) {
		const struct near *o = &f->near[k++];

		if (!q->placed[o->item] && q->low[o->item] + MAX(o->under, 1) <= q->low[item]) {
			item = o->item;
			k = f->near_at[item];
		}
	}
	return item;
}

static uint32_t tightest(const struct search *q, uint32_t from, uint32_t to)
{
	double least = 0;
	uint32_t best = UINT32_MAX;

	for (uint32_t t = from; t < to; t++) {
		double slack;

		if (!q->total[t])
			continue;
		slack = (double)(q->capacity - q->floor[t] - q->total[t] + 1) / q->weight[t];
		if (best == UINT32_MAX || slack < least) {
			least = slack;
			best = t;
		}
	}
	return best;
}

static uint32_t lowest(const struct search *q, uint32_t from, uint32_t to)
{
	uint32_t best = UINT32_MAX;

	for (uint32_t t = from; t < to; t++)
		if (q->total[t] && (best == UINT32_MAX || q->floor[t] < q->floor[best]))
			best = t;
	return best;
}

static uint32_t first_of(const struct search *q, uint32_t from, uint32_t to)
{
	const struct field *f = q->f;
	uint32_t best = UINT32_MAX, t = lowest(q, from, to);
	int64_t floor;

	if (t == UINT32_MAX)
		return UINT32_MAX;
	floor = q->floor[t];
	for (; t < to; t++) {
		if (!q->total[t] || q->floor[t] != floor)
			continue;
		for (uint32_t k = f->entry_at[t]; k < f->entry_at[t + 1]; k++) {
			uint32_t i = f->entry[k].item;

			if (!q->placed[i] && q->low[i] + f->entry[k].low == floor &&
			    (best == UINT32_MAX || q->rank[i] < q->rank[best]))
				best = i;
		}
	}
	return best;
}

static uint32_t choose(const struct search *q, uint32_t from, uint32_t to)
{
	const struct field *f = q->f;
	uint32_t best = UINT32_MAX, t;

	if (q->from_below)
		return first_of(q, from, to);
	t = tightest(q, from, to);
	if (t == UINT32_MAX)
		return UINT32_MAX;
	for (uint32_t k = f->entry_at[t]; k < f->entry_at[t + 1]; k++) {
		uint32_t i = f->entry[k].item;

		if (!q->placed[i] && q->low[i] + f->entry[k].low == q->floor[t] &&
		    (best == UINT32_MAX || q->rank[i] < q->rank[best]))
			best = i;
	}
	return go_down(q, best);
}

/* ---- search ---- */

static enum search_end solve(struct search *q, uint32_t from, uint32_t to);

/* The ranges into which the placing of an item cut from..to. */
static enum search_end solve_ranges(struct search *q, uint32_t from, uint32_t to)
{
	uint32_t begin = from;
	enum search_end end = SEARCH_FOUND;

	for (uint32_t t = from; t < to && end == SEARCH_FOUND; t++)
		if (t + 1 == to || !q->cut[t]) {
			end = solve(q, begin, t + 1);
			begin = t + 1;
		}
	return end;
}

static enum search_end solve(struct search *q, uint32_t from, uint32_t to)
{
	for (;;) {
		uint32_t item = choose(q, from, to);
		size_t mark = q->ntrail;
		enum search_end end = SEARCH_NONE;

		if (item == UINT32_MAX)
			return SEARCH_FOUND;
		if (!q->left)
			return SEARCH_LIMIT;
		q->left--;
		q->nodes++;
		if (stand(q, item))
			end = solve_ranges(q, from, to);
		if (end != SEARCH_NONE)
			return end;
		undo(q, mark);
		if (!refuse(q, item))
			return SEARCH_NONE;
	}
}

/* ---- strategies ---- */

enum fact { AREA, SIZE, LENGTH, LIVE, FACTS };

static const struct strategy {
	enum fact order[3];
	bool from_below; /* the lowest floor first, not the tightest section */
} strategies[STRATEGIES] = {
	{{LIVE, LENGTH, AREA}, true},  {{LENGTH, AREA, LIVE}, true}, {{AREA, SIZE, LENGTH}, true},
	{{LENGTH, LIVE, SIZE}, false}, {{LIVE, AREA, LENGTH}, true}, {{SIZE, LENGTH, LIVE}, true},
	{{LIVE, LENGTH, AREA}, false}, {{AREA, LIVE, SIZE}, false},
};

struct ranked {
	double key[3];
	uint32_t item;
};

static int by_key(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	for (int k = 0; k < 3; k++)
		if (x->key[k] < y->key[k] || x->key[k] > y->key[k])
			return x->key[k] < y->key[k] ? 1 : -1;
	return x->item < y->item ? -1 : x->item > y->item;
}

static void facts_of(const struct space *s, uint32_t item, double fact[FACTS])
{
	const struct shape *it = &s->shape[item];

	fact[SIZE] = (double)it->size;
	fact[LENGTH] = (double)it->last - (double)it->first + 1;
	fact[AREA] = fact[LIVE] = 0;
	for (uint32_t k = 0; k < it->nbox; k++) {
		const struct box *b = &it->box[k];

		fact[AREA] += (double)(b->high - b->low) * (double)(b->last - b->first + 1);
		for (uint32_t t = b->first; t <= b->last; t++)
			fact[LIVE] = MAX(fact[LIVE], (double)s->live[t]);
	}
}

/* From -1 to 1. */
static double noise(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (double)(*seed >> 33) / (double)(1u << 30) - 1;
}

/* The strategy's preorder; blurred in a run that is no longer than an earlier one. */
static void make_ranks(struct search *q)
{
	const struct space *s = q->f->s;
	const struct strategy *how = &strategies[q->strategy % STRATEGIES];
	struct ranked *r = mem_alloc((s->n + 1) * sizeof(*r));
	double blur = q->left > q->longest ? 0 : 0.05 * (1 + q->runs % 6);

	for (uint32_t i = 0; i < s->n; i++) {
		double fact[FACTS];

		facts_of(s, i, fact);
		r[i].item = i;
		for (int k = 0; k < 3; k++)
			r[i].key[k] = fact[how->order[k]];
		if (blur > 0)
			r[i].key[0] *= 1 + blur * noise(&q->seed);
	}
	qsort(r, s->n, sizeof(*r), by_key);
	for (uint32_t i = 0; i < s->n; i++)
		q->rank[r[i].item] = i;
	mem_free(r);
}

struct search *search_new(const struct field *f, uint32_t strategy, struct arena *a)
{
	const struct space *s = f->s;
	struct search *q = NEW(a, 1, struct search);

	*q = (struct search){.f = f, .strategy = strategy, .seed = strategy, .gain = 1};
	q->low = NEW(a, s->n, int64_t);
	q->placed = NEW(a, s->n, int64_t);
	q->skipped = NEW(a, s->n, int64_t);
	q->listed = NEW(a, s->n, int64_t);
	q->rank = NEW(a, s->n, int64_t);
	q->refused = NEW(a, s->n, uint32_t);
	q->floor = NEW(a, s->nsteps, int64_t);
	q->total = NEW(a, s->nsteps, int64_t);
	q->cut = NEW(a, s->nsteps, int64_t);
	q->weight = NEW(a, s->nsteps, double);
	q->dirty = NEW(a, s->nsteps, uint32_t);
	q->is_dirty = NEW(a, s->nsteps, uint8_t);
	for (uint32_t t = 0; t < s->nsteps; t++)
		q->weight[t] = 1;
	q->trail_cap = 1 << 16;
	q->trail = mem_alloc(q->trail_cap * sizeof(*q->trail));
	return q;
}

void search_free(struct search *q)
{
	mem_free(q->trail);
}

static void start(struct search *q)
{
	const struct space *s = q->f->s;

	memset(q->cut, 0, s->nsteps * sizeof(*q->cut));
	for (uint32_t i = 0; i < s->n; i++) {
		const struct shape *it = &s->shape[i];

		q->low[i] = q->listed[i] = 0;
		q->placed[i] = it->nbox == 0;
		q->skipped[i] = NONE;
		for (uint32_t t = it->first; t < it->last; t++)
			q->cut[t]++;
	}
	for (uint32_t t = 0; t < s->nsteps; t++) {
		q->total[t] = (int64_t)s->live[t];
		q->floor[t] = 0;
		touch(q, t);
	}
	q->ntrail = 0;
	q->nrefused = 0;
}

enum search_end search_run(struct search *q, int64_t capacity, uint64_t limit)
{
	enum search_end end;

	q->capacity = capacity;
	q->left = limit;
	start(q);
	make_ranks(q);
	q->from_below = strategies[q->strategy].from_below;
	q->runs++;
	q->longest = MAX(q->longest, limit);
	q->before = q->nodes;
	if (!settle(q))
		return SEARCH_NONE;
	end = solve_ranges(q, 0, q->f->s->nsteps);
	return end == SEARCH_NONE && !q->f->plain ? SEARCH_LIMIT : end;
}

uint64_t search_last_nodes(const struct search *q)
{
	return q->nodes - q->before;
}

void search_offsets(const struct search *q, uint64_t *offset)
{
	for (uint32_t i = 0; i < q->f->s->n; i++)
		offset[i] = (uint64_t)q->low[i];
}
