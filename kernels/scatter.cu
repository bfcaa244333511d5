/*
 * scatter: y[y_at(row) + sum over k of index[..] * STRIDES[k]] takes update number r, one after the
 * other for r < LENGTH: rows never meet, so that the last of equal places wins, as in a loop. KIND:
 * 0 it replaces, 1 is added, 2 multiplied, 3 the greater, 4 the less is kept. A negative index counts
 * from the back; what is outside of [0, SIZES[k]) is left out. y holds the data already.
 * Generated: y_at, index_at, update_at of a row; INDEX_STEP, UPDATE_STEP from one r to the next.
 * Grid: ceil(ROWS / THREADS). Shared: none. In place: y over the data.
 */
#ifndef INLINE
#include "prelude.cuh"
#endif
#ifndef ROWS
typedef f32 x_t;
typedef i64 index_t;
#define ROWS	    64
#define LENGTH	    10
#define PARTS	    1
#define SIZES	    100
#define STRIDES	    64
#define INDEX_STEP  1
#define UPDATE_STEP 64
#define KIND	    0
#define THREADS	    128
INLINE unsigned y_at(unsigned row)
{
	return row;
}
INLINE unsigned index_at(unsigned row)
{
	return 0;
}
INLINE unsigned update_at(unsigned row)
{
	return row;
}
#endif

INLINE compute_t<x_t> joined(compute_t<x_t> a, compute_t<x_t> b)
{
#if KIND == 1
	return a + b;
#elif KIND == 2
	return a * b;
#elif KIND == 3
	return a > b || a != a ? a : b;
#elif KIND == 4
	return a < b || a != a ? a : b;
#else
	return b;
#endif
}

extern "C" __global__ void __launch_bounds__(THREADS)
	scatter(x_t *y, const index_t *index, const x_t *update)
{
	const unsigned row = blockIdx.x * THREADS + threadIdx.x;
	const int sizes[PARTS] = {SIZES};
	const unsigned strides[PARTS] = {STRIDES};

	if (row >= ROWS)
		return;
	for (unsigned r = 0; r < LENGTH; r++) {
		unsigned at = y_at(row);
		bool inside = true;

#pragma unroll
		for (int k = 0; k < PARTS; k++) {
			index_t v = index[index_at(row) + r * INDEX_STEP + k];

			v += v < 0 ? sizes[k] : 0;
			inside = inside && v >= 0 && v < sizes[k];
			at += (unsigned)v * strides[k];
		}
		if (inside)
			put(y[at], joined(get(y[at]), get(update[update_at(row) + r * UPDATE_STEP])));
	}
}
