/*
 * The order search on its own: small random problems against every order there
 * is, RandWire's graphs, limits that end the search early.
 */
#include "base/arena.h"
#include "compiler/order_search.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static uint64_t seed = 1;

static uint32_t draw(uint32_t n) /* [0, n) */
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((seed >> 33) % n);
}

/* ---- problems ---- */

struct maker {
	struct arena *a;
	struct order_node *node;
	struct order_cell *cell;
	uint32_t nnode, ncell;
	uint32_t **read; /* per cell: room for nnode */
};

static struct maker maker_open(uint32_t nnode, uint32_t ncell)
{
	struct maker m = {.a = arena_open(0), .nnode = nnode};

	m.node = NEW(m.a, nnode, struct order_node);
	m.cell = NEW(m.a, ncell, struct order_cell);
	m.read = NEW(m.a, ncell, uint32_t *);
	return m;
}

static struct order_problem problem_of(const struct maker *m)
{
	return (struct order_problem){
		.nnode = m->nnode, .ncell = m->ncell, .node = m->node, .cell = m->cell};
}

static uint32_t add_cell(struct maker *m, uint32_t writer, uint64_t bytes)
{
	uint32_t c = m->ncell++;

	m->read[c] = NEW(m->a, m->nnode, uint32_t);
	m->cell[c] = (struct order_cell){.bytes = bytes, .writer = writer, .read = m->read[c]};
	return c;
}

static void add_pred(struct maker *m, uint32_t node, uint32_t pred)
{
	struct order_node *n = &m->node[node];

	n->pred = GROW(m->a, (uint32_t *)n->pred, n->npred);
	((uint32_t *)n->pred)[n->npred++] = pred;
}

static bool add_read(struct maker *m, uint32_t c, uint32_t node)
{
	struct order_cell *cell = &m->cell[c];

	if (cell->nread && cell->read[cell->nread - 1] == node)
		return false;
	m->read[c][cell->nread++] = node;
	if (cell->writer != ORDER_START)
		add_pred(m, node, cell->writer);
	return true;
}

/* Over one or two of the cells that it reads; of those written `room` bytes are left. */
static void add_credit(struct maker *m, uint32_t node, const uint32_t *cell, uint32_t n,
		       uint64_t written)
{
	struct order_node *to = &m->node[node];
	struct order_credit *credit = NEW(m->a, 2, struct order_credit);

	to->credit = credit;
	for (uint32_t k = 0; k < 2 && k < n; k++) {
		struct order_credit *r = &credit[to->ncredit++];
		uint64_t sum = 0;

		r->ncell = 1 + draw(n - k);
		r->cell = cell + k;
		for (uint32_t i = 0; i < r->ncell; i++)
			sum += m->cell[cell[k + i]].bytes;
		r->bytes = MIN(sum, written);
		r->parts = r->ncell > 1 && draw(2);
	}
}

static struct maker random_problem(uint32_t n)
{
	struct maker m = maker_open(n, 4 * n + 4);
	uint32_t ninput = 1 + draw(2);

	for (uint32_t k = 0; k < ninput; k++)
		add_cell(&m, ORDER_START, 1 + draw(9));
	for (uint32_t i = 0; i < n; i++) {
		uint32_t before = m.ncell, reads = 1 + draw(3), count = 0;
		uint32_t *cell = NEW(m.a, 4, uint32_t);
		uint64_t written = 0;

		for (uint32_t k = 0; k < reads; k++) {
			uint32_t c = draw(3) ? before - 1 - draw(MIN(before, 5)) : draw(before);

			if (add_read(&m, c, i))
				cell[count++] = c;
		}
		if (i && !draw(8))
			add_pred(&m, i, draw(i));
		for (uint32_t k = draw(6) ? 1 : draw(3); k > 0; k--) {
			uint64_t bytes = draw(10);

			written += bytes;
			m.cell[add_cell(&m, i, bytes)].kept = !draw(8);
		}
		m.node[i].scratch = draw(4) ? 0 : draw(8);
		if (draw(2))
			add_credit(&m, i, cell, count, written);
	}
	return m;
}

/*
 * Chains of `length` nodes that are alike, from one cell to one node, level by level or one after
 * the other in the given order, and some nodes between the two ends.
 */
