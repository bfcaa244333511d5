/*
 * Resize, Upsample: spatial axes. Which input elements an output index
 * reads is computed here, once, into a table; the kernel only looks it up.
 */
#include "compiler/lower/conv.h"

#include <math.h>
#include <string.h>

#define THREADS 128

struct lookup { /* per output index of one axis */
	int32_t lo, hi;
	float weight; /* of hi */
};

/* Input coordinate of output index i, in f32 as the operator says. */
static float coordinate(const struct resize_attr *a, float scale, int64_t i, int64_t in,
			int64_t out)
{
	float x = (float)i;

	switch (a->coord) {
	case COORD_ASYMMETRIC:
		return x / scale;
	case COORD_ALIGN_CORNERS:
		return out == 1 ? 0.0f : x * (float)(in - 1) / (float)(out - 1);
	case COORD_PYTORCH_HALF:
		return out == 1 ? 0.0f : (x + 0.5f) / scale - 0.5f;
	case COORD_HALF_PIXEL:
		break;
	}
	return (x + 0.5f) / scale - 0.5f;
}

static float round_nearest(enum resize_round how, float scale, float x)
{
	float down = floorf(x);

	switch (how) {
	case ROUND_FLOOR:
		return down;
	case ROUND_OUTWARD:
		return scale < 1 ? ceilf(x) : down;
	case ROUND_CEIL:
		return ceilf(x);
	case ROUND_PREFER_FLOOR:
		return x - down > 0.5f ? down + 1.0f : down;
	case ROUND_PREFER_CEIL:
		break;
	}
	return x - down >= 0.5f ? down + 1.0f : down;
}

static struct lookup look_up(const struct resize_attr *a, float scale, int64_t i, int64_t in,
			     int64_t out)
{
	float last = (float)(in - 1), x = coordinate(a, scale, i, in, out), down;

	if (a->mode == RESIZE_NEAREST) {
		down = MAX(0.0f, MIN(last, round_nearest(a->round, scale, x)));
		return (struct lookup){(int32_t)down, (int32_t)down, 0.0f};
	}
	x = MAX(0.0f, MIN(last, x));
	down = floorf(x);
	return (struct lookup){(int32_t)down, (int32_t)MIN(down + 1.0f, last), x - down};
}

static void pack_table(struct lower *l, const struct shape *s, const struct resize_attr *a)
{
	int nd = s->x->type.rank - 2;
	int64_t count = s->out[0] + s->out[1] + s->out[2], row = 0;
	int32_t *tab = NEW(l->g->arena, 3 * count, int32_t);

	for (int k = 0; k < 3; k++) {
		int j = k - (3 - nd);
		float scale = j < 0 ? 1.0f : a->scale[2 + j];

		for (int64_t i = 0; i < s->out[k]; i++, row++) {
			struct lookup at = look_up(a, scale, i, s->in[k], s->out[k]);

			tab[row] = at.lo;
			tab[count + row] = at.hi;
			memcpy(&tab[2 * count + row], &at.weight, 4);
		}
	}
	lower_weight(l, tab, 3 * (uint64_t)count * sizeof(*tab));
}

static int check_axes(const struct graph *g, const struct node *n, const struct shape *s,
		      struct err *e)
{
	const struct type *x = &s->x->type, *y = &s->y->type;

	if (x->dim[0] != y->dim[0] || x->dim[1] != y->dim[1]) {
		fail(e, E_OP_UNSUPPORTED, "%s of %s to %s: only spatial axes may change",
		     n->op->name, type_text(g->arena, x), type_text(g->arena, y));
		return err_node(e, n->name, n->op->name);
	}
	return 0;
}

int lower_resize(struct graph *g, struct node *n, struct err *e)
{
	const struct resize_attr *a = n->attr;
	const struct val *x = node_in(g, n, 0);
	struct window none = {.nd = x->type.rank - 2};
	struct shape s;
	struct lower l;
	int64_t count;
	int vec;

	if (none.nd < 1 || none.nd > SPATIAL_MAX) {
		fail(e, E_OP_UNSUPPORTED, "%s of %s; one to three spatial axes are supported",
		     n->op->name, type_text(g->arena, &x->type));
		return err_node(e, n->name, n->op->name);
	}
	shape_of(&s, g, n, &none);
	if (check_axes(g, n, &s, e) < 0)
		return -1;
	count = stored_count(s.y);
	vec = x->layout == BLOCKED && s.y->layout == BLOCKED ? 4 : 1;
	lower_begin(&l, g, n, "resize");
	lower_value(&l, n->out[0], 2);
	lower_operand(&l, n->in[0]);
	pack_table(&l, &s, a);
	shape_defines(&l, &s);
	lower_define(&l, "COUNT", count);
	lower_define(&l, "C", s.ci);
	lower_define(&l, "XL", lanes_of(s.x));
	lower_define(&l, "YL", lanes_of(s.y));
	lower_define(&l, "LINEAR", a->mode == RESIZE_LINEAR);
	lower_define(&l, "THREADS", THREADS);
	lower_epilogue(&l, vec);
	return lower_end(&l, div_up(count / vec, THREADS), 1, 1, THREADS, e);
}
