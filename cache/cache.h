/*
 * What was compiled, under the key of everything that went in: an index in
 * SQLite, the bytes in content-addressed files. README.md has the layout.
 * Safe from any thread; one process per store.
 */
#ifndef CACHE_CACHE_H
#define CACHE_CACHE_H

#include "base/err.h"
#include "base/hash.h"

#define CACHE_PARTS_MAX 20
#define CACHE_NAME_MAX	64

struct cache;

/* Bytes with a name: a whole blob file, or a range of one. */
struct cache_part {
	char name[CACHE_NAME_MAX];
	char digest[SHA256_HEX]; /* of these bytes */
	char file[SHA256_HEX];	 /* of the blob file that holds them; equal to digest: all of it */
	uint64_t offset, bytes;
};

struct cache_entry {
	char key[SHA256_HEX];
	size_t nparts;
	struct cache_part parts[CACHE_PARTS_MAX]; /* in the order of cache_put */
};

/* A part to store. A path is moved into the store, and digest and bytes are found
 * from the file; a NULL path is a range of the first part, with all fields given. */
struct cache_source {
	const char *path;
	struct cache_part part;
};

struct cache_stats {
	uint64_t bytes, blobs, entries, damaged;
};

/* Makes or opens the store: migrates the index, sets a broken one aside, adopts and sweeps blobs.
 */
int cache_open(const char *dir, struct cache **c, struct err *e);
void cache_close(struct cache *c); /* NULL is fine */
/* "tmp" (emptied by cache_open) or "kernels", as a path that lives as long as the cache. */
const char *cache_dir(const struct cache *c, const char *name);

/* 1: found, and every file is there in its full size; 0: not here (a damaged entry is dropped). */
int cache_get(struct cache *c, const char *key, struct cache_entry *out, struct err *e);
/* The part that has this digest: 1 or 0. */
int cache_find(struct cache *c, const char *digest, struct cache_part *out, struct err *e);
/* Opens the file of a part for reading at part->offset; -1 where it is gone or too short. */
int cache_read(struct cache *c, const struct cache_part *part);
/* Durable when it returns. An entry of the same key is replaced. */
int cache_put(struct cache *c, const char *key, const struct cache_source *from, size_t n,
	      struct err *e);

/* Notes a use for the order of eviction; written in batches. */
int cache_hit(struct cache *c, const char *key, struct err *e);
int cache_pin(struct cache *c, const char *key, bool pinned, struct err *e);
/* Evicts the longest unused entries until at most limit bytes stay. Spares pinned
 * ones and those used in the last min_age seconds. Writes noted uses. */
int cache_gc(struct cache *c, uint64_t limit, int64_t min_age, struct err *e);
int cache_stats(struct cache *c, struct cache_stats *out, struct err *e);

#endif
