"""The models that Occamy is measured on: where they come from and what their inputs are bound to.

A model is either one of bench/networks.py or a file of a pretrained set in the folder MODELS
(tests/run.sh and deploy/quickstart.sh put the OCR models of a PyPI wheel there)."""
import collections
import csv
import os
import pathlib

import networks

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODELS = pathlib.Path(os.environ.get("MODELS", ROOT / "build" / "models"))

Model = collections.namedtuple("Model", "name file dims")

PRETRAINED = (
    Model("pp_ocrv4_rec", "ch_PP-OCRv4_rec_infer.onnx", "x:0=1,x:2=48,x:3=320"),
    Model("pp_ocrv4_det", "ch_PP-OCRv4_det_infer.onnx", "x:0=1,x:2=320,x:3=320"),
    Model("pp_ocr_cls", "ch_ppocr_mobile_v2.0_cls_infer.onnx", "x:0=1,x:2=48,x:3=192"),
)
TOO_BIG_TO_RUN = ("srgan",)  # compiled only; what runs is srgan_96
BUILT = tuple(Model(name, f"{name}.onnx", "") for name in networks.NETWORKS
              if name not in TOO_BIG_TO_RUN)
ALL = {model.name: model for model in PRETRAINED + BUILT}
# These have too many weights or multiplications to be tested at every commit.
SLOW = "alexnet", "vgg19", "unet_256", "ssd300_r50", "yolov1"
QUICK = tuple(name for name in ALL if name not in SLOW)


def path(name):
    """The model's file; a network of bench/networks.py is written first where it is not current."""
    file = MODELS / ALL[name].file
    sources = [pathlib.Path(networks.__file__), *(ROOT / "bench" / "nets").glob("*.py")]
    changed = max(source.stat().st_mtime for source in sources)
    if name in networks.NETWORKS and not (file.exists() and file.stat().st_mtime > changed):
        MODELS.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(f".{os.getpid()}")
        part.write_bytes(networks.NETWORKS[name](0).SerializeToString())
        part.rename(file)
    return file


def dims(name):
    """--dims words."""
    return [ALL[name].dims] if ALL[name].dims else []


def read_table(file, key="model"):
    """A table of bench/ as {key: {column: text}}, the first row of a key; # begins a comment."""
    with open(ROOT / "bench" / file, encoding="utf-8") as text:
        rows = csv.DictReader((line for line in text if not line.startswith("#")), delimiter="\t")
        table = {}
        for row in rows:
            table.setdefault(row[key], row)
        return table


def write_table(file, comment, columns, rows):
    with open(ROOT / "bench" / file, "w", encoding="utf-8") as out:
        out.write("".join(f"# {line}\n" for line in comment.splitlines()))
        for row in [columns, *rows]:
            out.write("\t".join(str(cell) for cell in row) + "\n")
