/*
 * Twins: chains of nodes that differ in nothing but their names (the paths of a
 * ResNeXt block, experts, heads). Whatever an order does with them can be done
 * so that the first one is always as far as the second, at least: swapping twins
 * changes nothing for the rest. So each node of the second waits for its image in
 * the first, and of the 3^32 sets of 32 chains of two nodes 561 are left.
 */
#include "compiler/order_int.h"

#include <stdlib.h>
#include <string.h>

#define INSIDE ((uint64_t)1 << 32) /* of the chain: counted from its beginning */

struct chain {
	uint32_t *node, n;
	uint64_t *word, nword; /* the chain written down; equal: twins */
};

struct twins {
	const struct order_space *s;
	struct arena *arena;
	struct chain *chain;
	uint32_t nchain;
	uint64_t *node_in, *cell_in; /* per node, cell: INSIDE + index in the present chain, or 0 */
};

/* ---- chains ---- */

/* The one node that waits for this one, and for no other; nnode if there is none. */
static uint32_t following(const struct order_space *s, uint32_t node)
{
	uint32_t next = s->next[node].n == 1 ? s->next[node].at[0] : s->p->nnode;

	return next < s->p->nnode && s->p->node[next].npred == 1 ? next : s->p->nnode;
}

static void find_chains(struct twins *t)
{
	const struct order_space *s = t->s;
	bool *follows = NEW(t->arena, s->p->nnode, bool);

	t->chain = NEW(t->arena, s->p->nnode, struct chain);
	for (uint32_t i = 0; i < s->p->nnode; i++) {
		struct chain *c = &t->chain[t->nchain];

		if (follows[i])
			continue;
		t->nchain++;
		for (uint32_t k = i; k < s->p->nnode; k = following(s, k)) {
			c->node = GROW(t->arena, c->node, c->n);
			c->node[c->n++] = k;
			follows[k] = true;
		}
	}
}

/* ---- writing a chain down ---- */

static void put(struct twins *t, struct chain *c, uint64_t word)
{
	c->word = GROW(t->arena, c->word, c->nword);
	c->word[c->nword++] = word;
}

static void put_nodes(struct twins *t, struct chain *c, uint32_t n, const uint32_t *node)
{
	put(t, c, n);
	for (uint32_t k = 0; k < n; k++)
		put(t, c, t->node_in[node[k]] ? t->node_in[node[k]] : node[k]);
}

static void put_cells(struct twins *t, struct chain *c, uint32_t n, const uint32_t *cell)
{
	put(t, c, n);
	for (uint32_t k = 0; k < n; k++)
		put(t, c, t->cell_in[cell[k]] ? t->cell_in[cell[k]] : cell[k]);
}

static void put_node(struct twins *t, struct chain *c, uint32_t node)
{
	const struct order_space *s = t->s;
	const struct order_node *n = &s->p->node[node];

	put(t, c, n->scratch);
	put_nodes(t, c, n->npred, n->pred);
	put_cells(t, c, s->reads[node].n, s->reads[node].at);
	put(t, c, n->ncredit);
	for (uint32_t k = 0; k < n->ncredit; k++) {
		put(t, c, n->credit[k].bytes);
		put(t, c, n->credit[k].parts);
		put_cells(t, c, n->credit[k].ncell, n->credit[k].cell);
	}
	put(t, c, s->writes[node].n);
	for (uint32_t k = 0; k < s->writes[node].n; k++) {
		const struct order_cell *cell = &s->p->cell[s->writes[node].at[k]];

		put(t, c, cell->bytes);
		put(t, c, cell->kept);
		put_nodes(t, c, cell->nread, cell->read);
	}
	put_nodes(t, c, s->next[node].n, s->next[node].at);
}

static void write_down(struct twins *t, struct chain *c)
{
	const struct order_space *s = t->s;
	uint64_t ncell = 0;

	for (uint32_t i = 0; i < c->n; i++) {
		t->node_in[c->node[i]] = INSIDE + i;
		for (uint32_t k = 0; k < s->writes[c->node[i]].n; k++)
			t->cell_in[s->writes[c->node[i]].at[k]] = INSIDE + ncell++;
	}
	for (uint32_t i = 0; i < c->n; i++)
		put_node(t, c, c->node[i]);
	for (uint32_t i = 0; i < c->n; i++) {
		t->node_in[c->node[i]] = 0;
		for (uint32_t k = 0; k < s->writes[c->node[i]].n; k++)
			t->cell_in[s->writes[c->node[i]].at[k]] = 0;
	}
}

/* ---- pairs ---- */

static int by_word(const void *a, const void *b)
{
	const struct chain *x = a, *y = b;
	int order;

	if (x->nword != y->nword)
		return x->nword < y->nword ? -1 : 1;
	order = memcmp(x->word, y->word, x->nword * sizeof(*x->word));
	return order ? order : (x->node[0] < y->node[0] ? -1 : x->node[0] > y->node[0]);
}

/* The given order has each node of x in front of its image. */
static bool is_before(const struct chain *x, const struct chain *y)
{
	for (uint32_t i = 0; i < x->n; i++)
		if (x->node[i] > y->node[i])
			return false;
	return true;
}

static void wait_for(struct arena *a, struct order_node *n, uint32_t pred)
{
	uint32_t *all = NEW(a, (size_t)n->npred + 1, uint32_t);

	if (n->npred)
		memcpy(all, n->pred, n->npred * sizeof(*all));
	all[n->npred++] = pred;
	n->pred = all;
}

void order_twins(const struct order_space *s, struct order_problem *p)
{
	struct arena *tmp = arena_open(0);
	struct twins t = {.s = s, .arena = tmp};
	struct order_node *node = arena_copy(s->arena, s->p->node, s->p->nnode * sizeof(*node));

	t.node_in = NEW(tmp, s->p->nnode, uint64_t);
	t.cell_in = NEW(tmp, s->p->ncell, uint64_t);
	find_chains(&t);
	for (uint32_t c = 0; c < t.nchain; c++)
		write_down(&t, &t.chain[c]);
	qsort(t.chain, t.nchain, sizeof(*t.chain), by_word);
	for (uint32_t c = 1; c < t.nchain; c++) {
		const struct chain *x = &t.chain[c - 1], *y = x + 1;

		if (x->nword != y->nword || !is_before(x, y) ||
		    memcmp(x->word, y->word, x->nword * sizeof(*x->word)) != 0)
			continue;
		for (uint32_t i = 0; i < x->n; i++)
			wait_for(s->arena, &node[y->node[i]], x->node[i]);
	}
	*p = *s->p;
	p->node = node;
	arena_close(tmp);
}
