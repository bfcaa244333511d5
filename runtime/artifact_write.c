/*
 * Writes an artifact: header, manifest, blobs, each blob at the next multiple
 * of ARTIFACT_ALIGN. The manifest names the offsets and its own length moves
 * them: its text is made again until the first offset stays, which it does,
 * since a larger offset never has fewer digits.
 */
#include "runtime/artifact.h"

#include "base/json.h"

#include <string.h>

static const uint8_t zeros[ARTIFACT_ALIGN];

struct layout {
	uint64_t offset[ARTIFACT_BLOBS_MAX];
	uint64_t end;
};

static struct layout place(uint64_t first, const struct artifact_blob *blobs, size_t n)
{
	struct layout l = {.end = first};

	for (size_t i = 0; i < n; i++) {
		l.offset[i] = round_up(l.end, ARTIFACT_ALIGN);
		l.end = l.offset[i] + blobs[i].data.len;
	}
	return l;
}

static void manifest(struct buf *out, const char *fields, const struct artifact_blob *blobs,
		     size_t n, const struct layout *l, const char (*digest)[SHA256_HEX])
{
	struct json j = json_begin(out);

	buf_printf(out, "{%s,\"blobs\":", fields);
	json_open(&j, NULL, '[');
	for (size_t i = 0; i < n; i++) {
		char named[SHA256_HEX + 8] = "sha256:";

		memcpy(named + 7, digest[i], SHA256_HEX);
		json_open(&j, NULL, '{');
		json_str(&j, "name", blobs[i].name);
		json_str(&j, "digest", named);
		json_int(&j, "bytes", (int64_t)blobs[i].data.len);
		json_int(&j, "offset", (int64_t)l->offset[i]);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	buf_puts(out, "}");
}

static void put_le(uint8_t *to, uint64_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		to[i] = (uint8_t)(v >> (8 * i));
}

static void header(uint8_t out[ARTIFACT_HEADER], const struct buf *text, uint64_t file_bytes)
{
	struct sha256_ctx sha;

	memset(out, 0, ARTIFACT_HEADER);
	memcpy(out, ARTIFACT_MAGIC, 8);
	put_le(out + 8, ARTIFACT_VERSION, 4);
	put_le(out + 16, text->len, 8);
	put_le(out + 24, file_bytes, 8);
	sha256_init(&sha);
	sha256_update(&sha, text->len, text->data);
	sha256_digest(&sha, SHA256_BYTES, out + 32);
}

int artifact_write(const char *path, const char *fields, const struct artifact_blob *blobs,
		   size_t nblobs, struct err *e)
{
	char digest[ARTIFACT_BLOBS_MAX][SHA256_HEX];
	struct span parts[2 + 2 * ARTIFACT_BLOBS_MAX];
	uint8_t head[ARTIFACT_HEADER];
	struct buf text = BUF_INIT;
	struct layout l;
	uint64_t end = ARTIFACT_HEADER;
	size_t n = 0;
	int ret;

	CHECK(nblobs <= ARTIFACT_BLOBS_MAX);
	for (size_t i = 0; i < nblobs; i++) {
		CHECK(blobs[i].name[0] && strlen(blobs[i].name) <= ARTIFACT_NAME_MAX);
		hash_bytes_hex(blobs[i].data.data, blobs[i].data.len, digest[i]);
	}
	do {
		l = place(end, blobs, nblobs);
		buf_release(&text);
		manifest(&text, fields, blobs, nblobs, &l, digest);
		end = ARTIFACT_HEADER + text.len;
	} while (nblobs && round_up(end, ARTIFACT_ALIGN) != l.offset[0]);
	l = place(end, blobs, nblobs);
	header(head, &text, l.end);

	parts[n++] = (struct span){head, sizeof(head)};
	parts[n++] = buf_span(&text);
	for (size_t i = 0; i < nblobs; i++) {
		parts[n++] = (struct span){zeros, l.offset[i] - end};
		parts[n++] = blobs[i].data;
		end = l.offset[i] + blobs[i].data.len;
	}
	ret = text.len <= ARTIFACT_MANIFEST_MAX
		      ? fs_write_parts(path, parts, n, e)
		      : fail(e, E_LIMIT_BYTES, "the manifest has %zu bytes, more than %zu",
			     text.len, ARTIFACT_MANIFEST_MAX);
	buf_release(&text);
	return ret;
}
