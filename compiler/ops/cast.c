/* Cast: the same numbers in another type; floats to integers truncate, bool is x != 0. */
#include "compiler/ops/util.h"

static const struct attr_rule attrs[] = {
	{"to", ATTR_INT, true}, {"saturate", ATTR_INT, false}, {NULL, ATTR_INT, false}};

static int parse(struct graph *g, struct node *n, struct err *e)
{
	struct cast_attr *attr = n->attr;
	int64_t to;

	(void)g;
	if (attr_int(n, "to", 0, &to, e) < 0)
		return -1;
	attr->to = to >= 0 && to <= INT32_MAX ? dtype_from_onnx((int32_t)to) : DT_NONE;
	if (attr->to == DT_NONE)
		return fail(e, E_ATTR, "Cast to type %lld, which is unknown or not supported",
			    (long long)to);
	return 0;
}

static int infer(struct graph *g, struct node *n, struct err *e)
{
	extern const struct op op_Identity;
	const struct cast_attr *attr = n->attr;
	struct type y = node_arg(g, n, 0)->type;

	if (y.dt == attr->to) {
		n->op = &op_Identity;
		n->nattrs = 0;
	}
	y.dt = attr->to;
	return set_out(g, n, 0, &y, e);
}

static int eval(const struct graph *g, const struct node *n, const struct tensor *in,
		struct tensor *out, struct err *e)
{
	(void)g;
	(void)n;
	(void)e;
	convert(out->data, out->type.dt, in->data, in->type.dt, type_count(&in->type));
	return 0;
}

/* Every step ends in a conversion to its result's type. */
static void expr(const void *attr, const struct expr_arg *arg, struct buf *out)
{
	(void)attr;
	buf_puts(out, arg[0].text);
}

const struct op op_Cast = {
	.name = "Cast",
	.since = 6,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.attrs = attrs,
	.attr_size = sizeof(struct cast_attr),
	.parse = parse,
	.infer = infer,
	.eval = eval,
	.expr = expr,
	.layout = WANT_ANY,
	.mem = {{SHARE_INPLACE, 0}},
	.lower = lower_map,
};
