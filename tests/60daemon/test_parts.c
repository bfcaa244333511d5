/* Range and multipart without HTTP: every cut of a body, and mutants of it under the sanitizers. */
#include "daemon/multipart.h"
#include "daemon/range.h"

#include <stdio.h>
#include <string.h>

#define EXPECT(cond) ((cond) ? (void)0 : expect_failed(#cond, __LINE__))

static int failures;

static void expect_failed(const char *cond, int line)
{
	fprintf(stderr, "test_parts.c:%d: %s\n", line, cond);
	failures++;
}

static void test_range(void)
{
	static const struct {
		const char *text;
		uint64_t total, first, bytes;
		enum range_kind kind;
	} rows[] = {
		{NULL, 10, 0, 10, RANGE_ALL},
		{"bytes=0-9", 10, 0, 10, RANGE_PART},
		{"bytes=3-3", 10, 3, 1, RANGE_PART},
		{"bytes=3-", 10, 3, 7, RANGE_PART},
		{"bytes=-3", 10, 7, 3, RANGE_PART},
		{"BYTES=-30", 10, 0, 10, RANGE_PART},
		{"bytes=9-18446744073709551615", 10, 0, 10, RANGE_ALL},
		{"bytes=9-9999999999999999999", 10, 9, 1, RANGE_PART},
		{"bytes=10-", 10, 0, 0, RANGE_NONE},
		{"bytes=-0", 10, 0, 0, RANGE_NONE},
		{"bytes=0-", 0, 0, 0, RANGE_NONE},
		{"bytes=-1", 0, 0, 0, RANGE_NONE},
		{"bytes=5-4", 10, 0, 10, RANGE_ALL},
		{"bytes=0-1,3-4", 10, 0, 10, RANGE_ALL},
		{"bytes=--1", 10, 0, 10, RANGE_ALL},
		{"bytes=1", 10, 0, 10, RANGE_ALL},
		{"bytes", 10, 0, 10, RANGE_ALL},
		{"items=0-1", 10, 0, 10, RANGE_ALL},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		uint64_t first = 77, bytes = 77;
		enum range_kind kind = range_parse(rows[i].text, rows[i].total, &first, &bytes);

		if (kind != rows[i].kind ||
		    (kind != RANGE_NONE && (first != rows[i].first || bytes != rows[i].bytes))) {
			fprintf(stderr, "%s of %llu: kind %d, %llu+%llu\n", rows[i].text,
				(unsigned long long)rows[i].total, kind, (unsigned long long)first,
				(unsigned long long)bytes);
			failures++;
		}
	}
}

/* What the sink saw, as text: "[name]data[name]data". */
static int saw_part(void *ctx, const char *name, struct err *e)
{
	(void)e;
	buf_printf(ctx, "[%s]", name);
	return 0;
}

static int saw_data(void *ctx, struct span data, struct err *e)
{
	(void)e;
	buf_append(ctx, data.data, data.len);
	return 0;
}

static const char body[] =
	"ignored\r\n--XY\r\nContent-Disposition: form-data; name=\"model\"; filename=\"a;b\"\r\n"
	"Content-Type: x/y\r\n\r\nline\r\n--X\r\n-\r\r\n\r\n--XY \t\r\n"
	"content-disposition:form-data;name=w\r\n\r\n\r\n--XY--\r\nignored, too --XY\r\n";
static const char seen[] = "[model]line\r\n--X\r\n-\r\r\n[w]";

/* Feeds len bytes in two pieces, or in single bytes where cut is 0. */
static int feed(const char *data, size_t len, size_t cut, struct buf *out, struct err *e)
{
	struct multipart_sink sink = {out, saw_part, saw_data};
	struct multipart m;
	int ret = multipart_init(&m, "multipart/form-data; boundary=XY", sink, e);

	for (size_t at = 0; ret == 0 && at < len;) {
		size_t n = cut == 0 ? 1 : at < cut ? MIN(cut, len) - at : len - at;

		ret = multipart_feed(&m, data + at, n, e);
		at += n;
	}
	if (ret == 0)
		ret = multipart_end(&m, e);
	multipart_release(&m);
	return ret;
}

static void test_cuts(void)
{
	for (size_t cut = 0; cut < sizeof(body); cut++) {
		struct buf out = BUF_INIT;
		struct err e = ERR_INIT;

		EXPECT(feed(body, sizeof(body) - 1, cut, &out, &e) == 0);
		EXPECT(!strcmp(buf_str(&out), seen));
		buf_release(&out);
		err_release(&e);
	}
}

/* One byte changed: the same answer for every way of cutting, whatever it is. */
static void test_mutants(void)
{
	static const char bytes[] = "\r\n-X\0\";:= a";
	char text[sizeof(body)];

	for (size_t i = 0; i < (sizeof(body) - 1) * (sizeof(bytes) - 1); i++) {
		struct buf whole = BUF_INIT, single = BUF_INIT;
		struct err e1 = ERR_INIT, e2 = ERR_INIT;
		int r1, r2;

		memcpy(text, body, sizeof(text));
		text[i / (sizeof(bytes) - 1)] = bytes[i % (sizeof(bytes) - 1)];
		r1 = feed(text, sizeof(text) - 1, sizeof(text), &whole, &e1);
		r2 = feed(text, sizeof(text) - 1, 0, &single, &e2);
		EXPECT(r1 == r2 && e1.code == e2.code);
		EXPECT(r1 < 0 || (whole.len == single.len &&
				  !memcmp(buf_str(&whole), buf_str(&single), whole.len)));
		buf_release(&whole);
		buf_release(&single);
		err_release(&e1);
		err_release(&e2);
	}
}

static void test_boundary(void)
{
	static const struct {
		const char *type;
		bool ok;
	} rows[] = {
		{"multipart/form-data; boundary=x", true},
		{"multipart/form-data;charset=a; boundary=\"x y\"", false},
		{"multipart/form-data; boundary=\"xy\"", true},
		{"multipart/form-data; boundary=\"xy", false},
		{"multipart/form-data; boundary=", false},
		{"multipart/form-data", false},
	};
	struct multipart_sink sink = {NULL, saw_part, saw_data};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct multipart m;
		struct err e = ERR_INIT;

		EXPECT((multipart_init(&m, rows[i].type, sink, &e) == 0) == rows[i].ok);
		multipart_release(&m);
		err_release(&e);
	}
}

int main(void)
{
	test_range();
	test_cuts();
	test_mutants();
	test_boundary();
	fprintf(stderr, "%d failures\n", failures);
	return failures != 0;
}
