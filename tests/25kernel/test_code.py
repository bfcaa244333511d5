"""--code ptx: the same PTX, no cubin, and none of the figures that ptxas alone knows; the emulated device
computes the same bytes from it. A kernel cache shared with whole kernels must not mix the two."""
import json
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import lib
import numpy as np
import occ_file

FIGURES = {"registers", "spill_bytes", "shared_bytes"}


def compiled(folder, code):
    out = folder / f"{code}.occ"
    lib.occamyc(pathlib.Path(__file__).parent / "softmax.ir", out, "--code", code, "--kernel-cache",
                folder / "cache", build=lib.BUILD)
    manifest, blobs = occ_file.read(out)
    assert manifest["options"]["code"] == code
    kernels = json.loads(blobs["plan"])["kernels"]
    ptx = [blobs["code"][k["ptx"][0]:sum(k["ptx"])] for k in kernels]
    return out, manifest, kernels, ptx


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        whole, manifest, kernels, ptx = compiled(folder, "both")
        assert all(k["cubin"][1] and FIGURES <= set(k) for k in kernels), kernels
        small, other, bare, bare_ptx = compiled(folder, "ptx")
        assert all(not k["cubin"][1] and not FIGURES & set(k) for k in bare), bare
        assert ptx == bare_ptx and kernels, "the PTX differs"
        assert manifest["key"] != other["key"] and other["module_bytes"] == 0 < manifest["module_bytes"]
        assert small.stat().st_size < whole.stat().st_size
        random = np.random.default_rng(25)
        feeds = {i["name"]: random.standard_normal(i["shape"]).astype(np.float32) for i in manifest["inputs"]}
        outputs = [lib.run_client(path, feeds, folder / path.stem, build=lib.BUILD)[0] for path in (whole, small)]
        for a, b in zip(*outputs, strict=True):
            assert a.tobytes() == b.tobytes() and np.ptp(a) > 0
        print(f"{len(kernels)} kernels, {len(outputs[0])} outputs: equal")


if __name__ == "__main__":
    main()
