"""Prints what a compiled model takes, beside what others take.

    python3 bench/memory_table.py REPORT.json (--model NAME | --file MODEL.onnx [--dims ...])

REPORT.json is a compile report. A model of bench/peers.tsv has its peers' bytes there; for any other
file they are measured and simulated on the spot."""
import argparse
import json
import pathlib

import onnx

import models
from eager import bind_dims, eager_peak
from ort_memory import ort_bytes


def row(what, count, note=""):
    if count is None:
        return f"  {what:<34}{'?':>12}"
    return f"  {what:<34}{count:>12} {count / 2**20:10.2f} MiB  {note}".rstrip()


def share(count, arena):
    return f"{count / arena:.2f} x the planned arena" if count and arena else ""


def table(report, ort, eager):
    arena = report["arena_bytes"]
    lines = [f"  {'':<34}{'bytes':>12}",
             row("weights", report["weights_bytes"]),
             row("planned activations (the arena)", arena, report["certificate"]),
             row("lower bound of this order", report["arena_lower_bound_bytes"]),
             row("on the device in all", report["device_bytes"], "weights, arena, staging"),
             row("the cubins beside it", report["module_bytes"])]
    lines += [row("ONNX Runtime's block, in and out", ort, share(ort, arena)),
              row("unfused eager live peak", eager, share(eager, arena))]
    return "\n".join(lines)


def readme_table():
    """bench/figures.tsv beside bench/peers.tsv, as README.md shows them."""
    peers = models.read_table("peers.tsv")
    lines = ["| model | weights | arena | lower bound | ONNX Runtime | eager | launches |",
             "|---|--:|--:|--:|--:|--:|--:|"]
    for name, figures in models.read_table("figures.tsv").items():
        counts = [figures["weights_bytes"], figures["arena_bytes"],
                  figures["arena_lower_bound_bytes"], peers[name]["onnxruntime"],
                  peers[name]["eager"], figures["launches"]]
        lines.append(f"| {name} | " + " | ".join(f"{int(c):,}" for c in counts) + " |")
    return "\n".join(lines) + "\n"


def readme_with_table(text):
    """README.md's text with the table between its two marks made anew."""
    begin = text.index("\n", text.index("<!-- figures")) + 1
    end = text.index("<!-- end of figures")
    return text[:begin] + readme_table() + text[end:]


def peers_of(options):
    """(ONNX Runtime's bytes, eager bytes), or None for what can't be had; the reason is printed."""
    if options.model:
        row_of = models.read_table("peers.tsv")[options.model]
        return int(row_of["onnxruntime"]), int(row_of["eager"])
    try:
        return ort_bytes(options.file, options.dims), \
            eager_peak(bind_dims(onnx.load(options.file), options.dims))
    except (RuntimeError, ValueError) as error:
        print(f"  (the peers' bytes: {str(error).splitlines()[0]})")
        return None, None


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", type=pathlib.Path)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--model")
    which.add_argument("--file", type=pathlib.Path)
    parser.add_argument("--dims", action="append", default=[])
    options = parser.parse_args()
    print(table(json.loads(options.report.read_text()), *peers_of(options)))


if __name__ == "__main__":
    main()
