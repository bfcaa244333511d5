/*
 * Reads an artifact's header, manifest and blobs. Nothing in the file is
 * trusted: the header is checked against the file, the manifest against the
 * header's digest, its blobs against the one layout that the writer makes
 * (so that no byte lies outside of a digest or a zero padding).
 * artifact_plan.c reads the plan.
 */
#include "runtime/artifact_int.h"

#include "runtime/elem.h"
#include "runtime/want.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK ((size_t)64 << 10)

static uint64_t get_le(const uint8_t *p, int bytes)
{
	uint64_t v = 0;

	for (int i = 0; i < bytes; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

static int read_at(const struct artifact *a, uint64_t offset, void *to, size_t bytes, struct err *e)
{
	uint8_t *p = to;

	while (bytes) {
		ssize_t n = pread(a->fd, p, bytes, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(e, E_IO, "%s: %s", a->path, strerror(errno));
		if (n == 0)
			return fail(e, E_ARTIFACT, "%s: the file became shorter", a->path);
		p += n;
		offset += (uint64_t)n;
		bytes -= (size_t)n;
	}
	return 0;
}

static bool all_zero(const uint8_t *p, size_t len)
{
	return len == 0 || (p[0] == 0 && !memcmp(p, p + 1, len - 1));
}

/* ---- the header and the manifest's bytes ---- */

static int check_header(struct artifact *a, const uint8_t *h, uint64_t *len, struct err *e)
{
	uint32_t version = (uint32_t)get_le(h + 8, 4);

	if (memcmp(h, ARTIFACT_MAGIC, 8) != 0) {
		fail(e, E_ARTIFACT, "%s: not an Occamy artifact", a->path);
		return err_offset(e, 0);
	}
	if (version != ARTIFACT_VERSION) {
		fail(e, E_ARTIFACT_VERSION, "%s: format version %u, this program reads %d", a->path,
		     version, ARTIFACT_VERSION);
		return err_hint(e, "compile the model again, or update this program");
	}
	*len = get_le(h + 16, 8);
	if (!all_zero(h + 12, 4))
		return fail(e, E_ARTIFACT, "%s: the header's reserved bytes are not zero", a->path);
	if (get_le(h + 24, 8) != a->file_bytes)
		return fail(e, E_ARTIFACT,
			    "%s: the file has %" PRIu64 " bytes, its header says %" PRIu64, a->path,
			    a->file_bytes, get_le(h + 24, 8));
	if (*len > ARTIFACT_MANIFEST_MAX || *len > a->file_bytes - ARTIFACT_HEADER)
		return fail(e, E_ARTIFACT, "%s: a manifest of %" PRIu64 " bytes does not fit",
			    a->path, *len);
	return 0;
}

static int read_manifest(struct artifact *a, uint64_t *end, struct err *e)
{
	uint8_t head[ARTIFACT_HEADER], digest[SHA256_BYTES];
	struct sha256_ctx sha;
	uint64_t len = 0;
	char *text;

	if (a->file_bytes < ARTIFACT_HEADER)
		return fail(e, E_ARTIFACT, "%s: %" PRIu64 " bytes are too few for an artifact",
			    a->path, a->file_bytes);
	if (read_at(a, 0, head, sizeof(head), e) < 0 || check_header(a, head, &len, e) < 0)
		return -1;
	text = arena_alloc(a->arena, len + 1);
	if (read_at(a, ARTIFACT_HEADER, text, len, e) < 0)
		return -1;
	sha256_init(&sha);
	sha256_update(&sha, len, (const uint8_t *)text);
	sha256_digest(&sha, sizeof(digest), digest);
	if (memcmp(digest, head + 32, sizeof(digest)) != 0)
		return fail(e, E_ARTIFACT, "%s: the manifest does not have the header's digest",
			    a->path);
	/* Canonical JSON holds none, and so the text can be printed as it is. */
	for (uint64_t i = 0; i < len; i++)
		if ((uint8_t)text[i] < 32 || text[i] == 127) {
			fail(e, E_ARTIFACT, "%s: control byte in the manifest", a->path);
			return err_offset(e, (int64_t)(ARTIFACT_HEADER + i));
		}
	a->manifest = text;
	*end = ARTIFACT_HEADER + len;
	return 0;
}

/* ---- the manifest's members ---- */

static bool is_target(const char *s)
{
	size_t digits = strncmp(s, "sm_", 3) ? 0 : strspn(s + 3, "0123456789");

	return (digits == 2 || digits == 3) &&
	       (!s[3 + digits] || (strchr("af", s[3 + digits]) && !s[4 + digits]));
}

static int read_strings(struct artifact *a, const struct want *w, const json_t *o)
{
	const struct {
		const char *member, **to;
	} rows[] = {
		{"key", &a->key},
		{"name", &a->name},
		{"target", &a->target},
		{"precision", NULL},
		{"compiler", NULL},
		{"toolchain", NULL},
		{"certificate", &a->certificate},
		{"order", NULL},
	};
	const char *s;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (want_str(w, o, rows[i].member, &s) < 0)
			return -1;
		if (rows[i].to)
			*rows[i].to = arena_strdup(a->arena, s);
	}
	if (!hash_is_hex(a->key))
		return want_fail(w, "key", "64 hexadecimal digits");
	if (!is_target(a->target))
		return want_fail(w, "target", "a chip such as sm_87");
	return 0;
}

static int read_numbers(struct artifact *a, const struct want *w, const json_t *o)
{
	uint64_t format = 0;
	const struct {
		const char *member;
		uint64_t *to;
	} rows[] = {
		{"format", &format},
		{"arena_bytes", &a->arena_bytes},
		{"arena_lower_bound_bytes", &a->arena_lower_bound_bytes},
		{"weights_bytes", &a->weights_bytes},
		{"input_bytes", &a->input_bytes},
		{"output_bytes", &a->output_bytes},
		{"device_bytes", &a->device_bytes},
		{"module_bytes", &a->module_bytes},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (want_uint(w, o, rows[i].member, BYTES_MAX, rows[i].to) < 0)
			return -1;
	if (want_u32(w, o, "launches", UINT32_MAX, &a->nlaunches) < 0 ||
	    want_u32(w, o, "kernels", UINT32_MAX, &a->nkernels) < 0)
		return -1;
	if (format != ARTIFACT_VERSION)
		return want_fail(w, "format", "1");
	if (a->device_bytes < a->arena_bytes + a->weights_bytes)
		return want_fail(w, "device_bytes", "at least arena_bytes + weights_bytes");
	return 0;
}

static int read_objects(const struct want *w, const json_t *o)
{
	json_t *options, *metadata, *value;
	const char *key;

	if (want_object(w, o, "options", &options) < 0 ||
	    want_object(w, o, "metadata", &metadata) < 0)
		return -1;
	json_object_foreach(metadata, key, value) if (!json_is_string(value)) return want_fail(
		w, "metadata", "strings only");
	return 0;
}

static int read_tensor(struct artifact *a, const struct want *w, const json_t *o,
		       struct artifact_tensor *t)
{
	const struct elem *d;
	const char *name, *dtype;
	json_t *shape;
	uint64_t dim, bytes;

	if (want_str(w, o, "name", &name) < 0 || want_str(w, o, "dtype", &dtype) < 0 ||
	    want_array(w, o, "shape", ARTIFACT_RANK_MAX, &shape) < 0 ||
	    want_uint(w, o, "offset", BYTES_MAX, &t->offset) < 0 ||
	    want_uint(w, o, "bytes", BYTES_MAX, &t->bytes) < 0)
		return -1;
	d = elem_find(dtype);
	if (!d)
		return want_fail(w, "dtype", "a known type");
	t->name = arena_strdup(a->arena, name);
	t->dtype = d->name;
	t->rank = (uint32_t)json_array_size(shape);
	for (uint32_t i = 0; i < t->rank; i++) {
		if (want_item(w, shape, i, "shape", BYTES_MAX, &dim) < 0)
			return -1;
		t->shape[i] = (int64_t)dim;
	}
	if (!elem_bytes(d, t->rank, t->shape, &bytes) || bytes != t->bytes)
		return want_fail(w, "bytes", "what dtype and shape need");
	if (t->offset + t->bytes > a->arena_bytes)
		return want_fail(w, "offset", "a tensor inside the arena");
	return 0;
}

static int read_tensors(struct artifact *a, const json_t *o, const char *member,
			struct artifact_tensor **out, uint32_t *n, struct err *e)
{
	struct want w = {a->path, "manifest", WANT_TOP, e};
	json_t *list;

	if (want_array(&w, o, member, UINT16_MAX, &list) < 0)
		return -1;
	*n = (uint32_t)json_array_size(list);
	*out = NEW(a->arena, *n, struct artifact_tensor);
	w.list = member;
	for (w.at = 0; w.at < *n; w.at++)
		if (read_tensor(a, &w, json_array_get(list, w.at), &(*out)[w.at]) < 0)
			return -1;
	return 0;
}

/* ---- the blobs ---- */

static bool is_blob_name(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_.-");

	return n > 0 && n <= ARTIFACT_NAME_MAX && !s[n];
}

static int read_blob_row(struct artifact *a, const struct want *w, const json_t *o, uint64_t *end)
{
	const char *name, *digest;
	uint64_t offset, bytes;
	uint32_t i = a->nblobs;

	if (want_str(w, o, "name", &name) < 0 || want_str(w, o, "digest", &digest) < 0 ||
	    want_uint(w, o, "bytes", BYTES_MAX, &bytes) < 0 ||
	    want_uint(w, o, "offset", BYTES_MAX, &offset) < 0)
		return -1;
	if (!is_blob_name(name) || artifact_find_blob(a, name) >= 0)
		return want_fail(w, "name", "a plain name that stands once");
	if (strncmp(digest, "sha256:", 7) != 0 || !hash_is_hex(digest + 7))
		return want_fail(w, "digest", "sha256: and 64 hexadecimal digits");
	if (offset != round_up(*end, ARTIFACT_ALIGN))
		return want_fail(w, "offset", "the next aligned offset");
	a->blobs[i].name = arena_strdup(a->arena, name);
	memcpy(a->blobs[i].digest, digest + 7, SHA256_HEX);
	a->blobs[i].offset = offset;
	a->blobs[i].bytes = bytes;
	a->nblobs++;
	*end = offset + bytes;
	return 0;
}

static int read_blobs(struct artifact *a, const json_t *o, uint64_t end, struct err *e)
{
	struct want w = {a->path, "manifest", WANT_TOP, e};
	json_t *list;
	int weights;

	if (want_array(&w, o, "blobs", ARTIFACT_BLOBS_MAX, &list) < 0)
		return -1;
	w.list = "blobs";
	for (w.at = 0; w.at < json_array_size(list); w.at++)
		if (read_blob_row(a, &w, json_array_get(list, w.at), &end) < 0)
			return -1;
	w = (struct want){a->path, "manifest", WANT_TOP, e};
	if (end != a->file_bytes)
		return want_fail(&w, "blobs", "blobs that end where the file ends");
	if (artifact_find_blob(a, "plan") < 0 || artifact_find_blob(a, "code") < 0)
		return want_fail(&w, "blobs", "a plan and a code blob");
	weights = artifact_find_blob(a, "weights");
	if ((weights < 0 ? 0 : a->blobs[weights].bytes) != a->weights_bytes)
		return want_fail(&w, "weights_bytes", "the size of the weights blob");
	return 0;
}

static int parse_manifest(struct artifact *a, uint64_t end, struct err *e)
{
	const struct want w = {a->path, "manifest", WANT_TOP, e};
	json_t *o = want_parse(&w, a->manifest, (size_t)(end - ARTIFACT_HEADER));
	int ret = -1;

	if (!o)
		return -1;
	if (read_strings(a, &w, o) < 0 || read_numbers(a, &w, o) < 0 || read_objects(&w, o) < 0)
		goto done;
	if (read_tensors(a, o, "inputs", &a->inputs, &a->ninputs, e) < 0 ||
	    read_tensors(a, o, "outputs", &a->outputs, &a->noutputs, e) < 0)
		goto done;
	ret = read_blobs(a, o, end, e);
done:
	json_decref(o);
	return ret;
}

/* ---- digests ---- */

static int verify_padding(const struct artifact *a, uint64_t from, uint64_t to, struct err *e)
{
	uint8_t pad[ARTIFACT_ALIGN];

	if (read_at(a, from, pad, (size_t)(to - from), e) < 0)
		return -1;
	if (!all_zero(pad, (size_t)(to - from))) {
		fail(e, E_ARTIFACT, "%s: the padding is not zero", a->path);
		return err_offset(e, (int64_t)from);
	}
	return 0;
}

static int verify_blob(const struct artifact *a, uint32_t i, uint8_t *chunk, struct err *e)
{
	uint64_t left = a->blobs[i].bytes, offset = a->blobs[i].offset;
	char hex[SHA256_HEX];
	struct hash h;

	hash_init(&h);
	while (left) {
		size_t n = (size_t)MIN(left, CHUNK);

		if (read_at(a, offset, chunk, n, e) < 0)
			return -1;
		hash_add(&h, chunk, n);
		offset += n;
		left -= n;
	}
	hash_hex(&h, hex);
	if (memcmp(hex, a->blobs[i].digest, SHA256_HEX) != 0) {
		fail(e, E_ARTIFACT, "%s: blob %s does not have its digest: the file is damaged",
		     a->path, a->blobs[i].name);
		return err_hint(e, "fetch or compile the artifact again");
	}
	return 0;
}

/* ---- exported ---- */

int artifact_find_blob(const struct artifact *a, const char *name)
{
	for (uint32_t i = 0; i < a->nblobs; i++)
		if (!strcmp(a->blobs[i].name, name))
			return (int)i;
	return -1;
}

int artifact_open_fd(int fd, const char *name, struct artifact **out, struct err *e)
{
	struct arena *arena = arena_open(0);
	struct artifact *a = NEW(arena, 1, struct artifact);
	struct stat st;
	uint64_t end = 0;

	a->arena = arena;
	a->fd = fd;
	a->path = arena_strdup(arena, name);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		fail(e, E_NO_FILE, "%s: not a regular file", name);
		goto failed;
	}
	a->file_bytes = (uint64_t)st.st_size;
	if (read_manifest(a, &end, e) < 0 || parse_manifest(a, end, e) < 0)
		goto failed;
	*out = a;
	return 0;
failed:
	artifact_close(a);
	return -1;
}

int artifact_open_file(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return fail(e, errno == ENOENT || errno == ENOTDIR ? E_NO_FILE : E_IO, "%s: %s",
			    path, strerror(errno));
	return fd;
}

int artifact_open(const char *path, struct artifact **a, struct err *e)
{
	int fd = artifact_open_file(path, e);

	return fd < 0 ? -1 : artifact_open_fd(fd, path, a, e);
}

int artifact_verify(struct artifact *a, struct err *e)
{
	uint8_t *chunk = mem_alloc(CHUNK);
	uint64_t end = ARTIFACT_HEADER + strlen(a->manifest);
	int ret = 0;

	for (uint32_t i = 0; i < a->nblobs && ret == 0; i++) {
		ret = verify_padding(a, end, a->blobs[i].offset, e);
		if (ret == 0)
			ret = verify_blob(a, i, chunk, e);
		end = a->blobs[i].offset + a->blobs[i].bytes;
	}
	mem_free(chunk);
	return ret;
}

int artifact_read_blob(struct artifact *a, const char *name, uint64_t offset, void *to,
		       size_t bytes, struct err *e)
{
	int i = artifact_find_blob(a, name);

	if (i < 0)
		return fail(e, E_ARTIFACT, "%s: there is no blob %s", a->path, name);
	if (offset > a->blobs[i].bytes || bytes > a->blobs[i].bytes - offset)
		return fail(e, E_ARTIFACT, "%s: blob %s has only %" PRIu64 " bytes", a->path, name,
			    a->blobs[i].bytes);
	return read_at(a, a->blobs[i].offset + offset, to, bytes, e);
}

void artifact_close(struct artifact *a)
{
	if (!a)
		return;
	artifact_drop_code(a);
	close(a->fd);
	arena_close(a->arena);
}
