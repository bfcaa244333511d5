/*
 * Packings of very many items, brought down to a capacity: items that reach
 * over it are taken out. One that is out goes into the tightest gap that is
 * free; without one it goes where the items in its way are worth least, and
 * these go out. An item is worth the root of its area, times how often it has
 * been out, so that no two push each other out for ever. Neighbours are found
 * by their first step: a placement looks at those of its own steps only. Ends
 * after a number of placements and visits, never of seconds.
 */
#include "compiler/place/place_int.h"

#include <stdlib.h>
#include <string.h>

#define SLICES	  64
#define VISITS	  ((uint64_t)100000000) /* a second or so */
#define TURNS_MAX ((uint64_t)1 << 20)
#define WORTH_MAX ((uint64_t)1 << 42) /* of all items; times the turns that is no overflow */

struct spot { /* a box, and whose */
	struct box box;
	uint32_t item;
};

struct ban { /* offsets from..to-1 would touch the item */
	uint64_t from, to;
	uint64_t worth;
	uint32_t item;
};

struct repair {
	const struct space *s;
	uint64_t capacity;
	uint64_t *offset;
	uint64_t *worth; /* before the turns count */
	uint64_t *turns; /* how often it was out, plus 1 */
	uint32_t *out, nout;
	bool *is_out;
	struct spot *spot; /* by first step */
	uint32_t *begin;   /* step: its first spot, or the next one's */
	uint32_t slice;	   /* steps */
	uint32_t **over;   /* slice: spots that begin before it and live at its first step */
	uint32_t *nover;
	struct ban *ban, *by_end; /* the same ones, sorted twice */
	uint64_t visits, nodes;
};

/* ---- who shares a step with whom ---- */

static int by_first(const void *a, const void *b)
{
	const struct spot *x = a, *y = b;

	if (x->box.first != y->box.first)
		return x->box.first < y->box.first ? -1 : 1;
	return x->item < y->item ? -1 : x->item > y->item;
}

static void list_over(struct repair *r, uint32_t slice)
{
	const struct space *s = r->s;
	uint32_t step = slice * r->slice, n = 0;

	for (int pass = 0; pass < 2; pass++) {
		n = 0;
		for (uint32_t k = 0; k < r->begin[step]; k++)
			if (r->spot[k].box.last >= step) {
				if (pass)
					r->over[slice][n] = k;
				n++;
			}
		if (!pass)
			r->over[slice] = NEW(s->arena, n, uint32_t);
	}
	r->nover[slice] = n;
}

static void list_spots(struct repair *r)
{
	const struct space *s = r->s;
	uint32_t n = 0, k = 0;

	r->spot = NEW(s->arena, s->nboxes, struct spot);
	for (uint32_t i = 0; i < s->n; i++)
		for (uint32_t b = 0; b < s->shape[i].nbox; b++)
			r->spot[n++] = (struct spot){s->shape[i].box[b], i};
	qsort(r->spot, n, sizeof(*r->spot), by_first);
	r->begin = NEW(s->arena, (size_t)s->nsteps + 1, uint32_t);
	for (uint32_t t = 0; t <= s->nsteps; t++) {
		while (k < n && r->spot[k].box.first < t)
			k++;
		r->begin[t] = k;
	}
	r->slice = s->nsteps / SLICES + 1;
	r->over = NEW(s->arena, SLICES, uint32_t *);
	r->nover = NEW(s->arena, SLICES, uint32_t);
	for (uint32_t i = 0; i < SLICES && i * r->slice < s->nsteps; i++)
		list_over(r, i);
}

/* ---- what is in an item's way ---- */

static uint64_t worth_now(const struct repair *r, uint32_t item)
{
	return r->worth[item] * r->turns[item];
}

static uint32_t add_ban(struct repair *r, uint32_t n, uint32_t item, const struct box *mine,
			const struct spot *q)
{
	uint64_t at = r->offset[q->item];

	if (q->box.last < mine->first || r->is_out[q->item] || q->item == item ||
	    at + q->box.high <= mine->low)
		return n;
	r->ban[n] =
		(struct ban){at + q->box.low >= mine->high ? at + q->box.low - mine->high + 1 : 0,
			     at + q->box.high - mine->low, worth_now(r, q->item), q->item};
	return n + 1;
}

static int by_from(const void *a, const void *b)
{
	const struct ban *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return x->item < y->item ? -1 : x->item > y->item;
}

static int by_to(const void *a, const void *b)
{
	const struct ban *x = a, *y = b;

	if (x->to != y->to)
		return x->to < y->to ? -1 : 1;
	return x->item < y->item ? -1 : x->item > y->item;
}

static uint32_t list_bans(struct repair *r, uint32_t item)
{
	const struct shape *it = &r->s->shape[item];
	uint32_t n = 0;

	for (uint32_t b = 0; b < it->nbox; b++) {
		const struct box *mine = &it->box[b];
		uint32_t slice = mine->first / r->slice, from = r->begin[slice * r->slice],
			 to = r->begin[mine->last + 1];

		for (uint32_t k = 0; k < r->nover[slice]; k++)
			n = add_ban(r, n, item, mine, &r->spot[r->over[slice][k]]);
		for (uint32_t k = from; k < to; k++)
			n = add_ban(r, n, item, mine, &r->spot[k]);
		r->visits += r->nover[slice] + to - from;
	}
	qsort(r->ban, n, sizeof(*r->ban), by_from);
	r->visits += 8 * n; /* sorted */
	return n;
}

/* ---- where to put it ---- */

