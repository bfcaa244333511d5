#include "tests/40emulator/emu.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int emu_failures;

void emu_fail(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
	emu_failures++;
}

void emu_expect(const char *file, int line, const char *call, CUresult got, CUresult want)
{
	const char *g = "?", *w = "?";

	if (got == want)
		return;
	cuGetErrorName(got, &g);
	cuGetErrorName(want, &w);
	fprintf(stderr, "%s:%d: %s: %s, not %s\n", file, line, call, g ? g : "?", w ? w : "?");
	emu_failures++;
}

static void retain(void)
{
	CUcontext ctx;

	EXPECT_IS(cuDevicePrimaryCtxRetain(&ctx, 0), CUDA_SUCCESS);
	EXPECT_IS(cuCtxSetCurrent(ctx), CUDA_SUCCESS);
}

void emu_start(const char *config)
{
	unsetenv("OCCAMY_EMULATOR_DEFAULTS"); /* a test says all of it */
	setenv("OCCAMY_EMULATOR", config, 1);
	EXPECT_IS(cuInit(0), CUDA_SUCCESS);
	retain();
}

void emu_restart(void)
{
	emu_stop();
	retain();
}

void emu_stop(void)
{
	EXPECT_IS(cuDevicePrimaryCtxRelease_v2(0), CUDA_SUCCESS);
}

CUfunction emu_load(CUmodule *m, const char *ptx, const char *entry)
{
	CUfunction f = NULL;
	CUresult r = cuModuleLoadData(m, ptx);

	EXPECT_IS(r, CUDA_SUCCESS);
	if (r)
		return NULL;
	EXPECT_IS(cuModuleGetFunction(&f, *m, entry), CUDA_SUCCESS);
	return f;
}

CUdeviceptr emu_memory(size_t bytes)
{
	CUdeviceptr p = 0;

	EXPECT_IS(cuMemAlloc_v2(&p, bytes), CUDA_SUCCESS);
	return p;
}

CUdeviceptr emu_copy(const void *data, size_t bytes)
{
	CUdeviceptr p = emu_memory(bytes);

	EXPECT_IS(cuMemcpyHtoD_v2(p, data, bytes), CUDA_SUCCESS);
	return p;
}

uint32_t emu_random(void)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 32);
}

float emu_random_float(void)
{
	return (float)(emu_random() >> 8) * 0x1p-23f - 1.0f;
}

bool emu_close(const char *what, const float *got, const float *want, size_t n, double rtol,
	       double atol)
{
	size_t bad = 0;

	for (size_t i = 0; i < n; i++) {
		double g = (double)got[i], w = (double)want[i];
		bool same = isnan(w) ? isnan(g) : g == w || fabs(g - w) <= atol + rtol * fabs(w);

		if (!same && !bad++)
			fprintf(stderr, "%s: [%zu] is %.9g, not %.9g\n", what, i, g, w);
	}
	if (bad) {
		fprintf(stderr, "%s: %zu of %zu are wrong\n", what, bad, n);
		emu_failures++;
	}
	return !bad;
}
