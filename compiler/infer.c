/*
 * Types of all values in one sweep over the sorted nodes: infer a node, then
 * fold it where its inputs are constant, so that shapes computed from shapes
 * are there when a later node asks for them; composite operators are written
 * as others on the way, and of many inputs as chains of two. After it, nodes
 * that nobody reads go.
 */
#include "compiler/ops/elementwise.h"
#include "compiler/ops/expand.h"
#include "compiler/ops/util.h"
#include "compiler/passes.h"

#include <string.h>

#define ANY_NUMBER 255

/* Optional results that nobody reads need not be computed. */
static void drop_unread_outputs(struct graph *g)
{
	struct arena *a = arena_open(0);
	const uint32_t *uses = graph_uses(g, a);

	for (uint32_t i = 0; i < g->nnode; i++)
		for (uint32_t k = g->node[i].op->min_out; k < g->node[i].nout; k++)
			if (g->node[i].op->max_out != ANY_NUMBER && !uses[g->node[i].out[k]]) {
				g->val[g->node[i].out[k]].def = 0;
				g->node[i].out[k] = 0;
			}
	arena_close(a);
}

static int check_inputs(const struct graph *g, const struct node *n, struct err *e)
{
	for (uint32_t k = 0; k < n->nin; k++) {
		const struct val *v = node_in(g, n, k);

		if (!v && k < n->op->min_in)
			return fail(e, E_ARITY, "%s needs its input %u", n->op->name, k);
		if (!v && n->op->max_in == ANY_NUMBER && !n->op->expand)
			return fail(e, E_ARITY, "input %u of %s is missing", k, n->op->name);
		if (v && v->type.dt == DT_NONE)
			return fail(e, E_TYPE, "input %u of %s has no type", k, n->op->name);
		if (v && v->type.rank == RANK_UNKNOWN)
			return fail(e, E_DIM_UNBOUND, "input %u of %s has no shape", k,
				    n->op->name);
	}
	return n->op->types && n->nin ? check_dtype(g, n, 0, n->op->types, e) : 0;
}

static bool is_variadic(const struct node *n)
{
	return n->op->elementwise && n->op->max_in == ANY_NUMBER && n->nin > 2;
}

/* Max, Min, Sum, Mean of many: a chain of operators of two inputs. */
static int expand_variadic(struct expand *x)
{
	extern const struct op op_Mean;
	bool mean = x->n->op == &op_Mean;
	struct attr count = {.name = "count", .type = ATTR_FLOAT, .f = (float)x->n->nin};
	val_id v = x->n->in[0];

	for (uint32_t k = 1; k < x->n->nin; k++) {
		bool last = mean && k + 1 == x->n->nin;
		const char *op = last ? ".Mean" : mean ? "Sum" : x->n->op->name;

		v = expand_op(x, op, (val_id[]){v, x->n->in[k]}, 2, &count, last);
	}
	expand_out(x, 0, v);
	return expand_end(x);
}

static int expand_node(struct graph *g, uint32_t node, struct err *e)
{
	struct node n = g->node[node]; /* the array grows */
	struct expand x = {.g = g, .n = &n, .e = e};

	if ((is_variadic(&n) ? expand_variadic(&x) : n.op->expand(&x)) < 0)
		return -1;
	g->node[node].dead = x.done;
	return 0;
}

int infer_node(struct graph *g, uint32_t node, struct err *e)
{
	bool folded = false;

	if (!g->node[node].op->infer && !g->node[node].op->expand)
		return 0;
	if (check_inputs(g, &g->node[node], e) < 0)
		return -1;
	if (is_variadic(&g->node[node]))
		return expand_node(g, node, e);
	if (g->node[node].op->infer && (g->node[node].op->infer(g, &g->node[node], e) < 0 ||
					fold_node(g, node, &folded, e) < 0))
		return -1;
	return folded || !g->node[node].op->expand ? 0 : expand_node(g, node, e);
}

/* Into a new array, where composites are followed by what they stand for. */
static int sweep(struct graph *g, struct err *e)
{
	struct node *old = g->node;
	uint32_t count = g->nnode;

	g->node = NULL;
	g->nnode = 0;
	for (uint32_t i = 0; i < count; i++) {
		const char *op = old[i].op->name, *name = old[i].name;

		g->node = GROW(g->arena, g->node, g->nnode);
		g->node[g->nnode++] = old[i];
		for (uint32_t k = 0; k < old[i].nout; k++)
			node_set_out(g, &g->node[g->nnode - 1], k, old[i].out[k]);
		if (infer_node(g, g->nnode - 1, e) < 0)
			return err_node(e, name, op);
	}
	return 0;
}

/* ---- after ---- */

static bool is_read(const struct node *n, const uint32_t *uses)
{
	for (uint32_t k = 0; k < n->nout; k++)
		if (uses[n->out[k]])
			return true;
	return false;
}

static void drop_dead(struct graph *g)
{
	struct arena *a = arena_open(0);
	uint32_t *uses = graph_uses(g, a);

	for (uint32_t i = g->nnode; i-- > 0;) {
		struct node *n = &g->node[i];

		if (n->dead || is_read(n, uses))
			continue;
		n->dead = true;
		for (uint32_t k = 0; k < n->nin; k++)
			if (n->in[k])
				uses[n->in[k]]--;
	}
	arena_close(a);
	graph_compact(g);
}

int pass_infer(struct graph *g, struct err *e)
{
	drop_unread_outputs(g);
	if (sweep(g, e) < 0)
		return -1;
	drop_dead(g);
	return graph_check_declared(g, e);
}
