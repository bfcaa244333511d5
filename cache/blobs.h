/* Blob files: DIR/blobs/sha256/ab/HEX, and the record that describes an entry. */
#ifndef CACHE_BLOBS_H
#define CACHE_BLOBS_H

#include "cache/cache.h"

#define BLOB_PATH_MAX 4096

int blobs_make_dirs(const char *dir, struct err *e);
void blob_path(const char *dir, const char *digest, char out[BLOB_PATH_MAX]);
/* Is the file there in this size? */
bool blob_whole(const char *dir, const char *digest, uint64_t bytes);
void blob_remove(const char *dir, const char *digest);
/* Digest and size of a file, which is fsynced on the way. */
int blob_digest(const char *path, char digest[SHA256_HEX], uint64_t *bytes, struct err *e);

/* Writes the record of an entry; its digest and size come back. */
int record_write(const char *dir, const struct cache_entry *en, char digest[SHA256_HEX],
		 uint64_t *bytes, struct err *e);
/* true: the blob is a record with the right digest, now in *out. */
bool record_read(const char *dir, const char *digest, struct cache_entry *out, uint64_t *bytes);

#endif
