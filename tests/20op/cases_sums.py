"""Cases of operators that sum: convolutions, pools, products of matrices, Softmax, reductions."""
import numpy as np
from cases import INF, NAN, case, ints, rand

# ---- convolutions and pools ----
for x, w, attrs in [
        ((1, 3, 9, 7), (8, 3, 3, 3), dict(pads=[1, 1, 1, 1])),
        ((2, 3, 9, 7), (5, 3, 3, 3), dict(pads=[0, 1, 2, 1], strides=[2, 3])),
        ((1, 4, 11, 13), (6, 4, 3, 5), dict(dilations=[2, 1], pads=[2, 2, 0, 1])),
        ((1, 8, 6, 6), (8, 1, 3, 3), dict(group=8, pads=[1, 1, 1, 1])),
        ((1, 16, 10, 9), (16, 1, 5, 5), dict(group=16, pads=[2, 2, 2, 2], strides=[2, 1])),
        ((1, 6, 6, 6), (12, 1, 3, 3), dict(group=6)),
        ((2, 8, 5, 5), (6, 4, 1, 1), dict(group=2)),
        ((1, 12, 7, 5), (9, 4, 3, 3), dict(group=3, pads=[1, 1, 1, 1], dilations=[1, 2])),
        ((1, 17, 4, 5), (19, 17, 1, 1), {}),
        ((3, 32, 1, 1), (24, 32, 1, 1), {}),
        ((1, 3, 20), (4, 3, 5), dict(strides=[2], pads=[2, 1])),
        ((2, 4, 15), (4, 1, 3), dict(group=4, dilations=[2])),
        ((1, 2, 5, 6, 7), (3, 2, 2, 3, 2), dict(strides=[1, 2, 2], pads=[0, 1, 0, 1, 1, 1])),
        ((1, 3, 10, 11), (4, 3, 3, 3), dict(auto_pad="SAME_UPPER", strides=[2, 2])),
        ((1, 3, 10, 11), (4, 3, 4, 3), dict(auto_pad="SAME_LOWER", strides=[3, 2])),
        ((1, 3, 10, 11), (4, 3, 3, 2), dict(auto_pad="VALID", strides=[2, 2])),
        ((1, 3, 9, 9), (4, 3, 3, 3), dict(auto_pad="SAME_UPPER", dilations=[2, 2])),
        ((1, 1, 3, 3), (1, 1, 3, 3), dict(pads=[2, 2, 2, 2]))]:
    case("Conv", [rand(*x), rand(*w)], 11, const=[1], **attrs)
    case("Conv", [rand(*x), rand(*w), rand(w[0])], 22, const=[1, 2], kernel_shape=list(w[2:]), **attrs)
X4, W4 = (1, 3, 8, 8), (4, 3, 3, 3)
for x, w, attrs, code in [
        (X4, (4, 5, 3, 3), {}, "E_SHAPE"), (X4, W4, dict(group=2), "E_SHAPE"), (X4, W4, dict(group=0), "E_ATTR"),
        (X4, W4, dict(strides=[0, 1]), "E_ATTR"), (X4, W4, dict(dilations=[1 << 62, 1]), "E_ATTR"),
        (X4, W4, dict(kernel_shape=[5, 5]), "E_ATTR"), (X4, W4, dict(pads=[1, 1, 1]), "E_ATTR"),
        ((1, 3, 2, 2), W4, {}, "E_SHAPE"), (X4, W4, dict(auto_pad="SAME"), "E_ATTR"),
        (X4, W4, dict(auto_pad="SAME_UPPER", pads=[1, 1, 1, 1]), "E_ATTR"),
        (X4, W4, dict(pads=[-1, 0, 0, 0]), "E_ATTR"), ((1, 3, 8), W4, {}, "E_SHAPE"), ((1, 3), (1, 3), {}, "E_SHAPE")]:
    case("Conv", [rand(*x), rand(*w)], 13, const=[1], error=code, **attrs)
