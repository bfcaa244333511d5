/*
 * matmul_direct: products of matrices of any type, one output element per thread: the sum over k of
 * a[m * AM + k * AK] * b[k * BK + n * BN_], in order; where SCALED, ALPHA times that plus, where
 * HAS_C, BETA * c[m * CM + n * CN].
 * Generated: a_base(i), b_base(i), where the matrices of batch item i begin.
 * Grid: ceil(COUNT / THREADS), COUNT = batch items * MM * NN. Shared: none.
 * In place: only with extra operands.
 */
#ifndef INLINE
#define VEC 1
#include "prelude.cuh"

#include "epilogue.cuh"
#endif
#ifndef COUNT
#define COUNT (2 * 48 * 100)
#define MM 48
#define NN 100
#define KK 64
#define AM 64
#define AK 1
#define BK 100
#define BN_ 1
#define SCALED 1
#define ALPHA 0.5f
#define BETA 2.0f
#define HAS_C 1
#define CM 0
#define CN 1
#define THREADS 128
INLINE unsigned a_base(unsigned i)
{
	return i * (48 * 64);
}
INLINE unsigned b_base(unsigned i)
{
	return 0;
}
#endif

#if HAS_C
#define C_PARAM , const y_t *c
#else
#define C_PARAM
#endif

typedef compute_t<y_t> c_t;

extern "C" __global__ void __launch_bounds__(THREADS)
	matmul_direct(y_t *y, const y_t *a, const y_t *b C_PARAM EXTRA_PARAMS)
{
	const unsigned off = blockIdx.x * THREADS + threadIdx.x;
	const unsigned n = off % NN, m = off / NN % MM, item = off / NN / MM;
	c_t v[1] = {};

	if (off >= COUNT)
		return;
	a += a_base(item) + m * AM;
	b += b_base(item) + n * BN_;
	for (unsigned k = 0; k < KK; k++)
		v[0] = mul_add(get(a[k * AK]), get(b[k * BK]), v[0]);
#if SCALED
	v[0] = times((c_t)ALPHA, v[0]);
#if HAS_C
	v[0] = plus(v[0], times((c_t)BETA, get(c[m * CM + n * CN])));
#endif
#endif
	epilogue(v, off EXTRA_ARGS);
	store(y, out_at(off), v);
}
