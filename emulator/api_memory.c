/* Driver calls: memory. Every byte draws on the one pool, whatever its kind. */
#include "emulator/device.h"

#include <string.h>

static CUresult take(enum vram_kind kind, uint64_t *at, size_t bytes)
{
	struct device *d;
	CUresult r = device_enter(&d);

	if (r)
		return r;
	if (!bytes)
		return device_leave(d, CUDA_ERROR_INVALID_VALUE);
	return device_leave(d, vram_take(&d->vram, kind, bytes, at) ? CUDA_SUCCESS
								    : CUDA_ERROR_OUT_OF_MEMORY);
}

CUresult cuMemGetInfo_v2(size_t *free, size_t *total)
{
	struct device *d;
	CUresult r = device_enter(&d);

	if (r)
		return r;
	*free = d->vram.total - d->vram.used;
	*total = d->vram.total;
	return device_leave(d, CUDA_SUCCESS);
}

CUresult cuMemAlloc_v2(CUdeviceptr *p, size_t bytes)
{
	return p ? take(VRAM_DEVICE, p, bytes) : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuMemAllocManaged(CUdeviceptr *p, size_t bytes, unsigned flags)
{
	if (flags != 1 && flags != 2) /* attach: global or host */
		return CUDA_ERROR_INVALID_VALUE;
	return p ? take(VRAM_MANAGED, p, bytes) : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuMemFree_v2(CUdeviceptr p)
{
	struct device *d;
	CUresult r = device_enter(&d);
	bool ok;

	if (r)
		return r;
	ok = !p || vram_drop(&d->vram, VRAM_DEVICE, p) || vram_drop(&d->vram, VRAM_MANAGED, p);
	return device_leave(d, ok ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE);
}

CUresult cuMemHostAlloc(void **p, size_t bytes, unsigned flags)
{
	uint64_t at = 0;
	CUresult r;

	if (!p || flags & ~7u)
		return CUDA_ERROR_INVALID_VALUE;
	r = take(VRAM_HOST, &at, bytes);
	if (!r)
		*p = (void *)(uintptr_t)at;
	return r;
}

CUresult cuMemFreeHost(void *p)
{
	struct device *d;
	CUresult r = device_enter(&d);
	bool ok;

	if (r)
		return r;
	ok = vram_drop(&d->vram, VRAM_HOST, (uint64_t)(uintptr_t)p);
	return device_leave(d, ok ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE);
}

CUresult cuMemHostGetDevicePointer_v2(CUdeviceptr *out, void *p, unsigned flags)
{
	struct device *d;
	const struct vram_block *b;
	CUresult r = device_enter(&d);

	if (r)
		return r;
	b = vram_find(&d->vram, (uint64_t)(uintptr_t)p, 1);
	if (!out || flags || !b || (b->kind != VRAM_HOST && b->kind != VRAM_REGISTERED))
		return device_leave(d, CUDA_ERROR_INVALID_VALUE);
	*out = (uint64_t)(uintptr_t)p;
	return device_leave(d, CUDA_SUCCESS);
}

/* True where a live block overlaps the range. */
static bool overlaps(const struct vram *v, uint64_t at, uint64_t bytes)
{
	for (size_t i = 0; i < v->nblocks; i++)
		if (v->blocks[i].at < at + bytes && at < v->blocks[i].at + v->blocks[i].bytes)
			return true;
	return false;
}

CUresult cuMemHostRegister_v2(void *p, size_t bytes, unsigned flags)
{
	struct device *d;
	uint64_t at = (uint64_t)(uintptr_t)p;
	CUresult r = device_enter(&d);

	if (r)
		return r;
	if (!p || !bytes || flags & ~15u || bytes > UINT64_MAX - at ||
	    overlaps(&d->vram, at, bytes))
		return device_leave(d, CUDA_ERROR_INVALID_VALUE);
	return device_leave(d, vram_register(&d->vram, at, bytes) ? CUDA_SUCCESS
								  : CUDA_ERROR_OUT_OF_MEMORY);
}

CUresult cuMemHostUnregister(void *p)
{
	struct device *d;
	CUresult r = device_enter(&d);
	bool ok;

	if (r)
		return r;
	ok = vram_drop(&d->vram, VRAM_REGISTERED, (uint64_t)(uintptr_t)p);
	return device_leave(d, ok ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE);
}

/* The device's side must lie in one live block. */
static CUresult device_range(CUdeviceptr at, size_t bytes, struct device **d)
{
	CUresult r = device_enter(d);

	if (r)
		return r;
	if (bytes && !vram_find(&(*d)->vram, at, bytes))
		return device_leave(*d, CUDA_ERROR_INVALID_VALUE);
	return CUDA_SUCCESS;
}

static void written(const struct device *d, CUdeviceptr at, size_t bytes)
{
	if (bytes)
		shadow_write(vram_find(&d->vram, at, bytes)->shadow, at, bytes);
}

CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t bytes)
{
	struct device *d;
	CUresult r = from || !bytes ? device_range(to, bytes, &d) : CUDA_ERROR_INVALID_VALUE;

	if (r)
		return r;
	if (bytes)
		memcpy((void *)(uintptr_t)to, from, bytes);
	written(d, to, bytes);
	return device_leave(d, CUDA_SUCCESS);
}

CUresult cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t bytes)
{
	struct device *d;
	CUresult r = to || !bytes ? device_range(from, bytes, &d) : CUDA_ERROR_INVALID_VALUE;

	if (r)
		return r;
	if (d->plan && bytes && !plan_read(d->plan, &d->vram, from, bytes))
		return device_leave(d, d->sticky = CUDA_ERROR_LAUNCH_FAILED);
	if (bytes)
		memcpy(to, (const void *)(uintptr_t)from, bytes);
	return device_leave(d, CUDA_SUCCESS);
}

CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t bytes, CUstream s)
{
	(void)s;
	return cuMemcpyHtoD_v2(to, from, bytes);
}

CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t bytes, CUstream s)
{
	(void)s;
	return cuMemcpyDtoH_v2(to, from, bytes);
}

CUresult cuMemsetD8_v2(CUdeviceptr to, unsigned char value, size_t bytes)
{
	struct device *d;
	CUresult r = device_range(to, bytes, &d);

	if (r)
		return r;
	if (bytes)
		memset((void *)(uintptr_t)to, value, bytes);
	written(d, to, bytes);
	return device_leave(d, CUDA_SUCCESS);
}
