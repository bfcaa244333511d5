"""The emulator's sanitizer, told a plan: plans that lie are found, word for word, and the true one is silent.

A chain of convolutions is compiled; then the plan says that a tensor dies a step early, that one lives on where another
is written, or belongs to another artifact."""
import json
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import lib
import numpy as np
import occ_file
import onnx
from onnx import helper, numpy_helper

STEPS = 4


def chain(path):
    random = np.random.default_rng(5)
    nodes = [helper.make_node("Conv", [f"t{i}", f"w{i}"], [f"t{i + 1}"], name=f"conv{i}", kernel_shape=[3, 3],
                              pads=[1, 1, 1, 1]) for i in range(STEPS)]
    weights = [numpy_helper.from_array(random.standard_normal((8, 8, 3, 3)).astype(np.float32), f"w{i}")
               for i in range(STEPS)]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "chain", [value("t0", 1, [1, 8, 12, 12])],
                              [value(f"t{STEPS}", 1, [1, 8, 12, 12])], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)


def run(artifact, plan, folder):
    """Standard error of a run of the artifact that is told the plan."""
    report = folder / "x.npy"
    np.save(report, np.random.default_rng(1).standard_normal((1, 8, 12, 12)).astype(np.float32))
    ran = lib.Ran([lib.RELEASE / "occamy-client", "run", artifact, "--input", f"t0={report}", "--device", "emulator",
                   "--output-dir", folder], {"OCCAMY_EMULATOR": f"threads=1,sanitize=1,plan={plan}"})
    return ran.code, ran.err


def edited(artifact, out, edit):
    manifest, blobs = occ_file.read(artifact)
    plan = json.loads(blobs["plan"])
    edit({tensor["name"]: tensor for tensor in plan["tensors"]}, plan)
    blobs["plan"] = json.dumps(plan, separators=(",", ":")).encode()
    occ_file.write(out, manifest, blobs)
    return out


def early(tensors, _):
    tensors["t2"]["last"] = 1


def held(tensors, _):
    """What the first step writes is said to live from the beginning of the second step to the end, elsewhere too."""
    target = tensors["t3"]
    tensors["t1"].update(offset=target["offset"], last=STEPS)


def shape(_, plan):
    plan["launches"][1]["grid"][2] += 1


def found(folder, artifact, name, edit, *parts):
    code, err = run(artifact, edited(artifact, folder / f"{name}.occ", edit), folder)
    assert code != 0, f"{name}: nobody saw it"
    line = next(line for line in err.splitlines() if line.startswith("occ_emulator: "))
    print(line)
    for part in parts:
        assert part in line, f"{name}: no '{part}' in {line}"


def test_plans():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        chain(folder / "chain.onnx")
        artifact = folder / "chain.occ"
        lib.occamyc(folder / "chain.onnx", artifact, "--code", "ptx")
        code, err = run(artifact, artifact, folder)
        assert code == 0 and "occ_emulator" not in err, err
        found(folder, artifact, "early", early, "step 2, kernel ", '(node "conv2"), ptx line ',
              "load of bytes never written: block (", 'tensor "t2" +', "was there until step 1")
        found(folder, artifact, "held", held, "step 2, kernel ", '(node "conv2"), ptx line ',
              "store into a tensor that must outlive the step: block (", 'tensor "t')
        found(folder, artifact, "shape", shape, "step 1 is kernel ", '(node "conv1")', "another shape")


if __name__ == "__main__":
    lib.main(globals())
