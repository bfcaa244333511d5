"""Data types beyond f32 from end to end: graphs of random elementwise steps and moves in every type, with all
rewrites and with none. Both give the same bits, those of the intermediate values, too, and what ONNX Runtime gives."""
import pathlib
import sys
import tempfile

sys.path[:0] = [str(pathlib.Path(__file__).parent), str(pathlib.Path(__file__).parent.parent)]
import lib
import ml_dtypes
import numpy as np
import onnx
import onnx.reference
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from single import IR_VERSION, difference

OPSET = 18
INTS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
FLOATS = ("float16", "float32", "float64")
GRAPHS = 8 if lib.ALL else 1  # of each type
STEPS = 14
BINARY = {"float": ["Add", "Sub", "Mul", "Max", "Min"], "int": ["Add", "Sub", "Mul", "Max", "Min", "BitwiseXor"]}
UNARY = {"float": ["Neg", "Abs", "Relu", "Floor", "Tanh", "Sigmoid"], "int": ["Abs", "BitwiseNot"]}


def kind(dtype):
    return "float" if dtype in FLOATS else "int"


def numbers(random, dtype, shape):
    if dtype in FLOATS:
        return random.uniform(-3, 3, shape).astype(dtype)
    info = np.iinfo(dtype)
    return random.integers(info.min, info.max, shape, dtype, endpoint=True)


class Chain:
    """A graph of [6, 8] values of one type."""

    def __init__(self, seed, dtype):
        self.random = np.random.default_rng([seed, sum(dtype.encode())])
        self.dtype, self.nodes, self.weights, self.names = dtype, [], [], ["x", "y"]
        self.feeds = {"x": numbers(self.random, dtype, (6, 8)), "y": numbers(self.random, dtype, (8,))}
        self.add("Add", ["x", "y"])
        for _ in range(STEPS):
            getattr(self, self.random.choice(["unary", "binary", "binary", "constant", "select", "move"]))()

    def add(self, op, inputs, **attrs):
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], name=f"{op}_{name}", **attrs))
        if op not in ("Less", "Transpose"):
            self.names.append(name)
        return name

    def weight(self, array):
        self.weights.append(numpy_helper.from_array(array, f"w{len(self.weights)}"))
        return f"w{len(self.weights) - 1}"

    def pick(self):
        return str(self.random.choice(self.names[2:]))

    def unary(self):
        self.add(self.random.choice(UNARY[kind(self.dtype)]), [self.pick()])

    def binary(self):
        self.add(self.random.choice(BINARY[kind(self.dtype)]), [self.pick(), str(self.random.choice(self.names))])

    def constant(self):
        shape = [(8,), (6, 1), (), (6, 8)][self.random.integers(4)]
        self.add(self.random.choice(BINARY[kind(self.dtype)]), [self.pick(), self.weight(numbers(self.random, self.dtype, shape))])

    def select(self):
        mask = self.add("Less", [self.pick(), self.pick()])
        self.add("Where", [mask, self.pick(), self.pick()])

    def move(self):
        turned = self.add("Transpose", [self.pick()], perm=[1, 0])
        self.add("Reshape", [turned, self.weight(np.array([6, 8]))])

    def model(self, outputs):
        code = helper.np_dtype_to_tensor_dtype(np.dtype(self.dtype))
        return build(self.nodes, [("x", code, [6, 8]), ("y", code, [8])], [(name, code, [6, 8]) for name in outputs],
                     self.weights)


def build(nodes, inputs, outputs, weights=()):
    def values(rows):
        return [helper.make_tensor_value_info(*row) for row in rows]

    graph = helper.make_graph(nodes, "types", values(inputs), values(outputs), weights)
    return helper.make_model(graph, ir_version=IR_VERSION, opset_imports=[helper.make_opsetid("", OPSET)])


def run(model, feeds, folder, *words):
    path, artifact = folder / "model.onnx", folder / "model.occ"
    path.write_bytes(model.SerializeToString())
    lib.occamyc(path, artifact, "--code", "ptx", *words, build=lib.BUILD)
    return lib.run_client(artifact, feeds, folder, build=lib.BUILD)[0]


