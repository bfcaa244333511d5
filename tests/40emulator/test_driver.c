/* The driver's calls: memory accounts, errors that stay, refusals, bounds, regions, reports. */
#include "tests/40emulator/emu.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MEMORY = 8 << 20 };

#define PTX_HEAD ".version 9.0\n.target sm_87\n.address_size 64\n"

/* y[i] = x[i + shift] with any vector length: "f(x, y, shift in bytes, count)". */
#define COPY_HEAD                                                                                \
	".visible .entry f(.param .u64 x, .param .u64 y, .param .u32 shift, .param .u32 n)\n{\n" \
	"\t.reg .b32 %r<9>;\n\t.reg .b64 %d<9>;\n\t.reg .f32 %f<2>;\n\t.reg .pred %p;\n"         \
	"\tld.param.u64 %d0, [x];\n\tld.param.u64 %d1, [y];\n\tld.param.s32 %d2, [shift];\n"     \
	"\tld.param.u32 %r3, [n];\n"                                                             \
	"\tmov.u32 %r0, %tid.x;\n\tmov.u32 %r1, %ctaid.x;\n\tmov.u32 %r2, %ntid.x;\n"            \
	"\tmad.lo.s32 %r0, %r1, %r2, %r0;\n\tsetp.ge.u32 %p, %r0, %r3;\n\t@%p ret;\n"            \
	"\tmul.wide.u32 %d3, %r0, 4;\n\tadd.s64 %d0, %d0, %d3;\n\tadd.s64 %d0, %d0, %d2;\n"      \
	"\tadd.s64 %d1, %d1, %d3;\n"
#define COPY_TAIL                       \
	" %f0, [%d0];\n"                \
	"\tst.global.f32 [%d1], %f0;\n" \
	"\tret;\n}\n"

static char report[4096];

/* Standard error of one launch goes to report. */
static CUresult launch(CUfunction f, unsigned blocks, unsigned threads, void **params)
{
	int fd = memfd_create("report", 0), keep = dup(2);
	CUresult r;
	ssize_t n;

	dup2(fd, 2);
	r = cuLaunchKernel(f, blocks, 1, 1, threads, 1, 1, 0, NULL, params, NULL);
	dup2(keep, 2);
	n = pread(fd, report, sizeof(report) - 1, 0);
	report[n > 0 ? n : 0] = 0;
	close(fd);
	close(keep);
	return r;
}

static void expect_report(const char *part)
{
	if (!strstr(report, part)) {
		fprintf(stderr, "no '%s' in the report: %s\n", part, report);
		emu_failures++;
	}
}

static size_t free_bytes(void)
{
	size_t left = 0, all = 0;

	EXPECT_IS(cuMemGetInfo_v2(&left, &all), CUDA_SUCCESS);
	EXPECT(all == MEMORY);
	return left;
}

static void test_before_init(void)
{
	int v;
	CUcontext ctx;
	CUdeviceptr p;

	EXPECT_IS(cuDeviceGetCount(&v), CUDA_ERROR_NOT_INITIALIZED);
	EXPECT_IS(cuDevicePrimaryCtxRetain(&ctx, 0), CUDA_ERROR_NOT_INITIALIZED);
	EXPECT_IS(cuMemAlloc_v2(&p, 1), CUDA_ERROR_NOT_INITIALIZED);
	unsetenv("OCCAMY_EMULATOR_DEFAULTS");
	setenv("OCCAMY_EMULATOR", "sm=87,sanitize=2", 1);
	EXPECT_IS(cuInit(0), CUDA_ERROR_INVALID_VALUE);
	setenv("OCCAMY_EMULATOR", "plan=nowhere.occ", 1); /* without sanitize */
	EXPECT_IS(cuInit(0), CUDA_ERROR_INVALID_VALUE);
	setenv("OCCAMY_EMULATOR", "sanitize=1,plan=nowhere.occ", 1);
	EXPECT_IS(cuInit(0), CUDA_ERROR_INVALID_VALUE);
	setenv("OCCAMY_EMULATOR", "sm=87,memory=8388608,colour=red", 1);
	EXPECT_IS(cuInit(0), CUDA_ERROR_INVALID_VALUE);
	setenv("OCCAMY_EMULATOR", "sm=86x", 1);
	EXPECT_IS(cuInit(0), CUDA_ERROR_INVALID_VALUE);
	setenv("OCCAMY_EMULATOR", "sm=12", 1);
	EXPECT_IS(cuInit(0), CUDA_ERROR_INVALID_VALUE);
	EXPECT_IS(cuInit(1), CUDA_ERROR_INVALID_VALUE);
	setenv("OCCAMY_EMULATOR", "sm=87,memory=8388608,threads=2", 1);
	EXPECT_IS(cuInit(0), CUDA_SUCCESS);
	EXPECT_IS(cuMemAlloc_v2(&p, 1), CUDA_ERROR_INVALID_CONTEXT);
	EXPECT_IS(cuCtxSynchronize(), CUDA_ERROR_INVALID_CONTEXT);
	EXPECT_IS(cuDevicePrimaryCtxRelease_v2(0), CUDA_ERROR_INVALID_CONTEXT);
}

