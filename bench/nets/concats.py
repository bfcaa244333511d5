"""Networks of Concats: SqueezeNet 1.1, GoogLeNet, DenseNet-121, U-Net."""
from .builder import classifier, picture_to

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


# GoogLeNet (Szegedy et al. 2014, as torchvision has it: with BatchNormalization, a 3x3 convolution
# where the paper has 5x5, no auxiliary classifiers). 1x1, 3x3 with its reduction, "5x5" with its
# reduction, pool projection; P a pool and its kernel.

INCEPTIONS = (("3a", 64, 96, 128, 16, 32, 32), ("3b", 128, 128, 192, 32, 96, 64), ("P", 3),
              ("4a", 192, 96, 208, 16, 48, 64), ("4b", 160, 112, 224, 24, 64, 64),
              ("4c", 128, 128, 256, 24, 64, 64), ("4d", 112, 144, 288, 32, 64, 64),
              ("4e", 256, 160, 320, 32, 128, 128), ("P", 2),
              ("5a", 256, 160, 320, 32, 128, 128), ("5b", 384, 192, 384, 48, 128, 128))


def basic_conv(b, name, x, out, kernel, stride=1, gain=2.0):
    with b.scope(name):
        x = b.conv("conv", x, out, kernel, stride, gain=gain)
        return b.relu("", b.bn("bn", x, epsilon=1e-3))


def inception(b, x, one, reduce3, three, reduce5, five, pooled):
    return b.concat([
        basic_conv(b, "branch1", x, one, 1),
        basic_conv(b, "branch2.1", basic_conv(b, "branch2.0", x, reduce3, 1), three, 3),
        basic_conv(b, "branch3.1", basic_conv(b, "branch3.0", x, reduce5, 1), five, 3),
        basic_conv(b, "branch4.1", b.maxpool("branch4.0", x, 3, 1, 1, ceil=True), pooled, 1)])


def googlenet_body(b, x):
    x = b.maxpool("maxpool1", basic_conv(b, "conv1", x, 64, 7, 2, gain=1.0), 3, 2, ceil=True)
    x = basic_conv(b, "conv3", basic_conv(b, "conv2", x, 64, 1), 192, 3)
    x = b.maxpool("maxpool2", x, 3, 2, ceil=True)
    for name, *widths in INCEPTIONS:
        if name == "P":
            x = b.maxpool(f"maxpool{widths[0]}", x, widths[0], 2, ceil=True)
            continue
        with b.scope(f"inception{name}"):
            x = inception(b, x, *widths)
    return b.fc("fc", b.flatten(b.global_pool("avgpool", x)), 1000)


def googlenet(seed):
    return classifier("googlenet", googlenet_body, seed)


# DenseNet-121 (Huang et al. 2017): layers per block; a layer reads all before it, adds 32 channels.

DENSE_BLOCKS, GROWTH = (6, 12, 24, 16), 32


def dense_layer(b, parts):
    x = b.concat(parts) if len(parts) > 1 else parts[0]
    x = b.conv("conv1", b.relu("relu1", b.bn("norm1", x)), 4 * GROWTH, 1)
    return b.conv("conv2", b.relu("relu2", b.bn("norm2", x)), GROWTH, 3)


def dense_block(b, x, count):
    parts = [x]
    for layer in range(1, count + 1):
        with b.scope(f"denselayer{layer}"):
            parts.append(dense_layer(b, parts))
    return b.concat(parts)


def transition(b, x):
    x = b.conv("conv", b.relu("relu", b.bn("norm", x)), b.channels[x] // 2, 1)
    return b.avgpool("pool", x, 2, 2)


def densenet121_body(b, x):
    with b.scope("features"):
        x = b.relu("relu0", b.bn("norm0", b.conv("conv0", x, 64, 7, 2, gain=1.0)))
        x = b.maxpool("pool0", x, 3, 2, 1)
        for index, count in enumerate(DENSE_BLOCKS, 1):
            with b.scope(f"denseblock{index}"):
                x = dense_block(b, x, count)
            if index < len(DENSE_BLOCKS):
                with b.scope(f"transition{index}"):
                    x = transition(b, x)
        x = b.bn("norm5", x)
    x = b.flatten(b.global_pool("", b.relu("", x)))
    return b.fc("classifier", x, 1000)


def densenet121(seed):
    return classifier("densenet121", densenet121_body, seed)


# U-Net (Ronneberger et al. 2015) with padded convolutions, 256x256, two classes.

UNET_WIDTHS = 64, 128, 256, 512, 1024


def double_conv(b, name, x, out, gain=2.0):
    with b.scope(name):
        x = b.relu("1", b.conv("0", x, out, 3, bias=True, gain=gain))
        return b.relu("3", b.conv("2", x, out, 3, bias=True))


def unet_body(b, x):
    skips = []
    for level, width in enumerate(UNET_WIDTHS):
        x = b.maxpool(f"pool{level}", x, 2, 2) if level else x
        x = double_conv(b, f"down{level}", x, width, 2.0 if level else 1.0)
        skips.append(x)
    skips.pop()
    while skips:
        level = len(skips) - 1
        x = b.conv_transpose2(f"up{level}", x, UNET_WIDTHS[level])
        x = double_conv(b, f"merge{level}", b.concat([skips.pop(), x]), UNET_WIDTHS[level])
    return b.conv("out", x, 2, 1, bias=True, gain=1.0)


def unet_256(seed):
    return picture_to("unet_256", unet_body, seed, (1, 3, 256, 256), (1, 2, 256, 256))