case("Conv", [rand(*X4), rand(*W4), rand(3)], 13, const=[1, 2], error="E_SHAPE")
for x, w, attrs in [
        ((1, 4, 5, 6), (4, 3, 2, 2), dict(strides=[2, 2])),
        ((2, 3, 4, 5), (3, 4, 3, 3), dict(strides=[2, 3], pads=[1, 0, 1, 2])),
        ((1, 3, 5, 5), (3, 2, 3, 3), dict(strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1])),
        ((1, 6, 4, 4), (6, 2, 3, 3), dict(group=3, dilations=[2, 1])),
        ((1, 3, 5, 5), (3, 2, 3, 3), dict(strides=[3, 2], output_shape=[14, 11])),
        ((1, 3, 5, 5), (3, 2, 3, 3), dict(strides=[2, 2], auto_pad="SAME_UPPER")),
        ((1, 3, 5, 5), (3, 2, 3, 3), dict(strides=[2, 2], auto_pad="SAME_LOWER")),
        ((1, 3, 9), (3, 2, 4), dict(strides=[2], pads=[1, 1])),
        ((1, 2, 3, 4, 3), (2, 3, 2, 3, 2), dict(strides=[2, 1, 2])),
        ((1, 3, 3, 3), (3, 1, 2, 2), dict(strides=[4, 4], output_shape=[12, 12]))]:
    case("ConvTranspose", [rand(*x), rand(*w)], 11, const=[1], **attrs)
    case("ConvTranspose", [rand(*x), rand(*w), rand(w[1] * attrs.get("group", 1))], 13, const=[1, 2], **attrs)
case("ConvTranspose", [rand(1, 3, 5, 5), rand(4, 3, 2, 2)], 13, const=[1], error="E_SHAPE")
case("ConvTranspose", [rand(1, 3, 1, 1), rand(3, 3, 1, 1)], 13, const=[1], error="E_SHAPE", pads=[1, 1, 1, 1])
for op in ["MaxPool", "AveragePool"]:
    for x, attrs in [
            ((1, 3, 9, 8), dict(kernel_shape=[2, 2], strides=[2, 2])),
            ((2, 5, 9, 8), dict(kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])),
            ((1, 8, 9, 8), dict(kernel_shape=[3, 2], strides=[3, 2])),
            ((1, 3, 9, 8), dict(kernel_shape=[3, 3], strides=[2, 2], pads=[0, 1, 1, 0])),
            ((1, 3, 9, 8), dict(kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)),
            ((1, 3, 10, 7), dict(kernel_shape=[2, 2], strides=[3, 3], pads=[1, 1, 1, 1], ceil_mode=1)),
            ((1, 3, 6, 6), dict(kernel_shape=[1, 1], strides=[4, 4], ceil_mode=1)),
            ((1, 3, 11, 8), dict(kernel_shape=[2, 2], strides=[3, 3], pads=[1, 1, 1, 1], ceil_mode=1)),
            ((1, 3, 9), dict(kernel_shape=[3], strides=[2])),
            ((1, 3, 5, 6, 7), dict(kernel_shape=[2, 3, 2], strides=[2, 1, 2], pads=[1, 1, 0, 0, 1, 1])),
            ((1, 3, 10, 11), dict(kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER")),
            ((1, 3, 10, 11), dict(kernel_shape=[2, 3], strides=[3, 2], auto_pad="SAME_LOWER")),
            ((1, 3, 10, 11), dict(kernel_shape=[2, 3], strides=[3, 2], auto_pad="VALID"))]:
        case(op, [rand(*x)], 12, **attrs)
        if op == "AveragePool":
            case(op, [rand(*x)], 19, count_include_pad=1, **attrs)
    case(op, [rand(1, 3, 12, 13)], 19, kernel_shape=[3, 2], dilations=[2, 3], pads=[2, 1, 2, 1])
    case(op, [rand(1, 3, 12, 13)], 13, error="E_ATTR")
    case(op, [rand(1, 3, 2, 2)], 13, error="E_SHAPE", kernel_shape=[3, 3])
    case(op, [rand(1, 3, 8, 8)], 13, error="E_ATTR", kernel_shape=[2, 2], pads=[2, 2, 2, 2])
for op in ["GlobalAveragePool", "GlobalMaxPool"]:
    for x in [(1, 3, 5, 7), (2, 17, 1, 1), (2, 8, 33), (1, 5, 3, 4, 5)]:
        case(op, [rand(*x)], 13)
case("BatchNormalization", [rand(2, 5, 4, 3), rand(5), rand(5), rand(5), rand(5, lo=0.5)], 15, const=[1, 2, 3, 4])
case("BatchNormalization", [rand(2, 5, 4), rand(5), rand(5), rand(5), rand(5, lo=0.5)], 9, const=[1, 2, 3, 4],
     epsilon=0.01)
case("BatchNormalization", [rand(3, 5), rand(5), rand(5), rand(5), rand(5, lo=0.5)], 14, const=[1, 2, 3, 4])
case("BatchNormalization", [rand(2, 5, 4), rand(5), rand(4), rand(5), rand(5)], 15, const=[1, 2, 3, 4], error="E_SHAPE")

# ---- other types of windows, run-time weights, places of maxima, nothing at all ----
for dtype in (np.float16, np.float64):
    for x, w, attrs in [((2, 8, 9, 7), (6, 8, 3, 3), dict(pads=[1, 0, 2, 1], strides=[2, 1])),
                        ((1, 6, 20), (6, 1, 5), dict(group=6, dilations=[2])),
                        ((1, 4, 5, 6, 4), (6, 2, 2, 3, 1), dict(group=2)), ((3, 32, 1, 1), (24, 32, 1, 1), {})]:
        case("Conv", [rand(*x, dtype=dtype), rand(*w, dtype=dtype), rand(w[0], dtype=dtype)], 13, const=[1, 2], **attrs)
    group = 3 if dtype == np.float16 else 1  # ONNX's reference, which knows f64, fails with groups
    case("ConvTranspose", [rand(2, 6, 4, 5, dtype=dtype), rand(6, 2, 3, 2, dtype=dtype), rand(2 * group, dtype=dtype)], 13,
         const=[1, 2], group=group, strides=[2, 3], pads=[1, 0, 0, 1])
    case("ConvTranspose", [rand(1, 3, 9, dtype=dtype), rand(3, 9, 4, dtype=dtype)], 13, strides=[2])
    for op in ["MaxPool", "AveragePool"]:
        case(op, [rand(2, 9, 9, 8, dtype=dtype)], 19, kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 1], ceil_mode=1)
        case(op, [rand(1, 3, 5, 6, 7, dtype=dtype)], 12, kernel_shape=[2, 3, 2], strides=[2, 1, 2])
        case(f"Global{op}", [rand(2, 9, 5, 7, dtype=dtype)], 13)
    for op in ["Softmax", "LogSoftmax"]:
        case(op, [rand(3, 40, lo=-9, hi=9, dtype=dtype)], 13)
        case(op, [rand(2, 300, 2, lo=-9, hi=9, dtype=dtype)], 13, axis=1)
