"""Starts occamyd on a port of its own and talks to it with http.client."""
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import lib

FAKE = HERE / "fake_occamyc.py"


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {k.lower(): v for k, v in response.getheaders()}
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)

    def problem(self, status, code):
        """A problem object of this status and code."""
        assert self.status == status, (self.status, self.body[:400])
        assert self.headers["content-type"] == "application/problem+json", self.headers
        assert self.json["code"] == code and self.json["status"] == status, self.json
        return self.json


class Daemon:
    """With statement: runs and, at the end, must stop cleanly, with no file left in tmp."""

    def __init__(self, *words, home=None, compiler=FAKE, build=lib.BUILD, expect_exit=0):
        self.home = pathlib.Path(home or tempfile.mkdtemp(prefix="occ."))
        self.own_home = home is None
        self.words, self.compiler, self.build, self.expect_exit = words, compiler, build, expect_exit
        self.store = self.home / "store"

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def start(self):
        self.log = open(self.home / "log", "ab")
        command = [self.build / "occamyd", "--listen", "127.0.0.1:0", "--store", self.store, "--compiler",
                   self.compiler, *self.words]
        self.process = subprocess.Popen([str(w) for w in command], stdout=subprocess.PIPE, stderr=self.log,
                                        env={**os.environ, "HOME": str(self.home),
                                             "PATH": "/usr/bin:/bin"})
        line = self.process.stdout.readline().decode()
        found = re.fullmatch(r"listening on http://127\.0\.0\.1:(\d+)\n", line)
        assert found, (line, self.log_text())
        self.port = int(found[1])

    def log_text(self):
        return (self.home / "log").read_text()

    def stop(self, how=signal.SIGTERM):
        start = time.monotonic()
        self.process.send_signal(how)
        code = self.process.wait(20)
        self.process.stdout.close()
        self.log.close()
        self.stop_seconds = time.monotonic() - start
        if how == signal.SIGTERM:
            assert code == self.expect_exit, (code, self.log_text()[-4000:])

    def restart(self, how=signal.SIGTERM):
        self.stop(how)
        self.start()

    def __exit__(self, kind, value, trace):
        try:
            if kind:
                print(self.log_text()[-4000:])
                self.process.kill()
                self.process.wait()
            else:
                assert self.process.poll() is None, self.log_text()[-4000:]
                self.stop()
                left = list((self.store / "tmp").rglob("*"))
                assert not left, left
        finally:
            self.remove()

    def remove(self):
        if self.own_home:
            shutil.rmtree(self.home, ignore_errors=True)

    # ---- requests ----

    def connect(self, timeout=60):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def request(self, method, path, body=None, headers=None):
        connection = self.connect()
        try:
            connection.request(method, path, body=body, headers=headers or {})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def get(self, path, headers=None):
        return self.request("GET", path, headers=headers)

    def compile(self, model, query="", **headers):
        """model: dict for the fake compiler, or bytes. Headers: prefer="wait=1"."""
        data = model if isinstance(model, bytes) else json.dumps(model).encode()
        headers = {k.replace("_", "-"): v for k, v in headers.items()}
        return self.request("POST", "/compile" + query, data, {"Content-Type": "application/octet-stream", **headers})

    def raw(self, timeout=60):
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout)

    def job(self, identity, states=("done", "failed"), seconds=30):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            view = self.get(f"/v1/jobs/{identity}").json
            if view["state"] in states:
                return view
            time.sleep(0.02)
        raise AssertionError(view)

    def metric(self, name):
        """Sum of a metric's rows whose text begins so."""
        rows = [line.rsplit(" ", 1) for line in self.get("/metrics").body.decode().splitlines()
                if line.startswith(name)]
        assert rows, name
        return sum(float(value) for _, value in rows)

    def compiles(self):
        path = self.home / "compiles"
        return len(path.read_text().splitlines()) if path.exists() else 0


def model(**more):
    """A model of its own for each call."""
    return {"tag": uuid.uuid4().hex, **more}


def read_response(sock):
    """Everything until the other side closes."""
    data = b""
    while True:
        try:
            part = sock.recv(65536)
        except ConnectionResetError:
            break
        if not part:
            break
        data += part
    return data


def parallel(count, function):
    """function(i) in count threads at once; the results in order."""
    results, errors = [None] * count, []
    barrier = threading.Barrier(count)

    def run(i):
        try:
            barrier.wait()
            results[i] = function(i)
        except BaseException as error:  # shown by the caller's assert
            errors.append(repr(error))

    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors, errors[:3]
    return results
