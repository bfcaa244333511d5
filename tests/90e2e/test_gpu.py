"""tests/gpu.sh, with the emulated driver in the place of libcuda.so.1: what it prepares passes; a kernel that
differs by little fails where bits are asked for and passes where they are not; a kernel that is wrong fails
everywhere; without a driver it exits with 69."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import lib
import occ_file

OPS = "Exp,Mish,Sum,Where"
SUITE = lib.ROOT / "tests" / "gpu.sh"


def gpu(*words, cwd=lib.ROOT, **env):
    ran = subprocess.run(["bash", SUITE, *words], cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                         env={**os.environ, "RELEASE": str(lib.RELEASE), "PYTHON": sys.executable, **env})
    print(ran.stdout[-2000:], ran.stderr[-2000:], sep="\n")
    return ran


def run(suite, drivers, folder):
    """(exit code, report) of a run on the emulated driver."""
    report = folder / "report.md"
    ran = gpu("--run", suite, "--report", report, DRIVER=str(drivers), OCCAMY_EMULATOR="sm=90")
    return ran.returncode, report.read_text()


def failing(report):
    """name: what is wrong with it"""
    return dict(line[2:].split(": ", 1) for line in report.splitlines() if line.startswith("- "))


def edited(suite, name, edit):
    """Gives the case's kernels another text; whether that changed any of them."""
    file, changed = suite / name / "cases.occ", []

    def once(_, ptx):
        new = edit(ptx)
        changed.append(new != ptx)
        return new
    occ_file.edit_ptx(file, file, once)
    return any(changed)


def last_place(ptx):
    """Sums are rounded towards zero."""
    return ptx.replace("add.rn.f32", "add.rz.f32").replace("fma.rn.f32", "fma.rz.f32")


def check_usage(drivers):
    assert gpu("--nonsense").returncode == 64
    (drivers / "libcuda.so.1").write_bytes(b"no library")
    ran = gpu(DRIVER=str(drivers))
    assert ran.returncode == 69 and "no CUDA device to test on: " in ran.stderr, ran
    (drivers / "libcuda.so.1").unlink()
    (drivers / "libcuda.so.1").symlink_to(lib.RELEASE / "libocc_emulator.so")


def check_both(drivers, folder):
    """Both halves at once, for the chip that is there."""
    env = {"DRIVER": str(drivers), "OCCAMY_EMULATOR": "sm=75"}
    ran = gpu("--ops", "Mish", "--networks", "", cwd=folder, **env)
    report = (folder / "report.md").read_text()
    assert ran.returncode == 0 and "| compiled for | sm_75, nvrtc" in report and "| Mish | near | 1 |" in report, ran
    ran = gpu("--prepare", folder / "nothing", RELEASE=str(folder), **env)
    assert ran.returncode == 1 and "occamyc is not there: build the release preset" in ran.stderr, ran


def check_classes(cases):
    near = {name for name, case in cases.items() if case["approximate"]}
    assert cases["Exp-13-0"]["manifest"]["module_bytes"] > 0, "no cubin: a driver would take the PTX"
    assert {"Exp-13-0", "Mish-18-0"} <= near <= {n for n in cases if n.startswith(("Exp", "Mish"))}, near


def check_good(cases, code, report):
    assert code == 0 and f"| verdict | {len(cases)} of {len(cases)} cases pass |" in report, report
    row = next(line for line in report.splitlines() if line.startswith("| mobilenet_v2 "))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    manifest = cases["mobilenet_v2"]["manifest"]
    assert [int(cell) for cell in cells[1:6]] == [*(manifest[m] for m in (
        "launches", "arena_bytes", "device_bytes", "module_bytes")), manifest["device_bytes"]], cells
    assert 0 < float(cells[6]) <= float(cells[7]) <= float(cells[8]), cells
    assert cells[9:11] == ["bits", "equal bits"] and cells[12] == "ok", cells


def check_little(suite, cases, run_it):
    """A unit of the last place matters where bits are asked for; returns the case that it was."""
    exact = next(name for name in cases if name.startswith("Sum-") and edited(suite, name, last_place))
    assert edited(suite, "Exp-13-0", last_place)
    code, report = run_it()
    wrong = failing(report)
    assert code == 1 and list(wrong) == [exact], wrong
    assert "are not the emulator's" in wrong[exact] and "; 1 units at most" in wrong[exact], wrong
    return exact


def check_much(suite, exact, run_it):
    """Wrong numbers, a device's error, memory beyond the plan, a case that was not prepared."""
    assert edited(suite, "Exp-13-0", lambda ptx: ptx.replace("ex2.approx.ftz.f32", "sin.approx.ftz.f32"))
    assert edited(suite, "mobilenet_v2", lambda ptx: ptx.replace("ret;", "trap;"))
    text = json.loads((suite / "suite.json").read_text())
    greedy = {case["name"]: case for case in text["cases"] if case["name"].startswith("Where")}
    for case in greedy.values():
        case["manifest"].update(arena_bytes=0, weights_bytes=0, module_bytes=0, kernels=0)
    text["cases"].append({"name": "Gone-1-0", "kind": "operator", "approximate": [], "refused": "E_OP"})
    (suite / "suite.json").write_text(json.dumps(text))
    code, report = run_it()
    wrong = failing(report)
    assert code == 1 and set(wrong) == {exact, "Exp-13-0", "mobilenet_v2", "Gone-1-0", *greedy}, wrong
    assert wrong["Gone-1-0"] == "was refused when it was prepared: E_OP", wrong
    assert "ONNX Runtime has" in wrong["Exp-13-0"] and "are not the emulator's" in wrong["Exp-13-0"], wrong
    assert "CUDA_ERROR_LAUNCH_FAILED" in wrong["mobilenet_v2"], wrong
    assert greedy and all("memory were taken, 0 are allowed" in wrong[name] for name in greedy), wrong


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        suite, drivers = folder / "suite", folder / "drivers"
        drivers.mkdir()
        check_usage(drivers)
        check_both(drivers, folder)
        ran = gpu("--prepare", suite, "--ops", OPS, "--networks", "mobilenet_v2", "--runs", "3")
        assert ran.returncode == 0, ran
        cases = {case["name"]: case for case in json.loads((suite / "suite.json").read_text())["cases"]}

        def run_it():
            return run(suite, drivers, folder)
        check_classes(cases)
        check_good(cases, *run_it())
        exact = check_little(suite, cases, run_it)
        check_much(suite, exact, run_it)


if __name__ == "__main__":
    main()
