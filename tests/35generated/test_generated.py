"""The thousand generated operator cases from the ONNX file to the emulated device, against ONNX Runtime at
rtol 1e-3, atol 1e-5. 25 cases of one opset are one model; one that is refused is cut in halves, so that the report
names the culprit. A run takes the first such batch and its shard of the others; with words, the cases of these
numbers or operators: test_generated.py 17 Conv."""
import pathlib
import sys
import tempfile
import warnings

import lib
import generate
import model
import numpy as np

RTOL, ATOL = 1e-3, 1e-5


def run(cases, folder):
    """The outputs of each case. RuntimeError where the compiler or the client refuses."""
    source, artifact = folder / "cases.onnx", folder / "cases.occ"
    source.write_bytes(model.build(cases).SerializeToString())
    try:
        lib.occamyc(source, artifact, "--code", "ptx", "--kernel-cache", folder / "kernels")
        outputs, _ = lib.run_client(artifact, model.feeds(cases), folder)
    except AssertionError as error:
        raise RuntimeError(next((line for line in str(error).splitlines() if "occamy" in line), str(error))) from None
    each = iter(outputs)
    return [[next(each) for _ in case.outputs] for case in cases]


def check(case, got):
    """What is wrong with it, or None."""
    want, _ = model.expected(case)
    if isinstance(got, str):
        return got
    lively = all(x.size for x in case.inputs.values())
    try:
        for name, a, b in zip(case.outputs, got, want):
            b = np.asarray(b)
            lib.check_close(f"{case.name} {name}", a, b, RTOL, ATOL)
    except AssertionError as error:
        if lively or "does not vary" not in str(error):
            return str(error)
    return None


def describe(case):
    sizes = {name: f"{x.dtype.name}{list(x.shape)}" for name, x in {**case.inputs, **case.consts}.items()}
    nodes = [f"{op}({', '.join(operands)}) {attrs}" for op, operands, _, attrs in case.nodes]
    return f"{sizes} {'; '.join(nodes)}"


def chosen(words):
    """Lists of cases with one opset each."""
    if words:
        cases = [generate.case(n) for n in range(generate.COUNT)]
        cases = [c for n, c in enumerate(cases) if str(n) in words or any(op in words for op, *_ in c.nodes)]
        return [[c for c in cases if c.opset == opset] for opset in generate.OPSETS]
    batches = [0, *lib.long_set(range(1, generate.COUNT // generate.BATCH))]
    return [[generate.case(b * generate.BATCH + i) for i in range(generate.BATCH)] for b in batches]


def main():
    failed = count = 0
    warnings.simplefilter("ignore")  # NumPy's, in the reference
    with tempfile.TemporaryDirectory() as folder:
        for batch in filter(None, chosen(sys.argv[1:])):
            for case, got in zip(batch, lib.halved(lambda cases: run(cases, pathlib.Path(folder)), batch)):
                problem = check(case, got)
                count += 1
                if problem:
                    failed += 1
                    print(f"WRONG {problem}\n      {case.name}: {describe(case)}", flush=True)
    print(f"{count - failed} of {count} cases pass")
    return failed > 0 or not count


if __name__ == "__main__":
    sys.exit(main())
