"""TFLite: both engines, every precision, names and layout at the file's edge, and honest reports on who did it."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from converters.errors import CancelledError, UnsupportedError, UsageError
from converters.model.graph import Model, SourceInfo
from converters.model.signature import Signature, TensorInfo
from converters.progress import Progress
from converters.runtimes.base import Array, Arrays
from converters.runtimes.onnx import open_proto
from converters.runtimes.tflite import TFLiteSession
from converters.targets import tflite, tflite_compress, tflite_litert, tflite_onnx2tf
from converters.targets.base import Export, Precision
from converters.targets.metadata import METADATA_KEY, ArtifactMetadata
from converters.targets.tflite import TFLiteExporter
from converters.targets.tflite_engine import EngineError, reason_of
from converters.targets.tflite_file import read_outline
from tests.tiny_models import tiny_swapper

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
LEAST_PSNR = {Precision.FP32: 100.0, Precision.FP16: 40.0, Precision.INT8_WEIGHTS: 30.0}

Edge = tuple[str, int, list[int]]


def small_model(
    nodes: list[onnx.NodeProto], inputs: list[Edge], outputs: list[Edge], weights: dict[str, Array] | None = None
) -> Model:
    """Return a checked Model of a few nodes."""
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info(*edge) for edge in inputs],
        [helper.make_tensor_value_info(*edge) for edge in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in (weights or {}).items()],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    proto.ir_version = 8
    onnx.checker.check_model(proto)
    proto = onnx.shape_inference.infer_shapes(proto)

    def described(edge: Edge) -> TensorInfo:
        name, kind, shape = edge
        dtype = np.dtype(helper.tensor_dtype_to_np_dtype(kind)).name
        return TensorInfo(name, tuple(shape), dtype, layout="NCHW" if len(shape) == 4 else "")

    signature = Signature(tuple(map(described, inputs)), tuple(map(described, outputs)))
    return Model(proto, signature, "", SourceInfo("small.onnx", "onnx", "0" * 64, 1))


def random_feeds(model: Model, seed: int = 1) -> Arrays:
    generator = np.random.default_rng(seed)
    feeds: Arrays = {}
    for tensor in model.signature.inputs:
        low, high = tensor.value_range or (-1.0, 1.0)
        scale = 4 if tensor.dtype.startswith("int") else 1
        feeds[tensor.name] = (generator.uniform(low, high, tensor.static_shape) * scale).astype(tensor.dtype)
    return feeds


def original(model: Model, folder: Path, feeds: Arrays) -> Arrays:
    folder.mkdir(parents=True, exist_ok=True)
    with open_proto(model.proto, folder) as session:
        return session.run(feeds)


def export(model: Model, folder: Path, precision: Precision = Precision.FP32, **options: str) -> Export:
    folder.mkdir(parents=True)
    feeds = [random_feeds(model)]
    made = TFLiteExporter().export(model, folder, precision, dict(options), feeds, Progress())
    assert [file.name for file in folder.iterdir()] == [made.path.name], "intermediate files were left"
    return made


def psnr(got: Array, want: Array) -> float:
    """Return decibels against the span of `want`; -inf where a value is no number."""
    if got.shape != want.shape or not np.isfinite(got.astype(np.float64)).all():
        return float("-inf")
    error = np.mean((got.astype(np.float64) - want.astype(np.float64)) ** 2)
    return float("inf") if error == 0 else float(10 * np.log10(np.ptp(want.astype(np.float64)) ** 2 / error))


def agrees(results: Arrays, wanted: Arrays, precision: Precision) -> bool:
    if set(results) != set(wanted):
        return False
    if precision is Precision.FP32:
        largest = {name: float(np.max(np.abs(want))) or 1.0 for name, want in wanted.items()}
        return all(
            results[name].shape == want.shape and float(np.max(np.abs(results[name] - want))) <= 1e-4 * largest[name]
            for name, want in wanted.items()
        )
    return all(psnr(results[name], want) > LEAST_PSNR[precision] for name, want in wanted.items())


@pytest.fixture(scope="module")
def swappers(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Precision], Export]:
    """Give the tiny swapper as a file of one engine and precision, converted once."""
    made: dict[tuple[str, Precision], Export] = {}

    def get(engine: str, precision: Precision) -> Export:
        if (engine, precision) not in made:
            folder = tmp_path_factory.mktemp("tflite") / "out"
            made[engine, precision] = export(tiny_swapper(), folder, precision, engine=engine)
        return made[engine, precision]

    return get


CASES = [
    (tflite.LITERT, Precision.FP32),
    (tflite.LITERT, Precision.FP16),
    (tflite.LITERT, Precision.INT8_WEIGHTS),
    (tflite.ONNX2TF, Precision.FP32),
    (tflite.ONNX2TF, Precision.FP16),
    (tflite.ONNX2TF, Precision.INT8_WEIGHTS),
]


@pytest.mark.parametrize(("engine", "precision"), CASES)
def test_the_file_draws_the_same_picture_and_a_changed_one_is_noticed(
    swappers: Callable[[str, Precision], Export], tmp_path: Path, engine: str, precision: Precision
) -> None:
    model, made = tiny_swapper(), swappers(engine, precision)
    feeds = random_feeds(model)
    wanted = original(model, tmp_path / "original", feeds)
    with TFLiteSession(made.path) as session:
        results = session.run(feeds)
    assert agrees(results, wanted, precision), {name: psnr(results[name], wanted[name]) for name in wanted}
    # the twins: colours changed, one row moved, a picture laid on its side
    picture = results["output"]
    assert not agrees({"output": picture[:, ::-1]}, wanted, precision)
    assert not agrees({"output": np.roll(picture, 1, axis=2)}, wanted, precision)
    assert not agrees({"output": picture.transpose(0, 1, 3, 2)}, wanted, precision)


@pytest.mark.parametrize(("engine", "precision"), CASES[:4])
def test_a_file_of_other_weights_is_noticed(
    swappers: Callable[[str, Precision], Export], tmp_path: Path, engine: str, precision: Precision
) -> None:
    other = tiny_swapper(seed=5)
    feeds = random_feeds(other)
    wanted = original(other, tmp_path / "original", feeds)
    with TFLiteSession(swappers(engine, precision).path) as session:
        assert not agrees(session.run(feeds), wanted, precision)


@pytest.mark.parametrize("engine", [tflite.LITERT, tflite.ONNX2TF])
def test_names_order_and_layout_at_the_edge(swappers: Callable[[str, Precision], Export], engine: str) -> None:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(swappers(engine, Precision.FP16).path))
    shapes = [(tensor["name"], tensor["shape"].tolist()) for tensor in interpreter.get_input_details()]
    assert shapes == [("target", [1, 32, 32, 3]), ("source", [1, 16])]
    outputs = [(tensor["name"], tensor["shape"].tolist()) for tensor in interpreter.get_output_details()]
    assert outputs == [("output", [1, 32, 32, 3])]
    signature = interpreter.get_signature_list()["serving_default"]
    assert sorted(signature["inputs"]) == ["source", "target"]
    assert signature["outputs"] == ["output"]


@pytest.mark.parametrize(("engine", "precision"), CASES)
def test_the_file_says_what_it_is(
    swappers: Callable[[str, Precision], Export], engine: str, precision: Precision
) -> None:
    made = swappers(engine, precision)
    outline = read_outline(made.path)
    stored = ArtifactMetadata.from_text(outline.metadata[METADATA_KEY].decode())
    assert stored == made.metadata
    assert stored.precision == precision
    assert stored.source_sha256 == "0" * 64
    version = {tflite.LITERT: tflite_litert.version(), tflite.ONNX2TF: tflite_onnx2tf.version()}[engine]
    assert stored.engine.startswith(version)
    assert (tflite_compress.version() in stored.engine) == (precision is not Precision.FP32)
    assert version in made.notes[0]
    assert "as asked for" in made.notes[0]
    assert stored.engine in outline.description
    with TFLiteSession(made.path) as session:
        assert session.metadata == made.metadata


def test_weights_shrink_to_a_half_and_a_quarter(tmp_path: Path) -> None:
    weights = np.random.default_rng(0).standard_normal((256, 256, 3, 3)).astype(np.float32) / 48
    model = small_model(
        [helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])],
        [("x", FLOAT, [1, 256, 8, 8])],
        [("y", FLOAT, [1, 256, 8, 8])],
        {"w": weights},
    )
    sizes = {}
    feeds = random_feeds(model)
    wanted = original(model, tmp_path / "original", feeds)
    plain = export(model, tmp_path / "fp32").path
    sizes[Precision.FP32] = plain.stat().st_size
    for precision in (Precision.FP16, Precision.INT8_WEIGHTS):
        # from the same converted file, as the exporter does it
        path = tmp_path / f"{precision}.tflite"
        tflite_compress.compress(plain, path, precision)
        sizes[precision] = path.stat().st_size
        with TFLiteSession(path) as session:
            assert agrees(session.run(feeds), wanted, precision)
    assert 0.49 < sizes[Precision.FP16] / sizes[Precision.FP32] < 0.52
    assert 0.24 < sizes[Precision.INT8_WEIGHTS] / sizes[Precision.FP32] < 0.27


def test_large_convolutions_are_quantized_as_small_ones_are(monkeypatch: pytest.MonkeyPatch) -> None:
    from ai_edge_quantizer import qtyping
    from ai_edge_quantizer.algorithms.uniform_quantize import uniform_quantize_tensor

    weights = np.random.default_rng(0).standard_normal((96, 3, 3, 16)).astype(np.float32)
    scale = np.abs(weights).max(axis=(1, 2, 3), keepdims=True) / 127
    parameters = qtyping.UniformQuantParams(
        num_bits=8, quantized_dimension=0, scale=scale, zero_point=np.zeros_like(scale, dtype=np.int32), symmetric=True
    )
    whole = uniform_quantize_tensor.uniform_quantize(weights, parameters)
    monkeypatch.setattr(tflite_compress, "_CHUNK", weights.nbytes // 7)
    with tflite_compress._large_convolutions():
        sliced = uniform_quantize_tensor.uniform_quantize(weights, parameters)
        half = dataclasses.replace(parameters, scale=2 * scale)
        other = uniform_quantize_tensor.uniform_quantize(weights, half)
    assert sliced.dtype == np.int8
    np.testing.assert_array_equal(sliced, whole)
    assert not np.array_equal(other, whole)


def test_weights_above_32_mib_become_int8(tmp_path: Path) -> None:
    weights = np.random.default_rng(0).standard_normal((1024, 1024, 3, 3)).astype(np.float32) / 96
    model = small_model(
        [helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])],
        [("x", FLOAT, [1, 1024, 4, 4])],
        [("y", FLOAT, [1, 1024, 4, 4])],
        {"w": weights},
    )
    feeds = random_feeds(model)
    made = export(model, tmp_path / "out", Precision.INT8_WEIGHTS, engine=tflite.LITERT)
    assert made.path.stat().st_size < weights.nbytes * 0.26
    with TFLiteSession(made.path) as session:
        results = session.run(feeds)
    wanted = original(model, tmp_path / "original", feeds)
    assert agrees(results, wanted, Precision.INT8_WEIGHTS)
    assert not agrees({"y": np.roll(results["y"], 1, axis=1)}, wanted, Precision.INT8_WEIGHTS)


def test_odd_names_number_types_and_passed_through_values(tmp_path: Path) -> None:
    model = small_model(
        [
            helper.make_node("Relu", ["in:0/α b"], ["out put:1"]),
            helper.make_node("Identity", ["out put:1"], ["again"]),
            helper.make_node("Identity", ["in:0/α b"], ["untouched"]),
            helper.make_node("Identity", ["matrix"], ["fixed"]),
            helper.make_node("ArgMax", ["in:0/α b"], ["best"], axis=1, keepdims=0),
            helper.make_node("Greater", ["in:0/α b", "half"], ["bright"]),
            helper.make_node("Add", ["count", "count"], ["twice"]),
        ],
        [("count", INT64, [1, 5]), ("in:0/α b", FLOAT, [1, 3, 3, 3]), ("unused", FLOAT, [1, 4])],
        [
            ("twice", INT64, [1, 5]),
            ("bright", BOOL, [1, 3, 3, 3]),
            ("out put:1", FLOAT, [1, 3, 3, 3]),
            ("again", FLOAT, [1, 3, 3, 3]),
            ("untouched", FLOAT, [1, 3, 3, 3]),
            ("fixed", FLOAT, [2, 3]),
            ("best", INT64, [1, 3, 3]),
        ],
        {"half": np.float32(0.5), "matrix": np.arange(6, dtype=np.float32).reshape(2, 3)},
    )
    feeds = random_feeds(model)
    made = export(model, tmp_path / "out", engine=tflite.LITERT)
    wanted = original(model, tmp_path / "original", feeds)
    with TFLiteSession(made.path) as session:
        assert [spec.name for spec in session.inputs] == ["count", "in:0/α b", "unused"]
        assert [spec.name for spec in session.outputs] == [tensor.name for tensor in model.signature.outputs]
        results = session.run(feeds)
    for name, want in wanted.items():
        np.testing.assert_array_equal(results[name], want, err_msg=name)
        assert results[name].dtype == want.dtype, name
    assert any("count is int32 instead of int64" in note for note in made.notes)


def test_layout_nchw_keeps_the_graphs_axes(tmp_path: Path) -> None:
    model = small_model(
        [helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])],
        [("x", FLOAT, [1, 3, 8, 6])],
        [("y", FLOAT, [1, 2, 8, 6])],
        {"w": np.random.default_rng(0).standard_normal((2, 3, 3, 3)).astype(np.float32)},
    )
    made = export(model, tmp_path / "out", layout="nchw")
    assert read_outline(made.path).inputs[0].shape == (1, 3, 8, 6)
    assert read_outline(made.path).outputs[0].shape == (1, 2, 8, 6)
    assert not any("Channels come last" in note for note in made.notes)
    feeds = random_feeds(model)
    with TFLiteSession(made.path) as session:
        assert agrees(session.run(feeds), original(model, tmp_path / "original", feeds), Precision.FP32)
    with pytest.raises(UnsupportedError, match="layout=nchw needs the LiteRT converter"):
        TFLiteExporter().check(model, Precision.FP32, {"engine": tflite.ONNX2TF, "layout": "nchw"})


def recurrent_model() -> Model:
    """Return a GRU: an operator that the torch view does not know and onnx2tf does."""
    generator = np.random.default_rng(0)
    return small_model(
        [helper.make_node("GRU", ["x", "w", "r", "b"], ["y"], name="gru", hidden_size=4, linear_before_reset=1)],
        [("x", FLOAT, [5, 1, 3])],
        [("y", FLOAT, [5, 1, 1, 4])],
        {
            "w": generator.standard_normal((1, 12, 3)).astype(np.float32),
            "r": generator.standard_normal((1, 12, 4)).astype(np.float32),
            "b": generator.standard_normal((1, 24)).astype(np.float32),
        },
    )


def test_the_second_engine_takes_over_and_the_report_says_why(tmp_path: Path) -> None:
    model = recurrent_model()
    made = export(model, tmp_path / "out")
    assert made.metadata.engine == tflite_onnx2tf.version()
    assert "second engine" in made.notes[0]
    assert "LiteRT converter was not used: gru (GRU)" in made.notes[1]
    feeds = random_feeds(model)
    with TFLiteSession(made.path) as session:
        results = session.run(feeds)
    wanted = original(model, tmp_path / "original", feeds)
    assert agrees(results, wanted, Precision.FP32)
    assert not agrees({"y": results["y"][::-1]}, wanted, Precision.FP32)


def test_a_forced_engine_does_not_hand_over(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match=r"gru \(GRU\)"):
        TFLiteExporter().check(recurrent_model(), Precision.FP32, {"engine": tflite.LITERT})
    # an operator that is known, and then fails inside the converter
    model = small_model([helper.make_node("NonZero", ["x"], ["y"])], [("x", FLOAT, [1, 7])], [("y", INT64, [2, 7])])
    with pytest.raises(UnsupportedError, match="The LiteRT converter failed") as caught:
        export(model, tmp_path / "out", engine=tflite.LITERT)
    assert "Try the other engine" in str(caught.value)
    assert not list((tmp_path / "out").iterdir())


def test_both_engines_failing_names_both_reasons(tmp_path: Path) -> None:
    model = small_model([helper.make_node("Det", ["x"], ["y"])], [("x", FLOAT, [1, 3, 3])], [("y", FLOAT, [1])])
    with pytest.raises(UnsupportedError) as caught:
        export(model, tmp_path / "out")
    assert "The LiteRT converter was not used: " in str(caught.value)
    assert "onnx2tf was not used: its file does not run" in str(caught.value)


def test_a_file_that_draws_something_else_is_not_believed(tmp_path: Path) -> None:
    model = tiny_swapper()
    path = tmp_path / "engine.tflite"
    edges = tflite_litert.convert(model, path, "nhwc", Progress())
    feeds = random_feeds(model)
    tflite._probe(model, path, edges, feeds, Progress())
    with pytest.raises(EngineError, match="output differs by"):
        tflite._probe(tiny_swapper(seed=5), path, edges, feeds, Progress())
    mirrored = dataclasses.replace(edges.outputs[0].binding, permutation=(0, 2, 1, 3))
    wrong = dataclasses.replace(edges, outputs=(dataclasses.replace(edges.outputs[0], binding=mirrored),))
    with pytest.raises(EngineError, match="output differs by"):
        tflite._probe(model, path, wrong, feeds, Progress())


def test_large_models_are_converted_the_lean_way_with_the_same_result(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    model = tiny_swapper()
    feeds = random_feeds(model)
    monkeypatch.setattr(tflite_litert, "LARGE", 0)
    made = export(model, tmp_path / "out", engine=tflite.LITERT)
    with TFLiteSession(made.path) as session:
        results = session.run(feeds)
    wanted = original(model, tmp_path / "original", feeds)
    assert agrees(results, wanted, Precision.FP32)
    assert not agrees({"output": results["output"][:, ::-1]}, wanted, Precision.FP32)


def test_objections_come_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    exporter = TFLiteExporter()
    with pytest.raises(UsageError, match="Did you mean"):
        exporter.check(tiny_swapper(), Precision.FP32, {"engin": "auto"})
    with pytest.raises(UsageError, match="cannot be 'nhcw'"):
        exporter.check(tiny_swapper(), Precision.FP32, {"layout": "nhcw"})
    loop = small_model(
        [
            helper.make_node(
                "Loop",
                ["count", "", "x"],
                ["y"],
                body=helper.make_graph(
                    [
                        helper.make_node("Relu", ["inner"], ["next"]),
                        helper.make_node("Identity", ["go_on"], ["going_on"]),
                    ],
                    "body",
                    [
                        helper.make_tensor_value_info("step", INT64, []),
                        helper.make_tensor_value_info("go_on", BOOL, []),
                        helper.make_tensor_value_info("inner", FLOAT, [1, 4]),
                    ],
                    [
                        helper.make_tensor_value_info("going_on", BOOL, []),
                        helper.make_tensor_value_info("next", FLOAT, [1, 4]),
                    ],
                ),
            )
        ],
        [("x", FLOAT, [1, 4])],
        [("y", FLOAT, [1, 4])],
        {"count": np.int64(3)},
    )
    for engine in (tflite.AUTO, tflite.LITERT, tflite.ONNX2TF):
        with pytest.raises(UnsupportedError, match="control flow"):
            exporter.check(loop, Precision.FP32, {"engine": engine})
    text = small_model(
        [helper.make_node("Identity", ["x"], ["y"])],
        [("x", TensorProto.UINT64, [1])],
        [("y", TensorProto.UINT64, [1])],
    )
    assert any(
        "uint64" in reason for reason in exporter.objections(text, Precision.FP32, {"engine": "auto", "layout": "nhwc"})
    )
    monkeypatch.setattr(tflite, "LARGEST_FILE", 100)
    with pytest.raises(UnsupportedError, match="2 GiB"):
        exporter.check(tiny_swapper(), Precision.INT8_WEIGHTS, {})


def test_missing_packages_are_said_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    exporter = TFLiteExporter()
    assert exporter.unavailable() == ""
    import importlib.util

    plain = importlib.util.find_spec

    def without(*missing: str) -> None:
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in missing else plain(name))

    without("litert_torch")
    assert exporter.unavailable() == ""
    with pytest.raises(UnsupportedError, match="litert-torch is not installed"):
        exporter.check(tiny_swapper(), Precision.FP32, {"engine": tflite.LITERT})
    without("litert_torch", "tensorflow")
    assert "tensorflow is not installed" in exporter.unavailable()
    without("ai_edge_litert")
    assert "ai-edge-litert" in exporter.unavailable()
    without("ai_edge_quantizer")
    with pytest.raises(UnsupportedError, match="ai-edge-quantizer"):
        exporter.check(tiny_swapper(), Precision.FP16, {})


@pytest.mark.parametrize("engine", [tflite.LITERT, tflite.ONNX2TF])
def test_cancelling_leaves_the_engine_at_once(tmp_path: Path, engine: str) -> None:
    seen: list[str] = []
    progress = Progress(lambda message: seen.append(message.stage), lambda: len(seen) > 1)
    with pytest.raises(CancelledError):
        TFLiteExporter().export(tiny_swapper(), tmp_path, Precision.FP32, {"engine": engine}, [], progress)


def test_a_reason_is_the_line_that_says_something() -> None:
    assert (
        reason_of(ValueError("in user code:\n\n File x, line 3\n\n ValueError: axes differ"))
        == "ValueError: axes differ"
    )
    assert reason_of(RuntimeError("Lowering not found: aten.det\n\nWhile executing %y")) == (
        "RuntimeError: Lowering not found: aten.det"
    )
    assert reason_of(SystemExit(1)) == "SystemExit: 1"
    assert reason_of(KeyError()) == "KeyError"


def shared_model(path: Path) -> Model:
    from converters.model.source import load

    shapes = {"input": (1, 3, 640, 640)} if "yunet" in path.name else {}
    return load(str(path), shapes=shapes, trust=False, progress=Progress())


SHARED_CASES = [
    ("ultraface_version-RFB-320.onnx", tflite.AUTO, Precision.FP32),
    *[
        pytest.param(name, engine, precision, marks=pytest.mark.slow)
        for name in ("ultraface_version-RFB-320.onnx", "pfld.onnx", "yunet_n_dynamic.onnx")
        for engine in (tflite.LITERT, tflite.ONNX2TF)
        for precision in LEAST_PSNR
    ],
]


@pytest.mark.parametrize(("name", "engine", "precision"), SHARED_CASES)
def test_published_models(shared: Path, tmp_path: Path, name: str, engine: str, precision: Precision) -> None:
    model = shared_model(shared / "models" / name)
    made = export(model, tmp_path / "out", precision, engine=engine)
    outline = read_outline(made.path)
    assert [tensor.name for tensor in outline.outputs] == [tensor.name for tensor in model.signature.outputs]
    _, channels, *sides = model.signature.inputs[0].static_shape
    assert outline.inputs[0].shape == (1, *sides, channels)
    feeds = random_feeds(model)
    with TFLiteSession(made.path) as session:
        results = session.run(feeds)
    wanted = original(model, tmp_path / "original", feeds)
    assert agrees(results, wanted, precision), {output: psnr(results[output], wanted[output]) for output in wanted}
    for output in wanted:
        twin = {**results, output: np.roll(results[output], 7)}
        assert not agrees(twin, wanted, precision), output


@pytest.mark.parametrize(
    ("engine", "precision"),
    [(tflite.AUTO, Precision.FP16), pytest.param(tflite.ONNX2TF, Precision.INT8_WEIGHTS, marks=pytest.mark.slow)],
)
def test_the_swapper_stand_in(shared: Path, tmp_path: Path, engine: str, precision: Precision) -> None:
    source = tmp_path / "standin.onnx"
    tool = shared / "tools" / "inswapper_standin.py"
    subprocess.run([sys.executable, str(tool), "--width", "16", str(source)], check=True, stdout=subprocess.DEVNULL)
    model = shared_model(source)
    made = export(model, tmp_path / "out", precision, engine=engine)
    assert [edge.file_shape for edge in made.metadata.inputs] == [(1, 128, 128, 3), (1, 512)]
    feeds = random_feeds(model)
    with TFLiteSession(made.path) as session:
        results = session.run(feeds)
    wanted = original(model, tmp_path / "original", feeds)
    assert agrees(results, wanted, precision), psnr(results["output"], wanted["output"])
    assert not agrees({"output": results["output"].transpose(0, 1, 3, 2)}, wanted, precision)
    assert not agrees({"output": results["output"][:, ::-1]}, wanted, precision)
