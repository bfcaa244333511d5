"""Prints what a compiled model takes, beside what others take.

    python3 bench/memory_table.py REPORT.json [--model NAME | --eager BYTES]

REPORT.json is a compile report; a model of bench/peers.tsv has its peers' bytes there."""
import argparse
import json
import pathlib

import models


def row(what, count, note=""):
    mib = f"{count / 2**20:10.2f} MiB" if count is not None else "         ?    "
    return f"  {what:<34}{count if count is not None else '?':>12} {mib}  {note}".rstrip()


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
    if ort is not None:
        lines.append(row("ONNX Runtime's block, in and out", ort, share(ort, arena)))
    lines.append(row("unfused eager live peak", eager, share(eager, arena)))
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


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", type=pathlib.Path)
    parser.add_argument("--model")
    parser.add_argument("--eager", type=int)
    options = parser.parse_args()
    peers = models.read_table("peers.tsv").get(options.model)
    ort, eager = (int(peers["onnxruntime"]), int(peers["eager"])) if peers \
        else (None, options.eager)
    print(table(json.loads(options.report.read_text()), ort, eager))


if __name__ == "__main__":
    main()
