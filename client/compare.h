/* A run beside a reference: which tensor is the first to differ, and who made it. */
#ifndef CLIENT_COMPARE_H
#define CLIENT_COMPARE_H

#include "client/ndarray.h"
#include "client/npz.h"
#include "runtime/runtime.h"

struct compare_rule {
	double rtol, atol;
	bool all; /* go on after the first difference, and print a line for each tensor */
};

struct compare;

/*
 * Finds the plan's tensors among those of the reference by name. ref must
 * outlive *c. E_DIFFERENT where a shape differs, which it prints like any other
 * difference; E_INPUT_FILE where an input's does, or nothing can be compared.
 */
int compare_open(struct runtime *rt, const struct npz *ref, const struct compare_rule *rule,
		 struct compare **c, struct err *e);
/* runtime_run_watched, comparing each tensor as soon as it is there. E_DIFFERENT. */
int compare_run(struct compare *c, const void *const *inputs, void *const *outputs, struct err *e);
void compare_close(struct compare *c); /* NULL is fine */

#endif
