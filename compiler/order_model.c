/*
 * From storage to cells: bytes of a slot that the same values cover are born
 * and die together. A cell is written by the node whose kernel makes its bytes
 * (a view makes none, nor does a Concat of what stands inside its output), read by
 * all that read a value which covers it. A node's output over an operand that
 * dies there is a credit.
 */
#include "compiler/order_model.h"

#include "compiler/alias.h"
#include "compiler/ops/op.h"
#include "compiler/plan.h"
#include "compiler/rewrites.h"
#include "compiler/storage.h"

#include <stdlib.h>
#include <string.h>

struct list {
	uint32_t n, *at;
};

struct model {
	const struct graph *g;
	struct arena *arena;
	struct list *of_slot; /* per slot: values */
	struct list *readers; /* per value: nodes, ascending */
	struct list *cells;   /* per value */
	struct order_cell *cell;
	uint32_t ncell;
	uint64_t *mark; /* per node or cell: of the question that met it */
	uint64_t question;
};

static void append(struct arena *a, struct list *l, uint32_t x)
{
	l->at = GROW(a, l->at, l->n);
	l->at[l->n++] = x;
}

/* ---- runs of bytes ---- */

struct edge { /* a run of value v begins or ends here */
	uint64_t at;
	val_id v;
	bool end;
};

struct sweep { /* over the edges of one slot */
	struct edge *edge;
	uint32_t n;
	struct list covering;	/* values at the present byte */
	uint32_t *place;	/* per value: 1 + index in covering */
	uint64_t covering_hash; /* of their set */
	uint32_t *table, mask;	/* cell + 1, by that hash */
	uint64_t *hash;		/* per cell of the model */
};

static int by_at(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->v != y->v ? (x->v < y->v ? -1 : 1) : (int)y->end - (int)x->end;
}

