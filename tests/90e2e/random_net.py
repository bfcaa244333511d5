"""Random networks as ONNX: DAGs over the operators of convolutional networks, with branches, long skips, values
read twice or by nobody, Concats of Splits, equal subgraphs and shapes that are computed from shapes.

    python3 tests/90e2e/random_net.py SEED OUT.onnx

Values stay of moderate size and away from poles, so that what differs in rounding stays within tolerance."""
import random
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import random_types
from random_types import INTS, NUMPY, TYPES, VALUES_MAX

OPSETS = (13, 15, 17)
SIZES = {1: (5, 24), 2: (3, 14), 3: (2, 5)}  # spatial axes: smallest and largest one


class Value:
    def __init__(self, name, shape, kind="f"):
        self.name, self.shape, self.kind = name, tuple(int(n) for n in shape), kind

    @property
    def rank(self):
        return len(self.shape)

    @property
    def size(self):
        return int(np.prod(self.shape))


class Net:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.data = np.random.default_rng(seed)
        self.opset = self.r.choice(OPSETS)
        self.nodes, self.weights, self.values, self.count = [], [], [], 0
        self.inputs = [self.new(self.first_shape()) for _ in range(self.r.choice((1, 1, 1, 2)))]
        if self.r.random() < 0.3:  # of small numbers, exact in every type
            self.inputs.append(self.new(self.values[0].shape, self.r.choice(INTS)))
        self.used = set()

    def first_shape(self):
        if self.values and self.r.random() < 0.6:
            return self.values[0].shape
        nd = self.r.choice((0, 1, 2, 2, 2, 2, 3))
        if not nd:
            return [self.r.randint(1, 9) for _ in range(self.r.randint(1, 3))]
        batch, channels = self.r.choice((1, 1, 2, 3)), self.r.choice((1, 2, 3, 4, 6, 8, 12, 16, 20))
        return [batch, channels, *[self.r.randint(*SIZES[nd]) for _ in range(nd)]]

    # ---- making things ----

    def name(self):
        self.count += 1
        return f"v{self.count}"

    def new(self, shape, kind="f"):
        value = Value(self.name(), shape, kind)
        self.values.append(value)
        return value

    def const(self, array):
        self.weights.append(numpy_helper.from_array(np.asarray(array, order="C"), self.name()))
        return self.weights[-1].name

    def ints(self, *values):
        return self.const(np.array(values, np.int64))

    def normal(self, *shape, scale=1.0):
        return self.const((self.data.standard_normal(shape) * scale).astype(np.float32))

    def uniform(self, low, high, *shape):
        return self.const(self.data.uniform(low, high, shape).astype(np.float32))

    def node(self, op, inputs, shapes, kind="f", **attributes):
        """Values of these shapes, the first of them."""
        names = [i.name if isinstance(i, Value) else i for i in inputs]
        self.used.update(names)
        out = [Value(self.name(), shape, kind) for shape in shapes]
        self.nodes.append(helper.make_node(op, names, [o.name for o in out], **attributes))
        self.values += out
        return out[0]

    def aux(self, op, *inputs, **attributes):
        """A node between: its result's name."""
        names = [i.name if isinstance(i, Value) else i for i in inputs]
        self.used.update(names)
        out = self.name()
        self.nodes.append(helper.make_node(op, names, [out], **attributes))
        return out

    # ---- choosing ----

    def pick(self, test=lambda v: True, kind="f"):
        """Mostly a late value; now and then any, the longest skip."""
        fits = [v for v in self.values if v.kind in kind.split() and test(v)]
        if not fits:
            return None
        return self.r.choice(fits if self.r.random() < 0.25 else fits[-4:])

    def axis(self, v):
        return self.r.randrange(v.rank)

    def sign(self, v, axis):
        """The axis as the model writes it: from the front or from the back."""
        return axis - v.rank if self.r.random() < 0.3 else axis

    def broadcast(self, shape):
        """A shape that is broadcast to this one."""
        shape = [n if self.r.random() < 0.5 else 1 for n in shape]
        return shape[self.r.randint(0, len(shape)):] if self.r.random() < 0.4 else shape

    def build(self):
        outputs = [v for v in self.values if v.name not in self.used and v not in self.inputs]
        extra = [v for v in self.values if v.name in self.used and v not in self.inputs]
        outputs = outputs[-5:] + [v for v in extra if self.r.random() < 0.08]
        outputs = outputs or [self.node("Tanh", [self.inputs[-1]], [self.inputs[-1].shape])]
        info = helper.make_tensor_value_info
        graph = helper.make_graph(
            self.nodes, "random", [info(v.name, TYPES[v.kind], v.shape) for v in self.inputs],
            [info(v.name, TYPES[v.kind], v.shape) for v in outputs], self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)
        feeds = {v.name: self.data.standard_normal(v.shape).astype(np.float32) if v.kind == "f" else
                 self.data.integers(-4, 5, v.shape).astype(NUMPY[v.kind]) for v in self.inputs}
        return model, feeds


