/*
 * What Concats copy. At first nothing that can stand in the output. Then, as
 * far as the work allows, each case is decided by planning again: a value
 * that several Concats want stands in the one where the peak is least, then the copies are
 * fewest; and a Concat copies inputs where that makes the peak smaller.
 */
#include "compiler/alias_int.h"

#include <string.h>

#define TRY_WORK 20000000 /* nodes and values looked at, in all trials together */

struct trial {
	uint64_t peak;
	uint32_t copies;
};

struct choice {
	struct graph *g;
	struct leaves leaves;
	bool *before;
	uint32_t n; /* inputs of Concats */
	uint64_t work;
	struct trial best;
};

/* ---- trials ---- */

static struct trial plan_with(struct choice *c)
{
	struct trial t = {.copies = alias_assign(c->g, &c->leaves, false)};

	live_set(c->g);
	t.peak = live_peak(c->g);
	c->work += (uint64_t)c->g->nnode + c->g->nval;
	return t;
}

static bool may_try(const struct choice *c)
{
	return c->work < TRY_WORK;
}

static bool is_better(const struct trial *a, const struct trial *b)
{
	return a->peak < b->peak || (a->peak == b->peak && a->copies < b->copies);
}

static void keep(struct choice *c)
{
	memcpy(c->before, c->leaves.copied, c->n * sizeof(bool));
}

static void undo(struct choice *c)
{
	memcpy(c->leaves.copied, c->before, c->n * sizeof(bool));
}

/* ---- a value that several Concats want ---- */

struct want {
	uint32_t input; /* of a Concat, as an index into leaves */
	uint32_t next;	/* of the same value, + 1 */
};

static struct want *collect(const struct choice *c, uint32_t *newest)
{
	const struct graph *g = c->g;
	struct want *w = NEW(g->arena, c->n, struct want);

	for (uint32_t i = 0; i < g->nnode; i++) {
		const struct node *n = &g->node[i];

		for (uint32_t k = 0; alias_is_into(n) && k < n->nin; k++) {
			uint32_t input = c->leaves.first[n->out[0]] + k;

			w[input] = (struct want){input, newest[n->in[k]]};
			newest[n->in[k]] = input + 1;
		}
	}
	return w;
}

/* Each of them in turn has the value, the others copy it. */
static void choose_home(struct choice *c, const struct want *w, uint32_t newest)
{
	for (uint32_t home = newest; home && may_try(c); home = w[home - 1].next) {
		struct trial t;

		for (uint32_t i = newest; i; i = w[i - 1].next)
			c->leaves.copied[i - 1] = i != home;
		t = plan_with(c);
		if (is_better(&t, &c->best)) {
			c->best = t;
			keep(c);
		}
		undo(c);
	}
}

static void choose_homes(struct choice *c)
{
	uint32_t *newest = NEW(c->g->arena, c->g->nval, uint32_t);
	struct want *w = collect(c, newest);

	for (val_id v = 1; v < c->g->nval; v++)
		if (newest[v] && w[newest[v] - 1].next)
			choose_home(c, w, newest[v]);
}

/* ---- a Concat that copies ---- */

/* Tries what a Concat gains by copying its inputs, and then which of them it need not. */
static void choose_copies(struct choice *c, const struct node *n)
{
	bool *copied = &c->leaves.copied[c->leaves.first[n->out[0]]];
	struct trial t;

	memset(copied, true, n->nin * sizeof(*copied));
	t = plan_with(c);
	if (t.peak >= c->best.peak) {
		undo(c);
		return;
	}
	c->best = t;
	for (uint32_t k = 0; k < n->nin && may_try(c); k++) {
		copied[k] = c->before[copied - c->leaves.copied + k];
		if (copied[k])
			continue;
		t = plan_with(c);
		copied[k] = t.peak > c->best.peak;
		if (!copied[k])
			c->best = t;
	}
	keep(c);
}

const struct leaves *alias_choose(struct graph *g, uint64_t *peak, uint32_t *copies)
{
	struct choice *c = NEW(g->arena, 1, struct choice);

	c->g = g;
	c->leaves.first = NEW(g->arena, g->nval, uint32_t);
	for (uint32_t i = 0; i < g->nnode; i++)
		if (alias_is_into(&g->node[i])) {
			c->leaves.first[g->node[i].out[0]] = c->n;
			c->n += g->node[i].nin;
		}
	c->leaves.copied = NEW(g->arena, c->n, bool);
	c->before = NEW(g->arena, c->n, bool);
	c->best = plan_with(c);
	choose_homes(c);
	for (uint32_t i = 0; i < g->nnode && may_try(c); i++)
		if (alias_is_into(&g->node[i]))
			choose_copies(c, &g->node[i]);
	*peak = c->best.peak;
	*copies = c->best.copies;
	return &c->leaves;
}
