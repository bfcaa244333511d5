"""Cases of operators that are written as others, of those along an axis, of control flow, and of old forms."""
import numpy as np
from cases import CASES, NAN, RANDOM, B, case, ints, rand
from onnx import TensorProto, helper

# ---- composites ----
for op in ["ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare"]:
    for axes, keep in [([1], 1), ([-1, 0], 0), (None, 1), (None, 0)]:
        a = {} if axes is None else dict(axes=axes)
        case(op, [rand(3, 4, 5, lo=0.1)], 13, keepdims=keep, **a)
        case(op, [rand(3, 4, 5, lo=0.1)] + ([] if axes is None else [ints(*axes)]), 18, const=[1], keepdims=keep)
    case(op, [rand(2, 3, lo=0.1), ints()], 18, const=[1], noop_with_empty_axes=1)
case("ReduceLogSumExp", [rand(4, 50, lo=80, hi=120)], 13, axes=[1])
case("ReduceL1", [ints(5, -3, 8)], 18, host=True)
case("InstanceNormalization", [rand(2, 3, 5, 4), rand(3), rand(3)], 6, epsilon=0.01)
case("InstanceNormalization", [rand(1, 9, 7), rand(9), rand(9)], 13, const=[1, 2])
case("InstanceNormalization", [rand(1, 3, 4, 4), rand(3), rand(3)], 13, epsilon=float("inf"))
case("InstanceNormalization", [rand(1, 3), rand(3), rand(3)], 13, error="E_SHAPE")
for axis in (-1, 1, 2):
    n = (3, 4, 5)[axis:]
    case("LayerNormalization", [rand(3, 4, 5), rand(*n), rand(*n)], 17, axis=axis, epsilon=0.02)
    case("RMSNormalization", [rand(3, 4, 5), rand(*n)], 23, axis=axis, epsilon=0.02)
case("LayerNormalization", [rand(3, 4, 5), rand(5)], 17, const=[1], outputs=3)
case("LayerNormalization", [rand(3, 70, dtype=np.float16), rand(70, dtype=np.float16)], 17)
case("LayerNormalization", [rand(3, 4, 5), rand(5)], 17, error="E_ATTR", axis=3)
x, s, b = rand(2, 6, 3, 4), rand(6), rand(6)
groups = (x.reshape(2, 3, -1) - x.reshape(2, 3, -1).mean(-1, keepdims=True)) / np.sqrt(x.reshape(2, 3, -1).var(-1, keepdims=True) + 0.1)
case("GroupNormalization", [x, s, b], 21, want=[groups.reshape(x.shape) * s[:, None, None] + b[:, None, None]], num_groups=3,
     epsilon=0.1)
case("GroupNormalization", [x, s[:3], b[:3]], 18, want=[(groups * s[:3, None] + b[:3, None]).reshape(x.shape)], num_groups=3,
     epsilon=0.1)
case("GroupNormalization", [x, s, b], 21, error="E_SHAPE", num_groups=4)
case("MeanVarianceNormalization", [rand(2, 3, 5, 4)], 13)
case("MeanVarianceNormalization", [rand(2, 3, 5)], 13, axes=[-1, 0])
for p in (1, 2):
    case("LpNormalization", [np.array([[0, 0, 0], [3, -4, 1]], np.float32)], 1, p=p, want=[np.array(
        [[0, 0, 0], [v / (8 if p == 1 else np.sqrt(26)) for v in (3, -4, 1)]], np.float32)])
    case("LpNormalization", [rand(3, 4, 2)], 22, axis=1, p=p)
case("LpNormalization", [rand(3, 4)], 22, error="E_ATTR", p=3)
for axis in (-1, 0, 1):
    case("OneHot", [ints(1, 0, 2, -4).reshape(2, 2), np.array(4, np.float32), ints(5, 9)], 11, const=[1], axis=axis)
for axis in (-1, 0):
    case("OneHot", [ints(0, 3, -1, 7, -9), ints(4), rand(2)], 11, const=[1], axis=axis)
