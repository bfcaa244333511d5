"""C files are as clang-format 14 writes them."""
import subprocess
import sys

import sources

if __name__ == "__main__":
    sys.exit(subprocess.run(["clang-format-14", "--dry-run", "-Werror", *sources.files(".c", ".h")],
                            cwd=sources.ROOT, check=False).returncode)
