/*
 * The sanitizer: every kind of report, provoked by a kernel of a few lines and
 * compared word for word; and beside each the kernel that does it right, which
 * must stay silent. With the argument "random" the device runs blocks and
 * warps in random order: the same kernels fail, whoever comes second then.
 */
#include "tests/40emulator/emu.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BYTES = 4096, BODY = 14 /* its line */ };

/*
 * f(x, y): %r0 thread, %r1 block, %d3 x + 4 thread, %d4 y + 4 thread, %d5 y + 4 (block, thread),
 * %r2 shared + 4 thread, %r3 shared + 4 (thread of the next warp), %p0 the first warp, %p1 block 0.
 */
static const char head[] =
	".version 9.0\n.target sm_87\n.address_size 64\n"
	".visible .entry f(.param .u64 x, .param .u64 y)\n{\n"
	"\t.reg .b32 %r<20>; .reg .b64 %d<9>; .reg .pred %p<4>; .shared .align 16 .b8 s[1024];\n"
	"\tld.param.u64 %d0, [x]; ld.param.u64 %d1, [y]; mov.u32 %r0, %tid.x; mov.u32 %r1, "
	"%ctaid.x;\n"
	"\tmul.wide.u32 %d2, %r0, 4; add.s64 %d3, %d0, %d2; add.s64 %d4, %d1, %d2;\n"
	"\tmov.u32 %r5, %ntid.x; mad.lo.s32 %r6, %r1, %r5, %r0; mul.wide.u32 %d5, %r6, 4;\n"
	"\tadd.s64 %d5, %d1, %d5; mov.u32 %r2, s; mad.lo.s32 %r2, %r0, 4, %r2;\n"
	"\txor.b32 %r3, %r2, 128; setp.lt.u32 %p0, %r0, 32; setp.eq.u32 %p1, %r1, 0;\n"
	"\tadd.u32 %r7, %r6, 1;\n"
	"\tmov.u32 %r8, 0;\n";

