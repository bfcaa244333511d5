/*
 * Model-local functions: their table, and what would make following calls
 * dangerous: circles, and few bytes that stand for a huge graph. Depth-first
 * over the functions with a stack of our own; each is measured once. (Calls
 * inside of subgraphs are limited when they are written out.) What a node
 * calls is an operator of ours, or else a function.
 */
#include "compiler/onnx_body.h"
#include "compiler/ops/op.h"

#include <string.h>

#define EXPANDED_MAX ((uint64_t)BODY_NODES_MAX)

enum { MODEL_FUNCTIONS = 25, GRAPH_NODE = 1, NODE_INPUT = 1 };
enum {
	FUNCTION_NAME = 1,
	FUNCTION_INPUT = 4,
	FUNCTION_NODE = 7,
	FUNCTION_DOMAIN = 10,
	FUNCTION_OVERLOAD = 13
};
enum { NODE_OP = 4, NODE_DOMAIN = 7, NODE_OVERLOAD = 8 };

struct visit {
	uint32_t function;
	struct wire w; /* what is left of its nodes */
};

static void put_part(struct buf *key, struct span message, uint32_t field)
{
	struct wire_field f;

	if (wire_find(message, field, &f))
		buf_append(key, f.bytes.data, f.bytes.len);
	buf_append(key, "", 1); /* names hold no zero bytes */
}

/* The number under which a function, or the one that a node calls, is known. */
static uint32_t *entry_of(struct bodies *s, struct span message, const uint32_t part[3])
{
	struct buf key = BUF_INIT;
	uint32_t *number;

	for (int i = 0; i < 3; i++)
		put_part(&key, message, part[i]);
	number = names_at(&s->names, key.data, key.len);
	buf_release(&key);
	return number;
}

static uint32_t count_fields(struct span message, uint32_t number)
{
	struct wire w = wire_of(message);
	struct wire_field f;
	uint32_t n = 0;

	while (wire_next(&w, &f))
		n += f.number == number;
	return n;
}

static int add_function(struct bodies *s, struct span message)
{
	static const uint32_t part[] = {FUNCTION_DOMAIN, FUNCTION_NAME, FUNCTION_OVERLOAD};
	struct wire_field name;
	uint32_t *number = entry_of(s, message, part);

	if (*number)
		return fail(s->e, E_DUP_NAME, "functions %u and %u have the same name", *number - 1,
			    s->n);
	s->f = GROW(s->g->arena, s->f, s->n);
	s->f[s->n++] = (struct function){.message = message,
					 .body = NEW(s->g->arena, 1, struct body),
					 .nin = count_fields(message, FUNCTION_INPUT)};
	if (wire_find(message, FUNCTION_NAME, &name))
		s->f[s->n - 1].body->name =
			arena_strndup(s->g->arena, name.bytes.data, name.bytes.len);
	else
		s->f[s->n - 1].body->name = "";
	*number = s->n;
	return 0;
}

static int refuse(struct bodies *s, enum err_code code, struct span node, const char *why)
{
	struct wire_field op;
	const char *name = "";

	if (wire_find(node, NODE_OP, &op))
		name = arena_strndup(s->g->arena, op.bytes.data, op.bytes.len);
	fail(s->e, code, "a call of function '%.100s' %s", name, why);
	return err_node(s->e, NULL, name);
}

/* *callee: index + 1 of the function that the node calls, 0 for an operator. */
static int look_up(struct bodies *s, struct span node, uint32_t *callee)
{
	static const uint32_t part[] = {NODE_DOMAIN, NODE_OP, NODE_OVERLOAD};

	*callee = *entry_of(s, node, part);
	if (*callee && count_fields(node, NODE_INPUT) > s->f[*callee - 1].nin)
		return refuse(s, E_ARITY, node, "has more inputs than the function");
	return 0;
}

static void add_nodes(struct function *f, uint64_t nodes)
{
	f->nodes = MIN(f->nodes + nodes, EXPANDED_MAX + 1);
}

/* The next call that must be measured first, or 0 with all nodes counted. */
static int next_call(struct bodies *s, struct visit *v, uint32_t *callee)
{
	struct function *f = &s->f[v->function];
	struct wire_field field;

	while (wire_next(&v->w, &field)) {
		if (field.number != FUNCTION_NODE)
			continue;
		if (look_up(s, field.bytes, callee) < 0)
			return -1;
		if (*callee && s->f[*callee - 1].color == GREY_FUNCTION)
			return refuse(s, E_FUNC_CYCLE, field.bytes, "leads back to itself");
		if (*callee && s->f[*callee - 1].color == WHITE_FUNCTION)
			return 0;
		add_nodes(f, *callee ? s->f[*callee - 1].nodes : 1);
	}
	*callee = 0;
	return 0;
}

