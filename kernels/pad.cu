/*
 * pad: y[out_at(i)] = x[at], or the constant where from(i, at) says that i lies outside of x (Pad,
 * Tile). The constant is VALUE, or the number at PAD_VALUE if it is run-time data; lanes that are
 * no channels get zero. bits_t: of the elements' size. Generated: real, from.
 * Grid: ceil(COUNT / THREADS). Shared: none. In place: no.
 */
#ifndef INLINE
#define VEC 1
#include "prelude.cuh"

#include "epilogue.cuh"
#endif
#ifndef COUNT
typedef u32 bits_t;
#define COUNT	  4096
#define THREADS	  128
#define PAD_VALUE 0u
INLINE bool real(unsigned off)
{
	return true;
}
INLINE bool from(unsigned off, unsigned &at)
{
	at = off - 1;
	return at < 4000;
}
#endif

extern "C" __global__ void __launch_bounds__(THREADS) pad(bits_t *y, const bits_t *x EXTRA_PARAMS)
{
	const unsigned i = blockIdx.x * THREADS + threadIdx.x;
	unsigned at = 0;
	bits_t v = 0;

	if (i >= COUNT)
		return;
	if (real(i))
		v = from(i, at) ? x[at] : (bits_t)PAD_VALUE;
	y[out_at(i)] = v;
}
