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
import numpy as np
from cases import CASES
from single import build, difference, expected

DTYPES = {"f32": "<f4", "f64": "<f8", "f16": "<f2", "bool": "?", "i8": "<i1", "u8": "<u1", "i16": "<i2", "u16": "<u2",
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


def held(case):
    """All inputs, so that everything folds; a refusal is tested with run-time data."""
    return case["const"] if case["error"] and not case["host"] else range(len(case["inputs"]))


def check(case, base):
    if case["error"]:
        code = json.loads(Path(f"{base}.err").read_text())["code"] if os.path.exists(f"{base}.err") else "nothing"
        return None if code == case["error"] else f"refused with {code}, not {case['error']}"
    if os.path.exists(f"{base}.err"):
        return f"refused: {Path(f'{base}.err').read_text()}"
    got = read_outputs(Path(f"{base}.out").read_bytes())
    if got is None:
        return "not folded"
    want = expected(case)
    if len(got) != len(want):
        return f"{len(got)} outputs, not {len(want)}"
    return next((d for d in map(difference, got, want) if d), None)


def main():
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for k, case in enumerate(CASES):
            Path(folder, f"{k}.onnx").write_bytes(build([case], held).SerializeToString())
        subprocess.run([lib.BUILD / "eval", folder, str(len(CASES))], check=True)
        for k, case in enumerate(CASES):
            problem = check(case, f"{folder}/{k}")
            if problem:
                failed += 1
                print(f"{case['name']} {case['attrs']}: {problem}")
    print(f"{len(CASES) - failed} of {len(CASES)} cases pass")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
