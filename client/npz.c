/*
 * Reads the zip archive of an .npz from its end: the end record tells where
 * the directory is, the directory where each member is. Sizes and offsets
 * beyond 32 bits stand in the records of zip64. What is not stored as it is
 * (compressed, encrypted) is refused. APPNOTE.TXT of PKWARE has the format.
 */
#include "client/npz.h"

#include <string.h>

#define END_BYTES     22
#define END64_BYTES   56
#define LOCATOR_BYTES 20
#define ENTRY_BYTES   46
#define LOCAL_BYTES   30
#define COMMENT_MAX   UINT16_MAX

struct zip { /* the archive while it is read */
	struct span file;
	const char *path;
	struct err *e;
};

struct entry { /* of the directory */
	uint64_t stored, bytes, local;
	uint32_t name_len, extra_len, comment_len, method, flags;
};

static int bad(const struct zip *z, const char *why)
{
	return fail(z->e, E_INPUT_FILE, "%s: not an .npz file: %s", z->path, why);
}

static uint64_t little(const uint8_t *p, int bytes)
{
	uint64_t v = 0;

	while (bytes-- > 0)
		v = v << 8 | p[bytes];
	return v;
}

/* The bytes there if the file has them all and they begin with the signature, else NULL. */
static const uint8_t *record(const struct zip *z, uint64_t at, uint64_t bytes, uint32_t signature)
{
	if (at > z->file.len || bytes > z->file.len - at)
		return NULL;
	return little(z->file.data + at, 4) == signature ? z->file.data + at : NULL;
}

/* Where directory begins and how many members it lists. */
static int find_directory(const struct zip *z, uint64_t *at, uint64_t *count)
{
	const uint8_t *end = NULL, *locator = NULL, *end64;
	uint64_t tail;

	for (tail = END_BYTES; !end && tail <= END_BYTES + COMMENT_MAX && tail <= z->file.len;
	     tail++) {
		end = record(z, z->file.len - tail, END_BYTES, 0x06054b50);
		if (end && little(end + 20, 2) != tail - END_BYTES)
			end = NULL;
	}
	if (!end)
		return bad(z, "it has no end record");
	*count = little(end + 10, 2);
	*at = little(end + 16, 4);
	if ((uint64_t)(end - z->file.data) >= LOCATOR_BYTES)
		locator = record(z, (uint64_t)(end - z->file.data) - LOCATOR_BYTES, LOCATOR_BYTES,
				 0x07064b50);
	if (!locator)
		return 0;
	end64 = record(z, little(locator + 8, 8), END64_BYTES, 0x06064b50);
	if (!end64)
		return bad(z, "its zip64 end record is cut short");
	*count = little(end64 + 32, 8);
	*at = little(end64 + 48, 8);
	return 0;
}

/* Those of the three numbers that did not fit into 32 bits, in this order. */
static int read_zip64(const struct zip *z, const uint8_t *extra, struct entry *n)
{
	uint64_t *const number[] = {&n->bytes, &n->stored, &n->local};
	uint32_t left = n->extra_len, len;

	for (; left >= 4; extra += 4 + len, left -= 4 + len) {
		uint32_t used = 0;

		len = (uint32_t)little(extra + 2, 2);
		if (len > left - 4)
			return bad(z, "an extra field is cut short");
		for (size_t i = 0; little(extra, 2) == 1 && i < COUNT_OF(number); i++) {
			if (*number[i] != UINT32_MAX)
				continue;
			if (used + 8 > len)
				return bad(z, "a zip64 field is cut short");
			*number[i] = little(extra + 4 + used, 8);
			used += 8;
		}
	}
	return 0;
}

