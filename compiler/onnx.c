/*
 * ONNX -> IR: model header, inputs, constants, then nodes in an order in
 * which each stands behind what it reads (a stable depth-first sort: the
 * file's order where that is right already). Constant nodes and
 * initializers become constants that point into the file's map.
 */
#include "compiler/onnx_body.h"
#include "compiler/ops/op.h"
#include "compiler/passes.h"

#include <string.h>

#define IR_MIN	   3
#define IR_MAX	   14
#define OPSET_MIN  1
#define OPSET_MAX  28
#define OPSET_OURS 7 /* of a graph, at least: passes look up operators of their own */

enum { MODEL_IR = 1, MODEL_GRAPH = 7, MODEL_OPSET = 8, MODEL_META = 14 };
enum {
	GRAPH_NODE = 1,
	GRAPH_NAME = 2,
	GRAPH_INIT = 5,
	GRAPH_INPUT = 11,
	GRAPH_OUTPUT = 12,
	GRAPH_VALUE = 13,
	GRAPH_SPARSE = 15
};

enum color { WHITE, GREY, BLACK };

struct reader {
	struct graph *g;
	struct err *e;
	struct span graph;
	int opset;		/* of the default domain */
	struct onnx_node *node; /* in file order */
	uint32_t nnode;
	uint8_t *color;
	struct bodies bodies;
	struct names names; /* -> value */
	uint32_t *maker;    /* per val: node in file order + 1 that writes it */
	size_t meta_bytes;
};

/* ---- names ---- */

static val_id find(const struct reader *r, const char *name)
{
	return names_find(&r->names, name, strlen(name));
}

static val_id define(struct reader *r, const char *name, const struct type *t, const void *data)
{
	val_id *v = names_at(&r->names, name, strlen(name));

	CHECK(!*v);
	return *v = data ? val_const(r->g, name, t, data) : val_add(r->g, name, t);
}

/* ---- the model's header ---- */

static int read_opset(struct reader *r, struct span message)
{
	Onnx__OperatorSetIdProto *p =
		onnx_unpack(r->g, &onnx__operator_set_id_proto__descriptor, message, r->e);
	const char *domain;

	if (!p)
		return -1;
	domain = p->domain && strcmp(p->domain, "ai.onnx") ? p->domain : "";
	for (uint32_t i = 0; i < r->bodies.ndomain; i++)
		if (!strcmp(r->bodies.domain[i], domain))
			return fail(r->e, E_OPSET, "domain '%s' is imported twice", domain);
	r->bodies.domain = GROW(r->g->arena, r->bodies.domain, r->bodies.ndomain);
	r->bodies.domain[r->bodies.ndomain++] = domain;
	if (domain[0])
		return 0;
	if (p->version < OPSET_MIN || p->version > OPSET_MAX) {
		fail(r->e, E_OPSET, "opset %lld is not supported: %d to %d are",
		     (long long)p->version, OPSET_MIN, OPSET_MAX);
		return err_hint(r->e, "convert the model with onnx.version_converter");
	}
	r->opset = (int)p->version;
	r->g->opset = MAX(r->opset, OPSET_OURS);
	return 0;
}

static int read_meta(struct reader *r, struct span message)
{
	struct graph *g = r->g;
	Onnx__StringStringEntryProto *p =
		onnx_unpack(g, &onnx__string_string_entry_proto__descriptor, message, r->e);

	if (!p)
		return -1;
	r->meta_bytes += message.len;
	if (r->meta_bytes > ONNX_META_MAX)
		return fail(r->e, E_LIMIT_BYTES, "more than %zu bytes of metadata", ONNX_META_MAX);
	for (uint32_t i = 0; i < g->nmeta; i++)
		if (!strcmp(g->meta[i].key, p->key ? p->key : ""))
			return 0; /* the first one counts */
	g->meta = GROW(g->arena, g->meta, g->nmeta);
	g->meta[g->nmeta++] = (struct keyval){p->key ? p->key : "", p->value ? p->value : ""};
	return 0;
}

