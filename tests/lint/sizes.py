"""Functions fit on a screen: <= 60 lines of code, complexity <= 15, in C <= 6 parameters (Python has
keywords); files <= 600 lines.

tests/lint/exceptions.txt lists the honest ones, `file:function  reason` or `file  reason`; an entry
that is no longer needed is a complaint, too."""
import sys

import lizard

import sources

LINES, COMPLEXITY, PARAMETERS, FILE_LINES = 60, 15, 6, 600
EXCEPTIONS = "tests/lint/exceptions.txt"


def measure(name, body):
    """{what: why it is too large}"""
    found = {}
    lines = body.count("\n")
    if lines > FILE_LINES:
        found[name] = f"{lines} lines"
    limits = (LINES, COMPLEXITY, 99 if name.endswith(".py") else PARAMETERS)
    for function in lizard.analyze_file.analyze_source_code(name, body).function_list:
        size = (function.nloc, function.cyclomatic_complexity, function.parameter_count)
        if any(s > limit for s, limit in zip(size, limits)):
            found[f"{name}:{function.name}"] = "%d lines, complexity %d, %d parameters" % size
    return found


def exceptions(body):
    rows = (line.split(None, 1) for line in body.splitlines() if line and line[0] != "#")
    return {row[0]: row[1] if len(row) == 2 else "" for row in rows}


def complaints(large, excused):
    found = [f"{what}: {why}" for what, why in large.items() if what not in excused]
    found += [f"{EXCEPTIONS}: {what} is not needed" for what in excused if what not in large]
    return found + [f"{EXCEPTIONS}: {what} has no reason" for what, why in excused.items() if not why]


if __name__ == "__main__":
    too_large = {}
    for path in sources.files(".c", ".h", ".py"):
        too_large.update(measure(path, sources.text(path)))
    sys.exit(sources.verdict("sizes", complaints(too_large, exceptions(sources.text(EXCEPTIONS)))))
