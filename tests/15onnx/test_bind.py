"""--bind: an input given as .npy or TensorProto becomes that constant; what does not fit is E_INPUT_FILE."""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]
import lib
import numpy as np
from cases import TensorProto, helper, info, model, node
from onnx import numpy_helper


def bind(words, kind=TensorProto.FLOAT, shape=("n", 2)):
    """(what the IR says of c, None) or (None, the error's code); the model adds x [n, 2] and c."""
    made = model([node("Cast", "c", "f", to=1), node("Add", "x f", "y")], [info("x", ("n", 2)), info("c", shape, kind)])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.onnx"
        path.write_bytes(made.SerializeToString())
        ran = subprocess.run([lib.BUILD / "occamyc", path, "-d", "bind", *words], capture_output=True, text=True)
    if ran.returncode == 0:
        return next(line for line in ran.stdout.splitlines() if line.startswith("%c = ")), None
    assert ran.returncode in (65, 66), ran.stderr
    return None, json.loads(ran.stderr.splitlines()[-1])["code"]


def check(what, got, want):
    if got != want:
        raise AssertionError(f"{what}: {got}, not {want}")


def test_values():
    with tempfile.TemporaryDirectory() as folder:
        for dtype, name in [("<f4", "f32"), ("<f2", "f16"), ("<f8", "f64"), ("|i1", "i8"), ("<i2", "i16"), ("<i4", "i32"),
                            ("<i8", "i64"), ("|u1", "u8"), ("<u2", "u16"), ("<u4", "u32"), ("<u8", "u64"), ("|b1", "bool")]:
            values = np.array([[0, 1], [1, 1], [0, 0]]).astype(dtype)
            kind = helper.np_dtype_to_tensor_dtype(values.dtype)
            want = (f"%c = const {name}[3,2] {{0, 1, 1, 1, 0, 0}}", None)
            npy, pb = f"{folder}/v.npy", f"{folder}/v.pb"
            np.save(npy, values)
            Path(pb).write_bytes(numpy_helper.from_array(values).SerializeToString())
            check(f"{dtype} npy", bind(["--bind", f"c={npy}"], kind), want)
            check(f"{dtype} pb", bind(["--bind", f"c={pb}"], kind), want)
        np.save(npy, np.float32(7))
        check("scalar", bind(["--bind", f"c={npy}", "--dims", "n=3"], shape=()), ("%c = const f32[] {7}", None))
        check("no declared shape", bind(["--bind", f"c={npy}", "--dims", "n=3"], shape=None), ("%c = const f32[] {7}", None))


def test_sizes():
    with tempfile.TemporaryDirectory() as folder:
        npy = f"{folder}/v.npy"
        np.save(npy, np.zeros((3, 2), np.float32))
        check("the file gives n", bind(["--bind", f"c={npy}"])[1], None)
        check("n given twice alike", bind(["--bind", f"c={npy}", "--dims", "n=3"])[1], None)
        check("n given otherwise", bind(["--bind", f"c={npy}", "--dims", "n=4"])[1], "E_INPUT_FILE")
        check("another shape", bind(["--bind", f"c={npy}"], shape=("n", 3))[1], "E_INPUT_FILE")
        check("another rank", bind(["--bind", f"c={npy}"], shape=("n", 2, 1))[1], "E_INPUT_FILE")
        check("another type", bind(["--bind", f"c={npy}"], TensorProto.INT32)[1], "E_INPUT_FILE")
        check("no such input", bind(["--bind", f"d={npy}"])[1], "E_INPUT_UNKNOWN")
        check("no such file", bind(["--bind", f"c={folder}/none.npy"])[1], "E_NO_FILE")


def test_damage():
    with tempfile.TemporaryDirectory() as folder:
        npy = Path(folder) / "v.npy"
        np.save(npy, np.zeros((3, 2), np.float32))
        good = npy.read_bytes()
        bad = {"empty": b"", "cut": good[:-1], "long": good + b"\0", "head only": good[:9], "version": good[:6] + b"\7" + good[7:],
               "header length": good[:8] + b"\xff\xff" + good[10:], "big endian": good.replace(b"<f4", b">f4"),
               "objects": good.replace(b"<f4", b"|O4"), "shape": good.replace(b"(3, 2)", b"(3,-2)"),
               "huge": good.replace(b"(3, 2), }     ", b"(99999999999,)}"), "order": good.replace(b"False", b"True "),
               "words": b"no tensor at all", "model": model([node("Relu", "x", "y")]).SerializeToString()}
        for what, data in bad.items():
            npy.write_bytes(data)
            check(what, bind(["--bind", f"c={npy}"])[1], "E_INPUT_FILE")
        for at in range(len(good)):
            npy.write_bytes(good[:at] + bytes([good[at] ^ 0x11]) + good[at + 1:])
            if at % 7 == 0:
                bind(["--bind", f"c={npy}"])  # exit 0 or 65


if __name__ == "__main__":
    lib.main(globals())
