/*
 * The text IR's inside: a lexer over one string, attributes, the constants' data.
 * README.md, "Text IR", is the grammar.
 */
#ifndef COMPILER_TEXT_H
#define COMPILER_TEXT_H

#include "base/names.h"
#include "compiler/ir.h"

struct reader {
	struct graph *g;
	const char *p;	     /* next byte; the text ends with a zero */
	int line;	     /* from 1 */
	struct names names;  /* value names so far -> val_id */
	val_id limit;	     /* values below it are of earlier lines */
	uint64_t data_bytes; /* constants so far */
	struct err *e;
};

/* text_lex.c. Blanks and comments before a token are skipped, line ends are tokens. */
int expected(struct reader *r, const char *what); /* E_USAGE with line and what stands there */
void skip_blanks(struct reader *r);
bool accept(struct reader *r, const char *mark); /* skips it where it stands next */
bool accept_word(struct reader *r, const char *word);
int expect(struct reader *r, const char *mark);
bool at_end(struct reader *r); /* of the line */
/* [A-Za-z0-9_.]+ in the graph's arena, NULL where none stands next. */
const char *read_word(struct reader *r);
int read_int(struct reader *r, int64_t *v);
int read_uint(struct reader *r, uint64_t max, uint64_t *v);
int read_version(struct reader *r, int *version);
int read_quoted(struct reader *r, const char **s);
/* f32[1,?,batch?]; sym may be NULL: then every dimension is a number or ?. */
int read_type(struct reader *r, struct type *t, const char ***sym);

/* text_attr.c: "{a=1, b=[1.5,2.0]}", or nothing. */
int read_attrs(struct reader *r, struct attr **attrs, uint32_t *n);
void print_attrs(struct buf *out, const struct attr *a, uint32_t n);

/* text_parse.c. Value ids are 0 for "_". */
struct ids {
	val_id *id;
	uint32_t n;
};

void ids_add(struct reader *r, struct ids *ids, val_id id);
int read_ref(struct reader *r, val_id *id);
int read_slot(struct reader *r, slot_id *slot);
int read_storage(struct reader *r, struct val *v); /* what follows a value's type */

/* text_node.c: the rest of the line behind the operator's name. */
int read_node(struct reader *r, struct ids *outs, const char *op_name);

bool is_plain_name(const char *s); /* may stand after % without quotes */
void print_quoted(struct buf *out, const char *s);

/* text_data.c: "{1, 2.5}" or "fill=0123456789abcdef". */
void print_data(struct buf *out, const struct type *t, const void *data, uint64_t fill);
int read_data(struct reader *r, const struct type *t, const void **data, uint64_t *fill);
/* Shortest text that reads back as the same number. */
void print_float(struct buf *out, float f);
int read_double(struct reader *r, double *v);

#endif
