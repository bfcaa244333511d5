/* Names of a PTX function while it is parsed: registers, variables, labels, by scope. */
#ifndef EMULATOR_PTX_SCOPE_H
#define EMULATOR_PTX_SCOPE_H

#include "emulator/ptx_lex.h"

#define SCOPE_DEPTH_MAX 16

struct scope_name; /* one bucket entry */
struct scope_alias;

struct scope {
	struct lex *lex;
	struct ptx_func *func;
	struct scope_name **table;
	struct scope_range *ranges;	  /* .reg .b32 %r<100> */
	int open[SCOPE_DEPTH_MAX], depth; /* ids of the open scopes, outermost first */
	int last_id;
	struct scope_alias *aliases;
	int labels;  /* id of the scope that labels belong to: 0, or the called function's */
	int32_t end; /* in a called function: the label where it returns to; else -1 */
};

void scope_begin(struct scope *s, struct lex *x, struct ptx_func *f);
int scope_push(struct scope *s);
void scope_pop(struct scope *s);
/* Declares one register, or with count > 0 the registers name0 .. name(count-1). */
int scope_declare(struct scope *s, const char *name, size_t len, uint32_t bits, uint32_t count);
/* The register of that name in the innermost scope that has it; -1: none. */
int32_t scope_reg(struct scope *s, const char *name, size_t len);
/* The label, made when it is new; refers to a place that may come later. */
int32_t scope_label(struct scope *s, const char *name, size_t len);
struct ptx_var *scope_var(struct scope *s, const char *name, size_t len);
/* In scope `id`, v is called `name`, too. */
void scope_alias(struct scope *s, int id, const char *name, struct ptx_var *v);

#endif
