"""Writes a network of bench/networks.tsv as ONNX, as torchvision defines it, with seeded weights.

    python3 bench/networks.py NAME OUT.onnx [--seed N]

Weights are He-initialised for what they read, biases and BatchNormalization's scale, shift and
running statistics are live random numbers, and a residual branch ends small, so that outputs vary
with the input and neither vanish nor overflow at any depth. Same name and seed, same bytes.
Nodes are named by module path as PyTorch's exporter does; bench/eager.py reads the modules off.
"""
import argparse
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17


class Builder:
    """A graph under construction: every layer takes value names and returns the name of its result.

    A layer's first argument is its module path below the current scope, as in a state_dict."""

    def __init__(self, seed):
        self.random = np.random.Generator(np.random.PCG64(seed))
        self.nodes, self.weights, self.channels = [], [], {}
        self.path, self.titles = [], {}

    def scope(self, name):
        return Scope(self, name)

    def full(self, name):
        return ".".join([*self.path, name] if name else self.path)

    def input(self, name, shape):
        self.channels[name] = shape[1]
        return name

    def param(self, name, array):
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(array, np.float32), name))
        return name

    def uniform(self, low, high, count):
        return self.random.uniform(low, high, count)

    def modules(self, name):
        """layer1.0.conv1 -> layer1/layer1.0/conv1: a numbered module carries its parent's name."""
        modules = []
        for part in filter(None, self.full(name).split(".")):
            modules.append(f"{modules[-1]}.{part}" if part.isdigit() else part)
        return "/".join(modules)

    def node(self, op, name, inputs, channels, **attributes):
        title = f"/{self.modules(name)}/{op}"
        count = self.titles[title] = self.titles.get(title, -1) + 1
        title += f"_{count}" if count else ""
        out = f"{title}_output_0"
        self.nodes.append(helper.make_node(op, inputs, [out], name=title, **attributes))
        self.channels[out] = channels
        return out

    def conv(self, name, x, out, kernel, stride=1, pad=None, groups=1, bias=False, gain=2.0):
        """gain: 2 where x is rectified (half of its energy is gone), 1 where it is not."""
        reads = self.channels[x] // groups
        pad = kernel // 2 if pad is None else pad
        weight = self.random.standard_normal((out, reads, kernel, kernel), np.float32)
        weight *= np.float32(np.sqrt(gain / (reads * kernel * kernel)))
        inputs = [x, self.param(self.full(name) + ".weight", weight)]
        if bias:
            inputs.append(self.param(self.full(name) + ".bias", self.uniform(-0.2, 0.2, out)))
        return self.node("Conv", name, inputs, out, kernel_shape=[kernel] * 2, strides=[stride] * 2,
                         pads=[pad] * 4, dilations=[1, 1], group=groups)

    def bn(self, name, x, gain=1.0):
        """gain: how large the result is; below 1 at the end of a residual branch."""
        count, full = self.channels[x], self.full(name)
        inputs = [x, self.param(full + ".weight", gain * self.uniform(0.8, 1.2, count)),
                  self.param(full + ".bias", gain * self.uniform(-0.2, 0.2, count)),
                  self.param(full + ".running_mean", self.uniform(-0.2, 0.2, count)),
                  self.param(full + ".running_var", self.uniform(0.7, 1.4, count))]
        return self.node("BatchNormalization", name, inputs, count, epsilon=1e-5, momentum=0.9)

    def relu(self, name, x):
        return self.node("Relu", name, [x], self.channels[x])

    def relu6(self, name, x):
        for limit, value in ("zero", 0.0), ("six", 6.0):
            if not any(w.name == limit for w in self.weights):
                self.weights.append(numpy_helper.from_array(np.float32(value), limit))
        return self.node("Clip", name, [x, "zero", "six"], self.channels[x])

    def maxpool(self, name, x, kernel, stride, pad=0, ceil=False):
        return self.node("MaxPool", name, [x], self.channels[x], kernel_shape=[kernel] * 2,
                         strides=[stride] * 2, pads=[pad] * 4, ceil_mode=int(ceil))

    def global_pool(self, name, x):
        return self.node("GlobalAveragePool", name, [x], self.channels[x])

    def add(self, a, b):
        return self.node("Add", "", [a, b], self.channels[a])

    def concat(self, parts):
        return self.node("Concat", "", parts, sum(self.channels[p] for p in parts), axis=1)

    def flatten(self, x):
        return self.node("Flatten", "", [x], self.channels[x], axis=1)

    def fc(self, name, x, out):
        reads, full = self.channels[x], self.full(name)
        weight = self.random.standard_normal((out, reads), np.float32)
        weight *= np.float32(np.sqrt(2.0 / reads))
        inputs = [x, self.param(full + ".weight", weight),
                  self.param(full + ".bias", self.uniform(-0.2, 0.2, out))]
        return self.node("Gemm", name, inputs, out, transB=1)

    def model(self, name, inputs, outputs):
        """inputs, outputs: {name: shape}."""
        value = helper.make_tensor_value_info
        graph = helper.make_graph(
            self.nodes, name,
            [value(n, TensorProto.FLOAT, s) for n, s in inputs.items()],
            [value(n, TensorProto.FLOAT, s) for n, s in outputs.items()], self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)],
                                  producer_name="bench/networks.py")
        model.ir_version = 8
        onnx.checker.check_model(model)
        return model


class Scope:
    """with b.scope("layer1"): ... names what is built inside layer1.*"""

    def __init__(self, builder, name):
        self.builder, self.name = builder, name

    def __enter__(self):
        self.builder.path.append(self.name)

    def __exit__(self, *_):
        self.builder.path.pop()


