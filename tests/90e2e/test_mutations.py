"""Plans made wrong on purpose are found: by the checker (`occamy-client verify`), and when they run, by the sanitizer or in the numbers.

What is wrong is decided here, byte by byte and without any rule of the checker: a plan is right if every launch reads from the same
writes as in the plan that the compiler made, and writes over nothing that it reads but in the places where that one does. A mutation that
leaves a plan right (a move into slack) must be let through."""
import copy
import json
import pathlib
import random
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import lib
import numpy as np
import occ_file
import rewrite_nets

ALIGN = 256
EACH = 6  # mutations of a kind and network


def wanted(n):
    """Leaves that two Concats want, at different places: one of them gets a copy."""
    a, b, d = (n.conv("x", 3, 8, 3) for _ in range(3))
    left = n.conv(n.node("Concat", a, b, d, axis=1), 24, 8, 3)
    right = n.conv(n.node("Concat", d, left, a, axis=1), 24, 8, 3)
    return n.node("Relu", n.node("Concat", right, b, left, axis=1)),


def networks():
    """(name, model)"""
    for name in rewrite_nets.NETS:
        yield name, rewrite_nets.build(name)
    for seed in range(3):
        net = rewrite_nets.Net(seed)
        yield f"wanted_{seed}", net.model((1, 3, 9 + seed, 11), wanted(net))


class Plan:
    """An artifact's plan; launches keep the number that they were born with."""

    def __init__(self, path):
        self.manifest, self.blobs = occ_file.read(path)
        self.plan = json.loads(self.blobs["plan"])
        for number, launch in enumerate(self.plan["launches"]):
            launch["number"] = number

    tensors = property(lambda self: self.plan["tensors"])
    launches = property(lambda self: self.plan["launches"])

    def write(self, path):
        plan, manifest = copy.deepcopy(self.plan), copy.deepcopy(self.manifest)
        for launch in plan["launches"]:
            del launch["number"]
        plan["steps"] = manifest["launches"] = len(plan["launches"])
        blobs = {**self.blobs, "plan": json.dumps(plan, separators=(",", ":"), ensure_ascii=False).encode()}
        occ_file.write(path, manifest, blobs)

    def end(self, tensor):
        return tensor["offset"] + (tensor["rows"] - 1) * tensor["pitch"] + tensor["width"]

    def move(self, index, to):
        """The tensor, its arguments, and its place among the graph's inputs and outputs; False: it does not fit."""
        tensor = self.tensors[index]
        by = to - tensor["offset"]
        if to < 0 or self.end(tensor) + by > self.plan["arena_bytes"]:
            return False
        tensor["offset"] = to
        for launch in self.launches:
            for arg in launch["args"]:
                if arg[0] == "a" and arg[4] == index:
                    arg[1] += by
        for end in self.manifest["inputs"] + self.manifest["outputs"]:
            if tensor.get("graph") and end["name"] == tensor["name"]:
                end["offset"] += by
        return True

    def entry(self, launch):
        return self.plan["kernels"][launch["kernel"]]["entry"]

    def places(self, arg):
        """Every byte of an argument's region, in order."""
        _, offset, extent, _, _, rows, pitch = arg
        width = extent - (rows - 1) * pitch if rows else 0
        return (offset + np.arange(rows)[:, None] * pitch + np.arange(width)[None, :]).ravel()


def paint(writer, at, who):
    """These bytes are now the 0th, 1st ... that this one wrote."""
    writer[at] = np.stack([np.full(len(at), who), np.arange(len(at))], 1)


def shared(args):
    """(argument, argument, where in either) of those that have bytes in common; the first one writes."""
    for k, arg, at in args:
        for j, _, there in args:
            if "w" in arg[3] and j != k:
                both, mine, its = np.intersect1d(at, there, assume_unique=True, return_indices=True)
                yield k, j, (mine.tobytes(), its.tobytes()) if len(both) else None


def dataflow(plan):
    """What each launch, and the caller at the end, reads: which launch's which argument wrote each byte, and where in it."""
    writer = np.full((plan.plan["arena_bytes"], 2), -1, np.int64)
    seen = {}
    for index, t in enumerate(plan.manifest["inputs"]):
        at = np.arange(t["offset"], t["offset"] + t["bytes"])
        seen["input", index] = writer[at].tobytes()
        paint(writer, at, -2 - index)
    for launch in plan.launches:
        args = [(k, a, plan.places(a)) for k, a in enumerate(launch["args"]) if a[0] == "a"]
        seen |= {(launch["number"], k): writer[at].tobytes() for k, arg, at in args if "r" in arg[3]}
        seen |= {(launch["number"], k, j): common for k, j, common in shared(args)}
        for k, arg, at in args:
            if "w" in arg[3]:
                paint(writer, at, launch["number"] * 1000 + k)
    for index, t in enumerate(plan.manifest["outputs"]):
        seen["output", index] = writer[t["offset"]:t["offset"] + t["bytes"]].tobytes()
    return seen


