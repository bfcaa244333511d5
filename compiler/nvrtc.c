/*
 * One call with a real architecture gives PTX, cubin and, in the log, what
 * ptxas -v says about registers, spills and shared memory. The ABI is
 * declared here: nothing of CUDA is needed to build.
 */
#include "compiler/nvrtc.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct program *program;

#define ARCHS_MAX 64

/* NVRTC(result of nvrtcResult, name, parameters) */
#define NVRTC_CALLS                                                                     \
	NVRTC(Version, (int *major, int *minor))                                        \
	NVRTC(GetNumSupportedArchs, (int *count))                                       \
	NVRTC(GetSupportedArchs, (int *archs))                                          \
	NVRTC(CreateProgram, (program * p, const char *source, const char *name, int n, \
			      const char *const *headers, const char *const *names))    \
	NVRTC(CompileProgram, (program p, int n, const char *const *options))           \
	NVRTC(DestroyProgram, (program * p))                                            \
	NVRTC(GetPTXSize, (program p, size_t * bytes))                                  \
	NVRTC(GetPTX, (program p, char *out))                                           \
	NVRTC(GetCUBINSize, (program p, size_t * bytes))                                \
	NVRTC(GetCUBIN, (program p, char *out))                                         \
	NVRTC(GetProgramLogSize, (program p, size_t * bytes))                           \
	NVRTC(GetProgramLog, (program p, char *out))

struct nvrtc {
	void *lib;
	int major, minor, narchs, archs[ARCHS_MAX];
#define NVRTC(name, params) int(*name) params;
	NVRTC_CALLS
#undef NVRTC
};

static int load_calls(struct nvrtc *n, const char *path, struct err *e)
{
	const struct {
		const char *name;
		void *slot;
	} calls[] = {
#define NVRTC(name, params) {"nvrtc" #name, &n->name},
		NVRTC_CALLS
#undef NVRTC
	};

	for (size_t i = 0; i < COUNT_OF(calls); i++) {
		void *f = dlsym(n->lib, calls[i].name);

		if (!f)
			return fail(e, E_NO_TOOLCHAIN, "%s has no %s: NVRTC is older than 11.2",
				    path, calls[i].name);
		memcpy(calls[i].slot, &f, sizeof(f));
	}
	return 0;
}

/*
 * NVRTC opens this by name when it compiles. Loaded from beside it, it is
 * found even where a sanitizer's dlopen hides the library's own search path.
 */
static void load_builtins(const struct nvrtc *n)
{
	char folder[PATH_MAX], path[PATH_MAX + 64];

	if (dlinfo(n->lib, RTLD_DI_ORIGIN, folder) < 0)
		return;
	snprintf(path, sizeof(path), "%s/libnvrtc-builtins.so.%d.%d", folder, n->major, n->minor);
	dlopen(path, RTLD_NOW | RTLD_LOCAL);
}

int nvrtc_open(const char *path, struct nvrtc **out, struct err *e)
{
	struct nvrtc *n = mem_alloc(sizeof(*n));

	n->lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!n->lib) {
		fail(e, E_NO_TOOLCHAIN, "can't load NVRTC: %s", dlerror());
		goto bad;
	}
	if (load_calls(n, path, e) < 0)
		goto bad;
	if (n->Version(&n->major, &n->minor) || n->GetNumSupportedArchs(&n->narchs) ||
	    n->narchs < 1 || n->narchs > ARCHS_MAX || n->GetSupportedArchs(n->archs)) {
		fail(e, E_NO_TOOLCHAIN, "%s does not say what it supports", path);
		goto bad;
	}
	load_builtins(n);
	*out = n;
	return 0;
bad:
	nvrtc_close(n);
	return -1;
}

void nvrtc_close(struct nvrtc *n)
{
	/* Never dlclose: the library keeps what it allocated, and a leak report could not name it.
	 */
	mem_free(n);
}

void nvrtc_version(const struct nvrtc *n, int *major, int *minor)
{
	*major = n->major;
	*minor = n->minor;
}

