/*
 * resize: spatial axes, nearest or linear, any type (integers between two are truncated). Per axis
 * a table has for each output index the lower input index, the upper one and the upper one's weight
 * (nearest: both the same, weight 0). A thread has VEC channels (4: x and y blocked) of one pixel.
 * XL, YL: lanes, 8 where x or y is blocked, else 1.
 * tab: int low[OD + OH + OW], int high[..], float weight[..].
 * Grid: ceil(COUNT / VEC / THREADS), COUNT = N * ceil(C / YL) * OS * YL. Shared: none. In place: no.
 */
#ifndef INLINE
#include "prelude.cuh"

#include "epilogue.cuh"
#endif
#ifndef COUNT
#define COUNT (96 * 40 * 40)
#define N 1
#define C 96
#define XL 8
#define YL 8
#define LINEAR 0
#define ID 1
#define IH 20
#define IW 20
#define OD 1
#define OH 40
#define OW 40
#define X_PITCH (96 * 20 * 20)
#define THREADS 128
#endif

#define IS (ID * IH * IW)
#define OS (OD * OH * OW)
#define CB ((C + YL - 1) / YL)
#define TAB (OD + OH + OW)

struct axis {
	int lo, hi;
	float w;
};

INLINE axis axis_at(const int *tab, unsigned i)
{
	axis a = {tab[i], LINEAR ? tab[TAB + i] : 0,
		  LINEAR ? __int_as_float(tab[2 * TAB + i]) : 0.0f};

	return a;
}

/* What is interpolated in: integers as floats. */
template <class T> struct blends {
	typedef float type;
};
template <> struct blends<double> {
	typedef double type;
};
typedef compute_t<y_t> c_t;
#if LINEAR
typedef blends<c_t>::type blend_t;
#else
typedef c_t blend_t;
#endif

/* hi does not count at all where its weight is 0. */
INLINE blend_t between(blend_t lo, blend_t hi, float w)
{
	return w != 0.0f ? mul_add((blend_t)w, hi, (blend_t)((blend_t)(1.0f - w) * lo)) : lo;
}

/* VEC elements at p. */
INLINE void fetch(blend_t (&v)[VEC], const y_t *p)
{
	c_t a[VEC];

	load(a, p);
#pragma unroll
	for (int q = 0; q < VEC; q++)
		v[q] = a[q];
}

/* Row (z, y) at column x, between two columns where linear. */
INLINE void row_at(blend_t (&v)[VEC], const y_t *p, int z, int y, const axis &x)
{
	p += (z * IH + y) * (IW * XL);
	fetch(v, p + x.lo * XL);
	if (LINEAR && IW > 1) {
		blend_t u[VEC];

		fetch(u, p + x.hi * XL);
#pragma unroll
		for (int q = 0; q < VEC; q++)
			v[q] = between(v[q], u[q], x.w);
	}
}

INLINE void plane_at(blend_t (&v)[VEC], const y_t *p, int z, const axis &y, const axis &x)
{
	row_at(v, p, z, y.lo, x);
	if (LINEAR && IH > 1) {
		blend_t u[VEC];

		row_at(u, p, z, y.hi, x);
#pragma unroll
		for (int q = 0; q < VEC; q++)
			v[q] = between(v[q], u[q], y.w);
	}
}

extern "C" __global__ void __launch_bounds__(THREADS)
	resize(y_t *y, const y_t *x, const int *__restrict__ tab EXTRA_PARAMS)
{
	const unsigned off = (blockIdx.x * THREADS + threadIdx.x) * VEC;
	const unsigned s = off / YL % OS, c = off / YL / OS % CB * YL + off % YL;
	/* plain x has nothing for a lane that is no channel */
	const unsigned n = off / YL / OS / CB, last = XL == YL ? c : min(c, C - 1);
	const y_t *xp = x + n * X_PITCH + last / XL * (IS * XL) + last % XL;
	blend_t v[VEC];
	c_t out[VEC];

	if (off >= COUNT)
		return;
	const axis ax = axis_at(tab, OD + OH + s % OW), ay = axis_at(tab, OD + s / OW % OH);
	const axis az = axis_at(tab, s / OW / OH);

	plane_at(v, xp, az.lo, ay, ax);
	if (LINEAR && ID > 1) {
		blend_t u[VEC];

		plane_at(u, xp, az.hi, ay, ax);
#pragma unroll
		for (int q = 0; q < VEC; q++)
			v[q] = between(v[q], u[q], az.w);
	}
#pragma unroll
	for (int q = 0; q < VEC; q++)
		out[q] = converted<c_t>(v[q]);
	epilogue(out, off EXTRA_ARGS);
	store(y, out_at(off), out);
}
