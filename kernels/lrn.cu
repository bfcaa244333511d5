/*
 * lrn: y = x / (BIAS + ALPHA / SIZE * sum of x^2 over SIZE neighbouring channels) ^ BETA. XL, YL:
 * lanes of x and y, 8 where they are blocked, else 1. The sum goes through the channels in order.
 * Grid: ceil(COUNT / THREADS), COUNT = N * ceil(C / YL) * S * YL. Shared: none. In place: no.
 */
#ifndef INLINE
#define VEC 1
#include "prelude.cuh"

#include "epilogue.cuh"
#endif
#ifndef COUNT
typedef f32 x_t;
#define COUNT	(64 * 27 * 27)
#define C	64
#define S	(27 * 27)
#define XL	8
#define YL	8
#define SIZE	5
#define SCALE	2e-5f
#define BETA	0.75f
#define BIAS	1.0f
#define X_PITCH (64 * 27 * 27)
#define THREADS 128
#endif

extern "C" __global__ void __launch_bounds__(THREADS) lrn(y_t *y, const x_t *x EXTRA_PARAMS)
{
	const unsigned off = blockIdx.x * THREADS + threadIdx.x;
	const unsigned s = off / YL % S, block = off / YL / S;
	const int c = (int)(block % ((C + YL - 1) / YL) * YL + off % YL);
	const x_t *xp = x + block / ((C + YL - 1) / YL) * X_PITCH;
	float sum = 0.0f, v[1] = {0.0f};

	if (off >= COUNT)
		return;
	for (int k = c - (SIZE - 1) / 2; k <= c + SIZE / 2; k++) {
		float a;

		if (k < 0 || k >= C)
			continue;
		a = get(xp[((unsigned)k / XL * S + s) * XL + (unsigned)k % XL]);
		sum = fmaf(a, a, sum);
		if (k == c)
			v[0] = a;
	}
	v[0] = v[0] / powf(fmaf(SCALE, sum, BIAS), BETA);
	epilogue(v, off EXTRA_ARGS);
	store(y, out_at(off), v);
}
