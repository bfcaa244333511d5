/* Unary functions of the CUDA math library: y[f][i] = f(x[i]). */
#ifndef COUNT
#define COUNT 1000
#endif

extern "C" __global__ void eltwise(const float *x, float *y)
{
	int i = blockIdx.x * blockDim.x + threadIdx.x;

	if (i >= COUNT)
		return;
	float v = x[i];

	y[0 * COUNT + i] = expf(v);
	y[1 * COUNT + i] = tanhf(v);
	y[2 * COUNT + i] = erff(v);
	y[3 * COUNT + i] = 1.0f / (1.0f + expf(-v));
	y[4 * COUNT + i] = logf(fabsf(v));
	y[5 * COUNT + i] = powf(fabsf(v), 1.7f);
	y[6 * COUNT + i] = sinf(v);
	y[7 * COUNT + i] = cosf(v);
	y[8 * COUNT + i] = sqrtf(fabsf(v));
	y[9 * COUNT + i] = floorf(v) + ceilf(v) + rintf(v) + truncf(v) + roundf(v);
	y[10 * COUNT + i] = v / 3.0f;
	y[11 * COUNT + i] = log1pf(expf(v));
	y[12 * COUNT + i] = (float)(int)v + (float)(unsigned)fabsf(v) + (float)(long long)v;
	y[13 * COUNT + i] = fmodf(v, 0.7f);
	y[14 * COUNT + i] = rsqrtf(fabsf(v));
	y[15 * COUNT + i] = atanf(v);
}
