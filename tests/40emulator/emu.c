#include "tests/40emulator/emu.h"

#include "base/fs.h"

#include <dlfcn.h>
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

/* The few calls of NVRTC that are needed, found at run time. */
struct nvrtc {
	int (*create)(void **, const char *, const char *, int, const char *const *,
		      const char *const *);
	int (*compile)(void *, int, const char *const *);
	int (*ptx_size)(void *, size_t *);
	int (*ptx)(void *, char *);
	int (*log_size)(void *, size_t *);
	int (*log)(void *, char *);
	int (*destroy)(void **);
};

static bool open_nvrtc(struct nvrtc *n)
{
	static const char *const names[] = {
		"libnvrtc.so.13", "/usr/local/cuda/lib64/libnvrtc.so.13", "libnvrtc.so.12",
		"/usr/local/cuda/lib64/libnvrtc.so.12"};
	const char *given = getenv("NVRTC");
	void *lib = given ? dlopen(given, RTLD_NOW) : NULL;

	for (size_t i = 0; i < COUNT_OF(names) && !lib && !given; i++)
		lib = dlopen(names[i], RTLD_NOW);
	if (!lib)
		return false;
	*(void **)&n->create = dlsym(lib, "nvrtcCreateProgram");
	*(void **)&n->compile = dlsym(lib, "nvrtcCompileProgram");
	*(void **)&n->ptx_size = dlsym(lib, "nvrtcGetPTXSize");
	*(void **)&n->ptx = dlsym(lib, "nvrtcGetPTX");
	*(void **)&n->log_size = dlsym(lib, "nvrtcGetProgramLogSize");
	*(void **)&n->log = dlsym(lib, "nvrtcGetProgramLog");
	*(void **)&n->destroy = dlsym(lib, "nvrtcDestroyProgram");
	return n->create && n->compile && n->ptx_size && n->ptx && n->log_size && n->log &&
	       n->destroy;
}

char *emu_nvrtc(const char *path, const char *arch, const char *define)
{
	static struct nvrtc n;
	static int state;
	struct buf src = BUF_INIT;
	struct err e = ERR_INIT;
	char target[64], *out = NULL;
	const char *options[] = {target, "--fmad=false", define};
	void *program = NULL;
	size_t size = 0;

	if (!state)
		state = open_nvrtc(&n) ? 1 : -1;
	if (state < 0 || fs_read(path, 1 << 20, &src, &e) < 0) {
		if (state > 0)
			emu_fail(__FILE__, __LINE__, e.detail);
		return NULL;
	}
	snprintf(target, sizeof(target), "--gpu-architecture=%s", arch);
	if (n.create(&program, buf_str(&src), path, 0, NULL, NULL))
		goto done;
	if (n.compile(program, define ? 3 : 2, options)) {
		n.log_size(program, &size);
		out = mem_alloc(size + 1);
		n.log(program, out);
		if (!strstr(out, "invalid value for --gpu-architecture"))
			emu_fail(path, 1, out);
		mem_free(out);
		out = NULL;
		goto done;
	}
	n.ptx_size(program, &size);
	out = mem_alloc(size + 1);
	n.ptx(program, out);
done:
	if (program)
		n.destroy(&program);
	buf_release(&src);
	err_release(&e);
	return out;
}
