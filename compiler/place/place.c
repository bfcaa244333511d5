/*
 * The packers in turn: greedy orders; above the bound a search at the bound;
 * the hill climb; then searches between what is excluded and what is found.
 * A search asks all strategies in rounds, each round with a greater limit of
 * nodes; the answer of a round is that of its lowest-indexed strategy that
 * has one, so that the threads of a round may run in any order.
 */
#include "compiler/place/search_int.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define THREADS_MAX  16
#define SHORTEST     4	  /* decisions of the shortest run, per item */
#define SEARCH_ITEMS 4000 /* neighbours are listed pair by pair */

struct packer {
	const struct space *s;
	const struct place_options *o;
	struct field field;
	struct packing best;
	uint64_t open;	/* least capacity that is not excluded */
	uint64_t nodes; /* used */
};

/* ---- one capacity ---- */

struct contest {
	struct search *search[STRATEGIES];
	enum search_end end[STRATEGIES];
	uint64_t limit;
	int64_t capacity;
	atomic_uint next, winner; /* STRATEGIES: none */
};

static void *compete(void *arg)
{
	struct contest *c = arg;

	for (;;) {
		uint32_t i = atomic_fetch_add(&c->next, 1), best = atomic_load(&c->winner);

		if (i >= STRATEGIES || i > best)
			return NULL;
		c->end[i] = search_run(c->search[i], c->capacity, c->limit);
		while (c->end[i] != SEARCH_LIMIT && i < best)
			if (atomic_compare_exchange_weak(&c->winner, &best, i))
				break;
	}
}

static void run_round(struct contest *c, uint32_t threads)
{
	pthread_t id[THREADS_MAX];
	uint32_t started = 0;

	atomic_store(&c->next, 0);
	atomic_store(&c->winner, STRATEGIES);
	while (started + 1 < MIN(threads, THREADS_MAX) &&
	       pthread_create(&id[started], NULL, compete, c) == 0)
		started++;
	compete(c);
	while (started)
		pthread_join(id[--started], NULL);
}

/* Nodes of the round up to the winner: what one thread alone would have used. */
static uint64_t count_nodes(const struct contest *c, uint32_t winner)
{
	uint64_t nodes = 0;

	for (uint32_t i = 0; i < STRATEGIES && i <= winner; i++)
		nodes += search_last_nodes(c->search[i]);
	return nodes;
}

/* 1 1 2 1 1 2 4 1 1 2 1 1 2 4 8 ... (Luby, Sinclair, Zuckerman) for i = 1, 2, ... */
static uint64_t luby(uint64_t i)
{
	for (;;) {
		uint64_t power = 1;

		while (2 * power - 1 < i)
			power *= 2;
		if (2 * power - 1 == i)
			return power;
		i -= power - 1;
	}
}

static void keep(struct packer *p, const struct search *q)
{
	search_offsets(q, p->best.offset);
	p->best.top = 0;
	for (uint32_t i = 0; i < p->s->n; i++)
		p->best.top = MAX(p->best.top, p->best.offset[i] + p->s->shape[i].size);
}

static enum search_end attempt(struct packer *p, uint64_t capacity, uint64_t budget)
{
	struct contest c = {.capacity = (int64_t)capacity};
	struct arena *a = arena_open(0);
	enum search_end end = SEARCH_LIMIT;
	uint64_t used = 0;

	for (uint32_t i = 0; i < STRATEGIES; i++)
		c.search[i] = search_new(&p->field, i, a);
	for (uint64_t round = 1; end == SEARCH_LIMIT; round++) {
		uint32_t winner;

		c.limit = MIN(SHORTEST * p->s->n * luby(round), (budget - used) / STRATEGIES);
		if (!c.limit)
			break;
		run_round(&c, p->o->threads);
		winner = atomic_load(&c.winner);
		used += count_nodes(&c, winner);
		if (winner < STRATEGIES)
			end = c.end[winner];
		if (end == SEARCH_FOUND)
			keep(p, c.search[winner]);
	}
	p->nodes += used;
	for (uint32_t i = 0; i < STRATEGIES; i++)
		search_free(c.search[i]);
	arena_close(a);
	return end;
}

/* ---- all capacities ---- */

static bool may_search(const struct packer *p)
{
	return p->s->n <= SEARCH_ITEMS && p->best.top < (uint64_t)1 << 61;
}

static bool is_done(const struct packer *p)
{
	return p->best.top <= MAX(p->open, p->o->capacity / p->s->unit);
}

/* False: unknown. */
static bool try_capacity(struct packer *p, uint64_t capacity, uint64_t budget)
{
	enum search_end end = attempt(p, capacity, budget);

	if (end == SEARCH_NONE)
		p->open = capacity + 1;
	return end != SEARCH_LIMIT;
}

/* Halves what lies between; each search may use half of the nodes that are left. */
static void close_in(struct packer *p)
{
	uint64_t from = p->open;

	while (!is_done(p) && p->nodes < p->o->nodes && from < p->best.top) {
		uint64_t capacity = from + (p->best.top - from) / 2;

		capacity = MAX(capacity, p->o->capacity / p->s->unit);
		if (capacity >= p->best.top)
			return;
		if (!try_capacity(p, capacity, (p->o->nodes - p->nodes + 1) / 2))
			from = capacity + 1;
		from = MAX(from, p->open);
	}
}

static void pack(struct packer *p)
{
	struct greedy *g = greedy_new(p->s, &p->best);

	greedy_rules(g);
	if (!is_done(p) && may_search(p)) {
		uint64_t first = MAX(p->s->bound, p->o->capacity / p->s->unit);
		bool only = p->o->capacity != 0;

		field_init(&p->field, p->s);
		try_capacity(p, first, only ? p->o->nodes : p->o->nodes / 2);
	}
	if (!is_done(p))
		greedy_climb(g);
	if (!is_done(p) && may_search(p) && !p->o->capacity)
		close_in(p);
	if (!is_done(p) && p->s->n > SEARCH_ITEMS)
		p->nodes += repair(p->s, &p->best, MAX(p->s->bound, p->o->capacity / p->s->unit),
				   p->o->nodes);
}

void place_with(struct place_item *item, uint32_t n, const struct place_options *o,
		struct place_found *found)
{
	struct arena *a = arena_open(0);
	struct space s;
	struct packer p = {.s = &s, .o = o};
	const struct place_options quick = {.nodes = 0, .threads = 1};

	space_init(&s, item, n, a);
	p.open = s.bound;
	if (o->capacity && o->capacity / s.unit < s.bound) /* can't be met: what is soon found */
		p.o = &quick;
	pack(&p);
	for (uint32_t i = 0; i < n; i++)
		item[i].offset = p.best.offset[i] * s.unit;
	*found = (struct place_found){.bytes = p.best.top * s.unit,
				      .lower_bound = s.bound * s.unit,
				      .excluded = p.open ? p.open * s.unit - 1 : 0,
				      .nodes = p.nodes,
				      .proof = p.best.top == s.bound  ? PLACE_MAX_LIVE
					       : p.best.top <= p.open ? PLACE_EXHAUSTED
								      : PLACE_GAP};
	arena_close(a);
}

#define COMPILE_NODES 4000 /* some milliseconds */

void place(struct place_item *item, uint32_t n, struct place_found *found)
{
	static const struct place_options options = {.nodes = COMPILE_NODES, .threads = 1};

	place_with(item, n, &options, found);
}
