/*
 * Every ONNX node that only renames, moves or computes element by element
 * becomes a .View, a .Map, or nothing. A part of a value is a .View where its
 * bytes are one run; of a feature map it is a .Map, since those are blocked.
 */
#include "compiler/fuse.h"
#include "compiler/ops/util.h"

#include <string.h>

#define VIEW_ALIGN 16 /* bytes that a view may begin at: kernels load up to four floats at once */

struct rule {
	const char *op;
	void (*apply)(struct fuse *f, uint32_t node);
};

static const struct type *type_in(const struct fuse *f, uint32_t node)
{
	return &f->g->val[f->g->node[node].in[0]].type;
}

static const struct type *type_out(const struct fuse *f, uint32_t node)
{
	return &f->g->val[f->g->node[node].out[0]].type;
}

/* ---- what nodes become ---- */

static void vanish(struct fuse *f, uint32_t node)
{
	struct node *n = &f->g->node[node];

	graph_replace(f->g, n->out[0], n->in[0]);
	n->dead = true;
}

static void become(const struct graph *g, struct node *n, const struct op *op, void *attr,
		   uint32_t nmain)
{
	if (!n->was)
		n->was = n->op->name;
	n->op = op;
	n->attr = attr;
	n->attrs = NULL;
	n->nattrs = 0;
	n->nmain = nmain;
	n->version = g->opset;
}

/* Output 0 is input 0 from element `offset` on, in another shape. */
static void become_view(struct fuse *f, uint32_t node, int64_t offset)
{
	struct graph *g = f->g;
	struct node *n = &g->node[node], *p = fuse_producer(g, n->in[0]);
	const struct val *x = &g->val[n->in[0]];
	struct view_attr *view = NEW(g->arena, 1, struct view_attr);

	if (val_is_const(x)) {
		const uint8_t *data = x->data;

		graph_replace(g, n->out[0],
			      val_const(g, g->val[n->out[0]].name, type_out(f, node),
					data + (size_t)offset * dtype_size(x->type.dt)));
		n->dead = true;
		return;
	}
	if (p && p->op == &op__View) {
		const struct view_attr *under = p->attr;

		offset += under->offset;
		n->in[0] = p->in[0];
	}
	view->offset = offset;
	n->nin = n->nout = 1;
	become(g, n, &op__View, view, 1);
	if (offset) {
		struct attr *a = NEW(g->arena, 1, struct attr);

		*a = (struct attr){.name = "offset", .type = ATTR_INT, .i = offset};
		n->attrs = a;
		n->nattrs = 1;
	}
}

/* Output 0 is input 0 read through `a` (NULL: numpy broadcasting). */
static void become_copy(struct fuse *f, uint32_t node, const struct access *a)
{
	struct node *n = &f->g->node[node];

	n->nin = n->nout = 1;
	become(f->g, n, &op__Map, NULL, 0);
	if (a)
		access_set(f->g, n, 0, a);
}

static void become_map(struct fuse *f, uint32_t node)
{
	struct graph *g = f->g;
	struct node *n = &g->node[node];
	struct tail_step *s = NEW(g->arena, 1, struct tail_step);

	CHECK(n->nin <= TAIL_ARGS);
	*s = (struct tail_step){.op = n->op,
				.attr = n->attr,
				.nattrs = n->nattrs,
				.attrs = n->attrs,
				.version = n->version,
				.dt = type_out(f, node)->dt,
				.nargs = (uint8_t)n->nin};
	for (uint32_t k = 0; k < n->nin; k++)
		s->arg[k] = (uint16_t)(TAIL_IN | k);
	n->tail = s;
	n->ntail = 1;
	become(g, n, &op__Map, NULL, 0);
	fuse_unite_inputs(f, n);
}

/* ---- rules ---- */

static void reshape(struct fuse *f, uint32_t node)
{
	if (type_equal(type_in(f, node), type_out(f, node)))
		vanish(f, node);
	else
		become_view(f, node, 0);
}

static void same_or_copy(struct fuse *f, uint32_t node)
{
	if (type_equal(type_in(f, node), type_out(f, node)))
		vanish(f, node);
	else
		become_copy(f, node, NULL);
}

static void cast(struct fuse *f, uint32_t node)
{
	if (type_equal(type_in(f, node), type_out(f, node)))
		vanish(f, node);
	else if (f->g->node[node].op->expr)
		become_map(f, node);
}

