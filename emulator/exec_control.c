/*
 * Control flow and what lanes do together: branches with a reconvergence
 * stack, barriers, shuffles, votes. Paths that part at a branch meet again
 * at its immediate post-dominator: the branch pushes the other path, and the
 * `meet` operation at the meeting point pops.
 */
#include "emulator/exec_control.h"

#include "emulator/exec_isa.h"

static inline void set_mask(struct warp *w, uint32_t mask)
{
	w->mask = mask;
	w->partial = mask != FULL_MASK;
}

static void push(struct warp *w, const struct op *pc, const struct op *join, uint32_t mask)
{
	CHECK(w->depth < STACK_DEPTH);
	w->stack[w->depth++] = (struct stack_entry){pc, join, mask};
}

/* The next path that has live lanes; NULL: the warp is done. */
static const struct op *pop(struct warp *w)
{
	while (w->depth) {
		const struct stack_entry *s = &w->stack[--w->depth];

		if (s->mask & w->live) {
			set_mask(w, s->mask & w->live);
			w->join = s->join;
			return s->pc;
		}
	}
	set_mask(w, 0);
	return NULL;
}

/* Goes on with the lanes in `taken` at `there`, later with the others at `here`. */
static const struct op *diverge(struct warp *w, const struct op *join, uint32_t taken,
				const struct op *there, const struct op *here)
{
	uint32_t rest = w->mask & ~taken;

	if (there == join && here == join)
		return join;
	if (join && w->join != join)
		push(w, join, w->join, w->mask);
	if (here != join)
		push(w, here, join, rest);
	w->join = join;
	if (there == join)
		return pop(w);
	set_mask(w, taken);
	return there;
}

HANDLER(bra)
{
	(void)w;
	return o->target;
}

/* a: predicate, x: 1 when negated */
HANDLER(bra_if)
{
	uint32_t taken = (o->x ? ~PRED(o->a) : PRED(o->a)) & w->mask;

	if (taken == w->mask)
		return o->target;
	if (!taken)
		return o + 1;
	return diverge(w, o->join, taken, o->target, o + 1);
}

/* brx.idx: x targets; the op behind it holds the meeting point */
HANDLER(brx)
{
	const u32_lane *index = AT(u32, o->a);
	const struct op *join = o[1].join;

	for (;;) {
		uint32_t first = index[__builtin_ctz(w->mask)], taken = 0;
		const struct op *there;

		if (first >= o->x)
			return exec_fault(w, o, FAULT_TRAP, (uint32_t)__builtin_ctz(w->mask),
					  first);
		there = o->table[first];
		for (int i = 0; i < WARP_LANES; i++)
			taken |= (uint32_t)(index[i] == first) << i;
		taken &= w->mask;
		if (taken == w->mask)
			return there;
		/* the others come back to this very operation */
		return diverge(w, join, taken, there, o);
	}
}

HANDLER(meet)
{
	return w->join == o ? pop(w) : o + 1;
}

HANDLER(ret)
{
	(void)o;
	w->live &= ~w->mask;
	return pop(w);
}

/* The lanes whose predicate is set end. */
HANDLER(ret_if)
{
	uint32_t taken = (o->x ? ~PRED(o->a) : PRED(o->a)) & w->mask;

	w->live &= ~taken;
	if (taken == w->mask)
		return pop(w);
	set_mask(w, w->mask & ~taken);
	return o + 1;
}

/* Runs the next operation for the lanes whose predicate is set, or skips it. */
HANDLER(guard)
{
	uint32_t all = w->mask, taken = (o->x ? ~PRED(o->a) : PRED(o->a)) & all;
	const struct op *next = o + 2;

	if (!taken)
		return next;
	if (taken == all)
		return o + 1;
	w->mask = taken;
	w->partial = 1;
	if (!o[1].run[1](w, o + 1))
		next = NULL;
	set_mask(w, all);
	return next;
}

HANDLER(count)
{
	w->block->counters[o->mem]++;
	return o + 1;
}

HANDLER(nop)
{
	(void)w;
	return o + 1;
}

HANDLER(trap)
{
	return exec_fault(w, o, FAULT_TRAP, (uint32_t)__builtin_ctz(w->mask), 0);
}

