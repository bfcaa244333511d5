/* Operands, constants and the emission of operations. */
#include "emulator/decode.h"

#include "emulator/exec_control.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int decode_fail(struct decoder *d, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return fail(d->err, E_PTX, "line %" PRIu32 ": %s: %s", d->insn->line, d->insn->opcode,
		    text);
}

int decode_count(struct decoder *d, uint32_t least, uint32_t most)
{
	if (d->insn->count < least || d->insn->count > most)
		return decode_fail(d, "wrong number of operands");
	return 0;
}

static void push(struct decoder *d, const struct op *o)
{
	struct kernel *k = d->kernel;

	k->ops = GROW(d->arena, k->ops, k->nops);
	k->ops[k->nops++] = *o;
}

struct op *decode_emit(struct decoder *d, op_fn full, op_fn masked)
{
	const struct ptx_insn *i = d->insn;
	struct op o = {.run = {full, masked}, .line = i->line};

	if (i->guard >= 0) {
		op_fn fn = d->exec->control("guard");
		struct op g = {.run = {fn, fn}, .line = i->line};

		g.a = d->slots.offset[i->guard];
		g.x = i->guard_negated;
		push(d, &g);
	}
	push(d, &o);
	return &d->kernel->ops[d->kernel->nops - 1];
}

struct op *decode_emit_form(struct decoder *d, const char *name)
{
	const struct form *f = decode_form(d, name);
	char letter;

	CHECK(f);
	letter = *f->sig;
	return decode_emit(d, f->run,
			   letter == 'p'		    ? f->run
			   : letter == 'd' || letter == 'g' ? d->exec->masked64
							    : d->exec->masked32);
}

struct op *decode_emit_control(struct decoder *d, const char *name)
{
	op_fn fn = d->exec->control(name);

	CHECK(fn);
	return decode_emit(d, fn, fn);
}

uint32_t decode_constant(struct decoder *d, uint64_t bits, bool wide)
{
	struct kernel *k = d->kernel;

	if (!wide)
		bits = (uint32_t)bits;
	for (uint32_t i = 0; i < k->nconstants; i++)
		if (k->constants[i].bits == bits && k->constants[i].wide == wide)
			return k->constants[i].offset;
	k->constants = GROW(d->arena, k->constants, k->nconstants);
	k->constants[k->nconstants++] = (struct constant){bits, d->end, wide};
	d->end += wide ? SLOT64 : SLOT32;
	return k->constants[k->nconstants - 1].offset;
}

uint32_t decode_temp(struct decoder *d)
{
	CHECK(d->temps < REGS_TEMP_COUNT - 1);
	return REGS_TEMP + SLOT64 * d->temps++;
}

uint64_t decode_address(const struct ptx_var *v, const struct kernel *k)
{
	if (v->dynamic)
		return k->shared_bytes;
	return v->offset; /* for module data the address itself, see decode_kernel */
}

int decode_special(const char *name)
{
	static const struct {
		const char *name;
		int which;
	} rows[] = {{"%tid.x", SPECIAL_TID},
		    {"%tid.y", SPECIAL_TID + 1},
		    {"%tid.z", SPECIAL_TID + 2},
		    {"%ntid.x", SPECIAL_NTID},
		    {"%ntid.y", SPECIAL_NTID + 1},
		    {"%ntid.z", SPECIAL_NTID + 2},
		    {"%ctaid.x", SPECIAL_CTAID},
		    {"%ctaid.y", SPECIAL_CTAID + 1},
		    {"%ctaid.z", SPECIAL_CTAID + 2},
		    {"%nctaid.x", SPECIAL_NCTAID},
		    {"%nctaid.y", SPECIAL_NCTAID + 1},
		    {"%nctaid.z", SPECIAL_NCTAID + 2},
		    {"%laneid", SPECIAL_LANEID},
		    {"%warpid", SPECIAL_WARPID},
		    {"%nwarpid", SPECIAL_NWARPID},
		    {"%lanemask_eq", SPECIAL_LANEMASK_EQ},
		    {"%lanemask_lt", SPECIAL_LANEMASK_LT},
		    {"%lanemask_le", SPECIAL_LANEMASK_LE},
		    {"%lanemask_gt", SPECIAL_LANEMASK_GT},
		    {"%lanemask_ge", SPECIAL_LANEMASK_GE},
		    {"%dynamic_smem_size", SPECIAL_DYNAMIC_SHARED},
		    {"%total_smem_size", SPECIAL_TOTAL_SHARED}};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (!strcmp(rows[i].name, name))
			return rows[i].which;
	return -1;
}

