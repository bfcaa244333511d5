/*
 * If, Loop, Scan: their bodies are written out. Of an If with a constant
 * condition one branch; else both, and Where takes the results of one. Loop
 * is unrolled where the trips and the condition of each are known from
 * constants, Scan always is.
 */
#include "compiler/body.h"
#include "compiler/ops/expand.h"

#include <string.h>

static const struct attr_rule if_attrs[] = {{"then_branch", ATTR_GRAPH, true},
					    {"else_branch", ATTR_GRAPH, true},
					    {NULL, ATTR_INT, false}};
static const struct attr_rule body_attrs[] = {{"body", ATTR_GRAPH, true}, {NULL, ATTR_INT, false}};

/* Output k of the node, where the body has one. */
static int set_outs(struct expand *x, const val_id *v, uint32_t n)
{
	if (x->n->nout > n)
		return fail(x->e, E_SUBGRAPH, "%s has %u outputs, its body makes %u",
			    x->n->op->name, x->n->nout, n);
	for (uint32_t k = 0; k < x->n->nout; k++)
		expand_out(x, k, v[k]);
	x->done = true; /* also where nothing of it is read */
	return expand_end(x);
}

/* A constant truth value or number of one element; false where v is none. */
static bool constant_of(const struct expand *x, val_id v, int64_t *value)
{
	const struct val *c = &x->g->val[v];

	if (!v || !val_is_const(c) || type_count(&c->type) != 1 || dtype_is_float(c->type.dt))
		return false;
	*value = get_int(c->data, c->type.dt, 0);
	return true;
}

/* ---- If ---- */

static int parse_if(struct graph *g, struct node *n, struct err *e)
{
	uint32_t a = body_find(n, "then_branch")->body->nout;
	uint32_t b = body_find(n, "else_branch")->body->nout;

	(void)g;
	if (a != b || a < n->nout)
		return fail(e, E_SUBGRAPH, "If has %u outputs, its branches have %u and %u",
			    n->nout, a, b);
	return 0;
}

/* The outputs of both branches, of one type each: those of the one that is true. */
static void choose(struct expand *x, val_id *a, const val_id *b, uint32_t n)
{
	for (uint32_t k = 0; k < n && !x->failed; k++) {
		struct type t = expand_type(x, a[k]), u = expand_type(x, b[k]);

		if (!type_equal(&t, &u)) {
			fail(x->e, E_SHAPE_DYNAMIC,
			     "the condition of If is run-time data, and its branches make %s "
			     "and %s",
			     type_text(x->g->arena, &t), type_text(x->g->arena, &u));
			x->failed = true;
		}
		a[k] = expand_3(x, "Where", expand_in(x, 0), a[k], b[k]);
	}
}

static int expand_if(struct expand *x)
{
	const struct closure *c[] = {body_find(x->n, "then_branch"),
				     body_find(x->n, "else_branch")};
	uint32_t nout = c[0]->body->nout;
	const val_id *in[] = {body_captures(x->n, c[0]), body_captures(x->n, c[1])};
	val_id *out[2];
	int64_t value;

	for (int i = 0; i < 2; i++)
		out[i] = NEW(x->g->arena, nout, val_id);
	if (constant_of(x, expand_in(x, 0), &value)) {
		int i = value ? 0 : 1;

		return body_expand(x, c[i], in[i], out[i]) < 0 ? -1 : set_outs(x, out[i], nout);
	}
	for (int i = 0; i < 2; i++)
		if (body_expand(x, c[i], in[i], out[i]) < 0)
			return -1;
	choose(x, out[0], out[1], nout);
	return set_outs(x, out[0], nout);
}

/* ---- what Loop and Scan share ---- */

/* The results of each trip along a new axis. */
struct stack {
	val_id *v;
	uint32_t n;
};

static void stack_push(struct expand *x, struct stack *s, val_id v, int64_t axis)
{
	if (x->failed)
		return;
	s->v = GROW(x->g->arena, s->v, s->n);
	s->v[s->n++] = expand_2(x, "Unsqueeze", v, expand_ints(x, &axis, 1));
}

