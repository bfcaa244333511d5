/*
 * The generated part of a kernel: a node's tail as the CUDA function
 * epilogue(v, off), which loads every extra operand at the address that
 * belongs to storage offset `off` of output 0, applies the steps and leaves
 * the results in v; and out_at(off), the place where they are stored.
 * Only integers and hex floats come from the model.
 */
#include "compiler/lower/lower.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct operand {
	enum { LITERAL, UNIFORM, WIDE, LANES } how;
	struct form form;
	float value;   /* LITERAL */
	bool constant; /* packed: aliases nothing */
	unsigned arg;  /* number of its pointer parameter */
	uint16_t in;   /* node input */
};

struct epilogue {
	struct lower *l;
	const struct node *n;
	struct space space;
	int vec;
	bool aligned; /* the vec elements differ in the last storage index only */
	struct operand *op;
	uint32_t nop, nargs;
};

/* What a step's result is in C, truth values as 0 and 1; NULL: no kernel has such values. */
static const char *const c_type[DT_COUNT] = {[F32] = "float", [BOOL] = "float"};

void float_text(struct buf *out, float f)
{
	uint32_t bits;

	memcpy(&bits, &f, 4);
	if (isfinite(f))
		buf_printf(out, "%af", (double)f);
	else
		buf_printf(out, "__int_as_float(0x%08x)", bits);
}

int lower_vec(const struct val *out)
{
	int64_t count = (int64_t)(val_bytes(out) / 4), item = val_item(out);

	if (out->layout == BLOCKED)
		return 4;
	if (count % 4 || out->off % 16)
		return 1;
	return out->pitch == item || out->type.rank == 0 || (item % 4 == 0 && out->pitch % 4 == 0)
		       ? 4
		       : 1;
}

/* ---- operands ---- */

/* May lanes be loaded as one float4? */
static bool is_wide(const struct epilogue *p, const struct form *f, uint64_t off)
{
	if (p->vec != 4)
		return false;
	if (form_is_dense(f, &p->space))
		return off % 16 == 0;
	return form_is_wide(f, &p->space, off);
}

static bool is_uniform(const struct epilogue *p, const struct form *f)
{
	int last = p->space.n - 1;

	if (p->vec == 1)
		return !f->guard;
	return p->aligned && !f->guard && !f->lanes && (last < 0 || f->coef[last] == 0);
}

/*
 * Numbers that people write stand in the text; learned ones are loaded, so that layers which differ
 * in nothing else share a kernel.
 */
static bool is_round(float f)
{
	return !isfinite(f) || (fabsf(f) <= 4096.0f && f * 256.0f == rintf(f * 256.0f));
}

static uint32_t find_operand(const struct epilogue *p, uint16_t in)
{
	uint32_t i = 0;

	while (i < p->nop && p->op[i].in != in)
		i++;
	return i;
}

static void add_operand(struct epilogue *p, uint16_t in)
{
	struct graph *g = p->l->g;
	const struct access *a = p->n->access ? p->n->access[in] : NULL;
	const struct val *v = &g->val[p->n->in[in]];
	struct operand *o;
	int64_t count;

	if (find_operand(p, in) < p->nop)
		return;
	o = &p->op[p->nop++];
	*o = (struct operand){.in = in};
	if (val_is_const(v)) {
		const float *data = form_pack(&o->form, &p->space, v, a, g->arena, &count);

		if (count == 1 && is_round(data[0])) {
			o->how = LITERAL;
			o->value = data[0];
			return;
		}
		o->constant = true;
		lower_weight(p->l, data, (uint64_t)count * 4);
		o->how = is_uniform(p, &o->form) ? UNIFORM : is_wide(p, &o->form, 0) ? WIDE : LANES;
	} else {
		form_of(&o->form, &p->space, v, a);
		lower_value(p->l, p->n->in[in], 1);
		o->how = is_uniform(p, &o->form)	? UNIFORM
			 : is_wide(p, &o->form, v->off) ? WIDE
							: LANES;
	}
	o->arg = p->nargs++;
}

