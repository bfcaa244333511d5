/*
 * From items to boxes, and the lower bound: the most bytes live at one step,
 * each byte of an item counted once. The parts of an item are united step by
 * step; a run of steps with the same bytes becomes one box. Steps at which no
 * box begins can hold no peak and no conflict of their own: they are dropped.
 */
#include "compiler/place/place_int.h"

#include <stdlib.h>
#include <string.h>

/* ---- the union of parts ---- */

static int by_step(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static int by_low(const void *a, const void *b)
{
	const struct box *x = a, *y = b;

	return x->low < y->low ? -1 : x->low > y->low;
}

static uint32_t unique(uint32_t *step, uint32_t n)
{
	uint32_t kept = 0;

	qsort(step, n, sizeof(*step), by_step);
	for (uint32_t i = 0; i < n; i++)
		if (!i || step[i] != step[kept - 1])
			step[kept++] = step[i];
	return kept;
}

/* The bytes of the item in one step, as disjoint boxes of that step: their number. */
static uint32_t unite_at(const struct place_item *it, uint32_t step, struct box *out)
{
	uint32_t n = 0, kept = 0;

	for (uint32_t k = 0; k < it->nparts; k++)
		if (it->part[k].first <= step && step <= it->part[k].last &&
		    it->part[k].low < it->part[k].high)
			out[n++] = (struct box){it->part[k].low, it->part[k].high, step, step};
	qsort(out, n, sizeof(*out), by_low);
	for (uint32_t k = 0; k < n; k++)
		if (kept && out[k].low <= out[kept - 1].high)
			out[kept - 1].high = MAX(out[kept - 1].high, out[k].high);
		else
			out[kept++] = out[k];
	return kept;
}

/* Adds a box, or prolongs the one with the same bytes that ended just before it. */
static uint32_t add_box(struct box *box, uint32_t n, const struct box *b)
{
	for (uint32_t k = 0; k < n; k++)
		if (box[k].low == b->low && box[k].high == b->high && box[k].last + 1 == b->first) {
			box[k].last = b->last;
			return n;
		}
	box[n] = *b;
	return n + 1;
}

static void unite(struct arena *a, const struct place_item *it, struct shape *s)
{
	uint32_t *edge = NEW(a, 2 * (size_t)it->nparts, uint32_t), nedges;
	struct box *now = NEW(a, it->nparts, struct box);

	for (uint32_t k = 0; k < it->nparts; k++) {
		edge[2 * k] = it->part[k].first;
		edge[2 * k + 1] = it->part[k].last + 1;
	}
	nedges = unique(edge, 2 * it->nparts);
	s->box = NULL;
	for (uint32_t e = 0; e + 1 < nedges; e++) {
		uint32_t n = unite_at(it, edge[e], now);

		for (uint32_t k = 0; k < n; k++) {
			now[k].last = edge[e + 1] - 1;
			s->box = GROW(a, s->box, s->nbox);
			s->nbox = add_box(s->box, s->nbox, &now[k]);
		}
	}
}

static void cut(struct arena *a, const struct place_item *it, struct shape *s)
{
	*s = (struct shape){.size = it->size, .align = it->align, .first = UINT32_MAX};
	CHECK(it->align && it->size + it->align <= PLACE_SUM_MAX);
	for (uint32_t k = 0; k < it->nparts; k++) {
		CHECK(it->part[k].high <= it->size);
		CHECK(it->part[k].first <= it->part[k].last && it->part[k].last < PLACE_STEP_MAX);
	}
	if (it->nparts == 1 && it->part->low < it->part->high) {
		s->nbox = 1;
		s->box = NEW(a, 1, struct box);
		*s->box = (struct box){it->part->low, it->part->high, it->part->first,
				       it->part->last};
	} else if (it->nparts > 1) {
		unite(a, it, s);
	}
	for (uint32_t k = 0; k < s->nbox; k++) {
		s->first = MIN(s->first, s->box[k].first);
		s->last = MAX(s->last, s->box[k].last);
	}
}

static void cut_all(struct space *s, const struct place_item *item, uint32_t n)
{
	uint64_t sum = 0;

	s->n = n;
	s->shape = NEW(s->arena, n, struct shape);
	for (uint32_t i = 0; i < n; i++) {
		cut(s->arena, &item[i], &s->shape[i]);
		s->nboxes += s->shape[i].nbox;
		sum += item[i].size + item[i].align;
		CHECK(sum <= PLACE_SUM_MAX);
		for (uint32_t k = 0; k < s->shape[i].nbox; k++)
			s->nsteps = MAX(s->nsteps, s->shape[i].box[k].last + 1);
	}
}

/* ---- live bytes ---- */

static void sum_live(struct space *s)
{
	s->live = NEW(s->arena, (size_t)s->nsteps + 1, uint64_t);
	for (uint32_t i = 0; i < s->n; i++)
		for (uint32_t k = 0; k < s->shape[i].nbox; k++) {
			const struct box *b = &s->shape[i].box[k];

			s->live[b->first] += b->high - b->low;
			s->live[b->last + 1] -= b->high - b->low;
		}
	for (uint32_t t = 1; t < s->nsteps; t++)
		s->live[t] += s->live[t - 1];
	for (uint32_t t = 0; t < s->nsteps; t++)
		s->max_live = MAX(s->max_live, s->live[t]);
}

/* ---- units and steps ---- */

static uint64_t gcd(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

static void scale(struct space *s)
{
	uint64_t unit = 0;

	for (uint32_t i = 0; i < s->n; i++) {
		unit = gcd(gcd(s->shape[i].size, s->shape[i].align), unit);
		for (uint32_t k = 0; k < s->shape[i].nbox; k++)
			unit = gcd(s->shape[i].box[k].low, gcd(s->shape[i].box[k].high, unit));
	}
	s->unit = MAX(unit, 1);
	for (uint32_t i = 0; i < s->n; i++) {
		s->shape[i].size /= s->unit;
		s->shape[i].align /= s->unit;
		for (uint32_t k = 0; k < s->shape[i].nbox; k++) {
			s->shape[i].box[k].low /= s->unit;
			s->shape[i].box[k].high /= s->unit;
		}
	}
}

static void renumber(struct space *s)
{
	uint32_t *index = NEW(s->arena, (size_t)s->nsteps + 1, uint32_t), n = 0;

	for (uint32_t i = 0; i < s->n; i++)
		for (uint32_t k = 0; k < s->shape[i].nbox; k++)
			index[s->shape[i].box[k].first] = 1;
	for (uint32_t t = 0; t < s->nsteps; t++) {
		n += index[t];
		index[t] = n - 1; /* of the last beginning that is not after t */
	}
	for (uint32_t i = 0; i < s->n; i++) {
		struct shape *it = &s->shape[i];

		for (uint32_t k = 0; k < it->nbox; k++) {
			it->box[k].first = index[it->box[k].first];
			it->box[k].last = index[it->box[k].last];
		}
		it->first = it->nbox ? index[it->first] : 0;
		it->last = it->nbox ? index[it->last] : 0;
	}
	s->nsteps = n;
}

/* ---- exported ---- */

void space_init(struct space *s, const struct place_item *item, uint32_t n, struct arena *a)
{
	*s = (struct space){.arena = a};
	cut_all(s, item, n);
	scale(s);
	renumber(s);
	sum_live(s);
	s->bound = s->max_live;
	for (uint32_t i = 0; i < n; i++)
		s->bound = MAX(s->bound, s->shape[i].size);
}

uint64_t place_max_live(const struct place_item *item, uint32_t n)
{
	struct space s = {.arena = arena_open(0)};

	cut_all(&s, item, n);
	sum_live(&s);
	arena_close(s.arena);
	return s.max_live;
}
