"""Random networks (random_net.py) on the emulated device against ONNX Runtime without its optimisations.

Every element is within tolerance of ONNX Runtime's, or, where the order of rounding matters (a comparison that tips
over), of a run in double precision. Each network runs once more without any rewrite and with storage that nothing
shares: the same bits, or, where constants had gone into weights or attention was fused, within tolerance.

    python3 tests/90e2e/test_random_graphs.py [SEED]..."""
import concurrent.futures
import os
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import lib
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

import random_net

COUNT = 500
# Seeds that have found something, and what.
FOUND = {15: "a view of integers that shares nothing was refused",
         149: "a convolution summed in another order where its input had the other layout"}


def as_double(model):
    """The same model computed in double precision."""
    model = onnx.ModelProto.FromString(model.SerializeToString())

    def convert(tensor):
        if tensor.data_type == TensorProto.FLOAT:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float64), tensor.name))

    for weight in model.graph.initializer:
        convert(weight)
    for value in (*model.graph.input, *model.graph.output):
        if value.type.tensor_type.elem_type == TensorProto.FLOAT:
            value.type.tensor_type.elem_type = TensorProto.DOUBLE
    for node in model.graph.node:
        for attribute in node.attribute:
            convert(attribute.t)
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i == TensorProto.FLOAT:
                attribute.i = TensorProto.DOUBLE
            for value in attribute.g.output:
                value.type.tensor_type.elem_type = TensorProto.DOUBLE
    return model


def outside(got, want):
    """Where got is not within tolerance of want."""
    if not np.issubdtype(want.dtype, np.floating):
        return got != want
    a, b = got.astype(np.float64), want.astype(np.float64)
    rms = float(np.sqrt(np.mean(b * b))) if b.size else 0.0
    return ~(np.abs(a - b) <= lib.ATOL * max(1.0, rms) + lib.RTOL * np.abs(b))


def compare(seed, model, feeds, got, want):
    double = None
    for index, (a, b) in enumerate(zip(got, want, strict=True)):
        assert a.shape == b.shape and a.dtype == b.dtype, f"seed {seed}, output {index}: {a.dtype}{a.shape}"
        wrong = outside(a, b)
        if not wrong.any():
            continue
        if double is None:
            double = ReferenceEvaluator(as_double(model)).run(
                None, {name: feed.astype(np.float64) if feed.dtype == np.float32 else feed
                       for name, feed in feeds.items()})
        wrong &= outside(a, double[index])
        place = np.argwhere(wrong)[:1].tolist()
        assert not wrong.any(), f"seed {seed}, output {index}: {wrong.sum()} of {wrong.size} are wrong, as at {place}"


def run(seed, path, feeds, folder, words):
    artifact = folder / "net.occ"
    report = lib.occamyc(path, artifact, "--code", "ptx", "--kernel-cache", folder.parent / "kernels", *words)
    return lib.run_client(artifact, feeds, folder)[0], report


def check(seed, parent):
    """How many outputs vary, of how many; with how many rewrites."""
    folder = pathlib.Path(parent) / str(seed)
    folder.mkdir()
    model, feeds = random_net.build(seed)
    path = folder / "net.onnx"
    onnx.save(model, path)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    want = session.run(None, feeds)
    got, report = run(seed, path, feeds, folder, [])
    compare(seed, model, feeds, got, want)
    plain, _ = run(seed, path, feeds, folder, ["--off", "all"])
    if report["rewrites"]["weights"] or report["rewrites"]["attention"]:  # those that round in another order
        compare(seed, model, feeds, plain, want)
    else:
        for index, (a, b) in enumerate(zip(got, plain, strict=True)):
            assert a.tobytes() == b.tobytes(), f"seed {seed}, output {index}: other bits without rewrites"
    varying = sum(w.size > 1 and np.std(w.astype(np.float64)) > 1e-6 for w in want)
    return varying, len(want), sum(report["rewrites"].values())


def complaint(seed, parent):
    try:
        return check(seed, parent), None
    except Exception as error:  # of one network: all are looked at
        return None, f"seed {seed}: {type(error).__name__}: {error}"


def test_networks():
    seeds = [int(word) for word in sys.argv[1:]] or sorted({*FOUND, *lib.long_set(range(COUNT), "random graphs")})
    with tempfile.TemporaryDirectory() as tmp:
        (pathlib.Path(tmp) / "kernels").mkdir()
        with concurrent.futures.ThreadPoolExecutor(min(4, os.cpu_count())) as pool:
            results = list(pool.map(complaint, seeds, [tmp] * len(seeds)))
    wrong = [text for _, text in results if text]
    print(*wrong, sep="\n")
    counts = [counts for counts, _ in results if counts]
    varying, outputs, rewrites = (sum(c) for c in zip(*counts)) if counts else (0, 0, 0)
    print(f"{len(seeds)} networks, {len(wrong)} wrong; {outputs} outputs, {varying} of them vary; {rewrites} rewrites")
    assert not wrong, f"{len(wrong)} of {len(seeds)} are wrong"
    assert varying > outputs * 0.6 or len(seeds) < 5


lib.main(globals())
