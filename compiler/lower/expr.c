/*
 * The generated part of a kernel: a node's tail as the CUDA function
 * epilogue(v, off), which loads every extra operand at the address that
 * belongs to storage offset `off` of output 0, applies the steps and leaves
 * the results in v; and out_at(off), the place where they are stored.
 * Only integers and hex floats come from the model.
 *
 * A step computes in the type of its operands and ends in its result's: short
 * floats are rounded, so that fused and unfused operators agree bit for bit.
 */
#include "compiler/lower/lower.h"

#include "compiler/ops/util.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct operand {
	enum { LITERAL, UNIFORM, WIDE, LANES } how;
	struct form form;
	enum dtype dt;
	const void *data; /* constant, packed: aliases nothing */
	unsigned arg;	  /* number of its pointer parameter */
	uint16_t in;	  /* node input */
};

struct epilogue {
	struct lower *l;
	const struct node *n;
	uint32_t first, last; /* the steps of the function under construction: [first, last) */
	struct space space;
	enum dtype dt; /* output 0's, as it is stored */
	int vec;
	bool aligned; /* the vec elements differ in the last storage index only */
	struct operand *op;
	uint32_t nop, nargs;
};

/* What is computed with. */
static const char *c_type(enum dtype dt)
{
	return dt == F32 || dt == F16 || dt == BF16 ? "float" : dtype_name(dt);
}

static bool is_short_float(enum dtype dt)
{
	return dt == F16 || dt == BF16;
}

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
	int64_t count = (int64_t)(val_bytes(out) / dtype_size(out->type.dt)), item = val_item(out);

	if (out->layout == BLOCKED)
		return 4;
	if (count % 4 || out->off % 16)
		return 1;
	return out->pitch == item || out->type.rank == 0 || (item % 4 == 0 && out->pitch % 4 == 0)
		       ? 4
		       : 1;
}

/* Element 0 of data as C text of its exact value. */
static void literal_text(struct buf *out, enum dtype dt, const void *data)
{
	double v = get_float(data, dt, 0);
	uint64_t bits;

	memcpy(&bits, &v, 8);
	if (!dtype_is_float(dt))
		buf_printf(out, "(%s)0x%llxull", dtype_name(dt),
			   (unsigned long long)get_int(data, dt, 0));
	else if (dt != F64)
		float_text(out, (float)v);
	else if (isfinite(v))
		buf_printf(out, "%a", v);
	else
		buf_printf(out, "__longlong_as_double(0x%llxll)", (unsigned long long)bits);
}

/* ---- operands ---- */

