"""Steps of random_net.py with values of other types than float. Integers stay small, so that they are exact."""
import numpy as np
from onnx import TensorProto, helper

TYPES = {"f": TensorProto.FLOAT, "b": TensorProto.BOOL, "i32": TensorProto.INT32, "i64": TensorProto.INT64,
         "f64": TensorProto.DOUBLE, "f16": TensorProto.FLOAT16}
NUMPY = {"f": np.float32, "b": np.bool_, "i32": np.int32, "i64": np.int64, "f64": np.float64, "f16": np.float16}
INTS = "i32", "i64"
VALUES_MAX = 60000  # elements


def numbers(n):
    """Arithmetic of integers, or of doubles."""
    x = n.pick(kind="i32 i64 f64")
    if not x:
        return
    y = n.pick(lambda v: v.shape == x.shape, x.kind)
    if n.r.random() < 0.4:
        y = n.const(n.data.integers(-3, 4, n.broadcast(x.shape)).astype(NUMPY[x.kind]))
    bound = [n.const(np.array(b, NUMPY[x.kind])) for b in (-9, 9)]
    z = n.aux(n.r.choice(("Add", "Sub", "Mul", "Max", "Min")), x, y)
    n.node("Clip", [z, *bound], [x.shape], x.kind)


def moved(n):
    """What only moves takes every type."""
    x = n.pick(lambda v: v.rank > 0 and min(v.shape) > 0, "i32 i64 f64 f16 b")
    if not x:
        return
    axis = n.axis(x)
    which = n.r.randrange(4)
    if which == 0:
        perm = n.r.sample(range(x.rank), x.rank)
        n.node("Transpose", [x], [[x.shape[p] for p in perm]], x.kind, perm=perm)
    elif which == 1:
        start = n.r.randrange(x.shape[axis])
        n.node("Slice", [x, n.ints(start), n.ints(x.shape[axis]), n.ints(axis)],
               [x.shape[:axis] + (x.shape[axis] - start,) + x.shape[axis + 1:]], x.kind)
    elif which == 2 and x.size <= VALUES_MAX // 2:
        n.node("Concat", [x, x], [x.shape[:axis] + (2 * x.shape[axis],) + x.shape[axis + 1:]], x.kind, axis=axis)
    else:
        n.node("Flatten", [x], [(int(np.prod(x.shape[:axis])), int(np.prod(x.shape[axis:])))], x.kind, axis=axis)


def into(n):
    """To another type: from integers to any, from floats to floats."""
    x = n.pick(kind=n.r.choice(("f", "i32 i64 b", "f16 f64")))
    if not x:
        return
    to = n.r.choice(("f", "f64", "i32", "i64") if x.kind in (*INTS, "b") else ("f", "f16", "f64"))
    n.node("Cast", [x], [x.shape], to, to=TYPES[to])


def back(n):
    """Another type joins the floats."""
    x = n.pick(kind="i32 i64 f64 f16 b")
    if x:
        y = n.node("Cast", [x], [x.shape], to=TensorProto.FLOAT)
        n.node("Mul", [y, n.uniform(-0.3, 0.3, *n.broadcast(x.shape))], [x.shape])


def logic(n):
    x = n.pick(kind="b")
    if not x or n.r.random() < 0.4:
        x = n.pick(kind="f i32 i64")
        y = n.pick(lambda v: v.shape == x.shape, x.kind)
        op = n.r.choice(("Greater", "Less", "GreaterOrEqual") if x.kind == "f" else ("Greater", "Less", "Equal"))
        shifted = n.aux("Add", y, n.const(np.array(1, NUMPY[x.kind])))
        n.node(op, [x, shifted], [x.shape], "b")
    elif n.r.random() < 0.5:
        n.node("Not", [x], [x.shape], "b")
    else:
        n.node(n.r.choice(("And", "Or", "Xor")), [x, n.pick(lambda v: v.shape == x.shape, "b")], [x.shape], "b")


def masked(n):
    x = n.pick(kind="b")
    y = x and n.pick(lambda v: v.shape == x.shape, "f i32 i64")
    if y:
        n.node("Where", [x, y, n.const(np.array(-1, NUMPY[y.kind]))], [y.shape], y.kind)


def condition(n):
    """If by a constant, or by a size; its branches read what stands outside."""
    x = n.pick()
    if n.r.random() < 0.5:
        test = n.const(np.array(n.r.random() < 0.5))
    else:
        size = n.aux("Size", x)
        test = n.aux("Greater", size, n.const(np.array(n.r.choice((0, 10 ** 9)), np.int64)))
    branches = []
    for op in ("Tanh", "Neg"):
        out = n.name()
        body = [helper.make_node("Relu", [x.name], [out + "r"]), helper.make_node(op, [out + "r"], [out])]
        branches.append(helper.make_graph(body, op, [], [helper.make_tensor_value_info(out, TensorProto.FLOAT, x.shape)]))
    n.used.add(x.name)
    n.node("If", [test], [x.shape], then_branch=branches[0], else_branch=branches[1])


STEPS = [numbers, numbers, moved, moved, into, into, back, back, logic, logic, masked, condition]
