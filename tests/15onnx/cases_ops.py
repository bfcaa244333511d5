"""Models that read well and mean nothing: shapes, operands and attributes that operators can't have, constants that
would not fit anywhere, and odd ones that are fine. NAME -> (code, model)."""
import numpy as np
from cases import FLOAT, TensorProto, helper, info, model, node, numpy_helper

BIG, MIN = 1 << 62, -(1 << 63)
IMAGE = (1, 3, 8, 8)


def ints(name, *values):
    return numpy_helper.from_array(np.array(values, np.int64), name)


def floats(name, *values):
    return numpy_helper.from_array(np.array(values, np.float32), name)


def one(op, *constants, shape=IMAGE, outputs="y", opset=17, data=True, kind=FLOAT, **attributes):
    """One node of input x (unless data is False) and constants."""
    names = (["x"] if data else []) + [c.name for c in constants]
    return model([node(op, " ".join(names), outputs, "culprit", **attributes)], [info("x", shape)] if data else [],
                 [info(name, None, kind) for name in outputs.split()], constants, opset)


def conv(weights=(4, 3, 3, 3), shape=IMAGE, op="Conv", **attributes):
    return one(op, numpy_helper.from_array(np.ones(weights, np.float32), "w"), shape=shape, **attributes)


def window_cases():
    yield "channels", "E_SHAPE", conv((4, 2, 3, 3))
    yield "group_ragged", "E_SHAPE", conv((4, 1, 3, 3), group=2)
    yield "group_zero", "E_ATTR", conv(group=0)
    yield "group_negative", "E_ATTR", conv(group=-3)
    yield "stride_zero", "E_ATTR", conv(strides=[1, 0])
    yield "stride_negative", "E_ATTR", conv(strides=[-1, 1])
    yield "dilation_huge", "E_ATTR", conv(dilations=[BIG, BIG])
    yield "pads_huge", "E_ATTR", conv(pads=[BIG, BIG, BIG, BIG])
    yield "pads_three", "E_ATTR", conv(pads=[1, 1, 1])
    yield "strides_three", "E_ATTR", conv(strides=[1, 1, 1])
    yield "kernel_differs", "E_ATTR", conv(kernel_shape=[5, 3])
    yield "kernel_beyond", "E_SHAPE", conv(shape=(1, 3, 2, 9))
    yield "auto_pad_word", "E_ATTR", conv(auto_pad="SAME")
    yield "auto_pad_and_pads", "E_ATTR", conv(auto_pad="SAME_LOWER", pads=[0, 1, 0, 1])
    yield "rank_2", "E_SHAPE", conv((4, 3), shape=(3, 3))
    yield "weights_rank", "E_SHAPE", conv((4, 3, 3))
    yield "transposed_channels", "E_SHAPE", conv((2, 4, 3, 3), op="ConvTranspose")
    yield "transposed_output_padding", "E_ATTR", conv((3, 4, 3, 3), op="ConvTranspose", output_padding=[BIG, 0])
    yield "transposed_wraps", "E_ATTR", conv((3, 4, 3, 3), op="ConvTranspose", strides=[BIG, BIG])
    yield "pool_no_kernel", "E_ATTR", one("MaxPool")
    yield "pool_kernel_zero", "E_ATTR", one("MaxPool", kernel_shape=[0, 2])
    yield "pool_kernel_huge", "E_SHAPE", one("AveragePool", kernel_shape=[9, 9])
    yield "pool_only_pads", "E_ATTR", one("MaxPool", kernel_shape=[2, 2], pads=[2, 2, 2, 2])
    yield "same_upper", "", conv(auto_pad="SAME_UPPER")


