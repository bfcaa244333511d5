/*
 * Equal things once: constants of equal type and bytes become one value;
 * then a node with the operator, attributes and operands of an earlier one
 * goes, and its readers read that one's results. In index order, so that
 * chains of duplicates fall together, link by link.
 */
#include "compiler/fuse.h"

#include <string.h>

#define COMPARED_MAX 8 /* so many things of one hash are compared, the newest ones */
#define HASHED_MAX \
	4096 /* bytes of a constant: weights are read whole only where they may be equal */

struct table {
	uint32_t nbucket;
	uint32_t *head, *next; /* things + 1 */
	uint64_t *hash;	       /* per thing */
};

static uint64_t mix(uint64_t h, const void *data, size_t n)
{
	const uint8_t *p = data;

	for (; n; p += MIN(n, 8), n -= MIN(n, 8)) {
		uint64_t word = 0;

		memcpy(&word, p, MIN(n, 8));
		h = (h ^ word) * 0x9e3779b97f4a7c15u;
		h ^= h >> 29;
	}
	return h;
}

static struct table table_open(struct arena *a, uint32_t count)
{
	struct table t = {.nbucket = 1};

	while (t.nbucket < count)
		t.nbucket *= 2;
	t.head = NEW(a, t.nbucket, uint32_t);
	t.next = NEW(a, count, uint32_t);
	t.hash = NEW(a, count, uint64_t);
	return t;
}

/* An equal thing that is there already, else `thing` itself, which then is there. */
static uint32_t find(struct table *t, const struct graph *g, uint32_t thing, uint64_t hash,
		     bool (*equal)(const struct graph *g, uint32_t a, uint32_t b))
{
	uint32_t *head = &t->head[hash & (t->nbucket - 1)];
	int compared = 0;

	for (uint32_t i = *head; i && compared < COMPARED_MAX; i = t->next[i - 1]) {
		if (t->hash[i - 1] != hash)
			continue;
		if (equal(g, i - 1, thing))
			return i - 1;
		compared++;
	}
	t->hash[thing] = hash;
	t->next[thing] = *head;
	*head = thing + 1;
	return thing;
}

/* Everything that reads v reads same[v] instead. */
static void redirect(struct graph *g, const val_id *same)
{
	for (uint32_t i = 0; i < g->nnode; i++)
		for (uint32_t k = 0; k < g->node[i].nin; k++)
			g->node[i].in[k] = same[g->node[i].in[k]];
	for (uint32_t i = 0; i < g->noutput; i++) {
		g->val[g->output[i]].output = false;
		g->output[i] = same[g->output[i]];
		g->val[g->output[i]].output = true;
	}
}

static val_id *each_itself(const struct graph *g, struct arena *tmp)
{
	val_id *same = NEW(tmp, g->nval, val_id);

	for (val_id v = 0; v < g->nval; v++)
		same[v] = v;
	return same;
}

/* ---- constants ---- */

static bool equal_constants(const struct graph *g, uint32_t a, uint32_t b)
{
	const struct val *x = &g->val[a], *y = &g->val[b];

	return type_equal(&x->type, &y->type) &&
	       !memcmp(x->data, y->data, (size_t)type_bytes(&x->type));
}

static void unite_constants(struct fuse *f, struct arena *tmp)
{
	struct graph *g = f->g;
	struct table t = table_open(tmp, g->nval);
	val_id *same = each_itself(g, tmp);

	for (val_id v = 1; v < g->nval; v++) {
		const struct val *x = &g->val[v];
		size_t bytes;

		if (!f->uses[v] || !val_is_const(x))
			continue;
		bytes = (size_t)type_bytes(&x->type);
		same[v] = find(&t, g, v, mix(bytes, x->data, MIN(bytes, HASHED_MAX)),
			       equal_constants);
		if (same[v] != v)
			fuse_did(f, REWRITE_CONSTANTS);
	}
	redirect(g, same);
}

/* ---- operators ---- */

static bool equal_attrs(const struct attr *a, const struct attr *b)
{
	if (strcmp(a->name, b->name) || a->type != b->type || a->n != b->n)
		return false;
	switch (a->type) {
	case ATTR_INT:
		return a->i == b->i;
	case ATTR_FLOAT:
		return !memcmp(&a->f, &b->f, sizeof(a->f));
	case ATTR_STRING:
		return !strcmp(a->s, b->s);
	case ATTR_INTS:
		return !a->n || !memcmp(a->ints, b->ints, a->n * sizeof(*a->ints));
	case ATTR_FLOATS:
		return !a->n || !memcmp(a->floats, b->floats, a->n * sizeof(*a->floats));
	default:
		return false;
	}
}

/* Where there is nothing, an address may be NULL. */
static bool equal_bytes(const void *a, const void *b, size_t n)
{
	return n == 0 || (a && b ? !memcmp(a, b, n) : a == b);
}

static bool equal_nodes(const struct graph *g, uint32_t a, uint32_t b)
{
	const struct node *x = &g->node[a], *y = &g->node[b];

	if (x->op != y->op || x->version != y->version || x->nin != y->nin || x->nout != y->nout ||
	    x->nattrs != y->nattrs || !equal_bytes(x->in, y->in, x->nin * sizeof(*x->in)) ||
	    !equal_bytes(x->attr, y->attr, x->op->attr_size))
		return false;
	for (uint32_t k = 0; k < x->nattrs; k++)
		if (!equal_attrs(&x->attrs[k], &y->attrs[k]))
			return false;
	for (uint32_t k = 0; k < x->nout; k++)
		if (y->out[k] && !x->out[k])
			return false;
	return true;
}

static uint64_t hash_node(const struct node *n)
{
	uint64_t h = mix(n->nout, n->op->name, strlen(n->op->name));

	h = mix(h, n->in, n->nin * sizeof(*n->in));
	for (uint32_t k = 0; k < n->nattrs; k++)
		h = mix(h, n->attrs[k].name, strlen(n->attrs[k].name));
	return n->attr ? mix(h, n->attr, n->op->attr_size) : h;
}

static void unite_nodes(struct fuse *f, struct arena *tmp)
{
	struct graph *g = f->g;
	struct table t = table_open(tmp, g->nnode);
	val_id *same = each_itself(g, tmp);

	for (uint32_t i = 0; i < g->nnode; i++) {
		struct node *n = &g->node[i];
		uint32_t first;

		for (uint32_t k = 0; k < n->nin; k++)
			n->in[k] = same[n->in[k]];
		first = find(&t, g, i, hash_node(n), equal_nodes);
		if (first == i)
			continue;
		for (uint32_t k = 0; k < n->nout; k++)
			same[n->out[k]] = n->out[k] ? g->node[first].out[k] : 0;
		n->dead = true;
		fuse_did(f, REWRITE_CSE);
	}
	redirect(g, same);
	graph_compact(g);
}

void fuse_same(struct fuse *f)
{
	struct arena *tmp = arena_open(0);

	if (rewrite_on(f->g, REWRITE_CONSTANTS))
		unite_constants(f, tmp);
	if (rewrite_on(f->g, REWRITE_CSE))
		unite_nodes(f, tmp);
	arena_close(tmp);
}
