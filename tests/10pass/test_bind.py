"""--bind: values from files become constants with exactly the file's bytes; files that do not fit are refused by
name, with what was expected and what was found."""
import io
import struct
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
import lib
import numpy as np
from onnx import TensorProto, helper, numpy_helper

OCCAMYC = lib.BUILD / "occamyc"
GRAPH = """graph "g" opset 17
%x = input {x}
%y = input f32[n?,3]
%r = Relu %y
output %r
output %x
"""


def npy(array, version=(1, 0)):
    out = io.BytesIO()
    np.lib.format.write_array(out, array, version)
    return out.getvalue()


def npy_text(header, data=b"", version=1):
    text = header.encode()
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(text)) + text + data


def pb(array):
    return numpy_helper.from_array(array, "any").SerializeToString()


def bind(folder, declared, data, *words, name="x"):
    model, value = Path(folder, "g.ir"), Path(folder, "value.bin")
    model.write_text(GRAPH.format(x=declared))
    value.write_bytes(data)
    return lib.Ran([OCCAMYC, model, "-d", "bind", "--bind", f"{name}={value}", *words])


F32 = np.array([[1.5, -2.0, 3.0], [0.25, 5.0, -6.0]], np.float32)
WRITTEN = "{1.5, -2, 3, 0.25, 5, -6}"


def test_every_encoding():
    packed = helper.make_tensor("t", TensorProto.FLOAT, [2, 3], F32.ravel()).SerializeToString()
    with tempfile.TemporaryDirectory() as folder:
        for what, data in (("npy 1", npy(F32)), ("npy 2", npy(F32, (2, 0))), ("npy 3", npy(F32, (3, 0))),
                           ("raw", pb(F32)), ("packed", packed)):
            out = bind(folder, "f32[2,3]", data, "--dims", "n=2").ok().out
            assert f"%x = const f32[2,3] {WRITTEN}" in out, f"{what}:\n{out}"
            assert "%x = input" not in out and "%y = input f32[2,3]" in out and "output %x" in out, out


def test_every_type():
    with tempfile.TemporaryDirectory() as folder:
        for name, kind in (("f64", np.float64), ("f16", np.float16), ("i8", np.int8), ("i16", np.int16), ("i32", np.int32),
                           ("i64", np.int64), ("u8", np.uint8), ("u16", np.uint16), ("u32", np.uint32), ("u64", np.uint64)):
            top = 0.5 if np.issubdtype(kind, np.floating) else np.iinfo(kind).max
            array = np.array([top, 3], kind)
            for data in (npy(array), pb(array)):
                out = bind(folder, f"{name}[2]", data, "--dims", "n=2").ok().out
                assert f"%x = const {name}[2] {{{top}, 3}}" in out, out
        for data in (npy(np.array([True, False])), pb(np.array([True, False]))):
            assert "%x = const bool[2] {1, 0}" in bind(folder, "bool[2]", data, "--dims", "n=2").ok().out


def test_open_dimensions():
    with tempfile.TemporaryDirectory() as folder:
        for declared in ("f32[n?,3]", "f32[n?,?]", "f32[*]", "f32[?,?]"):
            words = [] if "n?" in declared else ["--dims", "n=2"]
            out = bind(folder, declared, npy(F32), *words).ok().out
            assert f"%x = const f32[2,3] {WRITTEN}" in out and "%y = input f32[2,3]" in out, out
        out = bind(folder, "f32[?,?]", npy(F32), "--dims", "*=7").ok().out  # the rest: after the file
        assert "%x = const f32[2,3]" in out and "%y = input f32[7,3]" in out, out
        assert "%x = const f32[] {2}" in bind(folder, "f32[]", npy(np.float32(2)), "--dims", "n=2").ok().out
        assert "%x = const f32[0,3]" in bind(folder, "f32[0,3]", npy(F32[:0]), "--dims", "n=2").ok().out


