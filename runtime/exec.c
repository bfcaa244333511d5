/*
 * The executor: one allocation for the arena, one for the weights (streamed
 * from the file through a small buffer), one module per kernel, every
 * launch's parameters laid out at load. A run is then copies and launches on
 * one stream and allocates nothing. The arena is never cleared: the plan
 * promises that what is read was written.
 */
#include "runtime/runtime.h"

#include "runtime/artifact_int.h"
#include "runtime/driver.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STAGING	      ((size_t)1 << 20)
#define SHARED_OPT_IN (48u << 10) /* more must be asked for per function */

struct module {
	CUmodule module;
	CUfunction function;
	uint32_t shared; /* the most dynamic shared memory of its launches */
};

struct runtime {
	struct artifact *a;
	struct driver driver;
	CUdevice device;
	CUcontext context;
	CUdeviceptr arena, weights;
	struct module *modules; /* per kernel; all below is in the artifact's arena */
	CUdeviceptr *values;	/* of all launches' parameters in a row */
	void **params;		/* pointers to them, as cuLaunchKernel wants */
	size_t free_before, free_least;
	struct runtime_info info;
	struct runtime_stats stats;
	bool loaded;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* CALL(rt, e, cuX, args) is 0 or -1 with *e filled. */
#define CALL(rt, e, name, ...) check(rt, (rt)->driver.cu.name(__VA_ARGS__), #name, e)

static int check(const struct runtime *rt, CUresult r, const char *call, struct err *e)
{
	return r == CUDA_SUCCESS ? 0 : driver_fail(&rt->driver, r, call, e);
}

/* Notes how much memory is free now. */
static int sample_free(struct runtime *rt, struct err *e)
{
	size_t free_now, total;

	if (CALL(rt, e, cuMemGetInfo_v2, &free_now, &total) < 0)
		return -1;
	rt->free_least = MIN(rt->free_least, free_now);
	rt->stats.device_bytes_peak = rt->free_before - rt->free_least;
	return 0;
}

static int open_device(struct runtime *rt, struct err *e)
{
	int major = 0, minor = 0;

	if (CALL(rt, e, cuDeviceGet, &rt->device, 0) < 0 ||
	    CALL(rt, e, cuDeviceGetName, rt->info.device, (int)sizeof(rt->info.device),
		 rt->device) < 0 ||
	    CALL(rt, e, cuDeviceGetAttribute, &major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR,
		 rt->device) < 0 ||
	    CALL(rt, e, cuDeviceGetAttribute, &minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR,
		 rt->device) < 0 ||
	    CALL(rt, e, cuDriverGetVersion, &rt->info.driver) < 0 ||
	    CALL(rt, e, cuDevicePrimaryCtxRetain, &rt->context, rt->device) < 0)
		return -1;
	snprintf(rt->info.chip, sizeof(rt->info.chip), "sm_%d%d", major, minor);
	if (CALL(rt, e, cuCtxSetCurrent, rt->context) < 0 ||
	    CALL(rt, e, cuMemGetInfo_v2, &rt->free_before, &rt->info.memory) < 0)
		return -1;
	rt->free_least = rt->free_before;
	return 0;
}

static int check_memory(const struct runtime *rt, struct err *e)
{
	const struct artifact *a = rt->a;

	if (a->device_bytes + a->module_bytes <= rt->free_before)
		return 0;
	fail(e, E_DEVICE_MEMORY,
	     "the model needs %" PRIu64 " bytes on the device (device_bytes %" PRIu64
	     " + module_bytes %" PRIu64 "), %zu of %zu are free on %s",
	     a->device_bytes + a->module_bytes, a->device_bytes, a->module_bytes, rt->free_before,
	     rt->info.memory, rt->info.device);
	return err_hint(e, "end other programs that use the device, or take a larger one");
}

/* ---- code ---- */

static int no_code(const struct runtime *rt, const struct artifact_kernel *k, CUresult cubin,
		   CUresult ptx, struct err *e)
{
	char why[2][32];

	fail(e, E_NO_CODE,
	     "kernel %s: %s (%s, driver %d.%d) takes neither its cubin for %s (%s) nor its PTX "
	     "(%s)",
	     k->entry, rt->info.device, rt->info.chip, rt->info.driver / 1000,
	     rt->info.driver % 1000 / 10, rt->a->target,
	     k->cubin.len ? driver_error(&rt->driver, cubin, why[0]) : "there is none",
	     driver_error(&rt->driver, ptx, why[1]));
	if (!strcmp(rt->info.chip, rt->a->target))
		return err_hint(e, "the driver may be older than the code: update it, or compile "
				   "with an older NVRTC");
	return err_hint(e, "compile the model with target %s", rt->info.chip);
}

/* The cubin where the device takes it, else the PTX. */
static int load_kernel(struct runtime *rt, uint32_t i, struct err *e)
{
	const struct cuda *cu = &rt->driver.cu;
	const struct artifact_kernel *k = &rt->a->kernels[i];
	CUresult cubin = CUDA_ERROR_NO_BINARY_FOR_GPU, ptx;
	struct module *m = &rt->modules[i];

	if (k->cubin.len)
		cubin = cu->cuModuleLoadData(&m->module, k->cubin.data);
	if (cubin == CUDA_ERROR_OUT_OF_MEMORY)
		return driver_fail(&rt->driver, cubin, "cuModuleLoadData", e);
	if (cubin != CUDA_SUCCESS) {
		m->module = NULL;
		ptx = cu->cuModuleLoadData(&m->module, k->ptx.data);
		if (ptx == CUDA_ERROR_OUT_OF_MEMORY)
			return driver_fail(&rt->driver, ptx, "cuModuleLoadData", e);
		if (ptx != CUDA_SUCCESS) {
			m->module = NULL;
			return no_code(rt, k, cubin, ptx, e);
		}
	}
	if (CALL(rt, e, cuModuleGetFunction, &m->function, m->module, k->entry) < 0)
		return -1;
	/* without a cubin the plan does not tell the kernel's own shared memory */
	if (m->shared && (!k->cubin.len || m->shared + k->shared_bytes > SHARED_OPT_IN))
		return CALL(rt, e, cuFuncSetAttribute, m->function,
			    CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, (int)m->shared);
	return 0;
}

static int load_code(struct runtime *rt, struct err *e)
{
	struct artifact *a = rt->a;

	rt->modules = NEW(a->arena, a->nkernels, struct module);
	for (uint32_t i = 0; i < a->nlaunches; i++) {
		struct module *m = &rt->modules[a->launches[i].kernel];

		m->shared = MAX(m->shared, a->launches[i].shared);
	}
	for (uint32_t i = 0; i < a->nkernels; i++)
		if (load_kernel(rt, i, e) < 0 || sample_free(rt, e) < 0)
			return -1;
	artifact_drop_code(a);
	return 0;
}

/* ---- memory ---- */

static int load_weights(struct runtime *rt, struct err *e)
{
	uint8_t *staging = mem_alloc(MIN(STAGING, rt->a->weights_bytes));
	uint64_t done = 0;
	int ret = 0;

	while (ret == 0 && done < rt->a->weights_bytes) {
		size_t n = (size_t)MIN(STAGING, rt->a->weights_bytes - done);

		ret = artifact_read_blob(rt->a, "weights", done, staging, n, e);
		if (ret == 0)
			ret = CALL(rt, e, cuMemcpyHtoD_v2, rt->weights + done, staging, n);
		done += n;
	}
	/* On a device that shares the host's memory the cached copy is better given back. */
	posix_fadvise(rt->a->fd, 0, 0, POSIX_FADV_DONTNEED);
	mem_free(staging);
	return ret;
}

static int allocate(struct runtime *rt, struct err *e)
{
	const struct artifact *a = rt->a;

	if (a->arena_bytes && CALL(rt, e, cuMemAlloc_v2, &rt->arena, a->arena_bytes) < 0)
		return -1;
	if (a->weights_bytes && CALL(rt, e, cuMemAlloc_v2, &rt->weights, a->weights_bytes) < 0)
		return -1;
	return sample_free(rt, e);
}

/* Every parameter is a pointer: the arena's or the weights' base plus an offset. */
static void lay_out_parameters(struct runtime *rt)
{
	const struct artifact *a = rt->a;
	size_t n = 0;

	for (uint32_t i = 0; i < a->nlaunches; i++)
		n += a->launches[i].nargs;
	rt->values = NEW(a->arena, n, CUdeviceptr);
	rt->params = NEW(a->arena, n, void *);
	n = 0;
	for (uint32_t i = 0; i < a->nlaunches; i++)
		for (uint32_t k = 0; k < a->launches[i].nargs; k++, n++) {
			const struct artifact_arg *arg = &a->launches[i].args[k];

			rt->values[n] =
				arg->offset + (arg->space == ARG_ARENA ? rt->arena : rt->weights);
			rt->params[n] = &rt->values[n];
		}
}

/* ---- running ---- */

static int copy_in(struct runtime *rt, const void *const *inputs, struct err *e)
{
	for (uint32_t i = 0; i < rt->a->ninputs; i++) {
		const struct artifact_tensor *t = &rt->a->inputs[i];

		if (t->bytes &&
		    CALL(rt, e, cuMemcpyHtoD_v2, rt->arena + t->offset, inputs[i], t->bytes) < 0)
			return err_tensor(e, t->name);
	}
	return 0;
}

/* With a watch each launch ends before the next one begins, and so an error has its node. */
static int launch(struct runtime *rt, const struct artifact_launch *l, void **params,
		  const struct runtime_watch *watch, struct err *e)
{
	if (CALL(rt, e, cuLaunchKernel, rt->modules[l->kernel].function, l->grid[0], l->grid[1],
		 l->grid[2], l->block[0], l->block[1], l->block[2], l->shared, NULL, params,
		 NULL) < 0 ||
	    (watch && CALL(rt, e, cuCtxSynchronize) < 0))
		return err_node(e, l->node, l->op);
	return 0;
}

static int launch_all(struct runtime *rt, const struct runtime_watch *watch, struct err *e)
{
	void **params = rt->params;

	if (watch && watch->seen(watch->ctx, 0, e) < 0)
		return -1;
	for (uint32_t i = 0; i < rt->a->nlaunches; i++) {
		if (launch(rt, &rt->a->launches[i], params, watch, e) < 0 ||
		    (watch && watch->seen(watch->ctx, i + 1, e) < 0))
			return -1;
		params += rt->a->launches[i].nargs;
	}
	rt->stats.launches = rt->a->nlaunches;
	return 0;
}

static int copy_out(struct runtime *rt, void *const *outputs, struct err *e)
{
	for (uint32_t i = 0; i < rt->a->noutputs; i++) {
		const struct artifact_tensor *t = &rt->a->outputs[i];

		if (t->bytes &&
		    CALL(rt, e, cuMemcpyDtoH_v2, outputs[i], rt->arena + t->offset, t->bytes) < 0)
			return err_tensor(e, t->name);
	}
	return 0;
}

/* One run between two events. The arena may hold the inputs no longer: they are copied each time.
 */
static int time_one(struct runtime *rt, const void *const *inputs, const CUevent ev[2], float *ms,
		    struct err *e)
{
	if (copy_in(rt, inputs, e) < 0 || CALL(rt, e, cuEventRecord, ev[0], NULL) < 0 ||
	    launch_all(rt, NULL, e) < 0 || CALL(rt, e, cuEventRecord, ev[1], NULL) < 0 ||
	    CALL(rt, e, cuEventSynchronize, ev[1]) < 0)
		return -1;
	return CALL(rt, e, cuEventElapsedTime, ms, ev[0], ev[1]);
}

static int compare_ms(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static void note_times(struct runtime_stats *stats, float *ms, uint32_t runs)
{
	qsort(ms, runs, sizeof(*ms), compare_ms);
	stats->timed = runs;
	stats->ms_least = ms[0];
	stats->ms_median = (ms[(runs - 1) / 2] + ms[runs / 2]) / 2;
	stats->ms_most = ms[runs - 1];
}

/* ---- exported ---- */

int runtime_open_fd(int fd, const char *name, struct runtime **out, struct err *e)
{
	struct artifact *a = NULL;
	struct runtime *rt;
	double start = now();

	if (artifact_open_fd(fd, name, &a, e) < 0)
		return -1;
	if (artifact_verify(a, e) < 0 || artifact_load_plan(a, e) < 0) {
		artifact_close(a);
		return -1;
	}
	rt = mem_alloc(sizeof(*rt));
	rt->a = a;
	rt->stats.seconds_open = now() - start;
	*out = rt;
	return 0;
}

int runtime_open(const char *path, struct runtime **rt, struct err *e)
{
	int fd = artifact_open_file(path, e);

	return fd < 0 ? -1 : runtime_open_fd(fd, path, rt, e);
}

const struct artifact *runtime_artifact(const struct runtime *rt)
{
	return rt->a;
}

int runtime_find_input(const struct runtime *rt, const char *name)
{
	for (uint32_t i = 0; i < rt->a->ninputs; i++)
		if (!strcmp(rt->a->inputs[i].name, name))
			return (int)i;
	return -1;
}

int runtime_load(struct runtime *rt, enum runtime_device device, struct err *e)
{
	double start = now();

	CHECK(!rt->context && "loaded once");
	if (driver_open(&rt->driver, device, e) < 0 || open_device(rt, e) < 0)
		return -1;
	rt->info.notice = rt->driver.notice[0] ? rt->driver.notice : NULL;
	if (check_memory(rt, e) < 0 || allocate(rt, e) < 0 || load_code(rt, e) < 0 ||
	    load_weights(rt, e) < 0)
		return -1;
	lay_out_parameters(rt);
	rt->loaded = true;
	rt->stats.seconds_load = now() - start;
	return 0;
}

int runtime_peek(struct runtime *rt, uint64_t offset, void *to, size_t bytes, struct err *e)
{
	CHECK(offset + bytes <= rt->a->arena_bytes);
	return CALL(rt, e, cuMemcpyDtoH_v2, to, rt->arena + offset, bytes);
}

int runtime_run_watched(struct runtime *rt, const void *const *inputs, void *const *outputs,
			const struct runtime_watch *watch, struct err *e)
{
	double start = now();

	CHECK(rt->loaded && "runtime_load comes first");
	if (CALL(rt, e, cuCtxSetCurrent, rt->context) < 0 || copy_in(rt, inputs, e) < 0 ||
	    launch_all(rt, watch, e) < 0 || CALL(rt, e, cuCtxSynchronize) < 0 ||
	    copy_out(rt, outputs, e) < 0)
		return -1;
	rt->stats.seconds_run = now() - start;
	return sample_free(rt, e);
}

int runtime_run(struct runtime *rt, const void *const *inputs, void *const *outputs, struct err *e)
{
	return runtime_run_watched(rt, inputs, outputs, NULL, e);
}

int runtime_time(struct runtime *rt, const void *const *inputs, void *const *outputs, uint32_t runs,
		 struct err *e)
{
	float *ms = mem_alloc(runs * sizeof(*ms));
	CUevent ev[2] = {NULL, NULL};
	int ret = -1;

	CHECK(rt->loaded && runs);
	if (CALL(rt, e, cuCtxSetCurrent, rt->context) < 0 ||
	    CALL(rt, e, cuEventCreate, &ev[0], 0) < 0 || CALL(rt, e, cuEventCreate, &ev[1], 0) < 0)
		goto done;
	for (uint32_t i = 0; i < runs; i++)
		if (time_one(rt, inputs, ev, &ms[i], e) < 0)
			goto done;
	note_times(&rt->stats, ms, runs);
	ret = copy_out(rt, outputs, e);
done:
	for (int i = 0; i < 2; i++)
		if (ev[i])
			rt->driver.cu.cuEventDestroy_v2(ev[i]);
	mem_free(ms);
	return ret;
}

const struct runtime_info *runtime_info(const struct runtime *rt)
{
	return &rt->info;
}

const struct runtime_stats *runtime_stats(const struct runtime *rt)
{
	return &rt->stats;
}

/* The context goes last; the driver's answers no longer matter here. */
void runtime_close(struct runtime *rt)
{
	if (!rt)
		return;
	if (rt->context) {
		const struct cuda *cu = &rt->driver.cu;

		cu->cuCtxSetCurrent(rt->context);
		for (uint32_t i = 0; rt->modules && i < rt->a->nkernels; i++)
			if (rt->modules[i].module)
				cu->cuModuleUnload(rt->modules[i].module);
		if (rt->weights)
			cu->cuMemFree_v2(rt->weights);
		if (rt->arena)
			cu->cuMemFree_v2(rt->arena);
		cu->cuDevicePrimaryCtxRelease_v2(rt->device);
	}
	artifact_close(rt->a);
	mem_free(rt);
}
