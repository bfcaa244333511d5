/* Sliding windows: what Conv, ConvTranspose and the pools have in common. */
#ifndef COMPILER_OPS_WINDOW_H
#define COMPILER_OPS_WINDOW_H

#include "compiler/ops/util.h"

enum auto_pad { PAD_NOTSET, PAD_SAME_UPPER, PAD_SAME_LOWER, PAD_VALID };

#define WINDOW_ATTRS                                                            \
	{"auto_pad", ATTR_STRING, false}, {"dilations", ATTR_INTS, false},      \
		{"kernel_shape", ATTR_INTS, false}, {"pads", ATTR_INTS, false}, \
	{                                                                       \
		"strides", ATTR_INTS, false                                     \
	}

/*
 * Reads the attributes for the feature map in input 0: 1 to 3 spatial axes, else E_SHAPE or
 * E_OP_UNSUPPORTED; impossible numbers are E_ATTR. kernel: sizes that kernel_shape must equal, or
 * NULL where kernel_shape is required.
 */
int window_read(const struct graph *g, const struct node *n, const int64_t *kernel,
		struct window *w, enum auto_pad *mode, struct err *e);
/* Resolves auto_pad into the pads; y has the input's type and gets the output's spatial sizes.
 * E_SHAPE.
 */
int window_slide(struct window *w, enum auto_pad mode, bool ceil, struct type *y, struct err *e);
int64_t window_extent(const struct window *w, int axis); /* (kernel - 1) * dilation + 1 */
/* Splits the total padding of an axis in two by the mode. */
void window_pad_same(struct window *w, int axis, int64_t total, enum auto_pad mode);

/* For the references: any window as one of three axes, the first ones of size 1. */
struct window3 {
	struct window win;
	int64_t n, channels, in[3], out[3];
	int64_t in_size, out_size; /* products of in and of out */
};
void window_3d(const struct window *w, const struct type *x, const struct type *y,
	       struct window3 *out);
/* Elements of a tensor as doubles, to be released with mem_free; NULL for an omitted one. */
double *load_all(const struct tensor *t);
/* A sum of `count` products of integers, modulo 2^64: from element `at`, in steps. */
struct run {
	const struct tensor *t;
	int64_t at, step;
};
int64_t dot_ints(struct run a, struct run b, int64_t count);

#endif
