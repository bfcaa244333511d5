/*
 * Live ranges and slots. PTX has a fresh register for almost every value;
 * a warp's registers must stay in the first-level cache. Ranges are single
 * intervals of instruction numbers (bit-set data flow over blocks, then
 * widened), slots are given in order of the intervals' starts.
 *
 * A predicated write keeps the old value in the lanes that are off, so it
 * counts as a use, too. Lanes that are off elsewhere need no care: writes
 * under a partial mask leave them alone.
 */
#include "emulator/kernel.h"

#include <string.h>

struct range {
	uint32_t start, end;
	bool seen;
};

struct live {
	const struct ptx_func *f;
	const struct cfg *c;
	uint32_t words;			/* of a bit set */
	uint64_t *use, *def, *in, *out; /* by block */
	struct range *range;
};

bool live_has_result(const struct ptx_insn *i)
{
	static const char *const none[] = {
		"st.",	    "red.",	"bra",	      "brx.",  "bar.",		 "barrier.",
		"membar.",  "fence.",	"ret",	      "exit",  "trap",		 "prefetch",
		"bar.warp", "discard.", "nanosleep.", "brkpt", "griddepcontrol."};

	for (size_t k = 0; k < COUNT_OF(none); k++)
		if (!strncmp(i->opcode, none[k], strlen(none[k])))
			return false;
	return true;
}

typedef void (*visit)(struct live *, uint32_t at, int32_t reg, bool write, void *arg);

static void visit_operand(struct live *l, uint32_t at, const struct ptx_operand *o, bool write,
			  visit fn, void *arg)
{
	if (o->kind == OPERAND_VEC) {
		for (uint32_t k = 0; k < o->count; k++)
			visit_operand(l, at, &o->elem[k], write, fn, arg);
		return;
	}
	if (o->reg >= 0)
		fn(l, at, o->reg, write && o->kind != OPERAND_MEM, arg);
	if (o->second >= 0)
		fn(l, at, o->second, write, arg);
}

/* Uses first, then the result. */
static void visit_insn(struct live *l, uint32_t at, visit fn, void *arg)
{
	const struct ptx_insn *i = &l->f->insns[at];
	bool result = i->count && live_has_result(i);

	if (i->guard >= 0) {
		fn(l, at, i->guard, false, arg);
		if (result)
			visit_operand(l, at, &i->operand[0], false, fn, arg);
	}
	for (uint32_t k = result ? 1 : 0; k < i->count; k++)
		visit_operand(l, at, &i->operand[k], false, fn, arg);
	if (result)
		visit_operand(l, at, &i->operand[0], true, fn, arg);
}

static bool has(const uint64_t *set, int32_t reg)
{
	return set[reg / 64] >> (reg % 64) & 1;
}

static void gather(struct live *l, uint32_t at, int32_t reg, bool write, void *arg)
{
	size_t block = *(uint32_t *)arg * (size_t)l->words;
	uint64_t bit = (uint64_t)1 << (reg % 64);

	(void)at;
	if (write)
		l->def[block + (size_t)reg / 64] |= bit;
	else if (!has(l->def + block, reg))
		l->use[block + (size_t)reg / 64] |= bit;
}

static void flow(struct live *l)
{
	bool changed = true;

	while (changed) {
		changed = false;
		for (uint32_t b = l->c->nblocks; b-- > 0;) {
			uint64_t *in = l->in + (size_t)b * l->words;
			uint64_t *out = l->out + (size_t)b * l->words;

			for (uint32_t k = 0; k < cfg_successor_count(&l->c->blocks[b]); k++) {
				uint32_t s = cfg_successors(l->c, l->f, b, k);

				if (s < l->c->nblocks)
					for (uint32_t j = 0; j < l->words; j++)
						out[j] |= l->in[(size_t)s * l->words + j];
			}
			for (uint32_t j = 0; j < l->words; j++) {
				size_t at = (size_t)b * l->words + j;
				uint64_t v = l->use[at] | (out[j] & ~l->def[at]);

				changed |= v != in[j];
				in[j] = v;
			}
		}
	}
}

static void widen(struct live *l, uint32_t at, int32_t reg, bool write, void *arg)
{
	struct range *r = &l->range[reg];

	(void)write;
	(void)arg;
	if (!r->seen)
		*r = (struct range){at, at, true};
	r->start = MIN(r->start, at);
	r->end = MAX(r->end, at);
}

