/*
 * The choice of a tile: cycles of the busiest scheduler for one step of 8 k.
 * All tiles give equal bits (each result is one chain of fmaf over k), so the
 * choice is free.
 */
#include "compiler/lower/tile.h"

static const struct tile tiles[] = {
	{128, 64, 8, 8, 3}, {64, 128, 8, 8, 3}, {64, 64, 8, 8, 3}, {128, 32, 8, 4, 5},
	{64, 64, 8, 4, 5},  {64, 32, 8, 4, 5},	{64, 32, 4, 4, 8}, {32, 64, 4, 8, 5},
	{32, 32, 4, 4, 8},  {128, 16, 8, 4, 5}, {64, 16, 4, 4, 8}, {256, 8, 8, 4, 5},
};

#define SCHEDULERS   32	 /* of the small chips that this is for: 8 SMs of 4 */
#define STEP_LATENCY 150 /* cycles of a step that only other warps can fill */

static int64_t cost(const struct tile *t, int64_t rows, int64_t columns, int64_t groups,
		    int64_t head)
{
	int64_t threads = tile_threads(t);
	int64_t blocks = div_up(rows, t->bm) * groups * div_up(columns, t->bn);
	int64_t issue = 8 * t->tm * t->tn + 2 * (t->tm + t->tn) +
			(12 * (t->bm + t->bn) + 8 * head * t->bm) / threads + 24;
	int64_t warps = div_up(blocks * threads / 32, SCHEDULERS);

	return MAX(warps * issue, div_up(warps, t->resident) * (issue + STEP_LATENCY));
}

const struct tile *tile_choose(int64_t rows, int64_t columns, int64_t groups, int64_t head)
{
	const struct tile *best = NULL;
	int64_t least = 0;

	for (size_t i = 0; i < COUNT_OF(tiles); i++) {
		int64_t c = cost(&tiles[i], rows, columns, groups, head);

		if (!best || c < least) {
			best = &tiles[i];
			least = c;
		}
	}
	return best;
}

uint32_t tile_threads(const struct tile *t)
{
	return (uint32_t)(t->bm / t->tm * (t->bn / t->tn));
}

void tile_defines(struct lower *l, const struct tile *t)
{
	lower_define(l, "BM", t->bm);
	lower_define(l, "BN", t->bn);
	lower_define(l, "TM", t->tm);
	lower_define(l, "TN", t->tn);
}