static int measure(struct bodies *s, uint32_t root, struct visit *stack)
{
	uint32_t depth = 1, callee;

	stack[0] = (struct visit){root, wire_of(s->f[root].message)};
	s->f[root].color = GREY_FUNCTION;
	while (depth) {
		struct visit *top = &stack[depth - 1];

		if (next_call(s, top, &callee) < 0)
			return -1;
		if (callee) {
			s->f[callee - 1].color = GREY_FUNCTION;
			stack[depth++] =
				(struct visit){callee - 1, wire_of(s->f[callee - 1].message)};
			continue;
		}
		s->f[top->function].color = BLACK_FUNCTION;
		if (--depth)
			add_nodes(&s->f[stack[depth - 1].function], s->f[top->function].nodes);
	}
	return 0;
}

static int measure_graph(struct bodies *s, struct span graph)
{
	struct wire w = wire_of(graph);
	struct function whole = {.nodes = 0};
	struct wire_field f;
	uint32_t callee;

	while (wire_next(&w, &f)) {
		if (f.number != GRAPH_NODE)
			continue;
		if (look_up(s, f.bytes, &callee) < 0)
			return -1;
		add_nodes(&whole, callee ? s->f[callee - 1].nodes : 1);
	}
	if (whole.nodes > EXPANDED_MAX)
		return fail(s->e, E_LIMIT_NODES,
			    "with its functions written out, the graph has more than %llu nodes",
			    (unsigned long long)EXPANDED_MAX);
	return 0;
}

int onnx_functions(struct bodies *s, struct span file, struct span graph)
{
	struct wire w = wire_of(file);
	struct wire_field f;
	struct visit *stack;

	s->names = names_begin(s->g->arena);
	while (wire_next(&w, &f))
		if (f.number == MODEL_FUNCTIONS && add_function(s, f.bytes) < 0)
			return -1;
	if (!s->n)
		return 0;
	stack = NEW(s->g->arena, s->n, struct visit);
	for (uint32_t i = 0; i < s->n; i++)
		if (s->f[i].color == WHITE_FUNCTION && measure(s, i, stack) < 0)
			return -1;
	return measure_graph(s, graph);
}

int onnx_read_called(struct bodies *s, int opset)
{
	bool more = true;

	while (more) {
		more = false;
		for (uint32_t i = 0; i < s->n; i++) {
			struct function *f = &s->f[i];

			if (!f->called || f->read)
				continue;
			f->read = more = true;
			if (onnx_function(s, f->message, opset, f->body) < 0)
				return -1;
		}
	}
	return 0;
}

/* ---- what a node calls ---- */

static bool domain_declared(const struct bodies *s, const char *domain)
{
	for (uint32_t i = 0; i < s->ndomain; i++)
		if (!strcmp(s->domain[i], domain))
			return true;
	return false;
}

static void put_text(struct buf *key, const char *text)
{
	buf_append(key, text, strlen(text) + 1);
}

static struct function *find_function(const struct bodies *s, const struct onnx_node *n)
{
	struct buf key = BUF_INIT;
	uint32_t number;

	put_text(&key, n->domain);
	put_text(&key, n->op);
	put_text(&key, n->overload);
	number = names_find(&s->names, key.data, key.len);
	buf_release(&key);
	return number ? &s->f[number - 1] : NULL;
}

static const struct op *missing(struct bodies *s, const struct onnx_node *n, bool standard,
				int opset)
{
	s->missing++;
	if (!standard && !domain_declared(s, n->domain))
		err_item(s->e, E_DOMAIN, n->name, n->op, "domain '%s' is not imported", n->domain);
	else if (!standard)
		err_item(s->e, E_OP_UNSUPPORTED, n->name, n->op, "domain '%s' is not supported",
			 n->domain);
	else if (op_known(n->op) && n->op[0] != '.')
		err_item(s->e, E_OP_VERSION, n->name, n->op,
			 "%s is not supported in the form of opset %d", n->op, opset);
	else
		err_item(s->e, E_OP_UNSUPPORTED, n->name, n->op, "%s is not supported",
			 n->op[0] ? n->op : "a node without operator");
	return NULL;
}

const struct op *onnx_find_op(struct bodies *s, const struct onnx_node *n, int opset,
			      const struct body **callee)
{
	bool standard = !n->domain[0] || !strcmp(n->domain, "ai.onnx");
	const struct op *op = standard ? op_find(n->op, opset) : NULL;
	struct function *f;

	*callee = NULL;
	if (op && op->name[0] != '.')
		return op;
	f = find_function(s, n);
	if (!f)
		return missing(s, n, standard, opset);
	f->called = true;
	*callee = f->body;
	return &op__Call;
}
