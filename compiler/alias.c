/*
 * Storage: which values share bytes. A group is a set of values with fixed
 * distances to each other; it becomes one slot.
 *
 *	VIEW     a view stands inside its input, at its offset
 *	INTO     the inputs of a Concat stand inside its output
 *	INPLACE  an output stands over an input of its shape that dies there
 *
 * Each relation merges two groups. VIEW and the first INTO depend on no order of the nodes. A
 * second INTO, for what stands elsewhere already, and INPLACE merge where no two values
 * that live at one step would share a byte, but where both hold the same data, or the node
 * reads and writes it at the same index. Needs layout and order; sets slot, off and pitch.
 */
#include "compiler/alias.h"

#include "compiler/access.h"
#include "compiler/alias_group.h"
#include "compiler/ops/op.h"
#include "compiler/passes.h"
#include "compiler/plan.h"
#include "compiler/rewrites.h"
#include "compiler/storage.h"

#include <stdlib.h>

#define NEVER (INT64_MAX - 1)

bool alias_is_into(const struct node *n)
{
	return n->op->mem[0].how == SHARE_INTO;
}

static void init(struct alias *a, const struct graph *g, const struct leaves *leaves)
{
	*a = (struct alias){.g = g, .tmp = arena_open(0), .leaves = leaves};
	a->m = NEW(a->tmp, g->nval, struct member);
	for (val_id v = 1; v < g->nval; v++) {
		const struct val *x = &g->val[v];

		if (val_is_const(x) || (!x->def && !x->input))
			continue;
		a->m[v] = (struct member){.group = v,
					  .pitch = val_item(x),
					  .gaps = x->def &&
						  g->node[x->def - 1].op->layout != WANT_PLAIN};
	}
	for (uint32_t i = 0; i < g->nnode; i++)
		for (uint32_t k = 0; k < g->node[i].nin; k++)
			if (g->node[i].op->layout == WANT_PLAIN)
				a->m[g->node[i].in[k]].gaps = false;
}

/* A view lives with what it shows, and its node reads nothing. */
static void set_lives(struct alias *a)
{
	const struct graph *g = a->g;

	for (val_id v = 1; v < g->nval; v++) {
		a->m[v].born = (int64_t)g->val[v].def - 1;
		a->m[v].dies = g->val[v].output ? NEVER : a->m[v].born;
	}
	for (uint32_t i = 0; i < g->nnode; i++) {
		const struct node *n = &g->node[i];

		if (n->nout && a->m[n->out[0]].view) {
			a->m[n->out[0]].born = a->m[n->in[0]].born;
			continue;
		}
		for (uint32_t k = 0; k < n->nin; k++)
			a->m[n->in[k]].dies = MAX(a->m[n->in[k]].dies, (int64_t)i);
	}
}

/* ---- VIEW ---- */

static void place_views(struct alias *a)
{
	const struct graph *g = a->g;

	for (uint32_t i = 0; i < g->nnode && rewrite_on(g, REWRITE_VIEW); i++) {
		const struct node *n = &g->node[i];
		val_id x = n->nin ? n->in[0] : 0, y = n->nout ? n->out[0] : 0;
		uint64_t offset;
		int64_t pitch;

		if (!x || !y || !storage_view(g, n, a->m[x].pitch, &offset, &pitch) ||
		    (pitch != val_item(&g->val[y]) && !a->m[y].gaps))
			continue;
		group_merge(a, a->m[x].group, y, a->m[x].off + offset);
		a->m[y].pitch = pitch;
		a->m[y].view = true;
		a->did[REWRITE_VIEW]++;
	}
}

/* ---- INTO ---- */

/* It fills its group, which can be moved: nothing of the caller's is in it. */
static bool is_movable(const struct alias *a, val_id v)
{
	const struct member *m = &a->m[v];

	if (m->off || group_bytes(a, m->group) != group_extent(a, v))
		return false;
	for (val_id w = m->group; w; w = a->m[w].next)
		if (a->g->val[w].input || a->g->val[w].output)
			return false;
	return true;
}

static bool wants_place(const struct alias *a, const struct node *n, uint32_t k, uint64_t *offset)
{
	return storage_leaf(a->g, n, k, a->m[n->out[0]].pitch, offset) &&
	       a->m[n->in[k]].group != a->m[n->out[0]].group && !leaves_copied(a->leaves, n, k);
}

static bool may_be_leaf(const struct alias *a, const struct node *n, uint32_t k, uint64_t *offset)
{
	val_id v = n->in[k], out = n->out[0];

	if (!wants_place(a, n, k, offset) || !is_movable(a, v))
		return false;
	if (group_items(a, v) == 1 || a->m[out].pitch == a->m[v].pitch)
		return true;
	return a->m[a->m[v].group].next == 0 && a->m[v].gaps &&
	       (uint64_t)a->m[out].pitch * dtype_size(a->g->val[v].type.dt) % STORAGE_ALIGN == 0;
}

