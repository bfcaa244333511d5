/*
 * Whole kernels against loops in C: NVRTC's output for sm_87 and compute_110
 * (two front ends, two dialects), fresh where there is an NVRTC and as
 * committed in golden/. Results that are exact by rule are compared bit by
 * bit: the loops do the same operations in the same order.
 */
#include "base/fs.h"
#include "tests/40emulator/emu.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static float *randoms(size_t n, float scale)
{
	float *p = mem_alloc(n * sizeof(*p));

	for (size_t i = 0; i < n; i++)
		p[i] = emu_random_float() * scale;
	return p;
}

static void launch(CUfunction f, unsigned grid_x, unsigned grid_y, unsigned threads,
		   unsigned shared, void **params)
{
	EXPECT_IS(cuLaunchKernel(f, grid_x, grid_y, 1, threads, 1, 1, shared, NULL, params, NULL),
		  CUDA_SUCCESS);
}

static void fetch(float *to, CUdeviceptr from, size_t n)
{
	EXPECT_IS(cuMemcpyDtoH_v2(to, from, n * sizeof(*to)), CUDA_SUCCESS);
}

/* Outputs that hardly vary prove nothing. */
static void expect_variance(const float *v, size_t n)
{
	double sum = 0, squares = 0;

	for (size_t i = 0; i < n; i++) {
		sum += (double)v[i];
		squares += (double)v[i] * (double)v[i];
	}
	EXPECT(squares / (double)n - sum / (double)n * sum / (double)n > 1e-9);
}

enum { SM = 128, SN = 128, SK = 64 };

static void sgemm(CUfunction f)
{
	float *a = randoms(SM * SK, 1), *b = randoms(SK * SN, 1), *bias = randoms(SN, 4);
	float *want = mem_alloc(SM * SN * 4), *got = mem_alloc(SM * SN * 4);
	CUdeviceptr da = emu_copy(a, SM * SK * 4), db = emu_copy(b, SK * SN * 4),
		    dbias = emu_copy(bias, SN * 4), dc = emu_memory(SM * SN * 4);
	void *params[] = {&da, &db, &dbias, &dc};

	launch(f, SN / 64, SM / 64, 128, 0, params);
	fetch(got, dc, SM * SN);
	for (int i = 0; i < SM; i++)
		for (int j = 0; j < SN; j++) {
			float s = 0;

			for (int k = 0; k < SK; k++)
				s = fmaf(a[i * SK + k], b[k * SN + j], s);
			want[i * SN + j] = fmaxf(s + bias[j], 0);
		}
	emu_close("sgemm", got, want, SM * SN, 0, 0);
	expect_variance(got, SM * SN);
	mem_free(a), mem_free(b), mem_free(bias), mem_free(want), mem_free(got);
}

enum { DC = 32, DH = 28, DW = 28, DS = 2, DOH = 14, DOW = 14 };

static void depthwise_want(const float *x, const float *w, const float *bias, float *y)
{
	for (int c = 0; c < DC; c++)
		for (int oy = 0; oy < DOH; oy++)
			for (int ox = 0; ox < DOW; ox++) {
				float s = bias[c];

				for (int k = 0; k < 9; k++) {
					int iy = oy * DS - 1 + k / 3, ix = ox * DS - 1 + k % 3;

					if (iy < 0 || iy >= DH || ix < 0 || ix >= DW)
						continue;
					s = fmaf(x[((c / 8 * DH + iy) * DW + ix) * 8 + c % 8],
						 w[(c / 8 * 9 + k) * 8 + c % 8], s);
				}
				y[((c / 8 * DOH + oy) * DOW + ox) * 8 + c % 8] = s;
			}
}

