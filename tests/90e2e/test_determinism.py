"""Compiling twice, on another path and with another number of workers: the same bytes."""
import hashlib
import os
import pathlib
import shutil
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import lib

import models

QUICK = "pp_ocr_cls", "squeezenet1_1"
NAMES = [*QUICK, *lib.long_set(name for name in models.ALL if name not in QUICK)]


def digest(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def test_same_bytes():
    for name in NAMES:
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            words = lib.dims_words(models.dims(name))
            (folder / "another place").mkdir()
            moved = folder / "another place" / "renamed.onnx"
            shutil.copy(models.path(name), moved)
            lib.occamyc(models.path(name), folder / "a.occ", *words)
            lib.occamyc(moved, folder / "another place" / "b.occ", *words,
                        env={"TMPDIR": str(folder), "TZ": "Asia/Tokyo"})
            # occamyc works with as many threads as it may use cores.
            every = os.sched_getaffinity(0)
            os.sched_setaffinity(0, sorted(every)[:1])
            lib.occamyc(moved, folder / "c.occ", *words)
            os.sched_setaffinity(0, every)
            digests = {digest(folder / f) for f in ("a.occ", "another place/b.occ", "c.occ")}
            print(name, *digests)
            assert len(digests) == 1, f"{name}: {digests}"


lib.main(globals())
