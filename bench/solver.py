"""Runs occamy-plan over sets of instances: how many it packs at the optimum, and in what time.

    python3 bench/solver.py [--build DIR] [--every N] [--csv DIR] [--sets NAMES]

dense: seeds 1 to 100, 150 to 447 buffers before dropping, capacity 2^20, for each fill; a run that uses
more CPU seconds than its set allows counts as not packed. sparse: 10 000 buffers, seeds 1 to 10. --every N
takes each N-th seed of the dense sets. --sets: some of them alone, as 0.65,0.7,sparse. --csv: a folder of further instances (such as google/minimalloc's A to K) at 2^20.
Prints rows for bench/solver.md."""
import argparse
import pathlib
import resource
import statistics
import subprocess
import tempfile

import instances

FILLS = {0.65: 10, 0.7: 10, 0.75: 30, 0.8: 30}  # CPU seconds each


def run(program, text, seconds, *options):
    """(packed, CPU seconds, notes)."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "instance.csv"
        path.write_text(text)
        done = subprocess.run([program, path, *options], capture_output=True, text=True,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU,
                                                                    (seconds, seconds)))
    notes = dict(line[2:].split(": ", 1) for line in done.stdout.splitlines() if line[:2] == "# ")
    return done.returncode == 0, float(notes.get("cpu seconds", seconds)), notes


def row(name, results):
    times = [cpu for _, cpu, _ in results]
    packed = sum(ok for ok, _, _ in results)
    print(f"| {name} | {packed} of {len(results)} | {statistics.median(times):.3f} | "
          f"{max(times):.2f} | {sum(times):.1f} |", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build", type=pathlib.Path)
    parser.add_argument("--every", default=1, type=int)
    parser.add_argument("--csv", type=pathlib.Path)
    parser.add_argument("--sets", default=",".join([*map(str, FILLS), "sparse"]))
    args = parser.parse_args()
    sets = args.sets.split(",")
    program = args.build / "occamy-plan"
    full = ["--capacity", str(instances.SIDE), "--nodes", "1000000000"]
    for path in sorted(args.csv.glob("*.csv")) if args.csv else ():
        row(path.stem, [run(program, path.read_text(), 60, *full)])
    for fill, seconds in FILLS.items():
        if str(fill) not in sets:
            continue
        texts = [instances.csv(instances.dense(i + 1, 150 + 3 * i, fill))
                 for i in range(0, 100, args.every)]
        row(f"dense, fill {fill}, {seconds} CPU-s",
            [run(program, text, seconds, *full) for text in texts])
    for seed in range(1, 11) if "sparse" in sets else ():
        result = run(program, instances.csv(instances.sparse(seed, 10000)), 60)
        row(f"sparse {seed}, {result[2]['certificate']}", [result])


main()
