"""What a refusal looks like from outside: all that is not supported in one error and in the report, OUT untouched,
answers within a second for files made to be slow, and hostile names that are legal compile as a whole."""
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]
import lib
from cases import HEAD, field, helper, info, model, nested, node, varint
from onnx import ModelProto

SECOND = 1 if lib.BUILD == lib.RELEASE else 5  # the sanitizers' share


class Compiled:
    """One occamyc over one upload: the program, its report, its seconds; nothing but OUT and the report is left."""

    def __init__(self, data, *words, before=None):
        data = data.SerializeToString() if isinstance(data, ModelProto) else data
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            (folder / "model.onnx").write_bytes(data)
            if before is not None:
                (folder / "out.occ").write_bytes(before)
            start = time.monotonic()
            self.ran = lib.Ran([lib.BUILD / "occamyc", folder / "model.onnx", "-o", folder / "out.occ", "--report",
                                folder / "report.json", *words])
            self.seconds = time.monotonic() - start
            out = folder / "out.occ"
            self.out = out.read_bytes() if out.exists() else None
            self.report = json.loads((folder / "report.json").read_text())
            left = {path.name for path in folder.iterdir()} - {"model.onnx", "out.occ", "report.json"}
            assert not left, f"left behind: {left}"

    def refused(self, code):
        problem = self.ran.problem()
        assert self.ran.code == 65 and problem["code"] == code, (self.ran.code, problem)
        assert self.report["problem"] == problem, self.report
        return problem


def test_all_unsupported_operators():
    names = ["Foo", "Bar", "Foo", "NonMaxSuppression", "RandomNormal"]
    nodes, value = [node("Relu", "x", "v", "fine")], "v"
    for i, op in enumerate(names):
        nodes.append(node(op, value, f"v{i}", f"node {i}"))
        value = f"v{i}"
    nodes.append(node("Neg", value, "y", "fine, too"))
    compiled = Compiled(model(nodes))
    problem = compiled.refused("E_OP_UNSUPPORTED")
    want = [(f"node {i}", op) for i, op in enumerate(names)]
    assert [(d["node"], d["op"]) for d in problem["details"]] == want, problem
    assert [(u["node"], u["op"]) for u in compiled.report["unsupported"]] == want, compiled.report
    for name, op in want:
        assert f"{op} '{name}'" in compiled.ran.err, compiled.ran.err
    assert compiled.out is None


def test_many():
    """Up to 1000 findings are all listed; beyond them they are counted."""
    for count, dropped in ((1000, 0), (1001, 1)):
        nodes = [node("Foo", "x", f"v{i}", f"n{i}") for i in range(count)]
        problem = Compiled(model(nodes + [node("Relu", "x", "y")])).refused("E_OP_UNSUPPORTED")
        assert [d["node"] for d in problem["details"]] == [f"n{i}" for i in range(1000)], problem
        assert problem.get("details_dropped", 0) == dropped, problem
        assert f"{count} nodes" in problem["detail"], problem


def test_out_is_left_alone():
    compiled = Compiled(model([node("Foo", "x", "y")]), before=b"what was there")
    compiled.refused("E_OP_UNSUPPORTED")
    assert compiled.out == b"what was there"


def test_words():
    """An unknown word is called so, also where it comes last; what can't be written has the name that was given."""
    model_path = lib.BUILD / "words.onnx"
    model_path.write_bytes(model([node("Relu", "x", "y")]).SerializeToString())
    out = "/nonexistent/out.occ"
    for words, code, text in ((("-o", "x", "--frob"), 64, "'frob' is not known; known: "),
                              (("-o", "x", "--target"), 64, "'target' needs a value"),
                              (("-o",), 64, "-o needs a value"), (("-q",), 64, "unknown option -q"),
                              (("-o", out), 74, f"{out}: cannot be written: No such file or directory")):
        ran = lib.Ran([lib.BUILD / "occamyc", model_path, *words])
        assert ran.code == code and ran.problem()["detail"].startswith(text), (words, ran.code, ran.err)


def test_names_are_escaped():
    for bad in ("\x1b[31m\x07", "a\nb", "\r\x7f", '"}', "слой \u202e", "%s%n", "x" * 4000):
        compiled = Compiled(model([helper.make_node("Foo", ["x"], ["y"], name=bad)]))
        compiled.refused("E_OP_UNSUPPORTED")
        assert not any(ord(c) < 32 and c != "\n" or ord(c) == 127 for c in compiled.ran.err), repr(compiled.ran.err)
        assert len(compiled.ran.err) < 4000


def external(count):
    made = model([node("Add", "x c0", "y")])
    for i in range(count):
        tensor = made.graph.initializer.add(name=f"c{i}", data_type=1, dims=[3], data_location=1)
        tensor.external_data.add(key="location", value="../" * 1000 + "w")
    return made


def test_answers_within_a_second():
    function = field(25, field(1, b"f") + field(10, b"d") + field(7, field(4, b"Relu")))
    cases = [
        ("E_DEPTH", nested(1000)),
        ("E_DEPTH", nested(30000)),
        ("E_LIMIT_NODES", HEAD + field(7, b"\x0a\0" * 25_000_000)),
        ("E_LIMIT_NODES", HEAD + field(7, b"\x2a\0" * 25_000_000)),
        ("E_LIMIT_NODES", HEAD + function * 100_000),
        ("E_LIMIT_ARITY", HEAD + field(7, field(1, b"\x0a\0" * 20_000_000))),
        ("E_LIMIT_ARITY", HEAD + field(7, field(1, field(5, field(8, b"\1" * 50_000_000))))),
        ("E_LIMIT_BYTES", HEAD + field(6, bytes(70 << 20))),
        ("E_PROTOBUF", HEAD + varint(7 << 3 | 2) + varint(1 << 62) + bytes(50_000_000)),
        ("E_EXTERNAL_PATH", external(2000)),
        ("E_DIM_UNBOUND", model([node("Relu", "x0", "y")], [info(f"x{i}", (f"n{i}", f"m{i}")) for i in range(20_000)])),
    ]
    for code, data in cases:
        compiled = Compiled(data)
        compiled.refused(code)
        assert compiled.seconds < SECOND, f"{code}: {compiled.seconds:.2f} s"
        assert compiled.out is None


def test_hostile_names_compile():
    for i, name in enumerate(['a"); asm("trap;"); //', "a*/ int evil; /*", "threadIdx", "x\n#error\n", "%n%s", "n" * 4096]):
        compiled = Compiled(model([helper.make_node("Exp", ["x"], [name], name=name), helper.make_node("Softmax", [name], ["y"])]))
        assert compiled.ran.code == 0, compiled.ran.err


if __name__ == "__main__":
    lib.main(globals())
