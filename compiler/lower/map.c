/* Map: everything is in the epilogue, one thread per vec elements. */
#include "compiler/lower/lower.h"
#include "compiler/storage.h"

#define THREADS 128

int lower_map(struct graph *g, struct node *n, struct err *e)
{
	const struct val *out = node_out(g, n, 0);
	int64_t count = (int64_t)(val_bytes(out) / dtype_size(out->type.dt));
	int vec = lower_vec(out);
	struct lower l;

	if (storage_is_view(g, n))
		return 0;
	CHECK(n->nmain == 0); /* fuse leaves no other elementwise operators */
	lower_begin(&l, g, n, "map");
	lower_value(&l, n->out[0], 2);
	lower_define(&l, "COUNT", count);
	lower_define(&l, "THREADS", THREADS);
	lower_epilogue(&l, vec);
	return lower_end(&l, div_up(count / vec, THREADS), 1, 1, THREADS, e);
}