static void test_device(void)
{
	static const struct {
		int attribute, want;
	} rows[] = {{CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, 8},
		    {CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, 7},
		    {CU_DEVICE_ATTRIBUTE_INTEGRATED, 1},
		    {CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, 8},
		    {CU_DEVICE_ATTRIBUTE_WARP_SIZE, 32},
		    {CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK, 1024},
		    {CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK, 49152},
		    {CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, 166912},
		    {CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY, 1}};
	char name[64];
	const char *text = NULL;
	int v;
	size_t bytes;
	CUdevice dev;

	EXPECT_IS(cuDriverGetVersion(&v), CUDA_SUCCESS);
	EXPECT(v == 13000);
	EXPECT_IS(cuDeviceGetCount(&v), CUDA_SUCCESS);
	EXPECT(v == 1);
	EXPECT_IS(cuDeviceGet(&dev, 1), CUDA_ERROR_INVALID_DEVICE);
	EXPECT_IS(cuDeviceGet(&dev, 0), CUDA_SUCCESS);
	EXPECT_IS(cuDeviceGetName(name, sizeof(name), dev), CUDA_SUCCESS);
	EXPECT(!strcmp(name, "Occamy emulated sm_87"));
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		EXPECT_IS(cuDeviceGetAttribute(&v, rows[i].attribute, dev), CUDA_SUCCESS);
		EXPECT(v == rows[i].want);
	}
	EXPECT_IS(cuDeviceGetAttribute(&v, 9999, dev), CUDA_ERROR_INVALID_VALUE);
	EXPECT_IS(cuDeviceTotalMem_v2(&bytes, dev), CUDA_SUCCESS);
	EXPECT(bytes == MEMORY);
	EXPECT_IS(cuGetErrorString(CUDA_ERROR_OUT_OF_MEMORY, &text), CUDA_SUCCESS);
	EXPECT(text && !strcmp(text, "out of memory"));
	EXPECT_IS(cuGetErrorName((CUresult)12345, &text), CUDA_ERROR_INVALID_VALUE);
}

