"""Planted bugs in the compiler's own source: a copy of one file has one line changed, and a compiler is linked
with it. The ordinary cases of operators and kernels must go red, and run --compare must name tensor, launch,
kernel, node and operator."""
import pathlib
import sys
import tempfile

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent.parent)]
import lib
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import dump_ref
import relink

SIZE = 13
# file, line, planted line, what must fail: an operator of 20op or a case of 25kernel; then what --compare says
# of the network below
PLANTS = {
    "one wrong tap": (
        "kernels/depthwise.cu", "load(f, wp + ((kz * KH + ky) * KW + kx) * 8);",
        "load(f, wp + ((kz * KH + ky) * KW + (kx == 2 ? 1 : kx)) * 8);", ["conv_depthwise.ir"],
        ("each_r", "depthwise", "each", "Conv")),
    "one transposed index": (
        "compiler/lower/concat.c", "at.axis[k] = (int8_t)k;",
        "at.axis[k] = (int8_t)(s->type.rank == 4 && k > 1 ? 5 - k : k);", ["Concat"],
        ("joined", "copy", "join", "Concat")),
    "ceil mode: one column more in the mean": (
        "compiler/lower/pool.c", "s.in[k] + (j < 0 ? 0 : a->win.pad_hi[j])",
        "s.in[k] + (j < 0 ? 0 : a->win.pad_hi[j] + a->ceil)", ["AveragePool"],
        ("mean", "pool", "pool", "AveragePool")),
    "ceil mode: one window too many": (
        "compiler/ops/window.c", "if (ceil && (*size - 1) * stride >= in + w->pad_lo[i])",
        "if (ceil && (*size - 1) * stride > in + w->pad_lo[i])", ["MaxPool"],
        ("most", "pool", "last", "MaxPool")),
}


def network(path):
    """Conv, depthwise Conv, Concat with the input, and both pools in ceil mode, at odd sizes."""
    random = np.random.default_rng(5)
    weights = {"w_stem": (16, 3, 3, 3), "w_each": (16, 1, 3, 3), "w_out": (8, 19, 1, 1)}
    same = {"pads": [1, 1, 1, 1]}
    nodes = [
        helper.make_node("Conv", ["x", "w_stem"], ["stem"], "stem", **same),
        helper.make_node("Conv", ["stem", "w_each"], ["each"], "each", group=16, **same),
        helper.make_node("Relu", ["each"], ["each_r"], "relu"),
        helper.make_node("Concat", ["each_r", "x"], ["joined"], "join", axis=1),
        helper.make_node("AveragePool", ["joined"], ["mean"], "pool", kernel_shape=[4, 4], strides=[2, 2],
                         ceil_mode=1, count_include_pad=1, **same),
        helper.make_node("MaxPool", ["mean"], ["most"], "last", kernel_shape=[1, 1], strides=[7, 7], ceil_mode=1),
        helper.make_node("Conv", ["most", "w_out"], ["y"], "out"),
    ]
    graph = helper.make_graph(
        nodes, "planted", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, SIZE, SIZE])],
        [helper.make_empty_tensor_value_info("y")],
        [numpy_helper.from_array(random.standard_normal(shape).astype(np.float32), name)
         for name, shape in weights.items()])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=10), path)


def planted_build(file, line, planted, tests, folder):
    """A folder as a build has it, whose occamyc (and what runs kernels' cases) has the bug."""
    source = lib.ROOT / file
    text = source.read_text()
    assert text.count(line) == 1, f"{file}: {text.count(line)} times {line}"
    changed = folder / source.name
    changed.write_text(text.replace(line, planted))
    if source.suffix == ".cu":
        planted_object = relink.compile_kernels(changed, folder)
    else:
        planted_object = relink.compile_as(source, changed, folder / "planted.o")
    kernels = ["test_kernels"] if any(test.endswith(".ir") for test in tests) else []
    relink.link(["occamyc", *kernels], [planted_object], folder)


def check_suite(tests, folder):
    """Each of these tests fails, and not because something can't be run."""
    for test in tests:
        if test.endswith(".ir"):
            ran = lib.Ran([folder / "test_kernels", "sm_87", lib.ROOT / "tests" / "25kernel" / test])
        else:
            ran = lib.Ran([sys.executable, lib.ROOT / "tests" / "20op" / "test_ops.py", test],
                          env={"BUILD": str(folder)})
        print(f"{test}: exit {ran.code}\n{ran.out[-800:]}", flush=True)
        assert ran.code == 1, f"{test} does not find it"


def compare(folder, model, ref):
    lib.Ran([folder / "occamyc", model, "-o", folder / "m.occ"]).ok()
    return lib.Ran([folder / "occamy-client", "run", folder / "m.occ", "--compare", ref, "--device", "emulator"],
                   env={"OCCAMY_EMULATOR": "sm=87"})


def check_named(named, folder, model, ref):
    tensor, kernel, node, operator = named
    ran = compare(folder, model, ref)
    print(ran.out)
    assert ran.code == 76, ran.err
    problem = ran.problem()
    assert (problem["code"], problem["tensor"], problem["node"], problem["op"]) == \
        ("E_DIFFERENT", tensor, node, operator), problem
    lines = ran.out.splitlines()
    assert lines[0].startswith(f"first difference: tensor {tensor} f32["), ran.out
    assert lines[1].startswith("launch   ") and lines[1].endswith(f" {kernel}"), ran.out
    assert lines[2] == f"node     {node} ({operator})", ran.out


def main():
    with tempfile.TemporaryDirectory() as tmp:
        tmp = pathlib.Path(tmp)
        network(tmp / "m.onnx")
        dump_ref.dump(tmp / "m.onnx", tmp / "ref.npz")
        ran = compare(lib.BUILD, tmp / "m.onnx", tmp / "ref.npz").ok()
        assert "tensors compared, all within" in ran.out, ran.out
        for name, (file, line, planted, tests, named) in PLANTS.items():
            print(f"-- {name}", flush=True)
            folder = tmp / name.replace(" ", "_").replace(":", "")
            folder.mkdir()
            planted_build(file, line, planted, tests, folder)
            check_suite(tests, folder)
            check_named(named, folder, tmp / "m.onnx", tmp / "ref.npz")


main()
