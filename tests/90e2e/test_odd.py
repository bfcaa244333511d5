"""Odd models that are legal give ONNX Runtime's results: long chains, one value read hundreds of times, operators of hundreds
of inputs, graphs without a node or without an element."""
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
import lib
import numpy as np
from onnx import TensorProto, helper, numpy_helper


def info(name, shape=(5, 7)):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def check(name, nodes, inputs=("x",), outputs=(("y", None),), constants=(), shape=(5, 7)):
    graph = helper.make_graph(nodes, "odd", [info(i, shape) for i in inputs], [info(*o) for o in outputs], list(constants))
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    made.ir_version = 8
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "odd.onnx")
        path.write_bytes(made.SerializeToString())
        lib.occamyc(path, Path(folder, "odd.occ"))
        rng = np.random.default_rng(3)
        feeds = {i: rng.standard_normal(shape).astype(np.float32) for i in inputs}
        got, _ = lib.run_client(Path(folder, "odd.occ"), feeds, folder)
        want = lib.ort_session(path).run(None, feeds)
        for k, (a, b) in enumerate(zip(got, want, strict=True)):
            assert a.shape == b.shape, (name, a.shape, b.shape)
            if b.size:
                lib.check_close(f"{name}, output {k}", a, b)


def node(op, inputs, output, **attributes):
    return helper.make_node(op, inputs, [output], **attributes)


def test_chain():
    count = 1000
    steps = [node("Neg" if i % 3 else "Tanh", [f"t{i}"], f"t{i + 1}") for i in range(12)]
    steps += [node("Neg", [f"t{i}"], f"t{i + 1}") for i in range(12, count)]
    check("chain", steps, ("t0",), ((f"t{count}", None),))


def test_fan_out():
    readers = [node("Exp", ["x"], f"o{i}") for i in range(200)]
    check("fan out", [*readers, node("Sum", [f"o{i}" for i in range(200)], "y")])


def test_wide_concat():
    check("concat", [node("Concat", ["x", "z"] * 200, "y", axis=1)], ("x", "z"))


def test_passed_through():
    check("passed through", [node("Exp", ["x"], "y")], outputs=(("x",), ("y", None)))


def test_constant_output():
    constant = numpy_helper.from_array(np.arange(6, dtype=np.float32).reshape(2, 3), "c")
    check("constant", [node("Exp", ["x"], "y")], outputs=(("c", (2, 3)), ("y", None)), constants=[constant])


def test_no_element():
    check("no element", [node("Exp", ["x"], "y")], shape=(0, 7))


def test_backwards():
    check("backwards", [node("Neg", ["b"], "y"), node("Exp", ["a"], "b"), node("Tanh", ["x"], "a")])


if __name__ == "__main__":
    lib.main(globals())
