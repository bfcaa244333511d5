"""A damaged artifact is refused before any driver is opened; a model that can't be compiled is
refused with everything that is wrong with it."""
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import lib
import numpy as np
from onnx import TensorProto, helper

import models

NAME = "pp_ocr_cls"
NO_DRIVER = {"OCCAMY_EMULATOR_LIB": "/nonexistent/libocc_emulator.so"}


def client(artifact, env=None):
    with tempfile.TemporaryDirectory() as out:
        return lib.Ran([lib.BUILD / "occamy-client", "run", artifact, "--random", "1", "--device",
                        "emulator", "--output-dir", out], env)


def test_flipped_bytes():
    with tempfile.TemporaryDirectory() as folder:
        artifact = pathlib.Path(folder) / "model.occ"
        lib.occamyc(models.path(NAME), artifact, *lib.dims_words(models.dims(NAME)))
        assert lib.Ran([lib.BUILD / "occamy-client", "verify", artifact]).code == 0
        whole = client(artifact, NO_DRIVER)
        assert whole.code == 69 and whole.problem()["code"] == "E_NO_DEVICE", whole.err
        good = artifact.read_bytes()
        random = np.random.default_rng(5)
        # Weights are the last blob; then places all over the file, its header and its end.
        places = [len(good) - 1000, 0, 9, 100, len(good) - 1, *random.integers(0, len(good), 10)]
        for place in map(int, places):
            bad = bytearray(good)
            bad[place] ^= 1 << int(random.integers(8))
            artifact.write_bytes(bad)
            ran = client(artifact, NO_DRIVER)
            assert ran.code == 65, f"byte {place}: exit {ran.code}\n{ran.err}"
            assert ran.problem()["code"] in ("E_ARTIFACT", "E_ARTIFACT_VERSION"), ran.err
        artifact.write_bytes(good[:-1])
        assert client(artifact, NO_DRIVER).code == 65


def unsupported_model():
    nodes = [helper.make_node("Relu", ["x"], ["a"], name="fine"),
             helper.make_node("NoSuchThing", ["a"], ["b"], name="first"),
             helper.make_node("StringNormalizer", ["b"], ["c"], name="second"),
             helper.make_node("NoSuchThing", ["c"], ["y"], name="third")]
    info = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "g", [info("x", TensorProto.FLOAT, [2])],
                              [info("y", TensorProto.FLOAT, [2])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model.SerializeToString()


def test_all_unsupported_operators_at_once():
    with tempfile.TemporaryDirectory() as folder:
        model, out = pathlib.Path(folder) / "m.onnx", pathlib.Path(folder) / "m.occ"
        model.write_bytes(unsupported_model())
        ran = lib.Ran([lib.BUILD / "occamyc", model, "-o", out])
        assert ran.code == 65 and not out.exists(), ran.err
        problem = ran.problem()
        assert problem["code"] == "E_OP_UNSUPPORTED"
        for word in "first", "second", "third", "NoSuchThing", "StringNormalizer":
            assert word in ran.err, f"{word} is not named: {ran.err}"


lib.main(globals())
