/*
 * Attention: MatMul with its tail, Softmax of the last axis, MatMul become one .Attention, which
 * keeps no scores. Operands are read from where the maps in front of it read them: through
 * transposes, parts and scaling by one number (which goes into the scale, as does a first step of
 * the tail that only scales); a Transpose behind becomes the order of the result's axes. Runs when
 * all else has joined.
 */
#include "compiler/fuse.h"
#include "compiler/ops/util.h"

#include <math.h>
#include <string.h>

#define DEPTH_MAX  128 /* columns of q and of v that the kernel has room for */
#define SHARED_MAX 8

struct operand {
	val_id v;
	struct access access; /* from its space */
};

struct match {
	struct node *scores, *softmax, *product;
	struct node *guard; /* NULL, or what makes 0 of probabilities that are NaN */
	struct node *moved; /* NULL, or the Transpose behind */
	struct attention_attr attr;
	struct operand in[ATTENTION_SCORES];
	double scale;
	uint32_t first_step; /* of the scores' tail, that is left */
	uint32_t nshared;    /* copies that several of the operands are parts of */
	val_id shared[SHARED_MAX];
};

/* ---- the three nodes ---- */

static bool is_product(const struct graph *g, const struct node *n)
{
	return n && (fuse_is(n, "MatMul") || fuse_is(n, ".MatMul")) && n->nmain == 2 && !n->nhead &&
	       g->val[n->out[0]].type.dt == F32 && g->val[n->in[0]].type.rank >= 2 &&
	       g->val[n->in[1]].type.rank >= 2;
}

/* The node that reads v, which has one reader. */
static struct node *reader_of(const struct graph *g, val_id v)
{
	for (uint32_t i = g->val[v].def; i < g->nnode; i++)
		for (uint32_t k = 0; k < g->node[i].nin && !g->node[i].dead; k++)
			if (g->node[i].in[k] == v)
				return &g->node[i];
	return NULL; /* an output of the graph */
}

static bool in_order(const int *perm, int rank)
{
	for (int i = 0; i < rank; i++)
		if (perm[i] != i)
			return false;
	return true;
}

/* Where(IsNaN(p), 0, p), as exporters write it for rows that a mask leaves without any key. */
static bool is_guard(const struct graph *g, const struct node *n, val_id p)
{
	uint16_t at = TAIL_IN, zero;
	const struct val *c;

	if (!n || !fuse_is_map(n) || n->ntail != 2 || n->nin != 2)
		return false;
	at |= n->in[0] != p;
	zero = at ^ 1;
	c = &g->val[n->in[zero & ~TAIL_IN]];
	return n->in[at & ~TAIL_IN] == p && access_is_identity(g, n, at & ~TAIL_IN) &&
	       !strcmp(n->tail[0].op->name, "IsNaN") && n->tail[0].arg[0] == at &&
	       !strcmp(n->tail[1].op->name, "Where") && n->tail[1].arg[0] == 1 &&
	       n->tail[1].arg[1] == zero && n->tail[1].arg[2] == at && val_is_const(c) &&
	       type_count(&c->type) == 1 && get_float(c->data, c->type.dt, 0) == 0;
}

static bool find_nodes(const struct fuse *f, struct node *n, struct match *m)
{
	const struct graph *g = f->g;
	const struct axis_attr *axis = n->attr;
	const struct matmul_attr *second;
	const struct type *t;
	val_id p;

	*m = (struct match){.softmax = n, .scale = 1};
	if (!fuse_is(n, "Softmax") || n->dead || f->uses[n->in[0]] != 1 || f->uses[n->out[0]] != 1)
		return false;
	t = &g->val[n->in[0]].type;
	m->scores = fuse_producer(g, n->in[0]);
	p = n->out[0];
	m->product = reader_of(g, p);
	if (is_guard(g, m->product, p) && f->uses[m->product->out[0]] == 1) {
		m->guard = m->product;
		p = m->guard->out[0];
		m->product = reader_of(g, p);
	}
	if (t->rank < 2 || axis->axis != t->rank - 1 || !is_product(g, m->scores) ||
	    !is_product(g, m->product) || m->product->ntail)
		return false;
	second = m->product->attr;
	return m->product->in[0] == p && m->product->in[1] != p &&
	       in_order(second->perm_a, t->rank) && g->val[m->product->out[0]].type.rank == t->rank;
}