static val_id stack_join(struct expand *x, const struct stack *s, int64_t axis)
{
	const struct attr a = {.name = "axis", .type = ATTR_INT, .i = axis};

	return x->failed || !s->n ? 0 : expand_op(x, "Concat", s->v, s->n, &a, 1);
}

static int too_long(struct expand *x, int64_t trips)
{
	return fail(x->e, E_LOOP, "%s of %lld trips would become more than %d nodes",
		    x->n->op->name, (long long)trips, BODY_NODES_MAX);
}

static int join_all(struct expand *x, const val_id *state, uint32_t nstate,
		    const struct stack *stack, uint32_t nstack)
{
	val_id *out = NEW(x->g->arena, nstate + nstack, val_id);

	memcpy(out, state, nstate * sizeof(*out));
	for (uint32_t k = 0; k < nstack; k++) {
		if (!stack[k].n && nstate + k < x->n->nout && x->n->out[nstate + k])
			return fail(x->e, E_LOOP, "%s makes no trip, and its output %u is used",
				    x->n->op->name, nstate + k);
		out[nstate + k] = stack_join(x, &stack[k], 0);
	}
	return set_outs(x, out, nstate + nstack);
}

/* ---- Loop: body(trip, condition, states...) -> condition, states..., one part of each list ----
 */

struct loop {
	const struct closure *c;
	uint32_t nstate, nstack;
	val_id *in, *out;
	struct stack *stack;
};

static int loop_begin(struct expand *x, struct loop *l)
{
	const struct body *b;
	uint32_t given;

	l->c = body_find(x->n, "body");
	b = l->c->body;
	given = x->n->nin - b->ncapture;
	if (given < 2 || b->nparam != given || b->nout < b->nparam - 1)
		return fail(x->e, E_SUBGRAPH,
			    "Loop has %u inputs; its body has %u and makes %u results", given,
			    b->nparam, b->nout);
	l->nstate = given - 2;
	l->nstack = b->nout - 1 - l->nstate;
	l->in = arena_copy(x->g->arena, x->n->in, x->n->nin * sizeof(val_id));
	l->out = NEW(x->g->arena, b->nout, val_id);
	l->stack = NEW(x->g->arena, l->nstack, struct stack);
	return 0;
}

static int loop_trip(struct expand *x, struct loop *l, int64_t trip, int64_t *go)
{
	struct type t = {.dt = BOOL};

	l->in[0] = expand_number(x, I64, (double)trip);
	l->in[1] = val_const(x->g, "", &t, memset(arena_alloc(x->g->arena, 1), 1, 1));
	if (body_expand(x, l->c, l->in, l->out) < 0)
		return -1;
	if (!constant_of(x, l->out[0], go))
		return fail(x->e, E_LOOP, "the condition of Loop after trip %lld is run-time data",
			    (long long)trip);
	memcpy(l->in + 2, l->out + 1, l->nstate * sizeof(val_id));
	for (uint32_t k = 0; k < l->nstack; k++)
		stack_push(x, &l->stack[k], l->out[1 + l->nstate + k], 0);
	return expand_end(x);
}

static int expand_loop(struct expand *x)
{
	struct loop l = {0};
	int64_t trips = INT64_MAX, go = 1;

	if (loop_begin(x, &l) < 0)
		return -1;
	if ((l.in[0] && !constant_of(x, l.in[0], &trips)) ||
	    (l.in[1] && !constant_of(x, l.in[1], &go))) {
		fail(x->e, E_LOOP, "how often Loop runs is run-time data");
		return err_hint(x->e, "make it a constant: --bind NAME=FILE for a graph input");
	}
	for (int64_t trip = 0; trip < trips && go; trip++) {
		int64_t nodes = l.c->body->nnode + l.nstack + 1;

		if (trip + x->g->body_nodes > BODY_NODES_MAX ||
		    (trips != INT64_MAX && trips > BODY_NODES_MAX / nodes))
			return too_long(x, trips);
		if (loop_trip(x, &l, trip, &go) < 0)
			return -1;
	}
	return join_all(x, l.in + 2, l.nstate, l.stack, l.nstack);
}

