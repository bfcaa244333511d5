/*
 * ScatterElements, ScatterND: a copy of the data, unless the output stands
 * over it, then the updates. Rows that can't meet run at once; those of one
 * row come one after the other.
 */
#include "compiler/lower/move.h"

#include "compiler/ops/util.h"

struct updates {
	struct space rows;
	struct form y, index, update; /* of a row */
	int64_t length, index_step, update_step;
	int parts;
	int64_t size[RANK_MAX], stride[RANK_MAX];
};

static int copy_data(struct graph *g, struct node *n, struct err *e)
{
	const struct val *x = node_in(g, n, 0), *y = node_out(g, n, 0);

	return !val_is_const(x) && x->slot == y->slot && x->off == y->off ? 0
									  : lower_copy(g, n, 0, e);
}

static int lower_updates(struct graph *g, struct node *n, const struct updates *u, struct err *e)
{
	const struct scatter_attr *a = n->attr;
	int64_t rows = space_count(&u->rows);
	struct lower l;

	if (copy_data(g, n, e) < 0)
		return -1;
	if (!type_count(&node_in(g, n, 2)->type))
		return 0;
	lower_begin(&l, g, n, "scatter");
	lower_value(&l, n->out[0], 3);
	lower_operand(&l, n->in[1]);
	lower_operand(&l, n->in[2]);
	lower_type(&l, "x_t", node_out(g, n, 0)->type.dt);
	lower_type(&l, "index_t", node_in(g, n, 1)->type.dt);
	lower_define(&l, "ROWS", rows);
	lower_define(&l, "LENGTH", u->length);
	lower_define(&l, "PARTS", u->parts);
	lower_list(&l, "SIZES", u->size, u->parts);
	lower_list(&l, "STRIDES", u->stride, u->parts);
	lower_define(&l, "INDEX_STEP", u->index_step);
	lower_define(&l, "UPDATE_STEP", u->update_step);
	lower_define(&l, "KIND", (int64_t)a->how);
	lower_define(&l, "THREADS", MOVE_THREADS);
	form_function(&u->y, &u->rows, "y_at", &l.text);
	form_function(&u->index, &u->rows, "index_at", &l.text);
	form_function(&u->update, &u->rows, "update_at", &l.text);
	return lower_end(&l, div_up(rows, MOVE_THREADS), 1, 1, MOVE_THREADS, e);
}

int lower_scatter_elements(struct graph *g, struct node *n, struct err *e)
{
	const struct scatter_attr *a = n->attr;
	const struct type *x = &node_in(g, n, 0)->type, *at = &node_in(g, n, 1)->type;
	struct updates u = {.parts = 1, .length = at->dim[a->axis]};
	struct type rows = *at;
	int64_t stride[RANK_MAX];

	strides_of(x, stride);
	rows.dim[a->axis] = 1;
	space_of(&u.rows, &rows, PLAIN);
	strides_of(at, u.index.coef);
	u.index_step = u.update_step = u.index.coef[a->axis];
	u.size[0] = x->dim[a->axis];
	u.stride[0] = stride[a->axis];
	u.index.coef[a->axis] = 0;
	u.update = u.index;
	for (int k = 0; k < x->rank; k++)
		u.y.coef[k] = k == a->axis ? 0 : stride[k];
	return lower_updates(g, n, &u, e);
}

int lower_scatter_nd(struct graph *g, struct node *n, struct err *e)
{
	const struct type *x = &node_in(g, n, 0)->type, *at = &node_in(g, n, 1)->type;
	struct updates u = {.parts = (int)at->dim[at->rank - 1]};
	int64_t run = 1, stride[RANK_MAX];

	strides_of(x, stride);
	for (int k = 0; k < x->rank; k++)
		if (k < u.parts) {
			u.size[k] = x->dim[k];
			u.stride[k] = stride[k];
		} else {
			run *= x->dim[k];
		}
	space_of(&u.rows, &(struct type){.rank = 1, .dim = {run}}, PLAIN);
	u.length = type_count(at) / u.parts;
	u.index_step = u.parts;
	u.update_step = run;
	u.y.coef[0] = u.update.coef[0] = 1;
	return lower_updates(g, n, &u, e);
}
