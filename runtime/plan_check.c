/*
 * What each byte of the arena holds is followed from launch to launch. The
 * graph's inputs are there at first; a launch's writes put its tensor there,
 * whatever was there before is gone. A read must find the tensor that it
 * names, or one that is the same by construction: the source of a view, the
 * part of a concatenation that stands in its place. So a tensor whose bytes
 * somebody else used while it was needed is found at its next reader, and
 * what the plan says of lives is held against the reads that there are.
 *
 * Inside a launch blocks run in any order: what it writes lies over nothing
 * that it reads, except where the plan licenses it (same place, same extent,
 * same size of elements) and the kernel's template reads that parameter at
 * the output's own index.
 */
#include "runtime/plan_check.h"

#include "base/buf.h"
#include "runtime/elem.h"

#include <string.h>

#define NOTHING	  (-1)
#define SCRATCH	  (-2)
#define DEPTH_MAX 64 /* views of parts of concatenations of views ... */

/* First pointer parameter of a template that may lie under its output; others read neighbours. */
static const struct licence {
	const char *entry;
	uint32_t first;
} licences[] = {
	{"conv", 2},	{"depthwise", 2}, {"conv_direct", 2},	{"conv_transpose", 2},
	{"gemm", 3},	{"gemv", 2},	  {"matmul_direct", 3}, {"pool", 2},
	{"reduce", 2},	{"resize", 3},	  {"lrn", 2},		{"attention", 4},
	{"softmax", 1}, {"map", 1},	  {"cumsum", 1},	{"scatter", 0},
};

struct run { /* bytes [low, high) of the arena, and whose they are */
	uint64_t low, high;
	int32_t holds;
	uint32_t since, last; /* steps: written, read for the last time so far */
};

struct check {
	const struct artifact *a;
	struct arena *tmp;
	struct run *run; /* by address, all of the arena */
	uint32_t nruns;
	bool **stands; /* per value: per part of a concatenation */
	uint32_t step;
	uint64_t *live; /* per step: bytes that are live, as differences from the step before */
	struct err *e;
};

/* ---- what the bytes hold ---- */

/* Index of the run with this byte. */
static uint32_t find(const struct check *c, uint64_t at)
{
	uint32_t low = 0, high = c->nruns;

	while (high - low > 1) {
		uint32_t mid = low + (high - low) / 2;

		if (c->run[mid].low <= at)
			low = mid;
		else
			high = mid;
	}
	return low;
}

/* Makes a run begin at this byte; returns its index. */
static uint32_t cut(struct check *c, uint64_t at)
{
	uint32_t i;

	if (at >= c->a->arena_bytes)
		return c->nruns;
	i = find(c, at);
	if (c->run[i].low == at)
		return i;
	c->run = GROW(c->tmp, c->run, c->nruns);
	memmove(&c->run[i + 1], &c->run[i], (c->nruns - i) * sizeof(*c->run));
	c->nruns++;
	c->run[i].high = c->run[i + 1].low = at;
	return i + 1;
}

/* Its bytes are written over, or the plan ends. What the writer itself reads was counted as its
 * own. */
static void count_live(struct check *c, const struct run *r)
{
	uint32_t end = r->last == c->step && c->step < c->a->nlaunches ? r->last : r->last + 1;

	if (r->holds == NOTHING || end <= r->since)
		return;
	c->live[r->since] += r->high - r->low;
	c->live[end] -= r->high - r->low;
}

static void hold(struct check *c, uint64_t low, uint64_t high, int32_t what)
{
	uint32_t from, to;

	if (low == high)
		return;
	from = cut(c, low);
	to = cut(c, high);
	for (uint32_t i = from; i < to; i++)
		count_live(c, &c->run[i]);
	c->run[from] = (struct run){low, high, what, c->step, c->step};
	memmove(&c->run[from + 1], &c->run[to], (c->nruns - to) * sizeof(*c->run));
	c->nruns -= to - from - 1;
}

/* ---- places ---- */

