/*
 * .Maps merge: one that a single other .Map reads is computed there instead,
 * where nothing is computed more often than before and nothing big has to
 * live longer for it. A cheap one (the difference in a LayerNorm) that some
 * .Maps read is computed in each of them. Accesses compose; a copy that ends
 * up moving nothing goes.
 */
#include "compiler/fuse.h"

#include <string.h>

#define CHEAP_ELEMENTS 64 /* so few may be computed again for each reader */
#define CHEAP_READERS  4
#define MASK_READERS   16

struct inputs { /* of a .Map under construction */
	uint32_t n;
	val_id id[FUSE_INPUTS_MAX];
	struct access access[FUSE_INPUTS_MAX];
};

/* Index of (v, a) among the inputs, added where it is new; false: no room. */
static bool add(const struct graph *g, struct inputs *in, val_id v, const struct access *a,
		uint32_t *index)
{
	for (*index = 0; *index < in->n; (*index)++)
		if (in->id[*index] == v &&
		    access_equal(&in->access[*index], a, g->val[v].type.rank))
			return true;
	if (in->n == FUSE_INPUTS_MAX)
		return false;
	in->id[in->n] = v;
	in->access[in->n++] = *a;
	return true;
}

static void set_inputs(struct graph *g, struct node *n, const struct inputs *in)
{
	n->nin = in->n;
	n->in = arena_copy(g->arena, in->id, in->n * sizeof(*in->id));
	n->access = NULL;
	for (uint32_t k = 0; k < in->n; k++)
		access_set(g, n, k, &in->access[k]);
}

void fuse_unite_inputs(struct fuse *f, struct node *n)
{
	struct graph *g = f->g;
	struct inputs in = {.n = 0};
	uint32_t index[FUSE_INPUTS_MAX];

	CHECK(n->nin <= FUSE_INPUTS_MAX);
	for (uint32_t k = 0; k < n->nin; k++) {
		struct access a = access_of(g, n, k);

		CHECK(add(g, &in, n->in[k], &a, &index[k]));
	}
	for (uint32_t s = 0; s < n->ntail; s++)
		for (int k = 0; k < n->tail[s].nargs; k++)
			if (n->tail[s].arg[k] & TAIL_IN)
				n->tail[s].arg[k] =
					(uint16_t)(TAIL_IN | index[n->tail[s].arg[k] & ~TAIL_IN]);
	set_inputs(g, n, &in);
}

/* The only input of b that reads what a makes; nin where there are several. */
static uint32_t only_input(const struct node *b, val_id v)
{
	uint32_t found = b->nin;

	for (uint32_t k = 0; k < b->nin; k++)
		if (b->in[k] == v) {
			if (found < b->nin)
				return b->nin;
			found = k;
		}
	return found;
}

/* Which rewrite it is to compute a inside b, which reads it as input k. */
static enum rewrite rewrite_of(const struct graph *g, const struct node *a, const struct node *b,
			       uint32_t k)
{
	val_id only = 0;

	if (!a->ntail || !b->ntail || !access_is_identity(g, b, k))
		return REWRITE_INDEX;
	for (uint32_t i = 0; i < a->nin + b->nin; i++) {
		val_id v = i < a->nin ? a->in[i] : b->in[i - a->nin];

		if (v == a->out[0] || val_is_const(&g->val[v]))
			continue;
		if (only && v != only)
			return REWRITE_POINTWISE;
		only = v;
	}
	return REWRITE_ACTIVATION;
}

static bool worth_it(const struct fuse *f, const struct node *a, const struct node *b, uint32_t k,
		     bool any_access)
{
	const struct graph *g = f->g;
	const struct type *mid = &g->val[b->in[k]].type;
	struct access outer = access_of(g, b, k);
	uint32_t from = (uint32_t)(a - g->node), to = (uint32_t)(b - g->node);

	if (!rewrite_on(g, rewrite_of(g, a, b, k)))
		return false;
	if (!access_is_identity(g, b, k) &&
	    (!any_access || (a->ntail && type_count(mid) > CHEAP_ELEMENTS &&
			     access_repeats(&outer, mid, &g->val[b->out[0]].type))))
		return false;
	if (a->ntail + b->ntail > FUSE_STEPS_MAX)
		return false;
	return !fuse_apart(g, from, to) || fuse_held_bytes(f, a) <= type_bytes(mid);
}

/* a's steps, then b's with their operands renamed. */
static void join_steps(struct graph *g, const struct node *a, struct node *b, const uint16_t *a_arg,
		       const uint16_t *b_arg)
{
	struct tail_step *tail = NEW(g->arena, a->ntail + b->ntail, struct tail_step);

	for (uint32_t s = 0; s < a->ntail + b->ntail; s++) {
		bool first = s < a->ntail;

		tail[s] = first ? a->tail[s] : b->tail[s - a->ntail];
		for (int k = 0; k < tail[s].nargs; k++) {
			uint16_t arg = tail[s].arg[k];

			if (arg & TAIL_IN)
				arg = (first ? a_arg : b_arg)[arg & ~TAIL_IN];
			else if (!first)
				arg = (uint16_t)(arg + a->ntail);
			tail[s].arg[k] = arg;
		}
	}
	b->tail = tail;
	b->ntail += a->ntail;
}

