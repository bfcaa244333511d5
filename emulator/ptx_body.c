/* Parses the body of a function: declarations, labels, instructions. */
#include "emulator/ptx_body.h"

#include <stdlib.h>
#include <string.h>

/* %r<12> or %x; the held token is what stands before */
static int register_names(struct scope *s, uint32_t bits)
{
	struct lex *x = s->lex;
	const char *name;
	size_t len;
	uint32_t count = 0;

	if (lex_next(x) < 0)
		return -1;
	if (x->kind != LEX_NAME)
		return lex_fail(x, ".reg: a name is expected");
	name = x->text;
	len = x->len;
	if (lex_next(x) < 0)
		return -1;
	if (lex_is(x, '<')) {
		if (lex_next(x) < 0)
			return -1;
		if (x->kind != LEX_INT || !x->value || x->value > UINT32_MAX)
			return lex_fail(x, ".reg: a count is expected");
		count = (uint32_t)x->value;
		if (lex_next(x) < 0 || lex_expect(x, '>') < 0)
			return -1;
	}
	return scope_declare(s, name, len, bits, count);
}

/* .reg .b32 %r<12>, %x; */
static int registers(struct scope *s)
{
	struct lex *x = s->lex;
	uint32_t bits;

	if (lex_next(x) < 0)
		return -1;
	bits = x->kind == LEX_DIRECTIVE ? ptx_type_bits(x->text + 1, x->len - 1) : 0;
	if (!bits)
		return lex_fail(x, ".reg: unknown type '%.*s'", (int)MIN(x->len, 20), x->text);
	do {
		if (register_names(s, bits) < 0)
			return -1;
	} while (lex_is(x, ','));
	return lex_expect(x, ';');
}

static int constant(struct lex *x, bool minus, struct ptx_operand *o)
{
	o->bits = x->value;
	o->kind = x->kind == LEX_F32 ? OPERAND_F32 : x->kind == LEX_F64 ? OPERAND_F64 : OPERAND_INT;
	if (minus && o->kind == OPERAND_INT)
		o->bits = 0 - o->bits;
	else if (minus)
		o->bits ^= o->kind == OPERAND_F32 ? 1u << 31 : (uint64_t)1 << 63;
	return lex_next(x);
}

static int name_operand(struct scope *s, struct ptx_operand *o)
{
	struct lex *x = s->lex;

	o->reg = scope_reg(s, x->text, x->len);
	if (o->reg >= 0) {
		o->kind = OPERAND_REG;
	} else if (lex_word(x, "_")) {
		o->kind = OPERAND_SINK;
	} else if (lex_word(x, "WARP_SZ")) {
		o->kind = OPERAND_INT;
		o->bits = 32;
	} else if (*x->text == '%') {
		o->kind = OPERAND_SPECIAL;
		o->name = lex_copy(x);
	} else if ((o->var = scope_var(s, x->text, x->len))) {
		o->kind = OPERAND_VAR;
	} else {
		o->kind = OPERAND_LABEL;
		o->label = scope_label(s, x->text, x->len);
	}
	return lex_next(x);
}

/* [reg], [reg+4], [reg+-4], [var], [var+4], [8] */
static int memory(struct scope *s, struct ptx_operand *o)
{
	struct lex *x = s->lex;
	struct ptx_operand base = {.reg = -1};

	if (lex_next(x) < 0)
		return -1;
	if (x->kind == LEX_NAME) {
		if (name_operand(s, &base) < 0)
			return -1;
		if (base.kind != OPERAND_REG && base.kind != OPERAND_VAR)
			return lex_fail(x, "bad address");
	}
	o->kind = OPERAND_MEM;
	o->reg = base.reg;
	o->var = base.var;
	while (!lex_is(x, ']')) {
		bool minus = false;

		while (lex_is(x, '+') || lex_is(x, '-')) {
			minus ^= lex_is(x, '-');
			if (lex_next(x) < 0)
				return -1;
		}
		if (x->kind != LEX_INT)
			return lex_fail(x, "bad address");
		o->bits += minus ? 0 - x->value : x->value;
		if (lex_next(x) < 0)
			return -1;
	}
	return lex_next(x);
}

