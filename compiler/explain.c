/*
 * --explain-peak: which tensors make the peak, and what would lower it. For
 * each tensor that is live at the peak step: what it is there for, and the
 * most bytes that would be live at one step if it and its like (same type,
 * same operator) did not exist: what the best fusion, tiling or order around
 * it could reach.
 */
#include "compiler/ops/op.h"
#include "compiler/passes.h"

#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX 40

enum role { READ_HERE, WRITTEN_HERE, WAITS };

struct entry { /* values that have the same bytes of one slot at the peak */
	slot_id slot;
	uint64_t low, high;
	val_id first_val, last_val; /* the one that was there before, the one that comes over it */
	enum role role;
	uint64_t without; /* the peak without it and those like it */
	uint32_t like;
};

struct explain {
	const struct graph *g;
	struct arena *tmp;
	const bool *gone; /* per value */
	val_id *by_slot;  /* values with storage, by slot, then offset */
	uint32_t n, peak_step;
	uint64_t peak;
	struct entry *entry;
	uint32_t nentries;
};

static uint64_t extent(const struct val *v)
{
	uint64_t item = (uint64_t)val_item(v) * dtype_size(v->type.dt);
	uint64_t rows = item ? val_bytes(v) / item : 0;

	return rows ? (rows - 1) * (uint64_t)v->pitch * dtype_size(v->type.dt) + item : 0;
}

/* ---- live bytes at a step: of each slot the union of its live values ---- */

static int compare(const void *a, const void *b, void *ctx)
{
	const struct graph *g = ctx;
	val_id v = *(const val_id *)a, w = *(const val_id *)b;
	const struct val *x = &g->val[v], *y = &g->val[w];

	if (x->slot != y->slot)
		return x->slot < y->slot ? -1 : 1;
	if (x->off != y->off)
		return x->off < y->off ? -1 : 1;
	return v < w ? -1 : v > w;
}

static void collect(struct explain *x)
{
	const struct graph *g = x->g;

	x->by_slot = NEW(x->tmp, g->nval, val_id);
	for (val_id v = 1; v < g->nval; v++)
		if (g->val[v].slot)
			x->by_slot[x->n++] = v;
	qsort_r(x->by_slot, x->n, sizeof(*x->by_slot), compare, (void *)(uintptr_t)g);
}

static bool is_live(const struct explain *x, val_id v, uint32_t step)
{
	const struct val *val = &x->g->val[v];

	return val->first <= step && step <= val->last && !(x->gone && x->gone[v]);
}

static uint64_t live_at(const struct explain *x, uint32_t step)
{
	const struct graph *g = x->g;
	uint64_t sum = 0, edge = 0;
	slot_id slot = 0;

	for (uint32_t i = 0; i < x->n; i++) {
		const struct val *v = &g->val[x->by_slot[i]];
		uint64_t high = v->off + extent(v);

		if (v->slot != slot)
			edge = 0;
		slot = v->slot;
		if (!is_live(x, x->by_slot[i], step) || high <= edge)
			continue;
		sum += high - MAX(edge, v->off);
		edge = high;
	}
	if (step < g->nnode && g->node[step].scratch)
		sum += g->slot[g->node[step].scratch].size;
	return sum;
}

static uint64_t find_peak(const struct explain *x, uint32_t *step)
{
	uint64_t most = 0;

	for (uint32_t s = 0; s < x->g->nnode; s++) {
		uint64_t live = live_at(x, s);

		if (live > most) {
			most = live;
			*step = s;
		}
	}
	return most;
}

/* ---- what is live there ---- */

static bool reads(const struct node *n, val_id v)
{
	for (uint32_t k = 0; k < n->nin; k++)
		if (n->in[k] == v)
			return true;
	return false;
}

static enum role role_of(const struct explain *x, const struct entry *e)
{
	const struct node *n = &x->g->node[x->peak_step];

	if (x->g->val[e->last_val].def == x->peak_step + 1)
		return WRITTEN_HERE;
	return reads(n, e->first_val) || reads(n, e->last_val) ? READ_HERE : WAITS;
}

