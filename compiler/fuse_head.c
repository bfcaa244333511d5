/*
 * A .Map whose readers are all convolutions becomes the head of each: its
 * steps are done to the elements of its one large operand as they are loaded
 * (BatchNormalization and ReLU over a Concat, the scale of a squeeze-excite
 * block), and its result is nowhere stored. Its other operands are numbers,
 * one per channel, or one per item and channel. An element is loaded once
 * per tap and per tile of output channels, so the steps must be cheap.
 */
#include "compiler/fuse.h"

#include <string.h>

#define TILE_CHANNELS 64
#define COST_MAX      32 /* instructions for an element, over all loads of it */

static const struct cost {
	const char *op;
	int64_t instructions;
} costs[] = {{"Add", 1},     {"Sub", 1},       {"Mul", 1},   {"Neg", 1}, {"Abs", 1},
	     {".Square", 1}, {"Relu", 2},      {"Max", 3},   {"Min", 3}, {"Clip", 4},
	     {".Clip", 4},   {"LeakyRelu", 3}, {"PRelu", 3}, {"Sum", 1}, {"HardSigmoid", 6}};

/* Of one element; beyond COST_MAX where a step is not known to be cheap. */
static int64_t cost_of(const struct node *map)
{
	int64_t sum = 0;

	for (uint32_t s = 0; s < map->ntail; s++) {
		size_t i = 0;

		while (i < COUNT_OF(costs) && strcmp(costs[i].op, map->tail[s].op->name))
			i++;
		if (i == COUNT_OF(costs) || map->tail[s].dt != F32)
			return COST_MAX + 1;
		sum += costs[i].instructions;
	}
	return sum;
}

/* How often the convolution loads an element of its input, about. */
static int64_t loads_of(const struct graph *g, const struct node *conv)
{
	const struct conv_attr *a = conv->attr;
	const struct type *w = &g->val[conv->in[1]].type;
	int64_t loads = div_up(w->dim[0] / a->group, TILE_CHANNELS);

	for (int i = 0; i < a->win.nd; i++)
		loads = div_up(loads * a->win.kernel[i], a->win.stride[i]);
	return loads;
}

/* Input k of the map is one number per item and channel at most. */
static bool is_small(const struct graph *g, const struct node *map, uint32_t k)
{
	const struct val *v = &g->val[map->in[k]];
	struct access a = access_of(g, map, k);

	if (v->type.dt != F32)
		return false;
	for (int i = 0; i < v->type.rank; i++)
		if (v->type.dim[i] != 1 &&
		    (a.axis[i] > 1 || (i >= 2 && v->type.rank > 2 && !val_is_const(v))))
			return false;
	return true;
}

/* The input that the map reads element by element; nin where there is none, or another large one.
 */
static uint32_t large_input(const struct graph *g, const struct node *map)
{
	const struct type *t = &g->val[map->out[0]].type;
	uint32_t found = map->nin;

	if (t->dt != F32 || t->rank < 3 || type_count(t) == t->dim[0] * t->dim[1])
		return map->nin;
	for (uint32_t k = 0; k < map->nin; k++) {
		const struct val *v = &g->val[map->in[k]];

		if (is_small(g, map, k))
			continue;
		if (found < map->nin || val_is_const(v) || v->type.dt != F32 ||
		    !access_is_identity(g, map, k))
			return map->nin;
		found = k;
	}
	return found;
}

/* A kernel of groups wants x in blocks, which it is not where it stays plain. */
static bool is_kept_plain(const struct graph *g, val_id x)
{
	const struct node *p = fuse_producer(g, x);

	return g->val[x].input || g->val[x].output || !p || p->op->layout == WANT_PLAIN;
}

static bool can_take(const struct graph *g, const struct node *conv, const struct node *map,
		     uint32_t large)
{
	const struct conv_attr *a = conv->attr;

	if (!conv->op->head || conv->nhead || conv->in[0] != map->out[0] ||
	    !val_is_const(&g->val[conv->in[1]]) ||
	    (conv->nmain > 2 && conv->in[2] && !val_is_const(&g->val[conv->in[2]])))
		return false;
	for (uint32_t k = 1; k < conv->nin; k++)
		if (conv->in[k] == map->out[0])
			return false;
	return conv->nin + map->nin <= FUSE_INPUTS_MAX &&
	       (a->group == 1 || !is_kept_plain(g, map->in[large])) &&
	       cost_of(map) * loads_of(g, conv) <= COST_MAX;
}

