/*
 * .Conv, which fuse makes: a Conv that stores its result as DepthToSpace would (`shuffle`, `mode`),
 * or the greatest element or the mean of each window of it (`pool`, `window`; windows side by side,
 * all inside). The first `before` steps of the tail are applied to each element before the pool,
 * the others behind it.
 */
#include "compiler/ops/window.h"

#include <string.h>

static const struct attr_rule attrs[] = {WINDOW_ATTRS,
					 {"group", ATTR_INT, false},
					 {"shuffle", ATTR_INT, false},
					 {"mode", ATTR_STRING, false},
					 {"pool", ATTR_STRING, false},
					 {"window", ATTR_INTS, false},
					 {"before", ATTR_INT, false},
					 {NULL, ATTR_INT, false}};

static int read_pool(const struct node *n, const struct type *y, struct conv_store *s,
		     struct err *e)
{
	const char *pool = attr_string(n, "pool", "");
	const int64_t *window;
	uint32_t count;

	if (strcmp(pool, "max") != 0 && strcmp(pool, "average") != 0)
		return fail(e, E_ATTR, "pool is \"%s\", neither max nor average", pool);
	s->pool = !strcmp(pool, "max") ? POOL_MAX : POOL_MEAN;
	if (attr_int(n, "before", 0, &s->before, e) < 0 ||
	    attr_ints(n, "window", y->rank - 2, &window, &count, e) < 0)
		return -1;
	if (!window || s->before < 0 || s->before > n->ntail)
		return fail(e, E_ATTR, "pool needs a window, and before in [0, %u]", n->ntail);
	for (int i = 0; i < y->rank - 2; i++) {
		s->window[i] = window[i];
		if (window[i] < 1 || window[i] > y->dim[2 + i])
			return fail(e, E_ATTR, "a window of %lld does not fit into the size %lld",
				    (long long)window[i], (long long)y->dim[2 + i]);
	}
	return 0;
}

static int read_shuffle(const struct graph *g, const struct node *n, const struct type *y,
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
	y.dim[1] /= s->shuffle * s->shuffle;
	for (int i = 2; i < y.rank; i++)
		y.dim[i] = y.dim[i] * s->shuffle / s->window[i - 2];
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
	.tail = true,
	.lower = lower_conv,
};
