"""Every byte of a small model changed, removed, cut off: the reader never falls over (run with the sanitizers)."""
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]
import lib
import numpy as np
from cases import TensorProto, helper, info, node, reference
from onnx import numpy_helper


def body(nodes, inputs, outputs):
    return helper.make_graph(nodes, "body", [info(n, None) for n in inputs], [info(n, None) for n in outputs])


def small_model():
    """A bit of everything that the reader knows: encodings, attributes, Constant, metadata, a function, subgraphs."""
    rng = np.random.default_rng(1)
    weights = [numpy_helper.from_array(rng.standard_normal((4, 3, 3, 3), np.float32), "w"),
               helper.make_tensor("b", TensorProto.FLOAT, [4], [0.1, 0.2, 0.3, 0.4]),
               helper.make_tensor("shape", TensorProto.INT64, [2], [0, -1]),
               helper.make_tensor("default", TensorProto.FLOAT, [1], [2.0]), helper.make_tensor("yes", TensorProto.BOOL, [], [1]),
               helper.make_tensor("trips", TensorProto.INT64, [], [2])]
    nodes = [node("Conv", "x w b", "c", "conv", kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2]),
             node("MaxPool", "c", "p", "pool", kernel_shape=[2, 2], strides=[2, 2], auto_pad="VALID"),
             helper.make_node("Constant", [], ["k"], value=numpy_helper.from_array(np.float32(0.5))),
             node("Mul", "p k", "m"), node("Add", "m default", "a"), node("Reshape", "a shape", "r"),
             node("Softmax", "r", "q", "last", axis=1), node("Twice", "q", "t", domain="mine", slope=0.5),
             node("If", "yes", "u", then_branch=body([node("Mul", "t k", "v")], [], ["v"]),
                  else_branch=body([node("Neg", "q", "w0")], [], ["w0"])),
             node("Loop", "trips yes u", "y", body=body([node("Identity", "go", "on"), node("Add", "s t", "z")], ["i", "go", "s"],
                                                        ["on", "z"]))]
    graph = helper.make_graph(nodes, "small", [info("x", ("batch", 3, 8, 8)), info("default", (1,))],
                              [info("y", ("batch", 16))], weights, value_info=[info("c", ("batch", 4, 4, 4))])
    leaf = helper.make_function("mine", "Twice", ["a"], ["b"], [node("LeakyRelu", "a", "c"), node("Add", "c a", "b")],
                                [helper.make_opsetid("", 13)], ["slope"])
    leaf.node[0].attribute.append(reference("alpha", "slope"))
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13), helper.make_opsetid("mine", 1)],
                             functions=[leaf])
    made.ir_version = 8
    made.metadata_props.add(key="labels", value="a,b")
    return made.SerializeToString()


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "small.onnx"
        path.write_bytes(small_model())
        print(lib.Ran([lib.BUILD / "onnx_damage", path, 1]).ok().out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
