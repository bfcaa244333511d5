"""Makes the folder that tests/gpu/run.py takes to a device: for each case the artifact, inputs, what the
emulated device answers, what ONNX Runtime answers; and the client with the libraries it needs.

    tests/gpu.sh --prepare DIR [--target sm_90] [--ops Conv,Exp,...] [--networks resnet50,...] [--runs N]

A case whose kernels have no approximate instruction must give the emulator's bits, any other its numbers
within a tolerance: which it is, is read off its PTX."""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "20op")]
import lib
import numpy as np
import occ_file

APPROXIMATE = re.compile(rb"\b(?:ex2|lg2|sin|cos|tanh|rsqrt|rcp|sqrt|div)\.(?:approx|full)\b")
NETWORKS = "resnet50,mobilenet_v2"
MANIFEST = "launches", "kernels", "arena_bytes", "weights_bytes", "device_bytes", "module_bytes", "toolchain"


def describe(name, runs, folder, feeds, want):
    """The case's row of suite.json; its files are there already, those of `want` are written here."""
    manifest, blobs = occ_file.read(folder / "cases.occ")
    ptx = [k["ptx"] for k in json.loads(blobs["plan"])["kernels"]]
    found = sorted({word.decode() for at, size in ptx for word in APPROXIMATE.findall(blobs["code"][at:at + size])})
    for index, value in enumerate(want):
        value = value.astype(np.float32) if value.dtype.name == "bfloat16" else value
        np.save(folder / f"want_{index}.npy", value)
    rtol, atol = 2e-3 if any(w.dtype == np.float16 for w in want) else 1e-4, 1e-5
    if runs:
        rtol, atol = lib.RTOL, lib.ATOL
    return {"name": name, "kind": "network" if runs else "operator", "approximate": found, "rtol": rtol,
            "atol": atol, "timed": runs, "manifest": {m: manifest[m] for m in MANIFEST},
            "inputs": [[name, next(folder.glob(f"input_{i}.*")).name] for i, name in enumerate(feeds)],
            "outputs": [pathlib.Path(o["file"]).name
                        for o in json.loads((folder / "run.json").read_text())["outputs"]]}


def operator_case(case, base):
    import single
    import test_ops

    folder = base / case["name"]
    folder.mkdir()
    try:
        test_ops.run([case], folder, "both")
    except RuntimeError as error:  # the device's run counts it as failed
        return {"name": case["name"], "kind": "operator", "approximate": [], "refused": str(error)}
    return describe(case["name"], 0, folder, test_ops.feeds_of([case]), test_ops.expected(case))


def network_case(name, base, target, runs):
    import models

    folder = base / name
    folder.mkdir()
    lib.occamyc(models.path(name), folder / "cases.occ", "--target", target, *lib.dims_words(models.dims(name)))
    session = lib.ort_session(models.path(name), models.dims(name))
    feeds = lib.random_feeds(session, 1)
    lib.run_client(folder / "cases.occ", feeds, folder)
    return describe(name, runs, folder, feeds, session.run(None, feeds))


def copy_client(base):
    """The client and every library of it that does not belong to the C library."""
    (base / "bin").mkdir()
    (base / "lib").mkdir()
    client = lib.RELEASE / "occamy-client"
    shutil.copy2(client, base / "bin")
    listed = subprocess.run(["ldd", client], check=True, capture_output=True, text=True).stdout
    for library in re.findall(r"=> (/\S+)", listed):
        if not re.match(r"(?:libc|libm|libdl|libpthread|librt|ld-linux\S*)\.so", pathlib.Path(library).name):
            shutil.copy2(library, base / "lib")


def tidy(base):
    """What only the preparation needed."""
    for pattern in ("*/cases.onnx", "*/*.report.json", "*/run.json"):
        for file in base.glob(pattern):
            file.unlink()
    for folder in base.iterdir():
        if (folder / "cases.occ").exists():
            (folder / "emulator").mkdir()
            for file in folder.glob("output_*"):
                file.rename(folder / "emulator" / file.name)


def prepare(base, target, ops, names, runs):
    import test_ops

    cases = test_ops.device_cases(ops) if ops != ["none"] else []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        rows = [*pool.map(lambda case: operator_case(case, base), cases),
                *(network_case(name, base, target, runs) for name in names)]
    copy_client(base)
    tidy(base)
    (base / "suite.json").write_text(json.dumps({"target": target, "cases": rows}, indent=1) + "\n")
    return rows


def main():
    parser = argparse.ArgumentParser(prog="tests/gpu.sh --prepare", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--target", default="sm_90")
    parser.add_argument("--ops", default="", help="of these operators alone; none: no operator")
    parser.add_argument("--networks", default=NETWORKS)
    parser.add_argument("--runs", type=int, default=200, help="timed runs of each network")
    words = parser.parse_args()
    base = words.folder.resolve()
    for program in ("occamyc", "occamy-client", "libocc_emulator.so"):
        if not (lib.RELEASE / program).exists():
            sys.exit(f"{lib.RELEASE / program} is not there: build the release preset, or set RELEASE to its folder")
    if base.exists():
        sys.exit(f"{base} is there already")
    base.mkdir(parents=True)
    lib.BUILD = lib.RELEASE
    os.environ["OCCAMY_TEST_TARGET"] = words.target
    os.environ["OCCAMY_EMULATOR"] = f"sm={words.target.removeprefix('sm_')}"
    rows = prepare(base, words.target, [op for op in words.ops.split(",") if op],
                   [name for name in words.networks.split(",") if name], max(words.runs, 1))
    exact = sum(not row["approximate"] for row in rows)
    refused = [f"{row['name']}: {row['refused']}" for row in rows if "refused" in row]
    print(*refused, f"{base}: {len(rows)} cases for {words.target}, {exact} of them bit by bit, {len(refused)} refused",
          sep="\n")
    return 1 if refused or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
