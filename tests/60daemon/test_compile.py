"""POST /compile: hit, miss, joined, jobs, waiting, problems, a compiler that dies, and the key."""
import json
import os
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from daemon import Daemon, lib, model, parallel
import occ_file

OCC = "application/vnd.occamy.artifact"


def test_miss_then_hit():
    with Daemon() as d:
        m = model()
        first, second = d.compile(m, "?target=sm_87"), d.compile(m)
        assert first.status == 200 and first.json["cache"] == "miss" and first.headers["x-cache"] == "miss"
        assert second.status == 200 and second.json["cache"] == "hit", second.body
        assert {**first.json, "cache": 0} == {**second.json, "cache": 0}
        a = first.json
        assert [b["name"] for b in a["blobs"]] == ["plan", "code", "plan.svg", "weights"]
        assert a["report"]["key"] == a["key"] and a["artifact"] == f"/v1/artifacts/{a['key']}.occ"
        assert d.compiles() == 1
        occ = d.compile(m, accept=OCC)
        assert occ.headers["content-type"] == OCC and occ.headers["x-occamy-key"] == a["key"]
        assert occ.body == d.get(a["artifact"]).body and len(occ.body) == a["bytes"]
        (d.home / "out.occ").write_bytes(occ.body)
        manifest, blobs = occ_file.read(d.home / "out.occ")
        assert manifest["key"] == a["key"]
        assert d.get(f"/v1/artifacts/{a['key']}").json == manifest
        assert d.get(f"/v1/artifacts/{a['key']}/plan.svg").body == blobs["plan.svg"] == b"<svg/>"
        assert d.get(f"/v1/artifacts/{a['key']}/report").json == a["report"]
        for b in a["blobs"]:
            assert d.get(f"/v1/blobs/{b['digest']}").body == blobs[b["name"]]
        assert d.metric("occamy_cache_hits_total") == 2 and d.metric("occamy_cache_misses_total") == 1
        assert d.metric("occamy_hit_seconds_count") == 2
        assert d.metric('occamy_compiles_total{result="done"}') == 1
        assert d.metric('occamy_compile_seconds_sum{stage="emit"}') == 1.5
        assert d.metric("occamy_kernel_cache_hits_total") == 3
        assert d.metric("occamy_kernel_cache_misses_total") == 4
        assert d.metric("occamy_cache_bytes") > 5000
        assert a["report"]["kernel_dir"] == str(d.store / "kernels")


def test_key():
    """Each part alone gives another key; what does not decide the bytes gives the same."""
    with Daemon() as d:
        m = model()
        multi = {"model": json.dumps(m).encode()}
        same = ["", "?target=sm_87", "?precision=fp32", "?code=both", "?planner=occamy", "?weights=resident", "?name=whatever"]
        other = ["?target=sm_75", "?dims=N=1", "?dims=N=2", "?dims=N=1,M=2", "?dims=N:0=1", "?code=ptx", "?off=cse",
                 "?off=view", "?off=cse,view", "?planner=none"]
        keys = [d.compile(m, q).json["key"] for q in same]
        assert len(set(keys)) == 1, keys
        keys += [d.compile(m, q).json["key"] for q in other]
        assert len(set(keys)) == 1 + len(other), keys
        keys.append(d.compile(model()).json["key"])
        assert d.compile(m, "?dims=M=2&dims=N=1").json["key"] == keys[len(same) + 3]
        for value in b"\x93NUMPY-1", b"\x93NUMPY-2", b"\x08\x01":
            keys.append(post_parts(d, {**multi, "w": value}, "?bind=weird=name=w").json["key"])
        assert len(set(keys)) == 1 + len(other) + 4
        assert post_parts(d, multi).json["key"] == keys[0]
        count = d.compiles()
        (d.home / "build").write_text("b2")
        os.utime(d.compiler)  # the executable changed: the daemon asks again
        keys.append(d.compile(m).json["key"])
        (d.home / "libnvrtc.so.12").write_text("13.0")
        keys.append(d.compile(m).json["key"])
        assert len(set(keys)) == 1 + len(other) + 6 and d.compiles() == count + 2
        (d.home / "build").write_text("b3")  # unseen: the artifact's key tells
        d.compile(model()).problem(503, "E_BUSY")
        assert d.compile(model()).status == 200


def post_parts(d, parts, query="", boundary="bound"):
    body = b"".join(b"--%s\r\nContent-Disposition: form-data; name=\"%s\"; filename=\"f\"\r\n\r\n%s\r\n"
                    % (boundary.encode(), name.encode(), data) for name, data in parts.items())
    body += b"--" + boundary.encode() + b"--\r\n"
    return d.request("POST", "/compile" + query, body,
                     {"Content-Type": f"multipart/form-data; boundary={boundary}"})


