"""deploy/quickstart.sh on a machine where everything is installed: the text is read, the second
upload is a hit, the table and the picture are there; and again with a model of one's own."""
import pathlib
import re
import sys
import tempfile
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import lib

import models

OUT = lib.ROOT / "build" / "quickstart"


def quickstart(store, *words):
    (OUT / "plan.svg").unlink(missing_ok=True)
    ran = lib.Ran([lib.ROOT / "deploy" / "quickstart.sh", *words], {"OCCAMY_STORE": store}).ok()
    print(ran.out)
    assert xml.etree.ElementTree.parse(OUT / "plan.svg").getroot().tag.endswith("svg")
    return ran.out


def bytes_of(row, text):
    return int(re.search(rf"^ *{re.escape(row)} +(\d+)", text, re.M)[1])


def test_reads_the_text():
    peers = models.read_table("peers.tsv")["pp_ocrv4_rec"]
    with tempfile.TemporaryDirectory() as store:
        first = quickstart(store)
        assert "The model read:  Hello Occamy 2026\n" in first
        assert re.search(r"   miss, key [0-9a-f]{64}\n", first)
        assert re.search(r"   hit, answered in \d+\.\d\d ms", first)
        assert bytes_of("unfused eager live peak", first) == int(peers["eager"])
        assert bytes_of("ONNX Runtime's block, in and out", first) == int(peers["onnxruntime"])
        assert 0 < bytes_of("lower bound of this order", first) \
            <= bytes_of("planned activations (the arena)", first) <= int(peers["onnxruntime"])
        again = quickstart(store, "--text", "memory plan")
        assert "The model read:  memory plan\n" in again
        assert re.search(r"   hit, key [0-9a-f]{64}\n", again)


def test_own_model():
    peers = models.read_table("peers.tsv")["pp_ocr_cls"]
    with tempfile.TemporaryDirectory() as store:
        text = quickstart(store, "--model", models.path("pp_ocr_cls"), "--dims", "x:0=1,x:2=48",
                          "--dims", "x:3=192", "--target", "sm_75")
        assert bytes_of("weights", text) > 500000
        # Measured now, not read from the table.
        assert bytes_of("unfused eager live peak", text) == int(peers["eager"])
        assert "hit, answered in" in text
        assert "emulated" not in text or "emulated sm_75" in text


lib.main(globals())
