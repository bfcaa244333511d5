/*
 * Writes a body out: each of its nodes is made anew with values for its
 * slots, typed and folded at once, so that what it depends on (conditions,
 * shapes) is known where it is asked for. How much a few bytes can become is
 * limited in nodes and in depth.
 */
#include "compiler/body.h"

#include "compiler/ops/expand.h"
#include "compiler/passes.h"

#include <string.h>

const struct closure *body_find(const struct node *n, const char *name)
{
	const struct attr *a = attr_find(n, name);

	return a && a->type == ATTR_GRAPH ? a->graph : NULL;
}

const val_id *body_captures(const struct node *n, const struct closure *c)
{
	uint32_t behind = 0;

	for (uint32_t i = n->nattrs; i-- > 0;) {
		if (n->attrs[i].type == ATTR_GRAPH)
			behind += n->attrs[i].graph->body->ncapture;
		if (n->attrs[i].graph == c)
			break;
	}
	return n->in + (n->nin - behind);
}

static const struct attr *env_find(const struct body_env *env, const char *name)
{
	for (uint32_t i = 0; env && i < env->n; i++)
		if (!strcmp(env->attrs[i].name, name))
			return &env->attrs[i];
	return NULL;
}

/* The node's attributes with values for those that refer to the function's; without those that
 * the call does not give. Subgraphs see the function's attributes, too. */
static int copy_attrs(struct expand *x, const struct body_node *from, const struct body_env *env,
		      struct node *n)
{
	struct arena *arena = x->g->arena;

	n->attrs = NEW(arena, from->nattrs, struct attr);
	n->nattrs = 0;
	for (uint32_t i = 0; i < from->nattrs; i++) {
		struct attr a = from->attrs[i];
		const struct attr *given = a.ref ? env_find(env, a.ref) : NULL;

		if (a.ref && !given)
			continue;
		if (given && given->type != a.type)
			return fail(x->e, E_ATTR, "attribute '%s' is not of the type of '%s'",
				    given->name, a.name);
		if (given) {
			const char *name = a.name;

			a = *given;
			a.name = name;
		} else if (a.type == ATTR_GRAPH) {
			struct closure *c = NEW(arena, 1, struct closure);

			*c = (struct closure){a.graph->body, env};
			a.graph = c;
		}
		n->attrs[n->nattrs++] = a;
	}
	return 0;
}

static int make_node(struct expand *x, const struct body_node *from, const struct body_env *env,
		     val_id *slot)
{
	struct graph *g = x->g;
	struct node *n =
		node_add(g, from->op, *from->name ? from->name : x->n->name, from->nin, from->nout);
	uint32_t at = g->nnode - 1;

	n->version = from->version;
	for (uint32_t k = 0; k < from->nin; k++)
		n->in[k] = slot[from->in[k]];
	for (uint32_t k = 0; k < from->nout; k++)
		if (from->out[k])
			node_set_out(g, &g->node[at], k, slot[from->out[k]] = val_add(g, "", NULL));
	n = &g->node[at];
	if (copy_attrs(x, from, env, n) < 0)
		return -1;
	if (from->callee) {
		struct call_attr *call = NEW(g->arena, 1, struct call_attr);

		call->body = from->callee;
		n->attr = call;
		n->was = from->callee->name;
	} else if (node_check(g, n, x->e) < 0) {
		return -1;
	}
	if (infer_node(g, at, x->e) < 0)
		return err_node(x->e, from->name,
				from->callee ? from->callee->name : from->op->name);
	return 0;
}

int body_expand(struct expand *x, const struct closure *c, const val_id *in, val_id *out)
{
	const struct body *b = c->body;
	struct graph *g = x->g;
	val_id *slot = arena_copy(g->arena, b->slot, (b->nslot + 1) * sizeof(*slot));

	g->body_nodes += b->nnode;
	if (g->body_nodes > BODY_NODES_MAX)
		return fail(x->e, E_LIMIT_NODES,
			    "functions and subgraphs become more than %d nodes", BODY_NODES_MAX);
	if (g->body_depth == BODY_DEPTH_MAX)
		return fail(x->e, E_LIMIT_NODES,
			    "more than %d functions and subgraphs inside each other",
			    BODY_DEPTH_MAX);
	for (uint32_t k = 0; k < b->nparam; k++)
		slot[b->param[k]] = in[k];
	for (uint32_t k = 0; k < b->ncapture; k++)
		slot[b->capture[k].slot] = in[b->nparam + k];
	g->body_depth++;
	for (uint32_t i = 0; i < b->nnode; i++)
		if (make_node(x, &b->node[i], c->env, slot) < 0)
			return -1;
	g->body_depth--;
	for (uint32_t k = 0; k < b->nout; k++)
		out[k] = slot[b->out[k]];
	return 0;
}

/* ---- calls ---- */

static bool takes(const struct body *b, const char *name)
{
	for (uint32_t i = 0; i < b->nattrs; i++)
		if (!strcmp(b->attr[i], name))
			return true;
	for (uint32_t i = 0; i < b->ndefaults; i++)
		if (!strcmp(b->defaults[i].name, name))
			return true;
	return false;
}

/* What the call gives, then the function's defaults. */
static int make_env(struct expand *x, const struct body *b, struct body_env *env)
{
	struct attr *attrs = NEW(x->g->arena, x->n->nattrs + b->ndefaults, struct attr);

	for (uint32_t i = 0; i < x->n->nattrs; i++)
		if (!takes(b, x->n->attrs[i].name))
			return fail(x->e, E_ATTR, "function '%s' has no attribute '%s'", b->name,
				    x->n->attrs[i].name);
	if (x->n->nattrs)
		memcpy(attrs, x->n->attrs, x->n->nattrs * sizeof(*attrs));
	if (b->ndefaults)
		memcpy(attrs + x->n->nattrs, b->defaults, b->ndefaults * sizeof(*attrs));
	*env = (struct body_env){x->n->nattrs + b->ndefaults, attrs};
	return 0;
}

static int expand_call(struct expand *x)
{
	const struct call_attr *attr = x->n->attr;
	const struct body *b = attr->body;
	struct body_env *env = NEW(x->g->arena, 1, struct body_env);
	struct closure c = {b, env};
	val_id *in = NEW(x->g->arena, b->nparam, val_id), *out = NEW(x->g->arena, b->nout, val_id);

	if (x->n->nin > b->nparam || x->n->nout > b->nout)
		return fail(x->e, E_ARITY,
			    "function '%s' has %u inputs and %u outputs, it is called with %u, %u",
			    b->name, b->nparam, b->nout, x->n->nin, x->n->nout);
	memcpy(in, x->n->in, x->n->nin * sizeof(*in));
	if (make_env(x, b, env) < 0 || body_expand(x, &c, in, out) < 0)
		return -1;
	for (uint32_t k = 0; k < x->n->nout; k++)
		expand_out(x, k, out[k]);
	return expand_end(x);
}

const struct op op__Call = {
	.name = ".Call",
	.since = 1,
	.min_in = 0,
	.max_in = 255,
	.min_out = 1,
	.max_out = 255,
	.expand = expand_call,
};
