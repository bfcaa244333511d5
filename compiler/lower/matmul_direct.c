/* Products of matrices of types that the tiled kernels do not have: one output element per thread.
 */
#include "compiler/lower/matmul.h"

#include <math.h>
#include <string.h>

#define THREADS 128

static void define_float(struct lower *l, const char *name, float f)
{
	buf_printf(&l->text, "#define %s ", name);
	float_text(&l->text, f);
	buf_puts(&l->text, "\n");
}

static void add_c(struct lower *l, val_id v)
{
	const struct val *c = &l->g->val[v];
	const struct type *t = &c->type;
	int64_t stride[RANK_MAX];

	form_strides(c, stride);
	lower_operand(l, v);
	lower_define(l, "CM", t->rank > 1 && t->dim[t->rank - 2] != 1 ? stride[t->rank - 2] : 0);
	lower_define(l, "CN", t->rank > 0 && t->dim[t->rank - 1] != 1 ? stride[t->rank - 1] : 0);
}

int lower_matmul_direct(struct graph *g, struct node *n, const struct product *p, struct err *e)
{
	bool is_gemm = !strcmp(n->op->name, "Gemm"), has_c = is_gemm && n->nmain > 2 && n->in[2];
	int64_t count = p->batch * p->m * p->n;
	struct lower l;

	lower_begin(&l, g, n, "matmul_direct");
	lower_value(&l, n->out[0], 2);
	lower_operand(&l, p->a);
	lower_operand(&l, p->b);
	if (has_c)
		add_c(&l, n->in[2]);
	lower_define(&l, "COUNT", count);
	product_defines(&l, p);
	lower_define(&l, "SCALED", is_gemm);
	lower_define(&l, "HAS_C", has_c);
	lower_define(&l, "THREADS", THREADS);
	if (is_gemm) {
		const struct gemm_attr *at = n->attr;

		define_float(&l, "ALPHA", at->alpha);
		define_float(&l, "BETA", at->beta);
	}
	form_function(&p->a_base, &p->batches, "a_base", &l.text);
	form_function(&p->b_base, &p->batches, "b_base", &l.text);
	lower_epilogue(&l, 1);
	return lower_end(&l, div_up(count, THREADS), 1, 1, THREADS, e);
}
