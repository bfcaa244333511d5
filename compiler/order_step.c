/*
 * Steps between down-sets: what is live depends on the set alone, never on
 * the order in which it was reached.
 *
 * A move is safe if it needs no more than the budget and leaves no more bytes
 * live than there were. Proof: let an order from set D stay within the budget
 * and put n in front of it. For every set S >= D on the way, live(S + n) -
 * live(S) is what n writes less what only n still had to read, and the latter
 * only grows with S; so no set needs more than before. An operand that died at
 * a node dies there still (or has died), so no credit is lost.
 *
 * The same holds for a chain N of nodes that each wait for the one before, up
 * to the first point where no more is live than at its start: live is
 * submodular (a cell is live: its writer has run, less: all its readers have),
 * so live(S + N) - live(S) <= live(D + N) - live(D + those of N in S) <= 0.
 */
#include "compiler/order_int.h"

#define CHAIN_MAX 64

/* ---- the space ---- */

/* Lists of the pairs (key[i], item[i]), in their order. */
static struct order_list *lists(struct arena *a, uint32_t nkeys, const uint32_t *key,
				const uint32_t *item, size_t n)
{
	struct order_list *list = NEW(a, nkeys, struct order_list);
	uint32_t *all = NEW(a, n, uint32_t), *end = NEW(a, (size_t)nkeys + 1, uint32_t);

	for (size_t i = 0; i < n; i++)
		end[key[i] + 1]++;
	for (uint32_t k = 0; k < nkeys; k++) {
		end[k + 1] += end[k];
		list[k].at = all + end[k];
	}
	for (size_t i = 0; i < n; i++)
		all[end[key[i]] + list[key[i]].n++] = item[i];
	return list;
}

static void init_reads(struct order_space *s, struct arena *tmp)
{
	const struct order_problem *p = s->p;
	uint32_t *key, *item;
	size_t n = 0;

	for (uint32_t c = 0; c < p->ncell; c++)
		n += p->cell[c].nread;
	key = NEW(tmp, n, uint32_t);
	item = NEW(tmp, n, uint32_t);
	n = 0;
	for (uint32_t c = 0; c < p->ncell; c++)
		for (uint32_t k = 0; k < p->cell[c].nread; k++, n++) {
			key[n] = p->cell[c].read[k];
			item[n] = c;
		}
	s->reads = lists(s->arena, p->nnode, key, item, n);
}

static void init_writes(struct order_space *s, struct arena *tmp)
{
	const struct order_problem *p = s->p;
	uint32_t *key = NEW(tmp, p->ncell, uint32_t), *item = NEW(tmp, p->ncell, uint32_t);
	size_t n = 0;

	for (uint32_t c = 0; c < p->ncell; c++)
		if (p->cell[c].writer != ORDER_START) {
			key[n] = p->cell[c].writer;
			item[n++] = c;
			s->written[p->cell[c].writer] += p->cell[c].bytes;
		}
	s->writes = lists(s->arena, p->nnode, key, item, n);
}

static void init_next(struct order_space *s, struct arena *tmp)
{
	const struct order_problem *p = s->p;
	uint32_t *key, *item;
	size_t n = 0;

	for (uint32_t i = 0; i < p->nnode; i++)
		n += p->node[i].npred;
	key = NEW(tmp, n, uint32_t);
	item = NEW(tmp, n, uint32_t);
	n = 0;
	for (uint32_t i = 0; i < p->nnode; i++)
		for (uint32_t k = 0; k < p->node[i].npred; k++, n++) {
			CHECK(p->node[i].pred[k] < i);
			key[n] = p->node[i].pred[k];
			item[n] = i;
		}
	s->next = lists(s->arena, p->nnode, key, item, n);
}

void order_space_init(struct order_space *s, const struct order_problem *p, struct arena *a)
{
	struct arena *tmp = arena_open(0);

	*s = (struct order_space){.p = p, .arena = a};
	s->written = NEW(a, p->nnode, uint64_t);
	s->dying = NEW(a, p->ncell, uint32_t);
	init_reads(s, tmp);
	init_writes(s, tmp);
	init_next(s, tmp);
	arena_close(tmp);
}

/* ---- sets ---- */

bool order_done(const struct order_set *d, uint32_t node)
{
	uint32_t bit = node - d->begin;

	if (node < d->begin || node >= d->end)
		return node < d->begin;
	return d->bits[bit / 64] >> bit % 64 & 1;
}

void order_flip(struct order_set *d, uint32_t node)
{
	uint32_t bit = node - d->begin;

	d->bits[bit / 64] ^= (uint64_t)1 << bit % 64;
}

bool order_ready(const struct order_space *s, const struct order_set *d, uint32_t node)
{
	const struct order_node *n = &s->p->node[node];

	for (uint32_t k = n->npred; k-- > 0;)
		if (!order_done(d, n->pred[k]))
			return false;
	return true;
}

