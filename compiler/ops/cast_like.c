/* CastLike: a Cast to the type of input 1. */
#include "compiler/ops/expand.h"

static const struct attr_rule attrs[] = {{"saturate", ATTR_INT, false}, {NULL, ATTR_INT, false}};

static int expand(struct expand *x)
{
	expand_out(x, 0, expand_cast(x, expand_in(x, 0), expand_type(x, expand_in(x, 1)).dt));
	return expand_end(x);
}

const struct op op_CastLike = {
	.name = "CastLike",
	.since = 15,
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.attrs = attrs,
	.expand = expand,
};