static void depthwise(CUfunction f)
{
	enum { IN = DC * DH * DW, OUT = DC * DOH * DOW };
	float *x = randoms(IN, 1), *w = randoms(DC * 9, 1), *bias = randoms(DC, 1);
	float *want = mem_alloc(OUT * 4), *got = mem_alloc(OUT * 4);
	CUdeviceptr dx = emu_copy(x, IN * 4), dw = emu_copy(w, DC * 9 * 4),
		    dbias = emu_copy(bias, DC * 4), dy = emu_memory(OUT * 4);
	void *params[] = {&dx, &dw, &dbias, &dy};

	launch(f, (OUT / 4 + 127) / 128, 1, 128, 0, params);
	fetch(got, dy, OUT);
	depthwise_want(x, w, bias, want);
	emu_close("depthwise", got, want, OUT, 0, 0);
	expect_variance(got, OUT);
	mem_free(x), mem_free(w), mem_free(bias), mem_free(want), mem_free(got);
}

static void softmax(CUfunction f)
{
	enum { ROWS = 7, COLS = 1000 };
	float *x = randoms(ROWS * COLS, 10);
	float *want = mem_alloc(ROWS * COLS * 4), *got = mem_alloc(ROWS * COLS * 4);
	CUdeviceptr dx = emu_copy(x, ROWS * COLS * 4), dy = emu_memory(ROWS * COLS * 4);
	void *params[] = {&dx, &dy};

	launch(f, ROWS, 1, 128, 0, params);
	fetch(got, dy, ROWS * COLS);
	for (int r = 0; r < ROWS; r++) {
		double top = -(double)INFINITY, sum = 0;

		for (int i = 0; i < COLS; i++)
			top = fmax(top, (double)x[r * COLS + i]);
		for (int i = 0; i < COLS; i++)
			sum += exp((double)x[r * COLS + i] - top);
		for (int i = 0; i < COLS; i++)
			want[r * COLS + i] = (float)(exp((double)x[r * COLS + i] - top) / sum);
	}
	emu_close("softmax", got, want, ROWS * COLS, 2e-6, 0);
	expect_variance(got, ROWS * COLS);
	mem_free(x), mem_free(want), mem_free(got);
}

static double eltwise_want(int k, double v)
{
	double a = fabs(v);

	switch (k) {
	case 0:
		return exp(v);
	case 1:
		return tanh(v);
	case 2:
		return erf(v);
	case 3:
		return 1 / (1 + exp(-v));
	case 4:
		return log(a);
	case 5:
		return pow(a, (double)1.7f);
	case 6:
		return sin(v);
	case 7:
		return cos(v);
	case 8:
		return sqrt(a);
	case 9:
		return floor(v) + ceil(v) + rint(v) + trunc(v) + round(v);
	case 10:
		return v / 3;
	case 11:
		return log1p(exp(v));
	case 12:
		return (double)((float)(int)v + (float)(unsigned)a + (float)(long long)v);
	case 13:
		return fmod(v, (double)0.7f);
	case 14:
		return 1 / sqrt(a);
	default:
		return atan(v);
	}
}

static void eltwise(CUfunction f)
{
	enum { COUNT = 1000, KINDS = 16 };
	float *x = randoms(COUNT, 8);
	float *want = mem_alloc(KINDS * COUNT * 4), *got = mem_alloc(KINDS * COUNT * 4);
	CUdeviceptr dx = emu_copy(x, COUNT * 4), dy = emu_memory(KINDS * COUNT * 4);
	void *params[] = {&dx, &dy};

	launch(f, (COUNT + 95) / 96, 1, 96, 0, params);
	fetch(got, dy, KINDS * COUNT);
	for (int k = 0; k < KINDS; k++) {
		char name[32];

		for (int i = 0; i < COUNT; i++)
			want[k * COUNT + i] = (float)eltwise_want(k, (double)x[i]);
		snprintf(name, sizeof(name), "eltwise %d", k);
		emu_close(name, got + k * COUNT, want + k * COUNT, COUNT, 2e-6, 2e-7);
		expect_variance(got + k * COUNT, COUNT);
	}
	/* sin and cos of large arguments reduce them by a table in local memory */
	for (int i = 0; i < COUNT; i++)
		x[i] = emu_random_float() * 1e7f;
	EXPECT_IS(cuMemcpyHtoD_v2(dx, x, COUNT * 4), CUDA_SUCCESS);
	launch(f, (COUNT + 95) / 96, 1, 96, 0, params);
	fetch(got, dy, KINDS * COUNT);
	for (int k = 6; k < 8; k++) {
		for (int i = 0; i < COUNT; i++)
			want[i] = (float)eltwise_want(k, (double)x[i]);
		emu_close("eltwise, large", got + k * COUNT, want, COUNT, 1e-5, 2e-7);
	}
	mem_free(x), mem_free(want), mem_free(got);
}

