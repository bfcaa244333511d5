/* The CUDA templates, embedded as text. kernels/README.md has their rules. */
#ifndef KERNELS_KERNELS_H
#define KERNELS_KERNELS_H

/* Text of kernels/NAME ("conv.cu", "prelude.cuh"); NULL: there is none. */
const char *kernel_source(const char *name);
/* Names of all of them by index; NULL past the end. */
const char *kernel_name(unsigned i);

#endif
