"""Seeded operator cases: case(n) is the n-th of a thousand (or beyond), always the same. Odd sizes, groups, strides,
dilations, asymmetric pads, one to three spatial axes, axes of size zero, data types, opsets 7 to 22.

A case is a node, maybe with a neighbour before and behind it that makes its operands channel-blocked inside
of the network; 25 cases in a row share an opset, so that they can be one model."""
import dataclasses
import math
import random

import numpy as np

COUNT, BATCH = 1000, 25
OPSETS = [7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22]
F32, F16, F64 = np.float32, np.float16, np.float64
FLOATS = [F32] * 7 + [F16] * 2 + [F64]
INTEGERS = [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64]


class Misfit(Exception):
    """What was drawn is no valid node."""


@dataclasses.dataclass
class Case:
    name: str
    opset: int
    inputs: dict = dataclasses.field(default_factory=dict)  # given when it runs
    consts: dict = dataclasses.field(default_factory=dict)  # in the model
    nodes: list = dataclasses.field(default_factory=list)  # (op, operands, results, attributes)
    outputs: list = dataclasses.field(default_factory=list)


class Draw(random.Random):
    """The choices of one case."""

    def __init__(self, n, attempt):
        super().__init__(n * 64 + attempt)
        self.data = np.random.default_rng([n, attempt])
        self.case = Case("", OPSETS[n // BATCH % len(OPSETS)])

    @property
    def opset(self):
        return self.case.opset

    def chance(self, share):
        return self.random() < share

    def some(self, choices, count):
        return [self.choice(choices) for _ in range(count)]

    def array(self, shape, dt=F32, lo=-2.0, hi=2.0):
        dt = np.dtype(dt)
        if dt == bool:
            return self.data.random(shape) < 0.5
        if dt.kind == "f":
            return np.asarray(self.data.uniform(lo, hi, shape)).astype(dt)
        return self.data.integers(max(int(lo), 0) if dt.kind == "u" else int(lo), int(hi) + 1, shape).astype(dt)

    def operand(self, x, constant=False):
        names = self.case.consts if constant else self.case.inputs
        name = f"{'w' if constant else 'x'}{len(names)}"
        names[name] = x
        return name

    def node(self, op, operands, outputs=1, **attrs):
        names = [f"{op.lower()}{len(self.case.nodes)}_{k}" for k in range(outputs)]
        self.case.nodes.append((op, operands, names, {a: v for a, v in attrs.items() if v is not None}))
        return names


# ---- what surrounds a node on feature maps ----

def batch_of(r):
    return 0 if r.chance(0.03) else r.choice((1, 1, 1, 2, 3))


def feature_map(r, channels, spatial, dt):
    """An operand [batch, channels, spatial], sometimes made by a node (then it may be blocked)."""
    x = r.operand(r.array((batch_of(r), channels, *spatial), dt))
    return r.node("Neg", [x])[0] if dt == F32 and r.chance(0.35) else x


def finish(r, y, spatial_axes, dt):
    """The node's result, sometimes read by a window of one element, which changes nothing."""
    if dt == F32 and r.chance(0.35):
        y = r.node("MaxPool", [y], kernel_shape=[1] * spatial_axes)[0]
    elif dt == F32 and r.chance(0.2):
        y = r.node(r.choice(("Relu", "Abs", "Sigmoid")), [y])[0]
    r.case.outputs.append(y)


def channels_of(r):
    return r.choice((1, 2, 3, 3, 4, 5, 7, 8, 8, 9, 12, 16, 17))


def spatial_of(r, least=1):
    axes = r.choice((1, 2, 2, 2, 2, 3))
    return [r.randint(least, {1: 40, 2: 17, 3: 7}[axes]) for _ in range(axes)]


def extents(kernel, dilation):
    return [(k - 1) * d + 1 for k, d in zip(kernel, dilation)]


def padding(r, extent, attrs):
    """pads, or auto_pad, or nothing; returns the total of each axis."""
    kind = r.random()
    if kind < 0.25:
        attrs["auto_pad"] = r.choice(("SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET"))
        return [e - 1 if attrs["auto_pad"].startswith("SAME") else 0 for e in extent]
    if kind < 0.45:
        return [0] * len(extent)
    low, high = [r.randrange(e) for e in extent], [r.randrange(e) for e in extent]
    attrs["pads"] = low + high
    return [a + b for a, b in zip(low, high)]


def fit(spatial, extent, pads):
    if any(s + p < e for s, p, e in zip(spatial, pads, extent)):
        raise Misfit


def work(channels, kernel, pixels):
    if channels * math.prod(kernel) * math.prod(pixels) > 400_000:
        raise Misfit


def bias_of(r, channels, dt, constant):
    return [r.operand(r.array((channels,), dt), constant and r.chance(0.9))] if r.chance(0.6) else []


# ---- the families ----

def conv(r):
    dt, spatial = r.choice(FLOATS), spatial_of(r)
    axes, constant = len(spatial), r.chance(0.8)
    group = r.choice((1, 1, 1, 1, 2, 3, 4, 8))
    kind = r.random()
    if kind < 0.25:  # one filter per channel, or two
        inner, outer, group = 1, r.choice((1, 1, 1, 2)), channels_of(r)
    else:
        inner, outer = max(1, channels_of(r) // group), max(1, channels_of(r) // group)
    kernel, stride = r.some((1, 2, 3, 3, 4, 5), axes), r.some((1, 1, 2, 3), axes)
    if r.chance(0.2):
        kernel = [1] * axes
    dilation = r.some((1, 1, 1, 2, 3), axes)
    attrs = {"strides": stride, "dilations": dilation}
    extent = extents(kernel, dilation)
    fit(spatial, extent, padding(r, extent, attrs))
    if attrs.get("auto_pad", "").startswith("SAME") and max(dilation) > 1:
        raise Misfit  # the operator's text leaves it open
    work(inner * outer * group, kernel, spatial)
    x = feature_map(r, inner * group, spatial, dt)
    w = r.operand(r.array((outer * group, inner, *kernel), dt, -1, 1), constant)
    y, = r.node("Conv", [x, w] + bias_of(r, outer * group, dt, constant), group=group if group > 1 else None,
                kernel_shape=kernel if r.chance(0.5) else None, **attrs)
    finish(r, y, axes, dt)


def transposed_pads(r, full, spatial, stride, pads, attrs):
    """auto_pad, output_shape or pads: the output's size stays positive, the pads at least zero."""
    if "auto_pad" not in attrs and r.chance(0.15):
        attrs.pop("pads", None)
        attrs["output_shape"] = [max(1, f - r.randrange(4)) for f in full]
        if r.chance(0.5):
            attrs["auto_pad"] = r.choice(("SAME_UPPER", "SAME_LOWER"))
    elif attrs.get("auto_pad", "").startswith("SAME"):
        if any(f < s * t for f, s, t in zip(full, spatial, stride)):
            raise Misfit
    elif any(f <= p for f, p in zip(full, pads)):
        raise Misfit


def conv_transpose(r):
    dt, spatial = r.choice(FLOATS), spatial_of(r)
    axes, constant = len(spatial), r.chance(0.8)
    group = r.choice((1, 1, 1, 2, 3, 5))
    inner, outer = max(1, channels_of(r) // group), r.choice((1, 2, 3, 4, 5, 8, 9))
    kernel, stride = r.some((1, 2, 3, 4, 5), axes), r.some((1, 2, 2, 3), axes)
    dilation = r.some((1, 1, 1, 2), axes)
    attrs = {"strides": stride, "dilations": dilation}
    extent = extents(kernel, dilation)
    pads = padding(r, extent, attrs)
    extra = [r.randrange(s) if r.chance(0.2) else 0 for s in stride]
    attrs["output_padding"] = extra if any(extra) else None
    full = [t * (s - 1) + e + o for t, s, e, o in zip(stride, spatial, extent, extra)]
    transposed_pads(r, full, spatial, stride, pads, attrs)
    work(inner * outer * group, kernel, full)
    x = feature_map(r, inner * group, spatial, dt)
    w = r.operand(r.array((inner * group, outer, *kernel), dt, -1, 1), constant)
    y, = r.node("ConvTranspose", [x, w] + bias_of(r, outer * group, dt, constant), group=group if group > 1 else None,
                kernel_shape=kernel if r.chance(0.5) else None, **attrs)
    if "output_shape" in attrs:  # onnx mistakes it for the whole shape, and refuses what follows
        r.case.outputs.append(y)
    else:
        finish(r, y, axes, dt)


def pool_attrs(r, spatial, since_dilation):
    axes = len(spatial)
    kernel, stride, dilation = r.some((1, 2, 3, 3, 4), axes), [1] * axes, [1] * axes
    attrs = {"kernel_shape": kernel}
    if r.chance(0.8):
        attrs["strides"] = stride = r.some((1, 2, 2, 3), axes)
    if r.opset >= since_dilation and r.chance(0.4):
        attrs["dilations"] = dilation = r.some((1, 1, 2), axes)
    fit(spatial, dilation, [0] * axes)  # else a window may hold padding alone, whose maximum nobody defines
    extent = extents(kernel, dilation)
    fit(spatial, extent, padding(r, kernel, attrs))  # a pad is smaller than the kernel, whatever the dilation
    same = attrs.get("auto_pad", "").startswith("SAME")
    if same and (max(dilation) > 1 or any(t > e for t, e in zip(stride, extent))):
        raise Misfit  # the operator's text leaves them open, or the pads would be negative
    if r.opset >= 10 and "auto_pad" not in attrs and r.chance(0.35):
        attrs["ceil_mode"] = 1
    return attrs


def max_pool(r):
    spatial = spatial_of(r)
    dt = r.choice(FLOATS + ([np.int8, np.uint8] if r.opset >= 12 else []))
    attrs = pool_attrs(r, spatial, 10)
    lo, hi = (-100, 100) if np.dtype(dt).kind in "iu" else (-2, 2)
    shape = (batch_of(r), channels_of(r), *spatial)
    if r.opset >= 8 and r.chance(0.2):
        x = r.operand(r.array(shape, dt, lo, hi))
        r.case.outputs += r.node("MaxPool", [x], 2, storage_order=r.choice((0, 1, None)), **attrs)
        return
    x = r.operand(r.array(shape, dt, lo, hi))
    if dt == F32 and r.chance(0.35):
        x, = r.node("Neg", [x])
    finish(r, r.node("MaxPool", [x], **attrs)[0], len(spatial), dt)


def average_pool(r):
    dt, spatial = r.choice(FLOATS), spatial_of(r)
    attrs = pool_attrs(r, spatial, 19)
    if r.opset < 10:
        attrs.pop("ceil_mode", None)
    x = feature_map(r, channels_of(r), spatial, dt)
    y, = r.node("AveragePool", [x], count_include_pad=r.choice((0, 1, None)), **attrs)
    finish(r, y, len(spatial), dt)


def global_pool(r):
    dt, spatial = r.choice(FLOATS), spatial_of(r)
    x = feature_map(r, channels_of(r), spatial, dt)
    finish(r, r.node(r.choice(("GlobalAveragePool", "GlobalMaxPool")), [x])[0], len(spatial), dt)


def side(r):
    return r.choice((1, 2, 3, 4, 5, 7, 8, 12, 16, 17, 20, 33, 40))


def matmul(r):
    dt = r.choice(FLOATS + ([np.int32, np.int64, np.uint32, np.uint64] if r.opset >= 9 else []))
    m, n, k = side(r), side(r), r.choice((1, 3, 4, 8, 9, 17, 30, 64, 100))
    batch = r.some((1, 2, 3), r.choice((0, 0, 0, 1, 1, 2)))
    a, b = [*batch, m, k], [*batch, k, n]
    for shape in (a, b):
        for i in range(len(batch)):
            if r.chance(0.3):
                shape[i] = 1
        if r.chance(0.3):
            del shape[:r.randint(0, len(batch))]
    if r.chance(0.1):
        a = [k]
    if r.chance(0.1):
        b = [k]
    if r.chance(0.06):
        a, b = r.choice((([0, k], [k, n]), ([m, k], [k, 0]), ([m, 0], [0, n]), ([0, m, k], [k, n])))
    x = [r.operand(r.array(s, dt, -5, 5), constant) for s, constant in ((a, r.chance(0.1)), (b, r.chance(0.5)))]
    if set(x) <= set(r.case.consts):
        raise Misfit
    y, = r.node("MatMul", x)
    if dt == F32 and r.chance(0.3):
        y, = r.node("Add", [y, r.operand(r.array((n,) if len(b) > 1 else (1,), dt), r.chance(0.5))])
    r.case.outputs.append(y)


def gemm(r):
    dt = r.choice(FLOATS + ([np.int32, np.int64] if r.opset >= 9 else []))
    whole = np.dtype(dt).kind in "iu"
    m, n, k = side(r), side(r), r.choice((1, 3, 4, 8, 9, 17, 30, 64, 100))
    if r.chance(0.04):
        m, n, k = r.choice(((0, n, k), (m, 0, k), (m, n, 0)))
    ta, tb = r.randrange(2), r.randrange(2)
    operands = [r.operand(r.array((k, m) if ta else (m, k), dt, -4, 4)),
                r.operand(r.array((n, k) if tb else (k, n), dt, -4, 4), r.chance(0.6))]
    if r.opset < 11 or r.chance(0.7):
        c = r.choice(((m, n), (1, n), (n,), (m, 1), (1, 1), (1,), ()))
        operands.append(r.operand(r.array(c, dt, -4, 4), r.chance(0.5)))
    factors = {} if r.chance(0.3) else {"alpha": float(r.choice((2, -3)) if whole else r.uniform(-2, 2)),
                                        "beta": float(r.choice((2, -1, 0)) if whole else r.uniform(-2, 2))}
    y, = r.node("Gemm", operands, transA=ta or None, transB=tb or None, **factors)
    if dt == F32 and r.chance(0.2):
        y, = r.node("Relu", [y])
    r.case.outputs.append(y)


def any_shape(r, most=600, empty=0.03):
    while True:
        shape = [r.choice((1, 2, 3, 4, 5, 6, 7, 9, 13, 16, 33)) for _ in range(r.choice((1, 2, 2, 3, 3, 4, 5)))]
        if math.prod(shape) <= most:
            break
    if r.chance(empty):
        shape[r.randrange(len(shape))] = 0
    return shape


def softmax(r):
    dt, shape = r.choice(FLOATS), any_shape(r, 3000)
    if r.chance(0.1):
        shape = [r.choice((1, 2)), r.choice((257, 300, 1000))]
    axis = r.choice([None, *range(0 if r.opset < 11 else -len(shape), len(shape))])
    if axis is None and r.opset < 13 and len(shape) < 2:
        axis = 0
    first = (1 if r.opset < 13 else -1) if axis is None else axis
    if math.prod(shape[first:] if r.opset < 13 else [shape[first]]) == 1:
        raise Misfit  # all ones
    x = r.operand(r.array(shape, dt, -6, 6))
    r.case.outputs += r.node(r.choice(("Softmax", "LogSoftmax")), [x], axis=axis)


REDUCTIONS = {"ReduceSum": (-3, 3), "ReduceMean": (-3, 3), "ReduceMax": (-60, 60), "ReduceMin": (-60, 60),
              "ReduceProd": (-1, 2), "ReduceL1": (-3, 3), "ReduceL2": (-3, 3), "ReduceLogSum": (1, 3),
              "ReduceLogSumExp": (-3, 3), "ReduceSumSquare": (-3, 3)}


def reduced_type(r, op):
    if op in ("ReduceMax", "ReduceMin"):
        return r.choice(FLOATS + [np.int32, np.int64] + since(r, 12, [np.int8, np.uint8]) + since(r, 20, [bool]))
    if op in ("ReduceSum", "ReduceProd"):
        return r.choice(FLOATS + [np.int32, np.int64, np.uint32, np.uint64])
    # means, roots and logarithms of integers are rounded as nobody says
    return r.choice(FLOATS + ([np.int32, np.int64] if op in ("ReduceL1", "ReduceSumSquare") else []))


def reduced_axes(r, rank):
    """None: left out. The empty list is another way to leave them out."""
    axes = r.sample(range(rank), r.randint(0, rank))
    if r.opset >= 11:
        axes = [a - rank if r.chance(0.3) else a for a in axes]
    return axes or (None if r.chance(0.7) else [])


def reduction(r):
    op = r.choice(list(REDUCTIONS))
    dt, shape = reduced_type(r, op), any_shape(r, 20 if op == "ReduceProd" else 3000)
    axes, as_input = reduced_axes(r, len(shape)), r.opset >= (13 if op == "ReduceSum" else 18)
    if 0 in shape and (op in ("ReduceMean", "ReduceMax", "ReduceMin") or not as_input):
        raise Misfit
    operands = [r.operand(r.array(shape, dt, *REDUCTIONS[op]))]
    attrs = {"keepdims": r.choice((0, 1, None))}
    if not as_input:
        attrs["axes"] = axes or None
    else:
        attrs["noop_with_empty_axes"] = r.choice((0, 1, None, None))
        if axes is not None:
            operands.append(r.operand(np.array(axes, np.int64), True))
    r.case.outputs += r.node(op, operands, **attrs)


NEAREST = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil", None)
COORDINATES = ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel", None)


def resized(r, x, shape, factors, mode):
    """Resize of opset 11 and later, by scales or by sizes, of all axes or the spatial ones."""
    attrs = {"mode": mode, "coordinate_transformation_mode": r.choice(COORDINATES),
             "nearest_mode": r.choice(NEAREST) if mode == "nearest" else None}
    first = 2 if r.opset >= 18 and r.chance(0.4) else 0
    if first:
        attrs["axes"] = list(range(2, len(shape)))
    absent = "" if r.opset >= 13 else r.operand(np.zeros(0, F32), True)
    if r.chance(0.5):
        sizes = [math.floor(s * f) for s, f in zip(shape, factors)]
        given = [absent, r.operand(np.array(sizes[first:], np.int64), True)]
    else:
        given = [r.operand(np.array(factors[first:], F32), True)]
    return r.node("Resize", [x, absent, *given], **attrs)[0]


def resize(r):
    mode = r.choice(("nearest", "linear"))
    dt, spatial = r.choice(FLOATS + ([np.int32, np.int8, np.uint8] if mode == "nearest" else [])), spatial_of(r)
    lo, hi = (-100, 100) if np.dtype(dt).kind in "iu" else (-2, 2)
    shape = (r.choice((1, 2)), channels_of(r), *spatial)
    x = r.operand(r.array(shape, dt, lo, hi))
    if dt == F32 and r.chance(0.35):
        x, = r.node("Neg", [x])
    factors = [1.0, 1.0] + [float(r.choice((1, 2, 2, 3, 0.5, 0.75, 1.5, 2.6))) for _ in spatial]
    if r.opset < 10:  # Upsample does not make anything smaller
        factors = [max(1.0, f) for f in factors]
    if any(math.floor(s * f) < 1 for s, f in zip(shape, factors)):
        raise Misfit
    if r.opset < 9:
        y, = r.node("Upsample", [x], mode=mode, scales=factors)
    elif r.opset < 11:
        scales = r.operand(np.array(factors, F32), True)
        y, = r.node("Upsample" if r.opset == 9 else "Resize", [x, scales], mode=mode)
    else:
        y = resized(r, x, shape, factors, mode)
    finish(r, y, len(spatial), dt)


def since(r, opset, types):
    return types if r.opset >= opset else []


def elementwise_types(r):
    """The operators and the types that they take at this opset."""
    numbers = FLOATS + [np.int32, np.int64, np.uint32, np.uint64] + since(r, 14, INTEGERS)
    ordered = since(r, 9, FLOATS + INTEGERS) or FLOATS
    extreme = since(r, 12, FLOATS + INTEGERS) or FLOATS
    table = {"Add": numbers, "Sub": numbers, "Mul": numbers, "Div": numbers, "PRelu": FLOATS, "Max": extreme,
             "Min": extreme, "Pow": since(r, 12, FLOATS + [np.int32, np.int64]) or FLOATS, "Less": ordered,
             "Greater": ordered, "Equal": since(r, 11, ordered) or [np.int32, np.int64], "And": [bool], "Or": [bool],
             "Xor": [bool]}
    if r.opset >= 9:
        table["Where"] = FLOATS + INTEGERS + [bool]
    if r.opset >= 10:
        table["Mod"] = FLOATS + INTEGERS
    return table


def range_of(op, k):
    if op in ("Div", "Mod") and k == 1:
        return 1, 9
    return (0.25, 3) if op == "Pow" else (-60, 60)


def elementwise(r):
    """Operands that are broadcast."""
    table = elementwise_types(r)
    op = r.choice(list(table))
    dt, shape = r.choice(table[op]), any_shape(r)
    count = {"Where": 3, "Max": r.randint(1, 4), "Min": r.randint(1, 4)}.get(op, 2)
    attrs = {"fmod": 1 if np.dtype(dt).kind == "f" else r.choice((0, 1, None))} if op == "Mod" else {}
    operands = []
    for k in range(count):
        if op == "PRelu" and k == 0:
            s = shape  # the slope alone is broadcast
        else:
            s = [1 if r.chance(0.25) else a for a in shape][r.randint(0, len(shape)) if r.chance(0.3) else 0:]
        x = r.array(s, bool if op == "Where" and k == 0 else dt, *range_of(op, k))
        operands.append(r.operand(x, k > 0 and r.chance(0.3)))
    r.case.outputs += r.node(op, operands, **attrs)


FAMILIES = [(conv, 190), (conv_transpose, 100), (max_pool, 110), (average_pool, 100), (global_pool, 20), (matmul, 90),
            (gemm, 80), (softmax, 60), (reduction, 90), (resize, 80), (elementwise, 80)]
ORDER = [family for family, count in FAMILIES for _ in range(count)]
assert len(ORDER) == COUNT
random.Random(35).shuffle(ORDER)


def case(n):
    for attempt in range(64):
        r = Draw(n, attempt)
        try:
            ORDER[n % COUNT](r)
        except Misfit:
            continue
        op = next(op for op, *_ in r.case.nodes if op != "Neg")
        r.case.name = f"{n} {op}-{r.opset}"
        return r.case
    raise AssertionError(f"case {n} fits nothing")
