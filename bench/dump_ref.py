"""Every value of a model by ONNX Runtime, for occamy-client run --compare.

    python3 bench/dump_ref.py MODEL.onnx [--dims A=N,...]... [--input X=X.npy]... [--seed N] OUT.npz

Optimisations are off, and each intermediate value is made an output. OUT.npz holds inputs, intermediate
values and outputs under their ONNX names, those of NumPy's types: a member NAME.npy is stored as it is,
whatever NAME is, and numpy.load(OUT.npz)[NAME] reads it. Inputs that are not given are drawn from the
seed: reals from the normal distribution, integers from 0 to 9. The same words give the same bytes."""
import argparse
import pathlib
import zipfile

import numpy as np
import onnx
import onnxruntime

from eager import bind_dims, concrete_inputs


def draw(random, shape, dtype):
    if dtype == bool:
        return random.integers(0, 2, shape).astype(bool)
    if np.issubdtype(dtype, np.integer):
        return random.integers(0, 10, shape).astype(dtype)
    return random.standard_normal(shape).astype(dtype)


def feeds_of(model, given, seed):
    """What is given, which binds its shape, and the rest from the seed."""
    for value in model.graph.input:
        for dim, size in zip(value.type.tensor_type.shape.dim, given.get(value.name, np.empty(())).shape):
            dim.dim_value = size
    random = np.random.default_rng(seed)
    return {name: given[name] if name in given else draw(random, *kind)
            for name, kind in concrete_inputs(model).items()}


def values_of(model, feeds):
    """All values that the graph's nodes make, by name; not those of subgraphs and functions."""
    names = [name for node in model.graph.node for name in node.output if name]
    del model.graph.output[:]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options,
                                           providers=["CPUExecutionProvider"])
    return dict(zip(names, session.run(names, feeds)))


def is_plain(value):
    return isinstance(value, np.ndarray) and value.dtype.kind in "fiub" and value.dtype.isbuiltin == 1


def write(path, values):
    """What numpy.savez writes, but for names that are its own arguments, and without the time of day."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, value in values.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(value, order="C"), allow_pickle=False)


def dump(model, out, dims=(), given=(), seed=0):
    model = bind_dims(onnx.load(model), dims)
    feeds = feeds_of(model, {name: np.load(file) for name, file in given}, seed)
    values = {**feeds, **values_of(model, feeds)}
    write(out, {name: value for name, value in values.items() if is_plain(value)})


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--dims", action="append", default=[])
    parser.add_argument("--input", action="append", default=[],
                        type=lambda word: word.rsplit("=", 1))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    dump(options.model, options.out, options.dims, options.input, options.seed)


if __name__ == "__main__":
    main()
