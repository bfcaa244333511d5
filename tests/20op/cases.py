"""The operators' test cases: one call of case() each, data only. Data types are in cases_types.py.

case(op, inputs, opset, const, host, name, error, want, **attributes)
  inputs: arrays, None for an omitted one; const: indices of those that the model itself holds
  (all inputs, where the plain reference is tested); host: no kernel, folded only;
  outputs: how many; error: the code that refuses it; want: the results, where no oracle runs the form.
"""
import numpy as np

CASES = []
RANDOM = np.random.default_rng(20)


def case(op, inputs, opset=13, const=(), host=False, outputs=1, error=None, folded=None, want=None, **attrs):
    name = f"{op}-{opset}-{sum(c['op'] == op for c in CASES)}"
    CASES.append(dict(name=name, op=op, inputs=inputs, opset=opset, const=set(const), host=host,
                      outputs=outputs, error=error, folded=folded, want=want, attrs=attrs))


def rand(*shape, lo=-2.0, hi=2.0, dtype=np.float32):
    return RANDOM.uniform(lo, hi, shape).astype(dtype)


def ints(*values, dtype=np.int64):
    return np.array(values, dtype)


NAN, INF = np.float32("nan"), np.float32("inf")
EDGE = np.array([0.0, -0.0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 30, -30, 100, -100, INF, -INF, NAN],
                np.float32)

# ---- elementwise ----
for op, opset, lo, hi in [("Abs", 13, -2, 2), ("Neg", 13, -2, 2), ("Sign", 13, -2, 2), ("Relu", 14, -2, 2),
                          ("Sqrt", 13, 0, 4), ("Exp", 13, -4, 4), ("Log", 13, 0.1, 5), ("Erf", 13, -3, 3),
                          ("Reciprocal", 13, 0.5, 3), ("Floor", 13, -5, 5), ("Ceil", 13, -5, 5),
                          ("Round", 11, -5, 5), ("Tanh", 13, -4, 4), ("Sigmoid", 13, -6, 6),
                          ("Softplus", 1, -6, 6), ("Softsign", 1, -6, 6), ("HardSwish", 14, -6, 6),
                          ("Mish", 18, -6, 6), ("HardSigmoid", 6, -6, 6), ("LeakyRelu", 16, -4, 4),
                          ("Elu", 6, -4, 4), ("Celu", 12, -4, 4), ("Selu", 6, -4, 4), ("Gelu", 20, -4, 4),
                          ("ThresholdedRelu", 10, -4, 4), ("Shrink", 9, -2, 2)]:
    case(op, [rand(3, 5, 7, lo=lo, hi=hi)], max(opset, 9))
for op in ["Relu", "Abs", "Neg", "Exp", "Tanh", "Sigmoid", "Softplus", "HardSigmoid", "LeakyRelu", "Floor", "Round",
           "Sqrt", "Erf"]:
    case(op, [EDGE], 16)
case("HardSigmoid", [rand(40)], 13, alpha=0.1666667, beta=0.4)
case("LeakyRelu", [rand(2, 3, 4)], 13, alpha=0.3)
case("LeakyRelu", [rand(9)], 13, alpha=float("nan"))
case("Elu", [rand(33)], 13, alpha=0.7)
case("Celu", [rand(33)], 13, alpha=0.7)
case("Selu", [rand(33)], 13, alpha=1.5, gamma=0.9)
case("Swish", [rand(33)], 24, alpha=0.5)
case("Gelu", [rand(33)], 20, approximate="tanh")
case("Gelu", [rand(33)], 20, approximate="fast", error="E_ATTR")
case("ThresholdedRelu", [rand(33)], 13, alpha=0.4)
case("Shrink", [rand(33)], 13, bias=0.3, lambd=0.9)
case("Relu", [ints(-3, 0, 4, dtype=np.int32)], 14)
case("Neg", [ints(-3, 0, 4, -(1 << 63))], 13)
case("Abs", [ints(-3, 0, 4, dtype=np.int8)], 13)
for op in ["Add", "Sub", "Mul", "Div", "Pow", "Max", "Min"]:
    a = dict(lo=0.5, hi=3) if op in ("Div", "Pow") else {}
    for x, y in [((2, 3, 4), (2, 3, 4)), ((2, 3, 4), (4,)), ((2, 3, 4), ()), ((3, 1, 5), (2, 1, 4, 1)),
                 ((1, 8, 5, 5), (1, 8, 1, 1)), ((1, 1, 1), (2, 9, 3, 3))]:
        case(op, [rand(*x, **a), rand(*y, **a)], 13)
        case(op, [rand(*x, **a), rand(*y, **a)], 8, const=[1])