static void place_leaves(struct alias *a, const struct node *n)
{
	val_id out = n->out[0];

	for (uint32_t k = 0; k < n->nin; k++) {
		val_id v = n->in[k];
		uint64_t offset;

		if (!may_be_leaf(a, n, k, &offset))
			continue;
		a->m[v].pitch = group_items(a, v) == 1 ? a->m[v].pitch : a->m[out].pitch;
		group_merge(a, a->m[out].group, a->m[v].group, a->m[out].off + offset);
		a->did[REWRITE_CONCAT]++;
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
static const struct turn *turns(struct alias *a, uint32_t *count)
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
	if (n)
		qsort(turn, n, sizeof(*turn), by_height);
	*count = n;
	return turn;
}

/* ---- INPLACE ---- */

bool alias_same_index(const struct graph *g, const struct node *n, uint32_t k)
{
	const struct val *x = &g->val[n->in[k]], *y = &g->val[n->out[0]];
	bool allowed = k >= node_tail_in(n) && n->ntail && !n->space;

	for (size_t r = 0; r < COUNT_OF(n->op->mem) && k < n->nmain; r++)
		allowed = allowed || (n->op->mem[r].how == SHARE_INPLACE &&
				      (n->op->mem[r].in == k || n->op->mem[r].in == ANY_INPUT));
	return allowed && x->layout == y->layout &&
	       dtype_size(x->type.dt) == dtype_size(y->type.dt) && access_is_identity(g, n, k);
}

static void place_over_input(struct alias *a, const struct node *n)
{
	val_id y = n->nout ? n->out[0] : 0;

	for (uint32_t k = 0; y && k < n->nin && rewrite_on(a->g, REWRITE_INPLACE); k++) {
		val_id x = n->in[k];
		struct join j;

		if (!x || !a->m[x].group || a->m[x].group == a->m[y].group ||
		    !group_same_index(a, n, k))
			continue;
		j = group_join(a->m[x].group, a->m[x].off, a->m[y].group, a->m[y].off);
		if (group_clash(a, &j, n))
			continue;
		group_merge_join(a, &j);
		a->did[REWRITE_INPLACE]++;
		return;
	}
}

/* ---- INTO, for what stands in a group already ---- */

/* It belongs to the caller, or is a part of what does. */
static bool is_callers(const struct alias *a, val_id v)
{
	while (a->m[v].view)
		v = a->g->node[a->g->val[v].def - 1].in[0];
	return a->g->val[v].input || a->g->val[v].output;
}

static void place_shared_leaves(struct alias *a, const struct node *n)
{
	val_id out = n->out[0];

	for (uint32_t k = 0; k < n->nin; k++) {
		val_id v = n->in[k];
		uint64_t offset;
		struct join j;

		if (!wants_place(a, n, k, &offset) || is_callers(a, v) ||
		    (group_items(a, v) > 1 && a->m[out].pitch != a->m[v].pitch))
			continue;
		j = group_join(a->m[v].group, a->m[v].off, a->m[out].group, a->m[out].off + offset);
		if (group_clash(a, &j, NULL))
			continue;
		group_merge_join(a, &j);
		a->did[REWRITE_CONCAT]++;
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

/* Inputs of Concats that stand elsewhere than in the output. */
static uint32_t count_copies(const struct alias *a, const struct turn *turn, uint32_t nturn)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < nturn; i++) {
		const struct node *n = &a->g->node[turn[i].node];
		const struct member *to = &a->m[n->out[0]];

		for (uint32_t k = 0; k < n->nin; k++) {
			const struct member *m = &a->m[n->in[k]];
			uint64_t offset;

			count += m->group != to->group ||
				 !storage_leaf(a->g, n, k, to->pitch, &offset) ||
				 m->off != to->off + offset;
		}
	}
	return count;
}

uint32_t alias_assign(struct graph *g, const struct leaves *leaves, bool fixed)
{
	static const enum rewrite shared[] = {REWRITE_VIEW, REWRITE_CONCAT, REWRITE_INPLACE};
	const struct turn *turn;
	struct alias a;
	uint32_t n, copies;

	init(&a, g, leaves);
	place_views(&a);
	set_lives(&a);
	turn = turns(&a, &n);
	for (uint32_t i = 0; i < n; i++)
		place_leaves(&a, &g->node[turn[i].node]);
	for (uint32_t i = 0; i < n && !fixed; i++)
		place_shared_leaves(&a, &g->node[turn[i].node]);
	for (uint32_t i = 0; i < g->nnode && !fixed; i++)
		place_over_input(&a, &g->node[i]);
	give_slots(g, &a);
	copies = count_copies(&a, turn, n);
	for (size_t r = 0; r < COUNT_OF(shared); r++)
		g->rewrites_did[shared[r]] = a.did[shared[r]];
	arena_close(a.tmp);
	return copies;
}

void alias_fixed(struct graph *g)
{
	alias_assign(g, NULL, true);
}

struct alias_needs alias_try(struct graph *g)
{
	struct alias_needs needs;

	alias_assign(g, alias_choose(g, &needs.peak, &needs.copies), false);
	live_set(g);
	needs.bytes = plan_bytes(g, &needs.nodes);
	for (val_id v = 1; v < g->nval; v++) {
		struct val *x = &g->val[v];

		x->slot = 0;
		x->off = 0;
		x->pitch = 0;
		x->first = x->last = 0;
	}
	for (uint32_t i = 0; i < g->nnode; i++)
		g->node[i].scratch = 0;
	g->nslot = 1;
	return needs;
}

int pass_alias(struct graph *g, struct err *e)
{
	uint64_t peak;
	uint32_t copies;

	(void)e;
	alias_assign(g, alias_choose(g, &peak, &copies), false);
	return 0;
}
