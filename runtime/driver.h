/* The driver calls of a CUDA driver library, found at run time. Private to this folder. */
#ifndef RUNTIME_DRIVER_H
#define RUNTIME_DRIVER_H

#include "runtime/cuda.h"
#include "runtime/runtime.h"

struct driver {
	struct cuda cu;
	char notice[512]; /* see struct runtime_info; "" if there is nothing to say */
};

/* On success cuInit was called and there is at least one device. Libraries stay loaded. */
int driver_open(struct driver *d, enum runtime_device choice, struct err *e);
/* fail() with the driver's words for r: "CALL: CUDA_ERROR_X: text". */
int driver_fail(const struct driver *d, CUresult r, const char *call, struct err *e);
/* "CUDA_ERROR_X", or its number where the driver has no name for it. */
const char *driver_error(const struct driver *d, CUresult r, char text[32]);

#endif
