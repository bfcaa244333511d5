"""Random small graphs of feature maps as text IR: python3 tests/25kernel/random_graph.py SEED > x.ir"""
import random
import sys

WINDOWS = {1: 40, 2: 20, 3: 7}  # spatial axes: greatest size of one


def words(values):
    return "[" + ",".join(map(str, values)) + "]"


class Graph:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.inputs, self.constants, self.nodes, self.values = [], [], [], []
        self.names = 0
        spatial = self.random.choice((1, 2, 2, 2, 3))
        batch = self.random.choice((1, 1, 2, 3))
        size = [self.random.randint(3, WINDOWS[spatial]) for _ in range(spatial)]
        for _ in range(self.random.choice((1, 1, 2))):
            shape = (batch, self.random.choice((1, 2, 3, 4, 5, 8, 9, 12, 16)), *size)
            self.inputs.append(f"{self.name()} = input f32{words(shape)}")
            self.values.append((f"%v{self.names}", shape))

    def name(self):
        self.names += 1
        return f"%v{self.names}"

    def const(self, shape):
        name = self.name()
        self.constants.append(f"{name} = const f32{words(shape)} fill={self.random.getrandbits(60):016x}")
        return name

    def ints(self, *values):
        name = self.name()
        self.constants.append(f"{name} = const i64[{len(values)}] {{{', '.join(map(str, values))}}}")
        return name

    def node(self, shape, op, *operands, **attrs):
        text = ", ".join(f"{key}={value}" for key, value in sorted(attrs.items()))
        name = self.name()
        self.nodes.append(f"{name} = {op} {' '.join(operands)}" + (f" {{{text}}}" if text else ""))
        self.values.append((name, tuple(shape)))

    def pick(self, choices, count):
        return [self.random.choice(choices) for _ in range(count)]

    def group(self, channels):
        return self.random.choice([g for g in range(1, channels + 1) if channels % g == 0] + [1] * 6)

    def bias(self, channels):
        return [self.const([channels])] if self.random.random() < 0.6 else []


