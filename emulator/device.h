/*
 * The emulated device: what the driver calls share. There is one per
 * process, as with the real driver; every call holds its lock.
 */
#ifndef EMULATOR_DEVICE_H
#define EMULATOR_DEVICE_H

#include "emulator/plan.h"
#include "emulator/sched.h"
#include "runtime/cuda.h"

#include <pthread.h>
#include <time.h>

/* OCCAMY_EMULATOR="sm=87,memory=BYTES,threads=N,stats=FILE,isa=v3,sanitize=1,schedule=N" */
struct config {
	uint32_t sm, threads;
	uint64_t memory;
	uint64_t seed; /* of the order of blocks and warps; 0: as they come */
	uint32_t sanitize;
	char *stats, *isa, *plan;
};

/* Either text may be NULL; the second one goes over the first. */
int config_parse(const char *defaults, const char *text, struct config *c, struct err *e);
void config_release(struct config *c);

/* Facts of a chip that the driver tells. */
struct chip {
	uint32_t sm, processors, clock_khz, shared_optin;
};
const struct chip *config_chip(uint32_t sm);

struct CUfunc_st {
	struct kernel kernel;
	struct CUmod_st *module;
	uint32_t dynamic_most; /* bytes of dynamic shared memory that a launch may ask for */
	uint64_t launches;
	uint64_t *counters; /* by basic block; NULL: not wanted */
	struct CUfunc_st *next;
};

struct CUmod_st {
	struct arena *arena;
	struct ptx_module *ptx;
	struct CUfunc_st *funcs;
	uint32_t number; /* counted from the context's beginning */
	struct CUmod_st *next;
};

struct CUevent_st {
	struct timespec at;
	bool recorded;
};

struct stats; /* stats.c */

struct device {
	pthread_mutex_t lock;
	bool ready; /* cuInit has succeeded */
	struct config config;
	const struct chip *chip;
	struct plan *plan; /* of the launches to come; NULL: none */
	const struct exec *exec;
	uint32_t retained;
	uint64_t generation; /* of the primary context */
	CUresult sticky;
	struct vram vram;
	struct pool *pool;
	struct CUmod_st *modules;
	uint32_t nmodules; /* ever loaded */
	uint32_t tag;	   /* the next one that no launch has had */
	uint64_t nlaunches;
	struct stats *stats;
};

struct device *device_get(void);
/* Takes the lock. Where the call can't go on, releases it and returns why. */
CUresult device_enter(struct device **d);
CUresult device_leave(struct device *d, CUresult r);
void device_unload(struct device *d, struct CUmod_st *m);

struct stats *stats_open(void);
void stats_add(struct stats *s, const struct CUmod_st *m);
int stats_write(const struct stats *s, const char *path, struct err *e);
void stats_close(struct stats *s);

/* The driver's calls as this library defines them: the X-list, visible. */
#define X(name, args) __attribute__((visibility("default"))) CUresult name args;
CUDA_CALLS(X)
#undef X

#endif