static struct maker alike(uint32_t chains, uint32_t length, uint32_t others, bool by_level)
{
	uint32_t n = chains * length + others + 1, at = 0, x;
	struct maker m = maker_open(n, n + 1);
	uint32_t *last = NEW(m.a, chains, uint32_t), bytes[4], scratch[4];
	bool over = draw(2), kept = !draw(4);

	x = add_cell(&m, ORDER_START, 1 + draw(9));
	for (uint32_t k = 0; k < length; k++) {
		bytes[k] = 1 + draw(20);
		scratch[k] = draw(3) ? 0 : draw(9);
	}
	for (uint32_t i = 0; i < chains * length; i++, at++) {
		uint32_t c = by_level ? i % chains : i / length;
		uint32_t k = by_level ? i / chains : i % length;
		uint32_t *from = NEW(m.a, 1, uint32_t);

		*from = k ? last[c] : x;
		add_read(&m, *from, at);
		m.node[at].scratch = scratch[k];
		if (over)
			add_credit(&m, at, from, 1, bytes[k]);
		last[c] = add_cell(&m, at, bytes[k]);
		m.cell[last[c]].kept = kept && k + 1 == length;
	}
	for (uint32_t i = 0; i < others; i++, at++) {
		add_read(&m, draw(m.ncell), at);
		add_cell(&m, at, draw(10));
	}
	for (uint32_t c = 0; c < chains; c++)
		add_read(&m, last[c], at);
	m.cell[add_cell(&m, at, 3)].kept = true;
	return m;
}

/* ---- all orders ---- */

static bool has_run(const uint32_t *order, uint32_t n, uint32_t node)
{
	for (uint32_t i = 0; i < n; i++)
		if (order[i] == node)
			return true;
	return false;
}

/* All readers are among the first n of the order, the writer, too. */
static bool is_live(const struct order_cell *c, const uint32_t *order, uint32_t n)
{
	uint32_t left = 0;

	if (c->writer != ORDER_START && !has_run(order, n, c->writer))
		return false;
	for (uint32_t k = 0; k < c->nread; k++)
		left += !has_run(order, n, c->read[k]);
	return left || c->kept || (c->writer == ORDER_START && !c->nread);
}

/* Bytes while the last of these n runs. */
static uint64_t need(const struct order_problem *p, const uint32_t *order, uint32_t n)
{
	uint32_t now = order[n - 1];
	const struct order_node *node = &p->node[now];
	uint64_t sum = node->scratch, credit = 0;

	for (uint32_t c = 0; c < p->ncell; c++)
		if (p->cell[c].writer == now || is_live(&p->cell[c], order, n - 1))
			sum += p->cell[c].bytes;
	for (uint32_t r = 0; r < node->ncredit; r++) {
		const struct order_credit *over = &node->credit[r];
		uint64_t dying = 0;
		bool all = true;

		for (uint32_t k = 0; k < over->ncell; k++)
			if (is_live(&p->cell[over->cell[k]], order, n))
				all = false;
			else
				dying += p->cell[over->cell[k]].bytes;
		if (all || over->parts)
			credit = MAX(credit, MIN(over->bytes, dying));
	}
	return sum - credit;
}

static bool is_ready(const struct order_problem *p, const uint32_t *order, uint32_t n,
		     uint32_t node)
{
	for (uint32_t k = 0; k < p->node[node].npred; k++)
		if (!has_run(order, n, p->node[node].pred[k]))
			return false;
	return !has_run(order, n, node);
}

static uint64_t start_bytes(const struct order_problem *p)
{
	uint64_t sum = 0;

	for (uint32_t c = 0; c < p->ncell; c++)
		sum += p->cell[c].writer == ORDER_START ? p->cell[c].bytes : 0;
	return sum;
}

/* Least peak of all orders that begin with these n and have needed `peak` so far. */
static uint64_t try_all(const struct order_problem *p, uint32_t *order, uint32_t n, uint64_t peak,
			uint64_t best)
{
	if (n == p->nnode)
		return peak;
	for (uint32_t i = 0; i < p->nnode; i++) {
		uint64_t least;

		if (!is_ready(p, order, n, i))
			continue;
		order[n] = i;
		least = MAX(peak, need(p, order, n + 1));
		if (least < best)
			best = MIN(best, try_all(p, order, n + 1, least, best));
	}
	return best;
}

static uint64_t peak_of(const struct order_problem *p, const uint32_t *order)
{
	uint64_t peak = start_bytes(p);

	for (uint32_t n = 1; n <= p->nnode; n++) {
		if (!is_ready(p, order, n - 1, order[n - 1]))
			return 0;
		peak = MAX(peak, need(p, order, n));
	}
	return peak;
}