case("OneHot", [rand(3), ints(4), rand(3)], 11, const=[1], error="E_SHAPE")
case("OneHot", [rand(3), ints(4), rand(2)], 11, error="E_SHAPE_DYNAMIC")
case("OneHot", [rand(3), ints(10**11), rand(2)], 11, const=[1], error="E_LIMIT_FOLD")
for op in ["ArgMax", "ArgMin"]:
    for shape, attrs in [((3, 40), dict(axis=1)), ((3, 4, 5), dict(axis=-2, keepdims=0)), ((70, 5), {}), ((5000, 3), dict(axis=1)),
                         ((2, 9, 3, 3), dict(axis=1, keepdims=0)), ((2, 1), dict(axis=1))]:
        case(op, [rand(*shape).round()], 13, **attrs)
        case(op, [rand(*shape).round()], 11, **attrs)
        case(op, [rand(*shape).round()], 13, select_last_index=1, **attrs)
    case(op, [np.array([[3, 1, 255, 255], [0, 7, 0, 9]], np.uint8)], 13, want=[np.array([[[2], [3]], [[1], [0]]][op == "ArgMin"])], axis=1)
    case(op, [np.array([[1, NAN, 3, NAN]])], 13, want=[np.array([[1]])], axis=1)
    case(op, [rand(2, 0)], 13, error="E_SHAPE", axis=1)
for op, opset in [("Hardmax", 11), ("Hardmax", 13)]:
    case(op, [rand(3, 4, 5).round()], opset, axis=1)
    case(op, [rand(3, 4).round()], opset)
for attrs in ({}, dict(reverse=1), dict(exclusive=1), dict(exclusive=1, reverse=1)):
    for axis in (0, 1, -1):
        case("CumSum", [rand(3, 4, 5), ints(axis)], 14, const=[1], **attrs)
    case("CumSum", [ints(5, 6, -7, 1 << 62, 1 << 62), np.array(0, np.int32)], 11, const=[1], **attrs)
case("CumSum", [rand(3, dtype=np.float64), ints(0)], 14, const=[1])
case("CumSum", [rand(3), ints(1)], 14, const=[1], error="E_ATTR")
case("CumSum", [rand(3), ints(0)], 14, error="E_SHAPE_DYNAMIC")
case("GatherElements", [rand(3, 4), ints(1, -1, 0, 2).reshape(2, 2)], 13, axis=1)
case("GatherElements", [rand(3, 4), ints(1, -1, 0, 2).reshape(1, 4)], 11)
case("GatherElements", [rand(3, 4, 2, dtype=np.float16), RANDOM.integers(-3, 3, (3, 4, 1))], 13, const=[1])
case("GatherElements", [rand(3, 4), ints(4, 0).reshape(2, 1)], 13, const=[1], error="E_VALUE", axis=1)
case("GatherElements", [rand(3, 4), ints(0, 0)], 13, error="E_SHAPE")
case("GatherND", [rand(3, 4, 5), ints(2, 3, -1, 0).reshape(2, 2)], 13)
case("GatherND", [rand(3, 4, 5), ints(2, 3, -1, 0, 1, -2).reshape(2, 1, 3)], 11)
case("GatherND", [rand(3, 4, 5), ints(2, 3, -1).reshape(3, 1)], 13, const=[1], batch_dims=1)
case("GatherND", [rand(2, 3, 4, 5), RANDOM.integers(-4, 4, (2, 3, 2, 1))], 13, batch_dims=2)
case("GatherND", [rand(3, 4), ints(3).reshape(1, 1)], 13, const=[1], error="E_VALUE")
case("GatherND", [rand(3, 4), ints(0, 0, 0).reshape(1, 3)], 13, error="E_SHAPE")
for k in (-2, -1, 0, 1, 3, 90):
    for upper in (0, 1):
        case("Trilu", [rand(2, 4, 5), np.array(k, np.int64)], 14, const=[1], upper=upper)
