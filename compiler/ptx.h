/* The PTX text's label: the version that a driver must know to take it. */
#ifndef COMPILER_PTX_H
#define COMPILER_PTX_H

#include "base/buf.h"

/*
 * Appends the text with `.version` lowered to what target and opcodes need (runtime/ptx.def). Text
 * with an opcode that is not in the table keeps its own label.
 */
void ptx_relabel(const char *ptx, const char *target, struct buf *out);

#endif
