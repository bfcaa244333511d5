/*
 * Subgraphs and functions of the file as bodies (body.h). A body's nodes must
 * stand in order, as ONNX demands; so one walk reads it, with the names seen
 * so far. A name that only the scope around defines is captured, there and in
 * all scopes in between. Functions are read when something calls them.
 */
#include "compiler/onnx_body.h"

#include <string.h>

enum { GRAPH_NODE = 1, GRAPH_INIT = 5, GRAPH_INPUT = 11, GRAPH_OUTPUT = 12, GRAPH_SPARSE = 15 };
enum {
	FUNCTION_INPUT = 4,
	FUNCTION_OUTPUT = 5,
	FUNCTION_ATTR = 6,
	FUNCTION_NODE = 7,
	FUNCTION_OPSET = 9,
	FUNCTION_DEFAULT = 11
};

struct scope {
	struct bodies *s;
	struct scope *outer;	  /* NULL: of a function, or right inside the main graph: */
	const struct names *main; /* its names, or NULL */
	struct body *b;
	struct names names; /* -> slot */
	int opset;
};

/* ---- names ---- */

static const char *text_of(const struct scope *c, struct span s)
{
	return arena_strndup(c->s->g->arena, s.data, s.len);
}

static uint32_t new_slot(struct scope *c, val_id constant)
{
	struct body *b = c->b;

	b->slot = GROW(c->s->g->arena, b->slot, b->nslot + 1);
	b->slot[++b->nslot] = constant;
	return b->nslot;
}

static bool is_visible(const struct scope *c, const char *name)
{
	for (; c; c = c->outer)
		if (names_find(&c->names, name, strlen(name)) ||
		    (c->main && names_find(c->main, name, strlen(name))))
			return true;
	return false;
}

/* The slot of a new name; 0 after an error. */
static uint32_t define(struct scope *c, const char *name, val_id constant)
{
	uint32_t slot;

	if (is_visible(c, name)) {
		fail(c->s->e, E_DUP_NAME, "'%s' is defined twice", name);
		err_tensor(c->s->e, name);
		return 0;
	}
	slot = new_slot(c, constant);
	*names_at(&c->names, name, strlen(name)) = slot;
	return slot;
}

/* The slot of a name, captured where it is the outer scopes'; 0: nobody defines it. */
static uint32_t look_up(struct scope *c, const char *name)
{
	struct body *b = c->b;
	uint32_t slot = names_find(&c->names, name, strlen(name));

	if (slot)
		return slot;
	if (c->outer ? !look_up(c->outer, name)
		     : !c->main || !names_find(c->main, name, strlen(name)))
		return 0;
	slot = new_slot(c, 0);
	*names_at(&c->names, name, strlen(name)) = slot;
	b->capture = GROW(c->s->g->arena, b->capture, b->ncapture);
	b->capture[b->ncapture++] = (struct capture){name, slot};
	return slot;
}

/* ---- nodes ---- */

static int undefined(struct scope *c, const struct onnx_node *n, const char *name)
{
	fail(c->s->e, E_UNDEFINED, "%s '%s' reads '%s', which nothing before it defines", n->op,
	     n->name, name);
	err_tensor(c->s->e, name);
	return err_node(c->s->e, n->name, n->op);
}

static bool refers(const struct onnx_node *n)
{
	for (uint32_t i = 0; i < n->nattrs; i++)
		if (n->attrs[i].ref)
			return true;
	return false;
}

static int add_constant(struct scope *c, const struct onnx_node *n)
{
	struct onnx_tensor t = {0};

	if (onnx_constant(n, &t, c->s->e) < 0)
		return -1;
	return define(c, t.name, val_const(c->s->g, "", &t.type, t.data)) ? 0 : -1;
}

static int read_bodies(struct scope *c, struct onnx_node *n);

