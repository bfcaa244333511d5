/*
 * The packers in turn, each from where the one before it stopped: greedy and
 * climb. They end at the lower bound; the certificate says how it ended.
 */
#include "compiler/place/place_int.h"

void place(struct place_item *item, uint32_t n, struct place_found *found)
{
	struct arena *a = arena_open(0);
	struct space s;
	struct packing best;

	space_init(&s, item, n, a);
	greedy(&s, &best);
	for (uint32_t i = 0; i < n; i++)
		item[i].offset = best.offset[i] * s.unit;
	*found = (struct place_found){.bytes = best.top * s.unit,
				      .lower_bound = s.bound * s.unit,
				      .proof = best.top == s.bound ? PLACE_MAX_LIVE : PLACE_GAP};
	arena_close(a);
}
