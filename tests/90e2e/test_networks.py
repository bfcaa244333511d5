"""Real models, compiled and run on the emulated device, against ONNX Runtime.

    python3 tests/90e2e/test_networks.py [--update] [MODEL]...

The quick ones of bench/models.py, and of the slow ones what the long set has.
Values are within rtol 1e-3, atol 1e-4 on random inputs; the arena is no larger than what ONNX
Runtime holds; what must not depend on machine or day is compared with bench/figures.tsv and, kernel by kernel, with
bench/kernels.tsv exactly. --update writes the given models' rows of both (all models' without names),
README.md's table and the picture of a plan anew instead: read the diff before you commit it."""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import lib
import numpy as np

import kernel_table
import memory_table
import models
import networks
import occ_file
import ocr

COLUMNS = ("arena_bytes", "arena_lower_bound_bytes", "weights_bytes", "input_bytes", "output_bytes",
           "launches", "kernels", "certificate", "order")
COMMENT = """What Occamy plans for each model, fp32, sm_87: bytes as in README.md, "Memory". The compiler
is deterministic: tests/90e2e/test_networks.py compares exactly; with --update it writes this."""
# CPU seconds, of the release build on one thread's worth of a small server core.
COMPILE_CPU_SECONDS = {"resnet50": 60}
RUN_CPU_SECONDS = {"resnet50": 8, "mobilenet_v2": 3}
LAUNCHES = {"alexnet": 13, "mobilenet_v2": 55, "resnet50": 58, "vgg19": 25, "squeezenet1_1": 32,
            "googlenet": 76}
FMA_SHARE = {  # of the executed warp instructions; depthwise networks load more for each FMA
    **dict.fromkeys(("alexnet", "vgg19", "resnet18", "resnet50", "squeezenet1_1", "googlenet",
                     "densenet121", "unet_256"), 0.6),
    **dict.fromkeys(("mobilenet_v2", "shufflenet_v2_x1_0", "efficientnet_b0"), 0.35)}

SMALLEST = "pp_ocr_cls"
README = lib.ROOT / "README.md"
PICTURE, PICTURED = lib.ROOT / "bench" / "plan.svg", "pp_ocrv4_rec"
FOLDER = lib.RELEASE / "e2e"


def compile_one(name, build=lib.RELEASE):
    FOLDER.mkdir(parents=True, exist_ok=True)
    artifact = FOLDER / f"{name}.occ"
    words = lib.dims_words(models.dims(name))
    return artifact, lib.occamyc(models.path(name), artifact, *words, build=build)


def page():
    """A text detector's answer to noise is near zero everywhere: it gets some text, too."""
    picture = np.zeros((1, 3, 320, 320), np.float32)
    for row in range(20, 300, 70):
        picture[:, :, row:row + ocr.HEIGHT] = ocr.prepare(ocr.render(f"row {row} of a page"))
    return {"x": picture}


def check_run(name, artifact, report, build):
    """On random input, and where that says little on a real one; returns the first run's report."""
    session = lib.ort_session(models.path(name), models.dims(name))
    exact = FOLDER / f"{name}.ptx.occ"  # cubins would want memory, and the emulated device does not take them
    occ_file.edit_ptx(artifact, exact, lambda _, ptx: ptx)
    artifact = exact
    ran = check_outputs(name, session, artifact, lib.random_feeds(session, 1), build, report["device_bytes"])
    if name == "pp_ocrv4_det":
        assert session.run(None, page())[0].max() > 0.5, "the page has no text"
        check_outputs(name, session, artifact, page(), build, report["device_bytes"])
    assert ran["launches"] == report["launches"]
    assert ran["device_bytes_peak"] <= report["device_bytes"], ran
    exact.unlink()
    return ran


def check_outputs(name, session, artifact, feeds, build, memory):
    """On a device that has not a byte more."""
    stats = FOLDER / f"{name}.stats.json"
    got, ran = lib.run_client(artifact, feeds, FOLDER / name, build,
                              env={"OCCAMY_EMULATOR": f"sm=87,memory={memory},stats={stats}"})
    ran["stats"] = json.loads(stats.read_text())
    want = session.run(None, feeds)
    assert len(got) == len(want), f"{len(got)} outputs, not {len(want)}"
    for index, output in enumerate(session.get_outputs()):
        lib.check_close(f"{name}, {output.name}", got[index], want[index])
    return ran


