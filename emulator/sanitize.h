/* What the scheduler tells the sanitizer of a block's way; sanitize.c. */
#ifndef EMULATOR_SANITIZE_H
#define EMULATOR_SANITIZE_H

#include "emulator/exec.h"

/* A block begins: nothing of its shared memory is written. */
void sanitize_block(struct block *b);
/* A warp has come to a barrier or to its end. */
void sanitize_pause(struct block *b, const struct warp *w);
/* All warps have met. */
void sanitize_barrier(struct block *b);

#endif
