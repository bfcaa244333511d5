/*
 * A file DIR/KEY.k: head (magic, sizes, numbers; all little endian), PTX, cubin, and the SHA-256
 * of the key and all bytes before it.
 */
#include "compiler/kcache.h"

#include "base/fs.h"

#include <stdio.h>
#include <string.h>

#define MAGIC	   "OCCAMYK1"
#define FILE_LIMIT ((size_t)64 << 20)

struct head {
	char magic[8];
	uint64_t ptx_bytes, cubin_bytes;
	uint32_t registers, spill_bytes, shared_bytes, zero;
};

void kcache_key(const char *source, const char *arch, const struct nvrtc *n, char key[SHA256_HEX])
{
	struct hash h;
	int major, minor;

	nvrtc_version(n, &major, &minor);
	hash_init(&h);
	hash_str(&h, MAGIC);
	hash_str(&h, source);
	hash_str(&h, arch);
	hash_str(&h, NVRTC_OPTIONS);
	hash_int(&h, major);
	hash_int(&h, minor);
	hash_hex(&h, key);
}

static void path_of(char *path, size_t size, const char *dir, const char *key)
{
	snprintf(path, size, "%s/%s.k", dir, key);
}

static void digest(const char *key, const void *data, size_t len, char out[SHA256_HEX])
{
	struct hash h;

	hash_init(&h);
	hash_str(&h, key);
	hash_field(&h, data, len);
	hash_hex(&h, out);
}

static bool unpack(const char *key, const struct buf *file, struct nvrtc_result *r)
{
	struct head head;
	char hex[SHA256_HEX];
	size_t body = file->len - (SHA256_HEX - 1);

	if (file->len < sizeof(head) + SHA256_HEX)
		return false;
	memcpy(&head, file->data, sizeof(head));
	digest(key, file->data, body, hex);
	if (memcmp(head.magic, MAGIC, sizeof(head.magic)) != 0 ||
	    memcmp(file->data + body, hex, SHA256_HEX - 1) != 0)
		return false;
	CHECK(head.ptx_bytes + head.cubin_bytes + sizeof(head) == body);
	buf_append(&r->ptx, file->data + sizeof(head), head.ptx_bytes);
	buf_append(&r->cubin, file->data + sizeof(head) + head.ptx_bytes, head.cubin_bytes);
	r->registers = head.registers;
	r->spill_bytes = head.spill_bytes;
	r->shared_bytes = head.shared_bytes;
	return true;
}

bool kcache_get(const char *dir, const char *key, struct nvrtc_result *r)
{
	struct buf file = BUF_INIT;
	struct err ignored = ERR_INIT;
	char path[4096];
	bool hit;

	*r = (struct nvrtc_result){0};
	path_of(path, sizeof(path), dir, key);
	hit = fs_read(path, FILE_LIMIT, &file, &ignored) == 0 && unpack(key, &file, r);
	err_release(&ignored);
	buf_release(&file);
	return hit;
}

void kcache_put(const char *dir, const char *key, const struct nvrtc_result *r)
{
	struct head head = {.ptx_bytes = r->ptx.len,
			    .cubin_bytes = r->cubin.len,
			    .registers = r->registers,
			    .spill_bytes = r->spill_bytes,
			    .shared_bytes = r->shared_bytes};
	struct buf file = BUF_INIT;
	struct err ignored = ERR_INIT;
	char path[4096], hex[SHA256_HEX];

	memcpy(head.magic, MAGIC, sizeof(head.magic));
	buf_append(&file, &head, sizeof(head));
	buf_append(&file, r->ptx.data, r->ptx.len);
	buf_append(&file, r->cubin.data, r->cubin.len);
	digest(key, file.data, file.len, hex);
	buf_append(&file, hex, SHA256_HEX - 1);
	path_of(path, sizeof(path), dir, key);
	if (fs_mkdirs(dir, &ignored) == 0)
		fs_write_atomic(path, buf_span(&file), &ignored);
	err_release(&ignored);
	buf_release(&file);
}
