/* The driver's calls as this library defines them: the X-list, visible. */
#ifndef EMULATOR_API_H
#define EMULATOR_API_H

#include "emulator/device.h"

#define X(name, args) __attribute__((visibility("default"))) CUresult name args;
CUDA_CALLS(X)
#undef X

#endif
