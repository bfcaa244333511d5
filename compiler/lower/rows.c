/* Operators over the rows along one axis of a plain tensor: ArgMax, ArgMin, CumSum, TopK. */
#include "compiler/lower/lower.h"
#include "compiler/ops/util.h"

#define THREADS	  128
#define MANY_ROWS 4096

int lower_arg(struct graph *g, struct node *n, struct err *e)
{
	const struct arg_attr *a = n->attr;
	const struct val *x = node_in(g, n, 0);
	int64_t outer, length, step, lanes, rows;
	struct lower l;

	split_at(&x->type, a->axis, &outer, &length, &step);
	rows = outer * step;
	lanes = rows < MANY_ROWS && length > 4 ? 32 : 1;
	lower_begin(&l, g, n, "arg");
	lower_value(&l, n->out[0], 2);
	lower_operand(&l, n->in[0]);
	lower_type(&l, "x_t", x->type.dt);
	lower_define(&l, "COUNT", rows);
	lower_define(&l, "LENGTH", length);
	lower_define(&l, "STEP", step);
	lower_define(&l, "LANES", lanes);
	lower_define(&l, "IS_MAX", a->max);
	lower_define(&l, "LAST", a->last);
	lower_define(&l, "THREADS", THREADS);
	return lower_end(&l, div_up(rows * lanes, THREADS), 1, 1, THREADS, e);
}

int lower_cumsum(struct graph *g, struct node *n, struct err *e)
{
	const struct cumsum_attr *a = n->attr;
	const struct val *x = node_in(g, n, 0);
	int64_t outer, length, step, rows;
	struct lower l;

	split_at(&x->type, a->axis, &outer, &length, &step);
	rows = length ? outer * step : 0;
	lower_begin(&l, g, n, "cumsum");
	lower_value(&l, n->out[0], 2);
	lower_operand(&l, n->in[0]);
	lower_type(&l, "x_t", x->type.dt);
	lower_define(&l, "ROWS", rows);
	lower_define(&l, "LENGTH", length);
	lower_define(&l, "STEP", step);
	lower_define(&l, "REVERSE", a->reverse);
	lower_define(&l, "EXCLUSIVE", a->exclusive);
	lower_define(&l, "THREADS", THREADS);
	return lower_end(&l, div_up(rows, THREADS), 1, 1, THREADS, e);
}

int lower_topk(struct graph *g, struct node *n, struct err *e)
{
	const struct topk_attr *a = n->attr;
	const struct val *x = node_in(g, n, 0);
	bool values = n->out[0], indices = n->nout > 1 && n->out[1];
	int64_t outer, length, step;
	struct lower l;

	split_at(&x->type, a->axis, &outer, &length, &step);
	lower_begin(&l, g, n, "topk");
	if (values)
		lower_value(&l, n->out[0], 2);
	if (indices)
		lower_value(&l, n->out[1], 2);
	lower_operand(&l, n->in[0]);
	lower_type(&l, "x_t", x->type.dt);
	lower_define(&l, "K", a->k);
	lower_define(&l, "LENGTH", length);
	lower_define(&l, "STEP", step);
	lower_define(&l, "LARGEST", a->largest);
	lower_define(&l, "THREADS", THREADS);
	buf_printf(&l.text, "#define OUTS %s%s%s\n", values ? "x_t *y" : "",
		   values && indices ? ", " : "", indices ? "i64 *index" : "");
	buf_printf(&l.text, "#define PUT(at, i) (%s%s%s)\n",
		   values ? "y[at] = row[(i) * STEP]" : "", values && indices ? ", " : "",
		   indices ? "index[at] = (i)" : "");
	return lower_end(&l, a->k ? outer * step : 0, 1, 1, THREADS, e);
}
