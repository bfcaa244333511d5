/*
 * Stands between the generated text and the template: what a template ends
 * in when nothing is fused behind it, and begins with when nothing is in front.
 */
#ifdef HEAD_PARAMS
#define HEAD 1
#else
#define HEAD	      0
#define HEAD_PER_ITEM 0 /* operands differ from item to item of the batch */
#define HEAD_PARAMS
#define HEAD_ARGS
struct head_in { /* the operands of a call of head */
};

template <class T> INLINE void head_load(T &h, unsigned n, unsigned c)
{
}

template <class T, int count> INLINE void head(T (&v)[count], const head_in &h, unsigned c)
{
}
#endif
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
