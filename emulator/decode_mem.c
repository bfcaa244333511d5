/* Loads, stores and atomics: modifiers of the opcode, address, data registers. */
#include "emulator/decode.h"
#include "emulator/exec_memory.h"

#include <stdio.h>
#include <string.h>

/* Ordering, scope and cache words: the interpreter is stricter than any of them. */
static const char *const ignored[] = {"weak",
				      "volatile",
				      "relaxed",
				      "acquire",
				      "release",
				      "acq_rel",
				      "cta",
				      "gpu",
				      "sys",
				      "nc",
				      "ca",
				      "cg",
				      "cs",
				      "lu",
				      "cv",
				      "wb",
				      "wt",
				      "L1::evict_normal",
				      "L1::evict_unchanged",
				      "L1::evict_first",
				      "L1::evict_last",
				      "L1::no_allocate",
				      "L2::64B",
				      "L2::128B",
				      "L2::256B",
				      NULL};

/* .param of something that a call passes is local. */
static const char *space_word(struct words *w, const struct ptx_operand *o)
{
	static const struct {
		const char *word, *space;
	} rows[] = {{"global", "global"}, {"shared", "shared"}, {"shared::cta", "shared"},
		    {"local", "local"},	  {"param", "param"},	{"param::entry", "param"},
		    {"const", "const"}};
	const char *found = "generic";

	words_skip(w, ignored);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (words_take(w, rows[i].word)) {
			found = rows[i].space;
			break;
		}
	words_skip(w, ignored);
	return !strcmp(found, "param") && o->var && o->var->space == SPACE_LOCAL ? "local" : found;
}

static int address(struct decoder *d, const struct ptx_operand *o, struct op *op)
{
	enum ptx_class class = o->reg >= 0 ? d->func->regs[o->reg].class : CLASS_64;

	if (o->kind != OPERAND_MEM)
		return decode_fail(d, "an address is expected");
	if (class == CLASS_PRED)
		return decode_fail(d, "a predicate is no address");
	if (class == CLASS_64)
		op->x |= MEM_ADDRESS64;
	op->imm = (int64_t)o->bits;
	if (o->reg >= 0)
		op->e = d->slots.offset[o->reg];
	else
		op->e = decode_constant(d, o->var ? decode_address(o->var, d->kernel) : 0, true);
	return 0;
}

/* [.v2|.v4].TYPE, the end of the opcode */
static int element(struct decoder *d, struct words *w, struct op *op, uint32_t *count)
{
	const char *type;
	uint32_t bits;

	*count = words_take(w, "v2") ? 2 : words_take(w, "v4") ? 4 : 1;
	type = w->word[w->at];
	bits = ptx_type_bits(type, strlen(type));
	if (w->at + 1 != w->n || bits < 8 || bits > 64)
		return decode_fail(d, "this form is not supported");
	op->x |= bits / 8 | *count << 4 | (*type == 's' ? MEM_SIGNED : 0);
	return 0;
}

static const struct ptx_operand *part(const struct ptx_operand *o, uint32_t k)
{
	return o->kind == OPERAND_VEC ? &o->elem[k] : o;
}

/* True where the data registers have 64 bits: all or none must. */
static int data_class(struct decoder *d, const struct ptx_operand *o, uint32_t count, struct op *op)
{
	uint32_t wide = 0, regs = 0;

	if ((o->kind == OPERAND_VEC ? o->count : 1) != count)
		return decode_fail(d, "the vector has the wrong length");
	for (uint32_t k = 0; k < count; k++)
		if (part(o, k)->kind == OPERAND_REG) {
			regs++;
			wide += d->func->regs[part(o, k)->reg].class == CLASS_64;
		}
	if ((wide && wide != regs) || (MEM_BYTES(op->x) == 8 && wide != regs))
		return decode_fail(d, "the data registers are of the wrong size");
	if (wide || MEM_BYTES(op->x) == 8)
		op->x |= MEM_DATA64;
	return 0;
}

/* A generic access may be of either kind. */
static void note_unit(struct kernel *k, const char *space, uint32_t bytes)
{
	if (!strcmp(space, "global") || !strcmp(space, "generic"))
		k->unit = MIN(k->unit, bytes);
	if (!strcmp(space, "shared") || !strcmp(space, "generic"))
		k->shared_unit = MIN(k->shared_unit, bytes);
}

static struct op *emit(struct decoder *d, const char *kind, const char *space, const struct op *op)
{
	char name[32];
	op_fn fn;
	struct op *o;

	space = strcmp(space, "const") ? space : "global";
	snprintf(name, sizeof(name), "%s.%s%s", kind, space, d->sanitize ? ".sanitized" : "");
	fn = d->exec->memory(name);
	if (!fn) {
		decode_fail(d, "this state space is not supported");
		return NULL;
	}
	o = decode_emit(d, fn, fn);
	o->d = op->d;
	o->a = op->a;
	o->b = op->b;
	o->c = op->c;
	o->e = op->e;
	o->x = op->x;
	o->imm = op->imm;
	o->mem = d->kernel->nmem++;
	note_unit(d->kernel, space, MEM_BYTES(op->x));
	return o;
}

