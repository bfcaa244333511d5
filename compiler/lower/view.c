/*
 * Copies of runs of bytes, between plain tensors without gaps: .View where
 * alias did not let it share its input's bytes, and what Scatter begins with.
 */
#include "compiler/lower/move.h"
#include "compiler/storage.h"

static struct space line(int64_t count)
{
	struct type t = {.dt = F32, .rank = 1, .dim = {count}};
	struct space s;

	space_of(&s, &t, PLAIN);
	return s;
}

int lower_copy(struct graph *g, struct node *n, int64_t offset, struct err *e)
{
	const struct val *x = node_in(g, n, 0), *y = node_out(g, n, 0);
	struct space s = line(type_count(&y->type));
	struct form in = {.base = offset, .coef = {1}}, out = {.coef = {1}};
	int64_t count = space_count(&s);
	struct lower l;
	int vec;

	vec = form_is_wide(&in, &s, x->off) && form_is_wide(&out, &s, y->off) ? 4 : 1;
	lower_begin(&l, g, n, "copy");
	lower_value(&l, n->out[0], 2);
	lower_operand(&l, n->in[0]);
	lower_define(&l, "COUNT", count);
	lower_define(&l, "THREADS", MOVE_THREADS);
	lower_type(&l, "y_t", lower_move_type(y->type.dt));
	buf_printf(&l.text, "#define VEC %d\n#define EXTRA_PARAMS\n", vec);
	form_function(&in, &s, "in_at", &l.text);
	form_function(&out, &s, "out_at", &l.text);
	buf_puts(&l.text, "INLINE bool in_real(unsigned off)\n{\n\treturn true;\n}\n");
	return lower_end(&l, div_up(count / vec, MOVE_THREADS), 1, 1, MOVE_THREADS, e);
}

int lower_view(struct graph *g, struct node *n, struct err *e)
{
	const struct view_attr *view = n->attr;

	if (storage_is_view(g, n))
		return 0;
	return lower_copy(g, n, view->offset, e);
}
