/*
 * Prints a graph as text IR. Every line can be read back, but launches,
 * weights and code: those are for reading only. Zero fields are left out,
 * so that a graph shows just what the passes so far have set.
 */
#include "compiler/ops/op.h"
#include "compiler/text.h"

#include <stdlib.h>
#include <string.h>

struct printer {
	const struct graph *g;
	struct buf *out;
	struct arena *tmp;
	const char **label; /* per value: "%x", NULL where nothing defines it */
	uint32_t anonymous;
	struct names taken;
	const uint32_t *uses;
};

/* ---- names ---- */

static void set_label(struct printer *p, val_id id)
{
	const char *name = p->g->val[id].name;
	struct buf b = BUF_INIT;
	uint32_t *taken;

	if (p->label[id])
		return;
	buf_puts(&b, "%");
	taken = *name ? names_at(&p->taken, name, strlen(name)) : NULL;
	if (!taken || *taken) { /* unnamed, or a second value of that name */
		buf_printf(&b, "%u", ++p->anonymous);
	} else {
		*taken = id;
		if (is_plain_name(name))
			buf_puts(&b, name);
		else
			print_quoted(&b, name);
	}
	p->label[id] = arena_strdup(p->tmp, buf_str(&b));
	buf_release(&b);
}

/* In the order of the lines that define them. */
static void set_labels(struct printer *p)
{
	const struct graph *g = p->g;

	for (uint32_t i = 0; i < g->ninput; i++)
		set_label(p, g->input[i]);
	for (val_id v = 1; v < g->nval; v++)
		if (p->uses[v] && val_is_const(&g->val[v]))
			set_label(p, v);
	for (uint32_t i = 0; i < g->nnode; i++)
		for (uint32_t k = 0; k < g->node[i].nout && !g->node[i].dead; k++)
			if (g->node[i].out[k])
				set_label(p, g->node[i].out[k]);
}

static void put_ref(struct printer *p, val_id id)
{
	buf_puts(p->out, !id ? "_" : p->label[id] ? p->label[id] : "%?");
}

/* ---- values ---- */

static void put_live(struct buf *out, uint32_t first, uint32_t last)
{
	if (first || last)
		buf_printf(out, " live=[%u,%u]", first, last);
}

static void put_storage(struct buf *out, const struct val *v)
{
	if (v->layout == BLOCKED)
		buf_puts(out, " blocked");
	if (v->slot) {
		buf_printf(out, " slot=%u", v->slot);
		if (v->off)
			buf_printf(out, "+%llu", (unsigned long long)v->off);
	}
	if (v->pitch)
		buf_printf(out, " pitch=%lld", (long long)v->pitch);
	put_live(out, v->first, v->last);
}

static void put_input_type(struct buf *out, const struct val *v)
{
	if (!v->sym || v->type.rank == RANK_UNKNOWN) {
		type_print(out, &v->type);
		return;
	}
	buf_printf(out, "%s[", dtype_name(v->type.dt));
	for (int i = 0; i < v->type.rank; i++) {
		buf_puts(out, i ? "," : "");
		if (v->type.dim[i] >= 0)
			buf_printf(out, "%lld", (long long)v->type.dim[i]);
		else if (!*v->sym[i])
			buf_puts(out, "?");
		else if (is_plain_name(v->sym[i]) && !strpbrk(v->sym[i], "/-"))
			buf_printf(out, "%s?", v->sym[i]);
		else {
			print_quoted(out, v->sym[i]);
			buf_puts(out, "?");
		}
	}
	buf_puts(out, "]");
}

static void put_inputs(struct printer *p)
{
	for (uint32_t i = 0; i < p->g->ninput; i++) {
		const struct val *v = &p->g->val[p->g->input[i]];

		buf_printf(p->out, "%s = input ", p->label[p->g->input[i]]);
		put_input_type(p->out, v);
		put_storage(p->out, v);
		buf_puts(p->out, "\n");
	}
}

/* Constants that somebody reads. */
static void put_consts(struct printer *p)
{
	for (val_id id = 1; id < p->g->nval; id++) {
		const struct val *v = &p->g->val[id];

		if (!p->uses[id] || !val_is_const(v))
			continue;
		buf_printf(p->out, "%s = const ", p->label[id]);
		type_print(p->out, &v->type);
		buf_puts(p->out, " ");
		print_data(p->out, &v->type, v->data, v->fill);
		put_storage(p->out, v);
		buf_puts(p->out, "\n");
	}
}

