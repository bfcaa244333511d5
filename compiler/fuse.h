/* Inside fuse: what its files share. README.md, "Fusion", lists the rules. */
#ifndef COMPILER_FUSE_H
#define COMPILER_FUSE_H

#include "compiler/access.h"
#include "compiler/ops/op.h"
#include "compiler/rewrites.h"

#define FUSE_INPUTS_MAX 32 /* of one node */
#define FUSE_STEPS_MAX	96

struct fuse {
	struct graph *g;
	uint32_t *uses; /* per value: nodes that read it, + 1 if an output */
};

/* fuse.c */
void fuse_count(struct fuse *f); /* sets uses */
bool fuse_is(const struct node *n, const char *op);
static inline bool fuse_is_map(const struct node *n)
{
	return n->op == &op__Map;
}
/* The live node that makes v, or NULL. */
struct node *fuse_producer(const struct graph *g, val_id v);
/* Does a node strictly between the two launch anything that stays a node of its own? */
bool fuse_apart(const struct graph *g, uint32_t from, uint32_t to);
/* Counts a rewrite that was made. */
void fuse_did(struct fuse *f, enum rewrite r);
/* Bytes of what only n reads: they would live longer if n moved down. */
uint64_t fuse_held_bytes(const struct fuse *f, const struct node *n);

/* fuse_same.c: equal constants and equal operators are there once. */
void fuse_same(struct fuse *f);

/* fuse_const.c: constants into the weights of the convolution before them. */
void fuse_constants(struct fuse *f);
struct fuse_affine { /* y[c] = scale[c] * x[c] + shift[c] */
	int64_t channels;
	double *scale, *shift;
};
/* BatchNormalization in inference mode; false where its parameters are not constant. */
bool fuse_norm(struct graph *g, const struct node *n, struct fuse_affine *a);

/* fuse_pad.c: a Pad of zeros into the pads of the operators that read it. */
void fuse_pads(struct fuse *f);

/* fuse_concat.c: a Concat that begins with an earlier one's inputs reads its result. */
void fuse_concats(struct fuse *f);

/* fuse_normal.c: every node becomes a kernel operator, a .View, a .Map, or nothing. */
int fuse_normalise(struct fuse *f, struct err *e);
/* Made, through elementwise nodes and Concat, by an operator whose kernels want feature maps. */
bool fuse_is_feature_map(const struct graph *g, val_id v);

/* fuse_matmul.c: a Transpose into the MatMul or Gemm that reads it. */
void fuse_transposes(struct fuse *f);
/* n is a copy of its input with its axes in another order; axis o is the input's axis perm[o]. */
bool fuse_is_transpose(const struct graph *g, const struct node *n, int perm[RANK_MAX]);

/* fuse_attention.c: MatMul, Softmax, MatMul and what lies around them as one .Attention. */
void fuse_attention(struct fuse *f);

/* fuse_map.c: a .Map into the .Map that is its only reader. any_access: also where that one reads
 * it at other indices. Returns whether something changed. */
bool fuse_maps(struct fuse *f, bool any_access);
/* A cheap .Map into each of the .Maps that read it. Leaves f->uses wrong. */
bool fuse_cheap_maps(struct fuse *f);
/* One entry per value and access among the inputs of a .Map. */
void fuse_unite_inputs(struct fuse *f, struct node *n);

/* fuse_tail.c: a .Map into the operator before it. */
bool fuse_tails(struct fuse *f);
/* Is there room for the inputs and steps of b, which reads the result of p as input k? moves: p has
 * to wait until node b for them; it may if that keeps no more bytes alive. */
bool fuse_may_join(const struct fuse *f, const struct node *b, const struct node *p, uint32_t k,
		   bool *moves);
/* p, or where it moves b, becomes p with the steps of b behind its own. */
void fuse_join(struct fuse *f, struct node *b, struct node *p, uint32_t k, bool moves);

/* fuse_head.c: a .Map into the loads of the convolutions that read it. */
void fuse_heads(struct fuse *f);

/* fuse_store.c: a DepthToSpace, later a pool, into the convolution before it. */
int fuse_shuffles(struct fuse *f, struct err *e);
int fuse_pools(struct fuse *f, struct err *e);

#endif
