/* The inside of a function: statements and their operands. */
#ifndef EMULATOR_PTX_BODY_H
#define EMULATOR_PTX_BODY_H

#include "emulator/ptx_scope.h"

/* The held token is the '{'; ends behind its '}'. */
int ptx_body(struct lex *x, struct ptx_func *f);
/* One variable declaration; the held token is its state space. Appended to *list. */
int ptx_variable(struct lex *x, enum ptx_space space, bool external, int scope,
		 struct ptx_var **list);

#endif