static const struct row {
	const char *body;
	uint32_t blocks, threads, written; /* bytes of y that the host has written */
	const char *want;		   /* behind "ptx line "; NULL: nothing */
	char space; /* where the address counts from: x, y, or s for shared */
	uint32_t offset;
} rows[] = {
	/* bytes never written */
	{"ld.global.u32 %r4, [%d4];\n", 1, 32, 128, NULL, 0, 0},
	{"ld.global.u32 %r4, [%d4];\n", 1, 64, 160,
	 "14: load of bytes never written: block (0,0,0) warp 1 lane 8", 'y', 160},
	{"@%p0 ld.global.u32 %r4, [%d4];\n", 1, 64, 128, NULL, 0, 0},
	{"cvt.u64.u32 %d6, %r0;\nadd.s64 %d6, %d1, %d6;\nld.global.u8 %r4, [%d6];\n", 1, 6, 5,
	 "16: load of bytes never written: block (0,0,0) warp 0 lane 5", 'y', 5},
	{"ld.global.v4.u32 {%r10, %r11, %r12, %r13}, [%d1];\n", 1, 1, 15,
	 "14: load of bytes never written: block (0,0,0) warp 0 lane 0", 'y', 0},
	{"ld.global.v4.u32 {%r10, %r11, %r12, %r13}, [%d1];\n", 1, 1, 16, NULL, 0, 0},
	{"st.global.u16 [%d4], %r4;\nld.global.u32 %r4, [%d4];\n", 1, 32, 0,
	 "15: load of bytes never written: block (0,0,0) warp 0 lane 0", 'y', 0},
	{"st.global.u32 [%d4], %r0;\nld.u32 %r4, [%d4];\n", 1, 64, 0, NULL, 0, 0},
	{"atom.global.add.u32 %r4, [%d1], 1;\n", 1, 32, 0,
	 "14: load of bytes never written: block (0,0,0) warp 0 lane 0", 'y', 0},
	/* two blocks */
	{"st.global.u32 [%d5], %r0;\n", 40, 64, 0, NULL, 0, 0},
	{"st.global.u32 [%d4], %r8;\n", 2, 64, 0,
	 "14: store: race between blocks (block (0,0,0) has stored there): block (1,0,0) warp 1 "
	 "lane 0",
	 'y', 128},
	{"@%p1 st.global.u32 [%d4], %r8;\n@!%p1 ld.global.u32 %r4, [%d4];\n", 2, 32, 128,
	 "15: load: race between blocks (block (0,0,0) has stored there): block (1,0,0) warp 0 "
	 "lane 0",
	 'y', 0},
	{"@%p1 ld.global.u32 %r4, [%d4];\n@!%p1 st.global.u32 [%d4], %r8;\n", 2, 32, 128,
	 "15: store: race between blocks (block (0,0,0) has loaded there): block (1,0,0) warp 0 "
	 "lane 0",
	 'y', 0},
	{"setp.lt.u32 %p1, %r1, 3;\n@%p1 ld.global.u32 %r4, [%d4];\n@!%p1 st.global.u32 [%d4], "
	 "%r8;\n",
	 4, 32, 128,
	 "16: store: race between blocks (several blocks have loaded there): block (3,0,0) warp 0 "
	 "lane 0",
	 'y', 0},
	{"ld.global.u32 %r4, [%d4];\nld.global.u32 %r4, [%d3];\nst.global.u32 [%d5+2048], %r4;\n",
	 8, 32, 128, NULL, 0, 0},
	{"cvt.u64.u32 %d6, %r1;\nadd.s64 %d6, %d1, %d6;\nst.global.u8 [%d6], %r1;\n", 64, 1, 0,
	 NULL, 0, 0},
	{"red.global.add.u32 [%d1], 1;\n", 20, 32, 4, NULL, 0, 0},
	{"@%p1 red.global.add.u32 [%d1], 1;\n@!%p1 ld.global.u32 %r4, [%d1];\n", 2, 32, 4,
	 "15: load: race between blocks (an atomic was there): block (1,0,0) warp 0 lane 0", 'y',
	 0},
	{"@%p1 st.global.u32 [%d1], %r8;\n@!%p1 red.global.add.u32 [%d1], 1;\n", 2, 32, 4,
	 "15: store: race between blocks (block (0,0,0) has stored there): block (1,0,0) warp 0 "
	 "lane 0",
	 'y', 0},
	{"st.global.u32 [%d5], %r8;\nbar.sync 0;\nld.global.u32 %r4, [%d5];\n", 4, 64, 0, NULL, 0,
	 0},
	/* two lanes */
	{"st.global.u32 [%d1], %r8;\n", 1, 32, 0, NULL, 0, 0},
	{"st.global.u32 [%d1], %r0;\n", 1, 32, 0,
	 "14: two lanes store different values to one address (lane 31): block (0,0,0) warp 0 "
	 "lane 0",
	 'y', 0},
	{"mov.u32 %r2, s;\nst.shared.u32 [%r2], %r0;\n", 1, 32, 0,
	 "15: two lanes store different values to one address (lane 31): block (0,0,0) warp 0 "
	 "lane 0",
	 's', 0},
	/* shared memory */
	{"ld.shared.u32 %r4, [%r2];\n", 1, 32, 0,
	 "14: load of shared memory never written: block (0,0,0) warp 0 lane 0", 's', 0},
	{"@%p0 st.shared.u32 [%r2], %r0;\nbar.sync 0;\nld.shared.u32 %r4, [%r2];\n", 1, 64, 0,
	 "16: load of shared memory never written: block (0,0,0) warp 1 lane 0", 's', 128},
	{"st.shared.u32 [%r2], %r0;\nld.shared.u32 %r4, [%r2];\nbar.sync 0;\n"
	 "ld.shared.u32 %r4, [%r3];\n",
	 3, 64, 0, NULL, 0, 0},
	{"st.shared.u32 [%r2], %r0;\nbar.sync 0;\nst.shared.u32 [%r2], %r0;\n"
	 "ld.shared.u32 %r4, [%r3];\n",
	 1, 64, 0,
	 "16: store: race in shared memory, no barrier between (warp 0 has loaded there): block "
	 "(0,0,0) warp 1 lane 0",
	 's', 128},
	{"st.shared.u32 [%r2], %r0;\nbar.sync 0;\nld.shared.u32 %r4, [%r3];\n"
	 "st.shared.u32 [%r2], %r0;\n",
	 1, 64, 0,
	 "16: load: race in shared memory, no barrier between (warp 0 has stored there): block "
	 "(0,0,0) warp 1 lane 0",
	 's', 0},
	{"mov.u32 %r2, s;\nst.shared.u32 [%r2], %r8;\n", 1, 64, 0,
	 "15: store: race in shared memory, no barrier between (warp 0 has stored there): block "
	 "(0,0,0) warp 1 lane 0",
	 's', 0},
	{"add.u32 %r2, %r0, s;\nst.shared.u8 [%r2], %r0;\n", 1, 1024, 0, NULL, 0, 0},
	{"mul.lo.u32 %r2, %r0, 5;\nshr.u32 %r2, %r2, 3;\nadd.u32 %r2, %r2, s;\n"
	 "st.shared.u8 [%r2], %r8;\n",
	 1, 64, 0, NULL, 0, 0},
	{"mul.lo.u32 %r2, %r0, 5;\nadd.u32 %r2, %r2, 5;\nshr.u32 %r2, %r2, 3;\n"
	 "add.u32 %r2, %r2, s;\nst.shared.u8 [%r2], %r8;\n",
	 1, 64, 0,
	 "18: store: race in shared memory, no barrier between (warp 0 has stored there): block "
	 "(0,0,0) warp 1 lane 0",
	 's', 20},
	{"@%p0 st.shared.u32 [s], %r8;\nbar.sync 0;\nred.shared.add.u32 [s], %r0;\nbar.sync 0;\n"
	 "ld.shared.u32 %r4, [s];\n",
	 1, 96, 0, NULL, 0, 0},
	{"@%p0 st.shared.u32 [s], %r8;\nbar.sync 0;\nred.shared.add.u32 [s], %r0;\n"
	 "ld.shared.u32 %r4, [s];\n",
	 1, 64, 0,
	 "17: load: race in shared memory, no barrier between (an atomic was there): block (0,0,0) "
	 "warp 0 lane 0",
	 's', 0},
	/* a loop whose second barrier is missing races in its second turn only */
	{"LOOP:\nst.shared.u32 [%r2], %r0;\nbar.sync 0;\nld.shared.u32 %r4, [%r3];\n"
	 "add.u32 %r8, %r8, 1;\nsetp.lt.u32 %p2, %r8, 3;\n@%p2 bra LOOP;\n",
	 1, 64, 0,
	 "17: load: race in shared memory, no barrier between (warp 0 has stored there): block "
	 "(0,0,0) warp 1 lane 0",
	 's', 0},
	{"LOOP:\nst.shared.u32 [%r2], %r0;\nbar.sync 0;\nld.shared.u32 %r4, [%r3];\nbar.sync 0;\n"
	 "add.u32 %r8, %r8, 1;\nsetp.lt.u32 %p2, %r8, 3;\n@%p2 bra LOOP;\n",
	 1, 64, 0, NULL, 0, 0},
};

