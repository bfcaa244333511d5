/*
 * Files: whole reads, read-only maps, and writes that are there entirely or not at all.
 */
#ifndef BASE_FS_H
#define BASE_FS_H

#include "base/buf.h"
#include "base/err.h"

/* A file mapped read-only and private. An empty file gives len 0. */
struct map {
	const uint8_t *data;
	size_t len;
};

int fs_map(const char *path, struct map *m, struct err *e); /* E_NO_FILE, E_IO */
int fs_map_fd(int fd, const char *name, struct map *m, struct err *e);
void fs_unmap(struct map *m);

int fs_read(const char *path, size_t limit, struct buf *out, struct err *e);
/* Temporary file beside path, fsync, rename, fsync of the directory. */
int fs_write_atomic(const char *path, struct span data, struct err *e);
/* The same for the parts in a row. */
int fs_write_parts(const char *path, const struct span *parts, size_t nparts, struct err *e);
int fs_mkdirs(const char *path, struct err *e);	  /* like mkdir -p, mode 0700 for new ones */
int fs_sync_dir(const char *path, struct err *e); /* fsync of a directory */
int fs_move(const char *from, const char *to, struct err *e); /* rename, fsync of the directory */
bool fs_exists(const char *path);

#endif
