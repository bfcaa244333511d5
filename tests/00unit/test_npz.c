/*
 * The .npz reader: members with and without zip64 are found with their data;
 * archives that are compressed, cut short or lie about sizes are refused; and
 * every single-byte change and every cut of valid ones is survived (under the
 * sanitizers), each member it then lists lying inside the file.
 */
#include "client/npz.h"

#include <stdio.h>
#include <string.h>

static int failed;

static void complain(const char *what, const char *why)
{
	printf("%s: %s\n", what, why);
	failed = 1;
}

/* ---- a writer ---- */

static void put(struct buf *b, uint64_t v, int bytes)
{
	for (; bytes--; v >>= 8)
		buf_append(b, &(uint8_t){(uint8_t)v}, 1);
}

static const struct kind {
	const char *what;
	bool zip64;	 /* sizes, offsets and the end in zip64 records */
	uint32_t method; /* 0 stored, 8 deflated */
	uint32_t flags;
	const char *comment;
} kinds[] = {
	{"plain", .comment = ""},
	{"zip64", .zip64 = true, .comment = ""},
	{"comment", .comment = "written by PK\x05\x06 a test"},
};

static void npy(struct buf *out, const float *value, int64_t count)
{
	struct ndarray a = {.elem = elem_find("f32"), .rank = 1, .shape = {count}};

	npy_header(out, &a);
	buf_append(out, value, (size_t)count * sizeof(float));
}

static void put_local(struct buf *b, const struct kind *k, const char *name, struct span data)
{
	put(b, 0x04034b50, 4);
	put(b, 20, 2);
	put(b, k->flags, 2);
	put(b, k->method, 2);
	put(b, 0, 8);
	put(b, k->zip64 ? UINT32_MAX : data.len, 4);
	put(b, k->zip64 ? UINT32_MAX : data.len, 4);
	put(b, strlen(name), 2);
	put(b, k->zip64 ? 20 : 0, 2);
	buf_puts(b, name);
	if (k->zip64) {
		put(b, 1, 2);
		put(b, 16, 2);
		put(b, data.len, 8);
		put(b, data.len, 8);
	}
	buf_append(b, data.data, data.len);
}

static void put_entry(struct buf *b, const struct kind *k, const char *name, size_t len,
		      size_t local)
{
	put(b, 0x02014b50, 4);
	put(b, 20, 4);
	put(b, k->flags, 2);
	put(b, k->method, 2);
	put(b, 0, 8);
	put(b, k->zip64 ? UINT32_MAX : len, 4);
	put(b, k->zip64 ? UINT32_MAX : len, 4);
	put(b, strlen(name), 2);
	put(b, k->zip64 ? 6 + 28 : 0, 2);
	put(b, 0, 2 + 2 + 2 + 4);
	put(b, k->zip64 ? UINT32_MAX : local, 4);
	buf_puts(b, name);
	if (k->zip64) {
		put(b, 0x7075, 2); /* some other field goes before it */
		put(b, 2, 2);
		put(b, 0, 2);
		put(b, 1, 2);
		put(b, 24, 2);
		put(b, len, 8);
		put(b, len, 8);
		put(b, local, 8);
	}
}

static void put_end(struct buf *b, const struct kind *k, size_t count, size_t directory)
{
	size_t end = b->len;

	if (k->zip64) {
		put(b, 0x06064b50, 4);
		put(b, 44, 8);
		put(b, 0, 2 + 2 + 4 + 4);
		put(b, count, 8);
		put(b, count, 8);
		put(b, end - directory, 8);
		put(b, directory, 8);
		put(b, 0x07064b50, 4);
		put(b, 0, 4);
		put(b, end, 8);
		put(b, 1, 4);
	}
	put(b, 0x06054b50, 4);
	put(b, 0, 4);
	put(b, k->zip64 ? UINT16_MAX : count, 2);
	put(b, k->zip64 ? UINT16_MAX : count, 2);
	put(b, k->zip64 ? UINT32_MAX : end - directory, 4);
	put(b, k->zip64 ? UINT32_MAX : directory, 4);
	put(b, strlen(k->comment), 2);
	buf_puts(b, k->comment);
}