static int source_reg(struct decoder *d, const struct ptx_operand *o, char letter, uint32_t *slot)
{
	enum ptx_class class = d->func->regs[o->reg].class;
	enum ptx_class want = letter == 'p'		       ? CLASS_PRED
			      : letter == 'd' || letter == 'g' ? CLASS_64
							       : CLASS_32;
	struct op *p;

	*slot = d->slots.offset[o->reg];
	if (class == CLASS_64 && want == CLASS_32) {
		uint32_t from = *slot;

		/* a wider register where a type is narrower: its low part */
		*slot = decode_temp(d);
		p = decode_emit_form(d, "lo.b64");
		p->d = *slot;
		p->a = from;
	} else if (class != want) {
		return decode_fail(d, "register %s is of the wrong size",
				   d->func->regs[o->reg].name);
	}
	if (o->negated) {
		if (want != CLASS_PRED)
			return decode_fail(d, "only a predicate can be negated");
		p = decode_emit_form(d, "not.pred");
		p->d = d->temp_pred;
		p->a = *slot;
		*slot = d->temp_pred;
	}
	return 0;
}

static int source_number(struct decoder *d, const struct ptx_operand *o, char letter,
			 uint32_t *slot)
{
	uint64_t bits = o->bits;
	float f;
	double v;

	if (letter == 'p') {
		*slot = o->bits ? d->kernel->true_pred : d->kernel->true_pred + 4;
		return 0;
	}
	if (o->kind == OPERAND_F64 && (letter == 'f' || letter == 'w')) {
		uint32_t u;

		memcpy(&v, &bits, sizeof(v));
		f = (float)v;
		memcpy(&u, &f, sizeof(u));
		bits = u;
	} else if (o->kind == OPERAND_F32 && letter == 'g') {
		uint32_t u = (uint32_t)bits;

		memcpy(&f, &u, sizeof(f));
		v = (double)f;
		memcpy(&bits, &v, sizeof(bits));
	} else if (o->kind == OPERAND_INT && (letter == 'f' || letter == 'g') && bits) {
		return decode_fail(d, "an integer stands where a float is expected");
	}
	*slot = decode_constant(d, bits, letter == 'd' || letter == 'g');
	return 0;
}

int decode_source(struct decoder *d, const struct ptx_operand *o, char letter, uint32_t *slot)
{
	int which;
	struct op *p;

	switch (o->kind) {
	case OPERAND_REG:
		return source_reg(d, o, letter, slot);
	case OPERAND_INT:
	case OPERAND_F32:
	case OPERAND_F64:
		return source_number(d, o, letter, slot);
	case OPERAND_VAR:
		*slot = decode_constant(d, decode_address(o->var, d->kernel), letter == 'd');
		return 0;
	case OPERAND_SPECIAL:
		which = decode_special(o->name);
		if (which < 0 || letter != 'w')
			return decode_fail(d, "special register %s is not supported here", o->name);
		*slot = decode_temp(d);
		p = decode_emit(d, d->exec->control("special"), d->exec->masked32);
		p->d = *slot;
		p->x = (uint32_t)which;
		return 0;
	default:
		return decode_fail(d, "this kind of operand is not supported here");
	}
}

int decode_result(struct decoder *d, const struct ptx_operand *o, char letter, uint32_t *slot)
{
	enum ptx_class want = letter == 'p'		       ? CLASS_PRED
			      : letter == 'd' || letter == 'g' ? CLASS_64
							       : CLASS_32;

	if (o->kind == OPERAND_SINK) {
		*slot = want == CLASS_PRED ? d->sink_pred : SINK_SLOT;
		return 0;
	}
	if (o->kind != OPERAND_REG)
		return decode_fail(d, "the result must be a register");
	if (d->func->regs[o->reg].class != want)
		return decode_fail(d, "register %s is of the wrong size",
				   d->func->regs[o->reg].name);
	*slot = d->slots.offset[o->reg];
	return 0;
}

int decode_words(struct decoder *d, struct words *w)
{
	size_t len = strlen(d->insn->opcode);
	char *save = NULL;

	w->n = w->at = 0;
	if (len >= sizeof(w->text))
		return decode_fail(d, "the opcode is too long");
	memcpy(w->text, d->insn->opcode, len + 1);
	for (char *p = strtok_r(w->text, ".", &save); p; p = strtok_r(NULL, ".", &save)) {
		if (w->n == COUNT_OF(w->word) - 1)
			return decode_fail(d, "the opcode is too long");
		w->word[w->n++] = p;
	}
	w->word[w->n] = "";
	return 0;
}

bool words_take(struct words *w, const char *word)
{
	if (strcmp(w->word[w->at], word) != 0)
		return false;
	w->at++;
	return true;
}

void words_skip(struct words *w, const char *const *list)
{
	for (size_t i = 0; list[i]; i++)
		if (words_take(w, list[i]))
			i = (size_t)-1;
}