/* ---- nodes ---- */

static void put_access(struct buf *out, const struct access *a, int rank)
{
	buf_puts(out, "@(");
	for (int i = 0; i < rank; i++) {
		buf_puts(out, i ? "," : "");
		if (a->axis[i] < 0)
			buf_printf(out, "-:%lld", (long long)a->start[i]);
		else
			buf_printf(out, "%d:%lld:%lld", a->axis[i], (long long)a->start[i],
				   (long long)a->step[i]);
	}
	buf_puts(out, ")");
}

static void put_operands(struct printer *p, const struct node *n)
{
	for (uint32_t k = 0; k < n->nin; k++) {
		if (n->nhead_in && k == n->nmain)
			buf_puts(p->out, " <");
		buf_puts(p->out, k == node_tail_in(n) ? " ; " : " ");
		put_ref(p, n->in[k]);
		if (n->in[k] && n->access && n->access[k])
			put_access(p->out, n->access[k], p->g->val[n->in[k]].type.rank);
	}
}

/* letter: of the results' names, h in a head, t in a tail */
static void put_steps(struct buf *out, const struct graph *g, const struct tail_step *step,
		      uint32_t n, char letter)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct tail_step *s = &step[i];

		buf_printf(out, "%s %c%u", i ? ";" : letter == 'h' ? " <" : " |", letter, i + 1);
		if (s->dt != F32)
			buf_printf(out, ":%s", dtype_name(s->dt));
		buf_printf(out, " = %s", s->op->name);
		for (uint32_t k = 0; k < s->nargs; k++)
			buf_printf(out, " %c%u", s->arg[k] & TAIL_IN ? '$' : letter,
				   s->arg[k] & ~TAIL_IN);
		print_attrs(out, s->attrs, s->nattrs);
		if (s->version && s->version != g->opset)
			buf_printf(out, " version=%d", s->version);
	}
}

static void put_results(struct printer *p, const struct node *n)
{
	bool any = false;

	for (uint32_t k = 0; k < n->nout; k++)
		any = any || (n->out[k] && p->g->val[n->out[k]].type.dt != DT_NONE);
	for (uint32_t k = 0; any && k < n->nout; k++) {
		const struct val *v = &p->g->val[n->out[k]];

		buf_puts(p->out, k ? ", " : " : ");
		if (!n->out[k] || v->type.dt == DT_NONE) {
			buf_puts(p->out, "?");
			continue;
		}
		type_print(p->out, &v->type);
		put_storage(p->out, v);
	}
}

static void put_node(struct printer *p, const struct node *n)
{
	for (uint32_t k = 0; k < n->nout; k++) {
		buf_puts(p->out, k ? ", " : "");
		put_ref(p, n->out[k]);
	}
	buf_printf(p->out, " = %s", n->op->name);
	put_operands(p, n);
	print_attrs(p->out, n->attrs, n->nattrs);
	if (*n->name) {
		buf_puts(p->out, " node=");
		print_quoted(p->out, n->name);
	}
	if (n->version != p->g->opset)
		buf_printf(p->out, " version=%d", n->version);
	if (n->scratch)
		buf_printf(p->out, " scratch=%u", n->scratch);
	put_steps(p->out, p->g, n->head, n->nhead, 'h');
	put_steps(p->out, p->g, n->tail, n->ntail, 't');
	put_results(p, n);
	buf_puts(p->out, "\n");
}

/* ---- the rest ---- */

static void put_head(struct printer *p)
{
	const struct graph *g = p->g;

	buf_puts(p->out, "graph ");
	print_quoted(p->out, g->name);
	if (g->ir_version)
		buf_printf(p->out, " ir %d", g->ir_version);
	buf_printf(p->out, " opset %d\n", g->opset);
	for (uint32_t i = 0; i < g->nmeta; i++) {
		buf_puts(p->out, "meta ");
		print_quoted(p->out, g->meta[i].key);
		buf_puts(p->out, " ");
		print_quoted(p->out, g->meta[i].value);
		buf_puts(p->out, "\n");
	}
}