for op in ["Max", "Min"]:
    case(op, [EDGE, rand(16)], 13)
    case(op, [rand(16), EDGE], 13)
    case(op, [rand(3, 4), rand(4), rand(3, 1), rand(1, 1), rand(1)], 13)
    case(op, [rand(3, 4)], 13)
    case(op, [ints(3, -4, 9), ints(5)], 13)
for op in ["Sum", "Mean"]:
    for k in (1, 2, 3, 7):
        case(op, [rand(3, 4)] + [rand(*[(4,), (3, 1), ()][i % 3]) for i in range(k - 1)], 13)
for exponent in (2, 0.5, 1, -1, 3, 0.3):
    case("Pow", [rand(2, 3, 4, lo=0.2), np.array(exponent, np.float32)], 13, const=[1])
    case("Pow", [rand(2, 3, 4, lo=0.2), np.array([[exponent]], np.float32)], 7, const=[1])
case("Pow", [rand(2, 3, 4), ints(3)], 13, const=[1])
case("Pow", [ints(3, -2, 7), ints(3, 2, 0)], 13)
for op, f in [("Div", ints(7, -7, 7, -7, 0)), ("Add", ints(1, 2, 3, 4, (1 << 63) - 1)), ("Sub", ints(1, 2, 3, 4, 5)),
              ("Mul", ints(1, 2, 3, 4, 1 << 62))]:
    case(op, [f, ints(2, 2, -2, -2, 5)], 13)
    case(op, [f.astype(np.int32), ints(3, dtype=np.int32)], 13)
for fmod in (0, 1):
    case("Mod", [ints(7, -7, 7, -7, 0), ints(3, 3, -3, -3, 5)], 13, fmod=fmod)
case("Mod", [rand(20, lo=-9, hi=9), rand(20, lo=1, hi=4)], 13, fmod=1)
case("Mod", [rand(20), rand(20)], 13, error="E_ATTR")
case("Div", [ints(1), ints(0)], 13, host=True, error="E_VALUE")
case("Mod", [ints(1), ints(0)], 13, host=True, error="E_VALUE")
case("Add", [rand(1, 3, 8, 8), rand(5)], 13, error="E_SHAPE")
case("Add", [rand(3), ints(1, 2, 3)], 13, error="E_TYPE")
case("Sqrt", [ints(4)], 13, error="E_TYPE")
case("Add", [rand(3, dtype=np.float64), rand(3, dtype=np.float64)], 13)
case("Mul", [rand(3, dtype=np.float16), rand(3, dtype=np.float16)], 13)
case("PRelu", [rand(2, 3, 4, 5), rand(3, 1, 1)], 16)
case("PRelu", [rand(2, 3, 4, 5), rand(1)], 9, const=[1])
case("PRelu", [rand(3, 1), rand(3, 4)], 16, error="E_SHAPE")
case("Clip", [rand(40)], 10, min=-0.5, max=1.25)
case("Clip", [rand(40)], 10, min=0.25)
case("Clip", [EDGE], 10)
for lo, hi in [(-0.5, 1.0), (None, 0.5), (0.1, None), (None, None), (1.0, -1.0)]:
    bounds = [None if v is None else np.array(v, np.float32) for v in (lo, hi)]
    case("Clip", [rand(40)] + bounds, 11, const=[1, 2])
    case("Clip", [rand(2, 20)] + bounds, 13)