static int read_model(struct reader *r, struct span file)
{
	struct wire w = wire_of(file);
	struct wire_field f;
	bool found = false;
	int64_t ir = 0;
	int ret = 0;

	while (ret == 0 && wire_next(&w, &f)) {
		if (f.number == MODEL_IR)
			ir = (int64_t)f.value;
		else if (f.number == MODEL_OPSET)
			ret = read_opset(r, f.bytes);
		else if (f.number == MODEL_META)
			ret = read_meta(r, f.bytes);
		else if (f.number == MODEL_GRAPH)
			found = true, r->graph = f.bytes;
	}
	if (ret < 0)
		return -1;
	if (ir < IR_MIN || ir > IR_MAX)
		return fail(r->e, E_IR_VERSION, "IR version %lld is not supported: %d to %d are",
			    (long long)ir, IR_MIN, IR_MAX);
	if (!found)
		return fail(r->e, E_NO_GRAPH, "the model has no graph");
	if (!r->g->opset)
		return fail(r->e, E_OPSET, "the model imports no opset of the default domain");
	r->g->ir_version = (int)ir;
	return 0;
}

/* ---- constants, inputs ---- */

static int add_const(struct reader *r, const struct onnx_tensor *t)
{
	if (!t->name[0])
		return fail(r->e, E_NAME, "a constant tensor has no name");
	if (find(r, t->name)) {
		fail(r->e, E_DUP_NAME, "'%s' is defined twice", t->name);
		return err_tensor(r->e, t->name);
	}
	define(r, t->name, &t->type, t->data);
	return 0;
}

static int read_init(struct reader *r, struct span message)
{
	struct onnx_tensor t = {0};

	return onnx_tensor(r->g, message, &t, r->e) < 0 ? -1 : add_const(r, &t);
}

static int declare(struct reader *r, const Onnx__ValueInfoProto *p, val_id v)
{
	struct graph *g = r->g;
	struct err none = ERR_INIT;
	const char **sym;
	struct type t;

	/* an odd declaration says nothing; only a clear one can contradict */
	if (onnx_value_type(g, p, &t, &sym, &none) == 0) {
		g->declared = GROW(g->arena, g->declared, g->ndeclared);
		g->declared[g->ndeclared++] = (struct declared){v, t};
	}
	err_release(&none);
	return 0;
}

static int read_input(struct reader *r, struct span message)
{
	struct graph *g = r->g;
	Onnx__ValueInfoProto *p =
		onnx_unpack(g, &onnx__value_info_proto__descriptor, message, r->e);
	const char **sym;
	struct type t;
	val_id v;

	if (!p)
		return -1;
	if (!p->name || !p->name[0])
		return fail(r->e, E_NAME, "a graph input has no name");
	v = find(r, p->name);
	if (v && val_is_const(&g->val[v]))
		return declare(r, p, v); /* an old way to list it, or a default: a constant */
	if (v) {
		fail(r->e, E_DUP_NAME, "graph input '%s' is listed twice", p->name);
		return err_tensor(r->e, p->name);
	}
	if (onnx_value_type(g, p, &t, &sym, r->e) < 0)
		return err_tensor(r->e, p->name);
	v = define(r, p->name, &t, NULL);
	g->val[v].sym = sym;
	g->val[v].input = true;
	g->input = GROW(g->arena, g->input, g->ninput);
	g->input[g->ninput++] = v;
	return 0;
}

static int read_sparse(struct reader *r, struct span message)
{
	(void)message;
	return fail(r->e, E_SPARSE, "sparse initializers are not supported");
}

/* ---- outputs and declared types ---- */

static int read_output(struct reader *r, struct span message)
{
	struct graph *g = r->g;
	Onnx__ValueInfoProto *p =
		onnx_unpack(g, &onnx__value_info_proto__descriptor, message, r->e);
	val_id v;

	if (!p)
		return -1;
	v = p->name ? find(r, p->name) : 0;
	if (!v) {
		fail(r->e, E_UNDEFINED, "graph output '%s' is written by no node",
		     p->name ? p->name : "");
		return err_tensor(r->e, p->name);
	}
	if (g->val[v].output) {
		fail(r->e, E_DUP_NAME, "graph output '%s' is listed twice", p->name);
		return err_tensor(r->e, p->name);
	}
	g->val[v].output = true;
	g->output = GROW(g->arena, g->output, g->noutput);
	g->output_name = GROW(g->arena, g->output_name, g->noutput);
	g->output_name[g->noutput] = p->name;
	g->output[g->noutput++] = v;
	return declare(r, p, v);
}

