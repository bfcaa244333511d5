/*
 * The beam: all orders at once, a node at a time; of the down-sets of one size
 * the best few go on, by the peak that led there, then by the bytes live. Where a
 * move is safe within that peak, it is the only one.
 */
#include "compiler/order_int.h"

#include <stdlib.h>
#include <string.h>

struct state {
	uint64_t *bits, hash, live, peak;
};

struct child {
	uint64_t hash, live, peak;
	uint32_t parent, node;
};

struct beam {
	struct order_space *space;
	const struct order_segment *seg;
	struct arena *arena;
	uint32_t n, words, width;
	struct state *now, *then; /* of this size, of the next one */
	uint32_t nnow;
	struct child *child;
	uint32_t nchild;
	struct order_move *move;
	struct child *made; /* [size * width + index]: how the state came about */
};

static uint64_t hash_of(uint64_t x)
{
	x = (x + 1) * 0x9e3779b97f4a7c15u;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	return x ^ x >> 31;
}

static int by_need(const void *a, const void *b)
{
	const struct child *x = a, *y = b;

	if (x->peak != y->peak)
		return x->peak < y->peak ? -1 : 1;
	if (x->live != y->live)
		return x->live < y->live ? -1 : 1;
	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	if (x->parent != y->parent)
		return x->parent < y->parent ? -1 : 1;
	return x->node < y->node ? -1 : x->node > y->node;
}

static void expand(struct beam *b, uint32_t index)
{
	const struct state *x = &b->now[index];
	struct order_set d = {b->seg->begin, b->seg->end, x->bits, x->live};
	uint32_t n = order_moves(b->space, &d, x->peak, b->move);

	for (uint32_t k = 0; k < n; k++) {
		const struct order_move *m = &b->move[k];

		b->child[b->nchild++] = (struct child){.hash = x->hash ^ hash_of(m->node),
						       .live = m->after,
						       .peak = MAX(x->peak, m->during),
						       .parent = index,
						       .node = m->node};
	}
}

static void keep(struct beam *b, struct child *made)
{
	struct state *swap = b->now;
	uint32_t kept = 0;

	qsort(b->child, b->nchild, sizeof(*b->child), by_need);
	for (uint32_t k = 0; k < b->nchild && kept < b->width; k++) {
		const struct child *c = &b->child[k];
		struct state *x = &b->then[kept];
		struct order_set d = {.begin = b->seg->begin, .end = b->seg->end, .bits = x->bits};

		if (k && c->hash == c[-1].hash)
			continue; /* the same set */
		memcpy(x->bits, b->now[c->parent].bits, b->words * sizeof(*x->bits));
		order_flip(&d, c->node);
		x->hash = c->hash;
		x->live = c->live;
		x->peak = c->peak;
		made[kept++] = *c;
	}
	b->now = b->then;
	b->then = swap;
	b->nnow = kept;
	b->nchild = 0;
}

static struct state *new_states(const struct beam *b)
{
	struct state *x = NEW(b->arena, b->width, struct state);

	for (uint32_t i = 0; i < b->width; i++)
		x[i].bits = NEW(b->arena, b->words, uint64_t);
	return x;
}

void order_beam(struct order_space *space, const struct order_segment *seg, uint64_t floor,
		uint32_t width, uint32_t *node)
{
	struct beam b = {.space = space, .seg = seg, .arena = arena_open(0), .width = width};
	uint32_t at = 0;

	b.n = seg->end - seg->begin;
	b.words = b.n / 64 + 1;
	b.move = NEW(b.arena, b.n, struct order_move);
	b.child = NEW(b.arena, (size_t)b.n * width, struct child);
	b.made = NEW(b.arena, (size_t)b.n * width, struct child);
	b.now = new_states(&b);
	b.then = new_states(&b);
	b.nnow = 1;
	b.now[0].live = seg->live;
	b.now[0].peak = MAX(floor, seg->bound);
	for (uint32_t size = 0; size < b.n; size++) {
		for (uint32_t i = 0; i < b.nnow; i++)
			expand(&b, i);
		keep(&b, b.made + (size_t)size * width);
	}
	for (uint32_t size = b.n; size-- > 0;) {
		const struct child *c = &b.made[(size_t)size * width + at];

		node[size] = c->node;
		at = c->parent;
	}
	arena_close(b.arena);
}