def test_plan():
    """A plan is a report and nothing else; streamed weights can only be planned."""
    with Daemon() as d:
        m = model()
        data = json.dumps(m).encode()
        answer = d.request("POST", "/v1/plan?weights=streamed", data)
        assert answer.status == 200 and answer.json == {"arena_bytes": 7, "weights": "streamed"}, answer.body
        assert answer.headers["content-type"] == "application/json"
        assert d.metric("occamy_cache_entries") == 0 and not list((d.store / "tmp").iterdir())
        d.compile(m, "?weights=streamed").problem(400, "E_USAGE")
        assert d.compile(m).json["cache"] == "miss"
        slow = json.dumps(model(seconds=1)).encode()
        accepted = d.request("POST", "/v1/plan", slow, {"Prefer": "respond-async"})
        assert accepted.status == 202 and accepted.json["state"] in ("queued", "running")
        both = parallel(2, lambda i: d.request("POST", "/v1/plan", slow).json)
        assert both == [{"arena_bytes": 7, "weights": "resident"}] * 2
        assert d.job(accepted.json["id"])["result"] == {"arena_bytes": 7, "weights": "resident"}
        assert d.compiles() == 3
        d.request("POST", "/v1/plan", json.dumps(model(do="no-report")).encode()).problem(500, "E_INTERNAL")
        d.request("POST", "/v1/plan", json.dumps(model(do="problem")).encode()).problem(422, "E_OP_UNSUPPORTED")
        d.request("POST", "/v1/plan?planner=best", data).problem(400, "E_USAGE")
        assert d.request("GET", "/v1/plan").status == 405


def test_joined():
    with Daemon("--jobs", "2") as d:
        m = model(seconds=1)
        answers = parallel(50, lambda i: d.compile(m))
        assert {a.status for a in answers} == {200}, [a.body for a in answers if a.status != 200]
        assert len({a.json["digest"] for a in answers}) == 1 and d.compiles() == 1
        kinds = [a.json["cache"] for a in answers]
        assert kinds.count("miss") == 1 and kinds.count("joined") == 49, kinds
        assert d.metric("occamy_compile_joined_total") == 49


