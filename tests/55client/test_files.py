"""Input and output files against numpy and onnx: an artifact without launches hands its inputs through."""
import json
import os

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import occ

rng = np.random.default_rng(7)
SHAPES = {"f32": (2, 3, 4), "f16": (5,), "f64": (), "i8": (1, 1, 7), "i16": (3, 2), "i32": (4,), "i64": (2, 2, 2),
          "u8": (0, 3), "u16": (9,), "u32": (2, 5), "u64": (3,), "bool": (2, 2), "bf16": (2, 3)}


def sample(dtype, shape):
    if dtype == "bf16":
        return rng.integers(0, 1 << 16, shape).astype(np.uint16)  # the bits
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    d = np.dtype(occ.DTYPES[dtype])
    if d.kind == "f":
        return np.asarray(rng.standard_normal(shape)).astype(d)
    info = np.iinfo(d)
    a = rng.integers(info.min, info.max, shape, dtype=d, endpoint=True)
    if a.size > 1:
        a.flat[0], a.flat[1] = info.min, info.max
    return a


def through():
    """One input and one output per type, at the same place."""
    tensors, at = [], 0
    for dtype, shape in SHAPES.items():
        tensors.append((dtype, dtype, shape, at))
        at += occ.up(occ.size_of(dtype, shape), 256)
    return occ.artifact([("in=" + n, d, s, o) for n, d, s, o in tensors],
                        [("out " + n, d, s, o) for n, d, s, o in tensors], at)


def typed_proto(dtype, a):
    """TensorProto with the typed field, packed as protobuf writes it."""
    if dtype == "bf16":
        p = TensorProto(data_type=TensorProto.BFLOAT16, dims=a.shape)
        p.int32_data.extend(int(v) for v in a.flat)
    elif dtype == "f16":
        p = TensorProto(data_type=TensorProto.FLOAT16, dims=a.shape)
        p.int32_data.extend(int(v) for v in a.view(np.uint16).flat)
    else:
        p = helper.make_tensor("x", helper.np_dtype_to_tensor_dtype(a.dtype), a.shape, a.flatten().tolist())
    return p.SerializeToString()


def raw_proto(dtype, a):
    if dtype != "bf16":
        return numpy_helper.from_array(a, "x").SerializeToString()
    return TensorProto(data_type=TensorProto.BFLOAT16, dims=a.shape, raw_data=a.tobytes()).SerializeToString()


def npy(folder, name, a, version):
    path = os.path.join(folder, name)
    with open(path, "wb") as f:
        np.lib.format.write_array(f, np.asarray(a), version=version)
    return path


def files(folder, values, how):
    args = []
    for dtype, a in values.items():
        if how in ("raw", "typed") or dtype == "bf16":
            text = raw_proto(dtype, a) if how == "raw" else typed_proto(dtype, a)
            path = occ.put(folder, "%s_%s.pb" % (dtype, how), text)
        else:
            path = npy(folder, "%s_%s.npy" % (dtype, how), a, how)
        args += ["--input", "in=%s=%s" % (dtype, path)]
    return args


def check_outputs(folder, values, report):
    with open(report) as f:
        rows = json.load(f)["outputs"]
    assert len(rows) == len(values)
    for n, (row, (dtype, a)) in enumerate(zip(rows, values.items())):
        assert row["name"] == "out " + dtype and row["dtype"] == dtype and row["shape"] == list(a.shape), row
        assert row["file"] == os.path.join(folder, "output_%d.%s" % (n, "pb" if dtype == "bf16" else "npy")), row
        if dtype == "bf16":
            with open(row["file"], "rb") as f:
                p = onnx.TensorProto.FromString(f.read())
            assert p.data_type == TensorProto.BFLOAT16 and list(p.dims) == list(a.shape) and p.name == row["name"]
            back = np.frombuffer(p.raw_data, np.uint16).reshape(p.dims)
        else:
            back = np.load(row["file"])
            assert back.dtype == a.dtype, (back.dtype, a.dtype)
        assert back.shape == a.shape and back.tobytes() == a.tobytes(), dtype


def test_round_trips(folder, path):
    for how in ((1, 0), (2, 0), (3, 0), "raw", "typed"):
        values = {d: sample(d, s) for d, s in SHAPES.items()}
        out, report = os.path.join(folder, "out", str(how)), os.path.join(folder, "report.json")
        r = occ.client("run", path, *files(folder, values, how), "--output-dir", out, "--report", report,
                       "--device", "emulator")
        assert r.code == 0, r.err
        check_outputs(out, values, report)


