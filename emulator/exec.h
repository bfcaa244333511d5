/*
 * The interpreter's data: decoded operations, warps, blocks.
 *
 * A register is a slot of 32 lanes at a byte offset from warp.regs: 128
 * bytes for up to 32 bits, 256 for 64 bits; a predicate is a 32-bit mask.
 * Constants are slots, too, written once per launch and thread. An
 * operation's handler for a full mask is run[0], for a partial one run[1];
 * it returns the next operation, or NULL where the warp stops (barrier,
 * end, error).
 */
#ifndef EMULATOR_EXEC_H
#define EMULATOR_EXEC_H

#include "base/base.h"

#define WARP_LANES  32
#define FULL_MASK   0xffffffffu
#define SLOT32	    128u
#define SLOT64	    256u
#define STACK_DEPTH 80

/* Fixed places in warp.regs: result of a masked operation, temporaries of composed ones. */
enum { REGS_SCRATCH = 0, REGS_TEMP = 256, REGS_TEMP_COUNT = 4, REGS_FIRST = 256 * 5 };

/* Generic addresses of shared and local memory: no host address looks like them. */
#define WINDOW_SHARED ((uint64_t)1 << 56)
#define WINDOW_LOCAL  ((uint64_t)2 << 56)
#define WINDOW_MASK   ((uint64_t)0xff << 56)

struct launch;
struct warp;
struct op;
typedef const struct op *(*op_fn)(struct warp *, const struct op *);

struct op {
	op_fn run[2];
	const struct op *target; /* of a branch; the reconvergence point is in `join` */
	union {
		int64_t imm;
		const struct op *join;
		const struct op *const *table; /* brx.idx */
	};
	uint32_t d, a, b, c, e; /* offsets in warp.regs */
	uint32_t x;		/* small things, by handler */
	uint32_t line;
	uint32_t mem; /* number of the memory access, place of its cache; of `count`: the block */
};

struct stack_entry {
	const struct op *pc, *join;
	uint32_t mask;
};

/* Why a block stopped before its end. */
enum fault {
	FAULT_NONE,
	FAULT_ADDRESS,
	FAULT_ALIGN,
	FAULT_SHARED,
	FAULT_LOCAL,
	FAULT_BARRIER,
	FAULT_LANES,
	FAULT_TRAP,
	/* the sanitizer's */
	FAULT_UNWRITTEN,
	FAULT_HELD,
	FAULT_RACE,
	FAULT_CLASH,
	FAULT_SHARED_UNWRITTEN,
	FAULT_SHARED_RACE
};

struct warp {
	uint8_t *regs;
	uint32_t mask, partial; /* partial: mask != FULL_MASK */
	uint32_t live;		/* lanes that have not exited */
	uint32_t index, depth;
	const struct op *pc;
	const struct op *join;	  /* where this path meets its sibling; NULL: at the end */
	uint32_t barrier;	  /* 0: running, else 1 + number of the barrier waited for */
	uint32_t barrier_threads; /* 0: all of the block */
	struct block *block;
	struct stack_entry stack[STACK_DEPTH];
};

/* Addresses that an access was found to be allowed in. */
struct extent_cache {
	uint64_t lo, hi;	     /* the whole extent */
	uint64_t base, pitch, width; /* pitch 0: no rows */
	const struct extent *extent; /* of a launch under the sanitizer */
	bool quiet; /* all of it is written, and no other block writes: loads need no look */
};

/* What the sanitizer knows of a block's shared memory, by unit: the kernel's smallest access. */
struct shared_shadow {
	uint8_t *state;	 /* SHARED_UNWRITTEN, who wrote since the last barrier, or 0 */
	uint8_t *seen;	 /* 1: the running warp has read it since the last barrier */
	uint8_t *reader; /* which other warp has, or 0 */
	uint32_t units, shift;
	bool reads; /* something is in `seen` */
};

/* A warp is its index + 1. */
enum { SHARED_NOBODY = 0, SHARED_ATOMIC = 0x40, SHARED_UNWRITTEN = 0x80 };

/* What one thread needs to run blocks of one launch, one after another. */
struct block {
	const struct launch *launch;
	uint8_t *shared, *local;
	uint32_t shared_bytes, dynamic_bytes, local_bytes; /* local: per thread */
	const uint8_t *params;
	uint32_t param_bytes;
	uint32_t index[3], grid[3], dim[3];
	uint32_t nwarps, threads;
	struct warp *warps;
	struct extent_cache *cache; /* by op.mem */
	uint64_t *counters;	    /* by basic block */
	uint32_t *tid[3];	    /* by thread */
	enum fault fault;
	const struct op *fault_op;
	uint32_t fault_warp, fault_lane;
	uint64_t fault_address;
	bool fault_write;
	/* under the sanitizer */
	struct shared_shadow shadow;
	uint32_t tag;	   /* of this block, see shadow.h */
	bool mixed;	   /* the lanes of the last check lie in several extents */
	bool alone;	   /* races in shared memory are not looked for */
	uint64_t random;   /* where the order of the warps comes from */
	uint32_t other;	   /* who else took part in a race: a tag, or a warp */
	bool other_writes; /* what it did */
};

/* Bits of op.x of an addition with carry. */
enum { CARRY_IN = 1, CARRY_OUT = 2 };

/*
 * A PTX instruction form: its name, what its operands are (result first: w 32
 * bits, d 64 bits, f float, g double, p predicate, i a number) and what runs it.
 */
struct form {
	const char *name, *sig;
	op_fn run;
};

/* Everything that exists once per instruction set of the host. */
struct exec {
	const char *isa;
	const struct form *const *forms; /* tables, each ended by a NULL name; NULL at the end */
	op_fn masked32, masked64;
	op_fn (*memory)(const char *name); /* handler by name, see exec_mem.c */
	op_fn (*control)(const char *name);
	op_fn fma_run, masked_fma;
	void (*run)(struct warp *w);
};

const struct exec *exec_base(void);
const struct exec *exec_v3(void);
const struct exec *exec_v4(void);

/* Whether the lanes may touch these addresses, for what the cache does not know (it is filled): the
 * bad lane, or -1. */
int check_access(struct block *b, const struct op *o, const uint64_t *addr, uint32_t mask,
		 uint32_t bytes, bool write);
/*
 * sanitize.c: what an access that may be made does to the shadows; false: a
 * fault. The addresses of lanes that are off are not looked at.
 */
enum touch { TOUCH_LOAD, TOUCH_STORE, TOUCH_ATOMIC };
bool sanitize_global(struct warp *w, const struct op *o, const uint64_t *at, enum touch touch);
/* offsets in shared memory; lanes that are off repeat an active one */
bool sanitize_shared(struct warp *w, const struct op *o, const uint32_t *at, enum touch touch);
/* After a store to host addresses: no two lanes stored different bytes to one place. The report
 * counts from base. */
bool sanitize_stored(struct warp *w, const struct op *o, const uint64_t *at, uint64_t base);
/* Marks the block as failed and returns NULL. */
const struct op *exec_fault(struct warp *w, const struct op *o, enum fault f, uint32_t lane,
			    uint64_t address);

#endif
