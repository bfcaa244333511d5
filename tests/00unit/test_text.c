/*
 * Text IR: random graphs survive print, parse, print unchanged; damaged
 * texts give an error with a line number and never more. The operators are
 * a table of our own, so that this tests nothing but the text.
 */
#include "compiler/ops/op.h"

#include <stdio.h>
#include <string.h>

#define ROUNDS 300

static const struct attr_rule rules[] = {
	{"i", ATTR_INT, false},		{"f", ATTR_FLOAT, false},
	{"s", ATTR_STRING, false},	{"ints", ATTR_INTS, false},
	{"floats", ATTR_FLOATS, false}, {"strings", ATTR_STRINGS, false},
	{"t", ATTR_TENSOR, false},	{NULL, ATTR_INT, false},
};

static int same_type(struct graph *g, struct node *n, struct err *e)
{
	if (!node_in(g, n, 0))
		return fail(e, E_ARITY, "no input 0");
	for (uint32_t k = 0; k < n->nout; k++)
		if (node_out(g, n, k))
			node_out(g, n, k)->type = node_in(g, n, 0)->type;
	return 0;
}

static void text_of_expr(const void *attr, const struct expr_arg *arg, struct buf *out)
{
	(void)attr;
	buf_puts(out, arg[0].text);
}

static const struct op table[] = {
	{.name = "Wide", .since = 1, .max_in = 255, .max_out = 255, .attrs = rules, .attr_size = 8},
	{.name = "Same",
	 .since = 7,
	 .min_in = 1,
	 .max_in = 255,
	 .min_out = 1,
	 .max_out = 3,
	 .attrs = rules,
	 .infer = same_type},
	{.name = "Step",
	 .since = 7,
	 .min_in = 1,
	 .max_in = 4,
	 .min_out = 1,
	 .max_out = 1,
	 .attrs = rules,
	 .expr = text_of_expr},
	{.name = ".Map", .since = 1, .max_in = 255, .min_out = 1, .max_out = 1},
};

const struct op *op_at(uint32_t i)
{
	return i < COUNT_OF(table) ? &table[i] : NULL;
}

const struct op *op_find(const char *name, int opset)
{
	for (uint32_t i = 0; i < COUNT_OF(table); i++)
		if (!strcmp(table[i].name, name) && opset >= table[i].since)
			return &table[i];
	return NULL;
}

/* ---- random graphs ---- */

static uint64_t state = 1;

static uint32_t rnd(uint32_t below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((state >> 33) % below);
}

static const char *rnd_name(struct arena *a, uint32_t serial)
{
	static const char *const odd[] = {
		"a b", "x\"y",		"back\\slash", "new\nline", "\x1b[2J", "\xd1\x81\xd0\xbb",
		"12",  "/model/conv-1", "#",	       "_"};

	if (rnd(4) == 0)
		return "";
	if (rnd(3) == 0)
		return odd[rnd(COUNT_OF(odd))]; /* twice the same, at times */
	return arena_printf(a, "v%u", serial);
}

static struct type rnd_type(bool symbolic)
{
	struct type t = {.dt = (enum dtype)(1 + rnd(DT_COUNT - 1)), .rank = (uint8_t)rnd(5)};

	for (int i = 0; i < t.rank; i++)
		t.dim[i] = symbolic && rnd(3) == 0 ? -1 : (int64_t)rnd(5);
	return t;
}

static const void *rnd_data(struct arena *a, const struct type *t)
{
	size_t n = (size_t)type_bytes(t);
	uint8_t *p = arena_alloc(a, n);

	for (size_t i = 0; i < n; i++)
		p[i] = t->dt == BOOL ? (uint8_t)rnd(2) : (uint8_t)rnd(256);
	return p;
}

static void rnd_storage(struct val *v)
{
	if (rnd(2)) {
		v->layout = rnd(2) ? BLOCKED : PLAIN;
		v->slot = rnd(3);
		v->off = v->slot ? rnd(2) * 256 : 0;
		v->pitch = rnd(2) * 100;
		v->last = rnd(2);
	}
}

