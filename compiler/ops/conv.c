/*
 * Conv: y[n][m][o] = bias[m] + sum over c, k of x[n][c][o * stride + k * dilation - pad] *
 * w[m][c][k], in `group` groups of channels. One to three spatial axes.
 */
#include "compiler/ops/window.h"

static const struct attr_rule attrs[] = {
	WINDOW_ATTRS, {"group", ATTR_INT, false}, {NULL, ATTR_INT, false}};

static int check_operands(const struct graph *g, const struct node *n, int64_t group, struct err *e)
{
	const struct type *x = &node_arg(g, n, 0)->type, *w = &node_arg(g, n, 1)->type;
	int64_t channels;

	if (x->rank != w->rank)
		return fail(e, E_SHAPE, "Conv of %s with a weight of %s: the ranks differ",
			    in_text(g, n, 0), in_text(g, n, 1));
	if (group < 1)
		return fail(e, E_ATTR, "group is %lld", (long long)group);
	if (!mul_ok(w->dim[1], group, &channels) || channels != x->dim[1])
		return fail(e, E_SHAPE,
			    "the weight %s takes %lld channels in each of %lld groups, x is %s",
			    in_text(g, n, 1), (long long)w->dim[1], (long long)group,
			    in_text(g, n, 0));
	if (w->dim[0] % group)
		return fail(e, E_SHAPE, "the weight %s can't be split into %lld groups",
			    in_text(g, n, 1), (long long)group);
	return check_vector(g, n, 2, w->dim[0], e);
}

static int infer(struct graph *g, struct node *n, struct err *e)
{
	struct conv_attr *attr = n->attr;
	const struct val *x = node_arg(g, n, 0), *w = node_arg(g, n, 1);
	struct type y = x->type;
	enum auto_pad mode;

	for (uint32_t k = 1; k < n->nmain; k++)
		if (node_arg(g, n, k) && check_same_dtype(g, n, 0, k, e) < 0)
			return -1;
	if (check_rank(g, n, 0, 3, e) < 0 || attr_int(n, "group", 1, &attr->group, e) < 0 ||
	    check_operands(g, n, attr->group, e) < 0 ||
	    window_read(g, n, &w->type.dim[2], &attr->win, &mode, e) < 0 ||
	    window_slide(&attr->win, mode, false, &y, e) < 0)
		return -1;
	y.dim[1] = w->type.dim[0];
	return set_out(g, n, 0, &y, e);
}

/* Sum of one output element over the taps of one input channel. */
static double taps(const struct window3 *s, const double *x, const double *w, const int64_t o[3])
{
	const struct window *win = &s->win;
	double sum = 0;
	int64_t p[3], k[3];

	for (k[0] = 0; k[0] < win->kernel[0]; k[0]++)
		for (k[1] = 0; k[1] < win->kernel[1]; k[1]++)
			for (k[2] = 0; k[2] < win->kernel[2]; k[2]++, w++) {
				bool inside = true;

				for (int i = 0; i < 3; i++) {
					p[i] = o[i] * win->stride[i] + k[i] * win->dilation[i] -
					       win->pad_lo[i];
					inside = inside && p[i] >= 0 && p[i] < s->in[i];
				}
				if (inside)
					sum += *w * x[(p[0] * s->in[1] + p[1]) * s->in[2] + p[2]];
			}
	return sum;
}

static int eval(const struct graph *g, const struct node *n, const struct tensor *in,
		struct tensor *out, struct err *e)
{
	const struct conv_attr *attr = n->attr;
	double *x = load_all(&in[0]), *w = load_all(&in[1]);
	double *bias = n->nmain > 2 ? load_all(&in[2]) : NULL;
	int64_t m = out->type.dim[1], depth = in[1].type.dim[1], count, at[3];
	struct window3 s;

	(void)g;
	(void)e;
	window_3d(&attr->win, &in[0].type, &out->type, &s);
	count = s.win.kernel[0] * s.win.kernel[1] * s.win.kernel[2];
	for (int64_t i = 0; i < s.n * m * s.out_size; i++) {
		int64_t pixel = i % s.out_size, k = i / s.out_size % m, item = i / s.out_size / m;
		int64_t first = item * s.channels + k / (m / attr->group) * depth;
		double sum = bias ? bias[k] : 0;

		at[0] = pixel / s.out[2] / s.out[1];
		at[1] = pixel / s.out[2] % s.out[1];
		at[2] = pixel % s.out[2];
		for (int64_t c = 0; c < depth; c++)
			sum += taps(&s, x + (first + c) * s.in_size, w + (k * depth + c) * count,
				    at);
		put_float(out->data, out->type.dt, i, sum);
	}
	mem_free(x);
	mem_free(w);
	mem_free(bias);
	return 0;
}

const struct op op_Conv = {
	.name = "Conv",
	.since = 1,
	.min_in = 2,
	.max_in = 3,
	.types = DT_FLOATS,
	.min_out = 1,
	.max_out = 1,
	.attrs = attrs,
	.attr_size = sizeof(struct conv_attr),
	.infer = infer,
	.eval = eval,
	.layout = WANT_BLOCKED,
	.head = true,
	.tail = true,
	.lower = lower_conv,
};
