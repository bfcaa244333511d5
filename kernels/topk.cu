/*
 * topk: the K greatest (LARGEST) or least of LENGTH elements STEP apart, in order, and where they
 * are; of equal ones the first is first, NaN comes before all. One block per row; each round looks
 * for the best of all elements that come after the one before. OUTS, PUT: the outputs that are used.
 * Grid: rows. Shared: static. In place: no.
 */
#ifndef INLINE
#include "prelude.cuh"
#endif
#ifndef K
typedef f32 x_t;
#define K	5
#define LENGTH	1000
#define STEP	1
#define LARGEST 1
#define THREADS 128
#define OUTS	x_t *y, i64 *index
#define PUT(at, i) \
	(y[at] = row[(i)*STEP], index[at] = (i))
#endif

#define NONE 0xffffffffu

/* Does element i come before element j? */
INLINE bool before(const x_t *row, unsigned i, unsigned j)
{
	const compute_t<x_t> a = get(row[i * STEP]), b = get(row[j * STEP]);

	if (a != a || b != b)
		return a != a && (b == b || i < j);
	return a == b ? i < j : LARGEST ? a > b : a < b;
}

INLINE unsigned first_of(const x_t *row, unsigned i, unsigned j)
{
	return j == NONE || (i != NONE && before(row, i, j)) ? i : j;
}

extern "C" __global__ void __launch_bounds__(THREADS) topk(OUTS, const x_t *x)
{
	__shared__ unsigned part[THREADS / 32];
	const unsigned o = blockIdx.x;
	const x_t *row = x + o / STEP * (LENGTH * STEP) + o % STEP;
	unsigned last = NONE;

	for (unsigned k = 0; k < K; k++) {
		unsigned best = NONE;

		for (unsigned i = threadIdx.x; i < LENGTH; i += THREADS)
			if (last == NONE || before(row, last, i))
				best = first_of(row, best, i);
#pragma unroll
		for (int d = 16; d; d >>= 1)
			best = first_of(row, best, __shfl_xor_sync(0xffffffffu, best, d));
		__syncthreads();
		part[threadIdx.x / 32] = best;
		__syncthreads();
		last = part[0];
#pragma unroll
		for (int w = 1; w < THREADS / 32; w++)
			last = first_of(row, last, part[w]);
		if (threadIdx.x == 0)
			PUT(o / STEP * (K * STEP) + k * STEP + o % STEP, last);
	}
}
