/*
 * Runs one artifact on one device.
 *
 *	runtime_open	header, digests, bounds; no driver yet
 *	runtime_load	driver, memory, code, weights
 *	runtime_run	inputs in, launches, outputs out; as often as you like
 *	runtime_close	gives everything back
 *
 * Sizes are bytes, times are seconds. Tensors are dense, row-major, little
 * endian. Functions that can fail return 0, or -1 with *e filled. What a
 * function returns as const belongs to the runtime and lives until
 * runtime_close. One runtime must not be used from two threads at a time.
 */
#ifndef RUNTIME_RUNTIME_H
#define RUNTIME_RUNTIME_H

#include "runtime/artifact.h"

enum runtime_device {
	RUNTIME_AUTO, /* the CUDA driver where it has a device, else the emulated one */
	RUNTIME_CUDA,
	RUNTIME_EMULATOR
};

struct runtime_info {
	char device[128];   /* the driver's name of the device */
	char chip[16];	    /* "sm_87" */
	int driver;	    /* CUDA version of the driver, 13000 for 13.0 */
	const char *notice; /* why RUNTIME_AUTO took the emulated device, one line; NULL if it did
			       not */
	size_t memory;	    /* of the device in all */
};

struct runtime_stats {
	double seconds_open; /* runtime_open: checking the file */
	double seconds_load; /* runtime_load */
	double seconds_run;  /* the last runtime_run, copies included */
	/* The most that was taken from the device's free memory since its context stood. */
	size_t device_bytes_peak;
	uint64_t launches; /* of the last runtime_run */
	uint32_t timed;	   /* runs of runtime_time; milliseconds of their launches by events */
	float ms_least, ms_median, ms_most;
};

struct runtime;

/* E_NO_FILE, E_ARTIFACT, E_ARTIFACT_VERSION. *rt is set only on success. */
int runtime_open(const char *path, struct runtime **rt, struct err *e);
/* The same of an open file; name is for messages. Takes fd, on failure too. */
int runtime_open_fd(int fd, const char *name, struct runtime **rt, struct err *e);
/* Key, inputs, outputs and sizes. */
const struct artifact *runtime_artifact(const struct runtime *rt);
/* Index of an input by its name in the graph, -1 if there is none. */
int runtime_find_input(const struct runtime *rt, const char *name);
/*
 * E_NO_DEVICE; E_DEVICE_MEMORY where device_bytes + module_bytes exceed what
 * is free (nothing was allocated then); E_NO_CODE where neither cubin nor PTX
 * fits the device; E_DEVICE.
 */
int runtime_load(struct runtime *rt, enum runtime_device device, struct err *e);
/*
 * inputs[i] and outputs[i] are the caller's host buffers of exactly the
 * artifact's inputs[i].bytes and outputs[i].bytes. Allocates nothing.
 * E_DEVICE; after it the runtime can only be closed.
 */
int runtime_run(struct runtime *rt, const void *const *inputs, void *const *outputs, struct err *e);
/*
 * The same, stopping after each launch: seen(ctx, n) is called with n launches
 * done, from 0 on, and may look at what lies in the arena. Where it fails, the
 * run ends with its error.
 */
struct runtime_watch {
	int (*seen)(void *ctx, uint32_t launches, struct err *e);
	void *ctx;
};
int runtime_run_watched(struct runtime *rt, const void *const *inputs, void *const *outputs,
			const struct runtime_watch *watch, struct err *e);
/* More runs, each timed by the device's events without its copies; outputs are the last one's. */
int runtime_time(struct runtime *rt, const void *const *inputs, void *const *outputs, uint32_t runs,
		 struct err *e);
/* For seen: bytes of the arena. */
int runtime_peek(struct runtime *rt, uint64_t offset, void *to, size_t bytes, struct err *e);
const struct runtime_info *runtime_info(const struct runtime *rt); /* after runtime_load */
const struct runtime_stats *runtime_stats(const struct runtime *rt);
void runtime_close(struct runtime *rt); /* NULL is fine */

#endif
