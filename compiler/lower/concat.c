/*
 * Concat: a copy of each input that is not already written in place (alias
 * puts the others into the output). Blocked parts that begin and end at a
 * block are copied as they lie; the rest element by element.
 */
#include "compiler/lower/conv.h"

#define THREADS 128

struct part {
	const struct node *n;
	const struct val *x, *y;
	int axis;
	int64_t before; /* elements of the axis in front of it */
	bool last;
};

/* Lies in the output: nothing to copy. */
static bool is_into(const struct part *p, const struct form *place)
{
	return p->x->slot && !place->lanes && p->x->slot == p->y->slot &&
	       p->x->off == p->y->off + (uint64_t)place->base * dtype_size(p->y->type.dt);
}

/* Where the part begins in the output and how its elements lie there. */
static void part_form(const struct part *p, const struct space *s, struct form *f)
{
	struct access at = {.axis = {0}};

	for (int k = 0; k < s->type.rank; k++) {
		at.axis[k] = (int8_t)k;
		at.step[k] = 1;
	}
	at.start[p->axis] = p->before;
	form_of(f, s, p->y, &at);
}

static bool by_blocks(const struct part *p)
{
	if (p->x->layout != BLOCKED || p->y->layout != BLOCKED)
		return false;
	return p->axis != 1 ||
	       (p->before % BLOCK == 0 && (p->x->type.dim[1] % BLOCK == 0 || p->last));
}

/* The part is one run of bytes per batch item. */
static bool is_run(const struct part *p)
{
	if (p->y->layout == BLOCKED && p->axis != 1)
		return false;
	for (int k = 1; k < p->axis; k++)
		if (p->y->type.dim[k] != 1)
			return false;
	return p->axis > 0;
}

/* The bytes of the output that the part covers, as one region where that is possible. */
static void add_region(struct lower *l, const struct part *p, const struct form *f)
{
	const struct type *t = &p->y->type;
	bool plain = p->y->layout == PLAIN;
	uint64_t size = dtype_size(t->dt), inner = size, outer = 1;
	struct region r = {.offset = (uint64_t)f->base * size,
			   .pitch = (uint64_t)p->y->pitch * size,
			   .rows = (uint64_t)p->x->type.dim[0]};

	for (int k = 0; k < t->rank; k++)
		if (k < p->axis)
			outer *= (uint64_t)t->dim[k];
		else if (k > p->axis)
			inner *= (uint64_t)t->dim[k];
	if (p->axis == 0) {
		r.width = (uint64_t)val_item(p->y) * size;
	} else if (is_run(p) && (plain || by_blocks(p))) {
		r.width = plain ? inner * (uint64_t)p->x->type.dim[p->axis]
				: (uint64_t)val_item(p->x) * size;
	} else if (plain && p->y->pitch == val_item(p->y)) {
		r.pitch = inner * (uint64_t)t->dim[p->axis];
		r.width = inner * (uint64_t)p->x->type.dim[p->axis];
		r.rows = outer;
	} else if (p->y->layout == BLOCKED && p->axis == 1) {
		int64_t block = val_item(p->y) / div_up(t->dim[1], BLOCK);
		int64_t first = p->before / BLOCK;

		r.offset = (uint64_t)(first * block) * size;
		r.width =
			(uint64_t)((div_up(p->before + p->x->type.dim[1], BLOCK) - first) * block) *
			size;
	} else {
		lower_value(l, p->n->out[0], 2);
		return;
	}
	lower_region(l, p->n->out[0], 2, &r);
}

/* The place from where the region begins. */
static void move_to_region(const struct lower *l, const struct part *p, struct form *out)
{
	int64_t by = (int64_t)(l->launch.arg[0].offset / dtype_size(p->y->type.dt));

	if (out->lanes)
		out->start -= by / out->plane * BLOCK;
	else
		out->base -= by;
}

/* Zero instead of a load beyond the input's own channels. */
static void put_real(struct lower *l, const struct part *p, const struct space *s)
{
	buf_puts(&l->text, "INLINE bool in_real(unsigned off)\n{\n");
	if (s->blocked || s->type.rank < 2 || s->type.dim[1] == p->x->type.dim[1]) {
		buf_puts(&l->text, "\treturn true;\n}\n");
		return;
	}
	space_decode(s, "off", &l->text);
	buf_puts(&l->text, "\treturn ");
	space_coordinate(s, 1, "", &l->text);
	buf_printf(&l->text, " < %lldu;\n}\n", (long long)p->x->type.dim[1]);
}

static int copy_part(struct graph *g, struct node *n, const struct part *p, uint32_t k,
		     struct err *e)
{
	struct type t = p->x->type;
	struct space s;
	struct form in, out;
	struct lower l;
	bool blocks = by_blocks(p);
	int64_t count;
	int vec;

	if (!blocks && p->y->layout == BLOCKED && (p->last || p->axis != 1))
		t.dim[1] += -p->y->type.dim[1] & (BLOCK - 1); /* zeros in the lanes behind */
	space_of(&s, &t, blocks ? BLOCKED : PLAIN);
	form_of(&in, &s, p->x, NULL);
	part_form(p, &s, &out);
	if (!type_count(&t) || is_into(p, &out))
		return 0;
	count = space_count(&s);
	vec = form_is_wide(&in, &s, p->x->off) && form_is_wide(&out, &s, p->y->off) ? 4 : 1;
	lower_begin(&l, g, n, "copy");
	add_region(&l, p, &out);
	move_to_region(&l, p, &out);
	lower_operand(&l, n->in[k]);
	lower_define(&l, "COUNT", count);
	lower_define(&l, "THREADS", THREADS);
	lower_type(&l, "y_t", lower_move_type(t.dt));
	buf_printf(&l.text, "#define VEC %d\n#define EXTRA_PARAMS\n", vec);
	form_function(&in, &s, "in_at", &l.text);
	form_function(&out, &s, "out_at", &l.text);
	put_real(&l, p, &s);
	return lower_end(&l, div_up(count / vec, THREADS), 1, 1, THREADS, e);
}

int lower_concat(struct graph *g, struct node *n, struct err *e)
{
	const struct axis_attr *a = n->attr;
	struct part p = {.n = n, .axis = a->axis};

	for (uint32_t k = 0; k < n->nmain; k++) {
		p.x = node_in(g, n, k);
		p.y = node_out(g, n, 0);
		p.last = k + 1 == n->nmain;
		if (copy_part(g, n, &p, k, e) < 0)
			return -1;
		p.before += p.x->type.dim[a->axis];
	}
	return 0;
}
