/*
 * At every start index and files are made to agree, in three steps:
 *	1. entries whose files are gone or short are dropped;
 *	2. records that the index does not know, but whose files are all there,
 *	   become entries: a crash between files and row, or a lost index;
 *	3. files that no row names are removed.
 * A rebuilt index is nothing else than this over an empty one.
 */
#include "cache/reconcile.h"

#include "cache/blobs.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int reconcile_drop(struct index *x, const char *dir, const char *key, struct err *e)
{
	struct buf gone = BUF_INIT;
	char record[SHA256_HEX];
	int ret = index_record(x, key, record, e);

	/* The record first: without it a crash right here can't bring the entry back. */
	if (ret == 1)
		blob_remove(dir, record);
	if (ret >= 0)
		ret = index_drop(x, key, &gone, e);
	for (size_t at = 0; ret == 0 && at < gone.len; at += SHA256_HEX)
		blob_remove(dir, (const char *)gone.data + at);
	buf_release(&gone);
	return ret;
}

int reconcile_whole(struct index *x, const char *dir, const struct cache_entry *en, struct err *e)
{
	for (size_t i = 0; i < en->nparts; i++) {
		const struct cache_part *p = &en->parts[i];
		uint64_t bytes = 0;
		int have = 1;

		if (i && !strcmp(p->file, en->parts[0].file) && strcmp(p->file, p->digest) != 0)
			continue; /* a range of the first file, which was looked at */
		have = index_blob(x, p->file, &bytes, e);
		if (have < 0)
			return -1;
		if (!have || !blob_whole(dir, p->file, bytes))
			return 0;
	}
	return 1;
}

static int drop_broken(struct index *x, const char *dir, struct reconciled *done, struct err *e)
{
	struct buf keys = BUF_INIT;
	int ret = index_keys(x, &keys, e);

	for (size_t at = 0; ret == 0 && at < keys.len; at += SHA256_HEX) {
		const char *key = (const char *)keys.data + at;
		struct cache_entry en;
		int whole = index_get(x, key, &en, e);

		if (whole == 1)
			whole = reconcile_whole(x, dir, &en, e);
		if (whole == 0) {
			ret = reconcile_drop(x, dir, key, e);
			done->dropped++;
		}
		ret = whole < 0 ? -1 : ret;
	}
	buf_release(&keys);
	return ret;
}

/* Appends the digests of all blob files that the index does not know; removes other files. */
static int unknown_files(struct index *x, const char *dir, struct buf *out, struct err *e)
{
	char path[BLOB_PATH_MAX];
	int ret = 0;

	for (unsigned i = 0; i < 256 && ret == 0; i++) {
		struct dirent *entry;
		DIR *d;

		snprintf(path, sizeof(path), "%s/blobs/sha256/%02x", dir, i);
		d = opendir(path);
		if (!d)
			return fail(e, E_IO, "%s: %s", path, strerror(errno));
		while (ret >= 0 && (entry = readdir(d))) {
			uint64_t bytes;

			if (entry->d_name[0] == '.')
				continue;
			if (!hash_is_hex(entry->d_name)) {
				unlinkat(dirfd(d), entry->d_name, 0);
				continue;
			}
			ret = index_blob(x, entry->d_name, &bytes, e);
			if (ret == 0)
				buf_append(out, entry->d_name, SHA256_HEX);
			ret = ret < 0 ? -1 : 0;
		}
		closedir(d);
	}
	return ret;
}

/* Whole-file parts must be there in size, ranges must lie inside the first part. */
static bool files_there(const char *dir, const struct cache_entry *en)
{
	const struct cache_part *first = &en->parts[0];

	for (size_t i = 0; i < en->nparts; i++) {
		const struct cache_part *p = &en->parts[i];
		bool file = !strcmp(p->file, p->digest);

		if (file && (p->offset != 0 || !blob_whole(dir, p->file, p->bytes)))
			return false;
		if (!file && (strcmp(p->file, first->digest) != 0 || p->offset > first->bytes ||
			      p->bytes > first->bytes - p->offset))
			return false;
	}
	return true;
}

static int adopt(struct index *x, const char *dir, const char *digest, struct reconciled *done,
		 struct err *e)
{
	struct cache_entry en, old;
	uint64_t bytes;
	int have;

	if (!record_read(dir, digest, &en, &bytes) || !files_there(dir, &en))
		return 0;
	have = index_get(x, en.key, &old, e);
	if (have != 0)
		return have < 0 ? -1 : 0;
	done->adopted++;
	return index_put(x, &en, digest, bytes, e);
}

int reconcile(struct index *x, const char *dir, struct reconciled *done, struct err *e)
{
	struct buf files = BUF_INIT;
	uint64_t bytes;
	int ret;

	*done = (struct reconciled){0, 0, 0};
	ret = drop_broken(x, dir, done, e);
	if (ret == 0)
		ret = unknown_files(x, dir, &files, e);
	for (size_t at = 0; ret == 0 && at < files.len; at += SHA256_HEX)
		ret = adopt(x, dir, (const char *)files.data + at, done, e);
	for (size_t at = 0; ret == 0 && at < files.len; at += SHA256_HEX) {
		const char *digest = (const char *)files.data + at;

		ret = index_blob(x, digest, &bytes, e);
		if (ret == 0) {
			blob_remove(dir, digest);
			done->swept++;
		}
		ret = ret < 0 ? -1 : 0;
	}
	buf_release(&files);
	return ret;
}