/* The q of p|q; the held token is the bar. */
static int second_result(struct scope *s, struct ptx_operand *o)
{
	struct lex *x = s->lex;

	if (lex_next(x) < 0)
		return -1;
	if (x->kind != LEX_NAME)
		return lex_fail(x, "a second destination is expected");
	o->second = scope_reg(s, x->text, x->len);
	if (o->second < 0 && !lex_word(x, "_"))
		return lex_fail(x, "unknown register");
	return lex_next(x);
}

/* Moves past every such sign; *odd says whether there was an odd number of them. */
static int signs(struct lex *x, char sign, bool *odd)
{
	for (*odd = false; lex_is(x, sign); *odd = !*odd)
		if (lex_next(x) < 0)
			return -1;
	return 0;
}

static int scalar_operand(struct scope *s, struct ptx_operand *o)
{
	struct lex *x = s->lex;
	bool minus;

	*o = (struct ptx_operand){.reg = -1, .second = -1};
	if (signs(x, '!', &o->negated) < 0 || signs(x, '-', &minus) < 0)
		return -1;
	if (x->kind == LEX_INT || x->kind == LEX_F32 || x->kind == LEX_F64)
		return constant(x, minus, o);
	if (x->kind != LEX_NAME || minus)
		return lex_fail(x, "an operand is expected, '%.*s' found", (int)MIN(x->len, 40),
				x->text);
	if (name_operand(s, o) < 0)
		return -1;
	return lex_is(x, '|') ? second_result(s, o) : 0;
}

static int vector(struct scope *s, struct ptx_operand *o)
{
	struct lex *x = s->lex;

	o->kind = OPERAND_VEC;
	o->elem = NEW(x->module->arena, 8, struct ptx_operand);
	do {
		if (o->count == 8)
			return lex_fail(x, "the vector is too long");
		if (lex_next(x) < 0 || scalar_operand(s, &o->elem[o->count++]) < 0)
			return -1;
	} while (lex_is(x, ','));
	return lex_expect(x, '}');
}

static int operand(struct scope *s, struct ptx_operand *o)
{
	*o = (struct ptx_operand){.reg = -1, .second = -1};
	if (lex_is(s->lex, '['))
		return memory(s, o);
	if (lex_is(s->lex, '{'))
		return vector(s, o);
	return scalar_operand(s, o);
}

/* @%p or @!%p */
static int guard(struct scope *s, struct ptx_insn *i)
{
	struct lex *x = s->lex;

	if (lex_next(x) < 0 || signs(x, '!', &i->guard_negated) < 0)
		return -1;
	i->guard = x->kind == LEX_NAME ? scope_reg(s, x->text, x->len) : -1;
	if (i->guard < 0 || s->func->regs[i->guard].class != CLASS_PRED)
		return lex_fail(x, "a predicate register is expected");
	return lex_next(x);
}

/* The held token is the first part of the opcode, or '@'. */
static int instruction(struct scope *s)
{
	struct lex *x = s->lex;
	struct ptx_func *f = s->func;
	struct ptx_insn *i;

	f->insns = GROW(x->module->arena, f->insns, f->ninsns);
	i = &f->insns[f->ninsns++];
	*i = (struct ptx_insn){.guard = -1};
	if (lex_is(x, '@') && guard(s, i) < 0)
		return -1;
	if (x->kind != LEX_NAME)
		return lex_fail(x, "an instruction is expected, '%.*s' found", (int)MIN(x->len, 40),
				x->text);
	lex_opcode(x);
	i->opcode = lex_copy(x);
	i->line = x->line;
	if (lex_next(x) < 0)
		return -1;
	while (!lex_is(x, ';')) {
		if (i->count == PTX_OPERANDS)
			return lex_fail(x, "too many operands");
		if (i->count && lex_expect(x, ',') < 0)
			return -1;
		if (operand(s, &i->operand[i->count++]) < 0)
			return -1;
	}
	if (s->end >= 0 && (!strcmp(i->opcode, "ret") || !strcmp(i->opcode, "ret.uni"))) {
		i->opcode = "bra";
		i->operand[i->count++] = (struct ptx_operand){
			.kind = OPERAND_LABEL, .reg = -1, .second = -1, .label = s->end};
	}
	return lex_next(x);
}

