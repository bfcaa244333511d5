/*
 * Where a value's bytes lie in its slot. A copy can stay where it is if each
 * of its elements lies as far from the first one as in the input: of a plain
 * value by its strides, of a blocked one if whole blocks of channels remain.
 */
#include "compiler/storage.h"

#include "compiler/access.h"
#include "compiler/ops/op.h"

uint64_t storage_extent(const struct val *v, int64_t pitch)
{
	int64_t items = v->type.rank ? v->type.dim[0] : 1, item = val_item(v);

	if (!items || !item)
		return 0;
	return (uint64_t)((items - 1) * pitch + item) * dtype_size(v->type.dt);
}

/* ---- views ---- */

/* Elements from one coordinate of each axis of a plain value to the next. */
static void plain_strides(const struct val *v, int64_t pitch, int64_t stride[RANK_MAX])
{
	int64_t step = 1;

	for (int i = v->type.rank - 1; i >= 0; i--) {
		stride[i] = i ? step : pitch;
		step *= v->type.dim[i];
	}
}

static bool shows_plain(const struct val *in, const struct val *out, const struct access *a,
			int64_t in_pitch, int64_t *first, int64_t *pitch)
{
	int64_t from[RANK_MAX] = {0}, to[RANK_MAX] = {0}, step[RANK_MAX] = {0};

	plain_strides(in, in_pitch, from);
	plain_strides(out, val_item(out), to);
	*first = 0;
	for (int i = 0; i < in->type.rank; i++) {
		*first += a->start[i] * from[i];
		if (a->axis[i] >= 0 && in->type.dim[i] > 1)
			step[a->axis[i]] += a->step[i] * from[i];
	}
	for (int i = 1; i < out->type.rank; i++)
		if (out->type.dim[i] > 1 && step[i] != to[i])
			return false;
	*pitch = out->type.rank && out->type.dim[0] > 1 ? step[0] : val_item(out);
	return *pitch >= val_item(out);
}

static bool shows_blocks(const struct val *in, const struct val *out, const struct access *a,
			 int64_t in_pitch, int64_t *first, int64_t *pitch)
{
	const int64_t *from = in->type.dim, *to = out->type.dim;
	int64_t plane = BLOCK;

	if (in->type.rank != out->type.rank)
		return false;
	for (int i = 0; i < in->type.rank; i++) {
		bool along = to[i] == 1 || (a->axis[i] == i && a->step[i] == 1);

		if (!along || (i > 1 && (a->start[i] || from[i] != to[i])))
			return false;
		plane *= i > 1 ? to[i] : 1;
	}
	if (a->start[1] % BLOCK || (to[1] % BLOCK && a->start[1] + to[1] != from[1]))
		return false;
	*first = a->start[0] * in_pitch + a->start[1] / BLOCK * plane;
	*pitch = to[0] > 1 ? in_pitch : val_item(out);
	return true;
}

bool storage_view(const struct graph *g, const struct node *n, int64_t in_pitch, uint64_t *offset,
		  int64_t *pitch)
{
	const struct val *in = node_in(g, n, 0), *out = node_out(g, n, 0);
	struct access a;
	int64_t first;
	bool shows;

	if (n->op == &op__View) {
		*pitch = val_item(out);
		*offset = (uint64_t)((const struct view_attr *)n->attr)->offset *
			  dtype_size(in->type.dt);
		return !val_is_const(in);
	}
	if (n->op != &op__Map || n->ntail || n->nin != 1 || out->output || val_is_const(in) ||
	    in->layout != out->layout || in->type.dt != out->type.dt || !type_count(&out->type))
		return false;
	a = access_of(g, n, 0);
	shows = in->layout == PLAIN ? shows_plain(in, out, &a, in_pitch, &first, pitch)
				    : shows_blocks(in, out, &a, in_pitch, &first, pitch);
	*offset = shows ? (uint64_t)first * dtype_size(in->type.dt) : 0;
	return shows && *offset % STORAGE_ALIGN == 0;
}

bool storage_is_view(const struct graph *g, const struct node *n)
{
	const struct val *in = node_in(g, n, 0), *out = node_out(g, n, 0);
	uint64_t offset;
	int64_t pitch;

	return in && out && in->slot && in->slot == out->slot &&
	       storage_view(g, n, in->pitch, &offset, &pitch) && out->off == in->off + offset &&
	       (!out->type.rank || out->type.dim[0] < 2 || out->pitch == pitch);
}

/* ---- Concat ---- */

/* One run of bytes per batch item, `before` elements of the axis behind the start. */
static bool is_run(const struct val *out, int64_t pitch, int axis, int64_t before, uint64_t *offset)
{
	uint64_t run = dtype_size(out->type.dt);

	if (axis == 0) {
		*offset = (uint64_t)(before * pitch) * run;
		return true;
	}
	for (int i = 1; i < axis; i++)
		if (out->type.dim[i] != 1)
			return false;
	for (int i = axis + 1; i < out->type.rank; i++)
		run *= (uint64_t)out->type.dim[i];
	*offset = (uint64_t)before * run;
	return out->layout == PLAIN || (axis == 1 && before % BLOCK == 0);
}

bool storage_leaf(const struct graph *g, const struct node *n, uint32_t k, int64_t pitch,
		  uint64_t *offset)
{
	const struct val *x = node_in(g, n, k), *out = node_out(g, n, 0);
	int axis = ((const struct axis_attr *)n->attr)->axis;
	int64_t before = 0;

	for (uint32_t i = 0; i < k; i++)
		before += node_in(g, n, i)->type.dim[axis];
	if (val_is_const(x) || x->layout != out->layout ||
	    (x->layout == BLOCKED && axis == 1 && x->type.dim[1] % BLOCK && k + 1 < n->nin))
		return false;
	return is_run(out, pitch, axis, before, offset) && *offset % STORAGE_ALIGN == 0;
}
