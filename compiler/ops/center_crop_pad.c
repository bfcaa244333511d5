/* CenterCropPad: axes cut to their middle, or set into the middle of zeros: a Slice and a Pad. */
#include "compiler/ops/expand.h"

static const struct attr_rule attrs[] = {{"axes", ATTR_INTS, false}, {NULL, ATTR_INT, false}};

struct frame {					/* per axis */
	int64_t start[RANK_MAX], end[RANK_MAX]; /* what is kept */
	int64_t pads[2 * RANK_MAX];		/* zeros in front, then behind */
};

/* One axis of `size` elements becomes `want`. */
static void centre(struct frame *f, int rank, int64_t axis, int64_t size, int64_t want)
{
	const int64_t cut = want < size ? size - want : 0, add = want > size ? want - size : 0;

	f->start[axis] = cut / 2;
	f->end[axis] = f->start[axis] + size - cut;
	f->pads[axis] = add / 2;
	f->pads[rank + axis] = add - add / 2;
}

static int measure(struct expand *x, const struct type *t, struct frame *f)
{
	const struct attr *a = attr_find(x->n, "axes");
	const int64_t *want;
	uint32_t count, set;

	if (const_ints(x->g, x->n, 1, &want, &count, x->e) < 0)
		return -1;
	if (count != (a ? a->n : t->rank))
		return fail(x->e, E_SHAPE, "CenterCropPad of %s to %u sizes",
			    in_text(x->g, x->n, 0), count);
	if (a && axes_set(x->n, a->ints, a->n, t->rank, &set, x->e) < 0)
		return -1;
	for (int i = 0; i < t->rank; i++)
		f->end[i] = t->dim[i];
	for (uint32_t k = 0; k < count; k++) {
		int64_t axis = a ? a->ints[k] : k;

		axis += axis < 0 ? t->rank : 0;
		if (want[k] < 0 || want[k] > INT32_MAX)
			return fail(x->e, E_VALUE, "CenterCropPad to %lld", (long long)want[k]);
		centre(f, t->rank, axis, t->dim[axis], want[k]);
	}
	return 0;
}

static int expand(struct expand *x)
{
	struct type t = expand_type(x, expand_in(x, 0));
	struct frame f = {.start = {0}};
	uint32_t rank = t.rank;
	val_id v;

	if (measure(x, &t, &f) < 0)
		return -1;
	v = expand_3(x, "Slice", expand_in(x, 0), expand_ints(x, f.start, rank),
		     expand_ints(x, f.end, rank));
	expand_out(x, 0, expand_2(x, "Pad", v, expand_ints(x, f.pads, 2 * rank)));
	return expand_end(x);
}

const struct op op_CenterCropPad = {
	.name = "CenterCropPad",
	.since = 18,
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.attrs = attrs,
	.expand = expand,
};
