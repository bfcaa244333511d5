/* The rewrites of rewrites.def: is one on in this compilation, and how it is called. */
#ifndef COMPILER_REWRITES_H
#define COMPILER_REWRITES_H

#include "compiler/ir.h"

enum rewrite {
#define REWRITE(id, name, kind, what) REWRITE_##id,
#include "compiler/rewrites.def"
#undef REWRITE
	REWRITE_COUNT
};
_Static_assert(REWRITE_COUNT <= REWRITES_MAX, "a bit and a count per rewrite");

static inline bool rewrite_on(const struct graph *g, enum rewrite r)
{
	return !(g->rewrites_off >> r & 1);
}

const char *rewrite_name(enum rewrite r); /* options.c */

#endif
