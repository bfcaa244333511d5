/* What MatMul, Gemm and pointwise convolutions are to the kernels of products. */
#ifndef COMPILER_LOWER_MATMUL_H
#define COMPILER_LOWER_MATMUL_H

#include "compiler/lower/lower.h"

struct product {
	val_id a, b;
	int64_t m, n, k, batch;
	int64_t am, ak, bk, bn; /* strides; b's in the constant where it is one */
	struct space batches;	/* batch axes of the output */
	struct form a_base, b_base;
	const float *bias; /* [n], NULL: none */
};

void product_defines(struct lower *l, const struct product *p); /* sizes and strides */

/* Any type; Gemm's scaling and c, too. */
int lower_matmul_direct(struct graph *g, struct node *n, const struct product *p, struct err *e);

#endif
