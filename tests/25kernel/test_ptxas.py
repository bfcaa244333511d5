"""The versions that the PTX is labelled with: ptxas takes every kernel as labelled, so nothing in it is
newer than its label says. Without ptxas (it comes with a CUDA toolkit) there is nothing to ask."""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import lib
import occ_file

CASES = ("residual", "softmax", "matmul", "map_functions", "conv_transpose", "concat")
LABELS = {"sm_75": "6.3", "sm_87": "7.4", "sm_110": "9.0"}


def kernels(path):
    _, blobs = occ_file.read(path)
    for kernel in json.loads(blobs["plan"])["kernels"]:
        at, size = kernel["ptx"]
        yield kernel["entry"], blobs["code"][at:at + size].rstrip(b"\0").decode()


def main():
    ptxas = shutil.which("ptxas", path="/usr/local/cuda/bin:/usr/bin") or shutil.which("ptxas")
    if not ptxas:
        print("no ptxas on this machine")
        return 77
    known = subprocess.run([ptxas, "--help"], capture_output=True, text=True, check=True).stdout
    count = 0
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for target, label in LABELS.items():
            if target not in known:
                continue
            for case in CASES:
                lib.occamyc(pathlib.Path(__file__).parent / f"{case}.ir", folder / "case.occ",
                            "--target", target, build=lib.BUILD)
                for entry, ptx in kernels(folder / "case.occ"):
                    assert f"\n.version {label}\n" in ptx, f"{case}, {entry}: not labelled {label}"
                    (folder / "kernel.ptx").write_text(ptx)
                    subprocess.run([ptxas, f"-arch={target}", "-o", folder / "kernel.cubin",
                                    folder / "kernel.ptx"], check=True)
                    count += 1
    print(f"{count} kernels assemble as labelled")
    return 0 if count else 1


if __name__ == "__main__":
    sys.exit(main())