for dtype in (np.int8, np.uint8):
    case("MaxPool", [rand(2, 9, 9, 8, lo=0 if dtype == np.uint8 else -120, hi=120).astype(dtype)], 12, kernel_shape=[3, 2],
         strides=[2, 2], pads=[1, 0, 1, 1])
for x, w, attrs in [((2, 6, 9, 7), (8, 3, 3, 3), dict(group=2, pads=[1, 1, 0, 2])), ((1, 8, 6, 6), (8, 1, 3, 3), dict(group=8)),
                    ((1, 9, 4, 5), (16, 9, 1, 1), {}), ((3, 32, 1, 1), (24, 32, 1, 1), {})]:
    case("Conv", [rand(*x), rand(*w)], 13, **attrs)
    case("Conv", [rand(*x), rand(*w), rand(w[0])], 13, **attrs)
    case("Conv", [rand(*x), rand(*w), rand(w[0])], 13, const=[1], **attrs)
for w, attrs in [((6, 9, 3, 2), dict(strides=[2, 3], pads=[1, 0, 0, 1])), ((6, 4, 2, 2), dict(group=2, strides=[2, 2]))]:
    case("ConvTranspose", [rand(2, 6, 4, 5), rand(*w)], 13, **attrs)
    case("ConvTranspose", [rand(2, 6, 4, 5), rand(*w), rand(w[1] * attrs.get("group", 1))], 13, const=[1], **attrs)
for x, attrs in [((2, 3, 9, 8), dict(kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 1])),
                 ((1, 9, 8, 6), dict(kernel_shape=[3, 3], dilations=[2, 1], ceil_mode=1, strides=[2, 2])),
                 ((1, 3, 15), dict(kernel_shape=[4], strides=[3])), ((1, 2, 5, 6, 7), dict(kernel_shape=[2, 3, 2]))]:
    for order in (0, 1):
        case("MaxPool", [rand(*x)], 12, outputs=2, storage_order=order, **attrs)
case("MaxPool", [np.zeros((1, 2, 5, 5), np.uint8)], 12, outputs=2, kernel_shape=[2, 2], pads=[1, 1, 0, 0])
case("Conv", [rand(0, 3, 5, 5), rand(4, 3, 3, 3)], 13, const=[1])
case("MaxPool", [rand(0, 3, 5, 5)], 13, kernel_shape=[2, 2])
case("AveragePool", [rand(0, 3, 5, 5)], 13, kernel_shape=[2, 2])

