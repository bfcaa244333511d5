"""Passes one by one: x.ir goes in, the IR after a pass comes out as x.want, or standard error begins as x.err.

The head of x.ir says how:
    # pass: NAME             print the IR after this pass
    # from: PASS             begin with this pass (optional)
    # with: --dims batch=1   more words for the command line (optional)
UPDATE=1 writes what came out, to be read in the diff. Words on the command line choose files by their beginning.
"""
import difflib
import json
import os
import pathlib
import shlex
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
import lib

HERE = pathlib.Path(__file__).parent
UPDATE = os.environ.get("UPDATE") == "1"


def head(path):
    words = {}
    for line in path.read_text().splitlines():
        key, colon, value = line.lstrip("# ").partition(": ")
        if not line.startswith("#") or not colon:
            break
        words[key] = value.strip()
    if "pass" not in words:
        raise SystemExit(f"{path}: the first line is not '# pass: NAME'")
    return words


def run(path):
    """(what stands in the file beside it, its suffix, complaint or None)"""
    words = head(path)
    command = [str(lib.BUILD / "occamyc"), path.name, "-d", words["pass"]]
    command += ["--from", words["from"]] if "from" in words else []
    command += shlex.split(words.get("with", ""))
    child = subprocess.run(command, cwd=HERE, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    if child.returncode == 0:
        return child.stdout, ".want", child.stderr or None
    lines = child.stderr.splitlines(keepends=True)
    complaint = None
    try:
        if json.loads(lines[-1])["code"] != lines[0].split(": ")[1]:
            complaint = "the first and the last line of standard error differ in the code"
    except (IndexError, KeyError, json.JSONDecodeError):
        complaint = f"exit {child.returncode}; standard error does not end with one JSON object:\n{child.stderr}"
    if child.returncode != 65 and not complaint:
        complaint = f"exit {child.returncode}\n{child.stderr}"
    return "".join(lines[:-1]), ".err", complaint or (child.stdout and "a refusal printed IR, too") or None


def compare(path):
    got, suffix, complaint = run(path)
    if complaint:
        return complaint
    expected = path.with_suffix(suffix)
    other = path.with_suffix(".err" if suffix == ".want" else ".want")
    if UPDATE:
        expected.write_text(got)
        other.unlink(missing_ok=True)
        return None
    if other.exists() or not expected.exists():
        return f"there is {'a' if other.exists() else 'no'} {other.name if other.exists() else expected.name}, and this came:\n{got}"
    want = expected.read_text()
    if suffix == ".err":  # the beginning of standard error
        got = "".join(got.splitlines(keepends=True)[:want.count("\n")])
    diff = difflib.unified_diff(want.splitlines(keepends=True), got.splitlines(keepends=True), expected.name, "now")
    return "".join(diff) or None


def main():
    files = [path for path in sorted(HERE.glob("*.ir")) if not sys.argv[1:] or path.name.startswith(tuple(sys.argv[1:]))]
    failed = 0
    for path in files:
        complaint = compare(path)
        failed += complaint is not None
        if complaint is not None:
            print(f"{path.name}:\n{complaint}\n", flush=True)
    print(f"{len(files)} cases, {failed} failed")
    return 1 if failed or not files else 0


if __name__ == "__main__":
    sys.exit(main())
