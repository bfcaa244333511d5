#!/usr/bin/env python3
"""Stands in for occamyc in the daemon's tests: the same words, files, exit codes and key, no compiling.

A "model" is JSON that says what to do: {"do": "ok" | "problem" | "crash" | "silent" | "memory" | "cpu" |
"hang" | "environment" | "bad-artifact" | "no-report", "seconds": S, "tag": ...}. Every compilation appends a line
to $HOME/compiles. $HOME/build, where there is one, is the compiler's build in its identity.
"""
import hashlib
import json
import os
import pathlib
import re
import signal
import struct
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import occ_file

HOME = pathlib.Path(os.environ["HOME"])
PASSES = "onnx,plan,pack"
REWRITES = re.findall(r'^REWRITE\(\w+, "(\w+)"', (HERE.parent.parent / "compiler/rewrites.def").read_text(), re.M)


def problem(code, status, exit_code, detail, **more):
    print("fake: something is wrong", file=sys.stderr)
    print(json.dumps({"code": code, "title": "t", "status": status, "detail": detail, **more,
                      "details": [{"code": code, "node": "n1", "op": "Foo", "detail": "x"}]}), file=sys.stderr)
    sys.exit(exit_code)


def identity(target):
    if target == "sm_42":
        problem("E_TARGET", 400, 64, "sm_42: no toolchain knows it")
    if target == "sm_43":
        time.sleep(3600)
    library = HOME / "libnvrtc.so.12"
    build = (HOME / "build").read_text() if (HOME / "build").exists() else "b1"
    return {"build": build, "target": target, "nvrtc": library.read_text() if library.exists() else "12.9",
            "nvrtc_path": str(library), "passes": PASSES}


def key(model, o, ident):
    """The documented hash, written a second time."""
    h = hashlib.sha256()

    def number(n):
        h.update(struct.pack("<q", n))

    def text(s):
        s = s.encode() if isinstance(s, str) else s
        number(len(s))
        h.update(s)

    text("occamy-key-1")
    text(hashlib.sha256(model).hexdigest())
    text(o["target"])
    text(o["precision"])
    text(o["code"])
    text(o["planner"])
    number(o["weights"] == "streamed")
    off = [r for r in REWRITES if r in o["off"]]
    number(len(off))
    for name in off:
        text(name)
    dims = []
    for d in ",".join(o["dims"]).split(",") if o["dims"] else []:
        name, size = d.rsplit("=", 1)
        base, _, axis = name.rpartition(":")
        dims.append((base, int(axis), int(size)) if base and axis.isdigit() else (name, -1, int(size)))
    number(len(dims))
    for name, axis, size in sorted(dims):
        text(name)
        number(axis)
        number(size)
    number(len(o["bind"]))
    for name, path in sorted(b.rsplit("=", 1) for b in o["bind"]):
        text(name)
        text(hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest())
    text(ident["build"])
    text(ident["nvrtc"])
    text(ident["passes"])
    return h.hexdigest()


def words(argv):
    o = {"target": "sm_87", "precision": "fp32", "code": "both", "planner": "occamy", "weights": "resident",
         "dims": [], "bind": [], "off": [], "model": None}
    argv = list(argv)
    while argv:
        word = argv.pop(0)
        if word in ("--identity", "--plan-only"):
            o[word[2:]] = True
        elif word == "--off":
            o["off"] += argv.pop(0).split(",")
        elif word in ("--dims", "--bind"):
            o[word[2:]].append(argv.pop(0))
        elif word.startswith("-"):
            o[word.lstrip("-")] = argv.pop(0)
        else:
            o["model"] = word
    return o


def misbehave(do, model):
    if do == "problem":
        problem("E_OP_UNSUPPORTED", 422, 65, "2 operators are not supported", node="n1", op="Foo", hint="wait")
    if do == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if do == "silent":
        print("no idea", file=sys.stderr)
        sys.exit(70)
    if do == "memory":
        try:
            bytearray(8 << 30)
        except MemoryError:
            print("internal error: out of memory", file=sys.stderr)
            os.abort()
    if do == "cpu":
        while True:
            pass
    if do == "hang":
        if os.fork() == 0:
            (HOME / "grandchild").write_text(str(os.getpid()))
        time.sleep(3600)
    if do == "environment":
        files = sorted(int(f) for f in os.listdir("/proc/self/fd"))
        limits = pathlib.Path("/proc/self/limits").read_text()
        problem("E_ATTR", 422, 65, json.dumps({"env": sorted(os.environ), "fds": files, "limits": limits,
                                               "cwd": os.getcwd(), "argv": sys.argv[1:]}))


def manifest(o, this_key):
    return {"format": 1, "key": this_key, "name": "fake", "target": o["target"], "precision": o["precision"],
            "compiler": "fake", "toolchain": "none", "options": {}, "inputs": [], "outputs": [], "arena_bytes": 0,
            "arena_lower_bound_bytes": 0, "weights_bytes": 5000, "input_bytes": 0, "output_bytes": 0,
            "device_bytes": 5000, "module_bytes": 0, "launches": 0, "kernels": 0, "certificate": "optimal: max-live",
            "order": "exact", "metadata": {}}


def main():
    o = words(sys.argv[1:])
    ident = identity(o["target"])
    if o.get("identity"):
        print(json.dumps(ident))
        return
    model = pathlib.Path(o["model"]).read_bytes()
    with open(HOME / "compiles", "a") as log:
        log.write(o["model"] + "\n")
    wanted = json.loads(model.split(b"\0")[0])
    with os.fdopen(int(o["progress"]), "w") as progress:
        for percent, stage in enumerate(("onnx", "plan", "emit")):
            print(stage, percent * 30 + 10, file=progress, flush=True)
    time.sleep(wanted.get("seconds", 0))
    do = wanted.get("do", "ok")
    misbehave(do, model)
    this_key = key(model, o, ident)
    if "plan-only" in o:
        if do != "no-report":
            pathlib.Path(o["report"]).write_text(json.dumps({"arena_bytes": 7, "weights": o["weights"]}) + "\n")
        return
    weights = (hashlib.sha256(model).digest() * 157)[:5000]
    blobs = {"plan": b'{"tag":"' + this_key[:8].encode() + b'"}', "code": b"code", "plan.svg": b"<svg/>",
             "weights": weights}
    occ_file.write(o["o"], manifest(o, this_key), blobs)
    if do == "bad-artifact":
        data = bytearray(pathlib.Path(o["o"]).read_bytes())
        data[-1] ^= 1
        pathlib.Path(o["o"]).write_bytes(data)
    if do != "no-report":
        report = {"key": this_key, "arena_bytes": 0, "kernels_cached": 3, "kernels_compiled": 4,
                  "kernel_dir": o["kernel-cache"], "seconds": {"onnx": 0.5, "emit": 1.5, "total": 2.0}}
        pathlib.Path(o["report"]).write_text(json.dumps(report) + "\n")


main()
