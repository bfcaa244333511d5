/*
 * ConvTranspose: y[n][m][i * stride + k * dilation - pad] += x[n][c][i] * w[c][m][k], plus bias[m];
 * the gradient of Conv. The output's size follows from the pads, or the pads from output_shape.
 */
#include "compiler/ops/window.h"

static const struct attr_rule attrs[] = {WINDOW_ATTRS,
					 {"group", ATTR_INT, false},
					 {"output_padding", ATTR_INTS, false},
					 {"output_shape", ATTR_INTS, false},
					 {NULL, ATTR_INT, false}};

static int check_operands(const struct graph *g, const struct node *n, int64_t group,
			  int64_t *channels, struct err *e)
{
	const struct type *x = &node_arg(g, n, 0)->type, *w = &node_arg(g, n, 1)->type;

	if (x->rank != w->rank)
		return fail(e, E_SHAPE, "ConvTranspose of %s with a weight of %s: the ranks differ",
			    in_text(g, n, 0), in_text(g, n, 1));
	if (group < 1)
		return fail(e, E_ATTR, "group is %lld", (long long)group);
	if (w->dim[0] != x->dim[1] || w->dim[0] % group)
		return fail(e, E_SHAPE, "the weight %s does not fit x %s in %lld groups",
			    in_text(g, n, 1), in_text(g, n, 0), (long long)group);
	if (!mul_ok(w->dim[1], group, channels))
		return fail(e, E_PLAN_TOO_BIG, "%s in %lld groups has too many channels",
			    in_text(g, n, 1), (long long)group);
	return check_vector(g, n, 2, *channels, e);
}

/* Input size to output size of one axis; where that is given (want >= 0), the pads follow from it.
 */
static int slide_axis(struct conv_attr *attr, int i, enum auto_pad mode, int64_t want,
		      int64_t *size, struct err *e)
{
	struct window *w = &attr->win;
	int64_t in = *size;
	int64_t full = w->stride[i] * (in - 1) + window_extent(w, i) + attr->out_pad[i];

	if (want < 0 && (mode == PAD_SAME_UPPER || mode == PAD_SAME_LOWER))
		want = in * w->stride[i];
	if (want >= 0) {
		window_pad_same(w, i, MAX(full - want, 0), mode);
		attr->out_pad[i] += MAX(want - full, 0);
		*size = want;
	} else {
		*size = full - w->pad_lo[i] - w->pad_hi[i];
	}
	if (in < 1 || *size < 1)
		return fail(e, E_SHAPE, "spatial axis %d of size %lld gives an output of size %lld",
			    i, (long long)in, (long long)*size);
	return 0;
}

/* Attribute output_padding into attr; *want: output_shape, or NULL where it is not given. */
static int read_sizes(const struct node *n, const int64_t **want, struct err *e)
{
	struct conv_attr *attr = n->attr;
	const int64_t *extra;
	uint32_t nextra, nwant;
	int nd = attr->win.nd;

	if (attr_ints(n, "output_padding", nd, &extra, &nextra, e) < 0 ||
	    attr_ints(n, "output_shape", -1, want, &nwant, e) < 0)
		return -1;
	if (nwant == (uint32_t)nd + 2) /* some exporters write the batch and channels, too */
		*want += 2;
	else if (nwant && nwant != (uint32_t)nd)
		return fail(e, E_ATTR, "attribute output_shape has %u entries, not %d", nwant, nd);
	for (int i = 0; i < nd; i++) {
		attr->out_pad[i] = extra ? extra[i] : 0;
		if (attr->out_pad[i] < 0 || attr->out_pad[i] > INT32_MAX)
			return fail(e, E_ATTR, "output_padding holds %lld", (long long)extra[i]);
		if (*want && ((*want)[i] < 1 || (*want)[i] > INT32_MAX))
			return fail(e, E_ATTR, "output_shape holds %lld", (long long)(*want)[i]);
	}
	return 0;
}

