/* Blob files and records. A record is canonical JSON, at most RECORD_MAX bytes, and a blob itself.
 */
#include "cache/blobs.h"

#include "base/fs.h"
#include "base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void blob_path(const char *dir, const char *digest, char out[BLOB_PATH_MAX])
{
	snprintf(out, BLOB_PATH_MAX, "%s/blobs/sha256/%.2s/%s", dir, digest, digest);
}

int blobs_make_dirs(const char *dir, struct err *e)
{
	char path[BLOB_PATH_MAX];

	for (unsigned i = 0; i < 256; i++) {
		snprintf(path, sizeof(path), "%s/blobs/sha256/%02x", dir, i);
		if (fs_mkdirs(path, e) < 0)
			return -1;
	}
	snprintf(path, sizeof(path), "%s/blobs/sha256", dir);
	return fs_sync_dir(path, e);
}

bool blob_whole(const char *dir, const char *digest, uint64_t bytes)
{
	char path[BLOB_PATH_MAX];
	struct stat st;

	blob_path(dir, digest, path);
	return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == bytes;
}

void blob_remove(const char *dir, const char *digest)
{
	char path[BLOB_PATH_MAX];

	blob_path(dir, digest, path);
	unlink(path);
}

int blob_digest(const char *path, char digest[SHA256_HEX], uint64_t *bytes, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), ret = -1;
	uint8_t part[65536];
	struct hash h;
	ssize_t n;

	if (fd < 0)
		return fail(e, E_IO, "%s: %s", path, strerror(errno));
	hash_init(&h);
	*bytes = 0;
	while ((n = read(fd, part, sizeof(part))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			goto done;
		hash_add(&h, part, (size_t)n);
		*bytes += (uint64_t)n;
	}
	hash_hex(&h, digest);
	ret = fsync(fd);
done:
	if (ret < 0)
		fail(e, E_IO, "%s: %s", path, strerror(errno));
	close(fd);
	return ret;
}

int record_write(const char *dir, const struct cache_entry *en, char digest[SHA256_HEX],
		 uint64_t *bytes, struct err *e)
{
	char path[BLOB_PATH_MAX];
	struct buf text = BUF_INIT;
	struct json j = json_begin(&text);
	int ret;

	json_open(&j, NULL, '{');
	json_int(&j, "occamy_entry", 1);
	json_str(&j, "key", en->key);
	json_open(&j, "parts", '[');
	for (size_t i = 0; i < en->nparts; i++) {
		const struct cache_part *p = &en->parts[i];

		json_open(&j, NULL, '{');
		json_str(&j, "name", p->name);
		json_str(&j, "digest", p->digest);
		json_str(&j, "file", p->file);
		json_int(&j, "offset", (int64_t)p->offset);
		json_int(&j, "bytes", (int64_t)p->bytes);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
	hash_bytes_hex(text.data, text.len, digest);
	*bytes = text.len;
	blob_path(dir, digest, path);
	ret = fs_write_atomic(path, buf_span(&text), e);
	buf_release(&text);
	return ret;
}