/* ---- the tests ---- */

static int complain(const char *what, int problem, const struct order_found *f, uint64_t want)
{
	printf("problem %d: %s: peak %lu, bound %lu, given %lu, %u states; not %lu\n", problem,
	       what, f->peak, f->bound, f->given, f->states, want);
	return 1;
}

/* Another order that is as good; and one that is found with few states. */
static int check_others(int index, struct order_problem *p, uint64_t least, uint32_t *gaps)
{
	uint32_t order[16];
	struct order_found f;

	p->turn = 1 + draw(3);
	order_search(p, ORDER_STATES, order, &f);
	if (f.peak != least || peak_of(p, order) != least || f.bound > least)
		return complain("as good, but another", index, &f, peak_of(p, order));
	p->turn = draw(2);
	order_search(p, draw(6), order, &f);
	if (f.bound > least || f.peak < least || f.peak > f.given || peak_of(p, order) != f.peak)
		return complain("with a limit", index, &f, least);
	*gaps += f.bound < f.peak;
	return 0;
}

static int check_small(int index, uint32_t *better, uint32_t *gaps)
{
	struct maker m = draw(4) ? random_problem(2 + draw(8))
				 : alike(2 + draw(2), 1 + draw(2), draw(3), draw(2));
	struct order_problem p = problem_of(&m);
	uint32_t n = p.nnode, order[16], again[16], all[16];
	struct order_found f, g;
	uint64_t least;

	order_search(&p, ORDER_STATES, order, &f);
	least = try_all(&p, all, 0, start_bytes(&p), UINT64_MAX);
	if (f.peak != least || f.bound != least)
		return complain("not the least", index, &f, least);
	if (peak_of(&p, order) != least)
		return complain("the order needs", index, &f, peak_of(&p, order));
	for (uint32_t i = 0; i < n; i++)
		all[i] = i;
	if (peak_of(&p, all) != f.given)
		return complain("the given order needs", index, &f, peak_of(&p, all));
	if (f.given == least && memcmp(order, all, n * sizeof(*all)) != 0)
		return complain("the given order was good enough", index, &f, least);
	*better += f.peak < f.given;
	order_search(&p, ORDER_STATES, again, &g);
	if (memcmp(order, again, n * sizeof(*order)) != 0 || f.states != g.states)
		return complain("another answer", index, &g, least);
	if (check_others(index, &p, least, gaps))
		return 1;
	arena_close(m.a);
	return 0;
}

static int test_small(void)
{
	enum { COUNT = 4000 };
	uint32_t better = 0, gaps = 0;

	for (int i = 0; i < COUNT; i++)
		if (check_small(i, &better, &gaps))
			return 1;
	printf("%d small problems: %u with a better order than given, %u gaps with a limit\n",
	       COUNT, better, gaps);
	return better < COUNT / 10 || gaps < COUNT / 100;
}

/*
 * RandWire: cells of `count` nodes, each a ring where a node is tied to its four neighbours, each
 * tie rewired at random with this probability (in percent), edges from lower to higher. Nodes
 * without predecessor read the cell's input, all that nobody reads goes into its output.
 */
static struct maker randwire(uint32_t cells, uint32_t count, uint32_t percent, bool vary)
{
	uint32_t n = cells * (count + 1), at = 0;
	struct maker m = maker_open(n, n + 1);
	uint32_t input = add_cell(&m, ORDER_START, 8);

	for (uint32_t c = 0; c < cells; c++) {
		bool *tied = NEW(m.a, (size_t)count * count, bool);
		uint32_t first = m.ncell;

		for (uint32_t i = 0; i < count; i++)
			for (uint32_t k = 1; k <= 2; k++) {
				uint32_t j = draw(100) < percent ? draw(count) : (i + k) % count;

				tied[MIN(i, j) * count + MAX(i, j)] = i != j;
			}
		for (uint32_t i = 0; i < count; i++, at++) {
			for (uint32_t j = 0; j < i; j++)
				if (tied[j * count + i])
					add_read(&m, first + j, at);
			if (!m.node[at].npred)
				add_read(&m, input, at);
			add_cell(&m, at, vary ? 4 + draw(5) : 8);
		}
		for (uint32_t i = 0; i < count; i++)
			if (!m.cell[first + i].nread)
				add_read(&m, first + i, at);
		input = add_cell(&m, at++, 8);
	}
	m.cell[input].kept = true;
	return m;
}

