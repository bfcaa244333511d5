/*
 * Reductions over any axes, between any layouts: one warp per output where
 * neighbours in memory are reduced or outputs are few, one block where they
 * are very few, else one thread.
 */
#include "compiler/lower/conv.h"

#define THREADS	     128
#define MANY_OUTPUTS 4096
#define FEW_OUTPUTS  64
#define LONG	     2048 /* elements */

/* The reduced axes as a space of their own, and how x is read along them. */
static void inner_form(const struct val *x, const struct reduce_attr *a, struct space *s,
		       struct form *f)
{
	int64_t stride[RANK_MAX];

	*s = (struct space){0};
	*f = (struct form){0};
	form_strides(x, stride);
	for (int k = 0; k < x->type.rank; k++) {
		if (!(a->axes & 1u << k))
			continue;
		if (k == 1 && x->layout == BLOCKED) {
			f->lanes = true;
			f->axis = s->n;
			f->step = 1;
			f->plane = stride[1];
		} else {
			f->coef[s->n] = stride[k];
		}
		s->type.dim[s->n] = x->type.dim[k];
		s->size[s->n++] = x->type.dim[k];
	}
}

/* Element 0 of each output: the kept axes of x are the output's axes in their order. */
static void outer_form(const struct val *x, const struct val *y, const struct reduce_attr *a,
		       struct space *s, struct form *f)
{
	struct access at = {.axis = {0}};
	int o = 0;

	for (int k = 0; k < x->type.rank; k++) {
		bool gone = a->axes & 1u << k;

		at.axis[k] = gone ? -1 : (int8_t)o;
		at.step[k] = !gone;
		o += !gone || a->keep;
	}
	space_of(s, &y->type, y->layout);
	form_of(f, s, x, &at);
}

/* Lanes that are no channels have no elements. */
static void put_real(struct lower *l, const struct space *s)
{
	buf_puts(&l->text, "INLINE bool out_real(unsigned off)\n{\n");
	if (s->ragged) {
		space_decode(s, "off", &l->text);
		buf_puts(&l->text, "\treturn ");
		space_coordinate(s, 1, "", &l->text);
		buf_printf(&l->text, " < %lldu;\n}\n", (long long)s->type.dim[1]);
	} else {
		buf_puts(&l->text, "\treturn true;\n}\n");
	}
}

/* What is computed with: float for short floats; roots and logarithms of integers are doubles. */
static enum dtype computed_as(enum reduce_kind kind, enum dtype dt)
{
	if (dt == F16 || dt == BF16)
		return F32;
	if (dt != F32 &&
	    (kind == REDUCE_L2 || kind == REDUCE_LOG_SUM || kind == REDUCE_LOG_SUM_EXP))
		return F64;
	return dt;
}

/* Threads per output. */
static int64_t lanes_for(int64_t count, int64_t length, bool neighbours)
{
	if (count < FEW_OUTPUTS && length >= LONG)
		return THREADS;
	return neighbours || count < MANY_OUTPUTS ? 32 : 1;
}

int lower_reduce(struct graph *g, struct node *n, struct err *e)
{
	const struct reduce_attr *a = n->attr;
	const struct val *x = node_in(g, n, 0), *y = node_out(g, n, 0);
	struct space outer, inner;
	struct form base, step;
	struct lower l;
	int64_t count, length, lanes;

	outer_form(x, y, a, &outer, &base);
	inner_form(x, a, &inner, &step);
	count = stored_count(y);
	length = space_count(&inner);
	lanes = lanes_for(count, length, step.coef[MAX(inner.n - 1, 0)] <= BLOCK);
	lower_begin(&l, g, n, "reduce");
	lower_value(&l, n->out[0], 2);
	lower_operand(&l, n->in[0]);
	lower_define(&l, "COUNT", count);
	lower_define(&l, "LENGTH", length);
	lower_define(&l, "LANES", lanes);
	lower_define(&l, "KIND", a->kind);
	lower_type(&l, "acc_t", computed_as(a->kind, x->type.dt));
	lower_define(&l, "THREADS", THREADS);
	form_function(&base, &outer, "out_base", &l.text);
	form_function(&step, &inner, "step_at", &l.text);
	put_real(&l, &outer);
	lower_epilogue(&l, 1);
	return lower_end(&l, div_up(count * lanes, THREADS), 1, 1, THREADS, e);
}
