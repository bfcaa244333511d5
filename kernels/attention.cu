/*
 * attention: y[b][s][:] = sum over t of softmax over t of (epilogue(SCALE * q[b][s] k[b][t])) v[b][t], any
 * strides. No score is ever stored: a block takes BM rows of a batch item through all keys, BN at a time; a
 * row keeps its greatest score, the sum of exp(score - greatest) and the weighted sum of v, the latter
 * two scaled down whenever the first grows. A row without any score but -infinity is 0 / 0, as it is
 * in softmax; with GUARD it is 0, and so is one with NaN. The order of a sum does not depend on TM: keys in tiles of BN, column by column of the threads.
 * Generated: q_base(b), k_base(b), v_base(b), y_base(b), element 0 of a batch item. QS QD KT KD VT VD
 * YS YD: strides of rows (s or t) and of columns. Q_VEC, V_VEC, Y_VEC: 4 where 4 neighbours of a row may be
 * moved at once; K_VEC: along KD, or KT where KD is not 1. Threads: TX * TY; of the sums of v, TV columns each.
 * Grid: ceil(SS / BM) * batch. Shared: static. In place: no.
 */
#ifndef INLINE
#include "prelude.cuh"

#include "epilogue.cuh"
#endif
#ifndef TX
#define TX 16
#define TY 8
#define TM 8
#define TN 4
#define TV 4
#endif
#ifndef SS
#define SS 512
#define TT 512
#define DD 64
#define DV 64
#define QS 512
#define QD 1
#define KT 512
#define KD 1
#define VT 512
#define VD 1
#define YS 512
#define YD 1
#define Q_VEC 4
#define K_VEC 4
#define V_VEC 4
#define Y_VEC 4
#define GUARD 0
#define SCALE 0x1p-3f
INLINE unsigned q_base(unsigned b)
{
	return b * 64;
}
INLINE unsigned k_base(unsigned b)
{
	return b * 64;
}
INLINE unsigned v_base(unsigned b)
{
	return b * 64;
}
INLINE unsigned y_base(unsigned b)
{
	return b * 64;
}
#endif

#define THREADS (TX * TY)
#define BM (TY * TM)
#define BN (TX * TN)
#define BV (TX * TV) /* columns of v and y, DV of them real */
#define LDM (BM + 4)
#define LDB ((BN > BV ? BN : BV) + 4)
#define STEPS ((DD + 7) / 8) /* of 8 columns of q and k; then BN / 8 of 8 rows of v */
#define TILES ((TT + BN - 1) / BN)
#define BLOCKS ((SS + BM - 1) / BM)
#define Q_UNITS (BM * STEPS * 8 / Q_VEC)
#define K_UNITS (BN * 8 / K_VEC)
#define V_UNITS (BV * 8 / V_VEC)
#define K_LOADS ((K_UNITS + THREADS - 1) / THREADS)
#define V_LOADS ((V_UNITS + THREADS - 1) / THREADS)

/* The key of row r of a tile of probabilities: its threads' first columns, then their second ones. */
INLINE unsigned key_of(unsigned r)
{
	return tile_index(r % TX, r / TX, TX);
}

/* Unit u of 8 columns of keys: neighbours along the axis whose elements are neighbours in memory. */
INLINE void k_place(unsigned u, unsigned &t, unsigned &d)
{
	if (KD == 1) {
		t = u / (8 / K_VEC);
		d = u % (8 / K_VEC) * K_VEC;
	} else {
		t = u % (BN / K_VEC) * K_VEC;
		d = u / (BN / K_VEC);
	}
}

/* The operands of one step while they travel. */
struct travel {
	float k[K_LOADS][K_VEC], v[V_LOADS][V_VEC];
};

/* first: of the batch item. Offsets are modulo 2^32: strides may be negative. */
INLINE void load_k(travel &next, const float *k, unsigned first, unsigned tile, unsigned step)
{
#pragma unroll
	for (int i = 0; i < K_LOADS; i++) {
		const unsigned u = threadIdx.x + i * THREADS;
		unsigned t, d;

		k_place(u, t, d);
		d += step * 8;
		t = min(tile * BN + t, TT - (KD == 1 ? 1 : K_VEC));
		if ((DD % 8 == 0 || d < DD) && (K_UNITS % THREADS == 0 || u < K_UNITS)) {
			load(next.k[i], k + (first + t * KT + d * KD));
		} else {
#pragma unroll
			for (int q = 0; q < K_VEC; q++)
				next.k[i][q] = 0.0f;
		}
	}
}