def check_equal(what, got, want):
    """The same bits, but for what a NaN carries."""
    assert got.dtype == want.dtype and got.shape == want.shape, what
    same = got.view(f"u{got.itemsize}") == want.view(f"u{got.itemsize}")
    if got.dtype.kind == "f":
        same |= np.isnan(got) & np.isnan(want)
    assert same.all(), f"{what}: {got[~same][:4]} is not {want[~same][:4]}"


def check_chain(seed, dtype, folder):
    """Fused, with its last value alone an output; unfused, every value an output."""
    chain = Chain(seed, dtype)
    last, what = chain.names[-1], f"{dtype}, seed {seed}"
    every = run(chain.model(chain.names[2:]), chain.feeds, folder, "--off", "all")
    check_equal(f"{what}, fused", run(chain.model([last]), chain.feeds, folder)[0], every[-1])
    for name, got, again in zip(chain.names[2:], every, run(chain.model(chain.names[2:]), chain.feeds, folder)):
        check_equal(f"{what}, {name}", again, got)
    if dtype == "float16":  # ONNX Runtime computes some operators of f16 in f32: NumPy, step by step
        want = onnx.reference.ReferenceEvaluator(chain.model([last])).run(None, chain.feeds)[0]
    else:
        try:
            session = onnxruntime.InferenceSession(chain.model([last]).SerializeToString(), providers=["CPUExecutionProvider"])
            want = session.run(None, chain.feeds)[0]
        except Exception:  # it lacks small integers here and there
            want = onnx.reference.ReferenceEvaluator(chain.model([last])).run(None, chain.feeds)[0]
    problem = difference(every[-1], want, rtol=1e-5 if dtype != "float16" else 1e-2)
    assert not problem, f"{what}: {problem}"


def test_chains():
    with tempfile.TemporaryDirectory() as folder:
        for dtype in INTS + FLOATS:
            for seed in range(GRAPHS):
                check_chain(seed, dtype, pathlib.Path(folder))
            print(f"{dtype}: {GRAPHS} graphs")


def test_tails():
    """A short float that an operator makes is rounded before the steps fused behind it, as if it had been stored."""
    random = np.random.default_rng(9)
    heavy = [("MatMul", ["x", "w"], {}), ("Softmax", ["x"], {"axis": 1}), ("ReduceMean", ["x"], {}),
             ("Conv", ["image", "kernel"], {"pads": [1, 1, 1, 1]}), ("MaxPool", ["image"], {"kernel_shape": [3, 3]})]
    half = TensorProto.FLOAT16
    weights = [numpy_helper.from_array(numbers(random, "float16", shape), name) for name, shape in
               (("w", (16, 16)), ("kernel", (6, 3, 3, 3)), ("third", ()))]
    nodes, outputs = [], []
    for op, inputs, attrs in heavy:
        nodes += [helper.make_node(op, inputs, [op], **attrs), helper.make_node("Mul", [op, "third"], [f"{op}_mul"]),
                  helper.make_node("Tanh", [f"{op}_mul"], [f"{op}_tanh"]), helper.make_node("Add", [f"{op}_tanh", f"{op}_mul"], [f"{op}_y"])]
        outputs.append(f"{op}_y")
    feeds = {"x": numbers(random, "float16", (8, 16)), "image": numbers(random, "float16", (1, 3, 9, 10))}
    model = helper.make_model(
        helper.make_graph(nodes, "tails", [helper.make_tensor_value_info(n, half, v.shape) for n, v in feeds.items()],
                          [helper.make_empty_tensor_value_info(n) for n in outputs], weights),
        ir_version=IR_VERSION, opset_imports=[helper.make_opsetid("", OPSET)])
    with tempfile.TemporaryDirectory() as folder:
        fused, alone = (run(model, feeds, pathlib.Path(folder), *words) for words in ((), ("--off", "all")))
    for name, a, b in zip(outputs, fused, alone):
        assert len(np.unique(a)) > 1 or a.size == 1, name
        check_equal(name, a, b)
    print(f"{len(heavy)} operators of f16 with tails")


