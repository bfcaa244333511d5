/*
 * fill: y[out_at(i)] = VALUE: what a kernel that raises maxima begins with. COUNT elements, VEC neighbours per thread.
 * Generated: out_at.
 * Grid: ceil(COUNT / VEC / THREADS). Shared: none. In place: no.
 */
#ifndef INLINE
#include "prelude.cuh"

#include "epilogue.cuh"
#endif
#ifndef COUNT
#define COUNT 4096
#define THREADS 128
#define VALUE 0.0f
#endif

extern "C" __global__ void __launch_bounds__(THREADS) fill(y_t *y)
{
	const unsigned i = (blockIdx.x * THREADS + threadIdx.x) * VEC;
	compute_t<y_t> v[VEC];

	if (i >= COUNT)
		return;
#pragma unroll
	for (int q = 0; q < VEC; q++)
		v[q] = VALUE;
	store(y, out_at(i), v);
}
