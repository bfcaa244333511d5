"""Computes the constants of base/math.c and base/math_approx.h.

    python3 base/math_fit.py tables > base/math_tables.h
    python3 base/math_fit.py approx > base/math_approx_tables.h

Everything is worked out in decimal arithmetic of 500 digits from series that converge by themselves,
so that the text is the same wherever this runs; a test compares it with the files. Polynomials that
are no Taylor series interpolate at Chebyshev's points, which is within a small factor of the best
polynomial (Muller, Elementary Functions, 3rd ed., 3.6)."""
import decimal
import sys
from decimal import Decimal
from fractions import Fraction

decimal.getcontext().prec = 500
EPS = Decimal(10) ** -480
FIT_DIGITS = 120


def series(term, ratio):
    """term + term * ratio(1) + term * ratio(1) * ratio(2) + ..."""
    total, n = Decimal(0), 0
    while abs(term) > EPS:
        total += term
        n += 1
        term *= ratio(n)
    return total


def arctan_inverse(k):
    """arctan(1 / k), k > 1."""
    power, total, n = Decimal(1) / k, Decimal(0), 0
    while power > EPS:
        total += (-power if n % 2 else power) / (2 * n + 1)
        power /= k * k
        n += 1
    return total


PI = 4 * (4 * arctan_inverse(5) - arctan_inverse(239))
LN2 = Decimal(2).ln()
CENTRE = Decimal("2.5")


def cos(x):
    return series(Decimal(1), lambda n: -x * x / ((2 * n - 1) * (2 * n)))


def sin(x):
    return series(x, lambda n: -x * x / ((2 * n) * (2 * n + 1)))


def atan(x):
    """Abramowitz and Stegun 4.4.42, |x| <= 1 made small by halving the angle twice."""
    for _ in range(2):
        x = x / (1 + (1 + x * x).sqrt())
    power, total, n = x, Decimal(0), 0
    while abs(power) > EPS:
        total += (-power if n % 2 else power) / (2 * n + 1)
        power *= x * x
        n += 1
    return 4 * total


def erf(x):
    """Abramowitz and Stegun 7.1.6: all terms are positive."""
    return 2 / PI.sqrt() * (-x * x).exp() * series(x, lambda n: 2 * x * x / (2 * n + 1))


def odd(f, limit):
    """f(x) / x as a function of x^2; limit is its value at 0."""
    return lambda z: f(z.sqrt()) / z.sqrt() if z else limit


def fit(f, low, high, degree):
    """Coefficients, constant first, of the polynomial that equals f at Chebyshev's points."""
    low, high = Decimal(low), Decimal(high)
    count = degree + 1
    with decimal.localcontext() as context:
        points = [(low + high) / 2 + (high - low) / 2 * cos(PI * (2 * k + 1) / (2 * count))
                  for k in range(count)]
        values = [f(x) for x in points]
        context.prec = FIT_DIGITS
        for level in range(1, count):  # Newton's divided differences
            for k in range(count - 1, level - 1, -1):
                values[k] = (values[k] - values[k - 1]) / (points[k] - points[k - level])
        poly = [Decimal(0)] * count
        for k in range(count - 1, -1, -1):  # poly = poly * (x - points[k]) + values[k]
            for i in range(count - 1, 0, -1):
                poly[i] = poly[i - 1] - points[k] * poly[i]
            poly[0] = values[k] - points[k] * poly[0]
    return poly


def nearest(x):
    return float(Fraction(x))


def hexed(x):
    """A double as C writes it, without zeros that say nothing."""
    mantissa, exponent = x.hex().split("p")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{mantissa}p{exponent}"


def parts(x, bits=(53, 53)):
    """x as a sum of doubles of so many bits each."""
    found, rest = [], Fraction(x)
    for width in bits:
        if width == 53 or not rest:
            part = float(rest)
        else:
            scale = width - 1
            while abs(rest) * 2 ** scale < 2 ** (width - 1):
                scale += 1
            while abs(rest) * 2 ** scale >= 2 ** width:
                scale -= 1
            part = float(Fraction(round(rest * Fraction(2) ** scale)) / Fraction(2) ** scale)
        found.append(part)
        rest -= Fraction(part)
    return found


def scalar(name, x, comment):
    print(f"#define {name} {hexed(nearest(x))} /* {comment} */")


def pair(name, x, comment, bits=(53, 53)):
    print(f"/* {comment} */")
    print(f"static const double {name}[] = {{{', '.join(hexed(p) for p in parts(x, bits))}}};")


def horner(name, poly, comment):
    """A macro: in an expression, loops over lanes stay vectorisable."""
    text = hexed(nearest(poly[-1]))
    for c in reversed(poly[:-1]):
        text = f"{hexed(nearest(c))} + (z) * ({text})"
    print(f"\n/* {comment} */")
    print(f"#define {name}(z) ({text})")


