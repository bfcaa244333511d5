/*
 * gemv: y[m][n] = bias[n] + sum over k of x[m][k] * w[n][k], few rows m. A warp has VEC columns n;
 * lane l takes the k of its KV-wide slices l, l + 32, ... in order with fmaf, then a tree over lanes.
 * w: [NN][K_PAD], then bias [NN]; K_PAD a multiple of 4. KV: 4 where KK is a multiple of 4, else 1.
 * Grid: ceil(NN / VEC / (THREADS / 32)). Shared: none. In place: only with extra operands.
 */
#ifndef INLINE
#include "prelude.cuh"

#include "epilogue.cuh"
#endif
#ifndef MM
#define MM 1
#define NN 1000
#define KK 2048
#define K_PAD 2048
#define KV 4
#define X_PITCH 2048
#define THREADS 128
#endif

#define STEP (32 * KV) /* k of all lanes */

/* acc += x * w over KV neighbouring k of VEC rows of w. */
INLINE void slice(float (&acc)[MM][VEC], const float *x, const float *__restrict__ w)
{
	float f[VEC][KV];

#pragma unroll
	for (int j = 0; j < VEC; j++)
		load(f[j], w + j * K_PAD);
#pragma unroll
	for (int m = 0; m < MM; m++) {
		float a[KV];

		load(a, x + m * X_PITCH);
#pragma unroll
		for (int j = 0; j < VEC; j++)
#pragma unroll
			for (int q = 0; q < KV; q++)
				acc[m][j] = fmaf(a[q], f[j][q], acc[m][j]);
	}
}

extern "C" __global__ void __launch_bounds__(THREADS)
	gemv(float *y, const float *x, const float *__restrict__ w EXTRA_PARAMS)
{
	const unsigned lane = threadIdx.x % 32;
	const unsigned n = (blockIdx.x * (THREADS / 32) + threadIdx.x / 32) * VEC;
	const float *row = w + (n * K_PAD + lane * KV);
	float acc[MM][VEC] = {};

	if (n >= NN)
		return;
	x += lane * KV;
	/* The count is a constant, so that unrolled slices test nothing and step by immediates. */
#pragma unroll(MM == 1 ? 4 : 2)
	for (int k = 0; k < KK / STEP; k++)
		slice(acc, x + k * STEP, row + k * STEP);
	if (KK % STEP && lane * KV < KK % STEP)
		slice(acc, x + KK / STEP * STEP, row + KK / STEP * STEP);
#pragma unroll
	for (int m = 0; m < MM; m++)
#pragma unroll
		for (int j = 0; j < VEC; j++)
			acc[m][j] = warp_sum(acc[m][j]) + w[NN * K_PAD + n + j];
	if (lane != 0)
		return;
#pragma unroll
	for (int m = 0; m < MM; m++) {
		epilogue(acc[m], m * NN + n EXTRA_ARGS);
		store(y, out_at(m * NN + n), acc[m]);
	}
}