int decode_ld(struct decoder *d)
{
	struct words w;
	struct op op = {0};
	uint32_t count, *to[4] = {&op.d, &op.a, &op.b, &op.c};
	const struct ptx_operand *data = &d->insn->operand[0];
	const char *space;

	if (decode_words(d, &w) < 0 || decode_count(d, 2, 2) < 0)
		return -1;
	w.at = 1;
	space = space_word(&w, &d->insn->operand[1]);
	op.x = strstr(d->insn->opcode, ".nc.") ? MEM_CONSTANT : 0;
	if (element(d, &w, &op, &count) < 0 || data_class(d, data, count, &op) < 0 ||
	    address(d, &d->insn->operand[1], &op) < 0)
		return -1;
	for (uint32_t k = 0; k < count; k++)
		if (decode_result(d, part(data, k), op.x & MEM_DATA64 ? 'd' : 'w', to[k]) < 0)
			return -1;
	return emit(d, "ld", space, &op) ? 0 : -1;
}

int decode_st(struct decoder *d)
{
	struct words w;
	struct op op = {0};
	uint32_t count, *from[4] = {&op.d, &op.a, &op.b, &op.c};
	const struct ptx_operand *data = &d->insn->operand[1];
	const char *space;

	if (decode_words(d, &w) < 0 || decode_count(d, 2, 2) < 0)
		return -1;
	w.at = 1;
	space = space_word(&w, &d->insn->operand[0]);
	if (element(d, &w, &op, &count) < 0 || data_class(d, data, count, &op) < 0 ||
	    address(d, &d->insn->operand[0], &op) < 0)
		return -1;
	for (uint32_t k = 0; k < count; k++)
		if (decode_source(d, part(data, k), op.x & MEM_DATA64 ? 'd' : 'w', from[k]) < 0)
			return -1;
	return emit(d, "st", space, &op) ? 0 : -1;
}

/* The operation of an atomic by its words. */
static int atom_kind(struct words *w)
{
	static const struct {
		const char *op, *type;
		enum mem_atom kind;
	} rows[] = {{"add", "f32", ATOM_ADD_F32}, {"add", "f64", ATOM_ADD_F64},
		    {"add", "", ATOM_ADD},	  {"min", "s", ATOM_MIN_S},
		    {"min", "u", ATOM_MIN_U},	  {"max", "s", ATOM_MAX_S},
		    {"max", "u", ATOM_MAX_U},	  {"and", "b", ATOM_AND},
		    {"or", "b", ATOM_OR},	  {"xor", "b", ATOM_XOR},
		    {"exch", "", ATOM_EXCH},	  {"cas", "", ATOM_CAS},
		    {"inc", "u32", ATOM_INC},	  {"dec", "u32", ATOM_DEC}};
	const char *op = w->word[w->at], *type = w->word[w->at + 1];

	if (w->at + 2 != w->n || type[0] == 'p' || ptx_type_bits(type, strlen(type)) < 32)
		return -1;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (!strcmp(rows[i].op, op) && !strncmp(type, rows[i].type, strlen(rows[i].type)))
			return (type[0] == 'f' && !rows[i].type[0] && rows[i].kind == ATOM_ADD)
				       ? -1
				       : (int)rows[i].kind;
	return -1;
}

/* The slots: with `at` 1 the result stands first. */
static int atom_operands(struct decoder *d, struct op *op, uint32_t at, bool swap)
{
	const struct ptx_operand *o = d->insn->operand;
	char letter = op->x & MEM_DATA64 ? 'd' : 'w';

	if (decode_count(d, at + 2 + swap, at + 2 + swap) < 0 || address(d, &o[at], op) < 0 ||
	    decode_source(d, &o[at + 1], letter, &op->a) < 0)
		return -1;
	if (swap && decode_source(d, &o[at + 2], letter, &op->b) < 0)
		return -1;
	return at ? decode_result(d, &o[0], letter, &op->d) : 0;
}

/* atom.* d, [a], b[, c] and red.* [a], b */
int decode_atom(struct decoder *d)
{
	struct words w;
	struct op op = {0};
	const char *space, *type;
	int kind;
	bool result;

	if (decode_words(d, &w) < 0)
		return -1;
	result = !strcmp(w.word[0], "atom");
	w.at = 1;
	space = space_word(&w, &d->insn->operand[result]);
	kind = atom_kind(&w);
	if (kind < 0 || (!result && (kind == ATOM_EXCH || kind == ATOM_CAS)))
		return decode_fail(d, "this form is not supported");
	type = w.word[w.n - 1];
	op.x = ptx_type_bits(type, strlen(type)) / 8 | 1 << 4 | (uint32_t)kind << MEM_ATOM_SHIFT;
	op.x |= (MEM_BYTES(op.x) == 8 ? MEM_DATA64 : 0) | (result ? 0 : MEM_NO_RESULT);
	if (atom_operands(d, &op, result, kind == ATOM_CAS) < 0)
		return -1;
	return emit(d, "atom", space, &op) ? 0 : -1;
}
