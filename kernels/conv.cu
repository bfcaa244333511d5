/*
 * conv: implicit GEMM, y[pixel][co] = bias[co] + sum over k of x[pixel, k] * w[k][co].
 * x blocked: k runs over [input block][tap][8 channels], a step of 8 is one block of one pixel.
 * x plain (X_PLAIN): the same without filling between blocks, padded with zero weights to a
 * multiple of 8; tab[k] = {offset, z << 26 | y << 13 | x} of the tap.
 * Each output is one chain of fmaf over k that starts with the bias: all tiles give equal bits.
 * A head is applied to what lies inside of the image: padding is zero behind it.
 * w: [group][K][CO_PAD], then bias [group][CO_PAD]; CO_PAD a multiple of 4.
 * WD x WH x WW > 1 (of 2 or 4 pixels): y is the maximum (IS_MAX) or the mean of windows of pixels side by
 * side, which are neighbours of m and thus one thread's; O* count windows; BEFORE: steps before that.
 * OVERLAP: y, filled with the least number, has U* maxima of windows of R* pixels, T* apart, beginning at -Q*:
 * each result raises those that it is in. They are exact in any order; a zero is +0. NON_NEGATIVE: no result is less.
 * SHUFFLE > 1: columns are [SHUFFLE * SHUFFLE][YC] and become as many pixels of YC channels.
 * Spatial axes are D, H, W (1 where the operator has fewer); MASK_*: the taps may leave the image.
 * Grid: (ceil(N * OS / BM), GROUPS * ceil(CO / BN)); CO and CI are per group, multiples of 8 where
 * GROUPS > 1. Threads: (BM / TM) * (BN / TN). Shared: static. In place: only with extra operands.
 */
#ifndef INLINE
#include "prelude.cuh"

#include "epilogue.cuh"
#endif
#ifndef BM
#define BM 64
#define BN 64
#define TM 8
#define TN 8
#endif
#ifndef CI
#define N 1
#define GROUPS 1
#define CI 64
#define CO 64
#define CO_PAD 64
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
#define MASK_D 0
#define MASK_H 1
#define MASK_W 1
#define X_PITCH (64 * 56 * 56)
#define Y_PLAIN 0
#define X_PLAIN 0
#define SHUFFLE 1
#define YC 64
#define WD 1
#define WH 1
#define WW 1
#define IS_MAX 0
#define BEFORE 0
#define OVERLAP 0
#define NON_NEGATIVE 0
#define UD 1
#define UH 56
#define UW 56
#define RD 1
#define RH 1
#define RW 1
#define TD 1
#define TH 1
#define TW 1
#define QD 0
#define QH 0
#define QW 0
#endif

#define TX (BN / TN)
#define THREADS (BM / TM * TX)
#define TAPS (KD * KH * KW)
#define OS (OD * OH * OW)
#define IS (ID * IH * IW)
#define WS (WD * WH * WW)
#define PIXELS (N * OS * WS)
#define TILES_N ((CO + BN - 1) / BN)
#if X_PLAIN
#define STEPS ((TAPS * CI + 7) / 8)
#else
#define STEPS (TAPS * ((CI + 7) / 8))
#endif
/* Loads of A: a thread has HALVES of the 8 values of each of SLOTS pixels. */
#define HALVES (THREADS > BM ? 1 : 2)
#define SLOTS (BM * 2 / (THREADS * HALVES))
#define REGISTERS (TM * TN + SLOTS * HALVES * 4 + 96 + HEAD * 16)
#define BLOADS ((BN * 2 + THREADS - 1) / THREADS)

struct pixel {
	unsigned n;	     /* item */
	int base;	     /* of its tap 0 in x, may lie outside */
	int z, y, x;	     /* coordinates of tap 0 */
	unsigned mz, my, mx; /* bit per tap of the axis: inside the image */
};

INLINE unsigned axis_mask(int first, int taps, int dilation, int size)
{
	unsigned m = 0;

#pragma unroll
	for (int k = 0; k < taps; k++)
		m |= (unsigned)((unsigned)(first + k * dilation) < (unsigned)size) << k;
	return m;
}

INLINE pixel pixel_at(unsigned m)
{
	const unsigned n = m / WS / OS, s = m / WS % OS, w = m % WS;
	pixel p;

	p.z = (int)(s / (OH * OW) * WD + w / (WH * WW)) * SD - PD;
	p.y = (int)(s / OW % OH * WH + w / WW % WH) * SH - PH;
	p.x = (int)(s % OW * WW + w % WW) * SW - PW;
	p.base = (p.z * IH + p.y) * IW + p.x;
#if !X_PLAIN
	p.base *= 8;
	p.mz = MASK_D ? axis_mask(p.z, KD, DD, ID) : ~0u;
	p.my = MASK_H ? axis_mask(p.y, KH, DH, IH) : ~0u;
	p.mx = MASK_W ? axis_mask(p.x, KW, DW, IW) : ~0u;
#endif
	p.base += (int)(n * X_PITCH);
	p.n = n;
	return p;
}

