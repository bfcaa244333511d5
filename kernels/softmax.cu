/*
 * softmax (LOG: log-softmax) of floats over LENGTH elements STEP apart; one block per row. The row
 * is read three times: maximum, sum of exp(x - max), result. Thread t takes elements t, t +
 * THREADS, ... in order, then a tree over lanes and warps.
 * Row r begins at r / STEP * (LENGTH * STEP) + r % STEP, X_AT(i) is where x has its element i.
 * Grid: rows. Shared: static. In place: yes: a thread writes what only it reads after the barriers.
 */
#ifndef INLINE
#define VEC 1
#include "prelude.cuh"

#include "epilogue.cuh"
#endif
#ifndef LENGTH
#define LENGTH 1000
#define STEP 1
#define LOG 0
#define THREADS 128
#define X_AT(i) (i)
#endif

typedef compute_t<y_t> c_t;

/* Combined over the block; every thread gets it. The maximum comes first, nobody reads shared yet. */
INLINE c_t block_max(c_t v, c_t *shared)
{
	v = warp_max(v);
	shared[threadIdx.x / 32] = v;
	__syncthreads();
#pragma unroll
	for (int w = 0; w < THREADS / 32; w++)
		v = max_nan(v, shared[w]);
	return v;
}

INLINE c_t block_sum(c_t v, c_t *shared)
{
	v = warp_sum(v);
	__syncthreads();
	shared[threadIdx.x / 32] = v;
	__syncthreads();
	v = 0;
#pragma unroll
	for (int w = 0; w < THREADS / 32; w++)
		v += shared[w];
	return v;
}

extern "C" __global__ void __launch_bounds__(THREADS) softmax(y_t *y, const y_t *x EXTRA_PARAMS)
{
	__shared__ c_t shared[THREADS / 32];
	const unsigned row = blockIdx.x, first = row / STEP * (LENGTH * STEP) + row % STEP;
	c_t top = least(top), sum = 0;

	for (unsigned i = threadIdx.x; i < LENGTH; i += THREADS)
		top = max_nan(top, get(x[X_AT(first + i * STEP)]));
	top = block_max(top, shared);
	for (unsigned i = threadIdx.x; i < LENGTH; i += THREADS)
		sum += exp(get(x[X_AT(first + i * STEP)]) - top);
	sum = block_sum(sum, shared);
	if (LOG)
		sum = log(sum);
	for (unsigned i = threadIdx.x; i < LENGTH; i += THREADS) {
		const unsigned off = first + i * STEP;
		const c_t a = get(x[X_AT(off)]) - top;
		c_t v[1] = {LOG ? a - sum : exp(a) / sum};

		epilogue(v, off EXTRA_ARGS);
		store(y, out_at(off), v);
	}
}