/* ---- operands ---- */

/* Operand k of a product, whose last two axes are those of its space, or turned round. */
static struct operand operand_of(const struct graph *g, const struct node *n, uint32_t k,
				 bool turned, const struct type *space)
{
	const struct matmul_attr *attr = n->attr;
	const struct type *t = &g->val[n->in[k]].type;
	const int *perm = k ? attr->perm_b : attr->perm_a;
	struct operand o = {.v = n->in[k]};

	for (int i = 0; i < t->rank; i++) {
		int axis = space->rank - t->rank + i, j = perm[i];

		if (turned && i >= t->rank - 2)
			axis = i == t->rank - 1 ? space->rank - 2 : space->rank - 1;
		o.access.axis[j] = t->dim[j] == 1 ? -1 : (int8_t)axis;
		o.access.step[j] = t->dim[j] != 1;
	}
	return o;
}

/* The one number that a .Map multiplies by or divides by: of its inputs the other one is *k. */
static bool scales(const struct graph *g, const struct tail_step *s, const struct node *n,
		   uint16_t main, double *by)
{
	bool mul = !strcmp(s->op->name, "Mul"), div = !strcmp(s->op->name, "Div");
	int at = s->arg[0] != main;
	const struct val *c;

	if ((!mul && !div) || s->nargs != 2 || s->arg[at] != main || (div && at) ||
	    !(s->arg[!at] & TAIL_IN))
		return false;
	c = &g->val[n->in[s->arg[!at] & ~TAIL_IN]];
	if (!val_is_const(c) || c->type.dt != F32 || type_count(&c->type) != 1)
		return false;
	*by = get_float(c->data, F32, 0);
	*by = div ? 1 / *by : *by;
	return isfinite(*by) && *by != 0;
}

/* Reads through a .Map that moves, or multiplies by one number. */
static bool through_map(const struct graph *g, struct operand *o, const struct node *n,
			double *scale)
{
	double by = 1;
	uint32_t k = 0;
	struct access inner;

	if (n->ntail > 1 || n->nin > 2)
		return false;
	if (n->ntail) {
		while (k < n->nin && val_is_const(&g->val[n->in[k]]))
			k++;
		if (k == n->nin || !scale || !scales(g, n->tail, n, (uint16_t)(TAIL_IN | k), &by))
			return false;
		*scale *= by;
	}
	if (val_is_const(&g->val[n->in[k]]))
		return false;
	inner = access_of(g, n, k);
	o->v = n->in[k];
	o->access = access_compose(&o->access, &inner, g->val[o->v].type.rank);
	return true;
}

/*
 * How a .View that is one part of its input along leading axes, the others as they are, reads it:
 * the axes of more than one element behind are the same.
 */
static bool view_access(const struct type *in, const struct type *out, int64_t offset,
			struct access *a)
{
	int i = in->rank - 1, o = out->rank - 1;
	int64_t run = 1;

	*a = (struct access){.axis = {0}};
	for (; i >= 0; i--) {
		while (o >= 0 && out->dim[o] == 1)
			o--;
		a->axis[i] = -1;
		if (o >= 0 && in->dim[i] == out->dim[o]) {
			a->axis[i] = (int8_t)o--;
			a->step[i] = 1;
		} else if (in->dim[i] != 1 && o >= 0) {
			return false;
		} else if (in->dim[i] != 1) {
			a->start[i] = offset / run % in->dim[i];
		}
		if (a->axis[i] < 0)
			offset -= a->start[i] * run;
		run *= in->dim[i];
	}
	return o < 0 && offset == 0;
}

/* Reads through a .View of a copy, which has other readers, too: they have to be operands like
 * this. */