static int read_value_info(struct reader *r, struct span message)
{
	Onnx__ValueInfoProto *p =
		onnx_unpack(r->g, &onnx__value_info_proto__descriptor, message, r->e);
	val_id v = p && p->name ? find(r, p->name) : 0;

	return !p ? -1 : v ? declare(r, p, v) : 0;
}

static int each(struct reader *r, uint32_t field, int (*read)(struct reader *, struct span))
{
	struct wire w = wire_of(r->graph);
	struct wire_field f;

	while (wire_next(&w, &f))
		if (f.number == field && read(r, f.bytes) < 0)
			return -1;
	return 0;
}

/* ---- nodes ---- */

/* Constant nodes define their value at once; the others are kept with their outputs' names. */
static int read_node(struct reader *r, struct span message)
{
	struct onnx_node *n = &r->node[r->nnode];
	struct onnx_tensor t = {0};

	if (onnx_node(r->g, message, n, false, r->e) < 0)
		return -1;
	if (!strcmp(n->op, "Constant") && !n->domain[0])
		return onnx_constant(n, &t, r->e) < 0 || add_const(r, &t) < 0 ? -1 : 0;
	if (!n->nout)
		fail(r->e, E_ARITY, "%s '%s' has no output", n->op, n->name);
	for (uint32_t k = 0; k < n->nout && r->e->code == E_OK; k++) {
		if (!n->out[k][0])
			continue;
		if (find(r, n->out[k]))
			fail(r->e, E_DUP_NAME, "'%s' is defined twice", n->out[k]);
		else
			r->maker[define(r, n->out[k], NULL, NULL)] = r->nnode + 1;
	}
	r->nnode++;
	return r->e->code == E_OK ? 0 : err_node(r->e, n->name, n->op);
}

/* Operators, and what is inside of nodes: subgraphs, and the functions that anything calls. */
static int read_bodies(struct reader *r)
{
	for (uint32_t i = 0; i < r->nnode; i++) {
		struct onnx_node *n = &r->node[i];

		if (onnx_subgraphs(&r->bodies, &r->names, r->opset, n) < 0)
			return err_node(r->e, n->name, n->op);
		n->found = onnx_find_op(&r->bodies, n, r->opset, &n->callee);
	}
	return onnx_read_called(&r->bodies, r->opset);
}

/* One error over all nodes whose operator is missing. */
static int check_ops(struct reader *r)
{
	struct err *e = r->e;
	size_t n = r->bodies.missing, distinct = 0;

	if (!n)
		return 0;
	for (size_t i = 0; i < e->nitems; i++) {
		size_t k = 0;

		while (k < i && strcmp(e->items[k].op, e->items[i].op))
			k++;
		distinct += k == i;
	}
	fail(e, e->items[0].code, "%zu node%s with %zu operator%s can't be compiled; the first: %s",
	     n, n > 1 ? "s" : "", distinct, distinct > 1 ? "s" : "", e->items[0].detail);
	err_node(e, e->items[0].node, e->items[0].op);
	return err_hint(e, "details lists every node; the README has the supported operators");
}

static int add_node(struct reader *r, const struct onnx_node *p)
{
	struct graph *g = r->g;
	struct node *n = node_add(g, p->found, p->name, p->nin, p->nout);

	n->version = r->opset;
	n->attrs = p->attrs;
	n->nattrs = p->nattrs;
	n->nmain = p->nin;
	for (uint32_t k = 0; k < p->nin; k++)
		n->in[k] = p->in[k][0] ? find(r, p->in[k]) : 0;
	for (uint32_t k = 0; k < p->nout; k++)
		if (p->out[k][0])
			node_set_out(g, n, k, find(r, p->out[k]));
	if (p->callee) {
		struct call_attr *call = NEW(g->arena, 1, struct call_attr);

		call->body = p->callee;
		n->attr = call;
		n->was = p->callee->name;
		return 0;
	}
	return node_check(g, n, r->e);
}

