/*
 * NodeProto and its attributes: through protobuf-c, but for tensors and
 * subgraphs, which are cut out first: a tensor stays where it is in the
 * map, and a subgraph is never unpacked.
 */
#include "compiler/onnx_int.h"

#include <string.h>

#define BIT(n) ((uint64_t)1 << (n))

enum { NODE_ATTRIBUTE = 5, ATTR_T = 5, ATTR_G = 6, ATTR_TYPE = 20 };

/* Everything of an attribute that may hold further messages. */
#define ATTR_HEAVY \
	(BIT(ATTR_T) | BIT(ATTR_G) | BIT(10) | BIT(11) | BIT(14) | BIT(15) | BIT(22) | BIT(23))

/* ---- protobuf-c with an allocator that has a limit and never frees ---- */

struct cap {
	struct arena *arena;
	size_t left;
	bool full;
};

static void *cap_alloc(void *data, size_t bytes)
{
	struct cap *c = data;

	c->full = bytes > c->left;
	if (c->full)
		return NULL;
	c->left -= bytes;
	return arena_alloc(c->arena, bytes);
}

static void cap_free(void *data, void *p)
{
	(void)data;
	(void)p;
}

void *onnx_unpack(struct graph *g, const ProtobufCMessageDescriptor *d, struct span bytes,
		  struct err *e)
{
	struct cap cap = {g->arena, bytes.len * 32 + ((size_t)1 << 20), false};
	ProtobufCAllocator allocator = {cap_alloc, cap_free, &cap};
	void *message = protobuf_c_message_unpack(d, &allocator, bytes.len, bytes.data);

	if (!message && cap.full)
		fail(e, E_LIMIT_MEMORY, "a %s of %zu bytes needs more than 32 times its size",
		     d->short_name, bytes.len);
	else if (!message)
		fail(e, E_PROTOBUF, "a %s of %zu bytes can't be read", d->short_name, bytes.len);
	return message;
}

/* ---- attributes ---- */

static const char *copy_bytes(struct graph *g, const ProtobufCBinaryData *b, struct err *e)
{
	if (memchr(b->data ? b->data : (const uint8_t *)"", 0, b->len)) {
		fail(e, E_NAME, "a string attribute holds a NUL");
		return "";
	}
	return arena_strndup(g->arena, b->data, b->len);
}

static void copy_strings(struct graph *g, struct attr *a, const Onnx__AttributeProto *p,
			 struct err *e)
{
	const char **s = NEW(g->arena, p->n_strings + 1, const char *);

	a->type = ATTR_STRINGS;
	a->n = (uint32_t)p->n_strings;
	for (size_t i = 0; i < p->n_strings; i++)
		s[i] = copy_bytes(g, &p->strings[i], e);
	a->strings = s;
}

static int copy_tensor(struct graph *g, struct attr *a, struct span message, struct err *e)
{
	struct onnx_tensor t = {0};
	struct wire_field f;

	a->type = ATTR_TENSOR;
	if (!wire_find(message, ATTR_T, &f))
		return fail(e, E_ATTR, "attribute '%s' has no tensor", a->name);
	if (onnx_tensor(g, f.bytes, &t, e) < 0)
		return -1;
	a->ttype = t.type;
	a->tdata = t.data;
	return 0;
}

#define ONNX_TYPE(t) ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__##t