def pairs(name, poly, comment):
    print(f"\n/* {comment} */")
    print(f"static const struct dd {name}[] = {{")
    for c in poly:
        print(f"\t{{{', '.join(hexed(p) for p in parts(c))}}},")
    print("};")


def factorials(first, step, count, signs):
    """1/first!, 1/(first + step)!, ... with alternating signs where signs is -1."""
    out, f = [], Decimal(1)
    for n in range(2, first + 1):
        f *= n
    for k in range(count):
        out.append(signs ** k / f)
        for n in range(first + k * step + 1, first + (k + 1) * step + 1):
            f *= n
    return out


def erfc_scaled(t):
    """exp(x^2) erfc(x), x = ERFC_CENTRE (1 + t) / (1 - t)."""
    x = CENTRE * (1 + t) / (1 - t)
    return (x * x).exp() * (1 - erf(x))


def print_tables():
    scalar("INV_LN2", 1 / LN2, "1 / ln 2")
    scalar("ERFC_CENTRE", CENTRE, "of ERFC's variable")
    pair("LN2", LN2, "ln 2: times an integer of 11 bits, the first two are exact", (42, 42, 53))
    pair("LOG2_E", 1 / LN2, "1 / ln 2")
    pair("HALF_PI", PI / 2, "pi / 2")
    pairs("EXP", factorials(2, 1, 9, 1), "e^x = 1 + x + x^2 EXP(x): 1/2!, 1/3!, ...")
    pairs("SIN", factorials(3, 2, 11, -1), "sin x = x - x z SIN(z), z = x^2: 1/3!, -1/5!, ...")
    pairs("COS", factorials(2, 2, 11, -1), "cos x = 1 - z COS(z), z = x^2: 1/2!, -1/4!, ...")
    pairs("ERF", fit(odd(erf, 2 / PI.sqrt()), "0", "1", 19), "erf x = x ERF(x^2), x <= 1")
    pairs("ERFC", fit(erfc_scaled, (1 - CENTRE) / (1 + CENTRE), (6 - CENTRE) / (6 + CENTRE), 28),
          "erfc x = exp(-x^2) ERFC((x - ERFC_CENTRE) / (x + ERFC_CENTRE)), 1 <= x <= 6")
    horner("ATAN", fit(odd(atan, Decimal(1)), "0", "1", 11), "atan x = x ATAN(x^2), |x| <= 1, to 2^-29")
    horner("ATANH", [1 / Decimal(2 * n + 1) for n in range(6)], "atanh x = x ATANH(x^2), |x| <= 0.172, to 2^-34")
    bits = int(2 / PI * 2 ** (32 * 37))
    print("\n/* 2 / pi: two words before the point, 37 of 32 bits behind it */")
    print("static const uint32_t TWO_BY_PI[] = {")
    words = [0, 0] + [bits >> 32 * (36 - k) & 0xffffffff for k in range(37)]
    for k in range(0, len(words), 6):
        print("\t" + " ".join(f"0x{w:08x}," for w in words[k:k + 6]))
    print("};")


def print_approx():
    scalar("APPROX_LN2", LN2, "ln 2")
    scalar("APPROX_TWO_BY_PI", 2 / PI, "2 / pi")
    high, low = parts(PI / 2, (31, 53))
    print(f"#define APPROX_HALF_PI {hexed(high)} /* pi / 2; exact times 22 bits, */")
    print(f"#define APPROX_HALF_PI_REST {hexed(low)} /* and what is left of it */")
    horner("APPROX_EXP2", fit(lambda x: (x * LN2).exp(), "-0.5", "0.5", 7), "2^z, |z| <= 1/2, to 2^-34")
    end = 3 - 2 * Decimal(2).sqrt()  # (sqrt 2 - 1) / (sqrt 2 + 1)
    horner("APPROX_LOG2",
           fit(odd(lambda t: ((1 + t) / (1 - t)).ln() / LN2, 2 / LN2), "0", end * end, 4),
           "log2((1 + t) / (1 - t)) = t APPROX_LOG2(t^2), |t| <= 0.172, to 2^-36")
    end = (PI / 4) ** 2
    horner("APPROX_SIN", fit(odd(sin, Decimal(1)), "0", end, 4), "sin x = x APPROX_SIN(x^2), |x| <= pi / 4")
    horner("APPROX_COS", fit(lambda z: cos(z.sqrt()), "0", end, 5), "cos x = APPROX_COS(x^2), |x| <= pi / 4")


if __name__ == "__main__":
    print("/* Written by base/math_fit.py; nobody edits it. */\n/* clang-format off */")
    {"tables": print_tables, "approx": print_approx}[sys.argv[1]]()
