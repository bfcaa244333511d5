"""bench/: the networks are torchvision's, live and reproducible; the tables are what they say."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import lib
import numpy as np
import onnx

import kernel_table
import models
import networks
import ort_memory
import times
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


def test_instruction_classes():
    text = """.visible .entry f(.param .u64 f_param_0)
{
	.reg .f32 %f<9>;
	// add.s32 in a comment
$L__BB0_1:
	ld.param.u64 %rd1, [f_param_0];
	@%p1 bra $L__BB0_1;
	@!%p2 ld.global.nc.v4.f32 {%f1, %f2, %f3, %f4}, [%rd1+16];
	ld.shared.f32 %f5, [%r1];
	fma.rn.f32 %f6, %f1, %f2, %f3;
	setp.lt.f32 %p1, %f6, 0f00000000;
	ex2.approx.ftz.f32 %f6, %f6;
	mul.wide.u32 %rd2, %r1, 4;
	and.pred %p1, %p1, %p2;
	st.global.v4.f32 [%rd2], {%f1, %f2, %f3, %f4};
	st.shared.f32 [%r1], %f6;
	atom.global.max.s32 %r2, [%rd2], %r1;
	bar.sync 0;
	ret;
}"""
    assert kernel_table.ptx_mix(text) == {
        "fma": 1, "fp": 2, "int": 2, "move": 1, "ld_global": 1, "st_global": 2, "ld_shared": 1,
        "st_shared": 1, "control": 3}
    for opcode in "ld.local.f32", "ld.u32", "frobnicate":
        try:
            raise AssertionError(kernel_table.class_of(opcode))
        except ValueError as error:
            assert opcode in str(error)


def test_kernels_compared():
    recorded, table = kernel_table.read()
    assert list(table) == list(models.ALL)
    for column, other in ("registers", "255"), ("executed", "1"), ("spills", "8"), ("launches", "99"):
        rows = [list(row) for row in table["resnet18"]]
        assert kernel_table.differences("resnet18", rows, recorded) == []
        rows[3][kernel_table.COLUMNS.index(column)] = other
        for nvrtc in recorded, "nvrtc 99.0":
            found = kernel_table.differences("resnet18", rows, nvrtc)
            same = nvrtc != recorded and column in ("registers", "executed")
            assert len(found) == (0 if same else 1), f"{column}, {nvrtc}: {found}"
            assert same or f"kernel 3 (conv): {column} is {other}," in found[0], found
    assert len(kernel_table.differences("resnet18", rows[1:], recorded)) == 1


def test_times():
    line, spread = times.row(lib.RELEASE.resolve(), "pp_ocr_cls", 2)
    figures = [float(cell) for cell in line.split("|")[2:6]]
    assert all(figure > 0 for figure in figures) and figures[0] > figures[1], line
    assert len(spread) == 4 and min(spread) >= 0, spread
    listed = [line.split(" ")[1] for line in times.TABLE.read_text().splitlines()
              if line.startswith("| ")]
    assert listed == ["model", *models.ALL], "bench/times.md: other models than bench/models.py"


lib.main(globals())