static int copy_value(struct graph *g, struct attr *a, const Onnx__AttributeProto *p,
		      struct span message, struct err *e)
{
	switch (p->type) {
	case ONNX_TYPE(INT):
		a->type = ATTR_INT;
		a->i = p->i;
		return 0;
	case ONNX_TYPE(FLOAT):
		a->type = ATTR_FLOAT;
		a->f = p->f;
		return 0;
	case ONNX_TYPE(STRING):
		a->type = ATTR_STRING;
		a->s = copy_bytes(g, &p->s, e);
		return 0;
	case ONNX_TYPE(INTS):
		a->type = ATTR_INTS;
		a->n = (uint32_t)p->n_ints;
		a->ints = p->ints;
		return 0;
	case ONNX_TYPE(FLOATS):
		a->type = ATTR_FLOATS;
		a->n = (uint32_t)p->n_floats;
		a->floats = p->floats;
		return 0;
	case ONNX_TYPE(STRINGS):
		copy_strings(g, a, p, e);
		return 0;
	case ONNX_TYPE(TENSOR):
		return copy_tensor(g, a, message, e);
	case ONNX_TYPE(GRAPH):
		a->type = ATTR_GRAPH;
		return 0;
	default:
		return fail(e, E_ATTR, "attribute '%s' is of a kind (%d) that is not supported",
			    a->name, (int)p->type);
	}
}

/* The type of an attribute that is another's value. */
static int refer(struct attr *a, const Onnx__AttributeProto *p, struct err *e)
{
	static const enum attr_type type[] = {
		[ONNX_TYPE(FLOAT)] = ATTR_FLOAT,   [ONNX_TYPE(INT)] = ATTR_INT,
		[ONNX_TYPE(STRING)] = ATTR_STRING, [ONNX_TYPE(TENSOR)] = ATTR_TENSOR,
		[ONNX_TYPE(GRAPH)] = ATTR_GRAPH,   [ONNX_TYPE(FLOATS)] = ATTR_FLOATS,
		[ONNX_TYPE(INTS)] = ATTR_INTS,	   [ONNX_TYPE(STRINGS)] = ATTR_STRINGS,
	};

	if (p->type < 1 || (size_t)p->type >= COUNT_OF(type))
		return fail(e, E_ATTR, "attribute '%s' is of a kind (%d) that is not supported",
			    a->name, (int)p->type);
	a->type = type[p->type];
	a->ref = p->ref_attr_name;
	return 0;
}

/* Fields that hold values, and the one that a type reads. */
#define VALUE_FIELDS                                                                       \
	(BIT(2) | BIT(3) | BIT(4) | BIT(ATTR_T) | BIT(ATTR_G) | BIT(7) | BIT(8) | BIT(9) | \
	 BIT(10) | BIT(11) | BIT(14) | BIT(15) | BIT(22) | BIT(23))

static const uint8_t value_field[] = {
	[ATTR_FLOAT] = 2,      [ATTR_INT] = 3,	  [ATTR_STRING] = 4, [ATTR_TENSOR] = ATTR_T,
	[ATTR_GRAPH] = ATTR_G, [ATTR_FLOATS] = 7, [ATTR_INTS] = 8,   [ATTR_STRINGS] = 9,
};

/* A value in another field than the type's. None at all is a zero that the writer left out. */
static int check_fields(const struct attr *a, struct span message, struct err *e)
{
	struct wire w = wire_of(message);
	struct wire_field f;

	while (wire_next(&w, &f))
		if (f.number < 64 && VALUE_FIELDS >> f.number & 1 &&
		    f.number != value_field[a->type])
			return fail(e, E_ATTR, "attribute '%s' has a value that is not of its type",
				    a->name);
	return 0;
}

int onnx_attr(struct graph *g, struct attr *a, struct span message, bool refs, struct err *e)
{
	struct span small = wire_without(g->arena, message, ATTR_HEAVY);
	Onnx__AttributeProto *p = onnx_unpack(g, &onnx__attribute_proto__descriptor, small, e);

	if (!p)
		return -1;
	a->name = p->name ? p->name : "";
	if (!a->name[0])
		return fail(e, E_ATTR, "an attribute has no name");
	if (p->ref_attr_name && p->ref_attr_name[0] && refs)
		return refer(a, p, e);
	if (p->ref_attr_name && p->ref_attr_name[0])
		return fail(e, E_ATTR, "attribute '%s' refers to '%s' outside of a function",
			    a->name, p->ref_attr_name);
	if (!p->has_type || p->type == ONNX_TYPE(UNDEFINED))
		return fail(e, E_ATTR, "attribute '%s' has no type", a->name);
	if (copy_value(g, a, p, message, e) < 0 || check_fields(a, message, e) < 0)
		return -1;
	return e->code == E_OK ? 0 : -1;
}

