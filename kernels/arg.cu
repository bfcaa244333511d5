/*
 * arg: the index of the greatest (IS_MAX) or least of LENGTH elements STEP apart; of equal ones the
 * first or (LAST) the last; NaN wins. LANES threads (1 or 32) share one output: lane l looks at
 * elements l, l + LANES, ... in order, then the lanes are compared as a tree.
 * Grid: ceil(COUNT * LANES / THREADS). Shared: none. In place: no.
 */
#ifndef INLINE
#include "prelude.cuh"
#endif
#ifndef COUNT
typedef f32 x_t;
#define COUNT	256
#define LENGTH	1000
#define STEP	1
#define LANES	32
#define IS_MAX	1
#define LAST	0
#define THREADS 128
#endif

/* Of two indices of a row the one that is looked for. */
INLINE unsigned pick(const x_t *x, unsigned i, unsigned j)
{
	const compute_t<x_t> a = get(x[i * STEP]), b = get(x[j * STEP]);
	const bool equal = a == b || (a != a && b != b);
	const bool better = a == a && (b != b || (IS_MAX ? b > a : b < a));

	return better || (equal && (LAST ? j > i : j < i)) ? j : i;
}

extern "C" __global__ void __launch_bounds__(THREADS) arg(i64 *y, const x_t *x)
{
	const unsigned i = blockIdx.x * THREADS + threadIdx.x;
	const unsigned o = min(i / LANES, COUNT - 1), lane = i % LANES;
	const x_t *row = x + o / STEP * (LENGTH * STEP) + o % STEP;
	unsigned best = lane < LENGTH ? lane : 0;

	for (unsigned r = lane + LANES; r < LENGTH; r += LANES)
		best = pick(row, best, r);
#pragma unroll
	for (int d = LANES / 2; d; d >>= 1)
		best = pick(row, best, __shfl_xor_sync(0xffffffffu, best, d));
	if (lane == 0 && i / LANES < COUNT)
		y[o] = best;
}
