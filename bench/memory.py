"""What each planner needs for each network, beside what others take.

    RELEASE=BUILD python3 bench/memory.py [--update] [NETWORK]...
    RELEASE=BUILD python3 bench/memory.py --seconds MACHINE

Every network is planned (occamyc --plan-only) as it is, as the planners of compiler/planners.def would,
and with weights that are there while their operator runs. --update writes bench/memory.tsv;
tests/90e2e/test_memory.py compares it exactly. Without names: the fixed list of bench/networks.tsv. --seconds writes
bench/planning.md: how long each pass of the plan takes, and a whole plan."""
import argparse
import csv
import json
import math
import os
import pathlib
import statistics
import subprocess
import tempfile

import onnx

import models
import networks

FILE = "memory.tsv"
PLANNERS = "occamy", "occamy23", "greedy-size", "none"
PEERS = "floor_L1", "onnxruntime", "pytorch", "xla", "iree", "tvm"
COLUMNS = ("set", "network", "occamy", "certificate", "order", "launches", "greedy-size", "none", "occamy23",
           "occamy_streamed", "occamy23_streamed", *PEERS, "goal")
COMMENT = """Bytes of activations, fp32, weights apart, by planner; graph inputs and outputs included. occamy: what is
shipped and run. greedy-size, none, occamy23: compiler/planners.def. *_streamed: with the weights of an operator while it runs (planned, not run).
The columns behind them and the goal are those of bench/networks.tsv. Written by bench/memory.py --update."""
# Pools of the public code as prior art simulates them, MiB, weights streamed. Its graph of srgan keeps what goes
# into the upsampling until the end (so does srgan_as_prior_art); in ours that tensor dies there: 8104.2 MiB.
OCCAMY23_MIB = {"alexnet": 144.07, "mobilenet_v2": 9.96, "resnet50": 11.30, "yolov1": 95.70,
                "srgan": 8618.7, "ssd300_r50": 64.46}
GOALS = {"floor_L1": 0.82, "onnxruntime": 0.63, "pytorch": 0.56}


def fixed_list():
    """Rows of bench/networks.tsv."""
    with open(models.ROOT / "bench" / "networks.tsv", encoding="utf-8") as text:
        return list(csv.DictReader((line for line in text if not line.startswith("#")), delimiter="\t"))


def path(name):
    """srgan is planned at the paper's size, which is too big to run: it is written for the moment."""
    if name in models.ALL:
        return models.path(name)
    file = models.MODELS / f"{name}.onnx"
    if not file.exists():
        models.MODELS.mkdir(parents=True, exist_ok=True)
        file.write_bytes(networks.NETWORKS[name](0).SerializeToString())
    return file


def srgan_as_prior_art(folder):
    """srgan with the sum in front of the upsampling as a further output, as a file in the folder."""
    model = onnx.load(path("srgan"))
    first = next(node for node in model.graph.node if node.op_type == "DepthToSpace")
    conv = next(node for node in model.graph.node if first.input[0] in node.output)
    model.graph.output.append(onnx.helper.make_tensor_value_info(conv.input[0], onnx.TensorProto.FLOAT, None))
    file = pathlib.Path(folder) / "srgan.onnx"
    onnx.save(model, file)
    return file


def plan(model, planner, weights="resident", build=None):
    """The report of a plan; model: a name, or a file."""
    build = pathlib.Path(build or os.environ["RELEASE"])
    with tempfile.TemporaryDirectory(prefix="occ.") as folder:
        report = pathlib.Path(folder) / "report.json"
        file = model if isinstance(model, pathlib.Path) else path(model)
        subprocess.run([build / "occamyc", file, "--plan-only", "--planner", planner,
                        "--weights", weights, "--report", report], check=True)
        return json.loads(report.read_text())


def measure(row):
    """The table's row for a row of networks.tsv."""
    name = row["network"]
    found = {planner: plan(name, planner) for planner in PLANNERS}
    ours = found["occamy"]
    mine = {"set": row["set"], "network": name, "certificate": ours["certificate"], "order": ours["order"],
            "launches": ours["launches"], "goal": row["ops"] or ""}
    mine |= {planner: found[planner]["arena_bytes"] for planner in PLANNERS}
    mine |= {f"{planner}_streamed": plan(name, planner, "streamed")["arena_bytes"]
             for planner in ("occamy", "occamy23")}
    mine |= {peer: row[peer] or "" for peer in PEERS}
    return {column: str(mine[column]) for column in COLUMNS}


PASSES = "order", "alias", "live", "plan", "check"
SECONDS_HEAD = """# Seconds of planning

Written by `bench/memory.py --seconds`; {machine}, release build, medians of 5 plans. Milliseconds of each pass, of these together, and CPU milliseconds
of the whole `occamyc --plan-only`, reading the model and packing its weights included.

| network | """ + " | ".join(PASSES) + """ | together | all of it |
|---|""" + "--:|" * (len(PASSES) + 2) + "\n"


def write_seconds(machine):
    """bench/planning.md"""
    text = SECONDS_HEAD.format(machine=machine)
    for name in dict.fromkeys(row["network"] for row in fixed_list()):
        reports = [plan(name, "occamy") for _ in range(5)]
        passes = [[report["seconds"][step] for step in PASSES] for report in reports]
        cells = [*map(statistics.median, zip(*passes)), statistics.median(map(sum, passes)),
                 statistics.median(report["cpu_seconds"] for report in reports)]
        text += f"| {name} | " + " | ".join(f"{1e3 * cell:.2f}" for cell in cells) + " |\n"
    (models.ROOT / "bench" / "planning.md").write_text(text)
    print(text)


def read_rows():
    """bench/memory.tsv."""
    with open(models.ROOT / "bench" / FILE, encoding="utf-8") as text:
        return list(csv.DictReader((line for line in text if not line.startswith("#")), delimiter="\t"))


def geomean(ratios):
    """Of at least one."""
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def ratios(rows):
    """{name: geomean}: ours over each peer of the zoo, and over the public Occamy, weights streamed."""
    zoo = [row for row in rows if row["set"] == "zoo"]
    paper = [row for row in rows if row["set"] == "paper"]
    found = {peer: geomean([int(row["occamy"]) / int(row[peer]) for row in zoo]) for peer in GOALS}
    found["greedy-size"] = geomean([int(row["occamy"]) / int(row["greedy-size"]) for row in zoo])
    found["occamy23, streamed"] = geomean([int(row["occamy_streamed"]) / int(row["occamy23_streamed"])
                                           for row in paper])
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--seconds", metavar="MACHINE")
    options = parser.parse_args()
    if options.seconds:
        return write_seconds(options.seconds)
    chosen = [row for row in fixed_list() if not options.networks or row["network"] in options.networks]
    rows = []
    for row in chosen:
        rows.append(measure(row))
        print("  ".join(f"{column} {rows[-1][column]}" for column in COLUMNS[:11]), flush=True)
    if not options.networks:
        for name, ratio in ratios(rows).items():
            print(f"geomean of {name}: {ratio:.3f}")
    if options.update:
        now = {(row["set"], row["network"]): row for row in rows}
        if options.networks:
            now = {(row["set"], row["network"]): row for row in read_rows()} | now
        models.write_table(FILE, COMMENT, COLUMNS, [[row[c] for c in COLUMNS] for row in now.values()])
    return None


if __name__ == "__main__":
    main()
