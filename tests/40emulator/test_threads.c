/*
 * Many threads of the program on one device at once; and an allocation far
 * larger than the machine, which costs only what is written.
 */
#include "tests/40emulator/emu.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

enum { CALLERS = 6, ROUNDS = 40, COUNT = 2000 };

static const char text[] = ".version 9.0\n.target sm_87\n.address_size 64\n"
			   ".visible .entry scale(.param .u64 x, .param .u32 k)\n{\n"
			   "\t.reg .b32 %r<9>;\n\t.reg .b64 %d<3>;\n\t.reg .pred %p;\n"
			   "\tld.param.u64 %d0, [x];\n\tld.param.u32 %r4, [k];\n"
			   "\tmov.u32 %r0, %tid.x;\n\tmov.u32 %r1, %ctaid.x;\n"
			   "\tmov.u32 %r2, %ntid.x;\n\tmad.lo.s32 %r0, %r1, %r2, %r0;\n"
			   "\tsetp.ge.u32 %p, %r0, 2000;\n\t@%p ret;\n"
			   "\tmul.wide.u32 %d1, %r0, 4;\n\tadd.s64 %d0, %d0, %d1;\n"
			   "\tld.global.u32 %r3, [%d0];\n\tmad.lo.u32 %r3, %r3, %r4, %r0;\n"
			   "\tst.global.u32 [%d0], %r3;\n\tret;\n}\n";

static CUcontext ctx;

struct caller {
	pthread_t thread;
	uint32_t k;
	bool wrong;
};

static void *call(void *arg)
{
	struct caller *c = arg;
	uint32_t data[COUNT], want[COUNT];
	bool ok = !cuCtxSetCurrent(ctx);

	for (int round = 0; round < ROUNDS && ok; round++) {
		CUdeviceptr x;
		void *params[] = {&x, &c->k};
		CUmodule m;
		CUfunction f;

		for (uint32_t i = 0; i < COUNT; i++) {
			data[i] = i ^ c->k;
			want[i] = (data[i] * c->k + i) * c->k + i;
		}
		ok = !cuModuleLoadData(&m, text) && !cuModuleGetFunction(&f, m, "scale") &&
		     !cuMemAlloc_v2(&x, sizeof(data)) && !cuMemcpyHtoD_v2(x, data, sizeof(data)) &&
		     !cuLaunchKernel(f, 16, 1, 1, 128, 1, 1, 0, NULL, params, NULL) &&
		     !cuLaunchKernel(f, 63, 1, 1, 32, 1, 1, 0, NULL, params, NULL) &&
		     !cuMemcpyDtoH_v2(data, x, sizeof(data)) && !cuMemFree_v2(x) &&
		     !cuModuleUnload(m) && !memcmp(data, want, sizeof(data));
	}
	c->wrong = !ok;
	return NULL;
}

static void test_callers(void)
{
	struct caller callers[CALLERS];

	for (uint32_t i = 0; i < CALLERS; i++) {
		callers[i] = (struct caller){.k = 3 + 2 * i};
		EXPECT(!pthread_create(&callers[i].thread, NULL, call, &callers[i]));
	}
	for (uint32_t i = 0; i < CALLERS; i++) {
		EXPECT(!pthread_join(callers[i].thread, NULL));
		EXPECT(!callers[i].wrong);
	}
}

static void test_large(void)
{
	const size_t bytes = (size_t)40 << 30;
	struct rusage before, after;
	CUdeviceptr p;
	uint8_t v[3] = {0};

	getrusage(RUSAGE_SELF, &before);
	EXPECT_IS(cuMemAlloc_v2(&p, bytes), CUDA_SUCCESS);
	EXPECT_IS(cuMemcpyDtoH_v2(&v[0], p, 1), CUDA_SUCCESS);
	EXPECT_IS(cuMemcpyDtoH_v2(&v[1], p + bytes / 2 + 12345, 1), CUDA_SUCCESS);
	EXPECT_IS(cuMemsetD8_v2(p + bytes - 1, 7, 1), CUDA_SUCCESS);
	EXPECT_IS(cuMemcpyDtoH_v2(&v[2], p + bytes - 1, 1), CUDA_SUCCESS);
	EXPECT(v[0] == 0xff && v[1] == 0xff && v[2] == 7);
	getrusage(RUSAGE_SELF, &after);
	EXPECT(after.ru_maxrss - before.ru_maxrss < 64 << 10);
	EXPECT_IS(cuMemFree_v2(p), CUDA_SUCCESS);
}

int main(void)
{
	CUdeviceptr p;

	emu_start("threads=3,memory=68719476736");
	EXPECT_IS(cuDevicePrimaryCtxRetain(&ctx, 0), CUDA_SUCCESS);
	test_callers();
	test_large();
	/* the context lives until its last release */
	EXPECT_IS(cuDevicePrimaryCtxRelease_v2(0), CUDA_SUCCESS);
	EXPECT_IS(cuMemAlloc_v2(&p, 16), CUDA_SUCCESS);
	emu_stop();
	EXPECT_IS(cuMemAlloc_v2(&p, 16), CUDA_ERROR_INVALID_CONTEXT);
	printf("%d failures\n", emu_failures);
	return emu_failures != 0;
}
