"""What the client asks of a driver, and when: a fake one records every call."""
import json
import os

import numpy as np

import occ

W = np.arange(16, dtype=np.float32)
X = np.linspace(-1, 1, 16, dtype=np.float32)
CUBIN = b"\x7fELF" + bytes(60)
ARGS = [["a", 0, 64], ["w", 256, 64], ["a", 512, 64]]
NEED = 1024 + 256 + 64 + len(CUBIN)


def adder(cubin=CUBIN, weights=bytes(256) + W.tobytes(), **how):
    return occ.artifact([("x", "f32", (16,), 0)], [("y", "f32", (4, 4), 512)], 1024, weights,
                        [("add", b".version 6.0\n", cubin)], [occ.launch(ARGS, **how)])


def log_of(folder):
    path = os.path.join(folder, "log")
    if not os.path.exists(path):
        return []
    with open(path) as f:
        lines = f.read().split("\n")[:-1]
    os.unlink(path)
    return lines


def run(folder, data, *args, **env):
    path = occ.put(folder, "a.occ", data)
    x = os.path.join(folder, "x.npy")
    np.save(x, X)
    out = os.path.join(folder, "out")
    r = occ.client("run", path, "--input", "x=" + x, "--output-dir", out, "--device", "emulator", *args,
                   FAKE_LOG=os.path.join(folder, "log"), **env)
    return r, log_of(folder)


def first(log, prefix):
    return next(i for i, line in enumerate(log) if line.startswith(prefix))


def test_order(folder):
    """Context, free memory, memory, code (cubin, then PTX), weights; inputs, launch, outputs; all given back."""
    r, log = run(folder, adder(grid=(3, 2, 1), block=(32, 4, 2), shared=128))
    assert r.code == 0, r.err
    y = np.load(os.path.join(folder, "out", "output_0.npy"))
    assert np.array_equal(y, (X + W).reshape(4, 4)), y
    order = ["cuInit", "cuDevicePrimaryCtxRetain", "cuMemGetInfo_v2", "cuMemAlloc_v2", "cuModuleLoadData cubin",
             "cuModuleLoadData ptx", "cuMemcpyHtoD_v2", "cuLaunchKernel 3 2 1 32 4 2 128", "cuCtxSynchronize",
             "cuMemcpyDtoH_v2", "cuModuleUnload", "cuMemFree_v2"]
    places = [first(log, call) for call in order]
    assert places == sorted(places), log
    assert log[-1] == "cuDevicePrimaryCtxRelease_v2", log
    assert log.count("cuMemAlloc_v2") == 2 and log.count("cuMemFree_v2") == 2, log
    assert not any(line.startswith("cuFuncSetAttribute") for line in log)
    assert not any(line in ("cuMemAlloc_v2", "cuMemsetD8_v2") for line in log[first(log, "cuLaunch"):]), log


def test_streaming(folder):
    """Weights larger than the buffer come through in parts, each where it belongs."""
    rng = np.random.default_rng(3)
    weights = bytearray(rng.integers(0, 256, 5 << 20, np.uint8).tobytes())
    for at in (0, (1 << 20) - 32, (4 << 20) + 4096, len(weights) - 64):
        weights[at:at + 64] = W.tobytes()
        data = occ.artifact([("x", "f32", (16,), 0)], [("y", "f32", (16,), 512)], 1024, bytes(weights),
                            [("add", b".version 6.0\n", b"")],
                            [occ.launch([ARGS[0], ["w", at, 64], ARGS[2]])])
        r, log = run(folder, data)
        assert r.code == 0, r.err
        assert np.array_equal(np.load(os.path.join(folder, "out", "output_0.npy")), X + W), at
        assert log.count("cuMemcpyHtoD_v2") >= 6 and "cuModuleLoadData cubin" not in log, log


def test_damage_comes_first(folder):
    """One flipped byte anywhere: refused with 65, and no driver was asked for anything."""
    data = adder()
    places = {"magic": 3, "length": 17, "digest": 40, "manifest": 200, "padding": 4000, "plan": 4200,
              "code": 8200, "weights": len(data) - 10, "last byte": len(data) - 1}
    for what, at in places.items():
        bad = bytearray(data)
        bad[at] ^= 1
        r, log = run(folder, bytes(bad))
        occ.expect(r, "E_ARTIFACT", 65)
        assert log == [], (what, log)
    for what, bad, code in (("version", data[:8] + b"\x02" + data[9:], "E_ARTIFACT_VERSION"),
                            ("cut", data[:-1], "E_ARTIFACT"), ("longer", data + b"\0", "E_ARTIFACT"),
                            ("empty", b"", "E_ARTIFACT")):
        r, log = run(folder, bad)
        occ.expect(r, code, 65)
        assert log == [], (what, log)
    bad = occ.artifact([], [("y", "f32", (16,), 512)], 1024, bytes(64), [("add", b".version 6.0\n", b"")],
                       [occ.launch([["a", 1000, 64]])])
    r, log = run(folder, bad)
    occ.expect(r, "E_ARTIFACT", 65)
    assert log == [], log


