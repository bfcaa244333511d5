"""The diff of ARCHITECTURE.md that adds an operator: one new file, one line in the table, one test. It is applied
to a copy of the tree, compiled, and its test runs: by its reference, and as a kernel on the emulated device."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent.parent)]
import lib
import relink

COPIED = "base", "bench", "compiler", "kernels", "runtime", "tests"


def the_diff():
    found = re.findall(r"```diff\n(.*?)```", (lib.ROOT / "ARCHITECTURE.md").read_text(), re.DOTALL)
    assert len(found) == 1, f"{len(found)} diffs in ARCHITECTURE.md"
    return found[0]


def touched(diff):
    """File -> lines added; nothing is removed."""
    added, file = {}, None
    for line in diff.splitlines():
        if line.startswith("+++ b/"):
            file = line.removeprefix("+++ b/")
            added[file] = 0
        elif line.startswith("+"):
            added[file] += 1
        assert not re.match(r"-(?!-- (a/|/dev/null))", line), f"removes a line: {line}"
    return added


def check_extent(added):
    """A file that is not there yet, one line of ops.def, one test."""
    new = [file for file in added if not (lib.ROOT / file).exists()]
    assert len(new) == 1 and re.fullmatch(r"compiler/ops/\w+\.c", new[0]), new
    assert set(added) == {*new, "compiler/ops/ops.def", "tests/20op/cases.py"}, added
    assert added["compiler/ops/ops.def"] == 1 and added["tests/20op/cases.py"] <= 2, added
    return new[0]


def copy_tree(diff, tree):
    for folder in COPIED:
        shutil.copytree(lib.ROOT / folder, tree / folder, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(["git", "apply", "--unidiff-zero", "-"], cwd=tree, input=diff.encode(), check=True,
                   env={**os.environ, "GIT_CEILING_DIRECTORIES": str(tree.parent)})


def build(tree, new):
    """occamyc, and what evaluates references, with the new file and the new table."""
    table = lib.ROOT / "compiler" / "ops" / "ops.c"
    folder = tree / "build"
    folder.mkdir()
    objects = [relink.compile_as(table, tree / file, folder / f"{pathlib.Path(file).stem}.o", root=tree)
               for file in ("compiler/ops/ops.c", new)]
    relink.link(["occamyc", "op_eval"], objects, folder)
    return folder


def check_style(tree, new):
    formatted = subprocess.run(["clang-format", f"--style=file:{lib.ROOT / '.clang-format'}", tree / new], check=True,
                               capture_output=True, text=True).stdout
    assert formatted == (tree / new).read_text(), "clang-format would change it"


def main():
    diff = the_diff()
    new = check_extent(touched(diff))
    operator = pathlib.Path(new).stem.capitalize()
    with tempfile.TemporaryDirectory() as tmp:
        tree = pathlib.Path(tmp)
        copy_tree(diff, tree)
        check_style(tree, new)
        env = {"BUILD": str(build(tree, new)), "PYTHONPATH": f"{tree / 'tests'}:{tree / 'bench'}"}
        for test, last in (("test_eval.py", "1 cases, 0 problems"), ("test_ops.py", "1 of 1 cases pass")):
            ran = lib.Ran([sys.executable, tree / "tests" / "20op" / test, operator], env=env, cwd=tree).ok()
            assert ran.out.splitlines()[-1] == last, ran.out
            print(f"{test}: {last}", flush=True)
        unknown = lib.Ran([sys.executable, tree / "tests" / "20op" / "test_ops.py", operator],
                          env={**env, "BUILD": str(lib.BUILD)}, cwd=tree)
        assert unknown.code == 1 and "E_OP_UNSUPPORTED" in unknown.out, "the build knows it without the diff"


main()
