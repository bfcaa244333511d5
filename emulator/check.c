/*
 * What a launch may touch, and the report when it touches something else.
 * With region notes in the PTX the pointer parameters' regions count, cut to
 * live allocations; without them, all live allocations.
 */
#include "emulator/exec_memory.h"
#include "emulator/sched.h"

#include <inttypes.h>
#include <stdio.h>
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

void check_extents(struct launch *l, const struct vram *v, const struct ptx_module *m)
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

int check_access(struct block *b, const struct op *o, const uint64_t *addr, uint32_t mask,
		 uint32_t bytes, bool write)
{
	const struct launch *l = b->launch;
	const struct extent *hit = NULL;
	enum use use = write ? USE_WRITE : o->x & MEM_CONSTANT ? USE_CONSTANT : USE_READ;

	for (uint32_t left = mask; left; left &= left - 1) {
		int lane = __builtin_ctz(left);

		if (hit && inside(hit, addr[lane], bytes, use))
			continue;
		hit = NULL;
		for (size_t i = 0; i < l->nextents && !hit; i++)
			if (inside(&l->extents[i], addr[lane], bytes, use))
				hit = &l->extents[i];
		if (!hit)
			return lane;
	}
	if (hit)
		b->cache[o->mem] =
			(struct extent_cache){hit->lo, hit->hi, hit->base, hit->pitch, hit->width};
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

static uint64_t distance(const struct extent *s, uint64_t at)
{
	return at < s->lo ? s->lo - at : at >= s->hi ? at - s->hi + 1 : 0;
}

static void nearest(const struct launch *l, uint64_t at, char *out, size_t size)
{
	static const char *const kinds[] = {"data of the module", "an allocation"};
	const struct extent *s = NULL;
	char what[32];

	for (size_t i = 0; i < l->nextents; i++)
		if (!s || distance(&l->extents[i], at) < distance(s, at))
			s = &l->extents[i];
	if (!s) {
		snprintf(out, size, "; the launch may touch nothing");
		return;
	}
	snprintf(what, sizeof(what), "param %d", s->param);
	snprintf(out, size,
		 "; nearest: %s, %s%s, 0x%" PRIx64 " + %" PRIu64 " bytes (pitch %" PRIu64
		 ", width %" PRIu64 "), the address is its byte %" PRId64,
		 s->param < 0 ? kinds[s->param + 2] : what, s->read ? "r" : "", s->write ? "w" : "",
		 s->lo, s->hi - s->lo, s->pitch, s->pitch ? s->width : s->hi - s->lo,
		 (int64_t)(at - s->lo));
}

static const char *kind_of(const struct block *b)
{
	if (b->fault != FAULT_ADDRESS)
		return "";
	if (b->fault_write)
		return "store: ";
	return b->fault_op->x & MEM_CONSTANT ? "load of what nobody writes (.nc): " : "load: ";
}

void check_report(const struct launch *l, const struct block *b)
{
	static const char *const texts[] = {
		[FAULT_ADDRESS] = "access outside of every region",
		[FAULT_ALIGN] = "misaligned access",
		[FAULT_SHARED] = "access beyond the block's shared memory",
		[FAULT_LOCAL] = "access beyond local memory or the parameters",
		[FAULT_BARRIER] = "a barrier that not all warps of the block reach",
		[FAULT_LANES] = "a lane named by the member mask is not here",
		[FAULT_TRAP] = "trap",
	};
	char near[256] = "", extra[64] = "";

	if (b->fault == FAULT_ADDRESS)
		nearest(l, b->fault_address, near, sizeof(near));
	if (b->fault == FAULT_SHARED)
		snprintf(extra, sizeof(extra), " (%u bytes)", b->shared_bytes);
	fprintf(stderr,
		"occ_emulator: kernel %s, ptx line %u: %s%s%s: block (%u,%u,%u) warp %u lane %u "
		"address 0x%" PRIx64 "%s\n",
		l->kernel->func->name, b->fault_op->line, kind_of(b), texts[b->fault], extra,
		b->index[0], b->index[1], b->index[2], b->fault_warp, b->fault_lane,
		b->fault_address, near);
}
