/*
 * ScatterElements (before opset 11 Scatter), ScatterND: the data with single
 * elements, or slices, replaced by updates at places that indices name, or
 * joined with them. Of equal places the last one wins.
 */
#include "compiler/ops/util.h"

#include <string.h>

static const struct attr_rule axis_attrs[] = {{"axis", ATTR_INT, false}, {NULL, ATTR_INT, false}};
static const struct attr_rule elements_attrs[] = {
	{"axis", ATTR_INT, false}, {"reduction", ATTR_STRING, false}, {NULL, ATTR_INT, false}};
static const struct attr_rule nd_attrs[] = {{"reduction", ATTR_STRING, false},
					    {NULL, ATTR_INT, false}};

static int parse(struct graph *g, struct node *n, struct err *e)
{
	static const char *const words[] = {"none", "add", "mul", "max", "min"};
	const char *word = attr_string(n, "reduction", words[0]);
	struct scatter_attr *attr = n->attr;

	(void)g;
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (!strcmp(word, words[i])) {
			attr->how = (enum scatter_how)i;
			return 0;
		}
	return fail(e, E_ATTR, "reduction '%s' of %s is unknown", word, n->op->name);
}

static int check_operands(struct graph *g, const struct node *n, struct err *e)
{
	const struct scatter_attr *attr = n->attr;

	if (check_dtype(g, n, 1, DT_BIT(I32) | DT_BIT(I64), e) < 0 ||
	    check_same_dtype(g, n, 0, 2, e) < 0)
		return -1;
	return attr->how == SCATTER_REPLACE ? 0 : check_dtype(g, n, 0, DT_NUMBERS, e);
}

static int refuse(struct graph *g, const struct node *n, struct err *e)
{
	return fail(e, E_SHAPE, "%s of %s, indices %s, updates %s", n->op->name, in_text(g, n, 0),
		    in_text(g, n, 1), in_text(g, n, 2));
}

static int check_index(const struct graph *g, const struct node *n, int64_t i, int64_t dim,
		       struct err *e)
{
	const struct val *v = node_arg(g, n, 1);
	int64_t at = get_int(v->data, v->type.dt, i);

	if (at < -dim || at >= dim)
		return fail(e, E_VALUE, "index %lld is outside of %s", (long long)at,
			    in_text(g, n, 0));
	return 0;
}

static int infer_elements(struct graph *g, struct node *n, struct err *e)
{
	struct scatter_attr *attr = n->attr;
	const struct val *indices = node_arg(g, n, 1);
	const struct type *x = &node_arg(g, n, 0)->type, *at = &indices->type;
	const struct type *updates = &node_arg(g, n, 2)->type;
	int64_t axis, count = val_is_const(indices) ? type_count(at) : 0;

	if (check_operands(g, n, e) < 0 || attr_int(n, "axis", 0, &axis, e) < 0 ||
	    axis_normal(n, axis, x->rank, &attr->axis, e) < 0)
		return -1;
	if (at->rank != x->rank || updates->rank != x->rank)
		return refuse(g, n, e);
	for (int i = 0; i < x->rank; i++)
		if (at->dim[i] != updates->dim[i] || (i != attr->axis && at->dim[i] > x->dim[i]))
			return refuse(g, n, e);
	for (int64_t i = 0; i < count; i++)
		if (check_index(g, n, i, x->dim[attr->axis], e) < 0)
			return -1;
	return set_out(g, n, 0, x, e);
}

static int infer_nd(struct graph *g, struct node *n, struct err *e)
{
	const struct val *indices = node_arg(g, n, 1);
	const struct type *x = &node_arg(g, n, 0)->type, *at = &indices->type;
	const struct type *updates = &node_arg(g, n, 2)->type;
	int64_t parts = at->rank ? at->dim[at->rank - 1] : 0;
	int64_t count = val_is_const(indices) ? type_count(at) : 0;

	if (check_operands(g, n, e) < 0)
		return -1;
	if (parts < 1 || parts > x->rank || updates->rank != at->rank - 1 + x->rank - parts)
		return refuse(g, n, e);
	for (int i = 0; i < updates->rank; i++) {
		int64_t want = i < at->rank - 1 ? at->dim[i] : x->dim[i - (at->rank - 1) + parts];

		if (updates->dim[i] != want)
			return refuse(g, n, e);
	}
	for (int64_t i = 0; i < count; i++)
		if (check_index(g, n, i, x->dim[i % parts], e) < 0)
			return -1;
	return set_out(g, n, 0, x, e);
}

