/*
 * pool: MaxPool and AveragePool of any type. A thread has VEC channels (4: x and y blocked) of one
 * pixel. XL, YL: lanes, 8 where x or y is blocked, else 1. Taps in order, a maximum of zeros is +0; the
 * mean divides by the taps inside of the image, or of the padded image (INCLUDE_PAD: from -P* up to E*).
 * HAS_INDEX (VEC 1): index is the place of the first maximum in x as ONNX has it, [N][C][D][H][W];
 * with COLUMN_MAJOR the spatial axes count in the other order.
 * Grid: ceil(COUNT / VEC / THREADS), COUNT = N * ceil(C / YL) * OS * YL. Shared: none.
 * In place: only with extra operands.
 */
#ifndef INLINE
#include "prelude.cuh"

#include "epilogue.cuh"
#endif
#ifndef COUNT
#define COUNT (64 * 56 * 56)
#define N 1
#define C 64
#define XL 8
#define YL 8
#define IS_MAX 1
#define INCLUDE_PAD 0
#define HAS_INDEX 0
#define COLUMN_MAJOR 0
#define ID 1
#define IH 112
#define IW 112
#define OD 1
#define OH 56
#define OW 56
#define KD 1
#define KH 3
#define KW 3
#define SD 1
#define SH 2
#define SW 2
#define DD 1
#define DH 1
#define DW 1
#define PD 0
#define PH 1
#define PW 1
#define ED 1
#define EH 113
#define EW 113
#define X_PITCH (64 * 112 * 112)
#define THREADS 128
#endif

#define IS (ID * IH * IW)
#define OS (OD * OH * OW)
#define CB ((C + YL - 1) / YL)

/* Taps of one axis whose coordinate first + k * dilation lies below `end` (and not below `begin`). */
INLINE int taps_between(int first, int taps, int dilation, int begin, int end)
{
	int n = 0;

	for (int k = 0; k < taps; k++)
		n += first + k * dilation >= begin && first + k * dilation < end;
	return n;
}

#if HAS_INDEX
#define INDEX_PARAM , i64 *index
#else
#define INDEX_PARAM
#endif

/* Spatial part of an index. */
INLINE unsigned place(int z, int y, int x)
{
	return COLUMN_MAJOR ? (x * IH + y) * ID + z : (z * IH + y) * IW + x;
}

extern "C" __global__ void __launch_bounds__(THREADS)
	pool(y_t *y INDEX_PARAM, const y_t *x EXTRA_PARAMS)
{
	const unsigned off = (blockIdx.x * THREADS + threadIdx.x) * VEC;
	const unsigned s = off / YL % OS, c = off / YL / OS % CB * YL + off % YL;
	/* plain x has nothing for a lane that is no channel */
	const unsigned n = off / YL / OS / CB, last = XL == YL ? c : min(c, C - 1);
	const int x0 = (int)(s % OW) * SW - PW, y0 = (int)(s / OW % OH) * SH - PH;
	const int z0 = (int)(s / OW / OH) * SD - PD;
	const y_t *xp = x + n * X_PITCH + last / XL * (IS * XL) + last % XL;
	compute_t<y_t> v[VEC];
	unsigned first = ~0u;

	if (off >= COUNT)
		return;
#pragma unroll
	for (int q = 0; q < VEC; q++)
		v[q] = IS_MAX ? least(v[q]) : (compute_t<y_t>)0;
	for (int kz = 0; kz < KD; kz++)
		for (int ky = 0; ky < KH; ky++)
			for (int kx = 0; kx < KW; kx++) {
				const int iz = z0 + kz * DD, iy = y0 + ky * DH, ix = x0 + kx * DW;
				compute_t<y_t> a[VEC];

				if ((unsigned)iz >= ID || (unsigned)iy >= IH || (unsigned)ix >= IW)
					continue;
				load(a, xp + ((iz * IH + iy) * IW + ix) * XL);
				if (HAS_INDEX &&
				    (first == ~0u || a[0] > v[0] || (a[0] != a[0] && v[0] == v[0])))
					first = place(iz, iy, ix);
#pragma unroll
				for (int q = 0; q < VEC; q++)
					v[q] = IS_MAX ? max_nan(v[q], a[q]) : v[q] + a[q];
			}
#pragma unroll
	for (int q = 0; q < VEC && IS_MAX; q++)
		v[q] = v[q] + (compute_t<y_t>)0;
	if (!IS_MAX) {
		const int lo = INCLUDE_PAD ? -(1 << 30) : 0;
		const int taps = taps_between(z0, KD, DD, lo, INCLUDE_PAD ? ED : ID) *
				 taps_between(y0, KH, DH, lo, INCLUDE_PAD ? EH : IH) *
				 taps_between(x0, KW, DW, lo, INCLUDE_PAD ? EW : IW);

#pragma unroll
		for (int q = 0; q < VEC; q++)
			v[q] = taps ? v[q] / (compute_t<y_t>)taps : (compute_t<y_t>)0;
	}
#if HAS_INDEX
	if (c < C)
		index[(n * C + c) * OS + s] = (n * C + c) * IS + first;
#endif
	epilogue(v, off EXTRA_ARGS);
	store(y, out_at(off), v);
}
