/* Parses a PTX module: directives, variables, entries and their parameters. */
#include "emulator/ptx_body.h"

#include <stdlib.h>
#include <string.h>

#define ARRAY_MAX ((uint64_t)1 << 28)

uint32_t ptx_type_bits(const char *type, size_t len)
{
	static const struct {
		const char *name;
		uint32_t bits;
	} types[] = {{"pred", 1}, {"b8", 8},   {"u8", 8},   {"s8", 8},	   {"b16", 16},
		     {"u16", 16}, {"s16", 16}, {"f16", 16}, {"bf16", 16},  {"b32", 32},
		     {"u32", 32}, {"s32", 32}, {"f32", 32}, {"f16x2", 32}, {"bf16x2", 32},
		     {"b64", 64}, {"u64", 64}, {"s64", 64}, {"f64", 64},   {"b128", 128}};

	for (size_t i = 0; i < COUNT_OF(types); i++)
		if (strlen(types[i].name) == len && !memcmp(types[i].name, type, len))
			return types[i].bits;
	return 0;
}

static int int_value(struct lex *x, uint64_t most, uint64_t *value)
{
	if (lex_next(x) < 0)
		return -1;
	if (x->kind != LEX_INT || x->value > most)
		return lex_fail(x, "bad number '%.*s'", (int)MIN(x->len, 40), x->text);
	*value = x->value;
	return lex_next(x);
}

/* [16][4]; the first of an extern array may be empty. */
static int dimensions(struct lex *x, uint64_t *count, bool *open)
{
	*count = 1;
	*open = false;
	while (lex_is(x, '[')) {
		uint64_t n;

		if (lex_next(x) < 0)
			return -1;
		if (lex_is(x, ']')) {
			*open = true;
		} else {
			if (x->kind != LEX_INT || x->value > ARRAY_MAX)
				return lex_fail(x, "bad array size");
			n = *count * x->value;
			if (n > ARRAY_MAX)
				return lex_fail(x, "the array is too large");
			*count = n;
			if (lex_next(x) < 0)
				return -1;
		}
		if (lex_expect(x, ']') < 0)
			return -1;
	}
	return 0;
}

/* Moves past every such sign; how many there were. */
static int count_signs(struct lex *x, char sign)
{
	int n = 0;

	for (; lex_is(x, sign); n++)
		if (lex_next(x) < 0)
			return -1;
	return n;
}

static int put_value(struct lex *x, struct ptx_var *v, uint8_t *to, uint32_t bytes, bool minus)
{
	if (x->kind != LEX_INT && x->kind != LEX_F32 && x->kind != LEX_F64)
		return lex_fail(x, "only numbers are supported as initial values");
	if (v->ninit + bytes > v->size)
		return lex_fail(x, "too many initial values");
	if (minus && x->kind == LEX_INT)
		x->value = 0 - x->value;
	else if (minus)
		x->value ^= (uint64_t)1 << (bytes * 8 - 1);
	memcpy(to + v->ninit, &x->value, bytes);
	v->ninit += bytes;
	return lex_next(x);
}

/* = {1, 2, {3}} or = 5: the values one after another, as many bytes each as the type has. */
static int initializer(struct lex *x, struct ptx_var *v, uint32_t bytes)
{
	uint8_t *to = NEW(x->module->arena, v->size, uint8_t);
	int depth = 0, opened, closed, minus;

	do {
		if (lex_next(x) < 0 || (opened = count_signs(x, '{')) < 0 ||
		    (minus = count_signs(x, '-')) < 0 ||
		    put_value(x, v, to, bytes, minus & 1) < 0 || (closed = count_signs(x, '}')) < 0)
			return -1;
		depth += opened - closed;
	} while (lex_is(x, ','));
	v->init = to;
	return depth ? lex_fail(x, "braces do not match") : 0;
}

static bool align_ok(uint64_t align)
{
	return align && align <= 4096 && !(align & (align - 1));
}

static void append(struct ptx_var **list, struct ptx_var *v)
{
	while (*list)
		list = &(*list)->next;
	*list = v;
}

/* .align N and .v4 before a type */
static int qualifiers(struct lex *x, struct ptx_var *v, uint32_t *lanes)
{
	*lanes = 1;
	while (lex_word(x, ".align") || lex_word(x, ".v2") || lex_word(x, ".v4")) {
		if (x->text[1] == 'v') {
			*lanes = (uint32_t)(x->text[2] - '0');
			if (lex_next(x) < 0)
				return -1;
		} else {
			if (int_value(x, 4096, &v->align) < 0)
				return -1;
			if (!align_ok(v->align))
				return lex_fail(x, "bad alignment");
		}
	}
	return 0;
}

