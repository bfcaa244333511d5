"""Small networks, one for each way in which rewrites meet: what tests/90e2e/test_rewrites.py switches off and on.

Each function gives the nodes' builder its layers and returns the outputs."""
import numpy as np
from onnx import TensorProto, helper, numpy_helper


class Net:
    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.nodes, self.weights, self.count = [], [], 0

    def const(self, array):
        self.count += 1
        self.weights.append(numpy_helper.from_array(np.asarray(array), f"c{self.count}"))
        return self.weights[-1].name

    def f32(self, *values):
        return self.const(np.array(values if len(values) > 1 else values[0], np.float32))

    def ints(self, *values):
        return self.const(np.array(values, np.int64))

    def weight(self, *shape):
        reads = np.prod(shape[1:])
        return self.const((self.random.standard_normal(shape) / np.sqrt(reads)).astype(np.float32))

    def uniform(self, low, high, *shape):
        return self.const(self.random.uniform(low, high, shape).astype(np.float32))

    def node(self, op, *inputs, outputs=1, **attributes):
        self.count += 1
        names = [f"v{self.count}_{k}" for k in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, names, **attributes))
        return names if outputs > 1 else names[0]

    def conv(self, x, reads, out, kernel=1, group=1, **attributes):
        attributes.setdefault("pads", [kernel // 2] * 4)
        return self.node("Conv", x, self.weight(out, reads // group, kernel, kernel), group=group, **attributes)

    def norm(self, x, channels):
        return self.node("BatchNormalization", x, self.uniform(0.7, 1.3, channels), self.uniform(-0.3, 0.3, channels),
                         self.uniform(-0.3, 0.3, channels), self.uniform(0.6, 1.5, channels))

    def linear(self, x, reads, out):
        product = self.node("MatMul", x, self.const((self.random.standard_normal((reads, out)) / np.sqrt(reads))
                                                    .astype(np.float32)))
        return self.node("Add", product, self.uniform(-0.3, 0.3, out))

    def model(self, shape, outputs):
        graph = helper.make_graph(self.nodes, "net", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
                                  [helper.make_tensor_value_info(o, TensorProto.FLOAT, None) for o in outputs],
                                  self.weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def residual(n):
    """ResNet's block, and a head whose BatchNormalization follows Gemm and MatMul."""
    x = n.node("Relu", n.norm(n.conv("x", 3, 16, 3), 16))
    y = n.node("Relu", n.norm(n.conv(x, 16, 16, 3), 16))
    y = n.norm(n.conv(y, 16, 16, 3), 16)
    x = n.node("Relu", n.node("Add", y, x))
    x = n.node("Flatten", n.node("GlobalAveragePool", x))
    a = n.norm(n.node("Gemm", x, n.weight(20, 16), n.uniform(-0.3, 0.3, 20), transB=1, beta=0.5), 20)
    b = n.norm(n.node("MatMul", x, n.weight(16, 20)), 20)
    return n.node("Mul", n.node("Tanh", a), b),


def mobile(n):
    """SiLU and HardSwish as exporters write them, depthwise convolution, squeeze and excite."""
    x = n.norm(n.conv("x", 3, 16, 3, strides=[2, 2]), 16)
    x = n.node("Mul", x, n.node("Sigmoid", x))
    x = n.norm(n.conv(x, 16, 16, 3, group=16), 16)
    gate = n.node("Div", n.node("Clip", n.node("Add", x, n.f32(3.0)), n.f32(0.0), n.f32(6.0)), n.f32(6.0))
    x = n.node("Mul", x, gate)
    s = n.node("Relu", n.conv(n.node("GlobalAveragePool", x), 16, 8))
    x = n.node("Mul", x, n.node("HardSigmoid", n.conv(s, 8, 16)))
    return n.conv(x, 16, 9),


def shuffle(n):
    """ShuffleNetV2's unit: half of the channels, a Concat, the shuffle; and a part that ends channels last."""
    x = n.conv("x", 3, 32, 3)
    a, b = n.node("Split", x, n.ints(16, 16), outputs=2, axis=1)
    b = n.node("Relu", n.conv(n.conv(b, 16, 16), 16, 16, 3, group=16))
    x = n.node("Concat", a, b, axis=1)
    x = n.node("Reshape", x, n.ints(1, 2, 16, 12, 12))
    x = n.node("Reshape", n.node("Transpose", x, perm=[0, 2, 1, 3, 4]), n.ints(1, 32, 12, 12))
    a, b = n.node("Split", x, n.ints(24, 8), outputs=2, axis=1)
    b = n.node("Slice", b, n.ints(1), n.ints(11), n.ints(3), n.ints(2))
    turned = n.node("Transpose", n.conv(b, 8, 5), perm=[0, 2, 3, 1])
    return n.node("Relu", n.conv(a, 24, 8)), n.node("Sigmoid", n.node("Mul", turned, n.uniform(0.5, 2, 5)))


def upscale(n):
    """SRGAN's end: a shuffle with a PRelu and a skip behind it, and one as exporters write it out."""
    x = n.node("DepthToSpace", n.conv("x", 3, 32, 3), blocksize=2, mode="CRD")
    x = n.node("PRelu", x, n.uniform(-0.5, 0.5, 8, 1, 1))
    x = n.node("Add", n.conv(x, 8, 8, 3), x)
    x = n.node("Reshape", n.conv(x, 8, 12, 3), n.ints(1, 2, 2, 3, 24, 24))
    x = n.node("Reshape", n.node("Transpose", x, perm=[0, 3, 4, 1, 5, 2]), n.ints(1, 3, 48, 48))
    return n.node("Tanh", x),


def dense(n):
    """DenseNet's lists: each layer reads all results before it."""
    parts = [n.conv("x", 3, 16, 3)]
    for layer in range(3):
        x = n.node("Concat", *parts, axis=1) if layer else parts[0]
        x = n.node("Relu", n.norm(x, 16 + 8 * layer))
        parts.append(n.conv(n.node("Relu", n.norm(n.conv(x, 16 + 8 * layer, 16), 16)), 16, 8, 3))
    x = n.node("Relu", n.norm(n.node("Concat", *parts, axis=1), 40))
    return n.node("AveragePool", n.conv(x, 40, 12), kernel_shape=[2, 2], strides=[2, 2]),


def padded(n):
    """A Pad of zeros as exporters write what pads can't say: before a convolution, and before a pool."""
    p = n.node("Pad", "x", n.ints(0, 0, 0, 1, 0, 0, 2, 1))
    y = n.conv(p, 3, 8, 3, strides=[2, 2], pads=[0] * 4)
    p = n.node("Pad", n.node("Relu", y), n.ints(0, 0, 1, 0, 0, 0, 0, 1))
    return n.node("AveragePool", p, kernel_shape=[2, 2], strides=[1, 1], count_include_pad=1),


def layer_norm(n, x, width):
    """The nine nodes."""
    d = n.node("Sub", x, n.node("ReduceMean", x, axes=[-1]))
    v = n.node("ReduceMean", n.node("Pow", d, n.f32(2.0)), axes=[-1])
    y = n.node("Div", d, n.node("Sqrt", n.node("Add", v, n.f32(1e-5))))
    return n.node("Add", n.node("Mul", y, n.uniform(0.7, 1.3, width)), n.uniform(-0.3, 0.3, width))


def transformer(n):
    """One layer on the input as 12 x 36, with a mask that is turned round, and GELU as five nodes."""
    x = n.node("Reshape", "x", n.ints(1, 12, 36))
    y = layer_norm(n, x, 36)
    q, k, v = (n.node("Transpose", n.node("Reshape", n.linear(y, 36, 32), n.ints(1, 12, 4, 8)), perm=perm)
               for perm in ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]))
    s = n.node("Mul", n.node("MatMul", q, k), n.f32(8 ** -0.5))
    masked = n.node("Not", n.node("Greater", s, n.f32(0.3)))
    s = n.node("Softmax", n.node("Where", masked, s, n.f32(-4.0)), axis=-1)
    y = n.node("Transpose", n.node("MatMul", s, v), perm=[0, 2, 1, 3])
    x = n.node("Add", n.linear(n.node("Reshape", y, n.ints(1, 12, 32)), 32, 36), x)
    y = n.linear(layer_norm(n, x, 36), 36, 48)
    e = n.node("Add", n.node("Erf", n.node("Div", y, n.f32(2 ** 0.5))), n.f32(1.0))
    y = n.node("Mul", n.node("Mul", y, e), n.f32(0.5))
    return n.node("Add", n.linear(y, 48, 36), x),


def twins(n):
    """The same tower twice, weights and all, in one of them by copies; a table that is used twice."""
    state, ends = n.random.bit_generator.state, []
    for _ in range(2):
        n.random.bit_generator.state = state
        x = n.node("Relu", n.norm(n.conv("x", 3, 16, 3), 16))
        ends.append(n.node("MaxPool", n.conv(x, 16, 16, 3), kernel_shape=[2, 2], strides=[2, 2]))
    x = n.node("Add", ends[0], n.node("Tanh", ends[1]))
    x = n.node("Reshape", x, n.ints(16, 36))
    table = (n.random.standard_normal((36, 36)) / 6).astype(np.float32)
    x = n.node("Tanh", n.node("MatMul", x, n.const(table)))
    return n.node("Gemm", n.node("Transpose", x, perm=[1, 0]), n.weight(7, 16), transB=1), \
        n.node("MatMul", n.node("Neg", x), n.const(table.copy()))


def wide(n):
    """Three branches, wide in the middle, side by side in the file: one after the other needs less."""
    branches = [n.node("Relu", n.conv("x", 3, 48, 3)) for _ in range(3)]
    a, b, c = (n.conv(branch, 48, 8) for branch in branches)
    return n.node("Concat", n.node("Add", a, b), c, axis=1),


NETS = {f.__name__: f for f in (residual, mobile, shuffle, upscale, dense, padded, transformer, twins, wide)}


def build(name):
    net = Net(sorted(NETS).index(name))
    return net.model((1, 3, 12, 12), NETS[name](net))
