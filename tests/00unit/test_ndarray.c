/*
 * .npy and TensorProto readers on bytes that are not what they should be:
 * named cases are refused, and every single-byte change and every cut of
 * valid files is survived (under the sanitizers) with a result that is
 * either refused or consistent.
 */
#include "client/ndarray.h"

#include <stdio.h>
#include <string.h>

static int failed;

#define HEAD(descr, order, shape) \
	"{'descr': " descr ", 'fortran_order': " order ", 'shape': " shape "}"

static const struct bad {
	const char *what, *text; /* the header of a version 1.0 .npy with 8 bytes of data */
} bad_headers[] = {
	{"fortran", HEAD("'<f4'", "True", "(2,)")},
	{"big endian", HEAD("'>f4'", "False", "(2,)")},
	{"object", HEAD("'|O'", "False", "(2,)")},
	{"structured", HEAD("[('a', '<f4')]", "False", "(2,)")},
	{"too many bytes", HEAD("'<f4'", "False", "(1,)")},
	{"too few bytes", HEAD("'<f4'", "False", "(3,)")},
	{"overflow", HEAD("'<f4'", "False", "(4611686018427387905, 4)")},
	{"long number", HEAD("'<f4'", "False", "(99999999999999999999999999, 2)")},
	{"negative", HEAD("'<f4'", "False", "(-2,)")},
	{"no tuple", HEAD("'<f4'", "False", "2")},
	{"open tuple", "{'descr': '<f4', 'fortran_order': False, 'shape': (2, "},
	{"nine dimensions", HEAD("'<f4'", "False", "(1,1,1,1,1,1,1,1,2)")},
	{"key twice", "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}"},
	{"key missing", "{'descr': '<f4', 'shape': (2,)}"},
	{"key unknown", "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'x': 1}"},
	{"order", HEAD("'<f4'", "Fals", "(2,)")},
	{"trailing", HEAD("'<f4'", "False", "(2,)") "x"},
	{"no end", "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)"},
	{"empty", ""},
	{"open string", "{'descr"},
	{"two separators", "{'descr': '<f4',, 'fortran_order': False, 'shape': (2,)}"},
};