def test_summary(folder, path):
    values = {d: sample(d, s) for d, s in SHAPES.items()}
    values["f32"][0, 0, 0] = np.nan
    r = occ.client("run", path, *files(folder, values, (1, 0)))
    assert r.code == 0, r.err
    for dtype in ("i8", "i64", "u64", "f16", "f64"):
        line = next(l for l in r.out.split("\n") if l.startswith("output   out %s " % dtype))
        words = line.split()
        got = [float(words[words.index(k) + 1]) for k in ("min", "max", "mean")]
        a = values[dtype].astype(np.float64)
        np.testing.assert_allclose(got, [a.min(), a.max(), a.mean()], rtol=1e-5, atol=1e-5)
    assert "NaN 1 of 24" in r.out, r.out


def test_random(folder, path):
    """The formula of client/README.md, in numpy."""
    mask = (1 << 64) - 1

    def splitmix(seed, n):
        z = (seed + (n + 1) * 0x9E3779B97F4A7C15) & mask
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & mask
        z = (z ^ z >> 27) * 0x94D049BB133111EB & mask
        return z ^ z >> 31

    def value(dtype, r):
        bits = {"f32": 24, "f64": 24, "f16": 11, "bf16": 8}.get(dtype)
        if bits:
            return (r >> (64 - bits)) * 2.0 ** (1 - bits) - 1
        return r >> 63 if dtype == "bool" else r >> 60

    given = sample("i32", SHAPES["i32"])
    x = npy(folder, "x.npy", given, (1, 0))
    out = os.path.join(folder, "random")
    r = occ.client("run", path, "--random", 5, "--input", "in=i32=" + x, "--output-dir", out)
    assert r.code == 0, r.err
    for k, (dtype, shape) in enumerate(SHAPES.items()):
        count = int(np.prod(shape, dtype=int))
        want = np.array([value(dtype, splitmix(splitmix(5, k), i)) for i in range(count)])
        if dtype == "i32":
            want = given
        if dtype == "bf16":
            with open(os.path.join(out, "output_%d.pb" % k), "rb") as f:
                got = np.frombuffer(onnx.TensorProto.FromString(f.read()).raw_data, np.uint16)
            got = (got.astype(np.uint32) << 16).view(np.float32)
        else:
            got = np.load(os.path.join(out, "output_%d.npy" % k))
        assert np.array_equal(got.astype(np.float64).flatten(), want.astype(np.float64).flatten()), dtype
    assert r.code == 0


def test_refusals(folder, path):
    x = npy(folder, "x.npy", np.zeros((2, 3, 4), np.float32), (1, 0))
    y = npy(folder, "y.npy", np.zeros((2, 3, 5), np.float32), (1, 0))
    z = npy(folder, "z.npy", np.zeros((2, 3, 4), np.float64), (1, 0))
    f = npy(folder, "f.npy", np.asfortranarray(np.zeros((2, 3, 4), np.float32)), (1, 0))
    name = "in=f32="
    r = occ.expect(occ.client("run", path, "--random", 1, "--input", name + y), "E_INPUT_FILE", 65)
    assert "f32[2,3,4]" in r.problem["detail"] and "f32[2,3,5]" in r.problem["detail"], r.problem
    r = occ.expect(occ.client("run", path, "--random", 1, "--input", name + z), "E_INPUT_FILE", 65)
    assert "f64[2,3,4]" in r.problem["detail"], r.problem
    r = occ.expect(occ.client("run", path, "--random", 1, "--input", name + f), "E_INPUT_FILE", 65)
    assert "ascontiguousarray" in r.problem["hint"], r.problem
    occ.expect(occ.client("run", path, "--random", 1, "--input", name + "/nowhere"), "E_NO_FILE", 66)
    occ.expect(occ.client("run", path, "--random", 1, "--input", name + path), "E_INPUT_FILE", 65)
    occ.expect(occ.client("run", path, "--random", 1, "--input", name + x, "--input", name + x), "E_USAGE", 64)
    occ.expect(occ.client("run", path, "--random", 1, "--input", x), "E_USAGE", 64)
    occ.expect(occ.client("run", path, "--random", "x"), "E_USAGE", 64)
    occ.expect(occ.client("run", path, "--random", 1 << 64), "E_USAGE", 64)
    r = occ.expect(occ.client("run", path, "--random", 1, "--input", "nope=" + x), "E_INPUT_UNKNOWN", 65)
    assert "in=f32" in r.problem["hint"], r.problem
    r = occ.expect(occ.client("run", path, "--input", name + x), "E_INPUT_MISSING", 65)
    assert [d["node"] for d in r.problem["details"]] == ["in=" + d for d in SHAPES if d != "f32"], r.problem
    assert "i8[1,1,7]" in r.problem["details"][2]["detail"], r.problem


with occ.fresh_dir() as folder:
    path = occ.put(folder, "through.occ", through())
    test_round_trips(folder, path)
    test_summary(folder, path)
    test_random(folder, path)
    test_refusals(folder, path)
