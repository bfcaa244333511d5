/*
 * The counters: exact counts of a small kernel, the same on one and on three
 * threads.
 */
#include "base/fs.h"
#include "tests/40emulator/emu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Even threads go round a loop three times, the others not at all. */
static const char text[] = ".version 9.0\n.target sm_87\n.address_size 64\n"
			   ".visible .entry count(.param .u64 out)\n{\n"
			   "\t.reg .b32 %r<9>;\n\t.reg .f32 %f<3>;\n\t.reg .b64 %d<3>;\n"
			   "\t.reg .pred %p<3>;\n"
			   "\tld.param.u64 %d0, [out];\n"
			   "\tmov.u32 %r0, %tid.x;\n"
			   "\tmov.f32 %f0, 0f3F800000;\n"
			   "\tand.b32 %r1, %r0, 1;\n"
			   "\tsetp.ne.u32 %p0, %r1, 0;\n"
			   "\tmov.u32 %r2, 3;\n"
			   "\t@%p0 bra OUT;\n"
			   "LOOP:\n"
			   "\tfma.rn.f32 %f0, %f0, %f0, %f0;\n"
			   "\tfma.rn.f32 %f0, %f0, %f0, %f0;\n"
			   "\tsub.u32 %r2, %r2, 1;\n"
			   "\tsetp.ne.u32 %p1, %r2, 0;\n"
			   "\t@%p1 bra LOOP;\n"
			   "OUT:\n"
			   "\tmul.wide.u32 %d1, %r0, 4;\n"
			   "\tadd.s64 %d0, %d0, %d1;\n"
			   "\tst.global.f32 [%d0], %f0;\n"
			   "\tret;\n}\n";

/* 2 launches of 5 blocks of 2 warps: 20 runs of each block, 60 of the loop. */
static const char want[] =
	"{\"format\":1,\"kernels\":[{\"module\":0,\"entry\":\"count\",\"launches\":2,"
	"\"warp_instructions\":520,\"fma\":120,\"fma_share\":0.23076923076923078,"
	"\"mix\":{\"add.int\":20,\"and.int\":20,\"bra\":80,\"fma.f32\":120,\"ld.param\":20,"
	"\"mov\":60,\"mul.int\":20,\"ret\":20,\"setp\":80,\"st.global\":20,\"sub.int\":60}}],"
	"\"total\":{\"launches\":2,\"warp_instructions\":520,\"fma\":120,"
	"\"fma_share\":0.23076923076923078,\"mix\":{\"add.int\":20,\"and.int\":20,\"bra\":80,"
	"\"fma.f32\":120,\"ld.param\":20,\"mov\":60,\"mul.int\":20,\"ret\":20,\"setp\":80,"
	"\"st.global\":20,\"sub.int\":60}}}\n";

int main(int argc, char **argv)
{
	char path[] = "/tmp/occ_stats_XXXXXX", config[128];
	struct buf got = BUF_INIT;
	struct err e = ERR_INIT;
	int fd = mkstemp(path);
	CUdeviceptr out;
	void *params[] = {&out};
	CUmodule m;
	CUfunction f;

	snprintf(config, sizeof(config), "threads=%s,stats=%s", argc > 1 ? argv[1] : "3", path);
	emu_start(config);
	out = emu_memory(256);
	f = emu_load(&m, text, "count");
	for (int i = 0; i < 2 && f; i++)
		EXPECT_IS(cuLaunchKernel(f, 5, 1, 1, 64, 1, 1, 0, NULL, params, NULL),
			  CUDA_SUCCESS);
	emu_stop();
	if (fs_read(path, 1 << 16, &got, &e) < 0)
		emu_fail(path, 0, e.detail);
	if (strcmp(buf_str(&got), want) != 0) {
		fprintf(stderr, "%s", buf_str(&got));
		emu_fail(path, 0, "other counts");
	}
	unlink(path);
	close(fd);
	buf_release(&got);
	err_release(&e);
	return emu_failures != 0;
}
