/*
 * The store: index, blob files, the lock that keeps a second process out,
 * and the list of uses that wait to be written.
 */
#include "cache/cache.h"

#include "base/fs.h"
#include "base/log.h"
#include "cache/blobs.h"
#include "cache/reconcile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define USES_MAX 1024 /* keys with noted uses; a full list is written at once */

struct cache {
	char *dir, *tmp, *kernels;
	int lock_fd;
	struct index *index;
	pthread_mutex_t files; /* publishing and removing of blob files */
	pthread_mutex_t uses_lock;
	size_t nuses;
	struct index_use uses[USES_MAX];
	uint64_t damaged; /* under files */
};

/* ---- opening ---- */

/* Whatever an earlier process left in tmp: files, and directories of files. */
static void empty_dir(int at, const char *name, int depth)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(d))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (unlinkat(fd, entry->d_name, 0) == 0 || depth == 0)
			continue;
		empty_dir(fd, entry->d_name, depth - 1);
		unlinkat(fd, entry->d_name, AT_REMOVEDIR);
	}
	closedir(d);
}

static char *sub_path(const char *dir, const char *name)
{
	struct buf b = BUF_INIT;

	buf_printf(&b, "%s/%s", dir, name);
	return (char *)b.data;
}

static int take_lock(struct cache *c, struct err *e)
{
	char *path = sub_path(c->dir, "lock");
	int ret = 0;

	c->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (c->lock_fd < 0)
		ret = fail(e, E_IO, "%s: %s", path, strerror(errno));
	else if (flock(c->lock_fd, LOCK_EX | LOCK_NB) < 0)
		ret = fail(e, E_IO, "%s: another process uses this store", path);
	mem_free(path);
	return ret;
}

/* The first free name index.db.broken-N; the log files of SQLite go along. */
static int set_aside(const char *path, struct err *e)
{
	static const char *const tails[] = {"", "-wal", "-shm"};
	char from[BLOB_PATH_MAX], to[BLOB_PATH_MAX];
	int n = 1;

	do
		snprintf(to, sizeof(to), "%s.broken-%d", path, n++);
	while (fs_exists(to));
	log_event(LOG_ERROR, "cache_index_broken", "moved_to=%s", to);
	for (size_t i = 0; i < COUNT_OF(tails); i++) {
		snprintf(from, sizeof(from), "%s%s", path, tails[i]);
		snprintf(to, sizeof(to), "%s.broken-%d%s", path, n - 1, tails[i]);
		if (rename(from, to) < 0 && errno != ENOENT)
			return fail(e, E_IO, "%s: %s", from, strerror(errno));
	}
	return 0;
}

static int open_index(struct cache *c, struct err *e)
{
	char *path = sub_path(c->dir, "index.db");
	struct err first = ERR_INIT;
	int ret = index_open(path, &c->index, &first);

	if (ret < 0 && first.code == E_ARTIFACT) {
		log_event(LOG_ERROR, "cache_index_broken", "detail=\"%s\"", first.detail);
		ret = set_aside(path, e);
		if (ret == 0)
			ret = index_open(path, &c->index, e);
	} else if (ret < 0) {
		fail(e, first.code, "%s", first.detail);
	}
	err_release(&first);
	mem_free(path);
	return ret;
}

int cache_open(const char *dir, struct cache **out, struct err *e)
{
	struct cache *c = mem_alloc(sizeof(*c));
	struct reconciled done;

	c->lock_fd = -1;
	c->dir = mem_strdup(dir);
	c->tmp = sub_path(dir, "tmp");
	c->kernels = sub_path(dir, "kernels");
	pthread_mutex_init(&c->files, NULL);
	pthread_mutex_init(&c->uses_lock, NULL);
	if (fs_mkdirs(c->tmp, e) < 0 || fs_mkdirs(c->kernels, e) < 0 || take_lock(c, e) < 0 ||
	    blobs_make_dirs(dir, e) < 0 || open_index(c, e) < 0 ||
	    reconcile(c->index, dir, &done, e) < 0) {
		cache_close(c);
		return -1;
	}
	empty_dir(AT_FDCWD, c->tmp, 2);
	if (done.dropped || done.adopted || done.swept)
		log_event(LOG_INFO, "cache_reconciled", "dropped=%zu adopted=%zu swept=%zu",
			  done.dropped, done.adopted, done.swept);
	*out = c;
	return 0;
}

static int write_uses(struct cache *c, struct err *e)
{
	int ret = c->nuses ? index_used(c->index, c->uses, c->nuses, e) : 0;

	c->nuses = 0;
	return ret;
}

void cache_close(struct cache *c)
{
	struct err e = ERR_INIT;

	if (!c)
		return;
	if (c->index && write_uses(c, &e) < 0)
		log_event(LOG_WARN, "cache_uses_lost", "detail=\"%s\"", e.detail);
	err_release(&e);
	index_close(c->index);
	if (c->lock_fd >= 0)
		close(c->lock_fd);
	pthread_mutex_destroy(&c->files);
	pthread_mutex_destroy(&c->uses_lock);
	mem_free(c->dir);
	mem_free(c->tmp);
	mem_free(c->kernels);
	mem_free(c);
}

const char *cache_dir(const struct cache *c, const char *name)
{
	return !strcmp(name, "tmp") ? c->tmp : c->kernels;
}

/* ---- reading ---- */

