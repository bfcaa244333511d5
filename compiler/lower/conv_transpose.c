/* ConvTranspose: each output element gathers the inputs that reach it. */
#include "compiler/lower/conv.h"

#include <string.h>

#define THREADS 128

struct filters { /* strides of the weights in elements, as the kernel has them */
	int64_t group, tap, in, out, bias;
};

/* Constants: [group][tap][channel in][channel out], then the bias [group][channel out]. */
static struct filters pack_filters(struct lower *l, const struct shape *s, int64_t pad)
{
	int64_t ci = s->ci / s->groups, co = s->co / s->groups;
	int64_t size = (int64_t)dtype_size(s->w->type.dt);
	int64_t count = s->groups * (s->taps * ci + 1) * pad;
	struct filters f = {s->taps * ci * pad, ci * pad, pad, 1, pad};
	char *out = NEW(l->g->arena, count * size, char), *bias = out + s->groups * f.group * size;
	const char *w = s->w->data;

	for (int64_t i = 0; i < s->ci; i++) /* ONNX: [channel in][channel out of the group][tap] */
		for (int64_t c = 0; c < co; c++)
			for (int64_t t = 0; t < s->taps; t++)
				memcpy(&out[(i / ci * f.group + t * f.tap + i % ci * f.in + c) *
					    size],
				       w + ((i * co + c) * s->taps + t) * size, (size_t)size);
	for (int64_t c = 0; s->b && c < s->co; c++)
		memcpy(&bias[(c / co * pad + c % co) * size], (const char *)s->b->data + c * size,
		       (size_t)size);
	lower_weight(l, out, (uint64_t)(count * size));
	return f;
}

/* Weights that arrive when it runs, as ONNX has them. */
static struct filters add_filters(struct lower *l, const struct shape *s)
{
	int64_t ci = s->ci / s->groups, co = s->co / s->groups;

	lower_operand(l, l->n->in[1]);
	if (s->b)
		lower_operand(l, l->n->in[2]);
	return (struct filters){ci * co * s->taps, 1, co * s->taps, s->taps, co};
}

static void put_filters(struct lower *l, const struct shape *s, bool packed,
			const struct filters *f)
{
	lower_define(l, "PACKED", packed);
	lower_define(l, "HAS_BIAS", packed || s->b);
	lower_define(l, "W_GROUP", f->group);
	lower_define(l, "W_TAP", f->tap);
	lower_define(l, "W_IN", f->in);
	lower_define(l, "W_OUT", f->out);
	lower_define(l, "COG_BIAS", f->bias);
	lower_define(l, "W_BIAS", s->groups * f->group);
}

int lower_conv_transpose(struct graph *g, struct node *n, struct err *e)
{
	const struct conv_attr *a = n->attr;
	struct shape s;
	struct lower l;
	struct filters f;
	int64_t count, co;
	bool packed;
	int vec;

	shape_of(&s, g, n, &a->win);
	shape_weights(&s, g, n);
	packed = val_is_const(s.w) && (!s.b || val_is_const(s.b));
	count = stored_count(s.y);
	co = s.co / s.groups;
	vec = packed && s.y->layout == BLOCKED && (s.groups == 1 || co % 4 == 0) ? 4 : 1;
	lower_begin(&l, g, n, "conv_transpose");
	lower_value(&l, n->out[0], 2);
	lower_operand(&l, n->in[0]);
	f = packed ? pack_filters(&l, &s, div_up(co, vec) * vec) : add_filters(&l, &s);
	put_filters(&l, &s, packed, &f);
	shape_defines(&l, &s);
	lower_define(&l, "COUNT", count);
	lower_define(&l, "CO", s.co);
	lower_define(&l, "CIG", s.ci / s.groups);
	lower_define(&l, "COG", co);
	lower_define(&l, "XL", lanes_of(s.x));
	lower_define(&l, "YL", lanes_of(s.y));
	lower_define(&l, "THREADS", THREADS);
	lower_epilogue(&l, vec);
	return lower_end(&l, div_up(count / vec, THREADS), 1, 1, THREADS, e);
}
