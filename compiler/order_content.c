/*
 * Contents: of what bytes a value consists. A kernel's own are one run; a view has
 * a part of what it shows; a Concat has its inputs' contents, as far as they
 * stand in it, and copies of the rest.
 */
#include "compiler/order_content.h"

#include "compiler/access.h"
#include "compiler/alias.h"
#include "compiler/ops/op.h"
#include "compiler/rewrites.h"
#include "compiler/storage.h"

#include <stdlib.h>

#define RUNS_MAX 2000000

struct maker {
	const struct graph *g;
	struct arena *arena;
	struct order_contents *to;
	bool *gaps; /* per value: all kernels around it address by pitch */
	bool shared;
	uint32_t nrun;
};

static uint64_t item_bytes(const struct graph *g, val_id v)
{
	return (uint64_t)val_item(&g->val[v]) * dtype_size(g->val[v].type.dt);
}

static uint64_t items(const struct graph *g, val_id v)
{
	return g->val[v].type.rank ? (uint64_t)g->val[v].type.dim[0] : 1;
}

static void add_run(struct maker *m, val_id v, const struct order_run *r)
{
	struct order_content *c = &m->to->of[v];
	struct order_run *last = c->n ? &c->run[c->n - 1] : NULL;

	if (!r->bytes)
		return;
	if (last && last->from == r->from && last->at + last->bytes == r->at) {
		last->bytes += r->bytes;
		return;
	}
	c->run = GROW(m->arena, c->run, c->n);
	c->run[c->n++] = *r;
	m->nrun++;
}

static void add_own(struct maker *m, val_id v, uint64_t at, uint64_t end)
{
	add_run(m, v, &(struct order_run){v, at, end - at});
}

/* Bytes [at, at + bytes) of value x, behind what v has already. */
static void add_part(struct maker *m, val_id v, val_id x, uint64_t at, uint64_t bytes)
{
	uint64_t begin = 0;

	for (uint32_t i = 0; i < m->to->of[x].n && begin < at + bytes; i++) {
		const struct order_run *r = &m->to->of[x].run[i];
		uint64_t low = MAX(begin, at), high = MIN(begin + r->bytes, at + bytes);

		if (low < high)
			add_run(m, v,
				&(struct order_run){r->from, r->at + low - begin, high - low});
		begin += r->bytes;
	}
}

/* ---- views ---- */

static void add_view(struct maker *m, const struct node *n)
{
	const struct graph *g = m->g;
	val_id x = n->in[0], y = n->out[0];
	uint64_t offset, elem = dtype_size(g->val[y].type.dt);
	int64_t pitch;

	storage_view(g, n, val_item(&g->val[x]), &offset, &pitch); /* as if x had no gaps */
	m->to->root[y] = m->to->root[x];
	for (uint64_t i = 0; i < items(g, y); i++)
		add_part(m, y, x, offset + i * (uint64_t)pitch * elem, item_bytes(g, y));
}

/* ---- Concats ---- */

/*
 * alias leaves to the caller what is the caller's; but an output that is written over an operand in
 * a Concat may by chance come to stand where another Concat wants it.
 */
static bool is_callers(const struct maker *m, val_id v)
{
	const struct graph *g = m->g;
	val_id root = m->to->root[v];
	const struct node *n = g->val[root].def ? &g->node[g->val[root].def - 1] : NULL;

	if (!g->val[root].input && !g->val[root].output)
		return false;
	for (uint32_t k = 0; n && k < n->nin; k++)
		if (alias_same_index(g, n, k) && m->to->held[m->to->root[n->in[k]]])
			return false;
	return true;
}

/* Input k stands in the output, or might if nobody else wanted it; *offset: in dense bytes. */
static bool stands(const struct maker *m, const struct node *n, uint32_t k, uint64_t *offset)
{
	const struct graph *g = m->g;
	const struct val *x = &g->val[n->in[k]], *out = &g->val[n->out[0]];
	uint64_t real;

	if (!rewrite_on(g, REWRITE_CONCAT) || !x->slot ||
	    !storage_leaf(g, n, k, val_item(out), offset))
		return false;
	if (!m->shared)
		return storage_leaf(g, n, k, out->pitch, &real) && x->slot == out->slot &&
		       x->off == out->off + real;
	return !is_callers(m, n->in[k]) &&
	       (items(g, n->in[k]) < 2 || !((const struct axis_attr *)n->attr)->axis ||
		m->gaps[n->in[k]]);
}

struct piece { /* of the output: an item of an input, or all of it */
	uint64_t at, from, bytes;
	val_id v;
};

static int by_place(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static void add_concat(struct maker *m, const struct node *n)
{
	const struct graph *g = m->g;
	int axis = ((const struct axis_attr *)n->attr)->axis;
	val_id out = n->out[0];
	uint64_t end = 0, rows = axis ? items(g, out) : 1, offset;
	struct piece *piece = NEW(m->arena, n->nin * rows, struct piece);
	size_t count = 0;

	for (uint32_t k = 0; k < n->nin; k++) {
		val_id v = n->in[k];
		uint64_t bytes = item_bytes(g, v) * (axis ? 1 : items(g, v));

		if (!stands(m, n, k, &offset))
			continue;
		m->to->held[m->to->root[v]] = m->to->held[out] = true;
		for (uint64_t i = 0; i < rows; i++)
			piece[count++] = (struct piece){offset + i * item_bytes(g, out), i * bytes,
							bytes, v};
	}
	if (count)
		qsort(piece, count, sizeof(*piece), by_place);
	for (size_t i = 0; i < count; i++) {
		add_own(m, out, end, piece[i].at);
		add_part(m, out, piece[i].v, piece[i].from, piece[i].bytes);
		end = piece[i].at + piece[i].bytes;
	}
	add_own(m, out, end, val_bytes(&g->val[out]));
}

/* ---- the whole ---- */

static void find_gaps(struct maker *m)
{
	const struct graph *g = m->g;

	m->gaps = NEW(m->arena, g->nval, bool);
	for (uint32_t i = 0; i < g->nnode; i++)
		for (uint32_t k = 0; k < g->node[i].nout; k++)
			m->gaps[g->node[i].out[k]] = g->node[i].op->layout != WANT_PLAIN;
	for (uint32_t i = 0; i < g->nnode; i++)
		for (uint32_t k = 0; k < g->node[i].nin; k++)
			if (g->node[i].op->layout == WANT_PLAIN)
				m->gaps[g->node[i].in[k]] = false;
}

bool order_contents(const struct graph *g, struct arena *a, bool shared, struct order_contents *to)
{
	struct maker m = {.g = g, .arena = a, .to = to, .shared = shared};

	to->of = NEW(a, g->nval, struct order_content);
	to->root = NEW(a, g->nval, val_id);
	to->held = NEW(a, g->nval, bool);
	find_gaps(&m);
	for (val_id v = 1; v < g->nval; v++) {
		to->root[v] = v;
		if (g->val[v].slot && !g->val[v].def)
			add_own(&m, v, 0, val_bytes(&g->val[v]));
	}
	for (uint32_t i = 0; i < g->nnode && m.nrun <= RUNS_MAX; i++) {
		const struct node *n = &g->node[i];

		if (storage_is_view(g, n))
			add_view(&m, n);
		else if (alias_is_into(n))
			add_concat(&m, n);
		for (uint32_t k = 0; k < n->nout; k++)
			if (n->out[k] && !to->of[n->out[k]].n)
				add_own(&m, n->out[k], 0, val_bytes(&g->val[n->out[k]]));
	}
	return m.nrun <= RUNS_MAX;
}
