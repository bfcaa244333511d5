"""Planted bugs: an artifact's own PTX is damaged in one place, sealed again with right digests,
and run. Every one must be caught, by a device error that names the place or by wrong numbers
(NaN-poisoned memory shows what a kernel left out)."""
import os
import re
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, "tests")
import occ_file  # noqa: E402

BUILD = os.environ.get("BUILD", "build")
M, K, N = 96, 160, 72


def model(path, rng):
    w = rng.standard_normal((K, N)).astype(np.float32)
    node = helper.make_node("MatMul", ["x", "w"], ["y"], name="product")
    graph = helper.make_graph(
        [node],
        "gemm",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [M, K])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [M, N])],
        [numpy_helper.from_array(w, "w")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return w


def run(occ, x_file, out_dir):
    env = dict(os.environ, OCCAMY_EMULATOR="sm=87")
    argv = [f"{BUILD}/occamy-client", "run", occ, "--input", f"x={x_file}", "--output-dir", out_dir]
    return subprocess.run(argv + ["--device", "emulator"], env=env, capture_output=True, text=True)


def remove_nth(pattern, n):
    """Edit that deletes the n-th line (from 0) matching pattern; sets .found when there was one."""

    def edit(entry, ptx):
        lines, seen = ptx.split("\n"), -1
        for i, line in enumerate(lines):
            if re.search(pattern, line):
                seen += 1
                if seen == n:
                    edit.found = True
                    del lines[i]
                    break
        return "\n".join(lines)

    edit.found = False
    return edit


def shift_nth_load(n):
    """Edit that moves the n-th global load 1 MiB away."""

    def edit(entry, ptx):
        seen = -1

        def move(match):
            nonlocal seen
            seen += 1
            if seen != n:
                return match.group(0)
            edit.found = True
            return f"{match.group(1)}[{match.group(2)}+{int(match.group(3) or 0) + (1 << 20)}]"

        return re.sub(r"(ld\.global[^\[\n]*)\[(%\w+)(?:\+(-?\d+))?\]", move, ptx)

    edit.found = False
    return edit


def caught(result, out_dir, want):
    """How the damage showed, or None. The numbers alone count where the run ended well."""
    if result.returncode != 0:
        return result.stderr.strip().splitlines()[-1][:100]
    got = np.load(f"{out_dir}/output_0.npy")
    bad = ~np.isclose(got, want, rtol=1e-3, atol=1e-4)
    return f"{bad.sum()} of {bad.size} numbers wrong" if bad.any() else None


def main():
    rng = np.random.default_rng(7)
    failures = 0
    with tempfile.TemporaryDirectory() as tmp:
        w = model(f"{tmp}/m.onnx", rng)
        x = rng.standard_normal((M, K)).astype(np.float32)
        np.save(f"{tmp}/x.npy", x)
        want = x.astype(np.float64) @ w.astype(np.float64)
        subprocess.run([f"{BUILD}/occamyc", f"{tmp}/m.onnx", "-o", f"{tmp}/m.occ"], check=True)
        assert caught(run(f"{tmp}/m.occ", f"{tmp}/x.npy", f"{tmp}/o"), f"{tmp}/o", want) is None
        plants = (
            [("barrier removed", lambda n: remove_nth(r"\bbar(rier)?\.sync", n))]
            + [("load shifted", shift_nth_load)]
            + [("store removed", lambda n: remove_nth(r"\bst\.global", n))]
        )
        for name, make in plants:
            for n in range(100):
                edit = make(n)
                occ_file.edit_ptx(f"{tmp}/m.occ", f"{tmp}/bad.occ", edit)
                if not edit.found:
                    break
                how = caught(run(f"{tmp}/bad.occ", f"{tmp}/x.npy", f"{tmp}/o"), f"{tmp}/o", want)
                print(f"{name} #{n}: {how or 'NOT CAUGHT'}")
                failures += how is None
            if n == 0:
                print(f"{name}: the kernel has nothing to damage")
                failures += 1
    return 1 if failures else 0


sys.exit(main())
