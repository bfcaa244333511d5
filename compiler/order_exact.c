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
	uint32_t state, node, size;
};

struct search {
	struct order_space *space;
	const struct order_segment *seg;
	uint32_t n, words;
	uint64_t budget, bound; /* what every order needs */
	struct arena *arena;
	struct state *state;
	uint32_t nstate, *table, mask; /* table: state + 1 by hash */
	struct wait *stack, *heap;     /* within the budget; beyond it, least first */
	uint32_t nstack, nheap;
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

static struct order_set set_of(const struct search *s, const struct state *x, uint64_t *bits)
{
	memcpy(bits, x->bits, s->words * sizeof(*bits));
	return (struct order_set){s->seg->begin, s->seg->end, bits, x->live};
}

/* ---- moves that wait ---- */

static bool is_before(const struct wait *a, const struct wait *b)
{
	if (a->during != b->during)
		return a->during < b->during;
	if (a->size != b->size)
		return a->size > b->size;
	return a->state != b->state ? a->state < b->state : a->node < b->node;
}

static void heap_push(struct search *s, const struct wait *w)
{
	uint32_t i = s->nheap++;

	s->heap = GROW(s->arena, s->heap, i);
	for (; i && is_before(w, &s->heap[(i - 1) / 2]); i = (i - 1) / 2)
		s->heap[i] = s->heap[(i - 1) / 2];
	s->heap[i] = *w;
}

static struct wait heap_pop(struct search *s)
{
	struct wait top = s->heap[0], last = s->heap[--s->nheap];
	uint32_t i = 0;

	for (;;) {
		uint32_t k = 2 * i + 1;

		if (k + 1 < s->nheap && is_before(&s->heap[k + 1], &s->heap[k]))
			k++;
		if (k >= s->nheap || !is_before(&s->heap[k], &last))
			break;
		s->heap[i] = s->heap[k];
		i = k;
	}
	s->heap[i] = last;
	return top;
}

static void stack_push(struct search *s, const struct wait *w)
{
	s->stack = GROW(s->arena, s->stack, s->nstack);
	s->stack[s->nstack++] = *w;
}

/* The least that leaves first; of equal ones the one that comes first in the given order. */
static int by_after(const void *a, const void *b)
{
	const struct order_move *x = a, *y = b;

	if (x->after != y->after)
		return x->after < y->after ? -1 : 1;
	return x->node < y->node ? -1 : x->node > y->node;
}

static void expand(struct search *s, uint32_t state)
{
	const struct state *x = &s->state[state];
	struct order_set d = {s->seg->begin, s->seg->end, x->bits, x->live};
	uint32_t n = order_moves(s->space, &d, s->budget, s->move);

	qsort(s->move, n, sizeof(*s->move), by_after);
	for (uint32_t k = n; k-- > 0;) {
		struct wait w = {s->move[k].during, state, s->move[k].node, x->size};

		if (w.during <= s->budget)
			stack_push(s, &w);
		else
			heap_push(s, &w);
	}
}

/* ---- the search ---- */

/* The state behind the move, if it is new, else UINT32_MAX. */
static uint32_t make_move(struct search *s, const struct wait *w, uint64_t *bits)
{
	struct order_set d = set_of(s, &s->state[w->state], bits);
	struct order_move m = order_move_of(s->space, &d, w->node);
	struct state x = {.bits = bits,
			  .hash = s->state[w->state].hash ^ hash_of(w->node),
			  .live = m.after,
			  .parent = w->state,
			  .node = w->node,
			  .size = w->size + 1};

	order_flip(&d, w->node);
	return add_state(s, &x);
}

/* The next move to make; raises the budget where none is left within it. */
static struct wait next_wait(struct search *s)
{
	if (s->nstack)
		return s->stack[--s->nstack];
	CHECK(s->nheap);
	s->budget = s->bound = s->heap[0].during;
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