static bool reads(const struct node *n, val_id v)
{
	for (uint32_t k = 0; k < n->nin; k++)
		if (n->in[k] == v)
			return true;
	return false;
}

static bool all_take(const struct graph *g, const struct node *map, uint32_t large)
{
	for (uint32_t i = (uint32_t)(map - g->node) + 1; i < g->nnode; i++)
		if (!g->node[i].dead && reads(&g->node[i], map->out[0]) &&
		    !can_take(g, &g->node[i], map, large))
			return false;
	return !g->val[map->out[0]].output;
}

/* Where input k of the map is among those of the convolution: the head's are behind its own. */
static uint16_t head_arg(const struct node *conv, uint32_t k, uint32_t large)
{
	return k == large ? 0 : (uint16_t)(TAIL_IN | (conv->nmain + k - (k > large)));
}

static void copy_steps(struct graph *g, struct node *conv, const struct node *map, uint32_t large)
{
	conv->head = arena_copy(g->arena, map->tail, map->ntail * sizeof(*map->tail));
	conv->nhead = map->ntail;
	for (uint32_t s = 0; s < conv->nhead; s++)
		for (int a = 0; a < conv->head[s].nargs; a++) {
			uint16_t *arg = &conv->head[s].arg[a];

			if (*arg & TAIL_IN)
				*arg = head_arg(conv, *arg & (uint16_t)~TAIL_IN, large);
		}
	conv->tail = arena_copy(g->arena, conv->tail, conv->ntail * sizeof(*conv->tail));
	for (uint32_t s = 0; s < conv->ntail; s++)
		for (int a = 0; a < conv->tail[s].nargs; a++)
			if (conv->tail[s].arg[a] & TAIL_IN)
				conv->tail[s].arg[a] =
					(uint16_t)(conv->tail[s].arg[a] + conv->nhead_in);
}

static void join(struct graph *g, struct node *conv, const struct node *map, uint32_t large)
{
	struct node old = *conv;
	uint32_t behind;

	conv->nhead_in = map->nin - 1;
	conv->nin = old.nin + conv->nhead_in;
	conv->in = NEW(g->arena, conv->nin, val_id);
	conv->access = NULL;
	memcpy(conv->in, old.in, old.nmain * sizeof(*old.in));
	conv->in[0] = map->in[large];
	for (uint32_t k = 0; k < map->nin; k++)
		if (k != large)
			conv->in[old.nmain + k - (k > large)] = map->in[k];
	behind = node_tail_in(conv);
	for (uint32_t k = old.nmain; k < old.nin; k++)
		conv->in[behind + k - old.nmain] = old.in[k];
	for (uint32_t k = 0; k < map->nin; k++) {
		struct access a = access_of(g, map, k);

		if (k != large)
			access_set(g, conv, old.nmain + k - (k > large), &a);
	}
	for (uint32_t k = old.nmain; k < old.nin; k++) {
		struct access a = access_of(g, &old, k);

		access_set(g, conv, behind + k - old.nmain, &a);
	}
	copy_steps(g, conv, map, large);
}

void fuse_heads(struct fuse *f)
{
	struct graph *g = f->g;

	for (uint32_t i = 0; i < g->nnode; i++) {
		struct node *map = &g->node[i];
		uint32_t large;

		if (map->dead || !fuse_is_map(map) || !map->ntail ||
		    !rewrite_on(g, REWRITE_PROLOGUE))
			continue;
		large = large_input(g, map);
		if (large == map->nin || !all_take(g, map, large))
			continue;
		for (uint32_t k = i + 1; k < g->nnode; k++)
			if (!g->node[k].dead && reads(&g->node[k], map->out[0]))
				join(g, &g->node[k], map, large);
		map->dead = true;
		fuse_did(f, REWRITE_PROLOGUE);
	}
	graph_compact(g);
}
