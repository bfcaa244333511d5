/* What the decoder's files share: the kernel under construction, operands, emission. */
#ifndef EMULATOR_DECODE_H
#define EMULATOR_DECODE_H

#include "emulator/kernel.h"

/* A place in an operation that names a block, filled in when all operations stand. */
struct fixup {
	uint32_t op, block;
	enum { FIX_TARGET, FIX_JOIN } field;
};

struct form_index;

struct decoder {
	struct arena *arena;
	const struct exec *exec;
	const struct form_index *index; /* of all forms, by name */
	const struct ptx_module *module;
	const struct ptx_func *func;
	const struct ptx_insn *insn; /* being decoded */
	uint32_t block;		     /* its basic block */
	struct kernel *kernel;
	struct cfg cfg;
	struct slots slots;
	struct fixup *fixups;
	uint32_t nfixups, temps;
	uint32_t end;			      /* of the slots given so far */
	uint32_t temp_pred, sink_pred, carry; /* carry: PTX's CC.CF */
	bool sanitize;
	struct err *err;
};

#define SINK_SLOT (REGS_TEMP + (REGS_TEMP_COUNT - 1) * SLOT64)

/* decode_operand.c */
int decode_fail(struct decoder *d, const char *fmt, ...) PRINTF(2, 3);
const struct form *decode_form(const struct decoder *d, const char *name);
/* A new operation of the current instruction, behind a guard where it has one. */
struct op *decode_emit(struct decoder *d, op_fn full, op_fn masked);
struct op *decode_emit_form(struct decoder *d, const char *name); /* must exist */
struct op *decode_emit_control(struct decoder *d, const char *name);
uint32_t decode_constant(struct decoder *d, uint64_t bits, bool wide);
/* The slot of an operand as the letter of a form's signature wants it. */
int decode_source(struct decoder *d, const struct ptx_operand *o, char letter, uint32_t *slot);
int decode_result(struct decoder *d, const struct ptx_operand *o, char letter, uint32_t *slot);
uint32_t decode_temp(struct decoder *d); /* wide enough for 64 bits, until the next instruction */
uint64_t decode_address(const struct ptx_var *v, const struct kernel *k);
int decode_count(struct decoder *d, uint32_t least, uint32_t most);
/* Number of a special register for the handler "special"; -1: unknown. */
int decode_special(const char *name);

/* The words of an opcode between its dots. */
struct words {
	char text[96];
	const char *word[16];
	uint32_t n, at;
};
int decode_words(struct decoder *d, struct words *w);
bool words_take(struct words *w, const char *word); /* moves on where it is the next one */
/* Moves on past any of the words in the NULL-ended list. */
void words_skip(struct words *w, const char *const *list);

/* Rules, chosen by the opcode's beginning. */
typedef int (*decode_rule)(struct decoder *d);
int decode_plain(struct decoder *d); /* decode_form.c: a row of the tables */
int decode_mov(struct decoder *d);
int decode_cvt(struct decoder *d);
int decode_cvta(struct decoder *d);
int decode_setp(struct decoder *d);
int decode_set(struct decoder *d);
int decode_carry(struct decoder *d);
int decode_ld(struct decoder *d); /* decode_mem.c */
int decode_st(struct decoder *d);
int decode_atom(struct decoder *d);
int decode_nothing(struct decoder *d); /* decode_control.c */
int decode_bra(struct decoder *d);
int decode_brx(struct decoder *d);
int decode_end(struct decoder *d);
int decode_bar(struct decoder *d);
int decode_warp_sync(struct decoder *d);
int decode_trap(struct decoder *d);
int decode_shfl(struct decoder *d);
int decode_vote(struct decoder *d);
int decode_activemask(struct decoder *d);
int decode_redux(struct decoder *d);

#endif
