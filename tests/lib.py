"""What the script tests share: where the binaries are, how to run them, and the compare rule."""
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bench"))
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build-dev"))
RELEASE = pathlib.Path(os.environ.get("RELEASE", ROOT / "build"))
ALL = os.environ.get("OCCAMY_TEST_ALL") == "1"
SHARDS = 20
SHARD = os.environ.get("OCCAMY_TEST_SHARD", "none")

RTOL, ATOL = 1e-3, 1e-4

class Ran:
    """A finished program: exit code, texts, CPU seconds of it and its children, peak RSS in bytes."""

    def __init__(self, command, env=None, cwd=None):
        command = [str(word) for word in command]
        print("+", *command, flush=True)
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                     cwd=cwd, env={**os.environ, **(env or {})})
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = self.code = os.waitstatus_to_exitcode(status)
            out.seek(0)
            err.seek(0)
            self.out, self.err = out.read().decode(), err.read().decode("utf-8", "replace")
        self.cpu_seconds = usage.ru_utime + usage.ru_stime
        self.rss = usage.ru_maxrss * 1024

    def ok(self):
        if self.code != 0:
            raise AssertionError(f"exit {self.code}\n{self.out[-2000:]}\n{self.err[-4000:]}")
        return self

    def problem(self):
        """The JSON object that ends standard error on failure."""
        return json.loads(self.err.rstrip("\n").rsplit("\n", 1)[-1])


def occamyc(model, out, *words, build=RELEASE, env=None):
    """Compiles; returns the compile report."""
    report = pathlib.Path(f"{out}.report.json")
    Ran([build / "occamyc", model, "-o", out, "--report", report, *words], env).ok()
    return json.loads(report.read_text())


def dims_words(dims):
    return [word for text in dims for word in ("--dims", text)]


def write_array(path, value):
    """PATH.npy, or PATH.pb where .npy lacks the type; returns the whole name."""
    if value.dtype.name != "bfloat16":
        np.save(f"{path}.npy", value)
        return f"{path}.npy"
    import onnx.numpy_helper
    pathlib.Path(f"{path}.pb").write_bytes(onnx.numpy_helper.from_array(value).SerializeToString())
    return f"{path}.pb"


def read_array(path):
    if not path.endswith(".pb"):
        return np.load(path)
    import onnx.numpy_helper
    return onnx.numpy_helper.to_array(onnx.TensorProto.FromString(pathlib.Path(path).read_bytes()))


def sanitized(artifact, env):
    """env with the sanitizer on, told the artifact's plan; half of the artifacts, by their and the
    script's name, run blocks and warps in random order. "sanitize=" in it is left as it is."""
    words = (env or {}).get("OCCAMY_EMULATOR", os.environ.get("OCCAMY_EMULATOR", ""))
    if "sanitize=" in words:
        return env
    name = f"{pathlib.Path(sys.argv[0]).name}/{pathlib.Path(artifact).name}"
    seed = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16)
    plan = [f"plan={artifact}"] if pathlib.Path(artifact).is_file() else []  # an address has none
    return {**(env or {}), "OCCAMY_EMULATOR": ",".join(
        [*filter(None, [words]), "sanitize=1", *plan, f"schedule={seed if seed % 2 else 0}"])}


def run_client(artifact, feeds, folder, build=RELEASE, env=None, words=()):
    """Runs an artifact on the emulated device; returns (outputs by graph order, run report)."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    inputs = []
    for index, (name, value) in enumerate(feeds.items()):
        inputs += ["--input", f"{name}={write_array(folder / f'input_{index}', value)}"]
    report = folder / "run.json"
    program = Ran([build / "occamy-client", "run", artifact, *inputs, "--output-dir", folder,
                   "--device", "emulator", "--report", report, *words], sanitized(artifact, env)).ok()
    ran = {**json.loads(report.read_text()), "cpu_seconds": program.cpu_seconds}
    return [read_array(output["file"]) for output in ran["outputs"]], ran


def check_close(what, got, want, rtol=RTOL, atol=ATOL):
    """|a - b| <= atol * max(1, RMS of the output) + rtol * |b|; NaN and infinity by place and sign;
    integers exact; and the output varies. Prints the worst error as a share of what is allowed."""
    assert got.shape == want.shape, f"{what}: shape {got.shape}, not {want.shape}"
    assert got.dtype == want.dtype, f"{what}: {got.dtype}, not {want.dtype}"
    if not np.issubdtype(want.dtype, np.floating):
        assert np.array_equal(got, want), f"{what}: integers differ"
        return
    finite = np.isfinite(want)
    assert np.array_equal(np.isnan(got), np.isnan(want)), f"{what}: NaNs differ"
    assert np.array_equal(got[~finite & ~np.isnan(want)], want[~finite & ~np.isnan(want)]), what
    a, b = got[finite].astype(np.float64), want[finite].astype(np.float64)
    rms = float(np.sqrt(np.mean(b * b))) if b.size else 0.0
    assert b.size < 2 or np.std(b) > 1e-3 * rms > 0, f"{what}: the output does not vary"
    allowed = atol * max(1.0, rms) + rtol * np.abs(b)
    worst = float(np.max(np.abs(a - b) / allowed, initial=0.0))
    print(f"{what}: worst error {worst:.4f} of the tolerance, RMS {rms:.4g}, std {np.std(b):.4g}")
    assert worst <= 1.0, f"{what}: {worst:.3g} times the tolerance"


def ort_session(path, bound=()):
    """ONNX Runtime, the independent implementation that results are compared with."""
    import onnx
    import onnxruntime
    from eager import bind_dims

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    model = bind_dims(onnx.load(path), bound)
    return onnxruntime.InferenceSession(model.SerializeToString(), options,
                                        providers=["CPUExecutionProvider"])


def random_feeds(session, seed):
    random = np.random.default_rng(seed)
    return {i.name: random.standard_normal(i.shape).astype(np.float32)
            for i in session.get_inputs()}


def shard_of(index, what):
    """Items of a list go to the shards in turn; each list begins elsewhere, by its name."""
    return (int(hashlib.sha256(what.encode()).hexdigest()[:8], 16) + index) % SHARDS


def long_set(items, what=None):
    """What this run takes of items that are too slow for every run: all with --all, else those of the
    run's shard, in order; none where no run.sh chose one. what: the list's name, else the script's."""
    items = list(items)
    what = what or "/".join(pathlib.Path(sys.argv[0]).parts[-2:])
    taken = items if ALL else [item for index, item in enumerate(items)
                               if str(shard_of(index, what)) == SHARD]
    print(f"long set: {len(taken)} of {len(items)} of {what}, shard {'all' if ALL else SHARD}",
          flush=True)
    return taken


def halved(run, cases):
    """run(cases), a result per case; where it refuses (RuntimeError), its halves: one text per refused case."""
    try:
        return run(cases)
    except RuntimeError as error:
        if len(cases) == 1:
            return [str(error)]
        half = len(cases) // 2
        return halved(run, cases[:half]) + halved(run, cases[half:])


def skip(reason):
    print(reason)
    sys.exit(77)


def main(tests):
    """Runs every function of a test file whose name begins with test_, in order."""
    for name, function in list(tests.items()):
        if name.startswith("test_") and callable(function):
            print(f"-- {name}", flush=True)
            function()