static int add_attr(struct graph *g, struct onnx_node *n, struct span message, bool refs,
		    struct err *e)
{
	struct attr *a = &n->attrs[n->nattrs];
	struct wire_field sub;

	if (onnx_attr(g, a, message, refs, e) < 0)
		return -1;
	if (a->type == ATTR_GRAPH && !a->ref) {
		if (!wire_find(message, ATTR_G, &sub))
			return fail(e, E_ATTR, "attribute '%s' has no graph", a->name);
		n->graph[n->nattrs] = sub.bytes;
	}
	n->nattrs++;
	return 0;
}

int onnx_node(struct graph *g, struct span message, struct onnx_node *n, bool refs, struct err *e)
{
	struct span small = wire_without(g->arena, message, BIT(NODE_ATTRIBUTE));
	Onnx__NodeProto *p = onnx_unpack(g, &onnx__node_proto__descriptor, small, e);
	struct wire w = wire_of(message);
	struct wire_field f;

	if (!p)
		return -1;
	*n = (struct onnx_node){.name = p->name ? p->name : "",
				.op = p->op_type ? p->op_type : "",
				.domain = p->domain ? p->domain : "",
				.overload = p->overload ? p->overload : "",
				.nin = (uint32_t)p->n_input,
				.nout = (uint32_t)p->n_output,
				.in = p->input,
				.out = p->output};
	while (wire_next(&w, &f))
		n->nattrs += f.number == NODE_ATTRIBUTE;
	n->attrs = NEW(g->arena, n->nattrs + 1, struct attr);
	n->graph = NEW(g->arena, n->nattrs + 1, struct span);
	n->nattrs = 0;
	w = wire_of(message);
	while (wire_next(&w, &f))
		if (f.number == NODE_ATTRIBUTE && add_attr(g, n, f.bytes, refs, e) < 0)
			return err_node(e, n->name, n->op);
	return 0;
}

/* ---- Constant ---- */

/* The attributes that may hold a Constant's value, and what they make of it. */
static const struct form {
	const char *name;
	enum attr_type type;
	enum dtype dt;
	uint8_t rank;
} forms[] = {
	{"value", ATTR_TENSOR, DT_NONE, 0},    {"value_int", ATTR_INT, I64, 0},
	{"value_float", ATTR_FLOAT, F32, 0},   {"value_ints", ATTR_INTS, I64, 1},
	{"value_floats", ATTR_FLOATS, F32, 1},
};

static const void *form_data(const struct attr *a)
{
	static const int64_t nothing;

	switch (a->type) {
	case ATTR_TENSOR:
		return a->tdata;
	case ATTR_INT:
		return &a->i;
	case ATTR_FLOAT:
		return &a->f;
	case ATTR_INTS:
		return a->n ? (const void *)a->ints : &nothing;
	default:
		return a->n ? (const void *)a->floats : &nothing;
	}
}

int onnx_constant(const struct onnx_node *n, struct onnx_tensor *t, struct err *e)
{
	const struct attr *a = n->attrs;

	if (n->nattrs != 1 || n->nin || n->nout != 1) {
		fail(e, n->nattrs == 1 ? E_ARITY : E_ATTR,
		     "Constant '%s' needs one attribute, no input and one output", n->name);
		return err_node(e, n->name, n->op);
	}
	for (size_t i = 0; i < COUNT_OF(forms); i++) {
		const struct form *f = &forms[i];

		if (strcmp(f->name, a->name) || f->type != a->type)
			continue;
		t->name = n->out[0];
		t->type = f->type == ATTR_TENSOR
				  ? a->ttype
				  : (struct type){.dt = f->dt, .rank = f->rank, .dim = {a->n}};
		t->data = form_data(a);
		return 0;
	}
	fail(e, E_ATTR, "Constant '%s': attribute '%s' is not supported", n->name, a->name);
	return err_node(e, n->name, n->op);
}