/* ---- Scan: body(states..., one part of each input) -> states..., one part of each list ---- */

static const struct attr_rule scan_attrs[] = {{"body", ATTR_GRAPH, true},
					      {"num_scan_inputs", ATTR_INT, true},
					      {"scan_input_axes", ATTR_INTS, false},
					      {"scan_input_directions", ATTR_INTS, false},
					      {"scan_output_axes", ATTR_INTS, false},
					      {"scan_output_directions", ATTR_INTS, false},
					      {NULL, ATTR_INT, false}};

/* Axes and directions other than 0 are refused. */
static int parse_scan(struct graph *g, struct node *n, struct err *e)
{
	(void)g;
	for (uint32_t i = 0; i < n->nattrs; i++)
		for (uint32_t k = 0; n->attrs[i].type == ATTR_INTS && k < n->attrs[i].n; k++)
			if (n->attrs[i].ints[k])
				return fail(e, E_OP_UNSUPPORTED, "Scan with %s other than 0",
					    n->attrs[i].name);
	return 0;
}

/* Trips: the length of all scan inputs. */
static int scan_trips(struct expand *x, const val_id *in, int64_t n, int64_t *trips)
{
	for (int64_t k = 0; k < n; k++) {
		struct type t = expand_type(x, in[k]);

		if (!t.rank || (k && t.dim[0] != *trips))
			return fail(x->e, E_SHAPE, "Scan goes over inputs of different lengths");
		*trips = t.dim[0];
	}
	return 0;
}

static int expand_scan(struct expand *x)
{
	const struct closure *c = body_find(x->n, "body");
	const struct body *b = c->body;
	uint32_t given = x->n->nin - b->ncapture, nstate, nstack;
	int64_t lists = attr_find(x->n, "num_scan_inputs")->i, trips = 0;
	val_id *in, *out;
	struct stack *stack;

	if (lists < 1 || lists > given || b->nparam != given || b->nout < given - lists)
		return fail(x->e, E_SUBGRAPH,
			    "Scan has %u inputs, %lld of them lists; its body has %u and makes %u",
			    given, (long long)lists, b->nparam, b->nout);
	nstate = given - (uint32_t)lists;
	nstack = b->nout - nstate;
	in = arena_copy(x->g->arena, x->n->in, x->n->nin * sizeof(val_id));
	out = NEW(x->g->arena, b->nout, val_id);
	stack = NEW(x->g->arena, nstack, struct stack);
	if (scan_trips(x, x->n->in + nstate, lists, &trips) < 0)
		return -1;
	if (trips > BODY_NODES_MAX / (b->nnode + given))
		return too_long(x, trips);
	for (int64_t t = 0; t < trips; t++) {
		for (uint32_t k = nstate; k < given; k++)
			in[k] = expand_2(x, "Gather", x->n->in[k],
					 expand_number(x, I64, (double)t));
		if (x->failed || body_expand(x, c, in, out) < 0)
			return -1;
		memcpy(in, out, nstate * sizeof(val_id));
		for (uint32_t k = 0; k < nstack; k++)
			stack_push(x, &stack[k], out[nstate + k], 0);
	}
	return x->failed ? -1 : join_all(x, in, nstate, stack, nstack);
}

#define CONTROL(id, from, least, outputs, rules, parse_it, expand_it) \
	const struct op op_##id = {                                   \
		.name = #id,                                          \
		.since = from,                                        \
		.min_in = least,                                      \
		.max_in = 255,                                        \
		.min_out = outputs,                                   \
		.max_out = 255,                                       \
		.attrs = rules,                                       \
		.parse = parse_it,                                    \
		.expand = expand_it,                                  \
	}
CONTROL(If, 1, 1, 1, if_attrs, parse_if, expand_if);
CONTROL(Loop, 1, 0, 1, body_attrs, NULL, expand_loop);
CONTROL(Scan, 9, 1, 1, scan_attrs, parse_scan, expand_scan);
