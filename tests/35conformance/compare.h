/* When an output is what a test expects. */
#ifndef CONFORMANCE_COMPARE_H
#define CONFORMANCE_COMPARE_H

#include "client/ndarray.h"

#define RTOL 1e-3
#define ATOL 1e-7

/* Type, then shape, then values. false with one line in why. */
bool compare(const struct ndarray *got, const struct ndarray *want, const char *name,
	     struct buf *why);

#endif
