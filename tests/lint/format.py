"""C files are as clang-format 14 writes them."""
import collections
import re
import subprocess
import sys

import sources

if __name__ == "__main__":
    ran = subprocess.run(["clang-format-14", "--dry-run", *sources.files(".c", ".h")],
                         cwd=sources.ROOT, capture_output=True, text=True, check=True)
    places = re.findall(r"^([^:\n]+):\d+:\d+: warning: code should be clang-formatted", ran.stderr, re.M)
    counts = collections.Counter(places)
    sys.exit(sources.verdict("format", [f"{n}: {count} places" for n, count in counts.items()]))