# ---- matrices ----
for a, b, attrs in [((3, 5), (5, 7), {}), ((5, 3), (5, 7), dict(transA=1)), ((3, 5), (7, 5), dict(transB=1)),
                    ((5, 3), (7, 5), dict(transA=1, transB=1, alpha=0.5, beta=2.0)), ((1, 64), (10, 64), dict(transB=1)),
                    ((33, 65), (65, 34), dict(alpha=1.5))]:
    m, n = (a[1] if attrs.get("transA") else a[0]), (b[0] if attrs.get("transB") else b[1])
    case("Gemm", [rand(*a), rand(*b)], 13, const=[1], **attrs)
    for c in [(n,), (m, n), (m, 1), (1,), ()]:
        case("Gemm", [rand(*a), rand(*b), rand(*c)], 11, const=[1, 2], **attrs)
    case("Gemm", [rand(*a), rand(*b), rand(m, n)], 11, **attrs)
case("Gemm", [rand(3, 5), rand(4, 7)], 13, const=[1], error="E_SHAPE")
case("Gemm", [rand(3, 5), rand(5, 7), rand(4, 7)], 13, const=[1], error="E_SHAPE")
for a, b in [((3, 5), (5, 7)), ((2, 3, 5), (5, 7)), ((2, 3, 5), (2, 5, 7)), ((4, 1, 3, 5), (2, 5, 7)), ((5,), (5, 7)),
             ((3, 5), (5,)), ((5,), (5,)), ((2, 3, 5), (5,)), ((5,), (2, 5, 3)), ((1, 8, 40, 15), (1, 8, 15, 40)),
             ((65, 130), (130, 67))]:
    case("MatMul", [rand(*a), rand(*b)], 13)
    case("MatMul", [rand(*a), rand(*b)], 9, const=[1])
for dtype in (np.float16, np.float64, np.int32, np.int64, np.uint32, np.uint64):
    lo = 0 if dtype in (np.uint32, np.uint64) else -9
    for a, b in [((3, 5), (5, 7)), ((2, 3, 5), (5, 7)), ((4, 1, 3, 5), (2, 5, 7)), ((5,), (5, 7)), ((3, 5), (5,)), ((40, 70), (70, 33))]:
        case("MatMul", [rand(*a, lo=lo, hi=9).astype(dtype), rand(*b, lo=lo, hi=9).astype(dtype)], 13)
        case("MatMul", [rand(*a, lo=lo, hi=9).astype(dtype), rand(*b, lo=lo, hi=9).astype(dtype)], 13, const=[1])
case("MatMul", [ints((1 << 62) + 1, 3, 1 << 40, -7).reshape(2, 2), ints(5, -(1 << 61), 1 << 30, 11).reshape(2, 2)], 13)
for dtype in (np.float16, np.float64):
    for c in [(34,), (9, 34), (9, 1), ()]:
        case("Gemm", [rand(40, 9, dtype=dtype), rand(34, 40, dtype=dtype), rand(*c, dtype=dtype)], 13, const=[1], transA=1,
             transB=1, alpha=0.3, beta=-1.5)
    case("Gemm", [rand(9, 40, dtype=dtype), rand(40, 34, dtype=dtype)], 11, alpha=-2.0)
case("Gemm", [ints(*range(-6, 6)).reshape(3, 4), ints(*range(8)).reshape(4, 2), ints(5, -9)], 13, alpha=3.0, beta=-2.0)
case("Gemm", [ints(*range(-6, 6)).reshape(3, 4), ints(*range(8)).reshape(4, 2)], 13, alpha=0.5, error="E_OP_UNSUPPORTED")
for a, b in [((0, 20, 9), (9, 5)), ((3, 9), (9, 0)), ((2, 3, 0), (0, 4)), ((0, 9), (9, 5)), ((0, 3, 9), (0, 9, 5))]:
    case("MatMul", [rand(*a), rand(*b)], 13, const=[1])
    case("MatMul", [rand(*a), rand(*b)], 13)
