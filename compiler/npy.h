/* A numpy .npy file as a tensor; the data stays in the file's bytes. */
#ifndef COMPILER_NPY_H
#define COMPILER_NPY_H

#include "compiler/ir.h"

bool npy_is(struct span file); /* by its magic */
/* E_INPUT_FILE where it is damaged, or of a kind that the compiler does not take. */
int npy_read(struct span file, struct type *t, const void **data, struct err *e);

#endif