static void add_entry(struct explain *x, val_id v)
{
	const struct val *val = &x->g->val[v];
	struct entry e = {.slot = val->slot, .low = val->off, .high = val->off + extent(val)};

	e.first_val = e.last_val = v;

	for (uint32_t i = 0; i < x->nentries; i++) {
		struct entry *o = &x->entry[i];

		if (o->slot == e.slot && o->low <= e.low && e.high <= o->high) {
			if (x->g->val[v].def > x->g->val[o->last_val].def)
				o->last_val = v;
			return;
		}
		if (o->slot == e.slot && e.low <= o->low && o->high <= e.high &&
		    o->low != o->high) {
			/* a whole of which a part was listed */
			o->low = e.low;
			o->high = e.high;
			o->last_val = v;
			return;
		}
	}
	x->entry = GROW(x->tmp, x->entry, x->nentries);
	x->entry[x->nentries++] = e;
}

static int by_bytes(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	uint64_t p = x->high - x->low, q = y->high - y->low;

	if (p != q)
		return p < q ? 1 : -1;
	return x->first_val < y->first_val ? -1 : x->first_val > y->first_val;
}

/* Of one type, made by one kind of operator: what a rewrite removes, it removes everywhere. */
static bool alike(const struct graph *g, val_id v, val_id w)
{
	const struct val *x = &g->val[v], *y = &g->val[w];

	if (v == w)
		return true;
	return x->def && y->def && type_equal(&x->type, &y->type) &&
	       !strcmp(node_op(&g->node[x->def - 1]), node_op(&g->node[y->def - 1]));
}

/* w comes over v where v dies, or v over w. */
static bool hands_over(const struct graph *g, val_id v, val_id w)
{
	const struct val *x = &g->val[v], *y = &g->val[w];

	return x->slot == y->slot && x->off < y->off + extent(y) && y->off < x->off + extent(x) &&
	       (x->first == y->last || y->first == x->last);
}

/* v, what shares its bytes in place, and what is like either. */
static void remove_like(const struct explain *x, val_id v, bool *gone)
{
	for (uint32_t i = 0; i < x->n; i++) {
		val_id w = x->by_slot[i];

		if (w != v && !hands_over(x->g, v, w))
			continue;
		for (uint32_t k = 0; k < x->n; k++)
			gone[x->by_slot[k]] = gone[x->by_slot[k]] || alike(x->g, w, x->by_slot[k]);
	}
}

static void fill(struct explain *x, struct entry *e)
{
	bool *gone = NEW(x->tmp, x->g->nval, bool);
	struct explain y = *x;
	uint32_t step;

	for (uint32_t i = 0; i < x->n; i++)
		e->like +=
			x->by_slot[i] != e->first_val && alike(x->g, x->by_slot[i], e->first_val);
	remove_like(x, e->first_val, gone);
	remove_like(x, e->last_val, gone);
	y.gone = gone;
	e->role = role_of(x, e);
	e->without = find_peak(&y, &step);
}

/* ---- words ---- */

static const char *name(const struct graph *g, val_id v)
{
	return g->val[v].name && g->val[v].name[0] ? g->val[v].name
						   : arena_printf(g->arena, "%%%u", v);
}

static void put_count(struct buf *out, uint64_t n)
{
	if (n >= 1000) {
		put_count(out, n / 1000);
		buf_printf(out, " %03llu", (unsigned long long)(n % 1000));
	} else {
		buf_printf(out, "%llu", (unsigned long long)n);
	}
}

/* Right-aligned. */
static void put_column(struct buf *out, uint64_t n, int width)
{
	struct buf text = BUF_INIT;

	put_count(&text, n);
	buf_printf(out, "%*s", width, buf_str(&text));
	buf_release(&text);
}

/* The next node after the peak that reads it; nnode: none, it is an output. */
static uint32_t next_reader(const struct explain *x, const struct entry *e)
{
	for (uint32_t i = x->peak_step + 1; i < x->g->nnode; i++)
		if (reads(&x->g->node[i], e->last_val))
			return i;
	return x->g->nnode;
}

