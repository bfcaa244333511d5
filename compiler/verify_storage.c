/*
 * What verify checks of storage, proved anew from the nodes, without the code
 * that made it. Values may have bytes in common while both live where every
 * such byte holds the same data, that is, one kernel has written it: a view
 * holds what its input does, a Concat what stands at its place in the output.
 * Or the maker of one reads the other at the index that it writes, for the
 * last time.
 */
#include "compiler/access.h"
#include "compiler/ops/op.h"
#include "compiler/plan.h"
#include "compiler/verify_int.h"

#include <stdlib.h>

static const struct node *maker(const struct graph *g, val_id v)
{
	return g->val[v].def ? &g->node[g->val[v].def - 1] : NULL;
}

/* ---- the bytes of a value: one run per batch item, or one where there are no gaps ---- */

static uint64_t run_bytes(const struct val *v)
{
	return (v->pitch == val_item(v) ? val_bytes(v)
					: (uint64_t)val_item(v) * dtype_size(v->type.dt));
}

static uint64_t runs(const struct val *v)
{
	return v->pitch == val_item(v) || !v->type.rank ? 1 : (uint64_t)v->type.dim[0];
}

static uint64_t end_of(const struct val *v)
{
	uint64_t bytes = val_bytes(v) ? run_bytes(v) : 0;

	return v->off + bytes +
	       (bytes ? (runs(v) - 1) * (uint64_t)v->pitch * dtype_size(v->type.dt) : 0);
}

/* Byte `at` of the slot is one of v's; *next: not beyond where that changes. */
static bool covers(const struct val *v, uint64_t at, uint64_t *next)
{
	uint64_t pitch = (uint64_t)v->pitch * dtype_size(v->type.dt), run = 0, begin;

	if (at >= end_of(v))
		return false;
	if (at > v->off && runs(v) > 1)
		run = (at - v->off) / pitch;
	begin = v->off + run * pitch;
	if (at >= begin + run_bytes(v))
		begin += pitch;
	*next = MIN(*next, at < begin ? begin : begin + run_bytes(v));
	return at >= begin;
}

/* Bytes from the slot's start to one element. */
static uint64_t address(const struct val *v, const int64_t *at)
{
	int64_t item = 0, channel = 0;

	for (int i = 1; i < v->type.rank; i++) {
		if (v->layout == BLOCKED && i == 1)
			channel = at[1];
		else
			item = item * v->type.dim[i] + at[i];
	}
	if (v->layout == BLOCKED) {
		int64_t plane = BLOCK;

		for (int i = 2; i < v->type.rank; i++)
			plane *= v->type.dim[i];
		item = channel / BLOCK * plane + item * BLOCK + channel % BLOCK;
	}
	if (v->type.rank)
		item += at[0] * v->pitch;
	return v->off + (uint64_t)item * dtype_size(v->type.dt);
}

/* Corner number `corner` of a value, of 1 + 2 * rank: the first element, and two along each axis.
 */
static void corner_at(const struct type *t, int corner, int64_t at[RANK_MAX])
{
	int i = corner ? (corner - 1) / 2 : 0;

	for (int k = 0; k < RANK_MAX; k++)
		at[k] = 0;
	if (corner)
		at[i] = corner % 2 ? MIN(1, t->dim[i] - 1) : t->dim[i] - 1;
}

/* Channels from `first` on are whole blocks of x, or end as x does. */
static bool whole_blocks(const struct val *x, int64_t first, int64_t count)
{
	return x->layout == PLAIN ||
	       (first % BLOCK == 0 && (count % BLOCK == 0 || first + count == x->type.dim[1]));
}

/* The elements of x are those of y from `before` on along `axis`, byte for byte (by corners). */
static bool stands_inside(const struct val *x, const struct val *y, int axis, int64_t before)
{
	if (x->slot != y->slot || x->layout != y->layout || !type_count(&x->type) ||
	    !whole_blocks(y, axis == 1 ? before : 0, x->type.dim[1 % x->type.rank]))
		return false;
	for (int corner = 0; corner <= x->type.rank * 2; corner++) {
		int64_t in[RANK_MAX], out[RANK_MAX];

		corner_at(&x->type, corner, in);
		corner_at(&x->type, corner, out);
		out[axis] += before;
		if (address(x, in) != address(y, out))
			return false;
	}
	return true;
}

/* A part of x as the access says has all lanes of its blocks. */
static bool keeps_blocks(const struct val *x, const struct val *y, const struct access *a)
{
	if (x->layout == PLAIN)
		return true;
	return x->type.rank == y->type.rank && whole_blocks(x, a->start[1], y->type.dim[1]) &&
	       (y->type.dim[1] == 1 || (a->axis[1] == 1 && a->step[1] == 1));
}

