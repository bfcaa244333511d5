/*
 * What searches look up: who shares a step with whom, and how far apart two
 * such items must stand; which items have bytes in a section.
 */
#include "compiler/place/search_int.h"

#include <string.h>

static void list_entries(struct field *f)
{
	const struct space *s = f->s;
	uint32_t *at = NEW(s->arena, (size_t)s->nsteps + 2, uint32_t);

	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; i < s->n; i++)
			for (uint32_t b = 0; b < s->shape[i].nbox; b++) {
				const struct box *box = &s->shape[i].box[b];

				for (uint32_t t = box->first; t <= box->last; t++)
					if (pass)
						f->entry[at[t + 1]++] =
							(struct entry){i, (int64_t)box->low};
					else
						at[t + 2]++;
			}
		if (pass)
			break;
		for (uint32_t t = 0; t < s->nsteps; t++)
			at[t + 2] += at[t + 1];
		f->entry = NEW(s->arena, at[s->nsteps + 1], struct entry);
	}
	f->entry_at = at;
}

/* Least distance from a up to b so that from there on they never touch; -1: no step in common. */
static int64_t distance(const struct shape *a, const struct shape *b)
{
	int64_t most = -1;

	for (uint32_t i = 0; i < a->nbox; i++)
		for (uint32_t k = 0; k < b->nbox; k++)
			if (a->box[i].first <= b->box[k].last && b->box[k].first <= a->box[i].last)
				most = MAX(
					most,
					MAX((int64_t)a->box[i].high - (int64_t)b->box[k].low, 0));
	return most;
}

static void list_near(struct field *f)
{
	const struct space *s = f->s;
	uint32_t *seen = NEW(s->arena, s->n, uint32_t); /* item + 1 that was asked last */
	size_t count = 0;

	f->near_at = NEW(s->arena, (size_t)s->n + 1, uint32_t);
	for (uint32_t i = 0; i < s->n; i++) {
		const struct shape *it = &s->shape[i];

		f->near_at[i] = (uint32_t)count;
		for (uint32_t k = 0; k < s->n; k++) {
			const struct shape *other = &s->shape[k];
			int64_t over;

			if (k == i || other->first > it->last || it->first > other->last ||
			    seen[k] == i + 1 || (over = distance(it, other)) < 0)
				continue;
			seen[k] = i + 1;
			f->near = GROW(s->arena, f->near, count);
			f->near[count++] = (struct near){k, over, distance(other, it)};
		}
	}
	f->near_at[s->n] = (uint32_t)count;
}

void field_init(struct field *f, const struct space *s)
{
	*f = (struct field){.s = s, .plain = true};
	for (uint32_t i = 0; i < s->n; i++) {
		const struct shape *it = &s->shape[i];

		f->plain &= it->nbox == 0 ||
			    (it->nbox == 1 && it->box->low == 0 && it->box->high == it->size);
	}
	list_entries(f);
	list_near(f);
}