/* Computes a, which input k of b reads, inside b. False: too many inputs, nothing has changed. */
static bool join(struct fuse *f, struct node *a, struct node *b, uint32_t k)
{
	struct graph *g = f->g;
	struct inputs in = {.n = 0};
	uint16_t a_arg[FUSE_INPUTS_MAX], b_arg[FUSE_INPUTS_MAX];
	struct access outer = access_of(g, b, k);
	uint32_t index;

	for (uint32_t i = 0; i < a->nin; i++) {
		struct access inner = access_of(g, a, i);
		struct access both = access_compose(&outer, &inner, g->val[a->in[i]].type.rank);

		if (!add(g, &in, a->in[i], &both, &index))
			return false;
		a_arg[i] = (uint16_t)(TAIL_IN | index);
	}
	for (uint32_t i = 0; i < b->nin; i++) {
		struct access own = access_of(g, b, i);

		/* a copy has no step: its input takes its place */
		b_arg[i] = a->ntail ? (uint16_t)a->ntail : a_arg[0];
		if (i == k)
			continue;
		if (!add(g, &in, b->in[i], &own, &index))
			return false;
		b_arg[i] = (uint16_t)(TAIL_IN | index);
	}
	for (uint32_t i = 0; i < a->nin; i++) /* read by both: one reader less */
		for (uint32_t j = 0; j < b->nin; j++)
			if (a->in[i] == b->in[j]) {
				f->uses[a->in[i]]--;
				break;
			}
	join_steps(g, a, b, a_arg, b_arg);
	set_inputs(g, b, &in);
	a->dead = true;
	return true;
}

/* A .Map without steps that reads every element at its own place. */
static bool drop_copy(struct fuse *f, struct node *n)
{
	struct graph *g = f->g;
	struct node *p = fuse_producer(g, n->in[0]);

	if (n->ntail || !access_is_identity(g, n, 0) || (g->val[n->out[0]].output && !p))
		return false;
	if (!g->val[n->out[0]].output) {
		graph_replace(g, n->out[0], n->in[0]);
		f->uses[n->in[0]] += f->uses[n->out[0]] - 1;
	} else if (f->uses[n->in[0]] == 1 && p->op != &op__View && p->nout == 1) {
		node_set_out(g, p, 0, n->out[0]);
	} else {
		return false;
	}
	n->dead = true;
	return true;
}

bool fuse_maps(struct fuse *f, bool any_access)
{
	struct graph *g = f->g;
	bool changed = false;

	for (uint32_t i = 0; i < g->nnode; i++) {
		struct node *b = &g->node[i];

		for (uint32_t k = 0; !b->dead && fuse_is_map(b) && k < b->nin;) {
			struct node *a = fuse_producer(g, b->in[k]);
			enum rewrite r;

			if (!a || !fuse_is_map(a) || f->uses[b->in[k]] != 1 ||
			    only_input(b, b->in[k]) != k || !worth_it(f, a, b, k, any_access)) {
				k++;
				continue;
			}
			r = rewrite_of(g, a, b, k);
			if (join(f, a, b, k)) {
				fuse_did(f, r);
				changed = true;
				k = 0;
			} else {
				k++;
			}
		}
		if (!b->dead && fuse_is_map(b) && drop_copy(f, b))
			changed = true;
	}
	graph_compact(g);
	return changed;
}

/* ---- cheap ones ---- */

/* A mask is rather computed by each of its readers than kept. */
static bool is_mask(const struct graph *g, const struct node *a)
{
	return g->val[a->out[0]].type.dt == BOOL;
}

static bool is_cheap(const struct graph *g, const struct node *a)
{
	static const char *const ops[] = {"Add", "Sub", "Mul", "Neg"};
	uint32_t large = 0, i = 0;

	if (g->val[a->out[0]].output)
		return false;
	if (is_mask(g, a))
		return true;
	if (a->ntail != 1)
		return false;
	while (i < COUNT_OF(ops) && strcmp(ops[i], a->tail[0].op->name))
		i++;
	for (uint32_t k = 0; k < a->nin; k++)
		large += !val_is_const(&g->val[a->in[k]]) &&
			 type_count(&g->val[a->in[k]].type) >
				 type_count(&g->val[a->out[0]].type) / 8;
	return i < COUNT_OF(ops) && large <= 1;
}

/* b can compute a's result for itself. */
static bool may_repeat(const struct graph *g, const struct node *a, const struct node *b)
{
	uint32_t k = only_input(b, a->out[0]);

	if (!fuse_is_map(b) || k == b->nin || b->nin + a->nin > FUSE_INPUTS_MAX ||
	    b->ntail + a->ntail > FUSE_STEPS_MAX)
		return false;
	return is_mask(g, a) || access_is_identity(g, b, k);
}

/* The readers of a's result, if they are a few .Maps that can all compute it; 0 otherwise. */
static uint32_t cheap_readers(const struct graph *g, const struct node *a,
			      struct node *reader[MASK_READERS])
{
	uint32_t n = 0, most = is_mask(g, a) ? MASK_READERS : CHEAP_READERS;

	for (uint32_t i = (uint32_t)(a - g->node) + 1; i < g->nnode; i++) {
		struct node *b = &g->node[i];
		bool reads = false;

		for (uint32_t k = 0; k < b->nin && !b->dead; k++)
			reads = reads || b->in[k] == a->out[0];
		if (!reads)
			continue;
		if (n == most || !may_repeat(g, a, b))
			return 0;
		reader[n++] = b;
	}
	return n;
}

bool fuse_cheap_maps(struct fuse *f)
{
	struct graph *g = f->g;
	bool changed = false;

	for (uint32_t i = 0; i < g->nnode; i++) {
		struct node *a = &g->node[i], *reader[MASK_READERS];
		uint32_t n = rewrite_on(g, REWRITE_REPEAT) && !a->dead && fuse_is_map(a) &&
					     is_cheap(g, a)
				     ? cheap_readers(g, a, reader)
				     : 0;

		for (uint32_t r = 0; r < n; r++)
			CHECK(join(f, a, reader[r], only_input(reader[r], a->out[0])));
		changed = changed || n;
		if (n)
			fuse_did(f, REWRITE_REPEAT);
	}
	graph_compact(g);
	return changed;
}
