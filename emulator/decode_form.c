/*
 * Instructions that are rows of the form tables, and those that become rows
 * after a little rewriting: mov, cvt, cvta, setp, set, and the modifiers
 * .ftz and .sat, which are composed of separate operations.
 */
#include "emulator/decode.h"

#include <stdio.h>
#include <string.h>

/* Takes ".word" out of a name that has it before its type. */
static bool strip(char *name, const char *word)
{
	char *at = strstr(name, word);
	size_t len = strlen(word);

	if (!at || at[len] != '.')
		return false;
	memmove(at, at + len, strlen(at + len) + 1);
	return true;
}

/* How a form is run: flush the float sources, clamp or flush the result. */
struct recipe {
	const struct form *form;
	bool flush, saturate;
};

static bool find(const struct decoder *d, const char *opcode, struct recipe *r)
{
	char name[96];

	*r = (struct recipe){.form = decode_form(d, opcode)};
	if (r->form)
		return true;
	snprintf(name, sizeof(name), "%s", opcode);
	r->flush = strip(name, ".ftz");
	if (!r->flush || !(r->form = decode_form(d, name)))
		r->saturate = strip(name, ".sat");
	r->form = decode_form(d, name);
	return r->form && strpbrk(r->form->sig, "fg") && (!r->saturate || *r->form->sig != 'p');
}

/* Sources 1.. of the form into slot[], flushed where the recipe says so. */
static int sources(struct decoder *d, const struct recipe *r, uint32_t *slot)
{
	const char *sig = r->form->sig;

	for (uint32_t k = 1; sig[k] && sig[k] != 'i'; k++) {
		if (decode_source(d, &d->insn->operand[k], sig[k], &slot[k]) < 0)
			return -1;
		if (r->flush && sig[k] == 'f') {
			uint32_t t = decode_temp(d);
			struct op *o = decode_emit_form(d, "flush.f32");

			o->d = t;
			o->a = slot[k];
			slot[k] = t;
		}
	}
	return 0;
}

static void finish(struct decoder *d, const struct recipe *r, uint32_t slot)
{
	struct op *o;

	if (r->saturate) {
		o = decode_emit_form(d, *r->form->sig == 'g' ? "sat.f64" : "sat.f32");
		o->d = o->a = slot;
	}
	if (r->flush && *r->form->sig == 'f') {
		o = decode_emit_form(d, "flush.f32");
		o->d = o->a = slot;
	}
}

static int run_recipe(struct decoder *d, const struct recipe *r)
{
	uint32_t slot[PTX_OPERANDS] = {0}, n = (uint32_t)strlen(r->form->sig);
	struct op *o;

	if (decode_count(d, n, n) < 0 || sources(d, r, slot) < 0)
		return -1;
	if (decode_result(d, &d->insn->operand[0], *r->form->sig, &slot[0]) < 0)
		return -1;
	o = decode_emit_form(d, r->form->name);
	o->d = slot[0];
	o->a = slot[1];
	o->b = slot[2];
	o->c = slot[3];
	o->e = slot[4];
	if (r->form->sig[n - 1] == 'i') {
		if (d->insn->operand[n - 1].kind != OPERAND_INT)
			return decode_fail(d, "the last operand must be a number");
		o->imm = (int64_t)d->insn->operand[n - 1].bits;
	}
	finish(d, r, slot[0]);
	return 0;
}

int decode_plain(struct decoder *d)
{
	struct recipe r;

	if (!find(d, d->insn->opcode, &r))
		return decode_fail(d, "this opcode is not supported");
	return run_recipe(d, &r);
}

static int one(struct decoder *d, const char *form, uint32_t to, uint32_t from)
{
	struct op *o = decode_emit_form(d, form);

	o->d = to;
	o->a = from;
	return 0;
}