static void concat(struct fuse *f, uint32_t node)
{
	if (f->g->node[node].nin == 1)
		vanish(f, node);
}

/* Axis o of output 0 is axis perm[o] of input 0. */
static void move_axes(struct fuse *f, uint32_t node, const int *perm)
{
	const struct type *in = type_in(f, node);
	struct access a = {.axis = {0}};
	int last = -1;
	bool moves = false;

	for (int o = 0; o < in->rank; o++) {
		int i = perm[o];

		a.axis[i] = (int8_t)o;
		a.step[i] = 1;
		if (in->dim[i] == 1)
			continue;
		moves = moves || i < last;
		last = i;
	}
	if (moves)
		become_copy(f, node, &a);
	else
		reshape(f, node); /* only axes of one element change places */
}

static void transpose(struct fuse *f, uint32_t node)
{
	const struct perm_attr *attr = f->g->node[node].attr;

	move_axes(f, node, attr->perm);
}

/* A view in six axes, those moved, a view in four. */
static void depth(struct fuse *f, uint32_t node)
{
	struct graph *g = f->g;
	const struct depth_attr *attr = g->node[node].attr;
	struct type moved = attr->split;
	const char *name = g->node[node].name, *was = g->node[node].op->name;
	val_id x = g->node[node].in[0];
	struct node *n;

	for (int o = 0; o < moved.rank; o++)
		moved.dim[o] = attr->split.dim[attr->perm[o]];
	n = node_insert(g, node, &op__View, name, 1, 1);
	n->was = was;
	n->in[0] = x;
	node_set_out(g, n, 0, val_add(g, "", &attr->split));
	n = node_insert(g, node + 1, &op__Map, name, 1, 1);
	n->was = was;
	n->in[0] = g->node[node].out[0];
	node_set_out(g, n, 0, val_add(g, "", &moved));
	g->node[node + 2].in[0] = n->out[0];
	become_view(f, node, 0);
	move_axes(f, node + 1, attr->perm);
	become_view(f, node + 2, 0);
}

bool fuse_is_feature_map(const struct graph *g, val_id v)
{
	const struct node *p = fuse_producer(g, v);

	while (p && p->op->layout == WANT_ANY && p->in[0])
		p = fuse_producer(g, p->in[0]);
	return p && p->op->layout == WANT_BLOCKED;
}

/* Elements in front of the part, where its elements are one run; -1 otherwise. */
static int64_t run_offset(const struct type *in, const struct type *out, const int64_t *start,
			  const int64_t *step)
{
	int64_t offset = 0, stride = 1;
	bool partial = false;

	for (int i = in->rank - 1; i >= 0; i--) {
		if (partial && out->dim[i] != 1)
			return -1;
		if (out->dim[i] != 1 && step[i] != 1)
			return -1;
		partial = partial || out->dim[i] != in->dim[i];
		offset += start[i] * stride;
		stride *= in->dim[i];
	}
	return offset;
}

static bool may_view(const struct fuse *f, uint32_t node, int64_t offset)
{
	return type_count(type_out(f, node)) && offset >= 0 &&
	       (uint64_t)offset * dtype_size(type_in(f, node)->dt) % VIEW_ALIGN == 0 &&
	       !fuse_is_feature_map(f->g, f->g->node[node].in[0]);
}

static void take_part(struct fuse *f, uint32_t node, const struct slice_attr *part)
{
	const struct type *in = type_in(f, node), *out = type_out(f, node);
	int64_t offset = run_offset(in, out, part->start, part->step);
	struct access a = access_identity(in->rank);

	if (type_equal(in, out) && offset == 0) {
		vanish(f, node);
		return;
	}
	if (may_view(f, node, offset)) {
		become_view(f, node, offset);
		return;
	}
	for (int i = 0; i < in->rank; i++) {
		a.start[i] = part->start[i];
		a.step[i] = part->step[i];
	}
	become_copy(f, node, &a);
}

static void slice(struct fuse *f, uint32_t node)
{
	take_part(f, node, f->g->node[node].attr);
}

