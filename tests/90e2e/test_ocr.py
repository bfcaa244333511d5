"""The text recogniser reads rendered lines exactly as ONNX Runtime reads them."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import lib
import onnx

import models
import ocr

LINES = ("Hello Occamy 2026", "memory plan", "Edge devices", "quick brown fox", "0123456789",
         "GPU kernels", "lower bound 7.5 MB", "Debian GNU/Linux", "peak = 4817 kB",
         "jumps over the lazy dog")
MODEL = "pp_ocrv4_rec"


def test_reads_like_onnx_runtime():
    folder = lib.RELEASE / "e2e" / "ocr"
    folder.mkdir(parents=True, exist_ok=True)
    path, dims = models.path(MODEL), models.dims(MODEL)
    characters = {p.key: p.value for p in onnx.load(path).metadata_props}["character"]
    session = lib.ort_session(path, dims)
    lib.occamyc(path, folder / "rec.occ", *lib.dims_words(dims))
    for line in LINES:
        feeds = {"x": ocr.prepare(ocr.render(line))}
        (got,), _ = lib.run_client(folder / "rec.occ", feeds, folder)
        want = session.run(None, feeds)[0]
        lib.check_close(line, got, want)
        read = ocr.decode(got, characters)
        print(f"{line!r}: read {read!r}")
        assert read == ocr.decode(want, characters) and read.strip(), line
        assert read == line, f"{line!r} was read as {read!r}"


lib.main(globals())
