"""Measures seconds for every model of bench/models.py: compiling cold, running emulated, a hit.

    python3 bench/times.py [--build DIR] [--rounds N] [--write MACHINE] [MODEL]...

Each round has a new daemon with an empty store: the first upload is cold, the next five are hits
(occamy_hit_seconds: last byte of the body to first byte of the answer), then the artifact is run on
random input. CPU seconds are of all threads and children, with start and reading of the file. Every
figure is the median of its rounds; how far rounds lie apart is said, too. --write puts the table into
bench/times.md, as of MACHINE."""
import argparse
import http.client
import json
import os
import pathlib
import re
import statistics
import subprocess
import tempfile
import urllib.parse

import models

ROOT = pathlib.Path(__file__).resolve().parent.parent
TABLE = ROOT / "bench" / "times.md"
HITS = 5
HEAD = """| model | cold compile, CPU-s | emulated run, CPU-s | emulated run, s | hit, ms | code by |
|---|--:|--:|--:|--:|---|
"""


class Daemon:
    """occamyd on a free port, with a store of its own; with-statement."""

    def __init__(self, build, folder):
        self.process = subprocess.Popen(
            [build / "occamyd", "--listen", "127.0.0.1:0", "--store", folder / "store",
             "--log", "error"], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        self.port = int(line.rsplit(":", 1)[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=900)
        connection.request(method, path, body, {"Prefer": "wait=300"} if body else {})
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status == 200, f"{method} {path}: {answer.status} {content[:2000]!r}"
        return content

    def compile(self, body, dims):
        query = urllib.parse.urlencode([("dims", text) for text in dims])
        return json.loads(self.ask("POST", f"/compile?{query}", body))

    def hit_seconds(self):
        text = self.ask("GET", "/metrics").decode()
        return float(re.search(r"^occamy_hit_seconds_sum (\S+)$", text, re.M).group(1))


def run(build, folder, artifact):
    """(CPU seconds of the client's process, seconds of the run alone)."""
    (folder / "model.occ").write_bytes(artifact)
    client = subprocess.Popen(
        [build / "occamy-client", "run", folder / "model.occ", "--random", "1", "--device",
         "emulator", "--output-dir", folder, "--report", folder / "run.json"],
        stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(client.pid, 0)
    client.returncode = os.waitstatus_to_exitcode(status)
    assert client.returncode == 0, f"occamy-client: exit {client.returncode}"
    report = json.loads((folder / "run.json").read_text())
    return usage.ru_utime + usage.ru_stime, report["seconds_run"]


def measure(build, name):
    """One round: (toolchain, cold CPU-s, run CPU-s, run s, median hit ms)."""
    body, hits = models.path(name).read_bytes(), []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        with Daemon(build, folder) as daemon:
            cold = daemon.compile(body, models.dims(name))
            assert cold["cache"] == "miss" and cold["report"]["kernels_cached"] == 0, cold["cache"]
            for _ in range(HITS):
                before = daemon.hit_seconds()
                assert daemon.compile(body, models.dims(name))["cache"] == "hit"
                hits.append(1000 * (daemon.hit_seconds() - before))
            artifact = daemon.ask("GET", cold["artifact"])
        report = cold["report"]
        return (report["toolchain"], report["cpu_seconds"], *run(build, folder, artifact),
                statistics.median(hits))


def row(build, name, rounds):
    """A line of the table, and how far its figures' rounds lie apart, as shares of the medians."""
    (toolchain, *_), *figures = zip(*(measure(build, name) for _ in range(rounds)))
    cold, cpu, seconds, hit = medians = [statistics.median(f) for f in figures]
    spread = [(max(f) - min(f)) / median for f, median in zip(figures, medians)]
    return (f"| {name} | {cold:.2f} | {cpu:.2f} | {seconds:.2f} | {hit:.2f} | {toolchain} |\n",
            spread)


def noise(spreads):
    """Half of the models are below these."""
    cold, cpu, seconds, hit = (f"{statistics.median(of):.0%}" for of in zip(*spreads))
    return (f"Between the slowest and the fastest round lie, for the median model, {cold} of the "
            f"compile's CPU seconds,\n{cpu} of the run's, {seconds} of the run's time, {hit} of the hit's.")


def page(machine, rounds, table, spreads):
    return f"""# Seconds

Written by `bench/times.py`, whose head says what is measured; {machine}, release build, sm_87, fp32,
medians of {rounds} rounds. {noise(spreads)}
The device is emulated: no figure here is of a GPU.

{table}"""


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", metavar="MACHINE")
    parser.add_argument("models", nargs="*")
    words = parser.parse_args()
    print(HEAD, end="", flush=True)
    table, spreads = HEAD, []
    for name in words.models or models.ALL:
        line, spread = row(words.build.resolve(), name, words.rounds)
        print(line, end="", flush=True)
        table += line
        spreads.append(spread)
    if words.write:
        TABLE.write_text(page(words.write, words.rounds, table, spreads))


if __name__ == "__main__":
    main()
