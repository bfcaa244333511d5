/*
 * A driver that is neither CUDA nor the emulator: device memory is host
 * memory, and the one kernel it knows adds its first two arguments (16 floats
 * each) into the third. Every call is written to $FAKE_LOG. $FAKE_FREE is the
 * device's memory; $FAKE_TAKES says which images load: "cubin", "ptx" or none.
 */
#include "runtime/cuda.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define API __attribute__((visibility("default")))

/* Declares every call, and fails to compile when one that is used here has other arguments. */
#define X(name, args) API CUresult name args;
CUDA_CALLS(X)
#undef X

static size_t used;
static struct {
	CUdeviceptr p;
	size_t bytes;
} blocks[16];

static CUresult note(const char *call)
{
	const char *path = getenv("FAKE_LOG");
	FILE *f = path ? fopen(path, "a") : NULL;

	if (f) {
		fprintf(f, "%s\n", call);
		fclose(f);
	}
	return CUDA_SUCCESS;
}

static size_t memory(void)
{
	const char *text = getenv("FAKE_FREE");

	return text ? strtoull(text, NULL, 10) : (size_t)1 << 30;
}

CUresult cuInit(unsigned flags)
{
	(void)flags;
	return note("cuInit");
}

CUresult cuDriverGetVersion(int *version)
{
	*version = 12040;
	return note("cuDriverGetVersion");
}

CUresult cuGetErrorName(CUresult r, const char **name)
{
	*name = r == CUDA_ERROR_NO_BINARY_FOR_GPU ? "CUDA_ERROR_NO_BINARY_FOR_GPU"
		: r == CUDA_ERROR_INVALID_PTX	  ? "CUDA_ERROR_INVALID_PTX"
						  : NULL;
	return *name ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuGetErrorString(CUresult r, const char **text)
{
	*text = NULL;
	return r ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

CUresult cuDeviceGetCount(int *count)
{
	*count = 1;
	return note("cuDeviceGetCount");
}

CUresult cuDeviceGet(CUdevice *dev, int ordinal)
{
	*dev = ordinal;
	return note("cuDeviceGet");
}

CUresult cuDeviceGetName(char *name, int len, CUdevice dev)
{
	(void)dev;
	snprintf(name, (size_t)len, "Fake\tdevice");
	return note("cuDeviceGetName");
}

CUresult cuDeviceGetAttribute(int *value, int attribute, CUdevice dev)
{
	(void)dev;
	*value = attribute == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR ? 7 : 5;
	return note("cuDeviceGetAttribute");
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *ctx, CUdevice dev)
{
	(void)dev;
	*ctx = (CUcontext)&used;
	return note("cuDevicePrimaryCtxRetain");
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice dev)
{
	(void)dev;
	return note(used ? "cuDevicePrimaryCtxRelease_v2 with memory in use"
			 : "cuDevicePrimaryCtxRelease_v2");
}

CUresult cuCtxSetCurrent(CUcontext ctx)
{
	(void)ctx;
	return note("cuCtxSetCurrent");
}

CUresult cuCtxSynchronize(void)
{
	return note("cuCtxSynchronize");
}

CUresult cuMemGetInfo_v2(size_t *left, size_t *total)
{
	*total = memory();
	*left = *total - used;
	return note("cuMemGetInfo_v2");
}

CUresult cuMemAlloc_v2(CUdeviceptr *p, size_t bytes)
{
	size_t i = 0;

	note("cuMemAlloc_v2");
	if (bytes == 0)
		return CUDA_ERROR_INVALID_VALUE;
	if (bytes > memory() - used)
		return CUDA_ERROR_OUT_OF_MEMORY;
	while (blocks[i].p)
		i++;
	blocks[i].bytes = bytes;
	blocks[i].p = *p = (CUdeviceptr)(uintptr_t)malloc(bytes);
	used += bytes;
	return CUDA_SUCCESS;
}

CUresult cuMemFree_v2(CUdeviceptr p)
{
	size_t i = 0;

	while (blocks[i].p != p)
		i++;
	used -= blocks[i].bytes;
	blocks[i].p = 0;
	free((void *)(uintptr_t)p);
	return note("cuMemFree_v2");
}

CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t bytes)
{
	memcpy((void *)(uintptr_t)to, from, bytes);
	return note("cuMemcpyHtoD_v2");
}

CUresult cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t bytes)
{
	memcpy(to, (const void *)(uintptr_t)from, bytes);
	return note("cuMemcpyDtoH_v2");
}

