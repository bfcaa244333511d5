/*
 * Makes the operations of a kernel, block by block in the order of the text.
 * A block begins with `meet` where paths meet, then with `count` where
 * counters are wanted.
 */
#include "emulator/decode.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BUCKETS	       2048u
#define LIVE_WORDS_MAX (1u << 24) /* of one bit set per block */

struct form_row {
	const struct form *form;
	uint32_t next; /* number + 1 of the next one in the bucket */
};

struct form_index {
	uint32_t *head;
	struct form_row *rows;
};

static uint32_t hash(const char *s)
{
	uint32_t h = 2166136261u;

	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * 16777619u;
	return h % BUCKETS;
}

const struct form *decode_form(const struct decoder *d, const char *name)
{
	for (uint32_t i = d->index->head[hash(name)]; i; i = d->index->rows[i - 1].next)
		if (!strcmp(d->index->rows[i - 1].form->name, name))
			return d->index->rows[i - 1].form;
	return NULL;
}

static const struct {
	const char *prefix;
	decode_rule rule;
} rules[] = {
	{"ld.", decode_ld},
	{"st.", decode_st},
	{"mov.pred", decode_plain},
	{"mov.", decode_mov},
	{"setp.", decode_setp},
	{"set.", decode_set},
	{"add.cc.", decode_carry},
	{"addc.", decode_carry},
	{"sub.cc.", decode_carry},
	{"subc.", decode_carry},
	{"mad.lo.cc.", decode_carry},
	{"mad.hi.cc.", decode_carry},
	{"madc.", decode_carry},
	{"cvta.", decode_cvta},
	{"cvt.", decode_cvt},
	{"bra", decode_bra},
	{"brx.idx", decode_brx},
	{"ret", decode_end},
	{"exit", decode_end},
	{"bar.warp.sync", decode_warp_sync},
	{"bar.", decode_bar},
	{"barrier.", decode_bar},
	{"shfl.sync.", decode_shfl},
	{"vote.sync.", decode_vote},
	{"activemask.b32", decode_activemask},
	{"redux.sync.", decode_redux},
	{"atom.", decode_atom},
	{"red.", decode_atom},
	{"membar.", decode_nothing},
	{"fence.", decode_nothing},
	{"prefetch", decode_nothing},
	{"nanosleep.", decode_nothing},
	{"trap", decode_trap},
	{"", decode_plain},
};

static int instruction(struct decoder *d, const struct ptx_insn *i)
{
	size_t k = 0;

	d->insn = i;
	d->temps = 0;
	while (strncmp(i->opcode, rules[k].prefix, strlen(rules[k].prefix)) != 0)
		k++;
	return rules[k].rule(d);
}

/* Offsets of the function's variables; those of the module come first. */
static uint64_t layout(struct ptx_var *v, enum ptx_space space, uint64_t at, uint64_t *align)
{
	for (; v; v = v->next)
		if (v->space == space) {
			*align = MAX(*align, v->align);
			if (v->dynamic)
				continue;
			at = round_up(at, v->align);
			v->offset = at;
			at += v->size;
		}
	return at;
}

static int place_variables(struct decoder *d)
{
	uint64_t align = 16, local = 16;
	uint64_t shared = layout(d->module->vars, SPACE_SHARED, 0, &align);
	uint64_t bytes;

	shared = round_up(layout(d->func->vars, SPACE_SHARED, shared, &align), align);
	bytes = round_up(layout(d->func->vars, SPACE_LOCAL, 0, &local), local);
	if (shared > 1 << 20 || bytes > 512 << 10)
		return fail(d->err, E_PTX, "line %" PRIu32 ": %s: too much shared or local memory",
			    d->func->line, d->func->name);
	d->kernel->shared_bytes = (uint32_t)shared;
	d->kernel->local_bytes = (uint32_t)bytes;
	return 0;
}

/* Adjacent multiply-adds at no guard become a run; each may still be entered alone. */
static void find_runs(struct decoder *d, uint32_t first)
{
	struct kernel *k = d->kernel;
	op_fn fma = decode_form(d, "fma.rn.f32")->run, guard = d->exec->control("guard");

	for (uint32_t i = first; i < k->nops;) {
		uint32_t n = 0;

		while (i + n < k->nops && k->ops[i + n].run[0] == fma)
			n++;
		if (n && i > first && k->ops[i - 1].run[0] == guard) {
			i++; /* the guard's own */
			continue;
		}
		if (n > 1) {
			k->ops[i].run[0] = d->exec->fma_run;
			k->ops[i].run[1] = d->exec->masked_fma;
			k->ops[i].x = n;
		}
		i += MAX(n, 1);
	}
}

