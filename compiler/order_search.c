/*
 * The whole search: the given order is cut at its articulation points (nodes
 * that every other node comes before or after: there the same set has run in
 * every order); a segment whose given order is good enough keeps it, the worst
 * is searched first. Good enough is what some other segment needs anyway.
 *
 * The bound of a segment, the relaxed problem: at each node what must be live
 * in every order, because its writer comes before and one of its readers not.
 */
#include "compiler/order_int.h"

#include <stdlib.h>

/* Of one segment: */
#define NODES_MAX   4096 /* beyond, its order stays: the bound needs a table of their pairs */
#define FULL_LIMIT  128	 /* nodes; a segment with more of them gets fewer states in proportion */
#define BEAM_WIDTH  200
#define BEAM_VISITS 64000000 /* width times nodes squared */

/* ---- segments ---- */

/*
 * Node i ends a segment: each node before it has a successor up to i, each node behind it a
 * predecessor from i on; then i is the one sink of all up to it and the one source of the rest.
 */
static uint32_t cut(const struct order_space *s, struct arena *tmp, struct order_segment *seg)
{
	const struct order_problem *p = s->p;
	uint32_t *low = NEW(tmp, (size_t)p->nnode + 1, uint32_t), reach = 0, begin = 0, n = 0;

	low[p->nnode] =
		p->nnode; /* low[i]: least of the last predecessors of the nodes from i on */
	for (uint32_t i = p->nnode; i-- > 0;) {
		const struct order_node *node = &p->node[i];
		uint32_t last = 0;

		for (uint32_t k = 0; k < node->npred; k++)
			last = MAX(last, node->pred[k] + 1);
		low[i] = MIN(low[i + 1], last); /* + 1; 0: it has none */
	}
	for (uint32_t i = 0; i < p->nnode; i++) {
		uint32_t first = p->nnode;

		if (i + 1 == p->nnode || (reach <= i && low[i + 1] > i)) {
			seg[n++] = (struct order_segment){.begin = begin, .end = i + 1};
			begin = i + 1;
		}
		for (uint32_t k = 0; k < s->next[i].n; k++)
			first = MIN(first, s->next[i].at[k]);
		reach = MAX(reach, first);
	}
	return n;
}

/* ---- the relaxed problem ---- */

struct before { /* per node of a segment: the set of its ancestors in it */
	const struct order_segment *seg;
	uint64_t *bits;
	uint32_t words;
};

static bool is_before(const struct before *b, uint32_t node, uint32_t than)
{
	uint32_t bit = node - b->seg->begin;

	return b->bits[(size_t)(than - b->seg->begin) * b->words + bit / 64] >> bit % 64 & 1;
}

static void find_before(struct before *b, const struct order_problem *p, struct arena *tmp)
{
	uint32_t begin = b->seg->begin, n = b->seg->end - begin;

	b->words = n / 64 + 1;
	b->bits = NEW(tmp, (size_t)n * b->words, uint64_t);
	for (uint32_t i = 0; i < n; i++) {
		const struct order_node *node = &p->node[begin + i];
		uint64_t *to = b->bits + (size_t)i * b->words;

		for (uint32_t k = 0; k < node->npred; k++) {
			uint32_t from = node->pred[k] - begin;

			if (node->pred[k] < begin)
				continue;
			for (uint32_t w = 0; w < b->words; w++)
				to[w] |= b->bits[(size_t)from * b->words + w];
			to[from / 64] |= (uint64_t)1 << from % 64;
		}
	}
}

/* A cell that is born before the segment's end must be live while the node runs. */
static bool must_live(const struct before *b, const struct order_cell *c, uint32_t node)
{
	bool born = c->writer == ORDER_START || c->writer < b->seg->begin || c->writer == node ||
		    is_before(b, c->writer, node);

	if (!born || c->kept || c->writer == node)
		return born;
	for (uint32_t k = c->nread; k-- > 0;) {
		uint32_t r = c->read[k];

		if (r >= b->seg->end || r == node || (r >= b->seg->begin && is_before(b, node, r)))
			return true;
	}
	return false;
}

static uint64_t most_credit(const struct order_node *n)
{
	uint64_t most = 0;

	for (uint32_t k = 0; k < n->ncredit; k++)
		most = MAX(most, n->credit[k].bytes);
	return most;
}

/* What each node reads and writes is live while it runs. */
static uint64_t most_operands(const struct order_space *s, const struct order_segment *seg)
{
	uint64_t most = seg->live;

	for (uint32_t i = seg->begin; i < seg->end; i++) {
		uint64_t sum = s->p->node[i].scratch + s->written[i];

		for (uint32_t k = 0; k < s->reads[i].n; k++)
			sum += s->p->cell[s->reads[i].at[k]].bytes;
		most = MAX(most, sum - most_credit(&s->p->node[i]));
	}
	return most;
}

