/* Control flow, barriers, and what lanes do together. */
#include "emulator/decode.h"
#include "emulator/exec_control.h"

#include <string.h>

static void fix(struct decoder *d, uint32_t block, int field)
{
	struct fixup *f;

	d->fixups = GROW(d->arena, d->fixups, d->nfixups);
	f = &d->fixups[d->nfixups++];
	f->op = d->kernel->nops - 1;
	f->block = block;
	f->field = field ? FIX_JOIN : FIX_TARGET;
}

static struct op *emit_bare(struct decoder *d, const char *plain, const char *conditional)
{
	const struct ptx_insn *i = d->insn;
	struct ptx_insn bare = *i;
	struct op *o;

	/* the predicate is the operation's own, not a guard in front of it */
	bare.guard = -1;
	d->insn = &bare;
	o = decode_emit_control(d, i->guard >= 0 ? conditional : plain);
	d->insn = i;
	if (i->guard >= 0) {
		o->a = d->slots.offset[i->guard];
		o->x = i->guard_negated;
	}
	return o;
}

int decode_nothing(struct decoder *d)
{
	(void)d;
	return 0;
}

int decode_bra(struct decoder *d)
{
	const struct cfg_block *b = &d->cfg.blocks[d->block];
	const struct ptx_label *l = &d->func->labels[d->insn->operand[0].label];

	emit_bare(d, "bra", "bra.if");
	fix(d, d->cfg.block_of[l->insn], 0);
	if (d->insn->guard >= 0 && b->meet >= 0)
		fix(d, (uint32_t)b->meet, 1);
	return 0;
}

/* The table of targets holds operations; the operation behind it the meeting point. */
int decode_brx(struct decoder *d)
{
	const struct cfg_block *b = &d->cfg.blocks[d->block];
	uint32_t n = b->table->ntargets, index;
	struct op *o;

	if (decode_source(d, &d->insn->operand[0], 'w', &index) < 0)
		return -1;
	o = decode_emit_control(d, "brx");
	o->a = index;
	o->x = n;
	o->mem = d->block;
	decode_emit_control(d, "nop");
	if (b->meet >= 0)
		fix(d, (uint32_t)b->meet, 1);
	return 0;
}

int decode_end(struct decoder *d)
{
	emit_bare(d, "ret", "ret.if");
	return 0;
}

int decode_trap(struct decoder *d)
{
	decode_emit_control(d, "trap");
	return 0;
}

/* bar.sync a[, b], barrier.sync[.aligned] a[, b] */
int decode_bar(struct decoder *d)
{
	struct words w;
	uint32_t a, b = 0;
	struct op *o;

	if (decode_words(d, &w) < 0 || decode_count(d, 1, 2) < 0)
		return -1;
	w.at = 1;
	words_take(&w, "cta");
	if (!words_take(&w, "sync") || (w.at != w.n && !words_take(&w, "aligned")) || w.at != w.n)
		return decode_fail(d, "this form is not supported");
	if (decode_source(d, &d->insn->operand[0], 'w', &a) < 0 ||
	    (d->insn->count == 2 && decode_source(d, &d->insn->operand[1], 'w', &b) < 0))
		return -1;
	if (d->insn->count == 2 || d->insn->operand[0].kind != OPERAND_INT ||
	    d->insn->operand[0].bits)
		d->kernel->splits = true;
	o = decode_emit_control(d, "bar");
	o->a = a;
	o->b = b;
	o->x = d->insn->count == 2;
	return 0;
}

int decode_warp_sync(struct decoder *d)
{
	uint32_t a;

	if (decode_count(d, 1, 1) < 0 || decode_source(d, &d->insn->operand[0], 'w', &a) < 0)
		return -1;
	decode_emit_control(d, "warp.sync")->a = a;
	return 0;
}

