/*
 * From values to cells: bytes that the same values hold are born and die
 * together. A node reads the cells of its inputs; a view has no kernel, so that its
 * node reads nothing. An output over an operand that dies there is a credit.
 */
#include "compiler/order_model.h"

#include "compiler/alias.h"
#include "compiler/ops/op.h"
#include "compiler/order_content.h"
#include "compiler/plan.h"
#include "compiler/rewrites.h"
#include "compiler/storage.h"

#include <stdlib.h>

struct list {
	uint32_t n, *at;
};

struct hold { /* of these bytes of what a kernel makes */
	uint64_t low, high;
	val_id by;
};

struct holds {
	struct hold *at;
	uint32_t n;
};

struct model {
	const struct graph *g;
	struct arena *arena;
	struct order_contents content;
	bool shared;
	struct list *readers; /* per value: nodes, ascending */
	struct holds *holds;  /* per value that a kernel makes */
	struct list *cells;   /* per value */
	struct order_cell *cell;
	struct order_run *first; /* per cell: its first byte */
	uint32_t *last;		 /* per value that a kernel makes: 1 + the cell of its last byte */
	uint32_t ncell;
	uint64_t *mark; /* per node, value or cell: of the question that met it */
	uint64_t question;
};

static void append(struct arena *a, struct list *l, uint32_t x)
{
	l->at = GROW(a, l->at, l->n);
	l->at[l->n++] = x;
}

static uint64_t items(const struct graph *g, val_id v)
{
	return g->val[v].type.rank ? (uint64_t)g->val[v].type.dim[0] : 1;
}

/* ---- cells ---- */

struct edge { /* the value begins or ends to hold bytes here */
	uint64_t at;
	val_id v;
	bool end;
};

struct sweep { /* over the bytes that one kernel makes */
	struct edge *edge;
	uint32_t n;
	struct list holding;	 /* values that hold the present byte */
	uint32_t *place, *times; /* per value: 1 + its index in there; runs */
	uint64_t hash;		 /* of their set */
	uint32_t *table, mask;	 /* cell + 1, by hash */
	uint64_t *hash_of;	 /* per cell of the model */
};

static int by_at(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->v != y->v ? (x->v < y->v ? -1 : 1) : (int)x->end - (int)y->end;
}

