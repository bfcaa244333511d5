/*
 * What a launch may touch.
 * With region notes in the PTX the pointer parameters' regions count, cut to
 * live allocations; without them, all live allocations.
 */
#include "emulator/exec_memory.h"
#include "emulator/sched.h"

#include <string.h>

static void add(struct launch *l, struct extent s)
{
	if (s.lo >= s.hi)
		return;
	l->extents = mem_resize(l->extents, (l->nextents + 1) * sizeof(*l->extents));
	l->extents[l->nextents++] = s;
}

static void add_region(struct launch *l, const struct vram *v, const struct ptx_region *r)
{
	const struct ptx_var *p = l->kernel->func->params;
	const struct vram_block *b;
	struct extent s = {.read = r->read, .write = r->write, .param = (int32_t)r->param};
	uint64_t extent = (r->rows - 1) * r->pitch + r->width;

	for (uint32_t k = 0; p && k < r->param; k++)
		p = p->next;
	if (!p || p->size != 8)
		return;
	memcpy(&s.base, l->params + p->offset, sizeof(s.base));
	b = vram_find(v, s.base, 1);
	if (!b)
		return;
	s.lo = s.base;
	s.hi = s.base + MIN(extent, b->at + b->bytes - s.base);
	s.pitch = r->rows > 1 && r->pitch != r->width ? r->pitch : 0;
	s.width = r->width;
	add(l, s);
}

/* The module's own variables may be read either way: nothing says what a kernel does to them. */
static void find_constants(struct launch *l)
{
	for (size_t i = 0; i < l->nextents; i++) {
		struct extent *s = &l->extents[i];

		s->constant = true;
		for (size_t k = 0; k < l->nextents && s->param >= 0; k++)
			if (l->extents[k].write && l->extents[k].lo < s->hi &&
			    s->lo < l->extents[k].hi)
				s->constant = false;
	}
}

static bool filled(const struct extent *s)
{
	uint64_t width = s->pitch ? s->width : s->hi - s->lo;
	bool all = true;

	for (uint64_t at = s->lo; all && at < s->hi; at += s->pitch ? s->pitch : width)
		all = shadow_is_written(s->shadow, at, MIN(width, s->hi - at));
	return all;
}

/* What the sanitizer may take for granted during the launch. */
static void find_quiet(struct launch *l, const struct vram *v)
{
	for (size_t i = 0; i < l->nextents; i++) {
		struct extent *s = &l->extents[i];
		const struct vram_block *b = s->param == -2 ? NULL : vram_find(v, s->lo, 1);

		s->shadow = b ? b->shadow : NULL;
		s->filled = s->read && filled(s);
		for (size_t k = 0; k < l->nextents; k++) {
			const struct extent *t = &l->extents[k];

			s->raced |= t->lo < s->hi && s->lo < t->hi &&
				    ((s->write && t->read) || (s->read && t->write));
		}
	}
}

static void collect_extents(struct launch *l, const struct vram *v, const struct ptx_module *m)
{
	const struct kernel *k = l->kernel;

	for (const struct ptx_var *d = m->vars; d; d = d->next)
		if (d->space == SPACE_GLOBAL || d->space == SPACE_CONST)
			add(l, (struct extent){.lo = d->offset,
					       .hi = d->offset + d->size,
					       .read = true,
					       .write = d->space == SPACE_GLOBAL,
					       .param = -2});
	for (uint32_t i = 0; i < k->nregions; i++)
		add_region(l, v, &k->regions[i]);
	find_constants(l);
	if (k->nregions)
		return;
	for (size_t i = 0; i < v->nblocks; i++)
		add(l, (struct extent){.lo = v->blocks[i].at,
				       .hi = v->blocks[i].at + v->blocks[i].bytes,
				       .read = true,
				       .write = true,
				       .constant = true, /* nobody said what is written */
				       .param = -1});
}

void check_extents(struct launch *l, const struct vram *v, const struct ptx_module *m)
{
	collect_extents(l, v, m);
	if (l->sanitize)
		find_quiet(l, v);
}

enum use { USE_READ, USE_WRITE, USE_CONSTANT };

static bool allows(const struct extent *s, enum use use)
{
	return use == USE_WRITE ? s->write : s->read && (use == USE_READ || s->constant);
}

static bool inside(const struct extent *s, uint64_t at, uint32_t bytes, enum use use)
{
	if (at < s->lo || at >= s->hi || s->hi - at < bytes || !allows(s, use))
		return false;
	return !s->pitch || (at - s->base) % s->pitch + bytes <= s->width;
}

static enum use use_of(const struct op *o, bool write)
{
	return write ? USE_WRITE : o->x & MEM_CONSTANT ? USE_CONSTANT : USE_READ;
}

const struct extent *check_find(const struct launch *l, const struct op *o, uint64_t at, bool write)
{
	uint32_t bytes = MEM_BYTES(o->x) * MEM_COUNT(o->x);

	for (size_t i = 0; i < l->nextents; i++)
		if (inside(&l->extents[i], at, bytes, use_of(o, write)))
			return &l->extents[i];
	return NULL;
}

int check_access(struct block *b, const struct op *o, const uint64_t *addr, uint32_t mask,
		 uint32_t bytes, bool write)
{
	const struct launch *l = b->launch;
	const struct extent *hit = NULL;
	enum use use = use_of(o, write);

	for (uint32_t left = mask; left; left &= left - 1) {
		int lane = __builtin_ctz(left);

		if (hit && inside(hit, addr[lane], bytes, use))
			continue;
		b->mixed |= hit != NULL;
		hit = check_find(l, o, addr[lane], write);
		if (!hit)
			return lane;
	}
	if (hit)
		b->cache[o->mem] =
			(struct extent_cache){hit->lo,
					      hit->hi,
					      hit->base,
					      hit->pitch,
					      hit->width,
					      hit,
					      !hit->shadow || (hit->filled && !hit->raced)};
	return -1;
}

const struct op *exec_fault(struct warp *w, const struct op *o, enum fault f, uint32_t lane,
			    uint64_t address)
{
	struct block *b = w->block;

	if (b->fault == FAULT_NONE) {
		b->fault = f;
		b->fault_op = o;
		b->fault_warp = w->index;
		b->fault_lane = lane;
		b->fault_address = address;
	}
	return NULL;
}
