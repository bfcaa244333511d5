/* Nodes that stand for a composite operator: expand.h says how. */
#include "compiler/ops/expand.h"

#include "compiler/passes.h"

#include <string.h>

struct type expand_type(const struct expand *x, val_id v)
{
	return x->g->val[v].type; /* of value 0: none */
}

static val_id failed(struct expand *x)
{
	x->failed = true;
	return 0;
}

/* Types and folds the last node, whose output is v. */
static val_id settle(struct expand *x, val_id v)
{
	struct graph *g = x->g;

	if (node_check(g, &g->node[g->nnode - 1], x->e) < 0 ||
	    infer_node(g, g->nnode - 1, x->e) < 0)
		return failed(x);
	return v;
}

static struct node *add(struct expand *x, const char *op, uint32_t nin)
{
	const struct op *found = op_find(op, EXPAND_OPSET);
	struct node *n;

	CHECK(found);
	n = node_add(x->g, found, x->n->name, nin, 1);
	n->version = op_find(op, x->n->version) == found ? x->n->version : EXPAND_OPSET;
	n->was = x->n->was ? x->n->was : x->n->op->name;
	return n;
}

val_id expand_op(struct expand *x, const char *op, const val_id *in, uint32_t nin,
		 const struct attr *attrs, uint32_t nattrs)
{
	struct node *n;
	val_id v;

	if (x->failed)
		return 0;
	v = val_add(x->g, "", NULL);
	n = add(x, op, nin);
	memcpy(n->in, in, nin * sizeof(*in));
	node_set_out(x->g, n, 0, v);
	n->nattrs = nattrs;
	n->attrs = arena_copy(x->g->arena, attrs, nattrs * sizeof(*attrs));
	return settle(x, v);
}

val_id expand_1(struct expand *x, const char *op, val_id a)
{
	return expand_op(x, op, &a, 1, NULL, 0);
}

val_id expand_2(struct expand *x, const char *op, val_id a, val_id b)
{
	return expand_op(x, op, (val_id[]){a, b}, 2, NULL, 0);
}

val_id expand_3(struct expand *x, const char *op, val_id a, val_id b, val_id c)
{
	return expand_op(x, op, (val_id[]){a, b, c}, 3, NULL, 0);
}

val_id expand_int(struct expand *x, const char *op, val_id a, val_id b, const char *name,
		  int64_t value)
{
	const struct attr attr = {.name = name, .type = ATTR_INT, .i = value};

	return expand_op(x, op, (val_id[]){a, b}, b ? 2 : 1, &attr, 1);
}

val_id expand_reduce(struct expand *x, const char *op, val_id a, uint32_t axes, bool keep)
{
	int64_t list[RANK_MAX];
	uint32_t n = 0;

	for (int i = 0; i < RANK_MAX; i++)
		if (axes & 1u << i)
			list[n++] = i;
	if (!n) /* no axes would mean all of them */
		return a;
	return expand_int(x, op, a, expand_ints(x, list, n), "keepdims", keep);
}

val_id expand_reshape(struct expand *x, val_id a, const int64_t *dims, int rank)
{
	const struct attr zero = {.name = "allowzero", .type = ATTR_INT, .i = 1};
	val_id shape = expand_ints(x, dims, (uint32_t)rank);

	return expand_op(x, "Reshape", (val_id[]){a, shape}, 2, &zero, 1);
}

val_id expand_transpose(struct expand *x, val_id a, const int *perm, int rank)
{
	int64_t *list = NEW(x->g->arena, rank, int64_t);
	struct attr attr = {.name = "perm", .type = ATTR_INTS, .n = (uint32_t)rank, .ints = list};

	for (int i = 0; i < rank; i++)
		list[i] = perm[i];
	return expand_op(x, "Transpose", &a, 1, &attr, 1);
}

static int64_t onnx_type(enum dtype dt)
{
	int32_t code = 0;

	while (dtype_from_onnx(code) != dt)
		code++;
	return code;
}

val_id expand_cast(struct expand *x, val_id a, enum dtype dt)
{
	return x->failed || expand_type(x, a).dt == dt
		       ? a
		       : expand_int(x, "Cast", a, 0, "to", onnx_type(dt));
}

/* ---- constants ---- */

val_id expand_ints(struct expand *x, const int64_t *v, uint32_t n)
{
	struct type t = {.dt = I64, .rank = 1, .dim = {n}};

	if (x->failed)
		return 0;
	return val_const(x->g, "", &t, arena_copy(x->g->arena, v, n * sizeof(*v)));
}

val_id expand_number(struct expand *x, enum dtype dt, double v)
{
	struct type t = {.dt = dt};
	void *data;

	if (x->failed)
		return 0;
	data = arena_alloc(x->g->arena, dtype_size(dt));
	put_float(data, dt, 0, v);
	return val_const(x->g, "", &t, data);
}

/* ---- the end ---- */

/* It takes the place of v where the last node has just made that; else it is a copy, for fuse to
 * remove. */
void expand_out(struct expand *x, uint32_t k, val_id v)
{
	struct graph *g = x->g;
	struct node *n = &g->node[g->nnode - 1];

	if (x->failed || k >= x->n->nout || !x->n->out[k])
		return;
	if (!n->dead && n->nout == 1 && n->out[0] == v && x->n->nout == 1) {
		g->val[x->n->out[k]].type = g->val[v].type;
		g->val[v].def = 0;
		node_set_out(g, n, 0, x->n->out[k]);
		x->done = true;
		return;
	}
	n = add(x, "Identity", 1);
	n->in[0] = v;
	node_set_out(x->g, n, 0, x->n->out[k]);
	x->done = settle(x, n->out[0]) != 0;
}

int expand_end(const struct expand *x)
{
	return x->failed ? -1 : 0;
}
