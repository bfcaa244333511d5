"""Every operator's plain reference and refusals: models whose inputs are all constant fold away, and what
they become is compared with ONNX Runtime."""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]
import lib
import ml_dtypes
import numpy as np
from cases import CASES
from single import build, difference, expected

DTYPES = {"f32": "<f4", "f64": "<f8", "f16": "<f2", "bf16": ml_dtypes.bfloat16, "bool": "?", "i8": "<i1", "u8": "<u1", "i16": "<i2", "u16": "<u2",
          "i32": "<i4", "u32": "<u4", "i64": "<i8", "u64": "<u8"}


def read_outputs(data):
    arrays = []
    while data:
        line, data = data.split(b"\n", 1)
        kind, _, dims = line.decode().rstrip("]?").partition("[")
        if line.endswith(b"?"):
            return None
        shape = [int(d) for d in dims.split(",") if d]
        dtype = np.dtype(DTYPES[kind])
        size = int(np.prod(shape)) * dtype.itemsize
        arrays.append(np.frombuffer(data[:size], dtype).reshape(shape))
        data = data[size:]
    return arrays


def one_nan(array):
    """Every NaN has the same bits: an invalid operation gives one of either sign, as the host likes."""
    if array.dtype.kind == "f":  # not bfloat16, whose NaNs half.c makes
        bits = np.unique(array[np.isnan(array)].view(f"u{array.dtype.itemsize}"))
        nan = np.array(np.nan, array.dtype).view(bits.dtype)
        return np.array_equal(bits, [nan][:len(bits)])
    return True


def held(case):
    """All inputs, so that everything folds; a refusal is tested with run-time data."""
    return case["const"] if case["error"] and not case["host"] else range(len(case["inputs"]))


def check(case, base):
    error = case["error"] or case["folded"]
    if error:
        code = json.loads(Path(f"{base}.err").read_text())["code"] if os.path.exists(f"{base}.err") else "nothing"
        return None if code == error else f"refused with {code}, not {error}"
    if os.path.exists(f"{base}.err"):
        return f"refused: {Path(f'{base}.err').read_text()}"
    got = read_outputs(Path(f"{base}.out").read_bytes())
    if got is None:
        return "not folded"
    if not all(map(one_nan, got)):
        return "NaNs of several kinds"
    want = expected(case)
    if len(got) != len(want):
        return f"{len(got)} outputs, not {len(want)}"
    return next((d for d in map(difference, got, want) if d), None)


EXPANDED = "If", "Loop", "Scan"  # never evaluated: 15onnx/test_bodies.py


def check_table():
    """Rows of one operator do not overlap, and each row has a case that is not a refusal."""
    text = subprocess.run([lib.BUILD / "op_eval"], check=True, capture_output=True, text=True).stdout
    rows = [(name, int(since), int(until) or 999) for name, since, until in map(str.split, text.splitlines())]
    problems = []
    for name, since, until in rows:
        if name.startswith(".") or name in EXPANDED:
            continue
        if sum(n == name and a <= until and since <= b for n, a, b in rows) != 1:
            problems.append(f"{name}: two rows for opset {since} or later")
        if not any(c["op"] == name and since <= c["opset"] <= until and not c["error"] for c in CASES):
            problems.append(f"{name}: no case in opsets {since} to {until}")
    return problems


def main(operators):
    problems = [] if operators else check_table()
    cases = [case for case in CASES if not operators or case["op"] in operators]
    with tempfile.TemporaryDirectory() as folder:
        for k, case in enumerate(cases):
            Path(folder, f"{k}.onnx").write_bytes(build([case], held).SerializeToString())
        subprocess.run([lib.BUILD / "op_eval", folder, str(len(cases))], check=True)
        for k, case in enumerate(cases):
            problem = check(case, f"{folder}/{k}")
            if problem:
                problems.append(f"{case['name']} {case['attrs']}: {problem}")
    print(*problems, f"{len(cases)} cases, {len(problems)} problems", sep="\n")
    return bool(problems) or not cases


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