static void find_ranges(struct live *l)
{
	for (uint32_t b = 0; b < l->c->nblocks; b++) {
		const struct cfg_block *k = &l->c->blocks[b];

		for (uint32_t i = k->first; i < k->end; i++)
			visit_insn(l, i, widen, NULL);
		if (k->end == k->first)
			continue;
		for (int32_t r = 0; r < (int32_t)l->f->nregs; r++) {
			if (has(l->in + (size_t)b * l->words, r))
				widen(l, k->first, r, false, NULL);
			if (has(l->out + (size_t)b * l->words, r))
				widen(l, k->end - 1, r, false, NULL);
		}
	}
}

/* Registers by the instruction at which their ranges start or end: linked lists in arrays. */
struct lists {
	int32_t *head, *next;
};

static struct lists by_position(struct arena *a, const struct live *l, bool ends)
{
	struct lists x = {NEW(a, l->f->ninsns + 1, int32_t), NEW(a, l->f->nregs + 1, int32_t)};

	memset(x.head, 0xff, (l->f->ninsns + 1) * sizeof(*x.head));
	for (int32_t r = (int32_t)l->f->nregs - 1; r >= 0; r--)
		if (l->range[r].seen) {
			uint32_t at = ends ? l->range[r].end : l->range[r].start;

			x.next[r] = x.head[at];
			x.head[at] = r;
		}
	return x;
}

/* Slots of one class: numbers, reused last in first out. */
struct pool {
	uint32_t *free;
	uint32_t nfree, used;
};

static bool several_results(const struct ptx_insn *i)
{
	return i->count && (i->operand[0].kind == OPERAND_VEC || i->operand[0].second >= 0);
}

static void release(const struct live *l, const struct lists *ends, uint32_t at, bool started_here,
		    const uint32_t *slot, struct pool *pools)
{
	for (int32_t r = ends->head[at]; r >= 0; r = ends->next[r]) {
		struct pool *p = &pools[l->f->regs[r].class];

		if ((l->range[r].start == at) == started_here)
			p->free[p->nfree++] = slot[r];
	}
}

static void assign(struct arena *a, const struct live *l, uint32_t *slot, struct pool *pools,
		   uint32_t *most)
{
	struct lists starts = by_position(a, l, false), ends = by_position(a, l, true);

	for (uint32_t at = 0; at < l->f->ninsns; at++) {
		bool several = several_results(&l->f->insns[at]);

		if (!several)
			release(l, &ends, at, false, slot, pools);
		for (int32_t r = starts.head[at]; r >= 0; r = starts.next[r]) {
			struct pool *p = &pools[l->f->regs[r].class];

			slot[r] = p->nfree ? p->free[--p->nfree] : p->used++;
		}
		*most = MAX(*most, pools[CLASS_32].used - pools[CLASS_32].nfree +
					   2 * (pools[CLASS_64].used - pools[CLASS_64].nfree));
		if (several)
			release(l, &ends, at, false, slot, pools);
		release(l, &ends, at, true, slot, pools);
	}
}

void live_slots(struct arena *a, const struct ptx_func *f, const struct cfg *c, struct slots *s)
{
	struct live l = {.f = f, .c = c, .words = f->nregs / 64 + 1};
	size_t set = (size_t)l.words * c->nblocks;
	struct pool pools[CLASS_COUNT];
	uint32_t base[CLASS_COUNT];
	static const uint32_t size[CLASS_COUNT] = {4, SLOT32, SLOT64};

	l.use = NEW(a, set, uint64_t);
	l.def = NEW(a, set, uint64_t);
	l.in = NEW(a, set, uint64_t);
	l.out = NEW(a, set, uint64_t);
	l.range = NEW(a, f->nregs + 1, struct range);
	for (uint32_t b = 0; b < c->nblocks; b++)
		for (uint32_t i = c->blocks[b].first; i < c->blocks[b].end; i++)
			visit_insn(&l, i, gather, &b);
	flow(&l);
	find_ranges(&l);
	for (int k = 0; k < CLASS_COUNT; k++)
		pools[k] = (struct pool){NEW(a, f->nregs + 1, uint32_t), 0, 0};
	s->offset = NEW(a, f->nregs + 1, uint32_t);
	s->registers = 0;
	assign(a, &l, s->offset, pools, &s->registers);
	base[CLASS_64] = REGS_FIRST;
	base[CLASS_32] = base[CLASS_64] + pools[CLASS_64].used * SLOT64;
	base[CLASS_PRED] = base[CLASS_32] + pools[CLASS_32].used * SLOT32;
	s->end = (uint32_t)round_up(base[CLASS_PRED] + pools[CLASS_PRED].used * 4, 256);
	for (uint32_t r = 0; r < f->nregs; r++)
		s->offset[r] = base[f->regs[r].class] + s->offset[r] * size[f->regs[r].class];
}
