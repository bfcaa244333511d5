"""Runs what tests/gpu/prepare.py made on the CUDA device and writes a report. Needs the folder, a driver,
and Python without packages.

    tests/gpu.sh --run DIR [--report FILE.md]

Exit 0: every case is as it should be; 1: some are not; 69: there is no driver or no device.

A case without approximate instructions must give the emulated device's bits (NaN is NaN); any other is within
NEAR of them: a device's ex2, rsqrt or tanh is off by units of the last place, the emulated one's by half a one.
Every case is within its tolerance of ONNX Runtime. Memory is what cuMemGetInfo lost from before the first
allocation to its least; times are of events around the launches."""
import argparse
import array
import ast
import ctypes
import json
import math
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

NEAR = 1e-5, 1e-6  # rtol, atol
GRAIN = 2 << 20  # a driver gives memory, and takes it for code, in units of this
NO_DEVICE = 69
CODES = {"f4": "f", "f8": "d", "f2": "e", "i1": "b", "u1": "B", "b1": "B", "i2": "h", "u2": "H", "i4": "i",
         "u4": "I", "i8": "q", "u8": "Q"}
UNSIGNED = {1: "B", 2: "H", 4: "I", 8: "Q"}


class Tensor:
    """What a .npy file holds, or a TensorProto of bfloat16: kind, shape, values, and their bits."""

    def __init__(self, path):
        data = path.read_bytes()
        if path.suffix == ".npy":
            size, at = (struct.unpack_from("<H", data, 8)[0], 10) if data[6] == 1 else (
                struct.unpack_from("<I", data, 8)[0], 12)
            head = ast.literal_eval(data[at:at + size].decode("latin-1"))
            self.kind, self.shape = head["descr"].lstrip("<|="), tuple(head["shape"])
            raw = data[at + size:]
        else:
            self.kind, (self.shape, raw) = "bf", tensor_proto(data)
        width = 2 if self.kind == "bf" else struct.calcsize(CODES[self.kind])
        self.bits = array.array(UNSIGNED[width], raw)
        if self.kind == "bf":
            self.values = array.array("f", struct.pack(f"<{len(self.bits)}I", *(b << 16 for b in self.bits)))
        else:
            self.values = struct.unpack(f"<{len(self.bits)}{CODES[self.kind]}", raw)
        self.real = self.kind in ("f2", "f4", "f8", "bf")
        self.sign = 1 << (8 * width - 1)

    def place(self, i):
        """The element's place among all values of its type, so that neighbours are one apart."""
        return self.bits[i] if self.bits[i] < self.sign else self.sign - self.bits[i]


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 128:
            return value, at


def tensor_proto(data):
    """dims and raw_data of a TensorProto as the client writes it."""
    shape, raw, at = [], b"", 0
    while at < len(data):
        tag, at = varint(data, at)
        value, at = varint(data, at)
        if tag & 7 == 2:
            field, at = data[at:at + value], at + value
            if tag >> 3 == 1:  # packed
                where = 0
                while where < len(field):
                    size, where = varint(field, where)
                    shape.append(size)
            elif tag >> 3 == 9:
                raw = field
        elif tag >> 3 == 1:
            shape.append(value)
    return tuple(shape), raw


def against_emulator(got, want, near):
    """(elements that differ, greatest distance in units of the last place, complaint or None)"""
    if got.kind != want.kind or got.shape != want.shape:
        return 0, 0, f"{got.kind}{list(got.shape)} is not {want.kind}{list(want.shape)}"
    if got.bits == want.bits:
        return 0, 0, None
    off = [i for i, (a, b) in enumerate(zip(got.bits, want.bits))
           if a != b and not (got.real and math.isnan(got.values[i]) and math.isnan(want.values[i]))]
    worst = max((abs(got.place(i) - want.place(i)) for i in off), default=0)
    if not off or (near and got.real and distance(got, want, *NEAR)[0] <= 1):
        return len(off), worst, None
    first = off[0]
    return len(off), worst, (f"{len(off)} of {len(got.bits)} elements are not the emulator's, the first is [{first}]: "
                             f"{got.values[first]!r}, not {want.values[first]!r}; {worst} units at most")


