/* Softmax, LogSoftmax: one block per row. */
#include "compiler/lower/lower.h"

#include <string.h>

#define WIDE_ROW 256 /* longer rows get more than one warp */

int lower_softmax(struct graph *g, struct node *n, struct err *e)
{
	const struct axis_attr *a = n->attr;
	const struct val *x = node_in(g, n, 0);
	const struct type *t = &x->type;
	int64_t length = 1, step = 1, count = type_count(t), item = val_item(x);
	uint32_t threads;
	struct lower l;

	for (int k = t->rank ? a->axis : 0; k < t->rank; k++)
		if (k == a->axis || a->flat)
			length *= t->dim[k];
		else
			step *= t->dim[k];
	threads = length > WIDE_ROW ? 128 : 32;
	lower_begin(&l, g, n, "softmax");
	lower_value(&l, n->out[0], 2);
	lower_operand(&l, n->in[0]);
	lower_define(&l, "LENGTH", length);
	lower_define(&l, "STEP", step);
	lower_define(&l, "LOG", !strcmp(n->op->name, "LogSoftmax"));
	lower_define(&l, "THREADS", threads);
	if (val_is_const(x) || x->pitch == item || t->rank == 0)
		buf_puts(&l.text, "#define X_AT(i) (i)\n");
	else
		buf_printf(&l.text, "#define X_AT(i) ((i) + (i) / %lldu * %lldu)\n",
			   (long long)item, (long long)(x->pitch - item));
	lower_epilogue(&l, 1);
	return lower_end(&l, length ? count / length : 0, 1, 1, threads, e);
}
