/*
 * A parsed PTX module: what the text says, nothing resolved but names.
 * Registers are indices into ptx_func.regs, variables pointers, labels
 * indices into ptx_func.labels. Everything lives in the module's arena.
 */
#ifndef EMULATOR_PTX_H
#define EMULATOR_PTX_H

#include "base/arena.h"
#include "base/err.h"

/* Where a register's lanes live: predicates are bit masks, 8 and 16 bit values fill 32-bit lanes.
 */
enum ptx_class { CLASS_PRED, CLASS_32, CLASS_64, CLASS_COUNT };

enum ptx_space { SPACE_GENERIC, SPACE_GLOBAL, SPACE_SHARED, SPACE_LOCAL, SPACE_CONST, SPACE_PARAM };

struct ptx_var {
	const char *name;
	enum ptx_space space;
	uint64_t size, align;
	const uint8_t *init; /* bytes given; the rest is zero */
	size_t ninit;
	uint64_t offset; /* in its space: parameter block, shared memory, local memory, module data
			  */
	bool dynamic;	 /* .extern .shared: lies behind the static shared memory */
	int scope;
	struct ptx_var *next;
};

enum ptx_kind {
	OPERAND_NONE,
	OPERAND_REG,	 /* reg; second for p|q, negated for !p */
	OPERAND_INT,	 /* bits */
	OPERAND_F32,	 /* bits of a float */
	OPERAND_F64,	 /* bits of a double */
	OPERAND_VAR,	 /* address of var, + bits */
	OPERAND_MEM,	 /* [reg or var or nothing, + bits] */
	OPERAND_VEC,	 /* {elem...} */
	OPERAND_LABEL,	 /* label */
	OPERAND_SPECIAL, /* special register, by name */
	OPERAND_SINK	 /* _ */
};

struct ptx_operand {
	enum ptx_kind kind;
	bool negated;
	int32_t reg, second; /* -1: none */
	int32_t label;
	uint32_t count;
	uint64_t bits;
	struct ptx_var *var;
	const char *name;
	struct ptx_operand *elem;
};

#define PTX_OPERANDS 6

struct ptx_insn {
	const char *opcode; /* with all its dots */
	uint32_t line, count;
	int32_t guard; /* predicate register, -1: none */
	bool guard_negated;
	struct ptx_operand operand[PTX_OPERANDS];
};

struct ptx_reg {
	const char *name;
	enum ptx_class class;
	uint32_t bits;
};

struct ptx_label {
	const char *name;
	int32_t insn; /* the instruction that it stands before; -1: not seen yet */
	uint32_t line;
	int32_t *targets; /* .branchtargets: labels */
	uint32_t ntargets;
};

/* A comment "//@occamy region ..." : what a launch may touch through one pointer parameter. */
struct ptx_region {
	uint32_t param;
	bool read, write;
	uint64_t pitch, width, rows;
};

struct ptx_func {
	const char *name;
	uint32_t line;
	struct ptx_var *params; /* in order */
	uint32_t nparams, param_bytes;
	struct ptx_reg *regs;
	uint32_t nregs;
	struct ptx_insn *insns;
	uint32_t ninsns;
	struct ptx_label *labels;
	uint32_t nlabels;
	struct ptx_var *vars; /* .shared and .local of its own */
	uint32_t max_threads; /* .maxntid, 0: not said */
	struct ptx_func *next;
};

struct ptx_routine; /* a .func, see ptx_call.c */

struct ptx_module {
	struct arena *arena;
	uint32_t version;   /* 90 for 9.0 */
	uint32_t target;    /* 87 for sm_87 */
	char target_suffix; /* 'a' or 'f', else 0 */
	struct ptx_var *vars;
	struct ptx_func *funcs;
	struct ptx_routine *routines;
	struct ptx_region *regions;
	uint32_t nregions;
};

/* text ends with a zero byte. On failure e->detail begins with "line N: ". */
int ptx_parse(struct arena *a, const char *text, struct ptx_module **m, struct err *e);

/* Bits of a PTX type name such as "f32" or "b8"; 0: not a type; 1: pred. */
uint32_t ptx_type_bits(const char *type, size_t len);

#endif