static uint64_t mix(uint64_t x)
{
	x = (x + 1) * 0x9e3779b97f4a7c15u;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

static void cross(struct sweep *s, const struct edge *e)
{
	val_id last;

	if (!e->end && s->times[e->v]++ == 0) {
		s->holding.at[s->holding.n++] = e->v;
		s->place[e->v] = s->holding.n;
		s->hash ^= mix(e->v);
	}
	if (!e->end || --s->times[e->v])
		return;
	last = s->holding.at[--s->holding.n];
	s->holding.at[s->place[e->v] - 1] = last;
	s->place[last] = s->place[e->v];
	s->hash ^= mix(e->v);
}

static int by_index(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* What `from` makes at this byte, and the same values hold. */
static uint32_t new_cell(struct model *m, const struct sweep *s, val_id from, uint64_t byte)
{
	uint32_t def = m->g->val[from].def;
	struct order_cell c = {.writer = def ? def - 1 : ORDER_START};
	struct list read = {0};

	m->question++;
	for (uint32_t i = 0; i < s->holding.n; i++) {
		val_id v = s->holding.at[i];
		const struct list *readers = &m->readers[v];

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
	m->first = GROW(m->arena, m->first, m->ncell);
	m->first[m->ncell] = (struct order_run){from, byte, 1};
	return m->ncell++;
}

static uint32_t find_cell(struct model *m, struct sweep *s, val_id from, uint64_t byte)
{
	uint32_t at = (uint32_t)s->hash & s->mask;

	for (; s->table[at]; at = (at + 1) & s->mask)
		if (s->hash_of[s->table[at] - 1] == s->hash)
			return s->table[at] - 1;
	s->hash_of = GROW(m->arena, s->hash_of, m->ncell);
	s->hash_of[m->ncell] = s->hash;
	s->table[at] = m->ncell + 1;
	return new_cell(m, s, from, byte);
}

static void cut(struct model *m, struct sweep *s, val_id from)
{
	const struct holds *holds = &m->holds[from];
	uint32_t size = 16;

	s->n = 2 * holds->n;
	s->edge = NEW(m->arena, s->n, struct edge);
	for (uint32_t k = 0; k < holds->n; k++) {
		s->edge[2 * k] = (struct edge){holds->at[k].low, holds->at[k].by, false};
		s->edge[2 * k + 1] = (struct edge){holds->at[k].high, holds->at[k].by, true};
	}
	qsort(s->edge, s->n, sizeof(*s->edge), by_at);
	while (size < 2 * s->n)
		size *= 2;
	s->table = NEW(m->arena, size, uint32_t);
	s->mask = size - 1;
	for (uint32_t i = 0; i < s->n; i++) {
		cross(s, &s->edge[i]);
		if (i + 1 < s->n && s->edge[i + 1].at > s->edge[i].at && s->holding.n) {
			uint32_t c = find_cell(m, s, from, s->edge[i].at);

			m->cell[c].bytes += s->edge[i + 1].at - s->edge[i].at;
			m->last[from] = c + 1;
		}
	}
}

static val_id find(val_id *group, val_id v)
{
	while (group[v] != v)
		v = group[v] = group[group[v]];
	return v;
}

/* What is in no Concat nor written over anything that is, or over a part, ends where its slot does.
 */
static void round_ends(struct model *m)
{
	const struct graph *g = m->g;
	val_id *group = NEW(m->arena, g->nval, val_id);
	bool *inside = NEW(m->arena, g->nval, bool);

	for (val_id v = 1; v < g->nval; v++) {
		group[v] = m->content.root[v];
		inside[v] = m->content.held[v];
	}
	for (uint32_t i = 0; i < g->nnode; i++)
		for (uint32_t k = 0; k < g->node[i].nin && g->node[i].nout; k++) {
			val_id x = g->node[i].in[k], y = g->node[i].out[0];

			if (!x || !y || !alias_same_index(g, &g->node[i], k))
				continue;
			inside[y] = inside[y] ||
				    val_bytes(&g->val[x]) != val_bytes(&g->val[m->content.root[x]]);
			group[find(group, y)] = find(group, x);
		}
	for (val_id v = 1; v < g->nval; v++)
		if (inside[v])
			inside[find(group, v)] = true;
	for (val_id v = 1; v < g->nval; v++)
		if (m->last[v] && !inside[find(group, v)]) {
			uint64_t bytes = val_bytes(&g->val[v]);

			m->cell[m->last[v] - 1].bytes += round_up(bytes, PLAN_ALIGN) - bytes;
		}
}

static void make_cells(struct model *m)
{
	const struct graph *g = m->g;
	struct sweep s = {.place = NEW(m->arena, g->nval, uint32_t),
			  .times = NEW(m->arena, g->nval, uint32_t),
			  .holding = {.at = NEW(m->arena, g->nval, uint32_t)}};

	for (uint32_t i = 0; i < g->nnode; i++)
		for (uint32_t k = 0; k < g->node[i].nin && !storage_is_view(g, &g->node[i]); k++)
			append(m->arena, &m->readers[g->node[i].in[k]], i);
	for (val_id v = 1; v < g->nval; v++)
		for (uint32_t i = 0; i < m->content.of[v].n; i++) {
			const struct order_run *r = &m->content.of[v].run[i];
			struct holds *h = &m->holds[r->from];

			h->at = GROW(m->arena, h->at, h->n);
			h->at[h->n++] = (struct hold){r->at, r->at + r->bytes, v};
		}
	for (val_id v = 1; v < g->nval; v++)
		if (m->holds[v].n)
			cut(m, &s, v);
	round_ends(m);
	for (uint32_t c = 0; c < m->ncell; c++) /* an input that nobody reads is gone at once */
		if (m->cell[c].writer == ORDER_START && !m->cell[c].nread && !m->cell[c].kept)
			m->cell[c].bytes = 0;
}

/* ---- credits ---- */

/* A Concat has its bytes or, for all we know, a copy. */
static bool is_loose(const struct model *m, val_id v)
{
	return m->shared && m->content.held[m->content.root[v]];
}

/* Index by index is byte by byte; the gaps between items are a Concat's. */
static bool same_bytes(const struct model *m, const struct node *n, uint32_t k)
{
	const struct graph *g = m->g;
	val_id x = n->in[k], y = n->out[0];

	return alias_same_index(g, n, k) &&
	       (items(g, x) == 1 || g->val[x].pitch == g->val[y].pitch || is_loose(m, x) ||
		is_loose(m, y));
}

/* Where the cell begins in the value, which holds it. */
static uint64_t place_in(const struct model *m, uint32_t cell, val_id v)
{
	const struct order_content *c = &m->content.of[v];
	const struct order_run *first = &m->first[cell];
	uint64_t begin = 0;
	uint32_t i = 0;

	while (c->run[i].from != first->from || first->at < c->run[i].at ||
	       first->at >= c->run[i].at + c->run[i].bytes) {
		begin += c->run[i++].bytes;
		CHECK(i < c->n);
	}
	return begin + first->at - c->run[i].at;
}

/* The cells of input k that the node reads at the index that it writes, and in no other way. */
static struct list same_cells(struct model *m, const struct node *n, uint32_t k)
{
	const struct list *cells = &m->cells[n->in[k]];
	struct list same = {0};

	m->question += 2; /* marks: in input k; and elsewhere */
	for (uint32_t c = 0; c < cells->n; c++)
		m->mark[cells->at[c]] = m->question - 1;
	for (uint32_t j = 0; j < n->nin; j++) {
		const struct list *theirs = &m->cells[n->in[j]];
		bool same_index = n->in[j] && theirs->n && same_bytes(m, n, j);

		for (uint32_t c = 0; c < theirs->n; c++)
			if (m->mark[theirs->at[c]] == m->question - 1 &&
			    (!same_index || place_in(m, theirs->at[c], n->in[j]) !=
						    place_in(m, theirs->at[c], n->in[k])))
				m->mark[theirs->at[c]] = m->question;
	}
	for (uint32_t c = 0; c < cells->n; c++)
		if (m->mark[cells->at[c]] != m->question)
			append(m->arena, &same, cells->at[c]);
	return same;
}

/* Of the slots that hold what belongs to the caller: 1 input, 2 output. */
static uint8_t *find_callers(const struct model *m)
{
	uint8_t *whose = NEW(m->arena, m->g->nslot, uint8_t);

	for (val_id v = 1; v < m->g->nval; v++) {
		const struct val *x = &m->g->val[v];

		whose[x->slot] |= (uint8_t)((x->input ? 1 : 0) | (x->output ? 2 : 0));
	}
	return whose;
}

static uint64_t bytes_of(const struct model *m, const struct list *cells)
{
	uint64_t sum = 0;

	for (uint32_t c = 0; c < cells->n; c++)
		sum += m->cell[cells->at[c]].bytes;
	return sum;
}

static void add_credits(struct model *m, const struct node *n, const uint8_t *whose,
			struct order_node *to)
{
	const struct graph *g = m->g;
	val_id y = n->nout ? n->out[0] : 0;
	struct order_credit *credit = NEW(m->arena, n->nin, struct order_credit);

	to->credit = credit;
	for (uint32_t k = 0; y && k < n->nin && rewrite_on(g, REWRITE_INPLACE); k++) {
		val_id x = n->in[k];
		slot_id from = g->val[x].slot, slot = g->val[y].slot;
		bool fixed = !is_loose(m, x) && !is_loose(m, y);
		struct list over;

		if (!x || !from || !slot || !same_bytes(m, n, k) ||
		    (fixed && (from == slot || (whose[from] | whose[slot]) == 3)))
			continue;
		over = same_cells(m, n, k);
		if (over.n == m->cells[x].n || is_loose(m, x))
			credit[to->ncredit++] = (struct order_credit){
				.bytes = MIN(bytes_of(m, &over), bytes_of(m, &m->cells[y])),
				.parts = is_loose(m, x),
				.ncell = over.n,
				.cell = over.at};
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

static void add_node(struct model *m, uint32_t i, const uint8_t *whose, struct order_node *to)
{
	const struct node *n = &m->g->node[i];

	add_preds(m, i, to);
	add_credits(m, n, whose, to);
	if (n->op->scratch)
		to->scratch = round_up(n->op->scratch(m->g, n), PLAN_ALIGN);
}

bool order_model(const struct graph *g, struct arena *a, bool shared, struct order_problem *p)
{
	struct model m = {.g = g, .arena = a, .shared = shared};
	struct order_node *node = NEW(a, g->nnode, struct order_node);
	uint8_t *whose;

	if (!order_contents(g, a, shared, &m.content))
		return false;
	m.readers = NEW(a, g->nval, struct list);
	m.holds = NEW(a, g->nval, struct holds);
	m.last = NEW(a, g->nval, uint32_t);
	m.cells = NEW(a, g->nval, struct list);
	m.mark = NEW(a, g->nnode, uint64_t);
	make_cells(&m);
	m.mark = NEW(a, (size_t)g->nnode + m.ncell, uint64_t);
	whose = find_callers(&m);
	for (uint32_t i = 0; i < g->nnode; i++)
		add_node(&m, i, whose, &node[i]);
	*p = (struct order_problem){
		.nnode = g->nnode, .ncell = m.ncell, .node = node, .cell = m.cell};
	return true;
}
