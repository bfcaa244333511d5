"""The unfused eager live peak of an ONNX model: what a framework holds that runs node by node.

    python3 bench/eager.py MODEL.onnx [--dims NAME=N,... | INPUT:AXIS=N,...]...

Bytes of activations alive at the worst node, run in file order, weights apart. The rules are those
of eager PyTorch on torchvision's modules:
 1. Every node makes a new tensor, BatchNormalization and activations included; a tensor dies after
    its last use. Graph inputs are the caller's and live to the end, as graph outputs do.
 2. Relu, Clip and HardSwish work in place where nothing else reads their input (inplace=True).
 3. Views (Reshape, Flatten, Transpose, Slice, Split, ...) make nothing; their base lives on.
 4. MaxPool computes 64-bit indices, too: temporary, while it runs.
 5. A module's caller holds the arguments until the module returns. Modules are read off the
    exporter's node names (/layer1/layer1.0/conv1/Conv); a model without such names has none.
Constants and what depends on shapes alone are not activations. These rules give the measured peaks
of resnet18, resnet50, mobilenet_v2 and squeezenet1_1 to the byte (tests/90e2e/test_bench.py).
"""
import argparse
import pathlib

import numpy as np
import onnx
from onnx import helper, shape_inference

INPLACE = {"Relu", "Clip", "HardSwish"}
VIEW = {"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Identity", "Dropout", "Slice",
        "Split", "Expand"}


def bind_dims(model, words):
    """--dims as occamyc reads it: NAME=N binds a symbol, INPUT:AXIS=N one axis of an input."""
    pairs = [word.rsplit("=", 1) for text in words for word in text.split(",")]
    for graph_input in model.graph.input:
        for axis, dim in enumerate(graph_input.type.tensor_type.shape.dim):
            for name, value in pairs:
                if name in (dim.dim_param or None, f"{graph_input.name}:{axis}"):
                    dim.dim_value = int(value)
    return model


def concrete_inputs(model):
    weights = {w.name for w in model.graph.initializer}
    inputs = {}
    for i in model.graph.input:
        if i.name in weights:
            continue
        dims = i.type.tensor_type.shape.dim
        if any(not d.HasField("dim_value") or d.dim_value <= 0 for d in dims):
            raise SystemExit(f"input {i.name} has open dimensions: bind them with --dims")
        dtype = helper.tensor_dtype_to_np_dtype(i.type.tensor_type.elem_type)
        inputs[i.name] = (tuple(d.dim_value for d in dims), dtype)
    return inputs


def measured_sizes(model, inputs):
    """Bytes of every value of a run by ONNX Runtime."""
    import onnxruntime

    everything = onnx.ModelProto()
    everything.CopyFrom(model)
    del everything.graph.output[:]
    names = [name for node in model.graph.node for name in node.output if name]
    everything.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(everything.SerializeToString(), options,
                                           providers=["CPUExecutionProvider"])
    random = np.random.default_rng(0)
    feeds = {n: random.standard_normal(s).astype(t) for n, (s, t) in inputs.items()}
    return {name: value.nbytes for name, value in zip(names, session.run(names, feeds))}


def inferred_sizes(model):
    """Bytes of every value by ONNX's own shape inference; values of unknown shape are left out."""
    inferred = shape_inference.infer_shapes(model, data_prop=True)
    sizes = {}
    for value in [*inferred.graph.value_info, *inferred.graph.output]:
        tensor = value.type.tensor_type
        if tensor.HasField("shape") and all(d.HasField("dim_value") for d in tensor.shape.dim):
            count = int(np.prod([d.dim_value for d in tensor.shape.dim], dtype=np.int64))
            sizes[value.name] = count * helper.tensor_dtype_to_np_dtype(tensor.elem_type).itemsize
    return sizes


def value_sizes(model, inputs):
    sizes = inferred_sizes(model)
    missing = [n for node in model.graph.node for n in node.output if n and n not in sizes]
    return measured_sizes(model, inputs) if missing else sizes


def activations(model, inputs):
    """The names of values that depend on an input's contents."""
    found = set(inputs)
    for node in model.graph.node:
        if node.op_type not in ("Shape", "Size") and any(name in found for name in node.input):
            found.update(node.output)
    return found


def storages(model, live):
    """value -> the value whose storage it is; in-place nodes and views share their input's."""
    uses, base = {}, {}
    for node in model.graph.node:
        for name in node.input:
            uses[name] = uses.get(name, 0) + 1
    outputs = {o.name for o in model.graph.output}
    for node in model.graph.node:
        first = node.input[0] if node.input else ""
        shared = first in live and (
            node.op_type in VIEW
            or (node.op_type in INPLACE and uses[first] == 1 and first not in outputs))
        for name in node.output:
            base[name] = base.get(first, first) if shared else name
    return base


def modules(node):
    """The modules that enclose a node: /a/b/Conv -> /a, /a/b."""
    parts = node.name.split("/")[1:-1] if node.name.startswith("/") else []
    return {"/" + "/".join(parts[:k + 1]) for k in range(len(parts))}


def calls(nodes):
    """Per step, {module: (first, last)}: the call, an unbroken run of steps, that it is part of."""
    found = []
    for step, node in enumerate(nodes):
        inside = {}
        for module in modules(node):
            call = found[-1].get(module) if found else None
            inside[module] = call or [step, step]
            inside[module][1] = step
        found.append(inside)
    return found


def last_uses(model, live, base):
    """storage -> the step after which it is free, rules 1, 3 and 5."""
    nodes = model.graph.node
    last, made = {}, {}
    for step, (node, inside) in enumerate(zip(nodes, calls(nodes))):
        for name in node.output:
            made[name] = step
            last[base[name]] = max(last.get(base[name], 0), step)
        for name in filter(live.__contains__, node.input):
            root, born = base.get(name, name), made.get(name, -1)
            held = [end for begin, end in inside.values() if born < begin]
            last[root] = max([last.get(root, 0), step, *held])
    for value in [*model.graph.input, *model.graph.output]:
        last[base.get(value.name, value.name)] = len(nodes)
    return last


def eager_peak(model):
    """Bytes; the model's inputs have all dimensions bound."""
    inputs = concrete_inputs(model)
    sizes = value_sizes(model, inputs)
    live = activations(model, inputs)
    base = storages(model, live)
    last = last_uses(model, live, base)
    held = {n: int(np.prod(s, dtype=np.int64)) * np.dtype(t).itemsize
            for n, (s, t) in inputs.items()}
    peak = sum(held.values())
    for step, node in enumerate(model.graph.node):
        for name in node.output:
            if name in live and base[name] == name:
                held[name] = sizes[name]
        indices = 2 * sizes[node.output[0]] if node.op_type == "MaxPool" else 0
        peak = max(peak, sum(held.values()) + indices)
        held = {name: size for name, size in held.items() if last.get(name, 0) > step}
    return peak


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--dims", action="append", default=[])
    options = parser.parse_args()
    print(eager_peak(bind_dims(onnx.load(options.model), options.dims)))


if __name__ == "__main__":
    main()