case("Clip", [EDGE, np.float32(0).reshape(()), np.float32(6).reshape(())], 13, const=[1, 2])
case("Clip", [ints(-9, 5, 900), np.array(0, np.int64), np.array(100, np.int64)], 13)
case("Clip", [ints(-9, 5, 900, dtype=np.int32), None, np.array(100, np.int32)], 13)
case("Clip", [rand(4), rand(2)], 13, error="E_SHAPE")
for op in ["Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual"]:
    case(op, [rand(3, 4).round(), rand(4).round()], 16)
    case(op, [ints(1, 2, 3), ints(2)], 16)
case("Equal", [EDGE, EDGE[::-1].copy()], 13)
case("Equal", [np.array([True, False]), np.array([True, True])], 13)
case("IsNaN", [EDGE], 13)
B = np.array([True, False, True, False]), np.array([True, True, False, False])
for op in ["And", "Or", "Xor"]:
    case(op, [B[0], B[1].reshape(4, 1)], 13)
case("Not", [B[0]], 13)
case("Where", [B[0], rand(3, 4), rand(1)], 16)
case("Where", [B[0], ints(1, 2, 3, 4), ints(9)], 16)
case("Where", [B[0], B[1], B[1]], 16)
case("Where", [ints(1, 0, 1, 0), rand(4), rand(4)], 16, error="E_TYPE")
case("Identity", [rand(2, 3)], 13)
case("Dropout", [rand(2, 3)], 10, ratio=0.3)
case("Dropout", [rand(2, 3), np.array(0.7, np.float32), np.array(False)], 13, const=[1, 2])
case("Dropout", [rand(2, 3)], 13, outputs=2)
case("Dropout", [rand(2, 3), np.array(0.7, np.float32), np.array(True)], 13, const=[1, 2], error="E_OP_UNSUPPORTED")

# ---- shapes and copies ----
for shape, new in [((2, 3, 4), [6, 4]), ((2, 3, 4), [0, -1]), ((2, 3, 4), [-1]), ((2, 3, 4), [1, 0, 2, 4]), ((1,), [])]:
    case("Reshape", [rand(*shape), ints(*new)], 13, const=[1])
case("Reshape", [rand(0, 3), ints(3, 0)], 14, const=[1], host=True, allowzero=1)
for new, attrs in [([7], {}), ([-1, -1], {}), ([-1, 0], dict(allowzero=1)), ([-2], {}), ([0, 0, 0, 0, 0], {}), ([5, -1], {})]:
    case("Reshape", [rand(1, 3, 8, 8), ints(*new)], 14, const=[1], error="E_SHAPE", **attrs)
for axis in (0, 1, 2, 3, -1):
    case("Flatten", [rand(2, 3, 4)], 13, axis=axis)
case("Flatten", [rand(2, 3, 4)], 9)
case("Flatten", [rand(2, 3)], 13, error="E_ATTR", axis=3)
case("Squeeze", [rand(1, 3, 1, 2)], 11, axes=[0, -2])
case("Squeeze", [rand(1, 3, 1, 2)], 11)
case("Squeeze", [rand(1, 3, 1, 2), ints(0)], 13, const=[1])
case("Squeeze", [rand(1, 3, 1, 2)], 13)
case("Squeeze", [rand(1, 3, 1, 2), ints(1)], 13, const=[1], error="E_SHAPE")
case("Unsqueeze", [rand(3, 2)], 11, axes=[0, -1])
case("Unsqueeze", [rand(3, 2), ints(1, 2)], 13, const=[1])
case("Unsqueeze", [rand(3, 2), ints(1, 1)], 13, const=[1], error="E_ATTR")
case("Unsqueeze", [rand(3, 2), ints(0, 1, 2, 3, 4, 5, 6)], 13, const=[1], error="E_RANK")
for perm in ([1, 0, 2], [2, 1, 0], [0, 2, 1], [0, 1, 2], [2, 0, 1]):
    case("Transpose", [rand(3, 4, 5)], 13, perm=perm)
