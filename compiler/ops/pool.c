/*
 * MaxPool, AveragePool: the greatest element, the mean of each window. With
 * count_include_pad the mean counts the padding that the model states, too
 * (not what ceil_mode lets a window reach beyond it).
 */
#include "compiler/ops/window.h"

#include <math.h>
#include <string.h>

static const struct attr_rule max_attrs[] = {WINDOW_ATTRS,
					     {"ceil_mode", ATTR_INT, false},
					     {"storage_order", ATTR_INT, false},
					     {NULL, ATTR_INT, false}};
static const struct attr_rule average_attrs[] = {WINDOW_ATTRS,
						 {"ceil_mode", ATTR_INT, false},
						 {"count_include_pad", ATTR_INT, false},
						 {NULL, ATTR_INT, false}};

static int infer_pool(struct graph *g, struct node *n, struct err *e)
{
	struct pool_attr *attr = n->attr;
	const struct val *x = node_arg(g, n, 0);
	struct type y = x->type;
	int64_t ceil, include, order;
	enum auto_pad mode;

	if (attr_int(n, "ceil_mode", 0, &ceil, e) < 0 ||
	    attr_int(n, "count_include_pad", 0, &include, e) < 0 ||
	    attr_int(n, "storage_order", 0, &order, e) < 0 ||
	    window_read(g, n, NULL, &attr->win, &mode, e) < 0)
		return -1;
	attr->ceil = ceil != 0;
	attr->count_include_pad = include != 0;
	attr->column_major = order != 0;
	for (int i = 0; i < attr->win.nd; i++)
		if (MAX(attr->win.pad_lo[i], attr->win.pad_hi[i]) >= window_extent(&attr->win, i))
			return fail(e, E_ATTR, "a pad is not smaller than the window of %lld",
				    (long long)window_extent(&attr->win, i));
	if (window_slide(&attr->win, mode, attr->ceil, &y, e) < 0)
		return -1;
	return set_out(g, n, 0, &y, e);
}

static int infer_max(struct graph *g, struct node *n, struct err *e)
{
	struct type at;

	if (infer_pool(g, n, e) < 0)
		return -1;
	at = node_out(g, n, 0)->type;
	at.dt = I64;
	return set_out(g, n, 1, &at, e);
}

static int infer_average(struct graph *g, struct node *n, struct err *e)
{
	return infer_pool(g, n, e);
}

struct window_result {
	double max, sum;
	int64_t inside, padded; /* taps in x; taps in x or in its padding */
	int64_t at[3];		/* of the first maximum */
};

static struct window_result scan(const struct window3 *s, const struct tensor *x, int64_t base,
				 const int64_t o[3])
{
	const struct window *win = &s->win;
	struct window_result r = {.max = -(double)INFINITY};
	int64_t p[3], k[3];

	for (k[0] = 0; k[0] < win->kernel[0]; k[0]++)
		for (k[1] = 0; k[1] < win->kernel[1]; k[1]++)
			for (k[2] = 0; k[2] < win->kernel[2]; k[2]++) {
				bool inside = true, padded = true;
				double v;

				for (int i = 0; i < 3; i++) {
					p[i] = o[i] * win->stride[i] + k[i] * win->dilation[i] -
					       win->pad_lo[i];
					inside = inside && p[i] >= 0 && p[i] < s->in[i];
					padded = padded && p[i] < s->in[i] + win->pad_hi[i];
				}
				r.padded += padded;
				if (!inside)
					continue;
				r.inside++;
				v = get_float(x->data, x->type.dt,
					      base + (p[0] * s->in[1] + p[1]) * s->in[2] + p[2]);
				r.sum += v;
				if (r.inside == 1 || v > r.max || (isnan(v) && !isnan(r.max))) {
					r.max = v;
					memcpy(r.at, p, sizeof(p));
				}
			}
	return r;
}

/* Place of the maximum in x. */
static int64_t index_of(const struct window3 *s, bool column_major, const struct window_result *r)
{
	return column_major ? (r->at[2] * s->in[1] + r->at[1]) * s->in[0] + r->at[0]
			    : (r->at[0] * s->in[1] + r->at[1]) * s->in[2] + r->at[2];
}

static int eval_pool(const struct node *n, bool max, const struct tensor *in, struct tensor *out)
{
	const struct pool_attr *attr = n->attr;
	struct window3 s;

	window_3d(&attr->win, &in[0].type, &out->type, &s);
	for (int64_t i = 0; i < s.n * s.channels * s.out_size; i++) {
		int64_t pixel = i % s.out_size;
		int64_t at[3] = {pixel / s.out[2] / s.out[1], pixel / s.out[2] % s.out[1],
				 pixel % s.out[2]};
		struct window_result r = scan(&s, in, i / s.out_size * s.in_size, at);
		int64_t count = attr->count_include_pad ? r.padded : r.inside;

		put_float(out->data, out->type.dt, i,
			  max	  ? r.max
			  : count ? r.sum / (double)count
				  : 0);
		if (n->nout > 1 && n->out[1])
			put_int(out[1].data, I64, i,
				i / s.out_size * s.in_size + index_of(&s, attr->column_major, &r));
	}
	return 0;
}

static int eval_max(const struct graph *g, const struct node *n, const struct tensor *in,
		    struct tensor *out, struct err *e)
{
	(void)g;
	(void)e;
	return eval_pool(n, true, in, out);
}

static int eval_average(const struct graph *g, const struct node *n, const struct tensor *in,
			struct tensor *out, struct err *e)
{
	(void)g;
	(void)e;
	return eval_pool(n, false, in, out);
}

const struct op op_MaxPool = {
	.name = "MaxPool",
	.since = 1,
	.min_in = 1,
	.max_in = 1,
	.types = DT_FLOATS | DT_BIT(I8) | DT_BIT(U8),
	.min_out = 1,
	.max_out = 2,
	.attrs = max_attrs,
	.attr_size = sizeof(struct pool_attr),
	.infer = infer_max,
	.eval = eval_max,
	.layout = WANT_BLOCKED,
	.tail = true,
	.lower = lower_pool,
};

const struct op op_AveragePool = {
	.name = "AveragePool",
	.since = 1,
	.min_in = 1,
	.max_in = 1,
	.types = DT_FLOATS,
	.min_out = 1,
	.max_out = 1,
	.attrs = average_attrs,
	.attr_size = sizeof(struct pool_attr),
	.infer = infer_average,
	.eval = eval_average,
	.layout = WANT_BLOCKED,
	.tail = true,
	.lower = lower_pool,
};