struct place { /* rows runs of width bytes, pitch apart */
	uint64_t offset, pitch, width, rows;
};

static struct place place_of(const struct artifact_value *v)
{
	return (struct place){v->offset, v->pitch, v->width, v->rows};
}

static struct place place_of_arg(const struct artifact_arg *arg)
{
	return (struct place){arg->offset, arg->pitch,
			      arg->rows ? arg->bytes - (arg->rows - 1) * arg->pitch : 0, arg->rows};
}

static uint64_t place_end(const struct place *p)
{
	return p->rows ? p->offset + (p->rows - 1) * p->pitch + p->width : p->offset;
}

/* Bytes [low, high) are bytes of the place. */
static bool covers(const struct place *p, uint64_t low, uint64_t high)
{
	uint64_t row;

	if (low == high)
		return true;
	if (low < p->offset || high > place_end(p))
		return false;
	row = p->rows > 1 ? (low - p->offset) % p->pitch : low - p->offset;
	return row + (high - low) <= p->width;
}

static bool covers_all(const struct place *p, const struct place *q)
{
	for (uint64_t r = 0; r < q->rows; r++) {
		uint64_t low = q->offset + r * q->pitch;

		if (!covers(p, low, low + q->width))
			return false;
	}
	return true;
}

static bool same_place(const struct place *p, const struct place *q)
{
	return p->offset == q->offset && p->width == q->width && p->rows == q->rows &&
	       (p->rows < 2 || p->pitch == q->pitch);
}

static bool touch(const struct place *p, const struct place *q)
{
	if (!p->width || !q->width || place_end(p) <= q->offset || place_end(q) <= p->offset)
		return false;
	for (uint64_t r = 0, k = 0; r < p->rows && k < q->rows;) {
		uint64_t a = p->offset + r * p->pitch, b = q->offset + k * q->pitch;

		if (a < b + q->width && b < a + p->width)
			return true;
		if (a < b)
			r++;
		else
			k++;
	}
	return false;
}

/* ---- the same by construction ---- */

/* Bytes from one batch item to the next. */
static uint64_t item_pitch(const struct artifact_value *v)
{
	return v->rows > 1		? v->pitch
	       : v->rank && v->shape[0] ? v->width / (uint64_t)v->shape[0]
					: 0;
}

/*
 * Bytes from the start of concatenation v to its part with `before` elements of the axis in front
 * of it; false where such a part is not one run of bytes per batch item.
 */
static bool part_at(const struct artifact_value *v, uint64_t before, uint64_t *at)
{
	uint64_t run = elem_find(v->dtype)->size;

	if (!v->axis) {
		*at = before * item_pitch(v);
		return true;
	}
	if (v->blocked && (v->axis != 1 || before % ARTIFACT_BLOCK))
		return false;
	for (uint32_t i = 1; i < v->rank; i++)
		if (i > v->axis)
			run *= (uint64_t)v->shape[i];
		else if (i < v->axis && v->shape[i] != 1)
			return false;
	*at = before * run;
	return true;
}

/* It may be a part of v: in type and layout, and in all axes but one. */
static bool fits(const struct artifact_value *part, const struct artifact_value *v, bool last)
{
	if (part->rank != v->rank || v->axis >= v->rank || part->blocked != v->blocked ||
	    elem_find(part->dtype) != elem_find(v->dtype))
		return false;
	for (uint32_t i = 0; i < v->rank; i++)
		if (i != v->axis && part->shape[i] != v->shape[i])
			return false;
	return !v->blocked || v->axis != 1 || last || part->shape[1] % ARTIFACT_BLOCK == 0;
}

