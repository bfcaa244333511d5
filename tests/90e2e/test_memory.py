"""bench/memory.tsv is what the planners need, to the byte; what it says keeps the promises of bench/networks.tsv.

A byte count that grows is a regression; one that shrinks is recorded by bench/memory.py --update."""
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import lib
import memory
import models

STREAMED_GOAL = 0.71


def check_pool(name, mib):
    """Within 1 % of the public code's pool."""
    assert abs(mib / memory.OCCAMY23_MIB[name] - 1) <= 0.01, f"{name}: occamy23 needs {mib:.2f} MiB"


def check_srgan():
    """On the graph that prior art has."""
    with tempfile.TemporaryDirectory(prefix="occ.") as folder:
        report = memory.plan(memory.srgan_as_prior_art(folder), "occamy23", "streamed")
    check_pool("srgan", report["arena_bytes"] / 2**20)


def check_table(rows):
    """What the table must show, whoever wrote it."""
    for row in rows:
        name = row["network"]
        assert row["certificate"].startswith("optimal"), f"{name}: {row['certificate']}"
        assert row["order"] == "exact", f"{name}: order {row['order']}"
        assert not row["goal"] or int(row["occamy"]) <= int(row["goal"]), f"{name}: beyond its goal"
        for peer in ("greedy-size", "none", "occamy23", "floor_L1"):
            assert not row[peer] or int(row["occamy"]) <= int(row[peer]), f"{name}: {peer} needs less"
        if row["set"] == "paper" and name != "srgan":
            mib = int(row["occamy23_streamed"]) / 2**20
            check_pool(name, mib)
    found = memory.ratios(rows)
    for name, ratio in found.items():
        print(f"geomean of {name}: {ratio:.3f}")
    for peer, goal in memory.GOALS.items():
        assert found[peer] <= goal, f"{peer}: {found[peer]:.3f}, the goal is {goal}"
    assert found["occamy23, streamed"] <= STREAMED_GOAL, found


def main():
    rows = memory.read_rows()
    fixed = memory.fixed_list()
    assert [(r["set"], r["network"]) for r in rows] == [(r["set"], r["network"]) for r in fixed]
    check_table(rows)
    check_srgan()
    slow = set(lib.long_set([r["network"] for r in fixed if r["network"] not in models.QUICK]))
    done = 0
    for row, now in zip(rows, fixed):
        if row["network"] not in models.QUICK and row["network"] not in slow:
            continue
        measured = memory.measure(now)
        bad = [c for c in memory.COLUMNS if measured[c] != row[c]]
        assert not bad, f"{row['network']}: " + "; ".join(f"{c} {row[c]} is now {measured[c]}" for c in bad)
        done += 1
    assert done, "nothing was planned"
    print(f"{done} of {len(rows)} rows planned anew, equal")


main()