static int block(struct decoder *d, uint32_t b, bool count)
{
	static const struct ptx_insn none = {.opcode = "", .guard = -1};
	const struct cfg_block *c = &d->cfg.blocks[b];
	uint32_t first;

	d->block = b;
	d->insn = &none;
	if (c->is_meet)
		decode_emit_control(d, "meet");
	if (count)
		decode_emit_control(d, "count")->mem = b;
	first = d->kernel->nops;
	for (uint32_t i = c->first; i < c->end; i++)
		if (instruction(d, &d->func->insns[i]) < 0)
			return -1;
	find_runs(d, first);
	return 0;
}

/* Pointers to operations, once these lie still. */
static void resolve(struct decoder *d, const uint32_t *start)
{
	struct kernel *k = d->kernel;
	op_fn brx = d->exec->control("brx");

	for (uint32_t i = 0; i < d->nfixups; i++) {
		const struct fixup *f = &d->fixups[i];

		if (f->field == FIX_TARGET)
			k->ops[f->op].target = &k->ops[start[f->block]];
		else
			k->ops[f->op].join = &k->ops[start[f->block]];
	}
	for (uint32_t i = 0; i < k->nops; i++)
		if (k->ops[i].run[0] == brx) {
			uint32_t b = k->ops[i].mem, n = k->ops[i].x;
			const struct op **table = NEW(d->arena, n, const struct op *);

			for (uint32_t j = 0; j < n; j++)
				table[j] = &k->ops[start[cfg_successors(&d->cfg, d->func, b, j)]];
			k->ops[i].table = table;
		}
}

static void build_index(struct decoder *d)
{
	struct form_index *x = NEW(d->arena, 1, struct form_index);
	uint32_t n = 0;

	x->head = NEW(d->arena, BUCKETS, uint32_t);
	for (size_t t = 0; d->exec->forms[t]; t++)
		for (const struct form *f = d->exec->forms[t]; f->name; f++) {
			x->rows = GROW(d->arena, x->rows, n);
			x->rows[n] = (struct form_row){f, x->head[hash(f->name)]};
			x->head[hash(f->name)] = ++n;
		}
	d->index = x;
}

static void special_slots(struct decoder *d)
{
	d->end = d->slots.end;
	d->kernel->true_pred = d->end;
	d->temp_pred = d->end + 8; /* behind true and false */
	d->sink_pred = d->end + 12;
	d->carry = d->end + 16;
	d->end += 256;
}

int decode_kernel(const struct exec *exec, const struct ptx_module *m, const struct ptx_func *f,
		  uint32_t mode, struct kernel *k, struct err *e)
{
	static const struct ptx_insn none = {.opcode = "", .guard = -1};
	struct arena *a = m->arena;
	struct decoder d = {.arena = a,
			    .exec = exec,
			    .module = m,
			    .func = f,
			    .kernel = k,
			    .sanitize = mode & DECODE_SANITIZED,
			    .err = e};
	uint32_t *start;
	struct cfg *cfg;

	*k = (struct kernel){.func = f,
			     .regions = m->regions,
			     .nregions = m->nregions,
			     .unit = 4,
			     .shared_unit = 4};
	build_index(&d);
	if (place_variables(&d) < 0 || cfg_build(a, f, &d.cfg, e) < 0)
		return -1;
	if ((uint64_t)(f->nregs / 64 + 1) * d.cfg.nblocks > LIVE_WORDS_MAX)
		return fail(e, E_PTX, "line %" PRIu32 ": %s is too large", f->line, f->name);
	live_slots(a, f, &d.cfg, &d.slots);
	special_slots(&d);
	start = NEW(a, d.cfg.nblocks + 1, uint32_t);
	for (uint32_t b = 0; b < d.cfg.nblocks; b++) {
		start[b] = k->nops;
		if (block(&d, b, mode & DECODE_COUNTED) < 0)
			return -1;
	}
	/* the end of the text is a return */
	start[d.cfg.nblocks] = k->nops;
	d.insn = &none;
	decode_emit_control(&d, "ret");
	resolve(&d, start);
	cfg = NEW(a, 1, struct cfg);
	*cfg = d.cfg;
	k->cfg = cfg;
	k->nblocks = d.cfg.nblocks;
	k->regs_bytes = (uint32_t)round_up(d.end, 4096) + 256;
	k->registers = d.slots.registers;
	return 0;
}