/* Every kind of memory draws on the same bytes, and gives them back. */
static void test_accounts(void)
{
	static uint8_t own[10000];
	CUdeviceptr a, b, c, d;
	void *h;
	uint8_t byte;

	EXPECT(free_bytes() == MEMORY);
	EXPECT_IS(cuMemAlloc_v2(&a, 1 << 20), CUDA_SUCCESS);
	EXPECT_IS(cuMemAllocManaged(&b, 12345, 1), CUDA_SUCCESS);
	EXPECT_IS(cuMemHostAlloc(&h, 4097, CU_MEMHOSTALLOC_DEVICEMAP), CUDA_SUCCESS);
	EXPECT_IS(cuMemHostRegister_v2(own, sizeof(own), CU_MEMHOSTREGISTER_DEVICEMAP),
		  CUDA_SUCCESS);
	EXPECT(free_bytes() == MEMORY - (1 << 20) - 12345 - 4097 - 10000);
	EXPECT_IS(cuMemHostRegister_v2(own + 5, 10, 0), CUDA_ERROR_INVALID_VALUE);
	EXPECT_IS(cuMemHostGetDevicePointer_v2(&d, h, 0), CUDA_SUCCESS);
	EXPECT(d == (CUdeviceptr)(uintptr_t)h);
	EXPECT_IS(cuMemHostGetDevicePointer_v2(&d, own + 100, 0), CUDA_SUCCESS);
	EXPECT_IS(cuMemHostGetDevicePointer_v2(&d, &d, 0), CUDA_ERROR_INVALID_VALUE);
	EXPECT_IS(cuMemAlloc_v2(&c, free_bytes() + 1), CUDA_ERROR_OUT_OF_MEMORY);
	EXPECT_IS(cuMemHostAlloc(&h, free_bytes() + 1, 0), CUDA_ERROR_OUT_OF_MEMORY);
	EXPECT_IS(cuMemAllocManaged(&c, free_bytes() + 1, 1), CUDA_ERROR_OUT_OF_MEMORY);
	EXPECT_IS(cuMemHostRegister_v2(&c, (size_t)MEMORY, 0), CUDA_ERROR_OUT_OF_MEMORY);
	EXPECT_IS(cuMemAlloc_v2(&c, free_bytes()), CUDA_SUCCESS);
	EXPECT(free_bytes() == 0);
	EXPECT_IS(cuMemAlloc_v2(&d, 1), CUDA_ERROR_OUT_OF_MEMORY);
	EXPECT_IS(cuMemcpyDtoH_v2(&byte, c + 77, 1), CUDA_SUCCESS);
	EXPECT(byte == 0xff);
	EXPECT_IS(cuMemFree_v2(a), CUDA_SUCCESS);
	EXPECT_IS(cuMemFree_v2(a), CUDA_ERROR_INVALID_VALUE);
	EXPECT_IS(cuMemFree_v2(b), CUDA_SUCCESS);
	EXPECT_IS(cuMemFree_v2(c + 1), CUDA_ERROR_INVALID_VALUE);
	EXPECT_IS(cuMemFree_v2(c), CUDA_SUCCESS);
	EXPECT_IS(cuMemFree_v2((CUdeviceptr)(uintptr_t)h), CUDA_ERROR_INVALID_VALUE);
	EXPECT_IS(cuMemFreeHost(h), CUDA_SUCCESS);
	EXPECT_IS(cuMemHostUnregister(own), CUDA_SUCCESS);
	EXPECT_IS(cuMemHostUnregister(own), CUDA_ERROR_INVALID_VALUE);
	EXPECT(free_bytes() == MEMORY);
	EXPECT_IS(cuMemAlloc_v2(&a, 0), CUDA_ERROR_INVALID_VALUE);
}

static void test_copies(void)
{
	uint8_t in[100], out[100] = {0};
	CUdeviceptr p = emu_memory(100);

	for (int i = 0; i < 100; i++)
		in[i] = (uint8_t)i;
	EXPECT_IS(cuMemcpyHtoD_v2(p, in, 100), CUDA_SUCCESS);
	EXPECT_IS(cuMemcpyHtoD_v2(p + 1, in, 100), CUDA_ERROR_INVALID_VALUE);
	EXPECT_IS(cuMemcpyDtoH_v2(out, p - 1, 10), CUDA_ERROR_INVALID_VALUE);
	EXPECT_IS(cuMemsetD8_v2(p + 50, 9, 51), CUDA_ERROR_INVALID_VALUE);
	EXPECT_IS(cuMemsetD8_v2(p + 50, 9, 50), CUDA_SUCCESS);
	EXPECT_IS(cuMemcpyDtoHAsync_v2(out, p, 100, NULL), CUDA_SUCCESS);
	EXPECT(!memcmp(in, out, 50) && out[50] == 9 && out[99] == 9);
	EXPECT_IS(cuMemFree_v2(p), CUDA_SUCCESS);
}