def distance(got, want, rtol, atol):
    """(worst error as a share of what is allowed, its element): |a - b| <= atol max(1, RMS) + rtol |b|."""
    finite = [b for b in want.values if math.isfinite(b)]
    rms = math.sqrt(math.fsum(b * b for b in finite) / len(finite)) if finite else 0
    worst = (0.0, 0)
    for i, (a, b) in enumerate(zip(got.values, want.values)):
        if a == b or (math.isnan(a) and math.isnan(b)):
            continue
        near = math.isfinite(a) and math.isfinite(b)
        error = abs(a - b) / (atol * max(1, rms) + rtol * abs(b)) if near else math.inf
        worst = max(worst, (error, i))
    return worst


def against_reference(got, want, rtol, atol):
    """(worst error as a share of the tolerance, complaint or None)"""
    if got.shape != want.shape:
        return math.inf, f"shape {list(got.shape)} is not {list(want.shape)}"
    if not got.real:
        same = list(got.values) == list(want.values)
        return (0.0, None) if same else (math.inf, "integers are not ONNX Runtime's")
    worst, i = distance(got, want, rtol, atol)
    return worst, None if worst <= 1 else (
        f"[{i}] is {got.values[i]!r}, ONNX Runtime has {want.values[i]!r}: {worst:.3g} times the tolerance")


def probe():
    """(chip of the first device, None), or (None, why there is none)."""
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError as error:
        return None, str(error)
    count, device, major, minor = (ctypes.c_int() for _ in range(4))
    answers = [cuda.cuInit(0), cuda.cuDeviceGetCount(ctypes.byref(count))]
    if any(answers) or not count.value:
        return None, f"libcuda.so.1: error {next(filter(None, answers), 'none, but no device')}"
    cuda.cuDeviceGet(ctypes.byref(device), 0)
    cuda.cuDeviceGetAttribute(ctypes.byref(major), 75, device)
    cuda.cuDeviceGetAttribute(ctypes.byref(minor), 76, device)
    return f"sm_{major.value}{minor.value}", None


