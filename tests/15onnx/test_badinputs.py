"""Every case of cases.py and cases_ops.py through occamyc, up to type inference: the right code, exit 65, within a second each (the
sanitizer build gets five), one JSON object at the end, and nothing unprintable on standard error."""
import itertools
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]
import json
import lib
from cases import all_cases
from cases_ops import operator_cases


def complaint(binary, path, code, words, limit):
    start = time.monotonic()
    try:
        ran = subprocess.run([binary, path, "-d", "infer", *words], capture_output=True, timeout=60)
    except subprocess.TimeoutExpired:
        return "no answer within 60 s"
    seconds = time.monotonic() - start
    if ran.returncode != (65 if code else 0):
        return f"exit {ran.returncode}: {ran.stderr[-2000:].decode(errors='replace')}"
    if seconds > limit:
        return f"{seconds:.1f} s"
    if not code:
        return None
    problem = json.loads(ran.stderr.decode().rstrip("\n").rsplit("\n", 1)[-1])
    if problem["code"] != code:
        return f"{problem['code']} instead of {code}: {problem['detail']}"
    if not problem["detail"] or any(b < 32 and b != 10 or b == 127 for b in ran.stderr):
        return f"not fit to print: {ran.stderr!r}"
    return None


def check_listing(binary, folder):
    """All that is not supported, in one error, by node."""
    from cases import model, node
    path = folder / "many.onnx"
    path.write_bytes(model([node("Relu", "x", "a", "fine"), node("Foo", "a", "b", "first"), node("Bar", "b", "c", "second"),
                            node("Foo", "c", "d", "third"), node("HardSwish", "d", "y", "fourth")]).SerializeToString())
    ran = subprocess.run([binary, path, "-d", "infer"], capture_output=True, text=True)
    problem = json.loads(ran.stderr.rstrip("\n").rsplit("\n", 1)[-1])
    found = [(d["node"], d["op"], d["code"]) for d in problem["details"]]
    want = [("first", "Foo", "E_OP_UNSUPPORTED"), ("second", "Bar", "E_OP_UNSUPPORTED"),
            ("third", "Foo", "E_OP_UNSUPPORTED"), ("fourth", "HardSwish", "E_OP_VERSION")]
    return None if found == want and problem["code"] == "E_OP_UNSUPPORTED" else f"{problem}"


def main():
    binary = lib.BUILD / "occamyc"
    limit = 5 if lib.BUILD != lib.RELEASE else 1
    limit = float(os.environ.get("OCCAMY_SECONDS", limit))
    count = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for name, code, data, words in itertools.chain(all_cases(), operator_cases()):
            path = folder / "case.onnx"
            path.write_bytes(data)
            why = complaint(binary, path, code, words, limit)
            count += 1
            failed += why is not None
            if why:
                print(f"{name}: {why}", flush=True)
        why = check_listing(binary, folder)
        if why:
            failed += 1
            print(f"listing: {why}")
    print(f"{count + 1} cases, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