static void test_modules(void)
{
	static const struct {
		const char *text;
		CUresult want;
	} rows[] = {
		{"\177ELF\2\1\1", CUDA_ERROR_NO_BINARY_FOR_GPU},
		{"\x50\xed\x55\xba\1\0\20", CUDA_ERROR_NO_BINARY_FOR_GPU},
		{".version 9.0\n.target sm_110\n.address_size 64\n", CUDA_ERROR_NO_BINARY_FOR_GPU},
		{".version 9.0\n.target sm_80a\n.address_size 64\n", CUDA_ERROR_NO_BINARY_FOR_GPU},
		{".version 9.9\n.target sm_80\n.address_size 64\n",
		 CUDA_ERROR_UNSUPPORTED_PTX_VERSION},
		{".version 7.4\n.target sm_53\n.address_size 64\n", CUDA_SUCCESS},
		{"", CUDA_ERROR_INVALID_PTX},
		{"hello", CUDA_ERROR_INVALID_PTX},
		{PTX_HEAD ".visible .entry f()\n{\n\tret;\n", CUDA_ERROR_INVALID_PTX},
		{PTX_HEAD ".visible .entry f()\n{\n\tmov.u32 %r1, 5;\n}\n", CUDA_ERROR_INVALID_PTX},
		{PTX_HEAD ".visible .entry f()\n{\n\tbra NOWHERE;\n}\n", CUDA_ERROR_INVALID_PTX},
		{PTX_HEAD ".visible .entry f()\n{\n.reg .b32 %r<2>;\n\tfoo.b32 %r0, %r1;\n}\n",
		 CUDA_ERROR_INVALID_PTX},
		{PTX_HEAD ".visible .entry f()\n{\n.reg .b32 %r<2>;\n\tadd.u64 %r0, %r1, 1;\n}\n",
		 CUDA_ERROR_INVALID_PTX},
		{PTX_HEAD ".visible .entry f()\n{\n.reg .b32 %r<2>;\n\tadd.u32 %r0, %r1;\n}\n",
		 CUDA_ERROR_INVALID_PTX},
		{PTX_HEAD ".visible .entry f()\n{\n.reg .b32 %r<2>;\n\tadd.u32 %r0, %r1, %r2;\n}\n",
		 CUDA_ERROR_INVALID_PTX},
		{PTX_HEAD ".visible .entry k()\n{\n\tcall g;\n}\n", CUDA_ERROR_INVALID_PTX},
		{PTX_HEAD ".func f()\n{\n\tcall f;\n}\n.visible .entry k()\n{\n\tcall f;\n}\n",
		 CUDA_ERROR_INVALID_PTX},
		{PTX_HEAD ".func f(.param .b32 x)\n{\n}\n.visible .entry k()\n{\n\t.param .b64 p;\n"
			  "\tcall f, (p);\n}\n",
		 CUDA_ERROR_INVALID_PTX},
		{PTX_HEAD ".func f()\n{\n", CUDA_ERROR_INVALID_PTX},
		{PTX_HEAD "//@occamy region param=x\n", CUDA_ERROR_INVALID_PTX},
		{PTX_HEAD "/* no end", CUDA_ERROR_INVALID_PTX},
		{PTX_HEAD ".visible .entry f()\n{\n\t.shared .b8 s[60000];\n\tret;\n}\n",
		 CUDA_ERROR_INVALID_PTX},
	};
	size_t before = free_bytes();
	CUmodule m;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CUresult r = cuModuleLoadData(&m, rows[i].text);

		emu_expect(__FILE__, (int)i, rows[i].text, r, rows[i].want);
		if (!r)
			EXPECT_IS(cuModuleUnload(m), CUDA_SUCCESS);
	}
	EXPECT(free_bytes() == before);
}

