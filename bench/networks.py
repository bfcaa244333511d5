"""Writes a network of bench/networks.tsv as ONNX, as torchvision defines it, with seeded weights.

    python3 bench/networks.py NAME OUT.onnx [--seed N]

srgan_96 is srgan for a picture of 96x96. nets/builder.py says how weights are made.
"""
import argparse
import pathlib

import numpy as np

from nets import chains, concats, mobile, residual, transformers

NETWORKS = {f.__name__: f for f in (
    mobile.mobilenet_v2, residual.resnet18, residual.resnet50, concats.squeezenet1_1,
    chains.alexnet, chains.vgg19, mobile.shufflenet_v2_x1_0, mobile.efficientnet_b0,
    concats.googlenet, concats.densenet121, concats.unet_256, transformers.bert_small_512,
    residual.srgan, residual.srgan_96, residual.ssd300_r50, chains.yolov1)}


def learnable_parameters(model):
    """How many numbers a training would change: running statistics and Clip's limits are not."""
    return sum(int(np.prod(w.dims)) for w in model.graph.initializer
               if w.name.endswith((".weight", ".bias")))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=sorted(NETWORKS))
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.out.write_bytes(NETWORKS[options.name](options.seed).SerializeToString())


if __name__ == "__main__":
    main()
