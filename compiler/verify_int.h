/* Between verify.c and verify_storage.c. */
#ifndef COMPILER_VERIFY_INT_H
#define COMPILER_VERIFY_INT_H

#include "compiler/ir.h"

struct spec {
	const struct graph *g;
	const char *pass;
	uint32_t node; /* the one looked at */
};

#define need verify_need
void verify_need(const struct spec *s, bool ok, const char *fmt, ...) PRINTF(3, 4);

/* verify_storage.c: what holds from alias, live and plan on. */
void verify_alias(struct spec *s);
void verify_live(struct spec *s);
void verify_plan(struct spec *s);

#endif
