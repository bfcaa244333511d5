/*
 * The CUDA driver ABI as far as Occamy uses it: types, constants, and one
 * X-list of calls. runtime/driver.c fills a table from it with dlopen; the
 * emulator defines the same symbols. Written from the public driver API
 * documentation; no NVIDIA header is included or needed.
 */
#ifndef RUNTIME_CUDA_H
#define RUNTIME_CUDA_H

#include <stddef.h>
#include <stdint.h>

typedef int CUresult;
typedef int CUdevice;
typedef uint64_t CUdeviceptr;
typedef struct CUctx_st *CUcontext;
typedef struct CUmod_st *CUmodule;
typedef struct CUfunc_st *CUfunction;
typedef struct CUstream_st *CUstream;
typedef struct CUevent_st *CUevent;

enum {
	CUDA_SUCCESS = 0,
	CUDA_ERROR_INVALID_VALUE = 1,
	CUDA_ERROR_OUT_OF_MEMORY = 2,
	CUDA_ERROR_NOT_INITIALIZED = 3,
	CUDA_ERROR_DEINITIALIZED = 4,
	CUDA_ERROR_NO_DEVICE = 100,
	CUDA_ERROR_INVALID_DEVICE = 101,
	CUDA_ERROR_INVALID_IMAGE = 200,
	CUDA_ERROR_INVALID_CONTEXT = 201,
	CUDA_ERROR_NO_BINARY_FOR_GPU = 209,
	CUDA_ERROR_INVALID_PTX = 218,
	CUDA_ERROR_UNSUPPORTED_PTX_VERSION = 222,
	CUDA_ERROR_INVALID_HANDLE = 400,
	CUDA_ERROR_NOT_FOUND = 500,
	CUDA_ERROR_NOT_READY = 600,
	CUDA_ERROR_ILLEGAL_ADDRESS = 700,
	CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES = 701,
	CUDA_ERROR_ILLEGAL_INSTRUCTION = 715,
	CUDA_ERROR_MISALIGNED_ADDRESS = 716,
	CUDA_ERROR_LAUNCH_FAILED = 719,
	CUDA_ERROR_NOT_SUPPORTED = 801,
	CUDA_ERROR_UNKNOWN = 999
};

/* CUdevice_attribute values in use. */
enum {
	CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK = 1,
	CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK = 8,
	CU_DEVICE_ATTRIBUTE_WARP_SIZE = 10,
	CU_DEVICE_ATTRIBUTE_CLOCK_RATE = 13, /* kHz */
	CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT = 16,
	CU_DEVICE_ATTRIBUTE_INTEGRATED = 18,
	CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY = 19,
	CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING = 41,
	CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75,
	CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76,
	CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN = 97
};

/* CUfunction_attribute values in use. */
enum {
	CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK = 0,
	CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES = 1,
	CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES = 3,
	CU_FUNC_ATTRIBUTE_NUM_REGS = 4,
	CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES = 8
};

enum {
	CU_MEMHOSTALLOC_DEVICEMAP = 2,
	CU_MEMHOSTREGISTER_DEVICEMAP = 2,
	CU_STREAM_NON_BLOCKING = 1
};

/* clang-format off */
#define CUDA_CALLS(X) \
	X(cuInit, (unsigned flags)) \
	X(cuDriverGetVersion, (int *version)) \
	X(cuGetErrorName, (CUresult r, const char **name)) \
	X(cuGetErrorString, (CUresult r, const char **text)) \
	X(cuDeviceGetCount, (int *count)) \
	X(cuDeviceGet, (CUdevice *dev, int ordinal)) \
	X(cuDeviceGetName, (char *name, int len, CUdevice dev)) \
	X(cuDeviceGetAttribute, (int *value, int attribute, CUdevice dev)) \
	X(cuDeviceTotalMem_v2, (size_t *bytes, CUdevice dev)) \
	X(cuDevicePrimaryCtxRetain, (CUcontext *ctx, CUdevice dev)) \
	X(cuDevicePrimaryCtxRelease_v2, (CUdevice dev)) \
	X(cuCtxSetCurrent, (CUcontext ctx)) \
	X(cuCtxSynchronize, (void)) \
	X(cuMemGetInfo_v2, (size_t *free, size_t *total)) \
	X(cuMemAlloc_v2, (CUdeviceptr *p, size_t bytes)) \
	X(cuMemFree_v2, (CUdeviceptr p)) \
	X(cuMemAllocManaged, (CUdeviceptr *p, size_t bytes, unsigned flags)) \
	X(cuMemHostAlloc, (void **p, size_t bytes, unsigned flags)) \
	X(cuMemFreeHost, (void *p)) \
	X(cuMemHostGetDevicePointer_v2, (CUdeviceptr *d, void *p, unsigned flags)) \
	X(cuMemHostRegister_v2, (void *p, size_t bytes, unsigned flags)) \
	X(cuMemHostUnregister, (void *p)) \
	X(cuMemcpyHtoD_v2, (CUdeviceptr to, const void *from, size_t bytes)) \
	X(cuMemcpyDtoH_v2, (void *to, CUdeviceptr from, size_t bytes)) \
	X(cuMemcpyHtoDAsync_v2, (CUdeviceptr to, const void *from, size_t bytes, CUstream s)) \
	X(cuMemcpyDtoHAsync_v2, (void *to, CUdeviceptr from, size_t bytes, CUstream s)) \
	X(cuMemsetD8_v2, (CUdeviceptr to, unsigned char value, size_t bytes)) \
	X(cuModuleLoadData, (CUmodule *m, const void *image)) \
	X(cuModuleUnload, (CUmodule m)) \
	X(cuModuleGetFunction, (CUfunction *f, CUmodule m, const char *name)) \
	X(cuFuncGetAttribute, (int *value, int attribute, CUfunction f)) \
	X(cuFuncSetAttribute, (CUfunction f, int attribute, int value)) \
	X(cuLaunchKernel, (CUfunction f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, \
		unsigned by, unsigned bz, unsigned shared, CUstream s, void **params, void **extra)) \
	X(cuStreamCreate, (CUstream *s, unsigned flags)) \
	X(cuStreamDestroy_v2, (CUstream s)) \
	X(cuStreamSynchronize, (CUstream s)) \
	X(cuStreamWaitEvent, (CUstream s, CUevent ev, unsigned flags)) \
	X(cuEventCreate, (CUevent *ev, unsigned flags)) \
	X(cuEventDestroy_v2, (CUevent ev)) \
	X(cuEventRecord, (CUevent ev, CUstream s)) \
	X(cuEventSynchronize, (CUevent ev)) \
	X(cuEventElapsedTime, (float *ms, CUevent from, CUevent to))
/* clang-format on */

/* One member per call: driver.cuMemAlloc_v2(&p, n). */
struct cuda {
#define X(name, args) CUresult(*name) args;
	CUDA_CALLS(X)
#undef X
};

#endif
