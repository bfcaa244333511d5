/*
 * The index in SQLite: rows only, no files. Two connections: lookups never
 * wait for a commit. Each has its own lock.
 */
#ifndef CACHE_INDEX_H
#define CACHE_INDEX_H

#include "cache/cache.h"

struct index;

struct index_use {
	char key[SHA256_HEX];
	int64_t hits;
};

/* E_ARTIFACT: the file is damaged and may be set aside. Anything else: it must stay as it is. */
int index_open(const char *path, struct index **x, struct err *e);
void index_close(struct index *x);

int index_get(struct index *x, const char *key, struct cache_entry *out, struct err *e);
int index_find(struct index *x, const char *digest, struct cache_part *out, struct err *e);
/* 1 and its size, or 0. */
int index_blob(struct index *x, const char *digest, uint64_t *bytes, struct err *e);
int index_stats(struct index *x, struct cache_stats *out, struct err *e);

/* Replaces the entry in one transaction. */
int index_put(struct index *x, const struct cache_entry *en, const char *record,
	      uint64_t record_bytes, struct err *e);
int index_pin(struct index *x, const char *key, bool pinned, struct err *e);
int index_used(struct index *x, const struct index_use *uses, size_t n, struct err *e);
/* The record of an entry: 1 or 0. */
int index_record(struct index *x, const char *key, char record[SHA256_HEX], struct err *e);
/* The next entry to evict, last used before the given time: 1 or 0. */
int index_oldest(struct index *x, int64_t before, char key[SHA256_HEX], struct err *e);
/* Deletes the entry; digests of blobs that nothing names any more are appended to
 * gone, 65 bytes each, and their rows deleted. */
int index_drop(struct index *x, const char *key, struct buf *gone, struct err *e);
/* All keys, 65 bytes each. */
int index_keys(struct index *x, struct buf *keys, struct err *e);

#endif
