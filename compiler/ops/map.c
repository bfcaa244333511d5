/* .Map: a node that is nothing but a tail of elementwise steps over its inputs; made by fuse. */
#include "compiler/ops/op.h"

const struct op op__Map = {
	.name = ".Map",
	.since = 1,
	.min_in = 0,
	.max_in = 255,
	.min_out = 1,
	.max_out = 1,
	.layout = WANT_ANY,
	.tail = true,
	.mem = {{SHARE_INPLACE, ANY_INPUT}},
	.lower = lower_map,
};
