/*
 * Reads text IR, one line at a time, from top to bottom: values are defined
 * before they are used.
 */
#include "compiler/ops/op.h"
#include "compiler/text.h"

#include <ctype.h>
#include <string.h>

/* ---- names of values ---- */

static bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '/' || c == '-';
}

/* "%x", "%\"x y\"" or "%12": *key is what the table knows it by, *name what the value is called. */
static int read_name(struct reader *r, const char **key, size_t *len, const char **name)
{
	const char *start;
	char *bare;

	if (!accept(r, "%"))
		return expected(r, "a value: %name");
	if (*r->p == '"') {
		if (read_quoted(r, name) < 0)
			return -1;
		*key = *name;
		*len = strlen(*name);
		return *len ? 0 : expected(r, "a name before this");
	}
	start = r->p;
	while (is_name_char(*r->p))
		r->p++;
	bare = arena_strndup(r->g->arena, start, (size_t)(r->p - start));
	if (is_plain_name(bare)) {
		*name = *key = bare;
		*len = strlen(bare);
		return 0;
	}
	if (!*bare)
		return expected(r, "a name after %");
	/* anonymous: no name can begin with a zero byte, so this key is no other's */
	*name = "";
	*len = strlen(bare) + 1;
	*key = bare = arena_alloc(r->g->arena, *len);
	memcpy(bare + 1, start, *len - 1);
	return 0;
}

static int read_def(struct reader *r, val_id *id)
{
	const char *key, *name;
	uint32_t *known;
	size_t len;

	*id = 0;
	if (accept_word(r, "_"))
		return 0;
	if (read_name(r, &key, &len, &name) < 0)
		return -1;
	known = names_at(&r->names, key, len);
	if (*known)
		return expected(r, "a new name before this (it is defined already)");
	*id = *known = val_add(r->g, name, NULL);
	return 0;
}

int read_ref(struct reader *r, val_id *id)
{
	const char *key, *name;
	size_t len;

	*id = 0;
	if (accept_word(r, "_"))
		return 0;
	if (read_name(r, &key, &len, &name) < 0)
		return -1;
	*id = names_find(&r->names, key, len);
	return *id && *id < r->limit ? 0 : expected(r, "a defined value before this");
}

/* ---- storage ---- */

static int read_live(struct reader *r, uint32_t *first, uint32_t *last)
{
	uint64_t a, b;

	if (expect(r, "[") < 0 || read_uint(r, UINT32_MAX, &a) < 0 || expect(r, ",") < 0 ||
	    read_uint(r, UINT32_MAX, &b) < 0 || expect(r, "]") < 0)
		return -1;
	*first = (uint32_t)a;
	*last = (uint32_t)b;
	return 0;
}

int read_slot(struct reader *r, slot_id *slot)
{
	uint64_t u;

	if (read_uint(r, UINT32_MAX, &u) < 0)
		return -1;
	*slot = (slot_id)u;
	return 0;
}

/* What follows a value's type. */
int read_storage(struct reader *r, struct val *v)
{
	for (;;) {
		int ret = 0;

		if (accept_word(r, "blocked")) {
			v->layout = BLOCKED;
		} else if (accept(r, "slot=")) {
			ret = read_slot(r, &v->slot);
			if (ret == 0 && accept(r, "+"))
				ret = read_uint(r, INT64_MAX, &v->off);
		} else if (accept(r, "pitch=")) {
			ret = read_int(r, &v->pitch);
		} else if (accept(r, "live=")) {
			ret = read_live(r, &v->first, &v->last);
		} else {
			return 0;
		}
		if (ret < 0)
			return -1;
	}
}

/* ---- lines ---- */

void ids_add(struct reader *r, struct ids *ids, val_id id)
{
	ids->id = GROW(r->g->arena, ids->id, ids->n);
	ids->id[ids->n++] = id;
}

static int read_input(struct reader *r, val_id id)
{
	struct graph *g = r->g;
	const char **sym;
	struct type t;

	if (read_type(r, &t, &sym) < 0)
		return -1;
	if (t.dt == DT_NONE)
		return expected(r, "an input's data type before this");
	g->val[id].type = t;
	g->val[id].input = true;
	g->val[id].sym = sym;
	g->input = GROW(g->arena, g->input, g->ninput);
	g->input[g->ninput++] = id;
	return read_storage(r, &g->val[id]);
}

static int read_const(struct reader *r, val_id id)
{
	struct val *v = &r->g->val[id];

	if (read_type(r, &v->type, NULL) < 0 || read_data(r, &v->type, &v->data, &v->fill) < 0)
		return -1;
	return read_storage(r, v);
}

static int read_definition(struct reader *r)
{
	struct ids outs = {0};
	const char *word;
	val_id id;

	do {
		if (read_def(r, &id) < 0)
			return -1;
		ids_add(r, &outs, id);
	} while (accept(r, ","));
	if (expect(r, "=") < 0)
		return -1;
	word = read_word(r);
	if (!word)
		return expected(r, "an operator, input or const");
	if (strcmp(word, "input") && strcmp(word, "const"))
		return read_node(r, &outs, word);
	if (outs.n != 1 || !id)
		return expected(r, "one value to be defined here");
	return *word == 'i' ? read_input(r, id) : read_const(r, id);
}

