"""Measures the peers on every model of bench/models.py and writes bench/peers.tsv.

    python3 bench/peers.py
"""
import onnx

import models
from eager import bind_dims, eager_peak
from ort_memory import ort_bytes

COMMENT = """Bytes of activations, fp32, batch as in networks.tsv, graph input and output included, weights apart.
onnxruntime: memory-pattern block + input + output, ONNX Runtime 1.32 on a CPU (bench/ort_memory.py).
eager: live peak of an unfused eager run, simulated (bench/eager.py). Written by bench/peers.py."""


def row(name):
    path, dims = models.path(name), models.dims(name)
    return (name, ort_bytes(path, dims), eager_peak(bind_dims(onnx.load(path), dims)))


if __name__ == "__main__":
    models.write_table("peers.tsv", COMMENT, ("model", "onnxruntime", "eager"),
                       [row(name) for name in models.ALL])
