/*
 * NVRTC, NVIDIA's run-time compiler, opened with dlopen: one handle per
 * library file, several versions side by side.
 */
#ifndef COMPILER_NVRTC_H
#define COMPILER_NVRTC_H

#include "base/buf.h"
#include "base/err.h"

struct nvrtc;

struct nvrtc_result {
	struct buf ptx, cubin; /* the PTX with its terminating zero */
	/* as ptxas says: 0 without a cubin */
	uint32_t registers, spill_bytes, shared_bytes;
};

#define NVRTC_OPTIONS "--fmad=false --ptxas-options=-v" /* besides the architecture */

/* E_NO_TOOLCHAIN where the file is no NVRTC of 11.2 or later. */
int nvrtc_open(const char *path, struct nvrtc **out, struct err *e);
void nvrtc_close(struct nvrtc *n); /* NULL is fine */
void nvrtc_version(const struct nvrtc *n, int *major, int *minor);
bool nvrtc_supports(const struct nvrtc *n, int arch); /* 87 */
/* One kernel to PTX and, where arch is "sm_87" and not "compute_87", to a cubin. Safe from several
 * threads at once. The caller releases *r. */
int nvrtc_compile(const struct nvrtc *n, const char *source, const char *arch,
		  struct nvrtc_result *r, struct err *e);
void nvrtc_release(struct nvrtc_result *r);

#endif