def shape_cases():
    yield "broadcast", "E_SHAPE", one("Add", floats("c", 1, 2, 3, 4, 5))
    yield "matmul", "E_SHAPE", one("MatMul", numpy_helper.from_array(np.ones((7, 4), np.float32), "c"))
    yield "matmul_scalar", "E_SHAPE", one("MatMul", numpy_helper.from_array(np.float32(1), "c"))
    yield "gemm_rank", "E_SHAPE", one("Gemm", numpy_helper.from_array(np.ones((8, 4), np.float32), "c"))
    yield "concat", "E_SHAPE", one("Concat", numpy_helper.from_array(np.ones((1, 3, 7, 8), np.float32), "c"), axis=1)
    yield "concat_axis", "E_ATTR", one("Concat", axis=4)
    yield "concat_axis_least", "E_ATTR", one("Concat", axis=MIN)
    yield "softmax_axis", "E_ATTR", one("Softmax", axis=-5)
    yield "transpose_repeats", "E_ATTR", one("Transpose", perm=[0, 1, 1, 2])
    yield "transpose_short", "E_ATTR", one("Transpose", perm=[1, 0])
    yield "reshape_count", "E_SHAPE", one("Reshape", ints("c", 5, 5))
    yield "reshape_two_open", "E_SHAPE", one("Reshape", ints("c", -1, 4, -1))
    yield "reshape_negative", "E_SHAPE", one("Reshape", ints("c", -2, -96))
    yield "reshape_wraps", "E_SHAPE", one("Reshape", ints("c", 1 << 32, 1 << 32))
    yield "reshape_zero_beyond", "E_SHAPE", one("Reshape", ints("c", 1, 3, 8, 8, 0))
    yield "reshape_open_of_nothing", "E_SHAPE", one("Reshape", ints("c", 0, -1), allowzero=1)
    yield "reshape_fine", "", one("Reshape", ints("c", 0, -1))
    yield "reshape_rank_9", "E_RANK", one("Reshape", ints("c", *[1] * 6, 3, 8, 8))
    dynamic = model([node("Reshape", "x s", "y")], [info("x"), info("s", (2,), TensorProto.INT64)], opset=17)
    yield "reshape_by_data", "E_SHAPE_DYNAMIC", dynamic
    yield "squeeze", "E_SHAPE", one("Squeeze", ints("c", 2))
    yield "squeeze_axis", "E_ATTR", one("Squeeze", ints("c", 17))
    yield "unsqueeze_twice", "E_ATTR", one("Unsqueeze", ints("c", 1, 1))
    yield "flatten_axis", "E_ATTR", one("Flatten", axis=BIG)
    yield "split_sum", "E_SHAPE", one("Split", ints("c", 5, 4), outputs="y z", axis=3)
    yield "split_negative", "E_VALUE", one("Split", ints("c", 9, -1), outputs="y z", axis=3)
    yield "split_count", "E_SHAPE", one("Split", ints("c", 8), outputs="y z", axis=3)
    yield "expand", "E_SHAPE", one("Expand", ints("c", 1, 3, 8, 7))
    yield "expand_negative", "E_VALUE", one("Expand", ints("c", 1, 3, 8, -8))
    yield "pad_beyond", "E_SHAPE", one("Pad", ints("c", 0, 0, 0, -5, 0, 0, 0, -4))
    yield "pad_count", "E_SHAPE", one("Pad", ints("c", 0, 0, 1, 1))
    yield "pad_wraps", "E_SHAPE", one("Pad", ints("c", 0, 0, BIG, BIG, 0, 0, BIG, BIG))
    yield "reduce_axis", "E_ATTR", one("ReduceMean", axes=[4])
    yield "wide_nothing", "E_DIM", one("Exp", shape=(0, BIG))


def operand_cases():
    at = ints("a", 0), ints("b", 4), ints("c", 2)
    yield "slice_step_zero", "E_VALUE", one("Slice", *at, ints("d", 0))
    yield "slice_step_least", "", one("Slice", ints("a", -1), ints("b", MIN), ints("c", 2), ints("d", MIN))
    yield "slice_lengths", "E_SHAPE", one("Slice", ints("a", 0, 0), ints("b", 4), ints("c", 2))
    yield "slice_axis", "E_ATTR", one("Slice", ints("a", 0), ints("b", 4), ints("c", -5))
    yield "slice_axis_twice", "E_VALUE", one("Slice", ints("a", 0, 0), ints("b", 4, 4), ints("c", 2, 2))
    yield "slice_ends", "", one("Slice", ints("a", MIN), ints("b", (1 << 63) - 1), ints("c", 2))
    yield "gather_beyond", "E_VALUE", one("Gather", ints("c", 3), axis=1)
    yield "gather_before", "E_VALUE", one("Gather", ints("c", -4), axis=1)
    yield "gather_axis", "E_ATTR", one("Gather", ints("c", 0), axis=4)
    for name, code, scales in (("zero", "E_VALUE", (1, 1, 0, 1)), ("negative", "E_VALUE", (1, 1, -2, 1)),
                               ("infinite", "E_VALUE", (1, 1, np.inf, 1)), ("nan", "E_VALUE", (1, 1, np.nan, 1)),
                               ("huge", "E_PLAN_TOO_BIG", (1, 1, 1e30, 1))):
        roi = helper.make_node("Resize", ["x", "", "s"], ["y"])
        yield f"resize_{name}", code, model([roi], [info("x", IMAGE)], constants=[floats("s", *scales)], opset=17)
    yield "clip_types", "E_TYPE", one("Clip", ints("lo", 0))
    yield "add_types", "E_TYPE", one("Add", ints("c", 1))
    yield "cast_to", "E_ATTR", one("Cast", to=999)
    yield "cast_to_string", "E_ATTR", one("Cast", to=TensorProto.STRING)
    yield "alpha_nan", "", one("LeakyRelu", alpha=float("nan"))
    yield "epsilon_infinite", "", one("BatchNormalization", *[floats(n, 1, 2, 3) for n in "sbmv"], epsilon=float("inf"))


