/*
 * reduce: mean, sum, max or min over some axes. LANES threads (1, 32, or the whole block) share one
 * output element; lane l takes elements l, l + LANES, ... in order, then the lanes of a warp are
 * combined as a tree, then the warps in order.
 * Generated: out_base(o), address of element 0 of output o; step_at(r), what element r adds.
 * KIND: 0 mean, 1 sum, 2 max, 3 min. COUNT outputs in storage order, LENGTH elements each.
 * Grid: ceil(COUNT * LANES / THREADS). Shared: static. In place: only with extra operands.
 */
#ifndef INLINE
#define VEC 1
#include "prelude.cuh"

#include "epilogue.cuh"
#endif
#ifndef COUNT
#define COUNT 2048
#define LENGTH 49
#define LANES 32
#define KIND 0
#define THREADS 128
INLINE bool out_real(unsigned o)
{
	return true;
}
INLINE unsigned out_base(unsigned o)
{
	return o / 8 * (49 * 8) + o % 8;
}
INLINE unsigned step_at(unsigned r)
{
	return r * 8;
}
#endif

INLINE float combine(float a, float b)
{
	return KIND < 2 ? a + b : KIND == 2 ? max_nan(a, b) : min_nan(a, b);
}

extern "C" __global__ void __launch_bounds__(THREADS) reduce(float *y, const float *x EXTRA_PARAMS)
{
	const unsigned i = blockIdx.x * THREADS + threadIdx.x;
	const unsigned o = i / LANES, lane = i % LANES;
	float v[1] = {KIND < 2	  ? 0.0f
		      : KIND == 2 ? __int_as_float(0xff800000)
				  : __int_as_float(0x7f800000)};

	if (o < COUNT && out_real(o)) {
		const unsigned base = out_base(o);

#pragma unroll 4
		for (unsigned r = lane; r < LENGTH; r += LANES)
			v[0] = combine(v[0], x[base + step_at(r)]);
	}
#pragma unroll
	for (int d = (LANES > 32 ? 32 : LANES) / 2; d; d >>= 1)
		v[0] = combine(v[0], __shfl_xor_sync(0xffffffffu, v[0], d));
	if (LANES > 32) {
		__shared__ float part[THREADS / 32];

		if (lane % 32 == 0)
			part[lane / 32] = v[0];
		__syncthreads();
#pragma unroll
		for (int w = 1; w < THREADS / 32; w++)
			v[0] = combine(v[0], part[w]); /* only lane 0's is used */
	}
	if (o >= COUNT || lane != 0)
		return;
	if (KIND == 0)
		v[0] = v[0] / (float)LENGTH;
	epilogue(v, o EXTRA_ARGS);
	store(y, out_at(o), v);
}