# ---- steps: each reads values and makes some, or gives up ----

def is_map(v):
    return 3 <= v.rank <= 5 and min(v.shape) > 0


def window(n, x, kernels, strides, dilations=(1,)):
    """(kernel, stride, dilation, pads, output sizes), None where nothing would be left."""
    nd = x.rank - 2
    kernel, stride, dilation = ([n.r.choice(c) for _ in range(nd)] for c in (kernels, strides, dilations))
    extent = [(k - 1) * d for k, d in zip(kernel, dilation)]
    low, high = [n.r.randint(0, e) for e in extent], [n.r.randint(0, e) for e in extent]
    out = [(a + p + q - e - 1) // s + 1 for a, p, q, e, s in zip(x.shape[2:], low, high, extent, stride)]
    return (kernel, stride, dilation, low + high, out) if min(out) > 0 else None


def conv(n):
    x = n.pick(is_map)
    w = x and window(n, x, (1, 1, 2, 3, 3, 5), (1, 1, 2), (1, 1, 1, 2))
    if not w:
        return
    kernel, stride, dilation, pads, size = w
    channels = x.shape[1]
    group = n.r.choice([g for g in range(1, channels + 1) if channels % g == 0] + [1] * 4 + [channels])
    out = group * n.r.randint(1, max(1, 24 // group))
    reads = channels // group * int(np.prod(kernel))
    weight = n.normal(out, channels // group, *kernel, scale=1.2 / reads ** 0.5)
    bias = [n.uniform(-0.5, 0.5, out)] if n.r.random() < 0.5 else []
    y = n.node("Conv", [x, weight, *bias], [(x.shape[0], out, *size)], group=group, kernel_shape=kernel,
               strides=stride, dilations=dilation, pads=pads)
    if n.r.random() < 0.5:
        norm(n, y)


def norm(n, x=None):
    x = x or n.pick(lambda v: v.rank >= 2)
    if not x:
        return
    c = x.shape[1]
    n.node("BatchNormalization", [x, n.uniform(0.6, 1.4, c), n.uniform(-0.5, 0.5, c), n.uniform(-0.3, 0.3, c),
                                  n.uniform(0.5, 1.5, c)], [x.shape])


def pool(n):
    x = n.pick(is_map)
    w = x and window(n, x, (1, 2, 3), (1, 2))
    if not w:
        return
    kernel, stride, _, pads, size = w
    pads = [min(p, k - 1) for p, k in zip(pads, kernel * 2)]
    op, more = n.r.choice((("MaxPool", {}), ("AveragePool", {}), ("AveragePool", {"count_include_pad": 1})))
    nd, ceil = x.rank - 2, int(op == "MaxPool" and n.r.random() < 0.4)
    if ceil:  # what it means with pads was not always agreed on
        pads = [0] * nd * 2
    for i in range(nd):
        room = x.shape[2 + i] + pads[i] + pads[nd + i] - kernel[i]
        size[i] = (-(-room // stride[i]) if ceil else room // stride[i]) + 1
        if room < 0 or (ceil and (size[i] - 1) * stride[i] >= x.shape[2 + i]):
            return
    n.node(op, [x], [(*x.shape[:2], *size)], kernel_shape=kernel, strides=stride, pads=pads, ceil_mode=ceil, **more)


def global_pool(n):
    x = n.pick(is_map)
    if x:
        n.node(n.r.choice(("GlobalAveragePool", "GlobalMaxPool")), [x], [x.shape[:2] + (1,) * (x.rank - 2)])


def activation(n):
    x = n.pick()
    op, attributes = n.r.choice((
        ("Relu", {}), ("Relu", {}), ("Sigmoid", {}), ("Tanh", {}), ("LeakyRelu", {"alpha": 0.2}), ("Elu", {}),
        ("HardSigmoid", {}), ("Abs", {}), ("Neg", {}), ("Erf", {}), ("Softplus", {}), ("Identity", {}),
        ("Dropout", {})))
    n.node(op, [x], [x.shape], **attributes)


def composite(n):
    """SiLU, HardSwish, GELU, Relu6, PRelu."""
    x = n.pick()
    which = n.r.randrange(5)
    if which == 0:
        n.node("Mul", [x, n.aux("Sigmoid", x)], [x.shape])
    elif which == 1:
        n.node("Mul", [n.aux("HardSigmoid", x), x], [x.shape])
    elif which == 2:
        e = n.aux("Add", n.aux("Erf", n.aux("Div", x, n.const(np.float32(2 ** 0.5)))), n.const(np.float32(1)))
        n.node("Mul", [n.aux("Mul", x, e), n.const(np.float32(0.5))], [x.shape])
    elif which == 3:
        n.node("Clip", [x, n.const(np.float32(-0.5)), n.const(np.float32(1.5))], [x.shape])
    else:
        slope = [x.shape[1]] + [1] * (x.rank - 2) if x.rank > 1 else [1] * x.rank
        n.node("PRelu", [x, n.uniform(0.1, 0.4, *slope)], [x.shape])


def function(n):
    """Functions with poles, on arguments that keep away from them."""
    x = n.pick()
    away = n.aux("Add", n.aux("Abs", x), n.const(np.float32(0.5)))
    which = n.r.randrange(6)
    if which == 0:
        n.node("Sqrt", [away], [x.shape])
    elif which == 1:
        n.node("Log", [away], [x.shape])
    elif which == 2:
        n.node("Reciprocal", [away], [x.shape])
    elif which == 3:
        n.node("Exp", [n.aux("Clip", x, n.const(np.float32(-4)), n.const(np.float32(1.5)))], [x.shape])
    elif which == 4:
        n.node("Pow", [n.aux("Clip", away, "", n.const(np.float32(3))), n.const(np.float32(n.r.choice((0.5, 2, 1.7, 3))))],
               [x.shape])
    else:
        n.node("Div", [n.pick(lambda v: v.shape == x.shape), away], [x.shape])


def binary(n):
    x = n.pick()
    op = n.r.choice(("Add", "Add", "Add", "Sub", "Mul", "Max", "Min", "Sum", "Mean"))
    y = n.pick(lambda v: v.shape == x.shape)
    if n.r.random() < 0.5 or (y is x and n.r.random() < 0.7):
        y = n.uniform(-1, 1, *n.broadcast(x.shape))
    operands = [x, y] if n.r.random() < 0.5 else [y, x]
    if op in ("Max", "Min", "Sum", "Mean") and n.r.random() < 0.4:
        operands.append(n.pick(lambda v: v.shape == x.shape))
    n.node(op, operands, [x.shape])


def wide(n):
    """Two values of one rank that are broadcast to each other."""
    x = n.pick()
    y = n.pick(lambda v: v.rank == x.rank and all(a == b or 1 in (a, b) for a, b in zip(v.shape, x.shape)))
    shape = [b if a == 1 else a for a, b in zip(x.shape, y.shape)]
    if np.prod(shape) <= VALUES_MAX:
        n.node(n.r.choice(("Add", "Sub", "Mul")), [x, y], [shape])


def choose(n):
    """Where, by a comparison; Not in front of it now and then."""
    x = n.pick()
    y = n.pick(lambda v: v.shape == x.shape)
    mask = n.aux(n.r.choice(("Greater", "Less")), x, n.uniform(-0.5, 0.5, *n.broadcast(x.shape)))
    if n.r.random() < 0.5:
        mask = n.aux("Not", mask)
    n.node("Where", [mask, x, y] if n.r.random() < 0.5 else [mask, n.const(np.float32(-1)), x], [x.shape])


def concat(n):
    x = n.pick(lambda v: v.rank > 0)
    axis = 1 if x.rank > 1 and n.r.random() < 0.6 else n.axis(x)
    fits = [v for v in n.values if v.kind == "f" and v.rank == x.rank and
            all(a == b for i, (a, b) in enumerate(zip(v.shape, x.shape)) if i != axis)]
    parts = [n.r.choice(fits) for _ in range(n.r.randint(1, 3))] + [x]
    n.r.shuffle(parts)
    shape = list(x.shape)
    shape[axis] = sum(p.shape[axis] for p in parts)
    if np.prod(shape) <= VALUES_MAX:
        n.node("Concat", parts, [shape], axis=n.sign(x, axis))


def split(n):
    """All parts, or one that nobody reads; sometimes the Concat that undoes it, in another order."""
    x = n.pick(lambda v: max(v.shape, default=0) > 1)
    if not x:
        return
    axis = n.r.choice([i for i, a in enumerate(x.shape) if a > 1])
    size, parts = x.shape[axis], []
    while size:
        parts.append(n.r.randint(1, size) if len(parts) < 3 else size)
        size -= parts[-1]
    shapes = [x.shape[:axis] + (p,) + x.shape[axis + 1:] for p in parts]
    n.node("Split", [x, n.ints(*parts)], shapes, axis=n.sign(x, axis))
    made = n.values[len(n.values) - len(parts):]
    if n.r.random() < 0.4:
        order = n.r.sample(made, len(made))
        n.node("Concat", order, [x.shape], axis=axis)


def cut(n):
    x = n.pick(lambda v: v.rank > 0 and min(v.shape) > 0)
    axis = n.axis(x)
    size = x.shape[axis]
    start = n.r.randrange(size)
    if n.r.random() < 0.25:  # backwards
        length, step, end = start + 1, -1, -size - 1
    else:
        end, step = n.r.randint(start + 1, size), n.r.choice((1, 1, 1, 2))
        length = -(-(end - start) // step)
    n.node("Slice", [x, n.ints(start), n.ints(end), n.ints(n.sign(x, axis)), n.ints(step)],
           [x.shape[:axis] + (length,) + x.shape[axis + 1:]])


def gather(n):
    x = n.pick(lambda v: v.rank > 0 and min(v.shape) > 0)
    axis = n.axis(x)
    if n.r.random() < 0.4:
        index, picked = n.const(np.array(n.r.randrange(x.shape[axis]), np.int64)), ()
    else:
        count = n.r.randint(1, 4)
        index, picked = n.ints(*[n.r.randrange(-x.shape[axis], x.shape[axis]) for _ in range(count)]), (count,)
    n.node("Gather", [x, index], [x.shape[:axis] + picked + x.shape[axis + 1:]], axis=axis)


def transpose(n):
    x = n.pick(lambda v: v.rank > 1)
    if not x:
        return
    perm = n.r.sample(range(x.rank), x.rank)
    y = n.node("Transpose", [x], [[x.shape[p] for p in perm]], perm=perm)
    if n.r.random() < 0.3:  # and back, with something between
        back = [perm.index(i) for i in range(x.rank)]
        y = n.node("Relu", [y], [y.shape])
        n.node("Transpose", [y], [x.shape], perm=back)


def shuffle(n):
    x = n.pick(lambda v: v.rank == 4 and v.shape[1] % 2 == 0 and min(v.shape) > 0)
    if not x:
        return
    b, c, h, w = x.shape
    y = n.aux("Transpose", n.aux("Reshape", x, n.ints(b, 2, c // 2, h, w)), perm=[0, 2, 1, 3, 4])
    n.node("Reshape", [y, n.ints(b, c, h, w)], [x.shape])


def depth(n):
    x = n.pick(lambda v: v.rank == 4 and v.shape[1] % 4 == 0 and min(v.shape) > 0)
    if x:
        b, c, h, w = x.shape
        n.node("DepthToSpace", [x], [(b, c // 4, h * 2, w * 2)], blocksize=2, mode=n.r.choice(("DCR", "CRD")))


def reshape(n):
    x = n.pick(lambda v: v.rank > 0 and min(v.shape) > 0)
    which = n.r.randrange(4)
    if which == 0:
        axis = n.r.randint(0, x.rank)
        n.node("Flatten", [x], [(int(np.prod(x.shape[:axis])), int(np.prod(x.shape[axis:])))], axis=axis)
    elif which == 1 and x.rank < 5:
        axis = n.r.randint(0, x.rank)
        n.node("Unsqueeze", [x, n.ints(axis)], [x.shape[:axis] + (1,) + x.shape[axis:]])
    elif which == 2 and 1 in x.shape:
        axis = x.shape.index(1)
        n.node("Squeeze", [x, n.ints(n.sign(x, axis))], [x.shape[:axis] + x.shape[axis + 1:]])
    elif x.rank > 1:
        axis = n.r.randrange(x.rank - 1)
        shape = x.shape[:axis] + (x.shape[axis] * x.shape[axis + 1],) + x.shape[axis + 2:]
        n.node("Reshape", [x, n.ints(*shape)], [shape])


def shape_chain(n):
    """What PyTorch's exporter writes for x.view(x.size(0), -1), x.expand_as(y) and torch.ones(x.shape)."""
    x = n.pick(lambda v: v.rank > 1 and min(v.shape) > 0)
    if not x:
        return
    shape = n.aux("Shape", x)
    which = n.r.randrange(3)
    if which == 0:
        axis = n.axis(x)
        size = n.aux("Gather", shape, n.const(np.array(axis, np.int64)), axis=0)
        target = n.aux("Concat", n.aux("Unsqueeze", size, n.ints(0)), n.ints(-1), axis=0)
        n.node("Reshape", [x, target], [(x.shape[axis], x.size // x.shape[axis])])
    elif which == 1:
        small = n.aux("ReduceMean", x, axes=[n.axis(x)], keepdims=1)
        n.node("Expand", [small, shape], [x.shape])
    else:
        head = n.aux("Slice", shape, n.ints(1), n.ints(x.rank), n.ints(0))
        value = numpy_helper.from_array(np.array([0.25], np.float32))
        n.node("Add", [x, n.aux("ConstantOfShape", head, value=value)], [x.shape])


def reduce(n):
    x = n.pick(lambda v: v.rank > 0 and min(v.shape) > 0)
    axes = sorted(n.r.sample(range(x.rank), n.r.randint(1, min(2, x.rank))))
    keep = n.r.randrange(2)
    shape = [1 if i in axes else a for i, a in enumerate(x.shape) if keep or i not in axes]
    op = n.r.choice(("ReduceMean", "ReduceMax", "ReduceMin", "ReduceSum"))
    if op == "ReduceSum":
        n.node("Tanh", [n.aux(op, x, n.ints(*axes), keepdims=keep)], [shape])
    else:
        n.node(op, [x], [shape], axes=[n.sign(x, a) for a in axes], keepdims=keep)


def layer_norm(n):
    x = n.pick(lambda v: v.rank > 1 and v.shape[-1] > 3 and min(v.shape) > 0)
    if not x:
        return
    d = n.aux("Sub", x, n.aux("ReduceMean", x, axes=[-1]))
    v = n.aux("ReduceMean", n.aux("Pow", d, n.const(np.float32(2))), axes=[-1])
    y = n.aux("Div", d, n.aux("Sqrt", n.aux("Add", v, n.const(np.float32(0.1)))))
    n.node("Mul", [y, n.uniform(0.5, 1.5, x.shape[-1])], [x.shape])


def softmax(n):
    x = n.pick(lambda v: v.rank > 0 and min(v.shape) > 0)
    n.node(n.r.choice(("Softmax", "Softmax", "LogSoftmax")), [x], [x.shape], axis=n.sign(x, n.axis(x)))


def matmul(n):
    x = n.pick(lambda v: v.rank > 0 and min(v.shape) > 0)
    columns = n.r.choice((1, 3, 4, 8, 12))
    weight = n.normal(x.shape[-1], columns, scale=x.shape[-1] ** -0.5)
    y = n.node("MatMul", [x, weight], [(*x.shape[:-1], columns)])
    if n.r.random() < 0.5:
        op = n.r.choice(("Add", "Mul", "Sub"))
        n.node(op, [y, n.uniform(-1, 1, columns)], [y.shape])


def gemm(n):
    x = n.pick(lambda v: v.rank == 2 and min(v.shape) > 0)
    if not x:
        return
    ta, tb = n.r.randrange(2), n.r.randrange(2)
    rows, depth_ = (x.shape[1], x.shape[0]) if ta else x.shape
    columns = n.r.choice((1, 3, 4, 8, 12))
    weight = n.normal(*((columns, depth_) if tb else (depth_, columns)), scale=depth_ ** -0.5)
    bias = [n.uniform(-1, 1, *n.broadcast((rows, columns)))] if n.r.random() < 0.6 else []
    y = n.node("Gemm", [x, weight, *bias], [(rows, columns)], transA=ta, transB=tb, alpha=n.r.choice((1.0, 0.7)),
               beta=n.r.choice((1.0, 0.5)))
    if n.r.random() < 0.4:
        norm(n, y)


def attention(n):
    """x times its own transpose, as a matrix per head."""
    x = n.pick(lambda v: v.rank >= 2 and min(v.shape) > 0 and v.shape[-2] <= 64)
    if not x:
        return
    perm = [*range(x.rank - 2), x.rank - 1, x.rank - 2]
    s = n.aux("MatMul", n.aux("Mul", x, n.const(np.float32(x.shape[-1] ** -0.5))), n.aux("Transpose", x, perm=perm))
    n.node("MatMul", [n.aux("Softmax", s, axis=-1), x], [x.shape])


def heads(n):
    """Transposed operands, as a transformer's Q, K and V have them."""
    x = n.pick(lambda v: v.rank == 3 and v.shape[2] % 2 == 0 and min(v.shape) > 0)
    if not x:
        return
    b, s, w = x.shape
    h = n.r.choice([h for h in (1, 2, 4) if w % h == 0])
    four = n.aux("Reshape", x, n.ints(b, s, h, w // h))
    q, k = n.aux("Transpose", four, perm=[0, 2, 1, 3]), n.aux("Transpose", four, perm=[0, 2, 3, 1])
    p = n.aux("Softmax", n.aux("MatMul", q, k), axis=-1)
    o = n.aux("Transpose", n.aux("MatMul", p, q), perm=[0, 2, 1, 3])
    n.node("Reshape", [o, n.ints(b, s, w)], [x.shape])


def pad(n):
    x = n.pick(is_map)
    if not x:
        return
    low, high = ([0, 0] + [n.r.randint(0, 2) for _ in range(x.rank - 2)] for _ in range(2))
    shape = [a + p + q for a, p, q in zip(x.shape, low, high)]
    mode = n.r.choice(("constant", "constant", "edge"))
    p = n.node("Pad", [x, n.ints(*low, *high)], [shape], mode=mode)
    if n.r.random() < 0.6:
        kernel = [min(2, a) for a in p.shape[2:]]
        n.node("AveragePool", [p], [(*p.shape[:2], *[a - k + 1 for a, k in zip(p.shape[2:], kernel)])],
               kernel_shape=kernel, count_include_pad=1)


def resize(n):
    x = n.pick(lambda v: v.rank == 4 and min(v.shape) > 0 and v.size < VALUES_MAX // 4)
    if x:
        n.node("Resize", [x, "", n.const(np.array([1, 1, 2, 2], np.float32))],
               [(*x.shape[:2], x.shape[2] * 2, x.shape[3] * 2)], mode=n.r.choice(("nearest", "linear")),
               coordinate_transformation_mode=n.r.choice(("asymmetric", "half_pixel")), nearest_mode="floor")


def tower(n):
    """A subgraph and its equal: one reads the other's constants, or copies of them."""
    x = n.pick(lambda v: v.rank >= 1 and min(v.shape) > 0)
    weight = (n.data.standard_normal((x.shape[-1], 4)) / x.shape[-1] ** 0.5).astype(np.float32)
    shared = n.const(weight)
    ends = [n.aux("Tanh", n.aux("MatMul", x, w)) for w in (shared, n.r.choice((shared, n.const(weight))))]
    n.node("Sub", [n.aux("Abs", ends[0]), n.aux("Neg", ends[1])], [(*x.shape[:-1], 4)])


def lrn(n):
    x = n.pick(lambda v: v.rank == 4 and min(v.shape) > 0)
    if x:
        n.node("LRN", [x], [x.shape], size=n.r.choice((1, 3, 5)), alpha=0.1)


STEPS = [conv] * 6 + [activation] * 4 + [binary] * 4 + [concat] * 3 + [split] * 3 + [
    norm, composite, composite, function, wide, wide, choose, pool, pool, global_pool, cut, cut, gather, transpose,
    transpose, shuffle, depth, reshape, reshape, shape_chain, shape_chain, reduce, reduce, layer_norm, softmax,
    matmul, matmul, gemm, attention, heads, pad, resize, tower, lrn, *random_types.STEPS]


def build(seed):
    n = Net(seed)
    for _ in range(n.r.randint(4, 24)):
        n.r.choice(STEPS)(n)
    return n.build()


if __name__ == "__main__":
    onnx.save(build(int(sys.argv[1]))[0], sys.argv[2])