static int read_entry(const struct zip *z, uint64_t at, struct entry *n)
{
	const uint8_t *p = record(z, at, ENTRY_BYTES, 0x02014b50);

	if (!p)
		return bad(z, "its directory is cut short");
	*n = (struct entry){.flags = (uint32_t)little(p + 8, 2),
			    .method = (uint32_t)little(p + 10, 2),
			    .stored = little(p + 20, 4),
			    .bytes = little(p + 24, 4),
			    .name_len = (uint32_t)little(p + 28, 2),
			    .extra_len = (uint32_t)little(p + 30, 2),
			    .comment_len = (uint32_t)little(p + 32, 2),
			    .local = little(p + 42, 4)};
	if (!record(z, at, ENTRY_BYTES + n->name_len + n->extra_len + n->comment_len, 0x02014b50))
		return bad(z, "its directory is cut short");
	return read_zip64(z, p + ENTRY_BYTES + n->name_len, n);
}

static int find_data(const struct zip *z, const struct entry *n, const char *name, struct span *out)
{
	const uint8_t *local = record(z, n->local, LOCAL_BYTES, 0x04034b50);
	uint64_t at;

	if (n->method != 0 || n->flags & 1) {
		fail(z->e, E_INPUT_FILE, "%s: '%s' is %s", z->path, name,
		     n->flags & 1 ? "encrypted" : "compressed");
		return err_hint(z->e, "write the file with numpy.savez, which only stores");
	}
	if (!local)
		return bad(z, "a member is cut short");
	at = n->local + LOCAL_BYTES + little(local + 26, 2) + little(local + 28, 2);
	if (n->stored != n->bytes || at > z->file.len || n->bytes > z->file.len - at)
		return bad(z, "a member is cut short");
	*out = (struct span){z->file.data + at, (size_t)n->bytes};
	return 0;
}

/* Members of other kinds are left alone. */
static int add_member(struct npz *out, const struct zip *z, const uint8_t *name,
		      const struct entry *n)
{
	size_t len = n->name_len < 4 || memcmp(name + n->name_len - 4, ".npy", 4) != 0
			     ? 0
			     : n->name_len - 4;
	struct npz_member *m;
	uint32_t *number;

	if (!len)
		return 0;
	number = names_at(&out->index, name, len);
	if (*number)
		return bad(z, "a name stands twice");
	out->member = GROW(out->arena, out->member, out->count);
	m = &out->member[out->count++];
	*number = out->count;
	m->name = arena_strndup(out->arena, name, len);
	return find_data(z, n, m->name, &m->npy);
}

int npz_parse(struct span file, const char *path, struct npz *out, struct err *e)
{
	const struct zip z = {file, path, e};
	uint64_t at, count;
	struct entry n;

	*out = (struct npz){.path = path, .arena = arena_open(0)};
	out->index = names_begin(out->arena);
	if (find_directory(&z, &at, &count) < 0)
		return -1;
	for (; count; count--) {
		if (read_entry(&z, at, &n) < 0 ||
		    add_member(out, &z, file.data + at + ENTRY_BYTES, &n) < 0)
			return -1;
		at += ENTRY_BYTES + n.name_len + n.extra_len + n.comment_len;
	}
	return 0;
}

int npz_open(const char *path, struct npz *z, struct err *e)
{
	struct map map;
	int ret;

	if (fs_map(path, &map, e) < 0)
		return -1;
	ret = npz_parse((struct span){map.data, map.len}, path, z, e);
	z->map = map;
	return ret;
}

const struct npz_member *npz_find(const struct npz *z, const char *name)
{
	uint32_t number = names_find(&z->index, name, strlen(name));

	return number ? &z->member[number - 1] : NULL;
}

int npz_array(const struct npz *z, const struct npz_member *m, struct ndarray *out, struct err *e)
{
	struct buf name = BUF_INIT;
	int ret;

	buf_printf(&name, "%s: %s", z->path, m->name);
	ret = npy_parse(m->npy, buf_str(&name), out, e);
	buf_release(&name);
	return ret;
}

void npz_release(struct npz *z)
{
	arena_close(z->arena);
	fs_unmap(&z->map);
	*z = (struct npz){0};
}