static int undefined(struct reader *r, const struct onnx_node *n, const char *name)
{
	fail(r->e, E_UNDEFINED, "%s '%s' reads '%s', which nothing defines", n->op, n->name, name);
	err_tensor(r->e, name);
	return err_node(r->e, n->name, n->op);
}

struct visit {
	uint32_t node, next; /* input to look at */
};

/* The input's maker if that must come first: its index + 1; 0: none. */
static int step(struct reader *r, struct visit *v, uint32_t *maker)
{
	const struct onnx_node *n = &r->node[v->node];
	val_id id;

	*maker = 0;
	for (; v->next < n->nin; v->next++) {
		const char *name = n->in[v->next];

		if (!name[0])
			continue;
		id = find(r, name);
		if (!id)
			return undefined(r, n, name);
		*maker = r->maker[id];
		if (*maker && r->color[*maker - 1] != BLACK)
			return 0;
		*maker = 0;
	}
	return 0;
}

static int sort_from(struct reader *r, uint32_t root, struct visit *stack)
{
	uint32_t depth = 1, maker;

	stack[0] = (struct visit){root, 0};
	r->color[root] = GREY;
	while (depth) {
		struct visit *top = &stack[depth - 1];

		if (step(r, top, &maker) < 0)
			return -1;
		if (!maker) {
			r->color[top->node] = BLACK;
			if (add_node(r, &r->node[top->node]) < 0)
				return -1;
			depth--;
		} else if (r->color[maker - 1] == GREY) {
			const struct onnx_node *n = &r->node[top->node];

			fail(r->e, E_CYCLE, "%s '%s' depends on its own result", n->op, n->name);
			return err_node(r->e, n->name, n->op);
		} else {
			r->color[maker - 1] = GREY;
			stack[depth++] = (struct visit){maker - 1, 0};
		}
	}
	return 0;
}

static int add_nodes(struct reader *r)
{
	struct visit *stack = NEW(r->g->arena, r->nnode + 1, struct visit);

	r->color = NEW(r->g->arena, r->nnode + 1, uint8_t);
	for (uint32_t i = 0; i < r->nnode; i++)
		if (r->color[i] == WHITE && sort_from(r, i, stack) < 0)
			return -1;
	return 0;
}

/* Room for every name that the graph can define. */
static void size_tables(struct reader *r)
{
	struct wire w = wire_of(r->graph);
	struct wire_field f, name;
	uint32_t nodes = 0, names = 1;

	while (wire_next(&w, &f)) {
		struct wire n = wire_of(f.bytes);
		struct wire_field out;

		nodes += f.number == GRAPH_NODE;
		names += f.number == GRAPH_INIT || f.number == GRAPH_INPUT;
		while (f.number == GRAPH_NODE && wire_next(&n, &out))
			names += out.number == 2;
	}
	r->maker = NEW(r->g->arena, names + 1, uint32_t);
	r->node = NEW(r->g->arena, nodes + 1, struct onnx_node);
	if (wire_find(r->graph, GRAPH_NAME, &name))
		r->g->name = arena_strndup(r->g->arena, name.bytes.data, name.bytes.len);
}

int pass_onnx(struct graph *g, struct span file, struct err *e)
{
	struct reader r = {
		.g = g, .e = e, .names = names_begin(g->arena), .bodies = {.g = g, .e = e}};

	if (onnx_scan(file, ROOT_MODEL, e) < 0 || read_model(&r, file) < 0 ||
	    onnx_functions(&r.bodies, file, r.graph) < 0)
		return -1;
	size_tables(&r);
	if (each(&r, GRAPH_SPARSE, read_sparse) < 0 || each(&r, GRAPH_INIT, read_init) < 0 ||
	    each(&r, GRAPH_INPUT, read_input) < 0 || each(&r, GRAPH_NODE, read_node) < 0 ||
	    read_bodies(&r) < 0 || check_ops(&r) < 0 || add_nodes(&r) < 0 ||
	    each(&r, GRAPH_OUTPUT, read_output) < 0 || each(&r, GRAPH_VALUE, read_value_info) < 0)
		return -1;
	if (!g->noutput)
		return fail(e, E_NO_OUTPUT, "the graph has no output");
	return 0;
}
