#include "compiler/ops/window.h"

#include <string.h>

#define LIMIT INT32_MAX /* of kernel, stride, pad: nothing below can overflow */

static int read_auto_pad(const struct node *n, enum auto_pad *mode, struct err *e)
{
	static const char *const names[] = {"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"};
	const char *s = attr_string(n, "auto_pad", names[0]);

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (!strcmp(s, names[i])) {
			*mode = (enum auto_pad)i;
			return 0;
		}
	return fail(e, E_ATTR, "auto_pad '%s' is none of NOTSET, SAME_UPPER, SAME_LOWER, VALID", s);
}

/* One list attribute, its entries in [least, LIMIT]; absent: all of them least. */
static int read_list(const struct node *n, const char *name, int nd, int64_t least, int64_t *out,
		     struct err *e)
{
	const int64_t *v;
	uint32_t count;

	if (attr_ints(n, name, nd, &v, &count, e) < 0)
		return -1;
	for (int i = 0; i < nd; i++) {
		out[i] = v ? v[i] : least;
		if (out[i] < least || out[i] > LIMIT)
			return fail(e, E_ATTR,
				    "attribute %s holds %lld, which is outside [%lld, %d]", name,
				    (long long)out[i], (long long)least, LIMIT);
	}
	return 0;
}

static int read_pads(const struct node *n, enum auto_pad mode, struct window *w, struct err *e)
{
	int64_t pads[2 * SPATIAL_MAX];
	bool any = false;

	if (read_list(n, "pads", 2 * w->nd, 0, pads, e) < 0)
		return -1;
	for (int i = 0; i < w->nd; i++) {
		w->pad_lo[i] = pads[i];
		w->pad_hi[i] = pads[w->nd + i];
		any = any || pads[i] || pads[w->nd + i];
	}
	if (any && mode != PAD_NOTSET)
		return fail(e, E_ATTR, "auto_pad and pads are both given");
	return 0;
}

/* The kernel's sizes are the weight's, which kernel_shape may repeat, or kernel_shape. */
static int read_kernel(const struct graph *g, const struct node *n, const int64_t *kernel,
		       struct window *w, struct err *e)
{
	bool given = attr_find(n, "kernel_shape") != NULL;

	if (!kernel && !given)
		return fail(e, E_ATTR, "%s needs the attribute kernel_shape", n->op->name);
	if (read_list(n, "kernel_shape", w->nd, 1, w->kernel, e) < 0)
		return -1;
	for (int i = 0; kernel && i < w->nd; i++) {
		if (given && w->kernel[i] != kernel[i])
			return fail(e, E_ATTR, "kernel_shape says %lld, the weight is %s",
				    (long long)w->kernel[i], in_text(g, n, 1));
		w->kernel[i] = kernel[i];
	}
	return 0;
}

int window_read(const struct graph *g, const struct node *n, const int64_t *kernel,
		struct window *w, enum auto_pad *mode, struct err *e)
{
	int nd = node_arg(g, n, 0)->type.rank - 2;

	*w = (struct window){.nd = nd};
	if (check_rank(g, n, 0, 3, e) < 0)
		return -1;
	if (nd > SPATIAL_MAX)
		return fail(e, E_OP_UNSUPPORTED, "%s over %d spatial axes (%s); at most %d are",
			    n->op->name, nd, in_text(g, n, 0), SPATIAL_MAX);
	if (read_kernel(g, n, kernel, w, e) < 0 ||
	    read_list(n, "strides", nd, 1, w->stride, e) < 0 ||
	    read_list(n, "dilations", nd, 1, w->dilation, e) < 0 || read_auto_pad(n, mode, e) < 0 ||
	    read_pads(n, *mode, w, e) < 0)
		return -1;
	for (int i = 0; i < nd; i++)
		if (w->kernel[i] < 1 || w->kernel[i] > LIMIT || window_extent(w, i) > LIMIT)
			return fail(e, E_ATTR, "a kernel of %lld with dilation %lld is too large",
				    (long long)w->kernel[i], (long long)w->dilation[i]);
	return 0;
}

int64_t window_extent(const struct window *w, int axis)
{
	return (w->kernel[axis] - 1) * w->dilation[axis] + 1;
}

void window_pad_same(struct window *w, int axis, int64_t total, enum auto_pad mode)
{
	int64_t small = total / 2;

	w->pad_lo[axis] = mode == PAD_SAME_UPPER ? small : total - small;
	w->pad_hi[axis] = total - w->pad_lo[axis];
}

static int slide_axis(struct window *w, int i, enum auto_pad mode, bool ceil, int64_t *size,
		      struct err *e)
{
	int64_t extent = window_extent(w, i), stride = w->stride[i], in = *size, span;

	if (mode == PAD_SAME_UPPER || mode == PAD_SAME_LOWER) {
		*size = div_up(in, stride);
		window_pad_same(w, i, MAX((*size - 1) * stride + extent - in, 0), mode);
		return 0;
	}
	span = in + w->pad_lo[i] + w->pad_hi[i] - extent;
	if (span < 0)
		return fail(e, E_SHAPE,
			    "a window of %lld does not fit into the size %lld + %lld + %lld of "
			    "spatial axis %d with its padding",
			    (long long)extent, (long long)in, (long long)w->pad_lo[i],
			    (long long)w->pad_hi[i], i);
	*size = (ceil ? div_up(span, stride) : span / stride) + 1;
	if (ceil && (*size - 1) * stride >= in + w->pad_lo[i])
		--*size; /* it would begin in the padding behind */
	return 0;
}

int window_slide(struct window *w, enum auto_pad mode, bool ceil, struct type *y, struct err *e)
{
	for (int i = 0; i < w->nd; i++)
		if (slide_axis(w, i, mode, ceil, &y->dim[2 + i], e) < 0)
			return -1;
	return 0;
}

void window_3d(const struct window *w, const struct type *x, const struct type *y,
	       struct window3 *out)
{
	int skip = 3 - w->nd;

	*out = (struct window3){.win = {.nd = 3}, .n = x->dim[0], .channels = x->dim[1]};
	out->in_size = out->out_size = 1;
	for (int i = 0; i < 3; i++) {
		int k = i - skip;

		out->win.kernel[i] = k < 0 ? 1 : w->kernel[k];
		out->win.stride[i] = k < 0 ? 1 : w->stride[k];
		out->win.dilation[i] = k < 0 ? 1 : w->dilation[k];
		out->win.pad_lo[i] = k < 0 ? 0 : w->pad_lo[k];
		out->win.pad_hi[i] = k < 0 ? 0 : w->pad_hi[k];
		out->in[i] = k < 0 ? 1 : x->dim[2 + k];
		out->out[i] = k < 0 ? 1 : y->dim[2 + k];
		out->in_size *= out->in[i];
		out->out_size *= out->out[i];
	}
}

double *load_all(const struct tensor *t)
{
	int64_t count = t->data ? type_count(&t->type) : 0;
	double *v = t->data ? mem_alloc((size_t)(count + 1) * sizeof(double)) : NULL;

	for (int64_t i = 0; i < count; i++)
		v[i] = get_float(t->data, t->type.dt, i);
	return v;
}

int64_t dot_ints(struct run a, struct run b, int64_t count)
{
	uint64_t sum = 0;

	for (int64_t k = 0; k < count; k++, a.at += a.step, b.at += b.step)
		sum += (uint64_t)get_int(a.t->data, a.t->type.dt, a.at) *
		       (uint64_t)get_int(b.t->data, b.t->type.dt, b.at);
	return (int64_t)sum;
}
