/*
 * Forms of opset 6 and before: operands were broadcast by attributes (axis:
 * where the second operand's axes begin), and BatchNormalization and Dropout
 * were told whether they train. Written as the same operators of today.
 */
#include "compiler/ops/expand.h"

#include <string.h>

static const struct attr_rule binary_attrs[] = {{"axis", ATTR_INT, false},
						{"broadcast", ATTR_INT, false},
						{"consumed_inputs", ATTR_INTS, false},
						{NULL, ATTR_INT, false}};
static const struct attr_rule gemm_attrs[] = {
	{"alpha", ATTR_FLOAT, false}, {"beta", ATTR_FLOAT, false},    {"transA", ATTR_INT, false},
	{"transB", ATTR_INT, false},  {"broadcast", ATTR_INT, false}, {NULL, ATTR_INT, false}};
static const struct attr_rule norm_attrs[] = {
	{"epsilon", ATTR_FLOAT, false},	       {"momentum", ATTR_FLOAT, false},
	{"spatial", ATTR_INT, false},	       {"is_test", ATTR_INT, false},
	{"consumed_inputs", ATTR_INTS, false}, {NULL, ATTR_INT, false}};
static const struct attr_rule dropout_attrs[] = {{"ratio", ATTR_FLOAT, false},
						 {"is_test", ATTR_INT, false},
						 {"consumed_inputs", ATTR_INTS, false},
						 {NULL, ATTR_INT, false}};

static bool is_gone(const struct attr *a)
{
	static const char *const names[] = {"axis", "broadcast", "consumed_inputs", "is_test"};

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (!strcmp(a->name, names[i]))
			return true;
	return false;
}

/* Input 1 with as many axes of one element behind its own as axis asks for. */
static val_id aligned(struct expand *x, int64_t axis)
{
	struct type a = expand_type(x, expand_in(x, 0)), b = expand_type(x, expand_in(x, 1));

	axis += axis < 0 ? a.rank : 0;
	if (axis < 0 || axis + b.rank > a.rank) {
		x->failed = true;
		fail(x->e, E_ATTR, "%s: axis %lld does not fit %s and %s", x->n->op->name,
		     (long long)axis, in_text(x->g, x->n, 0), in_text(x->g, x->n, 1));
		return 0;
	}
	for (; b.rank < a.rank - axis; b.rank++)
		b.dim[b.rank] = 1;
	return expand_reshape(x, expand_in(x, 1), b.dim, b.rank);
}

static int expand(struct expand *x)
{
	const struct attr *axis = attr_find(x->n, "axis");
	struct attr *attrs = NEW(x->g->arena, x->n->nattrs, struct attr);
	val_id *in = arena_copy(x->g->arena, x->n->in, x->n->nmain * sizeof(*in));
	uint32_t kept = 0;

	for (uint32_t i = 0; i < x->n->nattrs; i++)
		if (!is_gone(&x->n->attrs[i]))
			attrs[kept++] = x->n->attrs[i];
	if (axis)
		in[1] = aligned(x, axis->i);
	else if (!strcmp(x->n->op->name, "PRelu") && type_count(&x->g->val[in[1]].type) > 1)
		in[1] = aligned(x, 1); /* one slope per channel */
	expand_out(x, 0, expand_op(x, x->n->op->name, in, x->n->nmain, attrs, kept));
	return expand_end(x);
}

/* is_test has to be 1: what it is not given for is training. */
static int parse_trained(struct graph *g, struct node *n, struct err *e)
{
	const struct attr *test = attr_find(n, "is_test");

	(void)g;
	if (!test || test->i != 1)
		return fail(e, E_OP_UNSUPPORTED, "%s with is_test=0 is training", n->op->name);
	return 0;
}

static int expand_dropout(struct expand *x)
{
	if (x->n->nout > 1 && x->n->out[1])
		return fail(x->e, E_OP_UNSUPPORTED, "Dropout's mask in opset 6 is used");
	expand_out(x, 0, expand_in(x, 0));
	return expand_end(x);
}

#define LEGACY(id, onnx, from, lo, hi, outputs, rules, parse_it, expand_it) \
	const struct op op_##id = {                                         \
		.name = onnx,                                               \
		.since = from,                                              \
		.until = 6,                                                 \
		.min_in = lo,                                               \
		.max_in = hi,                                               \
		.min_out = 1,                                               \
		.max_out = outputs,                                         \
		.attrs = rules,                                             \
		.parse = parse_it,                                          \
		.expand = expand_it,                                        \
	}
#define BINARY(name) LEGACY(name##_1, #name, 1, 2, 2, 1, binary_attrs, NULL, expand)
BINARY(Add);
BINARY(Sub);
BINARY(Mul);
BINARY(Div);
BINARY(Pow);
BINARY(And);
BINARY(Or);
BINARY(Xor);
BINARY(Equal);
BINARY(Greater);
BINARY(Less);
BINARY(PRelu);
LEGACY(Gemm_1, "Gemm", 1, 3, 3, 1, gemm_attrs, NULL, expand);
LEGACY(BatchNormalization_1, "BatchNormalization", 1, 5, 5, 5, norm_attrs, parse_trained, expand);
LEGACY(Dropout_1, "Dropout", 1, 1, 1, 2, dropout_attrs, parse_trained, expand_dropout);
