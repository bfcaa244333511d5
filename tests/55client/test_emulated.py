"""Hand-written PTX from a hand-written artifact through the client and the emulated driver."""
import json
import os

import numpy as np

import occ

N = 1000
BYTES = 4 * N

# y[i] = x[i] * w[i] + x[i], guarded; one thread per element
PTX = """//@occamy region param=0 access=r pitch=0 width={width} rows=1
//@occamy region param=1 access=r pitch=0 width=4000 rows=1
//@occamy region param=2 access=w pitch=0 width=4000 rows=1
.version 7.0
.target sm_80
.address_size 64
.visible .entry madd(.param .u64 madd_param_0, .param .u64 madd_param_1, .param .u64 madd_param_2)
{{
	.reg .pred %p<2>;
	.reg .f32 %f<5>;
	.reg .b32 %r<6>;
	.reg .b64 %rd<12>;

	ld.param.u64 %rd1, [madd_param_0];
	ld.param.u64 %rd2, [madd_param_1];
	ld.param.u64 %rd3, [madd_param_2];
	mov.u32 %r1, %ctaid.x;
	mov.u32 %r2, %ntid.x;
	mov.u32 %r3, %tid.x;
	mad.lo.s32 %r4, %r1, %r2, %r3;
	setp.gt.u32 %p1, %r4, 999;
	@%p1 bra $done;
	cvta.to.global.u64 %rd4, %rd1;
	mul.wide.u32 %rd5, %r4, 4;
	add.s64 %rd6, %rd4, %rd5;
	cvta.to.global.u64 %rd7, %rd2;
	add.s64 %rd8, %rd7, %rd5;
	ld.global.f32 %f1, [%rd6];
	ld.global.f32 %f2, [%rd8];
	fma.rn.f32 %f3, %f1, %f2, %f1;
	cvta.to.global.u64 %rd9, %rd3;
	add.s64 %rd10, %rd9, %rd5;
	st.global.f32 [%rd10], %f3;
$done:
	ret;
}}
"""
ARENA = 3 * 4096
rng = np.random.default_rng(11)
W = rng.standard_normal(N).astype(np.float32)
X = rng.standard_normal(N).astype(np.float32)


def madd(x, w):
    """fma(x, w, x) in float32: the double product and sum of floats rounds once more, nearly never otherwise."""
    return (x.astype(np.float64) * w.astype(np.float64) + x.astype(np.float64)).astype(np.float32)


def chain(width=BYTES, cubin=b"\x7fELF" + bytes(1000)):
    """Three launches: x at 0 -> 4096 -> 8192 -> 0, so that the last one overwrites the input."""
    steps = [(0, 4096), (4096, 8192), (8192, 0)]
    launches = [occ.launch([["a", a, BYTES], ["w", 256, BYTES], ["a", b, BYTES]], grid=(8, 1, 1), block=(128, 1, 1),
                           node="step %d" % i, op="Madd") for i, (a, b) in enumerate(steps)]
    return occ.artifact([("x", "f32", (N,), 0)], [("y", "f32", (10, 100), 0)], ARENA, bytes(256) + W.tobytes(),
                        [("madd", PTX.format(width=width).encode(), cubin)], launches)


def run(folder, data, *args, **env):
    path = occ.put(folder, "a.occ", data)
    x = os.path.join(folder, "x.npy")
    np.save(x, X)
    return occ.client("run", path, "--input", "x=" + x, "--output-dir", os.path.join(folder, "out"), "--device",
                      "emulator", *args, **{"OCCAMY_EMULATOR_LIB": occ.EMULATOR, **env})


def test_values(folder):
    report = os.path.join(folder, "report.json")
    r = run(folder, chain(), "--report", report)
    assert r.code == 0, r.err
    y = np.load(os.path.join(folder, "out", "output_0.npy"))
    want = madd(madd(madd(X, W), W), W).reshape(10, 100)
    assert y.std() > 0.1
    np.testing.assert_allclose(y, want, rtol=1e-6, atol=1e-6)
    with open(report) as f:
        got = json.load(f)
    assert got["launches"] == 3 and got["chip"] == "sm_87", got
    assert ARENA + len(W) * 4 <= got["device_bytes_peak"] <= ARENA + len(W) * 4 + 8192, got


def test_memory(folder):
    """device_bytes + module_bytes is what must be free; one byte less is refused before anything is loaded."""
    need = ARENA + 256 + BYTES + 1004
    r = run(folder, chain(), OCCAMY_EMULATOR="sm=87,memory=%d" % (need - 1))
    occ.expect(r, "E_DEVICE_MEMORY", 65)
    assert " %d" % need in r.problem["detail"] and " %d" % (need - 1) in r.problem["detail"], r.problem
    r = run(folder, chain(), OCCAMY_EMULATOR="sm=87,memory=%d" % need)
    assert r.code == 0, r.err


def test_faults(folder):
    """A load outside of its region ends the run, and the error names the node."""
    r = run(folder, chain(width=BYTES - 4))
    occ.expect(r, "E_DEVICE", 70)
    assert r.problem.get("node") == "step 0" and r.problem.get("op") == "Madd", r.problem
    r = run(folder, chain(), OCCAMY_EMULATOR="sm=75")
    occ.expect(r, "E_NO_CODE", 65)  # PTX for sm_80 on an older chip
    assert "sm_75" in r.problem["detail"] and "sm_75" in r.problem["hint"], r.problem
    r = run(folder, chain(), OCCAMY_EMULATOR="chip=87")
    occ.expect(r, "E_NO_DEVICE", 69)
    assert "OCCAMY_EMULATOR is not understood" in r.problem["hint"] and "'chip'" in r.err, r.err


if __name__ == "__main__":
    with occ.fresh_dir() as where:
        test_values(where)
        test_memory(where)
        test_faults(where)