static void put_outputs(struct printer *p)
{
	const struct graph *g = p->g;

	for (uint32_t i = 0; i < g->noutput; i++) {
		buf_puts(p->out, "output ");
		put_ref(p, g->output[i]);
		if (g->output_name && strcmp(g->output_name[i], g->val[g->output[i]].name)) {
			buf_puts(p->out, " name=");
			print_quoted(p->out, g->output_name[i]);
		}
		buf_puts(p->out, "\n");
	}
	for (uint32_t i = 0; i < g->ndeclared; i++) {
		if (!p->label[g->declared[i].val])
			continue; /* nothing defines it any more */
		buf_puts(p->out, "declared ");
		put_ref(p, g->declared[i].val);
		buf_puts(p->out, " ");
		type_print(p->out, &g->declared[i].type);
		buf_puts(p->out, "\n");
	}
}

static void put_plan(struct printer *p)
{
	const struct graph *g = p->g;

	if (g->order_certificate) {
		buf_puts(p->out, "order ");
		print_quoted(p->out, g->order_certificate);
		buf_puts(p->out, "\n");
	}
	for (slot_id i = 1; i < g->nslot; i++) {
		const struct slot *s = &g->slot[i];

		buf_printf(p->out, "slot %u size=%llu", i, (unsigned long long)s->size);
		put_live(p->out, s->first, s->last);
		if (s->offset)
			buf_printf(p->out, " offset=%llu", (unsigned long long)s->offset);
		buf_puts(p->out, "\n");
	}
	if (!g->arena_bytes && !g->certificate)
		return;
	buf_printf(p->out, "plan arena=%llu lower=%llu ", (unsigned long long)g->arena_bytes,
		   (unsigned long long)g->lower_bound);
	print_quoted(p->out, g->certificate ? g->certificate : "");
	buf_puts(p->out, "\n");
}

static void put_karg(struct printer *p, const struct karg *a)
{
	static const char *const access[] = {"", "read", "write", "update"};

	buf_printf(p->out, " %s(", access[a->access & 3]);
	if (a->kind == KARG_VAL)
		put_ref(p, a->val);
	else if (a->kind == KARG_WEIGHT)
		buf_printf(p->out, "weight %u", a->weight);
	else
		buf_puts(p->out, "scratch");
	buf_printf(p->out, " %llu: %llu x %llu / %llu)", (unsigned long long)a->offset,
		   (unsigned long long)a->rows, (unsigned long long)a->width,
		   (unsigned long long)a->pitch);
}

static void put_lowered(struct printer *p)
{
	const struct graph *g = p->g;

	for (uint32_t i = 0; i < g->nweight; i++)
		buf_printf(p->out, "weight %u bytes=%llu offset=%llu\n", i,
			   (unsigned long long)g->weight[i].bytes,
			   (unsigned long long)g->weight[i].offset);
	for (uint32_t i = 0; i < g->nlaunch; i++) {
		const struct launch *l = &g->launch[i];

		buf_printf(p->out, "launch %u node=%u %s grid=[%u,%u,%u] block=[%u,%u,%u]", i,
			   l->node, l->kernel, l->grid[0], l->grid[1], l->grid[2], l->block[0],
			   l->block[1], l->block[2]);
		buf_printf(p->out, " shared=%u code=%u", l->shared, l->code);
		for (uint32_t k = 0; k < l->nargs; k++)
			put_karg(p, &l->arg[k]);
		buf_puts(p->out, " defines=");
		print_quoted(p->out, l->defines ? l->defines : "");
		buf_puts(p->out, "\n");
	}
	for (uint32_t i = 0; i < g->ncode; i++) {
		const struct code *c = &g->code[i];

		buf_printf(p->out, "code %u %s", i, c->entry);
		if (c->cubin_bytes)
			buf_printf(p->out, " registers=%u spill=%u shared=%u", c->registers,
				   c->spill_bytes, c->shared_bytes);
		buf_printf(p->out, " ptx=%llu cubin=%llu\n", (unsigned long long)c->ptx_bytes,
			   (unsigned long long)c->cubin_bytes);
	}
}

void text_print(const struct graph *g, struct buf *out)
{
	struct arena *tmp = arena_open(0);
	struct printer p = {.g = g, .out = out, .tmp = tmp, .taken = names_begin(tmp)};

	p.uses = graph_uses(g, tmp);
	p.label = NEW(tmp, g->nval, const char *);
	set_labels(&p);
	put_head(&p);
	put_inputs(&p);
	put_consts(&p);
	for (uint32_t i = 0; i < g->nnode; i++)
		if (!g->node[i].dead)
			put_node(&p, &g->node[i]);
	put_outputs(&p);
	put_plan(&p);
	put_lowered(&p);
	arena_close(tmp);
}
