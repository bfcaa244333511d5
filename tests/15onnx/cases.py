"""Uploads that are no model, or no good one, and odd ones that are fine: NAME -> (code, bytes[, words]).

Each family is one function. Bytes below the level of protobuf's API are made by `field`.
"""
import gzip
import io
import struct
import zipfile

import numpy as np
from onnx import AttributeProto, GraphProto, ModelProto, TensorProto, helper, numpy_helper

FLOAT = TensorProto.FLOAT


def varint(n):
    out = bytearray()
    n &= (1 << 64) - 1
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out) + bytes([n])


def field(number, content):
    """An integer as varint, bytes with their length."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def info(name, shape=(2, 3), kind=FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def node(op, inputs, outputs, name="", **attributes):
    return helper.make_node(op, inputs.split(), outputs.split(), name=name, **attributes)


def reference(name, to):
    """A float attribute whose value is the function's attribute `to`."""
    return AttributeProto(name=name, ref_attr_name=to, type=AttributeProto.FLOAT)


def model(nodes, inputs=None, outputs=None, constants=(), opset=13, ir=8):
    graph = helper.make_graph(nodes, "graph", [info("x")] if inputs is None else inputs,
                              [info("y", None)] if outputs is None else outputs, list(constants))
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)] if opset else [])
    made.ir_version = ir
    return made


def relu(**changes):
    made = model([node("Relu", "x", "y")])
    for name, value in changes.items():
        setattr(made, name, value)
    return made


GOOD = relu().SerializeToString()
HEAD = field(1, 8) + field(8, field(1, b"") + field(2, 13))