def test_edges():
    """One graph that takes and gives every type: each as it came, moved, and cast to f64; bf16 is only cast."""
    random = np.random.default_rng(7)
    nodes, inputs, outputs, feeds, want = [], [], [], {}, []
    for dtype in (*INTS, *FLOATS, "bool", "bfloat16"):
        x = random.integers(0, 2, (4, 6)).astype(bool) if dtype == "bool" else \
            numbers(random, "float32", (4, 6)).astype(ml_dtypes.bfloat16) if dtype == "bfloat16" else numbers(random, dtype, (4, 6))
        code = helper.np_dtype_to_tensor_dtype(x.dtype)
        inputs.append((dtype, code, [4, 6]))
        feeds[dtype] = x
        for op, to, shape, value, attrs in (("Identity", code, [4, 6], x, {}), ("Transpose", code, [6, 4], x.T, {}),
                                            ("Cast", TensorProto.DOUBLE, [4, 6], x.astype(np.float64), {"to": TensorProto.DOUBLE}),
                                            ("Cast", TensorProto.BFLOAT16, [4, 6], x.astype(np.float32).astype(ml_dtypes.bfloat16),
                                             {"to": TensorProto.BFLOAT16})):
            name = f"{dtype}_{len(outputs)}"
            nodes.append(helper.make_node(op, [dtype], [name], name=name, **attrs))
            outputs.append((name, to, shape))
            want.append(np.ascontiguousarray(value))
    with tempfile.TemporaryDirectory() as folder:
        got = run(build(nodes, inputs, outputs), feeds, pathlib.Path(folder))
    assert len(got) == len(want)
    for (name, _, _), g, w in zip(outputs, got, want):
        g, w = (a.astype(np.float32) if a.dtype.name == "bfloat16" else a for a in (g, w))
        assert g.dtype == w.dtype and np.array_equal(g, w), f"{name}: {g.ravel()[:4]} is not {w.ravel()[:4]}"
    print(f"{len(want)} outputs of {len(inputs)} types")


def test_constants():
    """Constants of every type as outputs: one number, which stands in the kernel's text, and learned ones, which do not."""
    random, nodes, outputs, want = np.random.default_rng(8), [], [], []
    for dtype in (*INTS, *FLOATS, "bool", "bfloat16"):
        for shape in ((), (3, 5)):
            x = numbers(random, "float32" if dtype in ("bool", "bfloat16") else dtype, shape)
            x = (x > 0 if dtype == "bool" else np.asarray(x)).astype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)
            name = f"{dtype}_{len(shape)}"
            nodes.append(helper.make_node("Constant", [], [name], value=numpy_helper.from_array(x)))
            outputs.append((name, helper.np_dtype_to_tensor_dtype(x.dtype), list(shape)))
            want.append(x)
    nodes.append(helper.make_node("Neg", ["in"], ["out"]))
    outputs.append(("out", TensorProto.FLOAT, [2]))
    with tempfile.TemporaryDirectory() as folder:
        got = run(build(nodes, [("in", TensorProto.FLOAT, [2])], outputs), {"in": np.array([1, 2], np.float32)}, pathlib.Path(folder))
    for (name, _, _), g, w in zip(outputs, got, want):
        assert g.dtype == w.dtype and g.shape == w.shape and g.tobytes() == w.tobytes(), f"{name}: {g} is not {w}"


def test_bytes_of_bool():
    """Any other byte than 0 and 1 is refused."""
    model = build([helper.make_node("Not", ["x"], ["y"])], [("x", TensorProto.BOOL, [3])], [("y", TensorProto.BOOL, [3])])
    with tempfile.TemporaryDirectory() as folder:
        got = run(model, {"x": np.array([True, False, True])}, pathlib.Path(folder))[0]
        assert got.tolist() == [False, True, False]
        try:
            run(model, {"x": np.array([1, 0, 2], np.uint8).view(bool)}, pathlib.Path(folder))
        except AssertionError as error:
            assert "E_INPUT_FILE" in str(error) and "element 2 is 2" in str(error), error
        else:
            raise AssertionError("a bool of 2 is taken")


def test_nan_bits():
    """A move keeps the bits of every NaN."""
    x = np.array([0x7e00, 0x7c01, 0xfdab, 0x7fff, 0x0001, 0x8000, 0xfc00, 0x3c00], np.uint16).view(np.float16).reshape(2, 4)
    model = build([helper.make_node("Transpose", ["x"], ["y"])], [("x", TensorProto.FLOAT16, [2, 4])],
                  [("y", TensorProto.FLOAT16, [4, 2])])
    with tempfile.TemporaryDirectory() as folder:
        got = run(model, {"x": x}, pathlib.Path(folder))[0]
    assert np.array_equal(got.view(np.uint16), x.view(np.uint16).T)


lib.main(globals())
