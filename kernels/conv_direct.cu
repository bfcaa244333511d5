/*
 * conv_direct: any convolution, one output element per thread: odd groups, weights that are not
 * constant, any mixture of layouts, any float type. fmaf over [channel of the group][tap], from the
 * bias. w as ONNX has it: [CO][CI / groups][taps]. CIG, COG: channels per group; XL, YL: lanes, 8
 * where x or y is blocked, else 1.
 * Grid: ceil(COUNT / THREADS), COUNT = N * ceil(CO / YL) * OS * YL. Shared: none.
 * In place: only with extra operands.
 */
#ifndef INLINE
#define VEC 1
#include "prelude.cuh"

#include "epilogue.cuh"
#endif
#ifndef COUNT
#define COUNT (64 * 28 * 28)
#define N 1
#define CO 64
#define CIG 5
#define COG 4
#define XL 8
#define YL 8
#define HAS_BIAS 1
#define ID 1
#define IH 28
#define IW 28
#define OD 1
#define OH 28
#define OW 28
#define KD 1
#define KH 3
#define KW 3
#define SD 1
#define SH 1
#define SW 1
#define DD 1
#define DH 1
#define DW 1
#define PD 0
#define PH 1
#define PW 1
#define X_PITCH (80 * 28 * 28)
#define THREADS 128
#endif

#define TAPS (KD * KH * KW)
#define IS (ID * IH * IW)
#define OS (OD * OH * OW)
#define CB ((CO + YL - 1) / YL)

#if HAS_BIAS
#define BIAS_PARAM , const y_t *bias
#else
#define BIAS_PARAM
#endif

extern "C" __global__ void __launch_bounds__(THREADS)
	conv_direct(y_t *y, const y_t *x, const y_t *w BIAS_PARAM HEAD_PARAMS EXTRA_PARAMS)
{
	const unsigned off = blockIdx.x * THREADS + threadIdx.x;
	const unsigned s = off / YL % OS, c = off / YL / OS % CB * YL + off % YL;
	const unsigned n = off / YL / OS / CB, first = c / COG * CIG;
	const int x0 = (int)(s % OW) * SW - PW, y0 = (int)(s / OW % OH) * SH - PH;
	const int z0 = (int)(s / OW / OH) * SD - PD;
	compute_t<y_t> v[1] = {};

	if (off >= COUNT)
		return;
	if (c < CO) {
#if HAS_BIAS
		v[0] = get(bias[c]);
#endif
#pragma unroll 1
		for (unsigned block = 0; block < CIG; block += 8) {
			const unsigned end = CIG - block < 8 ? CIG : block + 8;
			const y_t *xn = x + n * X_PITCH, *wp = w + c * CIG * TAPS;

			for (int kz = 0; kz < KD; kz++)
				for (int ky = 0; ky < KH; ky++)
					for (int kx = 0; kx < KW; kx++) {
						const int iz = z0 + kz * DD, iy = y0 + ky * DH,
							  ix = x0 + kx * DW;

						if ((unsigned)iz >= ID || (unsigned)iy >= IH ||
						    (unsigned)ix >= IW)
							continue;
						for (unsigned i = block; i < end; i++) {
							const y_t *xp = xn + (first + i) / XL * (IS * XL) +
									(first + i) % XL;

							compute_t<y_t> e[1] = {get(
								xp[((iz * IH + iy) * IW + ix) *
								   XL])};
							head_in h;

							head_load(h, n, first + i HEAD_ARGS);
							head(e, h, first + i);
							v[0] = mul_add(
								e[0],
								get(wp[i * TAPS +
								       (kz * KH + ky) * KW + kx]),
								v[0]);
						}
					}
		}
	}
	epilogue(v, off EXTRA_ARGS);
	store(y, out_at(off), v);
}