/* Four of them; at least `want` must be exact. Beyond the limit the beam still gains. */
static int check_wired(uint32_t cells, uint32_t count, uint32_t percent, uint32_t want)
{
	uint32_t states = 0, found = 0;
	double start = (double)clock(), before, worst = 0;

	for (int i = 0; i < 4; i++) {
		struct maker m = randwire(cells, count, percent, i & 1);
		struct order_problem p = problem_of(&m);
		uint32_t *order = NEW(m.a, p.nnode, uint32_t);
		struct order_found f;

		before = (double)clock();
		order_search(&p, ORDER_STATES, order, &f);
		worst = MAX(worst, (double)clock() - before);
		if (peak_of(&p, order) != f.peak || f.bound > f.peak ||
		    (f.bound < f.peak && f.peak >= f.given))
			return complain("wrong", i, &f, peak_of(&p, order));
		found += f.bound == f.peak;
		states = MAX(states, f.states);
		arena_close(m.a);
	}
	printf("%u cells of %u nodes, %u %% rewired: %u of 4 exact, at most %u states, %.0f ms "
	       "(%.0f ms in all)\n",
	       cells, count, percent, found, states, worst * 1e3 / CLOCKS_PER_SEC,
	       ((double)clock() - start) * 1e3 / CLOCKS_PER_SEC);
	return found < want;
}

/*
 * NASNet: cells of five blocks, each the sum of what two operators make of two earlier results;
 * a cell reads the two before it, so that the whole network is one stretch.
 */
static uint32_t chain(struct maker *m, uint32_t from, uint32_t n, uint32_t *at)
{
	for (; n > 0; n--, ++*at) {
		add_read(m, from, *at);
		from = add_cell(m, *at, 16);
	}
	return from;
}

static void nas_cell(struct maker *m, uint32_t older, uint32_t newer, uint32_t *at)
{
	uint32_t value[8], n = 2, first = m->ncell;

	value[0] = chain(m, older, 1, at);
	value[1] = chain(m, newer, 1, at);
	for (int block = 0; block < 5; block++, ++*at) {
		uint32_t x = chain(m, value[draw(n)], draw(3), at);
		uint32_t y = chain(m, value[draw(n)], draw(3), at);

		add_read(m, x, *at);
		add_read(m, y, *at);
		value[n++] = add_cell(m, *at, 16);
	}
	for (uint32_t c = first; c < m->ncell; c++)
		if (!m->cell[c].nread)
			add_read(m, c, *at);
	add_cell(m, (*at)++, 48);
}

static struct maker nas(uint32_t cells)
{
	struct maker m = maker_open(cells * 32, cells * 32 + 1);
	uint32_t older, newer = add_cell(&m, ORDER_START, 16), at = 0;

	older = newer;
	for (uint32_t c = 0; c < cells; c++) {
		nas_cell(&m, older, newer, &at);
		older = newer;
		newer = m.ncell - 1;
	}
	m.cell[newer].kept = true;
	m.nnode = at;
	return m;
}

/* Wide at first, and given level by level. */
static struct maker paths(uint32_t n)
{
	struct maker m = alike(n, 2, 0, true);

	while (m.cell[1].bytes < 2 * m.cell[n + 1].bytes) {
		arena_close(m.a);
		m = alike(n, 2, 0, true);
	}
	return m;
}

static int check_exact(const char *what, struct maker m, uint32_t states)
{
	struct order_problem p = problem_of(&m);
	uint32_t *order = NEW(m.a, p.nnode, uint32_t);
	struct order_found f;

	order_search(&p, ORDER_STATES, order, &f);
	printf("%s, %u nodes: given %lu, found %lu, bound %lu, %u states\n", what, p.nnode, f.given,
	       f.peak, f.bound, f.states);
	if (f.peak != f.bound || f.peak >= f.given || f.states > states ||
	    peak_of(&p, order) != f.peak)
		return complain(what, 0, &f, f.bound);
	arena_close(m.a);
	return 0;
}

int main(void)
{
	return test_small() || check_exact("NASNet's cells", nas(12), 2000) ||
	       check_exact("32 chains that are alike", paths(32), 2000) ||
	       check_wired(3, 32, 75, 4) || check_wired(1, 100, 10, 4) ||
	       check_wired(1, 100, 75, 0);
}
