/* Shared by the files of this folder only. */
#ifndef RUNTIME_ARTIFACT_INT_H
#define RUNTIME_ARTIFACT_INT_H

#include "runtime/artifact.h"

/* No size or offset in an artifact is larger, so that sums of a few of them don't overflow. */
#define BYTES_MAX ((uint64_t)1 << 48)

/* Index of the blob, -1: there is none. */
int artifact_find_blob(const struct artifact *a, const char *name);

/* open(2) for reading, with the errors that artifact_open gives. */
int artifact_open_file(const char *path, struct err *e);

#endif