static void histogram(CUfunction f)
{
	enum { COUNT = 5000, THREADS = 256, PAD = 5120 };
	static const uint32_t table[16] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3};
	static uint32_t x[COUNT], scan[PAD], bins[64], want_scan[PAD], want[64];
	CUdeviceptr dx, dbins, dscan;
	int n = COUNT;
	void *params[] = {&dx, &dbins, &dscan, &n};

	memset(bins, 0, sizeof(bins));
	memset(want, 0, sizeof(want));
	for (int i = 0; i < COUNT; i++) {
		x[i] = emu_random();
		want[x[i] % 64] += table[x[i] & 15];
	}
	for (int w = 0; w < COUNT; w += 32) {
		uint32_t sum = 0, odd = 0;

		for (int i = w; i < w + 32 && i < COUNT; i++) {
			sum += x[i] & 15;
			want_scan[i] = sum + odd * 1000;
			odd += x[i] & 1;
		}
	}
	dx = emu_copy(x, sizeof(x));
	dbins = emu_copy(bins, sizeof(bins));
	dscan = emu_memory(sizeof(scan));
	launch(f, (COUNT + THREADS - 1) / THREADS, 1, THREADS, 64 * 4, params);
	EXPECT_IS(cuMemcpyDtoH_v2(bins, dbins, sizeof(bins)), CUDA_SUCCESS);
	EXPECT_IS(cuMemcpyDtoH_v2(scan, dscan, sizeof(scan)), CUDA_SUCCESS);
	EXPECT(!memcmp(bins, want, sizeof(bins)));
	EXPECT(!memcmp(scan, want_scan, COUNT * 4));
}

static uint32_t choose(uint32_t v)
{
	uint32_t r = 0, w = v >> 3;

	switch (v % 9) {
	case 0:
		return v * 3;
	case 1:
		return v ^ 0x5555u;
	case 2:
		for (int k = 0; k < 32; k++)
			r |= (v >> k & 1) << (31 - k);
		return r;
	case 3:
		for (r = 132; v; v /= 2)
			r--;
		return r;
	case 4:
		for (; v; v /= 2)
			r += v % 2 * 7;
		return r;
	case 5: /* bytes 4, 1, 2, 5 of both, the lowest first */
		w = v * 5;
		return (w & 255) | (v & 0xffff00) | (w >> 8 & 255) << 24;
	case 6:
		return (uint32_t)((uint64_t)v * (v + 1) >> 32);
	case 7:
		for (r = 9; v; v >>= 8, w >>= 8)
			r += (v & 255) * (w & 255);
		return r;
	default:
		return (uint32_t)(((uint64_t)(v + 3) << 32 | v) << (v & 31) >> 32);
	}
}

static uint32_t sorted(uint32_t v)
{
	uint32_t r = 0;

	for (uint32_t digit = 0; digit < 10; digit++)
		for (uint32_t rest = v; rest; rest /= 10)
			if (rest % 10 == digit)
				r = r * 10 + digit;
	return r;
}

static uint64_t misc_want(int k, uint32_t v)
{
	int64_t s = (int64_t)(int32_t)v * 1000003 - 77, by = (int64_t)(v & 1023) - 512;
	double d = sqrt((double)v) / 3.0 + (double)s * 0.5;
	uint64_t bits;

	switch (k) {
	case 0:
		return choose(v);
	case 1:
		return sorted(v);
	case 2:
		return (uint64_t)(s / (by ? by : 1));
	case 3:
		return (uint64_t)((unsigned __int128)(uint64_t)s * (v * 0x100000001ull) >> 64);
	case 4:
		return (uint64_t)(s >> (v & 63)) ^ (uint64_t)s << (v >> 6 & 63);
	case 5:
		memcpy(&bits, &d, sizeof(bits));
		return bits;
	case 6:
		return (uint64_t)(int64_t)floor(d);
	case 7:
		return (uint64_t)(int64_t)((int)(uint16_t)(v * 7 + (v >> 16)) * (int)(int16_t)v);
	default: /* the upper half in both; below 2^15 and no NaN, so that it survives */
		v &= 0x3fffffff;
		return (v >> 16) * 0x10001;
	}
}

