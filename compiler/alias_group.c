/*
 * Groups of values with fixed distances to each other. Two may become one if
 * no two values that live at one step would share a byte, but where both hold the same data
 * (one kernel has written it: a view holds what its input does, a Concat what stands at its place
 * in the output), or a node reads the one and writes the other at the same index.
 */
#include "compiler/alias_group.h"

#include "compiler/ops/op.h"
#include "compiler/storage.h"

/* ---- one group ---- */

static uint64_t elem(const struct alias *a, val_id v)
{
	return dtype_size(a->g->val[v].type.dt);
}

static uint64_t item_bytes(const struct alias *a, val_id v)
{
	return (uint64_t)val_item(&a->g->val[v]) * elem(a, v);
}

uint64_t group_extent(const struct alias *a, val_id v)
{
	return storage_extent(&a->g->val[v], a->m[v].pitch);
}

uint64_t group_bytes(const struct alias *a, uint32_t group)
{
	uint64_t bytes = 0;

	for (val_id v = group; v; v = a->m[v].next)
		bytes = MAX(bytes, a->m[v].off + group_extent(a, v));
	return bytes;
}

void group_merge(struct alias *a, uint32_t to, uint32_t from, uint64_t shift)
{
	val_id last = to, v;

	while (a->m[last].next)
		last = a->m[last].next;
	a->m[last].next = from;
	for (v = from; v; v = a->m[v].next) {
		a->m[v].group = to;
		a->m[v].off += shift;
	}
}

struct join group_join(uint32_t x, uint64_t x_byte, uint32_t y, uint64_t y_byte)
{
	return (struct join){.group = {x, y},
			     .up = {y_byte > x_byte ? y_byte - x_byte : 0,
				    x_byte > y_byte ? x_byte - y_byte : 0}};
}

void group_merge_join(struct alias *a, const struct join *j)
{
	int still = j->up[0] ? 1 : 0;

	group_merge(a, j->group[still], j->group[!still], j->up[!still]);
}

/* ---- which bytes two values share ---- */

/* Bytes from one item to the next; 0 where there is only one. */
static uint64_t item_pitch(const struct alias *a, val_id v)
{
	return group_items(a, v) > 1 ? (uint64_t)a->m[v].pitch * elem(a, v) : 0;
}

/* x at byte xo, y at byte yo of one storage have a byte in common. */
static bool overlap(const struct alias *a, val_id x, uint64_t xo, val_id y, uint64_t yo)
{
	uint64_t px = item_pitch(a, x), py = item_pitch(a, y), pitch = MAX(px, py);
	uint64_t xi = item_bytes(a, x), yi = item_bytes(a, y);

	if (xo + group_extent(a, x) <= yo || yo + group_extent(a, y) <= xo)
		return false;
	if (!pitch || (px && py && px != py))
		return true;
	/* columns of one table, if they do not wrap around */
	xo %= pitch;
	yo %= pitch;
	if (xo + xi > pitch || yo + yi > pitch)
		return true;
	return xo < yo + yi && yo < xo + xi;
}

static bool is_dense(const struct alias *a, val_id v)
{
	return group_items(a, v) < 2 || a->m[v].pitch == val_item(&a->g->val[v]);
}

static uint64_t byte_in(const struct alias *a, const struct join *j, val_id v)
{
	return a->m[v].off + j->up[a->m[v].group == j->group[1]];
}

static bool is_in(const struct alias *a, const struct join *j, val_id v)
{
	return a->m[v].group && (a->m[v].group == j->group[0] || a->m[v].group == j->group[1]);
}

/* The input of Concat n that stands at its place in the output and covers this byte, or 0; *end:
 * as far as that is so. */
static val_id leaf_at(const struct alias *a, const struct join *j, const struct node *n,
		      uint64_t byte, uint64_t *end)
{
	val_id out = n->out[0], found = 0;

	for (uint32_t k = 0; k < n->nin; k++) {
		val_id v = n->in[k];
		uint64_t offset;

		if (!is_in(a, j, v) || !is_dense(a, v) ||
		    !storage_leaf(a->g, n, k, a->m[out].pitch, &offset) ||
		    byte_in(a, j, v) != byte_in(a, j, out) + offset)
			continue;
		if (byte_in(a, j, v) > byte)
			*end = MIN(*end, byte_in(a, j, v));
		else if (byte < byte_in(a, j, v) + group_extent(a, v))
			found = v;
	}
	return found;
}

