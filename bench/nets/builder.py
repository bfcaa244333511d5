"""Graphs under construction, with seeded weights, named as PyTorch's exporter names them.

Weights are He-initialised for what they read, biases and BatchNormalization's scale, shift and
running statistics are live random numbers, and a residual branch ends small, so that outputs vary
with the input and neither vanish nor overflow at any depth. Same name and seed, same bytes.
Nodes are named by module path as PyTorch's exporter does; bench/eager.py reads the modules off.
"""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
RESIDUAL_GAIN = 0.4


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

    def constant(self, name, array):
        """A weight that nobody learns, shared by all that ask for the name."""
        if not any(w.name == name for w in self.weights):
            self.weights.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def normal(self, shape, reads, gain):
        weight = self.random.standard_normal(shape, np.float32)
        weight *= np.float32(np.sqrt(gain / reads))
        return weight

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
        weight = self.normal((out, reads, kernel, kernel), reads * kernel * kernel, gain)
        inputs = [x, self.param(self.full(name) + ".weight", weight)]
        if bias:
            inputs.append(self.param(self.full(name) + ".bias", self.uniform(-0.2, 0.2, out)))
        return self.node("Conv", name, inputs, out, kernel_shape=[kernel] * 2, strides=[stride] * 2,
                         pads=[pad] * 4, dilations=[1, 1], group=groups)

    def conv_transpose2(self, name, x, out):
        """Twice the height and width: each input pixel makes 2x2 of the output's."""
        reads, full = self.channels[x], self.full(name)
        inputs = [x, self.param(full + ".weight", self.normal((reads, out, 2, 2), reads, 2.0)),
                  self.param(full + ".bias", self.uniform(-0.2, 0.2, out))]
        return self.node("ConvTranspose", name, inputs, out, kernel_shape=[2, 2], strides=[2, 2],
                         pads=[0] * 4, dilations=[1, 1], group=1)

    def bn(self, name, x, gain=1.0, epsilon=1e-5):
        """gain: how large the result is; below 1 at the end of a residual branch."""
        count, full = self.channels[x], self.full(name)
        inputs = [x, self.param(full + ".weight", gain * self.uniform(0.8, 1.2, count)),
                  self.param(full + ".bias", gain * self.uniform(-0.2, 0.2, count)),
                  self.param(full + ".running_mean", self.uniform(-0.2, 0.2, count)),
                  self.param(full + ".running_var", self.uniform(0.7, 1.4, count))]
        return self.node("BatchNormalization", name, inputs, count, epsilon=epsilon, momentum=0.9)

    def relu(self, name, x):
        return self.node("Relu", name, [x], self.channels[x])

    def relu6(self, name, x):
        limits = self.constant("zero", np.float32(0)), self.constant("six", np.float32(6))
        return self.node("Clip", name, [x, *limits], self.channels[x])

    def leaky_relu(self, name, x):
        return self.node("LeakyRelu", name, [x], self.channels[x], alpha=0.1)

    def prelu(self, name, x):
        slope = self.param(self.full(name) + ".weight", self.uniform(0.1, 0.4, (1, 1, 1)))
        return self.node("PRelu", name, [x, slope], self.channels[x])

    def sigmoid(self, name, x):
        return self.node("Sigmoid", name, [x], self.channels[x])

    def silu(self, name, x):
        return self.node("Mul", name, [x, self.sigmoid(name, x)], self.channels[x])

    def maxpool(self, name, x, kernel, stride, pad=0, ceil=False):
        return self.node("MaxPool", name, [x], self.channels[x], kernel_shape=[kernel] * 2,
                         strides=[stride] * 2, pads=[pad] * 4, ceil_mode=int(ceil))

    def avgpool(self, name, x, kernel, stride):
        return self.node("AveragePool", name, [x], self.channels[x], kernel_shape=[kernel] * 2,
                         strides=[stride] * 2, pads=[0] * 4, ceil_mode=0, count_include_pad=1)

    def global_pool(self, name, x):
        return self.node("GlobalAveragePool", name, [x], self.channels[x])

    def mean_pool(self, x):
        """x.mean([2, 3])"""
        return self.node("ReduceMean", "", [x], self.channels[x], axes=[2, 3], keepdims=0)

    def add(self, a, b):
        return self.node("Add", "", [a, b], self.channels[a])

    def mul(self, a, b):
        return self.node("Mul", "", [a, b], self.channels[a])

    def concat(self, parts, axis=1):
        return self.node("Concat", "", parts, sum(self.channels[p] for p in parts), axis=axis)

    def split(self, x, sizes, channels):
        first = self.node("Split", "", [x, sizes], channels[0], axis=1)
        node = self.nodes[-1]
        names = [first, *(first[:-1] + str(k) for k in range(1, len(channels)))]
        node.output.extend(names[1:])
        self.channels.update(zip(names, channels))
        return names

    def pixel_shuffle(self, name, x):
        """Four channels make one of twice the height and width."""
        return self.node("DepthToSpace", name, [x], self.channels[x] // 4, blocksize=2, mode="CRD")

    def reshape(self, x, shape, channels):
        words = "shape_" + "_".join(str(extent) for extent in shape)
        target = self.constant(words, np.array(shape, np.int64))
        return self.node("Reshape", "", [x, target], channels)

    def transpose(self, x, perm, channels):
        return self.node("Transpose", "", [x], channels, perm=perm)

    def flatten(self, x, pixels=1):
        return self.node("Flatten", "", [x], self.channels[x] * pixels, axis=1)

    def fc(self, name, x, out):
        reads, full = self.channels[x], self.full(name)
        inputs = [x, self.param(full + ".weight", self.normal((out, reads), reads, 2.0)),
                  self.param(full + ".bias", self.uniform(-0.2, 0.2, out))]
        return self.node("Gemm", name, inputs, out, transB=1)

    def output(self, x, name):
        """Calls a result that nothing has read by its name for the caller."""
        node = next(n for n in self.nodes if x in n.output)
        node.output[list(node.output).index(x)] = name

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
    """A network from one 1x3x224x224 picture to 1000 classes: body(builder, x)."""
    return picture_to(name, body, seed, (1, 3, 224, 224), (1, 1000))


def picture_to(name, body, seed, reads, gives):
    """A network of one input and one output: body(builder, x) appends the nodes and returns it."""
    b = Builder(seed)
    b.output(body(b, b.input("input", reads)), "output")
    return b.model(name, {"input": reads}, {"output": gives})
