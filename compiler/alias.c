/*
 * Storage: which values share bytes. A group is a set of values with fixed
 * distances to each other; it becomes one slot.
 *
 *	VIEW     a view stands inside its input, at its offset
 *	INTO     the inputs of a Concat stand inside its output
 *	INPLACE  an output stands over an input of its shape that dies there
 *
 * Each relation merges two groups, VIEW first. INPLACE merges where no two
 * values that would share a byte live at one step, but for the pair that the
 * node itself reads and writes at the same index. INTO may cost memory (the
 * whole output is held from its first part on): an input is copied where that
 * makes the peak smaller. Needs layout and order; sets slot, off and pitch.
 */
#include "compiler/alias.h"

#include "compiler/access.h"
#include "compiler/ops/op.h"
#include "compiler/passes.h"
#include "compiler/plan.h"
#include "compiler/rewrites.h"

#include <stdlib.h>
#include <string.h>

#define LEAF_ALIGN  16 /* bytes: kernels load up to four floats at once */
#define TRY_CONCATS 64 /* each costs one more run */

#define NEVER INT64_MAX

struct member {		      /* per value */
	uint32_t group, next; /* value ids: the group's name, the next member or 0 */
	uint64_t off;
	int64_t pitch;	    /* elements */
	int64_t born, dies; /* steps: -1 before the first node; NEVER after the last */
};

struct alias {
	const struct graph *g;
	struct arena *tmp;
	struct member *m;
	const bool *apart; /* per value: Concats copy it */
	uint32_t did[REWRITE_COUNT];
};

bool alias_is_into(const struct node *n)
{
	return n->op->mem[0].how == SHARE_INTO;
}

/* ---- groups ---- */

static uint64_t elem(const struct alias *a, val_id v)
{
	return dtype_size(a->g->val[v].type.dt);
}

static uint64_t item_bytes(const struct alias *a, val_id v)
{
	return (uint64_t)val_item(&a->g->val[v]) * elem(a, v);
}

static int64_t items(const struct alias *a, val_id v)
{
	const struct type *t = &a->g->val[v].type;

	return t->rank ? t->dim[0] : 1;
}

/* Bytes from its first to its last. */
static uint64_t extent(const struct alias *a, val_id v)
{
	if (!items(a, v) || !item_bytes(a, v))
		return 0;
	return (uint64_t)((items(a, v) - 1) * a->m[v].pitch) * elem(a, v) + item_bytes(a, v);
}

static uint64_t group_bytes(const struct alias *a, uint32_t group)
{
	uint64_t bytes = 0;

	for (val_id v = group; v; v = a->m[v].next)
		bytes = MAX(bytes, a->m[v].off + extent(a, v));
	return bytes;
}

/* Moves every member of group `from` up by `shift` bytes and into group `to`. */
static void merge(struct alias *a, uint32_t to, uint32_t from, uint64_t shift)
{
	val_id last = to, v;

	while (a->m[last].next)
		last = a->m[last].next;
	a->m[last].next = from;
	for (v = from; v; v = a->m[v].next) {
		a->m[v].group = to;
		a->m[v].off += shift;
	}
}

/* Merges so that x and y begin at the same byte. */
static void align(struct alias *a, val_id x, val_id y)
{
	if (a->m[x].off < a->m[y].off)
		merge(a, a->m[y].group, a->m[x].group, a->m[y].off - a->m[x].off);
	else
		merge(a, a->m[x].group, a->m[y].group, a->m[x].off - a->m[y].off);
}

static void init(struct alias *a, const struct graph *g, const bool *apart)
{
	*a = (struct alias){.g = g, .tmp = arena_open(0), .apart = apart};
	a->m = NEW(a->tmp, g->nval, struct member);
	for (val_id v = 1; v < g->nval; v++) {
		const struct val *x = &g->val[v];

		if (val_is_const(x) || (!x->def && !x->input))
			continue;
		a->m[v] = (struct member){.group = v,
					  .pitch = val_item(x),
					  .born = (int64_t)x->def - 1,
					  .dies = x->output ? NEVER : (int64_t)x->def - 1};
	}
	for (uint32_t i = 0; i < g->nnode; i++)
		for (uint32_t k = 0; k < g->node[i].nin; k++) {
			struct member *m = &a->m[g->node[i].in[k]];

			m->dies = MAX(m->dies, (int64_t)i);
		}
}

/* ---- VIEW ---- */

