/* Makes index and blob files agree; see reconcile.c. */
#ifndef CACHE_RECONCILE_H
#define CACHE_RECONCILE_H

#include "cache/index.h"

struct reconciled {
	size_t dropped, adopted, swept;
};

int reconcile(struct index *x, const char *dir, struct reconciled *done, struct err *e);
/* Removes the entry and the files that only it had. */
int reconcile_drop(struct index *x, const char *dir, const char *key, struct err *e);
/* Is every file of the entry there in its full size? 1, 0, -1. */
int reconcile_whole(struct index *x, const char *dir, const struct cache_entry *en, struct err *e);

#endif
