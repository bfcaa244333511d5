"""run --compare on artifacts made by hand: the first tensor that differs is named with its launch, kernel and
node, whatever its layout, and what does not fit is refused."""
import os
import zipfile

import numpy as np

import occ
from test_emulated import BYTES, N, PTX, W, X, madd

STEPS = madd(X, W), madd(madd(X, W), W)
PARTS = 4096 + 400  # in y: 5 rows of 100 floats, 800 bytes apart


def tensor(name, shape, offset, made, first, last, node="", op="", **more):
    row = {"name": name, "dtype": "f32", "shape": list(shape), "layout": "plain", "offset": offset, "pitch": 0,
           "width": 4 * int(np.prod(shape)), "rows": 1, "first": first, "last": last, "node": node, "op": op,
           "made": made}
    return {**row, **more}


TENSORS = [
    tensor("/m/z:0", (10, 100), 8192, 1, 1, 2, "second\nnode", "Madd"),
    tensor("x", (N,), 0, 0, 0, 0),
    tensor("y", (N,), 4096, 1, 0, 1, "first node", "Madd"),
    tensor("half", (5, 100), PARTS, 0, 1, 1, "split", "Split", pitch=800, width=400, rows=5),
    tensor("blocked", (2, 12, 31), 4096, 0, 1, 1, "view", "Reshape", layout="blocked8", width=4 * 2 * 16 * 31),
]
HALF = STEPS[0].reshape(5, 200)[:, 100:]
BLOCKED = STEPS[0][:2 * 16 * 31].reshape(2, 2, 31, 8).transpose(0, 1, 3, 2).reshape(2, 16, 31)[:, :12]
REF = {"x": X, "y": STEPS[0], "/m/z:0": STEPS[1].reshape(10, 100), "half": HALF, "blocked": BLOCKED,
       "fused": np.arange(3)}


def artifact(folder, tensors=TENSORS, width=BYTES):
    launches = [occ.launch([["a", a, BYTES], ["w", 256, BYTES], ["a", b, BYTES]], grid=(8, 1, 1), block=(128, 1, 1),
                           node=node, op="Madd") for a, b, node in ((0, 4096, "first node"),
                                                                    (4096, 8192, "second\nnode"))]
    kernel = "madd", PTX.format(width=width).encode(), b""
    data = occ.artifact([("x", "f32", (N,), 0)], [("/m/z:0", "f32", (10, 100), 8192)], 3 * 4096,
                        bytes(256) + W.tobytes(), [kernel], launches, tensors=tensors)
    return occ.put(folder, "a.occ", data)


def compare(folder, ref, *words, write=np.savez, tensors=TENSORS):
    path = os.path.join(folder, "ref.npz")
    write(path, **ref)
    return occ.client("run", artifact(folder, tensors), "--compare", path, "--device", "emulator", *words,
                      OCCAMY_EMULATOR_LIB=occ.EMULATOR)


def off_by(name, change, index):
    array = np.array(REF[name])
    array[index] += change
    return {**REF, name: array}


def test_equal(folder):
    r = compare(folder, REF)
    assert r.code == 0, r.err
    assert "5 tensors compared, all within rtol 0.001 atol 0.0001\n" in r.out, r.out
    assert "not compared: 1 of the reference's 6 tensors" in r.out, r.out


def test_first(folder):
    """In the order of the run, not of the plan."""
    both = {**off_by("y", 0.5, 321), "/m/z:0": REF["/m/z:0"] + 1}
    r = occ.expect(compare(folder, both), "E_DIFFERENT", 76)
    assert "first difference: tensor y f32[1000]\nlaunch   0 (of 0 to 1), kernel 0, madd\n" \
           "node     first node (Madd)\nelement  [321] is " in r.out, r.out
    assert "differ   1 of 1000 elements; the 1 tensors before it agree" in r.out, r.out
    assert (r.problem["node"], r.problem["op"], r.problem["tensor"]) == ("first node", "Madd", "y"), r.problem
    r = occ.expect(compare(folder, off_by("/m/z:0", 7, (2, 3))), "E_DIFFERENT", 76)
    assert "tensor /m/z:0 f32[10,100]\nlaunch   1 (of 0 to 1)" in r.out and "element  [2,3] is" in r.out, r.out
    assert r"node     second\x0anode (Madd)" in r.out, r.out


def test_places(folder):
    """An input; a part of another tensor; channels in blocks."""
    r = occ.expect(compare(folder, off_by("x", 1, 7), "--input", f"x={npy(folder, X)}"), "E_DIFFERENT", 76)
    assert "launch   none: it is an input\nelement  [7]" in r.out, r.out
    r = occ.expect(compare(folder, off_by("half", 1, (4, 99))), "E_DIFFERENT", 76)
    assert "launch   none: it lies inside of other tensors\nnode     split (Split)\nelement  [4,99]" in r.out, r.out
    r = occ.expect(compare(folder, off_by("blocked", 1, (1, 11, 30))), "E_DIFFERENT", 76)
    assert "node     view (Reshape)\nelement  [1,11,30]" in r.out, r.out


def npy(folder, array):
    path = os.path.join(folder, "in.npy")
    np.save(path, array)
    return path


def test_all(folder):
    r = occ.expect(compare(folder, {**off_by("y", 0.5, 321), "half": HALF + 1}, "--all-tensors"), "E_DIFFERENT", 76)
    rows = {line.split()[-1]: line.split() for line in r.out.splitlines()[1:6]}
    assert set(rows) == set(REF) - {"fused"}, r.out
    assert rows["y"][:3] == ["0", "madd", "Madd"] and rows["/m/z:0"][:3] == ["1", "madd", "Madd"], r.out
    assert [name for name in rows if "!" in rows[name]] == ["y", "half"], r.out
    assert "first difference: tensor y " in r.out and "2 of 5 tensors in all" in r.problem["detail"], r.out
    assert compare(folder, REF, "--all-tensors").code == 0