static void test_functions(void)
{
	size_t before = free_bytes();
	CUmodule m;
	CUfunction f;

	EXPECT_IS(cuModuleLoadData(&m,
				   PTX_HEAD ".visible .entry f()\n.maxntid 64, 2, 1\n{\nret;\n}\n"),
		  CUDA_SUCCESS);
	EXPECT(free_bytes() == before);
	EXPECT_IS(cuModuleGetFunction(&f, m, "g"), CUDA_ERROR_NOT_FOUND);
	EXPECT_IS(cuModuleGetFunction(&f, m, "f"), CUDA_SUCCESS);
	EXPECT_IS(cuLaunchKernel(f, 1, 1, 1, 129, 1, 1, 0, NULL, NULL, NULL),
		  CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES);
	EXPECT_IS(cuLaunchKernel(f, 0, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL),
		  CUDA_ERROR_INVALID_VALUE);
	EXPECT_IS(cuLaunchKernel(f, 1, 1, 70000, 1, 1, 1, 0, NULL, NULL, NULL),
		  CUDA_ERROR_INVALID_VALUE);
	EXPECT_IS(cuLaunchKernel(f, 1, 1, 1, 1, 1, 1, 49153, NULL, NULL, NULL),
		  CUDA_ERROR_INVALID_VALUE);
	EXPECT_IS(cuFuncSetAttribute(f, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 166912),
		  CUDA_SUCCESS);
	EXPECT_IS(cuFuncSetAttribute(f, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 166913),
		  CUDA_ERROR_INVALID_VALUE);
	EXPECT_IS(cuLaunchKernel(f, 1, 1, 1, 1, 1, 1, 166912, NULL, NULL, NULL), CUDA_SUCCESS);
	EXPECT_IS(cuLaunchKernel(NULL, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL),
		  CUDA_ERROR_INVALID_HANDLE);
	EXPECT_IS(cuModuleUnload(m), CUDA_SUCCESS);
	EXPECT_IS(cuModuleUnload(m), CUDA_ERROR_INVALID_HANDLE);
}

struct copy {
	CUdeviceptr x, y;
	int32_t shift;
	uint32_t n;
	const char *load; /* NULL: ld.global.f32 */
};

/* Loads the copy kernel with notes, runs it, expects the result and a part of the report. */
static void run_copy(const char *notes, struct copy c, unsigned threads, CUresult want,
		     const char *part)
{
	char text[4096];
	CUmodule m;
	CUfunction f;
	void *params[] = {&c.x, &c.y, &c.shift, &c.n};

	snprintf(text, sizeof(text), "%s%s%s%s%s", PTX_HEAD, notes, COPY_HEAD,
		 c.load ? c.load : "\tld.global.f32", COPY_TAIL);
	f = emu_load(&m, text, "f");
	if (!f)
		return;
	EXPECT_IS(launch(f, (c.n + threads - 1) / threads, threads, params), want);
	if (part)
		expect_report(part);
	else
		EXPECT(!*report);
	EXPECT_IS(cuCtxSynchronize(), want);
}

/* Each bad launch ends its context: memory is taken anew. */
static void test_bounds(void)
{
	struct copy c = {emu_memory(4096), emu_memory(4096), 0, 1024, NULL};
	size_t ignored;

	run_copy("", c, 96, CUDA_SUCCESS, NULL);
	c.n = 1025;
	run_copy("", c, 96, CUDA_ERROR_ILLEGAL_ADDRESS, "kernel f, ptx line 24: load");
	expect_report("block (10,0,0) warp 2 lane 0");
	expect_report("the address is its byte 4096");
	/* the error stays until the context ends */
	EXPECT_IS(cuMemAlloc_v2(&c.x, 16), CUDA_ERROR_ILLEGAL_ADDRESS);
	EXPECT_IS(cuMemGetInfo_v2(&ignored, &ignored), CUDA_ERROR_ILLEGAL_ADDRESS);
	EXPECT_IS(cuMemcpyDtoH_v2(&c.n, c.y, 4), CUDA_ERROR_ILLEGAL_ADDRESS);
	emu_restart();
	c = (struct copy){emu_memory(4100), emu_memory(4096), 0, 1025, NULL};
	run_copy("", c, 128, CUDA_ERROR_ILLEGAL_ADDRESS, "kernel f, ptx line 25: store");
	emu_restart();
	c = (struct copy){emu_memory(4096), emu_memory(4096), 1 << 20, 64, NULL};
	run_copy("", c, 64, CUDA_ERROR_ILLEGAL_ADDRESS, "load");
	emu_restart();
	c = (struct copy){emu_memory(4096), emu_memory(4096), -4, 64, NULL};
	run_copy("", c, 64, CUDA_ERROR_ILLEGAL_ADDRESS, "the address is its byte -4");
	emu_restart();
	c = (struct copy){emu_memory(4096), emu_memory(4096), 2, 64, NULL};
	run_copy("", c, 64, CUDA_ERROR_MISALIGNED_ADDRESS, "misaligned access");
	emu_restart();
	c = (struct copy){0, emu_memory(4096), 0, 1, NULL};
	run_copy("", c, 1, CUDA_ERROR_ILLEGAL_ADDRESS, "load");
	emu_restart();
}

