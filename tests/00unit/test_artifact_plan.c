/*
 * Hostile manifests and plans: each differs from the valid sample in one
 * piece, carries right digests, and is refused with E_ARTIFACT.
 */
#include "tests/00unit/artifact_sample.h"

#include <stdio.h>
#include <unistd.h>

#define FIELD(f) offsetof(struct sample, f), #f

#define VALUE(layout, shape, offset, pitch, width, rows, first, last, made)             \
	"[{\"name\":\"x\",\"dtype\":\"f32\",\"shape\":" shape ",\"layout\":" layout     \
	",\"offset\":" offset ",\"pitch\":" pitch ",\"width\":" width ",\"rows\":" rows \
	",\"first\":" first ",\"last\":" last ",\"node\":\"n\",\"op\":\"Add\",\"made\":" made "}]"
#define SHARED(members)                                                                         \
	"[{\"name\":\"x\",\"dtype\":\"f32\",\"shape\":[16],\"layout\":\"plain\",\"offset\":0,"  \
	"\"pitch\":0,\"width\":64,\"rows\":1,\"first\":0,\"last\":1,\"node\":\"\",\"op\":\"\"," \
	"\"made\":0," members "}]"
#define TENSOR(offset, pitch, width, rows, first, last) \
	VALUE("\"plain\"", "[2,8]", offset, pitch, width, rows, first, last, "0")
#define SHAPED(layout, shape) VALUE(layout, shape, "0", "64", "64", "1", "0", "1", "0")
#define KERNEL(entry, ptx, cubin, registers, shared)                                         \
	"[{\"entry\":" entry ",\"ptx\":" ptx ",\"cubin\":" cubin ",\"registers\":" registers \
	",\"spill_bytes\":0,\"shared_bytes\":" shared "}]"
#define LAUNCH(kernel, grid, block, shared, args)                                          \
	"[{\"kernel\":" kernel ",\"grid\":" grid ",\"block\":" block ",\"shared\":" shared \
	",\"node\":\"n\",\"op\":\"Add\",\"args\":" args "}]"
#define ARGS "[[\"a\",0,64,\"r\",0,1,0],[\"w\",0,64],[\"a\",256,64,\"w\",-1,1,0]]"
#define ONE  "[1,1,1]"
#define INPUT(dtype, shape, offset, bytes)                                            \
	"[{\"name\":\"x\",\"dtype\":" dtype ",\"shape\":" shape ",\"offset\":" offset \
	",\"bytes\":" bytes "}]"
#define SIZES(arena, weights, device, module, launches, kernels)                               \
	"\"arena_bytes\":" arena ",\"arena_lower_bound_bytes\":512,\"weights_bytes\":" weights \
	",\"input_bytes\":64,\"output_bytes\":64,\"device_bytes\":" device                     \
	",\"module_bytes\":" module ",\"launches\":" launches ",\"kernels\":" kernels
#define TAIL(certificate, metadata) \
	"\"certificate\":" certificate ",\"order\":\"\",\"metadata\":" metadata

