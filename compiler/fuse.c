/*
 * Fusion. The ONNX nodes become few kernels: constants go into weights,
 * everything elementwise or only moving data becomes a .Map or a .View,
 * .Maps merge, and a .Map that follows an operator with a tail becomes part
 * of it. No operation of the model is reordered or changed but for constants
 * folded into weights. Needs types; leaves only operators that have kernels
 * (or that lower refuses) and .View.
 */
#include "compiler/fuse.h"

#include "compiler/passes.h"

#include <string.h>

/* ---- asking ---- */

void fuse_count(struct fuse *f)
{
	const struct graph *g = f->g;

	f->uses = NEW(g->arena, g->nval, uint32_t);
	for (uint32_t i = 0; i < g->nnode; i++)
		for (uint32_t k = 0; k < g->node[i].nin && !g->node[i].dead; k++) {
			const val_id *in = g->node[i].in;
			uint32_t before = 0;

			while (in[before] != in[k])
				before++;
			f->uses[in[k]] += before == k;
		}
	for (uint32_t i = 0; i < g->noutput; i++)
		f->uses[g->output[i]]++;
	f->uses[0] = 0;
}

void fuse_did(struct fuse *f, enum rewrite r)
{
	f->g->rewrites_did[r]++;
}

bool fuse_is(const struct node *n, const char *op)
{
	return !strcmp(n->op->name, op);
}

struct node *fuse_producer(const struct graph *g, val_id v)
{
	uint32_t def = g->val[v].def;

	return def && !g->node[def - 1].dead ? &g->node[def - 1] : NULL;
}

bool fuse_apart(const struct graph *g, uint32_t from, uint32_t to)
{
	for (uint32_t i = from + 1; i < to; i++)
		if (!g->node[i].dead && g->node[i].op != &op__View && !fuse_is_map(&g->node[i]))
			return true;
	return false;
}

uint64_t fuse_held_bytes(const struct fuse *f, const struct node *n)
{
	uint64_t bytes = 0;

	for (uint32_t k = 0; k < n->nin; k++) {
		const struct val *x = node_in(f->g, n, k);

		if (x && !val_is_const(x) && f->uses[n->in[k]] == 1)
			bytes += type_bytes(&x->type);
	}
	return bytes;
}

/* ---- outputs ---- */

/* The value whose bytes v shows. */
static val_id root_of(const struct graph *g, val_id v)
{
	const struct node *n = fuse_producer(g, v);

	while (n && n->op == &op__View) {
		v = n->in[0];
		n = fuse_producer(g, v);
	}
	return v;
}

/*
 * Every graph output is a value of its own that a kernel writes: one that is
 * an input, a constant, or an output already gets a copy. It has the name that
 * the model gives it, whatever it was called before it took another's place.
 */
static void own_outputs(struct graph *g)
{
	for (uint32_t i = 0; i < g->noutput; i++) {
		val_id v = g->output[i], root = root_of(g, v);
		bool shared = val_is_const(&g->val[root]) || g->val[root].input;
		struct node *n;
		val_id copy;

		for (uint32_t k = 0; k < i; k++)
			shared = shared || g->output[k] == v;
		if (!shared)
			continue;
		copy = val_add(g, g->output_name ? g->output_name[i] : g->val[v].name,
			       &g->val[v].type);
		n = node_add(g, &op__Map, "", 1, 1);
		n->nmain = 0;
		n->in[0] = v;
		node_set_out(g, n, 0, copy);
		g->output[i] = copy;
		g->val[copy].output = true;
	}
	for (val_id v = 1; v < g->nval; v++)
		g->val[v].output = false;
	for (uint32_t i = 0; i < g->noutput; i++) {
		g->val[g->output[i]].output = true;
		if (g->output_name)
			g->val[g->output[i]].name = g->output_name[i];
	}
}

/* Last to first: nodes that nobody reads. */
static void drop_dead(struct fuse *f)
{
	struct graph *g = f->g;

	fuse_count(f);
	for (uint32_t i = g->nnode; i-- > 0;) {
		struct node *n = &g->node[i];
		bool used = n->dead;

		for (uint32_t k = 0; k < n->nout; k++)
			used = used || f->uses[n->out[k]];
		if (used)
			continue;
		n->dead = true;
		for (uint32_t k = 0; k < n->nin; k++) {
			uint32_t before = 0;

			while (n->in[before] != n->in[k])
				before++;
			if (n->in[k] && before == k)
				f->uses[n->in[k]]--;
		}
	}
	graph_compact(g);
	for (val_id v = 1; v < g->nval; v++) /* what was merged away is made by nobody */
		g->val[v].def = 0;
	for (uint32_t i = 0; i < g->nnode; i++)
		for (uint32_t k = 0; k < g->node[i].nout; k++)
			node_set_out(g, &g->node[i], k, g->node[i].out[k]);
}

int pass_fuse(struct graph *g, struct err *e)
{
	struct fuse f = {.g = g};
	bool changed = true;

	for (uint32_t i = 0; i < g->nnode; i++)
		g->node[i].nmain = g->node[i].nin;
	fuse_count(&f);
	fuse_same(&f);
	fuse_count(&f);
	fuse_constants(&f);
	fuse_pads(&f);
	fuse_concats(&f);
	if (fuse_shuffles(&f, e) < 0 || fuse_normalise(&f, e) < 0)
		return -1;
	own_outputs(g);
	drop_dead(&f);
	fuse_transposes(&f);
	/* what is read in place joins first, so that tails take as much as they can */
	for (int any_access = 0; any_access < 2; any_access++)
		for (changed = true; changed;) {
			fuse_count(&f);
			changed = fuse_maps(&f, any_access);
			changed = fuse_tails(&f) || changed;
			if (any_access && !changed)
				changed = fuse_cheap_maps(&f);
		}
	if (fuse_pools(&f, e) < 0)
		return -1;
	fuse_heads(&f);
	fuse_attention(&f);
	drop_dead(&f);
	return 0;
}
