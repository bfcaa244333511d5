"""run with a URL: an HTTP server that has the artifact, and ones that do not."""
import http.server
import json
import os
import threading
import time

import lib
import occ

DATA = occ.artifact([("x", "f32", (16,), 0)], [("y", "f32", (16,), 0)], 64, bytes(300_000))
PROBLEM = json.dumps({"code": "E_NOT_FOUND", "title": "t", "status": 404, "detail": "no \x1bsuch artifact",
                      "hint": "look elsewhere", "details": []}).encode()
seen = []
over = threading.Event()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        seen.append(self.path)
        path = self.path.split("?")[0]
        if path == "/v1/artifacts/%s.occ" % occ.KEY:
            self.answer(200, DATA)
        elif path == "/bad.occ":
            self.answer(200, DATA[:-1] + b"\1")
        elif path == "/short.occ":
            self.answer(200, DATA[:1000], length=len(DATA))
        elif path == "/stall.occ":
            self.answer(200, DATA[:1000], length=len(DATA))
            over.wait(100)
        elif path == "/moved.occ":
            self.answer(302, b"", location="/v1/artifacts/%s.occ" % occ.KEY)
        elif path == "/file.occ":
            self.answer(302, b"", location="file:///etc/passwd")
        elif path == "/busy.occ":
            self.answer(503, b'{"code":"E_BUSY","detail":"later"}')
        elif path == "/odd.occ":
            self.answer(500, b'{"code":"E_FROM_THE_FUTURE"}')
        elif path == "/plain.occ":
            self.answer(500, b"<html>oops")
        else:
            self.answer(404, PROBLEM)

    def answer(self, status, body, length=None, location=None):
        self.send_response(status)
        self.send_header("Content-Length", str(length or len(body)))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def test(base, folder):
    env = {"TMPDIR": folder, "no_proxy": "127.0.0.1"}

    def run(path):
        return occ.client("run", base + path, "--random", 1, "--device", "emulator", **env)

    for path in ("/v1/artifacts/" + occ.KEY, "/v1/artifacts/%s.occ" % occ.KEY, "/v1/artifacts/%s?a=b" % occ.KEY,
                 "/moved.occ"):
        r = run(path)
        assert r.code == 0 and "output   y f32[16]" in r.out, r.err
        assert seen[-1].startswith("/v1/artifacts/%s.occ" % occ.KEY), seen
    occ.expect(run("/bad.occ"), "E_ARTIFACT", 65)
    occ.expect(run("/short.occ"), "E_NETWORK", 69)
    occ.expect(run("/file.occ"), "E_NETWORK", 69)
    r = occ.expect(run("/nope"), "E_NOT_FOUND", 66)
    assert "no \\x1bsuch artifact" in r.problem["detail"] and r.problem["hint"] == "look elsewhere", r.problem
    occ.expect(run("/busy.occ"), "E_BUSY", 75)
    assert "E_FROM_THE_FUTURE" in occ.expect(run("/odd.occ"), "E_NETWORK", 69).problem["detail"]
    assert "500" in occ.expect(run("/plain.occ"), "E_NETWORK", 69).problem["detail"]
    if lib.long_set(["half a minute without a byte"], "stalled download"):
        start = time.monotonic()
        occ.expect(run("/stall.occ"), "E_NETWORK", 69)
        assert 29 < time.monotonic() - start < 40, time.monotonic() - start
        over.set()
    assert os.listdir(folder) == [], os.listdir(folder)


def test_no_server(folder):
    r = occ.client("run", "http://127.0.0.1:1/x.occ", TMPDIR=folder, no_proxy="127.0.0.1")
    occ.expect(r, "E_NETWORK", 69)
    occ.put(folder, "libcurl.so.4", b"")
    r = occ.expect(occ.client("run", "http://127.0.0.1:1/x.occ", LD_LIBRARY_PATH=folder), "E_NETWORK", 69)
    assert "libcurl4" in r.problem["hint"], r.problem


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
with occ.fresh_dir() as folder:
    test("http://127.0.0.1:%d" % server.server_address[1], folder)
    test_no_server(folder)
server.shutdown()