/* The value whose kernel writes this byte of v; *end: as far as it does. */
static val_id writer(const struct alias *a, const struct join *j, val_id v, uint64_t byte,
		     uint64_t *end)
{
	for (;;) {
		uint32_t def = a->g->val[v].def;
		const struct node *n = def ? &a->g->node[def - 1] : NULL;
		val_id from = 0;

		*end = MIN(*end, byte_in(a, j, v) + group_extent(a, v));
		if (a->m[v].view)
			from = n->in[0];
		else if (n && alias_is_into(n))
			from = leaf_at(a, j, n, byte, end);
		if (!from)
			return v;
		v = from;
	}
}

/* Where they overlap, x and y hold the same data. */
static bool same_data(const struct alias *a, const struct join *j, val_id x, val_id y)
{
	uint64_t xo = byte_in(a, j, x), yo = byte_in(a, j, y);
	uint64_t at = MAX(xo, yo), end = MIN(xo + group_extent(a, x), yo + group_extent(a, y));

	if (!is_dense(a, x) || !is_dense(a, y))
		return false;
	while (at < end) {
		uint64_t next = end;

		if (writer(a, j, x, at, &next) != writer(a, j, y, at, &next))
			return false;
		at = next;
	}
	return true;
}

/* A graph output never stands where a graph input came in: both belong to the caller. */
static bool joins_input_and_output(const struct alias *a, const struct join *j)
{
	bool input = false, output = false;

	for (int side = 0; side < 2; side++)
		for (val_id v = j->group[side]; v; v = a->m[v].next) {
			input = input || a->g->val[v].input;
			output = output || a->g->val[v].output;
		}
	return input && output;
}

bool group_same_index(const struct alias *a, const struct node *n, uint32_t k)
{
	return alias_same_index(a->g, n, k) &&
	       (group_items(a, n->in[k]) == 1 || a->m[n->in[k]].pitch == a->m[n->out[0]].pitch);
}

/* ---- two groups ---- */

/* All reads of x by n are at the index that n writes. */
static bool only_same_index(const struct alias *a, const struct node *n, val_id x)
{
	for (uint32_t k = 0; k < n->nin; k++)
		if (n->in[k] == x && !group_same_index(a, n, k))
			return false;
	return true;
}

/* y, made by n, may be written over v, which dies there. */
static bool is_over(const struct alias *a, const struct node *n, val_id v, val_id y)
{
	return n && y == n->out[0] && a->m[v].dies == a->m[y].born && only_same_index(a, n, v);
}

/*
 * From here on v is to be asked for its bytes. A view need not be before what it shows is read for
 * the last time, and may be written over there; nor at the step where that is made.
 */
static int64_t asked_from(const struct alias *a, val_id v)
{
	const struct member *m = &a->m[v], *shown;

	if (!m->view)
		return m->born;
	shown = &a->m[a->g->node[a->g->val[v].def - 1].in[0]];
	return MIN(m->dies, MAX(shown->dies, m->born + 1));
}

/* Values of the two groups that must not share bytes. n: its output comes over an input, or NULL.
 */
bool group_clash(const struct alias *a, const struct join *j, const struct node *n)
{
	if (joins_input_and_output(a, j))
		return true;
	for (val_id v = j->group[0]; v; v = a->m[v].next)
		for (val_id w = j->group[1]; w; w = a->m[w].next) {
			uint64_t vo = a->m[v].off + j->up[0], wo = a->m[w].off + j->up[1];

			if (a->m[v].dies < asked_from(a, w) || a->m[w].dies < asked_from(a, v) ||
			    !overlap(a, v, vo, w, wo) || (vo == wo && is_over(a, n, v, w)))
				continue;
			if (!same_data(a, j, v, w))
				return true;
		}
	return false;
}
