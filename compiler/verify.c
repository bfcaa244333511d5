/*
 * The spec of the IR, run after every pass: each check holds from the pass
 * named in the table on. A broken one is a bug of ours: it says which and
 * aborts. What is checked of storage is proved anew from the nodes, without
 * the code that made it.
 */
#include "compiler/access.h"
#include "compiler/ops/op.h"
#include "compiler/passes.h"
#include "compiler/plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct spec {
	const struct graph *g;
	const char *pass;
	uint32_t node; /* the one looked at */
};

static void need(const struct spec *s, bool ok, const char *fmt, ...) PRINTF(3, 4);
static void need(const struct spec *s, bool ok, const char *fmt, ...)
{
	va_list ap;

	if (ok)
		return;
	fprintf(stderr, "verify: after %s", s->pass);
	if (s->node < s->g->nnode)
		fprintf(stderr, ", node %u (%s)", s->node,
			s->g->node[s->node].op ? s->g->node[s->node].op->name : "no operator");
	fputs(": ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("\n", stderr);
	check_failed(fmt, __FILE__, __LINE__);
}

static bool is_map(const struct node *n)
{
	return n->op == &op__Map;
}

static bool is_view(const struct node *n)
{
	return n->op == &op__View;
}

static const struct node *maker(const struct graph *g, val_id v)
{
	return g->val[v].def ? &g->node[g->val[v].def - 1] : NULL;
}

/* ---- from onnx: definitions before uses, each value defined once ---- */

static void check_operands(struct spec *s, const struct node *n)
{
	const struct graph *g = s->g;

	for (uint32_t k = 0; k < n->nin; k++) {
		val_id v = n->in[k];

		need(s, v < g->nval, "input %u is no value", k);
		if (!v)
			continue;
		need(s, g->val[v].def <= s->node, "input %u (%s) is defined later", k,
		     g->val[v].name);
		need(s, g->val[v].def || g->val[v].input || val_is_const(&g->val[v]),
		     "nothing defines input %u (%s)", k, g->val[v].name);
	}
	for (uint32_t k = 0; k < n->nout; k++) {
		val_id v = n->out[k];

		need(s, v < g->nval, "output %u is no value", k);
		need(s, !v || g->val[v].def == s->node + 1, "output %u (%s) is defined by %u", k,
		     g->val[v].name, g->val[v].def);
		need(s, !v || !val_is_const(&g->val[v]), "output %u (%s) is a constant", k,
		     g->val[v].name);
	}
}

static void check_definitions(struct spec *s)
{
	const struct graph *g = s->g;

	for (s->node = 0; s->node < g->nnode; s->node++) {
		need(s, g->node[s->node].op != NULL, "it has no operator");
		need(s, !g->node[s->node].dead, "it is dead, but still there");
		check_operands(s, &g->node[s->node]);
	}
	for (uint32_t i = 0; i < g->ninput; i++)
		need(s, g->val[g->input[i]].input && !g->val[g->input[i]].def, "input %u", i);
	for (uint32_t i = 0; i < g->noutput; i++)
		need(s, g->output[i] && g->val[g->output[i]].output, "output %u", i);
}

/* ---- from infer: types ---- */

static void check_type(const struct spec *s, val_id v)
{
	const struct type *t = &s->g->val[v].type;
	int64_t count;

	need(s, t->dt != DT_NONE && t->rank <= RANK_MAX && type_count_ok(t, &count),
	     "the type of %s is not known", s->g->val[v].name);
}

static void check_types(struct spec *s)
{
	const struct graph *g = s->g;

	for (s->node = 0; s->node < g->nnode; s->node++) {
		for (uint32_t k = 0; k < g->node[s->node].nin; k++)
			if (g->node[s->node].in[k])
				check_type(s, g->node[s->node].in[k]);
		for (uint32_t k = 0; k < g->node[s->node].nout; k++)
			if (g->node[s->node].out[k])
				check_type(s, g->node[s->node].out[k]);
	}
}

/* ---- from fuse: tails, accesses, views ---- */

static void check_arg(const struct spec *s, const struct node *n, uint32_t step, uint16_t arg)
{
	uint32_t k = arg & (uint32_t)~TAIL_IN;

	if (arg & TAIL_IN)
		need(s, k >= n->nmain && k < n->nin && n->in[k], "step %u reads input %u", step, k);
	else
		need(s, arg <= step && (arg || !is_map(n)), "step %u reads result %u", step, arg);
}

static void check_tail(const struct spec *s, const struct node *n)
{
	need(s, n->nmain <= n->nin, "more inputs of its own than inputs");
	need(s, !n->ntail || n->op->tail || is_map(n), "it can't have a tail");
	need(s, !is_map(n) || !n->nmain, "a map has no inputs of its own");
	need(s, n->ntail || n->nin == (is_map(n) ? 1 : n->nmain), "inputs that nothing reads");
	need(s,
	     !n->ntail ||
		     (n->nout == 1 && n->tail[n->ntail - 1].dt == s->g->val[n->out[0]].type.dt),
	     "the tail's result is not the output");
	for (uint32_t i = 0; i < n->ntail; i++) {
		need(s, n->tail[i].op && n->tail[i].op->expr, "step %u is not elementwise", i);
		need(s, n->tail[i].nargs <= TAIL_ARGS, "step %u has too many operands", i);
		for (uint32_t k = 0; k < n->tail[i].nargs; k++)
			check_arg(s, n, i, n->tail[i].arg[k]);
	}
	for (uint32_t k = n->nmain; k < n->nin; k++) {
		struct access a = access_of(s->g, n, k);

		need(s, access_fits(&a, &s->g->val[n->in[k]].type, &s->g->val[n->out[0]].type),
		     "input %u is read out of range", k);
	}
}

/* A .Conv: no operand of a step before its pool depends on the pixel, those behind read its result. */
static void check_before(const struct spec *s, const struct node *n)
{
	const struct conv_attr *attr = n->attr;
	int64_t before = attr->store.before;

	need(s, attr->store.overlaps ? before == n->ntail : before <= n->ntail,
	     "%u steps, of them %lld before the pool", n->ntail, (long long)before);
	for (uint32_t i = 0; i < n->ntail; i++)
		for (uint32_t a = 0; a < n->tail[i].nargs; a++) {
			uint32_t arg = n->tail[i].arg[a], k = arg & (uint32_t)~TAIL_IN;
			struct access at;

			if (!(arg & TAIL_IN)) {
				need(s, i < before || arg >= before, "step %u reads past the pool",
				     i);
				continue;
			}
			at = access_of(s->g, n, k);
			for (int j = 0; j < s->g->val[n->in[k]].type.rank && i < before; j++)
				need(s, at.axis[j] <= 1 || s->g->val[n->in[k]].type.dim[j] == 1,
				     "step %u, before the pool, depends on the pixel", i);
		}
}

static void check_view(const struct spec *s, const struct node *n)
{
	const struct val *in = node_in(s->g, n, 0), *out = node_out(s->g, n, 0);
	const struct view_attr *view = n->attr;

	need(s, n->nin == 1 && n->nout == 1 && view && in->type.dt == out->type.dt,
	     "it is no view");
	need(s, view->offset >= 0 && view->offset + type_count(&out->type) <= type_count(&in->type),
	     "the view ends behind what it shows");
}

static void check_fused(struct spec *s)
{
	for (s->node = 0; s->node < s->g->nnode; s->node++) {
		const struct node *n = &s->g->node[s->node];

		need(s, is_view(n) || n->op->lower, "it has no kernel");
		check_tail(s, n);
		if (n->op == &op__Conv)
			check_before(s, n);
		if (is_view(n))
			check_view(s, n);
	}
	for (uint32_t i = 0; i < s->g->noutput; i++) {
		val_id v = s->g->output[i];

		for (uint32_t k = 0; k < i; k++)
			need(s, s->g->output[k] != v, "outputs %u and %u are one value", k, i);
		while (maker(s->g, v) && is_view(maker(s->g, v)))
			v = maker(s->g, v)->in[0];
		need(s, s->g->val[v].def != 0, "no kernel makes output %u", i);
	}
}

/* ---- from layout ---- */

static void check_layouts(struct spec *s)
{
	const struct graph *g = s->g;

	s->node = g->nnode;
	for (val_id v = 1; v < g->nval; v++) {
		const struct val *x = &g->val[v];

		if (x->layout == BLOCKED)
			need(s,
			     x->type.dt == F32 && x->type.rank >= 3 && x->type.rank <= 5 &&
				     !x->input && !x->output && !val_is_const(x),
			     "%s can't be blocked", x->name);
	}
	for (s->node = 0; s->node < g->nnode; s->node++) {
		const struct node *n = &g->node[s->node];

		if (n->op->layout != WANT_PLAIN)
			continue;
		for (uint32_t k = 0; k < n->nmain; k++)
			need(s, !n->in[k] || g->val[n->in[k]].layout == PLAIN,
			     "input %u is not plain", k);
		for (uint32_t k = 0; k < n->nout; k++)
			need(s, !n->out[k] || g->val[n->out[k]].layout == PLAIN,
			     "output %u is not plain", k);
	}
}

/* ---- from alias: every value in its slot ---- */

static uint64_t extent(const struct val *v)
{
	int64_t items = v->type.rank ? v->type.dim[0] : 1;

	if (!items || !val_item(v))
		return 0;
	return (uint64_t)((items - 1) * v->pitch + val_item(v)) * dtype_size(v->type.dt);
}

static void check_value(const struct spec *s, val_id id)
{
	const struct graph *g = s->g;
	const struct val *v = &g->val[id];

	if (val_is_const(v) || (!v->def && !v->input)) {
		need(s, !v->slot, "%s needs no storage", v->name);
		return;
	}
	need(s, v->slot && v->slot < g->nslot, "%s has no storage", v->name);
	need(s, v->off + extent(v) <= g->slot[v->slot].size, "%s is larger than its slot", v->name);
	need(s, v->pitch >= val_item(v), "the items of %s overlap", v->name);
	if (v->output || v->input)
		need(s, v->pitch == val_item(v), "%s is not dense", v->name);
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

/* The elements of x are those of y from `before` on along `axis`, byte for byte (by corners). */
static bool stands_inside(const struct val *x, const struct val *y, int axis, int64_t before)
{
	for (int corner = 0; corner < x->type.rank * 2; corner++) {
		int64_t in[RANK_MAX] = {0}, out[RANK_MAX] = {0};
		int i = corner / 2;

		in[i] = out[i] = corner % 2 ? x->type.dim[i] - 1 : MIN(1, x->type.dim[i] - 1);
		out[axis] += before;
		if (address(x, in) != address(y, out))
			return false;
	}
	return true;
}

static uint64_t row_pitch(const struct val *v)
{
	return v->type.rank && v->type.dim[0] > 1 ? (uint64_t)v->pitch * dtype_size(v->type.dt) : 0;
}

static bool bytes_meet(const struct val *x, const struct val *y)
{
	uint64_t px = row_pitch(x), py = row_pitch(y), pitch = px ? px : py;
	uint64_t ix = (uint64_t)val_item(x) * dtype_size(x->type.dt);
	uint64_t iy = (uint64_t)val_item(y) * dtype_size(y->type.dt);

	if (!extent(x) || !extent(y) || x->off + extent(x) <= y->off ||
	    y->off + extent(y) <= x->off)
		return false;
	if (!pitch || (px && py && px != py) || x->off % pitch + ix > pitch ||
	    y->off % pitch + iy > pitch)
		return true;
	return x->off % pitch < y->off % pitch + iy && y->off % pitch < x->off % pitch + ix;
}

/* Bytes of y are x's own: y is x, a view of it, or made by putting it side by side with others. */
static bool contains(const struct graph *g, val_id y, val_id x)
{
	const struct node *n = maker(g, y);

	if (x == y)
		return true;
	if (n && is_view(n))
		return g->val[n->in[0]].slot == g->val[y].slot && contains(g, n->in[0], x);
	for (uint32_t k = 0; n && n->op->mem[0].how == SHARE_INTO && k < n->nin; k++)
		if (g->val[n->in[k]].slot == g->val[y].slot && contains(g, n->in[k], x))
			return true;
	return false;
}

/* An input that shares bytes with the output stands at its place in it, or inside another input. */
static void check_into(struct spec *s, const struct node *n)
{
	const struct axis_attr *attr = n->attr;
	const struct val *out = node_out(s->g, n, 0);

	for (uint32_t k = 0; k < n->nin; k++) {
		const struct val *x = node_in(s->g, n, k);
		int64_t before = 0;
		bool at_place = x->slot != out->slot || !bytes_meet(x, out);

		for (uint32_t j = 0; j < n->nin; j++) {
			at_place = at_place ||
				   (n->in[j] == n->in[k] ? stands_inside(x, out, attr->axis, before)
							 : contains(s->g, n->in[j], n->in[k]));
			before += node_in(s->g, n, j)->type.dim[attr->axis];
		}
		need(s, at_place, "input %u is not at its place in the output", k);
	}
}

static void check_storage(struct spec *s)
{
	const struct graph *g = s->g;

	s->node = g->nnode;
	for (val_id v = 1; v < g->nval; v++)
		check_value(s, v);
	for (slot_id i = 1; i < g->nslot; i++)
		need(s, g->slot[i].size && g->slot[i].size % PLAN_ALIGN == 0, "the size of slot %u",
		     i);
	for (s->node = 0; s->node < g->nnode; s->node++) {
		const struct node *n = &g->node[s->node];
		const struct val *in = node_in(g, n, 0), *out = node_out(g, n, 0);

		if (n->op->mem[0].how == SHARE_INTO)
			check_into(s, n);
		if (!is_view(n) || in->slot != out->slot)
			continue; /* it is a copy */
		need(s,
		     in->pitch == val_item(in) &&
			     out->off ==
				     in->off +
					     (uint64_t)((const struct view_attr *)n->attr)->offset *
						     dtype_size(in->type.dt),
		     "it does not show its input");
	}
}

/* ---- from live: nothing is overwritten before its last reader ---- */

static void check_ranges(struct spec *s)
{
	const struct graph *g = s->g;

	for (s->node = 0; s->node < g->nnode; s->node++) {
		const struct node *n = &g->node[s->node];

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
		need(s, g->slot[x->slot].first <= x->first && g->slot[x->slot].last >= x->last,
		     "%s outlives its slot", x->name);
		need(s, !x->output || x->last + 1 == g->nnode, "output %s dies", x->name);
		need(s, !x->input || x->first == 0, "input %s comes late", x->name);
	}
}

static val_id shown(const struct graph *g, val_id v)
{
	while (maker(g, v) && is_view(maker(g, v)) &&
	       g->val[maker(g, v)->in[0]].slot == g->val[v].slot)
		v = maker(g, v)->in[0];
	return v;
}

/* y's maker reads x, and only at the index that it writes. */
static bool written_over(const struct graph *g, val_id x, val_id y)
{
	const struct node *n = maker(g, y);
	const struct val *vx = &g->val[x], *vy = &g->val[y];

	if (!n || vx->off != vy->off || vx->layout != vy->layout ||
	    !shape_equal(&vx->type, &vy->type) ||
	    dtype_size(vx->type.dt) != dtype_size(vy->type.dt))
		return false;
	for (uint32_t k = 0; k < n->nin; k++) {
		bool contract = k >= n->nmain;

		for (size_t r = 0; r < COUNT_OF(n->op->mem); r++)
			contract = contract ||
				   (n->op->mem[r].how == SHARE_INPLACE &&
				    (n->op->mem[r].in == k || n->op->mem[r].in == ANY_INPUT));
		if (n->in[k] == x && (!contract || !access_is_identity(g, n, k)))
			return false;
	}
	return true;
}

static void check_pair(const struct spec *s, val_id x, val_id y)
{
	const struct graph *g = s->g;
	const struct val *vx = &g->val[x], *vy = &g->val[y];

	if (vx->last < vy->first || vy->last < vx->first || !bytes_meet(vx, vy) ||
	    contains(g, shown(g, x), shown(g, y)) || contains(g, shown(g, y), shown(g, x)))
		return;
	if (vx->def && vx->first == vy->last && written_over(g, y, x))
		return;
	if (vy->def && vy->first == vx->last && written_over(g, x, y))
		return;
	need(s, false, "%s and %s share bytes of slot %u", vx->name, vy->name, vx->slot);
}

static void check_sharing(struct spec *s)
{
	const struct graph *g = s->g;
	struct arena *tmp = arena_open(0);
	val_id *newest = NEW(tmp, g->nslot, val_id), *next = NEW(tmp, g->nval, val_id);

	s->node = g->nnode;
	for (val_id v = 1; v < g->nval; v++) {
		slot_id slot = g->val[v].slot;

		if (!slot)
			continue;
		for (val_id w = newest[slot]; w; w = next[w])
			check_pair(s, v, w);
		next[v] = newest[slot];
		newest[slot] = v;
	}
	arena_close(tmp);
}

static void check_live(struct spec *s)
{
	check_ranges(s);
	check_slots(s);
	check_sharing(s);
}

/* ---- from plan ---- */

static void check_plan(struct spec *s)
{
	const struct graph *g = s->g;

	s->node = g->nnode;
	need(s, g->lower_bound <= g->arena_bytes && g->certificate, "the plan's size");
	for (slot_id i = 1; i < g->nslot; i++) {
		const struct slot *a = &g->slot[i];

		need(s, a->offset % PLAN_ALIGN == 0 && a->offset + a->size <= g->arena_bytes,
		     "slot %u is outside the arena", i);
		for (slot_id k = 1; k < i; k++) {
			const struct slot *b = &g->slot[k];

			need(s,
			     a->last < b->first || b->last < a->first ||
				     a->offset + a->size <= b->offset ||
				     b->offset + b->size <= a->offset,
			     "slots %u and %u overlap", k, i);
		}
	}
}

/* ---- the table ---- */

static const struct {
	const char *pass;
	void (*check)(struct spec *s);
} checks[] = {
	{"onnx", check_definitions}, {"bind", NULL},
	{"infer", check_types},	     {"fuse", check_fused},
	{"layout", check_layouts},   {"order", NULL},
	{"alias", check_storage},    {"live", check_live},
	{"plan", check_plan},
};

void verify(const struct graph *g, const char *pass)
{
	struct spec s = {.g = g, .pass = pass};

	for (size_t i = 0; i < COUNT_OF(checks); i++) {
		if (checks[i].check)
			checks[i].check(&s);
		if (!strcmp(checks[i].pass, pass))
			return;
	}
}