static uint64_t hash_of(uint64_t x)
{
	x = (x + 1) * 0x9e3779b97f4a7c15u;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

static void add_edge(struct model *m, struct sweep *s, uint64_t at, val_id v, bool end)
{
	s->edge = GROW(m->arena, s->edge, s->n);
	s->edge[s->n++] = (struct edge){at, v, end};
}

/* One run per batch item, where there are gaps between them. The slot's end is rounded up. */
static void add_runs(struct model *m, struct sweep *s, val_id v)
{
	const struct val *x = &m->g->val[v];
	uint64_t elem = dtype_size(x->type.dt), item = (uint64_t)val_item(x) * elem;
	uint64_t pitch = (uint64_t)x->pitch * elem, runs = item ? val_bytes(x) / item : 0;
	uint64_t room = m->g->slot[x->slot].size;

	if (!runs)
		return; /* no element */
	if (pitch == item) {
		item *= runs;
		runs = 1;
	}
	for (uint64_t i = 0; i < runs; i++) {
		uint64_t low = x->off + i * pitch, high = low + item;

		if (i + 1 == runs && round_up(high, PLAN_ALIGN) == room)
			high = room;
		add_edge(m, s, low, v, false);
		add_edge(m, s, high, v, true);
	}
}

static void cross(struct model *m, struct sweep *s, const struct edge *e)
{
	s->covering_hash ^= hash_of(e->v);
	if (!e->end) {
		append(m->arena, &s->covering, e->v);
		s->place[e->v] = s->covering.n;
		return;
	}
	val_id last = s->covering.at[--s->covering.n];

	s->covering.at[s->place[e->v] - 1] = last;
	s->place[last] = s->place[e->v];
	s->place[e->v] = 0;
}

/* ---- cells ---- */

static bool shares(const struct graph *g, const struct node *n)
{
	return storage_is_view(g, n) || alias_is_into(n);
}

static bool covers(const struct sweep *s, val_id v)
{
	return v && s->place[v];
}

/* v's own node makes the bytes: no operand has them already. */
static bool is_made(const struct model *m, const struct sweep *s, val_id v)
{
	const struct node *n = &m->g->node[m->g->val[v].def - 1];

	for (uint32_t k = 0; shares(m->g, n) && k < n->nin; k++)
		if (covers(s, n->in[k]))
			return false;
	return true;
}

/* Of these bytes those that a Concat copies, but would not with luck: none is counted, so that no
 * order can need less than the cells say. */
static uint64_t sharable(const struct model *m, const struct sweep *s, uint64_t low, uint64_t high)
{
	for (uint32_t i = 0; i < s->covering.n; i++) {
		val_id v = s->covering.at[i];
		const struct node *n = m->g->val[v].def ? &m->g->node[m->g->val[v].def - 1] : NULL;

		if (n && alias_is_into(n) && is_made(m, s, v))
			return alias_sharable(m->g, n, low, high);
	}
	return 0;
}

static int by_index(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* A cell of the values that cover the present byte. */
static uint32_t new_cell(struct model *m, const struct sweep *s)
{
	struct order_cell c = {.writer = ORDER_START};
	struct list read = {0};

	m->question++;
	for (uint32_t i = 0; i < s->covering.n; i++) {
		val_id v = s->covering.at[i];
		const struct list *readers = &m->readers[v];

		if (m->g->val[v].def && is_made(m, s, v))
			c.writer = m->g->val[v].def - 1;
		c.kept = c.kept || m->g->val[v].output;
		append(m->arena, &m->cells[v], m->ncell);
		for (uint32_t k = 0; k < readers->n; k++)
			if (m->mark[readers->at[k]] != m->question) {
				m->mark[readers->at[k]] = m->question;
				append(m->arena, &read, readers->at[k]);
			}
	}
	if (read.n)
		qsort(read.at, read.n, sizeof(*read.at), by_index);
	c.read = read.at;
	c.nread = read.n;
	m->cell = GROW(m->arena, m->cell, m->ncell);
	m->cell[m->ncell] = c;
	return m->ncell++;
}

static uint32_t find_cell(struct model *m, struct sweep *s)
{
	uint32_t at = (uint32_t)s->covering_hash & s->mask;

	for (; s->table[at]; at = (at + 1) & s->mask)
		if (s->hash[s->table[at] - 1] == s->covering_hash)
			return s->table[at] - 1;
	s->hash = GROW(m->arena, s->hash, m->ncell);
	s->hash[m->ncell] = s->covering_hash;
	s->table[at] = m->ncell + 1;
	return new_cell(m, s);
}

static void cut_slot(struct model *m, struct sweep *s, slot_id slot)
{
	uint32_t size = 64;

	s->n = 0;
	for (uint32_t k = 0; k < m->of_slot[slot].n; k++)
		add_runs(m, s, m->of_slot[slot].at[k]);
	if (!s->n)
		return;
	qsort(s->edge, s->n, sizeof(*s->edge), by_at);
	while (size < 2 * s->n)
		size *= 2;
	s->table = NEW(m->arena, size, uint32_t);
	s->mask = size - 1;
	for (uint32_t i = 0; i < s->n; i++) {
		cross(m, s, &s->edge[i]);
		if (i + 1 < s->n && s->edge[i + 1].at > s->edge[i].at && s->covering.n) {
			uint32_t c = find_cell(m, s);

			m->cell[c].bytes += s->edge[i + 1].at - s->edge[i].at -
					    sharable(m, s, s->edge[i].at, s->edge[i + 1].at);
		}
	}
}

static void make_cells(struct model *m)
{
	const struct graph *g = m->g;
	struct sweep s = {.place = NEW(m->arena, g->nval, uint32_t)};

	for (uint32_t i = 0; i < g->nnode; i++)
		for (uint32_t k = 0; !storage_is_view(g, &g->node[i]) && k < g->node[i].nin; k++)
			append(m->arena, &m->readers[g->node[i].in[k]], i);
	for (val_id v = 1; v < g->nval; v++)
		if (g->val[v].slot)
			append(m->arena, &m->of_slot[g->val[v].slot], v);
	for (slot_id slot = 1; slot < g->nslot; slot++)
		cut_slot(m, &s, slot);
	for (uint32_t c = 0; c < m->ncell; c++) /* an input that nobody reads is gone at once */
		if (m->cell[c].writer == ORDER_START && !m->cell[c].nread && !m->cell[c].kept)
			m->cell[c].bytes = 0;
}

/* ---- credits ---- */

static int64_t items(const struct val *v)
{
	return v->type.rank ? v->type.dim[0] : 1;
}

/* Index by index is byte by byte. */
static bool same_bytes(const struct graph *g, const struct node *n, uint32_t k)
{
	const struct val *x = &g->val[n->in[k]], *y = &g->val[n->out[0]];

	return alias_same_index(g, n, k) && (items(x) == 1 || x->pitch == y->pitch);
}

/* The bytes of input k are read by the node at the index that it writes, and in no other way. */
static bool only_same_bytes(struct model *m, const struct node *n, uint32_t k)
{
	const struct graph *g = m->g;
	const struct val *x = &g->val[n->in[k]];
	const struct list *cells = &m->cells[n->in[k]];

	m->question++;
	for (uint32_t c = 0; c < cells->n; c++)
		m->mark[cells->at[c]] = m->question;
	for (uint32_t j = 0; j < n->nin; j++) {
		const struct list *other = &m->cells[n->in[j]];
		bool met = false;

		for (uint32_t c = 0; c < other->n; c++)
			met = met || m->mark[other->at[c]] == m->question;
		if (met && (g->val[n->in[j]].off != x->off || !same_bytes(g, n, j)))
			return false;
	}
	return true;
}

/* What belongs to the caller stays apart. */
static bool joins_input_and_output(const struct model *m, slot_id x, slot_id y)
{
	bool input = false, output = false;

	for (uint32_t k = 0; k < m->of_slot[x].n; k++)
		input = input || m->g->val[m->of_slot[x].at[k]].input;
	for (uint32_t k = 0; k < m->of_slot[y].n; k++)
		output = output || m->g->val[m->of_slot[y].at[k]].output;
	return input && output;
}

static uint64_t bytes_of(const struct model *m, val_id v)
{
	uint64_t sum = 0;

	for (uint32_t c = 0; c < m->cells[v].n; c++)
		sum += m->cell[m->cells[v].at[c]].bytes;
	return sum;
}

static void add_credits(struct model *m, const struct node *n, struct order_node *to)
{
	const struct graph *g = m->g;
	val_id y = n->nout ? n->out[0] : 0;
	struct order_credit *credit = NEW(m->arena, n->nin, struct order_credit);

	to->credit = credit;
	for (uint32_t k = 0; y && k < n->nin && rewrite_on(g, REWRITE_INPLACE); k++) {
		val_id x = n->in[k];
		slot_id from = g->val[x].slot, slot = g->val[y].slot;

		if (!x || !from || !slot || from == slot || !same_bytes(g, n, k) ||
		    joins_input_and_output(m, from, slot) || !only_same_bytes(m, n, k))
			continue;
		credit[to->ncredit++] =
			(struct order_credit){.bytes = MIN(bytes_of(m, x), bytes_of(m, y)),
					      .ncell = m->cells[x].n,
					      .cell = m->cells[x].at};
	}
}

/* ---- the whole ---- */

static void add_preds(struct model *m, uint32_t node, struct order_node *to)
{
	const struct node *n = &m->g->node[node];
	struct list pred = {0};

	m->question++;
	for (uint32_t k = 0; k < n->nin; k++) {
		uint32_t def = m->g->val[n->in[k]].def;

		if (!def || m->mark[def - 1] == m->question)
			continue;
		m->mark[def - 1] = m->question;
		append(m->arena, &pred, def - 1);
	}
	to->pred = pred.at;
	to->npred = pred.n;
}

void order_model(const struct graph *g, struct arena *a, struct order_problem *p)
{
	struct model m = {.g = g, .arena = a};
	struct order_node *node = NEW(a, g->nnode, struct order_node);

	m.of_slot = NEW(a, g->nslot, struct list);
	m.readers = NEW(a, g->nval, struct list);
	m.cells = NEW(a, g->nval, struct list);
	m.mark = NEW(a, (size_t)g->nnode + g->nval, uint64_t);
	make_cells(&m);
	m.mark = NEW(a, (size_t)g->nnode + m.ncell, uint64_t);
	for (uint32_t i = 0; i < g->nnode; i++) {
		const struct node *n = &g->node[i];

		add_preds(&m, i, &node[i]);
		add_credits(&m, n, &node[i]);
		if (n->op->scratch)
			node[i].scratch = round_up(n->op->scratch(g, n), PLAN_ALIGN);
	}
	*p = (struct order_problem){g->nnode, m.ncell, node, m.cell};
}
