"""Networks for phones: MobileNetV2, ShuffleNetV2 x1.0, EfficientNet-B0."""
import numpy as np

from .builder import RESIDUAL_GAIN, classifier

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


# ShuffleNetV2 x1.0 (Ma et al. 2018): rows of channels and count; each stage begins with stride 2.

SHUFFLE_STAGES = (116, 4), (232, 8), (464, 4)


def channel_split(b, x):
    half = b.channels[x] // 2
    sizes = b.constant(f"split_{half}", np.array([half, half], np.int64))
    return b.split(x, sizes, (half, half))


def channel_shuffle(b, x, pixels):
    count = b.channels[x]
    x = b.reshape(x, (1, 2, count // 2, pixels, pixels), 2)
    x = b.transpose(x, [0, 2, 1, 3, 4], count // 2)
    return b.reshape(x, (1, count, pixels, pixels), count)


def shuffle_tail(b, x, width, stride, first):
    """Depthwise, then 1x1: how either branch ends; first: the index of its modules."""
    x = b.conv(str(first), x, b.channels[x], 3, stride, groups=b.channels[x], gain=1.0)
    x = b.bn(str(first + 1), x)
    x = b.bn(str(first + 3), b.conv(str(first + 2), x, width, 1))
    return b.relu(str(first + 4), x)


def shuffle_unit(b, x, width, stride, pixels):
    kept, x = channel_split(b, x) if stride == 1 else (x, x)
    if stride == 2:
        with b.scope("branch1"):
            kept = shuffle_tail(b, kept, width // 2, 2, 0)
    with b.scope("branch2"):
        x = b.relu("2", b.bn("1", b.conv("0", x, width // 2, 1)))
        x = shuffle_tail(b, x, width // 2, stride, 3)
    return channel_shuffle(b, b.concat([kept, x]), pixels)


def shufflenet_body(b, x):
    with b.scope("conv1"):
        x = b.relu("2", b.bn("1", b.conv("0", x, 24, 3, 2, gain=1.0)))
    x = b.maxpool("maxpool", x, 3, 2, 1)
    for stage, (width, count) in enumerate(SHUFFLE_STAGES, 2):
        with b.scope(f"stage{stage}"):
            for i in range(count):
                with b.scope(str(i)):
                    x = shuffle_unit(b, x, width, 1 if i else 2, 112 >> stage)
    with b.scope("conv5"):
        x = b.relu("2", b.bn("1", b.conv("0", x, 1024, 1)))
    return b.fc("fc", b.mean_pool(x), 1000)


def shufflenet_v2_x1_0(seed):
    return classifier("shufflenet_v2_x1_0", shufflenet_body, seed)


# EfficientNet-B0 (Tan and Le 2019): rows of expansion, kernel, first stride, channels, count.

MBCONVS = ((1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3),
           (6, 5, 2, 192, 4), (6, 3, 1, 320, 1))


def conv_bn_silu(b, name, x, out, kernel, stride=1, groups=1, gain=2.8):
    with b.scope(name):
        return b.silu("2", b.bn("1", b.conv("0", x, out, kernel, stride, groups=groups, gain=gain)))


def squeeze_excite(b, x, squeeze):
    s = b.global_pool("avgpool", x)
    s = b.silu("activation", b.conv("fc1", s, squeeze, 1, bias=True))
    s = b.sigmoid("scale_activation", b.conv("fc2", s, b.channels[x], 1, bias=True))
    return b.mul(s, x)


def mbconv(b, x, expansion, kernel, stride, out):
    y, reads, layer = x, b.channels[x], 0
    with b.scope("block"):
        if expansion != 1:
            y = conv_bn_silu(b, "0", y, reads * expansion, 1, gain=1.0)
            layer = 1
        y = conv_bn_silu(b, str(layer), y, b.channels[y], kernel, stride, b.channels[y])
        with b.scope(str(layer + 1)):
            y = squeeze_excite(b, y, reads // 4)
        adds = stride == 1 and reads == out
        with b.scope(str(layer + 2)):
            y = b.bn("1", b.conv("0", y, out, 1, gain=7.5), RESIDUAL_GAIN if adds else 1.0)
    return b.add(y, x) if adds else y


def efficientnet_b0_body(b, x):
    with b.scope("features"):
        x = conv_bn_silu(b, "0", x, 32, 3, 2, gain=1.0)
        for stage, (expansion, kernel, stride, out, count) in enumerate(MBCONVS, 1):
            for i in range(count):
                with b.scope(f"{stage}.{i}"):
                    x = mbconv(b, x, expansion, kernel, 1 if i else stride, out)
        x = conv_bn_silu(b, str(len(MBCONVS) + 1), x, 1280, 1, gain=1.0)
    return b.fc("classifier.1", b.flatten(b.global_pool("avgpool", x)), 1000)


def efficientnet_b0(seed):
    return classifier("efficientnet_b0", efficientnet_b0_body, seed)