/* a: number of the barrier, b: threads, each one value for the warp; x: 1 when b is given */
HANDLER(bar)
{
	if (w->mask != w->live)
		return exec_fault(w, o, FAULT_BARRIER, (uint32_t)__builtin_ctz(w->live & ~w->mask),
				  0);
	w->barrier = 1 + (AT(u32, o->a)[__builtin_ctz(w->mask)] & 15);
	w->barrier_threads = o->x ? AT(u32, o->b)[__builtin_ctz(w->mask)] : 0;
	w->pc = o + 1;
	return NULL;
}

/* Every lane that a member mask names must be here. */
static bool members_ok(struct warp *w, const struct op *o, uint32_t members)
{
	uint32_t missing = members & w->live & ~w->mask;

	if (missing)
		exec_fault(w, o, FAULT_LANES, (uint32_t)__builtin_ctz(missing), 0);
	return !missing;
}

static uint32_t members_at(struct warp *w, uint32_t offset)
{
	return AT(u32, offset)[__builtin_ctz(w->mask)];
}

HANDLER(warp_sync)
{
	return members_ok(w, o, members_at(w, o->a)) ? o + 1 : NULL;
}

/*
 * shfl.sync d|p, a, b, c, members: x = mode, e = predicate, imm = offset of
 * the member mask's slot. c = segment mask << 8 | clamp.
 */
HANDLER(shfl)
{
	const u32_lane *a = AT(u32, o->a), *b = AT(u32, o->b), *c = AT(u32, o->c);
	u32_lane *d = AT(u32, o->d), out[WARP_LANES];
	uint32_t valid = 0;

	if (!members_ok(w, o, members_at(w, (uint32_t)o->imm)))
		return NULL;
	for (int i = 0; i < WARP_LANES; i++) {
		int by = (int)(b[i] & 31), segment = (int)(c[i] >> 8 & 31),
		    clamp = (int)(c[i] & 31);
		int low = i & segment, high = low | (clamp & ~segment), j;
		bool ok;

		switch (o->x) {
		case SHFL_UP:
			j = i - by;
			ok = j >= high;
			break;
		case SHFL_DOWN:
			j = i + by;
			ok = j <= high;
			break;
		case SHFL_BFLY:
			j = i ^ by;
			ok = j <= high;
			break;
		default:
			j = low | (by & ~segment);
			ok = j <= high;
		}
		j = ok ? j : i;
		/* what a lane has that is not here is undefined: NaN */
		out[i] = w->mask >> j & 1 ? a[j] : FULL_MASK;
		valid |= (uint32_t)ok << i;
	}
	for (int i = 0; i < WARP_LANES; i++)
		d[i] = w->mask >> i & 1 ? out[i] : d[i];
	PRED(o->e) = (PRED(o->e) & ~w->mask) | (valid & w->mask);
	return o + 1;
}

/* vote.sync d, p, members: a = predicate, x = mode, bit 4: negated; b = member mask */
HANDLER(vote)
{
	uint32_t p = (o->x & VOTE_NEGATED ? ~PRED(o->a) : PRED(o->a)) & w->mask, r;
	u32_lane *d = AT(u32, o->d);

	if (!members_ok(w, o, members_at(w, o->b)))
		return NULL;
	p &= members_at(w, o->b);
	switch (o->x & VOTE_MODE) {
	case VOTE_BALLOT:
		for (int i = 0; i < WARP_LANES; i++)
			d[i] = w->mask >> i & 1 ? p : d[i];
		return o + 1;
	case VOTE_ANY:
		r = p ? w->mask : 0;
		break;
	case VOTE_ALL:
		r = p == (members_at(w, o->b) & w->mask) ? w->mask : 0;
		break;
	default: /* VOTE_UNI */
		r = !p || p == (members_at(w, o->b) & w->mask) ? w->mask : 0;
	}
	PRED(o->d) = (PRED(o->d) & ~w->mask) | r;
	return o + 1;
}

HANDLER(activemask)
{
	u32_lane *d = AT(u32, o->d);

	for (int i = 0; i < WARP_LANES; i++)
		d[i] = w->mask >> i & 1 ? w->mask : d[i];
	return o + 1;
}

