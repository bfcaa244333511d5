"""Networks of residual blocks: ResNet-18 and -50, SSD300 on ResNet-50, SRGAN's generator."""
from .builder import RESIDUAL_GAIN, Builder, classifier, picture_to

# ResNet-18 and -50 (He et al. 2016; the stride is in the 3x3 convolution, as in torchvision).

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


def stages(b, x, block, counts, strides=(1, 2, 2, 2)):
    x = b.relu("relu", b.bn("bn1", b.conv("conv1", x, 64, 7, 2, gain=1.0)))
    x = b.maxpool("maxpool", x, 3, 2, 1)
    for stage, count in enumerate(counts):
        with b.scope(f"layer{stage + 1}"):
            for i in range(count):
                with b.scope(str(i)):
                    x = block(b, x, 64 << stage, 1 if i else strides[stage])
    return x


def resnet(b, x, block, counts):
    x = stages(b, x, block, counts)
    return b.fc("fc", b.flatten(b.global_pool("avgpool", x)), 1000)


def resnet18(seed):
    return classifier("resnet18", lambda b, x: resnet(b, x, basic_block, (2, 2, 2, 2)), seed)


def resnet50(seed):
    return classifier("resnet50", lambda b, x: resnet(b, x, bottleneck, (3, 4, 6, 3)), seed)


# SSD300 (Liu et al. 2016) on ResNet-50 up to conv4, whose stride is 1, batch 3. Five extra pairs of
# convolutions (inner channels, channels, stride of the 3x3 one, its pad) and six heads (default boxes
# per pixel); maps of 38, 19, 10, 5, 3, 1 pixels a side. Boxes and scores as they come, no NMS.

SSD_EXTRA = (256, 512, 2, 1), (256, 512, 2, 1), (128, 256, 2, 1), (128, 256, 1, 0), (128, 256, 1, 0)
SSD_BOXES = 4, 6, 6, 6, 4, 4
SSD_CLASSES = 81


def ssd_maps(b, x):
    with b.scope("feature_extractor"):
        maps = [stages(b, x, bottleneck, (3, 4, 6), strides=(1, 2, 1))]
    for index, (inner, out, stride, pad) in enumerate(SSD_EXTRA):
        with b.scope(f"additional_blocks.{index}"):
            y = b.relu("2", b.bn("1", b.conv("0", maps[-1], inner, 1)))
            y = b.conv("3", y, out, 3, stride, pad)
            maps.append(b.relu("5", b.bn("4", y)))
    return maps


def ssd_head(b, name, maps, per_box):
    parts = []
    for index, (x, boxes) in enumerate(zip(maps, SSD_BOXES)):
        y = b.conv(f"{name}.{index}", x, boxes * per_box, 3, bias=True, gain=1.0)
        parts.append(b.reshape(y, (3, per_box, -1), per_box))
    return b.concat(parts, axis=2)


def ssd300_r50(seed):
    b, shape = Builder(seed), (3, 3, 300, 300)
    maps = ssd_maps(b, b.input("input", shape))
    b.output(ssd_head(b, "loc", maps, 4), "boxes")
    b.output(ssd_head(b, "conf", maps, SSD_CLASSES), "scores")
    return b.model("ssd300_r50", {"input": shape},
                   {"boxes": (3, 4, 8732), "scores": (3, SSD_CLASSES, 8732)})


# SRGAN's generator x4, SRResNet (Ledig et al. 2017).

SRGAN_BLOCKS = 16


def srgan_block(b, x):
    y = b.prelu("prelu", b.bn("bn1", b.conv("conv1", x, 64, 3)))
    return b.add(x, b.bn("bn2", b.conv("conv2", y, 64, 3), RESIDUAL_GAIN))


def upsample(b, x):
    x = b.conv("conv", x, 256, 3, bias=True, gain=1.0)
    return b.prelu("prelu", b.pixel_shuffle("pixel_shuffle", x))


def srgan_body(b, x):
    first = x = b.prelu("prelu", b.conv("conv1", x, 64, 9, bias=True, gain=1.0))
    for index in range(SRGAN_BLOCKS):
        with b.scope(f"blocks.{index}"):
            x = srgan_block(b, x)
    x = b.add(first, b.bn("bn2", b.conv("conv2", x, 64, 3)))
    for index in range(2):
        with b.scope(f"upsample.{index}"):
            x = upsample(b, x)
    return b.conv("conv3", x, 3, 9, bias=True, gain=1.0)


def srgan(seed, height=678, width=1020):
    return picture_to("srgan", srgan_body, seed, (1, 3, height, width),
                      (1, 3, 4 * height, 4 * width))


def srgan_96(seed):
    return srgan(seed, 96, 96)