static void add_inputs(struct graph *g)
{
	static const char *const sym[RANK_MAX] = {"batch", "", "7", "a b", "N.x", "", "", ""};
	uint32_t n = 1 + rnd(3);

	for (uint32_t i = 0; i < n; i++) {
		struct type t = rnd_type(true);
		val_id id = val_add(g, rnd_name(g->arena, g->nval), &t);

		g->val[id].input = true;
		g->val[id].sym = arena_copy(g->arena, sym, sizeof(sym));
		rnd_storage(&g->val[id]);
		g->input = GROW(g->arena, g->input, g->ninput);
		g->input[g->ninput++] = id;
	}
}

static struct attr rnd_attr(struct arena *a, uint32_t k)
{
	static const int64_t ints[] = {0, -1, INT64_MAX, INT64_MIN};
	static const float floats[] = {1, -0.0f, 0.1f, 3e38f, 1e-45f, -2.5f};
	static const char *const strings[] = {"", "a,b", "\"}{", "nan", "x\ny"};
	struct attr at = {.name = rules[k].name, .type = rules[k].type};

	at.i = ints[rnd(COUNT_OF(ints))];
	at.f = rnd(4)	? floats[rnd(COUNT_OF(floats))]
	       : rnd(2) ? -__builtin_inff()
			: __builtin_nanf("");
	at.s = strings[rnd(COUNT_OF(strings))];
	at.n = rnd(4);
	at.ints = ints;
	at.floats = floats;
	at.strings = strings;
	at.ttype = rnd_type(false);
	at.tdata = rnd_data(a, &at.ttype);
	return at;
}

static struct attr *rnd_attrs(struct arena *a, uint32_t *n)
{
	struct attr *attrs = NULL;

	*n = 0;
	for (uint32_t k = 0; rules[k].name; k++) {
		if (rnd(4))
			continue;
		attrs = GROW(a, attrs, *n);
		attrs[(*n)++] = rnd_attr(a, k);
	}
	return attrs;
}

static void rnd_tail(struct graph *g, struct node *n)
{
	uint32_t steps = rnd(4);

	for (uint32_t i = 0; i < steps; i++) {
		struct tail_step s = {.op = &table[2], .version = n->version};

		s.dt = rnd(2) ? F32 : I64;
		s.nargs = (uint8_t)(1 + rnd(TAIL_ARGS));
		for (uint32_t k = 0; k < s.nargs; k++)
			s.arg[k] =
				(uint16_t)(rnd(2) && n->nin ? TAIL_IN | rnd(n->nin) : rnd(i + 1));
		s.attrs = rnd_attrs(g->arena, &s.nattrs);
		n->tail = GROW(g->arena, n->tail, n->ntail);
		n->tail[n->ntail++] = s;
	}
}

static void rnd_access(struct graph *g, struct node *n)
{
	n->access = NEW(g->arena, n->nin, struct access *);
	for (uint32_t k = 0; k < n->nin; k++) {
		struct access *a;

		if (rnd(2) || !n->in[k] || g->val[n->in[k]].type.dt == DT_NONE)
			continue;
		a = n->access[k] = NEW(g->arena, 1, struct access);
		for (int i = 0; i < g->val[n->in[k]].type.rank; i++) {
			a->axis[i] = (int8_t)((int)rnd(9) - 1);
			a->start[i] = (int64_t)rnd(9) - 4;
			a->step[i] = a->axis[i] < 0 ? 0 : (int64_t)rnd(5) - 2;
		}
	}
}

/* Results have sizes, when they are typed. */
static void set_sizes(struct graph *g, const struct node *n)
{
	for (uint32_t k = 0; k < n->nout; k++)
		for (int i = 0; n->out[k] && i < g->val[n->out[k]].type.rank; i++)
			if (g->val[n->out[k]].type.dim[i] < 0)
				g->val[n->out[k]].type.dim[i] = 3;
}

