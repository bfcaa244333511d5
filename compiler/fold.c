/*
 * Constant folding: a node whose inputs are all constant is evaluated by its
 * operator's plain reference, and its results become constants. Limits keep
 * a small file from becoming a large one here. Views copy nothing.
 */
#include "compiler/passes.h"

#include "compiler/ops/op.h"

#define OUTPUT_MAX   ((uint64_t)64 << 20)  /* of one result, or 4 times its inputs */
#define TOTAL_MAX    ((uint64_t)512 << 20) /* of all results together */
#define INPUT_FACTOR 4

static bool can_fold(const struct graph *g, const struct node *n)
{
	if (!n->op->eval)
		return false;
	for (uint32_t k = 0; k < n->nin && !n->op->fold_shape; k++)
		if (n->in[k] && !val_is_const(&g->val[n->in[k]]))
			return false;
	return true;
}

static void set_constant(struct graph *g, val_id id, const void *data)
{
	g->val[id].data = data;
	g->val[id].def = 0;
}

static int check_limits(struct graph *g, const struct node *n, struct err *e)
{
	uint64_t in = 0, out = 0;

	for (uint32_t k = 0; k < n->nin; k++)
		if (n->in[k] && val_is_const(&g->val[n->in[k]]))
			in += type_bytes(&g->val[n->in[k]].type);
	for (uint32_t k = 0; k < n->nout; k++)
		out += n->out[k] ? type_bytes(&g->val[n->out[k]].type) : 0;
	if (out > MAX(OUTPUT_MAX, INPUT_FACTOR * in))
		return fail(e, E_LIMIT_FOLD,
			    "the constant result %s has %llu bytes; the limit is %llu",
			    n->out[0] ? type_text(g->arena, &g->val[n->out[0]].type) : "",
			    (unsigned long long)out,
			    (unsigned long long)MAX(OUTPUT_MAX, INPUT_FACTOR * in));
	if (out > TOTAL_MAX - g->folded_bytes)
		return fail(e, E_LIMIT_FOLD, "constant results exceed %llu bytes in all",
			    (unsigned long long)TOTAL_MAX);
	g->folded_bytes += out;
	return 0;
}

/* Weights lie in the model file at any address; eval reads aligned ones. */
static bool is_aligned(const struct val *v)
{
	return (uintptr_t)v->data % dtype_size(v->type.dt) == 0;
}

static int evaluate(struct graph *g, struct node *n, struct err *e)
{
	struct arena *a = arena_open(0);
	struct tensor *in = NEW(a, n->nin, struct tensor), *out = NEW(a, n->nout, struct tensor);
	int ret;

	for (uint32_t k = 0; k < n->nin; k++) {
		const struct val *v = node_in(g, n, k);

		if (!v)
			continue;
		in[k].type = v->type;
		/* eval does not write to its inputs */
		in[k].data = v->data && !is_aligned(v)
				     ? arena_copy(a, v->data, (size_t)type_bytes(&v->type))
				     : (void *)(uintptr_t)v->data;
	}
	for (uint32_t k = 0; k < n->nout; k++) {
		if (!n->out[k])
			continue;
		out[k].type = g->val[n->out[k]].type;
		out[k].data = arena_alloc(g->arena, (size_t)type_bytes(&out[k].type));
	}
	ret = n->op->eval(g, n, in, out, e);
	for (uint32_t k = 0; k < n->nout && ret == 0; k++)
		if (n->out[k])
			set_constant(g, n->out[k], out[k].data);
	arena_close(a);
	return ret;
}

int fold_node(struct graph *g, uint32_t node, bool *folded, struct err *e)
{
	struct node *n = &g->node[node];

	*folded = false;
	if (!can_fold(g, n))
		return 0;
	if (n->op->mem[0].how == SHARE_VIEW)
		set_constant(g, n->out[0], g->val[n->in[n->op->mem[0].in]].data);
	else if (check_limits(g, n, e) < 0 || evaluate(g, n, e) < 0)
		return -1;
	n->dead = *folded = true;
	return 0;
}
