/*
 * gemm: y[b][m][n] = bias[n] + sum over k of A[b][m][k] * B[b][k][n], any strides.
 * Each output is one chain of fmaf over k from the bias: all tiles give equal bits.
 * Generated: a_base(b), b_base(b), element 0 of a batch item. AM, AK, BK, BN_: strides. A_VEC, B_VEC:
 * 4 where 4 neighbours of k (A) or n (B) may be loaded at once. B_ROWS, B_COLS: what exists of B
 * (a packed constant is padded by zeros). HAS_BIAS: bias[NN rounded up to 4].
 * Grid: (ceil(MM / BM), ceil(NN / BN), batch). Threads: (BM / TM) * (BN / TN). Shared: static.
 * In place: only with extra operands.
 */
#ifndef INLINE
#include "prelude.cuh"

#include "epilogue.cuh"
#endif
#ifndef BM
#define BM 64
#define BN 64
#define TM 8
#define TN 4
#endif
#ifndef MM
#define MM 40
#define NN 120
#define KK 480
#define AM 480
#define AK 1
#define BK 120
#define BN_ 1
#define A_VEC 4
#define B_VEC 4
#define B_ROWS 480
#define B_COLS 120
#define HAS_BIAS 1
INLINE unsigned a_base(unsigned b)
{
	return 0;
}
INLINE unsigned b_base(unsigned b)
{
	return 0;
}
#endif

#define TX (BN / TN)
#define TY (BM / TM)
#define THREADS (TX * TY)
#define STEPS ((KK + 7) / 8)
#define A_UNITS (BM * 8 / A_VEC)
#define B_UNITS (BN * 8 / B_VEC)
#define A_LOADS ((A_UNITS + THREADS - 1) / THREADS)
#define B_LOADS ((B_UNITS + THREADS - 1) / THREADS)

/* Unit u of a tile: neighbours along the axis whose elements are neighbours in memory. */
INLINE void a_place(unsigned u, unsigned &m, unsigned &k)
{
	if (AK == 1) {
		m = u / (8 / A_VEC);
		k = u % (8 / A_VEC) * A_VEC;
	} else {
		m = u % BM;
		k = u / BM;
	}
}

INLINE void b_place(unsigned u, unsigned &k, unsigned &n)
{
	if (BN_ == 1) {
		k = u / (BN / B_VEC);
		n = u % (BN / B_VEC) * B_VEC;
	} else {
		k = u % 8;
		n = u / 8;
	}
}

#if HAS_BIAS
#define BIAS_PARAM , const float *__restrict__ bias
#else
#define BIAS_PARAM
#endif

extern "C" __global__ void __launch_bounds__(THREADS, MIN_BLOCKS(THREADS, TM *TN + 96))
	gemm(float *y, const float *a, const float *b BIAS_PARAM EXTRA_PARAMS)
{
	__shared__ float as[2][8][BM + 4];
	__shared__ float bs[2][8][BN + 4];
	const unsigned t = threadIdx.x, tx = t % TX, ty = t / TX;
	const unsigned m0 = blockIdx.x * BM, n0 = blockIdx.y * BN, batch = blockIdx.z;
	const float *ap = a + a_base(batch), *bp = b + b_base(batch);
	float acc[TM][TN], anext[A_LOADS][A_VEC], bnext[B_LOADS][B_VEC];

#pragma unroll
	for (int j = 0; j < TN; j++) {
		float start = 0.0f;
#if HAS_BIAS
		start = bias[min(n0 + tile_index(tx, j, TX), NN - 1)];
#endif
#pragma unroll
		for (int i = 0; i < TM; i++)
			acc[i][j] = start;
	}
#pragma unroll 1
	for (int step = -1; step < STEPS; step++) {
		const int now = step & 1, next = now ^ 1;

		/* the next step's operands travel while this one is computed */
		if (step + 1 < STEPS) {
#pragma unroll
			for (int i = 0; i < A_LOADS; i++) {
				unsigned m, k;

				a_place(t + i * THREADS, m, k);
				k += (step + 1) * 8;
				m = min(m0 + m, MM - 1);
				if ((KK % 8 == 0 || k < KK) &&
				    (A_UNITS % THREADS == 0 || t + i * THREADS < A_UNITS)) {
					load(anext[i], ap + (m * AM + k * AK));
				} else {
#pragma unroll
					for (int q = 0; q < A_VEC; q++)
						anext[i][q] = 0.0f;
				}
			}
#pragma unroll
			for (int i = 0; i < B_LOADS; i++) {
				unsigned k, n;

				b_place(t + i * THREADS, k, n);
				k += (step + 1) * 8;
				n = min(n0 + n, B_COLS - B_VEC);
				if ((B_ROWS % 8 == 0 || k < B_ROWS) &&
				    (B_UNITS % THREADS == 0 || t + i * THREADS < B_UNITS)) {
					load(bnext[i], bp + (k * BK + n * BN_));
				} else {
#pragma unroll
					for (int q = 0; q < B_VEC; q++)
						bnext[i][q] = 0.0f;
				}
			}
		}
		if (step >= 0)
			tile_fma(acc, as[now], bs[now], ty, TY, tx, TX);
		if (step + 1 < STEPS) {
#pragma unroll
			for (int i = 0; i < A_LOADS; i++) {
				unsigned m, k;

				a_place(t + i * THREADS, m, k);
				if (A_UNITS % THREADS == 0 || t + i * THREADS < A_UNITS)
#pragma unroll
					for (int q = 0; q < A_VEC; q++)
						as[next][k + q][m] = anext[i][q];
			}
#pragma unroll
			for (int i = 0; i < B_LOADS; i++) {
				unsigned k, n;

				b_place(t + i * THREADS, k, n);
				if (B_UNITS % THREADS == 0 || t + i * THREADS < B_UNITS)
					store(&bs[next][0][0], k * (BN + 4) + n, bnext[i]);
			}
			__syncthreads();
		}
	}
#pragma unroll
	for (int i = 0; i < TM; i++) {
		const unsigned m = m0 + tile_index(ty, i, TY);

#pragma unroll
		for (int j = 0; j < TN; j += VEC) {
			const unsigned n = n0 + tile_index(tx, j, TX), off = (batch * MM + m) * NN + n;
			float v[VEC];

			if (m >= MM || n >= NN)
				continue;
#pragma unroll
			for (int q = 0; q < VEC; q++)
				v[q] = acc[i][j + q];
			epilogue(v, off EXTRA_ARGS);
			store(y, out_at(off), v);
		}
	}
}
