/* Pad, Tile: a coordinate of the output says which one of the input it is, or none. */
#include "compiler/lower/move.h"
#include "compiler/ops/util.h"

#include <string.h>

/* c: the coordinate on one axis of x; where it can be none, `from` returns. */
static void put_axis(struct lower *l, const struct space *s, const struct pad_attr *a,
		     const struct type *x, int k)
{
	struct buf *t = &l->text;
	long long dim = (long long)x->dim[k], before = (long long)a->before[k];

	buf_printf(t, "\tint c%d = (int)(", k);
	space_coordinate(s, k, "", t);
	buf_puts(t, ")");
	if (before == 0 && s->type.dim[k] <= dim) {
		buf_puts(t, ";\n");
		return;
	}
	if (a->mode == PAD_WRAP) {
		buf_printf(t, " + %lld;\n\tc%d %%= %lld;\n", ((-before) % dim + dim) % dim, k, dim);
		return;
	}
	buf_printf(t, " - (%lld);\n", before);
	if (a->mode == PAD_CONSTANT)
		buf_printf(t, "\tif ((unsigned)c%d >= %lldu)\n\t\treturn false;\n", k, dim);
	else if (a->mode == PAD_EDGE)
		buf_printf(t, "\tc%d = min(max(c%d, 0), %lld);\n", k, k, dim - 1);
	else
		buf_printf(t, "\tc%d = %lld - abs(%lld - abs(c%d));\n", k, dim - 1, dim - 1, k);
}

static void put_from(struct lower *l, const struct space *s, const struct pad_attr *a,
		     const struct val *x)
{
	struct buf *t = &l->text;
	int64_t stride[RANK_MAX];

	form_strides(x, stride);
	buf_puts(t, "INLINE bool from(unsigned off, unsigned &at)\n{\n");
	space_decode(s, "off", t);
	for (int k = 0; k < x->type.rank; k++)
		put_axis(l, s, a, &x->type, k);
	buf_puts(t, "\tat = 0");
	for (int k = 0; k < x->type.rank; k++)
		if (x->layout == BLOCKED && k == 1)
			buf_printf(t, " + (unsigned)c1 / 8u * %lluu + (unsigned)c1 %% 8u",
				   (unsigned long long)stride[1]);
		else
			buf_printf(t, " + (unsigned)c%d * %lluu", k, (unsigned long long)stride[k]);
	buf_puts(t, ";\n\treturn true;\n}\n");
}

static void put_value(struct lower *l, enum dtype dt, double value, val_id v)
{
	uint64_t bits = 0;

	if (v && !val_is_const(&l->g->val[v])) {
		lower_value(l, v, 1);
		buf_puts(&l->text,
			 "#define EXTRA_PARAMS , const bits_t *value\n#define PAD_VALUE *value\n");
		return;
	}
	put_float(&bits, dt, 0, value);
	if (v) /* exactly, where a double is not */
		memcpy(&bits, l->g->val[v].data, dtype_size(dt));
	buf_printf(&l->text, "#define EXTRA_PARAMS\n#define PAD_VALUE 0x%llxull\n",
		   (unsigned long long)bits);
}

int lower_pad(struct graph *g, struct node *n, struct err *e)
{
	const struct pad_attr *a = n->attr;
	const struct val *x = node_in(g, n, 0), *y = node_out(g, n, 0);
	struct space s;
	struct form own;
	struct lower l;

	if (!type_count(&y->type))
		return 0;
	space_of(&s, &y->type, y->layout);
	form_own(&own, &s, y);
	lower_begin(&l, g, n, "pad");
	lower_value(&l, n->out[0], 2);
	lower_operand(&l, n->in[0]);
	lower_define(&l, "COUNT", space_count(&s));
	lower_define(&l, "THREADS", MOVE_THREADS);
	lower_bits(&l, y->type.dt);
	put_value(&l, y->type.dt, a->value, a->by_input ? n->in[2] : 0);
	lower_real(&l, &s);
	put_from(&l, &s, a, x);
	form_function(&own, &s, "out_at", &l.text);
	return lower_end(&l, div_up(space_count(&s), MOVE_THREADS), 1, 1, MOVE_THREADS, e);
}
