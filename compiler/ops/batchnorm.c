/*
 * BatchNormalization for inference: y = (x - mean[c]) / sqrt(var[c] + epsilon) * scale[c] +
 * bias[c], c being the index on axis 1. It has no kernel of its own: fuse puts it into a Conv or a
 * map, and parameters that are run-time data are computed with.
 */
#include "compiler/ops/expand.h"

#include <math.h>

static const struct attr_rule attrs[] = {{"epsilon", ATTR_FLOAT, false},
					 {"momentum", ATTR_FLOAT, false},
					 {"spatial", ATTR_INT, false},
					 {"training_mode", ATTR_INT, false},
					 {NULL, ATTR_INT, false}};

static int parse(struct graph *g, struct node *n, struct err *e)
{
	struct norm_attr *attr = n->attr;
	int64_t spatial, training;

	(void)g;
	if (attr_float(n, "epsilon", 1e-5f, &attr->epsilon, e) < 0 ||
	    attr_int(n, "spatial", 1, &spatial, e) < 0 ||
	    attr_int(n, "training_mode", 0, &training, e) < 0)
		return -1;
	if (training)
		return fail(e, E_OP_UNSUPPORTED, "BatchNormalization in training mode");
	if (!spatial)
		return fail(e, E_OP_UNSUPPORTED, "BatchNormalization with spatial=0");
	return 0;
}

static int infer(struct graph *g, struct node *n, struct err *e)
{
	const struct type *x = &node_arg(g, n, 0)->type;

	for (uint32_t k = 1; k < 5; k++)
		if (check_dtype(g, n, k, DT_FLOATS, e) < 0)
			return -1;
	if (check_rank(g, n, 0, 2, e) < 0)
		return -1;
	for (uint32_t k = 1; k < 5; k++)
		if (check_vector(g, n, k, x->dim[1], e) < 0)
			return -1;
	for (uint32_t k = 1; k < n->nout; k++)
		if (n->out[k])
			return fail(e, E_OP_UNSUPPORTED,
				    "output %u of BatchNormalization is for training", k);
	return set_out(g, n, 0, x, e);
}

static int eval(const struct graph *g, const struct node *n, const struct tensor *in,
		struct tensor *out, struct err *e)
{
	const struct norm_attr *attr = n->attr;
	int64_t outer, channels, inner, count = type_count(&out->type);

	(void)g;
	(void)e;
	split_at(&out->type, 1, &outer, &channels, &inner);
	for (int64_t i = 0; i < count; i++) {
		int64_t c = i / inner % channels;
		double p[5];

		for (int k = 0; k < 5; k++)
			p[k] = get_float(in[k].data, in[k].type.dt, k ? c : i);
		put_float(out->data, out->type.dt, i,
			  (p[0] - p[3]) / sqrt(p[4] + (double)attr->epsilon) * p[1] + p[2]);
	}
	return 0;
}

/* Parameters that are not constants: scale and shift are computed, per channel, then applied. */
static int expand(struct expand *x)
{
	const struct norm_attr *attr = x->n->attr;
	struct type t = expand_type(x, expand_in(x, 0));
	int64_t dims[RANK_MAX];
	val_id p[5], scale, shift;
	bool constant = t.dt == F32;

	for (uint32_t k = 1; k < 5; k++)
		constant = constant && val_is_const(node_in(x->g, x->n, k)) &&
			   node_in(x->g, x->n, k)->type.dt == F32;
	if (constant)
		return 0; /* fuse has a better place for them */
	for (int i = 1; i < t.rank; i++)
		dims[i - 1] = i == 1 ? t.dim[1] : 1;
	for (uint32_t k = 1; k < 5; k++)
		p[k] = expand_cast(x, expand_in(x, k), t.dt);
	scale = expand_2(x, "Add", p[4], expand_number(x, t.dt, (double)attr->epsilon));
	scale = expand_2(x, "Div", p[1], expand_1(x, "Sqrt", scale));
	shift = expand_2(x, "Sub", p[2], expand_2(x, "Mul", p[3], scale));
	scale = expand_reshape(x, scale, dims, t.rank - 1);
	shift = expand_reshape(x, shift, dims, t.rank - 1);
	expand_out(x, 0, expand_2(x, "Add", expand_2(x, "Mul", expand_in(x, 0), scale), shift));
	return expand_end(x);
}

const struct op op_BatchNormalization = {
	.name = "BatchNormalization",
	.since = 7,
	.min_in = 5,
	.max_in = 5,
	.types = DT_FLOATS,
	.min_out = 1,
	.max_out = 5,
	.attrs = attrs,
	.attr_size = sizeof(struct norm_attr),
	.parse = parse,
	.infer = infer,
	.eval = eval,
	.expand = expand,
	.layout = WANT_ANY,
	.mem = {{SHARE_INPLACE, 0}},
};