/* mov.b64 {a, b}, v and its like: halves of halves where there are four. */
static int unpack(struct decoder *d, const struct ptx_operand *to, bool wide)
{
	uint32_t from, slot[4], part[2];

	if (decode_source(d, &d->insn->operand[1], wide ? 'd' : 'w', &from) < 0)
		return -1;
	for (uint32_t k = 0; k < to->count; k++)
		if (decode_result(d, &to->elem[k], 'w', &slot[k]) < 0)
			return -1;
	if (to->count == 2) {
		one(d, wide ? "lo.b64" : "lo.b32", slot[0], from);
		return one(d, wide ? "hi.b64" : "hi.b32", slot[1], from);
	}
	part[0] = decode_temp(d);
	part[1] = decode_temp(d);
	one(d, "lo.b64", part[0], from);
	one(d, "hi.b64", part[1], from);
	for (uint32_t k = 0; k < 4; k++)
		one(d, k & 1 ? "hi.b32" : "lo.b32", slot[k], part[k / 2]);
	return 0;
}

static void pack(struct decoder *d, const char *form, uint32_t to, uint32_t low, uint32_t high)
{
	struct op *o = decode_emit_form(d, form);

	o->d = to;
	o->a = low;
	o->b = high;
}

static int pack_all(struct decoder *d, const struct ptx_operand *from, bool wide)
{
	uint32_t to, slot[4], part[2];

	for (uint32_t k = 0; k < from->count; k++)
		if (decode_source(d, &from->elem[k], 'w', &slot[k]) < 0)
			return -1;
	if (decode_result(d, &d->insn->operand[0], wide ? 'd' : 'w', &to) < 0)
		return -1;
	if (from->count == 2) {
		pack(d, wide ? "pack.b64" : "pack.b32", to, slot[0], slot[1]);
		return 0;
	}
	part[0] = decode_temp(d);
	part[1] = decode_temp(d);
	pack(d, "pack.b32", part[0], slot[0], slot[1]);
	pack(d, "pack.b32", part[1], slot[2], slot[3]);
	pack(d, "pack.b64", to, part[0], part[1]);
	return 0;
}

int decode_mov(struct decoder *d)
{
	const struct ptx_operand *to = &d->insn->operand[0], *from = &d->insn->operand[1];
	const struct ptx_operand *vec = to->kind == OPERAND_VEC ? to : from;
	bool wide = !strcmp(d->insn->opcode, "mov.b64");
	struct op *o;
	int which;

	if (decode_count(d, 2, 2) < 0)
		return -1;
	if (vec->kind == OPERAND_VEC) {
		if (!(wide || !strcmp(d->insn->opcode, "mov.b32")) ||
		    !(vec->count == 2 || (wide && vec->count == 4)))
			return decode_fail(d, "this vector form is not supported");
		return to->kind == OPERAND_VEC ? unpack(d, to, wide) : pack_all(d, from, wide);
	}
	if (from->kind != OPERAND_SPECIAL)
		return decode_plain(d);
	which = decode_special(from->name);
	if (which < 0)
		return decode_fail(d, "special register %s is not supported", from->name);
	o = decode_emit(d, d->exec->control("special"), d->exec->masked32);
	o->x = (uint32_t)which;
	return decode_result(d, to, 'w', &o->d);
}

/* cvta.to.SPACE: generic address to an offset in the space; cvta.SPACE: the other way. */
int decode_cvta(struct decoder *d)
{
	struct words w;
	bool to;
	uint64_t window;
	uint32_t from;
	struct op *o;

	if (decode_words(d, &w) < 0 || decode_count(d, 2, 2) < 0)
		return -1;
	w.at = 1;
	to = words_take(&w, "to");
	if (words_take(&w, "global") || words_take(&w, "const"))
		window = 0;
	else if (words_take(&w, "shared") || words_take(&w, "shared::cta"))
		window = WINDOW_SHARED;
	else if (words_take(&w, "local"))
		window = WINDOW_LOCAL;
	else
		return decode_fail(d, "this state space is not supported");
	if (!words_take(&w, "u64") || w.at != w.n)
		return decode_fail(d, "this form is not supported");
	if (decode_source(d, &d->insn->operand[1], 'd', &from) < 0)
		return -1;
	to = to && window;
	window = decode_constant(d, to ? ~WINDOW_MASK : window, true);
	o = decode_emit_form(d, to ? "and.b64" : "or.b64");
	o->a = from;
	o->b = (uint32_t)window;
	return decode_result(d, &d->insn->operand[0], 'd', &o->d);
}