case("Trilu", [rand(5, 4)], 14)
case("Trilu", [ints(*range(12)).reshape(4, 3)], 14)
case("Trilu", [rand(4)], 14, error="E_SHAPE")
case("EyeLike", [rand(3, 4)], 13, host=True, k=1)
case("EyeLike", [rand(4, 3)], 13, host=True, k=-2, dtype=7)
case("EyeLike", [rand(4)], 13, error="E_SHAPE")
case("NonZero", [np.array([[0.0, 1, -2], [0, NAN, 0]], np.float32)], 13, host=True)
case("NonZero", [np.array([True, False, True])], 13, host=True)
case("NonZero", [rand(3)], 13, error="E_SHAPE_DYNAMIC")
for equation, *shapes in [("ij,jk->ik", (3, 4), (4, 5)), ("ij,jk", (3, 4), (4, 5)), ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)), ("ij->ji", (3, 4)),
                          ("ij->i", (3, 4)), ("ij->", (3, 4)), ("ii->i", (3, 3)), ("ii", (3, 3)), ("...ii->...i", (2, 3, 3)), ("i,i", (5,), (5,)),
                          ("i,j->ij", (3,), (4,)), ("ij,ij->ij", (3, 4), (3, 4)), ("bhqd,bhkd->bhqk", (2, 3, 4, 5), (2, 3, 6, 5)),
                          ("...ij,...jk->...ik", (2, 1, 3, 4), (5, 4, 6)), ("bhwc,hkc->bhwk", (2, 3, 4, 5), (3, 6, 5)),
                          ("ij, jk, kl -> il", (2, 3), (3, 4), (4, 5)), ("abc,cd,bd->ad", (2, 3, 4), (4, 5), (3, 5)),
                          ("ijk,ilm->jlkm", (2, 3, 4), (2, 5, 3)), ("iJ,Jk->ki", (3, 4), (4, 5)), ("a...b->b...a", (2, 3, 4, 5)), ("iij,j->i", (3, 3, 4), (4,)),
                          ("ij,k->ik", (3, 4), (5,)), ("ijij->ij", (2, 3, 2, 3))]:
    case("Einsum", [rand(*s) for s in shapes], 12, equation=equation)
case("Einsum", [rand(3, 4), rand(4, 5)], 12, const=[1], equation="ij,jk->ik")
for equation in ("ij,jk->" * 1000, "ij", "i->i", "ij,jk->iz", "ij,jk->ii", "i1,jk->i", "i.j,jk->i", "ij,jk,kl->il"):
    case("Einsum", [rand(3, 4), rand(4, 5)], 12, error="E_ATTR", equation=equation)
case("Einsum", [rand(3, 4), rand(5, 5)], 12, error="E_SHAPE", equation="ij,jk->ik")

for shape, axis, k in [((3, 300), 1, 7), ((3, 4, 5), 1, 4), ((40,), -1, 1), ((6, 2, 3), 0, 3), ((2, 3), 1, 0)]:
    host = k == 0
    case("TopK", [rand(*shape), ints(k)], 11, const=[1], outputs=2, host=host, axis=axis)
    case("TopK", [rand(*shape).round(), ints(k)], 13, const=[1], outputs=2, host=host, axis=axis, largest=0)
    case("TopK", [rand(*shape), ints(k)], 10, const=[1], outputs=2, host=host, axis=axis)
    case("TopK", [rand(*shape)], 9, outputs=2, host=host, axis=axis, k=k)
case("TopK", [ints(5, -3, 9, 9, 1 << 60), ints(3)], 13, const=[1], outputs=2)
case("TopK", [np.array([3, 255, 0, 9, 200], np.uint8), ints(4)], 24, const=[1], outputs=2, want=[
    np.array([255, 200, 9, 3], np.uint8), ints(1, 4, 3, 0)])
x = rand(3, 9)
case("TopK", [x, ints(4)], 13, const=[1], want=[np.sort(x)[:, :4:-1]])
case("TopK", [rand(3), ints(4)], 13, const=[1], outputs=2, error="E_VALUE")
case("TopK", [rand(3), ints(1)], 13, outputs=2, error="E_SHAPE_DYNAMIC")
for how in ("none", "add", "mul", "max", "min"):
    case("ScatterElements", [rand(3, 5), ints(1, -2, 3, 0).reshape(2, 2), rand(2, 2)], 18, axis=1, reduction=how)
    case("ScatterElements", [rand(3, 5, 2), ints(1, 0, 2, 1, 1, 1).reshape(3, 2, 1) if how != "none" else ints(1, 0, 2).reshape(3, 1, 1),
                             rand(3, 2 if how != "none" else 1, 1)], 18, const=[1], reduction=how, axis=1)
    case("ScatterND", [rand(4, 5, 3), ints(3, 1, 0, -2).reshape(2, 2), rand(2, 3)], 18, reduction=how)
    case("ScatterND", [ints(*range(8)), ints(4, 3, 1).reshape(3, 1), ints(9, -10, 11)], 18, reduction=how)
