/*
 * From a parsed function to something that runs: cfg.c finds the basic
 * blocks and where paths meet, live.c gives registers their slots, decode.c
 * makes the operations.
 */
#ifndef EMULATOR_KERNEL_H
#define EMULATOR_KERNEL_H

#include "emulator/exec.h"
#include "emulator/ptx.h"

/* What an instruction does to control flow. */
enum flow { FLOW_NEXT, FLOW_BRANCH, FLOW_TABLE, FLOW_END };

struct cfg_block {
	uint32_t first, end; /* instructions [first, end) */
	uint32_t next[2];    /* successors; for a table see labels */
	uint32_t nnext;
	const struct ptx_label *table; /* of brx.idx, else NULL */
	int32_t meet;		       /* immediate post-dominator, -1: the end */
	bool is_meet;		       /* some branch's paths meet here */
};

struct cfg {
	struct cfg_block *blocks;
	uint32_t nblocks;
	uint32_t *block_of; /* by instruction */
};

enum flow cfg_flow(const struct ptx_insn *i);
int cfg_build(struct arena *a, const struct ptx_func *f, struct cfg *c, struct err *e);
uint32_t cfg_successors(const struct cfg *c, const struct ptx_func *f, uint32_t block, uint32_t k);
uint32_t cfg_successor_count(const struct cfg_block *b);

/* Where each register lives, as an offset in warp.regs. */
struct slots {
	uint32_t *offset;   /* by register */
	uint32_t end;	    /* behind the last slot */
	uint32_t registers; /* greatest number of 32-bit registers live at once, as slots count them
			     */
};

/* Which operands an instruction writes: the first or none. */
bool live_has_result(const struct ptx_insn *i);
void live_slots(struct arena *a, const struct ptx_func *f, const struct cfg *c, struct slots *s);

/* A constant slot. */
struct constant {
	uint64_t bits;
	uint32_t offset;
	bool wide;
};

/* A loaded entry. */
struct kernel {
	const struct ptx_func *func;
	const struct ptx_region *regions;
	uint32_t nregions;
	struct op *ops;
	uint32_t nops;
	uint32_t regs_bytes; /* of one warp */
	struct constant *constants;
	uint32_t nconstants;
	uint32_t true_pred; /* offset of a mask of ones; a mask of zeros follows */
	uint32_t shared_bytes, local_bytes, registers;
	uint32_t nmem;
	uint32_t unit, shared_unit; /* smallest element of its global and of its shared accesses, at
				       most 4 */
	bool splits;		    /* it has barriers that not all of the block need reach */
	uint32_t nblocks;
	const struct cfg *cfg; /* for the counters */
};

/* Addresses of module variables must be known. */
enum decode_mode { DECODE_COUNTED = 1, DECODE_SANITIZED = 2 };
int decode_kernel(const struct exec *exec, const struct ptx_module *m, const struct ptx_func *f,
		  uint32_t mode, struct kernel *k, struct err *e);

#endif
