"""Each pass begun from its predecessor's dump gives the same text as the passes run in a row: nothing that a pass
leaves behind is lost in the text. On a real export (the PP-OCR classifier) and two networks."""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
import lib

PASSES = ["infer", "fuse", "layout", "order", "alias", "live", "plan"]


def dump(model, last, *words):
    command = [lib.RELEASE / "occamyc", model, "-d", last, *words]
    ran = subprocess.run(command, capture_output=True)
    if ran.returncode != 0:
        raise AssertionError(f"{command}: exit {ran.returncode}\n{ran.stderr.decode()}")
    return ran.stdout


def check_stages(model, *words):
    """From text on: a constant of more than 64 elements is another one after reading, and folding shows it."""
    with tempfile.TemporaryDirectory() as folder:
        base, stage = Path(folder) / "base.ir", Path(folder) / "stage.ir"
        base.write_bytes(dump(model, "infer", *words))
        text = dump(base, "infer")
        assert text == base.read_bytes(), "infer: reading and printing changed the text"
        for last in PASSES[1:]:
            stage.write_bytes(text)
            chained, text = dump(stage, last, "--from", last), dump(base, last)
            assert chained == text, f"{last}: from the dump before it, something else comes out"
        assert b"\nplan arena=" in text and b" slot=" in text and b" blocked" in text


def check_network(name):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.onnx"
        subprocess.run([sys.executable, lib.ROOT / "bench" / "networks.py", name, path], check=True)
        check_stages(path)


def test_concats():
    check_network("squeezenet1_1")


def test_residuals():
    check_network("mobilenet_v2")


def test_real_export():
    folder = os.environ.get("MODELS")
    found = sorted(Path(folder).glob("**/*cls_infer.onnx")) if folder else []
    if not found:
        lib.skip("no PP-OCR models: MODELS is not set")
    check_stages(found[0], "--dims", "*=1,x:2=48,x:3=192")


if __name__ == "__main__":
    lib.main(globals())
