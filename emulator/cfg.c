/*
 * Basic blocks of a function and their immediate post-dominators, by the
 * iteration of Cooper, Harvey and Kennedy on the reversed graph. The end of
 * the function is one more node, number nblocks.
 */
#include "emulator/kernel.h"

#include <inttypes.h>
#include <string.h>

enum flow cfg_flow(const struct ptx_insn *i)
{
	if (!strcmp(i->opcode, "bra") || !strcmp(i->opcode, "bra.uni"))
		return FLOW_BRANCH;
	if (!strncmp(i->opcode, "brx.idx", 7))
		return FLOW_TABLE;
	if (!strcmp(i->opcode, "ret") || !strcmp(i->opcode, "exit") ||
	    !strcmp(i->opcode, "ret.uni"))
		return FLOW_END;
	return FLOW_NEXT;
}

static int find_leaders(const struct ptx_func *f, uint8_t *leader, struct err *e)
{
	for (uint32_t k = 0; k < f->nlabels; k++)
		if (f->labels[k].insn >= 0)
			leader[f->labels[k].insn] = 1;
	for (uint32_t i = 0; i < f->ninsns; i++) {
		const struct ptx_insn *n = &f->insns[i];
		enum flow flow = cfg_flow(n);
		uint32_t at = flow == FLOW_TABLE ? 1 : 0;

		if (flow == FLOW_NEXT)
			continue;
		leader[i + 1] = 1;
		if (flow == FLOW_END)
			continue;
		if (n->count <= at || n->operand[at].kind != OPERAND_LABEL)
			return fail(e, E_PTX, "line %" PRIu32 ": %s: a label is expected", n->line,
				    n->opcode);
		if ((flow == FLOW_TABLE) != !!f->labels[n->operand[at].label].targets ||
		    (flow == FLOW_TABLE && n->guard >= 0))
			return fail(e, E_PTX, "line %" PRIu32 ": %s: this form is not supported",
				    n->line, n->opcode);
	}
	return 0;
}

uint32_t cfg_successor_count(const struct cfg_block *b)
{
	return b->table ? b->table->ntargets : b->nnext;
}

uint32_t cfg_successors(const struct cfg *c, const struct ptx_func *f, uint32_t block, uint32_t k)
{
	const struct cfg_block *b = &c->blocks[block];

	if (b->table)
		return c->block_of[f->labels[b->table->targets[k]].insn];
	return b->next[k];
}

static void link_block(const struct ptx_func *f, struct cfg *c, uint32_t k)
{
	struct cfg_block *b = &c->blocks[k];
	const struct ptx_insn *last = b->end > b->first ? &f->insns[b->end - 1] : NULL;
	enum flow flow = last ? cfg_flow(last) : FLOW_NEXT;

	b->meet = -1;
	if (flow == FLOW_TABLE) {
		b->table = &f->labels[last->operand[1].label];
		return;
	}
	if (flow == FLOW_NEXT || last->guard >= 0)
		b->next[b->nnext++] = k + 1; /* behind the last block: the end */
	if (flow == FLOW_BRANCH)
		b->next[b->nnext++] = c->block_of[f->labels[last->operand[0].label].insn];
	else if (flow == FLOW_END)
		b->next[b->nnext++] = c->nblocks;
}

struct order {
	uint32_t *number; /* by node: position in the reversed graph's postorder */
	uint32_t *node;	  /* nodes in that order */
	uint32_t n;
	int32_t *idom; /* by node */
};

static int32_t meet_of(const struct order *o, int32_t x, int32_t y)
{
	while (x != y) {
		while (o->number[x] < o->number[y])
			x = o->idom[x];
		while (o->number[y] < o->number[x])
			y = o->idom[y];
	}
	return x;
}

/* Predecessor lists in one array: the reversed graph's edges. */
struct edges {
	uint32_t *first, *list;
};

static struct edges reversed(struct arena *a, const struct ptx_func *f, const struct cfg *c)
{
	uint32_t n = c->nblocks + 1, total = 0;
	struct edges r = {NEW(a, n + 2, uint32_t), NULL};
	uint32_t *at;

