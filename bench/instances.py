"""Instances for occamy-plan: buffers with sizes and lives, as CSV (id,lower,upper,size).

dense:  a square of 2^20 steps x 2^20 bytes, cut by random guillotine and pinwheel cuts into a given
        number of buffers. Then buffers are dropped until a given fill of the area is left, never
        those that live at one chosen step: so the optimum stays 2^20.
sparse: sizes and lives log-uniform.
The same seed gives the same bytes on every machine.

    instances.py dense SEED BUFFERS FILL > FILE.csv
    instances.py sparse SEED BUFFERS > FILE.csv
"""
import math
import sys

SIDE = 1 << 20
PINWHEEL = 0.25  # of the cuts


class Draw:
    """Numbers that are the same everywhere (Knuth's MMIX generator)."""

    def __init__(self, seed):
        self.state = seed
        for _ in range(8):
            self.below(2)

    def below(self, n):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        return (self.state >> 33) * n >> 31

    def unit(self):
        return self.below(1 << 30) / (1 << 30)


def guillotine(box, draw):
    """Two boxes, cut along steps or along bytes; None where the box is too thin."""
    left, right, low, high = box
    if draw.below(2):
        if right - left < 2:
            return None
        at = left + 1 + draw.below(right - left - 1)
        return [(left, at, low, high), (at, right, low, high)]
    if high - low < 2:
        return None
    at = low + 1 + draw.below(high - low - 1)
    return [(left, right, low, at), (left, right, at, high)]


def pinwheel(box, draw):
    """Five boxes that no straight cut parts: four around one in the middle."""
    left, right, low, high = box
    if right - left < 3 or high - low < 3:
        return None
    a, b = sorted((left + 1 + draw.below(right - left - 1), left + 1 + draw.below(right - left - 1)))
    c, d = sorted((low + 1 + draw.below(high - low - 1), low + 1 + draw.below(high - low - 1)))
    if a == b or c == d:
        return None
    boxes = [(left, a, low, d), (a, right, low, c), (b, right, c, high), (left, b, d, high),
             (a, b, c, d)]
    if draw.below(2):  # the other way round
        boxes = [(left + right - r, left + right - l, x, y) for l, r, x, y in boxes]
    return boxes


def area(box):
    return (box[1] - box[0]) * (box[3] - box[2])


def pick(boxes, draw):
    """Index of a box, the larger the likelier."""
    at = draw.unit() * sum(map(area, boxes))
    for i, box in enumerate(boxes):
        at -= area(box)
        if at < 0:
            return i
    return len(boxes) - 1


def tiling(count, draw):
    boxes = [(0, SIDE, 0, SIDE)]
    while len(boxes) < count:
        i = pick(boxes, draw)
        spins = draw.unit() < PINWHEEL and len(boxes) + 4 <= count
        cut = (pinwheel if spins else guillotine)(boxes[i], draw)
        if cut:
            boxes[i:i + 1] = cut
    return boxes


def shuffled(items, draw):
    items = list(items)
    for i in range(len(items) - 1, 0, -1):
        k = draw.below(i + 1)
        items[i], items[k] = items[k], items[i]
    return items


def dense(seed, count, fill):
    draw = Draw(seed)
    boxes = tiling(count, draw)
    full = draw.below(SIDE)  # the step that stays full
    left, keep = SIDE * SIDE, []
    for box in shuffled(boxes, draw):
        if left > fill * SIDE * SIDE and not box[0] <= full < box[1]:
            left -= area(box)
        else:
            keep.append(box)
    return [(left, right, high - low) for left, right, low, high in shuffled(keep, draw)]


def sparse(seed, count):
    draw = Draw(seed)
    steps = count
    buffers = []
    for _ in range(count):
        lower = draw.below(steps)
        length = int(math.exp(draw.unit() * math.log(steps / 10)))
        size = int(math.exp(draw.unit() * math.log(SIDE)))
        buffers.append((lower, min(lower + length, steps), size))
    return buffers


def csv(buffers):
    rows = [f"{i},{lower},{upper},{size}" for i, (lower, upper, size) in enumerate(buffers)]
    return "\n".join(["id,lower,upper,size", *rows]) + "\n"


def main(args):
    if len(args) == 4 and args[0] == "dense":
        buffers = dense(int(args[1]), int(args[2]), float(args[3]))
    elif len(args) == 3 and args[0] == "sparse":
        buffers = sparse(int(args[1]), int(args[2]))
    else:
        sys.exit(__doc__)
    sys.stdout.write(csv(buffers))


if __name__ == "__main__":
    main(sys.argv[1:])