static const struct bad_pb {
	const char *what;
	const char *bytes;
	size_t len;
} bad_protos[] = {
#define PB(what, bytes)                        \
	{                                      \
		what, bytes, sizeof(bytes) - 1 \
	}
	PB("no data_type", "\x08\x02\x4a\x08"
			   "12345678"),
	PB("string type", "\x08\x01\x10\x08\x4a\x01"
			  "x"),
	PB("raw too short", "\x08\x02\x10\x01\x4a\x07"
			    "1234567"),
	PB("raw cut", "\x08\x02\x10\x01\x4a\x08"
		      "1234567"),
	PB("data missing", "\x08\x02\x10\x01"),
	PB("one value missing", "\x08\x02\x10\x01\x25"
				"abcd"),
	PB("one value more", "\x08\x01\x10\x01\x25"
			     "abcd\x25"
			     "abcd"),
	PB("packed cut", "\x08\x02\x10\x01\x22\x07"
			 "1234567"),
	PB("wire type of the values", "\x08\x01\x10\x01\x20\x01"),
	PB("dims huge", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x10\x01"),
	PB("dims negative", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x10\x01"),
	PB("dims overflow", "\x08\x80\x80\x80\x80\x80\x80\x80\x80\x40\x08\x08\x10\x01"),
	PB("nine dims", "\x0a\x09\x01\x01\x01\x01\x01\x01\x01\x01\x01\x10\x01\x25"
			"abcd"),
	PB("endless varint", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
	PB("u8 300", "\x08\x01\x10\x02\x28\xac\x02"),
	PB("bool 2", "\x08\x01\x10\x09\x28\x02"),
	PB("i8 128", "\x08\x01\x10\x03\x28\x80\x01"),
	PB("external", "\x08\x01\x10\x01\x70\x01\x4a\x04"
		       "abcd"),
	PB("group", "\x0b\x0c\x08\x01\x10\x01\x25"
		    "abcd"),
	PB("field 0", "\x00\x01\x08\x01\x10\x01\x25"
		      "abcd"),
	PB("empty", ""),
};

/* Parses a copy of exactly the given size, so that a read beyond it is a sanitizer's report. */
static int parse(struct span file, struct err *e)
{
	uint8_t *copy = mem_alloc(file.len);
	struct ndarray a;
	uint64_t bytes;
	int ret;

	memcpy(copy, file.data, file.len);
	ret = ndarray_parse((struct span){copy, file.len}, "file", &a, e);
	if (ret == 0 && (!elem_bytes(a.elem, a.rank, a.shape, &bytes) || bytes != a.data.len)) {
		printf("accepted, but shape and data do not fit\n");
		failed = 1;
	}
	for (size_t i = 0; ret == 0 && i < a.data.len / a.elem->size; i++)
		(void)ndarray_value(&a, i);
	if (ret == 0)
		ndarray_release(&a);
	mem_free(copy);
	return ret;
}

static void expect_refused(const char *what, struct span file)
{
	struct err e = ERR_INIT;

	if (parse(file, &e) == 0 || e.code != E_INPUT_FILE) {
		printf("%s: %s %s\n", what, err_name(e.code), e.detail);
		failed = 1;
	}
	err_release(&e);
}

static void expect_accepted(const char *what, struct span file)
{
	struct err e = ERR_INIT;

	if (parse(file, &e) < 0) {
		printf("%s: %s\n", what, e.detail);
		failed = 1;
	}
	err_release(&e);
}

static void npy_file(struct buf *out, const char *header)
{
	size_t len = strlen(header);

	buf_append(out, "\x93NUMPY\x01\x00", 8);
	buf_append(out, (uint8_t[]){(uint8_t)len, (uint8_t)(len >> 8)}, 2);
	buf_puts(out, header);
	buf_append(out, "12345678", 8);
}

static void test_headers(void)
{
	for (size_t i = 0; i < COUNT_OF(bad_headers); i++) {
		struct buf file = BUF_INIT;

		npy_file(&file, bad_headers[i].text);
		expect_refused(bad_headers[i].what, buf_span(&file));
		buf_release(&file);
	}
	for (size_t i = 0; i < COUNT_OF(bad_protos); i++)
		expect_refused(
			bad_protos[i].what,
			(struct span){(const uint8_t *)bad_protos[i].bytes, bad_protos[i].len});
}

static void test_mutations(const char *what, struct buf *file)
{
	expect_accepted(what, buf_span(file));
	for (size_t i = 0; i < file->len; i++) {
		uint8_t was = file->data[i];

		for (unsigned v = 0; v < 256; v++) {
			struct err e = ERR_INIT;

			file->data[i] = (uint8_t)v;
			parse(buf_span(file), &e);
			err_release(&e);
		}
		file->data[i] = was;
	}
	for (size_t len = 0; len < file->len; len++)
		expect_refused(what, (struct span){file->data, len});
}

int main(void)
{
	static const char packed[] = "\x0a\x02\x02\x01\x10\x01\x22\x08"
				     "12345678";
	static const char small[] = "\x08\x03\x10\x03\x28\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
				    "\x28\x7f\x28\x00";
	struct buf npy = BUF_INIT, a = BUF_INIT, b = BUF_INIT;

	test_headers();
	npy_file(&npy, HEAD("'<f4'", "False", "(2,)"));
	test_mutations("npy", &npy);
	buf_append(&a, packed, sizeof(packed) - 1);
	test_mutations("packed floats", &a);
	buf_append(&b, small, sizeof(small) - 1);
	test_mutations("int8 one by one", &b);
	buf_release(&npy);
	buf_release(&a);
	buf_release(&b);
	return failed;
}
