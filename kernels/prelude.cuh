/* Stands before everything: data types, helpers for generated expressions and templates. */
#define INLINE static __device__ __forceinline__

/* ---- what tensors are stored as, by the names that the compiler has for it ---- */

typedef float f32;
typedef double f64;
typedef signed char i8;
typedef short i16;
typedef int i32;
typedef long long i64;
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned u32;
typedef unsigned long long u64;
struct f16 {
	u16 bits;
};
struct bf16 {
	u16 bits;
};

/* What is computed with: float for the short floats, else the type itself. */
template <class S> struct computes {
	typedef S type;
};
template <> struct computes<f16> {
	typedef float type;
};
template <> struct computes<bf16> {
	typedef float type;
};
template <class S> using compute_t = typename computes<S>::type;

template <class S> INLINE S get(S s)
{
	return s;
}

INLINE float get(f16 s)
{
	float v;

	asm("cvt.f32.f16 %0, %1;" : "=f"(v) : "h"(s.bits));
	return v;
}

INLINE float get(bf16 s)
{
	return __uint_as_float((u32)s.bits << 16);
}

/* Rounded to nearest even. */
template <class S> INLINE void put(S &s, S v)
{
	s = v;
}

INLINE void put(f16 &s, float v)
{
	asm("cvt.rn.f16.f32 %0, %1;" : "=h"(s.bits) : "f"(v));
}

