/* LRN: x over a power of the sum of squares over `size` channels around it. */
#include "compiler/ops/util.h"

#include "base/math.h"

static const struct attr_rule attrs[] = {{"alpha", ATTR_FLOAT, false},
					 {"beta", ATTR_FLOAT, false},
					 {"bias", ATTR_FLOAT, false},
					 {"size", ATTR_INT, true},
					 {NULL, ATTR_INT, false}};

static int parse(struct graph *g, struct node *n, struct err *e)
{
	struct lrn_attr *attr = n->attr;

	(void)g;
	if (attr_float(n, "alpha", 1e-4f, &attr->alpha, e) < 0 ||
	    attr_float(n, "beta", 0.75f, &attr->beta, e) < 0 ||
	    attr_float(n, "bias", 1.0f, &attr->bias, e) < 0 ||
	    attr_int(n, "size", 0, &attr->size, e) < 0)
		return -1;
	if (attr->size < 1 || attr->size > INT32_MAX)
		return fail(e, E_ATTR, "LRN over %lld channels", (long long)attr->size);
	return 0;
}

static int infer(struct graph *g, struct node *n, struct err *e)
{
	const struct type *x = &node_arg(g, n, 0)->type;

	if (check_rank(g, n, 0, 2, e) < 0)
		return -1;
	return set_out(g, n, 0, x, e);
}

static int eval(const struct graph *g, const struct node *n, const struct tensor *in,
		struct tensor *out, struct err *e)
{
	const struct lrn_attr *a = n->attr;
	int64_t outer, channels, inner, count = type_count(&out->type);
	enum dtype dt = in->type.dt;

	(void)g;
	(void)e;
	split_at(&out->type, 1, &outer, &channels, &inner);
	for (int64_t i = 0; i < count; i++) {
		int64_t c = i / inner % channels;
		int64_t from = MAX(c - (a->size - 1) / 2, 0);
		int64_t to = MIN(c + a->size / 2, channels - 1);
		double sum = 0;

		for (int64_t k = from; k <= to; k++) {
			double v = get_float(in->data, dt, i + (k - c) * inner);

			sum += v * v;
		}
		sum = (double)a->bias + (double)a->alpha / (double)a->size * sum;
		put_float(out->data, dt, i,
			  get_float(in->data, dt, i) / math_pow(sum, (double)a->beta));
	}
	return 0;
}

const struct op op_LRN = {
	.name = "LRN",
	.since = 1,
	.min_in = 1,
	.max_in = 1,
	.types = DT_FLOATS,
	.min_out = 1,
	.max_out = 1,
	.attrs = attrs,
	.attr_size = sizeof(struct lrn_attr),
	.parse = parse,
	.infer = infer,
	.eval = eval,
	.layout = WANT_ANY,
	.tail = true,
	.lower = lower_lrn,
};