def is_wrong(plan, right):
    """Against the dataflow of the compiler's plan: other bytes are read, or bytes shared inside a launch that were not."""
    return any(value is not None and right.get(key) != value for key, value in dataflow(plan).items())


def is_alone(plan, right):
    """Only launches of a single block share bytes: it has read all before it writes, so nothing comes of it."""
    single = {launch["number"] for launch in plan.launches if launch["grid"] == [1, 1, 1]}
    return not dies_early(plan) and all(len(key) == 3 and key[0] in single for key, value in dataflow(plan).items()
                                        if value is not None and right.get(key) != value)


def dies_early(plan):
    """A launch reads a tensor after its last step."""
    return any(step > plan.tensors[arg[4]]["last"] for step, launch in enumerate(plan.launches)
               for arg in launch["args"] if arg[0] == "a" and arg[4] >= 0 and "r" in arg[3])


# ---- mutations: each takes a plan and a random source, changes the plan, and says what it did; None: nothing to change ----

def shift(plan, draw):
    """An offset moved by one alignment."""
    index = draw.randrange(len(plan.tensors))
    by = draw.choice((-ALIGN, ALIGN))
    return plan.move(index, plan.tensors[index]["offset"] + by) and f"{plan.tensors[index]['name']} moved by {by}"


def shorten(plan, draw):
    """A lifetime cut by one step: what is born at the last reader comes into its bytes."""
    pairs = [(i, j) for i, t in enumerate(plan.tensors) for j, u in enumerate(plan.tensors)
             if i != j and u["first"] == t["last"] and not t.get("graph") and not u.get("graph") and u["made"]]
    if not pairs:
        return None
    i, j = draw.choice(pairs)
    done = plan.move(j, plan.tensors[i]["offset"])
    plan.tensors[i]["last"] -= plan.tensors[i]["last"] > plan.tensors[i]["first"]
    return done and f"{plan.tensors[j]['name']} into {plan.tensors[i]['name']}, one step early"


def swap(plan, draw):
    """Two tensors swapped."""
    i, j = draw.sample(range(len(plan.tensors)), 2)
    a, b = plan.tensors[i], plan.tensors[j]
    to = a["offset"], b["offset"]
    return plan.move(i, to[1]) and plan.move(j, to[0]) and f"{a['name']} and {b['name']} swapped"


def drop_copy(plan, draw):
    """A copy into a Concat that another one wants, too, is left out."""
    copies = [k for k, launch in enumerate(plan.launches) if plan.entry(launch) in ("copy", "map")
              and any("parts" in plan.tensors[a[4]] for a in launch["args"] if a[0] == "a" and "w" in a[3])]
    if not copies:
        return None
    at = draw.choice(copies)
    gone = plan.launches.pop(at)
    for t in plan.tensors:
        born = t["first"] + t["made"]
        t["made"] -= t["made"] and t["first"] <= at < born
        t["first"] -= t["first"] > at
        t["last"] -= t["last"] > at
    return f"launch {gone['number']} left out"


NEIGHBOURS = {"conv": 1, "depthwise": 1, "conv_direct": 1, "gemm": 1, "gemv": 1, "pool": 1, "reduce": 1, "resize": 1, "copy": 1}


def is_pointwise(plan, launch):
    """A convolution of one tap reads no neighbours."""
    args = launch["args"]
    if not plan.entry(launch).startswith("conv") or args[2][0] != "w":
        return False
    channels = [plan.tensors[args[k][4]]["shape"][1] for k in (0, 1)]
    return args[2][2] < 3 * 4 * channels[0] * channels[1]


def licence(plan, draw):
    """An output over an input of which the kernel reads neighbours, with a licence."""
    found = []
    for launch in plan.launches:
        args, k = launch["args"], NEIGHBOURS.get(plan.entry(launch))
        if k and not is_pointwise(plan, launch) and args[0][0] == "a" and args[k][0] == "a" and args[0][4] >= 0 and args[k][4] >= 0 and args[0][2:3] == args[k][2:3] \
                and args[0][5:] == args[k][5:] and args[0][1] != args[k][1]:
            found.append(launch)
    if not found:
        return None
    launch = draw.choice(found)
    args, k = launch["args"], NEIGHBOURS[plan.entry(launch)]
    launch.setdefault("over", []).append([0, args[k][4]])
    return plan.move(args[0][4], args[k][1]) and f"{plan.entry(launch)} {launch['node']} over its input"


