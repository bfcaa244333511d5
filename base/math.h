/*
 * The elementary functions, so that the same bytes come out with every C
 * library, compiler and architecture: only IEEE + - * / and sqrt of doubles,
 * rounding to nearest, nothing contracted. Results, subnormal ones too, are
 * off by less than 0.501 units of the last place (measured against 113 bits;
 * tests/00unit/test_math.c asserts it against glibc's long double).
 * Special values are those of C's annex F, NaN is always the same one. What
 * IEEE makes exact (sqrt, fma, fmod, floor, rint, ...) comes from <math.h>.
 */
#ifndef BASE_MATH_H
#define BASE_MATH_H

double math_exp(double x);
double math_exp2(double x);
double math_expm1(double x);
double math_log(double x);
double math_log2(double x);
double math_log1p(double x);
double math_pow(double x, double y);
double math_sin(double x);
double math_cos(double x);
double math_tan(double x);
double math_asin(double x);
double math_acos(double x);
double math_atan(double x);
double math_sinh(double x);
double math_cosh(double x);
double math_tanh(double x);
double math_asinh(double x);
double math_acosh(double x);
double math_atanh(double x);
double math_erf(double x);

#endif
