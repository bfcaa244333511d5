/*
 * Fills the table of driver calls from libcuda.so.1 or from the emulated
 * driver, which is looked for in $OCCAMY_EMULATOR_LIB (and then nowhere
 * else), beside the program, in ../lib/occamy, and where the linker looks.
 * Past this file nobody knows which one it is.
 */
#include "runtime/driver.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CUDA_LIBRARY	 "libcuda.so.1"
#define EMULATOR_LIBRARY "libocc_emulator.so"

static const struct {
	const char *name;
	size_t offset;
} calls[] = {
#define X(name, args) {#name, offsetof(struct cuda, name)},
	CUDA_CALLS(X)
#undef X
};

/* Loads the library, asks for a device; why gets the reason where that fails. */
static bool try_library(struct driver *d, const char *path, char *why, size_t size)
{
	void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	char text[32];
	CUresult r;
	int count = 0;

	if (!lib) {
		snprintf(why, size, "%s", dlerror());
		return false;
	}
	for (size_t i = 0; i < COUNT_OF(calls); i++) {
		void *call = dlsym(lib, calls[i].name);

		if (!call) {
			snprintf(why, size, "%s: has no %s", path, calls[i].name);
			return false;
		}
		memcpy((char *)&d->cu + calls[i].offset, &call, sizeof(call));
	}
	r = d->cu.cuInit(0);
	if (r == CUDA_SUCCESS)
		r = d->cu.cuDeviceGetCount(&count);
	if (r != CUDA_SUCCESS)
		snprintf(why, size, "%s: %s", path, driver_error(d, r, text));
	else if (count < 1)
		snprintf(why, size, "%s: no device", path);
	return r == CUDA_SUCCESS && count > 0;
}

/* PATH of the program's folder with tail after it. */
static void beside_program(char *path, size_t size, const char *tail)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	self[MAX(n, 0)] = 0;
	slash = strrchr(self, '/');
	snprintf(path, size, "%.*s%s", slash ? (int)(slash - self) : 0, self, tail);
}

static bool try_emulator(struct driver *d, char *why, size_t size)
{
	const char *given = getenv("OCCAMY_EMULATOR_LIB");
	static const char *const tails[] = {"/" EMULATOR_LIBRARY,
					    "/../lib/occamy/" EMULATOR_LIBRARY};
	char path[4200];

	if (given && given[0])
		return try_library(d, given, why, size);
	for (size_t i = 0; i < COUNT_OF(tails); i++) {
		beside_program(path, sizeof(path), tails[i]);
		if (access(path, F_OK) == 0)
			return try_library(d, path, why, size);
	}
	return try_library(d, EMULATOR_LIBRARY, why, size);
}

int driver_open(struct driver *d, enum runtime_device choice, struct err *e)
{
	char cuda[512] = "", emulator[512] = "";

	d->notice[0] = 0;
	setenv("CUDA_MODULE_LOADING", "LAZY", 0); /* less memory; read by the driver at cuInit */
	if (choice != RUNTIME_EMULATOR && try_library(d, CUDA_LIBRARY, cuda, sizeof(cuda)))
		return 0;
	if (choice == RUNTIME_CUDA) {
		fail(e, E_NO_DEVICE, "no CUDA device: %s", cuda);
		return err_hint(e, "--device emulator runs without one");
	}
	if (!try_emulator(d, emulator, sizeof(emulator))) {
		fail(e, E_NO_DEVICE, "no emulated device: %s%s%s", emulator,
		     cuda[0] ? "; no CUDA device: " : "", cuda);
		return err_hint(
			e, strstr(emulator, "CUDA_ERROR_INVALID_VALUE")
				   ? "OCCAMY_EMULATOR is not understood"
				   : "set OCCAMY_EMULATOR_LIB to the path of " EMULATOR_LIBRARY);
	}
	if (choice == RUNTIME_AUTO) {
		char reason[400];

		err_escape(reason, sizeof(reason), cuda);
		snprintf(d->notice, sizeof(d->notice),
			 "no CUDA device (%s): running on the emulated one", reason);
	}
	return 0;
}

const char *driver_error(const struct driver *d, CUresult r, char text[32])
{
	const char *name = NULL;

	if (d->cu.cuGetErrorName(r, &name) == CUDA_SUCCESS && name)
		return name;
	snprintf(text, 32, "CUDA error %d", r);
	return text;
}

int driver_fail(const struct driver *d, CUresult r, const char *call, struct err *e)
{
	enum err_code code = r == CUDA_ERROR_OUT_OF_MEMORY ? E_DEVICE_MEMORY : E_DEVICE;
	const char *why = NULL;
	char text[32];

	if (d->cu.cuGetErrorString(r, &why) != CUDA_SUCCESS)
		why = NULL;
	return fail(e, code, "%s: %s%s%s", call, driver_error(d, r, text), why ? ": " : "",
		    why ? why : "");
}
