/* Driver calls: device, context, streams, events, errors. */
#include "emulator/device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DRIVER_VERSION 13000
#define CONTEXT	       ((CUcontext)(uintptr_t)0x0cca)

/* The context that the calling thread has made current, by generation; 0: none. */
static _Thread_local uint64_t current;

CUresult device_enter(struct device **out)
{
	struct device *d = device_get();
	CUresult r = CUDA_SUCCESS;

	pthread_mutex_lock(&d->lock);
	if (!d->ready)
		r = CUDA_ERROR_NOT_INITIALIZED;
	else if (!d->retained || current != d->generation)
		r = CUDA_ERROR_INVALID_CONTEXT;
	else
		r = d->sticky;
	if (r)
		return device_leave(d, r);
	*out = d;
	return CUDA_SUCCESS;
}

#if defined(__x86_64__)
static bool has_v3(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
	       __builtin_cpu_supports("bmi2");
}

static bool has_v4(void)
{
	return has_v3() && __builtin_cpu_supports("avx512f") &&
	       __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
	       __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd");
}
#endif

static bool has_base(void)
{
	return true;
}

/* The best instruction set of this machine, or the one asked for; NULL: not here. */
static const struct exec *choose_exec(const char *isa)
{
	static const struct {
		bool (*here)(void);
		const struct exec *(*exec)(void);
	} rows[] = {
#if defined(__x86_64__)
		{has_v4, exec_v4},
		{has_v3, exec_v3},
#endif
		{has_base, exec_base},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (rows[i].here() && (!isa || !strcmp(isa, rows[i].exec()->isa)))
			return rows[i].exec();
	return NULL;
}

static int open_plan(struct device *d, struct err *e)
{
	if (!d->config.plan)
		return 0;
	if (!d->config.sanitize)
		return fail(e, E_USAGE, "OCCAMY_EMULATOR: plan=%s needs sanitize=1",
			    d->config.plan);
	return plan_open(d->config.plan, &d->plan, e);
}

CUresult cuInit(unsigned flags)
{
	struct device *d = device_get();
	struct err e = ERR_INIT;
	CUresult r = CUDA_SUCCESS;

	if (flags)
		return CUDA_ERROR_INVALID_VALUE;
	pthread_mutex_lock(&d->lock);
	if (!d->ready) {
		if (config_parse(getenv("OCCAMY_EMULATOR_DEFAULTS"), getenv("OCCAMY_EMULATOR"),
				 &d->config, &e) < 0) {
			fprintf(stderr, "occ_emulator: %s\n", e.detail);
			r = CUDA_ERROR_INVALID_VALUE;
		} else if (!(d->exec = choose_exec(d->config.isa))) {
			fprintf(stderr, "occ_emulator: isa=%s: not on this machine\n",
				d->config.isa);
			config_release(&d->config);
			r = CUDA_ERROR_INVALID_VALUE;
		} else if (open_plan(d, &e) < 0) {
			fprintf(stderr, "occ_emulator: %s\n", e.detail);
			config_release(&d->config);
			r = CUDA_ERROR_INVALID_VALUE;
		} else {
			d->chip = config_chip(d->config.sm);
			d->ready = true;
		}
	}
	err_release(&e);
	return device_leave(d, r);
}

CUresult cuDriverGetVersion(int *version)
{
	if (!version)
		return CUDA_ERROR_INVALID_VALUE;
	*version = DRIVER_VERSION;
	return CUDA_SUCCESS;
}

static const struct error_row {
	CUresult code;
	const char *name, *text;
} error_rows[] = {
	{CUDA_SUCCESS, "CUDA_SUCCESS", "no error"},
	{CUDA_ERROR_INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
	{CUDA_ERROR_OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
	{CUDA_ERROR_NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
	{CUDA_ERROR_DEINITIALIZED, "CUDA_ERROR_DEINITIALIZED", "driver shutting down"},
	{CUDA_ERROR_NO_DEVICE, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
	{CUDA_ERROR_INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
	{CUDA_ERROR_INVALID_IMAGE, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
	{CUDA_ERROR_INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
	{CUDA_ERROR_NO_BINARY_FOR_GPU, "CUDA_ERROR_NO_BINARY_FOR_GPU",
	 "no kernel image is available for execution on the device"},
	{CUDA_ERROR_INVALID_PTX, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
	{CUDA_ERROR_UNSUPPORTED_PTX_VERSION, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
	 "the provided PTX was compiled with an unsupported toolchain"},
	{CUDA_ERROR_INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
	{CUDA_ERROR_NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
	{CUDA_ERROR_NOT_READY, "CUDA_ERROR_NOT_READY", "device not ready"},
	{CUDA_ERROR_ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS",
	 "an illegal memory access was encountered"},
	{CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES",
	 "too many resources requested for launch"},
	{CUDA_ERROR_ILLEGAL_INSTRUCTION, "CUDA_ERROR_ILLEGAL_INSTRUCTION",
	 "an illegal instruction was encountered"},
	{CUDA_ERROR_MISALIGNED_ADDRESS, "CUDA_ERROR_MISALIGNED_ADDRESS", "misaligned address"},
	{CUDA_ERROR_LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
	{CUDA_ERROR_NOT_SUPPORTED, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
	{CUDA_ERROR_UNKNOWN, "CUDA_ERROR_UNKNOWN", "unknown error"},
};

static const struct error_row *error_row(CUresult r)
{
	for (size_t i = 0; i < COUNT_OF(error_rows); i++)
		if (error_rows[i].code == r)
			return &error_rows[i];
	return NULL;
}

CUresult cuGetErrorName(CUresult r, const char **name)
{
	const struct error_row *row = error_row(r);

	*name = row ? row->name : NULL;
	return row ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuGetErrorString(CUresult r, const char **text)
{
	const struct error_row *row = error_row(r);

	*text = row ? row->text : NULL;
	return row ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

/* Device queries need cuInit but no context. */
static CUresult query(const struct device *d, CUdevice dev, const void *out)
{
	if (!d->ready)
		return CUDA_ERROR_NOT_INITIALIZED;
	if (dev)
		return CUDA_ERROR_INVALID_DEVICE;
	return out ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuDeviceGetCount(int *count)
{
	CUresult r = query(device_get(), 0, count);

	if (!r)
		*count = 1;
	return r;
}

CUresult cuDeviceGet(CUdevice *dev, int ordinal)
{
	CUresult r = query(device_get(), ordinal, dev);

	if (!r)
		*dev = 0;
	return r;
}

CUresult cuDeviceGetName(char *name, int len, CUdevice dev)
{
	const struct device *d = device_get();
	CUresult r = query(d, dev, name);

	if (!r && len < 1)
		r = CUDA_ERROR_INVALID_VALUE;
	if (!r)
		snprintf(name, (size_t)len, "Occamy emulated sm_%u", d->chip->sm);
	return r;
}

CUresult cuDeviceGetAttribute(int *value, int attribute, CUdevice dev)
{
	const struct device *d = device_get();
	CUresult r = query(d, dev, value);

	if (r)
		return r;
	switch (attribute) {
	case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
		*value = 1024;
		break;
	case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK:
		*value = 49152;
		break;
	case CU_DEVICE_ATTRIBUTE_WARP_SIZE:
		*value = WARP_LANES;
		break;
	case CU_DEVICE_ATTRIBUTE_CLOCK_RATE:
		*value = (int)d->chip->clock_khz;
		break;
	case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT:
		*value = (int)d->chip->processors;
		break;
	case CU_DEVICE_ATTRIBUTE_INTEGRATED:
	case CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY:
	case CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING:
		*value = 1;
		break;
	case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR:
		*value = (int)d->chip->sm / 10;
		break;
	case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR:
		*value = (int)d->chip->sm % 10;
		break;
	case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN:
		*value = (int)d->chip->shared_optin;
		break;
	default:
		return CUDA_ERROR_INVALID_VALUE;
	}
	return CUDA_SUCCESS;
}

CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice dev)
{
	const struct device *d = device_get();
	CUresult r = query(d, dev, bytes);

	if (!r)
		*bytes = d->config.memory;
	return r;
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *ctx, CUdevice dev)
{
	struct device *d = device_get();
	CUresult r;

	pthread_mutex_lock(&d->lock);
	r = query(d, dev, ctx);
	if (r)
		return device_leave(d, r);
	if (!d->retained++) {
		d->generation++;
		d->sticky = CUDA_SUCCESS;
		d->vram.total = d->config.memory;
		d->vram.shadowed = d->config.sanitize;
		d->tag = 1;
		if (d->plan)
			plan_restart(d->plan);
		d->nlaunches = 0;
		d->pool = pool_open(d->config.threads);
		d->nmodules = 0;
		d->stats = d->config.stats ? stats_open() : NULL;
	}
	*ctx = CONTEXT;
	return device_leave(d, CUDA_SUCCESS);
}

static void end_context(struct device *d)
{
	struct err e = ERR_INIT;

	while (d->modules)
		device_unload(d, d->modules);
	if (d->stats && stats_write(d->stats, d->config.stats, &e) < 0)
		fprintf(stderr, "occ_emulator: %s\n", e.detail);
	err_release(&e);
	stats_close(d->stats);
	d->stats = NULL;
	vram_reset(&d->vram);
	pool_close(d->pool);
	d->pool = NULL;
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice dev)
{
	struct device *d = device_get();
	CUresult r;

	pthread_mutex_lock(&d->lock);
	r = query(d, dev, d);
	if (!r && !d->retained)
		r = CUDA_ERROR_INVALID_CONTEXT;
	if (!r && !--d->retained)
		end_context(d);
	return device_leave(d, r);
}

/* A program that never releases its context still gets its counters. */
__attribute__((destructor)) static void at_unload(void)
{
	struct device *d = device_get();

	if (d->retained && d->stats) {
		d->retained = 0;
		end_context(d);
	}
	config_release(&d->config);
	plan_close(d->plan);
	d->plan = NULL;
}

CUresult cuCtxSetCurrent(CUcontext ctx)
{
	struct device *d = device_get();

	pthread_mutex_lock(&d->lock);
	if (ctx && (ctx != CONTEXT || !d->retained))
		return device_leave(d, CUDA_ERROR_INVALID_CONTEXT);
	current = ctx ? d->generation : 0;
	return device_leave(d, CUDA_SUCCESS);
}

/* Work is done when its call returns, so waiting only tells what has failed. */
CUresult cuCtxSynchronize(void)
{
	struct device *d = NULL;
	CUresult r = device_enter(&d);

	return r ? r : device_leave(d, CUDA_SUCCESS);
}

CUresult cuStreamCreate(CUstream *s, unsigned flags)
{
	CUresult r = cuCtxSynchronize();

	if (r)
		return r;
	if (!s || flags > CU_STREAM_NON_BLOCKING)
		return CUDA_ERROR_INVALID_VALUE;
	*s = mem_alloc(1); /* a handle of its own; there is nothing to keep */
	return CUDA_SUCCESS;
}

CUresult cuStreamDestroy_v2(CUstream s)
{
	if (!s)
		return CUDA_ERROR_INVALID_HANDLE;
	mem_free(s);
	return CUDA_SUCCESS;
}

CUresult cuStreamSynchronize(CUstream s)
{
	(void)s;
	return cuCtxSynchronize();
}

CUresult cuStreamWaitEvent(CUstream s, CUevent ev, unsigned flags)
{
	(void)s;
	if (flags)
		return CUDA_ERROR_INVALID_VALUE;
	return ev ? cuCtxSynchronize() : CUDA_ERROR_INVALID_HANDLE;
}

CUresult cuEventCreate(CUevent *ev, unsigned flags)
{
	CUresult r = cuCtxSynchronize();

	(void)flags;
	if (r)
		return r;
	if (!ev)
		return CUDA_ERROR_INVALID_VALUE;
	*ev = mem_alloc(sizeof(**ev));
	return CUDA_SUCCESS;
}

CUresult cuEventDestroy_v2(CUevent ev)
{
	if (!ev)
		return CUDA_ERROR_INVALID_HANDLE;
	mem_free(ev);
	return CUDA_SUCCESS;
}

CUresult cuEventRecord(CUevent ev, CUstream s)
{
	CUresult r = cuCtxSynchronize();

	(void)s;
	if (r)
		return r;
	if (!ev)
		return CUDA_ERROR_INVALID_HANDLE;
	clock_gettime(CLOCK_MONOTONIC, &ev->at);
	ev->recorded = true;
	return CUDA_SUCCESS;
}

CUresult cuEventSynchronize(CUevent ev)
{
	return ev ? cuCtxSynchronize() : CUDA_ERROR_INVALID_HANDLE;
}

CUresult cuEventElapsedTime(float *ms, CUevent from, CUevent to)
{
	if (!ms)
		return CUDA_ERROR_INVALID_VALUE;
	if (!from || !to || !from->recorded || !to->recorded)
		return CUDA_ERROR_INVALID_HANDLE;
	*ms = (float)((double)(to->at.tv_sec - from->at.tv_sec) * 1e3 +
		      (double)(to->at.tv_nsec - from->at.tv_nsec) * 1e-6);
	return CUDA_SUCCESS;
}
