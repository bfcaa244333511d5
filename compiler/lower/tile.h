/* Tiles of the products' kernels (conv, gemm): rows x columns of a block, of a thread. */
#ifndef COMPILER_LOWER_TILE_H
#define COMPILER_LOWER_TILE_H

#include "compiler/lower/lower.h"

struct tile {
	int bm, bn, tm, tn;
	int resident; /* warps that a scheduler has registers for */
};

/* The fastest by a model of issue slots; `groups` products of rows x columns each; head:
 * instructions for each element of the rows as it is loaded. */
const struct tile *tile_choose(int64_t rows, int64_t columns, int64_t groups, int64_t head);
uint32_t tile_threads(const struct tile *t);
void tile_defines(struct lower *l, const struct tile *t);

#endif
