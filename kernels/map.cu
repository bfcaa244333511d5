/*
 * map: y = epilogue(), the whole work is in the generated function.
 * COUNT elements, VEC consecutive ones per thread, in the output's storage order.
 * Grid: ceil(COUNT / VEC / THREADS). Shared: none. In place: yes, same index.
 */
#ifndef INLINE
#include "prelude.cuh"

#include "epilogue.cuh"
#endif
#ifndef COUNT
#define COUNT 4096
#endif
#ifndef THREADS
#define THREADS 128
#endif

extern "C" __global__ void __launch_bounds__(THREADS) map(y_t *y EXTRA_PARAMS)
{
	const unsigned i = blockIdx.x * THREADS + threadIdx.x;
	compute_t<y_t> v[VEC] = {};

	if (i >= COUNT / VEC)
		return;
	epilogue(v, i * VEC EXTRA_ARGS);
	store(y, out_at(i * VEC), v);
}
