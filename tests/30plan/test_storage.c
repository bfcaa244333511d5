/*
 * Random graphs through layout, order, alias, live and plan, then executed on
 * tokens instead of numbers: every element of every value has a token, kernels
 * write theirs element by element in random order, and each read must find the
 * token that belongs there. Kernels also write what they may trash (padding
 * lanes, scratch memory). Knows nothing of how storage was chosen. Of graphs
 * whose values fill multiples of 256 bytes the words are counted, step by
 * step, that hold something still to be read: the most of them at one step, or the largest slot,
 * is the plan's lower bound.
 */
#include "compiler/access.h"
#include "compiler/ops/op.h"
#include "compiler/passes.h"

#include <stdio.h>
#include <string.h>

#define GARBAGE 0xffffffffu

static uint64_t state = 7;
static uint32_t draw(uint32_t below)
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
static const struct op rows = {
	.name = "rows", .layout = WANT_PLAIN, .lower = lower, .mem = {{SHARE_INPLACE, 0}}};
static const struct op concat = {.name = "concat",
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
		if (!draw(seen < 4 ? seen : 3))
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
	int64_t channels = widths[draw(COUNT_OF(widths))];

	return m->whole ? div_up(channels, BLOCK) * BLOCK : channels;
}

static void make_conv(struct maker *m)
{
	struct type t = feature(m, width(m));
	val_id x = pick(m, 4, NULL), skip = pick(m, 4, &t);
	struct node *n;

	if (m->g->val[x].type.dim[2] != m->h || m->g->val[x].type.dim[0] != m->n)
		return;
	n = new_node(m, &conv, &t, 1, skip && draw(2) ? 2 : 1);
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
	val_id x = pick(m, draw(3) ? 4 : 2, NULL), y;
	struct type t, small;
	struct node *n;

	if (!x)
		return;
	t = small = m->g->val[x].type;
	small.dim[t.rank - 1] = 1;
	if (t.rank == 4)
		small.dim[2] = 1;
	y = pick(m, t.rank, draw(2) ? &t : &small);
	n = new_node(m, &op__Map, &t, 0, y && draw(4) ? 2 : 1);
	n->in[0] = x;
	if (n->nin == 2)
		n->in[1] = y;
	if (draw(4) == 0) {
		struct access a = access_identity(t.rank);
		uint32_t k = draw(n->nin);
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

	a.start[1] = m->whole || draw(4) ? channels / 16 * 8 : (int64_t)draw((uint32_t)channels);
	t.dim[1] = draw(2) ? channels - a.start[1] : MIN(channels - a.start[1], 8);
	n = new_node(m, &op__Map, &t, 0, 1);
	n->in[0] = x;
	access_set(m->g, n, 0, &a);
}

static void make_concat(struct maker *m)
{
	uint32_t count = 2 + draw(2), axis = draw(4) ? 1 : 0;
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
	n = new_node(m, &concat, &t, count, count);
	memcpy(n->in, in, count * sizeof(*in));
	((struct axis_attr *)n->attr)->axis = (int)axis;
}

static void make_view(struct maker *m)
{
	val_id x = pick(m, 4, NULL);
	struct type t = m->g->val[x].type;
	int64_t item = t.dim[1] * t.dim[2] * t.dim[3], offset = 0;
	struct node *n;

	if (t.dim[0] > 1 && item % 4 == 0 && draw(2)) { /* the second item alone */
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
	n = new_node(m, draw(2) ? &dense : &rows, &t, 1, 1);
	n->in[0] = x;
}

static bool is_view_of_input(const struct graph *g, val_id v)
{
	while (g->val[v].def && g->node[g->val[v].def - 1].op == &op__View)
		v = g->node[g->val[v].def - 1].in[0];
	return !g->val[v].def;
}

static struct graph *random_graph(bool whole)
{
	static void (*const make[])(struct maker *) = {make_conv,   make_conv, make_pool,
						       make_map,    make_map,  make_slice,
						       make_concat, make_view, make_plain};
	struct maker m = {.g = graph_open(),
			  .whole = whole,
			  .n = 1 + draw(2),
			  .h = 1 + draw(2),
			  .w = whole ? 8 : 2 + draw(2)};
	struct graph *g = m.g;
	uint32_t want = 3 + draw(NODES_MAX - 3);
	struct type t = feature(&m, width(&m));

	g->opset = 17;
	g->ninput = 1;
	g->input = NEW(g->arena, 1, val_id);
	g->input[0] = new_val(&m, &t);
	g->val[g->input[0]].input = true;
	for (uint32_t i = 0; i < 100 && g->nnode < want; i++)
		make[draw(COUNT_OF(make))](&m);
	g->output = NEW(g->arena, g->nval, val_id);
	for (val_id v = g->nval - 1; v > 0; v--)
		if (!is_view_of_input(g, v) && (g->noutput == 0 || draw(8) == 0)) {
			g->output[g->noutput++] = v;
			g->val[v].output = true;
		}
	return g;
}

/* ---- execution on tokens ---- */

struct machine {
	const struct graph *g;
	uint32_t step, *counted;  /* counted: per word, 1 + the last step in which it is live */
	uint64_t *live;		  /* per step, words */
	uint32_t *arena, **token; /* token[v][logical index] */
	uint32_t next, in_place, inside, copied;
	const char *error;
};

static int64_t linear(const struct type *t, const int64_t *at)
{
	int64_t i = 0;

	for (int k = 0; k < t->rank; k++)
		i = i * t->dim[k] + at[k];
	return i;
}

static void unravel(const struct type *t, int64_t i, int64_t *at)
{
	for (int k = t->rank - 1; k >= 0; k--) {
		at[k] = i % t->dim[k];
		i /= t->dim[k];
	}
}

/* Word of the arena where an element lies; channel may be a padding lane. */
static uint64_t word(const struct graph *g, val_id id, const int64_t *at)
{
	const struct val *v = &g->val[id];
	uint64_t start = (g->slot[v->slot].offset + v->off) / 4;
	const int64_t *d = v->type.dim;

	if (v->layout == BLOCKED)
		return start +
		       (uint64_t)(at[0] * v->pitch +
				  ((at[1] / 8 * d[2] + at[2]) * d[3] + at[3]) * 8 + at[1] % 8);
	return start + (uint64_t)(v->type.rank == 4
					  ? at[0] * v->pitch + (at[1] * d[2] + at[2]) * d[3] + at[3]
					  : at[0] * v->pitch + at[1]);
}

/* What is in the word is live up to the present step. */
static void hold(struct machine *m, uint64_t word)
{
	for (; m->counted[word] <= m->step; m->counted[word]++)
		m->live[m->counted[word]]++;
}

static void put(struct machine *m, uint64_t word, uint32_t token)
{
	m->arena[word] = token;
	m->counted[word] = MAX(m->counted[word], m->step);
	hold(m, word);
}

static void check(struct machine *m, val_id v, const int64_t *at, const char *what)
{
	hold(m, word(m->g, v, at));
	if (m->arena[word(m->g, v, at)] != m->token[v][linear(&m->g->val[v].type, at)])
		m->error = what;
}

/* A whole value as a kernel finds it: of a blocked one also the padding lanes, which are zero. */
static void check_all(struct machine *m, val_id v, const char *what)
{
	const struct val *x = &m->g->val[v];
	int64_t at[RANK_MAX], count = type_count(&x->type);

	for (int64_t i = 0; i < count; i++) {
		unravel(&x->type, i, at);
		check(m, v, at, what);
		if (x->layout != BLOCKED || at[1] + 1 != x->type.dim[1])
			continue;
		for (at[1]++; at[1] % 8; at[1]++)
			if (m->arena[word(m->g, v, at)])
				m->error = "padding lane";
	}
}

/* What a Map without steps puts at an element of its output. */
static uint32_t copied_token(const struct machine *m, const struct node *n, int64_t index)
{
	const struct type *t = &m->g->val[n->in[0]].type;
	struct access a = access_of(m->g, n, 0);
	int64_t out[RANK_MAX], in[RANK_MAX];

	unravel(&m->g->val[n->out[0]].type, index, out);
	for (int i = 0; i < t->rank; i++)
		in[i] = a.start[i] + (a.axis[i] < 0 ? 0 : a.step[i] * out[a.axis[i]]);
	return m->token[n->in[0]][linear(t, in)];
}

static void make_tokens(struct machine *m, const struct node *n, val_id v)
{
	const struct graph *g = m->g;
	const struct type *t = &g->val[v].type;
	int64_t count = type_count(t), before = 0;

	m->token[v] = NEW(g->arena, count, uint32_t);
	if (n && n->op == &op__View) {
		for (int64_t i = 0; i < count; i++)
			m->token[v][i] =
				m->token[n->in[0]][i + ((struct view_attr *)n->attr)->offset];
		return;
	}
	for (int64_t i = 0; i < count; i++)
		m->token[v][i] =
			n && n->op == &op__Map && !n->ntail ? copied_token(m, n, i) : ++m->next;
	for (uint32_t k = 0; n && n->op == &concat && k < n->nin; k++) {
		const struct type *in = &g->val[n->in[k]].type;
		int axis = ((struct axis_attr *)n->attr)->axis;
		int64_t at[RANK_MAX];

		for (int64_t i = 0; i < type_count(in); i++) {
			unravel(in, i, at);
			at[axis] += before;
			m->token[v][linear(t, at)] = m->token[n->in[k]][i];
		}
		before += in->dim[axis];
	}
}

/* Padding lanes that a kernel writes as zero together with the element. */
static void write(struct machine *m, val_id v, const int64_t *at)
{
	const struct val *x = &m->g->val[v];
	int64_t lane[RANK_MAX];

	put(m, word(m->g, v, at), m->token[v][linear(&x->type, at)]);
	if (x->layout != BLOCKED || at[1] + 1 != x->type.dim[1])
		return;
	memcpy(lane, at, sizeof(lane));
	for (lane[1]++; lane[1] % 8; lane[1]++)
		put(m, word(m->g, v, lane), 0);
}

static void tail_index(const struct machine *m, const struct node *n, uint32_t k, const int64_t *at,
		       int64_t *in)
{
	struct access a = access_of(m->g, n, k);

	for (int i = 0; i < m->g->val[n->in[k]].type.rank; i++)
		in[i] = a.start[i] + (a.axis[i] < 0 ? 0 : a.step[i] * at[a.axis[i]]);
}

/* Reads of the tail for one element of the output. */
static void read_tail(struct machine *m, const struct node *n, const int64_t *at)
{
	for (uint32_t k = n->nmain; k < n->nin; k++) {
		int64_t in[RANK_MAX];

		tail_index(m, n, k, at, in);
		check(m, n->in[k], in, "tail input");
	}
}

/* A copy, the elements of which lie where they are already. */
static bool stays(const struct machine *m, const struct node *n)
{
	int64_t at[RANK_MAX] = {0}, in[RANK_MAX] = {0};

	if (n->op != &op__Map || n->ntail)
		return n->op == &op__View;
	tail_index(m, n, 0, at, in);
	return word(m->g, n->in[0], in) == word(m->g, n->out[0], at);
}

/* A value is live as a whole while any of it is read; a copy that stays where it is reads nothing.
 */
static void hold_tail(struct machine *m, const struct node *n)
{
	int64_t in[RANK_MAX];

	for (uint32_t k = n->nmain; k < n->nin; k++) {
		const struct type *t = &m->g->val[n->in[k]].type;

		if (stays(m, n))
			continue;
		for (int64_t i = 0; i < type_count(t); i++) {
			unravel(t, i, in);
			hold(m, word(m->g, n->in[k], in));
		}
	}
}

static bool starts_at(const struct graph *g, val_id x, val_id y)
{
	return g->val[x].slot == g->val[y].slot && g->val[x].off == g->val[y].off;
}

static void run_kernel(struct machine *m, const struct node *n)
{
	const struct graph *g = m->g;
	val_id y = n->out[0];
	int64_t count = type_count(&g->val[y].type), shift = (int64_t)draw((uint32_t)count);
	int64_t at[RANK_MAX];

	for (uint32_t k = 0; k < n->nmain; k++)
		check_all(m, n->in[k], "main input");
	hold_tail(m, n);
	for (uint64_t i = 0; n->scratch && i < g->slot[n->scratch].size / 4; i++)
		put(m, g->slot[n->scratch].offset / 4 + i, GARBAGE);
	for (int64_t i = 0; i < count; i++) { /* forwards or backwards from anywhere */
		unravel(&g->val[y].type, (shift & 1 ? count - 1 - i + shift : i + shift) % count,
			at);
		read_tail(m, n, at);
		write(m, y, at);
	}
	for (uint32_t k = 0; k < n->nmain; k++) /* other blocks may still read */
		if (n->op != &rows || !starts_at(g, n->in[k], y))
			check_all(m, n->in[k], "main input, overwritten");
	for (uint32_t k = 0; k < n->nin; k++)
		m->in_place += starts_at(g, n->in[k], y);
}

static void run_concat(struct machine *m, const struct node *n)
{
	const struct graph *g = m->g;
	val_id y = n->out[0];
	int axis = ((struct axis_attr *)n->attr)->axis;
	int64_t before = 0, at[RANK_MAX];

	for (uint32_t k = 0; k < n->nin; k++) {
		const struct type *t = &g->val[n->in[k]].type;
		bool moved = false;

		for (int64_t i = 0; i < type_count(t); i++) {
			uint64_t from;

			unravel(t, i, at);
			check(m, n->in[k], at, "concat input");
			from = word(g, n->in[k], at);
			at[axis] += before;
			if (word(g, y, at) != from) {
				moved = true;
				write(m, y, at);
			}
		}
		before += t->dim[axis];
		m->inside += !moved;
		m->copied += moved;
	}
}

/* Per node: a mere copy that nothing but such copies reads. It may show bytes that are gone where
 * it stays in them. */
static bool *find_idle(const struct graph *g)
{
	bool *idle = NEW(g->arena, g->nnode, bool), *read = NEW(g->arena, g->nval, bool);

	for (uint32_t i = g->nnode; i-- > 0;) {
		const struct node *n = &g->node[i];
		bool copies = n->op == &op__View || (n->op == &op__Map && !n->ntail);

		idle[i] = copies && !read[n->out[0]] && !g->val[n->out[0]].output;
		for (uint32_t k = 0; k < n->nin && !idle[i]; k++)
			read[n->in[k]] = true;
	}
	return idle;
}

static const char *execute(struct machine *m)
{
	const struct graph *g = m->g;
	const bool *idle = find_idle(g);
	int64_t at[RANK_MAX];

	m->arena = NEW(g->arena, g->arena_bytes / 4 + 1, uint32_t);
	m->counted = NEW(g->arena, g->arena_bytes / 4 + 1, uint32_t);
	m->live = NEW(g->arena, g->nnode + 1, uint64_t);
	m->token = NEW(g->arena, g->nval, uint32_t *);
	make_tokens(m, NULL, g->input[0]);
	for (int64_t i = 0; i < type_count(&g->val[g->input[0]].type); i++) {
		unravel(&g->val[g->input[0]].type, i, at);
		write(m, g->input[0], at);
	}
	for (uint32_t i = 0; i < g->nnode; i++) {
		const struct node *n = &g->node[i];

		m->step = i;
		make_tokens(m, n, n->out[0]);
		if (idle[i] && stays(m, n))
			continue;
		if (n->op == &concat)
			run_concat(m, n);
		else if (n->op != &op__View)
			run_kernel(m, n);
		check_all(m, n->out[0], "output");
	}
	for (uint32_t i = 0; i < g->noutput; i++)
		check_all(m, g->output[i], "graph output");
	return m->error;
}

static const char *check_bound(const struct machine *m)
{
	uint64_t most = 0;

	for (uint32_t i = 0; i < m->g->nnode; i++)
		most = MAX(most, m->live[i] * 4);
	for (slot_id i = 1; i < m->g->nslot;
	     i++) /* its parts may be far apart, at different steps */
		most = MAX(most, m->g->slot[i].size);
	return most == m->g->lower_bound ? NULL
					 : arena_printf(m->g->arena, "%llu bytes are needed",
							(unsigned long long)most);
}

static int run_passes(struct graph *g, struct err *e)
{
	static const struct {
		const char *name;
		int (*run)(struct graph *g, struct err *e);
	} passes[] = {{"layout", pass_layout},
		      {"order", pass_order},
		      {"alias", pass_alias},
		      {"live", pass_live},
		      {"plan", pass_plan}};

	verify(g, "fuse");
	for (size_t i = 0; i < COUNT_OF(passes); i++) {
		if (passes[i].run(g, e) < 0)
			return -1;
		verify(g, passes[i].name);
	}
	return 0;
}

int main(void)
{
	uint32_t in_place = 0, inside = 0, copied = 0, nodes = 0;
	enum { GRAPHS = 3000 };

	for (int i = 0; i < GRAPHS; i++) {
		struct graph *g = random_graph(i % 2);
		struct machine m = {.g = g};
		struct err e = ERR_INIT;
		const char *error = run_passes(g, &e) < 0 ? e.detail : execute(&m);

		if (!error && i % 2)
			error = check_bound(&m);
		if (error) {
			struct buf text = BUF_INIT;

			text_print(g, &text);
			printf("graph %d: %s\n%s", i, error, buf_str(&text));
			return 1;
		}
		nodes += g->nnode;
		in_place += m.in_place;
		inside += m.inside;
		copied += m.copied;
		err_release(&e);
		graph_close(g);
	}
	printf("%d graphs, %u nodes: %u in place, %u inside a concat, %u copied\n", GRAPHS, nodes,
	       in_place, inside, copied);
	return in_place < GRAPHS / 4 || inside < GRAPHS / 8 || copied < GRAPHS / 8;
}
