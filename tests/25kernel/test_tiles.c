/*
 * The order of a reduction belongs to the operator: every tile of conv and
 * gemm gives the same bits, for the templates' default sizes cut down to run
 * in a moment.
 */
#include "compiler/toolchain.h"
#include "kernels/kernels.h"
#include "runtime/cuda.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define X(name, args) CUresult name args;
CUDA_CALLS(X)
#undef X

#define OUTPUTS	 (64 * 14 * 14) /* of either kernel, at most */
#define OPERANDS (1 << 16)

static int failures;

#define EXPECT(cond) \
	((cond) ? (void)0 : (void)(printf("%d: failed: %s\n", __LINE__, #cond), failures++))

static const struct {
	int bm, bn, tm, tn;
} tiles[] = {
	{64, 64, 8, 8}, {128, 64, 8, 8}, {64, 128, 8, 8}, {128, 32, 8, 4},
	{64, 64, 8, 4}, {64, 32, 8, 4},	 {64, 32, 4, 4},  {32, 64, 4, 8},
	{32, 32, 4, 4}, {128, 16, 8, 4}, {64, 16, 4, 4},  {256, 8, 8, 4},
};

#define CONV                                                                                    \
	"#define N 1\n#define GROUPS 1\n#define CI 24\n#define ID 1\n#define IH 9\n#define IW " \
	"11\n"                                                                                  \
	"#define OD 1\n#define KD 1\n#define KH 3\n#define KW 3\n#define SD 1\n#define SH 1\n"  \
	"#define SW 1\n#define DD 1\n#define DH 1\n#define DW 1\n#define PD 0\n#define PH 1\n"  \
	"#define PW 1\n#define MASK_D 0\n#define MASK_H 1\n#define MASK_W 1\n#define X_PITCH "  \
	"2376\n#define X_PLAIN 0\n#define Y_PLAIN 0\n#define WD 1\n#define BEFORE 0\n"          \
	"#define OVERLAP 0\n"

static const struct kernel {
	const char *name, *sizes;
	int rows, columns, count; /* of the result; count: stored elements */

} kernels[] = {
	{"conv",
	 CONV "#define CO 40\n#define CO_PAD 40\n#define OH 9\n#define OW 11\n#define SHUFFLE 1\n"
	      "#define YC 40\n#define WH 1\n#define WW 1\n#define IS_MAX 0\n",
	 99, 40, 40 * 99},
	{"conv", /* the mean of 2 x 2 */
	 CONV "#define CO 40\n#define CO_PAD 40\n#define OH 4\n#define OW 5\n#define SHUFFLE 1\n"
	      "#define YC 40\n#define WH 2\n#define WW 2\n#define IS_MAX 0\n",
	 80, 40, 40 * 20},
	{"conv", /* the maximum of 1 x 2 */
	 CONV "#define CO 40\n#define CO_PAD 40\n#define OH 9\n#define OW 5\n#define SHUFFLE 1\n"
	      "#define YC 40\n#define WH 1\n#define WW 2\n#define IS_MAX 1\n",
	 90, 40, 40 * 45},
	{"conv", /* the maxima of 3 x 3 that overlap, over what is there */
	 CONV "#define CO 40\n#define CO_PAD 40\n#define OH 9\n#define OW 11\n#define SHUFFLE 1\n"
	      "#define YC 40\n#define WH 1\n#define WW 1\n#define IS_MAX 1\n#undef OVERLAP\n"
	      "#define OVERLAP 1\n#define NON_NEGATIVE 0\n#define UD 1\n#define UH 5\n"
	      "#define UW 6\n#define RD 1\n#define RH 3\n#define RW 3\n#define TD 1\n"
	      "#define TH 2\n#define TW 2\n#define QD 0\n#define QH 1\n#define QW 1\n",
	 99, 40, 40 * 30},
	{"conv", /* shuffled by 2 */
	 CONV "#define CO 64\n#define CO_PAD 64\n#define OH 9\n#define OW 11\n#define SHUFFLE 2\n"
	      "#define YC 16\n#define WH 1\n#define WW 1\n#define IS_MAX 0\n",
	 99, 64, 64 * 99},
	{"gemm",
	 "#define MM 70\n#define NN 52\n#define KK 93\n#define AM 93\n#define AK 1\n"
	 "#define BK 52\n#define BN_ 1\n#define A_VEC 1\n#define B_VEC 4\n#define B_ROWS 93\n"
	 "#define B_COLS 52\n#define HAS_BIAS 1\n"
	 "INLINE unsigned a_base(unsigned b) { return 0; }\n"
	 "INLINE unsigned b_base(unsigned b) { return 0; }\n",
	 70, 52, 70 * 52},
};

static CUdeviceptr random_operand(void)
{
	static float data[OPERANDS];
	static uint32_t state = 1;
	CUdeviceptr p = 0;

	for (size_t i = 0; i < OPERANDS; i++) {
		state = state * 1664525 + 1013904223;
		data[i] = (float)(state >> 8) * 0x1p-23f - 1.0f;
	}
	EXPECT(cuMemAlloc_v2(&p, sizeof(data)) == CUDA_SUCCESS);
	EXPECT(cuMemcpyHtoD_v2(p, data, sizeof(data)) == CUDA_SUCCESS);
	return p;
}

static void compile_tile(const struct nvrtc *n, const struct kernel *k, size_t tile,
			 struct buf *ptx)
{
	struct buf source = BUF_INIT;
	struct nvrtc_result r;
	struct err e = ERR_INIT;
	char file[32];

	snprintf(file, sizeof(file), "%s.cu", k->name);
	buf_printf(&source,
		   "%s\n#define BM %d\n#define BN %d\n#define TM %d\n#define TN %d\n%s%s\n%s",
		   kernel_source("prelude.cuh"), tiles[tile].bm, tiles[tile].bn, tiles[tile].tm,
		   tiles[tile].tn, k->sizes, kernel_source("epilogue.cuh"), kernel_source(file));
	if (nvrtc_compile(n, buf_str(&source), "sm_87", &r, &e) == 0) {
		buf_append(ptx, r.ptx.data, r.ptx.len);
		nvrtc_release(&r);
	} else {
		printf("%s\n", e.detail);
		failures++;
	}
	buf_release(&source);
	err_release(&e);
}

static void run(const struct kernel *k, size_t tile, const char *ptx, CUdeviceptr *operand,
		float *out)
{
	unsigned threads =
		(unsigned)(tiles[tile].bm / tiles[tile].tm * (tiles[tile].bn / tiles[tile].tn));
	unsigned gx = (unsigned)div_up(k->rows, tiles[tile].bm);
	unsigned gy = (unsigned)div_up(k->columns, tiles[tile].bn);
	void *args[] = {&operand[0], &operand[1], &operand[2], &operand[3]};
	CUmodule m;
	CUfunction f;

	for (int i = 0; i < OUTPUTS; i++) /* NaN behind what maxima begin with */
		out[i] = strstr(k->sizes, "OVERLAP 1") && i < k->count ? -INFINITY : NAN;
	EXPECT(cuMemcpyHtoD_v2(operand[0], out, OUTPUTS * sizeof(float)) == CUDA_SUCCESS);
	if (cuModuleLoadData(&m, ptx) != CUDA_SUCCESS ||
	    cuModuleGetFunction(&f, m, k->name) != CUDA_SUCCESS) {
		failures++;
		return;
	}
	EXPECT(cuLaunchKernel(f, gx, gy, 1, threads, 1, 1, 0, NULL, args, NULL) == CUDA_SUCCESS);
	EXPECT(cuCtxSynchronize() == CUDA_SUCCESS);
	EXPECT(cuMemcpyDtoH_v2(out, operand[0], OUTPUTS * sizeof(float)) == CUDA_SUCCESS);
	cuModuleUnload(m);
}

static void check_kernel(const struct nvrtc *n, const struct kernel *k)
{
	static float first[OUTPUTS], out[OUTPUTS];
	CUdeviceptr operand[4];
	double sum = 0;

	for (size_t i = 0; i < COUNT_OF(operand); i++)
		operand[i] = random_operand();
	for (size_t tile = 0; tile < COUNT_OF(tiles); tile++) {
		struct buf ptx = BUF_INIT;

		compile_tile(n, k, tile, &ptx);
		run(k, tile, buf_str(&ptx), operand, tile ? out : first);
		if (tile && memcmp(first, out, sizeof(out)) != 0) {
			printf("%s: tile %zu differs from the first\n", k->name, tile);
			failures++;
		}
		buf_release(&ptx);
	}
	for (int i = 0; i < k->count; i++)
		sum += fabs((double)first[i]); /* NaN where something was not written */
	EXPECT(sum > k->count * 0.5);
	EXPECT(isnan(first[k->count]));
}

int main(void)
{
	struct arena *a = arena_open(0);
	struct err e = ERR_INIT;
	struct nvrtc *n;
	CUcontext ctx;

	EXPECT(cuInit(0) == CUDA_SUCCESS && cuDevicePrimaryCtxRetain(&ctx, 0) == CUDA_SUCCESS &&
	       cuCtxSetCurrent(ctx) == CUDA_SUCCESS);
	if (toolchain_open("sm_87", a, &n, NULL, &e) < 0) {
		printf("%s\n", e.detail);
		return 1;
	}
	for (size_t k = 0; k < COUNT_OF(kernels); k++)
		check_kernel(n, &kernels[k]);
	nvrtc_close(n);
	cuDevicePrimaryCtxRelease_v2(0);
	arena_close(a);
	return failures != 0;
}
