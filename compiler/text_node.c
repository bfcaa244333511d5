/*
 * A node's line of the text IR. What infer had left in the attribute struct
 * is made again by running the operator's parse and infer, so that any pass
 * can start from its predecessor's dump.
 */
#include "compiler/ops/op.h"
#include "compiler/text.h"

#include <string.h>

#define LIST_MAX ((uint32_t)16384) /* steps of a tail */

static int read_access(struct reader *r, const struct type *t, struct access **out)
{
	struct access *a = NEW(r->g->arena, 1, struct access);

	if (t->dt == DT_NONE || t->rank > RANK_MAX)
		return expected(r, "a value of known type before this");
	if (expect(r, "(") < 0)
		return -1;
	for (int i = 0; i < t->rank; i++) {
		uint64_t axis = 0;

		if (i && expect(r, ",") < 0)
			return -1;
		if (accept(r, "-"))
			a->axis[i] = -1;
		else if (read_uint(r, RANK_MAX - 1, &axis) < 0)
			return -1;
		else
			a->axis[i] = (int8_t)axis;
		if (expect(r, ":") < 0 || read_int(r, &a->start[i]) < 0)
			return -1;
		if (a->axis[i] >= 0 && (expect(r, ":") < 0 || read_int(r, &a->step[i]) < 0))
			return -1;
	}
	*out = a;
	return expect(r, ")");
}

enum part { OWN, HEAD, TAIL, PARTS };

struct operands {
	struct ids ids;
	uint32_t count[PARTS];
	struct access **access; /* NULL where no input has one */
};

/* "< %x": an operand of the head is next, not its steps. */
static bool accept_head_mark(struct reader *r)
{
	const char *p = r->p;

	skip_blanks(r);
	if (*r->p == '<' && r->p[1 + strspn(r->p + 1, " ")] == '%')
		return accept(r, "<");
	r->p = p;
	return false;
}

static bool next_part(struct reader *r, enum part *part)
{
	if (*part < HEAD && accept_head_mark(r))
		*part = HEAD;
	else if (*part < TAIL && accept(r, ";"))
		*part = TAIL;
	else
		return false;
	return true;
}

static int read_operands(struct reader *r, struct operands *o)
{
	struct access **access = NULL;
	enum part part = OWN;
	bool any = false;

	for (;;) {
		val_id id;

		if (next_part(r, &part))
			continue;
		skip_blanks(r);
		if (*r->p != '%' && *r->p != '_')
			break;
		access = GROW(r->g->arena, access, o->ids.n);
		access[o->ids.n] = NULL;
		if (read_ref(r, &id) < 0)
			return -1;
		if (accept(r, "@") && read_access(r, &r->g->val[id].type, &access[o->ids.n]) < 0)
			return -1;
		any = any || access[o->ids.n];
		ids_add(r, &o->ids, id);
		o->count[part]++;
	}
	o->access = any ? access : NULL;
	return 0;
}

/* Internal operators are found under any opset. */
static const struct op *find_op(const char *name, int opset)
{
	const struct op *op = op_find(name, opset);

	for (uint32_t i = 0; !op && *name == '.' && op_at(i); i++)
		if (!strcmp(op_at(i)->name, name))
			op = op_at(i);
	return op;
}

/* ---- steps of a head (letter h) or a tail (t) ---- */

static int read_step_arg(struct reader *r, const struct node *n, char letter, uint32_t step,
			 uint16_t *arg)
{
	const char name[] = {letter, 0};

	uint64_t u;

	if (accept(r, "$")) {
		if (read_uint(r, MIN(n->nin, TAIL_IN), &u) < 0)
			return -1;
		*arg = (uint16_t)(TAIL_IN | u);
		return u < n->nin ? 0 : expected(r, "an input that the node has before this");
	}
	if (expect(r, name) < 0 || read_uint(r, step, &u) < 0)
		return -1;
	*arg = (uint16_t)u;
	return 0;
}

static int no_operator(struct reader *r, const char *name, int version)
{
	return fail(r->e, E_USAGE, "line %d: there is no operator %.40s in opset %d", r->line, name,
		    version);
}

/* The step's attribute struct, read by its operator from a node that stands for the step. */
static int check_step(struct reader *r, const struct node *n, struct tail_step *s)
{
	struct node stand = {.op = s->op,
			     .name = n->name,
			     .version = s->version,
			     .nattrs = s->nattrs,
			     .attrs = (struct attr *)s->attrs};

	if (s->nargs < s->op->min_in || s->nargs > s->op->max_in || !s->op->expr)
		return expected(r, "an elementwise operator with all its operands before this");
	stand.attr = arena_alloc(r->g->arena, s->op->attr_size);
	s->attr = stand.attr;
	return s->op->parse ? s->op->parse(r->g, &stand, r->e) : 0;
}

/* "t2:i64 =" */
static int read_step_name(struct reader *r, char letter, uint32_t step, enum dtype *dt)
{
	const char *name, first[] = {letter, 0};
	uint64_t u;

	if (expect(r, first) < 0 || read_uint(r, LIST_MAX, &u) < 0)
		return -1;
	if (u != step + 1)
		return expected(r, "steps numbered 1, 2, ... before this");
	*dt = F32;
	if (accept(r, ":") && (!(name = read_word(r)) || !(*dt = dtype_parse(name))))
		return expected(r, "a data type");
	return expect(r, "=");
}

static int read_step(struct reader *r, const struct node *n, char letter, uint32_t step,
		     struct tail_step *s)
{
	const char *name;
	struct attr *attrs;