/* One allocation as a plan's arena: x at 0, y at 4096, as regions say. */
static void test_regions(void)
{
	static const struct {
		const char *notes;
		int32_t shift;
		uint32_t n;
		CUresult want;
		const char *part;
	} rows[] = {
		{"//@occamy region param=0 access=r pitch=0 width=1024 rows=1\n"
		 "//@occamy region param=1 access=w pitch=0 width=1024 rows=1\n",
		 0, 256, CUDA_SUCCESS, NULL},
		{"//@occamy region param=0 access=r pitch=0 width=1024 rows=1\n"
		 "//@occamy region param=1 access=w pitch=0 width=1024 rows=1\n",
		 4, 256, CUDA_ERROR_ILLEGAL_ADDRESS, "the address is its byte 1024"},
		{"//@occamy region param=0 access=r pitch=0 width=1024 rows=1\n"
		 "//@occamy region param=1 access=w pitch=0 width=1020 rows=1\n",
		 0, 256, CUDA_ERROR_ILLEGAL_ADDRESS, "nearest: param 1, w"},
		{"//@occamy region param=0 access=w pitch=0 width=1024 rows=1\n"
		 "//@occamy region param=1 access=w pitch=0 width=1024 rows=1\n",
		 0, 256, CUDA_ERROR_ILLEGAL_ADDRESS, "load: "},
		{"//@occamy region param=0 access=r pitch=0 width=1024 rows=1\n"
		 "//@occamy region param=1 access=r pitch=0 width=1024 rows=1\n",
		 0, 256, CUDA_ERROR_ILLEGAL_ADDRESS, "store: "},
		{"//@occamy region param=0 access=r pitch=0 width=1024 rows=1\n", 0, 256,
		 CUDA_ERROR_ILLEGAL_ADDRESS, "store: "},
		{"//@occamy region param=0 access=r pitch=256 width=128 rows=4\n"
		 "//@occamy region param=1 access=rw pitch=0 width=1024 rows=1\n",
		 0, 32, CUDA_SUCCESS, NULL},
		{"//@occamy region param=0 access=r pitch=256 width=128 rows=4\n"
		 "//@occamy region param=1 access=rw pitch=0 width=1024 rows=1\n",
		 512, 32, CUDA_SUCCESS, NULL},
		{"//@occamy region param=0 access=r pitch=256 width=128 rows=4\n"
		 "//@occamy region param=1 access=rw pitch=0 width=1024 rows=1\n",
		 0, 33, CUDA_ERROR_ILLEGAL_ADDRESS, "the address is its byte 128"},
		{"//@occamy region param=0 access=r pitch=256 width=128 rows=4\n"
		 "//@occamy region param=1 access=rw pitch=0 width=1024 rows=1\n",
		 256 + 64, 17, CUDA_ERROR_ILLEGAL_ADDRESS, "warp 0 lane 16"},
		{"//@occamy region param=0 access=r pitch=256 width=128 rows=4\n"
		 "//@occamy region param=1 access=rw pitch=0 width=1024 rows=1\n",
		 1024, 1, CUDA_ERROR_ILLEGAL_ADDRESS, "pitch 256, width 128"},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CUdeviceptr arena = emu_memory(8192);
		struct copy c = {arena, arena + 4096, rows[i].shift, rows[i].n, NULL};
		int before = emu_failures;

		run_copy(rows[i].notes, c, 64, rows[i].want, rows[i].part);
		if (emu_failures != before)
			fprintf(stderr, "in region case %zu\n", i);
		emu_restart();
	}
}

