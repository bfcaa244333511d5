"""Functions, If, Loop and Scan, from the file to the emulated device, against ONNX Runtime: what is written out is what the
model says, with attributes, captured names and shapes that only show on the way."""
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]
import lib
import numpy as np
from cases import TensorProto, helper, info, model, node, numpy_helper, reference

OPSETS = [helper.make_opsetid("", 17), helper.make_opsetid("mine", 1)]


def constant(name, value, kind=np.int64):
    return numpy_helper.from_array(np.array(value, kind), name)


def number(name, value, kind=np.float32):
    return node("Constant", "", name, value=constant("", value, kind))


def refer(made, name, to):
    made.attribute.append(reference(name, to))
    return made


def graph(nodes, inputs="", outputs="b", constants=()):
    kinds = {"i": TensorProto.INT64, "go": TensorProto.BOOL}
    return helper.make_graph(nodes, "body", [info(n, () if n in kinds else None, kinds.get(n, TensorProto.FLOAT))
                                             for n in inputs.split()],
                             [info(n, None, TensorProto.BOOL if n == "on" else TensorProto.FLOAT) for n in outputs.split()],
                             list(constants))


def check(name, made, words=()):
    made.opset_import[0].version = 17
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "model.onnx").write_bytes(made.SerializeToString())
        lib.occamyc(folder / "model.onnx", folder / "model.occ", *words, build=lib.BUILD)
        session = lib.ort_session(folder / "model.onnx")
        feeds = lib.random_feeds(session, 15)
        want = session.run(None, feeds)
        got, _ = lib.run_client(folder / "model.occ", feeds, folder / "out", build=lib.BUILD)
        for k, (g, w) in enumerate(zip(got, want, strict=True)):
            lib.check_close(f"{name} {k}", g, w)


def functions(made, *functions):
    made.functions.extend(functions)
    made.opset_import.append(OPSETS[1])
    return made


def test_function_attributes():
    """Values of the call, the function's default, an overload, and an attribute that nobody gives."""
    leaky = helper.make_function("mine", "Leaky", ["a"], ["b"], [refer(node("LeakyRelu", "a", "b"), "alpha", "slope")],
                                 OPSETS, ["slope"])
    default = helper.make_function("mine", "Clamp", ["a"], ["b"], [refer(node("LeakyRelu", "a", "b"), "alpha", "slope")],
                                   OPSETS, [], [helper.make_attribute("slope", 0.5)])
    made = model([node("Leaky", "x", "p", domain="mine", slope=0.25), node("Leaky", "x", "q", domain="mine"),
                  node("Clamp", "x", "r", domain="mine"), node("Clamp", "x", "s", domain="mine", slope=-2.0),
                  node("Sum", "p q r s", "y")])
    check("attributes", functions(made, leaky, default))


def test_function_overload():
    def variant(overload, op):
        made = helper.make_function("mine", "F", ["a"], ["b"], [node(op, "a", "b")], OPSETS)
        made.overload = overload
        return made

    made = model([node("F", "x", "p", domain="mine"), node("F", "x", "q", domain="mine"), node("Sub", "p q", "y")], ir=10)
    made.graph.node[0].overload, made.graph.node[1].overload = "one", "two"
    check("overload", functions(made, variant("one", "Exp"), variant("two", "Tanh")))


def test_function_nested():
    """Calls within calls, two results, one of them an input's copy, an input left out, equal names inside."""
    inner = helper.make_function("mine", "Inner", ["a", "b"], ["c", "d"], [node("Mul", "a b", "c"), node("Identity", "a", "d")],
                                 OPSETS)
    outer = helper.make_function("mine", "Outer", ["x", "lo", "y"], ["d", "b"], [
        node("Inner", "x y", "a b", domain="mine"), node("Inner", "a b", "c d0", domain="mine"),
        node("Clip", "c lo", "e"), node("Add", "e d0", "d")], OPSETS)
    calls = [helper.make_node("Outer", ["x", "", "z"], ["p", "q"], domain="mine"),
             helper.make_node("Outer", ["z", "low", "q"], ["r", "s"], domain="mine"), node("Sub", "p r", "y")]
    made = model(calls, [info("x"), info("z")], [info("y"), info("s", None)],
                 [constant("low", -0.5, np.float32)])
    check("nested", functions(made, inner, outer))


