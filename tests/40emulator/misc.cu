/* What GEMMs do not use: tables of branches, local arrays, 64-bit and double arithmetic, bit tricks. */
#ifndef COUNT
#define COUNT 2000
#endif

/* The sum of four products of bytes; one instruction where there is one. */
__device__ static unsigned dot4(unsigned a, unsigned b, unsigned c)
{
#if __CUDA_ARCH__ >= 610
	return __dp4a(a, b, c);
#else
	for (; a && b; a >>= 8, b >>= 8)
		c += (a & 255) * (b & 255);
	return c;
#endif
}

__device__ static unsigned choose(unsigned v)
{
	switch (v % 9) {
	case 0:
		return v * 3;
	case 1:
		return v ^ 0x5555u;
	case 2:
		return __brev(v);
	case 3:
		return __clz(v) + 100;
	case 4:
		return __popc(v) * 7;
	case 5:
		return __byte_perm(v, v * 5, 0x5214);
	case 6:
		return __umulhi(v, v + 1);
	case 7:
		return dot4(v, v >> 3, 9u);
	default:
		return __funnelshift_l(v, v + 3, v & 31);
	}
}

/* The digits of v sorted, through an array that has no registers. */
__device__ static unsigned sorted(unsigned v)
{
	unsigned digit[10], n = 0, r = 0;

	for (; v; v /= 10)
		digit[n++] = v % 10;
	for (unsigned i = 1; i < n; i++)
		for (unsigned j = i; j > 0 && digit[j] < digit[j - 1]; j--) {
			unsigned t = digit[j];

			digit[j] = digit[j - 1];
			digit[j - 1] = t;
		}
	for (unsigned i = 0; i < n; i++)
		r = r * 10 + digit[i];
	return r;
}

extern "C" __global__ void misc(const unsigned *x, unsigned long long *y)
{
	int i = blockIdx.x * blockDim.x + threadIdx.x;

	if (i >= COUNT)
		return;
	unsigned v = x[i];
	long long s = (long long)(int)v * 1000003 - 77;

	y[0 * COUNT + i] = choose(v);
	y[1 * COUNT + i] = sorted(v);
	y[2 * COUNT + i] = (unsigned long long)(s / ((int)(v & 1023) - 512 ? (int)(v & 1023) - 512 : 1));
	y[3 * COUNT + i] = __umul64hi((unsigned long long)s, v * 0x100000001ull);
	y[4 * COUNT + i] = (unsigned long long)(s >> (v & 63)) ^ (unsigned long long)s << (v >> 6 & 63);
	double d = sqrt((double)v) / 3.0 + (double)s * 0.5;

	y[5 * COUNT + i] = (unsigned long long)__double_as_longlong(d);
	y[6 * COUNT + i] = (unsigned long long)__double2ll_rd(d);
	y[7 * COUNT + i] = (unsigned short)(v * 7 + (v >> 16)) * (short)v;
	asm("{\n\t.reg .b16 low, high;\n\t.reg .f32 f;\n\tmov.b32 {low, high}, %1;\n\t"
	    "cvt.f32.f16 f, high;\n\tcvt.rn.f16.f32 low, f;\n\tmov.b32 %0, {high, low};\n\t}"
	    : "=r"(v)
	    : "r"(v & 0x3fffffff));
	y[8 * COUNT + i] = v;
}
