/* ConvTranspose: each output element gathers the inputs that reach it. */
#include "compiler/lower/conv.h"

#include <string.h>

#define THREADS 128

/* [group][tap][channel in][channel out], then the bias [group][channel out]. */
static void pack_filters(struct lower *l, const struct shape *s, int64_t pad)
{
	int64_t ci = s->ci / s->groups, co = s->co / s->groups;
	int64_t count = s->groups * (s->taps * ci + 1) * pad;
	float *out = NEW(l->g->arena, count, float), *bias = out + s->groups * s->taps * ci * pad;
	const char *w = s->w->data;

	for (int64_t i = 0; i < s->ci; i++) /* ONNX: [channel in][channel out of the group][tap] */
		for (int64_t c = 0; c < co; c++)
			for (int64_t t = 0; t < s->taps; t++)
				memcpy(&out[((i / ci * s->taps + t) * ci + i % ci) * pad + c],
				       w + ((i * co + c) * s->taps + t) * 4, 4);
	for (int64_t c = 0; s->b && c < s->co; c++)
		memcpy(&bias[c / co * pad + c % co], (const char *)s->b->data + c * 4, 4);
	lower_weight(l, out, (uint64_t)count * sizeof(float));
}

static int check_constant(const struct node *n, const struct shape *s, struct err *e)
{
	if (val_is_const(s->w) && (!s->b || val_is_const(s->b)))
		return 0;
	fail(e, E_OP_UNSUPPORTED, "ConvTranspose with weights that are no constants");
	return err_node(e, n->name, n->op->name);
}

int lower_conv_transpose(struct graph *g, struct node *n, struct err *e)
{
	const struct conv_attr *a = n->attr;
	struct shape s;
	struct lower l;
	int64_t count, co;
	int vec;

	if (lower_all_f32(g, n, e) < 0)
		return -1;
	shape_of(&s, g, n, &a->win);
	shape_weights(&s, g, n);
	if (check_constant(n, &s, e) < 0)
		return -1;
	count = stored_count(s.y);
	co = s.co / s.groups;
	vec = s.y->layout == BLOCKED && (s.groups == 1 || co % 4 == 0) ? 4 : 1;
	lower_begin(&l, g, n, "conv_transpose");
	lower_value(&l, n->out[0], 2);
	lower_operand(&l, n->in[0]);
	pack_filters(&l, &s, div_up(co, vec) * vec);
	shape_defines(&l, &s);
	lower_define(&l, "COUNT", count);
	lower_define(&l, "CO", s.co);
	lower_define(&l, "CIG", s.ci / s.groups);
	lower_define(&l, "COG", co);
	lower_define(&l, "COG_PAD", div_up(co, vec) * vec);
	lower_define(&l, "XL", lanes_of(s.x));
	lower_define(&l, "YL", lanes_of(s.y));
	lower_define(&l, "THREADS", THREADS);
	if (lower_epilogue(&l, vec, e) < 0)
		return lower_drop(&l);
	return lower_end(&l, div_up(count / vec, THREADS), 1, 1, THREADS, e);
}
