"""occamy-plan as a command: formats, answers that an independent checker accepts, exit codes, errors."""
import os
import pathlib
import re
import subprocess
import tempfile

import instances

PROGRAM = pathlib.Path(os.environ["BUILD"]) / "occamy-plan"
ENV = dict(os.environ, ASAN_OPTIONS="intercept_tls_get_addr=0")
failures = []


def expect(ok, what):
    if not ok:
        failures.append(what)
        print(what)


def run(text, *options):
    """(exit code, stdout, stderr) for an instance given as text or bytes."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "instance.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        done = subprocess.run([PROGRAM, path, *options], capture_output=True, env=ENV)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def offsets(out, text):
    """Offsets by row; the rows must be those that went in."""
    rows = [line for line in out.splitlines() if not line.startswith("#")]
    given = text.replace("\r", "").strip().split("\n")
    expect([r.rsplit(",", 1)[0] for r in rows] == given, "rows are not those of the instance")
    expect(rows[0].endswith(",offset"), "no column offset")
    return [int(r.rsplit(",", 1)[1]) for r in rows[1:]]


def note(out, name):
    return re.search(rf"^# {name}: (.*)$", out, re.M)[1]


def live(buffer, step):
    """Live byte ranges of (lower, upper, size, gaps) at a step."""
    lower, upper, size, gaps = buffer
    if not lower <= step < upper:
        return []
    for start, end, low, high in gaps:
        if start <= step < end:
            return [(low, high)] if low < high else []
    return [(0, size)]


def check(buffers, found, out):
    """No byte twice at any step; the peak and the bound are true."""
    steps = sorted({b[0] for b in buffers} | {t for b in buffers for g in b[3] for t in g[:2]})
    bound = max((b[2] for b in buffers), default=0)
    for step in steps:
        ranges = sorted((o + low, o + high) for b, o in zip(buffers, found)
                        for low, high in live(b, step))
        expect(all(x[1] <= y[0] for x, y in zip(ranges, ranges[1:])), f"overlap at {step}")
        bound = max(bound, sum(high - low for low, high in ranges))
    peak = max((o + b[2] for b, o in zip(buffers, found)), default=0)
    expect(int(note(out, "peak")) == peak, "peak is not what the offsets need")
    expect(int(note(out, "lower bound")) == bound, f"lower bound is not {bound}")
    return peak, bound


EXAMPLE = "id,lower,upper,size\nb1,0,3,4\nb2,3,9,4\nb3,0,9,4\nb4,9,21,4\nb5,0,21,4\n"


def answers():
    code, out, _ = run(EXAMPLE)
    buffers = [(0, 3, 4, []), (3, 9, 4, []), (0, 9, 4, []), (9, 21, 4, []), (0, 21, 4, [])]
    expect(check(buffers, offsets(out, EXAMPLE), out) == (12, 12) and code == 0, "the example")
    expect(note(out, "certificate") == "optimal: max-live", "certificate of the example")
    expect(run(EXAMPLE.replace("\n", "\r\n"))[1].splitlines()[:6] == out.splitlines()[:6], "CRLF")
    expect(run(EXAMPLE.rstrip("\n"))[1].splitlines()[:6] == out.splitlines()[:6], "no last newline")
    inclusive = "size,end,id,start\n4,2,b1,0\n4,8,b2,3\n4,8,b3,0\n4,20,b4,9\n4,20,b5,0\n"
    code, out, _ = run(inclusive)
    check(buffers, offsets(out, inclusive), out)
    code, out, _ = run("id,lower,upper,size\n")
    expect(code == 0 and note(out, "peak") == "0", "no buffers")


def gaps_and_alignment():
    text = ("id,lower,upper,size,alignment,gaps\na,0,10,100,1,2-5 6-8@0:10\nb,2,5,100,1,\n"
            "c,6,8,90,1,\nd,0,2,7,64,\n")
    code, out, _ = run(text)
    buffers = [(0, 10, 100, [(2, 5, 0, 0), (6, 8, 0, 10)]), (2, 5, 100, []), (6, 8, 90, []),
               (0, 2, 7, [])]
    found = offsets(out, text)
    check(buffers, found, out)
    expect(code == 0 and found[3] % 64 == 0, "alignment")
    expect(found[1] < 100 and found[2] == found[0] + 10, "gaps are not used")


def capacity():
    for limit, code in (("12", 0), ("1000", 0), ("11", 65), ("0", 65)):
        got, out, err = run(EXAMPLE, "--capacity", limit)
        expect(got == code, f"capacity {limit}: {got}")
        expect((code == 0) == out.startswith("id,"), f"rows at capacity {limit}")
        expect(code == 0 or "E_BUDGET" in err, f"error at capacity {limit}")
    # At multiples of 4 and 3: the third one is at 8 or at 6, and none can be lower.
    tight = "id,lower,upper,size,alignment\na,0,2,1,4\nb,0,2,1,4\nc,1,3,1,3\n"
    got, out, err = run(tight)
    bound, peak = int(note(out, "lower bound")), int(note(out, "peak"))
    expect(note(out, "certificate") == "optimal: exhausted" and peak > bound, "an exhausted search")
    expect((bound, peak) == (3, 5), f"aligned: {bound}, {peak}")
    expect(run(tight, "--capacity", str(peak - 1))[0] == 65, "proved by the search")
    dense = instances.csv(instances.dense(1, 150, 0.9))
    got, out, err = run(dense, "--capacity", str(1 << 20), "--nodes", "0")
    expect(got == 75 and "E_GAVE_UP" in err, f"no nodes: {got}")


def same_answer():
    text = instances.csv(instances.dense(7, 180, 0.8))
    buffers = [(*b, []) for b in instances.dense(7, 180, 0.8)]
    results = [run(text, "--nodes", "400000", "--threads", n) for n in ("1", "1", "2")]
    rows = [[line for line in out.splitlines() if "cpu" not in line] for _, out, _ in results]
    expect(rows[0] == rows[1], "another answer on another run")
    expect(rows[0] == rows[2], "another answer with two threads")
    check(buffers, offsets(results[0][1], text), results[0][1])
    expect(int(note(results[0][1], "nodes")) > 0, "nothing was searched")


BAD = [
    ("", "line 1"), ("\n", "line 1"), ("id,lower,upper\n", "no column size"),
    ("id,lower,upper,size,color\n", "line 1"), ("id,id,lower,upper,size\n", "twice"),
    ("id,lower,upper,size\na,0,1\n", "line 2: there are fewer"),
    ("id,lower,upper,size\na,0,1,1,1\n", "line 2: there are more"),
    ("id,lower,upper,size\na,0,1,1\na,0,1,1\n", "line 3: this id"),
    ("id,lower,upper,size\n,0,1,1\n", "line 2: a buffer needs"),
    ("id,lower,upper,size\na,0,1,-1\n", "line 2"), ("id,lower,upper,size\na,0,1,1.5\n", "line 2"),
    ("id,lower,upper,size\na,0,1,\n", "line 2"), ("id,lower,upper,size\na,3,3,1\n", "line 2"),
    ("id,lower,upper,size\na,0,1,99999999999999999999999\n", "line 2"),
    ("id,lower,upper,size\na,0,1,4611686018427387904\n", "line 2"),
    ("id,lower,upper,size\na,0,1,4611686018427387000\nb,5,6,4611686018427387000\n", "line 3"),
    ("id,lower,upper,size\n\na,0,1,1\n", "line 2"),
    ("id,lower,upper,size,alignment\na,0,1,1,0\n", "line 2"),
    ("id,lower,upper,size,gaps\na,0,9,1,3-2\n", "line 2"),
    ("id,lower,upper,size,gaps\na,0,9,1,x\n", "line 2"),
    ("id,lower,upper,size,gaps\na,0,9,1,3-12\n", "line 2"),
    ("id,lower,upper,size,gaps\na,0,9,1,3-4 3-5\n", "line 2"),
    ("id,lower,upper,size,gaps\na,0,9,1,3-4@0:2\n", "line 2"),
    (b"id,lower,upper,size\n\xff\x00,0,1\x00,1\n", "line 2"),
]


def refusals():
    for text, where in BAD:
        code, out, err = run(text)
        expect(code == 65 and not out, f"{text!r}: exit {code}")
        expect(where in err, f"{text!r}: {err!r} does not say {where!r}")
        expect("E_INPUT_FILE" in err or "E_PLAN_TOO_BIG" in err, f"{text!r}: {err!r}")
    large = "id,lower,upper,size\na,0,4611686018427387904,4611686018427387000\n"
    code, out, _ = run(large)
    expect(code == 0 and note(out, "peak") == "4611686018427387000", "the largest")
    for options in (["--capacity"], ["--capacity", "x"], ["--threads", "0"], ["--bad", "1"],
                    ["--nodes", "-1"]):
        expect(run(EXAMPLE, *options)[0] == 64, f"{options}")
    missing = subprocess.run([PROGRAM, "/nonexistent.csv"], capture_output=True, env=ENV)
    expect(missing.returncode == 66, "no such file")
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "out.csv"
        code, out, _ = run(EXAMPLE, "--out", path)
        expect(code == 0 and out.startswith("#"), "--out leaves the notes on standard output")
        offsets(path.read_text(), EXAMPLE)


def generator():
    for seed, count, fill in ((1, 150, 0.65), (2, 200, 0.8)):
        buffers = instances.dense(seed, count, fill)
        edges = sorted({t for b in buffers for t in b[:2]})
        peak = max(sum(s for low, high, s in buffers if low <= t < high) for t in edges)
        filled = sum((high - low) * s for low, high, s in buffers) / instances.SIDE ** 2
        expect(peak == instances.SIDE, "the optimum is not the side")
        expect(fill - 0.1 < filled <= fill, f"fill {filled} for {fill}")
        expect(buffers == instances.dense(seed, count, fill), "another instance")
    text = instances.csv(instances.dense(3, 160, 0.65))
    expect(run(text, "--capacity", str(1 << 20))[0] == 0, "a dense instance")


answers()
gaps_and_alignment()
capacity()
same_answer()
refusals()
generator()
raise SystemExit(len(failures) > 0)