def check_limits(name, report, ran):
    figures = (("compile CPU seconds", report["cpu_seconds"], COMPILE_CPU_SECONDS.get(name)),
               ("run CPU seconds", ran["cpu_seconds"], RUN_CPU_SECONDS.get(name)),
               ("launches", report["launches"], LAUNCHES.get(name)))
    for what, figure, limit in figures:
        print(f"{name}: {what} {figure:.4g}" + (f", at most {limit}" if limit else ""))
        assert limit is None or figure <= limit, f"{name}: {what} {figure}, more than {limit}"
    share, least = ran["stats"]["total"]["fma_share"], FMA_SHARE.get(name, 0)
    print(f"{name}: FMAs are {share:.1%} of the executed warp instructions, at least {least:.0%}")
    assert share >= least, f"{name}: FMA share {share}, less than {least}"
    peers = models.read_table("peers.tsv")[name]
    assert report["arena_lower_bound_bytes"] <= report["arena_bytes"] <= int(peers["onnxruntime"])


def check_code(name, artifact):
    """No kernel spills a register, and each has both PTX and a cubin."""
    _, blobs = occ_file.read(artifact)
    for kernel in json.loads(blobs["plan"])["kernels"]:
        assert kernel["spill_bytes"] == 0, f"{name}: {kernel['entry']} spills"
        assert kernel["ptx"][1] > 0 and kernel["cubin"][1] > 0, f"{name}: {kernel['entry']}"


def check_model(name):
    """Compiles, runs and compares; returns its row of figures.tsv, its rows of kernels.tsv, NVRTC."""
    print(f"-- {name}", flush=True)
    artifact, report = compile_one(name)
    assert report["unsupported"] == []
    check_code(name, artifact)
    ran = check_run(name, artifact, report, lib.RELEASE)
    check_limits(name, report, ran)
    return ([str(report[column]) for column in COLUMNS],
            kernel_table.rows(name, artifact, ran["stats"]), report["toolchain"])


def check_planned_only():
    """What is too big to run has a plan that is as small as its order allows."""
    for name in models.TOO_BIG_TO_RUN:
        FOLDER.mkdir(parents=True, exist_ok=True)
        model = FOLDER / f"{name}.onnx"
        model.write_bytes(networks.NETWORKS[name](0).SerializeToString())
        report = lib.occamyc(model, FOLDER / f"{name}.occ")
        print(f"{name}: arena {report['arena_bytes']}, {report['certificate']}")
        assert report["arena_bytes"] == report["arena_lower_bound_bytes"]


def check_dev_build(name):
    """The sanitized build makes the same bytes, and runs them."""
    artifact, dev = FOLDER / f"{name}.occ", FOLDER / f"{name}.dev.occ"
    report = lib.occamyc(models.path(name), dev, *lib.dims_words(models.dims(name)), build=lib.BUILD)
    assert dev.read_bytes() == artifact.read_bytes(), f"{name}: {dev} is not {artifact}"
    check_run(name, dev, report, lib.BUILD)


def picture():
    return occ_file.read(FOLDER / f"{PICTURED}.occ")[1]["plan.svg"]


def update(results):
    table = {name: list(row.values())[1:] for name, row in models.read_table("figures.tsv").items()}
    table.update((name, row) for name, (row, _, _) in results.items())
    models.write_table("figures.tsv", COMMENT, ("model", *COLUMNS),
                       [(name, *table[name]) for name in models.ALL])
    kernel_table.update({name: kernels for name, (_, kernels, _) in results.items()},
                        {toolchain for _, _, toolchain in results.values()})
    README.write_text(memory_table.readme_with_table(README.read_text()))
    if PICTURED in results:
        PICTURE.write_bytes(picture())


def compare(results):
    text = README.read_text()
    assert text == memory_table.readme_with_table(text), "README.md's table is not figures.tsv's"
    if PICTURED in results:
        assert PICTURE.read_bytes() == picture(), f"{PICTURE.name} is not {PICTURED}'s plan"
    table, differences = models.read_table("figures.tsv"), []
    for name, (row, kernels, toolchain) in results.items():
        differences += [f"{name}: {column} is {value}, bench/figures.tsv says {table[name][column]}"
                        for column, value in zip(COLUMNS, row) if table[name][column] != value]
        differences += kernel_table.differences(name, kernels, toolchain)
    assert not differences, "\n".join(differences)


def main(words):
    names = [w for w in words if w != "--update"] or \
        (list(models.ALL) if "--update" in words else [*models.QUICK, *lib.long_set(models.SLOW)])
    check_planned_only()
    results = {name: check_model(name) for name in names}
    if "--update" in words:
        return update(results)
    compare(results)
    for name in [SMALLEST, *lib.long_set((n for n in models.QUICK if n != SMALLEST), "dev build")]:
        if name in names:
            check_dev_build(name)
    return None


main(sys.argv[1:])