static const struct hostile {
	size_t at;
	const char *field, *text;
} cases[] = {
	/* the manifest */
	{FIELD(head), "\"format\":2,\"key\":\"" SAMPLE_KEY "\""},
	{FIELD(head), "\"format\":1.0,\"key\":\"" SAMPLE_KEY "\""},
	{FIELD(head), "\"format\":1,\"key\":\"" SAMPLE_KEY "0\""},
	{FIELD(head), "\"format\":1,\"key\":\"../../etc/passwd\""},
	{FIELD(head), "\"format\":1,\"format\":1,\"key\":\"" SAMPLE_KEY "\""},
	{FIELD(head), "\"format\":1,\"key\":7"},
	{FIELD(head), "\"format\":1"},
	{FIELD(name), "a\nb"},
	{FIELD(name), "a\177b"},
	{FIELD(name), "\xff\xfe"},
	{FIELD(name), "a\\u0000b"},
	{FIELD(inputs), "{}"},
	{FIELD(inputs), "[1]"},
	{FIELD(inputs), INPUT("\"f31\"", "[2,8]", "0", "64")},
	{FIELD(inputs), INPUT("4", "[2,8]", "0", "64")},
	{FIELD(inputs), INPUT("\"f32\"", "[2,9]", "0", "64")},
	{FIELD(inputs), INPUT("\"f32\"", "[-2,-8]", "0", "64")},
	{FIELD(inputs), INPUT("\"f32\"", "[2,8]", "449", "64")},
	{FIELD(inputs), INPUT("\"f32\"", "[2,8]", "-64", "64")},
	{FIELD(inputs), INPUT("\"f32\"", "[2,8]", "18446744073709551552", "64")},
	{FIELD(inputs), INPUT("\"f32\"", "[2,8]", "9223372036854775744", "64")},
	{FIELD(inputs), INPUT("\"f32\"", "[4611686018427387904,4]", "0", "0")},
	{FIELD(inputs), INPUT("\"f32\"", "[1,1,1,1,1,1,1,1,16]", "0", "64")},
	{FIELD(inputs), INPUT("\"f32\"", "[2,8.0]", "0", "64")},
	{FIELD(outputs), INPUT("\"f32\"", "[16]", "512", "64")},
	{FIELD(sizes), SIZES("1e999", "64", "576", "4", "1", "1")},
	{FIELD(sizes), SIZES("1e3", "64", "5760", "4", "1", "1")},
	{FIELD(sizes), SIZES("18446744073709551615", "64", "576", "4", "1", "1")},
	{FIELD(sizes), SIZES("9223372036854775807", "64", "576", "4", "1", "1")},
	{FIELD(sizes), SIZES("512", "65", "577", "4", "1", "1")},
	{FIELD(sizes), SIZES("512", "64", "575", "4", "1", "1")},
	{FIELD(sizes), SIZES("512", "64", "576", "5", "1", "1")},
	{FIELD(sizes), SIZES("512", "64", "576", "4", "2", "1")},
	{FIELD(sizes), SIZES("512", "64", "576", "4", "1", "4294967295")},
	{FIELD(sizes), SIZES("512", "64", "576", "4", "1", "4294967296")},
	{FIELD(sizes), SIZES("\"512\"", "64", "576", "4", "1", "1")},
	{FIELD(sizes), SIZES("768", "64", "832", "4", "1", "1")}, /* the plan says 512 */
	{FIELD(tail), TAIL("null", "{}")},
	{FIELD(tail), TAIL("\"\"", "[]")},
	{FIELD(tail), TAIL("\"\"", "{\"k\":1}")},
	{FIELD(tail), "\"certificate\":\"\",\"metadata\":{}"}, /* no order */
	{FIELD(tail), "\"certificate\":\"\",\"order\":1,\"metadata\":{}"},
	{FIELD(tail), TAIL("\"\"", "{},\"blobs\":[]")},
	{FIELD(tail), TAIL("\"\"", "{}}")},
	/* the plan's head */
	{FIELD(plan_head), "\"format\":2,\"arena_bytes\":511,\"weights_bytes\":64,\"steps\":1"},
	{FIELD(plan_head), "\"format\":2,\"arena_bytes\":512,\"weights_bytes\":0,\"steps\":1"},
	{FIELD(plan_head), "\"format\":2,\"arena_bytes\":512,\"weights_bytes\":64,\"steps\":2"},
	{FIELD(plan_head), "\"format\":1,\"arena_bytes\":512,\"weights_bytes\":64,\"steps\":1"},
	{FIELD(plan_head), "\"format\":2,\"arena_bytes\":512,\"weights_bytes\":64"},
	{FIELD(plan_head), ""},
	/* tensors */
	{FIELD(tensors), "null"},
	{FIELD(tensors), "[[]]"},
	{FIELD(tensors), TENSOR("449", "64", "64", "1", "0", "1")},
	{FIELD(tensors), TENSOR("0", "64", "64", "9", "0", "1")},
	{FIELD(tensors), TENSOR("0", "64", "64", "0", "0", "1")},
	{FIELD(tensors), TENSOR("0", "32", "64", "2", "0", "1")},
	{FIELD(tensors), TENSOR("0", "281474976710656", "64", "281474976710656", "0", "1")},
	{FIELD(tensors), TENSOR("0", "65536", "0", "281474976710656", "0", "1")},
	{FIELD(tensors), TENSOR("9223372036854775807", "64", "64", "1", "0", "1")},
	{FIELD(tensors), TENSOR("0", "64", "64", "1", "1", "0")},
	{FIELD(tensors), TENSOR("0", "64", "64", "1", "0", "2")},
	{FIELD(tensors), TENSOR("0", "64", "64", "1", "-1", "1")},
	{FIELD(tensors), TENSOR("0", "64", "64", "true", "0", "1")},
	{FIELD(tensors), TENSOR("0", "32", "32", "1", "0", "1")},
	{FIELD(tensors), TENSOR("0", "16", "16", "4", "0", "1")},
	{FIELD(tensors), SHAPED("\"plain\"", "[2,9]")},
	{FIELD(tensors), SHAPED("\"plain\"", "[281474976710656,281474976710656,16]")},
	{FIELD(tensors), SHAPED("\"blocked8\"", "[2,9]")},
	{FIELD(tensors), SHAPED("\"blocked8\"", "[16]")},
	{FIELD(tensors), SHAPED("\"blocked9\"", "[2,8]")},
	{FIELD(tensors), VALUE("\"plain\"", "[2,8]", "0", "64", "64", "1", "1", "1", "1")},
	{FIELD(tensors), VALUE("\"plain\"", "[2,8]", "0", "64", "64", "1", "0", "1", "2")},
	{FIELD(tensors), VALUE("\"plain\"", "[2,8]", "0", "64", "64", "1", "0", "1", "-1")},
	{FIELD(tensors),
	 "[{\"name\":\"x\",\"dtype\":\"f32\",\"shape\":[2,8],\"layout\":\"plain\","
	 "\"offset\":0,\"pitch\":64,\"width\":64,\"rows\":1,\"first\":0,\"last\":1}]"},
	/* kernels */
	{FIELD(kernels), "[]"},
	{FIELD(kernels), "{}"},
	{FIELD(kernels), KERNEL("\"a b\"", "[0,45]", "[45,4]", "8", "0")},
	{FIELD(kernels), KERNEL("\"\"", "[0,45]", "[45,4]", "8", "0")},
	{FIELD(kernels), KERNEL("\"1a\"", "[0,45]", "[45,4]", "8", "0")},
	{FIELD(kernels), KERNEL("\"add\"", "[0,44]", "[45,4]", "8", "0")},
	{FIELD(kernels), KERNEL("\"add\"", "[0,46]", "[45,4]", "8", "0")},
	{FIELD(kernels), KERNEL("\"add\"", "[0,0]", "[45,4]", "8", "0")},
	{FIELD(kernels), KERNEL("\"add\"", "[0,45]", "[46,4]", "8", "0")},
	{FIELD(kernels), KERNEL("\"add\"", "[0,45]", "[45,3]", "8", "0")},
	{FIELD(kernels), KERNEL("\"add\"", "[0,45]", "[281474976710656,4]", "8", "0")},
	{FIELD(kernels), KERNEL("\"add\"", "[0,45]", "[9223372036854775807,4]", "8", "0")},
	{FIELD(kernels), KERNEL("\"add\"", "[0,45]", "[45]", "8", "0")},
	{FIELD(kernels), KERNEL("\"add\"", "[0,45]", "[45,4]", "256", "0")},
	{FIELD(kernels), KERNEL("\"add\"", "[0,45]", "[45,4]", "8", "232449")},
	/* launches */
	{FIELD(launches), "[]"},
	{FIELD(launches), "[null]"},
	{FIELD(launches), LAUNCH("1", ONE, ONE, "0", ARGS)},
	{FIELD(launches), LAUNCH("4294967296", ONE, ONE, "0", ARGS)},
	{FIELD(launches), LAUNCH("-1", ONE, ONE, "0", ARGS)},
	{FIELD(launches), LAUNCH("0", "[0,1,1]", ONE, "0", ARGS)},
	{FIELD(launches), LAUNCH("0", "[2147483648,1,1]", ONE, "0", ARGS)},
	{FIELD(launches), LAUNCH("0", "[1,65536,1]", ONE, "0", ARGS)},
	{FIELD(launches), LAUNCH("0", "[1,1]", ONE, "0", ARGS)},
	{FIELD(launches), LAUNCH("0", ONE, "[1025,1,1]", "0", ARGS)},
	{FIELD(launches), LAUNCH("0", ONE, "[1,1,65]", "0", ARGS)},
	{FIELD(launches), LAUNCH("0", ONE, "[64,17,1]", "0", ARGS)},
	{FIELD(launches), LAUNCH("0", ONE, ONE, "232449", ARGS)},
	{FIELD(launches), LAUNCH("0", ONE, ONE, "1e2", ARGS)},
	{FIELD(launches), LAUNCH("0", ONE, ONE, "0", "[[\"a\",449,64,\"r\",0,1,0]]")},
	{FIELD(launches), LAUNCH("0", ONE, ONE, "0", "[[\"w\",1,64]]")},
	{FIELD(launches), LAUNCH("0", ONE, ONE, "0", "[[\"c\",0,64]]")},
	{FIELD(launches), LAUNCH("0", ONE, ONE, "0", "[[0,0,64]]")},
	{FIELD(launches), LAUNCH("0", ONE, ONE, "0", "[[\"a\",-64,128,\"r\",0,1,0]]")},
	{FIELD(launches),
	 LAUNCH("0", ONE, ONE, "0", "[[\"a\",18446744073709551552,64,\"r\",0,1,0]]")},
	{FIELD(launches),
	 LAUNCH("0", ONE, ONE, "0", "[[\"a\",9223372036854775807,64,\"r\",0,1,0]]")},
	{FIELD(launches), LAUNCH("0", ONE, ONE, "0", "[[\"a\",0]]")},
	{FIELD(launches), LAUNCH("0", ONE, ONE, "0", "[[\"a\",0,1e999,\"r\",0,1,0]]")},
	{FIELD(launches), LAUNCH("0", ONE, ONE, "0", "3")},
	{FIELD(launches), LAUNCH("0", ONE, ONE, "0", "[[\"a\",0,64]]")},
	{FIELD(launches), LAUNCH("0", ONE, ONE, "0", "[[\"w\",0,64,\"r\",0,1,0]]")},
	{FIELD(launches), LAUNCH("0", ONE, ONE, "0", "[[\"a\",0,64,\"x\",0,1,0]]")},
	{FIELD(launches), LAUNCH("0", ONE, ONE, "0", "[[\"a\",0,64,\"r\",1,1,0]]")},
	{FIELD(launches), LAUNCH("0", ONE, ONE, "0", "[[\"a\",0,64,\"r\",-2,1,0]]")},
	{FIELD(launches), LAUNCH("0", ONE, ONE, "0", "[[\"a\",0,64,\"r\",0,0,0]]")},
	{FIELD(launches), LAUNCH("0", ONE, ONE, "0", "[[\"a\",0,0,\"r\",0,1,0]]")},
	{FIELD(launches), LAUNCH("0", ONE, ONE, "0", "[[\"a\",0,64,\"r\",0,2,64]]")},
	{FIELD(launches), LAUNCH("0", ONE, ONE, "0", "[[\"a\",0,64,\"r\",0,2,16]]")},
	{FIELD(launches),
	 LAUNCH("0", ONE, ONE, "0", "[[\"a\",0,64,\"r\",0,281474976710656,281474976710656]]")},
	{FIELD(launches), LAUNCH("0", ONE, ONE, "0", ARGS ",\"over\":3")},
	{FIELD(launches), LAUNCH("0", ONE, ONE, "0", ARGS ",\"over\":[0,0]")},
	{FIELD(launches), LAUNCH("0", ONE, ONE, "0", ARGS ",\"over\":[[3,0]]")},
	{FIELD(launches), LAUNCH("0", ONE, ONE, "0", ARGS ",\"over\":[[1,0]]")}, /* a weight */
	{FIELD(launches), LAUNCH("0", ONE, ONE, "0", ARGS ",\"over\":[[2,0]]")}, /* no tensor */
	{FIELD(launches), LAUNCH("0", ONE, ONE, "0", ARGS ",\"over\":[[0,1]]")},
	{FIELD(launches), LAUNCH("0", ONE, ONE, "0", "[],\"over\":[[0,0]]")},
	{FIELD(tensors), SHARED("\"graph\":\"in\"")},
	{FIELD(tensors), SHARED("\"graph\":1")},
	{FIELD(tensors), SHARED("\"view\":0")},
	{FIELD(tensors), SHARED("\"view\":[1,0]")},
	{FIELD(tensors), SHARED("\"view\":[0,-1]")},
	{FIELD(tensors), SHARED("\"view\":[0.0,1]")},
	{FIELD(tensors), SHARED("\"parts\":[0]")}, /* no axis */
	{FIELD(tensors), SHARED("\"axis\":9,\"parts\":[0]")},
	{FIELD(tensors), SHARED("\"axis\":0,\"parts\":[1]")},
	{FIELD(tensors), SHARED("\"axis\":0,\"parts\":[-2147483649]")},
	{FIELD(tensors), SHARED("\"axis\":0,\"parts\":{}")},
};

