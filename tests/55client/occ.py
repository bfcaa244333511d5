"""Small artifacts made by hand, and a way to run the client."""
import hashlib
import json
import os
import subprocess
import tempfile

import numpy as np

import occ_file

BUILD = os.environ["BUILD"]
CLIENT = os.path.join(BUILD, "occamy-client")
FAKE = os.path.join(BUILD, "libfake_driver.so")
EMULATOR = os.path.join(BUILD, "libocc_emulator.so")
KEY = hashlib.sha256(b"test").hexdigest()

DTYPES = {"f32": "<f4", "f16": "<f2", "f64": "<f8", "i8": "|i1", "i16": "<i2", "i32": "<i4", "i64": "<i8",
          "u8": "|u1", "u16": "<u2", "u32": "<u4", "u64": "<u8", "bool": "|b1"}


def size_of(dtype, shape):
    item = 2 if dtype == "bf16" else np.dtype(DTYPES[dtype]).itemsize
    return item * int(np.prod(shape, dtype=np.int64))


def up(n, to):
    return (n + to - 1) // to * to


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def artifact(inputs, outputs, arena, weights=b"", kernels=(), launches=(), tensors=(), **more):
    """inputs, outputs: [(name, dtype, shape, offset)]; kernels: [(entry, ptx, cubin)]; tensors: the plan's.
    More: manifest members."""
    def rows(tensors):
        return [{"name": n, "dtype": d, "shape": list(s), "offset": o, "bytes": size_of(d, s)}
                for n, d, s, o in tensors]
    code, table = b"", []
    for entry, ptx, cubin in kernels:
        row = {"entry": entry, "ptx": [len(code), len(ptx) + 1]}
        code += ptx + b"\0"
        row["cubin"] = [len(code), len(cubin)]
        code += cubin
        table.append({**row, "registers": 8, "spill_bytes": 0, "shared_bytes": 0})
    plan = {"format": 2, "arena_bytes": arena, "weights_bytes": len(weights), "steps": len(launches),
            "tensors": list(tensors), "kernels": table, "launches": list(launches)}
    manifest = {"format": 1, "key": KEY, "name": "test", "target": "sm_87", "precision": "fp32", "compiler": "test",
                "toolchain": "none", "options": {}, "inputs": rows(inputs), "outputs": rows(outputs),
                "arena_bytes": arena, "arena_lower_bound_bytes": arena, "weights_bytes": len(weights),
                "input_bytes": sum(size_of(d, s) for _, d, s, _ in inputs),
                "output_bytes": sum(size_of(d, s) for _, d, s, _ in outputs), "device_bytes": arena + len(weights),
                "module_bytes": sum(len(c) for _, _, c in kernels), "launches": len(launches),
                "kernels": len(kernels), "certificate": "optimal: max-live",
                "order": "exact", "metadata": {}}
    manifest.update(more)
    return occ_file.seal(manifest, {"plan": compact(plan), "code": code, "weights": weights})


def launch(args, grid=(1, 1, 1), block=(32, 1, 1), shared=0, node="node", op="Add"):
    """args: [space, offset, bytes] and, in the arena, access, tensor, rows, pitch; else "rw", none, 1, 0."""
    args = [[*a, "rw", -1, 1, 0] if a[0] == "a" and len(a) == 3 else list(a) for a in args]
    return {"kernel": 0, "grid": list(grid), "block": list(block), "shared": shared, "node": node, "op": op,
            "args": args}


class Result:
    def __init__(self, done):
        self.code, self.out = done.returncode, done.stdout.decode()
        self.err = done.stderr.decode()
        for line in (self.out + self.err).replace("\t", "").split("\n"):
            assert all(c >= " " and c != "\x7f" for c in line), "control byte printed: %r" % line
        lines = self.err.rstrip("\n").split("\n")
        self.problem = json.loads(lines[-1]) if self.code else None


def client(*args, **env):
    """Runs the client on the fake driver unless env says else; a failure must end with a problem object."""
    full = {**os.environ, "OCCAMY_EMULATOR_LIB": FAKE, **env}
    return Result(subprocess.run([CLIENT, *map(str, args)], env=full, capture_output=True, timeout=120))


def expect(result, code, exit_code):
    assert result.code == exit_code, (result.code, result.out, result.err)
    assert (result.problem or {}).get("code") == code, (result.out, result.err)
    return result


def fresh_dir():
    return tempfile.TemporaryDirectory(prefix="occ.")


def put(folder, name, data):
    path = os.path.join(folder, name)
    with open(path, "wb") as f:
        f.write(data)
    return path
