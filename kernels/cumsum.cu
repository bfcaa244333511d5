/*
 * cumsum: running sums of LENGTH elements STEP apart, from the front or (REVERSE) the back, with
 * or (EXCLUSIVE) without the element itself. One thread per row, in order.
 * Grid: ceil(ROWS / THREADS). Shared: none. In place: yes, same index.
 */
#ifndef INLINE
#include "prelude.cuh"
#endif
#ifndef ROWS
typedef f32 x_t;
#define ROWS	  64
#define LENGTH	  100
#define STEP	  8
#define REVERSE	  0
#define EXCLUSIVE 0
#define THREADS	  128
#endif

extern "C" __global__ void __launch_bounds__(THREADS) cumsum(x_t *y, const x_t *x)
{
	const unsigned row = blockIdx.x * THREADS + threadIdx.x;
	const unsigned first = row / STEP * (LENGTH * STEP) + row % STEP;
	compute_t<x_t> sum = 0;

	if (row >= ROWS)
		return;
	for (unsigned r = 0; r < LENGTH; r++) {
		const unsigned at = first + (REVERSE ? LENGTH - 1 - r : r) * STEP;
		const compute_t<x_t> v = get(x[at]);

		put(y[at], EXCLUSIVE ? sum : (compute_t<x_t>)(sum + v));
		sum += v;
	}
}