bool nvrtc_supports(const struct nvrtc *n, int arch)
{
	for (int i = 0; i < n->narchs; i++)
		if (n->archs[i] == arch)
			return true;
	return false;
}

/* ---- compiling ---- */

/* Number before `what` ("12 bytes spill stores"), or after it ("Used 12"); 0 where it is not. */
static uint32_t number_before(const char *log, const char *what)
{
	const char *at = strstr(log, what);

	if (!at)
		return 0;
	while (at > log && at[-1] == ' ')
		at--;
	while (at > log && at[-1] >= '0' && at[-1] <= '9')
		at--;
	return (uint32_t)strtoul(at, NULL, 10);
}

static int read_log(const char *log, struct nvrtc_result *r, struct err *e)
{
	r->registers = number_before(log, " registers");
	r->spill_bytes = number_before(log, " bytes spill stores") +
			 number_before(log, " bytes spill loads");
	r->shared_bytes = number_before(log, " bytes smem");
	if (!strstr(log, " bytes spill stores") || !r->registers)
		return fail(e, E_INTERNAL, "NVRTC's log does not tell registers and spills");
	return 0;
}

static void get_log(const struct nvrtc *n, program p, struct buf *log)
{
	size_t bytes = 0;

	if (n->GetProgramLogSize(p, &bytes) == 0 && bytes)
		n->GetProgramLog(p, buf_extend(log, bytes));
}

static int get_ptx(const struct nvrtc *n, program p, struct nvrtc_result *r, struct err *e)
{
	size_t bytes = 0;

	if (n->GetPTXSize(p, &bytes) || !bytes || n->GetPTX(p, buf_extend(&r->ptx, bytes)))
		return fail(e, E_INTERNAL, "NVRTC gives no PTX");
	return 0;
}

static int get_cubin(const struct nvrtc *n, program p, const char *log, struct nvrtc_result *r,
		     struct err *e)
{
	size_t bytes = 0;

	if (n->GetCUBINSize(p, &bytes) || !bytes || n->GetCUBIN(p, buf_extend(&r->cubin, bytes)))
		return fail(e, E_INTERNAL, "NVRTC gives no cubin");
	return read_log(log, r, e);
}

/* The log's first line with an error. */
static int compile_error(const char *log, struct err *e)
{
	const char *at = strstr(log, "error");
	const char *end;

	if (!at)
		return fail(e, E_INTERNAL, "NVRTC refused a kernel: %.200s", log);
	while (at > log && at[-1] != '\n')
		at--;
	end = strchr(at, '\n');
	return fail(e, E_INTERNAL, "NVRTC refused a kernel: %.*s",
		    end ? (int)MIN(end - at, 300) : 300, at);
}

int nvrtc_compile(const struct nvrtc *n, const char *source, const char *arch,
		  struct nvrtc_result *r, struct err *e)
{
	bool cubin = !strncmp(arch, "sm_", 3); /* then ptxas runs, too, and knows its option */
	char word[64];
	const char *options[] = {word, "--fmad=false", "--ptxas-options=-v"};
	struct buf log = BUF_INIT;
	program p = NULL;
	int ret = -1;

	*r = (struct nvrtc_result){0};
	snprintf(word, sizeof(word), "--gpu-architecture=%s", arch);
	if (n->CreateProgram(&p, source, "kernel.cu", 0, NULL, NULL)) {
		fail(e, E_INTERNAL, "NVRTC can't take a program");
		goto done;
	}
	if (n->CompileProgram(p, cubin ? 3 : 2, options)) {
		get_log(n, p, &log);
		compile_error(buf_str(&log), e);
		goto done;
	}
	get_log(n, p, &log);
	ret = get_ptx(n, p, r, e);
	if (ret == 0 && cubin)
		ret = get_cubin(n, p, buf_str(&log), r, e);
done:
	if (p)
		n->DestroyProgram(&p);
	buf_release(&log);
	if (ret < 0)
		nvrtc_release(r);
	return ret;
}

void nvrtc_release(struct nvrtc_result *r)
{
	buf_release(&r->ptx);
	buf_release(&r->cubin);
}