static bool is_float(const char *type)
{
	return type[0] == 'f' || type[0] == 'b';
}

/* A rounding that can change nothing is left out: between integers, to as wide a float or a wider
 * one. */
static bool rounds(const char *to, const char *from, const char *rounding)
{
	if (!is_float(to) && !is_float(from))
		return false;
	if (!is_float(to) || !is_float(from) || strlen(rounding) != 2 || strstr(to, "x2"))
		return true;
	return ptx_type_bits(to, strlen(to)) < ptx_type_bits(from, strlen(from));
}

/* The canonical name of a conversion, see cvt.def. */
static int cvt_name(struct decoder *d, char *name, size_t size, struct recipe *r)
{
	static const char *const roundings[] = {"rni", "rzi", "rmi", "rpi", "rn", "rz", "rm", "rp"};
	const char *rounding = "", *to, *from;
	struct words w;

	if (decode_words(d, &w) < 0)
		return -1;
	w.at = 1;
	for (size_t i = 0; i < COUNT_OF(roundings) && !*rounding; i++)
		if (words_take(&w, roundings[i]))
			rounding = roundings[i];
	r->flush = words_take(&w, "ftz");
	r->saturate = words_take(&w, "sat");
	if (w.n != w.at + 2)
		return decode_fail(d, "this conversion is not supported");
	to = w.word[w.at];
	from = w.word[w.at + 1];
	if (!rounds(to, from, rounding))
		rounding = "";
	/* from a float to an integer always clamps; between integers there are rows for both */
	snprintf(name, size, "cvt%s%s%s.%s.%s", *rounding ? "." : "", rounding,
		 r->saturate && !is_float(to) && !is_float(from) ? ".sat" : "", to, from);
	r->saturate = r->saturate && is_float(to);
	return 0;
}

int decode_cvt(struct decoder *d)
{
	struct recipe r = {0};
	char name[96];

	if (cvt_name(d, name, sizeof(name), &r) < 0)
		return -1;
	r.form = decode_form(d, name);
	if (!r.form || (r.saturate && !strchr("fg", *r.form->sig)))
		return decode_fail(d, "this conversion is not supported");
	return run_recipe(d, &r);
}

/* Common to setp and set: word[1] is the comparison; gives the form and how a third predicate
 * joins. */
static int comparison(struct decoder *d, struct words *w, const char *type, struct recipe *r,
		      uint32_t *join)
{
	static const char *const joins[] = {"and", "or", "xor"};
	char name[48];

	snprintf(name, sizeof(name), "setp.%s.%s", w->word[1], type);
	*join = 0;
	w->at = 2;
	for (uint32_t k = 0; k < COUNT_OF(joins); k++)
		if (words_take(w, joins[k]))
			*join = k;
	r->flush = words_take(w, "ftz");
	r->saturate = false;
	r->form = decode_form(d, name);
	return r->form ? 0 : decode_fail(d, "this comparison is not supported");
}

/* The operation itself; its results go to the predicates p and q. */
static int compare(struct decoder *d, const struct recipe *r, uint32_t join, uint32_t p, uint32_t q)
{
	uint32_t slot[PTX_OPERANDS], third = d->kernel->true_pred;
	struct ptx_operand c = d->insn->operand[3];
	struct op *o;

	if (decode_count(d, 3, 4) < 0 || sources(d, r, slot) < 0)
		return -1;
	if (d->insn->count == 4) {
		join |= c.negated ? 4 : 0;
		c.negated = false;
		if (decode_source(d, &c, 'p', &third) < 0)
			return -1;
	}
	o = decode_emit_form(d, r->form->name);
	o->d = p;
	o->e = q;
	o->a = slot[1];
	o->b = slot[2];
	o->c = third;
	o->x = join;
	return 0;
}

