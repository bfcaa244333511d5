/* Stands before everything: helpers for generated expressions and templates. */
#define INLINE static __device__ __forceinline__

/* ONNX's maximum and minimum: NaN wins. */
INLINE float max_nan(float a, float b)
{
	return a > b || a != a ? a : b;
}

INLINE float min_nan(float a, float b)
{
	return a < b || a != a ? a : b;
}

INLINE float4 float4_of(const float (&v)[4])
{
	return make_float4(v[0], v[1], v[2], v[3]);
}

INLINE void float4_to(float (&v)[4], const float *p)
{
	const float4 q = *(const float4 *)p;

	v[0] = q.x;
	v[1] = q.y;
	v[2] = q.z;
	v[3] = q.w;
}

/* One or four elements. */
INLINE void load(float (&v)[4], const float *p)
{
	float4_to(v, p);
}

INLINE void load(float (&v)[1], const float *p)
{
	v[0] = p[0];
}

/* Sum over the warp; every lane gets it. The order is fixed. */
INLINE float warp_sum(float v)
{
#pragma unroll
	for (int d = 16; d; d >>= 1)
		v += __shfl_xor_sync(0xffffffffu, v, d);
	return v;
}

INLINE float warp_max(float v)
{
#pragma unroll
	for (int d = 16; d; d >>= 1)
		v = max_nan(v, __shfl_xor_sync(0xffffffffu, v, d));
	return v;
}

/*
 * Tiled products: a thread has TM x TN results; its row i is row ty * 4 + i / 4 * 4 * (BM / TM) +
 * i % 4 of the tile, so that threads read neighbouring float4s; columns alike. as and bs hold 8 k.
 */
/* Blocks of an SM whose threads have that many registers: without it ptxas aims higher and spills. */
#define MIN_BLOCKS(threads, registers) (65536 / ((threads) * (registers)))

INLINE unsigned tile_index(unsigned t, int i, unsigned threads)
{
	return t * 4 + i / 4 * 4 * threads + i % 4;
}

template <int TM, int TN, int LDA, int LDB>
INLINE void tile_fma(float (&acc)[TM][TN], const float (&as)[8][LDA], const float (&bs)[8][LDB],
		     unsigned ty, unsigned rows, unsigned tx, unsigned cols)
{
#pragma unroll
	for (int k = 0; k < 8; k++) {
		float a[TM], b[TN];

#pragma unroll
		for (int i = 0; i < TM; i += 4)
			float4_to((float(&)[4])a[i], &as[k][tile_index(ty, i, rows)]);
#pragma unroll
		for (int j = 0; j < TN; j += 4)
			float4_to((float(&)[4])b[j], &bs[k][tile_index(tx, j, cols)]);
#pragma unroll
		for (int i = 0; i < TM; i++)
#pragma unroll
			for (int j = 0; j < TN; j++)
				acc[i][j] = fmaf(a[i], b[j], acc[i][j]);
	}
}
