"""ONNX's node tests, end to end on the emulated device, against the list of those that do not pass (known.tsv).

Tier 1 is run whole, the other tiers as the long set has them; a part of all of it by the build with sanitizers, too.
A test that fails and is not on the list is an error, and so is one that passes and is: --update writes the list
anew, from a run of everything."""
import pathlib
import re
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import lib
from corpora import CORPORA

HERE = pathlib.Path(__file__).resolve().parent
KNOWN = HERE / "known.tsv"
OPERATORS = lib.ROOT / "OPERATORS.md"
HEAD = """# Operators

The ONNX operators that Occamy compiles, the element types of their first input that have kernels, and how many of ONNX's own node
tests for the operator pass, end to end on the emulated device, of those that apply: Debian's `libonnx-testdata` 1.12 and the wheel
onnx 1.20.1. `tests/35conformance/README.md` says how, and its `known.tsv` which do not pass and why. The file is written by
`tests/35conformance/test_conformance.py --update`.

"""
OTHERS = [word for tier in "02345" for word in ("--tier", tier)]
LEAST = {"debian-1.12": (315, 310), "wheel-1.20.1": (402, 390)}  # of tier 1: how many apply, how many must pass
LINE = re.compile(r"(ok|not ok) \d+ - (\S+)(?: # SKIP (.*))?")
TIERS = {name: int(tier) for name, tier in re.findall(r"^TEST\((\w+), (\d)", (HERE / "tests.def").read_text(), re.M)}


def read_known():
    rows = (line.split("\t") for line in KNOWN.read_text().splitlines() if line and line[0] != "#")
    return {(corpus, name): why for corpus, name, why in rows}


def write_known(failed):
    head = "# Tests that apply and do not pass: corpus, name, why. Written by test_conformance.py --update.\n"
    KNOWN.write_text(head + "".join(f"{c}\t{n}\t{why}\n" for (c, n), why in sorted(failed.items())))


def read_tap(text):
    """name -> None where it passed, else why not; without what is excluded."""
    results, last = {}, None
    for line in text.splitlines():
        found = LINE.match(line)
        if found:
            verdict, last, skip = found.groups()
            results[last] = None if verdict == "ok" and skip is None else (skip or "")
        elif line.startswith("# ONNX Runtime"):
            results[last] += f" ({line[2:]})"
        elif line.startswith("# ") and last and results[last] == "" and not line.startswith("# constant:"):
            results[last] = line[2:]
    assert "" not in results.values(), "a failure without a reason"
    return {name: why for name, why in results.items() if not (why or "").startswith("excluded:")}


def run(build, folder, *words):
    ran = lib.Ran([build / "occamy-conformance", folder, *words])
    assert ran.code in (0, 1), ran.err
    *_, last = ran.out.splitlines()
    counts = [int(n) for n in re.fullmatch(r"(\d+) passed, (\d+) failed, (\d+) skipped", last).groups()]
    results = read_tap(ran.out)
    assert ran.code == (counts[1] > 0) and sum(why is None for why in results.values()) == counts[0], last
    print("".join(line + "\n" for line in ran.out.splitlines() if line.startswith("# tier")) + last)
    return results


def run_corpus(corpus, folder, cache, every):
    """Results by the release build; and those of the other build, whose word counts as much, where it has run."""
    words = [folder, "--kernel-cache", cache]
    if every:
        return run(lib.RELEASE, *words), {}
    results, checked = run(lib.RELEASE, *words, "--tier", "1"), {}
    for shard in lib.long_set(range(lib.SHARDS), f"conformance {corpus}"):
        part = ["--shard", f"{shard}/{lib.SHARDS}"]
        results.update(run(lib.RELEASE, *words, *OTHERS, *part))
        checked.update(run(lib.BUILD, *words, *part))
    return results, checked


def check(corpus, results, known):
    """What is not as the list says."""
    problems = []
    for name, why in sorted(results.items()):
        listed = known.get((corpus, name))
        if why is not None and listed is None:
            problems.append(f"{corpus} {name} fails: {why}")
        if why is None and listed is not None:
            problems.append(f"{corpus} {name} passes and is listed: test_conformance.py --update")
    return problems


def check_tier_1(corpus, results):
    """Of these all were run."""
    tier_1 = [why for name, why in results.items() if TIERS.get(name) == 1]
    passed = sum(why is None for why in tier_1)
    print(f"{corpus}: {passed} of {len(tier_1)} in tier 1 pass")
    apply, least = LEAST[corpus]
    return [] if len(tier_1) == apply and passed >= least else [
        f"{corpus}: tier 1 has {passed} of {len(tier_1)}, at least {least} of {apply} have to pass"]


def operators():
    """What OPERATORS.md is, from the compiler's table and the list."""
    table = lib.Ran([lib.RELEASE / "occamy-conformance", "--table", KNOWN]).ok().out
    return HEAD + table


def main():
    update = sys.argv[1:] == ["--update"]  # with RELEASE alone
    known, failed, problems, missing = read_known(), {}, [], []
    with tempfile.TemporaryDirectory() as cache:
        for corpus, find in CORPORA.items():
            folder = find()
            if not folder:
                missing.append(corpus)
                continue
            results, checked = run_corpus(corpus, folder, cache, update)
            failed.update({(corpus, name): why for name, why in results.items() if why is not None})
            problems += check_tier_1(corpus, results)
            if not update:
                problems += check(corpus, results, known) + check(corpus, checked, known)
    if update:
        write_known(failed)
        OPERATORS.write_text(operators())
    elif OPERATORS.read_text() != operators():
        problems.append("OPERATORS.md is stale: test_conformance.py --update")
    print(*problems, sep="\n")
    if missing:
        print(f"neither installed nor to be downloaded: {', '.join(missing)}")
    return 1 if problems else 77 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
