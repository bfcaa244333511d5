/* Integer work: histogram with atomics, vote, shuffles up and down, dynamic shared memory, constant table. */
#ifndef COUNT
#define COUNT 5000
#endif
__constant__ unsigned table[16] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3};
__device__ unsigned total;

extern "C" __global__ void histogram(const unsigned *x, unsigned *bins, unsigned *scan, int n)
{
	extern __shared__ unsigned local[];
	int i = blockIdx.x * blockDim.x + threadIdx.x;

	for (int b = threadIdx.x; b < 64; b += blockDim.x)
		local[b] = 0;
	__syncthreads();
	unsigned v = i < n ? x[i] : 0, s = v & 15;

	if (i < n)
		atomicAdd(&local[v % 64], table[v & 15]);
	for (int d = 1; d < 32; d *= 2) {
		unsigned o = __shfl_up_sync(~0u, s, d);

		if (threadIdx.x % 32 >= d)
			s += o;
	}
	unsigned odd = __ballot_sync(~0u, v & 1);

	if (i < n) {
		scan[i] = s + __popc(odd & (1u << threadIdx.x % 32) - 1) * 1000;
		atomicMax(&total, v);
	}
	__syncthreads();
	for (int b = threadIdx.x; b < 64; b += blockDim.x)
		if (local[b])
			atomicAdd(bins + b, local[b]);
}