/* Which inputs of concatenation v stand where shapes and layout put them. */
static bool *find_standing(const struct check *c, const struct artifact_value *v)
{
	bool *stands = NEW(c->tmp, v->nparts, bool);
	uint64_t before = 0, at;

	for (uint32_t k = 0; k < v->nparts; k++) {
		const struct artifact_value *part;

		if (v->parts[k] < 0) {
			before += (uint64_t)(-1 - (int64_t)v->parts[k]);
			continue;
		}
		part = &c->a->values[v->parts[k]];
		stands[k] = fits(part, v, k + 1 == v->nparts) && part_at(v, before, &at) &&
			    part->offset == v->offset + at &&
			    (part->shape[0] < 2 || item_pitch(part) == item_pitch(v));
		before += v->axis < part->rank ? (uint64_t)part->shape[v->axis] : 0;
	}
	return stands;
}

/* The part of concatenation v that stands at this byte, NOTHING: none; *end: where its run ends. */
static int32_t standing_at(const struct check *c, int32_t v, uint64_t at, uint64_t *end)
{
	const struct artifact_value *x = &c->a->values[v];

	*end = at + 1;
	for (uint32_t k = 0; k < x->nparts; k++) {
		struct place p;

		if (!c->stands[v][k])
			continue;
		p = place_of(&c->a->values[x->parts[k]]);
		if (!covers(&p, at, at + 1))
			continue;
		*end = at + p.width - (p.rows > 1 ? (at - p.offset) % p.pitch : at - p.offset);
		return x->parts[k];
	}
	return NOTHING;
}

/* Bytes [low, high), which hold tensor `what`, are those of tensor v there. */
static bool is_same(const struct check *c, int32_t v, int32_t what, uint64_t low, uint64_t high,
		    int depth)
{
	const struct artifact_value *x = &c->a->values[v];

	if (v == what)
		return true;
	if (depth == DEPTH_MAX)
		return false;
	if (x->view_of >= 0) {
		const struct artifact_value *s = &c->a->values[x->view_of];

		return x->offset == s->offset + x->view_at &&
		       is_same(c, x->view_of, what, low, high, depth + 1);
	}
	for (uint64_t end; x->nparts && low < high; low = end) {
		int32_t part = standing_at(c, v, low, &end);

		end = MIN(end, high);
		if (part < 0 || !is_same(c, part, what, low, end, depth + 1))
			return false;
	}
	return low == high;
}

/* ---- messages ---- */

static const char *name(const struct check *c, int32_t v)
{
	if (v < 0)
		return v == SCRATCH ? "scratch memory" : "nothing that was written";
	return c->a->values[v].name;
}

static int blame(const struct check *c, const char *why, int32_t v, uint64_t low, int32_t what)
{
	const struct artifact *a = c->a;

	fail(c->e, E_PLAN_CHECK,
	     "the plan is wrong: tensor \"%s\": %s, at byte %llu of the arena: \"%s\"", name(c, v),
	     why, (unsigned long long)low, name(c, what));
	if (c->step < a->nlaunches)
		err_node(c->e, a->launches[c->step].node, a->launches[c->step].op);
	return err_hint(c->e, "step %u of %u", c->step, a->nlaunches);
}

/* ---- a launch ---- */

static const char *entry_of(const struct check *c)
{
	return c->a->kernels[c->a->launches[c->step].kernel].entry;
}

/* Argument `out` may lie over tensor v: the plan says so, and the template. v is argument k, or
 * none. */
static bool licensed(const struct check *c, uint32_t out, int32_t v, uint32_t k)
{
	const struct artifact_launch *l = &c->a->launches[c->step];
	bool said = false;

	for (uint32_t i = 0; i < l->nover; i++)
		said = said || (l->over[i].arg == out && l->over[i].value == (uint32_t)v);
	for (size_t i = 0; said && i < COUNT_OF(licences); i++)
		if (!strcmp(licences[i].entry, entry_of(c)))
			return k >= licences[i].first;
	return false;
}

static uint64_t element(const struct artifact_value *v)
{
	return elem_find(v->dtype)->size;
}

static bool may_lie_over(const struct check *c, uint32_t out, int32_t over, uint32_t k)
{
	const struct artifact_launch *l = &c->a->launches[c->step];
	const struct artifact_value *y = &c->a->values[l->args[out].value];
	const struct artifact_value *x = &c->a->values[over];
	struct place py = place_of(y), px = place_of(x);

	return same_place(&py, &px) && element(x) == element(y) && x->blocked == y->blocked &&
	       x->rank == y->rank && !memcmp(x->shape, y->shape, x->rank * sizeof(x->shape[0])) &&
	       licensed(c, out, over, k);
}

