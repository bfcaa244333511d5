/*
 * Names of a PTX function: one hash table of (kind, scope, name). Ranges of
 * registers are entered when a register of theirs is first used, so that
 * ".reg .b32 %r<10000>" costs nothing.
 */
#include "emulator/ptx_scope.h"

#include <string.h>

#define BUCKETS	  4096u
#define REGS_MAX  1000000u
#define RANGE_MAX 10000000u

enum { NAME_REG, NAME_LABEL };

struct scope_name {
	struct scope_name *next;
	const char *name;
	size_t len;
	int kind, scope;
	int32_t index;
};

struct scope_range {
	struct scope_range *next;
	const char *prefix;
	size_t len;
	int scope;
	uint32_t bits, count;
};

struct scope_alias {
	struct scope_alias *next;
	const char *name;
	int scope;
	struct ptx_var *var;
};

void scope_begin(struct scope *s, struct lex *x, struct ptx_func *f)
{
	*s = (struct scope){.lex = x, .func = f, .end = -1};
	s->table = NEW(x->module->arena, BUCKETS, struct scope_name *);
}

int scope_push(struct scope *s)
{
	if (s->depth == SCOPE_DEPTH_MAX)
		return lex_fail(s->lex, "scopes are nested too deeply");
	s->open[s->depth++] = ++s->last_id;
	return 0;
}

void scope_pop(struct scope *s)
{
	s->depth--;
}

static uint32_t bucket(const char *name, size_t len, int kind, int id)
{
	uint32_t h = 2166136261u ^ (uint32_t)(id * 2 + kind);

	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)name[i]) * 16777619u;
	return h % BUCKETS;
}

static int32_t find(const struct scope *s, int kind, int id, const char *name, size_t len)
{
	const struct scope_name *n = s->table[bucket(name, len, kind, id)];

	for (; n; n = n->next)
		if (n->len == len && n->kind == kind && n->scope == id &&
		    !memcmp(n->name, name, len))
			return n->index;
	return -1;
}

static void enter(struct scope *s, int kind, int id, const char *name, size_t len, int32_t index)
{
	struct scope_name **at = &s->table[bucket(name, len, kind, id)];
	struct scope_name *n = NEW(s->lex->module->arena, 1, struct scope_name);

	*n = (struct scope_name){*at, name, len, kind, id, index};
	*at = n;
}

static int32_t add_reg(struct scope *s, int id, const char *name, size_t len, uint32_t bits)
{
	struct ptx_func *f = s->func;
	struct arena *a = s->lex->module->arena;
	struct ptx_reg r = {arena_strndup(a, name, len),
			    bits == 1	 ? CLASS_PRED
			    : bits == 64 ? CLASS_64
					 : CLASS_32,
			    bits};

	if (f->nregs == REGS_MAX)
		return lex_fail(s->lex, "too many registers");
	f->regs = GROW(a, f->regs, f->nregs);
	f->regs[f->nregs] = r;
	enter(s, NAME_REG, id, r.name, len, (int32_t)f->nregs);
	return (int32_t)f->nregs++;
}

int scope_declare(struct scope *s, const char *name, size_t len, uint32_t bits, uint32_t count)
{
	int id = s->open[s->depth - 1];
	struct arena *a = s->lex->module->arena;
	struct scope_range *r;

	if (bits == 128)
		return lex_fail(s->lex, "128-bit registers are not supported");
	if (!count) {
		if (find(s, NAME_REG, id, name, len) >= 0)
			return lex_fail(s->lex, "register %.*s is declared twice", (int)len, name);
		return add_reg(s, id, name, len, bits) < 0 ? -1 : 0;
	}
	if (count > RANGE_MAX)
		return lex_fail(s->lex, "too many registers");
	r = NEW(a, 1, struct scope_range);
	*r = (struct scope_range){s->ranges, arena_strndup(a, name, len), len, id, bits, count};
	s->ranges = r;
	return 0;
}

/* The register of a range, entered now. */
static int32_t from_range(struct scope *s, int id, const char *name, size_t len)
{
	for (const struct scope_range *r = s->ranges; r; r = r->next) {
		uint32_t n = 0;
		size_t i = r->len;

		if (r->scope != id || len <= i || len > i + 8 || memcmp(name, r->prefix, i) != 0)
			continue;
		if (name[i] == '0' && len > i + 1)
			continue;
		for (; i < len && name[i] >= '0' && name[i] <= '9'; i++)
			n = n * 10 + (uint32_t)(name[i] - '0');
		if (i == len && n < r->count)
			return add_reg(s, id, name, len, r->bits);
	}
	return -1;
}

int32_t scope_reg(struct scope *s, const char *name, size_t len)
{
	for (int d = s->depth - 1; d >= 0; d--) {
		int32_t r = find(s, NAME_REG, s->open[d], name, len);

		if (r < 0)
			r = from_range(s, s->open[d], name, len);
		if (r >= 0)
			return r;
	}
	return -1;
}

int32_t scope_label(struct scope *s, const char *name, size_t len)
{
	struct ptx_func *f = s->func;
	struct arena *a = s->lex->module->arena;
	int32_t l = find(s, NAME_LABEL, s->labels, name, len);

	if (l >= 0)
		return l;
	f->labels = GROW(a, f->labels, f->nlabels);
	f->labels[f->nlabels] = (struct ptx_label){
		.name = arena_strndup(a, name, len), .insn = -1, .line = s->lex->line};
	enter(s, NAME_LABEL, s->labels, f->labels[f->nlabels].name, len, (int32_t)f->nlabels);
	return (int32_t)f->nlabels++;
}

static struct ptx_var *in_list(struct ptx_var *v, int id, const char *name, size_t len)
{
	for (; v; v = v->next)
		if (v->scope == id && strlen(v->name) == len && !memcmp(v->name, name, len))
			return v;
	return NULL;
}

static struct ptx_var *by_alias(const struct scope *s, int id, const char *name, size_t len)
{
	for (const struct scope_alias *a = s->aliases; a; a = a->next)
		if (a->scope == id && strlen(a->name) == len && !memcmp(a->name, name, len))
			return a->var;
	return NULL;
}

void scope_alias(struct scope *s, int id, const char *name, struct ptx_var *v)
{
	struct scope_alias *a = NEW(s->lex->module->arena, 1, struct scope_alias);

	*a = (struct scope_alias){s->aliases, name, id, v};
	s->aliases = a;
}

struct ptx_var *scope_var(struct scope *s, const char *name, size_t len)
{
	struct ptx_var *v;

	for (int d = s->depth - 1; d >= 0; d--)
		if ((v = in_list(s->func->vars, s->open[d], name, len)) ||
		    (v = by_alias(s, s->open[d], name, len)))
			return v;
	if ((v = in_list(s->func->params, 0, name, len)))
		return v;
	return in_list(s->lex->module->vars, 0, name, len);
}