/* May lanes be loaded at once? */
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
bool is_round(double f)
{
	return !isfinite(f) || (fabs(f) <= 4096 && f * 256 == rint(f * 256));
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
	*o = (struct operand){.in = in, .dt = v->type.dt};
	if (val_is_const(v)) {
		o->data = form_pack(&o->form, &p->space, v, a, g->arena, &count);
		if (count == 1 && is_round(get_float(o->data, o->dt, 0))) {
			o->how = LITERAL;
			return;
		}
		lower_weight(p->l, o->data, (uint64_t)count * dtype_size(o->dt));
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

/* A .Map without steps. */
static bool is_copy(const struct node *n)
{
	return n->ntail == 0 && n->nmain == 0;
}

static void collect_operands(struct epilogue *p)
{
	const struct node *n = p->n;

	p->op = NEW(p->l->g->arena, n->nin, struct operand);
	if (is_copy(n)) {
		add_operand(p, 0);
		p->dt = p->op[0].dt = lower_move_type(p->dt);
	}
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
			buf_printf(t, ", const %s *%se%u", dtype_name(p->op[i].dt),
				   p->op[i].data ? "__restrict__ " : "", p->op[i].arg);
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
	buf_printf(t, "get(e%u[", o->arg);
	put_address(p, o, lane, t);
	buf_puts(t, o->form.guard ? "]) : 0;\n" : "]);\n");
}

/* Does a step of this function read operand o? */
static bool is_read(const struct epilogue *p, const struct operand *o)
{
	for (uint32_t s = p->first; s < p->last; s++)
		for (int a = 0; a < p->n->tail[s].nargs; a++)
			if (p->n->tail[s].arg[a] == (TAIL_IN | o->in))
				return true;
	return is_copy(p->n);
}

static void put_wide_loads(const struct epilogue *p, struct buf *t)
{
	for (uint32_t i = 0; i < p->nop; i++) {
		const struct operand *o = &p->op[i];

		if (!is_read(p, o))
			continue;
		if (o->how == UNIFORM) {
			buf_printf(t, "\tconst %s x%u = get(e%u[", c_type(o->dt), o->arg, o->arg);
			put_address(p, o, "", t);
			buf_puts(t, "]);\n");
		} else if (o->how == WIDE) {
			buf_printf(t, "\t%s x%u[VEC];\n\tload(x%u, e%u + (", c_type(o->dt), o->arg,
				   o->arg, o->arg);
			if (form_is_dense(&o->form, &p->space))
				buf_puts(t, "off");
			else
				form_text(&o->form, &p->space, "", t);
			buf_puts(t, "));\n");
		} else if (o->how == LANES) {
			buf_printf(t, "\t%s x%u[VEC];\n", c_type(o->dt), o->arg);
		}
	}
}

static bool uses_indices(const struct epilogue *p)
{
	bool uses = p->space.ragged;

	for (uint32_t i = 0; i < p->nop; i++)
		uses = uses || (p->op[i].how != LITERAL && is_read(p, &p->op[i]) &&
				!form_is_dense(&p->op[i].form, &p->space));
	return uses;
}

static bool any_lanes(const struct epilogue *p)
{
	for (uint32_t i = 0; i < p->nop; i++)
		if (p->op[i].how == LANES && is_read(p, &p->op[i]))
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
		if (p->op[i].how == LANES && is_read(p, &p->op[i]))
			put_lane_load(p, &p->op[i], p->aligned ? "i" : "", t);
	buf_puts(t, "\t}\n");
}

/* What tail operand `arg` is called, and its type. */
static enum dtype put_operand(const struct epilogue *p, uint16_t arg, struct buf *out)
{
	const struct operand *o;

	if (arg == p->first) {
		buf_printf(out, is_short_float(p->dt) ? "stored<y_t>(v[i])" : "v[i]");
		return p->dt;
	}
	if (!(arg & TAIL_IN)) {
		buf_printf(out, "s%u", arg);
		return p->n->tail[arg - 1].dt;
	}
	o = &p->op[find_operand(p, arg & (uint16_t)~TAIL_IN)];
	if (o->how == LITERAL) {
		buf_puts(out, "(");
		literal_text(out, o->dt, o->data);
		buf_puts(out, ")");
	} else {
		buf_printf(out, o->how == UNIFORM ? "x%u" : "x%u[i]", o->arg);
	}
	return o->dt;
}

/* C converts between types but for floats that an integer does not hold. */
void step_text(const struct tail_step *step, uint32_t number, const struct expr_arg *arg,
	       struct buf *t)
{
	bool is_integer = DT_INTS & DT_BIT(step->dt);

	buf_printf(t, "\t\tconst %s s%u = ", c_type(step->dt), number);
	if (is_integer)
		buf_printf(t, "integer<%s>(", dtype_name(step->dt));
	else if (is_short_float(step->dt))
		buf_printf(t, "stored<%s>(", dtype_name(step->dt));
	step->op->expr(step->attr, arg, t);
	buf_puts(t, is_integer || is_short_float(step->dt) ? ");\n" : ";\n");
}

static void put_step(const struct epilogue *p, uint32_t s, struct buf *t)
{
	const struct tail_step *step = &p->n->tail[s];
	struct buf name[TAIL_ARGS] = {{0}};
	struct expr_arg arg[TAIL_ARGS] = {{"", DT_NONE}};

	for (int a = 0; a < step->nargs; a++) {
		arg[a].dt = put_operand(p, step->arg[a], &name[a]);
		arg[a].text = buf_str(&name[a]);
	}
	step_text(step, s + 1, arg, t);
	for (int a = 0; a < step->nargs; a++)
		buf_release(&name[a]);
}

static void put_steps(const struct epilogue *p, struct buf *t)
{
	struct buf result = BUF_INIT;

	if (p->first == p->last && !is_copy(p->n) && !p->space.ragged)
		return;
	buf_puts(t, "#pragma unroll\n\tfor (unsigned i = 0; i < VEC; i++) {\n");
	for (uint32_t s = p->first; s < p->last; s++)
		put_step(p, s, t);
	put_operand(p, is_copy(p->n) ? TAIL_IN : (uint16_t)p->last, &result);
	buf_puts(t, "\t\tv[i] = ");
	if (p->space.ragged) {
		space_coordinate(&p->space, 1, "i", t);
		buf_printf(t, " < %lldu ? %s : 0.0f;\n\t}\n", (long long)p->space.type.dim[1],
			   buf_str(&result));
	} else {
		buf_printf(t, "%s;\n\t}\n", buf_str(&result));
	}
	buf_release(&result);
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

/* "INLINE void NAME(v, off)": the steps [first, last). */
static void put_function(struct epilogue *p, const char *name, uint32_t first, uint32_t last,
			 struct buf *t)
{
	p->first = first;
	p->last = last;
	buf_printf(t, "INLINE void %s(compute_t<y_t> (&v)[VEC], unsigned off EXTRA_PARAMS)\n{\n",
		   name);
	if (p->aligned && uses_indices(p))
		space_decode(&p->space, "off", t);
	put_wide_loads(p, t);
	put_lane_loads(p, t);
	put_steps(p, t);
	buf_puts(t, "}\n\n");
}

/* Everything in front of the functions. */
static struct epilogue begin(struct lower *l, const struct type *t, enum layout layout, int vec)
{
	struct epilogue p = {.l = l, .n = l->n, .dt = t->dt, .vec = vec};
	int last;

	space_of(&p.space, t, layout);
	last = p.space.n - 1;
	p.aligned = vec == 1 || (last >= 0 && p.space.size[last] % vec == 0);
	collect_operands(&p);
	lower_type(l, "y_t", p.dt);
	put_params(&p);
	return p;
}

void lower_epilogue_split(struct lower *l, int vec, uint32_t before)
{
	const struct val *out = node_out(l->g, l->n, 0);
	struct epilogue p = begin(l, &out->type, out->layout, vec);
	struct buf *t = &l->text;

	if (before)
		put_function(&p, "before", 0, before, t);
	put_function(&p, "epilogue", before, l->n->ntail, t);
	put_out_at(&p, out, t);
}

void lower_epilogue(struct lower *l, int vec)
{
	lower_epilogue_split(l, vec, 0);
}

void lower_steps(struct lower *l, const struct type *t, int vec)
{
	struct epilogue p = begin(l, t, PLAIN, vec);

	put_function(&p, "epilogue", 0, l->n->ntail, &l->text);
}

void lower_out(struct lower *l, int vec)
{
	const struct val *out = node_out(l->g, l->n, 0);
	struct epilogue p = {.l = l, .n = l->n, .vec = vec};

	space_of(&p.space, &out->type, out->layout);
	lower_type(l, "y_t", out->type.dt);
	put_params(&p);
	put_out_at(&p, out, &l->text);
}