/* Every byte of a region that is read. out: the argument that reads and writes, or none. */
static int check_bytes(struct check *c, const struct place *p, int32_t v, int32_t over)
{
	for (uint64_t r = 0; r < p->rows && p->width; r++) {
		uint64_t low = p->offset + r * p->pitch, high = low + p->width;

		for (uint32_t i = find(c, low); i < c->nruns && c->run[i].low < high; i++) {
			uint64_t from = MAX(low, c->run[i].low), to = MIN(high, c->run[i].high);
			int32_t what = c->run[i].holds;

			if (v < 0 ? what == SCRATCH
				  : what >= 0 &&
					    (is_same(c, v, what, from, to, 0) ||
					     (over >= 0 && is_same(c, over, what, from, to, 0)))) {
				c->run[i].last = c->step;
				continue;
			}
			return blame(c,
				     what == NOTHING ? "it was not written"
						     : "it is not there any more",
				     v, from, what);
		}
	}
	return 0;
}

/* The tensor that argument k, which reads what it writes, lies over by licence; NOTHING: none. */
static int32_t over_of(const struct check *c, uint32_t k)
{
	const struct artifact_launch *l = &c->a->launches[c->step];

	for (uint32_t i = 0; i < l->nover; i++)
		if (l->over[i].arg == k && may_lie_over(c, k, (int32_t)l->over[i].value, 0))
			return (int32_t)l->over[i].value;
	return NOTHING;
}

static int check_life(const struct check *c, int32_t v)
{
	const struct artifact_value *x = &c->a->values[v];

	if (x->first <= c->step && c->step <= x->last)
		return 0;
	return blame(c, "it is used when it is not live", v, x->offset, v);
}

static int check_arg(struct check *c, uint32_t k)
{
	const struct artifact_arg *arg = &c->a->launches[c->step].args[k];
	struct place p = place_of_arg(arg), whole;

	if (arg->space != ARG_ARENA)
		return 0;
	if (arg->value >= 0) {
		whole = place_of(&c->a->values[arg->value]);
		if (!covers_all(&whole, &p))
			return blame(c, "a kernel may touch bytes beside it", arg->value, p.offset,
				     arg->value);
		if (check_life(c, arg->value) < 0)
			return -1;
	}
	return arg->access & 1
		       ? check_bytes(c, &p, arg->value, arg->access & 2 ? over_of(c, k) : NOTHING)
		       : 0;
}

/* What argument `out` writes is touched by no other argument, but by licence. */
static int check_apart(const struct check *c, uint32_t out)
{
	const struct artifact_launch *l = &c->a->launches[c->step];
	struct place p = place_of_arg(&l->args[out]);

	for (uint32_t k = 0; k < l->nargs; k++) {
		const struct artifact_arg *arg = &l->args[k];
		struct place q = place_of_arg(arg);

		if (k == out || arg->space != ARG_ARENA || !touch(&p, &q))
			continue;
		if (arg->access == 1 && arg->value >= 0 && l->args[out].value >= 0 &&
		    may_lie_over(c, out, arg->value, k))
			continue;
		return blame(c, "it is written over what the same launch uses", l->args[out].value,
			     MAX(p.offset, q.offset), arg->value);
	}
	return 0;
}

static int check_launch(struct check *c)
{
	const struct artifact_launch *l = &c->a->launches[c->step];

	for (uint32_t k = 0; k < l->nargs; k++)
		if (check_arg(c, k) < 0)
			return -1;
	for (uint32_t k = 0; k < l->nargs; k++)
		if (l->args[k].space == ARG_ARENA && l->args[k].access & 2 && check_apart(c, k) < 0)
			return -1;
	for (uint32_t k = 0; k < l->nargs; k++) {
		struct place p = place_of_arg(&l->args[k]);

		if (l->args[k].space != ARG_ARENA || !(l->args[k].access & 2))
			continue;
		for (uint64_t r = 0; r < p.rows; r++)
			hold(c, p.offset + r * p.pitch, p.offset + r * p.pitch + p.width,
			     l->args[k].value < 0 ? SCRATCH : l->args[k].value);
	}
	return 0;
}

