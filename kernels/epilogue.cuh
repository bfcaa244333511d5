/*
 * Stands between the generated text and the template: what a template ends
 * in when nothing is fused behind it.
 */
#ifndef VEC
#define VEC 4 /* consecutive elements that one call of the epilogue gets */
#endif
#ifndef EXTRA_PARAMS
typedef f32 y_t; /* output 0 as it is stored */
#define EXTRA_PARAMS
#define EXTRA_ARGS
INLINE void epilogue(compute_t<y_t> (&v)[VEC], unsigned off)
{
}

INLINE unsigned out_at(unsigned off)
{
	return off;
}
#endif
