/*
 * Stands between the generated text and the template: what a template ends
 * in when nothing is fused behind it, and the store.
 */
#ifndef VEC
#define VEC 4 /* consecutive elements that one call of the epilogue gets */
#endif
#ifndef EXTRA_PARAMS
#define EXTRA_PARAMS
#define EXTRA_ARGS
INLINE void epilogue(float (&v)[VEC], unsigned off)
{
}

INLINE unsigned out_at(unsigned off)
{
	return off;
}
#endif

INLINE void store(float *y, unsigned at, const float (&v)[4])
{
	*(float4 *)(y + at) = float4_of(v);
}

INLINE void store(float *y, unsigned at, const float (&v)[1])
{
	y[at] = v[0];
}
