"""A convolution that stores its result shuffled or pooled gives the bits of the operators one by one, for seeded shapes: odd
sizes, strides, groups, batches, plain and blocked results, channels that fill no block, tails on both sides, NaN, infinity and
zeros of both signs."""
import pathlib
import random
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import lib
import numpy as np

CHAINS = 6
SEEDS = [*range(6), *lib.long_set(range(6, 60))]
SPECIAL = np.array([np.nan, np.inf, -np.inf, -0.0, 0.0, 1e-40, -1e-40, 3e38], np.float32)


class Text:
    """Chains of a convolution, what follows it, and maybe a second convolution, as text IR."""

    def __init__(self, seed):
        self.random, self.lines, self.count, self.inputs = random.Random(seed), [], 0, {}

    def add(self, line):
        self.count += 1
        self.lines.append(f"%v{self.count} = {line}")
        return f"%v{self.count}"

    def const(self, *shape):
        return self.add(f"const f32{list(shape)} fill={self.random.getrandbits(60):016x}")

    def input(self, *shape):
        name = self.add(f"input f32{list(shape)}")
        self.inputs[name[1:]] = shape
        return name

    def ints(self, *values):
        return self.add(f"const i64[{len(values)}] {{{', '.join(map(str, values))}}}")

    def tail(self, x, shape, scalar):
        """Nothing, or an operator of one tensor; with more than one number per operand only where scalar is not set."""
        word = self.random.choice(["", "Relu", "Sigmoid", "LeakyRelu", "Min", *([] if scalar else ["PRelu", "Max"])])
        other = {"Min": lambda: self.add("const f32[] {0.25}"), "PRelu": lambda: self.const(shape[1], *[1] * (len(shape) - 2)),
                 "Max": lambda: self.const(shape[1], *[1] * (len(shape) - 2))}.get(word)
        if not word:
            return x
        return self.add(f"{word} {x}" + (f" {other()}" if other else "") + " : ?")

    def conv(self, x, shape, channels, group=1):
        r, nd = self.random, len(shape) - 2
        kernel, stride = [min(r.choice((1, 1, 2, 3)), a) for a in shape[2:]], [r.choice((1, 1, 2)) for _ in range(nd)]
        pads = [r.randrange(k) for k in kernel * 2]
        bias = " " + self.const(channels) if r.random() < 0.5 else ""
        y = self.add(f"Conv {x} {self.const(channels, shape[1] // group, *kernel)}{bias} "
                     f"{{pads={pads}, strides={stride}, group={group}}} : ?")
        out = [(a + pads[i] + pads[nd + i] - kernel[i]) // stride[i] + 1 for i, a in enumerate(shape[2:])]
        return y, [shape[0], channels, *out]

    def pool(self, y, shape, kernel):
        """Windows side by side, or for maxima any others of which an element is in at most four."""
        r, nd = self.random, len(kernel)
        op, ceil = r.choice(("MaxPool", "AveragePool")), r.random() < 0.3
        stride, pads = kernel, [0] * 2 * nd
        if op == "MaxPool" and r.random() < 0.6:
            kernel = [min(r.choice((1, 2, 3)), a) for a in shape[2:]]
            stride = [r.choice((1, 2, 3)) for _ in kernel]
            pads = [r.randrange(k) for k in kernel * 2]
        y = self.tail(y, shape, False)
        y = self.add(f"{op} {y} {{kernel_shape={kernel}, strides={stride}, pads={pads}, ceil_mode={int(ceil)}}} : ?")
        out = []
        for a, k, t, low, high in zip(shape[2:], kernel, stride, pads, pads[nd:]):
            span = a + low + high - k
            size = (-(-span // t) if ceil else span // t) + 1
            out.append(size - (ceil and (size - 1) * t >= a + low))
        return y, shape[:2] + out

    def shuffle(self, y, shape, block):
        crd = self.random.random() < 0.5
        n, c, h, w = shape[0], shape[1] // block ** 2, shape[2], shape[3]
        out = [n, c, h * block, w * block]
        y = self.tail(y, shape, True)
        if self.random.random() < 0.5:
            mode = "CRD" if crd else "DCR"
            return self.add(f'DepthToSpace {y} {{blocksize={block}, mode="{mode}"}} : ?'), out
        split, perm = ([n, c, block, block, h, w], [0, 1, 4, 2, 5, 3]) if crd else \
            ([n, block, block, c, h, w], [0, 3, 4, 1, 5, 2])
        y = self.add(f"Reshape {y} {self.ints(*split)} : ?")
        return self.add(f"Reshape {self.add(f'Transpose {y} {{perm={perm}}} : ?')} {self.ints(*out)} : ?"), out

    def stored(self):
        """A convolution, and what its store takes in; None where no window fits."""
        r, pools = self.random, self.random.random() < 0.5
        nd = r.choice((1, 2, 2, 2, 3)) if pools else 2
        shape = [r.choice((1, 2)), r.choice((3, 8, 16)), *[r.randint(5, 13 if nd < 3 else 7) for _ in range(nd)]]
        block = r.choice((2, 2, 3))
        channels = r.choice((1, 3, 7, 8, 12, 16)) * (1 if pools else block ** 2)
        group = 2 if shape[1] > 3 and channels % 2 == 0 and r.random() < 0.1 else 1
        y, shape = self.conv(self.input(*shape), shape, channels, group)
        if not pools:
            return self.shuffle(y, shape, block)
        kernel = r.choice([k for k in ([2], [4], [2, 2], [2, 2], [1, 2], [4, 1], [1, 2, 2], [2, 1, 1]) if len(k) == nd])
        return None if any(a < k for a, k in zip(shape[2:], kernel)) else self.pool(y, shape, kernel)

    def chain(self):
        r, stored = self.random, self.stored()
        if not stored:
            return
        y, shape = stored
        if r.random() < 0.5:
            y = self.tail(y, shape, False)
        if r.random() < 0.2:
            y = self.add(f"Add {y} {self.input(*shape)} : ?")
        if r.random() < 0.6:
            y, _ = self.conv(y, shape, r.choice((4, 8, 9)))
        self.lines.append(f"output {y}")


def feeds_of(text, seed):
    generator, feeds = np.random.default_rng(seed), {}
    for name, shape in text.inputs.items():
        x = generator.standard_normal(shape).astype(np.float32)
        feeds[name] = np.where(generator.random(shape) < 0.004, generator.choice(SPECIAL, shape), x)
    return feeds


def test_bits():
    did = {"shuffle": 0, "pool": 0}
    with tempfile.TemporaryDirectory() as tmp:
        for seed in SEEDS:
            text, path = Text(seed), pathlib.Path(tmp) / f"{seed}.ir"
            for _ in range(CHAINS):
                text.chain()
            path.write_text("\n".join(['graph "store" opset 17', *text.lines, ""]))
            feeds, got = feeds_of(text, seed), {}
            for off in ("", "shuffle,pool"):
                artifact = pathlib.Path(tmp) / "x.occ"
                report = lib.occamyc(path, artifact, "--code", "ptx", *(["--off", off] if off else []))
                got[off], _ = lib.run_client(artifact, feeds, pathlib.Path(tmp) / "run")
                for name in did:
                    did[name] += report["rewrites"][name]
            assert np.mean([np.isfinite(y).mean() for y in got[""]]) > 0.3, f"seed {seed}: hardly a number"
            for index, (a, b) in enumerate(zip(got[""], got["shuffle,pool"])):
                a, b = (np.where(np.isnan(y), np.float32(np.nan), y) for y in (a, b))  # hosts have two of them
                assert a.tobytes() == b.tobytes(), f"seed {seed}, output {index}: other bits\n{path.read_text()}"
    print(did)
    assert min(did.values()) >= len(SEEDS), did


lib.main(globals())