/* The output of a Map without steps is where the input has those elements. */
static bool stays(const struct graph *g, const struct node *n)
{
	const struct val *x = node_in(g, n, 0), *y = node_out(g, n, 0);
	struct access a = access_of(g, n, 0);

	if (x->slot != y->slot || x->layout != y->layout || x->type.dt != y->type.dt ||
	    !type_count(&y->type) || !keeps_blocks(x, y, &a))
		return false;
	for (int corner = 0; corner <= y->type.rank * 2; corner++) {
		int64_t in[RANK_MAX] = {0}, out[RANK_MAX];

		corner_at(&y->type, corner, out);
		for (int i = 0; i < x->type.rank; i++)
			if (x->type.dim[i] > 1)
				in[i] = a.start[i] +
					(a.axis[i] < 0 ? 0 : a.step[i] * out[a.axis[i]]);
		if (address(x, in) != address(y, out))
			return false;
	}
	return true;
}

/* n's output shows bytes of its input: it has no kernel. */
static bool only_shows(const struct graph *g, const struct node *n)
{
	const struct val *x = node_in(g, n, 0), *y = node_out(g, n, 0);

	if (n->op == &op__View)
		return x->slot == y->slot && x->pitch == val_item(x) && y->pitch == val_item(y) &&
		       y->off == x->off + (uint64_t)((const struct view_attr *)n->attr)->offset *
						  dtype_size(x->type.dt);
	return n->op == &op__Map && !n->ntail && n->nin == 1 && !val_is_const(x) && stays(g, n);
}

/* ---- the same data ---- */

/* What every question asks again. */
struct facts {
	const struct graph *g;
	struct arena *tmp;
	bool *shows;   /* per value: its node only shows */
	bool **stands; /* per value, of a Concat: per input, it stands at its place */
};

static void stand(struct facts *f, const struct node *n)
{
	int axis = ((const struct axis_attr *)n->attr)->axis;
	bool *stands = f->stands[n->out[0]] = NEW(f->tmp, n->nin, bool);
	int64_t before = 0;

	for (uint32_t k = 0; k < n->nin; k++) {
		stands[k] = stands_inside(node_in(f->g, n, k), node_out(f->g, n, 0), axis, before);
		before += node_in(f->g, n, k)->type.dim[axis];
	}
}

static void facts_open(struct facts *f, const struct graph *g)
{
	*f = (struct facts){.g = g, .tmp = arena_open(0)};
	f->shows = NEW(f->tmp, g->nval, bool);
	f->stands = NEW(f->tmp, g->nval, bool *);
	for (uint32_t i = 0; i < g->nnode; i++) {
		const struct node *n = &g->node[i];

		if (n->op->mem[0].how == SHARE_INTO)
			stand(f, n);
		else if (n->nin == 1)
			f->shows[n->out[0]] = only_shows(g, n);
	}
}

static val_id leaf_at(const struct facts *f, const struct node *n, uint64_t at, uint64_t *next)
{
	const bool *stands = f->stands[n->out[0]];
	val_id found = 0;

	for (uint32_t k = 0; k < n->nin; k++)
		if (stands[k] && covers(node_in(f->g, n, k), at, next))
			found = n->in[k];
	return found;
}

/* The value whose kernel writes byte `at` of v; *next: not beyond where that changes. */
static val_id writer(const struct facts *f, val_id v, uint64_t at, uint64_t *next)
{
	for (;;) {
		const struct node *n = maker(f->g, v);
		val_id from = 0;

		covers(&f->g->val[v], at, next);
		if (f->stands[v])
			from = leaf_at(f, n, at, next);
		else if (f->shows[v])
			from = n->in[0];
		if (!from)
			return v;
		v = from;
	}
}

/* y shows x, or holds it at its place. */
static bool is_made_of(const struct facts *f, val_id y, val_id x)
{
	const struct node *n = maker(f->g, y);

	if (f->shows[y])
		return n->in[0] == x;
	for (uint32_t k = 0; f->stands[y] && k < n->nin; k++)
		if (n->in[k] == x && f->stands[y][k])
			return true;
	return false;
}

/* Each byte that x and y have in common holds the same data. */
static bool agree(const struct facts *f, val_id x, val_id y)
{
	const struct val *vx = &f->g->val[x], *vy = &f->g->val[y];
	uint64_t at = MAX(vx->off, vy->off), end = MIN(end_of(vx), end_of(vy));

	if (is_made_of(f, x, y) || is_made_of(f, y, x))
		return true;
	while (at < end) {
		uint64_t next = end;
		bool in_x = covers(vx, at, &next), in_y = covers(vy, at, &next);

		if (in_x && in_y && writer(f, x, at, &next) != writer(f, y, at, &next))
			return false;
		at = next;
	}
	return true;
}

