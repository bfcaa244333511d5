/*
 * A .Map that reads v at its own index, v made by an operator with a tail
 * and read by nobody else: its steps join the operator's tail, its other
 * operands (the skip of a residual block) the operator's inputs. The operator
 * stays where it is if they are there by then, else it moves to the .Map.
 */
#include "compiler/fuse.h"

#include <string.h>

struct choice {
	struct node *p; /* the operator, NULL: none */
	uint32_t k;	/* input of the .Map that it makes */
	bool moves;
};

/* All other operands are there before node `at`. */
static bool ready_before(const struct graph *g, const struct node *b, uint32_t k, uint32_t at)
{
	for (uint32_t i = 0; i < b->nin; i++)
		if (i != k && g->val[b->in[i]].def > at)
			return false;
	return true;
}

/* b reads a second tensor as large as its result. */
static bool reads_two(const struct graph *g, const struct node *b)
{
	uint64_t bytes = type_bytes(&g->val[b->out[0]].type);
	uint32_t large = 0;

	for (uint32_t k = 0; k < b->nin; k++)
		large += !val_is_const(&g->val[b->in[k]]) &&
			 type_bytes(&g->val[b->in[k]].type) >= bytes;
	return large > 1;
}

/* A constant added to a product of matrices is its bias; all else is an epilogue. */
static enum rewrite rewrite_of(const struct graph *g, const struct node *p, const struct node *b)
{
	const struct tail_step *s = &b->tail[0];
	bool product = fuse_is(p, "MatMul") || fuse_is(p, ".MatMul") || fuse_is(p, "Gemm");

	if (product && !p->ntail && !strcmp(s->op->name, "Add") && b->nin == 2 &&
	    (val_is_const(&g->val[b->in[0]]) || val_is_const(&g->val[b->in[1]])))
		return REWRITE_BIAS;
	return reads_two(g, b) ? REWRITE_RESIDUAL : REWRITE_EPILOGUE;
}

static bool can_take(const struct fuse *f, const struct node *p, const struct node *b, uint32_t k)
{
	const struct graph *g = f->g;
	val_id v = b->in[k];

	if (!p || !p->op->tail || fuse_is_map(p) || p->nout != 1 || f->uses[v] != 1 ||
	    !rewrite_on(g, rewrite_of(g, p, b)))
		return false;
	for (uint32_t i = 0; i < b->nin; i++)
		if (i != k && b->in[i] == v)
			return false;
	if (g->val[v].type.dt != g->val[b->out[0]].type.dt || !access_is_identity(g, b, k))
		return false; /* kernels know one type for what they compute and store */
	return true;
}

bool fuse_may_join(const struct fuse *f, const struct node *b, const struct node *p, uint32_t k,
		   bool *moves)
{
	const struct graph *g = f->g;
	uint32_t from = (uint32_t)(p - g->node), to = (uint32_t)(b - g->node);

	*moves = !ready_before(g, b, k, from);
	if (p->nin + b->nin > FUSE_INPUTS_MAX || p->ntail + b->ntail > FUSE_STEPS_MAX)
		return false;
	return !*moves || !fuse_apart(g, from, to) ||
	       fuse_held_bytes(f, p) <= type_bytes(&g->val[b->in[k]].type);
}

/* The latest operator that can take b: the later, the less has to wait for it. */
static struct choice choose(const struct fuse *f, struct node *b)
{
	const struct graph *g = f->g;
	struct choice best = {.p = NULL};

	for (uint32_t k = 0; k < b->nin && b->ntail; k++) {
		struct node *p = fuse_producer(g, b->in[k]);
		bool moves;

		if (can_take(f, p, b, k) && (!best.p || p >= best.p) &&
		    fuse_may_join(f, b, p, k, &moves))
			best = (struct choice){p, k, moves};
	}
	return best;
}

/* Index of b's input i among the tail inputs of n, which has room for it. */
static uint32_t tail_input(struct graph *g, struct node *n, const struct node *b, uint32_t i)
{
	struct access a = access_of(g, b, i);

	for (uint32_t k = node_tail_in(n); k < n->nin; k++) {
		struct access own = access_of(g, n, k);

		if (n->in[k] == b->in[i] && access_equal(&own, &a, g->val[b->in[i]].type.rank))
			return k;
	}
	n->in[n->nin++] = b->in[i];
	access_set(g, n, n->nin - 1, &a);
	return n->nin - 1;
}

/* p with room for b's inputs and steps. */
static struct node widened(struct graph *g, const struct node *p, const struct node *b)
{
	struct node n = *p;

	n.in = NEW(g->arena, p->nin + b->nin, val_id);
	memcpy(n.in, p->in, p->nin * sizeof(*p->in));
	n.access = NEW(g->arena, p->nin + b->nin, struct access *);
	if (p->access)
		memcpy(n.access, p->access, p->nin * sizeof(*p->access));
	n.tail = NEW(g->arena, p->ntail + b->ntail, struct tail_step);
	if (p->ntail)
		memcpy(n.tail, p->tail, p->ntail * sizeof(*p->tail));
	n.out = arena_copy(g->arena, b->out, sizeof(*b->out));
	return n;
}

void fuse_join(struct fuse *f, struct node *b, struct node *p, uint32_t k, bool moves)
{
	struct graph *g = f->g;
	struct node n = widened(g, p, b);
	uint16_t arg[FUSE_INPUTS_MAX];

	for (uint32_t i = 0; i < b->nin; i++)
		arg[i] =
			i == k ? (uint16_t)p->ntail : (uint16_t)(TAIL_IN | tail_input(g, &n, b, i));
	for (uint32_t s = 0; s < b->ntail; s++) {
		struct tail_step *step = &n.tail[n.ntail++];

		*step = b->tail[s];
		for (int a = 0; a < step->nargs; a++)
			step->arg[a] = step->arg[a] & TAIL_IN ? arg[step->arg[a] & ~TAIL_IN]
							      : (uint16_t)(step->arg[a] + p->ntail);
	}
	for (uint32_t i = 0; i < b->nin; i++) /* read by both: one reader less */
		for (uint32_t j = 0; j < p->nin; j++)
			if (b->in[i] == p->in[j]) {
				f->uses[b->in[i]]--;
				break;
			}
	*(moves ? b : p) = n;
	(moves ? p : b)->dead = true;
	node_set_out(g, moves ? b : p, 0, n.out[0]);
}

bool fuse_tails(struct fuse *f)
{
	struct graph *g = f->g;
	bool changed = false;

	for (uint32_t i = 0; i < g->nnode; i++) {
		struct node *b = &g->node[i];
		struct choice c = {.p = NULL};

		if (!b->dead && fuse_is_map(b))
			c = choose(f, b);
		if (!c.p)
			continue;
		fuse_did(f, rewrite_of(g, c.p, b));
		fuse_join(f, b, c.p, c.k, c.moves);
		changed = true;
	}
	graph_compact(g);
	return changed;
}