/* ld.global.nc promises that nobody writes there during the launch. */
static void test_constant_loads(void)
{
	static const char notes[] = "//@occamy region param=0 access=r pitch=0 width=1024 rows=1\n"
				    "//@occamy region param=1 access=w pitch=0 width=1024 rows=1\n";
	struct copy c = {0, 0, 0, 64, "\tld.global.nc.f32"};

	c.x = emu_memory(8192);
	c.y = c.x + 1024;
	run_copy(notes, c, 64, CUDA_SUCCESS, NULL);
	c.y = c.x + 1020;
	run_copy(notes, c, 64, CUDA_ERROR_ILLEGAL_ADDRESS, "load of what nobody writes (.nc)");
	emu_restart();
	c.x = emu_memory(8192);
	c.y = c.x + 1020;
	c.load = NULL;
	run_copy(notes, c, 64, CUDA_SUCCESS, NULL);
	emu_restart();
}

static void expect_shared(const char *insn, CUresult want, const char *part)
{
	char text[2048];
	CUmodule m;
	CUfunction f;

	snprintf(text, sizeof(text),
		 PTX_HEAD ".visible .entry f()\n{\n\t.reg .b32 %%r<8>;\n\t.reg .b64 %%d<8>;\n"
			  "\t.shared .align 16 .b8 s[1024];\n\t.local .align 16 .b8 near[64];\n"
			  "\tmov.u32 %%r0, %%tid.x;\n\tshl.b32 %%r1, %%r0, 4;\n"
			  "\tmul.wide.u32 %%d1, %%r0, 16;\n\t%s\n\tret;\n}\n",
		 insn);
	f = emu_load(&m, text, "f");
	if (!f)
		return;
	EXPECT_IS(launch(f, 1, 64, NULL), want);
	if (part)
		expect_report(part);
	emu_restart();
}

static void test_shared_bounds(void)
{
	expect_shared("ld.shared.v4.b32 {%r2, %r3, %r4, %r5}, [%r1];", CUDA_SUCCESS, NULL);
	expect_shared("ld.shared.v4.b32 {%r2, %r3, %r4, %r5}, [%r1+16];",
		      CUDA_ERROR_ILLEGAL_ADDRESS,
		      "shared memory (1024 bytes): block (0,0,0) warp 1 lane 31 address 0x400");
	expect_shared("ld.shared.v4.b32 {%r2, %r3, %r4, %r5}, [%d1+16];",
		      CUDA_ERROR_ILLEGAL_ADDRESS, "address 0x400");
	expect_shared("st.shared.b32 [%r1+-4], %r0;", CUDA_ERROR_ILLEGAL_ADDRESS, "warp 0 lane 0");
	expect_shared("ld.shared.v4.b32 {%r2, %r3, %r4, %r5}, [%r1+8];",
		      CUDA_ERROR_MISALIGNED_ADDRESS, "misaligned access");
	expect_shared("ld.shared.b16 %r2, [%r1+1];", CUDA_ERROR_MISALIGNED_ADDRESS, "address 0x1");
	expect_shared("cvta.shared.u64 %d1, %d1; ld.b32 %r2, [%d1+1020];",
		      CUDA_ERROR_ILLEGAL_ADDRESS, "shared memory");
	expect_shared("st.local.b32 [%d1], %r0;", CUDA_ERROR_ILLEGAL_ADDRESS,
		      "lane 4 address 0x40");
	expect_shared("atom.shared.add.u32 %r2, [1024], 1;", CUDA_ERROR_ILLEGAL_ADDRESS,
		      "shared memory");
}