static void add_node(struct graph *g)
{
	const struct op *op = &table[rnd(2)];
	uint32_t nin = 1 + rnd(4), nout = 1 + rnd(3), index = g->nnode, known = g->nval;
	struct node *n = node_add(g, op, rnd(2) ? rnd_name(g->arena, index) : "", nin, nout);

	for (uint32_t k = 0; k < nin; k++)
		n->in[k] = k && rnd(5) == 0 ? 0 : 1 + rnd(known - 1);
	for (uint32_t k = 0; k < nout; k++) {
		const struct type *t = rnd(3) ? &g->val[n->in[0]].type : NULL;
		val_id id;

		if (k && rnd(4) == 0)
			continue; /* omitted */
		id = val_add(g, rnd_name(g->arena, g->nval), t);
		if (t && t->dt != DT_NONE)
			rnd_storage(&g->val[id]);
		node_set_out(g, n, k, id);
	}
	n->attrs = rnd_attrs(g->arena, &n->nattrs);
	n->scratch = rnd(3);
	n->version = rnd(3) ? g->opset : 9;
	if (rnd(2)) {
		n->nmain = 1 + rnd(nin);
		rnd_tail(g, n);
		rnd_access(g, n);
	}
	set_sizes(g, n);
}

static struct graph *rnd_graph(void)
{
	struct graph *g = graph_open();
	uint32_t nnode = rnd(12);

	g->name = "a \"graph\"";
	g->opset = 17;
	g->ir_version = (int)rnd(2) * 8;
	g->nslot = 3;
	g->slot[1] = (struct slot){4096, 0, 1, 256};
	g->slot[2] = (struct slot){12, 0, 0, 0};
	g->nmeta = 1;
	g->meta = NEW(g->arena, 1, struct keyval);
	g->meta[0] = (struct keyval){"k", "v\t\n"};
	add_inputs(g);
	for (uint32_t i = rnd(4); i > 0; i--) {
		struct type t = rnd_type(false);

		val_const(g, rnd_name(g->arena, g->nval), &t, rnd_data(g->arena, &t));
	}
	for (uint32_t i = 0; i < nnode || !i; i++)
		add_node(g);
	g->noutput = 1;
	g->output = NEW(g->arena, 1, val_id);
	g->output_name = NEW(g->arena, 1, const char *);
	g->output[0] = g->node[g->nnode - 1].out[0];
	g->output_name[0] = rnd(2) ? "the output" : g->val[g->output[0]].name;
	g->ndeclared = 1;
	g->declared = NEW(g->arena, 1, struct declared);
	g->declared[0] = (struct declared){g->output[0], {DT_NONE, RANK_UNKNOWN, {0}}};
	g->arena_bytes = rnd(2) * 4096;
	g->certificate = g->arena_bytes ? "gap: 1.25 %" : NULL;
	g->order_certificate = rnd(2) ? "exact" : NULL;
	return g;
}

/* ---- tests ---- */

static bool round_trip(void)
{
	struct graph *g = rnd_graph(), *h = graph_open();
	struct buf one = BUF_INIT, two = BUF_INIT;
	struct err e = ERR_INIT;
	bool ok;

	text_print(g, &one);
	ok = text_parse(h, buf_str(&one), &e) == 0;
	if (ok) {
		text_print(h, &two);
		ok = !strcmp(buf_str(&one), buf_str(&two));
	}
	if (!ok)
		printf("round trip: %s\n%s\n--- became ---\n%s\n", e.detail, buf_str(&one),
		       buf_str(&two));
	err_release(&e);
	buf_release(&one);
	buf_release(&two);
	graph_close(g);
	graph_close(h);
	return ok;
}

/* Any bytes: an error, or a graph that prints. */
static bool survives(const char *text)
{
	struct graph *g = graph_open();
	struct buf out = BUF_INIT;
	struct err e = ERR_INIT;
	bool ok = true;

	if (text_parse(g, text, &e) == 0)
		text_print(g, &out);
	else
		ok = e.code != E_OK && e.detail[0];
	err_release(&e);
	buf_release(&out);
	graph_close(g);
	return ok;
}

