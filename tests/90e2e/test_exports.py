"""What exporters write around the operators that one thinks of: the ends of detectors, attention, embeddings, branches on
a shape, quantized weights, norms with padding, in small models of ONNX's own nodes, against ONNX Runtime."""
import pathlib
import sys
import tempfile

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent.parent), str(pathlib.Path(__file__).resolve().parent.parent / "15onnx")]
import lib
import numpy as np
from cases import TensorProto, helper, info, model, node, numpy_helper

RANDOM = np.random.default_rng(90)


def const(name, value, kind=np.int64):
    return numpy_helper.from_array(np.array(value, kind), name)


def weights(name, *shape):
    return const(name, RANDOM.standard_normal(shape) * 0.3, np.float32)


def check(name, made, feeds=None):
    made.opset_import[0].version = 17
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "model.onnx").write_bytes(made.SerializeToString())
        lib.occamyc(folder / "model.onnx", folder / "model.occ", "--code", "ptx", build=lib.BUILD)
        session = lib.ort_session(folder / "model.onnx")
        feeds = feeds or lib.random_feeds(session, 91)
        want = session.run(None, feeds)
        got, _ = lib.run_client(folder / "model.occ", feeds, folder / "out", build=lib.BUILD)
        for output, g, w in zip(session.get_outputs(), got, want, strict=True):
            lib.check_close(f"{name} {output.name}", g, w)


def test_detector():
    """The best boxes by score, without knowing at compile time which."""
    check("detector", model(
        [node("Sigmoid", "x", "s"), node("Transpose", "s", "t", perm=[0, 2, 1]),
         node("ReduceMax", "t", "m", axes=[2], keepdims=0), node("TopK", "m k", "best i", axis=1),
         node("Unsqueeze", "i last", "u"), node("Expand", "u all", "e"), node("GatherElements", "t e", "boxes", axis=1),
         node("ArgMax", "boxes", "class", axis=2, keepdims=0)],
        [info("x", (1, 6, 50))], [info("best", None), info("boxes", None), info("class", None, TensorProto.INT64)],
        [const("k", [7]), const("last", [2]), const("all", [1, 7, 6])]))


def test_vision_transformer():
    """A class token in front, LayerNormalization, attention with Einsum, the token taken out again."""
    check("transformer", model(
        [node("Expand", "token one", "c"), node("Concat", "c x", "z", axis=1), node("LayerNormalization", "z scale shift", "n", axis=-1),
         node("MatMul", "n wq", "q"), node("MatMul", "n wk", "k"), node("Reshape", "q heads", "qh"), node("Reshape", "k heads", "kh"),
         node("Einsum", "qh kh", "a", equation="bqhd,bkhd->bhqk"), node("Softmax", "a", "p", axis=-1),
         node("Einsum", "p kh", "o", equation="bhqk,bkhd->bqhd"), node("Reshape", "o flat", "f"), node("Add", "f z", "r"),
         node("Gather", "r zero", "y", axis=1)],
        [info("x", (1, 16, 24))], None,
        [weights("token", 1, 1, 24), const("one", [1, 1, 24]), weights("scale", 24), weights("shift", 24), weights("wq", 24, 24),
         weights("wk", 24, 24), const("heads", [1, 17, 4, 6]), const("flat", [1, 17, 24]), const("zero", 0)]))


def test_embedding():
    """Run-time numbers of words, positions from a shape."""
    check("embedding", model(
        [node("Gather", "words ids", "w"), node("Shape", "ids", "s"), node("Gather", "s one", "n"), node("Range", "zero n one", "at"),
         node("Gather", "places at", "p"), node("Add", "w p", "y")],
        [info("ids", (2, 5), TensorProto.INT64)], None, [weights("words", 30, 8), weights("places", 9, 8), const("one", 1), const("zero", 0)]),
        {"ids": np.array([[1, 2, 29, 0, 4], [7, 7, 3, 2, -1]], np.int64)})


def test_branch_on_shape():
    """As a squeeze of an axis of unknown size is exported: another rank in each branch."""
    then = helper.make_graph([node("ReduceSum", "h axis", "b", keepdims=0)], "then", [], [info("b", None)])
    other = helper.make_graph([node("Identity", "h", "d")], "else", [], [info("d", None)])
    for shape in ((3, 1, 4), (3, 2, 4)):
        check(f"branch {shape}", model(
            [node("Relu", "x", "h"), node("Shape", "h", "s"), node("Gather", "s axis", "n"), node("Equal", "n axis", "c"),
             node("If", "c", "y", then_branch=then, else_branch=other)], [info("x", shape)], None, [const("axis", [1])]))


def test_quantized():
    """Weights per channel and activations through 8 bits."""
    check("quantized", model(
        [node("QuantizeLinear", "x sx zx", "q"), node("DequantizeLinear", "q sx zx", "d"), node("DequantizeLinear", "w sw zw", "wd", axis=0),
         node("Conv", "d wd", "c", pads=[1, 1, 1, 1]), node("Relu", "c", "y")], [info("x", (1, 3, 9, 9))], None,
        [const("sx", 0.02, np.float32), const("zx", 128, np.uint8), const("w", RANDOM.integers(-127, 127, (8, 3, 3, 3)), np.int8),
         const("sw", RANDOM.uniform(0.001, 0.01, 8), np.float32), const("zw", [0] * 8, np.int8)]))


def test_style_transfer():
    check("style", model(
        [node("Pad", "x frame", "a", mode="reflect"), node("Conv", "a v", "b"), node("InstanceNormalization", "b scale shift", "n"),
         node("Relu", "n", "r"), node("Pad", "r frame", "e", mode="reflect"), node("Conv", "e w", "y")], [info("x", (1, 3, 12, 12))], None,
        [const("frame", [0, 0, 2, 2, 0, 0, 2, 2]), weights("v", 12, 3, 5, 5), weights("scale", 12), weights("shift", 12),
         weights("w", 3, 12, 5, 5)]))


def test_group_norm():
    """Groups by Reshape and InstanceNormalization."""
    check("groups", model(
        [node("Conv", "x w", "c"), node("Reshape", "c groups", "r"), node("InstanceNormalization", "r ones zeros", "n"), node("Shape", "c", "s"),
         node("Reshape", "n s", "u"), node("Mul", "u scale", "v"), node("Add", "v shift", "y")], [info("x", (1, 3, 8, 8))], None,
        [weights("w", 12, 3, 3, 3), const("groups", [0, 4, -1]), const("ones", [1] * 4, np.float32), const("zeros", [0] * 4, np.float32),
         weights("scale", 12, 1, 1), weights("shift", 12, 1, 1)]))


if __name__ == "__main__":
    lib.main(globals())