case("Transpose", [rand(3, 4, 5)], 13)
case("Transpose", [rand(1, 9, 5, 6)], 13, perm=[0, 2, 3, 1])
case("Transpose", [rand(2, 5, 3, 2, 4)], 13, perm=[2, 0, 3, 1, 4])
case("Transpose", [rand(1, 3, 2, 2)], 13, error="E_ATTR", perm=[0, 0, 1, 2])
case("Transpose", [rand(1, 3)], 13, error="E_ATTR", perm=[0, 1, 2])
for mode in ("DCR", "CRD"):
    case("DepthToSpace", [rand(2, 12, 3, 5)], 13, blocksize=2, mode=mode)
    case("DepthToSpace", [rand(1, 18, 2, 1)], 11, blocksize=3, mode=mode)
case("DepthToSpace", [rand(2, 12, 3, 5)], 10, blocksize=2)
case("DepthToSpace", [rand(2, 3, 3, 5)], 13, blocksize=1)
case("DepthToSpace", [rand(1, 0, 3, 5)], 13, blocksize=2, host=True)
case("DepthToSpace", [rand(1, 6, 3, 5)], 13, error="E_SHAPE", blocksize=2)
case("DepthToSpace", [rand(1, 8, 3)], 13, error="E_RANK", blocksize=2)
case("DepthToSpace", [rand(1, 8, 3, 5)], 13, error="E_ATTR", blocksize=0)
case("DepthToSpace", [rand(1, 8, 3, 5)], 13, error="E_ATTR", blocksize=2, mode="RCD")
case("SpaceToDepth", [rand(2, 3, 4, 6)], 13, blocksize=2)
case("SpaceToDepth", [rand(1, 2, 3, 9)], 12, blocksize=3)
case("SpaceToDepth", [rand(1, 2, 4, 5)], 13, error="E_SHAPE", blocksize=2)
case("SpaceToDepth", [rand(1, 2, 5, 4)], 13, error="E_SHAPE", blocksize=2)
BIG = (1 << 63) - 1
for starts, ends, axes, steps in [([1], [3], [0], None), ([0, -2], [BIG, BIG], [0, 2], None), ([1, 0], [-1, BIG], None, None),
                                  ([-1], [-BIG - 1], [1], [-1]), ([BIG], [-BIG], [1], [-2]), ([3], [1], [0], None),
                                  ([1, 4], [5, 0], [0, 2], [2, -3]), ([0], [4], [1], [BIG]), ([3], [0], [1], [-BIG - 1])]:
    inputs = [rand(4, 5, 6), ints(*starts), ints(*ends)] + ([] if axes is None else [ints(*axes)])
    case("Slice", inputs + ([] if steps is None else [ints(*steps)]), 13, const=[1, 2, 3, 4])
    if steps is None:
        case("Slice", [rand(4, 5, 6)], 9, starts=starts, ends=ends, **({} if axes is None else dict(axes=axes)))
S = [rand(1, 3, 8, 8), ints(0), ints(4), ints(2)]
case("Slice", S + [ints(0)], 13, const=[1, 2, 3, 4], error="E_VALUE")
case("Slice", S[:3] + [ints(4)], 13, const=[1, 2, 3], error="E_ATTR")
case("Slice", [S[0], ints(0, 1), ints(4)], 13, const=[1, 2], error="E_SHAPE")
case("Slice", S, 13, error="E_SHAPE_DYNAMIC")
case("Split", [rand(6, 4)], 11, outputs=3)
case("Split", [rand(2, 9, 3)], 11, outputs=2, axis=1, split=[4, 5])
case("Split", [rand(2, 9, 3), ints(2, 3, 4)], 13, const=[1], outputs=3, axis=-2)
case("Split", [rand(2, 9, 3)], 18, outputs=4, axis=1, num_outputs=4)
case("Split", [rand(1, 16, 5, 4)], 13, outputs=2, axis=1)
case("Split", [rand(2, 8), ints(4, 5)], 13, const=[1], outputs=2, axis=1, error="E_SHAPE")
case("Split", [rand(2, 8), ints(9, -1)], 13, const=[1], outputs=2, axis=1, error="E_VALUE")
case("Split", [rand(2, 9)], 13, outputs=2, axis=1, error="E_SHAPE")
for axis, shapes in [(0, [(2, 3), (1, 3), (4, 3)]), (1, [(1, 8, 3, 3), (1, 16, 3, 3)]), (1, [(1, 3, 5, 5), (1, 6, 5, 5)]),
                     (-1, [(2, 3), (2, 5)]), (1, [(2, 4, 3, 3), (2, 8, 3, 3), (2, 1, 3, 3)]), (0, [(3,), (1,)])]:
    case("Concat", [rand(*s) for s in shapes], 13, axis=axis)
