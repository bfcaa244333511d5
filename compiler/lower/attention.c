/*
 * .Attention: a block of threads per tile of rows and batch item. The tile follows from the row of
 * v, so that a thread has 4 or 8 of its columns, and from what fits into shared memory.
 */
#include "compiler/lower/lower.h"

#include <string.h>

#define FEW_ROWS   32 /* then, and with few blocks, a thread has 4 rows, not 8 */
#define FEW_BLOCKS 16
#define WIDE_ROW   64 /* of q: 8 rows of each thread would not fit */

struct tiles { /* attention.cu */
	int tx, ty, tm, tn, tv;
};

static struct tiles tiles_of(const struct attention_attr *a)
{
	const struct type *q = &a->space[ATTENTION_Q], *v = &a->space[ATTENTION_V];
	int64_t rows = q->dim[q->rank - 2], width = v->dim[v->rank - 1], batch = 1;
	struct tiles t = {.ty = 8, .tm = 8, .tv = 4};

	for (int i = 0; i < q->rank - 2; i++)
		batch *= q->dim[i];
	t.tx = width > 32 ? 16 : width > 16 ? 8 : 4;
	t.tn = t.tx == 16 ? 4 : 8;
	if (width > t.tx * t.tv)
		t.tv = 8;
	if (q->dim[q->rank - 1] > WIDE_ROW || t.tv == 8 || rows <= FEW_ROWS ||
	    div_up(rows, t.ty * t.tm) * batch < FEW_BLOCKS)
		t.tm = 4;
	return t;
}

/* Strides and base of an operand; step: elements between its neighbours in the last two axes. */
static void put_operand(struct lower *l, char letter, const struct form *f,
			const struct type *space, const int64_t step[2])
{
	const char row = letter == 'k' || letter == 'v' ? 'T' : 'S',
		   up = (char)(letter - 'a' + 'A');
	struct space batches;
	struct form base = *f;
	char name[] = {letter, '_', 'b', 'a', 's', 'e', 0}, rows[] = {up, row, 0},
	     cols[] = {up, 'D', 0};

	space_of(&batches, space, PLAIN);
	batches.n -= 2;
	base.coef[batches.n] = base.coef[batches.n + 1] = 0;
	form_function(&base, &batches, name, &l->text);
	lower_define(l, rows, step[0]);
	lower_define(l, cols, step[1]);
}

/* May 4 neighbours of a row be moved at once (rows: of a column)? */
static int vec_of(const struct form *f, const struct type *space, const struct val *x, bool rows)
{
	struct form turned = *f;
	struct space s;
	int last = space->rank - 1;

	space_of(&s, space, PLAIN);
	if (rows) {
		turned.coef[last] = f->coef[last - 1];
		turned.coef[last - 1] = f->coef[last];
		s.size[last] = space->dim[last - 1];
		s.size[last - 1] = space->dim[last];
	}
	return form_is_wide(&turned, &s, val_is_const(x) ? 0 : x->off) ? 4 : 1;
}

static void add_input(struct lower *l, const struct attention_attr *a, uint32_t k)
{
	static const char letter[] = "qkv", *const vec[] = {"Q_VEC", "K_VEC", "V_VEC"};
	const struct type *space = &a->space[k];
	const struct val *x = node_in(l->g, l->n, k);
	int last = space->rank - 1;
	struct space s;
	struct form f;
	int64_t step[2];

	space_of(&s, space, PLAIN);
	form_of(&f, &s, x, l->n->access ? l->n->access[k] : NULL);
	step[0] = f.coef[last - 1];
	step[1] = f.coef[last];
	lower_operand(l, l->n->in[k]);
	put_operand(l, letter[k], &f, space, step);
	lower_define(l, vec[k], vec_of(&f, space, x, k == ATTENTION_K && step[1] != 1));
}

static void add_output(struct lower *l, const struct attention_attr *a)
{
	const struct val *y = node_out(l->g, l->n, 0);
	struct type space = a->space[ATTENTION_SCORES];
	int last = space.rank - 1;
	int64_t stride[RANK_MAX], step[2];
	struct form f = {.base = 0};

	space.dim[last] = a->space[ATTENTION_V].dim[last];
	form_strides(y, stride);
	for (int i = 0; i <= last; i++)
		f.coef[a->perm[i]] = stride[i];
	step[0] = f.coef[last - 1];
	step[1] = f.coef[last];
	put_operand(l, 'y', &f, &space, step);
	lower_define(l, "Y_VEC", vec_of(&f, &space, y, false));
}

int lower_attention(struct graph *g, struct node *n, struct err *e)
{
	const struct attention_attr *a = n->attr;
	const struct type *scores = &a->space[ATTENTION_SCORES];
	struct tiles t = tiles_of(a);
	int last = scores->rank - 1;
	int64_t rows = scores->dim[last - 1], columns = scores->dim[last];
	struct lower l;

	lower_begin(&l, g, n, "attention");
	lower_value(&l, n->out[0], 2);
	for (uint32_t k = 0; k < ATTENTION_SCORES; k++)
		add_input(&l, a, k);
	add_output(&l, a);
	lower_define(&l, "SS", rows);
	lower_define(&l, "TT", columns);
	lower_define(&l, "DD", a->space[ATTENTION_Q].dim[last]);
	lower_define(&l, "DV", a->space[ATTENTION_V].dim[last]);
	lower_define(&l, "TX", t.tx);
	lower_define(&l, "TY", t.ty);
	lower_define(&l, "TM", t.tm);
	lower_define(&l, "TN", t.tn);
	lower_define(&l, "TV", t.tv);
	lower_define(&l, "GUARD", a->guard);
	buf_puts(&l.text, "#define SCALE ");
	float_text(&l.text, a->scale);
	buf_puts(&l.text, "\n");
	lower_steps(&l, scores, columns % 4 ? 1 : 4);
	return lower_end(&l, div_up(rows, t.ty * t.tm) * (type_count(scores) / (rows * columns)), 1,
			 1, (uint32_t)(t.tx * t.ty), e);
}