case("ScatterND", [rand(8), ints(4, 3, 4).reshape(3, 1), rand(3)], 16, reduction="add")
case("ScatterND", [rand(4, 4), ints(2, 0).reshape(2, 1), rand(2, 4)], 13, const=[1])
case("ScatterND", [rand(4, 4), ints(2, 0).reshape(1, 2), rand(1)], 11, const=[0, 1])
case("ScatterElements", [rand(3, 5), ints(1, 0, 2, 2, 0).reshape(1, 5), rand(1, 5)], 11)
case("Scatter", [rand(3, 5), ints(1, 0, 2, 2, 0).reshape(1, 5), rand(1, 5)], 10)
case("ScatterElements", [rand(3, 5), ints(5).reshape(1, 1), rand(1, 1)], 18, const=[1], axis=1, error="E_VALUE")
case("ScatterElements", [rand(3, 5), ints(0).reshape(1, 1), rand(2, 1)], 18, error="E_SHAPE")
case("ScatterElements", [rand(3, 5), ints(0).reshape(1, 1), rand(1, 1)], 18, error="E_ATTR", reduction="sub")
case("ScatterND", [rand(3, 5), ints(0, 0, 0).reshape(1, 3), rand(1)], 18, error="E_SHAPE")

SCALE, ZERO = np.array(0.37, np.float32), np.array(7, np.uint8)
for opset in (10, 13, 19, 21):
    case("QuantizeLinear", [rand(3, 40, lo=-90, hi=90), SCALE, ZERO], opset)
    case("DequantizeLinear", [RANDOM.integers(0, 255, (3, 40)).astype(np.uint8), SCALE, ZERO], opset)
for opset, axis in ((13, 1), (19, -1), (21, 0)):
    n = (2, 3, 5)[axis]
    zeros = RANDOM.integers(-9, 9, n).astype(np.int8)
    case("QuantizeLinear", [rand(2, 3, 5, lo=-90, hi=90), rand(n, lo=0.1, hi=0.9), zeros], opset, axis=axis)
    case("DequantizeLinear", [RANDOM.integers(-128, 127, (2, 3, 5)).astype(np.int8), rand(n, lo=0.1), zeros], opset, const=[1, 2], axis=axis)
case("QuantizeLinear", [rand(30, lo=-90, hi=900), SCALE], 13)
case("QuantizeLinear", [rand(30, lo=-90, hi=900), SCALE], 21, output_dtype=4)
case("QuantizeLinear", [np.arange(-6, 6, dtype=np.float32) / 2, np.array(1, np.float32), np.array(0, np.int8)], 13)
case("QuantizeLinear", [rand(4, 4), rand(4, 2)], 21, axis=1, block_size=2, error="E_OP_UNSUPPORTED")
case("QuantizeLinear", [rand(4, 4), rand(3)], 13, error="E_SHAPE")
case("QuantizeLinear", [rand(4, 4), rand(4)], 13, axis=2, error="E_ATTR")
case("DequantizeLinear", [ints(-300, 5, 1 << 20, dtype=np.int32), SCALE], 13)
case("DequantizeLinear", [ints(-300, 5, 1200, dtype=np.int16), SCALE, np.array(30, np.int16)], 21)
for lo, hi in ((-3, 9), (2, 9), (-9, -1)):
    case("DynamicQuantizeLinear", [rand(3, 40, lo=lo, hi=hi)], 11, outputs=3)

def heads(*shapes):
    return [rand(*s, lo=-1, hi=1) for s in shapes]


MASK = np.array([[True, False, True, True, False], [True] * 5, [False, True, True, False, True]])
for attrs in ({}, dict(scale=0.3), dict(softcap=0.7), dict(is_causal=1)):
    case("Attention", heads((2, 4, 3, 6), (2, 4, 5, 6), (2, 4, 5, 7)), 23, **attrs)
