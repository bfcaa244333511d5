/* Arithmetic on struct access. An axis of one element is read at 0, whatever it names. */
#include "compiler/access.h"

bool shape_equal(const struct type *a, const struct type *b)
{
	if (a->rank != b->rank)
		return false;
	for (int i = 0; i < a->rank; i++)
		if (a->dim[i] != b->dim[i])
			return false;
	return true;
}

struct access access_identity(int rank)
{
	struct access a = {.axis = {0}};

	for (int i = 0; i < rank; i++) {
		a.axis[i] = (int8_t)i;
		a.step[i] = 1;
	}
	return a;
}

struct access access_broadcast(const struct type *in, const struct type *out)
{
	struct access a = {.axis = {0}};

	CHECK(in->rank <= out->rank);
	for (int i = 0; i < in->rank; i++) {
		int o = out->rank - in->rank + i;
		bool whole = in->dim[i] == out->dim[o];

		CHECK(whole || in->dim[i] == 1);
		a.axis[i] = whole ? (int8_t)o : -1;
		a.step[i] = whole;
	}
	return a;
}

struct access access_of(const struct graph *g, const struct node *n, uint32_t k)
{
	if (n->access && n->access[k])
		return *n->access[k];
	return access_broadcast(&g->val[n->in[k]].type, node_space(g, n, k));
}

static bool is_identity(const struct access *a, const struct type *in, const struct type *out)
{
	if (!shape_equal(in, out))
		return false;
	for (int i = 0; i < in->rank; i++)
		if (in->dim[i] != 1 && (a->axis[i] != i || a->start[i] || a->step[i] != 1))
			return false;
	return true;
}

bool access_is_identity(const struct graph *g, const struct node *n, uint32_t k)
{
	const struct type *in = &g->val[n->in[k]].type, *out = node_space(g, n, k);

	if (!n->access || !n->access[k])
		return shape_equal(in, out);
	return is_identity(n->access[k], in, out);
}

bool access_repeats(const struct access *a, const struct type *in, const struct type *out)
{
	for (int o = 0; o < out->rank; o++) {
		bool used = out->dim[o] == 1;

		for (int i = 0; i < in->rank && !used; i++)
			used = a->axis[i] == o && a->step[i] != 0;
		if (!used)
			return true;
	}
	return false;
}

bool access_fits(const struct access *a, const struct type *in, const struct type *out)
{
	if (!type_count(out))
		return true; /* nothing is read */
	for (int i = 0; i < in->rank; i++) {
		int64_t at = a->start[i], end;

		if (a->axis[i] >= (int)out->rank || at < 0 || at >= in->dim[i])
			return false;
		if (a->axis[i] < 0)
			continue;
		if (__builtin_mul_overflow(a->step[i], out->dim[a->axis[i]] - 1, &end) ||
		    __builtin_add_overflow(end, at, &end) || end < 0 || end >= in->dim[i])
			return false;
	}
	return true;
}

struct access access_compose(const struct access *outer, const struct access *inner, int in_rank)
{
	struct access a = {.axis = {0}};

	for (int i = 0; i < in_rank; i++) {
		int mid = inner->axis[i];

		a.axis[i] = mid < 0 ? -1 : outer->axis[mid];
		a.start[i] = inner->start[i] + (mid < 0 ? 0 : inner->step[i] * outer->start[mid]);
		a.step[i] = a.axis[i] < 0 ? 0 : inner->step[i] * outer->step[mid];
	}
	return a;
}

bool access_equal(const struct access *a, const struct access *b, int in_rank)
{
	for (int i = 0; i < in_rank; i++)
		if (a->axis[i] != b->axis[i] || a->start[i] != b->start[i] ||
		    a->step[i] != b->step[i])
			return false;
	return true;
}

/* Same rule as broadcasting, aligned to the right? */
static bool is_broadcast(const struct access *a, const struct type *in, const struct type *out)
{
	int shift = out->rank - in->rank;

	if (shift < 0)
		return false;
	for (int i = 0; i < in->rank; i++) {
		if (in->dim[i] == 1)
			continue;
		if (in->dim[i] != out->dim[shift + i] || a->axis[i] != shift + i || a->start[i] ||
		    a->step[i] != 1)
			return false;
	}
	return true;
}

void access_set(struct graph *g, struct node *n, uint32_t k, const struct access *a)
{
	const struct type *in = &g->val[n->in[k]].type, *out = node_space(g, n, k);
	bool plain = is_broadcast(a, in, out);

	CHECK(access_fits(a, in, out));
	if (!n->access && plain)
		return;
	if (!n->access)
		n->access = NEW(g->arena, n->nin, struct access *);
	n->access[k] = plain ? NULL : arena_copy(g->arena, a, sizeof(*a));
}
