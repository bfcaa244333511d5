"""bench/: the networks are torchvision's, live and reproducible; the peers' table is what it says."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import lib
import numpy as np
import onnx

import models
import networks
import ort_memory
from eager import bind_dims, eager_peak

ZOO = models.read_table("networks.tsv", "network")
NAMES = [*models.QUICK, *lib.long_set(models.SLOW)]
MEASURED = "mobilenet_v2", "resnet18", "resnet50", "squeezenet1_1"


def test_parameter_counts():
    for name, build in networks.NETWORKS.items():
        count = networks.learnable_parameters(build(0))
        listed = ZOO[name.removesuffix("_96")]["parameters_M"]
        assert f"{count / 1e6:.2f}" == listed, f"{name}: {count}"


def test_same_seed_same_bytes():
    build = networks.NETWORKS["squeezenet1_1"]
    assert build(3).SerializeToString() == build(3).SerializeToString()
    assert build(3).SerializeToString() != build(4).SerializeToString()


def test_outputs_live():
    """Outputs vary over their elements and with the input, and are of sane size, for two seeds."""
    for name in filter(networks.NETWORKS.__contains__, NAMES):
        for seed in 0, 7:
            session = onnx_session(networks.NETWORKS[name](seed))
            results = (session.run(None, lib.random_feeds(session, s)) for s in (1, 2))
            for first, second in zip(*results):
                spread, change = float(np.std(first)), float(np.std(first - second))
                print(f"{name}, seed {seed}: std {spread:.3f}, change with the input {change:.3f}")
                assert 0.3 < spread < 30, name
                assert change > 0.005 * spread, name


def onnx_session(model):
    import onnxruntime

    return onnxruntime.InferenceSession(model.SerializeToString(),
                                        providers=["CPUExecutionProvider"])


def test_eager_rules():
    """The simulated eager peak of bench/peers.tsv, and on four networks the measured one."""
    table = models.read_table("peers.tsv")
    assert list(table) == list(models.ALL)
    for name in NAMES:
        row = table[name]
        peak = eager_peak(bind_dims(onnx.load(models.path(name)), models.dims(name)))
        assert peak == int(row["eager"]), f"{name}: {peak}, the table says {row['eager']}"
        if name in MEASURED:
            assert row["eager"] == ZOO[name]["pytorch"], name


def test_ort_bytes():
    """Its kernels' layouts depend on the CPU: a tenth is allowed here, none in the tables."""
    table = models.read_table("peers.tsv")
    for name in NAMES:
        row = table[name]
        measured = ort_memory.ort_bytes(models.path(name), models.dims(name))
        print(f"{name}: {measured}, the table says {row['onnxruntime']}")
        assert abs(measured / int(row["onnxruntime"]) - 1) < 0.1, name
        if name in MEASURED:
            assert row["onnxruntime"] == ZOO[name]["onnxruntime"], name


lib.main(globals())
