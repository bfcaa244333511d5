/* Tokens of PTX text. One token is held; lex_next() moves on. */
#ifndef EMULATOR_PTX_LEX_H
#define EMULATOR_PTX_LEX_H

#include "emulator/ptx.h"

enum lex_kind {
	LEX_END,
	LEX_NAME,      /* abc $L__BB0_1 %r12 %tid.x _ */
	LEX_DIRECTIVE, /* .reg */
	LEX_INT,
	LEX_F32,
	LEX_F64,
	LEX_STRING,
	LEX_PUNCT
};

struct lex {
	const char *at; /* behind the held token */
	uint32_t line;	/* of the held token */
	enum lex_kind kind;
	const char *text;
	size_t len;
	uint64_t value;
	uint32_t line_at;	   /* at `at` */
	struct ptx_module *module; /* notes in comments are added to it */
	struct err *err;
};

int lex_next(struct lex *x);
/* Reads on from the held name to the end of an opcode with dots and "::". */
void lex_opcode(struct lex *x);
bool lex_is(const struct lex *x, char punct);
bool lex_word(const struct lex *x, const char *word);
/* The held token must be punct; moves on. */
int lex_expect(struct lex *x, char punct);
char *lex_copy(const struct lex *x);
int lex_fail(const struct lex *x, const char *fmt, ...) PRINTF(2, 3);

#endif