static void place_views(struct alias *a)
{
	for (uint32_t i = 0; i < a->g->nnode; i++) {
		const struct node *n = &a->g->node[i];

		if (n->op->mem[0].how != SHARE_VIEW || !a->m[n->in[0]].group ||
		    !rewrite_on(a->g, REWRITE_VIEW))
			continue;
		const struct view_attr *view = n->attr;
		const struct member *in = &a->m[n->in[0]];

		merge(a, in->group, n->out[0],
		      in->off + (uint64_t)view->offset * elem(a, n->in[0]));
		a->did[REWRITE_VIEW]++;
	}
}

/* ---- INTO ---- */

/*
 * Bytes from the start of Concat's output to where an input with `before`
 * elements of the axis in front of it begins; false where it is not one run
 * of bytes per batch item.
 */
static bool leaf_offset(const struct val *out, int64_t pitch, int axis, int64_t before,
			uint64_t *offset)
{
	uint64_t run = dtype_size(out->type.dt);

	if (axis == 0) {
		*offset = (uint64_t)(before * pitch) * run;
		return true;
	}
	for (int i = 1; i < axis; i++)
		if (out->type.dim[i] != 1)
			return false;
	for (int i = axis + 1; i < out->type.rank; i++)
		run *= (uint64_t)out->type.dim[i];
	*offset = (uint64_t)before * run;
	return out->layout == PLAIN || (axis == 1 && before % BLOCK == 0);
}

/* Values with gaps between their items are only for kernels that address by pitch. */
static bool knows_pitch(const struct alias *a, val_id v)
{
	const struct graph *g = a->g;

	if (!g->val[v].def || g->node[g->val[v].def - 1].op->layout == WANT_PLAIN)
		return false;
	for (uint32_t i = 0; i < g->nnode; i++)
		for (uint32_t k = 0; k < g->node[i].nin; k++)
			if (g->node[i].in[k] == v && g->node[i].op->layout == WANT_PLAIN)
				return false;
	return true;
}

/* It fills its group, which can be moved: nothing of the caller's is in it. */
static bool is_movable(const struct alias *a, val_id v)
{
	const struct member *m = &a->m[v];

	if (m->off || group_bytes(a, m->group) != extent(a, v))
		return false;
	for (val_id w = m->group; w; w = a->m[w].next)
		if (a->g->val[w].input || a->g->val[w].output)
			return false;
	return true;
}

static bool may_be_leaf(const struct alias *a, const struct node *n, uint32_t k, int axis,
			uint64_t offset)
{
	val_id v = n->in[k], out = n->out[0];
	const struct val *x = &a->g->val[v];
	const struct member *m = &a->m[v];

	if (!m->group || a->apart[v] || m->group == a->m[out].group || offset % LEAF_ALIGN ||
	    !is_movable(a, v))
		return false;
	if (x->layout != a->g->val[out].layout)
		return false;
	if (x->layout == BLOCKED && axis == 1 && x->type.dim[1] % BLOCK && k + 1 < n->nin)
		return false;
	if (items(a, v) == 1 || a->m[out].pitch == m->pitch)
		return true;
	return a->m[m->group].next == 0 && knows_pitch(a, v) &&
	       (uint64_t)a->m[out].pitch * elem(a, v) % LEAF_ALIGN == 0;
}

static void place_leaves(struct alias *a, const struct node *n)
{
	const struct graph *g = a->g;
	const struct axis_attr *attr = n->attr;
	const struct val *out = &g->val[n->out[0]];
	int64_t before = 0;

	for (uint32_t k = 0; k < n->nin; k++) {
		val_id v = n->in[k];
		uint64_t offset;

		if (leaf_offset(out, a->m[n->out[0]].pitch, attr->axis, before, &offset) &&
		    may_be_leaf(a, n, k, attr->axis, offset)) {
			a->m[v].pitch = items(a, v) == 1 ? a->m[v].pitch : a->m[n->out[0]].pitch;
			merge(a, a->m[n->out[0]].group, a->m[v].group,
			      a->m[n->out[0]].off + offset);
			a->did[REWRITE_CONCAT]++;
		}
		before += g->val[v].type.dim[attr->axis];
	}
}

struct turn {		       /* of a Concat */
	uint32_t node, height; /* Concats around it */
	val_id out;
};

static int by_height(const void *a, const void *b)
{
	const struct turn *x = a, *y = b;

	if (x->height != y->height)
		return x->height < y->height ? -1 : 1;
	return x->out > y->out ? -1 : x->out < y->out;
}

/*
 * The outer Concat before the inner ones, so that these find their places in it; else from the
 * last value to the first, whatever the order of the nodes: that is what order counts on.
 */
