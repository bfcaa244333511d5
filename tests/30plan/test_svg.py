"""The picture of a plan: valid XML without scripts, every tensor named, all boxes inside, equal bytes each time."""
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET

BUILD = os.environ.get("BUILD", "build-dev")
NS = "{http://www.w3.org/2000/svg}"

MODEL = """graph "a <b> & \\"c\\"" opset 13
%"in<put>" = input f32[1,8,16,16]
%w = const f32[8,8,3,3] fill=0000000000000001
%w2 = const f32[8,16,1,1] fill=0000000000000002
%first = Conv %"in<put>" %w {pads=[1,1,1,1]}
%"second/Conv_output_0" = Conv %first %w {pads=[1,1,1,1]}
%joined = Concat %first %"second/Conv_output_0" {axis=1}
%third = Conv %joined %w2
%"r\u00e9sultat" = Relu %third
output %"r\u00e9sultat"
"""


def draw():
    with tempfile.TemporaryDirectory() as tmp:
        source, planned = os.path.join(tmp, "m.ir"), os.path.join(tmp, "planned.ir")
        with open(source, "w", encoding="utf-8") as f:
            f.write(MODEL)
        text = subprocess.run([f"{BUILD}/occamyc", source, "-d", "plan"], check=True, capture_output=True).stdout
        with open(planned, "wb") as f:
            f.write(text)
        svg = [subprocess.run([f"{BUILD}/svg", planned], check=True, capture_output=True).stdout for _ in range(2)]
    assert svg[0] == svg[1], "two runs, two pictures"
    return svg[0]


def check_harmless(root):
    tags = {e.tag.removeprefix(NS) for e in root.iter()}
    assert tags <= {"svg", "style", "defs", "pattern", "rect", "title", "text", "tspan", "line", "path"}, tags
    for e in root.iter():
        assert not any(a.startswith("on") or "href" in a for a in e.attrib), e.attrib


def check_boxes(root):
    for e in root.iter(NS + "rect"):
        if "class" in e.attrib:
            x, y, w, h = (float(e.attrib[k]) for k in ("x", "y", "width", "height"))
            assert min(x, y, w, h) >= 0 and x + w <= 1200 and y + h <= 720, e.attrib


def check_aliases(root):
    """The Concat holds what stands in it and is striped; each of them ends where it begins."""
    boxes = {e.find(NS + "title").text.split("\n")[0]: e for e in root.iter(NS + "rect") if e.find(NS + "title") is not None}
    joined = boxes["joined"]
    assert joined.attrib["fill"] == "url(#a)" and "\nholds first" in joined.find(NS + "title").text, joined.attrib
    for name in "first", "second/Conv_output_0":
        box = boxes[name].attrib
        assert box["fill"] != "url(#a)", name
        assert abs(float(box["x"]) + float(box["width"]) - float(joined.attrib["x"])) < 0.2, name
        assert float(box["height"]) < 0.6 * float(joined.attrib["height"]), name


def main():
    svg = draw()
    root = ET.fromstring(svg)
    check_harmless(root)
    check_boxes(root)
    titles = [e.text for e in root.iter(NS + "title")]
    names = {t.split("\n")[0] for t in titles}
    assert {"in<put>", "first", "second/Conv_output_0", "joined"} <= names, names
    assert len(titles) == 5, titles
    check_aliases(root)
    words = "".join(root.itertext())
    for word in ["peak: step", "optimal: max-live", "lower bound"]:
        assert word in words, word
    print(len(titles), "tensors,", len(svg), "bytes")


if __name__ == "__main__":
    sys.exit(main())
