/*
 * The spec of the IR, run after every pass: each check holds from the pass
 * named in the table on. A broken one is a bug of ours: it says which and
 * aborts. Storage: verify_storage.c.
 */
#include "compiler/access.h"
#include "compiler/ops/op.h"
#include "compiler/verify_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void verify_need(const struct spec *s, bool ok, const char *fmt, ...)
{
	va_list ap;

	if (ok)
		return;
	fprintf(stderr, "verify: after %s", s->pass);
	if (s->node < s->g->nnode)
		fprintf(stderr, ", node %u (%s)", s->node,
			s->g->node[s->node].op ? s->g->node[s->node].op->name : "no operator");
	fputs(": ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("\n", stderr);
	check_failed(fmt, __FILE__, __LINE__);
}

static bool is_map(const struct node *n)
{
	return n->op == &op__Map;
}

static bool is_view(const struct node *n)
{
	return n->op == &op__View;
}

static const struct node *maker(const struct graph *g, val_id v)
{
	return g->val[v].def ? &g->node[g->val[v].def - 1] : NULL;
}

/* ---- from onnx: definitions before uses, each value defined once ---- */

static void check_operands(struct spec *s, const struct node *n)
{
	const struct graph *g = s->g;

	for (uint32_t k = 0; k < n->nin; k++) {
		val_id v = n->in[k];

		need(s, v < g->nval, "input %u is no value", k);
		if (!v)
			continue;
		need(s, g->val[v].def <= s->node, "input %u (%s) is defined later", k,
		     g->val[v].name);
		need(s, g->val[v].def || g->val[v].input || val_is_const(&g->val[v]),
		     "nothing defines input %u (%s)", k, g->val[v].name);
	}
	for (uint32_t k = 0; k < n->nout; k++) {
		val_id v = n->out[k];

		need(s, v < g->nval, "output %u is no value", k);
		need(s, !v || g->val[v].def == s->node + 1, "output %u (%s) is defined by %u", k,
		     g->val[v].name, g->val[v].def);
		need(s, !v || !val_is_const(&g->val[v]), "output %u (%s) is a constant", k,
		     g->val[v].name);
	}
}

static void check_definitions(struct spec *s)
{
	const struct graph *g = s->g;

	for (s->node = 0; s->node < g->nnode; s->node++) {
		need(s, g->node[s->node].op != NULL, "it has no operator");
		need(s, !g->node[s->node].dead, "it is dead, but still there");
		check_operands(s, &g->node[s->node]);
	}
	for (uint32_t i = 0; i < g->ninput; i++)
		need(s, g->val[g->input[i]].input && !g->val[g->input[i]].def, "input %u", i);
	for (uint32_t i = 0; i < g->noutput; i++)
		need(s, g->output[i] && g->val[g->output[i]].output, "output %u", i);
}

/* ---- from infer: types ---- */

static void check_type(const struct spec *s, val_id v)
{
	const struct type *t = &s->g->val[v].type;
	int64_t count;

	need(s, t->dt != DT_NONE && t->rank <= RANK_MAX && type_count_ok(t, &count),
	     "the type of %s is not known", s->g->val[v].name);
}

static void check_types(struct spec *s)
{
	const struct graph *g = s->g;

	for (s->node = 0; s->node < g->nnode; s->node++) {
		for (uint32_t k = 0; k < g->node[s->node].nin; k++)
			if (g->node[s->node].in[k])
				check_type(s, g->node[s->node].in[k]);
		for (uint32_t k = 0; k < g->node[s->node].nout; k++)
			if (g->node[s->node].out[k])
				check_type(s, g->node[s->node].out[k]);
	}
}

/* ---- from fuse: heads, tails, accesses, views ---- */

/* Inputs [first, end) are the operands of these steps. */
static void check_step(const struct spec *s, const struct tail_step *step, uint32_t i,
		       uint32_t first, uint32_t end)
{
	const struct node *n = &s->g->node[s->node];

	need(s, step->op && step->op->expr, "step %u is not elementwise", i);
	need(s, step->nargs <= TAIL_ARGS, "step %u has too many operands", i);
	for (uint32_t a = 0; a < step->nargs; a++) {
		uint32_t arg = step->arg[a], k = arg & (uint32_t)~TAIL_IN;

		if (arg & TAIL_IN)
			need(s, k >= first && k < end && n->in[k], "step %u reads input %u", i, k);
		else
			need(s, arg <= i && (arg || !is_map(n)), "step %u reads result %u", i, arg);
	}
}

static void check_access(const struct spec *s, const struct node *n, uint32_t k)
{
	struct access a = access_of(s->g, n, k);

	need(s, access_fits(&a, &s->g->val[n->in[k]].type, node_space(s->g, n, k)),
	     "input %u is read out of range", k);
	for (int j = 0; j < s->g->val[n->in[k]].type.rank && node_in_head(n, k); j++)
		need(s, a.axis[j] <= 1 || s->g->val[n->in[k]].type.dim[j] == 1,
		     "input %u of the head depends on more than the channel", k);
}

static void check_head(const struct spec *s, const struct node *n)
{
	const struct val *x = node_in(s->g, n, 0);

	need(s, node_tail_in(n) <= n->nin, "more inputs of its own than inputs");
	need(s, n->nhead || !n->nhead_in, "inputs of the head that nothing reads");
	if (!n->nhead)
		return;
	need(s, n->op->head && n->nmain, "it can't have a head");
	need(s, x->type.dt == F32 && n->head[n->nhead - 1].dt == F32, "a head on %s",
	     dtype_name(x->type.dt));
	for (uint32_t i = 0; i < n->nhead; i++)
		check_step(s, &n->head[i], i, n->nmain, node_tail_in(n));
}

static void check_tail(const struct spec *s, const struct node *n)
{
	need(s, !n->ntail || n->op->tail || n->space || is_map(n), "it can't have a tail");
	need(s, !is_map(n) || !n->nmain, "a map has no inputs of its own");
	need(s, n->ntail || n->nin == (is_map(n) ? 1 : node_tail_in(n)),
	     "inputs that nothing reads");
	need(s,
	     !n->ntail ||
		     (n->nout == 1 && n->tail[n->ntail - 1].dt == s->g->val[n->out[0]].type.dt),
	     "the tail's result is not the output");
	for (uint32_t i = 0; i < n->ntail; i++)
		check_step(s, &n->tail[i], i, node_tail_in(n), n->nin);
	for (uint32_t k = n->nmain; k < n->nin; k++)
		check_access(s, n, k);
}

/* Of a .Conv: the steps before its pool don't depend on the pixel, those behind read its result. */
static void check_before(const struct spec *s, const struct node *n)
{
	const struct conv_attr *attr = n->attr;
	int64_t before = attr->store.before;

	need(s, attr->store.overlaps ? before == n->ntail : before <= n->ntail,
	     "%u steps, of them %lld before the pool", n->ntail, (long long)before);
	for (uint32_t i = 0; i < n->ntail; i++)
		for (uint32_t a = 0; a < n->tail[i].nargs; a++) {
			uint32_t arg = n->tail[i].arg[a], k = arg & (uint32_t)~TAIL_IN;
			struct access at;

			if (!(arg & TAIL_IN)) {
				need(s, i < before || arg >= before, "step %u reads past the pool",
				     i);
				continue;
			}
			at = access_of(s->g, n, k);
			for (int j = 0; j < s->g->val[n->in[k]].type.rank && i < before; j++)
				need(s, at.axis[j] <= 1 || s->g->val[n->in[k]].type.dim[j] == 1,
				     "step %u, before the pool, depends on the pixel", i);
		}
}

static void check_view(const struct spec *s, const struct node *n)
{
	const struct val *in = node_in(s->g, n, 0), *out = node_out(s->g, n, 0);
	const struct view_attr *view = n->attr;

	need(s, n->nin == 1 && n->nout == 1 && view && in->type.dt == out->type.dt,
	     "it is no view");
	need(s, view->offset >= 0 && view->offset + type_count(&out->type) <= type_count(&in->type),
	     "the view ends behind what it shows");
}

static void check_fused(struct spec *s)
{
	for (s->node = 0; s->node < s->g->nnode; s->node++) {
		const struct node *n = &s->g->node[s->node];

		need(s, is_view(n) || n->op->lower, "it has no kernel");
		check_head(s, n);
		check_tail(s, n);
		if (n->op == &op__Conv)
			check_before(s, n);
		if (is_view(n))
			check_view(s, n);
	}
	for (uint32_t i = 0; i < s->g->noutput; i++) {
		val_id v = s->g->output[i];

		for (uint32_t k = 0; k < i; k++)
			need(s, s->g->output[k] != v, "outputs %u and %u are one value", k, i);
		while (maker(s->g, v) && is_view(maker(s->g, v)))
			v = maker(s->g, v)->in[0];
		need(s, s->g->val[v].def != 0, "no kernel makes output %u", i);
	}
}

/* ---- from layout ---- */

static void check_layouts(struct spec *s)
{
	const struct graph *g = s->g;

	s->node = g->nnode;
	for (val_id v = 1; v < g->nval; v++) {
		const struct val *x = &g->val[v];

		if (x->layout == BLOCKED)
			need(s,
			     x->type.dt == F32 && x->type.rank >= 3 && x->type.rank <= 5 &&
				     !x->input && !x->output && !val_is_const(x),
			     "%s can't be blocked", x->name);
	}
	for (s->node = 0; s->node < g->nnode; s->node++) {
		const struct node *n = &g->node[s->node];

		if (n->op->layout != WANT_PLAIN)
			continue;
		for (uint32_t k = 0; k < n->nmain; k++)
			need(s, !n->in[k] || g->val[n->in[k]].layout == PLAIN,
			     "input %u is not plain", k);
		for (uint32_t k = 0; k < n->nout; k++)
			need(s, !n->out[k] || g->val[n->out[k]].layout == PLAIN,
			     "output %u is not plain", k);
	}
}

/* ---- the table ---- */

static const struct {
	const char *pass;
	void (*check)(struct spec *s);
} checks[] = {
	{"onnx", check_definitions}, {"bind", NULL},
	{"infer", check_types},	     {"fuse", check_fused},
	{"layout", check_layouts},   {"order", NULL},
	{"alias", verify_alias},     {"live", verify_live},
	{"plan", verify_plan},
};

void verify(const struct graph *g, const char *pass)
{
	struct spec s = {.g = g, .pass = pass};

	for (size_t i = 0; i < COUNT_OF(checks); i++) {
		if (checks[i].check)
			checks[i].check(&s);
		if (!strcmp(checks[i].pass, pass))
			return;
	}
}
