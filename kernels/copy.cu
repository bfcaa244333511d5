/*
 * copy: y[out_at(i)] = x[in_at(i)], a part of a Concat. COUNT elements, VEC neighbours per thread.
 * Generated: in_at, out_at, and in_real: false where zero is written instead.
 * Grid: ceil(COUNT / VEC / THREADS). Shared: none. In place: no.
 */
#ifndef INLINE
#include "prelude.cuh"

#include "epilogue.cuh"
#endif
#ifndef COUNT
#define COUNT 4096
#define THREADS 128
INLINE unsigned in_at(unsigned off)
{
	return off;
}
INLINE bool in_real(unsigned off)
{
	return true;
}
#endif

extern "C" __global__ void __launch_bounds__(THREADS) copy(y_t *y, const y_t *x)
{
	const unsigned i = (blockIdx.x * THREADS + threadIdx.x) * VEC;
	compute_t<y_t> v[VEC] = {};

	if (i >= COUNT)
		return;
	if (in_real(i))
		load(v, x + in_at(i));
	store(y, out_at(i), v);
}