static bool damaged(void)
{
	struct graph *g = rnd_graph();
	struct buf text = BUF_INIT;
	bool ok = true;

	text_print(g, &text);
	for (int i = 0; i < 60; i++) {
		uint32_t at = rnd((uint32_t)text.len);
		uint8_t was = text.data[at];

		text.data[at] = rnd(4) ? (uint8_t)("%_@$(){}[]:;|=,0 9t\n\"\\-?*"[rnd(25)])
				       : (uint8_t)rnd(256);
		ok = survives(buf_str(&text)) && ok;
		text.data[at] = was;
	}
	buf_release(&text);
	graph_close(g);
	return ok;
}

static const struct refused {
	const char *text, *message;
} refused[] = {
	{"", "line 1: expected: graph \"name\" opset N"},
	{"%x = input f32[1]\n",
	 "line 1: expected the line: graph \"name\" opset N, found '%x = input f32[1]'"},
	{"graph \"g\" opset 17\n%y = Same %x\n", "line 2: expected a defined value before this"},
	{"graph \"g\" opset 17\n%y = Same %y\n", "line 2: expected a defined value before this"},
	{"graph \"g\" opset 17\n%x = input f33[1]\n", "line 2: expected a type after this"},
	{"graph \"g\" opset 17\n%x = input f32[1,2\n", "line 2: expected ',', but the line ends"},
	{"graph \"g\" opset 17\n\n%x = input f32[1]\n%x = input f32[1]\n",
	 "line 4: expected a new name"},
	{"graph \"g\" opset 17\n%x = const u8[2] {1, 256}\n", "line 2: expected a smaller number"},
	{"graph \"g\" opset 17\n%x = const f32[65] {1}\n", "line 2: expected fill=TAG"},
	{"graph \"g\" opset 17\n%x = const f32[100000,100000] fill=0123456789abcdef\n",
	 "line 2: expected at most 1 GiB"},
	{"graph \"g\" opset 17\n%x = const f32[99999999999,99999999999] {}\n",
	 "line 2: expected fewer elements"},
	{"graph \"g\" opset 17\n%y = Nope\n", "line 2: there is no operator Nope in opset 17"},
	{"graph \"g\" opset 17\n%x = input f32[1]\n%y = Same %x {q=1}\n",
	 "Same '' has no attribute 'q'"},
	{"graph \"g\" opset 17\n%x = input f32[1]\n%y = Same %x {i=1.0}\n",
	 "Same '': attribute 'i' is a float, must be an int"},
	{"graph \"g\" opset 17\n%x = input f32[1]\n%y = Same %x : f32[2]\n",
	 "line 3: f32[2] is stated, but Same gives f32[1]"},
	{"graph \"g\" opset 17\n%x = input f32[1] slot=1\n",
	 "a slot number or live range is beyond the text's"},
	{"graph \"g\" opset 17\n%x = input f32[1]\n%y = Same %x | t2 = Step t0\n",
	 "line 3: expected steps numbered"},
	{"graph \"g\" opset 17\n%x = input f32[1]\n%y = Same %x | t1 = Step t1\n",
	 "line 3: expected a smaller number"},
	{"graph \"g\" opset 17\n%x = input f32[1] }\n",
	 "line 2: expected the end of the line, found '}'"},
};

static bool refuses(const struct refused *c)
{
	struct graph *g = graph_open();
	struct err e = ERR_INIT;
	bool ok = text_parse(g, c->text, &e) < 0 &&
		  !strncmp(e.detail, c->message, strlen(c->message));

	if (!ok)
		printf("want '%s'\ngot  '%s'\n", c->message, e.detail);
	err_release(&e);
	graph_close(g);
	return ok;
}

int main(void)
{
	int failed = 0;

	for (int i = 0; i < ROUNDS; i++) {
		failed += !round_trip();
		failed += !damaged();
	}
	for (size_t i = 0; i < COUNT_OF(refused); i++)
		failed += !refuses(&refused[i]);
	printf("%d failed\n", failed);
	return failed != 0;
}
