/*
 * The passes, in order; each is one file named after it. A pass returns 0,
 * or -1 with the error filled. compiler.c runs them, verifies after each one.
 */
#ifndef COMPILER_PASSES_H
#define COMPILER_PASSES_H

#include "base/json.h"
#include "compiler/compiler.h"
#include "compiler/ir.h"

/* The file's bytes must stay mapped as long as the graph: weights point into them. */
int pass_onnx(struct graph *g, struct span file, struct err *e);
/* Sizes for symbolic dims; inputs given as files become constants. */
int pass_bind(struct graph *g, const struct compile_options *o, struct err *e);
/* Types of all values; folds nodes whose inputs are constant on the way (fold.c); drops dead nodes.
 */
int pass_infer(struct graph *g, struct err *e);
/* Types, folds and expands the node; the last in the graph. For what expansions make. */
int infer_node(struct graph *g, uint32_t node, struct err *e);
int fold_node(struct graph *g, uint32_t node, bool *folded, struct err *e);
int pass_fuse(struct graph *g, struct err *e);
int pass_layout(struct graph *g, struct err *e);
int pass_order(struct graph *g, struct err *e);
int pass_alias(struct graph *g, struct err *e);
int pass_live(struct graph *g, struct err *e);
int pass_plan(struct graph *g, struct err *e);
int pass_lower(struct graph *g, struct err *e);
int pass_check(struct graph *g, struct err *e);

struct emit_options {
	const char *target, *kernel_cache;
	bool ptx_only;
	void (*progress)(void *ctx, const char *stage, int percent);
	void *ctx;
	/* filled by emit */
	char toolchain[32]; /* "nvrtc 12.9" */
	uint32_t kernels_cached, kernels_compiled;
};
int pass_emit(struct graph *g, struct emit_options *o, struct err *e);

/* plan.svg: time x offset, tensors named, peak marked. */
void plan_svg(const struct graph *g, struct buf *out);
/* Text: which tensors make the peak, what each of them is there for, and what the peak would be
 * without it. */
void explain_peak(const struct graph *g, struct buf *out);

struct pack_options { /* what the manifest says beside the graph */
	const struct compile_options *options;
	const struct emit_options *emit;
	const char *key, *build;
};
/* The members that manifest and report share: bytes, counts, certificate. */
void pack_sizes(const struct graph *g, struct json *j);
/* Manifest members, plan JSON and blobs to path, atomically. */
int pass_pack(const struct graph *g, const struct pack_options *o, const char *path, struct err *e);

#endif