/* Constant indices first, first + step, ... on an axis of size dim; false where they are others. */
static bool even_indices(const struct val *v, int64_t dim, int64_t *first, int64_t *step)
{
	int64_t count = val_is_const(v) && v->type.rank <= 1 ? type_count(&v->type) : 0, before = 0;

	*step = 1;
	for (int64_t i = 0; i < count; i++) {
		int64_t at = get_int(v->data, v->type.dt, i);

		at += at < 0 ? dim : 0;
		if (i == 0)
			*first = at;
		else if (i == 1)
			*step = at - before;
		else if (at - before != *step)
			return false;
		before = at;
	}
	return count > 0;
}

/* One index drops the axis, evenly spaced ones are a part of it. */
static void gather(struct fuse *f, uint32_t node)
{
	const struct node *n = &f->g->node[node];
	int axis = ((const struct axis_attr *)n->attr)->axis;
	const struct val *indices = &f->g->val[n->in[1]];
	const struct type *in = type_in(f, node);
	struct slice_attr part = {.start = {0}};
	struct access a = access_identity(in->rank);
	struct type kept = *in;
	int64_t offset;

	for (int i = 0; i < RANK_MAX; i++)
		part.step[i] = 1;
	if (!even_indices(indices, in->dim[axis], &part.start[axis], &part.step[axis]))
		return;
	kept.dim[axis] = type_count(&indices->type);
	offset = run_offset(in, &kept, part.start, part.step);
	if (may_view(f, node, offset)) {
		become_view(f, node, offset);
		return;
	}
	a.start[axis] = part.start[axis];
	a.step[axis] = part.step[axis];
	for (int i = axis; i < in->rank && !indices->type.rank; i++)
		a.axis[i] = (int8_t)(i == axis ? -1 : i - 1);
	become_copy(f, node, &a);
}

/* One part per output; the ones after the first become nodes of their own. */
static void split(struct fuse *f, uint32_t node)
{
	struct graph *g = f->g;
	const struct axis_attr *attr = g->node[node].attr;
	struct node whole = g->node[node];
	val_id x = whole.in[0];
	int64_t start = 0;
	uint32_t at = node;

	for (uint32_t k = 0; k < whole.nout; k++) {
		struct slice_attr part = {.start = {0}};
		struct node *n;

		if (!whole.out[k])
			continue;
		for (int i = 0; i < RANK_MAX; i++)
			part.step[i] = 1;
		part.start[attr->axis] = start;
		start += g->val[whole.out[k]].type.dim[attr->axis];
		n = k ? node_insert(g, ++at, &op__Map, whole.name, 1, 1) : &g->node[node];
		n->was = whole.op->name;
		n->in[0] = x;
		n->nout = 1;
		node_set_out(g, n, 0, whole.out[k]);
		take_part(f, at, &part);
	}
}

/* Not next to a convolution: two steps with a constant per channel. */
static void norm(struct fuse *f, uint32_t node)
{
	struct graph *g = f->g;
	struct node *n = &g->node[node];
	struct type t = *type_in(f, node);
	struct tail_step *s = NEW(g->arena, 2, struct tail_step);
	struct fuse_affine a;
	float *data[2];

	if (!fuse_norm(g, n, &a))
		return;
	for (int i = 2; i < t.rank; i++)
		t.dim[i] = 1;
	memmove(t.dim, t.dim + 1, (size_t)(t.rank - 1) * sizeof(t.dim[0]));
	t.rank--;
	for (int k = 0; k < 2; k++) {
		data[k] = NEW(g->arena, a.channels, float);
		for (int64_t c = 0; c < a.channels; c++)
			data[k][c] = (float)(k ? a.shift[c] : a.scale[c]);
		n->in[1 + k] = val_const(g, "", &t, data[k]);
	}
	for (int k = 0; k < 2; k++) {
		s[k] = (struct tail_step){
			.op = op_find(k ? "Add" : "Mul", g->opset), .dt = F32, .nargs = 2};
		s[k].attr = arena_alloc(g->arena, s[k].op->attr_size);
	}
	s[0].arg[0] = TAIL_IN;
	s[0].arg[1] = TAIL_IN | 1;
	s[1].arg[0] = 1;
	s[1].arg[1] = TAIL_IN | 2;
	n->nin = 3;
	n->nout = 1;
	n->tail = s;
	n->ntail = 2;
	become(g, n, &op__Map, NULL, 0);
}