static void misc(CUfunction f)
{
	enum { COUNT = 2000, KINDS = 9 };
	static uint32_t x[COUNT];
	static uint64_t y[KINDS * COUNT];
	CUdeviceptr dx, dy = emu_memory(sizeof(y));
	void *params[] = {&dx, &dy};

	for (int i = 0; i < COUNT; i++)
		x[i] = emu_random() >> emu_random() % 32;
	dx = emu_copy(x, sizeof(x));
	launch(f, (COUNT + 127) / 128, 1, 128, 0, params);
	EXPECT_IS(cuMemcpyDtoH_v2(y, dy, sizeof(y)), CUDA_SUCCESS);
	for (int k = 0; k < KINDS; k++) {
		int bad = 0;

		for (int i = 0; i < COUNT; i++)
			if (y[k * COUNT + i] != misc_want(k, x[i]) && !bad++)
				fprintf(stderr, "misc %d: of %x: %llx, not %llx\n", k, x[i],
					(unsigned long long)y[k * COUNT + i],
					(unsigned long long)misc_want(k, x[i]));
		EXPECT(!bad);
	}
}

static const struct kernel_case {
	const char *name;
	void (*run)(CUfunction);
} cases[] = {{"sgemm", sgemm},	   {"depthwise", depthwise}, {"softmax", softmax},
	     {"eltwise", eltwise}, {"histogram", histogram}, {"misc", misc}};

static void run_text(const struct kernel_case *c, const char *ptx)
{
	CUmodule m;
	CUfunction f = emu_load(&m, ptx, c->name);

	if (f)
		c->run(f);
	emu_restart(); /* gives all memory back */
}

static char *golden(const char *name, const char *arch)
{
	struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	char path[256], *copy;

	snprintf(path, sizeof(path), GOLDEN "/golden/%s.%s.ptx", name, arch);
	if (fs_read(path, 1 << 22, &text, &e) < 0)
		emu_fail(path, 1, e.detail);
	copy = mem_strdup(buf_str(&text));
	buf_release(&text);
	err_release(&e);
	return copy;
}

/* The names that NVRTC takes and the golden files have; the last one is known to NVRTC 12 only. */
static const char *const archs[] = {"sm_87", "compute_110", "sm_53"};

static void run_golden(const struct kernel_case *c)
{
	for (size_t a = 0; a < 2; a++) {
		char *ptx = golden(c->name, archs[a]);

		fprintf(stderr, "%s, %s\n", c->name, archs[a]);
		run_text(c, ptx);
		mem_free(ptx);
	}
}

static int run_fresh(const struct kernel_case *c)
{
	int n = 0;

	for (int library = 0; library < emu_nvrtc_count(); library++)
		for (size_t a = 0; a < COUNT_OF(archs); a++) {
			char path[256], *ptx;

			snprintf(path, sizeof(path), GOLDEN "/%s.cu", c->name);
			ptx = emu_nvrtc(library, path, archs[a], NULL);
			if (!ptx)
				continue;
			fprintf(stderr, "%s, %s, NVRTC %d\n", c->name, archs[a], library);
			run_text(c, ptx);
			mem_free(ptx);
			n++;
		}
	return n;
}

int main(void)
{
	int fresh = 0;

	emu_start("sm=110");
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		run_golden(&cases[i]);
		fresh += run_fresh(&cases[i]);
	}
	emu_stop();
	printf("%d kernels compiled by %d NVRTCs, %d failures\n", fresh, emu_nvrtc_count(),
	       emu_failures);
	return emu_failures != 0;
}
