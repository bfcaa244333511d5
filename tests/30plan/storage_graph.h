/* Random graphs of operators that are nothing but their memory contracts. */
#ifndef TESTS_STORAGE_GRAPH_H
#define TESTS_STORAGE_GRAPH_H

#include "compiler/ops/op.h"

extern const struct op storage_rows;   /* reads a row, then writes it: INPLACE */
extern const struct op storage_concat; /* INTO */

uint32_t storage_draw(uint32_t below);

/* whole: values fill multiples of 256 bytes. */
struct graph *storage_graph(bool whole);

#endif