/* .ptr [.space] [.align N]: what a parameter points at, of no use here */
static int pointer(struct lex *x)
{
	uint64_t align;

	while (x->kind == LEX_DIRECTIVE)
		if (lex_word(x, ".align") ? int_value(x, 4096, &align) < 0 : lex_next(x) < 0)
			return -1;
	return 0;
}

/* [qualifiers] type [.ptr ...] name [dims]; an empty dimension makes it dynamic */
static int declarator(struct lex *x, struct ptx_var *v, uint32_t *bytes)
{
	uint64_t count;
	uint32_t lanes;

	if (qualifiers(x, v, &lanes) < 0)
		return -1;
	*bytes = x->kind == LEX_DIRECTIVE ? ptx_type_bits(x->text + 1, x->len - 1) / 8 : 0;
	if (!*bytes)
		return lex_fail(x, "unknown type '%.*s'", (int)MIN(x->len, 20), x->text);
	if (lex_next(x) < 0 || (lex_word(x, ".ptr") && pointer(x) < 0))
		return -1;
	if (x->kind != LEX_NAME)
		return lex_fail(x, "a name is expected");
	v->name = lex_copy(x);
	if (lex_next(x) < 0 || dimensions(x, &count, &v->dynamic) < 0)
		return -1;
	v->size = v->dynamic ? 0 : count * *bytes * lanes;
	v->align = MAX(v->align, (uint64_t)*bytes * lanes);
	return 0;
}

int ptx_variable(struct lex *x, enum ptx_space space, bool external, int scope,
		 struct ptx_var **list)
{
	struct ptx_var *v = NEW(x->module->arena, 1, struct ptx_var);
	uint32_t bytes;

	v->space = space;
	v->scope = scope;
	if (lex_next(x) < 0 || declarator(x, v, &bytes) < 0)
		return -1;
	if (external != v->dynamic || (external && space != SPACE_SHARED))
		return lex_fail(x, "%s: only .extern .shared arrays are supported", v->name);
	if (lex_is(x, '=') && initializer(x, v, bytes) < 0)
		return -1;
	append(list, v);
	return lex_expect(x, ';');
}

int ptx_parameters(struct lex *x, struct ptx_func *f)
{
	uint64_t offset = 0;

	while (!lex_is(x, ')')) {
		struct ptx_var *v = NEW(x->module->arena, 1, struct ptx_var);
		uint32_t bytes;

		if (!lex_word(x, ".param"))
			return lex_fail(x, ".param is expected");
		v->space = SPACE_PARAM;
		if (lex_next(x) < 0 || declarator(x, v, &bytes) < 0)
			return -1;
		offset = round_up(offset, v->align);
		v->offset = offset;
		offset += v->size;
		if (offset > 32764)
			return lex_fail(x, "%s: too many parameters", f->name);
		append(&f->params, v);
		f->nparams++;
		if (!lex_is(x, ',') && !lex_is(x, ')'))
			return lex_fail(x, "',' or ')' expected");
		if (lex_is(x, ',') && lex_next(x) < 0)
			return -1;
	}
	f->param_bytes = (uint32_t)offset;
	return lex_next(x);
}

/* .maxntid 128, 1, 1 and other directives between head and body; only that one matters */
static int directives(struct lex *x, struct ptx_func *f)
{
	while (x->kind == LEX_DIRECTIVE) {
		bool threads = lex_word(x, ".maxntid") || lex_word(x, ".reqntid");
		uint64_t n, all = 1;

		if (lex_word(x, ".explicitcluster") || lex_word(x, ".reqnctapercluster"))
			return lex_fail(x, "clusters are not supported");
		do {
			if (lex_next(x) < 0)
				return -1;
			if (x->kind == LEX_STRING) {
				if (lex_next(x) < 0 || lex_expect(x, ';') < 0)
					return -1;
				break;
			}
			if (x->kind != LEX_INT)
				break;
			n = x->value;
			all *= MIN(n, 4096);
			if (lex_next(x) < 0)
				return -1;
		} while (lex_is(x, ','));
		if (threads)
			f->max_threads = (uint32_t)MIN(all, UINT32_MAX);
	}
	return 0;
}

