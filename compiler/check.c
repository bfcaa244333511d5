/*
 * The plan as it is shipped: tensors in steps (launches) instead of nodes,
 * launches with their arguments' regions, what shares bytes by construction
 * and by licence. runtime/plan_check.c proves it before a kernel is made;
 * pack writes down exactly this. Needs lower.
 */
#include "compiler/alias.h"
#include "compiler/ops/op.h"
#include "compiler/passes.h"
#include "compiler/storage.h"
#include "runtime/plan_check.h"

#include <string.h>

struct shipped { /* in the making */
	struct graph *g;
	struct artifact *a;
	int32_t *index; /* per value: its tensor, -1: it has no storage */
};

/* Steps are launches; a node without launches (a view) counts as the next one that has. */
static uint32_t step_first(const struct graph *g, uint32_t node)
{
	return node < g->nnode ? MIN(g->node[node].launch, g->nlaunch) : g->nlaunch;
}

static uint32_t step_last(const struct graph *g, uint32_t node)
{
	const struct node *n;

	if (node >= g->nnode)
		return g->nlaunch;
	n = &g->node[node];
	return n->nlaunch ? n->launch + n->nlaunch - 1 : n->launch;
}

static uint64_t start_of(const struct graph *g, const struct val *v)
{
	return g->slot[v->slot].offset + v->off;
}

/* ---- tensors ---- */

static void set_place(const struct graph *g, const struct val *v, struct artifact_value *t)
{
	uint64_t size = dtype_size(v->type.dt), item = (uint64_t)val_item(v) * size;
	uint64_t all = val_bytes(v), rows = item ? all / item : 0;
	bool dense = rows < 2 || (uint64_t)v->pitch == (uint64_t)val_item(v);

	t->offset = start_of(g, v);
	t->pitch = dense ? 0 : (uint64_t)v->pitch * size;
	t->width = dense ? all : item;
	t->rows = dense ? 1 : rows;
	t->first = v->input ? 0 : step_first(g, v->first);
	t->last = v->output ? g->nlaunch : step_last(g, v->last);
}

/* What it shows of others, if it has no launches of its own for all of its bytes. */
static void set_shared(const struct shipped *s, const struct node *n, struct artifact_value *t)
{
	struct graph *g = s->g;
	const struct axis_attr *attr = n->attr;
	uint64_t offset;
	int64_t pitch;

	if (storage_is_view(g, n) && storage_view(g, n, node_in(g, n, 0)->pitch, &offset, &pitch)) {
		t->view_of = s->index[n->in[0]];
		t->view_at = offset;
	} else if (alias_is_into(n)) {
		int32_t *part = NEW(g->arena, n->nin, int32_t);

		for (uint32_t k = 0; k < n->nin; k++)
			part[k] = s->index[n->in[k]] >= 0
					  ? s->index[n->in[k]]
					  : -1 - (int32_t)node_in(g, n, k)->type.dim[attr->axis];
		t->axis = (uint32_t)attr->axis;
		t->nparts = n->nin;
		t->parts = part;
	}
}

/* Launches that make it; a view is there when its source is. */
static uint32_t made_of(const struct graph *g, const struct node *n)
{
	while (n && storage_is_view(g, n)) {
		const struct val *x = node_in(g, n, 0);

		n = x->def ? &g->node[x->def - 1] : NULL;
	}
	return n ? n->nlaunch : 0;
}

static void set_value(const struct shipped *s, val_id id, struct artifact_value *t)
{
	const struct graph *g = s->g;
	const struct val *v = &g->val[id];
	const struct node *n = v->def ? &g->node[v->def - 1] : NULL;

	*t = (struct artifact_value){.name = v->name,
				     .dtype = dtype_name(v->type.dt),
				     .node = n ? n->name : "",
				     .op = n ? node_op(n) : "",
				     .rank = v->type.rank,
				     .blocked = v->layout == BLOCKED,
				     .made = made_of(g, n),
				     .role = v->input	 ? VALUE_INPUT
					     : v->output ? VALUE_OUTPUT
							 : VALUE_INNER,
				     .view_of = -1};
	for (int i = 0; i < v->type.rank; i++)
		t->shape[i] = v->type.dim[i];
	set_place(g, v, t);
	if (n && id == n->out[0])
		set_shared(s, n, t);
}

static void add_values(struct shipped *s)
{
	struct graph *g = s->g;
	uint32_t n = 0;

	s->index = NEW(g->arena, g->nval, int32_t);
	for (val_id v = 0; v < g->nval; v++)
		s->index[v] = g->val[v].slot && g->val[v].type.dt != DT_NONE ? (int32_t)n++ : -1;
	s->a->nvalues = n;
	s->a->values = NEW(g->arena, n, struct artifact_value);
	for (val_id v = 1; v < g->nval; v++)
		if (s->index[v] >= 0)
			set_value(s, v, &s->a->values[s->index[v]]);
}

static struct artifact_tensor *ends(const struct graph *g, const val_id *id, uint32_t n)
{
	struct artifact_tensor *t = NEW(g->arena, n, struct artifact_tensor);

