"""What is said over HTTP: routes, methods, lengths, media types, ranges, conditions, uploads of every form."""
import json
import signal
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from daemon import Daemon, lib, model, parallel, read_response


def test_routes_and_methods():
    with Daemon() as d:
        assert d.get("/healthz").json == {"status": "ok"}
        version = d.get("/version").json
        assert version["compiler"]["build"] == "b1" and version["compiler"]["target"] == "sm_87"
        for method, path, allow in (("GET", "/compile", "POST"), ("PUT", "/compile", "POST"),
                                    ("DELETE", "/v1/compile", "POST"), ("OPTIONS", "/compile", "POST"),
                                    ("HEAD", "/compile", "POST"), ("POST", "/healthz", "GET, HEAD"),
                                    ("BREW", "/metrics", "GET, HEAD")):
            a = d.request(method, path)
            assert a.status == 405 and a.headers["allow"] == allow, (method, path, a.status)
            if method != "HEAD":
                a.problem(405, "E_METHOD")
        head = d.request("HEAD", "/healthz")
        assert head.status == 200 and head.body == b"" and head.headers["content-length"] == "15"
        text = d.get("/metrics").body.decode()
        for name in ("occamy_http_requests_total{route=\"compile\",method=\"other\",code=\"405\"}",
                     "occamy_http_requests_total{route=\"metrics\",method=\"other\",code=\"405\"} 1",
                     "occamy_build_info{", "occamy_queue_depth 0", "occamy_hit_seconds_bucket{le=\"0.01\"} 0"):
            assert (name in text) == ("compile\",method=\"other" not in name), name
        ids = {d.get("/healthz").headers["x-request-id"] for _ in range(3)}
        assert len(ids) == 3


def test_not_found():
    """Nothing below or beside the known addresses, in any spelling; nothing is opened for it."""
    with Daemon() as d:
        d.compile(model())
        key = "0" * 64
        for path in ("/", "/nothing", "/v1", "/v1/artifacts/", "/v1/artifacts/../../etc/passwd",
                     "/v1/artifacts/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "/v1/artifacts/..%2f..%2fetc/passwd",
                     f"/v1/artifacts/{key}", f"/v1/artifacts/{key}.occ", f"/v1/artifacts/{key}/plan.svg",
                     f"/v1/artifacts/{key[1:]}", f"/v1/artifacts/{'A' * 64}", f"/v1/artifacts/{key}/x",
                     "/v1/artifacts/'\"", f"/v1/blobs/sha256:{key}", "/v1/blobs/sha256:../index.db",
                     f"/v1/blobs/{key}", "/healthz/", "/healthz%00", "/healthz%00.occ", "//healthz",
                     f"/v1/artifacts/{key}%00", f"/v1/artifacts/{key}/plan.svg%2f", "/v1/jobs/"):
            d.get(path).problem(404, "E_NOT_FOUND")
        a = d.get("/v1/artifacts/%0d%0aX-Evil:%20yes")
        a.problem(404, "E_NOT_FOUND")
        assert "x-evil" not in a.headers