case("MatMul", [rand(1, 3, 8, 8), rand(7, 4)], 13, const=[1], error="E_SHAPE")
case("MatMul", [rand(2, 3, 5), rand(3, 5, 4)], 13, error="E_SHAPE")
for op in ["Softmax", "LogSoftmax"]:
    for axis in (-1, 0, 1, 2):
        case(op, [rand(3, 4, 5, lo=-5, hi=5)], 13, axis=axis)
        case(op, [rand(3, 4, 5, lo=-5, hi=5)], 11, axis=axis)
    case(op, [rand(3, 40)], 13)
    case(op, [rand(2, 3, 4)], 9)
    case(op, [rand(1, 1000, lo=-50, hi=50)], 13)
    case(op, [rand(3, 4, 5, 6)], 13, error="E_ATTR", axis=9)
    case(op, [rand(3, 4, 5, 6)], 13, error="E_ATTR", axis=-(1 << 63))

# ---- reductions ----
for op in ["ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare",
           "ReduceLogSum", "ReduceLogSumExp"]:
    for shape, axes, keep in [((3, 4, 5), [1], 1), ((3, 4, 5), [-1], 0), ((3, 4, 5), [0, 2], 1), ((2, 3, 4, 5), [2, 3], 1),
                              ((2, 3, 4, 5), [2, 3], 0), ((2, 3, 4, 5), None, 1), ((2, 3, 4, 5), None, 0),
                              ((2, 3, 4, 5), [1, -1], 0), ((70, 300), [1], 1), ((300, 70), [0], 0)]:
        a = {} if axes is None else dict(axes=axes)
        case(op, [rand(*shape, lo=0.5, hi=1.5)], 12, keepdims=keep, **a)
        case(op, [rand(*shape, lo=0.5, hi=1.5)] + ([] if axes is None else [ints(*axes)]), 18, const=[1], keepdims=keep)
    for shape, axes in [((6, 70), [0]), ((3, 300), [1]), ((2, 2500), [1])]:  # a thread, a warp, a block per output
        for dtype in (np.float16, np.float64):
            x = rand(*shape, lo=-1.5, hi=1.5) if op in ("ReduceL1", "ReduceMax", "ReduceMin", "ReduceLogSumExp") else \
                rand(*shape, lo=0.5, hi=1.5) ** (1 / 16)
            case(op, [x.astype(dtype), ints(*axes)], 18, const=[1])
    case(op, [rand(2, 3), ints()], 18, const=[1], noop_with_empty_axes=1)
    case(op, [np.array(1.75, np.float32)], 18)
    case(op, [rand(2, 3), ints(2)], 18, const=[1], error="E_ATTR")
    case(op, [rand(2, 3), ints(1, -1)], 18, const=[1], error="E_ATTR")
for op in ["ReduceSum", "ReduceProd", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceSumSquare", "ReduceMean"]:
    for dtype in (np.int32, np.int64) if op == "ReduceSumSquare" else (np.int32, np.int64, np.uint32, np.uint64):
        sign = 1 if dtype in (np.uint32, np.uint64) else -1
        case(op, [ints(5, sign * 3, 8, sign * 9, 2, 7, dtype=dtype).reshape(2, 3), ints(0)], 18, const=[1])
    case(op, [ints((1 << 20) + 3, 1 << 20, 1 << 20, 5, -7, 2).reshape(2, 3), ints(1)], 18, const=[1])
case("ReduceMean", [ints(7, -8, 0, -1, dtype=np.int32).reshape(2, 2)], 18)
for op in ["ReduceMax", "ReduceMin"]:
    case(op, [np.array([[1, (1 << 63) + 5, 9], [1 << 63, 4, 0]], np.uint64), ints(1)], 18, const=[1])
    for dtype in (np.int8, np.uint8):
        case(op, [rand(3, 4, 40, lo=0 if dtype == np.uint8 else -120, hi=120).astype(dtype), ints(0, 2)], 18, const=[1])
    case(op, [np.array([[NAN, 1], [2, -INF], [INF, 3]], np.float32), ints(1)], 18, const=[1])
for x in ([INF, 1, 2], [-INF, -INF, -INF], [-INF, 0, 1], [NAN, 0, 1], [1000, 1001, 999], [-1000, -1001, -999]):
    case("ReduceLogSumExp", [np.array(x, np.float32), ints(0)], 18, const=[1])
for op in ["ReduceSum", "ReduceProd", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSum",
           "ReduceLogSumExp"]:
    case(op, [rand(2, 0, 3), ints(1)], 18, const=[1])
    case(op, [rand(2, 0, 3), ints(0)], 18, const=[1], host=True)
case("ReduceMean", [np.zeros((2, 0), np.int32), ints(1)], 18, const=[1], error="E_SHAPE")
