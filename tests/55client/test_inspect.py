"""inspect, verify, help, usage errors; the client's own size and memory."""
import json
import os
import subprocess

import occ

METADATA = {"character": "a\nb\tc", "evil": "\x1b[31mred\x07", "naïve": "ü"}


def test_print(folder):
    data = occ.artifact([("x\x1b[2J", "f32", (1, 3), 0)], [("y", "i64", (), 256)], 512, bytes(100),
                        metadata=METADATA, name="net\x01work")
    path = occ.put(folder, "a.occ", data)
    r = occ.client("inspect", path)
    assert r.code == 0, r.err
    text = " ".join(r.out.split())
    for part in ("name net\\x01work", "key " + occ.KEY, "target sm_87", "input x\\x1b[2J f32[1,3]", "output y i64[]",
                 "arena 512", "weights 100", "device 612", "kernels 0", "launches 0", "optimal: max-live", "order exact",
                 "character, evil, naïve", "blob weights sha256:", "file %d" % len(data)):
        assert part in text, (part, r.out)
    length = int.from_bytes(data[16:24], "little")
    r = occ.client("inspect", path, "--json")
    assert r.code == 0 and r.out.encode() == data[64:64 + length] + b"\n", r.out
    assert json.loads(r.out)["metadata"] == METADATA
    assert occ.client("inspect", path, "--metadata", "character").out == "a\nb\tc"
    assert occ.client("inspect", "--metadata=evil", path).out == "\\x1b[31mred\\x07"
    assert occ.client("inspect", path, "--metadata", "naïve").out == "ü"
    occ.expect(occ.client("inspect", path, "--metadata", "none"), "E_NOT_FOUND", 66)
    # inspect looks at no blob; verify looks at each
    bad = bytearray(data)
    bad[-1] ^= 1
    worse = occ.put(folder, "bad.occ", bytes(bad))
    assert occ.client("inspect", worse).code == 0
    occ.expect(occ.client("verify", worse), "E_ARTIFACT", 65)
    # its digests are right, but its plan has no place for what it promises
    r = occ.expect(occ.client("verify", path), "E_PLAN_CHECK", 65)
    assert "no place for input" in r.problem["detail"], r.problem


def test_usage(folder):
    path = occ.put(folder, "a.occ", occ.artifact([], [], 0))
    assert occ.client("verify", path).code == 0
    for args in ([], ["fly"], ["run"], ["inspect"], ["verify"], ["verify", path, path], ["verify", path, "--quick"],
                 ["inspect", path, "--json=1"], ["inspect", path, "--metadata"], ["run", path, "--report"],
                 ["run", path, "--report", "a", "--report", "b"], ["run", path, "--input"]):
        occ.expect(occ.client(*args), "E_USAGE", 64)
    for args in (["help"], ["--help"], ["-h"]):
        r = occ.client(*args)
        assert r.code == 0 and "run FILE|URL" in r.out and "exit codes" in r.out
    assert occ.client("--version").out.startswith("occamy-client ")
    for verb in ("run", "inspect", "verify"):
        occ.expect(occ.client(verb, os.path.join(folder, "none.occ")), "E_NO_FILE", 66)
        occ.expect(occ.client(verb, folder), "E_NO_FILE", 66)
    assert occ.client("verify", "--", path).code == 0
    with open("/dev/full", "w") as full:
        done = subprocess.run([occ.CLIENT, "inspect", path], stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 74 and json.loads(done.stderr.decode().split("\n")[-2])["code"] == "E_IO"
    r = occ.client("run", path, "--output-dir", "/dev/null/x")
    occ.expect(r, "E_IO", 74)


def release(name):
    path = os.path.join(os.environ.get("RELEASE", ""), name)
    assert os.access(path, os.X_OK), "needs the release build: " + path
    return path


def test_size(folder):
    """Stripped at most 400 kB, and linked neither to libcurl nor to protobuf."""
    stripped = os.path.join(folder, "stripped")
    subprocess.run(["strip", "-o", stripped, release("occamy-client")], check=True)
    assert os.path.getsize(stripped) <= 400_000, os.path.getsize(stripped)
    dynamic = subprocess.run(["readelf", "-d", stripped], check=True, capture_output=True, text=True).stdout
    assert "(NEEDED)" in dynamic and "curl" not in dynamic and "protobuf" not in dynamic, dynamic


def test_memory(folder):
    """inspect of a 100 MB artifact in 4 MiB; verify reads it all and is not much larger; nor is run's loading."""
    weights = bytes(100_000_000)
    path = occ.put(folder, "big.occ", occ.artifact([], [], 0, weights, metadata={"k": "x" * 30000}))
    for verb, most in (("inspect", 4 << 20), ("verify", 5 << 20)):
        done = subprocess.run([release("peak"), release("occamy-client"), verb, path], check=True, capture_output=True,
                              text=True)
        peak = int(done.stderr.split("PEAK ")[1])
        print(verb, peak, "bytes of resident memory")
        assert 100_000 < peak <= most, (verb, peak)


with occ.fresh_dir() as folder:
    test_print(folder)
    test_usage(folder)
    test_size(folder)
    test_memory(folder)