static bool through_part(const struct fuse *f, struct match *m, struct operand *o,
			 const struct node *n)
{
	const struct graph *g = f->g;
	const struct node *p = fuse_producer(g, n->in[0]);
	const struct view_attr *view = n->attr;
	struct access part;

	if (!p || !fuse_is_map(p) || p->ntail || g->val[p->out[0]].output ||
	    val_is_const(&g->val[p->in[0]]) || m->nshared == SHARED_MAX ||
	    !view_access(&g->val[n->in[0]].type, &g->val[n->out[0]].type, view->offset, &part))
		return false;
	o->access = access_compose(&o->access, &part, g->val[n->in[0]].type.rank);
	m->shared[m->nshared++] = n->in[0];
	o->v = n->in[0];
	return through_map(g, o, p, NULL);
}

static void trace(const struct fuse *f, struct match *m, uint32_t k, bool parts)
{
	const struct graph *g = f->g;
	struct operand *o = &m->in[k];
	const struct node *n;
	bool moved = true;

	while (moved && f->uses[o->v] == 1 && (n = fuse_producer(g, o->v)) != NULL) {
		moved = false;
		if (fuse_is_map(n))
			moved = through_map(g, o, n, k == ATTENTION_V ? NULL : &m->scale);
		else if (n->op == &op__View && parts)
			moved = through_part(f, m, o, n);
	}
}

/* The only axis of which a copy takes a part, the others as they are; -1: it is another one. */
static int part_axis(const struct type *in, const struct type *out, const struct access *a)
{
	int part = -1;

	if (in->rank != out->rank)
		return -1;
	for (int i = 0; i < in->rank; i++) {
		if (in->dim[i] == out->dim[i] &&
		    (in->dim[i] == 1 || (a->axis[i] == i && !a->start[i] && a->step[i] == 1)))
			continue;
		if (part >= 0 || (out->dim[i] != 1 && (a->axis[i] != i || a->step[i] != 1)))
			return -1;
		part = i;
	}
	return part;
}

/* Elements of one step along an axis. */
static int64_t run_of(const struct type *t, int axis)
{
	int64_t run = 1;

	for (int i = axis + 1; i < t->rank; i++)
		run *= t->dim[i];
	return run;
}

/* The copy of a part that operand k alone shows in another shape; NULL: it is something else. */
static struct node *shown_part(const struct fuse *f, const struct match *m, uint32_t k)
{
	const struct graph *g = f->g;
	val_id v = m->in[k].v;
	struct node *n = fuse_producer(g, v), *p = n ? fuse_producer(g, n->in[0]) : NULL;

	for (uint32_t i = 0; i < ATTENTION_SCORES; i++)
		if (i != k && m->in[i].v == v)
			return NULL;
	if (!p || n->op != &op__View || ((const struct view_attr *)n->attr)->offset ||
	    !fuse_is_map(p) || p->ntail)
		return NULL;
	return f->uses[v] == 1 && f->uses[n->in[0]] == 1 && !val_is_const(&g->val[p->in[0]]) &&
			       !fuse_is_feature_map(g, p->in[0])
		       ? p
		       : NULL;
}

/*
 * A .View of a copied part (the heads of a third of a packed projection): rather the part of a view
 * of the whole. The .View has no other reader, so that it may become that one.
 */
static void read_whole(const struct fuse *f, struct match *m, uint32_t k)
{
	struct graph *g = f->g;
	struct node *p = shown_part(f, m, k);
	struct operand *o = &m->in[k];
	struct type *t = &g->val[o->v].type;
	const struct type *in, *mid;
	struct access a;
	int64_t run, rest;
	int axis;

	if (!p)
		return;
	in = &g->val[p->in[0]].type;
	mid = &g->val[p->out[0]].type;
	a = access_of(g, p, 0);
	axis = part_axis(in, mid, &a);
	if (axis < 0 || axis >= t->rank)
		return;
	for (int i = 0; i < axis; i++)
		if (t->dim[i] != mid->dim[i])
			return;
	run = run_of(t, axis);
	rest = run_of(mid, axis);
	if (a.start[axis] * rest % run || in->dim[axis] * rest % run)
		return;
	fuse_producer(g, o->v)->in[0] = p->in[0];
	t->dim[axis] = in->dim[axis] * rest / run;
	o->access.start[axis] += a.start[axis] * rest / run;
}