	for (uint32_t i = 0; i < n; i++) {
		const struct val *v = &g->val[id[i]];

		CHECK(v->layout == PLAIN && !val_is_const(v));
		t[i] = (struct artifact_tensor){.name = v->name,
						.dtype = dtype_name(v->type.dt),
						.rank = v->type.rank,
						.offset = start_of(g, v),
						.bytes = type_bytes(&v->type)};
		for (int k = 0; k < v->type.rank; k++)
			t[i].shape[k] = v->type.dim[k];
	}
	return t;
}

/* ---- launches ---- */

static struct artifact_arg arg_of(const struct shipped *s, const struct launch *l,
				  const struct karg *k)
{
	const struct graph *g = s->g;
	struct artifact_arg a = {.space = k->kind == KARG_WEIGHT ? ARG_WEIGHTS : ARG_ARENA,
				 .offset = k->offset,
				 .pitch = k->rows > 1 ? k->pitch : 0,
				 .rows = k->width ? k->rows : 0,
				 .value = k->kind == KARG_VAL ? s->index[k->val] : -1,
				 .access = k->access};

	if (k->kind == KARG_WEIGHT)
		a.offset += g->weight[k->weight].offset;
	else if (k->kind == KARG_SCRATCH)
		a.offset += g->slot[g->node[l->node].scratch].offset;
	else
		a.offset += start_of(g, &g->val[k->val]);
	a.bytes = a.rows ? (k->rows - 1) * k->pitch + k->width : 0;
	return a;
}

/* Everything of input v that node n reads, it reads at the index that it writes. */
static bool is_licensed(const struct graph *g, const struct node *n, val_id v)
{
	for (uint32_t k = 0; k < n->nin; k++)
		if (n->in[k] == v && !alias_same_index(g, n, k))
			return false;
	return true;
}

/* Output 0's argument over each input that has its bytes. */
static void add_over(const struct shipped *s, const struct launch *l, struct artifact_launch *to)
{
	const struct graph *g = s->g;
	const struct node *n = &g->node[l->node];
	const struct val *y = node_out(g, n, 0);
	struct artifact_over *over = NULL;

	for (uint32_t i = 0; i < l->nargs; i++)
		for (uint32_t k = 0; k < n->nin && l->arg[i].kind == KARG_VAL; k++) {
			const struct val *x = node_in(g, n, k);
			bool before = false;

			for (uint32_t j = 0; j < k; j++)
				before = before || n->in[j] == n->in[k];
			if (l->arg[i].val != n->out[0] || !(l->arg[i].access & 2) || !x || before ||
			    !x->slot || x->slot != y->slot || x->off != y->off ||
			    !is_licensed(g, n, n->in[k]))
				continue;
			over = GROW(g->arena, over, to->nover);
			over[to->nover++] = (struct artifact_over){i, (uint32_t)s->index[n->in[k]]};
		}
	to->over = over;
}

static void add_launches(struct shipped *s)
{
	struct graph *g = s->g;
	struct artifact *a = s->a;

	a->nlaunches = a->nkernels = g->nlaunch;
	a->launches = NEW(g->arena, g->nlaunch, struct artifact_launch);
	a->kernels = NEW(g->arena, g->nlaunch, struct artifact_kernel);
	for (uint32_t i = 0; i < g->nlaunch; i++) {
		const struct launch *l = &g->launch[i];
		struct artifact_launch *to = &a->launches[i];
		struct artifact_arg *arg = NEW(g->arena, l->nargs, struct artifact_arg);

		a->kernels[i].entry = l->kernel; /* one each, until emit has made them */
		*to = (struct artifact_launch){.kernel = i,
					       .shared = l->shared,
					       .nargs = l->nargs,
					       .args = arg,
					       .node = g->node[l->node].name,
					       .op = node_op(&g->node[l->node])};
		memcpy(to->grid, l->grid, sizeof(to->grid));
		memcpy(to->block, l->block, sizeof(to->block));
		for (uint32_t k = 0; k < l->nargs; k++)
			arg[k] = arg_of(s, l, &l->arg[k]);
		add_over(s, l, to);
	}
}

int pass_check(struct graph *g, struct err *e)
{
	struct shipped s = {.g = g, .a = NEW(g->arena, 1, struct artifact)};
	struct err bad = ERR_INIT;
	uint64_t live;
	int ret = 0;

	s.a->arena_bytes = g->arena_bytes;
	s.a->arena_lower_bound_bytes = g->lower_bound;
	s.a->ninputs = g->ninput;
	s.a->inputs = ends(g, g->input, g->ninput);
	s.a->noutputs = g->noutput;
	s.a->outputs = ends(g, g->output, g->noutput);
	add_values(&s);
	add_launches(&s);
	g->shipped = s.a;
	if (plan_check(s.a, &live, &bad) < 0)
		ret = fail(e, E_INTERNAL, "%s (%s)", bad.detail, bad.hint);
	err_release(&bad);
	return ret;
}
