/* For kernels that move elements without looking at them. */
#ifndef COMPILER_LOWER_MOVE_H
#define COMPILER_LOWER_MOVE_H

#include "compiler/lower/lower.h"

#define MOVE_THREADS 128

/* bits_t: an unsigned integer type with the size of dt. */
void lower_bits(struct lower *l, enum dtype dt);
/* INLINE bool real(off): false for lanes of y that are no channels. */
void lower_real(struct lower *l, const struct space *s);

/* #define of numbers with commas between them. */
void lower_list(struct lower *l, const char *name, const int64_t *v, int count);

/* Output 0 from element `offset` of input 0 on; both plain, without gaps. */
int lower_copy(struct graph *g, struct node *n, int64_t offset, struct err *e);

#endif