CUresult cuModuleLoadData(CUmodule *m, const void *image)
{
	int cubin = !memcmp(image, "\177ELF", 4);
	const char *takes = getenv("FAKE_TAKES");

	*m = (CUmodule)&used;
	note(cubin ? "cuModuleLoadData cubin" : "cuModuleLoadData ptx");
	if (strcmp(takes ? takes : "ptx", cubin ? "cubin" : "ptx") != 0)
		return cubin ? CUDA_ERROR_NO_BINARY_FOR_GPU : CUDA_ERROR_INVALID_PTX;
	return CUDA_SUCCESS;
}

CUresult cuModuleUnload(CUmodule m)
{
	(void)m;
	return note("cuModuleUnload");
}

CUresult cuModuleGetFunction(CUfunction *f, CUmodule m, const char *name)
{
	(void)m;
	*f = (CUfunction)&used;
	note("cuModuleGetFunction");
	return strcmp(name, "add") ? CUDA_ERROR_NOT_FOUND : CUDA_SUCCESS;
}

CUresult cuFuncSetAttribute(CUfunction f, int attribute, int value)
{
	char text[64];

	(void)f;
	snprintf(text, sizeof(text), "cuFuncSetAttribute %d %d", attribute, value);
	return note(text);
}

CUresult cuLaunchKernel(CUfunction f, unsigned gx, unsigned gy, unsigned gz, unsigned bx,
			unsigned by, unsigned bz, unsigned shared, CUstream s, void **params,
			void **extra)
{
	const float *x = *(const float **)params[0], *w = *(const float **)params[1];
	float *y = *(float **)params[2];
	char text[128];

	(void)f, (void)s, (void)extra;
	snprintf(text, sizeof(text), "cuLaunchKernel %u %u %u %u %u %u %u", gx, gy, gz, bx, by, bz,
		 shared);
	for (int i = 0; i < 16; i++)
		y[i] = x[i] + w[i];
	return note(text);
}

/* The rest is there because a driver has it; the client has no use for it. */
#define UNUSED(name, args)                       \
	CUresult name args                       \
	{                                        \
		note(#name);                     \
		return CUDA_ERROR_NOT_SUPPORTED; \
	}
#pragma GCC diagnostic ignored "-Wunused-parameter"
UNUSED(cuDeviceTotalMem_v2, (size_t * bytes, CUdevice dev))
UNUSED(cuMemAllocManaged, (CUdeviceptr * p, size_t bytes, unsigned flags))
UNUSED(cuMemHostAlloc, (void **p, size_t bytes, unsigned flags))
UNUSED(cuMemFreeHost, (void *p))
UNUSED(cuMemHostGetDevicePointer_v2, (CUdeviceptr * d, void *p, unsigned flags))
UNUSED(cuMemHostRegister_v2, (void *p, size_t bytes, unsigned flags))
UNUSED(cuMemHostUnregister, (void *p))
UNUSED(cuMemcpyHtoDAsync_v2, (CUdeviceptr to, const void *from, size_t bytes, CUstream s))
UNUSED(cuMemcpyDtoHAsync_v2, (void *to, CUdeviceptr from, size_t bytes, CUstream s))
UNUSED(cuMemsetD8_v2, (CUdeviceptr to, unsigned char value, size_t bytes))
UNUSED(cuFuncGetAttribute, (int *value, int attribute, CUfunction f))
UNUSED(cuStreamCreate, (CUstream * s, unsigned flags))
UNUSED(cuStreamDestroy_v2, (CUstream s))
UNUSED(cuStreamSynchronize, (CUstream s))
UNUSED(cuStreamWaitEvent, (CUstream s, CUevent ev, unsigned flags))

CUresult cuEventCreate(CUevent *ev, unsigned flags)
{
	static char event[2];
	static int made;

	(void)flags;
	*ev = (CUevent)(void *)&event[made++ % 2];
	return note("cuEventCreate");
}

CUresult cuEventDestroy_v2(CUevent ev)
{
	(void)ev;
	return note("cuEventDestroy_v2");
}

CUresult cuEventRecord(CUevent ev, CUstream s)
{
	(void)ev, (void)s;
	return note("cuEventRecord");
}

CUresult cuEventSynchronize(CUevent ev)
{
	(void)ev;
	return note("cuEventSynchronize");
}

/* 7, 1, 4, 8, then 7 again. */
CUresult cuEventElapsedTime(float *ms, CUevent from, CUevent to)
{
	static const float times[] = {7, 1, 4, 8};
	static int asked;

	*ms = from < to ? times[asked++ % 4] : -1;
	return note("cuEventElapsedTime");
}
