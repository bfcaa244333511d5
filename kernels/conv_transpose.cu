/*
 * conv_transpose: each output gathers the inputs that reach it. A thread has VEC output channels
 * (4: blocked y, and no group border inside) of one pixel. Any float type. fmaf over [tap][channel
 * of the group], from the bias. CIG, COG: channels per group; XL, YL: lanes, 8 where x or y is
 * blocked, else 1. The weight of (group, tap, channel in, channel out) is w[group * W_GROUP + tap *
 * W_TAP + in * W_IN + out * W_OUT], the bias of (group, out) bias[group * COG_BIAS + out]. PACKED:
 * both are one constant, the bias at w + W_BIAS.
 * Grid: ceil(COUNT / VEC / THREADS), COUNT = N * ceil(CO / YL) * OS * YL. Shared: none.
 * In place: only with extra operands.
 */
#ifndef INLINE
#include "prelude.cuh"

#include "epilogue.cuh"
#endif
#ifndef COUNT
#define COUNT (24 * 56 * 56)
#define N 1
#define CO 24
#define CIG 96
#define COG 24
#define COG_BIAS 24
#define PACKED 1
#define HAS_BIAS 1
#define W_GROUP (4 * 96 * 24)
#define W_TAP (96 * 24)
#define W_IN 24
#define W_OUT 1
#define W_BIAS (4 * 96 * 24)
#define XL 8
#define YL 8
#define ID 1
#define IH 28
#define IW 28
#define OD 1
#define OH 56
#define OW 56
#define KD 1
#define KH 2
#define KW 2
#define SD 1
#define SH 2
#define SW 2
#define DD 1
#define DH 1
#define DW 1
#define PD 0
#define PH 0
#define PW 0
#define X_PITCH (96 * 28 * 28)
#define THREADS 128
#endif

#define TAPS (KD * KH * KW)
#define IS (ID * IH * IW)
#define OS (OD * OH * OW)
#define CB ((CO + YL - 1) / YL)
#define GROUPS (CO / COG)

/* Input coordinate that tap k of an axis brings to output o; false: none. */
INLINE bool reaches(int o, int k, int pad, int dilation, int stride, int size, int &at)
{
	const int t = o + pad - k * dilation;

	at = t / stride;
	return t >= 0 && t % stride == 0 && at < size;
}

typedef compute_t<y_t> c_t;

#if PACKED
#define WEIGHTS , const y_t *__restrict__ w
#define BIAS (w + W_BIAS)
#elif HAS_BIAS
#define WEIGHTS , const y_t *w, const y_t *bias
#define BIAS bias
#else
#define WEIGHTS , const y_t *w
#endif

/* The channels of one tap. */
INLINE void add_tap(c_t (&v)[VEC], const y_t *x, unsigned first, const y_t *w)
{
#pragma unroll 4
	for (unsigned i = 0; i < CIG; i++) {
		const unsigned ci = first + i;
		const c_t a = get(x[ci / XL * (IS * XL) + ci % XL]);

#pragma unroll
		for (int q = 0; q < VEC; q++)
			v[q] = mul_add(a, get(w[i * W_IN + q * W_OUT]), v[q]);
	}
}

extern "C" __global__ void __launch_bounds__(THREADS)
	conv_transpose(y_t *y, const y_t *x WEIGHTS EXTRA_PARAMS)
{
	const unsigned off = (blockIdx.x * THREADS + threadIdx.x) * VEC;
	const unsigned s = off / YL % OS, c = off / YL / OS % CB * YL + off % YL;
	const unsigned n = off / YL / OS / CB, group = min(c / COG, GROUPS - 1),
		       cg = c - group * COG;
	const int ox = (int)(s % OW), oy = (int)(s / OW % OH), oz = (int)(s / OW / OH);
	c_t v[VEC] = {};

	if (off >= COUNT)
		return;
	if (c < CO) {
		const y_t *wp = w + group * W_GROUP + cg * W_OUT;

#if HAS_BIAS
#pragma unroll
		for (int q = 0; q < VEC; q++)
			v[q] = get(BIAS[group * COG_BIAS + cg + q]);
#endif
		for (int kz = 0; kz < KD; kz++)
			for (int ky = 0; ky < KH; ky++)
				for (int kx = 0; kx < KW; kx++) {
					int iz, iy, ix;

					if (reaches(oz, kz, PD, DD, SD, ID, iz) &&
					    reaches(oy, ky, PH, DH, SH, IH, iy) &&
					    reaches(ox, kx, PW, DW, SW, IW, ix))
						add_tap(v,
							x + n * X_PITCH +
								((iz * IH + iy) * IW + ix) * XL,
							group * CIG,
							wp + ((kz * KH + ky) * KW + kx) * W_TAP);
				}
	}
	epilogue(v, off EXTRA_ARGS);
	store(y, out_at(off), v);
}
