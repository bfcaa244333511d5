/*
 * Gather, GatherElements, GatherND by indices that are run-time data, or
 * constants without a pattern: all are sums of a place that the output's
 * element has, and of indices times strides.
 */
#include "compiler/lower/move.h"
#include "compiler/ops/util.h"

/*
 * For an element of the output: `base` is its place in input 0 without the indices, `index` that
 * of the first of `parts` indices, which stand next to each other; each one belongs to an axis of
 * `size`, neighbours `stride` apart.
 */
struct pick {
	struct form base, index;
	int parts;
	int64_t size[RANK_MAX], stride[RANK_MAX];
};

static int lower_picks(struct graph *g, struct node *n, const struct pick *p, struct err *e)
{
	const struct val *y = node_out(g, n, 0);
	struct space s;
	struct lower l;

	space_of(&s, &y->type, PLAIN);
	lower_begin(&l, g, n, "gather");
	lower_value(&l, n->out[0], 2);
	lower_operand(&l, n->in[0]);
	lower_operand(&l, n->in[1]);
	lower_define(&l, "COUNT", space_count(&s));
	lower_define(&l, "THREADS", MOVE_THREADS);
	lower_bits(&l, y->type.dt);
	lower_type(&l, "index_t", node_in(g, n, 1)->type.dt);
	lower_define(&l, "PARTS", p->parts);
	lower_list(&l, "SIZES", p->size, p->parts);
	lower_list(&l, "STRIDES", p->stride, p->parts);
	form_function(&p->base, &s, "base_at", &l.text);
	form_function(&p->index, &s, "index_at", &l.text);
	return lower_end(&l, div_up(space_count(&s), MOVE_THREADS), 1, 1, MOVE_THREADS, e);
}

int lower_gather(struct graph *g, struct node *n, struct err *e)
{
	const struct axis_attr *a = n->attr;
	const struct type *x = &node_in(g, n, 0)->type, *at = &node_in(g, n, 1)->type;
	struct pick p = {.parts = 1};
	int64_t in[RANK_MAX], from[RANK_MAX];

	strides_of(x, in);
	strides_of(at, from);
	for (int i = 0; i < x->rank - 1; i++) {
		bool before = i < a->axis;

		p.base.coef[before ? i : i + at->rank] = in[before ? i : i + 1];
	}
	for (int j = 0; j < at->rank; j++)
		p.index.coef[a->axis + j] = from[j];
	p.size[0] = x->dim[a->axis];
	p.stride[0] = in[a->axis];
	return lower_picks(g, n, &p, e);
}

int lower_gather_elements(struct graph *g, struct node *n, struct err *e)
{
	const struct axis_attr *a = n->attr;
	const struct type *x = &node_in(g, n, 0)->type, *at = &node_in(g, n, 1)->type;
	struct pick p = {.parts = 1};

	strides_of(x, p.base.coef);
	strides_of(at, p.index.coef);
	p.size[0] = x->dim[a->axis];
	p.stride[0] = p.base.coef[a->axis];
	p.base.coef[a->axis] = 0;
	return lower_picks(g, n, &p, e);
}

/* Axes of y: batch, the rest of the indices' axes but the last, what the tuple leaves of x. */
int lower_gather_nd(struct graph *g, struct node *n, struct err *e)
{
	const struct axis_attr *a = n->attr; /* axis: batch_dims */
	const struct type *x = &node_in(g, n, 0)->type, *at = &node_in(g, n, 1)->type;
	struct pick p = {.parts = (int)at->dim[at->rank - 1]};
	int64_t in[RANK_MAX], from[RANK_MAX];

	strides_of(x, in);
	strides_of(at, from);
	for (int i = 0; i < at->rank - 1; i++)
		p.index.coef[i] = from[i];
	for (int i = 0; i < a->axis; i++)
		p.base.coef[i] = in[i];
	for (int k = 0; k < p.parts; k++) {
		p.size[k] = x->dim[a->axis + k];
		p.stride[k] = in[a->axis + k];
	}
	for (int i = a->axis + p.parts, o = at->rank - 1; i < x->rank; i++, o++)
		p.base.coef[o] = in[i];
	return lower_picks(g, n, &p, e);
}
