/* One node against the rules in its operator's struct op, then its attributes as a C struct. */
#include "compiler/ops/op.h"

#include <string.h>

#define ANY_NUMBER 255

static const char *const type_names[] = {
	[ATTR_INT] = "an int",	    [ATTR_FLOAT] = "a float",	 [ATTR_STRING] = "a string",
	[ATTR_INTS] = "ints",	    [ATTR_FLOATS] = "floats",	 [ATTR_STRINGS] = "strings",
	[ATTR_TENSOR] = "a tensor", [ATTR_GRAPH] = "a subgraph",
};

/* Operands up to the last one that is not omitted. */
static uint32_t given(const val_id *id, uint32_t n)
{
	while (n && !id[n - 1])
		n--;
	return n;
}

static int check_count(const struct node *n, const char *what, uint32_t have, uint32_t min,
		       uint32_t max, struct err *e)
{
	if (have >= min && (max == ANY_NUMBER || have <= max))
		return 0;
	if (max == ANY_NUMBER)
		return fail(e, E_ARITY, "%s '%s' has %u %s, needs at least %u", n->op->name,
			    n->name, have, what, min);
	if (min == max)
		return fail(e, E_ARITY, "%s '%s' has %u %s, needs %u", n->op->name, n->name, have,
			    what, min);
	return fail(e, E_ARITY, "%s '%s' has %u %s, needs %u to %u", n->op->name, n->name, have,
		    what, min, max);
}

static int check_arity(const struct node *n, struct err *e)
{
	const struct op *op = n->op;

	if (check_count(n, "inputs", given(n->in, n->nmain), op->min_in, op->max_in, e) < 0 ||
	    check_count(n, "outputs", given(n->out, n->nout), op->min_out, op->max_out, e) < 0)
		return -1;
	for (uint32_t k = 0; k < op->min_in && k < n->nmain; k++)
		if (!n->in[k])
			return fail(e, E_ARITY, "%s '%s': required input %u is missing", op->name,
				    n->name, k);
	for (uint32_t k = 0; k < op->min_out; k++)
		if (!n->out[k])
			return fail(e, E_ARITY, "%s '%s': required output %u is missing", op->name,
				    n->name, k);
	return 0;
}

static const struct attr_rule *find_rule(const struct op *op, const char *name)
{
	for (const struct attr_rule *r = op->attrs; r && r->name; r++)
		if (!strcmp(r->name, name))
			return r;
	return NULL;
}

static int check_attrs(const struct node *n, struct err *e)
{
	for (uint32_t i = 0; i < n->nattrs; i++) {
		const struct attr *a = &n->attrs[i];
		const struct attr_rule *r = find_rule(n->op, a->name);

		if (!r)
			return fail(e, E_ATTR, "%s '%s' has no attribute '%s'", n->op->name,
				    n->name, a->name);
		if (r->type != a->type)
			return fail(e, E_ATTR, "%s '%s': attribute '%s' is %s, must be %s",
				    n->op->name, n->name, a->name, type_names[a->type],
				    type_names[r->type]);
		for (uint32_t k = 0; k < i; k++)
			if (!strcmp(n->attrs[k].name, a->name))
				return fail(e, E_ATTR, "%s '%s': attribute '%s' stands twice",
					    n->op->name, n->name, a->name);
	}
	for (const struct attr_rule *r = n->op->attrs; r && r->name; r++) {
		bool found = !r->required;

		for (uint32_t i = 0; i < n->nattrs && !found; i++)
			found = !strcmp(n->attrs[i].name, r->name);
		if (!found)
			return fail(e, E_ATTR, "%s '%s' needs the attribute '%s'", n->op->name,
				    n->name, r->name);
	}
	return 0;
}

int node_check(struct graph *g, struct node *n, struct err *e)
{
	if (check_arity(n, e) == 0 && check_attrs(n, e) == 0 &&
	    (!n->op->parse || n->op->parse(g, n, e) == 0))
		return 0;
	return err_node(e, n->name, n->op->name);
}

const char *node_op(const struct node *n)
{
	if (n->was)
		return n->was;
	if (*n->op->name != '.')
		return n->op->name;
	return n->ntail ? n->tail[n->ntail - 1].op->name : "";
}

int node_blame(const struct node *n, struct err *e)
{
	return err_node(e, n->name, node_op(n));
}
