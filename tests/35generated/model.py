"""Cases as ONNX models, and what ONNX Runtime says of them."""
import numpy as np
import onnx
import onnx.reference
import onnxruntime
from onnx import helper, numpy_helper

IR_VERSION = 10
PREFIX = "c{}_"


def build(cases):
    """One model of all cases, which share an opset; their names get the case's index in front."""
    nodes, inputs, outputs, weights = [], [], [], []
    for k, case in enumerate(cases):
        prefix = PREFIX.format(k)
        for name, x in case.inputs.items():
            inputs.append(helper.make_tensor_value_info(prefix + name, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape))
        weights += [numpy_helper.from_array(x, prefix + name) for name, x in case.consts.items()]
        for op, operands, results, attrs in case.nodes:
            nodes.append(helper.make_node(op, [name and prefix + name for name in operands],
                                          [prefix + name for name in results], name=prefix + results[0], **attrs))
        outputs += [helper.make_empty_tensor_value_info(prefix + name) for name in case.outputs]
    graph = helper.make_graph(nodes, "cases", inputs, outputs, weights)
    return helper.make_model(graph, ir_version=IR_VERSION, opset_imports=[helper.make_opsetid("", cases[0].opset)])


def feeds(cases):
    return {PREFIX.format(k) + name: x for k, case in enumerate(cases) for name, x in case.inputs.items()}


def run_ort(case):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    # an output's type must be known to the runtime
    model = onnx.shape_inference.infer_shapes(build([case])).SerializeToString()
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"]).run(None, feeds([case]))


def in_type(case, dt):
    """The case with its floats as another type."""
    def convert(tensors):
        return {name: x.astype(dt) if x.dtype.kind == "f" and name not in parameters else x
                for name, x in tensors.items()}
    parameters = {name for op, operands, *_ in case.nodes if op in ("Resize", "Upsample") for name in operands[1:]}
    return type(case)(case.name, case.opset, convert(case.inputs), convert(case.consts), case.nodes, case.outputs)


def expected(case):
    """Outputs by ONNX Runtime. Where it has no kernel for the type: by its f32 kernels, else by ONNX's own reference."""
    floats = [x.dtype for x in case.inputs.values() if x.dtype.kind == "f"]
    try:
        return run_ort(case), "ort"
    except Exception as error:  # its exceptions have no common ancestor
        reason = str(error)
    if floats and floats[0] != np.float32:
        try:
            got = run_ort(in_type(case, np.float32))
            return [y.astype(floats[0]) if y.dtype == np.float32 else y for y in got], "ort as f32"
        except Exception as error:
            reason = str(error)
    try:
        return onnx.reference.ReferenceEvaluator(build([case])).run(None, feeds([case])), "reference"
    except Exception as error:
        raise AssertionError(f"{case.name}: no oracle: {reason}; {error}") from None
