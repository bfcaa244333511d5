/* One launch: its blocks over all threads, its memory checks, its report. */
#ifndef EMULATOR_SCHED_H
#define EMULATOR_SCHED_H

#include "emulator/kernel.h"
#include "emulator/vram.h"

#include <stdatomic.h>

/* Addresses that a launch may touch. */
struct extent {
	uint64_t lo, hi;
	uint64_t base, pitch, width; /* pitch 0: all of it */
	bool read, write;
	bool constant; /* no writable extent overlaps it */
	int32_t param; /* -1: an allocation, -2: data of the module */
	/* under the sanitizer */
	struct shadow *shadow; /* NULL: nothing is known of it */
	bool filled;	       /* all of it is written when the launch begins */
	bool raced;	       /* other extents, too, touch it, one of the two writing */
};

struct launch {
	const struct kernel *kernel;
	const struct exec *exec;
	uint32_t grid[3], dim[3], dynamic_bytes;
	const uint8_t *params;
	struct extent *extents;
	size_t nextents;
	uint64_t total;
	atomic_uint_fast64_t next; /* first block that nobody has taken */
	atomic_bool stop;
	struct block *blocks; /* one per thread */
	uint64_t *counters;   /* by basic block, NULL: not counted; summed here at the end */
	uint32_t nthreads;
	bool sanitize;
	struct plan *plan; /* NULL: none */
	uint32_t tag;	   /* first of its tags */
	uint32_t tags;	   /* how many of them are blocks' */
	uint64_t seed;	   /* of the order of blocks and warps; 0: as they come */
};

struct pool;
struct pool *pool_open(uint32_t threads);
void pool_close(struct pool *p); /* NULL is fine */
/* Runs all blocks. What failed is in *report, report->fault says whether anything did. */
void pool_run(struct pool *p, struct launch *l, struct block *report);

/* check.c: the extents of a launch; data: the module's own variables. */
void check_extents(struct launch *l, const struct vram *v, const struct ptx_module *m);
/* The extent that an access lies in; NULL: none. */
const struct extent *check_find(const struct launch *l, const struct op *o, uint64_t at,
				bool write);
/* report.c: one line on standard error. */
void check_report(const struct launch *l, const struct block *b);

#endif
