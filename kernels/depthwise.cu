/*
 * depthwise: one filter per channel, blocked x and y. A thread has 4 channels of COLS neighbouring
 * output columns and loads each input column of a row once. fmaf over the taps in order, from the
 * bias. w: [CB][taps][8], then bias [CB][8]; CB blocks of channels.
 * Grid: ceil(N * CB * OD * OH * ceil(OW / COLS) * 2 / THREADS). Shared: none.
 * In place: only with extra operands. COLS is 1 where DW > 1.
 */
#ifndef INLINE
#include "prelude.cuh"

#include "epilogue.cuh"
#endif
#ifndef CB
#define N 1
#define CB 12
#define ID 1
#define IH 56
#define IW 56
#define OD 1
#define OH 56
#define OW 56
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
#define X_PITCH (96 * 56 * 56)
#define COLS 4
#define THREADS 128
#endif

#define GROUPS_X ((OW + COLS - 1) / COLS)
#define TAPS (KD * KH * KW)
#define SPAN ((COLS - 1) * SW + (KW - 1) * DW + 1)
#define OS (OD * OH * OW)

/* Columns x0.. of one row behind the head, zero outside. */
INLINE void load_row(float (&row)[SPAN][4], const float *p, int x0, const head_in &h, unsigned c)
{
#pragma unroll
	for (int i = 0; i < SPAN; i++) {
		if (DW > 1 && i % DW)
			continue;
		if ((unsigned)(x0 + i) < IW) {
			load(row[i], p + (x0 + i) * 8);
			head(row[i], h, c);
		} else {
#pragma unroll
			for (int q = 0; q < 4; q++)
				row[i][q] = 0.0f;
		}
	}
}

extern "C" __global__ void __launch_bounds__(THREADS)
	depthwise(float *y, const float *x, const float *__restrict__ w HEAD_PARAMS EXTRA_PARAMS)
{
	const unsigned i = blockIdx.x * THREADS + threadIdx.x, half = i % 2 * 4;
	const unsigned ox = i / 2 % GROUPS_X * COLS, row_id = i / 2 / GROUPS_X;
	const unsigned oy = row_id % OH, oz = row_id / OH % OD;
	const unsigned plane = row_id / OH / OD, cb = plane % CB, n = plane / CB;
	const int x0 = (int)ox * SW - PW, y0 = (int)oy * SH - PH, z0 = (int)oz * SD - PD;
	const float *xp = x + n * X_PITCH + cb * (ID * IH * IW * 8) + half;
	const float *wp = w + cb * (TAPS * 8) + half;
	float acc[COLS][4];
	head_in h;

	if (n >= N)
		return;
	head_load(h, n, cb * 8 + half HEAD_ARGS);
#pragma unroll
	for (int c = 0; c < COLS; c++)
		load(acc[c], w + CB * TAPS * 8 + cb * 8 + half);
#pragma unroll
	for (int kz = 0; kz < KD; kz++)
#pragma unroll
		for (int ky = 0; ky < KH; ky++) {
			const int iz = z0 + kz * DD, iy = y0 + ky * DH;
			float row[SPAN][4];

			if ((unsigned)iz >= ID || (unsigned)iy >= IH)
				continue;
			load_row(row, xp + (iz * IH + iy) * (IW * 8), x0, h, cb * 8 + half);
#pragma unroll
			for (int kx = 0; kx < KW; kx++) {
				float f[4];

				load(f, wp + ((kz * KH + ky) * KW + kx) * 8);
#pragma unroll
				for (int c = 0; c < COLS; c++)
#pragma unroll
					for (int q = 0; q < 4; q++)
						acc[c][q] = fmaf(row[c * SW + kx * DW][q], f[q],
								 acc[c][q]);
			}
		}
#pragma unroll
	for (int c = 0; c < COLS; c++) {
		const unsigned off = ((row_id * OW) + ox + c) * 8 + half;

		if (OW % COLS && ox + c >= OW)
			continue;
		epilogue(acc[c], off EXTRA_ARGS);
		store(y, out_at(off), acc[c]);
	}
}
