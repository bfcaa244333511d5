/* TopK: the k greatest or least elements of an axis in order, and where they are. */
#include "compiler/ops/util.h"

#include <math.h>

static const struct attr_rule old_attrs[] = {
	{"axis", ATTR_INT, false}, {"k", ATTR_INT, true}, {NULL, ATTR_INT, false}};
static const struct attr_rule axis_attrs[] = {{"axis", ATTR_INT, false}, {NULL, ATTR_INT, false}};
static const struct attr_rule attrs[] = {{"axis", ATTR_INT, false},
					 {"largest", ATTR_INT, false},
					 {"sorted", ATTR_INT, false},
					 {NULL, ATTR_INT, false}};

static int read_k(const struct graph *g, const struct node *n, int64_t *k, struct err *e)
{
	const int64_t *v;
	uint32_t count;

	if (!node_arg(g, n, 1))
		return attr_int(n, "k", 0, k, e);
	if (const_ints(g, n, 1, &v, &count, e) < 0)
		return -1;
	if (count != 1)
		return fail(e, E_SHAPE, "k of TopK must be one number, it is %s", in_text(g, n, 1));
	*k = *v;
	return 0;
}

static int infer(struct graph *g, struct node *n, struct err *e)
{
	struct topk_attr *attr = n->attr;
	struct type y = node_arg(g, n, 0)->type, at;
	int64_t axis, largest;

	if (attr_int(n, "axis", -1, &axis, e) < 0 || attr_int(n, "largest", 1, &largest, e) < 0 ||
	    axis_normal(n, axis, y.rank, &attr->axis, e) < 0 || read_k(g, n, &attr->k, e) < 0)
		return -1;
	if (attr->k < 0 || attr->k > y.dim[attr->axis])
		return fail(e, E_VALUE, "the %lld best of axis %d of %s", (long long)attr->k,
			    attr->axis, in_text(g, n, 0));
	attr->largest = largest != 0;
	y.dim[attr->axis] = attr->k;
	at = y;
	at.dt = I64;
	return set_out(g, n, 0, &y, e) < 0 ? -1 : set_out(g, n, 1, &at, e);
}

/* Does element i come before element j of the tensor? */
static bool before(const struct tensor *x, bool largest, int64_t i, int64_t j)
{
	enum dtype dt = x->type.dt;

	if (dtype_is_float(dt)) {
		double a = get_float(x->data, dt, i), b = get_float(x->data, dt, j);

		if (isnan(a) || isnan(b))
			return isnan(a) && (!isnan(b) || i < j);
		return a == b ? i < j : largest ? a > b : a < b;
	} else {
		int64_t a = get_int(x->data, dt, i), b = get_int(x->data, dt, j);
		bool greater = dt == U64 ? (uint64_t)a > (uint64_t)b : a > b;

		return a == b ? i < j : greater == largest;
	}
}

/* The first element of a row behind `last` (-1: of all). */
static int64_t next(const struct tensor *x, bool largest, int64_t first, int64_t length,
		    int64_t step, int64_t last)
{
	int64_t best = -1;

	for (int64_t i = first; i < first + length * step; i += step)
		if ((last < 0 || before(x, largest, last, i)) &&
		    (best < 0 || before(x, largest, i, best)))
			best = i;
	return best;
}

static int eval(const struct graph *g, const struct node *n, const struct tensor *in,
		struct tensor *out, struct err *e)
{
	const struct topk_attr *attr = n->attr;
	int64_t outer, length, inner;
	enum dtype dt = in->type.dt;

	(void)g;
	(void)e;
	split_at(&in->type, attr->axis, &outer, &length, &inner);
	for (int64_t o = 0; o < outer * inner; o++) {
		int64_t first = o / inner * length * inner + o % inner, last = -1;

		for (int64_t k = 0; k < attr->k; k++) {
			int64_t at = (o / inner * attr->k + k) * inner + o % inner;

			last = next(in, attr->largest, first, length, inner, last);
			if (n->out[0] && dtype_is_float(dt))
				put_float(out[0].data, dt, at, get_float(in->data, dt, last));
			else if (n->out[0])
				put_int(out[0].data, dt, at, get_int(in->data, dt, last));
			if (n->nout > 1 && n->out[1])
				put_int(out[1].data, I64, at, (last - first) / inner);
		}
	}
	return 0;
}

#define TOPK(id, from, to, inputs, rules)              \
	const struct op op_##id = {                    \
		.name = "TopK",                        \
		.since = from,                         \
		.until = to,                           \
		.min_in = inputs,                      \
		.max_in = inputs,                      \
		.types = DT_NUMBERS,                   \
		.min_out = 1,                          \
		.max_out = 2,                          \
		.attrs = rules,                        \
		.attr_size = sizeof(struct topk_attr), \
		.infer = infer,                        \
		.eval = eval,                          \
		.layout = WANT_PLAIN,                  \
		.lower = lower_topk,                   \
	}
TOPK(TopK_1, 1, 9, 1, old_attrs);
TOPK(TopK_10, 10, 10, 2, axis_attrs);
TOPK(TopK, 11, 0, 2, attrs);
