/*
 * What the order search believes of storage against what alias does, for many
 * orders of random graphs: no order's storage is smaller than the search's
 * problem says, so that an order called exact is. And how often it is.
 */
#include "compiler/alias.h"
#include "compiler/order_int.h"
#include "compiler/order_model.h"
#include "compiler/passes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GRAPHS = 400, ORDERS = 40, VALUES = 64 };

static uint64_t seed = 7;

static uint32_t draw(uint32_t n) /* [0, n) */
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((seed >> 33) % n);
}

/* ---- random graphs, as text ---- */

struct maker {
	struct buf text;
	uint32_t n;
	struct {
		uint32_t channels;
		bool read;
	} val[VALUES];
};

static uint32_t pick(struct maker *m, uint32_t channels) /* 0: of any number */
{
	uint32_t found = UINT32_MAX, seen = 0;

	for (uint32_t v = m->n; v-- > 0;)
		if ((!channels || m->val[v].channels == channels) &&
		    (found == UINT32_MAX || !draw(++seen < 4 ? seen + 1 : 5)))
			found = v;
	return found;
}

static uint32_t use(struct maker *m, uint32_t v)
{
	m->val[v].read = true;
	return v;
}

static uint32_t add(struct maker *m, uint32_t channels)
{
	m->val[m->n].channels = channels;
	m->val[m->n].read = false;
	return m->n++;
}

static void make_conv(struct maker *m)
{
	uint32_t x = use(m, pick(m, 0)), c = 8 * (1 + draw(3)), y = add(m, c);

	buf_printf(&m->text, "%%w%u = const f32[%u,%u,1,1] fill=%016x\n", y, c, m->val[x].channels,
		   y);
	buf_printf(&m->text, "%%v%u = Conv %%v%u %%w%u\n", y, x, y);
}

static void make_unary(struct maker *m)
{
	static const char *const op[] = {"Relu", "Softmax", "Softmax",
					 "MaxPool {kernel_shape=[3,3], pads=[1,1,1,1]}"};
	uint32_t x = use(m, pick(m, 0)), k = draw(COUNT_OF(op));
	const char *attr = strchr(op[k], ' ');
	int length = attr ? (int)(attr - op[k]) : (int)strlen(op[k]);

	buf_printf(&m->text, "%%v%u = %.*s %%v%u%s\n", add(m, m->val[x].channels), length, op[k], x,
		   attr ? attr : "");
}

static void make_add(struct maker *m)
{
	uint32_t x = use(m, pick(m, 0)), y = use(m, pick(m, m->val[x].channels));

	buf_printf(&m->text, "%%v%u = Add %%v%u %%v%u\n", add(m, m->val[x].channels), x, y);
}

static void make_concat(struct maker *m)
{
	uint32_t n = 2 + draw(2), v[3], sum = 0;

	for (uint32_t k = 0; k < n; k++) {
		v[k] = use(m, pick(m, 0));
		sum += m->val[v[k]].channels;
	}
	if (sum > 64)
		return;
	buf_printf(&m->text, "%%v%u = Concat", add(m, sum));
	for (uint32_t k = 0; k < n; k++)
		buf_printf(&m->text, " %%v%u", v[k]);
	buf_puts(&m->text, " {axis=1}\n");
}

static void make_split(struct maker *m)
{
	uint32_t x = pick(m, 0), c = m->val[x].channels, first = 8 * (1 + draw(2)), a, b;

	if (c <= first)
		return;
	use(m, x);
	a = add(m, first);
	b = add(m, c - first);
	buf_printf(&m->text, "%%n%u = const i64[2] {%u, %u}\n", a, first, c - first);
	buf_printf(&m->text, "%%v%u, %%v%u = Split %%v%u %%n%u {axis=1}\n", a, b, x, a);
}

static const char *random_text(struct arena *a)
{
	static void (*const make[])(struct maker *) = {make_conv,   make_conv, make_unary,
						       make_unary,  make_add,  make_concat,
						       make_concat, make_split};
	struct maker m = {.text = BUF_INIT};
	uint32_t want = 4 + draw(9);
	const char *text;

	buf_printf(&m.text, "graph \"random\" opset 13\n%%v0 = input f32[%u,8,%u,4]\n",
		   draw(4) ? 1 : 2, 3 + draw(2));
	add(&m, 8);
	for (uint32_t i = 0; m.n < want && i < 100; i++)
		make[draw(COUNT_OF(make))](&m);
	for (uint32_t v = 1; v < m.n; v++)
		if (!m.val[v].read || !draw(12))
			buf_printf(&m.text, "output %%v%u\n", v);
	text = arena_strdup(a, buf_str(&m.text));
	buf_release(&m.text);
	return text;
}

