"""Aliasing bit for bit: a network whose values share bytes (views, Concats' inputs in place, outputs over operands,
bytes used again) gives the same bits as the one whose values do not, and those of ONNX Runtime within tolerance. Both
run under the emulator's sanitizer, on a device with exactly the memory that the report says.

2000 random networks (random_dag.py) and every real network: the long set.

    python3 tests/90e2e/test_sharing.py [SEED | MODEL]..."""
import concurrent.futures
import os
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import lib
import numpy as np
import onnx

import models
import random_dag

COUNT = 2000
SHARING = ("view", "concat", "inplace", "reuse")
# Seeds that have found something, and what.
FOUND = {}

SEEDS = [int(w) for w in sys.argv[1:] if w.isdigit()] if sys.argv[1:] else \
    sorted({*FOUND, *lib.long_set(range(COUNT), "sharing")})
NETWORKS = [w for w in sys.argv[1:] if not w.isdigit()] if sys.argv[1:] else \
    lib.long_set(models.ALL, "sharing of real networks")


def both(name, path, dims, feeds, folder):
    """Outputs of the network as it is; reports (as it is, with nothing shared)."""
    results = []
    for words in ([], ["--off", ",".join(SHARING)]):
        artifact = folder / f"net.{len(words)}.occ"
        report = lib.occamyc(path, artifact, "--code", "ptx", "--kernel-cache", folder.parent / "kernels",
                             *lib.dims_words(dims), *words)
        device = f"sm=87,memory={report['device_bytes']},sanitize=1"
        results.append((lib.run_client(artifact, feeds, folder / str(len(words)),
                                       env={"OCCAMY_EMULATOR": device})[0], report))
        artifact.unlink()
    (shared, report), (apart, plain) = results
    for index, (a, b) in enumerate(zip(shared, apart, strict=True)):
        assert a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes(), \
            f"{name}: output {index} has other bits where values share bytes, at {np.argwhere(a != b)[:1].tolist()}"
    assert report["arena_bytes"] <= plain["arena_bytes"], f"{name}: sharing costs memory"
    assert not any(plain["rewrites"][rewrite] for rewrite in SHARING), plain["rewrites"]
    return shared, report, plain


def check_dag(seed, parent):
    folder = pathlib.Path(parent) / str(seed)
    folder.mkdir()
    model, feeds = random_dag.build(seed)
    path = folder / "net.onnx"
    onnx.save(model, path)
    session = lib.ort_session(path)
    got, report, plain = both(f"seed {seed}", path, [], feeds, folder)
    for output, a, b in zip(session.get_outputs(), got, session.run(None, feeds), strict=True):
        lib.check_close(f"seed {seed}, {output.name}", a, b)
    return report, plain


def complaint(seed, parent):
    try:
        return check_dag(seed, parent), None
    except Exception as error:  # of one network: all are looked at
        return None, f"seed {seed}: {type(error).__name__}: {error}"


def test_dags():
    with tempfile.TemporaryDirectory() as tmp:
        (pathlib.Path(tmp) / "kernels").mkdir()
        with concurrent.futures.ThreadPoolExecutor(min(4, os.cpu_count())) as pool:
            results = list(pool.map(complaint, SEEDS, [tmp] * len(SEEDS)))
    wrong = [text for _, text in results if text]
    reports = [reports for reports, _ in results if reports]
    print(*wrong, sep="\n")
    did = {rewrite: sum(r["rewrites"][rewrite] for r, _ in reports) for rewrite in SHARING}
    arena, apart = (sum(pair[k]["arena_bytes"] for pair in reports) for k in (0, 1))
    exact, packed = (sum(r[key].startswith(word) for r, _ in reports)
                     for key, word in (("order", "exact"), ("certificate", "optimal")))
    print(f"{len(SEEDS)} networks, {len(wrong)} wrong; shared: {did}; {arena} bytes instead of {apart}; "
          f"{exact} orders exact, {packed} plans optimal")
    assert not wrong, f"{len(wrong)} of {len(SEEDS)} are wrong"
    assert len(SEEDS) < 20 or (all(did.values()) and arena < 0.7 * apart)


def test_networks():
    with tempfile.TemporaryDirectory() as tmp:
        for name in NETWORKS:
            folder = pathlib.Path(tmp) / name
            folder.mkdir()
            feeds = lib.random_feeds(lib.ort_session(models.path(name), models.dims(name)), 3)
            got, report, plain = both(name, models.path(name), models.dims(name), feeds, folder)
            assert all(np.std(output.astype(np.float64)) > 0 for output in got), f"{name}: an output does not vary"
            print(f"{name}: {len(got)} outputs, the same bits with {report['arena_bytes']} bytes and with "
                  f"{plain['arena_bytes']}", flush=True)


lib.main(globals())