/* ---- the ends ---- */

/* The tensor that is the graph's input or output of this name. */
static int32_t find_end(const struct check *c, const struct artifact_tensor *t,
			enum artifact_role role)
{
	for (uint32_t i = 0; i < c->a->nvalues; i++) {
		const struct artifact_value *v = &c->a->values[i];

		if (v->role == role && v->offset == t->offset && v->rows == 1 &&
		    v->width == t->bytes && !strcmp(v->name, t->name))
			return (int32_t)i;
	}
	return NOTHING;
}

static int begin(struct check *c)
{
	for (uint32_t i = 0; i < c->a->ninputs; i++) {
		const struct artifact_tensor *t = &c->a->inputs[i];
		int32_t v = find_end(c, t, VALUE_INPUT);

		if (v < 0)
			return fail(c->e, E_PLAN_CHECK,
				    "the plan is wrong: it has no place for input \"%s\"", t->name);
		for (uint64_t at = t->offset; at < t->offset + t->bytes;
		     at = c->run[find(c, at)].high)
			if (c->run[find(c, at)].holds != NOTHING)
				return blame(c, "another input is there", v, at,
					     c->run[find(c, at)].holds);
		hold(c, t->offset, t->offset + t->bytes, v);
	}
	return 0;
}

static int end(struct check *c)
{
	for (uint32_t i = 0; i < c->a->noutputs; i++) {
		const struct artifact_tensor *t = &c->a->outputs[i];
		int32_t v = find_end(c, t, VALUE_OUTPUT);
		struct place p;

		if (v < 0)
			return fail(c->e, E_PLAN_CHECK,
				    "the plan is wrong: it has no place for output \"%s\"",
				    t->name);
		p = place_of(&c->a->values[v]);
		if (check_life(c, v) < 0 || check_bytes(c, &p, v, NOTHING) < 0)
			return -1;
	}
	return 0;
}

/* The most bytes that are live at one step. */
static uint64_t most_live(struct check *c)
{
	uint64_t live = 0, most = 0;

	for (uint32_t i = 0; i < c->nruns; i++)
		count_live(c, &c->run[i]);
	for (uint32_t s = 0; s <= c->a->nlaunches; s++) {
		live += c->live[s];
		most = MAX(most, live);
	}
	return most;
}

int plan_check(const struct artifact *a, uint64_t *live, struct err *e)
{
	struct check c = {.a = a, .tmp = arena_open(0), .e = e};
	int ret;

	c.run = GROW(c.tmp, c.run, c.nruns);
	c.run[c.nruns++] = (struct run){0, MAX(a->arena_bytes, 1), NOTHING, 0, 0};
	c.live = NEW(c.tmp, a->nlaunches + 2, uint64_t);
	c.stands = NEW(c.tmp, a->nvalues, bool *);
	for (uint32_t i = 0; i < a->nvalues; i++)
		c.stands[i] = find_standing(&c, &a->values[i]);
	ret = begin(&c);
	for (; ret == 0 && c.step < a->nlaunches; c.step++)
		ret = check_launch(&c);
	if (ret == 0)
		ret = end(&c);
	if (ret == 0 && a->arena_lower_bound_bytes > a->arena_bytes)
		ret = fail(
			e, E_PLAN_CHECK,
			"the plan is wrong: it takes %llu bytes, less than its lower bound of %llu",
			(unsigned long long)a->arena_bytes,
			(unsigned long long)a->arena_lower_bound_bytes);
	*live = ret == 0 ? most_live(&c) : 0;
	arena_close(c.tmp);
	return ret;
}
