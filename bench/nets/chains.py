"""Networks that are one chain: AlexNet, VGG-19, YOLOv1."""
from .builder import classifier, picture_to


def head(b, x, pixels, activate):
    """The classifier of both, behind what a pool to the size that is already there becomes."""
    x = b.flatten(b.avgpool("avgpool", x, 1, 1), pixels)
    with b.scope("classifier"):
        for name, relu in activate:
            x = b.relu(relu, b.fc(name, x, 4096))
        return b.fc("6", x, 1000)


# AlexNet (Krizhevsky 2014, "one weird trick"): channels, kernel, stride, pad; P a pool.

ALEXNET = ((64, 11, 4, 2), "P", (192, 5, 1, 2), "P", (384, 3, 1, 1), (256, 3, 1, 1), (256, 3, 1, 1),
           "P")


def alexnet_body(b, x):
    index = 0
    with b.scope("features"):
        for layer in ALEXNET:
            if layer == "P":
                x = b.maxpool(str(index), x, 3, 2)
                index += 1
                continue
            x = b.conv(str(index), x, *layer, bias=True, gain=2.0 if index else 1.0)
            x = b.relu(str(index + 1), x)
            index += 2
    return head(b, x, 6 * 6, (("1", "2"), ("4", "5")))


def alexnet(seed):
    return classifier("alexnet", alexnet_body, seed)


# VGG-19 (Simonyan and Zisserman 2014): convolutions of a stage, each stage ended by a pool.

VGG19 = (64, 64), (128, 128), (256,) * 4, (512,) * 4, (512,) * 4


def vgg19_body(b, x):
    index = 0
    with b.scope("features"):
        for stage in VGG19:
            for out in stage:
                x = b.conv(str(index), x, out, 3, bias=True, gain=2.0 if index else 1.0)
                x = b.relu(str(index + 1), x)
                index += 2
            x = b.maxpool(str(index), x, 2, 2)
            index += 1
    return head(b, x, 7 * 7, (("0", "1"), ("3", "4")))


def vgg19(seed):
    return classifier("vgg19", vgg19_body, seed)


# YOLOv1 (Redmon et al. 2016), batch 2: channels and kernel of a convolution; P a pool, S a stride.

YOLOV1 = ((64, 7, "S"), "P", (192, 3), "P", (128, 1), (256, 3), (256, 1), (512, 3), "P",
          *((256, 1), (512, 3)) * 4, (512, 1), (1024, 3), "P", *((512, 1), (1024, 3)) * 2,
          (1024, 3), (1024, 3, "S"), (1024, 3), (1024, 3))


def yolov1_body(b, x):
    with b.scope("features"):
        for index, layer in enumerate(YOLOV1):
            if layer == "P":
                x = b.maxpool(str(index), x, 2, 2)
                continue
            with b.scope(str(index)):
                x = b.conv("0", x, *layer[:2], stride=1 + ("S" in layer), bias=True,
                           gain=1.98 if index else 1.0)
                x = b.leaky_relu("1", x)
    x = b.flatten(x, 7 * 7)
    with b.scope("classifier"):
        return b.fc("2", b.leaky_relu("1", b.fc("0", x, 496)), 1470)


def yolov1(seed):
    return picture_to("yolov1", yolov1_body, seed, (2, 3, 448, 448), (2, 1470))