static void collect_operands(struct epilogue *p)
{
	const struct node *n = p->n;

	p->op = NEW(p->l->g->arena, n->nin, struct operand);
	if (n->ntail == 0 && n->nmain == 0)
		add_operand(p, 0);
	for (uint32_t s = 0; s < n->ntail; s++)
		for (int a = 0; a < n->tail[s].nargs; a++)
			if (n->tail[s].arg[a] & TAIL_IN)
				add_operand(p, n->tail[s].arg[a] & (uint16_t)~TAIL_IN);
}

/* ---- text ---- */

static void put_params(struct epilogue *p)
{
	struct buf *t = &p->l->text;

	buf_printf(t, "#define VEC %d\n#define EXTRA_PARAMS", p->vec);
	for (uint32_t i = 0; i < p->nop; i++)
		if (p->op[i].how != LITERAL)
			buf_printf(t, ", const float *%se%u",
				   p->op[i].constant ? "__restrict__ " : "", p->op[i].arg);
	buf_puts(t, "\n#define EXTRA_ARGS");
	for (unsigned i = 0; i < p->nargs; i++)
		buf_printf(t, ", e%u", i);
	buf_puts(t, "\n");
}

static void put_address(const struct epilogue *p, const struct operand *o, const char *lane,
			struct buf *t)
{
	if (!form_is_dense(&o->form, &p->space))
		form_text(&o->form, &p->space, lane, t);
	else if (!*lane || !p->aligned)
		buf_puts(t, p->aligned ? "off" : "at");
	else
		buf_printf(t, "off + %s", lane);
}

static void put_lane_load(const struct epilogue *p, const struct operand *o, const char *lane,
			  struct buf *t)
{
	buf_printf(t, "\t\tx%u[i] = ", o->arg);
	if (o->form.guard) {
		space_coordinate(&p->space, 1, lane, t);
		buf_printf(t, " < %lldu ? ", (long long)p->space.type.dim[1]);
	}
	buf_printf(t, "e%u[", o->arg);
	put_address(p, o, lane, t);
	buf_puts(t, o->form.guard ? "] : 0.0f;\n" : "];\n");
}

static void put_wide_loads(const struct epilogue *p, struct buf *t)
{
	for (uint32_t i = 0; i < p->nop; i++) {
		const struct operand *o = &p->op[i];

		if (o->how == UNIFORM) {
			buf_printf(t, "\tconst float x%u = e%u[", o->arg, o->arg);
			put_address(p, o, "", t);
			buf_puts(t, "];\n");
		} else if (o->how == WIDE) {
			buf_printf(t, "\tfloat x%u[VEC];\n\tload(x%u, e%u + (", o->arg, o->arg,
				   o->arg);
			if (form_is_dense(&o->form, &p->space))
				buf_puts(t, "off");
			else
				form_text(&o->form, &p->space, "", t);
			buf_puts(t, "));\n");
		} else if (o->how == LANES) {
			buf_printf(t, "\tfloat x%u[VEC];\n", o->arg);
		}
	}
}

static bool uses_indices(const struct epilogue *p)
{
	bool uses = p->space.ragged;

	for (uint32_t i = 0; i < p->nop; i++)
		uses = uses ||
		       (p->op[i].how != LITERAL && !form_is_dense(&p->op[i].form, &p->space));
	return uses;
}

static bool any_lanes(const struct epilogue *p)
{
	for (uint32_t i = 0; i < p->nop; i++)
		if (p->op[i].how == LANES)
			return true;
	return false;
}

/* Loads lane by lane; where lanes do not share the outer indices each decodes its own offset. */
static void put_lane_loads(const struct epilogue *p, struct buf *t)
{
	if (!any_lanes(p))
		return;
	buf_puts(t, "#pragma unroll\n\tfor (unsigned i = 0; i < VEC; i++) {\n");
	if (!p->aligned) {
		buf_puts(t, "\tconst unsigned at = off + i;\n");
		space_decode(&p->space, "at", t);
	}
	for (uint32_t i = 0; i < p->nop; i++)
		if (p->op[i].how == LANES)
			put_lane_load(p, &p->op[i], p->aligned ? "i" : "", t);
	buf_puts(t, "\t}\n");
}