def test_lengths():
    with Daemon("--max-body", "100k") as d:
        d.request("POST", "/compile", b"").problem(400, "E_EMPTY")
        for announced in (102401, 10 << 30):
            s = d.raw()
            s.sendall(b"POST /compile HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n"
                      b"Expect: 100-continue\r\n\r\n" % announced)
            got = read_response(s)
            assert got.startswith(b"HTTP/1.1 413 ") and b"100 Continue" not in got, got[:200]
            assert b"E_LIMIT_BYTES" in got
        s = d.raw()
        s.sendall(b"POST /compile HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        got = read_response(s)
        assert got.startswith(b"HTTP/1.1 411 ") and b"E_LENGTH" in got, got
        a = d.get("/healthz?" + "x" * 9000)
        a.problem(414, "E_URI")
        s = d.raw()
        s.sendall(b"GET /" + b"x" * 1_000_000)
        assert read_response(s).startswith(b"HTTP/1.1 4")
        exact = json.dumps(model()).encode()
        exact += b"\0" * (102400 - len(exact))
        assert d.compile(exact).status == 200


def chunked(d, pieces, path="/compile", close=True):
    """Sends chunks until the other side refuses; returns the whole answer."""
    s = d.raw()
    try:
        s.sendall(b"POST %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n%s\r\n"
                  % (path.encode(), b"Connection: close\r\n" if close else b""))
        for piece in pieces:
            s.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
        s.sendall(b"0\r\n\r\n")
    except (BrokenPipeError, ConnectionResetError):
        pass
    return read_response(s)


def test_chunked():
    with Daemon("--max-body", "1M") as d:
        data = json.dumps(model()).encode()
        one = chunked(d, [data])
        assert one.startswith(b"HTTP/1.1 200 ") and b'"cache":"miss"' in one
        many = chunked(d, [data[i:i + 3] for i in range(0, len(data), 3)])
        assert many.startswith(b"HTTP/1.1 200 ") and b'"cache":"hit"' in many
        over = chunked(d, [b"x" * 65536] * 20)  # 1.25 MB: the rest is read, the answer arrives
        assert over.startswith(b"HTTP/1.1 413 ") and b"E_LIMIT_BYTES" in over, over[:200]
        far = chunked(d, [b"x" * 65536] * 4000)  # 250 MB: cut off
        assert far == b"" or far.startswith(b"HTTP/1.1 413 "), far[:200]
        assert chunked(d, []).startswith(b"HTTP/1.1 400 ")
        assert d.compile(data).json["cache"] == "hit"
        assert d.metric('occamy_http_requests_total{route="compile",method="POST",code="413"}') >= 1


def test_media():
    with Daemon() as d:
        data = json.dumps(model()).encode()
        for kind, ok in ((None, True), ("application/octet-stream", True), ("application/x-protobuf", True),
                         ("application/x-onnx", True), ("application/x-www-form-urlencoded", True),
                         ("Application/Octet-Stream; x=y", True), ("application/json", False),
                         ("text/html", False), ("application/octet-streams", False)):
            a = d.request("POST", "/compile", data, {"Content-Type": kind} if kind else {})
            assert a.status == 200 if ok else a.problem(415, "E_MEDIA"), (kind, a.body)
        for coding in "gzip", "br":
            d.compile(data, content_encoding=coding).problem(415, "E_MEDIA")


def test_words():
    with Daemon() as d:
        p = d.compile(model(), "?shape=1x3").problem(400, "E_USAGE")
        for word in "target", "dims", "bind", "precision", "code", "off", "name":
            assert word in p["detail"] + p["hint"], p
        for bad in ("?dims=batch=-1", "?dims=batch=99999999999999999999", "?dims=a=1&dims=a=2", "?precision=fp8",
                    "?code=sass", "?off=sleep", "?off=", "?off=cse,,view",
                    "?dims", "?bind=x", "?bind=x=part", "?name=a%20b", "?dims=a=1%00", "?targe%74=sm_87&x=1"):
            d.compile(model(), bad).problem(400, "E_USAGE")
        assert d.compile(model(), "?targe%74=sm_87").status == 200


def test_ranges():
    with Daemon() as d:
        a = d.compile(model()).json
        url = a["artifact"]
        whole = d.get(url)
        data, etag = whole.body, whole.headers["etag"]
        assert etag == f'"{a["digest"]}"' and "immutable" in whole.headers["cache-control"]
        for text, first, last in (("bytes=0-0", 0, 0), ("bytes=10-19", 10, 19), ("bytes=5000-", 5000, None),
                                  ("bytes=-7", len(data) - 7, None), ("bytes=0-99999999", 0, None),
                                  ("bytes=-99999999", 0, None)):
            last = len(data) - 1 if last is None else last
            r = d.get(url, {"Range": text})
            assert r.status == 206 and r.body == data[first:last + 1], text
            assert r.headers["content-range"] == f"bytes {first}-{last}/{len(data)}"
        for text in (f"bytes={len(data)}-", "bytes=-0", f"bytes={len(data) + 5}-{len(data) + 9}"):
            r = d.get(url, {"Range": text})
            r.problem(416, "E_RANGE")
            assert r.headers["content-range"] == f"bytes */{len(data)}"
        for text in ("bytes=9-1", "bytes=a-b", "lines=0-1", "bytes=0-1,4-5", "bytes=", "bytes=-",
                     "bytes=99999999999999999999-"):
            r = d.get(url, {"Range": text})
            assert r.status == 200 and r.body == data, text
        assert d.get(url, {"Range": "bytes=0-3", "If-Range": etag}).status == 206
        assert d.get(url, {"Range": "bytes=0-3", "If-Range": '"other"'}).status == 200
        assert d.get(url, {"If-None-Match": f'"x", {etag}'}).status == 304
        assert d.get(url, {"If-None-Match": '"x"'}).status == 200
        head = d.request("HEAD", url)
        assert head.status == 200 and head.body == b"" and int(head.headers["content-length"]) == len(data)
        weights = a["blobs"][-1]
        r = d.get(f"/v1/blobs/{weights['digest']}", {"Range": "bytes=4990-"})
        assert r.status == 206 and len(r.body) == 10 and data.endswith(r.body)


def post_multipart(d, body, query="", boundary="b", kind=None):
    return d.request("POST", "/compile" + query, body,
                     {"Content-Type": kind or f"multipart/form-data; boundary={boundary}"})


def part(name, data, boundary=b"b", header=b""):
    return (b"--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\n%s\r\n%s\r\n"
            % (boundary, name.encode(), header, data))


def test_multipart():
    with Daemon() as d:
        m = json.dumps(model()).encode()
        end = b"--b--\r\n"
        key = d.compile(m).json["key"]
        good = part("other", b"x" * 100) + part("model", m) + end
        assert post_multipart(d, good).json["key"] == key
        assert post_multipart(d, b"preamble\r\n" + good + b"epilogue").json["key"] == key
        tricky = b"\r\n--\r\r\n-b\n--b\r--b--a--b--\r\n" * 3  # looks like borders, and is data
        a = post_multipart(d, part("model", m + b"\0" + tricky) + end)
        assert a.json["key"] == d.compile(m + b"\0" + tricky).json["key"]
        bound = post_multipart(d, part("w", b"\x93NUMPYx") + part("model", m) + end, "?bind=a=b=w")
        assert bound.status == 200 and bound.json["key"] != key
        for body in (part("other", m) + end,  # no model
                     part("model", m) + part("model", m) + end, part("model", b"") + end, part("model", m),
                     part("../x", m) + end, part(".x", m) + end, part("a" * 65, m) + end, part("", m) + end,
                     b"--b\r\n\r\n" + m + b"\r\n" + end, b"no border at all", b"--bxx" + end):
            a = post_multipart(d, body)
            assert a.status == 400, (body[:80], a.status, a.body)
        post_multipart(d, good, "?bind=a=nope").problem(400, "E_USAGE")
        post_multipart(d, good, kind="multipart/form-data").problem(400, "E_USAGE")
        post_multipart(d, good, boundary="b" * 300).problem(400, "E_USAGE")
        many = b"".join(part(f"p{i}", b"x") for i in range(1000)) + end
        post_multipart(d, many).problem(413, "E_LIMIT_PARTS")
        huge = part("model", m, header=b"X: " + b"y" * 1_000_000 + b"\r\n") + end
        s = d.raw()
        try:
            s.sendall(b"POST /compile HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
                      b"Content-Length: %d\r\n\r\n" % len(huge) + huge)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert b"HTTP/1.1 431 " in read_response(s)


def test_multipart_any_cut():
    """The same bytes in pieces of 1, 2, 7 and 1000 bytes give the same key."""
    with Daemon() as d:
        m = json.dumps(model()).encode()
        body = part("w", b"\x93NUMPY" + bytes(range(256)) * 4) + part("model", m) + b"--b--\r\n"
        keys = set()
        for size in 1, 2, 7, 1000:
            s = d.raw()
            s.setsockopt(6, 1, 1)
            s.sendall(b"POST /compile?bind=x=w HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                      b"Content-Type: multipart/form-data; boundary=\"b\"\r\n"
                      b"Content-Length: %d\r\n\r\n" % len(body))
            for i in range(0, len(body), size):
                s.sendall(body[i:i + size])
            got = read_response(s)
            keys.add(json.loads(got.split(b"\r\n\r\n", 1)[1])["key"])
        assert len(keys) == 1 and d.compiles() == 1


def test_keep_alive_and_pipelining():
    with Daemon() as d:
        s = d.raw()
        s.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 99 +
                  b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert read_response(s).count(b"HTTP/1.1 200 ") == 100
        s = d.raw()
        s.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert b" 200 " in read_response(s)[:20]


def test_client_leaves_during_upload():
    with Daemon() as d:
        for _ in range(5):
            s = d.raw()
            s.sendall(b"POST /compile HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 5000)
            time.sleep(0.05)
            s.close()
        time.sleep(0.3)
        assert list((d.store / "tmp").iterdir()) == []


def test_exact_client_counts():
    """127, 128 and 256 clients ready at once: every round is answered, 128 no slower than 2x of 127.

    libmicrohttpd's own epoll thread stalls for its full timeout at multiples of 128."""
    with Daemon("--threads", "1") as d:
        times = {}
        for count in 127, 128, 256:
            socks = [d.raw(20) for _ in range(count)]
            times[count] = []
            for _ in range(8):
                d.process.send_signal(signal.SIGSTOP)  # so that all are ready in one wait of the loop
                for s in socks:
                    s.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                start = time.monotonic()
                d.process.send_signal(signal.SIGCONT)
                for s in socks:
                    assert s.recv(4096).startswith(b"HTTP/1.1 200 ")
                times[count].append(time.monotonic() - start)
            for s in socks:
                s.close()
        best = {n: min(t) / n * 1e6 for n, t in times.items()}
        print({n: f"{t:.0f} us per answer" for n, t in best.items()}, "worst round",
              max(max(t) for t in times.values()))
        assert max(max(t) for t in times.values()) < 5
        assert best[128] < 2 * best[127] + 20 and best[256] < 2 * best[127] + 20


def test_slow_clients():
    """300 half-open and slow senders: others are served at once; the slow end with 408 or are cut off."""
    with Daemon() as d:
        slow = []
        for i in range(300):
            s = d.raw()
            s.sendall((b"GET /healthz HT", b"POST /compile HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nx",
                       b"")[i % 3])
            slow.append(s)
        patient = []  # waits longer than an idle connection may live
        thread = threading.Thread(target=lambda: patient.append(d.compile(model(seconds=12))))
        thread.start()
        start = time.monotonic()
        worst = 0.0
        while time.monotonic() - start < 13:
            began = time.monotonic()
            assert d.get("/healthz").status == 200
            assert d.compile({"same": 1}).status == 200
            worst = max(worst, time.monotonic() - began)
            for s in slow[1::3]:
                try:
                    s.sendall(b"x")  # one byte a second keeps the connection's own timeout away
                except OSError:
                    pass
            time.sleep(1)
        thread.join()
        assert patient[0].json["cache"] == "miss" and worst < 2, worst
        got = [read_response(s) for s in slow[1::3]]
        assert sum(g.startswith(b"HTTP/1.1 408 ") for g in got) == 100, got[:2]
        for s in slow[0::3] + slow[2::3]:
            s.settimeout(20)
            read_response(s)
        assert list((d.store / "tmp").iterdir()) == []


def test_many_waiting_do_not_block():
    """60 requests wait for slow compilations; hits and health go on."""
    with Daemon("--threads", "1", "--jobs", "1") as d:
        d.compile({"same": 1})
        slow = model(seconds=5)

        def work(i):
            if i < 60:
                return d.compile(slow).status
            time.sleep(0.5)
            start = time.monotonic()
            assert d.compile({"same": 1}).json["cache"] == "hit" and d.get("/healthz").status == 200
            return time.monotonic() - start

        results = parallel(64, work)
        assert results[:60] == [200] * 60 and max(results[60:]) < 4, results[60:]


lib.main(globals())
