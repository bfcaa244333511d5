/* Softmax over rows of COLS values, one block of 128 threads per row, warp shuffles, then shared memory. */
#ifndef COLS
#define COLS 1000
#endif

__device__ static float reduce(float v, float *part, bool max)
{
	for (int d = 16; d; d >>= 1) {
		float o = __shfl_xor_sync(~0u, v, d);

		v = max ? fmaxf(v, o) : v + o;
	}
	if (threadIdx.x % 32 == 0)
		part[threadIdx.x / 32] = v;
	__syncthreads();
	v = part[0];
	for (int i = 1; i < 4; i++)
		v = max ? fmaxf(v, part[i]) : v + part[i];
	__syncthreads();
	return v;
}

extern "C" __global__ void __launch_bounds__(128) softmax(const float *x, float *y)
{
	__shared__ float part[4];
	const float *in = x + blockIdx.x * COLS;
	float *out = y + blockIdx.x * COLS;
	float top = __int_as_float(0xff800000), sum = 0;

	for (int i = threadIdx.x; i < COLS; i += 128)
		top = fmaxf(top, in[i]);
	top = reduce(top, part, true);
	for (int i = threadIdx.x; i < COLS; i += 128)
		sum += expf(in[i] - top);
	sum = reduce(sum, part, false);
	for (int i = threadIdx.x; i < COLS; i += 128)
		out[i] = expf(in[i] - top) / sum;
}
