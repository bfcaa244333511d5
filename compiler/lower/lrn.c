/* LRN, between any layouts. */
#include "compiler/lower/conv.h"

#define THREADS 128

int lower_lrn(struct graph *g, struct node *n, struct err *e)
{
	const struct lrn_attr *a = n->attr;
	const struct val *x = node_in(g, n, 0), *y = node_out(g, n, 0);
	int64_t spatial = 1, count = stored_count(y);
	struct lower l;

	if (x->type.dt == F64) {
		fail(e, E_DTYPE, "LRN has no kernel for %s", type_text(g->arena, &x->type));
		return node_blame(n, e);
	}
	for (int k = 2; k < x->type.rank; k++)
		spatial *= x->type.dim[k];
	lower_begin(&l, g, n, "lrn");
	lower_value(&l, n->out[0], 2);
	lower_operand(&l, n->in[0]);
	lower_type(&l, "x_t", x->type.dt);
	lower_define(&l, "COUNT", count);
	lower_define(&l, "C", x->type.dim[1]);
	lower_define(&l, "S", spatial);
	lower_define(&l, "XL", lanes_of(x));
	lower_define(&l, "YL", lanes_of(y));
	lower_define(&l, "SIZE", MIN(a->size, 2 * x->type.dim[1]));
	lower_define(&l, "X_PITCH", val_is_const(x) ? val_item(x) : x->pitch);
	lower_define(&l, "THREADS", THREADS);
	buf_puts(&l.text, "#define SCALE ");
	float_text(&l.text, a->alpha / (float)a->size);
	buf_puts(&l.text, "\n#define BETA ");
	float_text(&l.text, a->beta);
	buf_puts(&l.text, "\n#define BIAS ");
	float_text(&l.text, a->bias);
	buf_puts(&l.text, "\n");
	lower_epilogue(&l, 1);
	return lower_end(&l, div_up(count, THREADS), 1, 1, THREADS, e);
}
