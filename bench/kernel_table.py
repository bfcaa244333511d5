"""bench/kernels.tsv: a row for each kernel of each model, in the order of its plan.

From the artifact: registers, spills and shared bytes as ptxas says, and how many instructions of each
class stand in the PTX. From an emulated run: launches, warp instructions, and how many are FMAs.
All of it is exact for one version of NVRTC, which the table names; another one writes other code."""
import collections
import json
import pathlib
import re

import models
import occ_file

FILE = pathlib.Path(models.ROOT) / "bench" / "kernels.tsv"
MIX = ("fma", "fp", "int", "move", "ld_global", "st_global", "ld_shared", "st_shared", "control")
COLUMNS = ("model", "kernel", "launches", "registers", "spills", "shared", *MIX, "executed",
           "executed_fma")
ANY_NVRTC = COLUMNS[:3] + COLUMNS[4:5]  # what every version has to give
COMMENT = """Each kernel of each model, fp32, sm_87, by {}: bench/kernel_table.py says what the columns are.
tests/90e2e/test_networks.py compares exactly; with --update it writes this."""

INSTRUCTION = re.compile(r"(?:@!?%p\d+ +)?([a-z][a-z0-9]*(?:[.:][a-z0-9:_]+)*)[ ;]")
CLASSES = (  # the first that matches the opcode
    (r"fma\.", "fma"),
    (r"(mov|cvta?|selp|shfl|prmt|ld\.param)\b", "move"),
    (r"(ld|st)\.(\w+)", "{}_{}"),
    (r"(?:atom|red)\.(\w+)", "st_{}"),
    (r"(bra|brx|ret|exit|bar|barrier|trap)\b", "control"),
    (r"\w+\.(\w+\.)*f(16|32|64)$", "fp"),
    (r"\w+\.(\w+\.)*([bus](16|32|64)|pred)$", "int"),
)


def class_of(opcode):
    for pattern, name in CLASSES:
        match = re.match(pattern, opcode)
        if match and name.format(*match.groups()) in MIX:
            return name.format(*match.groups())
        if match:
            break
    raise ValueError(f"{opcode}: of no class of bench/kernels.tsv")


def ptx_mix(text):
    """{class: count} of the instructions that stand in a PTX module."""
    matches = (INSTRUCTION.match(line.strip()) for line in text.splitlines())
    return collections.Counter(class_of(match[1]) for match in matches if match)


def rows(model, artifact, stats):
    """Rows of text of one model; stats: the counters of the emulator's run."""
    _, blobs = occ_file.read(artifact)
    kernels, out = json.loads(blobs["plan"])["kernels"], []
    assert len(kernels) == len(stats["kernels"])
    for kernel, ran in zip(kernels, stats["kernels"]):
        assert kernel["entry"] == ran["entry"]
        at, size = kernel["ptx"]
        mix = ptx_mix(blobs["code"][at:at + size].rstrip(b"\0").decode())
        row = (model, kernel["entry"], ran["launches"], kernel["registers"], kernel["spill_bytes"],
               kernel["shared_bytes"], *(mix[name] for name in MIX), ran["warp_instructions"],
               ran["fma"])
        out.append(list(map(str, row)))
    return out


def read():
    """(NVRTC's version, {model: rows}) of the table."""
    text = FILE.read_text(encoding="utf-8")
    table = collections.defaultdict(list)
    for line in text.splitlines():
        if not line.startswith(("#", COLUMNS[0])):
            table[line.split("\t")[0]].append(line.split("\t"))
    return re.search(r"by (nvrtc [\d.]+):", text)[1], table


def update(lists, toolchains):
    """Writes {model: rows}, the other models' as they are. All are of one NVRTC."""
    table = {}
    if set(lists) != set(models.ALL):
        recorded, table = read()
        assert toolchains == {recorded}, f"{recorded}, not {toolchains}: update all models"
    table.update(lists)
    models.write_table(FILE.name, COMMENT.format(*toolchains), COLUMNS,
                       [row for name in models.ALL for row in table[name]])


def differences(model, got, toolchain):
    """Complaints, a line each: where a model's kernels are not the table's."""
    recorded, table = read()
    want, where = table[model], f"{model}, bench/kernels.tsv"
    columns = COLUMNS if toolchain == recorded else ANY_NVRTC
    if toolchain != recorded:
        print(f"{model}: {toolchain}, the table is of {recorded}: only {', '.join(columns)} are compared")
    if len(got) != len(want):
        return [f"{where}: {len(got)} kernels, not {len(want)}"]
    return [f"{where}, kernel {number} ({new[1]}): {column} is {after}, the table says {before}"
            for number, (old, new) in enumerate(zip(want, got))
            for column, before, after in zip(COLUMNS, old, new)
            if column in columns and before != after]
