"""Every barrier of every kernel is needed, and missed: the PTX of an artifact loses one `bar.sync`, is sealed again and run on the emulated device.
The sanitizer reports the race that comes of it, or the numbers differ. A block of one warp has nobody to wait for: its barriers don't count."""
import pathlib
import re
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import lib
import numpy as np
import occ_file
import onnx
from onnx import helper

KERNELS = lib.ROOT / "tests/25kernel"
BARRIER = re.compile(r"^\s*(bar|barrier)\.sync\b")
QUICK = "softmax", "reduce", "topk"
SANITIZED = {"OCCAMY_EMULATOR": "sm=87,threads=1,sanitize=1"}


def topk(path):
    """No file of kernel cases has one: a TopK whose rows take several warps."""
    x = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [3, 200])
    outputs = [helper.make_tensor_value_info(name, kind, [3, 7])
               for name, kind in (("y", onnx.TensorProto.FLOAT), ("at", onnx.TensorProto.INT64))]
    k = onnx.numpy_helper.from_array(np.array([7]), "k")
    graph = helper.make_graph([helper.make_node("TopK", ["x", "k"], ["y", "at"])], "topk", [x], outputs, [k])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def model(name, folder):
    if name != "topk":
        return KERNELS / f"{name}.ir"
    topk(folder / "topk.onnx")
    return folder / "topk.onnx"


def barriers(artifact):
    """(kernel's index, entry, index among its barriers) of each barrier that more than one warp waits at."""
    manifest, blobs = occ_file.read(artifact)
    plan = occ_file.plan(blobs)
    wide = {launch["kernel"] for launch in plan["launches"] if np.prod(launch["block"]) > 32}
    for index in sorted(wide):
        kernel = plan["kernels"][index]
        at, size = kernel["ptx"]
        count = sum(bool(BARRIER.match(line)) for line in blobs["code"][at:at + size].decode().split("\n"))
        yield from ((index, kernel["entry"], n) for n in range(count))


def without(artifact, out, index, n):
    """A copy of the artifact whose kernel `index` has lost its n-th barrier."""
    at = -1

    def edit(_, ptx):
        nonlocal at
        at += 1
        if at != index:
            return ptx
        lines = ptx.split("\n")
        del lines[[k for k, line in enumerate(lines) if BARRIER.match(line)][n]]
        return "\n".join(lines)

    occ_file.edit_ptx(artifact, out, edit)


def run(artifact, folder):
    """(first line of the error, "") or ("", all outputs' bytes)"""
    ran = lib.Ran([lib.RELEASE / "occamy-client", "run", artifact, "--random", "3", "--output-dir", folder, "--device", "emulator"],
                  SANITIZED)
    if ran.code:
        return ran.err.strip().split("\n")[0], b""
    return "", b"".join(path.read_bytes() for path in sorted(folder.glob("output_*")))


def check(name, folder):
    """How many barriers were taken away; every one is caught."""
    artifact, outputs = folder / "whole.occ", folder / "outputs"
    outputs.mkdir()
    lib.occamyc(model(name, folder), artifact, "--code", "ptx")
    error, want = run(artifact, outputs)
    assert not error and want, error
    found, missed, races = list(barriers(artifact)), [], 0
    for index, entry, n in found:
        without(artifact, folder / "less.occ", index, n)
        error, got = run(folder / "less.occ", outputs)
        races += "race in shared memory" in error
        if not error and got == want:
            missed.append(f"{entry} (kernel {index}), barrier {n}")
    print(f"{name}: {len(found)} barriers, {races} found as races, {len(found) - races - len(missed)} by numbers or otherwise")
    assert not missed, f"{name}: nobody misses " + "; ".join(missed)
    return len(found)


def check_all(names):
    total = 0
    for name in names:
        with tempfile.TemporaryDirectory() as tmp:
            total += check(name, pathlib.Path(tmp))
    return total


def test_quick():
    assert check_all(QUICK) >= 8, "kernels have lost their barriers"


def test_all():
    """conv and gemm have a barrier per step of the pipeline and unrolled loop."""
    names = sorted(path.stem for path in KERNELS.glob("*.ir"))
    check_all(lib.long_set(name for name in names if name not in QUICK))


lib.main(globals())