/* Where in k a step is: its tap, its offset from a pixel's tap 0 (x plain: in the table), the
 * thread's first channel. */
struct place {
	int kz, ky, kx, off;
	unsigned c;
};

INLINE void advance(place &p)
{
	p.off += DW * 8;
	if (++p.kx < KW)
		return;
	p.kx = 0;
	p.off += (DH * IW - KW * DW) * 8;
	if (++p.ky < KH)
		return;
	p.ky = 0;
	p.off += (DD * IH - KH * DH) * IW * 8;
	if (++p.kz < KD)
		return;
	p.kz = 0;
	p.off += (IS - KD * DD * IH * IW) * 8;
	p.c += 8;
}

INLINE bool inside(const pixel &p, const place &k)
{
	unsigned ok = 1;

	if (MASK_D)
		ok &= p.mz >> k.kz;
	if (MASK_H)
		ok &= p.my >> k.ky;
	if (MASK_W)
		ok &= p.mx >> k.kx;
	return ok & 1;
}

#define MASKED (MASK_D || MASK_H || MASK_W)

/* ---- what a thread brings for a step, by way of registers ---- */

struct a_part {
	float v[SLOTS][HALVES][4];
	/* x blocked: the head's operands, which travel, too */
	head_in h[HEAD_PER_ITEM ? SLOTS : 1][HALVES];
	unsigned c, ok; /* the first channel; a bit per slot: inside of the image */
};

#if X_PLAIN
#define TAB_PARAM , const int2 *__restrict__ tab
#define TAB_ARG	  , tab

INLINE float element(const float *x, const pixel &p, int2 e HEAD_PARAMS)
{
	const int kz = e.y >> 26, ky = e.y >> 13 & 8191, kx = e.y & 8191;
	float v[1];
	head_in h;
	bool ok = true;

	if (MASK_D)
		ok = ok && (unsigned)(p.z + kz) < ID;
	if (MASK_H)
		ok = ok && (unsigned)(p.y + ky) < IH;
	if (MASK_W)
		ok = ok && (unsigned)(p.x + kx) < IW;
	if (!ok)
		return 0.0f;
	v[0] = x[p.base + e.x];
	if (HEAD) {
		const unsigned c = (unsigned)(e.x - (kz * IH + ky) * IW - kx) / IS;

		head_load(h, p.n, c HEAD_ARGS);
		head(v, h, c);
	}
	return v[0];
}

INLINE void fetch_a(a_part &a, const float *x, const pixel (&px)[SLOTS],
		    place &k TAB_PARAM HEAD_PARAMS)
{
#pragma unroll
	for (int h = 0; h < HALVES; h++)
#pragma unroll
		for (int q = 0; q < 4; q++) {
			const int2 e = tab[k.off + h * 4 + q];

#pragma unroll
			for (int i = 0; i < SLOTS; i++)
				a.v[i][h][q] = element(x, px[i], e HEAD_ARGS);
		}
	k.off += 8;
}
#else
#define TAB_PARAM
#define TAB_ARG

INLINE void fetch_a(a_part &a, const float *x, const pixel (&px)[SLOTS], place &k HEAD_PARAMS)
{
	a.c = k.c;
	a.ok = MASKED ? 0 : ~0u;
#pragma unroll
	for (int i = 0; i < SLOTS; i++) {
		const bool ok = !MASKED || inside(px[i], k);

		if (MASKED)
			a.ok |= (unsigned)ok << i;
#pragma unroll
		for (int h = 0; h < HALVES && (HEAD_PER_ITEM || i == 0); h++)
			head_load(a.h[i][h], px[i].n, k.c + h * 4 HEAD_ARGS);
#pragma unroll
		for (int h = 0; h < HALVES; h++)
			if (ok) {
				load(a.v[i][h], x + (px[i].base + k.off + h * 4));
			} else {
#pragma unroll
				for (int q = 0; q < 4; q++)
					a.v[i][h][q] = 0.0f;
			}
	}
	advance(k);
}
#endif