/* Members "/a/b:0" = {1, 2, 3} and, under the second name, {4}; and one that is no array. */
static void archive(struct buf *out, const struct kind *k, const char *second)
{
	const char *const name[] = {"/a/b:0.npy", "readme.txt", second};
	size_t local[3], len[3], directory;

	for (int i = 0; i < 3; i++) {
		struct buf data = BUF_INIT;

		if (i == 1)
			buf_puts(&data, "text");
		else
			npy(&data, i ? (float[]){4} : (float[]){1, 2, 3}, i ? 1 : 3);
		local[i] = out->len;
		len[i] = data.len;
		put_local(out, k, name[i], buf_span(&data));
		buf_release(&data);
	}
	directory = out->len;
	for (int i = 0; i < 3; i++)
		put_entry(out, k, name[i], len[i], local[i]);
	put_end(out, k, 3, directory);
}

/* ---- reading ---- */

/* Reads a copy of exactly the given size, so that a read beyond it is a sanitizer's report. */
static int parse(struct span file, uint32_t *count, struct err *e)
{
	uint8_t *copy = mem_alloc(file.len);
	struct npz z;
	int ret;

	if (file.len)
		memcpy(copy, file.data, file.len);
	ret = npz_parse((struct span){copy, file.len}, "file", &z, e);
	*count = ret == 0 ? z.count : 0;
	for (uint32_t i = 0; i < *count; i++) {
		struct err ignored = ERR_INIT;
		struct ndarray a;

		if (npz_array(&z, &z.member[i], &a, &ignored) == 0)
			for (size_t k = 0; k < a.data.len / a.elem->size; k++)
				(void)ndarray_value(&a, k);
		err_release(&ignored);
	}
	npz_release(&z);
	mem_free(copy);
	return ret;
}

static void expect_values(const struct kind *k)
{
	struct buf file = BUF_INIT;
	struct err e = ERR_INIT;
	struct ndarray a;
	struct npz z;

	archive(&file, k, "file.npy");
	if (npz_parse(buf_span(&file), "file", &z, &e) < 0 || z.count != 2)
		complain(k->what, e.detail);
	else if (!npz_find(&z, "/a/b:0") || !npz_find(&z, "file") || npz_find(&z, "readme"))
		complain(k->what, "names");
	else if (npz_array(&z, npz_find(&z, "/a/b:0"), &a, &e) < 0 || a.shape[0] != 3 ||
		 ndarray_value(&a, 2) != 3 || npz_array(&z, npz_find(&z, "file"), &a, &e) < 0 ||
		 a.shape[0] != 1 || ndarray_value(&a, 0) != 4)
		complain(k->what, "values");
	npz_release(&z);
	err_release(&e);
	buf_release(&file);
}

static void expect_refused(const char *what, struct span file, const char *word)
{
	struct err e = ERR_INIT;
	uint32_t count;

	if (parse(file, &count, &e) == 0 || e.code != E_INPUT_FILE || !strstr(e.detail, word))
		complain(what, e.detail[0] ? e.detail : "accepted");
	err_release(&e);
}

static void refusals(void)
{
	const struct kind deflated = {"deflated", .method = 8, .comment = ""},
			  encrypted = {"encrypted", .flags = 1, .comment = ""};
	struct buf a = BUF_INIT, b = BUF_INIT, c = BUF_INIT;

	archive(&a, &deflated, "file.npy");
	expect_refused("deflated", buf_span(&a), "compressed");
	archive(&b, &encrypted, "file.npy");
	expect_refused("encrypted", buf_span(&b), "encrypted");
	archive(&c, &kinds[0], "/a/b:0.npy");
	expect_refused("one name twice", buf_span(&c), "twice");
	expect_refused("empty", (struct span){NULL, 0}, "no end record");
	buf_release(&a);
	buf_release(&b);
	buf_release(&c);
}

/* Each byte with each of some values, then each length. */
static void damage(const struct kind *k)
{
	static const uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0xff, 0x50};
	struct buf file = BUF_INIT;
	unsigned accepted = 0, tried = 0;
	uint32_t count;

	archive(&file, k, "file.npy");
	for (size_t i = 0; i < file.len; i++)
		for (size_t v = 0; v < COUNT_OF(values); v++, tried++) {
			uint8_t before = file.data[i];
			struct err e = ERR_INIT;

			file.data[i] = values[v];
			accepted += parse(buf_span(&file), &count, &e) == 0;
			err_release(&e);
			file.data[i] = before;
		}
	for (size_t len = 0; len < file.len - strlen(k->comment); len++) {
		struct err e = ERR_INIT;

		if (parse((struct span){file.data, len}, &count, &e) == 0)
			complain(k->what, "a cut archive is accepted");
		err_release(&e);
	}
	printf("%s: %u of %u damaged archives still read\n", k->what, accepted, tried);
	buf_release(&file);
}

int main(void)
{
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		expect_values(&kinds[i]);
		damage(&kinds[i]);
	}
	refusals();
	return failed;
}
