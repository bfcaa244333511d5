/* Written by base/math_fit.py; nobody edits it. */
/* clang-format off */
#define APPROX_LN2 0x1.62e42fefa39efp-1 /* ln 2 */
#define APPROX_TWO_BY_PI 0x1.45f306dc9c883p-1 /* 2 / pi */
#define APPROX_HALF_PI 0x1.921fb544p+0 /* pi / 2; exact times 22 bits, */
#define APPROX_HALF_PI_REST 0x1.0b4611a626331p-34 /* and what is left of it */

/* 2^z, |z| <= 1/2, to 2^-34 */
#define APPROX_EXP2(z) (0x1.ffffffffa7135p-1 + (z) * (0x1.62e42fef9cc69p-1 + (z) * (0x1.ebfbe0aa03dfp-3 + (z) * (0x1.c6b08da70cce3p-5 + (z) * (0x1.3b29d8bb0b97ep-7 + (z) * (0x1.5d877598350dep-10 + (z) * (0x1.446c79efd4834p-13 + (z) * (0x1.00c0e4e15189cp-16))))))))

/* log2((1 + t) / (1 - t)) = t APPROX_LOG2(t^2), |t| <= 0.172, to 2^-36 */
#define APPROX_LOG2(z) (0x1.71547652bed13p+1 + (z) * (0x1.ec709d13c0821p-1 + (z) * (0x1.27777f461993ep-1 + (z) * (0x1.a58dceca72ce8p-2 + (z) * (0x1.5ce39e0f72792p-2)))))

/* sin x = x APPROX_SIN(x^2), |x| <= pi / 4 */
#define APPROX_SIN(z) (0x1.fffffffff67c3p-1 + (z) * (-0x1.55555549480f4p-3 + (z) * (0x1.1111074b326d2p-7 + (z) * (-0x1.a00ee7e5cea35p-13 + (z) * (0x1.6cb7496931eebp-19)))))

/* cos x = APPROX_COS(x^2), |x| <= pi / 4 */
#define APPROX_COS(z) (0x1.ffffffffffe0bp-1 + (z) * (-0x1.ffffffffe3763p-2 + (z) * (0x1.5555554476425p-5 + (z) * (-0x1.6c16b2d3e61f5p-10 + (z) * (0x1.a00e9685da9c4p-16 + (z) * (-0x1.23c5c15441ap-22))))))