/* Each copy is read by the operands alone, so that it goes. */
static bool owns_shared(const struct fuse *f, const struct match *m)
{
	for (uint32_t i = 0; i < m->nshared; i++) {
		uint32_t count = 0;

		for (uint32_t j = 0; j < m->nshared; j++)
			count += m->shared[j] == m->shared[i];
		if (count != f->uses[m->shared[i]])
			return false;
	}
	return true;
}

static void find_operands(const struct fuse *f, struct match *m)
{
	const struct graph *g = f->g;

	for (int parts = 1; parts >= 0; parts--) {
		m->scale = 1;
		m->nshared = 0;
		m->in[ATTENTION_Q] =
			operand_of(g, m->scores, 0, false, &m->attr.space[ATTENTION_Q]);
		m->in[ATTENTION_K] = operand_of(g, m->scores, 1, true, &m->attr.space[ATTENTION_K]);
		m->in[ATTENTION_V] =
			operand_of(g, m->product, 1, false, &m->attr.space[ATTENTION_V]);
		for (uint32_t k = 0; k < ATTENTION_SCORES; k++)
			trace(f, m, k, parts);
		if (owns_shared(f, m))
			return;
	}
}

/* ---- the scores' tail ---- */

static bool reads_result(const struct node *n, uint32_t from, uint16_t result)
{
	for (uint32_t s = from; s < n->ntail; s++)
		for (int k = 0; k < n->tail[s].nargs; k++)
			if (n->tail[s].arg[k] == result)
				return true;
	return false;
}

/* Steps in front that scale what nothing else reads are the scale. */
static void take_scale(const struct graph *g, struct match *m)
{
	const struct node *n = m->scores;
	double by;

	while (m->first_step < n->ntail &&
	       scales(g, &n->tail[m->first_step], n, (uint16_t)m->first_step, &by) &&
	       !reads_result(n, m->first_step + 1, (uint16_t)m->first_step)) {
		m->scale *= by;
		m->first_step++;
	}
}

/* Input k of the scores among those of n; added where it is new. */
static uint32_t tail_input(struct graph *g, struct node *n, const struct node *from, uint32_t k)
{
	for (uint32_t i = n->nmain; i < n->nin; i++)
		if (n->in[i] == from->in[k] &&
		    n->access[i] == (from->access ? from->access[k] : NULL))
			return i;
	CHECK(from->in[k] < g->nval);
	n->in[n->nin] = from->in[k];
	n->access[n->nin] = from->access ? from->access[k] : NULL;
	return n->nin++;
}

static void move_tail(struct graph *g, struct node *n, const struct match *m)
{
	const struct node *from = m->scores;

	n->tail = NEW(g->arena, from->ntail, struct tail_step);
	for (uint32_t s = m->first_step; s < from->ntail; s++) {
		struct tail_step *step = &n->tail[n->ntail++];

		*step = from->tail[s];
		for (int k = 0; k < step->nargs; k++)
			step->arg[k] =
				step->arg[k] & TAIL_IN
					? (uint16_t)(TAIL_IN | tail_input(g, n, from,
									  step->arg[k] & ~TAIL_IN))
					: (uint16_t)(step->arg[k] - m->first_step);
	}
}

/* ---- the whole ---- */

static bool fits_kernel(const struct graph *g, struct match *m)
{
	const struct type *scores = &g->val[m->softmax->out[0]].type;
	const struct type *y = &g->val[m->product->out[0]].type;
	const struct matmul_attr *first = m->scores->attr;
	const struct type *q = &g->val[m->scores->in[0]].type;
	int64_t depth = q->dim[first->perm_a[q->rank - 1]], width = y->dim[y->rank - 1];

	for (int i = 0; i < scores->rank - 1; i++)
		if (scores->dim[i] != y->dim[i])
			return false;
	attention_spaces(&m->attr, scores, depth, width);
	return type_count(scores) > 0 && type_count(scores) <= INT32_MAX && depth > 0 &&
	       width > 0 && depth <= DEPTH_MAX && width <= DEPTH_MAX;
}

