"""Who may include whom: the table of ARCHITECTURE.md, root-relative paths, no cycle, and at
most 4 headers on top of each other (base/, the floor that all stand on, is not counted)."""
import fnmatch
import re
import sys

import sources

MAY = {
    "base": (),
    "runtime": ("base/*.h", "base/*.def"),
    "kernels": (),
    "compiler": ("base/*.h", "base/*.def", "kernels/kernels.h", "runtime/artifact.h",
                 "runtime/plan_check.h", "runtime/ptx.def"),
    "emulator": ("base/*.h", "base/*.def", "runtime/artifact.h", "runtime/cuda.h",
                 "runtime/ptx.def"),
    "cache": ("base/*.h", "base/*.def"),
    "daemon": ("base/*.h", "base/*.def", "compiler/compiler.h", "cache/cache.h", "runtime/*.h"),
    "client": ("base/*.h", "base/*.def", "runtime/*.h"),
    "tests": ("*",),
}
# Made by the build, or of a library that stays on one side.
GENERATED = {"onnx/onnx.pb-c.h": ("compiler",), "schema.h": ("cache",), "build_id.h": ("compiler",)}
LIBRARIES = {"protobuf-c/": ("compiler",), "sqlite3.h": ("cache",), "microhttpd.h": ("daemon",),
             "curl/": ("client",)}
DEPTH = 4
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)


def allowed(folder, target):
    if target.endswith("_int.h") and folder != "tests":
        return False
    return any(fnmatch.fnmatch(target, pattern) for pattern in MAY[folder])


def wrong_include(name, kind, target):
    """Why name must not include target, or None."""
    folder = name.split("/")[0]
    if kind == "<":
        for library, where in LIBRARIES.items():
            if target.startswith(library) and folder not in (*where, "tests"):
                return f"<{target}> belongs to {where[0]}/"
        return None
    if target in GENERATED:
        return None if folder in (*GENERATED[target], "tests") else f'"{target}" is not its own'
    if "/" not in target or target.startswith("."):
        return f'"{target}" is not written from the root'
    if target.split("/")[0] != folder and not allowed(folder, target):
        return f'{folder}/ may not include "{target}"'
    return None


def depth(name, graph, trail=()):
    """Headers on top of each other from this file down, itself included; a cycle raises."""
    if name in trail:
        raise RecursionError(" -> ".join([*trail[trail.index(name):], name]))
    below = max((depth(t, graph, (*trail, name)) for t in graph.get(name, ())), default=0)
    return below + (name.endswith(".h") and not name.startswith("base/"))


def complaints(texts):
    """texts: {path: C text}."""
    found, graph = [], {}
    for name, body in texts.items():
        includes = INCLUDE.findall(body)
        graph[name] = [target for kind, target in includes if kind == '"' and target in texts]
        reasons = (wrong_include(name, kind, target) for kind, target in includes)
        found += [f"{name}: {reason}" for reason in reasons if reason]
    for name in texts:
        try:
            if depth(name, graph) > DEPTH:
                found.append(f"{name}: {depth(name, graph)} headers on top of each other")
        except RecursionError as cycle:
            found.append(f"{name}: cycle {cycle}")
    return found


if __name__ == "__main__":
    named = [n for n in sources.files(".c", ".h", ".def") if n.split("/")[0] in MAY]
    sys.exit(sources.verdict("includes", complaints({n: sources.text(n) for n in named})))