case("Concat", [rand(2, 3)], 11, axis=0)
case("Concat", [rand(1, 3, 8, 8), rand(1, 3, 7, 8)], 13, error="E_SHAPE", axis=1)
case("Concat", [rand(1, 3), rand(3)], 13, error="E_SHAPE", axis=1)
case("Concat", [rand(2, 3), ints(1, 2, 3).reshape(1, 3)], 13, error="E_TYPE", axis=0)
for shape in [(3, 4), (1, 1), (2, 1, 1), (1,), ()]:
    case("Expand", [rand(3, 1), ints(*shape)], 13, const=[1])
case("Expand", [rand(1, 3, 8, 8), ints(1, 3, 8, 7)], 13, const=[1], error="E_SHAPE")
case("Expand", [rand(1), ints(10**6, 10**6)], 13, host=True, error="E_LIMIT_FOLD")
case("Shape", [rand(2, 3, 4)], 13, host=True)
case("Shape", [rand(2, 3, 4)], 15, host=True, start=1)
case("Shape", [rand(2, 3, 4)], 15, host=True, start=-2, end=-1)
case("Size", [rand(2, 3, 4)], 13, host=True)
for value in (dict(value=rand(2, 3)), dict(value_float=0.5), dict(value_floats=[0.5, 2.0]), dict(value_int=3),
              dict(value_ints=[3, -4])):
    case("Constant", [], 13, host=True, **value)
case("ConstantOfShape", [ints(2, 3)], 13, host=True)
case("ConstantOfShape", [ints(0, 3)], 13, host=True, value=ints(7))
case("ConstantOfShape", [ints(2)], 13, host=True, value=ints(7, dtype=np.int32))
case("ConstantOfShape", [ints()], 13, host=True, value=np.array([2.5], np.float32))
case("ConstantOfShape", [ints(-1)], 13, host=True, error="E_VALUE")
case("ConstantOfShape", [ints(10**12)], 13, host=True, error="E_LIMIT_FOLD")
for axis, at in [(0, ints(2, 0, -1)), (1, ints(1)), (2, np.array(3, np.int64)), (-1, ints(0, 1, 2, 3).reshape(2, 2)),
                 (1, np.array(-1, np.int32))]:
    case("Gather", [rand(3, 4, 5), at], 13, axis=axis)
    case("Gather", [rand(3, 4, 5), at], 13, const=[1], axis=axis)
for axis, at in [(0, np.array(1, np.int64)), (0, np.array(-1, np.int64)), (1, np.array(2, np.int64)), (2, np.array(0, np.int32)),
                 (1, ints(1, 2)), (1, ints(3, 1)), (2, ints(0, 2, 4)), (0, ints(-1)), (-1, ints(4, 3, 2, 1, 0)), (1, ints(2, 2))]:
    case("Gather", [rand(3, 4, 5), at], 13, const=[1], axis=axis)
    case("Gather", [rand(2, 16, 5, 5), at], 11, const=[1], axis=axis if axis != 0 else 1)
