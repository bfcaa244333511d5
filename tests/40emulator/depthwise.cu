/* Depthwise 3 x 3, stride S, pad 1, channels in blocks of 8: x[c/8][h][w][8], one pixel per thread pair. */
#ifndef C
#define C 32
#endif
#ifndef H
#define H 28
#endif
#ifndef W
#define W 28
#endif
#ifndef S
#define S 2
#endif
#define OH ((H - 1) / S + 1)
#define OW ((W - 1) / S + 1)

/* The thread computes 4 channels of one output pixel; w[c/8][9][8], bias[c]. */
extern "C" __global__ void __launch_bounds__(128)
	depthwise(const float *x, const float *w, const float *bias, float *y)
{
	int i = blockIdx.x * 128 + threadIdx.x;
	int half = i & 1, p = i >> 1;
	int ox = p % OW, oy = p / OW % OH, cb = p / (OW * OH);

	if (cb >= C / 8)
		return;
	float4 acc = *(const float4 *)(bias + cb * 8 + half * 4);

	for (int ky = 0; ky < 3; ky++)
		for (int kx = 0; kx < 3; kx++) {
			int iy = oy * S - 1 + ky, ix = ox * S - 1 + kx;

			if (iy < 0 || iy >= H || ix < 0 || ix >= W)
				continue;
			float4 v = *(const float4 *)(x + ((cb * H + iy) * W + ix) * 8 + half * 4);
			float4 f = *(const float4 *)(w + (cb * 9 + ky * 3 + kx) * 8 + half * 4);

			acc.x = fmaf(v.x, f.x, acc.x);
			acc.y = fmaf(v.y, f.y, acc.y);
			acc.z = fmaf(v.z, f.z, acc.z);
			acc.w = fmaf(v.w, f.w, acc.w);
		}
	*(float4 *)(y + ((cb * OH + oy) * OW + ox) * 8 + half * 4) = acc;
}
