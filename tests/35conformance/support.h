/* The table of supported operators, as OPERATORS.md has it. */
#ifndef CONFORMANCE_SUPPORT_H
#define CONFORMANCE_SUPPORT_H

#include "base/err.h"

/* known: the file known.tsv. E_NO_FILE, E_USAGE where a line of it is not one. */
int support_table(const char *known, struct buf *out, struct err *e);

#endif