static int entry(struct lex *x, struct ptx_func **list)
{
	struct ptx_func *f = NEW(x->module->arena, 1, struct ptx_func);

	f->line = x->line;
	if (lex_next(x) < 0)
		return -1;
	if (x->kind != LEX_NAME)
		return lex_fail(x, ".entry: a name is expected");
	f->name = lex_copy(x);
	if (lex_next(x) < 0)
		return -1;
	if (lex_is(x, '(') && (lex_next(x) < 0 || ptx_parameters(x, f) < 0))
		return -1;
	if (directives(x, f) < 0)
		return -1;
	if (!lex_is(x, '{'))
		return lex_fail(x, "'{' expected");
	while (*list)
		list = &(*list)->next;
	*list = f;
	return ptx_body(x, f);
}

/* ".version 9.0": the lexer reads 9.0 as a double */
static int version(struct lex *x)
{
	char *end;
	unsigned long major, minor;

	if (lex_next(x) < 0)
		return -1;
	major = strtoul(x->text, &end, 10);
	minor = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;
	if (!major || major > 99 || minor > 9)
		return lex_fail(x, "bad .version");
	x->module->version = (uint32_t)(major * 10 + minor);
	return lex_next(x);
}

static int target(struct lex *x)
{
	struct ptx_module *m = x->module;
	char *end;

	if (lex_next(x) < 0)
		return -1;
	if (x->kind != LEX_NAME || x->len < 5 || memcmp(x->text, "sm_", 3) != 0)
		return lex_fail(x, "bad .target");
	m->target = (uint32_t)strtoul(x->text + 3, &end, 10);
	m->target_suffix = end < x->text + x->len ? *end : 0;
	if (lex_next(x) < 0)
		return -1;
	while (lex_is(x, ','))
		if (lex_next(x) < 0 || lex_next(x) < 0)
			return -1;
	return 0;
}

/* .file 1 "x.cu" [, time, size]: up to the end of the line. .section NAME { ... } */
static int debug(struct lex *x)
{
	if (lex_word(x, ".file")) {
		x->at += strcspn(x->at, "\n");
		return lex_next(x);
	}
	while (!lex_is(x, '}')) {
		if (x->kind == LEX_END)
			return lex_fail(x, ".section has no end");
		if (lex_next(x) < 0)
			return -1;
	}
	return lex_next(x);
}

static int address_size(struct lex *x)
{
	uint64_t bits = 0;

	if (int_value(x, 64, &bits) < 0)
		return -1;
	return bits == 64 ? 0 : lex_fail(x, "only 64-bit addresses are supported");
}

static int kernel_entry(struct lex *x)
{
	return entry(x, &x->module->funcs);
}

/* One directive of the module; *external: .extern stands before it. */
static int directive(struct lex *x, bool *external)
{
	static const struct {
		const char *word;
		enum ptx_space space;
	} spaces[] = {
		{".global", SPACE_GLOBAL}, {".const", SPACE_CONST}, {".shared", SPACE_SHARED}};
	static const struct {
		const char *word;
		int (*parse)(struct lex *);
	} rules[] = {{".version", version},    {".target", target}, {".address_size", address_size},
		     {".entry", kernel_entry}, {".file", debug},    {".section", debug},
		     {".visible", lex_next},   {".weak", lex_next}, {".func", ptx_skip_routine}};
	bool was_external = *external;

	*external = lex_word(x, ".extern");
	if (*external)
		return lex_next(x);
	for (size_t i = 0; i < COUNT_OF(spaces); i++)
		if (lex_word(x, spaces[i].word))
			return ptx_variable(x, spaces[i].space, was_external, 0, &x->module->vars);
	for (size_t i = 0; i < COUNT_OF(rules) && !was_external; i++)
		if (lex_word(x, rules[i].word))
			return rules[i].parse(x);
	return lex_fail(x, "directive '%.*s' is not supported here", (int)MIN(x->len, 40), x->text);
}

int ptx_parse(struct arena *a, const char *text, struct ptx_module **out, struct err *e)
{
	struct ptx_module *m = NEW(a, 1, struct ptx_module);
	struct lex x = {.at = text, .line = 1, .line_at = 1, .module = m, .err = e};
	bool external = false;

	m->arena = a;
	if (ptx_find_routines(x) < 0 || lex_next(&x) < 0)
		return -1;
	while (x.kind != LEX_END) {
		if (x.kind != LEX_DIRECTIVE)
			return lex_fail(&x, "a directive is expected, '%.*s' found",
					(int)MIN(x.len, 40), x.text);
		if (directive(&x, &external) < 0)
			return -1;
	}
	if (!m->version || !m->target)
		return lex_fail(&x, ".version or .target is missing");
	*out = m;
	return 0;
}
