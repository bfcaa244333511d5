/*
 * Liveness by bytes. A tensor is there when step s begins if an earlier step
 * made it, or if nobody makes it: a graph input, a view, a Concat whose parts
 * were written in place. Before a launch the shadow holds the bytes of what is
 * there and still wanted afterwards; after it, bytes that belong to nothing
 * that is there any more die.
 */
#include "emulator/plan.h"

#include "emulator/sched.h"
#include "runtime/artifact.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct plan {
	struct artifact *a;
	uint32_t step; /* the next launch, or the running one */
	uint64_t arena;
	struct shadow *shadow; /* of the arena; NULL: not seen yet */
};

int plan_open(const char *path, struct plan **out, struct err *e)
{
	struct artifact *a = NULL;

	if (artifact_open(path, &a, e) < 0)
		return -1;
	if (artifact_load_plan(a, e) < 0) {
		artifact_close(a);
		return -1;
	}
	*out = mem_alloc(sizeof(**out));
	(*out)->a = a;
	return 0;
}

void plan_close(struct plan *p)
{
	if (!p)
		return;
	artifact_close(p->a);
	mem_free(p);
}

void plan_restart(struct plan *p)
{
	p->step = 0;
	p->arena = 0;
	p->shadow = NULL;
}

/* ---- tensors by step ---- */

static uint64_t end_of(const struct artifact_value *v)
{
	return v->offset + (v->rows - 1) * v->pitch + v->width;
}

static bool is_in(const struct artifact_value *v, const struct artifact_value *of)
{
	return v->offset >= of->offset && end_of(v) <= end_of(of);
}

/* A view of what the step itself makes comes with it. */
static bool comes_with_step(const struct plan *p, const struct artifact_value *v, uint32_t step)
{
	for (uint32_t i = 0; i < p->a->nvalues; i++) {
		const struct artifact_value *m = &p->a->values[i];

		if (m->made && m->first <= step && step < m->first + m->made && is_in(v, m))
			return true;
	}
	return false;
}

/* Its bytes mean something when the step begins. */
static bool is_there(const struct plan *p, const struct artifact_value *v, uint32_t step)
{
	if (v->last < step || v->first > step)
		return false;
	return v->first < step || (!v->made && !comes_with_step(p, v, step));
}

static void hold(struct plan *p, const struct artifact_value *v)
{
	for (uint64_t r = 0; r < v->rows; r++)
		shadow_hold(p->shadow, p->arena + v->offset + r * v->pitch, v->width);
}

/* Holds the bytes that the running step must leave alone. */
static void hold_survivors(struct plan *p)
{
	uint32_t step = p->step;

	shadow_release(p->shadow);
	for (uint32_t i = 0; i < p->a->nvalues; i++) {
		const struct artifact_value *v = &p->a->values[i];

		if (is_there(p, v, step) && v->last > step && v->first + v->made <= step)
			hold(p, v);
	}
}

static void bury(struct plan *p, uint32_t next)
{
	shadow_release(p->shadow);
	for (uint32_t i = 0; i < p->a->nvalues; i++)
		if (is_there(p, &p->a->values[i], next))
			hold(p, &p->a->values[i]);
	shadow_bury(p->shadow);
}

/* A run begins with what was copied in. */
static void begin_run(struct plan *p)
{
	shadow_release(p->shadow);
	for (uint32_t i = 0; i < p->a->ninputs; i++)
		shadow_hold(p->shadow, p->arena + p->a->inputs[i].offset, p->a->inputs[i].bytes);
	shadow_bury(p->shadow);
}

/* ---- launches ---- */

static bool refuse(const struct plan *p, const struct launch *l, const char *why)
{
	const struct artifact_launch *s = &p->a->launches[p->step];

	fprintf(stderr,
		"occ_emulator: %s: step %u is kernel %s (node \"%s\"), not this launch of %s: %s\n",
		p->a->path, p->step, p->a->kernels[s->kernel].entry, s->node, l->kernel->func->name,
		why);
	return false;
}