def test_refusals():
    dictionary = "{{'descr': '{}', 'fortran_order': {}, 'shape': ({})}}".format
    good = dictionary("<f4", False, "2, 3")
    bits = F32.tobytes()
    external = TensorProto(name="t", data_type=1, dims=[2, 3], data_location=1)
    external.external_data.add(key="location", value="w.bin")
    cases = [
        ("f32[2,3]", npy(F32.T.copy()), "the input is f32[2,3], the file has f32[3,2]"),
        ("f32[2,3]", npy(F32[0]), "the input is f32[2,3], the file has f32[3]"),
        ("f32[2,3]", npy(F32.astype(np.float64)), "the input is f32[2,3], the file has f64[2,3]"),
        ("i64[*]", npy(F32), "the input is i64[*], the file has f32[2,3]"),
        ("f32[n?,n?]", npy(F32), "can't be 3"),
        ("f32[2,3]", npy(F32.astype(">f4")), "'>f4'"),
        ("f32[2,3]", npy(np.asfortranarray(F32)), "Fortran"),
        ("f32[2,3]", npy(F32)[:-1], "bytes"),
        ("f32[2,3]", npy(F32) + b"\0", "bytes"),
        ("f32[2,3]", npy(F32)[:40], "header"),
        ("f32[2,3]", npy(F32)[:9], "npy"),
        ("f32[2,3]", npy_text(good, bits, version=9), "version"),
        ("f32[2,3]", npy_text("{'descr': '<f4'}", bits), "shape"),
        ("f32[2,3]", npy_text("", bits), "type"),
        ("f32[2,3]", npy_text(dictionary("<c8", False, "3"), bits), "'<c8'"),
        ("f32[*]", npy_text(dictionary("<f4", False, "-2, -3"), bits), "shape"),
        ("f32[*]", npy_text(dictionary("<f4", False, "1," * 9), bits), "shape"),
        ("f32[*]", npy_text(dictionary("<f4", False, "99999999999999999999, 9"), bits), "shape"),
        ("f32[*]", npy_text(dictionary("<f4", False, "0, 99999999999"), b""), "sizes go up to"),
        ("f32[*]", npy_text(dictionary("<f4", False, "2, 3"), bits, version=2)[:-20], "bytes"),
        ("bool[*]", npy_text(dictionary("|b1", False, "2,"), b"\1\2"), "0 or 1"),
        ("f32[2,3]", b"", "no bytes"),
        ("f32[2,3]", b"not a tensor at all", "byte"),
        ("f32[2,3]", pb(F32)[:-3], "byte"),
        ("f32[2,3]", external.SerializeToString(), "external"),
        ("f32[2,3]", pb(np.array([b"s"], object)), "data type 8"),
    ]
    with tempfile.TemporaryDirectory() as folder:
        for declared, data, words in cases:
            ran = bind(folder, declared, data, "--dims", "*=2")
            problem = ran.problem()
            assert ran.code == 65 and not ran.out, (declared, data[:80], ran.code, ran.out)
            wanted = ("E_INPUT_FILE", "E_DIM") if words in ("can't be 3", "sizes go up to") else ("E_INPUT_FILE",)
            assert problem["code"] in wanted and words in problem["detail"], (words, problem)
        hint = bind(folder, "f32[2,3]", npy(np.asfortranarray(F32)), "--dims", "*=2").problem()["hint"]
        assert "ascontiguousarray" in hint, hint


def test_names_and_files():
    with tempfile.TemporaryDirectory() as folder:
        problem = bind(folder, "f32[2,3]", npy(F32), name="z").problem()
        assert problem["code"] == "E_INPUT_UNKNOWN" and "x, y" in problem["detail"], problem
        ran = lib.Ran([OCCAMYC, Path(folder, "g.ir"), "-d", "bind", "--bind", f"x={folder}/missing.npy"])
        assert ran.code == 66 and ran.problem()["code"] == "E_NO_FILE", ran.err
        ran = bind(folder, "f32[2,3]", npy(F32), "--dims", "x:0=2,n=5")
        assert "%y = input f32[5,3]" in ran.ok().out
        ran = bind(folder, "f32[?,3]", npy(F32), "--dims", "x:0=1,n=5")
        assert "the input is f32[1,3], the file has f32[2,3]" in ran.problem()["detail"]


if __name__ == "__main__":
    lib.main(globals())
