/*
 * Which NVRTC compiles for a target: the oldest one on this machine that
 * knows the chip, so that its cubins load on the oldest drivers.
 */
#ifndef COMPILER_TOOLCHAIN_H
#define COMPILER_TOOLCHAIN_H

#include "base/arena.h"
#include "compiler/nvrtc.h"

/*
 * Opens it; the caller closes it. path (from mem a) may be NULL. E_TARGET: no chip is called so;
 * E_NO_TOOLCHAIN: no NVRTC here knows it.
 */
int toolchain_open(const char *target, struct arena *a, struct nvrtc **out, const char **path,
		   struct err *e);

#endif