static int drop_damaged(struct cache *c, const char *key, struct err *e)
{
	struct cache_entry en;
	int whole, ret = 0;

	/* Looked at again under the lock: a publish may have healed it meanwhile. */
	pthread_mutex_lock(&c->files);
	whole = index_get(c->index, key, &en, e);
	if (whole == 1)
		whole = reconcile_whole(c->index, c->dir, &en, e);
	if (whole == 0) {
		c->damaged++;
		ret = reconcile_drop(c->index, c->dir, key, e);
		log_event(LOG_WARN, "cache_damaged", "key=%s", key);
	}
	pthread_mutex_unlock(&c->files);
	return whole < 0 ? -1 : ret;
}

int cache_get(struct cache *c, const char *key, struct cache_entry *out, struct err *e)
{
	int ret = hash_is_hex(key) ? index_get(c->index, key, out, e) : 0;

	if (ret != 1)
		return ret;
	ret = reconcile_whole(c->index, c->dir, out, e);
	return ret != 0 ? ret : drop_damaged(c, key, e);
}

int cache_find(struct cache *c, const char *digest, struct cache_part *out, struct err *e)
{
	return hash_is_hex(digest) ? index_find(c->index, digest, out, e) : 0;
}

int cache_read(struct cache *c, const struct cache_part *part)
{
	char path[BLOB_PATH_MAX];
	struct stat st;
	int fd;

	blob_path(c->dir, part->file, path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size < part->offset ||
	    (uint64_t)st.st_size - part->offset < part->bytes ||
	    lseek(fd, (off_t)part->offset, SEEK_SET) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

int cache_stats(struct cache *c, struct cache_stats *out, struct err *e)
{
	pthread_mutex_lock(&c->files);
	out->damaged = c->damaged;
	pthread_mutex_unlock(&c->files);
	return index_stats(c->index, out, e);
}

/* ---- writing ---- */

/* Fills digests and sizes; nothing has moved yet. */
static int describe(struct cache_entry *en, const struct cache_source *from, size_t n,
		    struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		struct cache_part *p = &en->parts[i];

		*p = from[i].part;
		if (from[i].path) {
			p->offset = 0;
			if (blob_digest(from[i].path, p->digest, &p->bytes, e) < 0)
				return -1;
			memcpy(p->file, p->digest, sizeof(p->file));
			continue;
		}
		CHECK(i > 0 && hash_is_hex(p->digest));
		CHECK(p->offset <= en->parts[0].bytes);
		CHECK(p->bytes <= en->parts[0].bytes - p->offset);
		memcpy(p->file, en->parts[0].digest, sizeof(p->file));
	}
	return 0;
}

/* Files, then the record, then the row: a row never names what is not there. */
static int publish(struct cache *c, const struct cache_entry *en, const struct cache_source *from,
		   struct err *e)
{
	char path[BLOB_PATH_MAX], record[SHA256_HEX];
	uint64_t bytes;

	for (size_t i = 0; i < en->nparts; i++) {
		if (!from[i].path)
			continue;
		blob_path(c->dir, en->parts[i].digest, path);
		if (fs_move(from[i].path, path, e) < 0)
			return -1;
	}
	if (record_write(c->dir, en, record, &bytes, e) < 0)
		return -1;
	return index_put(c->index, en, record, bytes, e);
}

int cache_put(struct cache *c, const char *key, const struct cache_source *from, size_t n,
	      struct err *e)
{
	struct cache_entry en = {.nparts = n};
	int ret;

	CHECK(n > 0 && n <= CACHE_PARTS_MAX && from[0].path && hash_is_hex(key));
	memcpy(en.key, key, sizeof(en.key));
	if (describe(&en, from, n, e) < 0)
		return -1;
	pthread_mutex_lock(&c->files);
	ret = publish(c, &en, from, e);
	pthread_mutex_unlock(&c->files);
	return ret;
}

int cache_hit(struct cache *c, const char *key, struct err *e)
{
	size_t i = 0;
	int ret = 0;

	pthread_mutex_lock(&c->uses_lock);
	while (i < c->nuses && memcmp(c->uses[i].key, key, SHA256_HEX) != 0)
		i++;
	if (i == c->nuses) {
		c->nuses++;
		memcpy(c->uses[i].key, key, SHA256_HEX);
		c->uses[i].hits = 0;
	}
	c->uses[i].hits++;
	if (c->nuses == USES_MAX)
		ret = write_uses(c, e);
	pthread_mutex_unlock(&c->uses_lock);
	return ret;
}

int cache_pin(struct cache *c, const char *key, bool pinned, struct err *e)
{
	return index_pin(c->index, key, pinned, e);
}

int cache_gc(struct cache *c, uint64_t limit, int64_t min_age, struct err *e)
{
	struct cache_stats stats;
	char key[SHA256_HEX];
	int ret;

	pthread_mutex_lock(&c->uses_lock);
	ret = write_uses(c, e);
	pthread_mutex_unlock(&c->uses_lock);
	pthread_mutex_lock(&c->files);
	while (ret == 0 && (ret = index_stats(c->index, &stats, e)) == 0 && stats.bytes > limit) {
		int more = index_oldest(c->index, (int64_t)time(NULL) - min_age, key, e);

		if (more <= 0) {
			ret = more;
			break;
		}
		ret = reconcile_drop(c->index, c->dir, key, e);
		log_event(LOG_INFO, "cache_evicted", "key=%s", key);
	}
	pthread_mutex_unlock(&c->files);
	return ret;
}