def reorder(plan, draw):
    """Two segments of a Concat swapped."""
    pairs = [(i, j) for t in plan.tensors if "parts" in t for i in t["parts"] for j in t["parts"]
             if i < j and i >= 0 and plan.tensors[i]["width"] == plan.tensors[j]["width"]
             and plan.tensors[i]["rows"] == plan.tensors[j]["rows"] and all("view" not in plan.tensors[k] for k in (i, j))]
    if not pairs:
        return None
    i, j = draw.choice(pairs)
    to = plan.tensors[i]["offset"], plan.tensors[j]["offset"]
    return to[0] != to[1] and plan.move(i, to[1]) and plan.move(j, to[0]) and \
        f"{plan.tensors[i]['name']} and {plan.tensors[j]['name']} swapped in their Concat"


KINDS = shift, shorten, swap, drop_copy, licence, reorder


def verify(path):
    ran = lib.Ran([lib.RELEASE / "occamy-client", "verify", path])
    assert ran.code in (0, 65), ran.err
    return None if ran.code == 0 else ran.problem()


def run_is_red(path, feeds, want, folder):
    """The sanitizer's error or other numbers; None: neither."""
    inputs = []
    for index, (name, value) in enumerate(feeds.items()):
        inputs += ["--input", f"{name}={lib.write_array(folder / f'in_{index}', value)}"]
    ran = lib.Ran([lib.RELEASE / "occamy-client", "run", path, *inputs, "--output-dir", folder, "--device", "emulator",
                   "--report", folder / "run.json"],
                  {"OCCAMY_EMULATOR": f"sm=87,threads=1,sanitize=1,plan={path}"})
    if ran.code:
        return ran.err.strip().splitlines()[0]
    outputs = [lib.read_array(o["file"]) for o in json.loads((folder / "run.json").read_text())["outputs"]]
    same = all(a.tobytes() == b.tobytes() for a, b in zip(outputs, want))
    return None if same else "other numbers"


class Count:
    def __init__(self):
        self.wrong = self.right = self.checker = self.run = self.alone = 0
        self.missed = []


def mutate(kind, base, seed, count, feeds, want, folder):
    feeds_of = seed
    plan = copy.deepcopy(base)
    done = kind(plan, random.Random(seed))
    if not done:
        return
    path = folder / "mutant.occ"
    plan.write(path)
    wrong = is_wrong(plan, base.right) or dies_early(plan)
    problem = verify(path)
    if not wrong:
        count.right += 1
        if kind in (shift, swap) and problem and not is_glued(base, plan):
            raise AssertionError(f"{done}: right, and yet {problem['detail']}")
        return
    count.wrong += 1
    assert problem, f"{kind.__name__}: {done}: wrong, and the checker does not see it"
    assert problem["code"] in ("E_PLAN_CHECK", "E_ARTIFACT"), problem
    count.checker += problem["code"] == "E_PLAN_CHECK"
    red = run_is_red(path, feeds, want, folder)
    count.run += red is not None
    if red is None and is_alone(plan, base.right):
        count.alone += 1
    elif red is None:
        count.missed.append(f"{feeds_of}: {done}")


def is_glued(base, plan):
    """A tensor moved that by construction stands in another, or has others in it: a promise is broken, if no byte."""
    moved = {i for i, (a, b) in enumerate(zip(base.tensors, plan.tensors)) if a["offset"] != b["offset"]}
    glued = set()
    for i, t in enumerate(base.tensors):
        others = ([t["view"][0]] if "view" in t else []) + t.get("parts", [])
        if others:
            glued |= {i, *others}
    over = {x for launch in base.launches for arg, x in launch.get("over", []) for x in (x, launch["args"][arg][4])}
    return moved & (glued | over)


def test_mutations():
    counts = {kind: Count() for kind in KINDS}
    with tempfile.TemporaryDirectory(prefix="occ.") as tmp:
        folder = pathlib.Path(tmp)
        (folder / "kernels").mkdir()
        for name, proto in networks():
            model, artifact = folder / f"{name}.onnx", folder / f"{name}.occ"
            model.write_bytes(proto.SerializeToString())
            feeds = lib.random_feeds(lib.ort_session(model), 8)
            lib.occamyc(model, artifact, "--code", "ptx", "--kernel-cache", folder / "kernels")
            want, _ = lib.run_client(artifact, feeds, folder / name)
            assert verify(artifact) is None
            base = Plan(artifact)
            base.right = dataflow(base)
            assert run_is_red(artifact, feeds, want, folder) is None
            for kind in KINDS:
                for seed in range(EACH):
                    mutate(kind, base, f"{name} {seed}", counts[kind], feeds, want, folder)
    for kind, count in counts.items():
        print(f"{kind.__name__}: {count.wrong} wrong, {count.checker} of them by the checker, {count.run} when run, {count.alone} harmless then; "
              f"{count.right} right",
              *count.missed, sep="\n  missed when run: ")
    for kind, count in counts.items():
        assert count.wrong >= 5, f"{kind.__name__}: too few mutants that are wrong"
        assert not count.missed, f"{kind.__name__}: not found when run"


lib.main(globals())