case("Gather", [rand(1, 3, 8, 8), ints(99)], 13, const=[1], error="E_VALUE", axis=1)
case("Range", [np.array(2, np.int64), np.array(11, np.int64), np.array(3, np.int64)], 13, host=True)
case("Range", [np.array(5, np.int32), np.array(-6, np.int32), np.array(-2, np.int32)], 13, host=True)
case("Range", [np.array(0.5, np.float32), np.array(3, np.float32), np.array(0.25, np.float32)], 13, host=True)
case("Range", [np.array(5, np.int64), np.array(1, np.int64), np.array(3, np.int64)], 13, host=True)
case("Range", [np.array(v, np.int64) for v in (0, 5, 0)], 13, host=True, error="E_VALUE")
case("Range", [np.array(v, np.int64) for v in (0, 1 << 62, 1)], 13, host=True, error="E_LIMIT_FOLD")
case("Gather", [ints(*range(12)).reshape(4, 3), ints(3, 0, 0)], 13)
case("Gather", [rand(7, 3, dtype=np.float16), ints(6, -7, 1, 1)], 13)
case("Gather", [rand(7, 3, dtype=np.float64), ints(6, -7, 1, 1, dtype=np.int32)], 13, axis=0)
case("Gather", [rand(0, 3), ints(0)], 13, error="E_SHAPE")
for repeats in ([2, 3], [1, 4], [3, 1], [1, 1]):
    case("Tile", [rand(2, 3), ints(*repeats)], 13, const=[1])
case("Tile", [rand(1, 9, 3, 2), ints(2, 2, 1, 3)], 13, const=[1])
case("Tile", [ints(5, 6, dtype=np.uint8), ints(3)], 6, const=[1])
case("Tile", [rand(2, 3), ints(2, 3)], 13, error="E_SHAPE_DYNAMIC")
case("Tile", [rand(2, 3), ints(0, 3)], 13, host=True)
case("Tile", [rand(1), ints(10**11)], 13, host=True, error="E_LIMIT_FOLD")
for mode in ("constant", "reflect", "edge"):
    case("Pad", [rand(3, 4, 5), ints(0, 1, 2, 1, 2, 0)], 13, const=[1], mode=mode)
    case("Pad", [rand(3, 4, 5)], 10, mode=mode, pads=[0, 1, 2, 1, 2, 0])
    case("Pad", [rand(1, 9, 4, 5), ints(0, 0, 3, 1, 0, 0, 2, 4)], 13, const=[1], mode=mode)
case("Pad", [rand(3, 4, 5), ints(0, -1, 2, 1, 2, -3), np.array(1.5, np.float32)], 13, const=[1, 2])
case("Pad", [rand(3, 4, 5), ints(0, -1, 2, 1, 2, -3), np.array(1.5, np.float32)], 13, const=[1])
case("Pad", [rand(3, 4, 5), ints(1, 2), None, ints(-1)], 18, const=[1, 3])
case("Pad", [rand(3, 4, 5), ints(0, 5, 6, 4, 2, 0)], 19, const=[1], mode="wrap")
case("Pad", [rand(4, 5), ints(3, 9, 13, 11)], 19, const=[1], mode="wrap")
case("Pad", [ints(5, 6, 7), ints(1, 2), np.array(-9, np.int64)], 13, const=[1])
case("Pad", [np.array([[1, 2]], np.int8), ints(0, 1, 1, 0), np.array(-9, np.int8)], 13, const=[1, 2])
case("Pad", [rand(3, 4), ints(1, 0, 0, 1)], 13, error="E_SHAPE_DYNAMIC")
case("Pad", [rand(3, 4), ints(1, 0, 0, 1), rand(2)], 13, const=[1], error="E_SHAPE")
case("Pad", [rand(1, 3, 8, 8), ints(0, 0, 0, -9, 0, 0, 0, 0)], 13, const=[1], error="E_SHAPE")

# ---- LRN, CastLike, BatchNormalization of run-time parameters ----
for shape, attrs in [((1, 9, 5, 4), dict(size=5)), ((2, 7, 3, 3), dict(size=3, alpha=0.5, beta=0.6, bias=2.0)),
                     ((2, 3, 2, 2), dict(size=9, alpha=2.0)), ((1, 5, 7, 2), dict(size=1))]:
    case("LRN", [rand(*shape)], 13, **attrs)