def test_memory(folder):
    r, log = run(folder, adder(), FAKE_FREE=str(NEED - 1))
    occ.expect(r, "E_DEVICE_MEMORY", 65)
    for number in (NEED, NEED - 1, NEED - len(CUBIN), len(CUBIN)):
        assert " %d" % number in r.problem["detail"], r.problem
    assert "cuMemAlloc_v2" not in log and not any(c.startswith("cuModuleLoad") for c in log), log
    assert log[-1] == "cuDevicePrimaryCtxRelease_v2", log
    report = os.path.join(folder, "report.json")
    r, log = run(folder, adder(), "--report", report, FAKE_FREE=str(NEED))
    assert r.code == 0, r.err
    with open(report) as f:
        got = occ.json.load(f)
    assert got["device_bytes_peak"] == 1024 + 256 + 64, got
    assert got["device"] == "Fake\tdevice" and got["chip"] == "sm_75" and got["driver"] == 12040, got
    assert got["launches"] == 1 and got["key"] == occ.KEY and 0 < got["rss_peak"] < 1 << 30, got
    assert got["seconds_load"] > 0 and got["seconds_run"] > 0, got


def test_code(folder):
    r, log = run(folder, adder(), FAKE_TAKES="cubin")
    assert r.code == 0 and "cuModuleLoadData ptx" not in log, (r.err, log)
    r, log = run(folder, adder(), FAKE_TAKES="none")
    occ.expect(r, "E_NO_CODE", 65)
    for word in ("sm_75", "sm_87", "12.4", "CUDA_ERROR_NO_BINARY_FOR_GPU", "CUDA_ERROR_INVALID_PTX", "kernel add"):
        assert word in r.problem["detail"], r.problem
    assert "sm_75" in r.problem["hint"], r.problem
    assert "cuLaunchKernel" not in log and log[-1] == "cuDevicePrimaryCtxRelease_v2", log
    r, log = run(folder, adder(cubin=b""), FAKE_TAKES="none")
    assert "there is none" in occ.expect(r, "E_NO_CODE", 65).problem["detail"], r.problem
    r, log = run(folder, adder(shared=65536))
    assert r.code == 0 and "cuFuncSetAttribute 8 65536" in log, log
    data = occ.artifact([], [], 1024, b"", [("sub", b".version 6.0\n", b"")], [occ.launch([["a", 0, 64]])])
    r = occ.client("run", occ.put(folder, "sub.occ", data))
    assert "cuModuleGetFunction: CUDA error 500" in occ.expect(r, "E_DEVICE", 70).problem["detail"], r.problem


def test_choice(folder):
    """auto takes CUDA where it has a device, else the emulated driver, and says so in one line."""
    path = occ.put(folder, "a.occ", adder())
    real, broken = os.path.join(folder, "real"), os.path.join(folder, "broken")
    os.mkdir(real)
    os.mkdir(broken)
    os.symlink(occ.FAKE, os.path.join(real, "libcuda.so.1"))
    occ.put(broken, "libcuda.so.1", b"")
    line = "occamy-client: no CUDA device"
    for choice, where, notice in (("auto", real, False), ("cuda", real, False), ("auto", broken, True),
                                  ("emulator", real, False), ("emulator", broken, False)):
        r = occ.client("run", path, "--random", 1, "--device", choice, LD_LIBRARY_PATH=where)
        assert r.code == 0, r.err
        assert (r.err.startswith(line) and r.err.count("\n") == 1) if notice else r.err == "", r.err
    r = occ.client("run", path, "--random", 1, LD_LIBRARY_PATH=broken)
    assert r.code == 0 and r.err.startswith(line), r.err  # auto is the default
    occ.expect(occ.client("run", path, "--random", 1, "--device", "cuda", LD_LIBRARY_PATH=broken), "E_NO_DEVICE", 69)
    r = occ.client("run", path, "--random", 1, LD_LIBRARY_PATH=broken, OCCAMY_EMULATOR_LIB="/nowhere.so")
    occ.expect(r, "E_NO_DEVICE", 69)
    occ.expect(occ.client("run", path, "--random", 1, "--device", "tpu"), "E_USAGE", 64)


def test_repeat(folder):
    """N runs more: inputs each time, events around the launches with no wait between, outputs of the last one."""
    report = os.path.join(folder, "report.json")
    r, log = run(folder, adder(), "--repeat", 4, "--report", report)
    assert r.code == 0 and "least 1.000 ms, median 5.500 ms, most 8.000 ms, of 4 runs" in r.out, r.out + r.err
    with open(report) as f:
        assert json.load(f)["timed"] == {"runs": 4, "ms_least": 1, "ms_median": 5.5, "ms_most": 8}
    assert np.array_equal(np.load(os.path.join(folder, "out", "output_0.npy")), (X + W).reshape(4, 4))
    log = log[log.index("cuEventCreate"):]
    launch = next(line for line in log if line.startswith("cuLaunchKernel"))
    once = ["cuMemcpyHtoD_v2", "cuEventRecord", launch, "cuEventRecord", "cuEventSynchronize", "cuEventElapsedTime"]
    assert log[:2 + 4 * len(once)] == ["cuEventCreate"] * 2 + 4 * once, log
    assert log[2 + 4 * len(once):][:3] == ["cuMemcpyDtoH_v2", "cuEventDestroy_v2", "cuEventDestroy_v2"], log
    assert run(folder, adder(), "--repeat", 3)[0].out.count("median 4.000 ms") == 1
    for word in ("0", "-1", "x", "1e3", "1000001", ""):
        occ.expect(run(folder, adder(), "--repeat", word)[0], "E_USAGE", 64)


with occ.fresh_dir() as folder:
    test_order(folder)
    test_repeat(folder)
    test_streaming(folder)
    test_damage_comes_first(folder)
    test_memory(folder)
    test_code(folder)
    test_choice(folder)