static uint64_t relaxed(const struct order_space *s, const struct order_segment *seg)
{
	const struct order_problem *p = s->p;
	struct arena *tmp = arena_open(0);
	struct before b = {.seg = seg};
	uint64_t most = seg->live;

	find_before(&b, p, tmp);
	for (uint32_t i = seg->begin; i < seg->end; i++) {
		uint64_t sum = p->node[i].scratch;

		for (uint32_t c = 0; c < p->ncell; c++)
			if (p->cell[c].writer == ORDER_START || p->cell[c].writer < seg->end)
				sum += must_live(&b, &p->cell[c], i) ? p->cell[c].bytes : 0;
		most = MAX(most, sum - most_credit(&p->node[i]));
	}
	arena_close(tmp);
	return most;
}

/* ---- the whole ---- */

struct whole {
	struct order_space space;
	struct order_segment *seg;
	uint32_t nseg, limit, states, *order;
	uint64_t peak, bound; /* what some segment needs: no other one has to need less */
};

static int by_given(const void *a, const void *b)
{
	const struct order_segment *x = a, *y = b;

	if (x->given != y->given)
		return x->given > y->given ? -1 : 1;
	return x->begin < y->begin ? -1 : x->begin > y->begin;
}

static void measure(struct whole *w)
{
	uint64_t live = 0;

	for (uint32_t c = 0; c < w->space.p->ncell; c++)
		if (w->space.p->cell[c].writer == ORDER_START)
			live += w->space.p->cell[c].bytes;
	for (uint32_t k = 0; k < w->nseg; k++) {
		struct order_segment *seg = &w->seg[k];

		seg->live = live;
		seg->given = order_peak(&w->space, seg, w->order + seg->begin, &live);
		seg->bound = seg->live;
	}
}

/* The segment's order becomes node[] if that is better than the given one; returns its peak. */
static uint64_t take(struct whole *w, const struct order_segment *seg, const uint32_t *node)
{
	uint64_t live = seg->live, peak = order_peak(&w->space, seg, node, &live);

	if (peak > seg->given || (peak == seg->given && !w->space.p->turn))
		return seg->given;
	for (uint32_t i = seg->begin; i < seg->end; i++)
		w->order[i] = node[i - seg->begin];
	return peak;
}

/* Searches the segment; returns its peak, and what every order of it needs. */
static uint64_t search(struct whole *w, const struct order_segment *seg, uint64_t *bound)
{
	uint32_t n = seg->end - seg->begin, *node = NEW(w->space.arena, n, uint32_t);
	uint32_t scale = MAX((n + FULL_LIMIT - 1) / FULL_LIMIT, 1), limit = w->limit / scale;
	uint32_t left = limit, width = MAX(MIN(BEAM_VISITS / (n * n), BEAM_WIDTH), 1);
	bool exact = order_exact(&w->space, seg, w->peak, &left, node, bound);

	w->states += limit - left;
	w->limit -= (limit - left) * scale;
	if (!exact)
		order_beam(&w->space, seg, w->peak, width, node);
	return take(w, seg, node);
}

static void improve(struct whole *w, struct order_segment *seg)
{
	bool small = seg->end - seg->begin <= NODES_MAX;
	uint64_t bound, peak = seg->given;

	bound = seg->bound = small ? relaxed(&w->space, seg) : most_operands(&w->space, seg);
	if (small && (peak > MAX(w->peak, bound) || w->space.p->turn))
		peak = search(w, seg, &bound);
	w->bound = MAX(w->bound, bound);
	w->peak = MAX(w->peak, peak);
}

void order_search(const struct order_problem *p, uint32_t limit, uint32_t *order,
		  struct order_found *found)
{
	struct arena *a = arena_open(0);
	struct whole w = {.limit = limit, .order = order};
	struct order_problem single;

	order_space_init(&w.space, p, a);
	order_twins(&w.space, &single);
	order_space_init(&w.space, &single, a);
	for (uint32_t i = 0; i < p->nnode; i++)
		order[i] = i;
	w.seg = NEW(a, p->nnode, struct order_segment);
	w.nseg = cut(&w.space, a, w.seg);
	measure(&w);
	qsort(w.seg, w.nseg, sizeof(*w.seg), by_given);
	for (uint32_t k = 0; k < w.nseg && (p->turn || w.seg[k].given > w.peak); k++)
		improve(&w, &w.seg[k]);
	for (uint32_t k = 0; k < w.nseg && !p->turn; k++) /* now it is known what is good enough */
		for (uint32_t i = w.seg[k].begin; w.seg[k].given <= w.peak && i < w.seg[k].end; i++)
			order[i] = i;
	*found = (struct order_found){.given = w.nseg ? w.seg[0].given : 0,
				      .peak = w.peak,
				      .bound = w.bound,
				      .states = w.states};
	arena_close(a);
}
