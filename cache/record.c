/* Reads records: blobs of canonical JSON that begin with RECORD_MAGIC. */
#include "base/fs.h"
#include "cache/blobs.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RECORD_MAGIC "{\"occamy_entry\":1,"
#define RECORD_MAX   65536

static bool copy_text(const json_t *o, const char *name, char *out, size_t size)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s && snprintf(out, size, "%s", s) < (int)size;
}

static bool copy_size(const json_t *o, const char *name, uint64_t *out)
{
	const json_t *v = json_object_get(o, name);

	*out = (uint64_t)json_integer_value(v);
	return json_is_integer(v) && json_integer_value(v) >= 0;
}

static bool parse_record(const json_t *root, struct cache_entry *out)
{
	const json_t *parts = json_object_get(root, "parts"), *v;
	size_t i;

	*out = (struct cache_entry){.nparts = json_array_size(parts)};
	if (!copy_text(root, "key", out->key, sizeof(out->key)) || !hash_is_hex(out->key) ||
	    out->nparts == 0 || out->nparts > CACHE_PARTS_MAX)
		return false;
	json_array_foreach(parts, i, v)
	{
		struct cache_part *p = &out->parts[i];

		if (!copy_text(v, "name", p->name, sizeof(p->name)) ||
		    !copy_text(v, "digest", p->digest, sizeof(p->digest)) ||
		    !copy_text(v, "file", p->file, sizeof(p->file)) ||
		    !copy_size(v, "offset", &p->offset) || !copy_size(v, "bytes", &p->bytes) ||
		    !hash_is_hex(p->digest) || !hash_is_hex(p->file))
			return false;
	}
	return true;
}

bool record_read(const char *dir, const char *digest, struct cache_entry *out, uint64_t *bytes)
{
	char path[BLOB_PATH_MAX], start[sizeof(RECORD_MAGIC) - 1], found[SHA256_HEX];
	struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	json_t *root = NULL;
	bool ok = false;
	int fd;

	blob_path(dir, digest, path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	ok = read(fd, start, sizeof(start)) == (ssize_t)sizeof(start) &&
	     !memcmp(start, RECORD_MAGIC, sizeof(start));
	close(fd);
	if (!ok)
		return false;
	ok = fs_read(path, RECORD_MAX, &text, &e) == 0;
	if (ok) {
		hash_bytes_hex(text.data, text.len, found);
		root = json_loadb(buf_str(&text), text.len, JSON_REJECT_DUPLICATES, NULL);
		ok = !strcmp(found, digest) && root && parse_record(root, out);
		*bytes = text.len;
	}
	json_decref(root);
	buf_release(&text);
	err_release(&e);
	return ok;
}
