"""The runner itself, on a corpus of a few tests with something wrong: each wrong thing is one 'not ok' with its
reason, and the others pass whatever stands beside them."""
import pathlib
import re
import shutil
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import lib
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

RUNNER = lib.BUILD / "occamy-conformance"


def tensor(path, array):
    path.write_bytes(numpy_helper.from_array(array).SerializeToString())


def write(folder, name, node, inputs, outputs, opset=17, initializers=(), shapes=()):
    """One test: inputs by name in the order of graph.input, outputs as expected; shapes: as declared instead."""
    data = folder / name / "test_data_set_0"
    data.mkdir(parents=True)
    declared = [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(x.dtype), dict(shapes).get(n, x.shape))
                for n, x in inputs.items()]
    outs = [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(x.dtype), None) for n, x in outputs.items()]
    weights = [numpy_helper.from_array(inputs[n], n) for n in initializers]
    graph = helper.make_graph([node], name, declared, outs, weights)
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", opset)])
    (folder / name / "model.onnx").write_bytes(model.SerializeToString())
    for kind, values in ("input", inputs), ("output", outputs):
        for i, x in enumerate(values.values()):
            tensor(data / f"{kind}_{i}.pb", x)


def corpus(folder):
    random = np.random.default_rng(35)
    x, y = (random.uniform(1, 2, (3, 4)).astype(np.float32) for _ in range(2))
    add = helper.make_node("Add", ["x", "y"], ["z"], name="the node")
    write(folder, "test_a_right", add, {"x": x, "y": y}, {"z": x + y})
    off = (x + y) * np.float32(1.002)
    write(folder, "test_b_value", add, {"x": x, "y": y}, {"z": off})
    write(folder, "test_c_near", add, {"x": x, "y": y}, {"z": (x + y) * np.float32(1.0005)})
    write(folder, "test_d_shape", add, {"x": x, "y": y}, {"z": (x + y)[None]})
    write(folder, "test_e_type", add, {"x": x, "y": y}, {"z": (x + y).astype(np.float64)})
    # the expected type is not the declared one in the data only
    model = onnx.load(folder / "test_a_right" / "model.onnx")
    (folder / "test_e_type" / "model.onnx").write_bytes(model.SerializeToString())
    shutil.copytree(folder / "test_a_right", folder / "test_f_damaged")
    (folder / "test_f_damaged" / "model.onnx").write_bytes(model.SerializeToString()[:-20])
    shutil.copytree(folder / "test_a_right", folder / "test_g_no_output")
    (folder / "test_g_no_output" / "test_data_set_0" / "output_0.pb").unlink()
    shutil.copytree(folder / "test_a_right", folder / "test_h_no_input")
    (folder / "test_h_no_input" / "test_data_set_0" / "input_1.pb").unlink()
    frobnicate = helper.make_node("Frobnicate", ["x"], ["z"])
    write(folder, "test_i_operator", frobnicate, {"x": x}, {"z": x})
    shape = np.array([2, 6], np.int64)
    reshape = helper.make_node("Reshape", ["x", "shape"], ["z"])
    write(folder, "test_j_constant", reshape, {"x": x, "shape": shape}, {"z": x.reshape(2, 6)})
    relu = helper.make_node("Relu", ["x"], ["z"])
    nan = np.array([np.nan, np.inf, -1, 2], np.float32)
    write(folder, "test_k_nan", relu, {"x": nan}, {"z": np.array([np.nan, np.inf, 0, 2], np.float32)})
    write(folder, "test_l_not_nan", relu, {"x": nan}, {"z": np.array([1, np.inf, 0, 2], np.float32)})
    write(folder, "test_m_open", relu, {"x": x - 1.5}, {"z": np.maximum(x - 1.5, 0)}, shapes={"x": ["n", None]}.items())
    write(folder, "test_n_initializer", add, {"x": x, "y": y}, {"z": x + y}, initializers=["x"])
    write(folder, "test_string_concat", add, {"x": x, "y": y}, {"z": x + y})  # a name that tests.def excludes


WANT = {
    "test_a_right": ("ok", ""), "test_b_value": ("not ok", "output 'z': 12 of 12 values differ; at 0: "),
    "test_c_near": ("ok", ""), "test_d_shape": ("not ok", "output 'z' is f32[3,4], not f32[1,3,4]"),
    "test_e_type": ("not ok", "output 'z' is f32[3,4], not f64[3,4]"), "test_f_damaged": ("not ok", "E_"),
    "test_g_no_output": ("not ok", "output 'z': the test does not tell it"),
    "test_h_no_input": ("not ok", "input 'y': the test has no data for it"),
    "test_i_operator": ("ok", "# SKIP unsupported operator: Frobnicate"), "test_j_constant": ("ok", "constant: shape"),
    "test_k_nan": ("ok", ""), "test_l_not_nan": ("not ok", "1 of 4 values differ; at 0: nan is not 1"),
    "test_m_open": ("ok", ""), "test_n_initializer": ("ok", ""), "test_string_concat": ("ok", "# SKIP excluded: strings"),
}


def check(text):
    blocks = re.split(r"^(?=ok |not ok )", text, flags=re.M)
    assert blocks[0] == f"1..{len(WANT)}\n", blocks[0]
    for number, (block, (name, (verdict, words))) in enumerate(zip(blocks[1:], WANT.items(), strict=True), 1):
        assert block.startswith(f"{verdict} {number} - {name}"), block
        assert words in block, block
        assert words or block.split("\n# of those")[0].strip() == f"{verdict} {number} - {name}", block
    assert text.endswith("\n6 passed, 7 failed, 2 skipped\n"), text[-200:]


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        corpus(folder)
        outputs = []
        for jobs in 1, 3:
            ran = lib.Ran([RUNNER, folder, "--jobs", jobs], env={"TMPDIR": str(folder)})
            assert ran.code == 1, ran.err
            outputs.append(ran.out)
        check(outputs[0])
        assert outputs[0] == outputs[1], "--jobs changes the output"
        assert not list(folder.glob("occamy-conformance*")), "files are left"
        (folder / "list").write_text("test_a_right\n\ntest_k_nan # a remark\n")
        ran = lib.Ran([RUNNER, folder, "--only", folder / "list"]).ok()
        assert ran.out.endswith("2 passed, 0 failed, 0 skipped\n"), ran.out
        parts = [lib.Ran([RUNNER, folder, "--shard", f"{k}/4"]).out for k in range(4)]
        names = [re.findall(r"^(?:not )?ok \d+ - (\w+)", part, re.M) for part in parts]
        assert sorted(sum(names, [])) == sorted(WANT) and names[1][0] == "test_b_value", names
        for words, code in [(["--only", folder / "none"], 66), (["--tier", "7"], 64), (["--shard", "4/4"], 64), ([], 1),
                            (["--jobs", "0"], 64), (["--what", "1"], 64), (["--target", "sm"], 64)]:
            assert lib.Ran([RUNNER, folder, *words]).code == code, words
        (folder / "list").write_text("test_unheard_of\n")
        assert "test_unheard_of" in lib.Ran([RUNNER, folder, "--only", folder / "list"]).problem()["detail"]


if __name__ == "__main__":
    main()
