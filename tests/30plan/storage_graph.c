/* Random graphs for test_storage.c: convolutions, maps, Concats, slices, views, with tails. */
#include "tests/30plan/storage_graph.h"

#include "compiler/access.h"

#include <string.h>

static uint64_t state = 7;
uint32_t storage_draw(uint32_t below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((state >> 33) % below);
}

/* ---- operators of our own, by contract only ---- */

static void expr(const void *attr, const struct expr_arg *arg, struct buf *out)
{
	(void)attr;
	(void)arg;
	(void)out;
}

static int lower(struct graph *g, struct node *n, struct err *e)
{
	(void)g;
	(void)n;
	(void)e;
	return 0;
}

static uint64_t scratch(const struct graph *g, const struct node *n)
{
	return 100 + 4 * (uint64_t)type_count(&g->val[n->in[0]].type);
}

static const struct op conv = {
	.name = "conv", .layout = WANT_BLOCKED, .tail = true, .lower = lower, .scratch = scratch};
static const struct op pool = {
	.name = "pool", .layout = WANT_BLOCKED, .tail = true, .lower = lower};
static const struct op dense = {
	.name = "dense", .layout = WANT_PLAIN, .tail = true, .lower = lower};
const struct op storage_rows = {
	.name = "rows", .layout = WANT_PLAIN, .lower = lower, .mem = {{SHARE_INPLACE, 0}}};
const struct op storage_concat = {.name = "concat",
				  .layout = WANT_ANY,
				  .lower = lower,
				  .attr_size = sizeof(struct axis_attr),
				  .mem = {{SHARE_INTO, ANY_INPUT}}};
static const struct op step = {.name = "step", .expr = expr};

/* ---- random graphs ---- */

#define NODES_MAX 24
static const int64_t widths[] = {5, 8, 12, 16, 24};

struct maker {
	struct graph *g;
	bool whole; /* values of multiples of 256 bytes */
	int64_t n, h, w;
	uint32_t count; /* names */
};

static val_id new_val(struct maker *m, const struct type *t)
{
	return val_add(m->g, arena_printf(m->g->arena, "v%u", m->count++), t);
}

static struct type feature(const struct maker *m, int64_t channels)
{
	return (struct type){.dt = F32, .rank = 4, .dim = {m->n, channels, m->h, m->w}};
}

/* A value of rank `rank`, of the shape `like` where that is given; 0: there is none. */
static val_id pick(const struct maker *m, int rank, const struct type *like)
{
	val_id found = 0;
	uint32_t seen = 0;

	for (val_id v = 1; v < m->g->nval; v++) {
		const struct val *x = &m->g->val[v];

		if (val_is_const(x) || x->type.rank != rank ||
		    (like && !shape_equal(like, &x->type)))
			continue;
		/* younger ones more often, so that values die */
		seen++;
		if (!storage_draw(seen < 4 ? seen : 3))
			found = v;
	}
	return found;
}

static struct node *new_node(struct maker *m, const struct op *op, const struct type *out,
			     uint32_t nmain, uint32_t nin)
{
	struct node *n = node_add(m->g, op, "", nin, 1);
	val_id v = new_val(m, out);

	n->nmain = nmain;
	node_set_out(m->g, n, 0, v);
	return n;
}

/* One step over the node's result (if it has one) and all inputs from nmain on. */
static void add_tail(struct maker *m, struct node *n)
{
	struct tail_step *s = NEW(m->g->arena, 1, struct tail_step);

	*s = (struct tail_step){.op = &step, .dt = F32};
	if (n->nmain)
		s->arg[s->nargs++] = 0;
	for (uint32_t k = n->nmain; k < n->nin; k++)
		s->arg[s->nargs++] = (uint16_t)(TAIL_IN | k);
	n->tail = s;
	n->ntail = 1;
}

static int64_t width(const struct maker *m)
{
	int64_t channels = widths[storage_draw(COUNT_OF(widths))];

	return m->whole ? div_up(channels, BLOCK) * BLOCK : channels;
}

static void make_conv(struct maker *m)
{
	struct type t = feature(m, width(m));
	val_id x = pick(m, 4, NULL), skip = pick(m, 4, &t);
	struct node *n;

	if (m->g->val[x].type.dim[2] != m->h || m->g->val[x].type.dim[0] != m->n)
		return;
	n = new_node(m, &conv, &t, 1, skip && storage_draw(2) ? 2 : 1);
	n->in[0] = x;
	if (n->nin == 2) {
		n->in[1] = skip;
		add_tail(m, n);
	}
}

static void make_pool(struct maker *m)
{
	val_id x = pick(m, 4, NULL);
	struct type t = m->g->val[x].type;

	if (!m->whole)
		t.dim[2] = t.dim[3] = 1;
	new_node(m, &pool, &t, 1, 1)->in[0] = x;
}