INLINE void put_k(float (&shared)[8][LDB], const travel &next)
{
#pragma unroll
	for (int i = 0; i < K_LOADS; i++) {
		const unsigned u = threadIdx.x + i * THREADS;
		unsigned t, d;

		k_place(u, t, d);
		if (K_UNITS % THREADS != 0 && u >= K_UNITS)
			continue;
		if (KD != 1) {
			store(&shared[0][0], d * LDB + t, next.k[i]);
			continue;
		}
#pragma unroll
		for (int q = 0; q < K_VEC; q++)
			shared[d + q][t] = next.k[i][q];
	}
}

INLINE void load_v(travel &next, const float *v, unsigned first, unsigned tile, unsigned step)
{
#pragma unroll
	for (int i = 0; i < V_LOADS; i++) {
		const unsigned u = threadIdx.x + i * THREADS, n = u % (BV / V_VEC) * V_VEC;
		const unsigned t = tile * BN + key_of(step * 8 + u / (BV / V_VEC));

		/* a key that is not there has probability 0, and 0 * NaN would be NaN */
		if ((TT % BN == 0 || t < TT) && (V_UNITS % THREADS == 0 || u < V_UNITS)) {
			load(next.v[i], v + (first + t * VT + min(n, DV - V_VEC) * VD));
		} else {
#pragma unroll
			for (int q = 0; q < V_VEC; q++)
				next.v[i][q] = 0.0f;
		}
	}
}

INLINE void put_v(float (&shared)[8][LDB], const travel &next)
{
#pragma unroll
	for (int i = 0; i < V_LOADS; i++) {
		const unsigned u = threadIdx.x + i * THREADS;

		if (V_UNITS % THREADS == 0 || u < V_UNITS)
			store(&shared[0][0], u / (BV / V_VEC) * LDB + u % (BV / V_VEC) * V_VEC,
			      next.v[i]);
	}
}

/* All columns of the block's rows, scaled, those beyond DD zero. */
INLINE void put_q(float (&shared)[STEPS * 8][LDM], const float *q, unsigned first, unsigned s0)
{
#pragma unroll 4
	for (unsigned u = threadIdx.x; u < Q_UNITS; u += THREADS) {
		const unsigned m = u / (STEPS * 8 / Q_VEC), d = u % (STEPS * 8 / Q_VEC) * Q_VEC;
		float x[Q_VEC] = {0.0f};

		if (DD % 8 == 0 || d < DD)
			load(x, q + (first + min(s0 + m, SS - 1) * QS + d * QD));
#pragma unroll
		for (int i = 0; i < Q_VEC; i++)
			shared[d + i][m] = x[i] * SCALE;
	}
}

/* The epilogue of the tile's scores; those of keys that are not there become -infinity. */
INLINE void finish_scores(float (&score)[TM][TN], unsigned first_row, unsigned t0,
			  unsigned tx, unsigned ty EXTRA_PARAMS)
{
	const unsigned batch = blockIdx.x / BLOCKS;

#pragma unroll
	for (int i = 0; i < TM; i++) {
		const unsigned s = min(first_row + tile_index(ty, i, TY), SS - 1);

#pragma unroll
		for (int j = 0; j < TN; j += VEC) {
			const unsigned t = t0 + tile_index(tx, j, TX);
			float v[VEC];

#pragma unroll
			for (int q = 0; q < VEC; q++)
				v[q] = score[i][j + q];
			epilogue(v, (batch * SS + s) * TT + min(t, TT - VEC) EXTRA_ARGS);
#pragma unroll
			for (int q = 0; q < VEC; q++)
				score[i][j + q] =
					TT % BN == 0 || t < TT ? v[q] : __int_as_float(0xff800000);
		}
	}
}

/* NaN need not win the maximum: exp makes NaN of it, and the sum keeps it. */
INLINE float row_max(float v)
{
#pragma unroll
	for (int d = TX / 2; d; d >>= 1)
		v = fmaxf(v, __shfl_xor_sync(0xffffffffu, v, d));
	return v;
}

INLINE float row_sum(float v)
{
#pragma unroll
	for (int d = TX / 2; d; d >>= 1)
		v += __shfl_xor_sync(0xffffffffu, v, d);
	return v;
}

