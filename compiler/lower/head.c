/*
 * A node's head as CUDA text: what is done to elements of input 0 as they
 * are loaded. head_load(h, n, c) fetches the operands that belong to item n
 * and the channels from c on, of which none depends on more; head(v, h, c)
 * applies the steps. Lanes that are no channels become 0, whatever the steps
 * make of 0: their weights are zero, and 0 * inf would be NaN.
 * All is f32, so each step is rounded as in a kernel of its own.
 */
#include "compiler/lower/lower.h"

#include "compiler/ops/util.h"

#include <string.h>

struct operand { /* element of (item, channel): base + item * n + channel * c */
	enum { LITERAL, UNIFORM, WIDE, LANES } how;
	uint16_t in;   /* node input */
	unsigned name; /* of the parameter */
	bool packed;   /* a constant: as many channels as the blocks have */
	float literal;
	int64_t base, item, channel;
};

struct head {
	struct lower *l;
	const struct node *n;
	const struct val *x;
	int vec;
	int64_t channels;
	bool ragged; /* lanes beyond the channels */
	struct operand *op;
	uint32_t nop, nparams;
};

/* ---- operands ---- */

static const struct operand *find(const struct head *h, uint16_t in)
{
	uint32_t i = 0;

	while (i < h->nop && h->op[i].in != in)
		i++;
	return i < h->nop ? &h->op[i] : NULL;
}

/* May four channels be loaded at once? */
static bool is_wide(const struct head *h, const struct operand *o, const struct val *v)
{
	if (h->vec == 1 || o->channel != 1 || o->base % 4 || o->item % 4)
		return false;
	return o->packed || (v->off % 16 == 0 && h->channels % 4 == 0);
}

static void add_operand(struct head *h, uint16_t in)
{
	struct graph *g = h->l->g;
	const struct access *a = h->n->access ? h->n->access[in] : NULL;
	const struct val *v = &g->val[h->n->in[in]];
	struct operand *o = &h->op[h->nop++];
	struct space space;
	struct form form;
	int64_t count;

	*o = (struct operand){.in = in, .packed = val_is_const(v)};
	space_of(&space, &h->x->type, h->vec == 1 ? PLAIN : BLOCKED);
	if (o->packed) {
		const void *data = form_pack(&form, &space, v, a, g->arena, &count);

		memcpy(&o->literal, data, sizeof(float));
		if (count == 1 && is_round((double)o->literal))
			return;
		lower_weight(h->l, data, (uint64_t)count * sizeof(float));
	} else {
		form_of(&form, &space, v, a);
		CHECK(!form.lanes);
		lower_value(h->l, h->n->in[in], 1);
	}
	o->base = form.base;
	o->item = h->x->type.dim[0] > 1 ? form.coef[0] : 0;
	o->channel = form.coef[h->vec == 1 ? 1 : space.n - 1];
	o->how = !o->channel ? UNIFORM : is_wide(h, o, v) ? WIDE : LANES;
	o->name = h->nparams++;
}

static void collect(struct head *h)
{
	h->op = NEW(h->l->g->arena, h->n->nhead_in, struct operand);
	for (uint32_t s = 0; s < h->n->nhead; s++)
		for (int a = 0; a < h->n->head[s].nargs; a++) {
			uint16_t arg = h->n->head[s].arg[a], in = arg & (uint16_t)~TAIL_IN;

			if (arg & TAIL_IN && !find(h, in))
				add_operand(h, in);
		}
}

/* ---- text ---- */

static void put_params(const struct head *h, struct buf *t)
{
	bool per_item = false;

	buf_printf(t, "#define HEAD_VEC %d\n#define HEAD_PARAMS", h->vec);
	for (uint32_t i = 0; i < h->nop; i++) {
		per_item = per_item || h->op[i].item;
		if (h->op[i].how != LITERAL)
			buf_printf(t, ", const f32 *%sh%u", h->op[i].packed ? "__restrict__ " : "",
				   h->op[i].name);
	}
	buf_puts(t, "\n#define HEAD_ARGS");
	for (unsigned i = 0; i < h->nparams; i++)
		buf_printf(t, ", h%u", i);
	buf_printf(t, "\n#define HEAD_PER_ITEM %d\nstruct head_in {\n", per_item);
	for (uint32_t i = 0; i < h->nop; i++)
		if (h->op[i].how != LITERAL)
			buf_printf(t, "\tfloat x%u%s;\n", h->op[i].name,
				   h->op[i].how == UNIFORM ? "" : "[HEAD_VEC]");
	buf_puts(t, "};\n\n");
}

