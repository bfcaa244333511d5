"""Every operator from the ONNX file to the emulated device, against ONNX Runtime. Cases of one opset are
compiled and run together; where such a batch fails, one by one, so that the report names the culprit."""
import os
import pathlib
import sys
import tempfile

sys.path[:0] = [str(pathlib.Path(__file__).parent), str(pathlib.Path(__file__).parent.parent)]
import lib
import numpy as np
from cases import CASES
from single import build, difference, expected, prefixed

BATCH = 40  # kernels that NVRTC compiles per model


def feeds_of(cases):
    """What the model of these cases is fed, in the order of its inputs."""
    feeds = {}
    for k, case in enumerate(cases):
        names, _ = prefixed(case, f"c{k}_" if len(cases) > 1 else "")
        for i, (name, x) in enumerate(zip(names, case["inputs"])):
            if x is not None and i not in case["const"]:
                feeds[name] = np.asarray(x)
    return feeds


def run(cases, folder, code="ptx"):
    """The outputs of each case. RuntimeError where the compiler or the client refuses."""
    model, artifact = folder / "cases.onnx", folder / "cases.occ"
    model.write_bytes(build(cases, lambda c: c["const"]).SerializeToString())
    try:
        lib.occamyc(model, artifact, "--code", code, "--target", os.environ.get("OCCAMY_TEST_TARGET", "sm_87"),
                    build=lib.BUILD)
        outputs, _ = lib.run_client(artifact, feeds_of(cases), folder, build=lib.BUILD)
    except AssertionError as error:
        raise RuntimeError(str(error).strip().splitlines()[-1]) from None
    each = iter(outputs)
    return [[next(each) for _ in range(case["outputs"])] for case in cases]


def check(case, got):
    if isinstance(got, str):
        return got
    return next((d for d in map(difference, got, expected(case)) if d), None)


def device_cases(words):
    """The cases that have a kernel; with words, of these operators alone."""
    return [c for c in CASES if not c["error"] and not c["host"] and (not words or c["op"] in words)]


def batches(words):
    cases = device_cases(words)
    for opset in sorted({c["opset"] for c in cases}):
        same = [c for c in cases if c["opset"] == opset]
        for i in range(0, len(same), BATCH):
            yield same[i:i + BATCH]


def main():
    failed = count = 0
    with tempfile.TemporaryDirectory() as folder:
        for batch in batches(sys.argv[1:]):
            for case, got in zip(batch, lib.halved(lambda cases: run(cases, pathlib.Path(folder)), batch)):
                problem = check(case, got)
                count += 1
                if problem:
                    failed += 1
                    print(f"{case['name']} {case['attrs']}: {problem}")
    print(f"{count - failed} of {count} cases pass")
    return failed > 0 or not count


if __name__ == "__main__":
    sys.exit(main())
