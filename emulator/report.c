/* The one line that tells what a launch did wrong, and where. */
#include "emulator/exec_memory.h"
#include "emulator/plan.h"
#include "emulator/sched.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

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

/* Which parameter the address belongs to. */
static void owner(const struct launch *l, uint64_t at, char *out, size_t size)
{
	for (size_t i = 0; i < l->nextents; i++) {
		const struct extent *s = &l->extents[i];

		if (s->param >= 0 && at >= s->lo && at < s->hi) {
			snprintf(out, size, "; byte %" PRIu64 " of param %d", at - s->lo, s->param);
			return;
		}
	}
}

/* The block or the warp on the other side of a race. */
static void rival(const struct launch *l, const struct block *b, char *out, size_t size)
{
	const char *did = b->other_writes ? "stored" : "loaded";
	uint64_t number = (uint64_t)b->other - l->tag - TAG_FIRST_BLOCK;

	if (b->fault == FAULT_CLASH)
		snprintf(out, size, "lane %u", b->other);
	else if (b->fault == FAULT_SHARED_RACE && b->other == SHARED_ATOMIC)
		snprintf(out, size, "an atomic was there");
	else if (b->fault == FAULT_SHARED_RACE)
		snprintf(out, size, "warp %u has %s there", b->other - 1, did);
	else if (b->other == l->tag + TAG_ATOMIC)
		snprintf(out, size, "an atomic was there");
	else if (b->other == l->tag + TAG_MANY)
		snprintf(out, size, "several blocks have %s there", did);
	else
		snprintf(out, size, "block (%" PRIu64 ",%" PRIu64 ",%" PRIu64 ") has %s there",
			 number % l->grid[0], number / l->grid[0] % l->grid[1],
			 number / ((uint64_t)l->grid[0] * l->grid[1]), did);
}

static const char *kind_of(const struct block *b)
{
	switch (b->fault) {
	case FAULT_ADDRESS:
		if (!b->fault_write && b->fault_op->x & MEM_CONSTANT)
			return "load of what nobody writes (.nc): ";
		/* fall through */
	case FAULT_RACE:
	case FAULT_SHARED_RACE:
		return b->fault_write ? "store: " : "load: ";
	default:
		return "";
	}
}

static bool in_global(const struct block *b)
{
	return b->fault == FAULT_UNWRITTEN || b->fault == FAULT_HELD || b->fault == FAULT_RACE ||
	       b->fault == FAULT_CLASH;
}

/* What there is to say behind the address. */
static void details(const struct launch *l, const struct block *b, char *out, size_t size)
{
	size_t n;

	if (b->fault == FAULT_ADDRESS)
		nearest(l, b->fault_address, out, size);
	if (in_global(b))
		owner(l, b->fault_address, out, size);
	n = strlen(out);
	if (l->plan && (in_global(b) || b->fault == FAULT_ADDRESS))
		plan_owner(l->plan, b->fault_address, out + n, size - n);
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
		[FAULT_HELD] = "store into a tensor that must outlive the step",
		[FAULT_UNWRITTEN] = "load of bytes never written",
		[FAULT_RACE] = "race between blocks",
		[FAULT_CLASH] = "two lanes store different values to one address",
		[FAULT_SHARED_UNWRITTEN] = "load of shared memory never written",
		[FAULT_SHARED_RACE] = "race in shared memory, no barrier between",
	};
	char near[512] = "", extra[96] = "", who[80], step[32] = "", node[160] = "";

	if (l->plan) {
		snprintf(step, sizeof(step), "step %u, ", plan_step(l->plan));
		snprintf(node, sizeof(node), " (node \"%.120s\")", plan_node(l->plan));
	}

	details(l, b, near, sizeof(near));
	if (b->fault == FAULT_SHARED)
		snprintf(extra, sizeof(extra), " (%u bytes)", b->shared_bytes);
	if (b->fault == FAULT_RACE || b->fault == FAULT_SHARED_RACE || b->fault == FAULT_CLASH) {
		rival(l, b, who, sizeof(who));
		snprintf(extra, sizeof(extra), " (%s)", who);
	}
	fprintf(stderr,
		"occ_emulator: %skernel %s%s, ptx line %u: %s%s%s: block (%u,%u,%u) warp %u lane "
		"%u "
		"address 0x%" PRIx64 "%s\n",
		step, l->kernel->func->name, node, b->fault_op->line, kind_of(b), texts[b->fault],
		extra, b->index[0], b->index[1], b->index[2], b->fault_warp, b->fault_lane,
		b->fault_address, near);
}