case("Attention", heads((2, 3, 24), (2, 5, 24), (2, 5, 16)), 23, q_num_heads=4, kv_num_heads=4)
case("Attention", heads((2, 3, 24), (2, 5, 12), (2, 5, 8)), 23, q_num_heads=4, kv_num_heads=2)
case("Attention", heads((1, 6, 3, 4), (1, 2, 5, 4), (1, 2, 5, 4)) + [MASK], 23)
case("Attention", heads((1, 6, 3, 4), (1, 2, 5, 4), (1, 2, 5, 4), (6, 3, 5)), 23)
case("Attention", heads((2, 4, 3, 4), (2, 4, 5, 4), (2, 4, 5, 4), (2, 1, 3, 5)), 23, const=[3])
case("Attention", heads((2, 4, 3, 4), (2, 4, 2, 4), (2, 4, 2, 4)) + [MASK] + heads((2, 4, 3, 4), (2, 4, 3, 4)), 23, outputs=3)
case("Attention", heads((2, 4, 3, 4), (2, 4, 5, 4), (2, 4, 5, 5)) + [None, None, None], 23, outputs=4)
for shapes in [((2, 4, 3, 4), (2, 3, 5, 4), (2, 3, 5, 4)), ((2, 4, 3, 4), (2, 4, 5, 5), (2, 4, 5, 4)), ((2, 3, 24), (2, 5, 24), (2, 5, 24))]:
    case("Attention", heads(*shapes), 23, error="E_SHAPE")
case("Attention", heads((2, 4, 3, 4), (2, 4, 5, 4), (2, 4, 5, 4)), 23, outputs=4, error="E_OP_UNSUPPORTED", qk_matmul_output_mode=2)

case("CenterCropPad", [rand(9, 6, 3), ints(4, 9, 3)], 18, const=[1])
case("CenterCropPad", [rand(9, 6, 3), ints(5, 8)], 18, const=[1], axes=[-1, 0])
case("CenterCropPad", [rand(2, 7), ints(6)], 18, const=[1], axes=[1])
case("CenterCropPad", [rand(2, 7), ints(6)], 18, const=[1], error="E_SHAPE")
case("CenterCropPad", [rand(2, 7), ints(6)], 18, const=[1], error="E_ATTR", axes=[2])
case("CenterCropPad", [rand(2, 7), ints(6, 6)], 18, error="E_SHAPE_DYNAMIC")

POSITIONS = np.array([[3, 0, 8], [1, 1, 7]])
for attrs in ({}, dict(interleaved=1)):
    case("RotaryEmbedding", [rand(2, 4, 3, 8), rand(9, 4), rand(9, 4), POSITIONS], 23, **attrs)
    case("RotaryEmbedding", [rand(2, 3, 32), rand(2, 3, 4), rand(2, 3, 4)], 23, num_heads=4, **attrs)
    case("RotaryEmbedding", [rand(2, 4, 3, 8), rand(9, 2), rand(9, 2), POSITIONS], 23, rotary_embedding_dim=4, **attrs)
case("RotaryEmbedding", [rand(2, 3, 32), rand(2, 3, 4), rand(2, 3, 4)], 23, error="E_SHAPE")
case("RotaryEmbedding", [rand(2, 4, 3, 8), rand(9, 4), rand(9, 4), POSITIONS], 23, error="E_ATTR", rotary_embedding_dim=3)
case("RotaryEmbedding", [rand(2, 4, 3, 8), rand(9, 3), rand(9, 3), POSITIONS], 23, error="E_SHAPE")

# ---- control flow (15onnx/test_bodies.py has more) ----
def body(nodes, inputs="", outputs="b"):
    kinds = {"i": TensorProto.INT64, "go": TensorProto.BOOL, "on": TensorProto.BOOL}
    values = [[helper.make_tensor_value_info(n, kinds.get(n, TensorProto.FLOAT), () if n in kinds else None)
               for n in names.split()] for names in (inputs, outputs)]
    return helper.make_graph([helper.make_node(op, i.split(), [o]) for op, i, o in nodes], "body", *values)


