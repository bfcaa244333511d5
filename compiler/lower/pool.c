/* MaxPool, with or without the places of the maxima, AveragePool; between any layouts. */
#include "compiler/lower/conv.h"

#include <string.h>

#define THREADS 128

int lower_pool(struct graph *g, struct node *n, struct err *e)
{
	const struct pool_attr *a = n->attr;
	static const char *const ends[] = {"ED", "EH", "EW"};
	struct shape s;
	struct lower l;
	bool has_index = n->nout > 1 && n->out[1];
	int64_t count;
	int vec;

	shape_of(&s, g, n, &a->win);
	count = stored_count(s.y);
	vec = !has_index && s.x->layout == BLOCKED && s.y->layout == BLOCKED ? 4 : 1;
	lower_begin(&l, g, n, "pool");
	lower_value(&l, n->out[0], 2);
	if (has_index)
		lower_value(&l, n->out[1], 2);
	lower_operand(&l, n->in[0]);
	shape_defines(&l, &s);
	for (int k = 0; k < 3; k++) {
		int j = k - (3 - a->win.nd);

		lower_define(&l, ends[k], s.in[k] + (j < 0 ? 0 : a->win.pad_hi[j]));
	}
	lower_define(&l, "COUNT", count);
	lower_define(&l, "C", s.ci);
	lower_define(&l, "XL", lanes_of(s.x));
	lower_define(&l, "YL", lanes_of(s.y));
	lower_define(&l, "IS_MAX", !strcmp(n->op->name, "MaxPool"));
	lower_define(&l, "INCLUDE_PAD", a->count_include_pad);
	lower_define(&l, "HAS_INDEX", has_index);
	lower_define(&l, "COLUMN_MAJOR", a->column_major);
	lower_define(&l, "THREADS", THREADS);
	lower_epilogue(&l, vec);
	return lower_end(&l, div_up(count / vec, THREADS), 1, 1, THREADS, e);
}
