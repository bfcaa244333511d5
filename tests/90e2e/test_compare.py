"""Every tensor that a network has in memory, at the launch that completes it, against ONNX Runtime: what
run --compare reads out of the arena is in its place, in its layout, and not yet overwritten. And dump_ref.py's
file is one that NumPy reads, with names as the model has them."""
import pathlib
import sys
import tempfile

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent.parent)]
import lib
import numpy as np
import onnx
from onnx import TensorProto, helper

import dump_ref
import models

QUICK = "pp_ocr_cls", "shufflenet_v2_x1_0", "densenet121"
HUGE = "srgan_96",  # gigabytes of intermediate values


def compare(model, folder, dims=(), words=()):
    """The client's run beside ONNX Runtime's; fails where they differ."""
    artifact, ref = folder / "m.occ", folder / "ref.npz"
    dump_ref.dump(model, ref, dims)
    lib.occamyc(model, artifact, "--code", "ptx", *lib.dims_words(dims))
    return lib.Ran([lib.RELEASE / "occamy-client", "run", artifact, "--compare", ref, "--device", "emulator", *words],
                   env={"OCCAMY_EMULATOR": "sm=87"}).ok()


def test_networks():
    for name in [*QUICK, *lib.long_set(name for name in models.QUICK if name not in QUICK + HUGE)]:
        with tempfile.TemporaryDirectory() as folder:
            ran = compare(models.path(name), pathlib.Path(folder), models.dims(name), ["--all-tensors"])
            rows = [line.split() for line in ran.out.splitlines()[1:] if line[:6].strip().isdigit()]
            print(f"{name}: {len(rows)} tensors that launches complete, the worst by {max(float(r[3]) for r in rows)} "
                  "of the tolerance")
            launches = {int(row[0]) for row in rows}
            assert len(rows) >= 20 and max(launches) < 2 * len(launches), "most launches complete no tensor"


def test_names():
    """Slashes, colons, NumPy's own argument names; all types of ours; and the same bytes again."""
    values = {"/model/0/conv/Conv_output_0": np.float32([[1, 2]]), "file": np.int64(7), "allow_pickle": np.bool_([True]),
              "x:0": np.float16([3]), "ä.npy": np.uint8([4])}
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "names.npz"
        dump_ref.write(path, values)
        first = path.read_bytes()
        with np.load(path) as loaded:
            for name, value in values.items():
                got = loaded[f"{name}.npy"] if name.endswith(".npy") else loaded[name]
                assert got.dtype == value.dtype and got.shape == value.shape and np.array_equal(got, value), name
        dump_ref.write(path, values)
        assert path.read_bytes() == first


def test_slashes():
    """The names of a model as exporters write them, from ONNX Runtime through the archive to the client."""
    names = ["x", "/model/0/Mul_output_0", "/model/1/Softmax_output_0", "y:0"]
    nodes = [helper.make_node("Mul", ["x", "x"], [names[1]], "/model/0/Mul"),
             helper.make_node("Softmax", [names[1]], [names[2]], "/model/1/Softmax"),
             helper.make_node("ReduceSum", [names[2]], [names[3]], "/model/2/ReduceSum")]
    graph = helper.make_graph(nodes, "slashes", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 9])],
                              [helper.make_tensor_value_info("y:0", TensorProto.FLOAT, None)])
    with tempfile.TemporaryDirectory() as folder:
        model = pathlib.Path(folder) / "m.onnx"
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), model)
        ran = compare(model, pathlib.Path(folder), ["n=5"], ["--all-tensors"])
        shown = {line.split()[-1] for line in ran.out.splitlines()[1:5]}
        assert shown >= {"x", *names[2:]}, ran.out


lib.main(globals())
