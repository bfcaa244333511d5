"""The store behind the daemon: restart, kill, damage, eviction, configuration, signals."""
import hashlib
import http.client
import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from daemon import Daemon, FAKE, lib, model


def test_restart_keeps_everything():
    with Daemon() as d:
        models = [model() for _ in range(5)]
        before = [d.compile(m).json for m in models]
        for how in signal.SIGTERM, signal.SIGKILL:
            d.restart(how)
            for m, b in zip(models, before):
                a = d.compile(m)
                assert a.json["cache"] == "hit" and {**a.json, "cache": 0} == {**b, "cache": 0}
                assert len(d.get(b["artifact"]).body) == b["bytes"]
        assert d.compiles() == 5


def workers(d):
    """Processes that work in the store's tmp."""
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        try:
            found += [link] if str(link.readlink()).startswith(str(d.store / "tmp")) else []
        except OSError:
            pass
    return found


def test_killed_while_compiling():
    """No child survives a killed daemon, nothing half done is served, tmp is swept."""
    with Daemon() as d:
        m = model(seconds=1.5)
        d.compile(m, prefer="wait=0")
        time.sleep(0.5)
        assert workers(d)
        d.restart(signal.SIGKILL)
        assert not workers(d)
        assert list((d.store / "tmp").iterdir()) == []
        time.sleep(1.5)
        assert d.metric("occamy_cache_entries") == 0
        assert d.compile(m).json["cache"] == "miss"


def test_killed_at_random():
    """kill -9 at any moment: every artifact that was acknowledged is there after it, whole; no row dangles."""
    chance = random.Random(11)
    acknowledged = {}
    least = 8 + len(lib.long_set(range(92), "rounds of kill -9"))
    with Daemon() as d:
        rounds = 0
        while rounds < least or (len(acknowledged) < 4 and rounds < 200):
            rounds += 1
            stop = threading.Event()
            clients = [threading.Thread(target=compile_until, args=(d, stop, acknowledged)) for _ in range(4)]
            for c in clients:
                c.start()
            time.sleep(chance.uniform(0.05, 0.6))
            d.process.kill()
            stop.set()
            for c in clients:
                c.join()
            d.restart(signal.SIGKILL)
            for key, (digest, size) in acknowledged.items():
                body = d.get(f"/v1/artifacts/{key}.occ").body
                assert len(body) == size and "sha256:" + hashlib.sha256(body).hexdigest() == digest, key
            assert d.metric("occamy_cache_damaged_total") == 0
        print(f"{len(acknowledged)} artifacts acknowledged, all there")
        assert len(acknowledged) >= 4


def compile_until(d, stop, acknowledged):
    while not stop.is_set():
        try:
            a = d.compile(model())
        except (OSError, http.client.HTTPException):
            return
        if a.status == 200:
            acknowledged[a.json["key"]] = a.json["digest"], a.json["bytes"]


def blob_path(d, digest):
    digest = digest.removeprefix("sha256:")
    return d.store / "blobs" / "sha256" / digest[:2] / digest


def test_damaged_blob_is_compiled_again():
    with Daemon() as d:
        m = model()
        a = d.compile(m).json
        path = blob_path(d, a["digest"])
        for damage in (path.unlink, lambda: os.truncate(path, 100)):
            damage()
            assert d.get(a["artifact"]).status == 404
            assert d.compile(m).json["cache"] == "miss"
            assert d.get(a["artifact"]).status == 200
        assert d.metric("occamy_cache_damaged_total") == 2


def test_corrupt_index_is_rebuilt():
    with Daemon() as d:
        m = model()
        a = d.compile(m).json
        d.stop()
        (d.store / "index.db").write_bytes(b"garbage" * 1000)
        d.start()
        again = d.compile(m).json
        assert again["cache"] == "hit" and again["digest"] == a["digest"]
        assert (d.store / "index.db.broken-1").exists()


def test_eviction_by_bytes():
    """Old artifacts go when the cache is full; young ones stay, even beyond the limit."""
    with Daemon("--cache-bytes", "1k") as d:
        m = model()
        d.compile(m)
        assert d.compile(m).json["cache"] == "hit"
        d.stop()
        with sqlite3.connect(d.store / "index.db") as db:
            db.execute("UPDATE artifact SET used = used - 10000")
        db.close()
        d.start()
        d.compile(model())
        end = time.monotonic() + 5
        while d.metric("occamy_cache_entries") != 1 and time.monotonic() < end:
            time.sleep(0.05)
        assert d.metric("occamy_cache_entries") == 1
        assert d.compile(m).json["cache"] == "miss"


def occamyd(*words, env=None):
    return subprocess.run([str(w) for w in (lib.BUILD / "occamyd", *words)], capture_output=True, timeout=20,
                          text=True, env={**os.environ, **(env or {})})


def test_configuration():
    with tempfile.TemporaryDirectory(prefix="occ.") as folder:
        config = pathlib.Path(folder) / "occamyd.conf"
        for text, why in (("nonsense = 1\n", "nonsense"), ("jobs = many\n", "jobs"), ("jobs\n", "word = value"),
                          ("listen = 127.0.0.1\n", "HOST:PORT"), ("listen = 0.0.0.0:0\n", "loopback"),
                          ("max_body = 0\n", "max_body"), ("log = loud\n", "log"), ("# only\n\nqueue = -1", "queue")):
            config.write_text(text)
            ran = occamyd("--config", config, "--store", folder + "/s")
            assert ran.returncode == 64 and why in ran.stderr, (text, ran)
        assert occamyd("--nonsense", "1").returncode == 64
        assert occamyd("--config", folder + "/none").returncode == 66
        assert occamyd("--listen", "127.0.0.1:0", "--store", "/proc/none").returncode == 74
        assert "--max-body" in occamyd("--help").stdout
        config.write_text("max_body = 10 # small\nwall_seconds=7\n")
        with Daemon("--config", config) as d:
            d.compile(model()).problem(413, "E_LIMIT_BYTES")
            second = occamyd("--listen", f"127.0.0.1:{d.port}", "--store", folder + "/t", "--compiler", FAKE)
            assert second.returncode == 74 and "in use" in second.stderr, second
            second = occamyd("--listen", "127.0.0.1:0", "--store", d.store, "--compiler", FAKE)
            assert second.returncode == 74 and "another process" in second.stderr, second


def test_without_a_compiler():
    """It starts, says so, answers 503 to compilations and serves what it has."""
    with Daemon() as d:
        m = model()
        a = d.compile(m).json
        d.stop()
        d.compiler = "/nonexistent/occamyc"
        d.start()
        assert d.get(a["artifact"]).status == 200
        assert "started" in d.compile(m).problem(503, "E_BUSY")["detail"]
        assert d.get("/healthz").status == 200
        assert "compiler_identity" in d.log_text()


def test_logs():
    """One line per request, logfmt, no control byte whatever the client sends."""
    with Daemon() as d:
        d.get("/%0alevel=error%20event=forged")
        d.compile(b"\x1b[31m not json")
        d.stop()
        text = d.log_text()
        assert "forged" not in text.replace("event=request", "")
        assert all(line.startswith("level=") for line in text.splitlines()), text
        assert not any(ord(c) < 32 and c != "\n" for c in text)
        assert text.count("event=request") == 2
        d.start()


lib.main(globals())