/* y has the input's type and gets the output's spatial sizes. */
static int slide(const struct node *n, enum auto_pad mode, struct type *y, struct err *e)
{
	struct conv_attr *attr = n->attr;
	const int64_t *want;

	if (read_sizes(n, &want, e) < 0)
		return -1;
	for (int i = 0; i < attr->win.nd; i++) {
		int64_t *size = &y->dim[2 + i];

		if (*size > INT32_MAX)
			return fail(e, E_PLAN_TOO_BIG, "spatial axis %d has size %lld", i,
				    (long long)*size);
		if (slide_axis(attr, i, mode, want ? want[i] : -1, size, e) < 0)
			return -1;
	}
	return 0;
}

static int infer(struct graph *g, struct node *n, struct err *e)
{
	struct conv_attr *attr = n->attr;
	const struct val *x = node_arg(g, n, 0), *w = node_arg(g, n, 1);
	struct type y = x->type;
	int64_t channels = 0;
	enum auto_pad mode;

	for (uint32_t k = 1; k < n->nmain; k++)
		if (node_arg(g, n, k) && check_same_dtype(g, n, 0, k, e) < 0)
			return -1;
	if (check_rank(g, n, 0, 3, e) < 0 || attr_int(n, "group", 1, &attr->group, e) < 0 ||
	    check_operands(g, n, attr->group, &channels, e) < 0 ||
	    window_read(g, n, &w->type.dim[2], &attr->win, &mode, e) < 0 ||
	    slide(n, mode, &y, e) < 0)
		return -1;
	y.dim[1] = channels;
	return set_out(g, n, 0, &y, e);
}

/* Input index that tap k of output o reads on an axis, -1: none. */
static int64_t source(const struct window3 *s, int axis, int64_t o, int64_t k)
{
	int64_t p = o + s->win.pad_lo[axis] - k * s->win.dilation[axis];

	if (p < 0 || p % s->win.stride[axis] || p / s->win.stride[axis] >= s->in[axis])
		return -1;
	return p / s->win.stride[axis];
}

static double taps(const struct window3 *s, const double *x, const double *w, const int64_t o[3])
{
	double sum = 0;
	int64_t p[3], k[3];

	for (k[0] = 0; k[0] < s->win.kernel[0]; k[0]++)
		for (k[1] = 0; k[1] < s->win.kernel[1]; k[1]++)
			for (k[2] = 0; k[2] < s->win.kernel[2]; k[2]++, w++) {
				for (int i = 0; i < 3; i++)
					p[i] = source(s, i, o[i], k[i]);
				if (p[0] >= 0 && p[1] >= 0 && p[2] >= 0)
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
	int64_t m = out->type.dim[1], depth = in[0].type.dim[1] / attr->group;
	int64_t per_group = in[1].type.dim[1], count, at[3];
	struct window3 s;

	(void)g;
	(void)e;
	window_3d(&attr->win, &in[0].type, &out->type, &s);
	count = s.win.kernel[0] * s.win.kernel[1] * s.win.kernel[2];
	for (int64_t i = 0; i < s.n * m * s.out_size; i++) {
		int64_t pixel = i % s.out_size, k = i / s.out_size % m, item = i / s.out_size / m;
		int64_t first = k / per_group * depth;
		double sum = bias ? bias[k] : 0;

		at[0] = pixel / s.out[2] / s.out[1];
		at[1] = pixel / s.out[2] % s.out[1];
		at[2] = pixel % s.out[2];
		for (int64_t c = first; c < first + depth; c++)
			sum += taps(&s, x + (item * s.channels + c) * s.in_size,
				    w + (c * per_group + k % per_group) * count, at);
		put_float(out->data, out->type.dt, i, sum);
	}
	mem_free(x);
	mem_free(w);
	mem_free(bias);
	return 0;
}

const struct op op_ConvTranspose = {
	.name = "ConvTranspose",
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
	.tail = true,
	.lower = lower_conv_transpose,
};
