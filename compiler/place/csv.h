/*
 * Instances as text: google/minimalloc's CSV.
 */
#ifndef COMPILER_PLACE_CSV_H
#define COMPILER_PLACE_CSV_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "compiler/place/place.h"

struct instance {
	uint32_t n;
	struct place_item *item;
	struct span header, *row; /* their text, without the line's end */
};

/* E_INPUT_FILE names the line; E_PLAN_TOO_BIG. The instance borrows the text. */
int csv_read(struct span text, struct arena *a, struct instance *in, struct err *e);

/* The same rows, with a last column: the offset. */
void csv_write(const struct instance *in, struct buf *out);

#endif
