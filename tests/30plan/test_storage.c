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
#include "tests/30plan/storage_graph.h"

#include "compiler/access.h"
#include "compiler/passes.h"

#include <stdio.h>
#include <string.h>

#define GARBAGE 0xffffffffu

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
	for (uint32_t k = 0; n && n->op == &storage_concat && k < n->nin; k++) {
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
	int64_t count = type_count(&g->val[y].type), shift = (int64_t)storage_draw((uint32_t)count);
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
		if (n->op != &storage_rows || !starts_at(g, n->in[k], y))
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
		if (n->op == &storage_concat)
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
		struct graph *g = storage_graph(i % 2);
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
