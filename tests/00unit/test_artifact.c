/*
 * Artifact writer and reader: a small valid artifact is read back whole; one
 * changed byte anywhere, a cut at any length and an appended byte are each
 * refused.
 */
#include "tests/00unit/artifact_sample.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int failed;

#define EXPECT(cond, ...)                                    \
	do {                                                 \
		if (!(cond)) {                               \
			printf("%d: %s: ", __LINE__, #cond); \
			printf(__VA_ARGS__);                 \
			printf("\n");                        \
			failed = 1;                          \
		}                                            \
	} while (0)

static int load(const char *path, struct artifact **a, struct err *e)
{
	*a = NULL;
	if (artifact_open(path, a, e) < 0)
		return -1;
	return artifact_verify(*a, e) < 0 || artifact_load_plan(*a, e) < 0 ? -1 : 0;
}

/* Loading must be refused, and by the artifact's own fault. */
static void expect_refused(const char *path, const char *what, size_t at)
{
	struct err e = ERR_INIT;
	struct artifact *a;

	EXPECT(load(path, &a, &e) < 0, "%s %zu was accepted", what, at);
	EXPECT(e.code == E_ARTIFACT || e.code == E_ARTIFACT_VERSION, "%s %zu: %s %s", what, at,
	       err_name(e.code), e.detail);
	artifact_close(a);
	err_release(&e);
}

static void test_whole(const char *path)
{
	struct err e = ERR_INIT;
	struct artifact *a;
	uint8_t weights[8];

	EXPECT(load(path, &a, &e) == 0, "%s", e.detail);
	if (failed)
		return;
	EXPECT(a->ninputs == 1 && !strcmp(a->inputs[0].name, "x"), "inputs");
	EXPECT(a->inputs[0].rank == 2 && a->inputs[0].shape[1] == 8, "shape");
	EXPECT(a->outputs[0].offset == 256, "offset");
	EXPECT(a->nkernels == 1 && !strcmp(a->kernels[0].entry, "add"), "entry");
	EXPECT(!strcmp((const char *)a->kernels[0].ptx.data, SAMPLE_PTX), "ptx");
	EXPECT(a->nlaunches == 1 && a->launches[0].nargs == 3, "launches");
	EXPECT(a->launches[0].args[1].space == ARG_WEIGHTS && a->launches[0].args[1].bytes == 64,
	       "args");
	EXPECT(!strcmp(a->key, SAMPLE_KEY) && !strcmp(a->target, "sm_87"), "key, target");
	EXPECT(artifact_read_blob(a, "weights", 56, weights, 8, &e) == 0 && weights[0] == 56,
	       "weights");
	EXPECT(artifact_read_blob(a, "weights", 57, weights, 8, &e) < 0 && e.code == E_ARTIFACT,
	       "read past the end");
	artifact_close(a);
	err_release(&e);
}

static void test_damaged(const char *path, const struct buf *file)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	CHECK(fd >= 0);
	for (size_t i = 0; i < file->len; i++) {
		uint8_t bad = (uint8_t)(file->data[i] ^ (1u << (i % 8)));

		CHECK(pwrite(fd, &bad, 1, (off_t)i) == 1);
		expect_refused(path, "flipped byte", i);
		CHECK(pwrite(fd, &file->data[i], 1, (off_t)i) == 1);
	}
	CHECK(ftruncate(fd, (off_t)file->len + 1) == 0);
	expect_refused(path, "appended byte", file->len);
	for (size_t len = file->len; len-- > 0;) {
		CHECK(ftruncate(fd, (off_t)len) == 0);
		expect_refused(path, "cut at", len);
	}
	close(fd);
}

/* The same data gives the same bytes, whatever the file is called. */
static void test_same(const char *path, const char *other)
{
	struct buf x = BUF_INIT, y = BUF_INIT;
	struct err e = ERR_INIT;

	CHECK(sample_write(path, NULL, &e) == 0 && sample_write(other, NULL, &e) == 0);
	CHECK(fs_read(path, SIZE_MAX, &x, &e) == 0 && fs_read(other, SIZE_MAX, &y, &e) == 0);
	EXPECT(x.len == y.len && !memcmp(x.data, y.data, x.len), "two writings differ");
	buf_release(&x);
	buf_release(&y);
}

/* Manifests around the sizes at which an offset gets one digit more, and the first blob moves. */
static void test_layout(const char *path)
{
	for (size_t n = 0; n<9000; n += n> 3000 && n < 3600 ? 1 : 97) {
		char *pad = mem_alloc(n + 1);
		struct sample s = SAMPLE;
		struct err e = ERR_INIT;
		struct artifact *a;

		memset(pad, 'n', n);
		s.name = pad;
		CHECK(sample_write(path, &s, &e) == 0);
		EXPECT(load(path, &a, &e) == 0, "a name of %zu bytes: %s", n, e.detail);
		artifact_close(a);
		mem_free(pad);
	}
}

static void test_files(void)
{
	struct err e = ERR_INIT;
	struct artifact *a;

	EXPECT(artifact_open("/nonexistent/a.occ", &a, &e) < 0 && e.code == E_NO_FILE, "%s",
	       err_name(e.code));
	err_release(&e);
	EXPECT(artifact_open("/", &a, &e) < 0 && e.code == E_NO_FILE, "%s", err_name(e.code));
	err_release(&e);
}

int main(void)
{
	char dir[] = "/tmp/test_artifact.XXXXXX", path[64], other[64];
	struct buf file = BUF_INIT;
	struct err e = ERR_INIT;

	CHECK(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/a.occ", dir);
	snprintf(other, sizeof(other), "%s/b.occ", dir);
	test_same(path, other);
	test_whole(path);
	CHECK(fs_read(path, SIZE_MAX, &file, &e) == 0);
	test_damaged(path, &file);
	test_layout(path);
	test_files();
	buf_release(&file);
	unlink(path);
	unlink(other);
	rmdir(dir);
	return failed;
}