	for (uint32_t b = 0; b < c->nblocks; b++)
		for (uint32_t k = 0; k < cfg_successor_count(&c->blocks[b]); k++, total++)
			r.first[cfg_successors(c, f, b, k) + 1]++;
	for (uint32_t b = 0; b < n; b++)
		r.first[b + 1] += r.first[b];
	r.list = NEW(a, total + 1, uint32_t);
	at = arena_copy(a, r.first, n * sizeof(*at));
	for (uint32_t b = 0; b < c->nblocks; b++)
		for (uint32_t k = 0; k < cfg_successor_count(&c->blocks[b]); k++)
			r.list[at[cfg_successors(c, f, b, k)]++] = b;
	return r;
}

/* Depth-first from the end, without recursion. */
static void number_nodes(struct arena *a, const struct cfg *c, const struct edges *r,
			 struct order *o)
{
	uint32_t n = c->nblocks + 1, depth = 0;
	uint32_t *stack = NEW(a, n, uint32_t), *at = NEW(a, n, uint32_t);
	uint8_t *seen = NEW(a, n, uint8_t);

	stack[depth++] = c->nblocks;
	seen[c->nblocks] = 1;
	while (depth) {
		uint32_t b = stack[depth - 1];

		if (r->first[b] + at[b] < r->first[b + 1]) {
			uint32_t p = r->list[r->first[b] + at[b]++];

			if (!seen[p]) {
				seen[p] = 1;
				stack[depth++] = p;
			}
		} else {
			o->number[b] = o->n;
			o->node[o->n++] = b;
			depth--;
		}
	}
}

static void post_dominators(struct arena *a, const struct ptx_func *f, struct cfg *c)
{
	uint32_t n = c->nblocks + 1;
	struct edges r = reversed(a, f, c);
	struct order o = {NEW(a, n, uint32_t), NEW(a, n, uint32_t), 0, NEW(a, n, int32_t)};
	bool changed = true;

	number_nodes(a, c, &r, &o);
	for (uint32_t b = 0; b < n; b++)
		o.idom[b] = -1;
	o.idom[c->nblocks] = (int32_t)c->nblocks;
	while (changed) {
		changed = false;
		for (uint32_t i = o.n - 1; i-- > 0;) {
			uint32_t b = o.node[i];
			int32_t d = -1;

			for (uint32_t k = 0; k < cfg_successor_count(&c->blocks[b]); k++) {
				int32_t s = (int32_t)cfg_successors(c, f, b, k);

				if (o.idom[s] >= 0)
					d = d < 0 ? s : meet_of(&o, d, s);
			}
			changed |= d != o.idom[b];
			o.idom[b] = d;
		}
	}
	for (uint32_t b = 0; b < c->nblocks; b++) {
		struct cfg_block *k = &c->blocks[b];

		k->meet = o.idom[b] == (int32_t)c->nblocks ? -1 : o.idom[b];
		if (k->meet >= 0 && cfg_successor_count(k) > 1)
			c->blocks[k->meet].is_meet = true;
	}
}

int cfg_build(struct arena *a, const struct ptx_func *f, struct cfg *c, struct err *e)
{
	uint8_t *leader = NEW(a, f->ninsns + 2, uint8_t);

	if (find_leaders(f, leader, e) < 0)
		return -1;
	leader[0] = 1;
	c->block_of = NEW(a, f->ninsns + 2, uint32_t);
	for (uint32_t i = 0; i <= f->ninsns; i++)
		if (leader[i] || i == f->ninsns) {
			if (c->nblocks)
				c->blocks[c->nblocks - 1].end = i;
			if (i == f->ninsns && !leader[i])
				break;
			c->blocks = GROW(a, c->blocks, c->nblocks);
			c->blocks[c->nblocks++] = (struct cfg_block){.first = i, .end = i};
		}
	for (uint32_t b = 0; b < c->nblocks; b++) {
		for (uint32_t i = c->blocks[b].first; i < c->blocks[b].end; i++)
			c->block_of[i] = b;
		if (c->blocks[b].first == f->ninsns)
			c->block_of[f->ninsns] = b;
	}
	for (uint32_t b = 0; b < c->nblocks; b++)
		link_block(f, c, b);
	post_dominators(a, f, c);
	return 0;
}
