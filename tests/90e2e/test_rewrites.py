"""Every rewrite of compiler/rewrites.def, off and on: those that only move or alias give the same bits, those that
round in another order the same numbers within tolerance; each does something in some network, and without it
that network costs more.

Small networks at every commit; all pairs of a real network and a rewrite are a long set."""
import pathlib
import re
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import lib
import numpy as np

import models
import rewrite_nets

TABLE = dict(re.findall(r'^REWRITE\(\w+, "(\w+)", (BITS|ROUNDS),', (lib.ROOT / "compiler/rewrites.def").read_text(),
                        re.M))
REAL = ("resnet18", "mobilenet_v2", "squeezenet1_1", "shufflenet_v2_x1_0", "efficientnet_b0", "googlenet",
        "densenet121", "bert_small_512", "pp_ocr_cls")


# What saves something only where others do not make it up, or what another needs that rounds: those are off, too.
BESIDE = {"where": ["activation", "pointwise", "repeat", "attention"], "epilogue": ["attention"]}


class Network:
    """A model, its input, and what came out with all rewrites."""

    def __init__(self, name, path, dims, folder):
        self.name, self.path, self.dims, self.folder = name, path, dims, folder
        self.session = lib.ort_session(path, dims)
        self.feeds = lib.random_feeds(self.session, 5)
        self.base = self.run([])
        for output, got, want in zip(self.session.get_outputs(), self.base[0], self.session.run(None, self.feeds)):
            lib.check_close(f"{name}, {output.name}", got, want)

    def run(self, off):
        """(outputs, compile report)"""
        label = "_".join([self.name, *off])
        artifact = self.folder / f"{label}.occ"
        words = ["--off", ",".join(off)] if off else []
        report = lib.occamyc(self.path, artifact, "--code", "ptx", "--kernel-cache", self.folder / "kernels",
                             *lib.dims_words(self.dims), *words)
        outputs, _ = lib.run_client(artifact, self.feeds, self.folder / label)
        artifact.unlink()
        return outputs, report

    def check(self, name, got, want, exact):
        for index, (a, b) in enumerate(zip(got, want)):
            if exact:
                assert a.tobytes() == b.tobytes(), \
                    f"{self.name} without {name}: output {index} is other bits, {np.max(np.abs(a - b))} off"
            else:
                lib.check_close(f"{self.name} without {name}, output {index}", a, b)

    def without(self, name):
        """Compares; returns what the rewrite did and saved."""
        want, base = self.run(BESIDE[name]) if name in BESIDE else self.base
        got, report = self.run([name, *BESIDE.get(name, [])])
        self.check(name, got, want, TABLE[name] == "BITS")
        assert report["rewrites"][name] == 0, f"{name} is off and yet {report['rewrites'][name]}"
        saved = {key: report[key] - base[key] for key in ("launches", "arena_bytes", "weights_bytes")}
        return self.base[1]["rewrites"][name], saved


def small(folder):
    (folder / "kernels").mkdir()
    for name in rewrite_nets.NETS:
        path = folder / f"{name}.onnx"
        path.write_bytes(rewrite_nets.build(name).SerializeToString())
        yield Network(name, path, [], folder)


def test_each():
    found = {name: [] for name in TABLE}
    with tempfile.TemporaryDirectory() as tmp:
        for network in small(pathlib.Path(tmp)):
            for name in TABLE:
                did, saved = network.without(name)
                if did:
                    found[name].append((network.name, did, saved))
            got, report = network.run(["all"])
            network.check("all", got, network.base[0], False)
            assert not any(report["rewrites"].values()), report["rewrites"]
    for name, networks in found.items():
        for network, did, saved in networks:
            print(f"{name}: {did} times in {network}, saves {saved}")
        assert networks, f"{name} does nothing in any network"
        assert any(max(saved.values()) > 0 for _, _, saved in networks), f"{name} saves nothing"


def test_real():
    pairs = [(network, name) for network in REAL for name in TABLE]
    base = {}
    with tempfile.TemporaryDirectory() as tmp:
        folder = pathlib.Path(tmp)
        (folder / "kernels").mkdir()
        for network, name in lib.long_set(pairs, "rewrites"):
            if network not in base:
                base[network] = Network(network, models.path(network), models.dims(network), folder)
            print(f"{network}: {name}", *base[network].without(name))


def test_words():
    """A wrong name lists the names; the README has each of them."""
    problem = lib.Ran([lib.RELEASE / "occamyc", "x.onnx", "-o", "x.occ", "--off", "sleep"]).problem()
    assert problem["code"] == "E_USAGE" and all(name in problem["detail"] for name in TABLE), problem
    text = (lib.ROOT / "compiler" / "README.md").read_text()
    missing = [name for name in TABLE if f"| `{name}` |" not in text]
    assert not missing, f"compiler/README.md does not name {missing}"


lib.main(globals())