/* ---- moves ---- */

/* node is the only reader that is left; from the last one down, which is left most often. */
static bool dies(const struct order_set *d, const struct order_cell *c, uint32_t node)
{
	if (c->kept)
		return false;
	for (uint32_t k = c->nread; k-- > 0;)
		if (c->read[k] != node && !order_done(d, c->read[k]))
			return false;
	return true;
}

static uint64_t best_credit(const struct order_space *s, const struct order_node *n)
{
	uint64_t best = 0;

	for (uint32_t r = 0; r < n->ncredit; r++) {
		const struct order_credit *credit = &n->credit[r];
		uint64_t bytes = 0;
		uint32_t dying = 0;

		for (uint32_t k = 0; k < credit->ncell; k++)
			if (s->dying[credit->cell[k]] == s->question) {
				bytes += s->p->cell[credit->cell[k]].bytes;
				dying++;
			}
		if (credit->parts || dying == credit->ncell)
			best = MAX(best, MIN(bytes, credit->bytes));
	}
	return best;
}

struct order_move order_move_of(struct order_space *s, const struct order_set *d, uint32_t node)
{
	const struct order_node *n = &s->p->node[node];
	const struct order_cell *cell = s->p->cell;
	uint64_t during = d->live + s->written[node], after = during;

	s->question++;
	for (uint32_t k = 0; k < s->reads[node].n; k++) {
		uint32_t c = s->reads[node].at[k];

		if (s->dying[c] != s->question && dies(d, &cell[c], node)) {
			s->dying[c] = s->question;
			after -= cell[c].bytes;
		}
	}
	for (uint32_t k = 0; k < s->writes[node].n; k++)
		if (dies(d, &cell[s->writes[node].at[k]], node))
			after -= cell[s->writes[node].at[k]].bytes;
	return (struct order_move){
		.node = node, .during = during + n->scratch - best_credit(s, n), .after = after};
}

/* Of the nodes that waited for `node` alone, the one that leaves fewest bytes; nnode if none. */
static struct order_move next_of(struct order_space *s, const struct order_set *d, uint32_t node)
{
	struct order_move best = {.node = s->p->nnode};

	for (uint32_t k = 0; k < s->next[node].n; k++) {
		struct order_move m;

		if (s->next[node].at[k] >= d->end || !order_ready(s, d, s->next[node].at[k]))
			continue;
		m = order_move_of(s, d, s->next[node].at[k]);
		if (best.node == s->p->nnode || m.after < best.after)
			best = m;
	}
	return best;
}

/* A chain that begins with this move is safe. Leaves d as it was. */
static bool is_safe_chain(struct order_space *s, struct order_set *d,
			  const struct order_move *first, uint64_t budget)
{
	uint32_t chain[CHAIN_MAX], n = 0;
	uint64_t live = d->live;
	struct order_move m = *first;
	bool safe = false;

	while (n < CHAIN_MAX && m.node != s->p->nnode && m.during <= budget && !safe) {
		order_flip(d, m.node);
		chain[n++] = m.node;
		d->live = m.after;
		safe = m.after <= live;
		m = next_of(s, d, m.node);
	}
	while (n > 0)
		order_flip(d, chain[--n]);
	d->live = live;
	return safe;
}

uint32_t order_moves(struct order_space *s, struct order_set *d, uint64_t budget,
		     struct order_move *move)
{
	uint32_t n = 0;

	for (uint32_t i = d->begin; i < d->end; i++) {
		if (order_done(d, i) || !order_ready(s, d, i))
			continue;
		move[n] = order_move_of(s, d, i);
		if (move[n].during <= budget && move[n].after <= d->live) {
			move[0] = move[n];
			return 1;
		}
		n++;
	}
	for (uint32_t k = 0; n > 1 && k < n; k++)
		if (move[k].during <= budget && is_safe_chain(s, d, &move[k], budget)) {
			move[0] = move[k];
			return 1;
		}
	return n;
}

uint64_t order_peak(struct order_space *s, const struct order_segment *seg, const uint32_t *node,
		    uint64_t *live)
{
	uint32_t n = seg->end - seg->begin;
	struct order_set d = {seg->begin, seg->end, NEW(s->arena, n / 64 + 1, uint64_t), *live};
	uint64_t peak = *live;

	for (uint32_t i = 0; i < n; i++) {
		struct order_move m = order_move_of(s, &d, node[i]);

		CHECK(!order_done(&d, node[i]) && order_ready(s, &d, node[i]));
		peak = MAX(peak, m.during);
		order_flip(&d, node[i]);
		d.live = m.after;
	}
	*live = d.live;
	return peak;
}
