"""The real compiler behind the daemon: a convolution by HTTP, run on the emulated device, against ONNX Runtime."""
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from daemon import Daemon, lib
import numpy as np
from onnx import TensorProto, helper, numpy_helper

OCC = "application/vnd.occamy.artifact"


def sealed(nodes, inputs, outputs, initializers=()):
    graph = helper.make_graph(nodes, "g", inputs, outputs, list(initializers))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model.SerializeToString()


def conv_model(seed=3):
    random = np.random.default_rng(seed)
    weights = numpy_helper.from_array(random.standard_normal((12, 3, 3, 3)).astype(np.float32), "w")
    bias = numpy_helper.from_array(random.standard_normal(12).astype(np.float32), "b")
    return sealed([helper.make_node("Conv", ["x", "w", "b"], ["c"], name="conv", pads=[1, 1, 1, 1], strides=[2, 1]),
                   helper.make_node("Relu", ["c"], ["y"], name="relu")],
                  [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 17, 23])],
                  [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], [weights, bias])


def reshape_model():
    return sealed([helper.make_node("Relu", ["x"], ["r"], name="relu"),
                   helper.make_node("Reshape", ["r", "shape"], ["y"], name="reshape")],
                  [helper.make_tensor_value_info("x", TensorProto.FLOAT, [4, 6]),
                   helper.make_tensor_value_info("shape", TensorProto.INT64, [2])],
                  [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)])


def daemon():
    return Daemon(compiler=lib.RELEASE / "occamyc")


def test_plan():
    """What a plan says is what the compilation says, as far as no kernel is needed for it."""
    with daemon() as d:
        data, query = conv_model(), "?target=sm_87&dims=N=2"
        plan = d.request("POST", "/v1/plan" + query, data).json
        assert plan["certificate"] == "optimal: max-live" and plan["kernels"] == 0, plan
        report = d.compile(data, query, prefer="wait=200").json["report"]
        for member in ("arena_bytes", "arena_lower_bound_bytes", "weights_bytes", "device_bytes", "launches", "order"):
            assert plan[member] == report[member], member
        streamed = d.request("POST", "/v1/plan" + query + "&weights=streamed", data).json
        assert plan["arena_bytes"] < streamed["arena_bytes"] <= plan["device_bytes"] + 256, streamed


def test_conv():
    with daemon() as d, tempfile.TemporaryDirectory(prefix="occ.") as folder:
        folder = Path(folder)
        data = conv_model()
        (folder / "m.onnx").write_bytes(data)
        answer = d.compile(data, "?target=sm_87&dims=N=2", prefer="wait=200")
        assert answer.status == 200, answer.body
        a = answer.json
        assert a["report"]["key"] == a["key"] and a["report"]["launches"] >= 1
        occ = d.compile(data, "?target=sm_87&dims=N=2", accept=OCC)
        assert occ.headers["x-cache"] == "hit" and len(occ.body) == a["bytes"]
        (folder / "m.occ").write_bytes(occ.body)
        # The same bytes as on the command line, so the key is the same, too.
        report = lib.occamyc(folder / "m.onnx", folder / "direct.occ", "--target", "sm_87", "--dims", "N=2")
        assert report["key"] == a["key"] and (folder / "direct.occ").read_bytes() == occ.body
        feeds = {"x": np.random.default_rng(4).standard_normal((2, 3, 17, 23)).astype(np.float32)}
        session = lib.ort_session(folder / "m.onnx", ["N=2"])
        want = session.run(None, feeds)
        got, _ = lib.run_client(folder / "m.occ", feeds, folder / "out")
        lib.check_close("conv", got[0], want[0])
        # From the URL, the client downloads and checks it.
        url = f"http://127.0.0.1:{d.port}{a['artifact']}"
        again, _ = lib.run_client(url, feeds, folder / "url")
        assert np.array_equal(again[0], got[0])
        # Other weights: another artifact, the same kernels.
        assert d.metric("occamy_kernel_cache_misses_total") == a["report"]["kernels_compiled"] > 0
        other = d.compile(conv_model(7), "?target=sm_87&dims=N=2", prefer="wait=200").json
        assert other["cache"] == "miss" and other["report"]["kernels_compiled"] == 0, other
        assert d.metric("occamy_kernel_cache_hits_total") == other["report"]["kernels_cached"] > 0


def test_bind():
    with daemon() as d, tempfile.TemporaryDirectory(prefix="occ.") as folder:
        folder = Path(folder)
        np.save(folder / "shape.npy", np.array([3, 8], np.int64))
        npy = (folder / "shape.npy").read_bytes()
        pb = numpy_helper.from_array(np.array([3, 8], np.int64), "shape").SerializeToString()
        data = reshape_model()
        unbound = d.compile(data, prefer="wait=200")
        assert unbound.status == 422 and unbound.json["code"].startswith("E_"), unbound.body
        for value in npy, pb:
            body = b"".join(b"--q\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n" % (n, v)
                            for n, v in ((b"model", data), (b"s", value))) + b"--q--\r\n"
            a = d.request("POST", "/compile?bind=shape=s", body,
                          {"Content-Type": "multipart/form-data; boundary=q", "Prefer": "wait=200", "Accept": OCC})
            assert a.status == 200, a.body
            (folder / "m.occ").write_bytes(a.body)
            x = np.random.default_rng(5).standard_normal((4, 6)).astype(np.float32)
            got, _ = lib.run_client(folder / "m.occ", {"x": x}, folder / "out")
            assert np.array_equal(got[0], np.maximum(x, 0).reshape(3, 8))


def test_refusals():
    """The compiler's words arrive whole; the daemon lives."""
    with daemon() as d:
        nodes = [helper.make_node("NoSuchThing", ["x"], ["a"], name="first"),
                 helper.make_node("StringNormalizer", ["a"], ["y"], name="second")]
        info = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [2]) for n in "xy"]
        p = d.compile(sealed(nodes, info[:1], info[1:])).problem(422, "E_OP_UNSUPPORTED")
        assert {i["node"] for i in p["details"]} == {"first", "second"}, p
        for data in (b"not a model at all", b"\0" * 1000, conv_model()[:-100], b"\x3a" * 20000):
            a = d.compile(data)
            assert 400 <= a.status < 500 and a.headers["content-type"] == "application/problem+json", a.body
            assert "code" in a.json and str(d.store) not in a.body.decode()
        d.compile(conv_model(), "?dims=nope=1").problem(422, "E_DIM_UNKNOWN")
        assert d.get("/healthz").status == 200
        assert d.metric("occamy_cache_entries") == 0


lib.main(globals())
