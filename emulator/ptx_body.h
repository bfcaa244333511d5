/* The inside of a function: statements and their operands. */
#ifndef EMULATOR_PTX_BODY_H
#define EMULATOR_PTX_BODY_H

#include "emulator/ptx_scope.h"

/* The held token is the '{'; ends behind its '}'. */
int ptx_body(struct lex *x, struct ptx_func *f);
/* One statement of a function; the held token is its first, at the end the next one's. */
int ptx_statement(struct scope *s);
/* The parameters of a function, behind their '('. */
int ptx_parameters(struct lex *x, struct ptx_func *f);
/* Finds all .func of the module; x, a copy, is at its beginning. */
int ptx_find_routines(struct lex x);
/* Past a .func, the held token. */
int ptx_skip_routine(struct lex *x);
/* The called body, in place; the held token is "call". */
int ptx_call(struct scope *s);
/* One variable declaration; the held token is its state space. Appended to *list. */
int ptx_variable(struct lex *x, enum ptx_space space, bool external, int scope,
		 struct ptx_var **list);

#endif