int decode_shfl(struct decoder *d)
{
	static const char *const modes[] = {"up", "down", "bfly", "idx"};
	const struct ptx_operand *to = &d->insn->operand[0];
	struct words w;
	uint32_t slot[5], mode = 0, p = d->sink_pred;
	struct op *o;

	if (decode_words(d, &w) < 0 || decode_count(d, 5, 5) < 0)
		return -1;
	while (mode < COUNT_OF(modes) && strcmp(modes[mode], w.word[2]) != 0)
		mode++;
	if (mode == COUNT_OF(modes) || w.n != 4 || strcmp(w.word[3], "b32") != 0)
		return decode_fail(d, "this form is not supported");
	for (uint32_t k = 1; k < 5; k++)
		if (decode_source(d, &d->insn->operand[k], 'w', &slot[k]) < 0)
			return -1;
	if (decode_result(d, to, 'w', &slot[0]) < 0)
		return -1;
	if (to->second >= 0) {
		if (d->func->regs[to->second].class != CLASS_PRED)
			return decode_fail(d, "a predicate is expected");
		p = d->slots.offset[to->second];
	}
	o = decode_emit_control(d, "shfl");
	o->d = slot[0];
	o->a = slot[1];
	o->b = slot[2];
	o->c = slot[3];
	o->imm = slot[4];
	o->e = p;
	o->x = mode;
	return 0;
}

int decode_vote(struct decoder *d)
{
	static const char *const modes[] = {"ballot", "any", "all", "uni"};
	struct words w;
	struct ptx_operand p = d->insn->operand[1];
	uint32_t mode = 0, to, from, members;
	bool negated = p.negated;
	struct op *o;

	if (decode_words(d, &w) < 0 || decode_count(d, 3, 3) < 0)
		return -1;
	while (mode < COUNT_OF(modes) && strcmp(modes[mode], w.word[2]) != 0)
		mode++;
	if (mode == COUNT_OF(modes) || w.n != 4)
		return decode_fail(d, "this form is not supported");
	p.negated = false;
	if (decode_source(d, &p, 'p', &from) < 0 ||
	    decode_source(d, &d->insn->operand[2], 'w', &members) < 0 ||
	    decode_result(d, &d->insn->operand[0], mode == VOTE_BALLOT ? 'w' : 'p', &to) < 0)
		return -1;
	o = decode_emit_control(d, "vote");
	o->d = to;
	o->a = from;
	o->b = members;
	o->x = mode | (negated ? VOTE_NEGATED : 0);
	return 0;
}

int decode_activemask(struct decoder *d)
{
	uint32_t to;

	if (decode_count(d, 1, 1) < 0 || decode_result(d, &d->insn->operand[0], 'w', &to) < 0)
		return -1;
	decode_emit_control(d, "activemask")->d = to;
	return 0;
}

int decode_redux(struct decoder *d)
{
	static const struct {
		const char *op;
		uint32_t mode;
	} rows[] = {{"redux.sync.add.u32", REDUX_ADD},	 {"redux.sync.add.s32", REDUX_ADD},
		    {"redux.sync.and.b32", REDUX_AND},	 {"redux.sync.or.b32", REDUX_OR},
		    {"redux.sync.xor.b32", REDUX_XOR},	 {"redux.sync.min.u32", REDUX_MIN_U},
		    {"redux.sync.max.u32", REDUX_MAX_U}, {"redux.sync.min.s32", REDUX_MIN_S},
		    {"redux.sync.max.s32", REDUX_MAX_S}};
	uint32_t to, from, members, k = 0;
	struct op *o;

	while (k < COUNT_OF(rows) && strcmp(rows[k].op, d->insn->opcode) != 0)
		k++;
	if (k == COUNT_OF(rows))
		return decode_fail(d, "this form is not supported");
	if (decode_count(d, 3, 3) < 0 || decode_source(d, &d->insn->operand[1], 'w', &from) < 0 ||
	    decode_source(d, &d->insn->operand[2], 'w', &members) < 0 ||
	    decode_result(d, &d->insn->operand[0], 'w', &to) < 0)
		return -1;
	o = decode_emit_control(d, "redux");
	o->d = to;
	o->a = from;
	o->b = members;
	o->x = rows[k].mode;
	return 0;
}
