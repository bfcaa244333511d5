/*
 * gather: y[i] = x[base_at(i) + sum over k of index[index_at(i) + k] * STRIDES[k]], k < PARTS
 * (Gather, GatherElements: 1). A negative index counts from the back of its axis; what is still
 * outside of [0, SIZES[k]) is clamped: no index reads anything but x. bits_t: of the elements'
 * size. Grid: ceil(COUNT / THREADS). Shared: none. In place: no.
 */
#ifndef INLINE
#include "prelude.cuh"
#endif
#ifndef COUNT
typedef u32 bits_t;
typedef i64 index_t;
#define COUNT	4096
#define THREADS 128
#define PARTS	1
#define SIZES	100
#define STRIDES 64
INLINE unsigned base_at(unsigned off)
{
	return off % 64;
}
INLINE unsigned index_at(unsigned off)
{
	return off / 64;
}
#endif

extern "C" __global__ void __launch_bounds__(THREADS)
	gather(bits_t *y, const bits_t *x, const index_t *index)
{
	const unsigned i = blockIdx.x * THREADS + threadIdx.x;
	const int sizes[PARTS] = {SIZES};
	const unsigned strides[PARTS] = {STRIDES};
	unsigned at, from;

	if (i >= COUNT)
		return;
	at = base_at(i);
	from = index_at(i);
#pragma unroll
	for (int k = 0; k < PARTS; k++) {
		index_t v = index[from + k];

		v += v < 0 ? sizes[k] : 0;
		v = v < 0 ? 0 : v >= sizes[k] ? sizes[k] - 1 : v;
		at += (unsigned)v * strides[k];
	}
	y[i] = x[at];
}
