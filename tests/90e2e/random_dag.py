"""Random networks that are all about storage: residuals, Concats of Concats, leaves that several Concats want, Splits,
views, dense and U-shaped skips, values with many readers, outputs in the middle. Few kinds of kernels and small
shapes, so that thousands of them run.

    python3 tests/90e2e/random_dag.py SEED OUT.onnx"""
import random
import sys

import numpy as np
import onnx

from random_net import Net, Value, shuffle

CHANNELS_MAX = 64


class Dag(Net):
    def __init__(self, seed):
        self.r = random.Random(f"dag {seed}")
        self.data = np.random.default_rng(seed)
        self.opset = 17
        self.nodes, self.weights, self.values, self.count = [], [], [], 0
        self.used = set()
        self.batch = self.r.choice((1, 1, 1, 2, 3))
        self.size = self.r.choice((4, 8))
        self.inputs = [self.new((self.batch, self.r.choice((3, 8, 16)), self.size, self.size))
                       for _ in range(self.r.choice((1, 1, 2)))]

    def map(self, test=lambda v: True):
        """A feature map; mostly a late one, now and then the longest skip."""
        return self.pick(lambda v: v.rank == 4 and v.shape[0] == self.batch and min(v.shape[1:]) > 1 and test(v))

    def like(self, x, axis):
        """Values that may stand beside x in a Concat along the axis."""
        return [v for v in self.values if v.rank == x.rank and
                all(a == b for i, (a, b) in enumerate(zip(v.shape, x.shape)) if i != axis)]

    def conv(self, x, out=None, kernel=None, group=1, stride=1):
        out, kernel = out or x.shape[1], kernel or self.r.choice((1, 1, 3))
        size = [(n + kernel // 2 * 2 - kernel) // stride + 1 for n in x.shape[2:]]
        reads = x.shape[1] // group
        weight = self.normal(out, reads, kernel, kernel, scale=1.2 / (reads * kernel * kernel) ** 0.5)
        return self.node("Conv", [x, weight, self.uniform(-0.5, 0.5, out)], [(x.shape[0], out, *size)], group=group,
                         kernel_shape=[kernel] * 2, pads=[kernel // 2] * 4, strides=[stride] * 2)

    def norm(self, x):
        c = x.shape[1]
        return self.node("BatchNormalization", [x, self.uniform(0.6, 1.4, c), self.uniform(-0.5, 0.5, c),
                                                self.uniform(-0.3, 0.3, c), self.uniform(0.5, 1.5, c)], [x.shape])

    def act(self, x):
        return self.node(self.r.choice(("Relu", "Relu", "Sigmoid", "Tanh", "HardSwish")), [x], [x.shape])

    def concat(self, parts, axis=1):
        shape = list(parts[0].shape)
        shape[axis] = sum(p.shape[axis] for p in parts)
        return self.node("Concat", parts, [shape], axis=axis)

    def reshape(self, x, *shape):
        return self.node("Reshape", [x, self.ints(*shape)], [shape])

    def split(self, x, sizes, axis=1):
        self.node("Split", [x, self.ints(*sizes)], [(*x.shape[:axis], s, *x.shape[axis + 1:]) for s in sizes], axis=axis)
        return self.values[-len(sizes):]


# ---- motifs ----

def residual(n):
    """The skip is read last by the Add, or by something else, too."""
    x = n.map()
    y = x
    for _ in range(n.r.randint(1, 3)):
        y = n.conv(y, x.shape[1])
        if n.r.random() < 0.6:
            y = n.act(y)
    y = n.node("Add", [y, x] if n.r.random() < 0.5 else [x, y], [x.shape])
    if n.r.random() < 0.3:
        n.conv(x)
    if n.r.random() < 0.5:
        n.act(y)


def pre_activation(n):
    x = n.map()
    n.conv(n.act(n.norm(x)), n.r.choice((8, 16)))


def dense(n):
    """Each layer reads all results before it: a list that grows, or a Concat of the Concat before."""
    x = n.map(lambda v: v.shape[1] <= 24)
    if not x:
        return
    parts, last, chained = [x], x, n.r.random() < 0.4
    for _ in range(n.r.randint(2, 4)):
        y = n.conv(n.act(n.norm(last)) if n.r.random() < 0.5 else last, 8)
        parts.append(y)
        last = n.concat([last, y] if chained else parts)
    n.conv(last, 8, 1)


def join(n):
    """Concats of what there is; the same leaf again, in another one, or twice in one; Concats of Concats."""
    x, axis = n.map(), n.r.choice((1, 1, 1, 1, 0, 2))
    for _ in range(n.r.randint(1, 3)):
        near = n.like(x, axis)[-5:]
        parts = [n.r.choice(near) for _ in range(n.r.randint(1, 3))] + [x]
        n.r.shuffle(parts)
        if sum(p.size for p in parts) > CHANNELS_MAX * 64:
            return
        y = n.concat(parts, axis)
        if axis != 1 or n.r.random() < 0.4:
            n.act(y)
        if n.r.random() < 0.6:
            x = y


def fresh(n):
    """Leaves made for a Concat inside a Concat, one of them read by another Concat, too."""
    x = n.map()
    a, b, c = (n.conv(x, n.r.choice((4, 8, 8, 16))) for _ in range(3))
    inner = n.concat([a, b])
    n.concat([inner, c] if n.r.random() < 0.5 else [c, inner])
    if n.r.random() < 0.6:
        n.concat([c, a] if n.r.random() < 0.5 else [n.act(inner), b])


def branches(n):
    """Parts of a Split, each on its own way, together again in another order."""
    x = n.map(lambda v: v.shape[1] >= 8)
    if not x:
        return
    c = x.shape[1]
    sizes = n.r.choice(([c // 2, c - c // 2], [8, c - 8] if c > 8 else [c], [3, c - 3], [c // 4, c // 4, c - c // 4 * 2]))
    parts = n.split(x, sizes)
    made = [n.conv(p, kernel=3, group=p.shape[1]) if n.r.random() < 0.5 else
            n.act(p) if n.r.random() < 0.5 else p for p in parts]
    n.r.shuffle(made)
    y = n.concat(made)
    if n.r.random() < 0.4:
        n.node("Add", [y, x], [x.shape])


def unet(n):
    """Down and up again, with skips that are Concat's leaves."""
    x, skips = n.map(lambda v: v.shape[2] >= 4), []
    if not x:
        return
    for _ in range(n.r.randint(1, 2) if x.shape[2] >= 8 else 1):
        x = n.act(n.conv(x, 8, 3))
        skips.append(x)
        half = (*x.shape[:2], x.shape[2] // 2, x.shape[3] // 2)
        x = n.node("MaxPool", [x], [half], kernel_shape=[2, 2], strides=[2, 2])
    x = n.conv(x, 16, 1)
    for skip in reversed(skips):
        if n.r.random() < 0.5:
            x = n.node("ConvTranspose", [x, n.normal(x.shape[1], 8, 2, 2, scale=0.3)],
                       [(x.shape[0], 8, *skip.shape[2:])], kernel_shape=[2, 2], strides=[2, 2])
        else:
            x = n.node("Resize", [x, "", n.const(np.array([1, 1, 2, 2], np.float32))],
                       [(*x.shape[:2], *skip.shape[2:])], mode="nearest", coordinate_transformation_mode="asymmetric",
                       nearest_mode="floor")
        x = n.conv(n.concat([x, skip] if n.r.random() < 0.5 else [skip, x]), 8, 3)


def gate(n):
    """Squeeze and excite."""
    x = n.map()
    s = n.node("GlobalAveragePool", [x], [(*x.shape[:2], 1, 1)])
    s = n.node("Sigmoid", [n.conv(s, x.shape[1], 1)], [s.shape])
    n.node("Mul", [x, s], [x.shape])


def views(n):
    """Matrices that are views of feature maps, parts of them, and the way back."""
    x = n.map(lambda v: v.shape[1] <= 24)
    if not x:
        return
    b, c, h, w = x.shape
    y = n.reshape(x, b, c, h * w)
    if n.r.random() < 0.5:
        y = n.node("Softmax", [y], [y.shape], axis=-1)
    if n.r.random() < 0.5:
        half = n.split(y, [c // 2, c - c // 2])
        y = n.concat([n.act(half[0]), half[1]] if n.r.random() < 0.5 else half[::-1])
    if n.r.random() < 0.5:
        y = n.node("MatMul", [y, n.normal(h * w, h * w, scale=1 / h)], [y.shape])
    n.reshape(y, b, c, h, w)


def items(n):
    """The batch cut in two and put together again."""
    x = n.map()
    if n.batch < 2:
        return
    parts = n.split(x, [1, n.batch - 1], 0)
    y = n.concat([n.act(parts[1]), parts[0]] if n.r.random() < 0.5 else parts[::-1], 0)
    n.node("Max", [y, x], [x.shape])


def tokens(n):
    """Attention over the pixels."""
    x = n.map(lambda v: v.shape[1] in (8, 16))
    if not x:
        return
    b, c, h, w = x.shape
    t = n.node("Transpose", [n.reshape(x, b, c, h * w)], [(b, h * w, c)], perm=[0, 2, 1])
    q, k, v = (n.node("MatMul", [t, n.normal(c, c, scale=c ** -0.5)], [t.shape]) for _ in range(3))
    k = n.node("Transpose", [k], [(b, c, h * w)], perm=[0, 2, 1])
    s = n.node("Softmax", [n.node("MatMul", [q, k], [(b, h * w, h * w)])], [(b, h * w, h * w)], axis=-1)
    n.node("Add", [n.node("MatMul", [s, v], [t.shape]), t], [t.shape])


def sums(n):
    """One value, many readers, at different distances."""
    x = n.map()
    same = [v for v in n.values if v.shape == x.shape][-4:]
    y = x
    for _ in range(n.r.randint(2, 4)):
        y = n.node(n.r.choice(("Add", "Mul", "Max")), [n.act(y) if n.r.random() < 0.5 else y, n.r.choice(same)], [x.shape])
    n.conv(y)
    n.node("Tanh", [x], [x.shape])


MOTIFS = (residual, residual, pre_activation, dense, join, join, fresh, fresh, branches, branches, unet, gate, views,
          items, tokens, sums, shuffle)


def build(seed):
    """(model, feeds)"""
    n = Dag(seed)
    n.act(n.conv(n.inputs[0], n.r.choice((8, 16, 24))))
    for _ in range(n.r.randint(2, 6)):
        n.r.choice(MOTIFS)(n)
    if n.r.random() < 0.7:  # otherwise a Concat, a view or a sum may be what comes out
        n.node("Tanh", [n.values[-1]], [n.values[-1].shape])
    return n.build()


if __name__ == "__main__":
    onnx.save(build(int(sys.argv[1]))[0], sys.argv[2])
