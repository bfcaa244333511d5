/*
 * The exact search: shortest path by bottleneck over the down-sets of one
 * segment. The budget begins at the floor; all sets that can be reached within
 * it are looked at, depth first, each once. When they are exhausted, it rises to
 * the least that a move has exceeded it by: no order needs less. Where a move is
 * safe (order_step.c), the others are not tried.
 */
#include "compiler/order_int.h"

#include <stdlib.h>
#include <string.h>

struct state {
	uint64_t *bits, hash, live;
	uint32_t parent, node; /* the move that led here */
	uint32_t size;	       /* nodes that have run */
};

struct wait { /* a move that has not been made */
	uint64_t during;
	uint32_t state, node;
};

struct waits {
	struct wait *at;
	uint32_t n, room;
};

struct search {
	struct order_space *space;
	const struct order_segment *seg;
	uint32_t n, words;
	uint64_t budget, bound; /* what every order needs */
	struct arena *arena;
	struct state *state;
	uint32_t nstate, *table, mask; /* table: state + 1 by hash */
	struct waits stack, heap;      /* within the budget; beyond it, least first */
	struct order_move *move;
};

static uint64_t hash_of(uint64_t x)
{
	x = (x + 1) * 0x9e3779b97f4a7c15u;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

/* ---- states ---- */

static uint32_t *find_place(const struct search *s, const struct state *x)
{
	uint32_t at = (uint32_t)x->hash & s->mask;

	while (s->table[at]) {
		const struct state *y = &s->state[s->table[at] - 1];

		if (y->hash == x->hash && !memcmp(x->bits, y->bits, s->words * sizeof(*x->bits)))
			break;
		at = (at + 1) & s->mask;
	}
	return &s->table[at];
}

static void grow_table(struct search *s)
{
	s->mask = s->mask * 2 + 1;
	s->table = NEW(s->arena, (size_t)s->mask + 1, uint32_t);
	for (uint32_t i = 0; i < s->nstate; i++)
		*find_place(s, &s->state[i]) = i + 1;
}

/* The state is new: it gets bits of its own, and its index is returned; else UINT32_MAX. */
static uint32_t add_state(struct search *s, const struct state *x)
{
	uint32_t *place = find_place(s, x);

	if (*place)
		return UINT32_MAX;
	*place = s->nstate + 1;
	s->state = GROW(s->arena, s->state, s->nstate);
	s->state[s->nstate] = *x;
	s->state[s->nstate].bits = arena_copy(s->arena, x->bits, s->words * sizeof(*x->bits));
	s->nstate++;
	if (s->nstate > s->mask / 2)
		grow_table(s);
	return s->nstate - 1;
}

/* ---- moves that wait ---- */

static void append(struct arena *a, struct waits *w, const struct wait *x)
{
	if (w->n == w->room) {
		struct wait *old = w->at;

		w->room = MAX(2 * w->room, 64);
		w->at = NEW(a, w->room, struct wait);
		if (w->n)
			memcpy(w->at, old, w->n * sizeof(*old));
	}
	w->at[w->n++] = *x;
}

/* Least first; then what is nearest to the end, then what was met first. */
static bool is_before(const struct search *s, const struct wait *a, const struct wait *b)
{
	uint32_t x = s->state[a->state].size, y = s->state[b->state].size;

	if (a->during != b->during)
		return a->during < b->during;
	if (x != y)
		return x > y;
	return a->state != b->state ? a->state < b->state : a->node < b->node;
}

static void heap_push(struct search *s, const struct wait *w)
{
	struct wait *at;
	uint32_t i = s->heap.n;

	append(s->arena, &s->heap, w);
	at = s->heap.at;
	for (; i && is_before(s, w, &at[(i - 1) / 2]); i = (i - 1) / 2)
		at[i] = at[(i - 1) / 2];
	at[i] = *w;
}

static struct wait heap_pop(struct search *s)
{
	struct wait *at = s->heap.at, top = at[0], last = at[--s->heap.n];
	uint32_t i = 0;

	for (;;) {
		uint32_t k = 2 * i + 1;

		if (k + 1 < s->heap.n && is_before(s, &at[k + 1], &at[k]))
			k++;
		if (k >= s->heap.n || !is_before(s, &at[k], &last))
			break;
		at[i] = at[k];
		i = k;
	}
	at[i] = last;
	return top;
}

static int by_rank(const void *a, const void *b)
{
	const struct order_move *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return x->node < y->node ? -1 : x->node > y->node;
}

/* The least that leaves first, of equal ones the first in the given order; or a shuffle. */
static void sort_moves(const struct search *s, uint32_t n)
{
	uint64_t turn = s->space->p->turn;

	for (uint32_t k = 0; k < n; k++)
		s->move[k].rank = turn ? hash_of(turn << 32 | s->move[k].node) : s->move[k].after;
	qsort(s->move, n, sizeof(*s->move), by_rank);
}

static void expand(struct search *s, uint32_t state)
{
	const struct state *x = &s->state[state];
	struct order_set d = {s->seg->begin, s->seg->end, x->bits, x->live};
	uint32_t n = order_moves(s->space, &d, s->budget, s->move);

	sort_moves(s, n);
	for (uint32_t k = n; k-- > 0;) {
		struct wait w = {s->move[k].during, state, s->move[k].node};

		if (w.during <= s->budget)
			append(s->arena, &s->stack, &w);
		else
			heap_push(s, &w);
	}
}

/* ---- the search ---- */

/* The state behind the move, if it is new, else UINT32_MAX. */
static uint32_t make_move(struct search *s, const struct wait *w, uint64_t *bits)
{
	const struct state *from = &s->state[w->state];
	struct order_set d = {s->seg->begin, s->seg->end, bits, from->live};
	struct state x = {.bits = bits, .parent = w->state, .node = w->node};

	memcpy(bits, from->bits, s->words * sizeof(*bits));
	x.hash = from->hash ^ hash_of(w->node);
	x.live = order_move_of(s->space, &d, w->node).after;
	x.size = from->size + 1;
	order_flip(&d, w->node);
	return add_state(s, &x);
}

/* The next move to make; raises the budget where none is left within it. */
static struct wait next_wait(struct search *s)
{
	if (s->stack.n)
		return s->stack.at[--s->stack.n];
	CHECK(s->heap.n);
	s->budget = s->bound = s->heap.at[0].during;
	return heap_pop(s);
}

static void trace(const struct search *s, uint32_t state, uint32_t *node)
{
	for (uint32_t i = s->n; i-- > 0; state = s->state[state].parent)
		node[i] = s->state[state].node;
	CHECK(state == 0);
}

bool order_exact(struct order_space *space, const struct order_segment *seg, uint64_t floor,
		 uint32_t *limit, uint32_t *node, uint64_t *bound)
{
	struct search s = {.space = space,
			   .seg = seg,
			   .n = seg->end - seg->begin,
			   .budget = MAX(floor, seg->bound),
			   .bound = seg->bound,
			   .arena = arena_open(0),
			   .mask = 1023};
	uint64_t *bits;
	uint32_t at;

	s.words = s.n / 64 + 1;
	s.table = NEW(s.arena, (size_t)s.mask + 1, uint32_t);
	s.move = NEW(s.arena, s.n, struct order_move);
	bits = NEW(s.arena, s.words, uint64_t);
	at = add_state(&s, &(struct state){.bits = bits, .live = seg->live});
	while (s.nstate <= *limit && s.state[at].size < s.n) {
		struct wait w;

		expand(&s, at);
		do {
			w = next_wait(&s);
			at = make_move(&s, &w, bits);
		} while (at == UINT32_MAX);
	}
	*limit -= MIN(s.nstate, *limit);
	*bound = s.bound;
	if (s.state[at].size == s.n)
		trace(&s, at, node);
	else
		at = UINT32_MAX;
	arena_close(s.arena);
	return at != UINT32_MAX;
}
