"""Cases as ONNX models, and what ONNX Runtime says of them."""
import numpy as np
import onnx
import onnx.reference
import onnxruntime
from onnx import helper, numpy_helper

Unsupported = onnxruntime.capi.onnxruntime_pybind11_state
IR_VERSION = 10


def prefixed(case, prefix):
    """Names of the inputs ("" where omitted) and outputs of a case."""
    names = ["" if x is None else f"{prefix}x{i}" for i, x in enumerate(case["inputs"])]
    return names, [f"{prefix}y{i}" for i in range(case["outputs"])]


def build(cases, const):
    """One model of all cases, which share an opset. const(case): indices of inputs it holds itself."""
    nodes, inputs, outputs, weights = [], [], [], []

    for k, case in enumerate(cases):
        ins, outs = prefixed(case, f"c{k}_" if len(cases) > 1 else "")
        for i, (name, x) in enumerate(zip(ins, case["inputs"])):
            if x is not None and i in const(case):
                weights.append(numpy_helper.from_array(np.asarray(x), name))
            elif x is not None:
                x = np.asarray(x)
                inputs.append(helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(x.dtype), list(x.shape)))
        attrs = {a: numpy_helper.from_array(v) if isinstance(v, np.ndarray) else v for a, v in case["attrs"].items()}
        nodes.append(helper.make_node(case["op"], ins, outs, name=f"node{k}", **attrs))
        outputs += map(helper.make_empty_tensor_value_info, outs)
    graph = helper.make_graph(nodes, "cases", inputs, outputs, weights)
    return helper.make_model(graph, ir_version=IR_VERSION,
                             opset_imports=[helper.make_opsetid("", cases[0]["opset"])])


def expected(case):
    """Outputs by ONNX Runtime, without its optimiser; by ONNX's own reference where it has no kernel."""
    if case["want"] is not None:
        return case["want"]
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    # an output's type must be known to the runtime
    model = onnx.shape_inference.infer_shapes(build([case], lambda c: c["const"]))
    names, _ = prefixed(case, "")
    feed = {n: np.asarray(x) for i, (n, x) in enumerate(zip(names, case["inputs"]))
            if x is not None and i not in case["const"]}
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return session.run(None, feed)
    except (Unsupported.NotImplemented, Unsupported.InvalidArgument, Unsupported.Fail, Unsupported.InvalidGraph,
            RuntimeError):
        return onnx.reference.ReferenceEvaluator(model).run(None, feed)


def difference(got, want, rtol=1e-4, atol=1e-5):
    """Why got is not want, or None."""
    if got.dtype != want.dtype or got.shape != want.shape:
        return f"{got.dtype}{list(got.shape)} is not {want.dtype}{list(want.shape)}"
    if got.dtype.name == "bfloat16":
        got, want = got.astype(np.float32), want.astype(np.float32)
    if not np.issubdtype(got.dtype, np.floating):
        return None if np.array_equal(got, want) else f"{got.ravel()[:8]} is not {want.ravel()[:8]}"
    if got.dtype == np.float16:  # what is added up on the way is rounded, too, and may cancel
        rtol, atol = 2e-3, 1e-3
    if got.dtype == np.float64:
        rtol, atol = 1e-10, 1e-12
    a, b = got.astype(np.float64), want.astype(np.float64)
    finite = np.isfinite(b)
    if not np.array_equal(np.isnan(a), np.isnan(b)) or not np.array_equal(a[~finite & ~np.isnan(b)], b[~finite & ~np.isnan(b)]):
        return f"NaN or infinity differ: {a.ravel()[:20]} is not {b.ravel()[:20]}"
    # a type's largest numbers must not excuse the others
    rms = np.sqrt(np.mean(np.minimum(np.abs(b[finite]), 1e4) ** 2)) if finite.any() else 0
    error = np.abs(a[finite] - b[finite]) - atol * max(1, rms) - rtol * np.abs(b[finite])
    if error.size and error.max() > 0:
        worst = np.argmax(error)
        return f"{a[finite][worst]} is not {b[finite][worst]} ({(error > 0).sum()} of {error.size} are off)"
    return None
