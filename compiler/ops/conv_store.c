/*
 * .Conv, which fuse makes: a Conv that stores its result as DepthToSpace would (`shuffle`, `mode`),
 * or the greatest element or the mean of windows of it (`pool`, `window`): side by side and inside
 * of it, or for the greatest `size` of them that are `step` apart and begin at -`pad`. The first
 * `before` steps of the tail are applied to each element before the pool, the others behind it.
 */
#include "compiler/ops/window.h"

#include <string.h>

static const struct attr_rule attrs[] = {WINDOW_ATTRS,
					 {"group", ATTR_INT, false},
					 {"shuffle", ATTR_INT, false},
					 {"mode", ATTR_STRING, false},
					 {"pool", ATTR_STRING, false},
					 {"window", ATTR_INTS, false},
					 {"step", ATTR_INTS, false},
					 {"pad", ATTR_INTS, false},
					 {"size", ATTR_INTS, false},
					 {"before", ATTR_INT, false},
					 {NULL, ATTR_INT, false}};

/* One number per spatial axis of y. */
static int read_sizes(const struct node *n, const char *name, const struct type *y,
		      const int64_t **v, struct err *e)
{
	uint32_t count;

	if (attr_ints(n, name, y->rank - 2, v, &count, e) < 0)
		return -1;
	return *v ? 0 : fail(e, E_ATTR, "pool needs the attribute %s", name);
}

/* Each window has an element of the result in it. */
static int read_overlap(const struct node *n, struct type *y, struct conv_store *s, struct err *e)
{
	const int64_t *step, *pad, *size;

	if (read_sizes(n, "step", y, &step, e) < 0 || read_sizes(n, "pad", y, &pad, e) < 0 ||
	    read_sizes(n, "size", y, &size, e) < 0)
		return -1;
	s->overlaps = true;
	for (int i = 0; i < y->rank - 2; i++) {
		s->step[i] = step[i];
		s->pad[i] = pad[i];
		if (step[i] < 1 || pad[i] < 0 || pad[i] >= s->window[i] || size[i] < 1 ||
		    (y->dim[2 + i] + pad[i] - 1) / step[i] < size[i] - 1)
			return fail(e, E_ATTR, "%lld windows of %lld, %lld apart, over %lld",
				    (long long)size[i], (long long)s->window[i], (long long)step[i],
				    (long long)y->dim[2 + i]);
		y->dim[2 + i] = size[i];
	}
	return s->pool == POOL_MAX ? 0 : fail(e, E_ATTR, "the mean of windows with a step");
}

static int read_pool(const struct node *n, struct type *y, struct conv_store *s, struct err *e)
{
	const char *pool = attr_string(n, "pool", "");
	const int64_t *window;

	if (strcmp(pool, "max") != 0 && strcmp(pool, "average") != 0)
		return fail(e, E_ATTR, "pool is \"%s\", neither max nor average", pool);
	s->pool = !strcmp(pool, "max") ? POOL_MAX : POOL_MEAN;
	if (attr_int(n, "before", 0, &s->before, e) < 0 ||
	    read_sizes(n, "window", y, &window, e) < 0)
		return -1;
	if (s->before < 0 || s->before > n->ntail)
		return fail(e, E_ATTR, "before is %lld, of %u steps", (long long)s->before,
			    n->ntail);
	for (int i = 0; i < y->rank - 2; i++) {
		s->window[i] = window[i];
		if (window[i] < 1 || window[i] > INT16_MAX)
			return fail(e, E_ATTR, "a window of %lld", (long long)window[i]);
	}
	if (attr_find(n, "step"))
		return read_overlap(n, y, s, e);
	for (int i = 0; i < y->rank - 2; i++) {
		y->dim[2 + i] /= window[i];
		if (!y->dim[2 + i])
			return fail(e, E_ATTR, "no window of %lld fits", (long long)window[i]);
	}
	return 0;
}

static int read_shuffle(const struct graph *g, const struct node *n, struct type *y,
			struct conv_store *s, struct err *e)
{
	const char *mode = attr_string(n, "mode", "DCR");

	if (strcmp(mode, "DCR") != 0 && strcmp(mode, "CRD") != 0)
		return fail(e, E_ATTR, "mode is \"%s\", neither DCR nor CRD", mode);
	s->column_row_depth = !strcmp(mode, "CRD");
	if (attr_int(n, "shuffle", 0, &s->shuffle, e) < 0)
		return -1;
	if (s->shuffle < 2 || s->shuffle > INT16_MAX || y->rank != 4 ||
	    y->dim[1] % (s->shuffle * s->shuffle))
		return fail(e, E_ATTR, "%s can't be shuffled by %lld", type_text(g->arena, y),
			    (long long)s->shuffle);
	y->dim[1] /= s->shuffle * s->shuffle;
	y->dim[2] *= s->shuffle;
	y->dim[3] *= s->shuffle;
	return 0;
}

static int infer(struct graph *g, struct node *n, struct err *e)
{
	struct conv_attr *attr = n->attr;
	struct conv_store *s = &attr->store;
	struct type y;

	if (op_Conv.infer(g, n, e) < 0)
		return -1;
	y = node_out(g, n, 0)->type;
	*s = (struct conv_store){.shuffle = 1, .window = {1, 1, 1}};
	if ((attr_find(n, "pool") ? read_pool(n, &y, s, e) : read_shuffle(g, n, &y, s, e)) < 0)
		return -1;
	return set_out(g, n, 0, &y, e);
}

const struct op op__Conv = {
	.name = ".Conv",
	.since = 1,
	.min_in = 2,
	.max_in = 3,
	.types = DT_BIT(F32),
	.min_out = 1,
	.max_out = 1,
	.attrs = attrs,
	.attr_size = sizeof(struct conv_attr),
	.infer = infer,
	.layout = WANT_BLOCKED,
	.head = true,
	.tail = true,
	.lower = lower_conv,
};
