"""Cases of data types: each elementwise operator in each of its types, moves, Cast between all pairs."""
import math

import ml_dtypes
import numpy as np
from cases import EDGE, INF, NAN, RANDOM, case, ints, rand

# ---- elementwise, every type ----
FLOATS = [np.float16, np.float32, np.float64]
SIGNED, UNSIGNED = [np.int8, np.int16, np.int32, np.int64], [np.uint8, np.uint16, np.uint32, np.uint64]
INTS = SIGNED + UNSIGNED


def whole(dtype, *shape):
    """All of the type's range, its ends first."""
    info = np.iinfo(dtype)
    x = RANDOM.integers(info.min, info.max, shape, dtype, endpoint=True)
    x.flat[:4] = [info.min, info.max, 0, 1][:x.size]
    return x


def reals(dtype, *shape, lo=-2.0, hi=2.0):
    return RANDOM.uniform(lo, hi, shape).astype(dtype)


def corners(dtype):
    """EDGE, the type's own ends, its smallest numbers."""
    info = np.finfo(dtype)
    return np.append(EDGE.astype(dtype), np.array([info.max, -info.max, info.tiny, info.tiny / 4, -info.smallest_subnormal], dtype))


UNARY = [("Abs", 13, -2, 2), ("Neg", 13, -2, 2), ("Sign", 13, -2, 2), ("Relu", 14, -2, 2), ("Sqrt", 13, 0, 4),
         ("Exp", 13, -4, 4), ("Log", 13, 0.1, 5), ("Erf", 13, -3, 3), ("Reciprocal", 13, 0.5, 3), ("Floor", 13, -5, 5),
         ("Ceil", 13, -5, 5), ("Round", 11, -5, 5), ("Tanh", 13, -4, 4), ("Sigmoid", 13, -6, 6), ("Softplus", 1, -6, 6),
         ("Softsign", 1, -6, 6), ("HardSwish", 14, -6, 6), ("HardSigmoid", 6, -6, 6), ("LeakyRelu", 16, -4, 4),
         ("Elu", 6, -4, 4), ("Selu", 6, -4, 4), ("Gelu", 20, -4, 4), ("Sin", 7, -9, 9), ("Cos", 7, -9, 9),
         ("Tan", 7, -1.5, 1.5), ("Asin", 7, -1, 1), ("Acos", 7, -1, 1), ("Atan", 7, -9, 9), ("Sinh", 9, -4, 4),
         ("Cosh", 9, -4, 4), ("Asinh", 9, -9, 9), ("Acosh", 9, 1, 9), ("Atanh", 9, -0.9, 0.9)]
TRUE = {"Erf": np.vectorize(math.erf), "HardSwish": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),  # ONNX Runtime's are floats
        "Gelu": lambda x: x / 2 * (1 + np.vectorize(math.erf)(x * math.sqrt(0.5)))}
for op, opset, lo, hi in UNARY:
    for dtype in FLOATS if opset in (7, 9) else (np.float16, np.float64):
        x = reals(dtype, 3, 5, 7, lo=lo, hi=hi)
        case(op, [x], max(opset, 9), want=[TRUE[op](x)] if op in TRUE and dtype == np.float64 else None)
for dtype in FLOATS:
    for op in ["Abs", "Neg", "Sign", "Relu", "Sqrt", "Floor", "Ceil", "Round", "Reciprocal", "IsNaN", "IsInf", "Identity"]:
        case(op, [corners(dtype)], 16 if op != "IsInf" else 20,
             want=[np.sign(corners(dtype))] if op == "Sign" else None)  # ONNX Runtime's Sign of an f16 NaN is 0
case("IsInf", [EDGE], 10, detect_negative=0)
case("IsInf", [EDGE], 10, detect_positive=0)
for dtype in SIGNED:
    for op in ["Abs", "Neg", "Relu", "Sign"]:
        case(op, [whole(dtype, 3, 5)], 14)