static bool find_arena(struct plan *p, uint64_t arena, const struct vram *v)
{
	const struct vram_block *b = vram_find(v, arena, MAX(p->a->arena_bytes, 1));

	if (!b)
		return false;
	p->arena = arena;
	p->shadow = b->shadow;
	return true;
}

bool plan_before(struct plan *p, const struct launch *l, const struct vram *v)
{
	const struct artifact_launch *s = &p->a->launches[p->step];
	const struct ptx_var *param = l->kernel->func->params;

	if (strcmp(p->a->kernels[s->kernel].entry, l->kernel->func->name) != 0)
		return refuse(p, l, "another name");
	if (memcmp(s->grid, l->grid, sizeof(s->grid)) != 0 ||
	    memcmp(s->block, l->dim, sizeof(s->block)) != 0)
		return refuse(p, l, "another shape");
	if (s->nargs != l->kernel->func->nparams)
		return refuse(p, l, "another number of arguments");
	for (uint32_t i = 0; i < s->nargs; i++, param = param->next) {
		uint64_t at;

		memcpy(&at, l->params + param->offset, sizeof(at));
		if (s->args[i].space != ARG_ARENA || !p->a->arena_bytes)
			continue;
		if (!p->shadow && !find_arena(p, at - s->args[i].offset, v))
			return refuse(p, l, "its arguments lie in no arena");
		if (at != p->arena + s->args[i].offset)
			return refuse(p, l, "an argument lies elsewhere");
	}
	if (!p->shadow)
		return true;
	if (!p->step)
		begin_run(p);
	hold_survivors(p);
	return true;
}

void plan_after(struct plan *p)
{
	if (p->shadow)
		bury(p, p->step + 1);
	p->step = (p->step + 1) % p->a->nlaunches;
}

bool plan_read(const struct plan *p, const struct vram *v, uint64_t at, uint64_t bytes)
{
	const struct vram_block *b = vram_find(v, at, bytes);

	for (uint32_t i = 0; p->shadow && !p->step && i < p->a->noutputs; i++) {
		const struct artifact_tensor *t = &p->a->outputs[i];

		if (at != p->arena + t->offset || bytes != t->bytes || !b ||
		    shadow_is_written(b->shadow, at, bytes))
			continue;
		fprintf(stderr,
			"occ_emulator: output \"%s\": copied out, and not all of it written\n",
			t->name);
		return false;
	}
	return true;
}

/* ---- reports ---- */

uint32_t plan_step(const struct plan *p)
{
	return p->step;
}

const char *plan_node(const struct plan *p)
{
	return p->a->launches[p->step].node;
}

static bool covers(const struct artifact_value *v, uint64_t offset)
{
	return offset >= v->offset && offset < end_of(v) &&
	       (v->rows == 1 || (offset - v->offset) % v->pitch < v->width);
}

/* The smallest tensor that lives there now, and the last one that has died there. */
void plan_owner(const struct plan *p, uint64_t at, char *out, size_t size)
{
	const struct artifact_value *now = NULL, *then = NULL;
	uint64_t offset = at - p->arena;
	int n = 0;

	out[0] = 0;
	for (uint32_t i = 0; p->shadow && i < p->a->nvalues; i++) {
		const struct artifact_value *v = &p->a->values[i];

		if (!covers(v, offset))
			continue;
		if (v->first <= p->step && p->step <= v->last)
			now = !now || end_of(v) - v->offset < end_of(now) - now->offset ? v : now;
		else if (v->last < p->step)
			then = !then || v->last > then->last ? v : then;
	}
	if (now)
		n = snprintf(out, size, "; tensor \"%.80s\" +%" PRIu64, now->name,
			     offset - now->offset);
	if (then && n >= 0 && (size_t)n < size)
		snprintf(out + n, size - (size_t)n,
			 "; tensor \"%.80s\" +%" PRIu64 " was there until step %u", then->name,
			 offset - then->offset, then->last);
}