/* $L_table: .branchtargets $L1, $L2; */
static int branch_targets(struct scope *s, int32_t label)
{
	struct lex *x = s->lex;
	struct arena *a = x->module->arena;
	int32_t *list = NULL, target;
	uint32_t n = 0;

	do {
		if (lex_next(x) < 0)
			return -1;
		if (x->kind != LEX_NAME)
			return lex_fail(x, "a label is expected");
		target = scope_label(s, x->text, x->len);
		list = GROW(a, list, n);
		list[n++] = target;
		if (lex_next(x) < 0)
			return -1;
	} while (lex_is(x, ','));
	s->func->labels[label].targets = list;
	s->func->labels[label].ntargets = n;
	return lex_expect(x, ';');
}

static int label(struct scope *s)
{
	struct lex *x = s->lex;
	int32_t l = scope_label(s, x->text, x->len);

	if (s->func->labels[l].insn >= 0 || s->func->labels[l].targets)
		return lex_fail(x, "label %s stands twice", s->func->labels[l].name);
	if (lex_next(x) < 0 || lex_expect(x, ':') < 0)
		return -1;
	if (lex_word(x, ".branchtargets"))
		return branch_targets(s, l);
	s->func->labels[l].insn = (int32_t)s->func->ninsns;
	return 0;
}

static bool before_colon(const struct lex *x)
{
	const char *p = x->at + strspn(x->at, " \t");

	return p[0] == ':' && p[1] != ':';
}

/* .pragma "..."; .loc 1 2 3 */
static int ignored(struct lex *x)
{
	if (lex_word(x, ".pragma")) {
		while (!lex_is(x, ';') && x->kind != LEX_END)
			if (lex_next(x) < 0)
				return -1;
		return lex_expect(x, ';');
	}
	if (lex_word(x, ".loc")) {
		x->at += strcspn(x->at, "\n");
		return lex_next(x);
	}
	return lex_fail(x, "directive '%.*s' is not supported here", (int)MIN(x->len, 40), x->text);
}

int ptx_statement(struct scope *s)
{
	struct lex *x = s->lex;
	int id = s->open[s->depth - 1];

	if (lex_is(x, '{'))
		return scope_push(s) < 0 ? -1 : lex_next(x);
	if (lex_is(x, '}')) {
		scope_pop(s);
		return s->depth ? lex_next(x) : 0;
	}
	if (lex_is(x, ';'))
		return lex_next(x);
	if (lex_word(x, ".reg"))
		return registers(s);
	if (lex_word(x, ".shared"))
		return ptx_variable(x, SPACE_SHARED, false, id, &s->func->vars);
	if (lex_word(x, ".local"))
		return ptx_variable(x, SPACE_LOCAL, false, id, &s->func->vars);
	if (lex_word(x, ".param")) /* what a call passes lies in local memory */
		return ptx_variable(x, SPACE_LOCAL, false, id, &s->func->vars);
	if (lex_word(x, "call"))
		return ptx_call(s);
	if (x->kind == LEX_DIRECTIVE)
		return ignored(x);
	if (x->kind == LEX_END)
		return lex_fail(x, "the function has no end");
	if (x->kind == LEX_NAME && before_colon(x))
		return label(s);
	return instruction(s);
}

int ptx_body(struct lex *x, struct ptx_func *f)
{
	struct scope s;

	scope_begin(&s, x, f);
	if (scope_push(&s) < 0 || lex_next(x) < 0)
		return -1;
	while (s.depth)
		if (ptx_statement(&s) < 0)
			return -1;
	for (uint32_t i = 0; i < f->nlabels; i++)
		if (f->labels[i].insn < 0 && !f->labels[i].targets) {
			x->line = f->labels[i].line;
			return lex_fail(x, "unknown name '%s'", f->labels[i].name);
		}
	return lex_next(x);
}