static char report[4096];

/* Standard error of one launch goes to report. */
static CUresult launch(CUfunction f, const struct row *r, void **params)
{
	int fd = memfd_create("report", 0), keep = dup(2);
	CUresult result;
	ssize_t n;

	dup2(fd, 2);
	result = cuLaunchKernel(f, r->blocks, 1, 1, r->threads, 1, 1, 0, NULL, params, NULL);
	dup2(keep, 2);
	n = pread(fd, report, sizeof(report) - 1, 0);
	report[n > 0 ? n : 0] = 0;
	close(fd);
	close(keep);
	return result;
}

static void expect_line(const struct row *r, CUdeviceptr x, CUdeviceptr y)
{
	CUdeviceptr base = r->space == 'x' ? x : r->space == 'y' ? y : 0;
	char want[512];

	snprintf(want, sizeof(want), "occ_emulator: kernel f, ptx line %s address 0x%" PRIx64 "\n",
		 r->want, base + r->offset);
	if (strcmp(report, want) != 0) {
		fprintf(stderr, "want: %sgot:  %s", want, report);
		emu_failures++;
	}
}

static void run(const struct row *r, bool random)
{
	uint8_t zeros[BYTES] = {0};
	CUdeviceptr x = emu_copy(zeros, BYTES), y = emu_memory(BYTES * 8);
	void *params[] = {&x, &y};
	char text[4096];
	CUmodule m;
	CUfunction f;
	CUresult got;

	snprintf(text, sizeof(text), "%s%sret;\n}\n", head, r->body);
	f = emu_load(&m, text, "f");
	EXPECT_IS(cuMemcpyHtoD_v2(y, zeros, r->written), CUDA_SUCCESS);
	got = launch(f, r, params);
	EXPECT_IS(got, r->want ? CUDA_ERROR_LAUNCH_FAILED : CUDA_SUCCESS);
	if (r->want && !random)
		expect_line(r, x, y);
	if (!r->want && *report)
		emu_fail(__FILE__, __LINE__, report);
	emu_restart();
}

int main(int argc, char **argv)
{
	bool random = argc > 1 && !strcmp(argv[1], "random");

	emu_start(random ? "sm=87,threads=2,sanitize=1,schedule=12345"
			 : "sm=87,threads=1,sanitize=1");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int before = emu_failures;

		run(&rows[i], random);
		if (emu_failures != before)
			fprintf(stderr, "in row %zu: %s\n", i, rows[i].body);
	}
	emu_stop();
	return emu_failures != 0;
}