def conv(g, x, s, depthwise=False):
    nd, r = len(s) - 2, g.random
    group = s[1] if depthwise else g.group(s[1])
    channels = group * (1 if depthwise else r.randint(1, max(1, 40 // group)))
    kernel, stride, dilation = g.pick((1, 1, 2, 3, 3, 5, 7), nd), g.pick((1, 1, 2, 3), nd), g.pick((1, 1, 1, 2), nd)
    extent = [(k - 1) * d for k, d in zip(kernel, dilation)]
    low, high = [r.randint(0, e) for e in extent], [r.randint(0, e) for e in extent]
    out = [(a + p + q - e - 1) // t + 1 for a, p, q, e, t in zip(s[2:], low, high, extent, stride)]
    if min(out) > 0:
        g.node((s[0], channels, *out), "Conv", x, g.const([channels, s[1] // group, *kernel]), *g.bias(channels),
               dilations=words(dilation), group=group, pads=words(low + high), strides=words(stride))


def depthwise(g, x, s):
    conv(g, x, s, depthwise=True)


def transposed(g, x, s):
    nd, r = len(s) - 2, g.random
    group, channels = g.group(s[1]), r.randint(1, 12)
    kernel, stride = g.pick((1, 2, 3, 4), nd), g.pick((1, 2, 3), nd)
    low, high = [r.randrange(k) for k in kernel], [r.randrange(k) for k in kernel]
    out = [(a - 1) * t + k - p - q for a, t, k, p, q in zip(s[2:], stride, kernel, low, high)]
    if 0 < min(out) and max(out) < 60:
        g.node((s[0], channels * group, *out), "ConvTranspose", x, g.const([s[1], channels, *kernel]),
               *g.bias(channels * group), group=group, pads=words(low + high), strides=words(stride))


def pool(g, x, s):
    nd, r = len(s) - 2, g.random
    kernel, stride = g.pick((1, 2, 3), nd), g.pick((1, 2), nd)
    low, high = [r.randrange(k) for k in kernel], [r.randrange(k) for k in kernel]
    out = [(a + p + q - k) // t + 1 for a, p, q, k, t in zip(s[2:], low, high, kernel, stride)]
    attrs = dict(kernel_shape=words(kernel), pads=words(low + high), strides=words(stride))
    if min(out) > 0:
        op, more = r.choice((("MaxPool", {}), ("AveragePool", {}), ("AveragePool", {"count_include_pad": 1})))
        g.node((*s[:2], *out), op, x, **attrs, **more)


def activation(g, x, s):
    g.node(s, g.random.choice(("Relu", "Sigmoid", "Tanh", "HardSwish", "Abs")), x)


def binary(g, x, s):
    same = [name for name, shape in g.values if shape == s and name != x]
    shape = g.random.choice(([s[1]] + [1] * (len(s) - 2), list(s), [1], [s[-1]], [s[0]] + [1] * (len(s) - 1)))
    other = g.random.choice(same) if same else g.const(shape)
    g.node(s, g.random.choice(("Add", "Mul", "Max")), x, other)


def concat(g, x, s):
    axis = g.random.choice([0, 1, 1, 1, *range(2, len(s))])
    fits = [v for v in g.values if len(v[1]) == len(s) and v[1][:axis] + v[1][axis + 1:] == s[:axis] + s[axis + 1:]]
    parts = g.pick(fits, g.random.randint(1, 3)) + [(x, s)]
    total = sum(shape[axis] for _, shape in parts)
    g.node((*s[:axis], total, *s[axis + 1:]), "Concat", *[name for name, _ in parts], axis=axis)


def resize(g, x, s):
    out = (*s[:2], *[max(1, a * g.random.choice((1, 2, 3)) // g.random.choice((1, 1, 2))) for a in s[2:]])
    coord = g.random.choice(("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"))
    g.node(out, "Resize", x, "_", "_", g.ints(*out), coordinate_transformation_mode=f'"{coord}"',
           mode=g.random.choice(('"nearest"', '"linear"')))


def pooled(g, x, s):
    g.node(s[:2] + (1,) * (len(s) - 2), "GlobalAveragePool", x)


def reduce(g, x, s):
    axes = sorted(g.random.sample(range(len(s)), g.random.randint(1, 2)))
    g.node([1 if i in axes else a for i, a in enumerate(s)], g.random.choice(("ReduceMean", "ReduceMax")), x,
           axes=words(axes))


def transpose(g, x, s):
    perm = g.random.sample(range(len(s)), len(s))
    g.node([s[i] for i in perm], "Transpose", x, perm=words(perm))


def softmax(g, x, s):
    g.node(s, "Softmax", x, axis=g.random.randrange(len(s)))


def cut(g, x, s):
    axis = g.random.randrange(len(s))
    start = g.random.randrange(s[axis])
    end, step = g.random.randint(start + 1, s[axis]), g.random.choice((1, 1, 2))
    g.node((*s[:axis], -(-(end - start) // step), *s[axis + 1:]), "Slice", x, g.ints(start), g.ints(end),
           g.ints(axis), g.ints(step))


def matmul(g, x, s):
    columns = g.random.choice((1, 5, 8, 12))
    g.node((*s[:-1], columns), "MatMul", x, g.const([s[-1], columns]))


def shuffled(g, x, s):
    if len(s) == 4 and s[1] % 4 == 0:
        g.node((s[0], s[1] // 4, s[2] * 2, s[3] * 2), "DepthToSpace", x, blocksize=2, mode=g.random.choice(('"DCR"', '"CRD"')))


STEPS = [conv] * 4 + [activation, binary] * 2 + [depthwise, transposed, pool, concat, resize, pooled, reduce,
                                                transpose, softmax, cut, matmul, shuffled]


def text(seed):
    """None where no step of the seed's fitted its operand."""
    g = Graph(seed)
    for _ in range(g.random.randint(2, 7)):
        g.random.choice(STEPS)(g, *g.random.choice(g.values[-3:]))
    if not g.nodes:
        return None
    used = {word for line in g.nodes for word in line.split(" = ")[1].split()}
    made = [line.split(" = ")[0] for line in g.nodes]
    outputs = [f"output {name}" for name in made if name not in used or g.random.random() < 0.15]
    return "\n".join(['graph "random" opset 17', *g.inputs, *g.constants, *g.nodes, *outputs, ""])


if __name__ == "__main__":
    print(text(int(sys.argv[1])), end="")