static int resolve(struct scope *c, const struct onnx_node *n, struct body_node *to)
{
	for (uint32_t k = 0; k < n->nin; k++) {
		if (!n->in[k][0])
			continue;
		to->in[k] = look_up(c, n->in[k]);
		if (!to->in[k])
			return undefined(c, n, n->in[k]);
	}
	for (uint32_t k = 0; k < n->nout; k++) {
		if (!n->out[k][0])
			continue;
		to->out[k] = define(c, n->out[k], 0);
		if (!to->out[k])
			return err_node(c->s->e, n->name, n->op);
	}
	return 0;
}

static int add_node(struct scope *c, struct span message)
{
	struct arena *arena = c->s->g->arena;
	struct onnx_node n;
	struct body_node to = {.version = c->opset};

	if (onnx_node(c->s->g, message, &n, c->s->refs, c->s->e) < 0)
		return -1;
	if (!strcmp(n.op, "Constant") && !n.domain[0] && !refers(&n))
		return add_constant(c, &n);
	if (!n.nout) {
		fail(c->s->e, E_ARITY, "%s '%s' has no output", n.op, n.name);
		return err_node(c->s->e, n.name, n.op);
	}
	if (read_bodies(c, &n) < 0)
		return -1;
	to.op = onnx_find_op(c->s, &n, c->opset, &to.callee);
	to.name = n.name;
	to.attrs = n.attrs;
	to.nattrs = n.nattrs;
	to.nin = n.nin;
	to.nout = n.nout;
	to.in = NEW(arena, n.nin, uint32_t);
	to.out = NEW(arena, n.nout, uint32_t);
	if (resolve(c, &n, &to) < 0)
		return -1;
	c->b->node = GROW(arena, c->b->node, c->b->nnode);
	c->b->node[c->b->nnode++] = to;
	return 0;
}

/* ---- subgraphs ---- */

static int read_init(struct scope *c, struct span message)
{
	struct onnx_tensor t = {0};

	if (onnx_tensor(c->s->g, message, &t, c->s->e) < 0)
		return -1;
	return define(c, t.name, val_const(c->s->g, "", &t.type, t.data)) ? 0 : -1;
}

static int add_param(struct scope *c, const char *name)
{
	struct body *b = c->b;
	uint32_t slot = define(c, name, 0);

	if (!slot)
		return -1;
	b->param = GROW(c->s->g->arena, b->param, b->nparam);
	b->param[b->nparam++] = slot;
	return 0;
}

static int add_result(struct scope *c, const char *name)
{
	struct body *b = c->b;
	uint32_t slot = look_up(c, name);

	if (!slot) {
		fail(c->s->e, E_UNDEFINED, "output '%s' of a subgraph is written by no node", name);
		return err_tensor(c->s->e, name);
	}
	b->out = GROW(c->s->g->arena, b->out, b->nout);
	b->out[b->nout++] = slot;
	return 0;
}

static int read_value(struct scope *c, struct span message,
		      int (*add)(struct scope *, const char *))
{
	struct wire_field name;

	if (!wire_find(message, 1, &name) || !name.bytes.len)
		return fail(c->s->e, E_NAME, "an input or output of a subgraph has no name");
	return add(c, text_of(c, name.bytes));
}

static int read_sparse(struct scope *c)
{
	return fail(c->s->e, E_SPARSE, "sparse initializers are not supported");
}

static int read_field(struct scope *c, const struct wire_field *f, uint32_t number)
{
	if (f->number != number)
		return 0;
	switch (number) {
	case GRAPH_INIT:
		return read_init(c, f->bytes);
	case GRAPH_INPUT:
		return read_value(c, f->bytes, add_param);
	case GRAPH_NODE:
		return add_node(c, f->bytes);
	case GRAPH_OUTPUT:
		return read_value(c, f->bytes, add_result);
	default:
		return read_sparse(c);
	}
}

static int read_graph(struct scope *c, struct span message)
{
	static const uint32_t order[] = {GRAPH_SPARSE, GRAPH_INPUT, GRAPH_INIT, GRAPH_NODE,
					 GRAPH_OUTPUT};

	c->names = names_begin(c->s->g->arena);
	c->b->name = "";
	c->b->slot = GROW(c->s->g->arena, c->b->slot, 0);
	for (size_t i = 0; i < COUNT_OF(order); i++) {
		struct wire w = wire_of(message);
		struct wire_field f;

		while (wire_next(&w, &f))
			if (read_field(c, &f, order[i]) < 0)
				return -1;
	}
	return 0;
}

