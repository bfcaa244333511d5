"""The planners of compiler/planners.def: what each would need, worked out by hand, and that what each plans runs to
the same bits; --plan-only, --explain-peak and --svg on the way."""
import json
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import lib
import rewrite_nets
from onnx import TensorProto, helper

PEERS = "occamy23", "greedy-size", "none"


def chain(steps, size):
    """x -> Relu -> Relu ... -> y, each of `size` floats."""
    names = ["x", *(f"t{i}" for i in range(steps - 1)), "y"]
    nodes = [helper.make_node("Relu", [a], [b], name=f"relu_{b}") for a, b in zip(names, names[1:])]
    graph = helper.make_graph(nodes, "chain", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [size])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [size])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model.SerializeToString()


def plan(model, *words):
    return json.loads(lib.Ran([lib.RELEASE / "occamyc", model, "--plan-only", *words]).ok().out)


def test_by_hand():
    with tempfile.TemporaryDirectory(prefix="occ.") as folder:
        model = Path(folder) / "chain.onnx"
        model.write_bytes(chain(3, 1024))
        # x and its successor: 8192. The third tensor would fit into the first one's hole, which occamy23 refuses.
        assert plan(model, "--planner", "occamy23")["arena_bytes"] == 12288
        assert plan(model, "--planner", "occamy23")["arena_lower_bound_bytes"] == 8192
        assert plan(model, "--planner", "none", "--off", "activation,epilogue")["arena_bytes"] == 4 * 4096
        report = plan(model, "--planner", "greedy-size")
        assert report["arena_bytes"] == 8192 and report["launches"] == 1, report
        assert plan(model)["key"] == "", "a plan has no key: nothing was compiled"


def test_words():
    with tempfile.TemporaryDirectory(prefix="occ.") as folder:
        folder = Path(folder)
        (folder / "m.onnx").write_bytes(chain(3, 1024))
        occamyc = lib.RELEASE / "occamyc"
        ran = lib.Ran([occamyc, folder / "m.onnx", "-o", folder / "m.occ", "--weights", "streamed"])
        problem = ran.problem()
        assert problem["code"] == "E_USAGE" and "plan only" in problem["hint"], problem
        problem = lib.Ran([occamyc, folder / "m.onnx", "--plan-only", "--planner", "best"]).problem()
        assert problem["code"] == "E_USAGE" and "occamy23" in problem["detail"], problem
        text = lib.Ran([occamyc, folder / "m.onnx", "--plan-only", "--explain-peak", "--svg",
                        folder / "plan.svg"]).ok().out
        assert text.startswith("arena 8 192 bytes; most live at one step 8 192, at step 0 of 1: Relu"), text
        assert '"x" f32[1024]: read here' in text and "with 16-bit floats" in text, text
        ET.parse(folder / "plan.svg")


def test_same_bits():
    with tempfile.TemporaryDirectory(prefix="occ.") as tmp:
        folder = Path(tmp)
        (folder / "kernels").mkdir()
        for name in rewrite_nets.NETS:
            model = folder / f"{name}.onnx"
            model.write_bytes(rewrite_nets.build(name).SerializeToString())
            feeds = lib.random_feeds(lib.ort_session(model), 6)
            found = {}
            for planner in ("occamy", *PEERS):
                artifact = folder / f"{name}.{planner}.occ"
                report = lib.occamyc(model, artifact, "--code", "ptx", "--kernel-cache", folder / "kernels",
                                     "--planner", planner)
                got, _ = lib.run_client(artifact, feeds, folder / planner)
                found[planner] = report, got
            ours, want = found["occamy"]
            for planner in PEERS:
                report, got = found[planner]
                assert report["arena_bytes"] >= ours["arena_bytes"], f"{name}: {planner} needs less than we"
                for a, b in zip(got, want):
                    if ours["rewrites"].get("attention"):
                        lib.check_close(f"{name}, {planner}", a, b)
                    else:
                        assert a.tobytes() == b.tobytes(), f"{name}: {planner} gives other bits"
            print(name, {planner: report["arena_bytes"] for planner, (report, _) in found.items()})


lib.main(globals())