static void find_moved(const struct fuse *f, struct match *m)
{
	const struct graph *g = f->g;
	val_id v = m->product->out[0];
	struct node *n = f->uses[v] == 1 && !g->val[v].output ? reader_of(g, v) : NULL;
	int rank = g->val[v].type.rank;

	for (int i = 0; i < rank; i++)
		m->attr.perm[i] = i;
	if (n && fuse_is_transpose(g, n, m->attr.perm))
		m->moved = n;
	else
		for (int i = 0; i < rank; i++)
			m->attr.perm[i] = i;
}

static void write_attrs(struct graph *g, struct node *n)
{
	const struct attention_attr *attr = n->attr;
	const struct type *scores = &attr->space[ATTENTION_SCORES];
	const struct type *q = &attr->space[ATTENTION_Q], *v = &attr->space[ATTENTION_V];
	struct attr *a = NEW(g->arena, 6, struct attr);
	int64_t *dims = NEW(g->arena, scores->rank, int64_t),
		*perm = NEW(g->arena, scores->rank, int64_t);

	for (int i = 0; i < scores->rank; i++) {
		dims[i] = scores->dim[i];
		perm[i] = attr->perm[i];
	}
	a[0] = (struct attr){.name = "scores", .type = ATTR_INTS, .n = scores->rank, .ints = dims};
	a[1] = (struct attr){.name = "depth", .type = ATTR_INT, .i = q->dim[q->rank - 1]};
	a[2] = (struct attr){.name = "width", .type = ATTR_INT, .i = v->dim[v->rank - 1]};
	a[3] = (struct attr){.name = "perm", .type = ATTR_INTS, .n = scores->rank, .ints = perm};
	a[4] = (struct attr){.name = "scale", .type = ATTR_FLOAT, .f = attr->scale};
	a[5] = (struct attr){.name = "guard", .type = ATTR_INT, .i = 1};
	n->attrs = a;
	n->nattrs = attr->guard ? 6 : 5;
}

static void apply(struct graph *g, struct match *m)
{
	struct node *last = m->moved ? m->moved : m->product;
	struct node n = {.op = &op__Attention,
			 .name = m->product->name,
			 .was = m->product->was ? m->product->was : m->product->op->name,
			 .version = g->opset,
			 .nmain = ATTENTION_SCORES,
			 .nin = ATTENTION_SCORES,
			 .nout = 1,
			 .out = last->out};
	uint32_t most = ATTENTION_SCORES + m->scores->nin;
	struct attention_attr *attr;

	m->attr.scale = (float)m->scale;
	m->attr.guard = m->guard != NULL;
	n.attr = attr = arena_copy(g->arena, &m->attr, sizeof(m->attr));
	n.space = attr->space;
	n.in = NEW(g->arena, most, val_id);
	n.access = NEW(g->arena, most, struct access *);
	for (uint32_t k = 0; k < ATTENTION_SCORES; k++) {
		n.in[k] = m->in[k].v;
		access_set(g, &n, k, &m->in[k].access);
	}
	move_tail(g, &n, m);
	write_attrs(g, &n);
	m->scores->dead = m->softmax->dead = m->product->dead = true;
	if (m->guard)
		m->guard->dead = true;
	*last = n;
	node_set_out(g, last, 0, n.out[0]);
}

void fuse_attention(struct fuse *f)
{
	struct graph *g = f->g;

	if (!rewrite_on(g, REWRITE_ATTENTION))
		return;
	for (uint32_t i = 0; i < g->nnode; i++) {
		struct match m;

		fuse_count(f);
		if (!find_nodes(f, &g->node[i], &m) || !fits_kernel(g, &m))
			continue;
		find_operands(f, &m);
		for (uint32_t k = 0; k < ATTENTION_SCORES; k++)
			read_whole(f, &m, k);
		take_scale(g, &m);
		find_moved(f, &m);
		apply(g, &m);
		fuse_did(f, REWRITE_ATTENTION);
	}
	graph_compact(g);
}