static void place_concats(struct alias *a)
{
	const struct graph *g = a->g;
	uint32_t *height = NEW(a->tmp, g->nval, uint32_t), n = 0;
	struct turn *turn = NEW(a->tmp, g->nnode, struct turn);

	for (uint32_t i = g->nnode; i-- > 0 && rewrite_on(g, REWRITE_CONCAT);) {
		const struct node *c = &g->node[i];

		if (!alias_is_into(c))
			continue;
		turn[n++] = (struct turn){i, height[c->out[0]], c->out[0]};
		for (uint32_t k = 0; k < c->nin; k++)
			height[c->in[k]] = MAX(height[c->in[k]], height[c->out[0]] + 1);
	}
	qsort(turn, n, sizeof(*turn), by_height);
	for (uint32_t k = 0; k < n; k++)
		place_leaves(a, &g->node[turn[k].node]);
}

/* ---- INPLACE ---- */

bool alias_same_index(const struct graph *g, const struct node *n, uint32_t k)
{
	const struct val *x = &g->val[n->in[k]], *y = &g->val[n->out[0]];
	bool allowed = k >= n->nmain && n->ntail;

	for (size_t r = 0; r < COUNT_OF(n->op->mem) && k < n->nmain; r++)
		allowed = allowed || (n->op->mem[r].how == SHARE_INPLACE &&
				      (n->op->mem[r].in == k || n->op->mem[r].in == ANY_INPUT));
	return allowed && x->layout == y->layout &&
	       dtype_size(x->type.dt) == dtype_size(y->type.dt) && access_is_identity(g, n, k);
}

/* The same, and index is place: equal gaps between batch items. */
static bool same_index(const struct alias *a, const struct node *n, uint32_t k)
{
	return alias_same_index(a->g, n, k) &&
	       (items(a, n->in[k]) == 1 || a->m[n->in[k]].pitch == a->m[n->out[0]].pitch);
}

/* All reads of x by n are at the index that n writes. */
static bool only_same_index(const struct alias *a, const struct node *n, val_id x)
{
	for (uint32_t k = 0; k < n->nin; k++)
		if (n->in[k] == x && !same_index(a, n, k))
			return false;
	return true;
}

/* Bytes from one item to the next; 0 where there is only one. */
static uint64_t item_pitch(const struct alias *a, val_id v)
{
	return items(a, v) > 1 ? (uint64_t)a->m[v].pitch * elem(a, v) : 0;
}

/* x at byte xo, y at byte yo of one storage have a byte in common. */
static bool overlap(const struct alias *a, val_id x, uint64_t xo, val_id y, uint64_t yo)
{
	uint64_t px = item_pitch(a, x), py = item_pitch(a, y), pitch = MAX(px, py);
	uint64_t xi = item_bytes(a, x), yi = item_bytes(a, y);

	if (xo + extent(a, x) <= yo || yo + extent(a, y) <= xo)
		return false;
	if (!pitch || (px && py && px != py))
		return true;
	/* columns of one table, if they do not wrap around */
	xo %= pitch;
	yo %= pitch;
	if (xo + xi > pitch || yo + yi > pitch)
		return true;
	return xo < yo + yi && yo < xo + xi;
}

/* Values of the two groups, once x and y are at the same byte, that must not share bytes. */
static bool clash(const struct alias *a, const struct node *n, val_id x, val_id y)
{
	uint64_t base = MAX(a->m[x].off, a->m[y].off);
	uint64_t dx = base - a->m[x].off, dy = base - a->m[y].off;
	int64_t now = a->m[y].born;

	for (val_id v = a->m[x].group; v; v = a->m[v].next)
		for (val_id w = a->m[y].group; w; w = a->m[w].next) {
			uint64_t vo = a->m[v].off + dx, wo = a->m[w].off + dy;

			if (a->m[v].dies < a->m[w].born || a->m[w].dies < a->m[v].born ||
			    !overlap(a, v, vo, w, wo))
				continue;
			if (w != y || vo != wo || a->m[v].dies != now || !only_same_index(a, n, v))
				return true;
		}
	return false;
}

/* A graph output never stands where a graph input came in: both belong to the caller. */
static bool joins_input_and_output(const struct alias *a, val_id x, val_id y)
{
	bool input = false, output = false;

	for (int side = 0; side < 2; side++)
		for (val_id v = a->m[side ? x : y].group; v; v = a->m[v].next) {
			input = input || a->g->val[v].input;
			output = output || a->g->val[v].output;
		}
	return input && output;
}