INLINE void put(bf16 &s, float v)
{
	const u32 bits = __float_as_uint(v);

	s.bits = v != v ? bits >> 16 | 64 : (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

/* v as it is after it was stored. */
template <class S> INLINE compute_t<S> stored(compute_t<S> v)
{
	S s;

	put(s, v);
	return get(s);
}

/* Four neighbours, moved at once. */
template <class S> struct alignas(sizeof(S) < 4 ? 4 * sizeof(S) : 16) quad {
	S at[4];
};

/* One or four elements. Written out: a loop, unrolled later, leaves worse code around it. */
template <class S> INLINE void load(compute_t<S> (&v)[4], const S *p)
{
	const quad<S> q = *(const quad<S> *)p;

	v[0] = get(q.at[0]);
	v[1] = get(q.at[1]);
	v[2] = get(q.at[2]);
	v[3] = get(q.at[3]);
}

template <class S> INLINE void load(compute_t<S> (&v)[1], const S *p)
{
	v[0] = get(p[0]);
}

template <class S> INLINE void store(S *p, unsigned at, const compute_t<S> (&v)[4])
{
	quad<S> q;

	put(q.at[0], v[0]);
	put(q.at[1], v[1]);
	put(q.at[2], v[2]);
	put(q.at[3], v[3]);
	*(quad<S> *)(p + at) = q;
}

template <class S> INLINE void store(S *p, unsigned at, const compute_t<S> (&v)[1])
{
	put(p[at], v[0]);
}

/* ---- generated expressions ---- */

/* Integers wrap. */
#define WRAP(a, operation, b) ((u64)(a)operation(u64)(b))

/* By zero there is no quotient, any value will do; the least number / -1 wraps. */
template <class T> INLINE T divide(T a, T b)
{
	if (b == 0)
		return 0;
	return (T)-1 < 0 && b == (T)-1 ? (T)WRAP(0, -, a) : (T)(a / b);
}

/* The sign follows the divisor, or with like_c the dividend. */
template <class T> INLINE T modulo(T a, T b, bool like_c)
{
	const T m = b == 0 || ((T)-1 < 0 && b == (T)-1) ? (T)0 : (T)(a % b);

	return m != 0 && !like_c && (m < 0) != (b < 0) ? (T)(m + b) : m;
}

template <class T, class U> INLINE T power(T a, U b)
{
	T y = 1;

	if (b < 0)
		return a == 1 || (a == (T)-1 && b % 2 == 0) ? (T)1 : a == (T)-1 ? a : (T)0;
	for (; b; b >>= 1, a = (T)WRAP(a, *, a))
		if (b & 1)
			y = (T)WRAP(y, *, a);
	return y;
}

template <class T> INLINE T shift(T a, T b, bool right)
{
	if (b >= 8 * sizeof(T))
		return 0;
	return (T)(right ? (u64)a >> b : (u64)a << b);
}

/* Truncated; beyond the type's range its ends; NaN: 0. The compiler folds by the same rule. */
template <class T, class V> INLINE T truncated(V v)
{
	const bool has_sign = (T)-1 < 0;
	const u64 half = (u64)1 << (8 * sizeof(T) - 1);
	const V end = has_sign ? (V)half : (V)half * 2;

	if (v >= end)
		return (T)(has_sign ? half - 1 : half - 1 + half);
	if (has_sign && v <= -end)
		return (T)-half;
	return v > (has_sign ? -end : 0) ? (T)v : (T)0;
}

/* Any number as an integer. */
template <class T, class V> INLINE T integer(V v)
{
	return (T)v;
}

template <class T> INLINE T integer(float v)
{
	return truncated<T>(v);
}

template <class T> INLINE T integer(double v)
{
	return truncated<T>(v);
}

/* ONNX's maximum and minimum: NaN wins. */
template <class T> INLINE T max_nan(T a, T b)
{
	return a > b || a != a ? a : b;
}

template <class T> INLINE T min_nan(T a, T b)
{
	return a < b || a != a ? a : b;
}

/* What a maximum begins with: no number of the argument's type is less. */
template <class T> INLINE T least(T)
{
	return (T)-1 < 0 ? (T)((u64)1 << (8 * sizeof(T) - 1)) : (T)0;
}

INLINE float least(float)
{
	return __int_as_float(0xff800000);
}

INLINE double least(double)
{
	return __int_as_float(0xff800000);
}

/* What a minimum begins with. */
template <class T> INLINE T greatest(T)
{
	return (T)~least((T)0);
}

INLINE bool greatest(bool)
{
	return true;
}

INLINE float greatest(float)
{
	return __int_as_float(0x7f800000);
}

INLINE double greatest(double)
{
	return __int_as_float(0x7f800000);
}

/* Of a computed number: integers of floats are truncated. */
template <class T, class V> INLINE T converted(V v)
{
	return (T)0.5 != (T)0 || (V)0.5 == (V)0 ? (T)v : truncated<T>(v);
}

/* Integers wrap. */
template <class T> INLINE T plus(T a, T b)
{
	return (T)WRAP(a, +, b);
}

INLINE float plus(float a, float b)
{
	return a + b;
}

INLINE double plus(double a, double b)
{
	return a + b;
}

template <class T> INLINE T times(T a, T b)
{
	return (T)WRAP(a, *, b);
}

INLINE float times(float a, float b)
{
	return a * b;
}

INLINE double times(double a, double b)
{
	return a * b;
}

/* a * b + c: floats round once. */
template <class T> INLINE T mul_add(T a, T b, T c)
{
	return plus(times(a, b), c);
}

INLINE float mul_add(float a, float b, float c)
{
	return fmaf(a, b, c);
}

INLINE double mul_add(double a, double b, double c)
{
	return fma(a, b, c);
}

/* Sum over the warp; every lane gets it. The order is fixed. */
template <class T> INLINE T warp_sum(T v)
{
#pragma unroll
	for (int d = 16; d; d >>= 1)
		v += __shfl_xor_sync(0xffffffffu, v, d);
	return v;
}

template <class T> INLINE T warp_max(T v)
{
#pragma unroll
	for (int d = 16; d; d >>= 1)
		v = max_nan(v, __shfl_xor_sync(0xffffffffu, v, d));
	return v;
}

/*
 * Tiled products: a thread has TM x TN results; its row i is row ty * 4 + i / 4 * 4 * (BM / TM) +
 * i % 4 of the tile, so that threads read four neighbours at once; columns alike. as and bs hold 8
 * k.
 */
/* Blocks of an SM whose threads have that many registers: without it ptxas aims higher and spills.
 */
#define MIN_BLOCKS(threads, registers) (65536 / ((threads) * (registers)))

INLINE unsigned tile_index(unsigned t, int i, unsigned threads)
{
	return t * 4 + i / 4 * 4 * threads + i % 4;
}

template <int TM, int TN, int LDA, int LDB>
INLINE void tile_fma(float (&acc)[TM][TN], const float (&as)[8][LDA], const float (&bs)[8][LDB],
		     unsigned ty, unsigned rows, unsigned tx, unsigned cols)
{
#pragma unroll
	for (int k = 0; k < 8; k++) {
		float a[TM], b[TN];

#pragma unroll
		for (int i = 0; i < TM; i += 4)
			load((float(&)[4])a[i], &as[k][tile_index(ty, i, rows)]);
#pragma unroll
		for (int j = 0; j < TN; j += 4)
			load((float(&)[4])b[j], &bs[k][tile_index(tx, j, cols)]);
#pragma unroll
		for (int i = 0; i < TM; i++)
#pragma unroll
			for (int j = 0; j < TN; j++)
				acc[i][j] = fmaf(a[i], b[j], acc[i][j]);
	}
}