/* ---- orders ---- */

static bool is_ready(const struct graph *g, const struct node *n, const bool *done)
{
	for (uint32_t k = 0; k < n->nin; k++)
		if (g->val[n->in[k]].def && !done[g->val[n->in[k]].def - 1])
			return false;
	return true;
}

/* A random one; called with def as the nodes stood. */
static void random_order(const struct graph *g, uint32_t *order, struct arena *a)
{
	bool *done = NEW(a, g->nnode, bool);

	for (uint32_t n = 0; n < g->nnode; n++) {
		uint32_t found = UINT32_MAX, seen = 0;

		for (uint32_t i = 0; i < g->nnode; i++)
			if (!done[i] && is_ready(g, &g->node[i], done) && !draw(++seen))
				found = i;
		order[n] = found;
		done[found] = true;
	}
}

static void set_order(struct graph *g, const struct node *from, const uint32_t *order)
{
	for (uint32_t i = 0; i < g->nnode; i++) {
		g->node[i] = from[order ? order[i] : i];
		for (uint32_t k = 0; k < g->node[i].nout; k++)
			node_set_out(g, &g->node[i], k, g->node[i].out[k]);
	}
}

struct counts {
	uint32_t orders, equal, gaps, better, worse;
};

static const char *check(struct graph *g, struct arena *a, struct counts *n)
{
	struct node *from = arena_copy(a, g->node, g->nnode * sizeof(*from));
	uint32_t *order = NEW(a, g->nnode, uint32_t);
	struct order_problem p;
	struct order_space s;
	struct order_found found;
	uint64_t least = UINT64_MAX, chosen;
	struct err e = ERR_INIT;

	alias_fixed(g);
	if (!order_model(g, a, true, &p))
		return "order_model";
	order_space_init(&s, &p, a);
	order_search(&p, ORDER_STATES, order, &found);
	for (uint32_t i = 0; i < ORDERS; i++) {
		struct order_segment all = {.end = g->nnode};
		uint64_t live = 0, real, want;

		for (uint32_t c = 0; c < p.ncell; c++)
			live += p.cell[c].writer == ORDER_START ? p.cell[c].bytes : 0;
		random_order(g, order, a);
		want = order_peak(&s, &all, order, &live);
		set_order(g, from, order);
		real = alias_try(g).peak;
		set_order(g, from, NULL);
		if (real < want)
			return "alias needs less than the search thought possible";
		least = MIN(least, real);
		n->equal += real == want;
		n->orders++;
	}
	if (pass_order(g, &e) < 0)
		return "pass_order";
	chosen = alias_try(g).peak;
	if (strcmp(g->order_certificate, "exact") != 0)
		n->gaps++;
	else if (chosen > least || chosen > found.bound)
		return "called exact, and it is not";
	n->better += chosen < least;
	n->worse += chosen > least;
	return found.bound > least ? "the bound is none" : NULL;
}

static bool test(int index, struct counts *n)
{
	struct graph *g = graph_open();
	struct arena *a = arena_open(0);
	const char *text = random_text(a);
	struct err e = ERR_INIT;
	const char *error = NULL;

	if (text_parse(g, text, &e) < 0 || pass_infer(g, &e) < 0 || pass_fuse(g, &e) < 0 ||
	    pass_layout(g, &e) < 0)
		error = e.detail;
	else
		error = check(g, a, n);
	if (error)
		printf("graph %d: %s\n%s", index, error, text);
	err_release(&e);
	arena_close(a);
	graph_close(g);
	return !error;
}

int main(void)
{
	struct counts n = {0};

	for (int i = 0; i < GRAPHS; i++)
		if (!test(i, &n))
			return 1;
	printf("%d graphs: %u of %u orders need what the search says; %u exact, %u gaps; %u better "
	       "than the best of %d random orders, %u worse\n",
	       GRAPHS, n.equal, n.orders, GRAPHS - n.gaps, n.gaps, n.better, ORDERS, n.worse);
	return n.gaps > GRAPHS / 2 || n.worse > GRAPHS / 20;
}
