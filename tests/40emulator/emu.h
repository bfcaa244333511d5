/* For the emulator's tests: a started device, modules from text, and a checker that counts. */
#ifndef TESTS_EMU_H
#define TESTS_EMU_H

#include "base/base.h"
#include "runtime/cuda.h"

#define X(name, args) CUresult name args;
CUDA_CALLS(X)
#undef X

extern int emu_failures;

/* Prints and counts where the condition does not hold. */
#define EXPECT(cond)	      ((cond) ? (void)0 : emu_fail(__FILE__, __LINE__, #cond))
#define EXPECT_IS(call, want) emu_expect(__FILE__, __LINE__, #call, (call), (want))
void emu_fail(const char *file, int line, const char *what);
void emu_expect(const char *file, int line, const char *call, CUresult got, CUresult want);

/* Sets OCCAMY_EMULATOR and makes the context current. To be called once, at first. */
void emu_start(const char *config);
/* A fresh context, after an error that stays. */
void emu_restart(void);
void emu_stop(void);

/* The only entry of a module of PTX text; NULL: it was counted as a failure. */
CUfunction emu_load(CUmodule *m, const char *ptx, const char *entry);
CUdeviceptr emu_copy(const void *data, size_t bytes);
/* Device memory as it is given: full of NaN. */
CUdeviceptr emu_memory(size_t bytes);

/* Numbers that are the same everywhere. */
uint32_t emu_random(void);
float emu_random_float(void); /* in [-1, 1) */
bool emu_close(const char *what, const float *got, const float *want, size_t n, double rtol,
	       double atol);

/* NVRTC libraries on this machine, each version once: of OCCAMY_NVRTC_PATH and of the usual places.
 */
int emu_nvrtc_count(void);
/* PTX of a CUDA file by the n-th, released with mem_free; NULL: it is not there or can't do the
 * chip. */
char *emu_nvrtc(int n, const char *path, const char *arch, const char *define);

#endif