/* Valid ones besides the sample's. */
static const char *const tensors[] = {
	SHARED("\"graph\":\"output\""),
	SHARED("\"view\":[-1,0]"),
	SHARED("\"view\":[0,16]"),
	SHARED("\"axis\":8,\"parts\":[0,-4,0]"),
	SHAPED("\"blocked8\"", "[2,3]"),
	SHAPED("\"blocked8\"", "[1,1,2]"),
	TENSOR("0", "64", "32", "2", "0", "1"),
	VALUE("\"plain\"", "[2,8]", "0", "64", "64", "1", "0", "1", "1"),
};

static int load(const char *path, struct err *e)
{
	struct artifact *a = NULL;
	int ret = artifact_open(path, &a, e);

	if (ret == 0)
		ret = artifact_verify(a, e);
	if (ret == 0)
		ret = artifact_load_plan(a, e);
	artifact_close(a);
	return ret;
}

/* More arguments than a launch can carry. */
static const char *many_args(struct buf *out)
{
	buf_puts(out, "[[\"a\",0,4,\"r\",0,1,0]");
	for (int i = 0; i < ARTIFACT_ARGS_MAX; i++)
		buf_puts(out, ",[\"a\",0,4,\"r\",0,1,0]");
	buf_puts(out, "]");
	return buf_str(out);
}

