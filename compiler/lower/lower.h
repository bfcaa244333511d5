/*
 * Inside lower: building launches, and the generated part of a kernel.
 *
 * form.c  where an operand's element lies, as a linear form of storage indices
 * expr.c  the epilogue: a node's tail as CUDA text
 * head.c  the prologue: a node's head
 * lower.c launches, their arguments with regions, weights; pass_lower
 */
#ifndef COMPILER_LOWER_LOWER_H
#define COMPILER_LOWER_LOWER_H

#include "compiler/ir.h"
#include "compiler/ops/op.h"

#define AXES_MAX (RANK_MAX + 1)

/* ---- form.c ---- */

/*
 * Storage axes of a value, outermost first. Plain: the logical ones. Blocked: N, channel block,
 * spatial axes, lane. Offsets count elements in this order, dense.
 */
struct space {
	int n;
	int64_t size[AXES_MAX];
	struct type type;
	bool blocked;
	bool ragged; /* blocked, and the last block has lanes that are no channels */
};

/*
 * Where an operand's element lies, in elements from its start:
 * base + sum of coef[k] * index[k] over the storage axes of the space that asks, and
 * for a blocked operand whose lanes do not run along the asker's: the place of channel
 * start + step * coordinate of logical axis `axis`.
 */
struct form {
	int64_t base, coef[AXES_MAX];
	bool lanes; /* the channel part is separate: */
	int axis;
	int64_t start, step, plane; /* plane: elements from one channel block to the next */
	bool guard; /* reads a real element only for real channels of a ragged space */
};

void space_of(struct space *s, const struct type *t, enum layout layout);
int64_t space_count(const struct space *s);
/* How `to` reads v; a NULL: numpy broadcasting. */
void form_of(struct form *f, const struct space *to, const struct val *v, const struct access *a);
/* Elements between neighbours along the logical axes of v (of channel blocks on axis 1). */
void form_strides(const struct val *v, int64_t stride[RANK_MAX]);
/* The value's own storage: dense but for its pitch. */
void form_own(struct form *f, const struct space *s, const struct val *v);
bool form_is_dense(const struct form *f, const struct space *s);
/*
 * A constant read through `a`, copied so that it lies as `to` asks for it, without the axes it
 * does not depend on; *count 1 where it is one scalar. Lanes that are no channels are 0.
 */
const void *form_pack(struct form *f, const struct space *to, const struct val *v,
		      const struct access *a, struct arena *mem, int64_t *count);
/* "base + i0 * c0 + ..." (unsigned, modulo 2^32) plus the lane ("i"; "": none) on the last axis. */
void form_text(const struct form *f, const struct space *s, const char *lane, struct buf *out);
/* May 4 neighbours in the space be reached at once? off: bytes from an aligned place. */
bool form_is_wide(const struct form *f, const struct space *s, uint64_t off);
/* "INLINE unsigned NAME(unsigned off)" that returns the form. */
void form_function(const struct form *f, const struct space *s, const char *name, struct buf *out);
/* Declares i0.. from the name of an offset: "unsigned t = off; const unsigned i2 = t % 8u; ...". */
void space_decode(const struct space *s, const char *off, struct buf *out);
/* C text of logical coordinate `axis`, plus lane where it runs along the last storage axis. */
void space_coordinate(const struct space *s, int axis, const char *lane, struct buf *out);

/* ---- lower.c ---- */

struct lower { /* one launch under construction */
	struct graph *g;
	struct node *n;
	struct buf text; /* defines, then generated functions */
	struct launch launch;
	bool too_many; /* arguments */
};

#define LOWER_ARGS_MAX 480

struct region { /* bytes of a value: `rows` runs of `width`, `pitch` apart, from `offset` */
	uint64_t offset, pitch, width, rows;
};

void lower_begin(struct lower *l, struct graph *g, struct node *n, const char *kernel);
void lower_define(struct lower *l, const char *name, int64_t value);
/* "typedef f16 NAME;": the type of an operand as the kernel stores it. */
void lower_type(struct lower *l, const char *name, enum dtype dt);
/* The type to move elements of dt as: short floats as integers, which keeps every bit of a NaN. */
enum dtype lower_move_type(enum dtype dt);
/* Arguments in the order of the kernel's parameters. access: 1 read, 2 write, 3 both. */
void lower_value(struct lower *l, val_id v, uint8_t access);
void lower_region(struct lower *l, val_id v, uint8_t access, const struct region *r);
void lower_weight(struct lower *l, const void *data, uint64_t bytes);
/* A value or, where it is a constant, its dense bytes as a weight. */
void lower_operand(struct lower *l, val_id v);
/* Appends the launch; releases l in any case. E_LIMIT_KERNEL. */
int lower_end(struct lower *l, int64_t gx, int64_t gy, int64_t gz, uint32_t threads, struct err *e);
/* Gives l up; returns -1. */
int lower_drop(struct lower *l);

/* ---- expr.c ---- */

/*
 * Generates epilogue() and out_at() for output 0 of the node, adds the extra operands as
 * arguments. vec: consecutive elements per call, 1 or 4 (4: the caller knows that they are in one
 * run). Call it after the template's own arguments.
 */
void lower_epilogue(struct lower *l, int vec);
/* The same; the first `before` steps are a function before(), which is called with the same off. */
void lower_epilogue_split(struct lower *l, int vec, uint32_t before);
/* The same of what the operator computes inside, a plain tensor of type t, without out_at(). */
void lower_steps(struct lower *l, const struct type *t, int vec);
/* out_at() alone, and y_t: for what only writes output 0. */
void lower_out(struct lower *l, int vec);
/* The widest vec that the output's storage allows: 4 or 1. */
int lower_vec(const struct val *out);
/* A float as C text that means exactly these bits. */
void float_text(struct buf *out, float f);
/* A number that stands in the text. */
bool is_round(double f);
/* "const float sNUMBER = ...;": one step of its operands. */
void step_text(const struct tail_step *step, uint32_t number, const struct expr_arg *arg,
	       struct buf *t);

/* ---- head.c ---- */

/*
 * Generates head(), what is done to `vec` neighbouring channels (blocked: 4, else 1) of input 0 as
 * they are loaded, and head_load(), which fetches the head's operands; adds these as arguments.
 * Does nothing where the node has no head. Call it before lower_epilogue.
 */
void lower_head(struct lower *l, int vec);

#endif
