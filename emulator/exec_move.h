/*
 * Data between memory and registers, the addresses already checked: whole
 * warps on 4-byte and 16-byte elements take short ways, the rest goes lane
 * by lane. Included once per kind of address: OFFSET is its type, MOVE(name)
 * the functions' names; the address of lane i is PLACE(base, at[i]).
 */

static inline void MOVE(load_any)(struct warp *w, const struct op *o, uint8_t *base,
				  const OFFSET *at)
{
	const uint32_t regs[4] = {o->d, o->a, o->b, o->c};
	uint32_t bytes = MEM_BYTES(o->x), count = MEM_COUNT(o->x), cut = 64 - bytes * 8;

	for (uint32_t left = w->mask; left; left &= left - 1) {
		int i = __builtin_ctz(left);

		for (uint32_t k = 0; k < count; k++) {
			uint64_t v = 0;

			memcpy(&v, PLACE(base, at[i]) + k * bytes, bytes);
			if (o->x & MEM_SIGNED)
				v = (uint64_t)((int64_t)(v << cut) >> cut);
			if (o->x & MEM_DATA64)
				AT(u64, regs[k])[i] = v;
			else
				AT(u32, regs[k])[i] = (uint32_t)v;
		}
	}
}

static inline void MOVE(store_any)(struct warp *w, const struct op *o, uint8_t *base,
				   const OFFSET *at)
{
	const uint32_t regs[4] = {o->d, o->a, o->b, o->c};
	uint32_t bytes = MEM_BYTES(o->x), count = MEM_COUNT(o->x);

	for (uint32_t left = w->mask; left; left &= left - 1) {
		int i = __builtin_ctz(left);

		for (uint32_t k = 0; k < count; k++) {
			uint64_t v = o->x & MEM_DATA64 ? AT(u64, regs[k])[i] : AT(u32, regs[k])[i];

			memcpy(PLACE(base, at[i]) + k * bytes, &v, bytes);
		}
	}
}

static inline void MOVE(load_word)(struct warp *w, const struct op *o, uint8_t *base,
				   const OFFSET *at)
{
	u32_lane *d = AT(u32, o->d);
	OFFSET first = at[0], same = 0, dense = 0;

	if (w->partial) {
		for (uint32_t left = w->mask; left; left &= left - 1) {
			int i = __builtin_ctz(left);

			memcpy(&d[i], PLACE(base, at[i]), 4);
		}
		return;
	}
	LANES
	{
		same |= at[i] ^ first;
		dense |= at[i] ^ (first + (OFFSET)i * 4);
	}
	if (!dense) {
		memcpy(d, PLACE(base, first), SLOT32);
	} else if (!same) {
		uint32_t v;

		memcpy(&v, PLACE(base, first), 4);
		LANES d[i] = v;
	} else {
		for (int i = 0; i < WARP_LANES; i++)
			memcpy(&d[i], PLACE(base, at[i]), 4);
	}
}

static inline void MOVE(store_word)(struct warp *w, const struct op *o, uint8_t *base,
				    const OFFSET *at)
{
	const u32_lane *d = AT(u32, o->d);
	OFFSET first = at[0], dense = 0;

	if (w->partial) {
		for (uint32_t left = w->mask; left; left &= left - 1) {
			int i = __builtin_ctz(left);

			memcpy(PLACE(base, at[i]), &d[i], 4);
		}
		return;
	}
	LANES dense |= at[i] ^ (first + (OFFSET)i * 4);
	if (!dense) {
		memcpy(PLACE(base, first), d, SLOT32);
	} else {
		for (int i = 0; i < WARP_LANES; i++)
			memcpy(PLACE(base, at[i]), &d[i], 4);
	}
}

/* Two quads, the lanes i and i + 4: transposing both at once gives eight lanes in order. */
static inline void MOVE(two)(oct *to, uint8_t *base, const OFFSET *at)
{
	quad lo = *(const quad *)(const void *)PLACE(base, at[0]);
	quad hi = *(const quad *)(const void *)PLACE(base, at[4]);

	*to = __builtin_shufflevector(lo, hi, 0, 1, 2, 3, 4, 5, 6, 7);
}

static inline void MOVE(load_quad)(struct warp *w, const struct op *o, uint8_t *base,
				   const OFFSET *at)
{
	u32_lane *d = AT(u32, o->d), *a = AT(u32, o->a), *b = AT(u32, o->b), *c = AT(u32, o->c);

	for (int i = 0; i < WARP_LANES; i += 8) {
		oct q[4];

		for (int k = 0; k < 4; k++)
			MOVE(two)(&q[k], base, at + i + k);
		transpose(q);
		put_lanes(d + i, &q[0], w, i);
		put_lanes(a + i, &q[1], w, i);
		put_lanes(b + i, &q[2], w, i);
		put_lanes(c + i, &q[3], w, i);
	}
}

static inline void MOVE(store_quad)(struct warp *w, const struct op *o, uint8_t *base,
				    const OFFSET *at)
{
	const u32_lane *d = AT(u32, o->d), *a = AT(u32, o->a), *b = AT(u32, o->b),
		       *c = AT(u32, o->c);

	for (int i = 0; i < WARP_LANES; i += 8) {
		oct q[4] = {
			*(const oct *)(const void *)(d + i), *(const oct *)(const void *)(a + i),
			*(const oct *)(const void *)(b + i), *(const oct *)(const void *)(c + i)};

		transpose(q);
		/* lanes in order: where two write the same place, the last one wins */
		for (int k = 0; k < 4; k++)
			*(quad *)(void *)PLACE(base, at[i + k]) =
				__builtin_shufflevector(q[k], q[k], 0, 1, 2, 3);
		for (int k = 0; k < 4; k++)
			*(quad *)(void *)PLACE(base, at[i + k + 4]) =
				__builtin_shufflevector(q[k], q[k], 4, 5, 6, 7);
	}
}

static void MOVE(load)(struct warp *w, const struct op *o, uint8_t *base, const OFFSET *at)
{
	if ((o->x & FORM) == WORD)
		MOVE(load_word)(w, o, base, at);
	else if ((o->x & FORM) == QUAD)
		MOVE(load_quad)(w, o, base, at);
	else
		MOVE(load_any)(w, o, base, at);
}

static void MOVE(store)(struct warp *w, const struct op *o, uint8_t *base, const OFFSET *at)
{
	if ((o->x & FORM) == WORD)
		MOVE(store_word)(w, o, base, at);
	else if ((o->x & FORM) == QUAD && !w->partial)
		MOVE(store_quad)(w, o, base, at);
	else
		MOVE(store_any)(w, o, base, at);
}
