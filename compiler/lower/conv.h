/* What the lowerings of convolutions and pools share. */
#ifndef COMPILER_LOWER_CONV_H
#define COMPILER_LOWER_CONV_H

#include "compiler/lower/lower.h"

struct shape { /* of a windowed operator, spatial axes filled up in front to D, H, W */
	const struct val *x, *y, *w, *b; /* w, b: NULL for pools */
	int64_t batch, ci, co, groups;	 /* channels in all */
	int64_t in[3], out[3], kernel[3], stride[3], dilation[3], pad[3];
	int64_t in_size, out_size, taps;
	/* .Conv: one result of `out` is shuffle * shuffle pixels, or made of a window of pixels */
	int64_t shuffle, window[3], window_size;
	bool column_row_depth;
};

/* From win and the types of input 0 and output 0. */
void shape_of(struct shape *s, const struct graph *g, const struct node *n,
	      const struct window *win);
/* #define of sizes under the names that all convolution templates use: N, ID.., KD.., X_PITCH */
void shape_defines(struct lower *l, const struct shape *s);
/* May a tap of axis a (0..2) fall outside of the input? */
bool shape_masked(const struct shape *s, int a);

/* Weights and bias as a convolution has them: fills in w, b, groups. */
void shape_weights(struct shape *s, const struct graph *g, const struct node *n);
/* Elements of output 0 in storage order, padding lanes included. */
int64_t stored_count(const struct val *v);
/* Lanes of a value's storage: 8 where it is blocked. */
int lanes_of(const struct val *v);

int lower_depthwise(struct graph *g, struct node *n, const struct shape *s, struct err *e);
int lower_conv_direct(struct graph *g, struct node *n, const struct shape *s, struct err *e);
/* 1 x 1 on 1 x 1 pixels: a matrix product. matmul.c */
int lower_pointwise(struct graph *g, struct node *n, const struct shape *s, struct err *e);

#endif
