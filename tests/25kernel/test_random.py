"""Random graphs through all passes to the emulated device, against the operators' references; each is
named by its seed. 40 of them, and the long set."""
import pathlib
import subprocess
import sys
import tempfile

sys.path[:0] = [str(pathlib.Path(__file__).parent), str(pathlib.Path(__file__).parent.parent)]
import lib
import random_graph

SEEDS = [*range(40), *lib.long_set(range(40, 400))]


def main():
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for seed in SEEDS:
            text = random_graph.text(seed)
            if text:
                files.append(pathlib.Path(folder) / f"{seed}.ir")
                files[-1].write_text(text)
        assert len(files) > len(SEEDS) * 0.9
        return subprocess.run([lib.BUILD / "test_kernels", "sm_87", *files], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