def test_tolerance(folder):
    """|got - want| <= atol * max(1, RMS) + rtol * |want|, and NaN where NaN is wanted."""
    big = {**REF, "y": STEPS[0].astype(np.float64)}
    limit = 1e-4 * max(1, np.sqrt(np.mean(big["y"] ** 2))) + 1e-3 * abs(big["y"][5])
    for share, code in ((0.97, 0), (1.04, 76)):
        big["y"] = STEPS[0].astype(np.float64)
        big["y"][5] += np.copysign(share * limit, -big["y"][5])  # towards zero: rtol counts less, a little
        assert compare(folder, big).code == code, share
    assert compare(folder, off_by("y", 0.5, 3), "--atol", "1").code == 0
    for value in (np.nan, np.inf):
        r = occ.expect(compare(folder, off_by("y", value, 11)), "E_DIFFERENT", 76)
        assert "element  [11] is" in r.out and "1 of 1000" in r.out, r.out
    r = occ.expect(compare(folder, REF, tensors=[{**t, "dtype": "i32"} if t["name"] == "y" else t for t in TENSORS]),
                   "E_DIFFERENT", 76)  # its bits as integers
    assert "y i32[1000]" in r.out, r.out
    bits = {**REF, "y": STEPS[0].view(np.int32) + (np.arange(N) == 4)}
    r = occ.expect(compare(folder, bits, tensors=[{**t, "dtype": "i32"} if t["name"] == "y" else t for t in TENSORS]),
                   "E_DIFFERENT", 76)  # one bit of one integer
    assert "element  [4] is" in r.out and "1 of 1000" in r.out, r.out


def test_copy(folder):
    """NAME.plain is NAME in another layout."""
    tensors = [t for t in TENSORS if t["name"] != "half"] + [{**TENSORS[2], "name": "y.plain"}]
    r = compare(folder, REF, "--all-tensors", tensors=tensors)
    assert r.code == 0 and " y.plain\n" in r.out, r.out + r.err


def test_fault(folder):
    """A launch that the device refuses is named while the ones before it were compared."""
    path = os.path.join(folder, "ref.npz")
    np.savez(path, **REF)
    r = occ.expect(occ.client("run", artifact(folder, width=BYTES - 4), "--compare", path, "--all-tensors",
                              "--device", "emulator", OCCAMY_EMULATOR_LIB=occ.EMULATOR), "E_DEVICE", 70)
    assert r.problem["node"] == "first node" and " x\n" in r.out and " y\n" not in r.out, (r.problem, r.out)


def test_refusals(folder):
    r = occ.expect(compare(folder, {**REF, "half": HALF[:4]}), "E_DIFFERENT", 76)
    assert "'half' is f32[5,100]" in r.problem["detail"] and "f32[4,100]" in r.problem["detail"], r.problem
    assert r.problem["node"] == "split" and "shape    should be f32[4,100]" in r.out, (r.problem, r.out)
    r = occ.expect(compare(folder, {**REF, "x": X[1:]}, "--input", f"x={npy(folder, X)}"), "E_INPUT_FILE", 65)
    assert "--dims" in r.problem["hint"], r.problem
    r = occ.expect(compare(folder, {"x": X, "other": X}), "E_INPUT_FILE", 65)
    assert "none of the 5 tensors" in r.problem["detail"], r.problem
    r = occ.expect(compare(folder, REF, write=np.savez_compressed), "E_INPUT_FILE", 65)
    assert "compressed" in r.problem["detail"] and "numpy.savez" in r.problem["hint"], r.problem
    r = occ.expect(compare(folder, {k: v for k, v in REF.items() if k != "x"}), "E_INPUT_MISSING", 65)
    assert r.problem["details"][0]["node"] == "x", r.problem
    occ.expect(compare(folder, {**REF, "x": X.astype(np.float64)}), "E_INPUT_FILE", 65)
    for words in (["--rtol", "-1"], ["--atol", "x"], ["--rtol", "nan"], ["--atol", ""]):
        occ.expect(compare(folder, REF, *words), "E_USAGE", 64)
    path = artifact(folder)
    occ.expect(occ.client("run", path, "--rtol", "1"), "E_USAGE", 64)
    occ.expect(occ.client("run", path, "--all-tensors"), "E_USAGE", 64)
    occ.expect(occ.client("run", path, "--compare", os.path.join(folder, "no.npz")), "E_NO_FILE", 66)
    occ.expect(occ.client("run", path, "--compare", path), "E_INPUT_FILE", 65)


def test_big_numbers(folder):
    """Archives as zipfile writes them when sizes may exceed 32 bits, and in a stream."""
    def zip64(path, **arrays):
        with zipfile.ZipFile(path, "w") as archive:
            for name, array in arrays.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, np.asarray(array))

    def stream(path, **arrays):
        with open(path, "wb") as file:
            file.tell = None  # not seekable for zipfile
            np.savez(Sink(file), **arrays)

    class Sink:
        def __init__(self, file):
            self.write, self.flush = file.write, file.flush

        def read(self):
            raise AssertionError

    for write in (zip64, stream):
        r = compare(folder, REF, write=write)
        assert r.code == 0, r.err


if __name__ == "__main__":
    with occ.fresh_dir() as where:
        for test in (test_equal, test_first, test_places, test_all, test_tolerance, test_copy, test_fault,
                     test_refusals, test_big_numbers):
            test(where)