static void operand_name(const struct epilogue *p, uint16_t arg, struct buf *out)
{
	const struct operand *o;

	if (arg == 0) {
		buf_puts(out, "v[i]");
	} else if (!(arg & TAIL_IN)) {
		buf_printf(out, "s%u", arg);
	} else {
		o = &p->op[find_operand(p, arg & (uint16_t)~TAIL_IN)];
		if (o->how == LITERAL) {
			buf_puts(out, "(");
			float_text(out, o->value);
			buf_puts(out, ")");
		} else {
			buf_printf(out, o->how == UNIFORM ? "x%u" : "x%u[i]", o->arg);
		}
	}
}

static int put_step(const struct epilogue *p, uint32_t s, struct buf *t, struct err *e)
{
	const struct tail_step *step = &p->n->tail[s];
	struct buf name[TAIL_ARGS] = {{0}};
	const char *arg[TAIL_ARGS] = {"", "", "", ""};

	if (!c_type[step->dt]) {
		fail(e, E_DTYPE, "kernels compute in f32 only, %s makes %s", step->op->name,
		     dtype_name(step->dt));
		return err_node(e, p->n->name, step->op->name);
	}
	for (int a = 0; a < step->nargs; a++) {
		operand_name(p, step->arg[a], &name[a]);
		arg[a] = buf_str(&name[a]);
	}
	buf_printf(t, "\t\tconst %s s%u = ", c_type[step->dt], s + 1);
	step->op->expr(p->n, step->attr, arg, t);
	buf_puts(t, ";\n");
	for (int a = 0; a < step->nargs; a++)
		buf_release(&name[a]);
	return 0;
}

static int put_steps(const struct epilogue *p, struct buf *t, struct err *e)
{
	const struct node *n = p->n;
	struct buf result = BUF_INIT;
	bool copy = n->ntail == 0 && n->nmain == 0;

	if (n->ntail == 0 && !copy && !p->space.ragged)
		return 0;
	buf_puts(t, "#pragma unroll\n\tfor (unsigned i = 0; i < VEC; i++) {\n");
	for (uint32_t s = 0; s < n->ntail; s++)
		if (put_step(p, s, t, e) < 0)
			return -1;
	operand_name(p, copy ? TAIL_IN : (uint16_t)n->ntail, &result);
	buf_puts(t, "\t\tv[i] = ");
	if (p->space.ragged) {
		space_coordinate(&p->space, 1, "i", t);
		buf_printf(t, " < %lldu ? %s : 0.0f;\n\t}\n", (long long)p->space.type.dim[1],
			   buf_str(&result));
	} else {
		buf_printf(t, "%s;\n\t}\n", buf_str(&result));
	}
	buf_release(&result);
	return 0;
}

static void put_out_at(const struct epilogue *p, const struct val *out, struct buf *t)
{
	struct form own;

	form_own(&own, &p->space, out);
	buf_puts(t, "INLINE unsigned out_at(unsigned off)\n{\n");
	if (form_is_dense(&own, &p->space)) {
		buf_puts(t, "\treturn off;\n}\n");
		return;
	}
	buf_printf(t, "\treturn off + off / %lluu * %lluu;\n}\n", (unsigned long long)val_item(out),
		   (unsigned long long)(out->pitch - val_item(out)));
}

int lower_epilogue(struct lower *l, int vec, struct err *e)
{
	const struct val *out = node_out(l->g, l->n, 0);
	struct epilogue p = {.l = l, .n = l->n, .vec = vec};
	struct buf *t = &l->text;
	int last;

	space_of(&p.space, &out->type, out->layout);
	last = p.space.n - 1;
	p.aligned = vec == 1 || (last >= 0 && p.space.size[last] % vec == 0);
	collect_operands(&p);
	lower_type(l, "y_t", out->type.dt);
	put_params(&p);
	buf_puts(t, "INLINE void epilogue(compute_t<y_t> (&v)[VEC], unsigned off EXTRA_PARAMS)\n{\n");
	if (p.aligned && uses_indices(&p))
		space_decode(&p.space, "off", t);
	put_wide_loads(&p, t);
	put_lane_loads(&p, t);
	if (put_steps(&p, t, e) < 0)
		return -1;
	buf_puts(t, "}\n\n");
	put_out_at(&p, out, t);
	return 0;
}
