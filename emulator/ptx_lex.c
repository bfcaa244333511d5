/* Tokens of PTX text, and the checker's notes that stand in comments. */
#include "emulator/ptx_lex.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int lex_fail(const struct lex *x, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return fail(x->err, E_PTX, "line %" PRIu32 ": %s", x->line, text);
}

static bool name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$';
}

/* "region param=0 access=rw pitch=0 width=4096 rows=1" */
static int note(struct lex *x, const char *s)
{
	struct ptx_module *m = x->module;
	struct ptx_region r = {0};
	char access[3] = "";
	int used = -1;

	x->line = x->line_at;
	if (strncmp(s, "region ", 7))
		return lex_fail(x, "unknown //@occamy note");
	if (sscanf(s,
		   "region param=%" SCNu32 " access=%2[rw] pitch=%" SCNu64 " width=%" SCNu64
		   " rows=%" SCNu64 "%n",
		   &r.param, access, &r.pitch, &r.width, &r.rows, &used) != 5 ||
	    used < 0 || !r.rows || (r.rows > 1 && r.pitch < r.width) ||
	    (r.rows > 1 && r.pitch > UINT64_MAX / r.rows))
		return lex_fail(x, "bad //@occamy region note");
	r.read = strchr(access, 'r');
	r.write = strchr(access, 'w');
	m->regions = GROW(m->arena, m->regions, m->nregions);
	m->regions[m->nregions++] = r;
	return 0;
}

static int skip_space(struct lex *x)
{
	for (;;) {
		const char *p = x->at;

		if (*p == '\n') {
			x->line_at++;
			x->at++;
		} else if (isspace((unsigned char)*p)) {
			x->at++;
		} else if (p[0] == '/' && p[1] == '/') {
			if (!strncmp(p, "//@occamy ", 10) && note(x, p + 10) < 0)
				return -1;
			x->at += strcspn(p, "\n");
		} else if (p[0] == '/' && p[1] == '*') {
			const char *end = strstr(p + 2, "*/");

			if (!end)
				return lex_fail(x, "the comment has no end");
			for (; p < end; p++)
				x->line_at += *p == '\n';
			x->at = end + 2;
		} else {
			return 0;
		}
	}
}

/* 0f3F800000, 0d3FF0000000000000, 0x1F, 017, 0b101, 12U, 1.5e3 */
static int number(struct lex *x)
{
	const char *p = x->at;
	char *end;

	x->kind = LEX_INT;
	if (p[0] == '0' && strchr("fFdD", p[1]) && p[1]) {
		size_t digits = strspn(p + 2, "0123456789abcdefABCDEF");

		x->kind = tolower((unsigned char)p[1]) == 'f' ? LEX_F32 : LEX_F64;
		if (digits != (x->kind == LEX_F32 ? 8 : 16))
			return lex_fail(x, "bad floating-point constant");
		x->value = strtoull(p + 2, &end, 16);
	} else if (p[0] == '0' && (p[1] == 'b' || p[1] == 'B')) {
		x->value = strtoull(p + 2, &end, 2);
	} else {
		x->value = strtoull(p, &end, 0);
		if (*end == '.' || *end == 'e' || *end == 'E') {
			double v = strtod(p, &end);

			x->kind = LEX_F64;
			memcpy(&x->value, &v, sizeof(v));
		}
	}
	if (*end == 'U')
		end++;
	if (name_char(*end))
		return lex_fail(x, "bad number");
	x->at = end;
	return 0;
}

static int string(struct lex *x)
{
	const char *end = x->at + 1 + strcspn(x->at + 1, "\"\n");

	if (*end != '"')
		return lex_fail(x, "the string has no end");
	x->kind = LEX_STRING;
	x->at = end + 1;
	return 0;
}

static void name(struct lex *x)
{
	const char *p = x->at;
	bool special = *p == '%';

	x->kind = LEX_NAME;
	for (p++; name_char(*p); p++)
		;
	/* %tid.x and its like are one name */
	if (special && p[0] == '.' && p[1] && strchr("xyzw", p[1]) && !name_char(p[2]))
		p += 2;
	x->at = p;
}

int lex_next(struct lex *x)
{
	char c;
	int ret = 0;

	if (skip_space(x) < 0)
		return -1;
	x->line = x->line_at;
	x->text = x->at;
	c = *x->at;
	if (!c) {
		x->kind = LEX_END;
	} else if (isdigit((unsigned char)c)) {
		ret = number(x);
	} else if (c == '"') {
		ret = string(x);
	} else if (c == '%' || name_char(c)) {
		name(x);
	} else if (c == '.' && name_char(x->at[1])) {
		x->kind = LEX_DIRECTIVE;
		for (x->at++; name_char(*x->at); x->at++)
			;
	} else {
		x->kind = LEX_PUNCT;
		x->at++;
	}
	x->len = (size_t)(x->at - x->text);
	return ret;
}

void lex_opcode(struct lex *x)
{
	while (name_char(*x->at) || *x->at == '.' || (x->at[0] == ':' && x->at[1] == ':') ||
	       (x->at[0] == ':' && x->at[-1] == ':'))
		x->at++;
	x->len = (size_t)(x->at - x->text);
}

bool lex_is(const struct lex *x, char punct)
{
	return x->kind == LEX_PUNCT && *x->text == punct;
}

bool lex_word(const struct lex *x, const char *word)
{
	return (x->kind == LEX_NAME || x->kind == LEX_DIRECTIVE) && strlen(word) == x->len &&
	       !memcmp(x->text, word, x->len);
}

int lex_expect(struct lex *x, char punct)
{
	if (!lex_is(x, punct))
		return lex_fail(x, "'%c' expected, '%.*s' found", punct, (int)MIN(x->len, 40),
				x->text);
	return lex_next(x);
}

char *lex_copy(const struct lex *x)
{
	return arena_strndup(x->module->arena, x->text, x->len);
}