/* ---- from alias: every value in its slot ---- */

static void check_value(const struct spec *s, val_id id)
{
	const struct graph *g = s->g;
	const struct val *v = &g->val[id];

	if (val_is_const(v) || (!v->def && !v->input)) {
		need(s, !v->slot, "%s needs no storage", v->name);
		return;
	}
	need(s, v->slot && v->slot < g->nslot, "%s has no storage", v->name);
	need(s, v->pitch >= val_item(v), "the items of %s overlap", v->name);
	need(s, end_of(v) <= g->slot[v->slot].size, "%s is larger than its slot", v->name);
	if (v->output || v->input)
		need(s, v->pitch == val_item(v), "%s is not dense", v->name);
}

void verify_alias(struct spec *s)
{
	const struct graph *g = s->g;
	struct facts f;

	s->node = g->nnode;
	for (val_id v = 1; v < g->nval; v++)
		check_value(s, v);
	for (slot_id i = 1; i < g->nslot; i++)
		need(s, g->slot[i].size && g->slot[i].size % PLAN_ALIGN == 0, "the size of slot %u",
		     i);
	facts_open(&f, g);
	for (s->node = 0; s->node < g->nnode; s->node++) {
		const struct node *n = &g->node[s->node];
		bool into = n->op->mem[0].how == SHARE_INTO;

		for (uint32_t k = 0; (into || n->op == &op__View) && k < n->nin; k++)
			need(s,
			     node_in(g, n, k)->slot != node_out(g, n, 0)->slot ||
				     agree(&f, n->in[k], n->out[0]),
			     "input %u is not at its place in the output", k);
	}
	arena_close(f.tmp);
}

/* ---- from live: nothing is overwritten before its last reader ---- */

static void check_ranges(struct spec *s, const struct facts *f)
{
	const struct graph *g = s->g;

	for (s->node = 0; s->node < g->nnode; s->node++) {
		const struct node *n = &g->node[s->node];

		if (n->nout && f->shows[n->out[0]]) {
			need(s, node_out(g, n, 0)->first == node_in(g, n, 0)->first,
			     "the view begins at another step than what it shows");
			continue;
		}
		for (uint32_t k = 0; k < n->nin; k++) {
			const struct val *v = node_in(g, n, k);

			need(s, !v || !v->slot || (v->first <= s->node && v->last >= s->node),
			     "input %u is not live", k);
		}
		for (uint32_t k = 0; k < n->nout; k++) {
			const struct val *v = node_out(g, n, k);

			need(s, !v || (v->first == s->node && v->last >= s->node),
			     "output %u is not live", k);
		}
		need(s,
		     !n->scratch || (g->slot[n->scratch].first == s->node &&
				     g->slot[n->scratch].last == s->node),
		     "its scratch memory is not live");
	}
}

static void check_slots(struct spec *s)
{
	const struct graph *g = s->g;

	s->node = g->nnode;
	for (val_id v = 1; v < g->nval; v++) {
		const struct val *x = &g->val[v];

		if (!x->slot)
			continue;
		need(s, x->first <= x->last, "%s dies before it is made", x->name);
		need(s, g->slot[x->slot].first <= x->first && g->slot[x->slot].last >= x->last,
		     "%s outlives its slot", x->name);
		need(s, !x->output || x->last + 1 == g->nnode, "output %s dies", x->name);
		need(s, !x->input || x->first == 0, "input %s comes late", x->name);
	}
}

/* By the contract of n its output may be written over input k, index by index. */
static bool by_index(const struct graph *g, const struct node *n, uint32_t k)
{
	bool contract = k >= node_tail_in(n) && !n->space;

	for (size_t r = 0; r < COUNT_OF(n->op->mem) && k < n->nmain; r++)
		contract = contract || (n->op->mem[r].how == SHARE_INPLACE &&
					(n->op->mem[r].in == k || n->op->mem[r].in == ANY_INPUT));
	return contract && access_is_identity(g, n, k);
}

/* y's maker reads x, and only at the index that it writes. */
static bool written_over(const struct graph *g, val_id x, val_id y)
{
	const struct node *n = maker(g, y);
	const struct val *vx = &g->val[x], *vy = &g->val[y];
	bool reads = false;

	if (!n || vx->off != vy->off || vx->layout != vy->layout || vx->pitch != vy->pitch ||
	    !shape_equal(&vx->type, &vy->type) ||
	    dtype_size(vx->type.dt) != dtype_size(vy->type.dt))
		return false;
	for (uint32_t k = 0; k < n->nin; k++) {
		if (n->in[k] == x && !by_index(g, n, k))
			return false;
		reads = reads || n->in[k] == x;
	}
	return reads;
}