def client(base, case, out):
    """Runs a case: (exit code, report or the last line of standard error)."""
    folder = base / case["name"]
    words = [base / "bin" / "occamy-client", "run", folder / "cases.occ", "--device", "cuda",
             "--output-dir", out, "--report", out / "run.json"]
    for name, file in case["inputs"]:
        words += ["--input", f"{name}={folder / file}"]
    if case["timed"]:
        words += ["--repeat", str(case["timed"])]
    paths = [os.environ.get("LD_LIBRARY_PATH"), str(base / "lib")]
    ran = subprocess.run(words, env={**os.environ, "LD_LIBRARY_PATH": ":".join(filter(None, paths))},
                         stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    if ran.returncode == 0:
        return 0, json.loads((out / "run.json").read_text())
    return ran.returncode, (ran.stderr.strip().splitlines() or [f"exit {ran.returncode}"])[-1]


def memory_allowed(manifest):
    """What the plan says, in the driver's units, and a unit for each kernel's code."""
    return sum(-(-manifest[m] // GRAIN) * GRAIN for m in ("arena_bytes", "weights_bytes", "module_bytes")) \
        + GRAIN * manifest["kernels"]


def check(base, case):
    """The case's results, with its complaints."""
    folder, found = base / case["name"], {**case, "complaints": [], "differ": 0, "ulps": 0, "share": 0.0}
    if "refused" in case:
        return {**found, "complaints": [f"was refused when it was prepared: {case['refused']}"]}
    with tempfile.TemporaryDirectory() as out:
        out = pathlib.Path(out)
        code, report = client(base, case, out)
        if code != 0:
            return {**found, "complaints": [report]}
        found["report"] = report
        for index, file in enumerate(case["outputs"]):
            got = Tensor(out / file)
            differ, ulps, complaint = against_emulator(got, Tensor(folder / "emulator" / file), case["approximate"])
            share, other = against_reference(got, Tensor(folder / f"want_{index}.npy"), case["rtol"], case["atol"])
            found["differ"] += differ
            found["ulps"] = max(found["ulps"], ulps)
            found["share"] = max(found["share"], share)
            found["complaints"] += [f"output {index}: {c}" for c in (complaint, other) if c]
    used, allowed = report["device_bytes_peak"], memory_allowed(case["manifest"])
    if used > allowed:
        found["complaints"].append(f"{used} bytes of device memory were taken, {allowed} are allowed")
    return found


def table(head, rows):
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return "\n".join(lines + [f"| {' | '.join(str(cell) for cell in row)} |" for row in rows]) + "\n"


def verdict(found):
    return "FAILS" if found["complaints"] else "ok"


def class_of(found):
    return "near" if found["approximate"] else "bits"


def emulator_text(found):
    return "equal bits" if not found["differ"] else f"{found['differ']} differ, {found['ulps']} ulp at most"


def network_row(found):
    m, report = found["manifest"], found.get("report")
    if not report:
        return [found["name"], m["launches"], m["arena_bytes"], m["device_bytes"], m["module_bytes"],
                *["-"] * 7, "FAILS"]
    t = report["timed"]
    return [found["name"], m["launches"], m["arena_bytes"], m["device_bytes"], m["module_bytes"],
            report["device_bytes_peak"], f"{t['ms_least']:.4f}", f"{t['ms_median']:.4f}", f"{t['ms_most']:.4f}",
            class_of(found), emulator_text(found), f"{found['share']:.4f}", verdict(found)]


def operator_rows(results):
    """One row per operator and class."""
    groups = {}
    for found in results:
        groups.setdefault((found["name"].split("-")[0], class_of(found)), []).append(found)
    for (op, kind), group in sorted(groups.items()):
        yield [op, kind, len(group), sum(not f["differ"] and "report" in f for f in group),
               max(f["ulps"] for f in group), f"{max(f['share'] for f in group):.4f}",
               sum(bool(f["complaints"]) for f in group)]


def summary(suite, results):
    report = next((f["report"] for f in results if "report" in f), None)
    device = [["device", f"{report['device']}, {report['chip']}"],
              ["driver", f"{report['driver'] // 1000}.{report['driver'] % 1000 // 10}"]] if report else []
    toolchains = sorted({f["manifest"]["toolchain"] for f in results if "manifest" in f})
    return table(("what", ""), [
        *device, ["compiled for", f"{suite['target']}, {', '.join(toolchains)}"],
        ["verdict", f"{sum(not f['complaints'] for f in results)} of {len(results)} cases pass"]])


def page(suite, results):
    networks = [f for f in results if f["kind"] == "network"]
    operators = [f for f in results if f["kind"] == "operator"]
    failed = [f"- {f['name']}: {'; '.join(f['complaints'])}\n" for f in results if f["complaints"]]
    text = "# Occamy on a device\n\n" + summary(suite, results)
    if networks:
        text += ("\n## Networks\n\nMilliseconds of the launches alone, between two events. `device_bytes` and "
                 "`module_bytes` are the plan's, `taken` is what\n`cuMemGetInfo` lost. The last error is a share of "
                 "the tolerance.\n\n" + table(
                     ("network", "launches", "arena_bytes", "device_bytes", "module_bytes", "taken", "ms, least",
                      "median", "most", "class", "against the emulator", "ONNX Runtime", "verdict"),
                     map(network_row, networks)))
    if operators:
        text += ("\n## Operators\n\n`bits`: no approximate instruction, so the emulator's bits; `near`: within "
                 f"rtol {NEAR[0]:g}, atol {NEAR[1]:g} of them.\n\n" + table(
                     ("operator", "class", "cases", "equal bits", "ulp at most", "share of ONNX Runtime's tolerance",
                      "fail"), operator_rows(operators)))
    return text + ("\n## What fails\n\n" + "".join(failed) if failed else "")


def main():
    parser = argparse.ArgumentParser(prog="tests/gpu.sh --run", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, nargs="?", default=pathlib.Path("."))
    parser.add_argument("--report", type=pathlib.Path)
    parser.add_argument("--probe", action="store_true", help="only print the chip of the device")
    words = parser.parse_args()
    chip, why = probe()
    if not chip:
        print(f"no CUDA device to test on: {why}", file=sys.stderr)
        return NO_DEVICE
    if words.probe:
        print(chip)
        return 0
    base, results = words.folder.resolve(), []
    suite = json.loads((base / "suite.json").read_text())
    for case in suite["cases"]:
        found = check(base, case)
        results.append(found)
        print(f"{verdict(found)} {case['name']} {'; '.join(found['complaints'])}", flush=True)
    target = words.report or base / "report.md"
    target.write_text(page(suite, results))
    failed = sum(bool(found["complaints"]) for found in results)
    print(f"{len(results) - failed} passed, {failed} failed; {target}")
    return 1 if failed or not results else 0


if __name__ == "__main__":
    sys.exit(main())
