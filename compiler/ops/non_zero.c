/* NonZero: the coordinates of what is not 0, of a constant: how many there are decides a shape. */
#include "compiler/ops/util.h"

static bool is_zero(const void *data, enum dtype dt, int64_t i)
{
	return dtype_is_float(dt) ? get_float(data, dt, i) == 0 : get_int(data, dt, i) == 0;
}

static int infer(struct graph *g, struct node *n, struct err *e)
{
	const struct val *x = node_arg(g, n, 0);
	struct type y = {.dt = I64, .rank = 2, .dim = {x->type.rank, 0}};
	int64_t count = type_count(&x->type);

	if (!val_is_const(x)) {
		fail(e, E_SHAPE_DYNAMIC, "the shape of NonZero's result hangs on run-time data");
		err_tensor(e, x->name);
		return err_hint(e, "make it a constant: --bind NAME=FILE for a graph input");
	}
	for (int64_t i = 0; i < count; i++)
		y.dim[1] += !is_zero(x->data, x->type.dt, i);
	return set_out(g, n, 0, &y, e);
}

static int eval(const struct graph *g, const struct node *n, const struct tensor *in,
		struct tensor *out, struct err *e)
{
	int64_t found = 0, all = out->type.dim[1], i = 0;
	struct walk w;

	(void)g;
	(void)n;
	(void)e;
	walk_init(&w, &in->type);
	for (; w.left; walk_next(&w), i++) {
		if (is_zero(in->data, in->type.dt, i))
			continue;
		for (int k = 0; k < w.rank; k++)
			put_int(out->data, I64, k * all + found, w.index[k]);
		found++;
	}
	return 0;
}

const struct op op_NonZero = {
	.name = "NonZero",
	.since = 9,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.eval = eval,
};