static void place_over_input(struct alias *a, const struct node *n)
{
	val_id y = n->nout ? n->out[0] : 0;

	for (uint32_t k = 0; y && k < n->nin && rewrite_on(a->g, REWRITE_INPLACE); k++) {
		val_id x = n->in[k];

		if (!x || !a->m[x].group || a->m[x].group == a->m[y].group ||
		    !same_index(a, n, k) || joins_input_and_output(a, x, y) || clash(a, n, x, y))
			continue;
		align(a, x, y);
		a->did[REWRITE_INPLACE]++;
		return;
	}
}

/* ---- the whole ---- */

static void give_slots(struct graph *g, const struct alias *a)
{
	slot_id *slot = NEW(a->tmp, g->nval, slot_id);

	g->nslot = 1;
	for (val_id v = 1; v < g->nval; v++) {
		const struct member *m = &a->m[v];
		struct val *x = &g->val[v];

		x->slot = 0;
		x->first = x->last = 0;
		if (!m->group)
			continue;
		if (!slot[m->group]) {
			uint64_t bytes = round_up(MAX(group_bytes(a, m->group), 1), PLAN_ALIGN);

			g->slot = GROW(g->arena, g->slot, g->nslot);
			g->slot[g->nslot] = (struct slot){.size = bytes};
			slot[m->group] = g->nslot++;
		}
		x->slot = slot[m->group];
		x->off = m->off;
		x->pitch = m->pitch;
	}
	for (uint32_t i = 0; i < g->nnode; i++)
		g->node[i].scratch = 0;
}

static void assign(struct graph *g, const bool *apart, bool over)
{
	static const enum rewrite shared[] = {REWRITE_VIEW, REWRITE_CONCAT, REWRITE_INPLACE};
	struct alias a;

	init(&a, g, apart);
	place_views(&a);
	place_concats(&a);
	for (uint32_t i = 0; over && i < g->nnode; i++)
		place_over_input(&a, &g->node[i]);
	give_slots(g, &a);
	for (size_t r = 0; r < COUNT_OF(shared); r++)
		g->rewrites_did[shared[r]] = a.did[shared[r]];
	arena_close(a.tmp);
}

static uint64_t peak_with(struct graph *g, const bool *apart)
{
	assign(g, apart, true);
	live_set(g);
	return live_peak(g);
}

/* Tries what a Concat gains by copying its inputs, and then which of them it need not. */
static uint64_t choose_one(struct graph *g, const struct node *n, bool *apart, uint64_t peak)
{
	bool *before = arena_copy(g->arena, apart, g->nval * sizeof(*apart));
	uint64_t lower;

	for (uint32_t k = 0; k < n->nin; k++)
		apart[n->in[k]] = true;
	lower = peak_with(g, apart);
	if (lower >= peak) {
		memcpy(apart, before, g->nval * sizeof(*apart));
		return peak;
	}
	for (uint32_t k = 0; k < n->nin; k++) {
		val_id v = n->in[k];

		apart[v] = before[v];
		if (!before[v] && peak_with(g, apart) > lower)
			apart[v] = true;
	}
	return lower;
}

static uint64_t choose(struct graph *g, bool *apart)
{
	uint64_t peak = peak_with(g, apart);
	uint32_t tried = 0;

	for (uint32_t i = 0; i < g->nnode && tried < TRY_CONCATS; i++)
		if (alias_is_into(&g->node[i])) {
			peak = choose_one(g, &g->node[i], apart, peak);
			tried++;
		}
	return peak;
}

uint64_t alias_peak(struct graph *g, uint32_t *copies)
{
	bool *apart = NEW(g->arena, g->nval, bool);
	uint64_t peak = choose(g, apart);

	*copies = 0;
	for (val_id v = 1; v < g->nval; v++) {
		struct val *x = &g->val[v];

		*copies += apart[v];
		x->slot = 0;
		x->off = 0;
		x->pitch = 0;
		x->first = x->last = 0;
	}
	for (uint32_t i = 0; i < g->nnode; i++)
		g->node[i].scratch = 0;
	g->nslot = 1;
	return peak;
}

void alias_fixed(struct graph *g)
{
	assign(g, NEW(g->arena, g->nval, bool), false);
}

int pass_alias(struct graph *g, struct err *e)
{
	bool *apart = NEW(g->arena, g->nval, bool);

	(void)e;
	choose(g, apart);
	assign(g, apart, true);
	return 0;
}