def classifier(name, body, seed):
    """A network from one 1x3x224x224 picture to 1000 classes: body(builder, x)
    appends the nodes, the last of which gives the output."""
    b = Builder(seed)
    body(b, b.input("input", (1, 3, 224, 224)))
    b.nodes[-1].output[0] = "output"
    return b.model(name, {"input": (1, 3, 224, 224)}, {"output": (1, 1000)})


# ResNet-18 and -50 (He et al. 2016; the stride is in the 3x3 convolution, as in torchvision).

RESIDUAL_GAIN = 0.4


def shortcut(b, x, out, stride):
    if b.channels[x] == out and stride == 1:
        return x
    with b.scope("downsample"):
        return b.bn("1", b.conv("0", x, out, 1, stride, gain=1.0))


def basic_block(b, x, width, stride):
    y = b.relu("relu", b.bn("bn1", b.conv("conv1", x, width, 3, stride)))
    y = b.bn("bn2", b.conv("conv2", y, width, 3), RESIDUAL_GAIN)
    return b.relu("relu", b.add(y, shortcut(b, x, width, stride)))


def bottleneck(b, x, width, stride):
    y = b.relu("relu", b.bn("bn1", b.conv("conv1", x, width, 1)))
    y = b.relu("relu", b.bn("bn2", b.conv("conv2", y, width, 3, stride)))
    y = b.bn("bn3", b.conv("conv3", y, 4 * width, 1), RESIDUAL_GAIN)
    return b.relu("relu", b.add(y, shortcut(b, x, 4 * width, stride)))


def resnet(b, x, block, counts):
    x = b.relu("relu", b.bn("bn1", b.conv("conv1", x, 64, 7, 2, gain=1.0)))
    x = b.maxpool("maxpool", x, 3, 2, 1)
    for stage, count in enumerate(counts):
        with b.scope(f"layer{stage + 1}"):
            for i in range(count):
                with b.scope(str(i)):
                    x = block(b, x, 64 << stage, 2 if i == 0 and stage > 0 else 1)
    return b.fc("fc", b.flatten(b.global_pool("avgpool", x)), 1000)


def resnet18(seed):
    return classifier("resnet18", lambda b, x: resnet(b, x, basic_block, (2, 2, 2, 2)), seed)


def resnet50(seed):
    return classifier("resnet50", lambda b, x: resnet(b, x, bottleneck, (3, 4, 6, 3)), seed)


# MobileNetV2 (Sandler et al. 2018): rows of expansion, channels, count, first stride.

INVERTED_RESIDUALS = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
                      (6, 160, 3, 2), (6, 320, 1, 1))


def conv_bn_relu6(b, name, x, out, kernel, stride=1, groups=1, gain=2.0):
    with b.scope(name):
        return b.relu6("2", b.bn("1", b.conv("0", x, out, kernel, stride, groups=groups, gain=gain)))


def inverted_residual(b, x, expansion, out, stride):
    y, reads, layer = x, b.channels[x], 0
    with b.scope("conv"):
        if expansion != 1:
            y = conv_bn_relu6(b, "0", y, reads * expansion, 1, gain=1.0)
            layer = 1
        y = conv_bn_relu6(b, str(layer), y, b.channels[y], 3, stride, b.channels[y])
        y = b.conv(str(layer + 1), y, out, 1)
        y = b.bn(str(layer + 2), y, RESIDUAL_GAIN if stride == 1 and reads == out else 1.0)
    return b.add(x, y) if stride == 1 and reads == out else y


def mobilenet_v2_body(b, x):
    with b.scope("features"):
        x = conv_bn_relu6(b, "0", x, 32, 3, 2, gain=1.0)
        index = 1
        for expansion, out, count, stride in INVERTED_RESIDUALS:
            for i in range(count):
                with b.scope(str(index)):
                    x = inverted_residual(b, x, expansion, out, stride if i == 0 else 1)
                index += 1
        x = conv_bn_relu6(b, str(index), x, 1280, 1, gain=1.0)
    return b.fc("classifier.1", b.flatten(b.global_pool("", x)), 1000)


def mobilenet_v2(seed):
    return classifier("mobilenet_v2", mobilenet_v2_body, seed)


# SqueezeNet 1.1 (Iandola et al. 2016): a number is squeeze / 16, P a pool.

FIRES = (1, 1, "P", 2, 2, "P", 3, 3, 4, 4)


def fire(b, x, squeeze):
    s = b.relu("squeeze_activation", b.conv("squeeze", x, squeeze, 1, bias=True))
    one = b.relu("expand1x1_activation", b.conv("expand1x1", s, 4 * squeeze, 1, bias=True))
    three = b.relu("expand3x3_activation", b.conv("expand3x3", s, 4 * squeeze, 3, bias=True))
    return b.concat([one, three])


def squeezenet1_1_body(b, x):
    with b.scope("features"):
        x = b.relu("1", b.conv("0", x, 64, 3, 2, 0, bias=True, gain=1.0))
        x = b.maxpool("2", x, 3, 2, ceil=True)
        for index, kind in enumerate(FIRES, 3):
            if kind == "P":
                x = b.maxpool(str(index), x, 3, 2, ceil=True)
                continue
            with b.scope(str(index)):
                x = fire(b, x, 16 * kind)
    with b.scope("classifier"):
        x = b.relu("2", b.conv("1", x, 1000, 1, bias=True))
        x = b.global_pool("3", x)
    return b.flatten(x)


def squeezenet1_1(seed):
    return classifier("squeezenet1_1", squeezenet1_1_body, seed)


NETWORKS = {f.__name__: f for f in (mobilenet_v2, resnet18, resnet50, squeezenet1_1)}


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
