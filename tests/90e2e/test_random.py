"""Random models, from text IR to the emulated device, against the operators' plain references: whatever fusion, layouts
and storage make of them, the numbers must stay."""
import pathlib
import re
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
import lib
import numpy as np

MODELS = [*range(24), *lib.long_set(range(24, 200))]


def check(folder, index):
    """How many of the model's outputs vary, of how many."""
    source = folder / f"{index}.ir"
    shape = [int(n) for n in re.search(r"input f32\[([\d,]+)\]", source.read_text()).group(1).split(",")]
    x = np.fromfile(folder / f"{index}.in", np.float32).reshape(shape)
    want = np.fromfile(folder / f"{index}.out", np.float32)
    artifact = folder / f"{index}.occ"
    lib.occamyc(source, artifact, "--kernel-cache", folder / "kernels")
    outputs, _ = lib.run_client(artifact, {"v0": x}, folder / str(index))
    assert sum(o.size for o in outputs) == want.size, f"model {index}: other outputs"
    varying, at = 0, 0
    for k, got in enumerate(outputs):
        part = want[at:at + got.size].reshape(got.shape)
        at += got.size
        if np.std(part) > 1e-2 * np.sqrt(np.mean(part * part)):
            lib.check_close(f"model {index}, output {k}", got, part)
            varying += 1
        else:
            assert np.allclose(got, part, lib.RTOL, lib.ATOL), f"model {index}, output {k}"
    return varying, len(outputs)


def test_random_models():
    with tempfile.TemporaryDirectory() as tmp:
        folder = pathlib.Path(tmp)
        (folder / "kernels").mkdir()
        lib.Ran([lib.BUILD / "test_fuse", folder, max(MODELS) + 1]).ok()
        counts = [check(folder, index) for index in MODELS]
    varying, outputs = (sum(c) for c in zip(*counts))
    print(f"{len(MODELS)} models, {outputs} outputs, {varying} of them vary")
    assert varying > outputs * 0.7


if __name__ == "__main__":
    lib.main(globals())