/* Scores become probabilities but for the division; what is summed so far is scaled to the new maximum. */
INLINE void weigh(float (&score)[TM][TN], float (&sum)[TM][TV], float (&top)[TM], float (&total)[TM])
{
#pragma unroll
	for (int i = 0; i < TM; i++) {
		float most = top[i], shrink;

#pragma unroll
		for (int j = 0; j < TN; j++)
			most = fmaxf(most, score[i][j]);
		most = row_max(most);
		/* nothing but -infinity so far: exp(-infinity - 0) is the 0 that it has to be */
		shrink = most == __int_as_float(0xff800000) ? 0.0f : most;
		top[i] = exp(top[i] - shrink);
#pragma unroll
		for (int j = 0; j < TV; j++)
			sum[i][j] *= top[i];
		total[i] *= top[i];
#pragma unroll
		for (int j = 0; j < TN; j++) {
			score[i][j] = exp(score[i][j] - shrink);
			total[i] += score[i][j];
		}
		top[i] = most;
	}
}

extern "C" __global__ void __launch_bounds__(THREADS,
					     MIN_BLOCKS(THREADS, TM *(TN + TV) + 96))
	attention(float *y, const float *q, const float *k, const float *v EXTRA_PARAMS)
{
	__shared__ float qs[STEPS * 8][LDM], ps[BN][LDM], kv[2][8][LDB];
	const unsigned tx = threadIdx.x % TX, ty = threadIdx.x / TX;
	const unsigned batch = blockIdx.x / BLOCKS, s0 = blockIdx.x % BLOCKS * BM;
	float sum[TM][TV] = {}, top[TM], total[TM];
	const unsigned k0 = k_base(batch), v0 = v_base(batch), y0 = y_base(batch);
	unsigned now = 0;
	travel next;

#pragma unroll
	for (int i = 0; i < TM; i++) {
		top[i] = __int_as_float(0xff800000);
		total[i] = 0.0f;
	}
	load_k(next, k, k0, 0, 0);
	put_q(qs, q, q_base(batch), s0);
	put_k(kv[0], next);
	__syncthreads();
#pragma unroll 1
	for (unsigned tile = 0; tile < TILES; tile++) {
		float score[TM][TN] = {};

		/* the next step's operands travel while this one is computed */
#pragma unroll 1
		for (unsigned step = 0; step < STEPS; step++, now ^= 1) {
			if (step + 1 < STEPS)
				load_k(next, k, k0, tile, step + 1);
			else
				load_v(next, v, v0, tile, 0);
			tile_fma(score, *(const float(*)[8][LDM])qs[step * 8], kv[now], ty, TY, tx, TX);
			if (step + 1 < STEPS)
				put_k(kv[now ^ 1], next);
			else
				put_v(kv[now ^ 1], next);
			if (step + 1 < STEPS) /* the last step's is the one behind ps */
				__syncthreads();
		}
		finish_scores(score, s0, tile * BN, tx, ty EXTRA_ARGS);
		weigh(score, sum, top, total);
#pragma unroll
		for (int j = 0; j < TN; j++)
#pragma unroll
			for (int i = 0; i < TM; i += 4) {
				const float four[4] = {score[i][j], score[i + 1][j], score[i + 2][j],
						       score[i + 3][j]};

				store(&ps[0][0], (j * TX + tx) * LDM + tile_index(ty, i, TY), four);
			}
		__syncthreads();
#pragma unroll 1
		for (unsigned step = 0; step < BN / 8; step++, now ^= 1) {
			const bool last = step + 1 == BN / 8;

			if (!last)
				load_v(next, v, v0, tile, step + 1);
			else if (tile + 1 < TILES)
				load_k(next, k, k0, tile + 1, 0);
			tile_fma(sum, *(const float(*)[8][LDM])ps[step * 8], kv[now], ty, TY, tx, TX);
			if (!last)
				put_v(kv[now ^ 1], next);
			else if (tile + 1 < TILES)
				put_k(kv[now ^ 1], next);
			__syncthreads();
		}
	}
#pragma unroll
	for (int i = 0; i < TM; i++) {
		const unsigned s = s0 + tile_index(ty, i, TY);

		total[i] = row_sum(total[i]);
#pragma unroll
		for (int j = 0; j < TV; j += Y_VEC) {
			const unsigned n = tile_index(tx, j, TX);
			float out[Y_VEC];

#pragma unroll
			for (int c = 0; c < Y_VEC; c++)
				out[c] = GUARD && !(total[i] > 0.0f) ? 0.0f
								     : sum[i][j + c] / total[i];
			if (s < SS && n < DV)
				store(y, y0 + s * YS + n * YD, out);
		}
	}
}