/* The offset in the tightest gap; false: there is none up to `most`. */
static bool find_gap(const struct repair *r, const struct shape *it, uint32_t n, uint64_t most,
		     uint64_t *offset)
{
	uint64_t edge = 0, best = UINT64_MAX;

	for (uint32_t k = 0; k <= n && edge <= most; k++) {
		uint64_t end = k < n ? MIN(r->ban[k].from, most + 1) : most + 1;

		if (end > edge && end - edge < best) {
			best = end - edge;
			*offset = edge;
		}
		if (k < n && r->ban[k].to > edge)
			edge = round_up(r->ban[k].to, it->align);
	}
	return best < UINT64_MAX;
}

/* The offset up to `most` with the least worth in its way: just above or just below something. */
static uint64_t find_cheapest(struct repair *r, const struct shape *it, uint32_t n, uint64_t most)
{
	uint64_t best = 0;
	uint64_t least = 0, worth = 0;
	uint32_t k = 0;

	memcpy(r->by_end, r->ban, n * sizeof(*r->ban));
	qsort(r->by_end, n, sizeof(*r->ban), by_to);
	for (; k < n && r->ban[k].from == 0; k++)
		least += r->ban[k].worth;
	worth = least;
	for (uint32_t e = 0; e < n; e++) {
		uint64_t at = round_up(r->by_end[e].to, it->align);

		if (at > most)
			break;
		for (; k < n && r->ban[k].from <= at; k++)
			worth += r->ban[k].worth;
		worth -= r->by_end[e].worth;
		if (worth < least) {
			least = worth;
			best = at;
		}
	}
	return best;
}

static void put_out(struct repair *r, uint32_t item)
{
	r->is_out[item] = true;
	r->turns[item] = MIN(r->turns[item] + 1, TURNS_MAX);
	r->out[r->nout++] = item;
}

static void put(struct repair *r, uint32_t item)
{
	const struct shape *it = &r->s->shape[item];
	uint64_t most = r->capacity - it->size, at = 0;
	uint32_t n = list_bans(r, item);

	if (!find_gap(r, it, n, most, &at)) {
		at = find_cheapest(r, it, n, most);
		for (uint32_t k = 0; k < n; k++)
			if (r->ban[k].from <= at && at < r->ban[k].to && !r->is_out[r->ban[k].item])
				put_out(r, r->ban[k].item);
	}
	r->offset[item] = at;
	r->is_out[item] = false;
	r->nodes++;
}

/* ---- one capacity ---- */

/* Takes what is worth most from the list. */
static uint32_t take(struct repair *r)
{
	uint32_t best = 0, item;

	for (uint32_t k = 1; k < r->nout; k++)
		if (worth_now(r, r->out[k]) > worth_now(r, r->out[best]))
			best = k;
	item = r->out[best];
	r->out[best] = r->out[--r->nout];
	return item;
}

static bool reach(struct repair *r, uint64_t nodes, uint64_t visits)
{
	for (uint32_t i = 0; i < r->s->n; i++)
		if (r->s->shape[i].nbox && r->offset[i] + r->s->shape[i].size > r->capacity)
			put_out(r, i);
	while (r->nout && r->nodes < nodes && r->visits < visits)
		put(r, take(r));
	return !r->nout;
}

static void keep(const struct repair *r, struct packing *best)
{
	best->top = 0;
	for (uint32_t i = 0; i < r->s->n; i++) {
		best->offset[i] = r->s->shape[i].nbox ? r->offset[i] : 0;
		best->top = MAX(best->top, best->offset[i] + r->s->shape[i].size);
	}
}

static uint64_t root(uint64_t n)
{
	uint64_t found = 0;

	for (uint64_t bit = (uint64_t)1 << 31; bit; bit /= 2)
		if ((found + bit) * (found + bit) <= n)
			found += bit;
	return found;
}

static void set_worth(struct repair *r)
{
	const struct space *s = r->s;
	uint64_t sum = 0;
	uint32_t shift = 0;

	r->worth = NEW(s->arena, s->n, uint64_t);
	r->turns = NEW(s->arena, s->n, uint64_t);
	for (uint32_t i = 0; i < s->n; i++) {
		const struct shape *it = &s->shape[i];

		r->worth[i] = root(it->size) * root((uint64_t)it->last - it->first + 1);
		r->turns[i] = 1;
		sum += r->worth[i];
	}
	while (sum >> shift >= WORTH_MAX / 2)
		shift++;
	for (uint32_t i = 0; i < s->n; i++)
		r->worth[i] = MAX(r->worth[i] >> shift, 1);
}

static void start(struct repair *r, const struct packing *best)
{
	const struct space *s = r->s;
	uint32_t widest = 1;

	for (uint32_t i = 0; i < s->n; i++)
		widest = MAX(widest, s->shape[i].nbox);
	set_worth(r);
	r->offset = NEW(s->arena, s->n, uint64_t);
	memcpy(r->offset, best->offset, s->n * sizeof(*r->offset));
	r->out = NEW(s->arena, s->n, uint32_t);
	r->is_out = NEW(s->arena, s->n, bool);
	r->ban = NEW(s->arena, (size_t)s->nboxes * widest, struct ban);
	r->by_end = NEW(s->arena, (size_t)s->nboxes * widest, struct ban);
	list_spots(r);
}

/* ---- exported ---- */

uint64_t repair(const struct space *s, struct packing *best, uint64_t target, uint64_t nodes)
{
	static const uint32_t above[] = {95, 40, 10, 3, 0}; /* ten thousandths of the target */
	struct repair r = {.s = s};

	start(&r, best);
	for (size_t k = 0; k < COUNT_OF(above) && best->top > target; k++) {
		r.capacity = target + target / 10000 * above[k];
		if (r.capacity >= best->top)
			continue;
		if (!reach(&r, nodes, VISITS))
			break;
		keep(&r, best);
	}
	return r.nodes;
}
