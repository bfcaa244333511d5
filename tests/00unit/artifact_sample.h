/* A small valid artifact whose parts a test may replace: y = x + w of 16 floats. */
#ifndef TESTS_ARTIFACT_SAMPLE_H
#define TESTS_ARTIFACT_SAMPLE_H

#include "runtime/artifact.h"

#include <stdlib.h>
#include <string.h>

#define SAMPLE_KEY "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SAMPLE_PTX ".version 6.0\n.target sm_30\n.address_size 64\n"

/* Pieces of JSON; name is JSON text without quotes. */
struct sample {
	const char *name, *head, *inputs, *outputs, *sizes, *tail;
	const char *plan_head, *tensors, *kernels, *launches;
};

#define SAMPLE                                                                                     \
	(struct sample)                                                                            \
	{                                                                                          \
		.name = "sample", .head = "\"format\":1,\"key\":\"" SAMPLE_KEY "\"",               \
		.inputs = "[{\"name\":\"x\",\"dtype\":\"f32\",\"shape\":[2,8],\"offset\":0,"       \
			  "\"bytes\":64}]",                                                        \
		.outputs = "[{\"name\":\"y\",\"dtype\":\"f32\",\"shape\":[16],\"offset\":256,"     \
			   "\"bytes\":64}]",                                                       \
		.sizes = "\"arena_bytes\":512,\"arena_lower_bound_bytes\":512,"                    \
			 "\"weights_bytes\":64,\"input_bytes\":64,\"output_bytes\":64,"            \
			 "\"device_bytes\":576,\"module_bytes\":4,\"launches\":1,\"kernels\":1",   \
		.tail = "\"certificate\":\"optimal: max-live\",\"order\":\"exact\","               \
			"\"metadata\":{\"k\":\"v\"}",                                              \
		.plan_head = "\"format\":2,\"arena_bytes\":512,\"weights_bytes\":64,\"steps\":1",  \
		.tensors = "[{\"name\":\"x\",\"dtype\":\"f32\",\"shape\":[2,8],"                   \
			   "\"layout\":\"plain\",\"offset\":0,\"pitch\":64,\"width\":64,"          \
			   "\"rows\":1,\"first\":0,\"last\":1,\"node\":\"\",\"op\":\"\","          \
			   "\"made\":0}]",                                                         \
		.kernels = "[{\"entry\":\"add\",\"ptx\":[0,45],\"cubin\":[45,4],"                  \
			   "\"registers\":8,\"spill_bytes\":0,\"shared_bytes\":0}]",               \
		.launches = "[{\"kernel\":0,\"grid\":[1,1,1],\"block\":[32,1,1],\"shared\":0,"     \
			    "\"node\":\"n\",\"op\":\"Add\","                                       \
			    "\"args\":[[\"a\",0,64,\"r\",0,1,0],[\"w\",0,64],[\"a\",256,64,\"w\"," \
			    "-1,1,0]]}]",                                                          \
	}

/* NULL: SAMPLE. */
static inline int sample_write(const char *path, const struct sample *given, struct err *e)
{
	const struct sample fresh = SAMPLE, *s = given ? given : &fresh;
	struct buf fields = BUF_INIT, plan = BUF_INIT, code = BUF_INIT;
	uint8_t weights[64];
	int ret;

	buf_printf(&fields, "%s,\"name\":\"%s\",\"target\":\"sm_87\",\"precision\":\"fp32\",",
		   s->head, s->name);
	buf_puts(&fields, "\"compiler\":\"test\",\"toolchain\":\"none\",\"options\":{},");
	buf_printf(&fields, "\"inputs\":%s,\"outputs\":%s,%s,%s", s->inputs, s->outputs, s->sizes,
		   s->tail);
	buf_printf(&plan, "{%s,\"tensors\":%s,\"kernels\":%s,\"launches\":%s}", s->plan_head,
		   s->tensors, s->kernels, s->launches);
	buf_append(&code, SAMPLE_PTX, sizeof(SAMPLE_PTX));
	buf_append(&code, "\177ELF", 4);
	for (uint8_t i = 0; i < 64; i++)
		weights[i] = i;
	ret = artifact_write(path, buf_str(&fields),
			     (struct artifact_blob[]){{"plan", buf_span(&plan)},
						      {"code", buf_span(&code)},
						      {"weights", {weights, sizeof(weights)}}},
			     3, e);
	buf_release(&fields);
	buf_release(&plan);
	buf_release(&code);
	return ret;
}

#endif