static void put_address(const struct operand *o, const char *lane, struct buf *t)
{
	buf_printf(t, "h%u + (%uu", o->name, (unsigned)o->base);
	if (o->item)
		buf_printf(t, " + n * %uu", (unsigned)o->item);
	if (o->channel)
		buf_printf(t, " + (c%s) * %uu", lane, (unsigned)o->channel);
	buf_puts(t, ")");
}

/* Only constants have anything where there is no channel. */
static void put_guard(const struct head *h, const struct operand *o, const char *lane,
		      struct buf *t)
{
	if (h->ragged && !o->packed)
		buf_printf(t, "if (c%s < %lldu)\n\t\t\t", lane, (long long)h->channels);
}

static void put_load(const struct head *h, const struct operand *o, struct buf *t)
{
	if (o->how == UNIFORM) {
		buf_printf(t, "\th.x%u = *(", o->name);
		put_address(o, "", t);
		buf_puts(t, ");\n");
	} else if (o->how == WIDE) {
		buf_puts(t, "\t");
		put_guard(h, o, "", t);
		buf_printf(t, "load(h.x%u, ", o->name);
		put_address(o, "", t);
		buf_puts(t, ");\n");
	} else {
		buf_puts(t, "#pragma unroll\n\tfor (unsigned i = 0; i < HEAD_VEC; i++)\n\t\t");
		put_guard(h, o, " + i", t);
		buf_printf(t, "h.x%u[i] = *(", o->name);
		put_address(o, " + i", t);
		buf_puts(t, ");\n");
	}
}

static void put_loads(const struct head *h, struct buf *t)
{
	buf_puts(t, "INLINE void head_load(head_in &h, unsigned n, unsigned c HEAD_PARAMS)\n{\n");
	for (uint32_t i = 0; i < h->nop; i++)
		if (h->op[i].how != LITERAL)
			put_load(h, &h->op[i], t);
	buf_puts(t, "}\n\n");
}

static void put_operand(const struct head *h, uint16_t arg, struct buf *out)
{
	const struct operand *o;

	if (arg == 0) {
		buf_puts(out, "v[i]");
		return;
	}
	if (!(arg & TAIL_IN)) {
		buf_printf(out, "s%u", arg);
		return;
	}
	o = find(h, arg & (uint16_t)~TAIL_IN);
	if (o->how == LITERAL) {
		buf_puts(out, "(");
		float_text(out, o->literal);
		buf_puts(out, ")");
	} else {
		buf_printf(out, o->how == UNIFORM ? "h.x%u" : "h.x%u[i]", o->name);
	}
}

static void put_steps(const struct head *h, struct buf *t)
{
	buf_puts(t, "INLINE void head(float (&v)[HEAD_VEC], const head_in &h, unsigned c)\n{\n"
		    "#pragma unroll\n\tfor (unsigned i = 0; i < HEAD_VEC; i++) {\n");
	for (uint32_t s = 0; s < h->n->nhead; s++) {
		const struct tail_step *step = &h->n->head[s];
		struct buf name[TAIL_ARGS] = {{0}};
		struct expr_arg arg[TAIL_ARGS] = {{"", DT_NONE}};

		for (int a = 0; a < step->nargs; a++) {
			put_operand(h, step->arg[a], &name[a]);
			arg[a] = (struct expr_arg){buf_str(&name[a]), F32};
		}
		step_text(step, s + 1, arg, t);
		for (int a = 0; a < step->nargs; a++)
			buf_release(&name[a]);
	}
	if (h->ragged)
		buf_printf(t, "\t\tv[i] = c + i < %lldu ? s%u : 0.0f;\n\t}\n}\n\n",
			   (long long)h->channels, h->n->nhead);
	else
		buf_printf(t, "\t\tv[i] = s%u;\n\t}\n}\n\n", h->n->nhead);
}

void lower_head(struct lower *l, int vec)
{
	const struct val *x = node_in(l->g, l->n, 0);
	struct head h = {.l = l, .n = l->n, .x = x, .vec = vec, .channels = x->type.dim[1]};

	if (!l->n->nhead)
		return;
	h.ragged = vec != 1 && h.channels % BLOCK;
	collect(&h);
	put_params(&h, &l->text);
	put_loads(&h, &l->text);
	put_steps(&h, &l->text);
}
