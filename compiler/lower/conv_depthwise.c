/* Conv with one filter per channel, and the fallback for whatever fits no other kernel. */
#include "compiler/lower/conv.h"

#include <string.h>

#define THREADS 128

/* [block][tap][lane], then the bias [block][lane]. */
static void pack_filters(struct lower *l, const struct shape *s)
{
	int64_t blocks = div_up(s->co, BLOCK), count = blocks * (s->taps + 1) * BLOCK;
	float *out = NEW(l->g->arena, count, float), *bias = out + blocks * s->taps * BLOCK;

	for (int64_t c = 0; c < s->co; c++) {
		float *to = out + c / BLOCK * s->taps * BLOCK + c % BLOCK;

		for (int64_t t = 0; t < s->taps; t++)
			memcpy(&to[t * BLOCK], (const char *)s->w->data + (c * s->taps + t) * 4, 4);
	}
	if (s->b)
		memcpy(bias, s->b->data, (size_t)s->co * sizeof(float));
	lower_weight(l, out, (uint64_t)count * sizeof(float));
}

int lower_depthwise(struct graph *g, struct node *n, const struct shape *s, struct err *e)
{
	int64_t cols = s->dilation[2] > 1 || s->kernel[2] > 7 ? 1 : MIN(s->out[2], 4);
	int64_t blocks = div_up(s->co, BLOCK);
	int64_t threads =
		s->batch * blocks * s->out[0] * s->out[1] * div_up(s->out[2], cols) * (BLOCK / 4);
	struct lower l;

	lower_begin(&l, g, n, "depthwise");
	lower_value(&l, n->out[0], 2);
	lower_value(&l, n->in[0], 1);
	pack_filters(&l, s);
	shape_defines(&l, s);
	lower_define(&l, "CB", blocks);
	lower_define(&l, "COLS", cols);
	lower_define(&l, "THREADS", THREADS);
	lower_head(&l, 4);
	lower_epilogue(&l, 4);
	return lower_end(&l, div_up(threads, THREADS), 1, 1, THREADS, e);
}

int lower_conv_direct(struct graph *g, struct node *n, const struct shape *s, struct err *e)
{
	int64_t count = stored_count(s->y);
	struct lower l;

	lower_begin(&l, g, n, "conv_direct");
	lower_value(&l, n->out[0], 2);
	lower_operand(&l, n->in[0]);
	lower_operand(&l, n->in[1]);
	if (s->b)
		lower_operand(&l, n->in[2]);
	shape_defines(&l, s);
	lower_define(&l, "COUNT", count);
	lower_define(&l, "CO", s->co);
	lower_define(&l, "CIG", s->ci / s->groups);
	lower_define(&l, "COG", s->co / s->groups);
	lower_define(&l, "XL", lanes_of(s->x));
	lower_define(&l, "YL", lanes_of(s->y));
	lower_define(&l, "HAS_BIAS", s->b != NULL);
	lower_define(&l, "THREADS", THREADS);
	lower_head(&l, 1);
	lower_epilogue(&l, 1);
	return lower_end(&l, div_up(count, THREADS), 1, 1, THREADS, e);
}