static int read_graph(struct reader *r)
{
	struct graph *g = r->g;

	if (read_quoted(r, &g->name) < 0 ||
	    (accept_word(r, "ir") && read_version(r, &g->ir_version) < 0))
		return -1;
	if (!accept_word(r, "opset"))
		return expected(r, "opset");
	return read_version(r, &g->opset);
}

static int read_output(struct reader *r)
{
	struct graph *g = r->g;
	const char *name;
	val_id id;

	if (read_ref(r, &id) < 0)
		return -1;
	if (!id)
		return expected(r, "a value before this");
	name = g->val[id].name;
	if (accept(r, "name=") && read_quoted(r, &name) < 0)
		return -1;
	g->output = GROW(g->arena, g->output, g->noutput);
	g->output_name = GROW(g->arena, g->output_name, g->noutput);
	g->output[g->noutput] = id;
	g->output_name[g->noutput++] = name;
	g->val[id].output = true;
	return 0;
}

static int read_declared(struct reader *r)
{
	struct graph *g = r->g;
	struct declared d;

	if (read_ref(r, &d.val) < 0 || read_type(r, &d.type, NULL) < 0)
		return -1;
	g->declared = GROW(g->arena, g->declared, g->ndeclared);
	g->declared[g->ndeclared++] = d;
	return 0;
}

static int read_slot_line(struct reader *r)
{
	struct graph *g = r->g;
	struct slot s = {0};
	uint64_t number;

	if (read_uint(r, UINT32_MAX, &number) < 0)
		return -1;
	if (number != g->nslot)
		return expected(r, "slots numbered 1, 2, ... before this");
	if (expect(r, "size=") < 0 || read_uint(r, INT64_MAX, &s.size) < 0 ||
	    (accept(r, "live=") && read_live(r, &s.first, &s.last) < 0) ||
	    (accept(r, "offset=") && read_uint(r, INT64_MAX, &s.offset) < 0))
		return -1;
	g->slot = GROW(g->arena, g->slot, g->nslot);
	g->slot[g->nslot++] = s;
	return 0;
}

static int read_order(struct reader *r)
{
	return read_quoted(r, &r->g->order_certificate);
}

static int read_plan(struct reader *r)
{
	struct graph *g = r->g;

	if (expect(r, "arena=") < 0 || read_uint(r, INT64_MAX, &g->arena_bytes) < 0 ||
	    expect(r, "lower=") < 0 || read_uint(r, INT64_MAX, &g->lower_bound) < 0)
		return -1;
	return read_quoted(r, &g->certificate);
}

static int read_meta(struct reader *r)
{
	struct graph *g = r->g;
	struct keyval m;

	if (read_quoted(r, &m.key) < 0 || read_quoted(r, &m.value) < 0)
		return -1;
	g->meta = GROW(g->arena, g->meta, g->nmeta);
	g->meta[g->nmeta++] = m;
	return 0;
}

/* Launches and what hangs on them are made by lower and emit; dumps show them. */
static int skip_line(struct reader *r)
{
	r->p += strcspn(r->p, "\n");
	return 0;
}

static int read_line(struct reader *r)
{
	static const struct {
		const char *word;
		int (*read)(struct reader *r);
	} lines[] = {
		{"meta", read_meta},	     {"output", read_output}, {"slot", read_slot_line},
		{"declared", read_declared}, {"plan", read_plan},     {"launch", skip_line},
		{"weight", skip_line},	     {"code", skip_line},     {"order", read_order},
	};

	if (!r->g->opset && !at_end(r)) {
		if (!accept_word(r, "graph"))
			return expected(r, "the line: graph \"name\" opset N");
		return read_graph(r);
	}
	if (*r->p == '%' || *r->p == '_')
		return read_definition(r);
	for (size_t i = 0; i < COUNT_OF(lines); i++)
		if (accept_word(r, lines[i].word))
			return lines[i].read(r);
	return at_end(r) ? 0 : expected(r, "a definition, output, slot or plan");
}

/* Ids and steps that could only be checked with the whole text read. */
static int check_ids(struct reader *r)
{
	const struct graph *g = r->g;
	bool ok = true;

	for (val_id i = 1; i < g->nval; i++) {
		const struct val *v = &g->val[i];

		ok = ok && v->slot < g->nslot && v->first <= v->last && v->last <= g->nnode;
	}
	for (slot_id i = 1; i < g->nslot; i++)
		ok = ok && g->slot[i].first <= g->slot[i].last && g->slot[i].last <= g->nnode;
	for (uint32_t i = 0; i < g->nnode; i++)
		ok = ok && g->node[i].scratch < g->nslot;
	if (!ok)
		return fail(r->e, E_USAGE, "a slot number or live range is beyond the text's");
	if (!g->opset)
		return fail(r->e, E_USAGE, "line 1: expected: graph \"name\" opset N");
	return 0;
}

int text_parse(struct graph *g, const char *text, struct err *e)
{
	struct reader r = {.g = g, .p = text, .line = 1, .names = names_begin(g->arena), .e = e};

	for (;;) {
		skip_blanks(&r);
		r.limit = g->nval;
		if (read_line(&r) < 0)
			return -1;
		if (!at_end(&r))
			return expected(&r, "the end of the line");
		if (!*r.p)
			break;
		r.p++;
		r.line++;
	}
	return check_ids(&r);
}