/* Elementwise over values of one shape, a broadcast one, a mirrored one. */
static void make_map(struct maker *m)
{
	val_id x = pick(m, storage_draw(3) ? 4 : 2, NULL), y;
	struct type t, small;
	struct node *n;

	if (!x)
		return;
	t = small = m->g->val[x].type;
	small.dim[t.rank - 1] = 1;
	if (t.rank == 4)
		small.dim[2] = 1;
	y = pick(m, t.rank, storage_draw(2) ? &t : &small);
	n = new_node(m, &op__Map, &t, 0, y && storage_draw(4) ? 2 : 1);
	n->in[0] = x;
	if (n->nin == 2)
		n->in[1] = y;
	if (storage_draw(4) == 0) {
		struct access a = access_identity(t.rank);
		uint32_t k = storage_draw(n->nin);
		int last = t.rank - 1;

		if (shape_equal(&m->g->val[n->in[k]].type, &t)) {
			a.start[last] = t.dim[last] - 1;
			a.step[last] = -1;
			access_set(m->g, n, k, &a);
		}
	}
	add_tail(m, n);
}

/* A range of channels, copied; often such that it could stay where it is. */
static void make_slice(struct maker *m)
{
	val_id x = pick(m, 4, NULL);
	struct type t = m->g->val[x].type;
	struct access a = access_identity(t.rank);
	int64_t channels = t.dim[1];
	struct node *n;

	a.start[1] = m->whole || storage_draw(4) ? channels / 16 * 8
						 : (int64_t)storage_draw((uint32_t)channels);
	t.dim[1] = storage_draw(2) ? channels - a.start[1] : MIN(channels - a.start[1], 8);
	n = new_node(m, &op__Map, &t, 0, 1);
	n->in[0] = x;
	access_set(m->g, n, 0, &a);
}

static void make_concat(struct maker *m)
{
	uint32_t count = 2 + storage_draw(2), axis = storage_draw(4) ? 1 : 0;
	val_id in[3];
	struct type t;
	struct node *n;

	for (uint32_t k = 0; k < count; k++) {
		in[k] = pick(m, 4, k && !axis ? &t : NULL);
		if (!in[k])
			return;
		if (!k)
			t = m->g->val[in[0]].type;
		for (uint32_t i = 0; i < 4; i++)
			if (i != axis && m->g->val[in[k]].type.dim[i] != t.dim[i])
				return;
	}
	t.dim[axis] = 0;
	for (uint32_t k = 0; k < count; k++)
		t.dim[axis] += m->g->val[in[k]].type.dim[axis];
	if (t.dim[1] > 64 || t.dim[0] > 4)
		return;
	n = new_node(m, &storage_concat, &t, count, count);
	memcpy(n->in, in, count * sizeof(*in));
	((struct axis_attr *)n->attr)->axis = (int)axis;
}

static void make_view(struct maker *m)
{
	val_id x = pick(m, 4, NULL);
	struct type t = m->g->val[x].type;
	int64_t item = t.dim[1] * t.dim[2] * t.dim[3], offset = 0;
	struct node *n;

	if (t.dim[0] > 1 && item % 4 == 0 && storage_draw(2)) { /* the second item alone */
		t.dim[0] = 1;
		offset = item;
	}
	t = (struct type){.dt = F32, .rank = 2, .dim = {t.dim[0], item}};
	n = new_node(m, &op__View, &t, 1, 1);
	n->in[0] = x;
	((struct view_attr *)n->attr)->offset = offset;
}

static void make_plain(struct maker *m)
{
	val_id x = pick(m, 2, NULL);
	struct type t;
	struct node *n;

	if (!x)
		return;
	t = m->g->val[x].type;
	n = new_node(m, storage_draw(2) ? &dense : &storage_rows, &t, 1, 1);
	n->in[0] = x;
}

static bool is_view_of_input(const struct graph *g, val_id v)
{
	while (g->val[v].def && g->node[g->val[v].def - 1].op == &op__View)
		v = g->node[g->val[v].def - 1].in[0];
	return !g->val[v].def;
}

struct graph *storage_graph(bool whole)
{
	static void (*const make[])(struct maker *) = {make_conv,   make_conv, make_pool,
						       make_map,    make_map,  make_slice,
						       make_concat, make_view, make_plain};
	struct maker m = {.g = graph_open(),
			  .whole = whole,
			  .n = 1 + storage_draw(2),
			  .h = 1 + storage_draw(2),
			  .w = whole ? 8 : 2 + storage_draw(2)};
	struct graph *g = m.g;
	uint32_t want = 3 + storage_draw(NODES_MAX - 3);
	struct type t = feature(&m, width(&m));

	g->opset = 17;
	g->ninput = 1;
	g->input = NEW(g->arena, 1, val_id);
	g->input[0] = new_val(&m, &t);
	g->val[g->input[0]].input = true;
	for (uint32_t i = 0; i < 100 && g->nnode < want; i++)
		make[storage_draw(COUNT_OF(make))](&m);
	g->output = NEW(g->arena, g->nval, val_id);
	for (val_id v = g->nval - 1; v > 0; v--)
		if (!is_view_of_input(g, v) && (g->noutput == 0 || storage_draw(8) == 0)) {
			g->output[g->noutput++] = v;
			g->val[v].output = true;
		}
	return g;
}