def fold_cases():
    only = lambda op, *constants, **a: one(op, *constants, data=False, **a)
    whole = lambda op, *constants: only(op, *constants, kind=TensorProto.INT64)
    yield "range_step_zero", "E_VALUE", only("Range", *[numpy_helper.from_array(np.int64(v), n) for v, n in ((0, "a"), (5, "b"), (0, "c"))])
    for name, limits in {"huge": (0, BIG, 1), "wraps": (MIN, (1 << 63) - 1, 1)}.items():
        constants = [numpy_helper.from_array(np.int64(v), n) for v, n in zip(limits, "abc")]
        yield f"range_{name}", "E_LIMIT_FOLD", only("Range", *constants)
    yield "filled", "E_LIMIT_FOLD", only("ConstantOfShape", ints("c", 10**6, 10**6))
    yield "filled_wraps", "E_PLAN_TOO_BIG", only("ConstantOfShape", ints("c", BIG, BIG))
    yield "filled_negative", "E_VALUE", only("ConstantOfShape", ints("c", -1))
    yield "filled_rank_9", "E_RANK", only("ConstantOfShape", ints("c", *[1] * 9))
    yield "tile", "E_LIMIT_FOLD", only("Tile", floats("v", 1), ints("c", 10**11))
    yield "tile_negative", "E_VALUE", only("Tile", floats("v", 1), ints("c", -1))
    yield "expand", "E_LIMIT_FOLD", only("Expand", floats("v", 1), ints("c", 10**6, 10**6))
    yield "divide_by_zero", "E_VALUE", only("Div", ints("a", 1), ints("b", 0))
    yield "divide_least", "E_VALUE", only("Div", ints("a", MIN), ints("b", -1))
    yield "mod_zero", "E_VALUE", only("Mod", ints("a", 1), ints("b", 0))
    yield "mod_least", "", whole("Mod", ints("a", MIN), ints("b", -1))
    yield "multiply_wraps", "", whole("Mul", ints("a", BIG), ints("b", 8))
    yield "negate_least", "", whole("Neg", ints("a", MIN))
    yield "absolute_least", "", whole("Abs", ints("a", MIN))
    yield "cast_nan", "", only("Cast", floats("a", np.nan, 1e30, -np.inf), kind=TensorProto.INT64, to=TensorProto.INT64)
    yield "cast_nan_u8", "", only("Cast", floats("a", np.nan, -1, 300), kind=TensorProto.UINT8, to=TensorProto.UINT8)
    empty = [helper.make_tensor(n, FLOAT, [0, BIG // 4], []) for n in "ab"]
    yield "concat_of_nothing", "", only("Concat", *empty, axis=0)
    wide = [helper.make_tensor(n, FLOAT, [0, BIG], []) for n in "abcd"]
    yield "concat_wraps", "E_PLAN_TOO_BIG", only("Concat", *wide, axis=1)
    grow = [node("Concat", f"d{i} d{i}", f"d{i + 1}", axis=0) for i in range(45)]
    yield "doubling", "E_LIMIT_FOLD", model([node("Identity", "c", "d0"), *grow], [], [info("d45", None)], [floats("c", 1)])


def operator_cases():
    for family in (window_cases, shape_cases, operand_cases, fold_cases):
        for name, code, made in family():
            yield f"{family.__name__.removesuffix('_cases')}_{name}", code, made.SerializeToString(), []