/* Arrays nested deeper than any reader should follow. */
static const char *deep(struct buf *out)
{
	for (int i = 0; i < 100000; i++)
		buf_puts(out, "[");
	return buf_str(out);
}

static int refused(const char *path, const struct hostile *c)
{
	struct sample s = SAMPLE;
	struct err e = ERR_INIT;
	int ok;

	memcpy((char *)&s + c->at, &c->text, sizeof(c->text));
	CHECK(sample_write(path, &s, &e) == 0);
	ok = load(path, &e) < 0 && e.code == E_ARTIFACT;
	if (!ok)
		printf("%s = %.200s: %s %s\n", c->field, c->text, err_name(e.code), e.detail);
	err_release(&e);
	return ok;
}

static int accepted(const char *path, const char *text)
{
	struct sample s = SAMPLE;
	struct err e = ERR_INIT;
	int ok;

	s.tensors = text;
	CHECK(sample_write(path, &s, &e) == 0);
	ok = load(path, &e) == 0;
	if (!ok)
		printf("%.200s: %s\n", text, e.detail);
	err_release(&e);
	return ok;
}

int main(void)
{
	char dir[] = "/tmp/test_plan.XXXXXX", path[64];
	struct buf args = BUF_INIT, nested = BUF_INIT, launch = BUF_INIT;
	struct err e = ERR_INIT;
	int failed = 0;

	CHECK(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/a.occ", dir);
	CHECK(sample_write(path, NULL, &e) == 0);
	if (load(path, &e) < 0) {
		printf("the sample itself is refused: %s\n", e.detail);
		failed = 1;
	}
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		failed |= !refused(path, &cases[i]);
	for (size_t i = 0; i < COUNT_OF(tensors); i++)
		failed |= !accepted(path, tensors[i]);
	buf_printf(&launch,
		   "[{\"kernel\":0,\"grid\":[1,1,1],\"block\":[1,1,1],\"shared\":0,\"node\":\"\","
		   "\"op\":\"\",\"args\":%s}]",
		   many_args(&args));
	failed |= !refused(path, &(struct hostile){FIELD(launches), buf_str(&launch)});
	failed |= !refused(path, &(struct hostile){FIELD(tensors), deep(&nested)});
	buf_release(&args);
	buf_release(&nested);
	buf_release(&launch);
	unlink(path);
	rmdir(dir);
	return failed;
}
