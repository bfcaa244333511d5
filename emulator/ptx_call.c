/*
 * Functions: a call is its body written out in place. A first walk over the
 * module finds where the bodies begin, since they stand behind their callers;
 * a call then reads one in scopes of its own, where the parameters are the
 * caller's variables and `ret` goes to the end. What calls itself nests too
 * deeply; pointers to functions and .extern ones are unknown.
 */
#include "emulator/ptx_body.h"

#include <string.h>

struct ptx_routine {
	const char *name;
	struct ptx_func out, in; /* their params alone */
	struct lex body;	 /* at its '{' */
	struct ptx_routine *next;
};

/* From '{' behind the '}' that belongs to it. */
static int skip_braces(struct lex *x)
{
	int depth = 0;

	do {
		if (x->kind == LEX_END)
			return lex_fail(x, "'}' is missing");
		depth += lex_is(x, '{') - lex_is(x, '}');
		if (lex_next(x) < 0)
			return -1;
	} while (depth);
	return 0;
}

static int parameters(struct lex *x, struct ptx_func *f)
{
	return lex_is(x, '(') && (lex_next(x) < 0 || ptx_parameters(x, f) < 0) ? -1 : 0;
}

/* .func (.param .b64 result) NAME (.param .b64 p) .noreturn; the held token is .func */
static int head(struct lex *x, struct ptx_routine *r)
{
	if (lex_next(x) < 0 || parameters(x, &r->out) < 0)
		return -1;
	if (x->kind != LEX_NAME)
		return lex_fail(x, ".func: a name is expected");
	r->name = r->in.name = r->out.name = lex_copy(x);
	if (lex_next(x) < 0 || parameters(x, &r->in) < 0)
		return -1;
	while (x->kind == LEX_DIRECTIVE)
		if (lex_next(x) < 0)
			return -1;
	return 0;
}

int ptx_find_routines(struct lex x)
{
	struct ptx_module *m = x.module, unused = {.arena = m->arena};

	if (!strstr(x.at, ".func"))
		return 0;
	x.module = &unused; /* for the notes, which are read again */
	if (lex_next(&x) < 0)
		return -1;
	while (x.kind != LEX_END) {
		if (lex_word(&x, ".func")) {
			struct ptx_routine *r = NEW(m->arena, 1, struct ptx_routine);

			if (head(&x, r) < 0)
				return -1;
			r->body = x;
			r->body.module = m;
			r->next = m->routines;
			if (lex_is(&x, '{'))
				m->routines = r;
		} else if (lex_is(&x, '{') ? skip_braces(&x) < 0 : lex_next(&x) < 0) {
			return -1;
		}
	}
	return 0;
}

int ptx_skip_routine(struct lex *x)
{
	struct ptx_routine unused = {0};

	if (head(x, &unused) < 0)
		return -1;
	return lex_is(x, '{') ? skip_braces(x) : lex_expect(x, ';');
}

/* (a, b): the caller's variables, from now on known by the formal names in scope `inner`, too. */
static int arguments(struct scope *s, int inner, const struct ptx_var *formal)
{
	struct lex *x = s->lex;

	if (lex_expect(x, '(') < 0)
		return -1;
	for (; formal; formal = formal->next) {
		struct ptx_var *v = x->kind == LEX_NAME ? scope_var(s, x->text, x->len) : NULL;

		if (!v || v->size != formal->size)
			return lex_fail(x, "call: a variable for %s is expected", formal->name);
		scope_alias(s, inner, formal->name, v);
		if (lex_next(x) < 0 || (formal->next && lex_expect(x, ',') < 0))
			return -1;
	}
	return lex_expect(x, ')');
}

static const struct ptx_routine *find(const struct lex *x)
{
	const struct ptx_routine *r = x->module->routines;

	while (r && !lex_word(x, r->name))
		r = r->next;
	return r;
}

/* From the '(' of the results to the name; nothing where there are none. */
static int skip_results(struct lex *x)
{
	if (!lex_is(x, '('))
		return 0;
	while (!lex_is(x, ','))
		if (x->kind == LEX_END || lex_next(x) < 0)
			return -1;
	return lex_next(x);
}

/* call.uni (result), NAME, (a, b) up to the ';'. The results stand before the name that says what
 * they are. */
static int header(struct scope *s, int inner, const struct ptx_routine **routine)
{
	struct lex *x = s->lex, results, name;

	lex_opcode(x);
	if (!lex_word(x, "call") && !lex_word(x, "call.uni"))
		return lex_fail(x, "%.*s: this form is not supported", (int)x->len, x->text);
	if (lex_next(x) < 0)
		return -1;
	results = *x;
	if (skip_results(x) < 0)
		return -1;
	name = *x;
	*routine = find(x);
	if (!*routine)
		return lex_fail(x, "call: '%.*s' is no function of the module",
				(int)MIN(x->len, 60), x->text);
	*x = results;
	if (lex_is(x, '(') && arguments(s, inner, (*routine)->out.params) < 0)
		return -1;
	*x = name;
	if (lex_next(x) < 0)
		return -1;
	if (!lex_is(x, ','))
		return 0;
	return lex_next(x) < 0 ? -1 : arguments(s, inner, (*routine)->in.params);
}

int ptx_call(struct scope *s)
{
	struct lex *x = s->lex, back;
	const struct ptx_routine *r;
	int labels = s->labels, depth = s->depth + 1;
	int32_t end = s->end;

	if (scope_push(s) < 0 || header(s, s->open[s->depth - 1], &r) < 0)
		return -1;
	if (!lex_is(x, ';'))
		return lex_fail(x, "call: ';' expected");
	back = *x;
	*x = r->body;
	s->labels = s->open[s->depth - 1];
	s->end = scope_label(s, "ret", 3);
	do {
		if (ptx_statement(s) < 0)
			return -1;
	} while (s->depth > depth);
	s->func->labels[s->end].insn = (int32_t)s->func->ninsns;
	scope_pop(s);
	s->labels = labels;
	s->end = end;
	*x = back;
	return lex_next(x);
}