x = rand(1, 6, 4)  # an even size: one channel more behind than in front
SUMS = np.stack([(x[:, max(c - 1, 0):c + 3] ** 2).sum(axis=1) for c in range(6)], axis=1)
case("LRN", [x], 13, want=[x / (1 + 0.9 / 4 * SUMS) ** 0.75], size=4, alpha=0.9)
case("LRN", [rand(1, 9, 5, 4, dtype=np.float16)], 13, size=3, alpha=0.5)
case("LRN", [rand(1, 9, 5, 4)], 13, error="E_ATTR")
case("LRN", [rand(1, 9, 5, 4)], 13, error="E_ATTR", size=0)
case("CastLike", [rand(3, 4), rand(2)], 15)
case("CastLike", [rand(3, 4), ints(1)], 15)
for shape in [(2, 3, 4, 5), (2, 3), (1, 9, 5)]:
    case("BatchNormalization", [rand(*shape), rand(shape[1]), rand(shape[1]), rand(shape[1]), rand(shape[1], lo=0.5)], 15,
         epsilon=0.01)

# ---- Resize, Upsample ----
def scales(*s):
    return np.array(s, np.float32)


for size in [(8, 10), (5, 7), (4, 5), (2, 2), (7, 3), (1, 1), (12, 15)]:
    for mode in ("nearest", "linear"):
        for coord in ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"):
            case("Resize", [rand(1, 3, 4, 5), None, None, ints(1, 3, *size)], 13, const=[3], mode=mode,
                 coordinate_transformation_mode=coord)
for nearest in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"):
    for coord in ("half_pixel", "asymmetric", "align_corners"):
        case("Resize", [rand(1, 9, 4, 5), None, scales(1, 1, 2, 1.5)], 13, const=[2], nearest_mode=nearest,
             coordinate_transformation_mode=coord)
        case("Resize", [rand(1, 2, 7, 5), None, scales(1, 1, 0.6, 0.5)], 13, const=[2], nearest_mode=nearest,
             coordinate_transformation_mode=coord)
case("Resize", [rand(1, 3, 4, 5), scales(), scales(1, 1, 2, 2)], 11, const=[1, 2], mode="linear")
case("Resize", [rand(1, 3, 4, 5), scales(1, 1, 2, 2)], 10, const=[1])
case("Resize", [rand(1, 3, 4, 5), scales(1, 1, 2, 3)], 10, const=[1], mode="linear")
case("Resize", [rand(1, 3, 9, 10), scales(1, 1, 0.75, 2.6)], 10, const=[1])
case("Upsample", [rand(1, 3, 4, 5)], 8, scales=[1.0, 1.0, 2.0, 2.0])
case("Upsample", [rand(1, 3, 4, 5), scales(1, 1, 3, 2)], 9, const=[1])
case("Upsample", [rand(1, 3, 4, 5), scales(1, 1, 2, 2)], 9, const=[1], mode="linear")
case("Resize", [rand(1, 3, 4, 5), None, scales(2, 2)], 18, const=[2], mode="linear", axes=[2, 3])
case("Resize", [rand(1, 3, 4, 5), None, None, ints(9, 6)], 19, const=[3], axes=[2, 3])
case("Resize", [rand(1, 3, 4, 5, 6), None, scales(1, 1, 2, 2, 2)], 13, const=[2], mode="linear")
case("Resize", [rand(1, 3, 6), None, scales(1, 1, 2)], 13, const=[2], mode="nearest")
for s in ([1, 1, 0, 1], [1, 1, float("inf"), float("nan")], [1, 1, -2, 1]):
    case("Resize", [rand(1, 3, 8, 8), None, scales(*s)], 13, const=[2], error="E_VALUE")
case("Resize", [rand(1, 3, 8, 8), None, scales(1, 1, 2, 2)], 13, const=[2], mode="cubic", error="E_OP_UNSUPPORTED")
case("Resize", [rand(1, 3, 8, 8), None, scales(1, 1, 2, 2)], 13, const=[2], mode="fancy", error="E_ATTR")
case("Resize", [rand(1, 3, 8, 8), None, scales(1, 1, 2, 2)], 13, const=[2], error="E_OP_UNSUPPORTED",
     coordinate_transformation_mode="tf_half_pixel_for_nn")

import cases_composite  # noqa: E402,F401  more of the same list
import cases_sums  # noqa: E402,F401
import cases_types  # noqa: E402,F401
