/* NVRTC for the emulator's tests, found at run time. */
#include "base/fs.h"
#include "tests/40emulator/emu.h"

#include <dlfcn.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIBRARIES_MAX = 8 };

/*
 * AddressSanitizer asks for these. With two NVRTCs in one process its leak
 * check takes a wrong address for their thread-local blocks and dies of it.
 */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "intercept_tls_get_addr=0";
}

/* The few calls that are needed. */
struct nvrtc {
	int major, minor, nchips, chips[64];
	int (*create)(void **, const char *, const char *, int, const char *const *,
		      const char *const *);
	int (*compile)(void *, int, const char *const *);
	int (*ptx_size)(void *, size_t *);
	int (*ptx)(void *, char *);
	int (*log_size)(void *, size_t *);
	int (*log)(void *, char *);
	int (*destroy)(void **);
};

static struct nvrtc libraries[LIBRARIES_MAX];
static int count = -1;

static bool known(int major, int minor)
{
	for (int i = 0; i < count; i++)
		if (libraries[i].major == major && libraries[i].minor == minor)
			return true;
	return false;
}

static void try_library(const char *name)
{
	void *lib = count < LIBRARIES_MAX ? dlopen(name, RTLD_NOW) : NULL;
	int (*version)(int *, int *), (*nchips)(int *), (*chips)(int *);
	struct nvrtc n = {0};

	if (!lib)
		return;
	*(void **)&version = dlsym(lib, "nvrtcVersion");
	*(void **)&nchips = dlsym(lib, "nvrtcGetNumSupportedArchs");
	*(void **)&chips = dlsym(lib, "nvrtcGetSupportedArchs");
	*(void **)&n.create = dlsym(lib, "nvrtcCreateProgram");
	*(void **)&n.compile = dlsym(lib, "nvrtcCompileProgram");
	*(void **)&n.ptx_size = dlsym(lib, "nvrtcGetPTXSize");
	*(void **)&n.ptx = dlsym(lib, "nvrtcGetPTX");
	*(void **)&n.log_size = dlsym(lib, "nvrtcGetProgramLogSize");
	*(void **)&n.log = dlsym(lib, "nvrtcGetProgramLog");
	*(void **)&n.destroy = dlsym(lib, "nvrtcDestroyProgram");
	if (!version || !nchips || !chips || !n.destroy || version(&n.major, &n.minor) ||
	    nchips(&n.nchips) || n.nchips > (int)COUNT_OF(n.chips) || chips(n.chips))
		return;
	/* it stays open: what it leaks must be found under its name */
	if (!known(n.major, n.minor))
		libraries[count++] = n;
}

/* What matches `name` in a folder, each given to fn. */
static void each(const char *folder, const char *name, void (*fn)(const char *))
{
	char path[4096];
	glob_t g;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (!glob(path, 0, NULL, &g))
		for (size_t i = 0; i < g.gl_pathc; i++)
			fn(g.gl_pathv[i]);
	globfree(&g);
}

/* The library's built-in functions: a sanitizer's dlopen would not find them beside it. */
static void load_builtins(const char *name)
{
	dlopen(name, RTLD_NOW | RTLD_LOCAL);
}

static void try_folder(const char *folder)
{
	each(folder, "libnvrtc.so.1[0-9]", try_library);
	each(folder, "libnvrtc-builtins.so.[0-9]*", load_builtins);
}

int emu_nvrtc_count(void)
{
	const char *places = getenv("OCCAMY_NVRTC_PATH"), *home = getenv("HOME");
	char *copy, *save = NULL;

	if (count >= 0)
		return count;
	count = 0;
	copy = mem_strdup(places ? places : "");
	for (char *p = strtok_r(copy, ":", &save); p; p = strtok_r(NULL, ":", &save))
		try_folder(p);
	mem_free(copy);
	each(home ? home : "", ".local/share/occamy/toolchains/*/lib", try_folder);
	each("/opt/occamy/toolchains", "*/lib", try_folder);
	each("/usr/local", "cuda*/lib64", try_folder);
	return count;
}

static void print_log(const struct nvrtc *n, void *program, const char *path)
{
	size_t size = 0;
	char *text;

	n->log_size(program, &size);
	text = mem_alloc(size + 1);
	n->log(program, text);
	emu_fail(path, 1, text);
	mem_free(text);
}

/* "sm_87", "compute_110" */
static bool knows(const struct nvrtc *n, const char *arch)
{
	for (int i = 0; i < n->nchips; i++)
		if (n->chips[i] == (int)strtol(strchr(arch, '_') + 1, NULL, 10))
			return true;
	return false;
}

char *emu_nvrtc(int number, const char *path, const char *arch, const char *define)
{
	const struct nvrtc *n = &libraries[number];
	struct buf src = BUF_INIT;
	struct err e = ERR_INIT;
	char target[64], *out = NULL;
	const char *options[] = {target, "--fmad=false", define};
	void *program = NULL;
	size_t size = 0;

	if (number >= emu_nvrtc_count() || !knows(n, arch))
		return NULL;
	if (fs_read(path, 1 << 20, &src, &e) < 0) {
		emu_fail(path, 0, e.detail);
		goto done;
	}
	snprintf(target, sizeof(target), "--gpu-architecture=%s", arch);
	if (n->create(&program, buf_str(&src), path, 0, NULL, NULL))
		goto done;
	if (n->compile(program, define ? 3 : 2, options)) {
		print_log(n, program, path);
	} else {
		n->ptx_size(program, &size);
		out = mem_alloc(size + 1);
		n->ptx(program, out);
	}
	n->destroy(&program);
done:
	buf_release(&src);
	err_release(&e);
	return out;
}