static void put_node(struct buf *out, const struct graph *g, uint32_t node)
{
	const struct node *n = &g->node[node];

	buf_printf(out, "%s \"%s\"", node_op(n)[0] ? node_op(n) : "copy", n->name);
}

static void put_role(struct buf *out, const struct explain *x, const struct entry *e)
{
	uint32_t next = next_reader(x, e);

	if (e->role == READ_HERE)
		buf_puts(out, "read here");
	else if (e->role == WRITTEN_HERE)
		buf_puts(out, e->first_val == e->last_val ? "written here" : "overwritten here");
	else
		buf_puts(out, "waits");
	if (next < x->g->nnode && e->role != WRITTEN_HERE) {
		buf_puts(out, ", for ");
		put_node(out, x->g, next);
	} else if (x->g->val[e->last_val].output) {
		buf_puts(out, ", is an output");
	}
}

static void put_advice(struct buf *out, const struct explain *x, const struct entry *e)
{
	const struct graph *g = x->g;
	const struct val *v = &g->val[e->first_val];
	const char *way = "a kernel that makes and uses it tile by tile";

	if (e->without >= x->peak)
		return;
	if (v->input)
		way = "a smaller input, or one that is read band by band";
	else if (e->role == WAITS)
		way = "computing it again later, or reading it earlier";
	buf_puts(out, "  ");
	put_column(out, e->without, 15);
	buf_printf(out, "  without \"%s\"", name(g, e->first_val));
	if (e->like)
		buf_printf(out, " and %u like it", e->like);
	buf_printf(out, ": %s\n", way);
}

static void put_entry(struct buf *out, const struct explain *x, const struct entry *e)
{
	const struct graph *g = x->g;
	const struct val *v = &g->val[e->first_val], *last = &g->val[e->last_val];

	buf_puts(out, "  ");
	put_column(out, e->high - e->low, 15);
	buf_printf(out, "  %3.0f %%  %5u-%-5u  \"%s\"",
		   100.0 * (double)(e->high - e->low) / (double)x->peak, v->first, last->last,
		   name(g, e->first_val));
	if (e->last_val != e->first_val)
		buf_printf(out, " and \"%s\" over it", name(g, e->last_val));
	buf_printf(out, " %s: ", type_text(g->arena, &v->type));
	put_role(out, x, e);
	buf_puts(out, "\n");
}

void explain_peak(const struct graph *g, struct buf *out)
{
	struct explain x = {.g = g, .tmp = arena_open(0)};
	uint64_t wide = 0;

	collect(&x);
	x.peak = find_peak(&x, &x.peak_step);
	for (uint32_t i = 0; i < x.n; i++)
		if (is_live(&x, x.by_slot[i], x.peak_step))
			add_entry(&x, x.by_slot[i]);
	for (uint32_t i = 0; i < x.nentries; i++) {
		fill(&x, &x.entry[i]);
		if (g->val[x.entry[i].first_val].type.dt == F32)
			wide += x.entry[i].high - x.entry[i].low;
	}
	qsort(x.entry, x.nentries, sizeof(*x.entry), by_bytes);
	buf_puts(out, "arena ");
	put_count(out, g->arena_bytes);
	buf_puts(out, " bytes; most live at one step ");
	put_count(out, x.peak);
	buf_printf(out, ", at step %u of %u: ", x.peak_step, g->nnode);
	put_node(out, g, x.peak_step);
	buf_printf(out,
		   "\npacking: %s; order: %s\n\n            bytes  share  steps        tensor\n",
		   g->certificate, g->order_certificate);
	for (uint32_t i = 0; i < MIN(x.nentries, SHOWN_MAX); i++)
		put_entry(out, &x, &x.entry[i]);
	buf_puts(out,
		 "\nwhat would lower it (no more bytes than this would be live at one step)\n");
	for (uint32_t i = 0; i < MIN(x.nentries, SHOWN_MAX); i++)
		put_advice(out, &x, &x.entry[i]);
	buf_puts(out, "  ");
	put_column(out, x.peak - wide / 2, 15);
	buf_puts(out, "  with 16-bit floats at this step\n");
	arena_close(x.tmp);
}
