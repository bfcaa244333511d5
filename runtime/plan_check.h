/*
 * The proof of a plan: from the launches alone, each one reads what it is
 * said to read. Shares no code with the compiler, which runs it on every plan
 * before it makes a kernel, as the client does to verify an artifact.
 */
#ifndef RUNTIME_PLAN_CHECK_H
#define RUNTIME_PLAN_CHECK_H

#include "runtime/artifact.h"

/*
 * values, launches, kernels' entries, inputs, outputs and arena_bytes of `a` are used; all indices
 * and bounds are as artifact_load_plan leaves them. E_PLAN_CHECK says which tensor's bytes are not
 * there at which step, and what is. *live: the most bytes at one step that are read in it or later.
 */
int plan_check(const struct artifact *a, uint64_t *live, struct err *e);

#endif