/* Without its barrier a kernel reads shared memory that nobody has written yet: NaN. */
static void test_poison(void)
{
	enum { SIZE = 128, DEPTH = 64 };
	float *a = mem_alloc(SIZE * SIZE * 4), *c = mem_alloc(SIZE * SIZE * 4);
	char *whole = emu_nvrtc(0, GOLDEN "/sgemm.cu", "sm_87", NULL);
	char *broken = emu_nvrtc(0, GOLDEN "/sgemm.cu", "sm_87", "-DNO_BARRIER");
	const char *texts[] = {whole, broken};

	for (int i = 0; i < SIZE * SIZE; i++)
		a[i] = emu_random_float() + 2;
	for (size_t k = 0; k < COUNT_OF(texts) && texts[k]; k++) {
		CUdeviceptr da = emu_copy(a, SIZE * DEPTH * 4), db = emu_copy(a, SIZE * DEPTH * 4),
			    dbias = emu_copy(a, SIZE * 4), dc = emu_memory(SIZE * SIZE * 4);
		void *params[] = {&da, &db, &dbias, &dc};
		int wrong = 0;
		CUmodule m;
		CUfunction f = emu_load(&m, texts[k], "sgemm");

		if (f)
			EXPECT_IS(launch(f, 2, 128, params), CUDA_SUCCESS);
		EXPECT_IS(cuMemcpyDtoH_v2(c, dc, SIZE * 64 * 4), CUDA_SUCCESS);
		for (int i = 0; i < 64; i++)
			for (int j = 0; j < SIZE; j++) {
				float s = 0;

				for (int d = 0; d < DEPTH; d++)
					s = fmaf(a[i * DEPTH + d], a[d * SIZE + j], s);
				wrong += c[i * SIZE + j] != fmaxf(s + a[j], 0);
			}
		EXPECT(k == 0 ? wrong == 0 : wrong > 0);
		emu_restart();
	}
	mem_free(whole), mem_free(broken), mem_free(a), mem_free(c);
}

static void test_events(void)
{
	CUstream s;
	CUevent a, b;
	float ms = -1;

	EXPECT_IS(cuStreamCreate(&s, CU_STREAM_NON_BLOCKING), CUDA_SUCCESS);
	EXPECT_IS(cuEventCreate(&a, 0), CUDA_SUCCESS);
	EXPECT_IS(cuEventCreate(&b, 0), CUDA_SUCCESS);
	EXPECT_IS(cuEventRecord(a, s), CUDA_SUCCESS);
	EXPECT_IS(cuEventElapsedTime(&ms, a, b), CUDA_ERROR_INVALID_HANDLE);
	usleep(2000);
	EXPECT_IS(cuEventRecord(b, s), CUDA_SUCCESS);
	EXPECT_IS(cuEventElapsedTime(&ms, a, b), CUDA_SUCCESS);
	EXPECT(ms >= 2 && ms < 60000);
	EXPECT_IS(cuStreamWaitEvent(s, a, 0), CUDA_SUCCESS);
	EXPECT_IS(cuEventSynchronize(b), CUDA_SUCCESS);
	EXPECT_IS(cuStreamSynchronize(s), CUDA_SUCCESS);
	EXPECT_IS(cuEventDestroy_v2(a), CUDA_SUCCESS);
	EXPECT_IS(cuEventDestroy_v2(b), CUDA_SUCCESS);
	EXPECT_IS(cuStreamDestroy_v2(s), CUDA_SUCCESS);
}

int main(void)
{
	CUcontext ctx;

	test_before_init();
	EXPECT_IS(cuDevicePrimaryCtxRetain(&ctx, 0), CUDA_SUCCESS);
	EXPECT_IS(cuCtxSetCurrent(ctx), CUDA_SUCCESS);
	test_device();
	test_accounts();
	test_copies();
	test_modules();
	test_functions();
	test_events();
	test_bounds();
	test_regions();
	test_constant_loads();
	test_shared_bounds();
	test_poison();
	emu_stop();
	printf("%d failures\n", emu_failures);
	return emu_failures != 0;
}