	if (read_step_name(r, letter, step, &s->dt) < 0)
		return -1;
	name = read_word(r);
	if (!name)
		return expected(r, "an operator");
	for (skip_blanks(r); *r->p == letter || *r->p == '$'; skip_blanks(r)) {
		if (s->nargs == TAIL_ARGS)
			return expected(r, "at most 4 operands");
		if (read_step_arg(r, n, letter, step, &s->arg[s->nargs++]) < 0)
			return -1;
	}
	s->version = n->version;
	if (read_attrs(r, &attrs, &s->nattrs) < 0 ||
	    (accept(r, "version=") && read_version(r, &s->version) < 0))
		return -1;
	s->attrs = attrs;
	s->op = find_op(name, s->version);
	return s->op ? check_step(r, n, s) : no_operator(r, name, s->version);
}

static int read_steps(struct reader *r, const struct node *n, char letter, struct tail_step **step,
		      uint32_t *count)
{
	if (!accept(r, letter == 'h' ? "<" : "|"))
		return 0;
	do {
		if (*count == LIST_MAX)
			return expected(r, "fewer steps");
		*step = GROW(r->g->arena, *step, *count);
		(*step)[*count] = (struct tail_step){0};
		if (read_step(r, n, letter, *count, &(*step)[*count]) < 0)
			return -1;
		++*count;
	} while (accept(r, ";"));
	return 0;
}

static int read_results(struct reader *r, const struct ids *outs)
{
	if (!accept(r, ":"))
		return 0;
	for (uint32_t k = 0; k < outs->n; k++) {
		struct type t;

		if (k && expect(r, ",") < 0)
			return -1;
		skip_blanks(r);
		if (*r->p == '?' && r->p[1] != '[') {
			r->p++;
			continue;
		}
		if (read_type(r, &t, NULL) < 0)
			return -1;
		if (!outs->id[k] || t.dt == DT_NONE || t.rank == RANK_UNKNOWN)
			return expected(r, "'?' for this result, or a whole type");
		r->g->val[outs->id[k]].type = t;
		if (read_storage(r, &r->g->val[outs->id[k]]) < 0)
			return -1;
	}
	return 0;
}

static bool is_sized(const struct val *v)
{
	if (!v)
		return true; /* omitted */
	if (v->type.dt == DT_NONE || v->type.rank > RANK_MAX)
		return false;
	for (int i = 0; i < v->type.rank; i++)
		if (v->type.dim[i] < 0)
			return false;
	return true;
}

/* A typed node has been through infer: make again what infer leaves in the attribute struct. */
static int infer_again(struct reader *r, uint32_t index, struct ids *outs)
{
	struct graph *g = r->g;
	struct node *n = &g->node[index];
	struct type *stated = NEW(g->arena, outs->n, struct type);
	bool typed = n->op->infer && outs->n;

	for (uint32_t k = 0; k < n->nin; k++)
		typed = typed && is_sized(node_in(g, n, k));
	for (uint32_t k = 0; k < outs->n; k++) {
		typed = typed && is_sized(node_out(g, n, k));
		stated[k] = g->val[outs->id[k]].type;
	}
	if (!typed)
		return 0;
	if (n->op->infer(g, n, r->e) < 0)
		return -1;
	n = &g->node[index];
	for (uint32_t k = 0; k < outs->n; k++) {
		struct type *t = &g->val[outs->id[k]].type;

		if (outs->id[k] && !n->ntail && !type_equal(t, &stated[k]))
			return fail(r->e, E_USAGE, "line %d: %s is stated, but %s gives %s",
				    r->line, type_text(g->arena, &stated[k]), n->op->name,
				    type_text(g->arena, t));
		*t = stated[k];
	}
	return 0;
}

/* Everything up to the tail, into a node that is not in the graph yet. */
static int read_operation(struct reader *r, struct node *n)
{
	struct operands in = {0};

	n->name = "";
	n->version = r->g->opset;
	if (read_operands(r, &in) < 0 || read_attrs(r, &n->attrs, &n->nattrs) < 0 ||
	    (accept(r, "node=") && read_quoted(r, &n->name) < 0) ||
	    (accept(r, "version=") && read_version(r, &n->version) < 0) ||
	    (accept(r, "scratch=") && read_slot(r, &n->scratch) < 0))
		return -1;
	n->nin = in.ids.n;
	n->in = in.ids.id;
	n->nmain = in.count[OWN];
	n->nhead_in = in.count[HEAD];
	n->access = in.access;
	return 0;
}

int read_node(struct reader *r, struct ids *outs, const char *op_name)
{
	struct graph *g = r->g;
	struct node read = {0}, *n;
	uint32_t index = g->nnode;

	if (read_operation(r, &read) < 0)
		return -1;
	read.op = find_op(op_name, read.version);
	if (!read.op)
		return no_operator(r, op_name, read.version);
	n = node_add(g, read.op, read.name, 0, outs->n);
	read.name = n->name;
	read.nout = n->nout;
	read.out = n->out;
	read.attr = n->attr;
	*n = read;
	for (uint32_t k = 0; k < outs->n; k++)
		node_set_out(g, n, k, outs->id[k]);
	if (read_steps(r, n, 'h', &n->head, &n->nhead) < 0 ||
	    read_steps(r, n, 't', &n->tail, &n->ntail) < 0 || read_results(r, outs) < 0)
		return -1;
	if (node_check(g, &g->node[index], r->e) < 0 || infer_again(r, index, outs) < 0)
		return err_hint(r->e, "line %d of the text", r->line);
	return 0;
}
