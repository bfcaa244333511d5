/*
 * reduce: over some axes. LANES threads (1, 32, or the whole block) share one
 * output element; lane l takes elements l, l + LANES, ... in order, then the lanes of a warp are
 * combined as a tree, then the warps in order.
 * Generated: out_base(o), address of element 0 of output o; step_at(r), what element r adds.
 * KIND: 0 mean, 1 sum, 2 max, 3 min, 4 product, 5 sum of |x|, 6 root of the sum of squares, 7 sum
 * of squares, 8 log of the sum, 9 log of the sum of exp, for which the greatest element is looked
 * for first. acc_t: what it is computed with.
 * COUNT outputs in storage order, LENGTH elements each.
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
typedef f32 acc_t;
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

enum { MEAN, SUM, MAX, MIN, PROD, L1, L2, SUM_SQUARE, LOG_SUM, LOG_SUM_EXP };

template <int kind> INLINE acc_t start()
{
	return kind == MAX   ? least(acc_t())
	       : kind == MIN ? greatest(acc_t())
			     : (acc_t)(kind == PROD);
}

template <int kind> INLINE acc_t combine(acc_t a, acc_t b)
{
	return kind == MAX    ? max_nan(a, b)
	       : kind == MIN  ? min_nan(a, b)
	       : kind == PROD ? times(a, b)
			      : plus(a, b);
}

/* What an element counts for; top: the greatest of them, if it is finite. */
template <int kind> INLINE acc_t term(acc_t x, acc_t top)
{
#if KIND == 9
	if (kind == LOG_SUM_EXP)
		return exp(x - top);
#endif
	return kind == L1 && x < 0		  ? times(x, (acc_t)-1)
	       : kind == L2 || kind == SUM_SQUARE ? times(x, x)
						  : x;
}

/* All elements of an output; its lane 0 gets it. */
template <int kind>
INLINE acc_t reduced(const y_t *x, unsigned o, unsigned lane, acc_t top, acc_t *part)
{
	acc_t v = start<kind>();

	if (o < COUNT && out_real(o)) {
		const unsigned base = out_base(o);

#pragma unroll 4
		for (unsigned r = lane; r < LENGTH; r += LANES)
			v = combine<kind>(v, term<kind>((acc_t)get(x[base + step_at(r)]), top));
	}
#pragma unroll
	for (int d = (LANES > 32 ? 32 : LANES) / 2; d; d >>= 1)
		v = combine<kind>(v, __shfl_xor_sync(0xffffffffu, v, d));
	if (LANES > 32) {
		if (lane % 32 == 0)
			part[lane / 32] = v;
		__syncthreads();
#pragma unroll
		for (int w = 1; w < THREADS / 32; w++)
			v = combine<kind>(v, part[w]); /* only lane 0's is used */
	}
	return v;
}

/* The greatest element, for every lane; 0 where it is not finite. */
INLINE acc_t finite_top(const y_t *x, unsigned o, unsigned lane, acc_t *part)
{
	acc_t v = reduced<MAX>(x, o, lane, (acc_t)0, part);

	v = v - v == 0 ? v : (acc_t)0;
	if (LANES > 32) {
		if (lane == 0)
			part[THREADS / 32] = v;
		__syncthreads();
		v = part[THREADS / 32];
	} else if (LANES > 1) {
		v = __shfl_sync(0xffffffffu, v, 0, LANES);
	}
	return v;
}

extern "C" __global__ void __launch_bounds__(THREADS) reduce(y_t *y, const y_t *x EXTRA_PARAMS)
{
	const unsigned i = blockIdx.x * THREADS + threadIdx.x;
	const unsigned o = i / LANES, lane = i % LANES;
	__shared__ acc_t part[THREADS / 32 + (KIND == LOG_SUM_EXP)];
	const acc_t top = KIND == LOG_SUM_EXP ? finite_top(x, o, lane, part) : (acc_t)0;
	acc_t a = reduced<KIND>(x, o, lane, top, part);

	if (o >= COUNT || lane != 0)
		return;
	if (KIND == MEAN)
		a = a / (acc_t)LENGTH;
#if KIND == 6
	a = sqrt(a);
#elif KIND == 8 || KIND == 9
	a = log(a) + top;
#endif
	compute_t<y_t> v[1] = {converted<compute_t<y_t>>(a)};

	epilogue(v, o EXTRA_ARGS);
	store(y, out_at(o), v);
}
