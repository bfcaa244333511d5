/* Arithmetic on struct access: how a node reads an input from the output's coordinates; "output" is
 * input 0 for the operands of a head. */
#ifndef COMPILER_ACCESS_H
#define COMPILER_ACCESS_H

#include "compiler/ir.h"

/* The access of input k of n, written out; numpy broadcasting where n has none for it. */
struct access access_of(const struct graph *g, const struct node *n, uint32_t k);
struct access access_broadcast(const struct type *in, const struct type *out);
struct access access_identity(int rank);

/* Input k is read at the output's own index, and has its shape. */
bool access_is_identity(const struct graph *g, const struct node *n, uint32_t k);
/* An element of the input may be read for several elements of the output. */
bool access_repeats(const struct access *a, const struct type *in, const struct type *out);
/* Every coordinate is in range. */
bool access_fits(const struct access *a, const struct type *in, const struct type *out);
/* out -> mid by outer, mid -> in by inner: out -> in. */
struct access access_compose(const struct access *outer, const struct access *inner, int in_rank);
bool access_equal(const struct access *a, const struct access *b, int in_rank);

/* Sets node.access[k]; NULL where it only says what broadcasting says. */
void access_set(struct graph *g, struct node *n, uint32_t k, const struct access *a);

bool shape_equal(const struct type *a, const struct type *b);

#endif
