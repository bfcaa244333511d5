"""The project's files, for the lints: what git tracks or would track."""
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def files(*suffixes):
    """Paths relative to the root, sorted; of the given suffixes, or all."""
    listed = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-co", "-z",
                             "--exclude-standard"], cwd=ROOT, capture_output=True, check=True)
    names = sorted(set(listed.stdout.decode().split("\0")) - {""})
    return [n for n in names if n.endswith(suffixes or "") and (ROOT / n).is_file()]


def text(name):
    return (ROOT / name).read_text(encoding="utf-8", errors="replace")


TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def code(c_text):
    """C text with comments, strings and characters blanked; lines stay where they are."""
    return TOKEN.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), c_text)


def verdict(what, complaints):
    """Prints the complaints; a lint exits with this."""
    for complaint in complaints:
        print(complaint)
    print(f"{what}: {len(complaints)} complaints")
    return 1 if complaints else 0