static uint32_t redux_step(uint32_t mode, uint32_t x, uint32_t y)
{
	switch (mode) {
	case REDUX_ADD:
		return x + y;
	case REDUX_AND:
		return x & y;
	case REDUX_OR:
		return x | y;
	case REDUX_XOR:
		return x ^ y;
	case REDUX_MIN_U:
		return MIN(x, y);
	case REDUX_MAX_U:
		return MAX(x, y);
	case REDUX_MIN_S:
		return (int32_t)x < (int32_t)y ? x : y;
	default:
		return (int32_t)x > (int32_t)y ? x : y;
	}
}

HANDLER(redux)
{
	const u32_lane *a = AT(u32, o->a);
	u32_lane *d = AT(u32, o->d);
	uint32_t in = members_at(w, o->b) & w->mask, r;

	if (!members_ok(w, o, members_at(w, o->b)))
		return NULL;
	r = a[__builtin_ctz(in ? in : w->mask)];
	for (uint32_t left = in & (in - 1); left; left &= left - 1)
		r = redux_step(o->x, r, a[__builtin_ctz(left)]);
	for (int i = 0; i < WARP_LANES; i++)
		d[i] = w->mask >> i & 1 ? r : d[i];
	return o + 1;
}

static uint32_t special_value(const struct warp *w, uint32_t which, uint32_t lane)
{
	const struct block *b = w->block;

	if (which < SPECIAL_TID + 3)
		return b->tid[which - SPECIAL_TID][w->index * WARP_LANES + lane];
	if (which >= SPECIAL_NTID && which < SPECIAL_NTID + 3)
		return b->dim[which - SPECIAL_NTID];
	if (which >= SPECIAL_CTAID && which < SPECIAL_CTAID + 3)
		return b->index[which - SPECIAL_CTAID];
	if (which >= SPECIAL_NCTAID && which < SPECIAL_NCTAID + 3)
		return b->grid[which - SPECIAL_NCTAID];
	switch (which) {
	case SPECIAL_LANEID:
		return lane;
	case SPECIAL_WARPID:
		return w->index;
	case SPECIAL_NWARPID:
		return b->nwarps;
	case SPECIAL_LANEMASK_EQ:
		return 1u << lane;
	case SPECIAL_LANEMASK_LT:
		return (1u << lane) - 1;
	case SPECIAL_LANEMASK_LE:
		return (2u << lane) - 1;
	case SPECIAL_LANEMASK_GT:
		return ~((2u << lane) - 1);
	case SPECIAL_LANEMASK_GE:
		return ~((1u << lane) - 1);
	case SPECIAL_DYNAMIC_SHARED:
		return b->dynamic_bytes;
	default: /* SPECIAL_TOTAL_SHARED */
		return b->shared_bytes;
	}
}

/* mov d, %special: x says which */
HANDLER(special)
{
	u32_lane *d = AT(u32, o->d);

	for (uint32_t i = 0; i < WARP_LANES; i++)
		d[i] = special_value(w, o->x, i);
	return o + 1;
}

op_fn ISA(control_handler)(const char *name)
{
	static const struct {
		const char *name;
		op_fn run;
	} rows[] = {{"bra", bra},     {"bra.if", bra_if},  {"brx", brx},
		    {"meet", meet},   {"ret", ret},	   {"ret.if", ret_if},
		    {"guard", guard}, {"count", count},	   {"nop", nop},
		    {"trap", trap},   {"bar", bar},	   {"warp.sync", warp_sync},
		    {"shfl", shfl},   {"vote", vote},	   {"activemask", activemask},
		    {"redux", redux}, {"special", special}};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (!strcmp(rows[i].name, name))
			return rows[i].run;
	return NULL;
}

static void run(struct warp *w)
{
	const struct op *o = w->pc;

	while (o)
		o = o->run[w->partial](w, o);
}

const struct exec *ISA(exec)(void)
{
	static const struct form *const forms[] = {ISA(int_forms),  ISA(float_forms),
						   ISA(cvt_forms),  ISA(pred_forms),
						   ISA(half_forms), NULL};
	static const struct exec e = {
		.isa = EXEC_NAME,
		.forms = forms,
		.masked32 = ISA(masked32),
		.masked64 = ISA(masked64),
		.memory = ISA(memory_handler),
		.control = ISA(control_handler),
		.fma_run = ISA(fma_run),
		.masked_fma = ISA(masked_fma),
		.run = run,
	};

	return &e;
}