INLINE void stage_a(float (&as)[8][BM], a_part &a, unsigned row, unsigned half)
{
#pragma unroll
	for (int i = 0; i < SLOTS; i++)
#pragma unroll
		for (int h = 0; h < HALVES; h++) {
#if HEAD && !X_PLAIN
			if (a.ok >> i & 1)
				head(a.v[i][h], a.h[HEAD_PER_ITEM ? i : 0][h], a.c + h * 4);
#endif
#pragma unroll
			for (int q = 0; q < 4; q++)
				as[half + h * 4 + q][row + i * THREADS] = a.v[i][h][q];
		}
}

/* Is load i of B this thread's, where the loads do not divide evenly? */
INLINE bool has_b(int i)
{
	return BN * 2 % THREADS == 0 || threadIdx.x + i * THREADS < BN * 2;
}

INLINE void fetch_b(float4 (&b)[BLOADS], const float *(&wp)[BLOADS])
{
#pragma unroll
	for (int i = 0; i < BLOADS; i++)
		if (has_b(i)) {
			b[i] = *(const float4 *)wp[i];
			wp[i] += 8 * CO_PAD;
		}
}

INLINE void stage_b(float (&bs)[8][BN], const float4 (&b)[BLOADS])
{
#pragma unroll
	for (int i = 0; i < BLOADS; i++)
		if (has_b(i))
			*(float4 *)&bs[0][(threadIdx.x + i * THREADS) * 4] = b[i];
}

/* ---- results ---- */

INLINE void start(float (&acc)[TM][TN], const float *bias, unsigned n0, unsigned tx)
{
#pragma unroll
	for (int j = 0; j < TN; j += 4) {
		float b[4];

		load(b, bias + min(n0 + tile_index(tx, j, TX), CO_PAD - 4));
#pragma unroll
		for (int i = 0; i < TM; i++)
#pragma unroll
			for (int q = 0; q < 4; q++)
				acc[i][j + q] = b[q];
	}
}

#if Y_PLAIN
#define STEP_N	 1
#define CHANNELS CO
#else
#define STEP_N	 4
#define CHANNELS ((CO + 7) / 8 * 8)
#endif
#if OVERLAP
#define YS (UD * UH * UW)
#else
#define YS (OS * SHUFFLE * SHUFFLE)
#endif
#define STEP_M (WS > 1 ? WS : Y_PLAIN ? VEC : 1) /* plain: neighbours in memory are pixels */

/* Of channel c of pixel s of y. */
INLINE unsigned offset_at(unsigned n, unsigned s, unsigned c)
{
	if (Y_PLAIN)
		return (n * YC + c) * YS + s;
	return ((n * ((YC + 7) / 8) + c / 8) * YS + s) * 8 + c % 8;
}

/* Of column c of result m; OVERLAP: in some pixel of y. */
INLINE unsigned offset_of(unsigned m, unsigned c)
{
	const unsigned n = m / OS, s = m % OS;

	if (OVERLAP)
		return offset_at(n, 0, c);
	if (SHUFFLE == 1)
		return offset_at(n, s, c);
	return offset_at(n,
			 (s / OW * SHUFFLE + c / YC / SHUFFLE) * (OW * SHUFFLE) +
				 s % OW * SHUFFLE + c / YC % SHUFFLE,
			 c % YC);
}

/* What the operator makes of the thread's results from [i][j] on. */
INLINE void result(float (&v)[VEC], const float (&acc)[TM][TN], int i, int j,
		   unsigned off EXTRA_PARAMS)
{
#if WS > 1
#pragma unroll
	for (int q = 0; q < VEC; q++)
		v[q] = IS_MAX ? least(v[q]) : 0.0f;
#pragma unroll
	for (int w = 0; w < WS; w++) {
		float a[VEC];

#pragma unroll
		for (int q = 0; q < VEC; q++)
			a[q] = acc[i + w][j + q];
#if BEFORE
		before(a, off EXTRA_ARGS);
#endif
#pragma unroll
		for (int q = 0; q < VEC; q++)
			v[q] = IS_MAX ? max_nan(v[q], a[q]) : v[q] + a[q];
	}
#pragma unroll
	for (int q = 0; q < VEC; q++)
		v[q] = IS_MAX ? v[q] + 0.0f : v[q] / WS;
#else
#pragma unroll
	for (int q = 0; q < VEC; q++)
		v[q] = Y_PLAIN ? acc[i + q][j] : acc[i][j + q];
#if BEFORE
	before(v, off EXTRA_ARGS);
#endif
#endif
}

#if OVERLAP
/* *p is at least v: as floats go integers of the same bits, negative ones the other way round. */
INLINE void raise(float *p, float v)
{
	if (NON_NEGATIVE || !(v < 0.0f))
		atomicMax((int *)p, __float_as_int(v) & 0x7fffffff);
	else
		atomicMin((unsigned *)p, __float_as_uint(v));
}