static void join(const struct scatter_attr *attr, struct tensor *y, int64_t at,
		 const struct tensor *updates, int64_t from)
{
	enum dtype dt = y->type.dt;

	if (attr->how == SCATTER_REPLACE) {
		size_t size = dtype_size(dt);

		memcpy((char *)y->data + (size_t)at * size,
		       (const char *)updates->data + (size_t)from * size, size);
	} else if (dtype_is_float(dt)) {
		double a = get_float(y->data, dt, at), b = get_float(updates->data, dt, from);

		put_float(y->data, dt, at,
			  attr->how == SCATTER_ADD   ? a + b
			  : attr->how == SCATTER_MUL ? a * b
			  : attr->how == SCATTER_MAX ? (a > b || a != a ? a : b)
						     : (a < b || a != a ? a : b));
	} else {
		uint64_t a = (uint64_t)get_int(y->data, dt, at);
		uint64_t b = (uint64_t)get_int(updates->data, dt, from);
		bool less = dt == U64 ? a < b : (int64_t)a < (int64_t)b;

		put_int(y->data, dt, at,
			(int64_t)(attr->how == SCATTER_ADD	       ? a + b
				  : attr->how == SCATTER_MUL	       ? a * b
				  : less == (attr->how == SCATTER_MIN) ? a
								       : b));
	}
}

static int eval_elements(const struct graph *g, const struct node *n, const struct tensor *in,
			 struct tensor *out, struct err *e)
{
	const struct scatter_attr *attr = n->attr;
	const struct type *x = &in[0].type;
	int64_t stride[RANK_MAX] = {0}, i = 0;
	struct walk w;

	(void)g;
	(void)e;
	memcpy(out->data, in[0].data, (size_t)type_bytes(x));
	strides_of(x, stride);
	walk_init(&w, &in[1].type);
	for (; w.left; walk_next(&w), i++) {
		int64_t v = get_int(in[1].data, in[1].type.dt, i), at = 0;

		v += v < 0 ? x->dim[attr->axis] : 0;
		for (int k = 0; k < x->rank; k++)
			at += (k == attr->axis ? v : w.index[k]) * stride[k];
		join(attr, out, at, &in[2], i);
	}
	return 0;
}

static int eval_nd(const struct graph *g, const struct node *n, const struct tensor *in,
		   struct tensor *out, struct err *e)
{
	const struct scatter_attr *attr = n->attr;
	const struct type *x = &in[0].type, *at = &in[1].type;
	int64_t parts = at->dim[at->rank - 1], tuples = type_count(at) / parts, run = 1;
	int64_t stride[RANK_MAX] = {0};

	(void)g;
	(void)e;
	memcpy(out->data, in[0].data, (size_t)type_bytes(x));
	strides_of(x, stride);
	for (int i = (int)parts; i < x->rank; i++)
		run *= x->dim[i];
	for (int64_t i = 0; i < tuples; i++) {
		int64_t to = 0;

		for (int k = 0; k < parts; k++) {
			int64_t v = get_int(in[1].data, at->dt, i * parts + k);

			to += (v + (v < 0 ? x->dim[k] : 0)) * stride[k];
		}
		for (int64_t j = 0; j < run; j++)
			join(attr, out, to + j, &in[2], i * run + j);
	}
	return 0;
}

#define SCATTER(id, onnx, from, to, rules, infer_it, eval_it, lower_it) \
	const struct op op_##id = {                                     \
		.name = onnx,                                           \
		.since = from,                                          \
		.until = to,                                            \
		.min_in = 3,                                            \
		.max_in = 3,                                            \
		.min_out = 1,                                           \
		.max_out = 1,                                           \
		.attrs = rules,                                         \
		.attr_size = sizeof(struct scatter_attr),               \
		.parse = parse,                                         \
		.infer = infer_it,                                      \
		.eval = eval_it,                                        \
		.layout = WANT_PLAIN,                                   \
		.mem = {{SHARE_INPLACE, 0}},                            \
		.lower = lower_it,                                      \
	}
#define ELEMENTS(id, onnx, from, to, rules) \
	SCATTER(id, onnx, from, to, rules, infer_elements, eval_elements, lower_scatter_elements)
ELEMENTS(Scatter, "Scatter", 9, 10, axis_attrs);
ELEMENTS(ScatterElements_11, "ScatterElements", 11, 15, axis_attrs);
ELEMENTS(ScatterElements, "ScatterElements", 16, 0, elements_attrs);
SCATTER(ScatterND_11, "ScatterND", 11, 15, NULL, infer_nd, eval_nd, lower_scatter_nd);
SCATTER(ScatterND, "ScatterND", 16, 0, nd_attrs, infer_nd, eval_nd, lower_scatter_nd);