def test_joined_waiter_leaves():
    with Daemon("--jobs", "1") as d:
        m = model(seconds=1)
        data = json.dumps(m).encode()
        gone = []
        for _ in range(5):
            s = d.raw()
            s.sendall(b"POST /compile HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(data) + data)
            gone.append(s)
        time.sleep(0.3)
        for s in gone:
            s.close()
        assert d.compile(m).json["cache"] == "joined"
        assert d.compiles() == 1


def test_202_and_job():
    with Daemon() as d:
        m = model(seconds=3)
        start = time.monotonic()
        a = d.compile(m, prefer="wait=0")
        assert a.status == 202 and time.monotonic() - start < 2.5
        b = d.compile(m, prefer="respond-async")
        c = d.compile(m, prefer="foo, wait=30; x")
        assert b.status == 202 and b.json["id"] == a.json["id"], (a.body, b.body)
        assert a.headers["location"] == f"/v1/jobs/{a.json['id']}"
        assert c.status == 200 and c.json["cache"] == "joined"
        view = d.job(a.json["id"])
        assert view["state"] == "done" and view["percent"] == 100
        assert {**view["result"], "cache": 0} == {**c.json, "cache": 0}
        m = model(seconds=4)
        start = time.monotonic()
        late = d.compile(m, prefer="wait=1")
        assert late.status == 202 and 0.9 < time.monotonic() - start < 3.5, late.body
        assert late.json["state"] == "running" and late.json["stage"] == "emit" and late.json["percent"] == 70
        assert d.job(late.json["id"])["state"] == "done"
        bad = d.compile(model(do="problem", seconds=0.2), prefer="wait=0")
        view = d.job(bad.json["id"])
        assert view["state"] == "failed" and view["problem"]["code"] == "E_OP_UNSUPPORTED"
        for name in "0" * 32, "x", "..%2f..":
            d.get(f"/v1/jobs/{name}").problem(404, "E_NOT_FOUND")


def test_problem_passes_through():
    with Daemon() as d:
        p = d.compile(model(do="problem")).problem(422, "E_OP_UNSUPPORTED")
        assert p == {"code": "E_OP_UNSUPPORTED", "title": "t", "status": 422, "detail":
                     "2 operators are not supported", "node": "n1", "op": "Foo", "hint": "wait",
                     "details": [{"code": "E_OP_UNSUPPORTED", "node": "n1", "op": "Foo", "detail": "x"}]}
        assert d.metric('occamy_compiles_total{result="failed"}') == 1


def test_compiler_dies():
    """Every end of the child is an answer to one client; the daemon lives."""
    with Daemon("--memory", "1G", "--cpu-seconds", "1") as d:
        assert "signal 11" in d.compile(model(do="crash")).problem(500, "E_INTERNAL")["detail"]
        d.compile(model(do="silent")).problem(500, "E_INTERNAL")
        d.compile(model(do="memory")).problem(413, "E_LIMIT_MEMORY")
        d.compile(model(do="bad-artifact")).problem(500, "E_INTERNAL")
        d.compile(model(do="no-report")).problem(500, "E_INTERNAL")
        assert "CPU" in d.compile(model(do="cpu")).problem(503, "E_GAVE_UP")["detail"]
        assert d.compile(model()).status == 200
    with Daemon("--wall-seconds", "2") as d:
        hang = d.compile(model(do="hang"))
        hang.problem(503, "E_GAVE_UP")
        assert hang.headers["retry-after"] == "5"
        grandchild = int((d.home / "grandchild").read_text())
        time.sleep(0.1)
        state = Path(f"/proc/{grandchild}/stat")
        assert not state.exists() or state.read_text().rsplit(")", 1)[1].split()[0] == "Z"
        assert d.compile(model()).status == 200


def test_child_surroundings():
    """A clean environment, four descriptors, limits, a folder of its own, plain words."""
    os.environ["OCCAMY_TEST_SECRET"] = "x"
    with Daemon("--memory", "2G") as d:
        answer = d.compile(model(do="environment"), "?dims=-x=1")
        seen = json.loads(answer.problem(422, "E_ATTR")["detail"])
        allowed = {"HOME", "PATH", "LD_LIBRARY_PATH", "OCCAMY_NVRTC_PATH", "LC_CTYPE"}
        sanitizers = {"ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS"}  # kept by a sanitizer build only
        assert set(seen["env"]) <= allowed | sanitizers, seen["env"]
        assert [f for f in seen["fds"] if f > 4] == [], seen["fds"]  # 4: the listing itself
        assert seen["cwd"].startswith(str(d.store / "tmp"))
        assert seen["argv"][0] == "model.onnx" and seen["argv"][-2:] == ["--dims", "-x=1"]
        limits = {line[:26].strip(): line[26:].split()[0] for line in seen["limits"].splitlines()}
        assert limits["Max data size"] == str(2 << 30) and limits["Max core file size"] == "0"
        assert limits["Max cpu time"] == "600" and limits["Max open files"] == "256"


def test_queue_is_bounded():
    with Daemon("--jobs", "1", "--queue", "2") as d:
        taken = [d.compile(model(seconds=1), prefer="wait=0") for _ in range(3)]
        assert {a.status for a in taken} == {202}
        full = d.compile(model(), prefer="wait=0")
        full.problem(503, "E_BUSY")
        assert int(full.headers["retry-after"]) > 0
        assert d.metric("occamy_queue_depth") == 2
        assert [d.job(a.json["id"])["state"] for a in taken] == ["done"] * 3
        assert d.compile(model(), prefer="wait=5").status == 200


def test_targets():
    with Daemon() as d:
        d.compile(model(), "?target=sm_42").problem(400, "E_TARGET")
        for bad in "sm_9999", "sm_86%22;", "SM_87", "", "sm_87%00", "../x":
            d.compile(model(), "?target=" + bad).problem(400, "E_TARGET")
        assert d.compile(model(), "?target=sm_121").status == 200


def test_stop_while_compiling():
    with Daemon("--jobs", "1") as d:
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(d.compile(model(seconds=30))))
                   for _ in range(3)]
        for t in threads:
            t.start()
        time.sleep(1)
        d.stop()
        assert d.stop_seconds < 4, d.stop_seconds
        for t in threads:
            t.join()
        for a in answers:
            a.problem(503, "E_BUSY")
        assert len(answers) == 3
        d.start()


def test_hit_time():
    """The release build's hits are counted by its own metric (bench/ measures them; here only a hang fails)."""
    build = lib.RELEASE if (lib.RELEASE / "occamyd").exists() else lib.BUILD
    with Daemon(build=build) as d:
        data = json.dumps(model()).encode() + b"\0" * 5_000_000
        d.compile(data)
        for _ in range(100):
            assert d.compile(data).json["cache"] == "hit"
        total, slow = d.metric("occamy_hit_seconds_count"), d.metric('occamy_hit_seconds_bucket{le="0.01"}')
        mean = d.metric("occamy_hit_seconds_sum") / total
        print(f"{build.name}: mean hit {mean * 1e3:.3f} ms, {slow:.0f} of {total:.0f} within 10 ms")
        assert total == 100 and mean <= 1


lib.main(globals())
