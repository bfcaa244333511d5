/* C = max(A B + bias, 0), fp32, row-major; tile 64 x 64 x 16, 128 threads, 8 x 4 results each. */
#ifndef M
#define M 128
#endif
#ifndef N
#define N 128
#endif
#ifndef K
#define K 64
#endif
#define TM 64
#define TN 64
#define TK 16

extern "C" __global__ void __launch_bounds__(128)
	sgemm(const float *a, const float *b, const float *bias, float *c)
{
	__shared__ float as[TK][TM];
	__shared__ float bs[TK][TN];
	const int t = threadIdx.x, tx = t % 16, ty = t / 16;
	const int row = blockIdx.y * TM, col = blockIdx.x * TN;
	float acc[8][4];

#pragma unroll
	for (int i = 0; i < 8; i++)
#pragma unroll
		for (int j = 0; j < 4; j++)
			acc[i][j] = 0.0f;
	for (int k0 = 0; k0 < K; k0 += TK) {
#pragma unroll
		for (int i = 0; i < 2; i++) {
			int at = t + i * 128, r = at / 4, q = at % 4 * 4;
			float4 v = *(const float4 *)(a + (row + r) * K + k0 + q);

			as[q][r] = v.x;
			as[q + 1][r] = v.y;
			as[q + 2][r] = v.z;
			as[q + 3][r] = v.w;
			r = at / 16;
			q = at % 16 * 4;
			*(float4 *)&bs[r][q] = *(const float4 *)(b + (k0 + r) * N + col + q);
		}
#ifndef NO_BARRIER
		__syncthreads();
#endif
#pragma unroll
		for (int k = 0; k < TK; k++) {
			float4 a0 = *(float4 *)&as[k][ty * 8], a1 = *(float4 *)&as[k][ty * 8 + 4];
			float4 b0 = *(float4 *)&bs[k][tx * 4];
			float x[8] = {a0.x, a0.y, a0.z, a0.w, a1.x, a1.y, a1.z, a1.w};
			float y[4] = {b0.x, b0.y, b0.z, b0.w};

#pragma unroll
			for (int i = 0; i < 8; i++)
#pragma unroll
				for (int j = 0; j < 4; j++)
					acc[i][j] = fmaf(x[i], y[j], acc[i][j]);
		}
		__syncthreads();
	}
#pragma unroll
	for (int i = 0; i < 8; i++) {
		float4 v;

		v.x = fmaxf(acc[i][0] + bias[col + tx * 4], 0.0f);
		v.y = fmaxf(acc[i][1] + bias[col + tx * 4 + 1], 0.0f);
		v.z = fmaxf(acc[i][2] + bias[col + tx * 4 + 2], 0.0f);
		v.w = fmaxf(acc[i][3] + bias[col + tx * 4 + 3], 0.0f);
		*(float4 *)(c + (row + ty * 8 + i) * N + col + tx * 4) = v;
	}
}
