"""A line of text to a picture, as the PP-OCR recogniser wants it, and its answer back to text.

    python3 bench/ocr.py render TEXT OUT.npy [--picture OUT.png]
    python3 bench/ocr.py decode OUTPUT.npy CHARACTERS.txt

Preparation is PaddleOCR's: height 48 with the aspect kept, (x/255 - 0.5)/0.5 in B, G, R planes,
padded with zeros to 320 columns. The answer is a softmax over classes per column: class 0 is CTC's
blank, class n the n-th line of the model's metadata `character`, and the last one a space.
"""
import argparse
import pathlib

import numpy as np

HEIGHT, WIDTH = 48, 320
FONTS = ("/usr/share/fonts/truetype/dejavu/DejaVuSerif.ttf", "DejaVuSerif.ttf")
MARGIN = 8  # of letters 64 high


def render(text):
    """Black on white, 8-bit RGB, at the recogniser's height."""
    from PIL import Image, ImageDraw, ImageFont

    for name in FONTS:
        try:
            font = ImageFont.truetype(name, 64)
            break
        except OSError:
            continue
    else:
        raise SystemExit("no DejaVu Serif (Debian: fonts-dejavu-core)")
    left, top, right, bottom = font.getbbox(text)
    picture = Image.new("RGB", (right - left + 2 * MARGIN, bottom - top + 2 * MARGIN), "white")
    ImageDraw.Draw(picture).text((MARGIN - left, MARGIN - top), text, font=font, fill="black")
    width = min(WIDTH, max(1, round(picture.width * HEIGHT / picture.height)))
    return picture.resize((width, HEIGHT), Image.Resampling.BILINEAR)


def prepare(picture):
    """The model's input, 1x3x48x320 float32."""
    pixels = np.asarray(picture, np.float32)[:, :, ::-1].transpose(2, 0, 1)
    out = np.zeros((1, 3, HEIGHT, WIDTH), np.float32)
    out[0, :, :, :pixels.shape[2]] = (pixels / 255 - np.float32(0.5)) / np.float32(0.5)
    return out


def decode(scores, characters):
    """CTC, greedy: repeats are one, blanks are none. characters: the metadata's text."""
    names = ["", *characters.split("\n"), " "][:scores.shape[-1]]
    names += [" "] * (scores.shape[-1] - len(names))
    best = scores[0].argmax(axis=-1)
    kept = (int(c) for i, c in enumerate(best) if i == 0 or c != best[i - 1])
    return "".join(names[c] for c in kept)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verb = verbs.add_parser("render")
    verb.add_argument("text")
    verb.add_argument("out", type=pathlib.Path)
    verb.add_argument("--picture", type=pathlib.Path)
    verb = verbs.add_parser("decode")
    verb.add_argument("output", type=pathlib.Path)
    verb.add_argument("characters", type=pathlib.Path)
    options = parser.parse_args()
    if options.verb == "render":
        picture = render(options.text)
        if options.picture:
            picture.save(options.picture)
        np.save(options.out, prepare(picture))
    else:
        print(decode(np.load(options.output), options.characters.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
