/*
 * The kernel cache: compiled kernels in files of a folder, named by a hash
 * of all that decides their bytes. Shared by processes; a damaged or missing
 * file is a miss, a failed write is no error.
 */
#ifndef COMPILER_KCACHE_H
#define COMPILER_KCACHE_H

#include "base/hash.h"
#include "compiler/nvrtc.h"

void kcache_key(const char *source, const char *arch, const struct nvrtc *n, char key[SHA256_HEX]);
bool kcache_get(const char *dir, const char *key, struct nvrtc_result *r);
void kcache_put(const char *dir, const char *key, const struct nvrtc_result *r);

#endif