static val_id shown(const struct facts *f, val_id v)
{
	while (f->shows[v])
		v = maker(f->g, v)->in[0];
	return v;
}

static void check_pair(const struct spec *s, const struct facts *f, val_id x, val_id y)
{
	const struct graph *g = s->g;
	const struct val *vx = &g->val[x], *vy = &g->val[y];

	if (vx->last < vy->first || vy->last < vx->first || end_of(vx) <= vy->off ||
	    end_of(vy) <= vx->off)
		return;
	if ((vx->first == vy->last && written_over(g, y, shown(f, x))) ||
	    (vy->first == vx->last && written_over(g, x, shown(f, y))))
		return;
	need(s, agree(f, x, y), "%s and %s share bytes of slot %u", vx->name, vy->name, vx->slot);
}

void verify_live(struct spec *s)
{
	const struct graph *g = s->g;
	struct facts f;
	val_id *newest, *next;

	facts_open(&f, g);
	newest = NEW(f.tmp, g->nslot, val_id);
	next = NEW(f.tmp, g->nval, val_id);
	check_ranges(s, &f);
	check_slots(s);
	s->node = g->nnode;
	for (val_id v = 1; v < g->nval; v++) {
		slot_id slot = g->val[v].slot;

		if (!slot)
			continue;
		for (val_id w = newest[slot]; w; w = next[w])
			check_pair(s, &f, v, w);
		next[v] = newest[slot];
		newest[slot] = v;
	}
	arena_close(f.tmp);
}

/* ---- from plan: what lives in different slots at one step is apart ---- */

struct region {
	uint64_t low, high;
	uint32_t first, last;
	slot_id slot;
	const struct val *val; /* NULL: scratch memory */
};

static int by_first(const void *a, const void *b)
{
	const struct region *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

static struct region *collect(const struct graph *g, struct arena *a, uint32_t *count)
{
	struct region *r = NEW(a, (size_t)g->nval + g->nnode, struct region);
	uint32_t n = 0;

	for (val_id v = 1; v < g->nval; v++) {
		const struct val *x = &g->val[v];
		uint64_t at = g->slot[x->slot].offset;

		if (x->slot)
			r[n++] = (struct region){at + x->off, at + end_of(x), x->first,
						 x->last,     x->slot,	      x};
	}
	for (uint32_t i = 0; i < g->nnode; i++) {
		slot_id slot = g->node[i].scratch;
		uint64_t at = g->slot[slot].offset;

		if (slot)
			r[n++] = (struct region){at, at + g->slot[slot].size, i, i, slot, NULL};
	}
	*count = n;
	if (n)
		qsort(r, n, sizeof(*r), by_first);
	return r;
}

/* Byte `at` of the arena belongs to r. */
static bool region_covers(const struct graph *g, const struct region *r, uint64_t at,
			  uint64_t *next)
{
	uint64_t base = g->slot[r->slot].offset, end = *next - base;
	bool in;

	if (!r->val)
		return true;
	in = covers(r->val, at - base, &end);
	*next = base + end;
	return in;
}

static bool apart(const struct graph *g, const struct region *x, const struct region *y)
{
	uint64_t at = MAX(x->low, y->low), end = MIN(x->high, y->high);

	while (at < end && x->slot != y->slot) {
		uint64_t next = end;
		bool in_x = region_covers(g, x, at, &next), in_y = region_covers(g, y, at, &next);

		if (in_x && in_y)
			return false;
		at = next;
	}
	return true;
}

static const char *name_of(const struct region *r)
{
	return r->val ? r->val->name : "scratch memory";
}

void verify_plan(struct spec *s)
{
	const struct graph *g = s->g;
	struct arena *tmp = arena_open(0);
	uint32_t n, nlive = 0;
	const struct region *r = collect(g, tmp, &n);
	const struct region **live = NEW(tmp, n, const struct region *); /* at the step of r[i] */

	s->node = g->nnode;
	need(s, g->lower_bound <= g->arena_bytes && g->certificate, "the plan's size");
	for (slot_id i = 1; i < g->nslot; i++)
		need(s,
		     g->slot[i].offset % PLAN_ALIGN == 0 &&
			     g->slot[i].offset + g->slot[i].size <= g->arena_bytes,
		     "slot %u is outside the arena", i);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t kept = 0;

		for (uint32_t k = 0; k < nlive; k++)
			if (live[k]->last >= r[i].first)
				live[kept++] = live[k];
		for (uint32_t k = 0; k < kept; k++)
			need(s, apart(g, live[k], &r[i]), "%s of slot %u and %s of slot %u overlap",
			     name_of(live[k]), live[k]->slot, name_of(&r[i]), r[i].slot);
		live[kept] = &r[i];
		nlive = kept + 1;
	}
	arena_close(tmp);
}