static void add_captures(struct arena *a, struct onnx_node *n, const struct body *b)
{
	char **in = NEW(a, n->nin + b->ncapture, char *);

	for (uint32_t k = 0; k < n->nin; k++)
		in[k] = n->in[k];
	for (uint32_t k = 0; k < b->ncapture; k++)
		in[n->nin++] = arena_strdup(a, b->capture[k].name);
	n->in = in;
}

/* The subgraphs among a node's attributes; what they capture becomes inputs of the node. */
static int read_subgraphs(struct bodies *s, struct scope *outer, const struct names *main,
			  int opset, struct onnx_node *n)
{
	struct arena *arena = s->g->arena;

	for (uint32_t i = 0; i < n->nattrs; i++) {
		struct body *b;
		struct scope inner = {.s = s, .outer = outer, .main = main, .opset = opset};
		struct closure *c;

		if (n->attrs[i].type != ATTR_GRAPH || n->attrs[i].ref)
			continue;
		c = NEW(arena, 1, struct closure);
		c->body = inner.b = b = NEW(arena, 1, struct body);
		if (read_graph(&inner, n->graph[i]) < 0)
			return -1;
		n->attrs[i].graph = c;
		add_captures(arena, n, b);
	}
	return 0;
}

static int read_bodies(struct scope *c, struct onnx_node *n)
{
	return read_subgraphs(c->s, c, NULL, c->opset, n);
}

int onnx_subgraphs(struct bodies *s, const struct names *main, int opset, struct onnx_node *n)
{
	s->refs = false;
	return read_subgraphs(s, NULL, main, opset, n);
}

/* ---- functions ---- */

static int read_default(struct scope *c, struct span message)
{
	struct body *b = c->b;

	b->defaults = GROW(c->s->g->arena, b->defaults, b->ndefaults);
	return onnx_attr(c->s->g, &b->defaults[b->ndefaults++], message, false, c->s->e);
}

static void read_opset(struct scope *c, struct span message)
{
	struct wire_field domain, version;

	if (wire_find(message, 2, &version) &&
	    (!wire_find(message, 1, &domain) || !domain.bytes.len) && version.value < INT32_MAX)
		c->opset = (int)version.value;
}

static int read_function_field(struct scope *c, const struct wire_field *f, uint32_t number)
{
	struct body *b = c->b;

	if (f->number != number)
		return 0;
	switch (number) {
	case FUNCTION_OPSET:
		read_opset(c, f->bytes);
		return 0;
	case FUNCTION_ATTR:
		b->attr = GROW(c->s->g->arena, b->attr, b->nattrs);
		b->attr[b->nattrs++] = text_of(c, f->bytes);
		return 0;
	case FUNCTION_DEFAULT:
		return read_default(c, f->bytes);
	case FUNCTION_INPUT:
		return add_param(c, text_of(c, f->bytes));
	case FUNCTION_NODE:
		return add_node(c, f->bytes);
	default:
		return add_result(c, text_of(c, f->bytes));
	}
}

int onnx_function(struct bodies *s, struct span message, int opset, struct body *b)
{
	static const uint32_t order[] = {FUNCTION_OPSET, FUNCTION_ATTR, FUNCTION_DEFAULT,
					 FUNCTION_INPUT, FUNCTION_NODE, FUNCTION_OUTPUT};
	struct scope c = {.s = s, .b = b, .opset = opset};

	s->refs = true;
	c.names = names_begin(s->g->arena);
	b->slot = GROW(s->g->arena, b->slot, 0);
	for (size_t i = 0; i < COUNT_OF(order); i++) {
		struct wire w = wire_of(message);
		struct wire_field f;

		while (wire_next(&w, &f))
			if (read_function_field(&c, &f, order[i]) < 0)
				return -1;
	}
	return 0;
}