/* A pool of single elements is a sum with zero, which makes -0 +0; that other pools have done. */
static void pool(struct fuse *f, uint32_t node)
{
	struct graph *g = f->g;
	struct node *n = &g->node[node];
	const struct window *w = &((const struct pool_attr *)n->attr)->win;
	struct access a = access_identity(w->nd + 2);
	const struct type one = {.dt = F32};
	val_id x = n->in[0];
	const struct node *p = fuse_producer(g, x);

	if (!rewrite_on(g, REWRITE_POOL) || type_in(f, node)->dt != F32 ||
	    (n->nout > 1 && n->out[1]))
		return;
	for (int i = 0; i < w->nd; i++) {
		if (w->kernel[i] != 1)
			return;
		a.step[2 + i] = w->stride[i];
	}
	if (!access_fits(&a, type_in(f, node), type_out(f, node)))
		return;
	fuse_did(f, REWRITE_POOL);
	if (p && (fuse_is(p, "MaxPool") || fuse_is(p, "AveragePool")) &&
	    type_equal(type_in(f, node), type_out(f, node))) {
		vanish(f, node);
		return;
	}
	n->was = n->op->name;
	n->op = op_find("Add", g->opset);
	n->attr = arena_alloc(g->arena, n->op->attr_size);
	n->nattrs = 0;
	n->nin = 2;
	n->in = NEW(g->arena, 2, val_id);
	n->in[0] = x;
	n->in[1] = val_const(g, "", &one, NEW(g->arena, 1, float));
	n->nout = 1;
	access_set(g, n, 0, &a);
	become_map(f, node);
}

/* Where(Not(c), a, b) is Where(c, b, a). */
static void where(struct fuse *f, uint32_t node)
{
	struct graph *g = f->g;
	struct node *n = &g->node[node];
	const struct node *p = fuse_producer(g, n->in[0]);
	val_id otherwise = n->in[2];

	if (rewrite_on(g, REWRITE_WHERE) && p && fuse_is_map(p) && p->ntail == 1 &&
	    !strcmp(p->tail[0].op->name, "Not")) {
		n->in[0] = p->in[0];
		n->in[2] = n->in[1];
		n->in[1] = otherwise;
		fuse_did(f, REWRITE_WHERE);
	}
	become_map(f, node);
}

static const struct rule rules[] = {
	{"Identity", reshape},	  {"Dropout", reshape},
	{"Cast", cast},		  {"Reshape", reshape},
	{"Flatten", reshape},	  {"Squeeze", reshape},
	{"Unsqueeze", reshape},	  {"Transpose", transpose},
	{"Slice", slice},	  {"Split", split},
	{"Expand", same_or_copy}, {"Gather", gather},
	{"Concat", concat},	  {"BatchNormalization", norm},
	{"DepthToSpace", depth},  {"SpaceToDepth", depth},
	{"MaxPool", pool},	  {"AveragePool", pool},
	{"Where", where},
};

static void normalise(struct fuse *f, uint32_t node)
{
	const struct node *n = &f->g->node[node];

	for (size_t r = 0; r < COUNT_OF(rules); r++)
		if (fuse_is(n, rules[r].op)) {
			rules[r].apply(f, node);
			return;
		}
	if (n->op->expr)
		become_map(f, node);
}

/* What is left has a kernel, or there is one error that lists all that have none. */
static int check_kernels(const struct graph *g, struct err *e)
{
	uint32_t missing = 0;

	for (uint32_t i = 0; i < g->nnode; i++)
		missing += !g->node[i].dead && g->node[i].op != &op__View && !g->node[i].op->lower;
	if (!missing)
		return 0;
	fail(e, E_OP_UNSUPPORTED, "%u node%s no kernel with these operands", missing,
	     missing == 1 ? " has" : "s have");
	for (uint32_t i = 0; i < g->nnode; i++)
		if (!g->node[i].dead && g->node[i].op != &op__View && !g->node[i].op->lower)
			err_item(e, E_OP_UNSUPPORTED, g->node[i].name, g->node[i].op->name,
				 "%s: no kernel with these operands", g->node[i].op->name);
	return -1;
}

int fuse_normalise(struct fuse *f, struct err *e)
{
	for (uint32_t i = 0; i < f->g->nnode; i++)
		if (!f->g->node[i].dead)
			normalise(f, i);
	graph_compact(f->g);
	return check_kernels(f->g, e);
}