def test_function_with_branch():
    """A subgraph inside a function sees its values and its attributes; the condition is known from a shape."""
    then = graph([refer(node("LeakyRelu", "a", "b"), "alpha", "slope")])
    other = graph([node("Neg", "a", "b")])
    pick = helper.make_function("mine", "Pick", ["a"], ["c"], [
        node("Shape", "a", "s"), number("at", 0, np.int64), node("Gather", "s at", "rows"), number("three", 3, np.int64),
        node("Less", "rows three", "small"), node("If", "small", "c", then_branch=then, else_branch=other)], OPSETS, ["slope"])
    made = model([node("Pick", "x", "p", domain="mine", slope=0.1), node("Transpose", "x", "t"),
                  node("Pick", "t", "q", domain="mine", slope=0.7), node("MatMul", "p q", "y")])
    check("branch in function", functions(made, pick))


def test_if():
    for value in (True, False):
        inner = graph([node("Mul", "h w", "b0")], outputs="b0")
        small = graph([node("Neg", "h", "b1")], outputs="b1")
        then = graph([node("Add", "h w", "u"), node("If", "d", "b", then_branch=inner, else_branch=small)],
                     constants=[constant("d", [not value], bool)])
        other = graph([node("Sub", "h v", "b")], constants=[constant("v", np.linspace(-1, 1, 3), np.float32)])
        made = model([node("Exp", "x", "h"), node("If", "c", "z", then_branch=then, else_branch=other), node("Abs", "z", "y")],
                     constants=[constant("c", value, bool), constant("w", np.linspace(2, 5, 6).reshape(2, 3), np.float32)])
        check(f"if {value}", made)


def test_if_at_run_time():
    for sign in ("Neg", "Abs"):
        then = graph([node("Mul", "x x", "b")])
        other = graph([node("Exp", "x", "b")])
        made = model([node(sign, "x", "a"), node("ReduceSum", "a", "s", keepdims=0), number("zero", 0.0),
                      node("Greater", "s zero", "c"), node("If", "c", "y", then_branch=then, else_branch=other)])
        check(f"if at run time {sign}", made)


def test_loop():
    """A state, a captured value, the trip's number, results of each trip; stopped by the count and by a condition."""
    for trips, limit in ((4, 9), (9, 2), (1, 1)):
        body = graph([node("Cast", "i", "f", to=1), node("Mul", "s w", "p"), node("Add", "p f", "t"), node("Tanh", "t", "part"),
                      number("limit", limit, np.int64), node("Less", "i limit", "on")], "i go s", "on t part")
        made = model([node("Loop", "m c x", "y parts", body=body)], outputs=[info("y", None), info("parts", None)], constants=[
            constant("m", trips), constant("c", True, bool), constant("w", np.linspace(0.5, 1.5, 3), np.float32)])
        check(f"loop {trips} {limit}", made)


def test_loop_shapes():
    """A state that grows, so that each trip has types of its own."""
    body = graph([node("Identity", "go", "on"), node("Concat", "s x", "t", axis=0)], "i go s", "on t")
    made = model([helper.make_node("Loop", ["m", "", "x"], ["y"], body=body)], constants=[constant("m", 3)])
    check("growing loop", made)


def test_scan():
    body = graph([node("Add", "s a", "t"), node("Mul", "t b", "p"), node("Sub", "t b", "q")], "s a b", "t p q")
    made = model([node("Scan", "v x z", "y ps qs", body=body, num_scan_inputs=2)], [info("v", (3,)), info("x", (5, 3)), info("z", (5, 3))],
                 [info("y", None), info("ps", None), info("qs", None)])
    check("scan", made)


if __name__ == "__main__":
    lib.main(globals())