int decode_setp(struct decoder *d)
{
	struct words w;
	struct recipe r;
	uint32_t join, p, q = d->sink_pred;
	const struct ptx_operand *to = &d->insn->operand[0];

	if (decode_words(d, &w) < 0 || w.n < 3 || comparison(d, &w, w.word[w.n - 1], &r, &join) < 0)
		return w.n < 3 ? decode_fail(d, "this form is not supported") : -1;
	if (w.at != w.n - 1)
		return decode_fail(d, "this form is not supported");
	if (decode_result(d, to, 'p', &p) < 0)
		return -1;
	if (to->second >= 0) {
		if (d->func->regs[to->second].class != CLASS_PRED)
			return decode_fail(d, "a predicate is expected");
		q = d->slots.offset[to->second];
	}
	return compare(d, &r, join, p, q);
}

/* set.CMP.TO.FROM: all ones or 1.0 where the comparison holds. */
int decode_set(struct decoder *d)
{
	struct words w;
	struct recipe r;
	uint32_t join, to, value;
	const char *type;
	struct op *o;

	if (decode_words(d, &w) < 0 || w.n < 4 || comparison(d, &w, w.word[w.n - 1], &r, &join) < 0)
		return w.n < 4 ? decode_fail(d, "this form is not supported") : -1;
	type = w.word[w.at];
	if (w.at != w.n - 2 || (strcmp(type, "u32") && strcmp(type, "s32") && strcmp(type, "f32")))
		return decode_fail(d, "this form is not supported");
	if (compare(d, &r, join, d->temp_pred, d->sink_pred) < 0 ||
	    decode_result(d, &d->insn->operand[0], 'w', &to) < 0)
		return -1;
	value = decode_constant(d, *type == 'f' ? 0x3f800000 : FULL_MASK, false);
	o = decode_emit_form(d, "selp.b32");
	o->d = to;
	o->a = value;
	o->b = decode_constant(d, 0, false);
	o->c = d->temp_pred;
	return 0;
}

/* add.cc, addc, addc.cc and the like: the forms "carry.NAME.TYPE" */
int decode_carry(struct decoder *d)
{
	struct words w;
	const struct form *f;
	uint32_t slot[4] = {0}, n;
	char name[32];
	struct op *o;
	bool in, out;

	if (decode_words(d, &w) < 0)
		return -1;
	in = w.word[0][3] == 'c';
	out = w.n > 2 && !strcmp(w.word[w.n - 2], "cc");
	snprintf(name, sizeof(name), "carry.%.3s%s%s.%s", w.word[0], *w.word[0] == 'm' ? "." : "",
		 *w.word[0] == 'm' ? w.word[1] : "", w.word[w.n - 1]);
	f = decode_form(d, name);
	if (!f)
		return decode_fail(d, "this opcode is not supported");
	n = (uint32_t)strlen(f->sig);
	if (decode_count(d, n, n) < 0 || decode_result(d, &d->insn->operand[0], *f->sig, slot) < 0)
		return -1;
	for (uint32_t k = 1; k < n; k++)
		if (decode_source(d, &d->insn->operand[k], *f->sig, &slot[k]) < 0)
			return -1;
	o = decode_emit(d, f->run, f->run);
	o->d = slot[0];
	o->a = slot[1];
	o->b = slot[2];
	o->c = slot[n - 1];
	o->e = d->carry;
	o->x = (in ? CARRY_IN : 0) | (out ? CARRY_OUT : 0);
	return 0;
}