/* The first window of an axis that ends behind coordinate x, and the last one that begins before. */
INLINE unsigned first_window(unsigned x, unsigned window, unsigned step, unsigned pad)
{
	return x + pad < window ? 0 : (x + pad - window) / step + 1;
}

INLINE unsigned last_window(unsigned x, unsigned step, unsigned pad, unsigned size)
{
	return min((x + pad) / step, size - 1);
}

/* Results of pixel m, columns from c on. */
INLINE void raise_windows(float *y, const float (&v)[VEC], unsigned m, unsigned c)
{
	const unsigned x = m % OW, row = m / OW % OH, z = m / (OH * OW) % OD;
	const unsigned z0 = first_window(z, RD, TD, QD), z1 = last_window(z, TD, QD, UD);
	const unsigned y0 = first_window(row, RH, TH, QH), y1 = last_window(row, TH, QH, UH);
	const unsigned x0 = first_window(x, RW, TW, QW), x1 = last_window(x, TW, QW, UW);

#pragma unroll
	for (unsigned k = 0; k < (RD + TD - 1) / TD; k++)
#pragma unroll
		for (unsigned i = 0; i < (RH + TH - 1) / TH; i++)
#pragma unroll
			for (unsigned j = 0; j < (RW + TW - 1) / TW; j++) {
				const unsigned s = ((z0 + k) * UH + y0 + i) * UW + x0 + j;

				if (z0 + k > z1 || y0 + i > y1 || x0 + j > x1)
					continue;
#pragma unroll
				for (int q = 0; q < VEC; q++)
					raise(y + out_at(offset_at(m / OS, s, c)) + q, v[q]);
			}
}
#endif

extern "C" __global__ void __launch_bounds__(THREADS, MIN_BLOCKS(THREADS, REGISTERS))
	conv(float *y, const float *x, const float *__restrict__ w TAB_PARAM HEAD_PARAMS EXTRA_PARAMS)
{
	__shared__ float as[2][8][BM];
	__shared__ float bs[2][8][BN];
	const unsigned t = threadIdx.x, tx = t % TX, ty = t / TX;
	const unsigned group = blockIdx.y / TILES_N;
	const unsigned m0 = blockIdx.x * BM, n0 = blockIdx.y % TILES_N * BN;
	const unsigned half = HALVES == 2 ? 0 : t / BM * 4;
	const float *wp[BLOADS];
	float acc[TM][TN];
	pixel px[SLOTS];
	place k = {};
	a_part a;
	float4 b[BLOADS];

#pragma unroll
	for (int i = 0; i < SLOTS; i++) {
		px[i] = pixel_at(min(m0 + t % BM + i * THREADS, PIXELS - 1));
		px[i].base += (int)(group * CI * IS) + (X_PLAIN ? 0 : half);
	}
#pragma unroll
	for (int i = 0; i < BLOADS; i++) {
		const unsigned at = t + i * THREADS, col = min(n0 + at % (BN / 4) * 4, CO_PAD - 4);

		wp[i] = w + group * (STEPS * 8 * CO_PAD) + at / (BN / 4) * CO_PAD + col;
	}
	if (X_PLAIN)
		k.off = half;
	k.c = group * CI + half;
	start(acc, w + GROUPS * (STEPS * 8 * CO_PAD) + group * CO_PAD, n0, tx);
	/* the next step's operands travel while this one is computed */
#pragma unroll 1
	for (int step = -1; step < STEPS; step++) {
		if (step + 1 < STEPS) {
			fetch_a(a, x, px, k TAB_ARG HEAD_ARGS);
			fetch_b(b, wp);
		}
		if (step >= 0)
			tile_fma(acc, as[step & 1], bs[step & 1], ty, BM / TM, tx, TX);
		if (step + 1 < STEPS) {
			stage_a(as[(step + 1) & 1], a, t % BM, half);
			stage_b(bs[(step + 1) & 1], b);
			__syncthreads();
		}
	}
#pragma unroll
	for (int i = 0; i < TM; i += STEP_M)
#pragma unroll
		for (int j = 0; j < TN; j += STEP_N) {
			const unsigned m = (m0 + tile_index(ty, i, BM / TM)) / WS;
			const unsigned c = n0 + tile_index(tx, j, TX);
			const unsigned off = offset_of(m, group * CO + c);
			float v[VEC];

			if (m >= N * OS || c >= CHANNELS)
				continue;
			result(v, acc, i, j, off EXTRA_ARGS);
			epilogue(v, off EXTRA_ARGS);
#if OVERLAP
			raise_windows(y, v, m, group * CO + c);
#else
			store(y, out_at(off), v);
#endif
		}
}