def bytes_cases():
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as z:
        z.writestr("m.onnx", GOOD)
    yield "empty", "E_EMPTY", b""
    yield "gzip", "E_FORMAT", gzip.compress(GOOD)
    yield "zip", "E_FORMAT", archive.getvalue()
    yield "pickle", "E_FORMAT", b"\x80\x02ccollections\nOrderedDict\n"
    yield "tflite", "E_FORMAT", b"\x20\0\0\0TFL3" + bytes(40)
    yield "page", "E_FORMAT", b"\n  <!doctype HTML><p>not found"
    yield "pointer", "E_FORMAT", b"version https://git-lfs.github.com/spec/v1\nsize 1\n"
    yield "onnx_text", "E_FORMAT", b"<ir_version: 8>\nagraph (float[1] x) => (float[1] y) { y = Relu(x) }"
    yield "proto_text", "E_FORMAT", b"ir_version: 8\n"
    yield "tensor_file", "E_NOT_MODEL", numpy_helper.from_array(np.ones((3, 3), np.float32), "w").SerializeToString()
    yield "graph_file", "E_NOT_MODEL", relu().graph.SerializeToString()
    yield "words", "E_PROTOBUF", b"just some words, and no model at all"
    yield "field_0", "E_PROTOBUF", HEAD + b"\0\0"
    yield "wire_type_6", "E_PROTOBUF", HEAD + bytes([7 << 3 | 6, 0])
    yield "group", "E_PROTOBUF", HEAD + bytes([7 << 3 | 3, 7 << 3 | 4])
    yield "long_varint", "E_PROTOBUF", b"\x08" + b"\x80" * 10 + b"\1"
    yield "big_varint", "E_PROTOBUF", b"\x08" + b"\xff" * 9 + b"\2"
    yield "length_beyond", "E_PROTOBUF", HEAD + b"\x3a\x7f"
    yield "length_huge", "E_PROTOBUF", HEAD + b"\x3a" + varint((1 << 64) - 1)
    yield "child_beyond_parent", "E_PROTOBUF", HEAD + field(7, b"\x0a\x09") + bytes(9)
    yield "graph_as_number", "E_PROTOBUF", HEAD + field(7, 1)
    yield "packed_cut", "E_PROTOBUF", HEAD + field(7, field(5, field(4, b"123")))
    yield "tail", "E_PROTOBUF", GOOD + b"\xff"
    for part in (1, 7, len(GOOD) // 3, len(GOOD) // 2, len(GOOD) - 1):
        yield f"cut_{part}", "E_PROTOBUF", GOOD[:part]
    yield "graph_twice", "E_DUP_FIELD", GOOD + field(7, b"")
    yield "two_versions", "E_DUP_FIELD", GOOD + field(1, 8)
    yield "from_the_future", "", GOOD + field(3999, b"later") + field(4000, 7)
    yield "padded_length", "", GOOD + bytes([6 << 3 | 2, 0x81, 0x80, 0x00]) + b"d"


def nested(levels):
    """Subgraphs in subgraphs, built from the inside without recursion: heads first, then reversed."""
    heads, size = [], 0
    for _ in range(levels):
        for number in (6, 5, 1):
            heads.append(varint(number << 3 | 2) + varint(size))
            size += len(heads[-1])
    return HEAD + field(7, b"".join(reversed(heads)))


def limit_cases():
    yield "subgraphs_40", "E_DEPTH", nested(40)
    yield "subgraphs_1000", "E_DEPTH", nested(1000)
    yield "subgraphs_50000", "E_DEPTH", nested(50000)
    typ = b""
    for _ in range(200):
        typ = field(4, field(1, typ))
    yield "type_in_type", "E_DEPTH", HEAD + field(7, field(11, field(1, b"x") + field(2, typ)))
    yield "nodes", "E_LIMIT_NODES", HEAD + field(7, field(1, b"") * 100001)
    yield "tensors", "E_LIMIT_NODES", HEAD + field(7, field(5, b"") * 100001)
    yield "functions", "E_LIMIT_NODES", HEAD + field(25, b"") * 10001
    yield "inputs", "E_LIMIT_ARITY", HEAD + field(7, field(1, field(1, b"") * 16385))
    yield "ints", "E_LIMIT_ARITY", HEAD + field(7, field(1, field(5, field(8, b"\1" * 16385))))
    yield "dims", "E_LIMIT_ARITY", HEAD + field(7, field(5, field(1, b"\1" * 16385)))
    yield "long_name", "E_LIMIT_NAME", HEAD + field(7, field(2, b"n" * 4097))
    yield "small_bytes", "E_LIMIT_BYTES", HEAD + field(6, bytes(65 << 20))
    yield "varint_tensor", "E_LIMIT_MEMORY", HEAD + field(7, field(5, field(7, bytes((32 << 20) + 1))))
    yield "metadata", "E_LIMIT_BYTES", GOOD + 20 * field(14, field(1, b"k") + field(2, b"v" * 60000))


def header_cases():
    yield "no_ir", "E_IR_VERSION", field(8, field(2, 13)) + field(7, b"")
    for version in (0, 2, 15, -1):
        yield f"ir_{version}", "E_IR_VERSION", relu(ir_version=version)
    yield "no_graph", "E_NO_GRAPH", HEAD
    yield "no_opset", "E_OPSET", model([node("Relu", "x", "y")], opset=0)
    for opset in (0, 1000, -3):
        yield f"opset_{opset}", "E_OPSET", model([node("Relu", "x", "y")], opset=opset)
    twice = relu()
    twice.opset_import.append(helper.make_opsetid("ai.onnx", 13))
    yield "opset_twice", "E_OPSET", twice
    yield "no_output", "E_NO_OUTPUT", model([node("Relu", "x", "y")], outputs=[])
    foreign = model([helper.make_node("Relu", ["x"], ["y"], domain="org.example")])
    yield "domain_not_imported", "E_DOMAIN", foreign
    known = ModelProto()
    known.CopyFrom(foreign)
    known.opset_import.append(helper.make_opsetid("org.example", 1))
    yield "domain_foreign", "E_OP_UNSUPPORTED", known
    standard = relu()
    standard.graph.node[0].domain = "ai.onnx"
    yield "domain_spelled_out", "", standard


def function_cases():
    def function(name, *calls):
        nodes = [helper.make_node(op, ["a"], [f"b{i}"], domain=domain) for i, (op, domain) in enumerate(calls)]
        return helper.make_function("mine", name, ["a"], ["b0"], nodes, [helper.make_opsetid("", 13)])

    def call(name, functions, inputs=("x",)):
        made = model([helper.make_node(name, list(inputs), ["y"], domain="mine")])
        made.opset_import.append(helper.make_opsetid("mine", 1))
        made.functions.extend(functions)
        return made

    leaf = function("Leaf", ("Relu", ""))
    yield "function", None, call("Leaf", [leaf])
    yield "function_missing", "E_OP_UNSUPPORTED", call("Other", [leaf])
    yield "function_twice", "E_DUP_NAME", call("Leaf", [leaf, leaf])
    yield "function_inputs", "E_ARITY", call("Leaf", [leaf], ["x", "x"])
    yield "function_itself", "E_FUNC_CYCLE", call("Me", [function("Me", ("Me", "mine"))])
    yield "function_circle", "E_FUNC_CYCLE", call("A", [function("A", ("B", "mine")), function("B", ("C", "mine")),
                                                        function("C", ("A", "mine"))])
    tower = [leaf] + [function(f"F{i}", *[(f"F{i - 1}" if i else "Leaf", "mine")] * 4) for i in range(40)]
    yield "function_tower", "E_LIMIT_NODES", call("F39", tower)
    yield "function_tower_reversed", "E_LIMIT_NODES", call("F39", tower[::-1])
    chain = [leaf] + [function(f"F{i}", (f"F{i - 1}" if i else "Leaf", "mine")) for i in range(9000)]
    yield "function_chain", "E_LIMIT_NODES", call("F8999", chain[::-1])
    yield "function_chain_100", None, call("F98", chain[::-1])
    again = helper.make_graph([node("Leaf", "a", "t", domain="mine")], "again", [], [info("t", None)])
    stop = helper.make_graph([node("Relu", "a", "e")], "stop", [], [info("e", None)])
    yes = numpy_helper.from_array(np.array(True))
    hidden = helper.make_function("mine", "Leaf", ["a"], ["b"], [node("Constant", "", "yes", value=yes),
                                  node("If", "yes", "b", then_branch=again, else_branch=stop)],
                                  [helper.make_opsetid("", 13), helper.make_opsetid("mine", 1)])
    yield "function_circle_in_branch", "E_LIMIT_NODES", call("Leaf", [hidden])
    strange = call("Leaf", [leaf])
    strange.graph.node[0].attribute.append(helper.make_attribute("beta", 1.0))
    yield "function_attribute", "E_ATTR", strange
    yield "function_operator", "E_OP_UNSUPPORTED", call("Leaf", [function("Leaf", ("Nothing", ""))])
    yield "function_order", "E_UNDEFINED", call("Leaf", [helper.make_function(
        "mine", "Leaf", ["a"], ["b"], [node("Relu", "c", "b"), node("Relu", "a", "c")], [helper.make_opsetid("", 13)])])
    yield "function_no_output", "E_UNDEFINED", call("Leaf", [helper.make_function(
        "mine", "Leaf", ["a"], ["c"], [node("Relu", "a", "b")], [helper.make_opsetid("", 13)])])
    wrong = helper.make_function("mine", "Leaf", ["a"], ["b"], [node("LeakyRelu", "a", "b")], [helper.make_opsetid("", 13)], ["n"])
    wrong.node[0].attribute.append(reference("alpha", "n"))
    typed = call("Leaf", [wrong])
    typed.graph.node[0].attribute.append(helper.make_attribute("n", 3))
    yield "function_attribute_type", "E_ATTR", typed


def subgraph_cases():
    def branch(nodes, outputs="b", constants=()):
        return helper.make_graph(nodes, "branch", [], [info(name, None) for name in outputs.split()], list(constants))

    def choice(then, other, kind=bool, data=True):
        return model([node("If", "c", "y", "if", then_branch=then, else_branch=other)], constants=[
            numpy_helper.from_array(np.array(data, kind), "c")])

    one, two = branch([node("Relu", "x", "b")]), branch([node("Neg", "x", "b"), node("Abs", "x", "d")], "b d")
    yield "if", None, choice(one, branch([node("Neg", "x", "b")]))
    yield "if_constant", None, choice(one, branch([], "b", [numpy_helper.from_array(np.ones((2, 3), np.float32), "b")]))
    yield "if_unequal", "E_SUBGRAPH", choice(one, two)
    yield "if_undefined", "E_UNDEFINED", choice(one, branch([node("Neg", "ghost", "b")]))
    yield "if_undefined_output", "E_UNDEFINED", choice(one, branch([node("Neg", "x", "d")]))
    yield "if_shadow", "E_DUP_NAME", choice(one, branch([node("Neg", "x", "x"), node("Neg", "x", "b")]))
    yield "if_twice", "E_DUP_NAME", choice(one, branch([node("Neg", "x", "b"), node("Abs", "x", "b")]))
    yield "if_unknown", "E_OP_UNSUPPORTED", choice(one, branch([node("Nothing", "x", "b")]))
    yield "if_other_unknown", "E_ATTR", choice(branch([node("LeakyRelu", "x", "b", beta=1.0)]), one)
    half = model([node("If", "c", "y", then_branch=one)], constants=[numpy_helper.from_array(np.array(True), "c")])
    yield "if_half", "E_ATTR", half
    refers = choice(one, branch([node("LeakyRelu", "x", "b")]))
    refers.graph.node[0].attribute[1].g.node[0].attribute.append(
        reference("alpha", "n"))
    yield "if_reference", "E_ATTR", refers
    shapes = model([node("If", "c", "y", then_branch=branch([node("Relu", "x", "b")]), else_branch=branch(
        [node("Transpose", "x", "b")]))], [info("x"), info("c", (), TensorProto.BOOL)])
    yield "if_shapes", "E_SHAPE_DYNAMIC", shapes

    def loop(trips, body=None, condition=None, inputs=None):
        body = body or helper.make_graph([node("Identity", "go", "on"), node("Neg", "s", "t")], "body", [
            info("i", (), TensorProto.INT64), info("go", (), TensorProto.BOOL), info("s", None)], [
            info("on", None), info("t", None)])
        constants = [numpy_helper.from_array(np.array(trips, np.int64), "m")] if trips is not None else []
        if condition is not None:
            constants.append(numpy_helper.from_array(np.array(condition), "c"))
        words = "m c x" if condition is not None else ["m", "", "x"]
        words = words.split() if isinstance(words, str) else words
        made = helper.make_node("Loop", words, ["y"], name="loop", body=body)
        return model([made], inputs, None, constants)

    yield "loop", None, loop(3)
    yield "loop_none", None, loop(0)
    yield "loop_false", None, loop(1 << 40, condition=False)
    yield "loop_long", "E_LOOP", loop(1 << 40)
    yield "loop_forever", "E_LOOP", loop((1 << 63) - 1, condition=True)
    yield "loop_run_time", "E_LOOP", loop(None, inputs=[info("x"), info("m", (), TensorProto.INT64)])
    yield "loop_body", "E_SUBGRAPH", loop(3, helper.make_graph([node("Neg", "s", "t")], "body", [info("s", None)],
                                                                [info("t", None)]))
    yield "loop_condition", "E_LOOP", loop(3, helper.make_graph(
        [node("ReduceMax", "s", "top", keepdims=0), node("Less", "top s", "on"), node("Neg", "s", "t")], "body", [
            info("i", (), TensorProto.INT64), info("go", (), TensorProto.BOOL), info("s", None)], [
            info("on", None), info("t", None)]))


def graph_cases():
    add = lambda a, b, y: node("Add", f"{a} {b}", y)
    yield "cycle", "E_CYCLE", model([add("x", "b", "a"), node("Relu", "a", "b"), node("Neg", "b", "y")])
    yield "self", "E_CYCLE", model([add("x", "y", "y")])
    yield "backwards", "", model([node("Relu", "b", "y"), node("Relu", "a", "b"), node("Relu", "x", "a")])
    yield "ghost", "E_UNDEFINED", model([add("x", "ghost", "y")])
    yield "ghost_output", "E_UNDEFINED", model([node("Relu", "x", "z")])
    yield "written_twice", "E_DUP_NAME", model([node("Relu", "x", "y"), node("Neg", "x", "y")])
    yield "input_written", "E_DUP_NAME", model([node("Relu", "x", "x"), node("Relu", "x", "y")])
    yield "input_twice", "E_DUP_NAME", model([node("Relu", "x", "y")], [info("x"), info("x")])
    yield "output_twice", "E_DUP_NAME", model([node("Relu", "x", "y")], outputs=[info("y"), info("y")])
    one = numpy_helper.from_array(np.ones(3, np.float32), "c")
    yield "constant_twice", "E_DUP_NAME", model([add("x", "c", "y")], constants=[one, one])
    yield "too_many_inputs", "E_ARITY", model([node("Relu", "x x", "y")])
    yield "too_few_inputs", "E_ARITY", model([node("Add", "x", "y")])
    yield "required_omitted", "E_ARITY", model([helper.make_node("Add", ["", "x"], ["y"])])
    yield "no_result", "E_ARITY", model([node("Relu", "x", "y"), node("Relu", "x", "")])
    yield "no_operator", "E_OP_UNSUPPORTED", model([node("", "x", "y")])
    yield "letter_case", "E_OP_UNSUPPORTED", model([node("RELU", "x", "y")])
    yield "internal_operator", "E_OP_UNSUPPORTED", model([node(".View", "x", "y")])
    yield "later_opset", "E_OP_VERSION", model([node("HardSwish", "x", "y")], opset=13)
    yield "former_opset", "E_OP_VERSION", model([node("Upsample", "x c", "y")], constants=[one], opset=13)
    yield "passed_through", "", model([], outputs=[info("x")])
    yield "constant_out", "", model([], [], [info("c", (3,))], [one])
    yield "nothing_reads", "", model([node("Relu", "x", "y"), node("Relu", "x", "dead")], constants=[one])
    yield "old_inputs", "", model([add("x", "c", "y")], [info("x"), info("c", (3,))], constants=[one], ir=3)
    yield "declared_type", "E_TYPE", model([node("Relu", "x", "y")], outputs=[info("y", (2, 3), TensorProto.INT64)])
    yield "declared_shape", "E_SHAPE_CONFLICT", model([node("Relu", "x", "y")], outputs=[info("y", (3, 2))])
    yield "default_type", "E_TYPE", model([add("x", "c", "y")], [info("x"), info("c", (3,), TensorProto.INT8)], constants=[one])
    inside = model([node("Relu", "x", "t"), node("Relu", "t", "y")])
    inside.graph.value_info.append(info("t", (2, 3, 1)))
    yield "value_info_shape", "E_SHAPE_CONFLICT", inside


def tensor_cases():
    def with_tensor(**parts):
        t = TensorProto(name="c", data_type=FLOAT, dims=[3])
        for key, value in parts.items():
            t.ClearField(key)
            getattr(t, key).extend(value) if isinstance(value, list) else setattr(t, key, value)
        return model([node("Add", "x c", "y")], constants=[t])

    raw = struct.pack("<3f", 1, 2, 3)
    yield "raw", "", with_tensor(raw_data=raw)
    yield "floats", "", with_tensor(float_data=[1, 2, 3])
    yield "raw_short", "E_TENSOR_SIZE", with_tensor(raw_data=raw[:-1])
    yield "raw_long", "E_TENSOR_SIZE", with_tensor(raw_data=raw + b"\0")
    yield "floats_short", "E_TENSOR_SIZE", with_tensor(float_data=[1, 2])
    yield "no_data", "E_TENSOR_SIZE", with_tensor()
    yield "data_twice", "E_TENSOR_SIZE", with_tensor(raw_data=raw, float_data=[1, 2, 3])
    yield "other_field", "E_TENSOR_SIZE", with_tensor(double_data=[1, 2, 3])
    yield "dim_negative", "E_DIM", with_tensor(dims=[-3], raw_data=raw)
    yield "dims_wrap", "E_DIM", with_tensor(dims=[1 << 33, 1 << 33], raw_data=b"")
    yield "dims_huge", "E_LIMIT_TENSOR", with_tensor(dims=[1 << 40])
    yield "dims_claimed", "E_TENSOR_SIZE", with_tensor(dims=[1 << 30], float_data=[1])
    yield "rank_9", "E_RANK", with_tensor(dims=[1] * 9, raw_data=raw[:4])
    for kind in (0, TensorProto.STRING, TensorProto.COMPLEX64, 77):
        yield f"type_{kind}", "E_DTYPE", with_tensor(data_type=kind, raw_data=raw)
    yield "int8_range", "E_TENSOR_VALUE", with_tensor(data_type=TensorProto.INT8, int32_data=[0, 1, 128])
    yield "bool_range", "E_TENSOR_VALUE", with_tensor(data_type=TensorProto.BOOL, int32_data=[0, 1, 2])
    yield "bool_raw_range", "E_TENSOR_VALUE", with_tensor(data_type=TensorProto.BOOL, raw_data=b"\0\1\2")
    yield "uint32_range", "E_TENSOR_VALUE", with_tensor(data_type=TensorProto.UINT32, uint64_data=[0, 1, 1 << 32])
    yield "unnamed", "E_NAME", with_tensor(name="", raw_data=raw)
    segment = with_tensor(raw_data=raw)
    segment.graph.initializer[0].segment.end = 3
    yield "segment", "E_TENSOR_SIZE", segment
    single = b"".join(bytes([4 << 3 | 5]) + struct.pack("<f", v) for v in (1, 2, 3))
    graph = relu().graph
    graph.node[0].op_type = "Add"
    graph.node[0].input.append("c")
    yield "floats_unpacked", "", HEAD + field(7, graph.SerializeToString()
                                              + field(5, field(1, 3) + field(2, 1) + single + field(8, b"c")))
    sparse = with_tensor(raw_data=raw)
    sparse.graph.sparse_initializer.add().dims.append(3)
    yield "sparse", "E_SPARSE", sparse

    def external(**entries):
        made = with_tensor(data_location=TensorProto.EXTERNAL)
        for key, value in entries.items():
            made.graph.initializer[0].external_data.add(key=key, value=value)
        return made

    yield "external", "E_EXTERNAL_MISSING", external(location="a/w..bin", offset="0", length="12")
    for i, path in enumerate(["/etc/hostname", "../w", "a/../../w", "..", "a\\w", "w\0x", ""]):
        yield f"external_path_{i}", "E_EXTERNAL_PATH", external(location=path)
    yield "external_nowhere", "E_EXTERNAL_PATH", external(offset="4")
    for i, offset in enumerate(["-4", "1e3", "", " 1", str(1 << 64)]):
        yield f"external_offset_{i}", "E_EXTERNAL_RANGE", external(location="w", offset=offset)


def type_cases():
    untyped = relu()
    untyped.graph.input[0].ClearField("type")
    yield "input_untyped", "E_TYPE", untyped
    yield "input_sequence", "E_TYPE", model([node("Relu", "x", "y")], [helper.make_tensor_sequence_value_info("x", FLOAT, [1])])
    yield "input_string", "E_DTYPE", model([node("Relu", "x", "y")], [info("x", (2,), TensorProto.STRING)])
    yield "input_negative", "E_DIM", model([node("Relu", "x", "y")], [info("x", (2, -7))])
    yield "input_wraps", "E_DIM", model([node("Relu", "x", "y")], [info("x", (1 << 32, 1 << 32))])
    yield "input_rank_9", "E_RANK", model([node("Relu", "x", "y")], [info("x", [1] * 9)])
    yield "input_no_shape", "E_DIM_UNBOUND", model([node("Relu", "x", "y")], [info("x", None)])
    yield "input_no_shape_bound", "", model([node("Relu", "x", "y")], [info("x", None)]), "--dims", "x:0=2"
    yield "input_open", "E_DIM_UNBOUND", model([node("Relu", "x", "y")], [info("x", ("n", 3))])
    yield "input_minus_one", "E_DIM_UNBOUND", model([node("Relu", "x", "y")], [info("x", (-1, 3))])
    yield "input_open_bound", "", model([node("Relu", "x", "y")], [info("x", ("n", 3))]), "--dims", "n=2"
    yield "input_empty", "", model([node("Relu", "x", "y")], [info("x", (0, 3))])


def attribute_cases():
    softmax = lambda **a: model([node("Softmax", "x", "y", **a)])
    yield "known", "", softmax(axis=1)
    yield "kind", "E_ATTR", softmax(axis=1.5)
    yield "unknown", "E_ATTR", softmax(axes=1)
    yield "missing", "E_ATTR", model([node("Concat", "x x", "y")])
    twice = softmax(axis=1)
    twice.graph.node[0].attribute.append(twice.graph.node[0].attribute[0])
    yield "twice", "E_ATTR", twice

    def changed(**parts):
        made = softmax(axis=1)
        for key, value in parts.items():
            setattr(made.graph.node[0].attribute[0], key, value)
        return made

    yield "untyped", "E_ATTR", changed(type=AttributeProto.UNDEFINED)
    yield "reference", "E_ATTR", changed(ref_attr_name="outer")
    yield "unnamed", "E_ATTR", changed(name="")
    yield "two_values", "E_ATTR", changed(f=1.0)
    zero = softmax(axis=1)
    zero.graph.node[0].attribute[0].ClearField("i")
    yield "zero_left_out", "", zero
    nul = model([node("Conv", "x x", "y", auto_pad="VALID\0")])
    yield "string_nul", "E_NAME", nul
    graph = GraphProto(name="inner")
    yield "subgraph", "E_ATTR", softmax(axis=graph)
    constant = lambda **a: model([node("Constant", "", "c", **a), node("Add", "x c", "y")])
    yield "constant_float", "", constant(value_float=1.5)
    yield "constant_floats", "", constant(value_floats=[1.0, 2.0, 3.0])
    yield "constant_ints", "E_TYPE", constant(value_ints=[1, 2, 3])
    yield "constant_tensor", "", constant(value=numpy_helper.from_array(np.ones(3, np.float32)))
    yield "constant_string", "E_ATTR", constant(value_string="s")
    yield "constant_nothing", "E_ATTR", constant()
    yield "constant_both", "E_ATTR", constant(value_float=1.0, value_int=1)


def name_cases():
    odd = ['"', "\\", "\n%x = const\n", "*/ trap /*", "%s%n", "../../x", "';--", "\x1b[31m\x07", "слой", "\u202e", "n" * 4096,
           "12", "_", " ", "<b>", "{\"code\":1}"]
    for i, name in enumerate(odd):
        yield f"odd_{i}", "", model([helper.make_node("Relu", ["x"], [name], name=name), helper.make_node("Neg", [name], ["y"])])
    yield "alike", "", model([node("Relu", "x", "a.b", "n"), node("Relu", "a.b", "a_b", "n"), node("Relu", "a_b", "y", "n")])
    raw = model([node("Relu", "x", "QQ"), node("Relu", "QQ", "y")]).SerializeToString()
    for i, bad in enumerate([b"q\0", b"\xff\xfe", b"\xc0\xaf", b"\xed\xa0", b"\x80q", b"\xc3"]):
        yield f"bad_{i}", "E_NAME", raw.replace(b"QQ", (bad + b"q")[:2])


def all_cases():
    for family in (bytes_cases, limit_cases, header_cases, function_cases, subgraph_cases, graph_cases, tensor_cases, type_cases,
                   attribute_cases, name_cases):
        for name, code, data, *words in family():
            if isinstance(data, ModelProto):
                data = data.SerializeToString()
            yield f"{family.__name__.removesuffix('_cases')}_{name}", code, data, words