NEGATE = body([("Identity", "go", "on"), ("Neg", "s", "t")], "i go s", "on t")
for value in (True, False):
    case("If", [np.array(value)], 13, host=True, then_branch=body([("Constant", "", "b")]), else_branch=body([("Constant", "", "b")]))
    for graph, number in zip(CASES[-1]["attrs"].values(), (1.5, -2.5)):
        graph.node[0].attribute.append(helper.make_attribute("value_float", number))
case("Loop", [np.array(3, np.int64), None, rand(2, 3)], 13, const=[0], body=NEGATE)
case("Loop", [np.array(3, np.int64), None, rand(2, 3)], 13, error="E_LOOP", body=NEGATE)
case("Scan", [rand(3), rand(5, 3)], 13, outputs=2, num_scan_inputs=1, body=body([("Add", "s a", "t"), ("Neg", "t", "p")], "s a", "t p"))
case("Scan", [rand(3), rand(5, 3)], 13, outputs=2, error="E_OP_UNSUPPORTED", num_scan_inputs=1, scan_input_axes=[1],
     body=body([("Add", "s a", "t"), ("Neg", "t", "p")], "s a", "t p"))

# ---- losses ----
for op in ("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"):
    for opset, reduction in [(12, "none"), (13, "sum"), (22, "mean")]:
        for ignore in ({}, {"ignore_index": 1}, {"ignore_index": -100}):
            labels = ints(0, 3, 1, 1, 2, ignore.get("ignore_index", 2)).reshape(2, 3)
            case(op, [rand(2, 4, 3), labels], opset, reduction=reduction, **ignore)
            case(op, [rand(2, 4, 3), labels.astype(np.int32), rand(4, lo=0.1)], opset, reduction=reduction, **ignore)
    case(op, [rand(6, 4), ints(0, 3, 1, 1, 2, 2)], 13)
    case(op, [rand(2, 4, 3, 2), RANDOM.integers(0, 4, (2, 3, 2))], 13)
    case(op, [rand(2, 4, 3), ints(0, 3)], 13, error="E_SHAPE")
    case(op, [rand(2, 4), rand(2)], 13, error="E_TYPE")
    case(op, [rand(2, 4), ints(0, 3)], 13, error="E_ATTR", reduction="least")
case("SoftmaxCrossEntropyLoss", [rand(6, 4), ints(0, 3, 1, 1, 2, 2)], 13, outputs=2, ignore_index=3)

# ---- forms of opset 6 and before ----
x, y = rand(2, 3, 4, lo=0.5), rand(3, lo=0.5)
for op, f in [("Add", np.add), ("Sub", np.subtract), ("Mul", np.multiply), ("Div", np.divide), ("Pow", np.power)]:
    case(op, [x, y], 6, want=[f(x, y[:, None])], axis=1, broadcast=1)
    case(op, [x, x[0, 0]], 6, want=[f(x, x[0, 0])], broadcast=1)
for op, f in [("Equal", np.equal), ("Greater", np.greater), ("Less", np.less)]:
    case(op, [x.round(), y.round()], 6, want=[f(x.round(), y.round()[:, None])], axis=1, broadcast=1)
for op, f in [("And", np.logical_and), ("Or", np.logical_or), ("Xor", np.logical_xor)]:
    case(op, [B[0], B[1]], 6, want=[f(*B)])
case("Add", [x, y], 6, error="E_ATTR", axis=3, broadcast=1)
case("PRelu", [x - 1.5, y], 6, want=[np.where(x < 1.5, (x - 1.5) * y[:, None], x - 1.5)])
case("PRelu", [x - 1.5, y[:1]], 6, want=[np.where(x < 1.5, (x - 1.5) * y[0], x - 1.5)])
case("Gemm", [rand(2, 3), rand(3, 4), rand(4)], 6, broadcast=1)
case("BatchNormalization", [rand(1, 3, 4, 4), rand(3), rand(3), rand(3), rand(3, lo=0.5)], 6, is_test=1)
case("BatchNormalization", [rand(1, 3, 4, 4), rand(3), rand(3), rand(3), rand(3)], 6, error="E_OP_UNSUPPORTED")
case("Dropout", [x], 6, want=[x], is_test=1)
for op in ("Elu", "LeakyRelu", "Sigmoid"):
    case(op, [rand(2, 5)], 6)