for dtype in UNSIGNED:
    for op in ["Abs", "Sign"]:
        case(op, [whole(dtype, 3, 5)], 14)
for dtype in INTS:
    for op in ["Add", "Sub", "Mul", "Max", "Min"]:
        case(op, [whole(dtype, 3, 8), whole(dtype, 3, 8)], 14)
        case(op, [whole(dtype, 3, 5), whole(dtype, 5)], 14, const=[1])
    case("Max", [whole(dtype, 3, 4), whole(dtype, 4), whole(dtype, 3, 1)], 13)
    case("Div", [np.abs(whole(dtype, 4, 7) // 2), np.maximum(whole(dtype, 7), 1)], 14)
    for fmod in (0, 1):
        case("Mod", [whole(dtype, 4, 7)[1:], np.where(whole(dtype, 7) == 0, 3, whole(dtype, 7) | 1).astype(dtype)], 13, fmod=fmod)
    case("Clip", [whole(dtype, 20), np.array(3, dtype), np.array(100, dtype)], 13)
    case("Clip", [whole(dtype, 20), None, np.array(100, dtype)], 13, const=[2])
    case("Clip", [whole(dtype, 20), np.array(3, dtype)], 12)
    for op in ["Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual"]:
        case(op, [whole(dtype, 4, 6), whole(dtype, 6)], 16)
    case("Where", [whole(np.int8, 4, 6) > 0, whole(dtype, 4, 6), whole(dtype, 6)], 16)
    case("Identity", [whole(dtype, 3, 5)], 13)
    for op in ["BitwiseAnd", "BitwiseOr", "BitwiseXor"]:
        case(op, [whole(dtype, 4, 6), whole(dtype, 6)], 18)
    case("BitwiseNot", [whole(dtype, 4, 6)], 18)
for dtype in SIGNED:  # the quotient's sign, and the one that has no place in the type
    case("Div", [np.array([7, -7, 7, -7, 100], dtype), np.array([2, 2, -2, -2, -1], dtype)], 14)
    least = np.iinfo(dtype).min
    case("Div", [np.array([least, least], dtype), np.array([-1, 2], dtype)], 14, folded="E_VALUE",
         want=[np.array([least, least // 2], dtype)])
    case("Mod", [np.array([least, 5], dtype), np.array([-1, -3], dtype)], 13, want=[np.array([0, -1], dtype)])
for dtype in UNSIGNED:
    for direction in ("LEFT", "RIGHT"):
        case("BitShift", [whole(dtype, 4, 6), RANDOM.integers(0, 8, 6).astype(dtype)], 11, direction=direction)
    case("BitShift", [whole(dtype, 2), np.array([200], dtype)], 11, direction="LEFT", want=[np.zeros(2, dtype)])
case("BitShift", [whole(np.uint8, 3), whole(np.uint8, 3)], 11, error="E_ATTR")
case("BitShift", [whole(np.uint8, 3), whole(np.uint8, 3)], 11, error="E_ATTR", direction="UP")
case("BitShift", [whole(np.int8, 3), whole(np.int8, 3)], 11, error="E_TYPE", direction="LEFT")
for dtype in FLOATS:
    for op in ["Add", "Sub", "Mul", "Div", "Max", "Min", "Pow"]:
        low = dict(lo=0.5, hi=3) if op in ("Div", "Pow") else {}
        case(op, [reals(dtype, 3, 8, **low), reals(dtype, 3, 8, **low)], 14)
        case(op, [reals(dtype, 3, 5, **low), reals(dtype, 5, **low)], 14, const=[1])
    for op in ["Max", "Min"]:
        case(op, [corners(dtype), reals(dtype, 21)], 13)
        case(op, [reals(dtype, 3, 4), reals(dtype, 4), reals(dtype, 3, 1)], 13)
    for op in ["Add", "Mul", "Sub"]:
        case(op, [corners(dtype), corners(dtype)[::-1].copy()], 14)
    for op in ["Sum", "Mean"]:
        case(op, [reals(dtype, 3, 4), reals(dtype, 4), reals(dtype, 3, 1)], 13)
        case(op, [reals(dtype, 3, 4), reals(dtype, 4)], 13)
    case("PRelu", [reals(dtype, 2, 3, 4, 5), reals(dtype, 3, 1, 1)], 16)
    case("Mod", [reals(dtype, 20, lo=-9, hi=9), reals(dtype, 20, lo=1, hi=4)], 13, fmod=1)
    for lo, hi in [(-0.5, 1.0), (None, 0.5), (0.1, None)]:
        bounds = [None if v is None else np.array(v, dtype) for v in (lo, hi)]
        case("Clip", [reals(dtype, 40)] + bounds, 12, const=[1, 2])
        case("Clip", [reals(dtype, 40)] + bounds, 13)
    for op in ["Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual"]:
        case(op, [corners(dtype), np.roll(corners(dtype), 3)], 16)
        case(op, [reals(dtype, 4, 6).round(), reals(dtype, 6).round()], 16)
    case("Where", [whole(np.int8, 4, 6) > 0, reals(dtype, 4, 6), reals(dtype, 6)], 16)
for dtype in (np.int32, np.int64, np.uint32, np.uint64):
    case("PRelu", [whole(dtype, 3, 4), whole(dtype, 4)], 16)
# Pow of two types: the base's is the result's
for base in (np.int32, np.int64, np.float16, np.float32, np.float64):
    for exponent in INTS + FLOATS:
        x = np.array([1, 2, 3, 4, 5, 6], base)
        case("Pow", [x, np.array([0, 1, 2, 3, 2, 1], exponent)], 15)
        case("Pow", [x, np.array(2, exponent)], 15, const=[1])

for dtype in INTS + [np.bool_, np.float16, np.float64]:  # moves, every type
    def some(*shape):
        return whole(np.uint8, *shape) > 99 if dtype is np.bool_ else whole(dtype, *shape) if dtype in INTS else reals(dtype, *shape)

    case("Transpose", [some(3, 4, 5)], 13, perm=[2, 0, 1])
    case("Transpose", [some(2, 8, 12)], 13, perm=[0, 2, 1])
    case("Slice", [some(4, 5, 6), ints(3, 1), ints(0, 6), ints(0, 2), ints(-1, 2)], 13, const=[1, 2, 3, 4])
    case("Slice", [some(16, 8), ints(4), ints(8), ints(0)], 13, const=[1, 2, 3])
    case("Split", [some(2, 9, 3), ints(2, 3, 4)], 13, const=[1], outputs=3, axis=1)
    case("Concat", [some(2, 3, 5), some(2, 1, 5), some(2, 4, 5)], 13, axis=1)
    case("Concat", [some(1, 8, 4), some(1, 16, 4)], 13, axis=1)
    case("Concat", [some(3, 32), some(5, 32)], 13, axis=0)
    case("Expand", [some(3, 1, 5), ints(2, 3, 4, 5)], 13, const=[1])
    case("Reshape", [some(2, 3, 4), ints(6, 4)], 13, const=[1])
    case("Unsqueeze", [some(3, 2), ints(1)], 13, const=[1])
    case("Gather", [some(3, 4, 5), ints(2, 0)], 13, const=[1], axis=1)
    case("DepthToSpace", [some(1, 8, 2, 3)], 13, blocksize=2)

# ---- Cast: all pairs; values that every type holds, and out of range without undefined behaviour ----
TYPES = [("float32", 1), ("uint8", 2), ("int8", 3), ("uint16", 4), ("int16", 5), ("int32", 6), ("int64", 7), ("bool", 9),
         ("float16", 10), ("float64", 11), ("uint32", 12), ("uint64", 13)]
for source, _ in TYPES:
    values = [0, 1, 2, 100] if source.startswith(("u", "b")) else [0, 1, -2, 100]
    if source.startswith("f"):
        values += [1.75, -2.5, 0.1]
    for target, code in TYPES:
        keep = [v for v in values if v >= 0] if target.startswith("u") else values
        case("Cast", [np.array(keep, source)], 13, to=code)
case("Cast", [np.array([65504, 65519.9, 65520, 1e30, 6e-8, 3e-8, 2.9e-8, 1e-5, -0.0, 1.0009765, 1.00048828, NAN, -INF],
                       np.float32)], 13, to=10)
case("Cast", [rand(50, lo=-1e-4, hi=1e-4)], 13, to=10)
for bits in (EDGE, rand(50, lo=-1e30, hi=1e30), np.array([1.0039062, 1.01171875, 3.4e38, 1e-40], np.float32)):
    case("Cast", [bits], 13, to=16)
    case("Cast", [bits.astype(ml_dtypes.bfloat16)], 13, to=1)
WIDE = np.array([(1 << 62) + (1 << 38), (1 << 62) + (1 << 38) + 1, (1 << 53) + 1, 16777217, 16777219, 33554433 * 3], np.int64)
case("Cast", [WIDE], 13, to=1)  # one rounding: through f64 it would be two
case("Cast", [WIDE.astype(np.uint64) * 2 + 1], 13, to=1)
case("Cast", [WIDE], 13, to=11)
case("Cast", [whole(np.uint64, 20)], 13, to=11)


def clamped(x, dtype):
    """Truncated, the type's ends beyond its range, NaN 0: ONNX leaves it open, we do not."""
    info = np.iinfo(dtype)
    return np.array([0 if np.isnan(v) else info.max if v >= info.max else info.min if v <= info.min else int(v) for v in x], dtype)


for source in FLOATS:
    x = np.append(corners(source), reals(source, 40, lo=-300, hi=300))
    case("Cast", [x], 13, to=9, want=[x != 0])
    for target, code in TYPES:
        if np.dtype(target).kind in "iu":
            case("Cast", [x], 13, to=code, want=[clamped(x.astype(np.float64), target)])
x = np.append(corners(np.float64), reals(np.float64, 40, lo=-7e4, hi=7e4))
with np.errstate(over="ignore"):
    case("Cast", [x], 13, to=10, want=[x.astype(np.float32).astype(np.float16)])
    case("Cast", [x], 13, to=16, want=[x.astype(np.float32).astype(ml_dtypes.bfloat16)])
    case("Cast", [x], 13, to=1)
case("Cast", [corners(np.float16)], 13, to=16, want=[corners(np.float16).astype(np.float32).astype(ml_dtypes.bfloat16)])
for source in INTS:
    x = whole(source, 40)
    case("Cast", [x], 13, to=16, want=[x.astype(np.float32).astype(ml_dtypes.bfloat16)])
    for target, code in TYPES:
        if np.dtype(target).kind in "iub":
            case("Cast", [whole(source, 40)], 13, to=code)
case("Cast", [rand(50)], 13, to=999, error="E_ATTR")
x, y = (reals(np.float32, 4, 6).astype(ml_dtypes.bfloat16) for _ in range(2))  # bf16 beyond Cast: NumPy computes in f32 and rounds
for op, want in [("Add", x + y), ("Mul", x * y), ("Max", np.maximum(x, y)), ("Less", x < y)]:
    case(op, [x, y], 13 if op != "Less" else 16, want=[want])
case("Where", [x.astype(np.float32) > 0, x, y], 16, want=[np.where(x.astype(np.float32) > 0, x, y)])
case("Transpose", [x], 13, perm=[1, 0], want=[x.T.copy()])
case("Concat", [x, y], 13, axis=1, want=[np.concatenate([x, y], axis=1)])
