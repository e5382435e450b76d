"""Quantized `.tflite`: integer layers with exactly our scales, the reference's pictures, and refusals before work."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from converters.compress.quantize.encodings import Encoding, Encodings, LayerEncoding, Scheme, WeightEncoding
from converters.compress.quantize.layers import Layer, effective_weights, find_layers, with_replaced
from converters.errors import BadInputError, UnsupportedError, VerificationError
from converters.model.graph import Model
from converters.progress import Progress
from converters.runtimes.base import Array, Arrays
from converters.runtimes.tflite import TFLiteSession
from converters.targets import tflite, tflite_litert
from converters.targets.base import Precision
from converters.targets.metadata import EdgeBinding
from converters.targets.tflite import TFLiteExporter
from converters.targets.tflite_engine import Edges, EngineError
from converters.targets.tflite_graph import Graph
from converters.targets.tflite_probe import run_unlabelled
from converters.targets.tflite_quantize import quantize
from converters.targets.tflite_quantize_assign import Assignment, Candidate, assign
from converters.targets.tflite_quantize_check import dynamic_layers, integer_layers, objections
from converters.targets.tflite_quantize_find import find, layer_rows
from tests.targets.quantized import decibels, encoding_of, min_max_encodings, reference_results, zoo, zoo_feeds
from tests.targets.test_tflite import small_model
from tests.tiny_models import tiny_swapper

FLOAT = TensorProto.FLOAT
LEAST = 35.0
"""Decibels to the reference."""


@dataclasses.dataclass
class Converted:
    """A model, its float file as an engine leaves it, and feeds."""

    model: Model
    path: Path
    edges: Edges
    feeds: list[Arrays]

    def encodings(self, scheme: Scheme, transposed: Scheme = Scheme.W8) -> Encodings:
        def scheme_of(layer: Layer) -> Scheme:
            return scheme if layer.has_integer_kernel else transposed

        return min_max_encodings(self.model, self.feeds, self.path.parent, scheme_of)

    def quantize(self, encodings: Encodings, place: Path, codes: dict[str, Encoding] | None = None) -> Edges:
        return quantize(self.path, place, self.model, encodings, self.edges, self.feeds[0], codes)[0]

    def run(self, path: Path, edges: Edges, feeds: Arrays) -> Arrays:
        results = run_unlabelled(path, edges.inputs, feeds)
        return {edge.binding.name: edge.binding.from_file(results[edge.position]) for edge in edges.outputs}

    def least_decibels(self, path: Path, edges: Edges, encodings: Encodings) -> float:
        """Return the lowest PSNR of the file against the reference, over all feeds and outputs."""
        found = []
        for feeds in self.feeds:
            results, wanted = self.run(path, edges, feeds), reference_results(self.model, encodings, feeds)
            found += [decibels(results[name], wanted[name]) for name in wanted]
        return min(found)


def converted(model: Model, feeds: list[Arrays], folder: Path) -> Converted:
    path = folder / "float.tflite"
    return Converted(model, path, tflite_litert.convert(model, path, "nhwc", Progress()), feeds)


@pytest.fixture(scope="module")
def animals(tmp_path_factory: pytest.TempPathFactory) -> Converted:
    return converted(zoo(), zoo_feeds(), tmp_path_factory.mktemp("zoo"))


def layer_changed(encodings: Encodings, name: str, **changes: Any) -> Encodings:
    changed = dataclasses.replace(encodings.layers[name], **changes)
    return dataclasses.replace(encodings, layers={**encodings.layers, name: changed})


@pytest.mark.parametrize(
    ("scheme", "least"),
    [(Scheme.W8A8, 60), (Scheme.W8A16, 60), (Scheme.W8, 100), (Scheme.W4, 100), (Scheme.DYNAMIC, 40)],
)
def test_the_file_computes_what_the_reference_does(
    animals: Converted, tmp_path: Path, scheme: Scheme, least: float
) -> None:
    encodings = animals.encodings(scheme, Scheme.W4 if scheme is Scheme.W4 else Scheme.W8)
    place = tmp_path / "quantized.tflite"
    edges = animals.quantize(encodings, place)
    assert animals.least_decibels(place, edges, encodings) >= least
    integers = {"CONV_2D": 6, "DEPTHWISE_CONV_2D": 1, "FULLY_CONNECTED": 2} if scheme.activation_bits else {}
    none = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 0, "FULLY_CONNECTED": 0}
    assert integer_layers(place) == none | integers
    is_dynamic = scheme is Scheme.DYNAMIC
    assert dynamic_layers(place) == (
        {"CONV_2D": 6, "DEPTHWISE_CONV_2D": 1, "FULLY_CONNECTED": 2} if is_dynamic else none
    )
    note = tflite._count(place, encodings)
    assert ("round what they read as they run: 6 CONV_2D, 1 DEPTHWISE_CONV_2D, 2 FULLY" in note) == is_dynamic
    assert "asked for" not in note
    if is_dynamic:
        fewer = layer_changed(animals.encodings(Scheme.W8A8), "node_gemm", scheme=Scheme.W8)
        assert "none (0 of 8 asked for)" in tflite._count(place, fewer)


@pytest.mark.parametrize("scheme", [Scheme.W8A8, Scheme.W8, Scheme.DYNAMIC])
def test_one_wrong_scale_is_noticed(animals: Converted, tmp_path: Path, scheme: Scheme) -> None:
    encodings = animals.encodings(scheme)
    weight = encodings.layers["node_dilated"].weight
    assert weight is not None
    wrong = dataclasses.replace(weight, scale=tuple(value / 2 for value in weight.scale))  # half of the weights clip
    place = tmp_path / "wrong.tflite"
    edges = animals.quantize(layer_changed(encodings, "node_dilated", weight=wrong), place)
    assert animals.least_decibels(place, edges, encodings) < LEAST
    if scheme is Scheme.W8A8:
        read = encodings.layers["node_dilated"].input
        assert read is not None
        place = tmp_path / "wrong_input.tflite"
        halved = dataclasses.replace(read, scale=read.scale / 2)
        edges = animals.quantize(layer_changed(encodings, "node_dilated", input=halved), place)
        assert animals.least_decibels(place, edges, encodings) < LEAST


def quantization(graph: Graph, index: int) -> tuple[list[float], list[int], int]:
    found = graph.tensors[index].quantization
    return found.scale.tolist(), found.zeroPoint.tolist(), int(found.quantizedDimension)


def single(values: Any) -> list[float]:
    return np.asarray(values, np.float32).tolist()


def test_every_scale_zero_point_code_and_bias_is_ours(animals: Converted, tmp_path: Path) -> None:
    encodings = animals.encodings(Scheme.W8A8)
    place = tmp_path / "quantized.tflite"
    animals.quantize(encodings, place)
    graph = Graph(place)
    proto = animals.model.proto
    unseen = {}
    for layer in find_layers(proto):
        item = encodings.layers[layer.name]
        if item.input is not None and item.output is not None and item.weight is not None:
            edge = (single([item.input.scale]), [item.input.zero_point], single([item.output.scale]))
            unseen[layer.name] = (layer, item.weight, edge, item.output.zero_point)
    kinds = graph.schema.BuiltinOperator
    seen = []
    for operator in graph.operators:
        if graph.kind(operator) not in (kinds.CONV_2D, kinds.DEPTHWISE_CONV_2D, kinds.FULLY_CONNECTED):
            continue
        source, weights, bias = (int(index) for index in operator.inputs)
        result = int(operator.outputs[0])
        name = next(
            name for name, (layer, weight, *_) in unseen.items() if is_kept(graph, weights, proto, layer, weight)
        )
        layer, weight, (read, read_zero, written), written_zero = unseen.pop(name)
        seen.append(name)
        assert quantization(graph, source) == (read, read_zero, 0)
        assert quantization(graph, result) == (written, [written_zero], 0)
        is_depthwise = graph.kind(operator) == kinds.DEPTHWISE_CONV_2D
        assert quantization(graph, weights) == (single(weight.scale), [0] * len(weight.scale), 3 if is_depthwise else 0)
        unit = np.asarray(weight.scale) * read[0]
        np.testing.assert_allclose(quantization(graph, bias)[0], unit, rtol=1e-6)
        wanted = effective_weights(proto, None, layer.bias) / unit if layer.bias else np.zeros(len(unit))
        codes = graph.constant(bias)
        assert codes is not None
        assert codes.dtype == np.int32
        np.testing.assert_allclose(codes, np.rint(wanted), atol=1)
        assert graph.dtype(source) == graph.dtype(weights) == graph.dtype(result) == "int8"
    assert not unseen
    assert len(seen) == 9


def is_kept(graph: Graph, index: int, proto: Any, layer: Layer, weight: WeightEncoding) -> bool:
    """Whether a constant holds the codes of a layer."""
    found = graph.constant(index)
    codes = layer_rows(weight.quantize(effective_weights(proto, None, layer.weight)), layer)
    assert found is not None
    rows = np.moveaxis(found, -1, 0) if graph.shape(index)[0] == 1 else found
    return bool(np.array_equal(rows.reshape(len(rows), -1), codes))


def test_neighbours_exchange_codes(animals: Converted, tmp_path: Path) -> None:
    place = tmp_path / "quantized.tflite"
    animals.quantize(animals.encodings(Scheme.W8A8), place)
    graph = Graph(place)
    kinds = graph.schema.BuiltinOperator
    counts = {kind: sum(graph.kind(operator) == kind for operator in graph.operators) for kind in vars(kinds).values()}
    # in: the picture, behind LeakyRelu, behind the addition, the vector
    assert counts[kinds.QUANTIZE] == 4
    # out: before LeakyRelu, both terms of the addition, before ConvTranspose, before the last addition; its weights
    assert counts[kinds.DEQUANTIZE] == 6
    padding = next(operator for operator in graph.operators if graph.kind(operator) == kinds.PAD)
    assert graph.dtype(int(padding.outputs[0])) == "int8"


def test_unused_floats_leave_the_file(animals: Converted, tmp_path: Path) -> None:
    sizes = {}
    for scheme in (Scheme.W8A8, Scheme.W4):
        place = tmp_path / f"{scheme}.tflite"
        animals.quantize(animals.encodings(scheme, scheme if scheme is Scheme.W4 else Scheme.W8), place)
        graph = Graph(place)
        floats = [graph.constant(index) for index in range(len(graph.tensors)) if graph.dtype(index) == "float32"]
        sizes[scheme] = sum(values.nbytes for values in floats if values is not None)
    weights = [effective_weights(animals.model.proto, None, item.weight) for item in find_layers(animals.model.proto)]
    assert sum(values.nbytes for values in weights) > 30_000
    assert max(sizes.values()) < 1_000  # biases only


def test_a_mix_of_schemes(animals: Converted, tmp_path: Path) -> None:
    schemes = {
        "node_strided": Scheme.FLOAT,
        "node_depthwise": Scheme.W8A16,
        "node_grouped": Scheme.DYNAMIC,
        "node_one": Scheme.W4,
        "node_two": Scheme.W8,
        "node_gemm": Scheme.W8A16,
        "node_image": Scheme.FLOAT,
    }
    encodings = min_max_encodings(
        animals.model, animals.feeds, tmp_path, lambda layer: schemes.get(layer.name, Scheme.W8A8)
    )
    place = tmp_path / "mixed.tflite"
    edges = animals.quantize(encodings, place)
    assert animals.least_decibels(place, edges, encodings) >= 40
    assert integer_layers(place) == {"CONV_2D": 2, "DEPTHWISE_CONV_2D": 1, "FULLY_CONNECTED": 2}


def test_blocks_of_four_bits(animals: Converted, tmp_path: Path) -> None:
    encodings = animals.encodings(Scheme.FLOAT, Scheme.FLOAT)
    generator = np.random.default_rng(3)
    layers = {layer.name: layer for layer in find_layers(animals.model.proto)}
    for name, block in (("node_dilated", 36), ("node_pointwise", 8), ("node_image", 16), ("node_matmul", 6)):
        weights = effective_weights(animals.model.proto, None, layers[name].weight)
        count = weights.size // block
        scale = tuple(single(np.abs(weights).max() / 7 * generator.uniform(0.5, 1, count)))
        weight = WeightEncoding(4, layers[name].axis, scale, block)
        encodings = layer_changed(encodings, name, scheme=Scheme.W4, weight=weight)
    place = tmp_path / "blocks.tflite"
    edges = animals.quantize(encodings, place)
    assert animals.least_decibels(place, edges, encodings) >= 100
    turned = layer_changed(
        encodings,
        "node_dilated",
        weight=dataclasses.replace(encodings.layers["node_dilated"].weight, scale=scale_of(encodings)[::-1]),
    )
    place = tmp_path / "turned.tflite"
    edges = animals.quantize(turned, place)
    assert animals.least_decibels(place, edges, encodings) < 100


def scale_of(encodings: Encodings) -> tuple[float, ...]:
    weight = encodings.layers["node_dilated"].weight
    assert weight is not None
    return weight.scale


def test_replaced_values_take_the_place_of_the_graphs(animals: Converted, tmp_path: Path) -> None:
    plain = animals.encodings(Scheme.W8A8)
    bias = effective_weights(animals.model.proto, None, "pointwise.b") + np.float32(0.5)
    encodings = dataclasses.replace(plain, replaced={"pointwise.b": bias})
    model = dataclasses.replace(animals.model, proto=with_replaced(animals.model.proto, encodings))
    moved = converted(model, animals.feeds, tmp_path)
    place = tmp_path / "quantized.tflite"
    edges = moved.quantize(encodings, place)
    shown = dataclasses.replace(moved, model=animals.model)  # the reference puts replaced values in by itself
    assert shown.least_decibels(place, edges, encodings) >= 60
    assert shown.least_decibels(place, edges, plain) < LEAST


@pytest.mark.parametrize("layer", ["node_pointwise", "node_depthwise", "node_gemm"])
def test_ranges_of_dead_layers_and_large_biases(animals: Converted, tmp_path: Path, layer: str) -> None:
    """A bias that passes 32 bits in the accumulators' unit, and units that are nothing beside a step of the output."""
    encodings = animals.encodings(Scheme.W8A8)
    for scale in (1e-12, float(np.finfo(np.float32).tiny)):
        dead = Encoding(8, False, scale, -128, 0.0, 255 * scale)
        changed = layer_changed(encodings, layer, input=dead)
        place = tmp_path / f"{scale}.tflite"
        edges = animals.quantize(changed, place)
        assert animals.least_decibels(place, edges, changed) >= LEAST
        assert animals.least_decibels(place, edges, encodings) < LEAST
    tiny = layer_changed(encodings, layer, output=Encoding(8, False, 1e-12, -128, 0.0, 255e-12))
    with pytest.raises(EngineError, match=f"output range of {layer}"):
        animals.quantize(tiny, tmp_path / "tiny.tflite")
    model = dataclasses.replace(animals.model, encodings=tiny)
    (sentence,) = objections(model, Precision.INT8, "float")
    assert layer in sentence
    assert "nearest" in sentence


def test_codes_at_the_edge(animals: Converted, tmp_path: Path) -> None:
    encodings = animals.encodings(Scheme.W8A8)
    read = encodings.layers["node_strided"].input
    assert read is not None
    codes = {
        "picture": read,
        "vector": encoding_of(-4, 4, 8),
        "image": encoding_of(-12, 12, 8),
        "scores": encoding_of(-16, 16, 8),
    }
    place = tmp_path / "codes.tflite"
    edges = animals.quantize(encodings, place, codes)
    graph = Graph(place)
    assert [graph.dtype(index) for index in (*graph.inputs, *graph.outputs)] == ["int8"] * 4
    assert animals.least_decibels(place, edges, encodings) >= LEAST
    # the first layer takes the picture's codes as they come in
    assert quantization(graph, graph.inputs[0])[:2] == (single([read.scale]), [read.zero_point])
    first = next(operator for operator in graph.operators if int(operator.inputs[0]) == graph.inputs[0])
    assert graph.kind(first) == graph.schema.BuiltinOperator.PAD


def test_bindings_round_at_the_edge() -> None:
    binding = EdgeBinding("x", "x", (1, 2, 1, 3), (0, 2, 3, 1), "int8", 0.5, -3)
    values = np.array([0, 0.25, 0.26, -100, 100, np.nan], np.float32).reshape(1, 2, 1, 3)
    codes = binding.to_file(values)
    assert codes.dtype == np.int8
    assert codes.reshape(-1).tolist() == [-3, -128, -3, 127, -2, -3]
    back = binding.from_file(codes)
    assert back.dtype == np.float32
    assert back.reshape(-1).tolist() == [0, 0, 0.5, -62.5, 65, 0]
    assert EdgeBinding.from_json(dataclasses.asdict(binding)) == binding


def test_layers_that_the_converter_merged_are_named(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    ones = np.full(8, 2, np.float32)
    model = small_model(
        [
            helper.make_node("Conv", ["x", "w"], ["c"], name="merged"),
            helper.make_node("BatchNormalization", ["c", "s", "b", "m", "v"], ["n"]),
            helper.make_node("Conv", ["n", "w2"], ["y"], name="kept"),
        ],
        [("x", FLOAT, [1, 3, 8, 8])],
        [("y", FLOAT, [1, 8, 6, 6])],
        {
            "w": generator.standard_normal((8, 3, 3, 3)).astype(np.float32),
            "w2": generator.standard_normal((8, 8, 1, 1)).astype(np.float32),
            **dict.fromkeys("sbmv", ones),
        },
    )
    merged = converted(model, [{"x": generator.random((1, 3, 8, 8), np.float32)}], tmp_path)
    encodings = merged.encodings(Scheme.W8A8)
    with pytest.raises(EngineError, match=r"1 of 2 layers.*\(merged\).*nearest"):
        merged.quantize(encodings, tmp_path / "quantized.tflite")
    alone = layer_changed(encodings, "merged", scheme=Scheme.FLOAT, weight=None, input=None, output=None)
    edges = merged.quantize(alone, tmp_path / "quantized.tflite")
    assert merged.least_decibels(tmp_path / "quantized.tflite", edges, alone) >= LEAST


def test_layers_of_the_same_weights_are_told_apart_by_what_they_compute(animals: Converted) -> None:
    encodings = animals.encodings(Scheme.W8A8)
    feeds = animals.feeds[0]
    found = find(Graph(animals.path), animals.path, animals.model.proto, encodings, animals.edges, feeds)
    graph = Graph(animals.path)
    operators = {item.layer.name: int(item.operator.outputs[0]) for item in found}
    assert len(set(operators.values())) == len(found) == 10
    assert operators["node_one"] < operators["node_two"]
    assert graph.shape(operators["node_one"]) == graph.shape(operators["node_two"])


@pytest.fixture(scope="module")
def swapper_encodings(tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, Encodings, Arrays]:
    model = tiny_swapper()
    generator = np.random.default_rng(4)
    feeds: list[Arrays] = [
        {
            "target": generator.random((1, 3, 32, 32), np.float32),
            "source": generator.standard_normal((1, 16)).astype(np.float32),
        }
        for _ in range(3)
    ]
    folder = tmp_path_factory.mktemp("ranges")
    encodings = min_max_encodings(model, feeds, folder, lambda _: Scheme.W8A8)
    return dataclasses.replace(model, encodings=encodings), encodings, feeds[0]


def exported(model: Model, folder: Path, precision: Precision, feeds: Arrays, **options: str) -> Any:
    folder.mkdir()
    made = TFLiteExporter().export(model, folder, precision, dict(options), [feeds], Progress())
    assert [file.name for file in folder.iterdir()] == [made.path.name], "intermediate files were left"
    return made


@pytest.mark.parametrize("interface", [pytest.param("float", marks=pytest.mark.slow), "int8"])
def test_the_exporter_makes_a_file_as_the_encodings_say(
    swapper_encodings: tuple[Model, Encodings, Arrays], tmp_path: Path, interface: str
) -> None:
    model, encodings, feeds = swapper_encodings
    options = {"interface": interface, "engine": tflite.LITERT}
    if interface == "int8":
        unknown = dataclasses.replace(encodings.layers["Gemm:style"], input=None, output=None, scheme=Scheme.W8)
        partly = dataclasses.replace(encodings, layers={**encodings.layers, "Gemm:style": unknown})
        (sentence,) = objections(dataclasses.replace(model, encodings=partly), Precision.INT8, "int8")
        assert "source" in sentence
        assert "interface=float" in sentence
    made = exported(model, tmp_path / "out", Precision.INT8, feeds, **options)
    with TFLiteSession(made.path) as session:
        assert [spec.dtype for spec in (*session.inputs, *session.outputs)] == ["float32"] * 3
        result = session.run(feeds)["output"]
    wanted = reference_results(model, encodings, feeds)["output"]
    assert decibels(result, wanted) >= LEAST
    assert decibels(result[:, :, ::-1], wanted) < LEAST
    assert made.metadata.precision == Precision.INT8
    assert any("2 CONV_2D, 1 FULLY_CONNECTED" in note for note in made.notes)
    scales = {edge.name: (edge.dtype, edge.scale, edge.zero_point) for edge in made.metadata.inputs}
    if interface == "float":
        assert scales["target"] == ("float32", 0.0, 0)
        return
    read = encodings.layers["Conv:encoded"].input
    assert read is not None
    assert scales["target"] == ("int8", read.scale, read.zero_point)
    assert any(note.startswith("output is kept as codes: value = (code - -128) * 0.0039") for note in made.notes)
    from ai_edge_litert.interpreter import Interpreter

    details = Interpreter(model_path=str(made.path)).get_input_details()
    assert details[0]["quantization"] == (np.float32(read.scale), read.zero_point)
    assert [detail["dtype"] for detail in details] == [np.int8, np.int8]


@pytest.mark.slow
@pytest.mark.parametrize("precision", [Precision.INT4_WEIGHTS, Precision.INT8_DYNAMIC])
def test_precisions_that_need_no_calibration(tmp_path: Path, precision: Precision) -> None:
    from converters.compress.quantize.data_free import uniform_encodings

    model = tiny_swapper()
    feeds: Arrays = {
        name: np.full(shape, 0.3, np.float32) for name, shape in (("target", (1, 3, 32, 32)), ("source", (1, 16)))
    }
    generator = np.random.default_rng(4)
    feeds["target"] = generator.random((1, 3, 32, 32), np.float32)
    made = exported(model, tmp_path / "out", precision, feeds, engine=tflite.LITERT)
    scheme = Scheme.W4 if precision is Precision.INT4_WEIGHTS else Scheme.DYNAMIC
    with TFLiteSession(made.path) as session:
        result = session.run(feeds)["output"]
    least = 90 if scheme is Scheme.W4 else LEAST
    wanted = reference_results(model, uniform_encodings(model, scheme), feeds)["output"]
    assert decibels(result, wanted) >= least
    assert decibels(np.roll(result, 1, axis=2), wanted) < LEAST


def test_objections_come_before_any_work(swapper_encodings: tuple[Model, Encodings, Arrays]) -> None:
    model, encodings, _ = swapper_encodings
    exporter = TFLiteExporter()
    with pytest.raises(UnsupportedError, match="Add the step quantize"):
        exporter.check(tiny_swapper(), Precision.INT8, {})
    with pytest.raises(UnsupportedError, match="interface=int8"):
        exporter.check(tiny_swapper(), Precision.FP16, {"interface": "int8"})
    with pytest.raises(UnsupportedError, match="does not offer palette"):
        exporter.check(model, Precision.PALETTE, {})
    assert exporter.check(model, Precision.INT8, {"interface": "int8"})["interface"] == "int8"

    def against(name: str, **changes: Any) -> str:
        changed = layer_changed(encodings, name, **changes)
        (sentence,) = objections(dataclasses.replace(model, encodings=changed), Precision.INT8, "float")
        assert name in sentence
        assert "nearest" in sentence
        return sentence

    layer = encodings.layers["Conv:encoded"]
    assert layer.weight is not None
    shifted = Encoding(16, False, 0.1, 3, -1, 1)
    assert "zero point" in against("Conv:encoded", input=shifted, output=shifted)
    assert "same number of bits" in against("Conv:encoded", input=encoding_of(0, 1, 16))
    assert "blocks" in against("Conv:encoded", weight=dataclasses.replace(layer.weight, block=9))
    animals = zoo()
    item = LayerEncoding(Scheme.W8A8, layer.weight, layer.input, layer.output)
    transposed = dataclasses.replace(animals, encodings=Encodings({"node_image": item}))
    (sentence,) = objections(transposed, Precision.INT8, "float")
    assert "node_image" in sentence
    assert "w8" in sentence


def test_the_second_engine_is_tried_where_the_first_lost_layers(
    swapper_encodings: tuple[Model, Encodings, Arrays], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, _, feeds = swapper_encodings
    engines: list[str] = []

    def convert(_model: Model, path: Path, options: dict[str, Any], *_rest: object) -> tuple[str, Edges, list[str]]:
        name = "onnx2tf 0" if options["engine"] == tflite.ONNX2TF else "litert-torch 0"
        engines.append(name)
        path.write_bytes(b"a file")
        return name, Edges((), ()), []

    def lose(*_arguments: object) -> Edges:
        raise EngineError("1 of 3 layers are lost")

    monkeypatch.setattr(tflite, "_convert", convert)
    monkeypatch.setattr(tflite, "quantize", lose)
    with pytest.raises(UnsupportedError, match=r"litert-torch 0 was not used.*onnx2tf 0 was not used"):
        exported(model, tmp_path / "out", Precision.INT8, feeds)
    assert engines == ["litert-torch 0", "onnx2tf 0"]
    with pytest.raises(UnsupportedError, match="layers are lost"):
        exported(model, tmp_path / "alone", Precision.INT8, feeds, engine=tflite.LITERT)
    assert engines[2:] == ["litert-torch 0"]


def test_damaged_files_are_refused(animals: Converted, tmp_path: Path) -> None:
    place = tmp_path / "quantized.tflite"
    animals.quantize(animals.encodings(Scheme.W8A8), place)
    cut = tmp_path / "cut.tflite"
    cut.write_bytes(place.read_bytes()[:300])
    read: tuple[Callable[[Path], object], ...] = (integer_layers, Graph)
    for reader in read:
        with pytest.raises(BadInputError):
            reader(cut)


def test_weights_are_aligned(animals: Converted, tmp_path: Path) -> None:
    """The runtime reads weights in place: int32 biases and whole vectors of int8 need their alignment."""
    place = tmp_path / "quantized.tflite"
    animals.quantize(animals.encodings(Scheme.W8A8), place)
    graph = Graph(place)
    start = np.frombuffer(graph._data, np.uint8).__array_interface__["data"][0]
    arrays: list[Array] = [
        values for index in range(len(graph.tensors)) if (values := graph.constant(index)) is not None
    ]
    assert len(arrays) > 20
    assert all((values.__array_interface__["data"][0] - start) % 16 == 0 for values in arrays)


def test_a_relu_that_stands_alone_in_the_file_is_taken_into_its_layer(animals: Converted, tmp_path: Path) -> None:
    graph = Graph(animals.path)
    kinds, functions = graph.schema.BuiltinOperator, graph.schema.ActivationFunctionType
    alone = {functions.RELU: kinds.RELU, functions.RELU6: kinds.RELU6}
    apart = []
    for operator in graph.operators:
        apart.append(operator)
        kind = alone.get(getattr(operator.builtinOptions, "fusedActivationFunction", functions.NONE))
        if kind is not None:
            operator.builtinOptions.fusedActivationFunction = functions.NONE
            result = int(operator.outputs[0])
            between = graph.add_tensor(graph.shape(result), "float32", f"before {result}")
            operator.outputs = np.asarray([between], np.int32)
            apart.append(graph.operator(kind, 1, [between], [result]))
    assert len(apart) == len(graph.operators) + 5
    graph.operators = apart
    path = tmp_path / "apart.tflite"
    graph.save(path)
    taken_apart = dataclasses.replace(animals, path=path)
    encodings = animals.encodings(Scheme.W8A8)
    place = tmp_path / "quantized.tflite"
    edges = taken_apart.quantize(encodings, place)
    assert animals.least_decibels(place, edges, encodings) >= 60
    written = Graph(place)
    assert not {kinds.RELU, kinds.RELU6}.intersection(map(written.kind, written.operators))


def test_a_product_of_batches_becomes_an_integer_layer(animals: Converted, tmp_path: Path) -> None:
    graph = Graph(animals.path)
    kinds = graph.schema.BuiltinOperator
    last = graph.operators[-1]
    assert graph.kind(last) == kinds.FULLY_CONNECTED
    source, weights, bias = (int(index) for index in last.inputs)
    result = int(last.outputs[0])
    values = graph.constant(weights)
    assert values is not None
    turned = graph.add_constant(np.ascontiguousarray(values.T), "turned")
    product = graph.add_tensor(graph.shape(result), "float32", "product")
    graph.operators[-1:] = [
        graph.operator(kinds.BATCH_MATMUL, 1, [source, turned], [product], graph.schema.BatchMatMulOptionsT()),
        graph.operator(kinds.ADD, 1, [product, bias], [result], graph.schema.AddOptionsT()),
    ]
    path = tmp_path / "batches.tflite"
    graph.save(path)
    for scheme in (Scheme.W8A8, Scheme.W4):
        encodings = animals.encodings(scheme)
        place = tmp_path / f"{scheme}.tflite"
        edges = dataclasses.replace(animals, path=path).quantize(encodings, place)
        assert animals.least_decibels(place, edges, encodings) >= 60
        assert integer_layers(place)["FULLY_CONNECTED"] == (2 if scheme is Scheme.W8A8 else 0)


def test_products_of_sequences_and_limits_that_are_not_the_layers_own(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)

    def random(*shape: int) -> Array:
        return (generator.standard_normal(shape) / 2).astype(np.float32)

    model = small_model(
        [
            helper.make_node("MatMul", ["x", "w"], ["m"], name="product"),
            helper.make_node("Add", ["m", "b"], ["a"]),
            helper.make_node("Relu", ["a"], ["y"]),
            helper.make_node("Conv", ["p", "k"], ["c"], name="limited", pads=[1, 1, 1, 1]),
            helper.make_node("Clip", ["c", "low", "high"], ["z"]),
            helper.make_node("Conv", ["s", "t"], ["o"], name="signal", pads=[1, 1]),
        ],
        [("x", FLOAT, [2, 5, 8]), ("p", FLOAT, [1, 3, 8, 8]), ("s", FLOAT, [1, 4, 16])],
        [("y", FLOAT, [2, 5, 6]), ("z", FLOAT, [1, 8, 8, 8]), ("o", FLOAT, [1, 6, 16])],
        {
            "w": random(8, 6),
            "b": random(6),
            "k": random(8, 3, 3, 3),
            "low": np.float32(-1),
            "high": np.float32(1),
            "t": random(6, 4, 3),
        },
    )
    feeds: list[Arrays] = [{"x": random(2, 5, 8), "p": random(1, 3, 8, 8), "s": random(1, 4, 16)} for _ in range(3)]
    several = converted(model, feeds, tmp_path)
    for scheme in (Scheme.W8A8, Scheme.W8, Scheme.W4, Scheme.DYNAMIC):
        encodings = several.encodings(scheme)
        place = tmp_path / f"{scheme}.tflite"
        edges = several.quantize(encodings, place)
        assert several.least_decibels(place, edges, encodings) >= LEAST, scheme
        assert sum(integer_layers(place).values()) == (3 if scheme is Scheme.W8A8 else 0)


def pair_of_layers(second: str, *, relu: bool = False, change: str = "Add") -> tuple[Model, list[Arrays]]:
    """Return a graph of two convolutions of the same weights; the first reads x, the other `second`."""
    generator = np.random.default_rng(0)
    nodes = [
        helper.make_node(change, ["x", "little"], ["more"]),
        helper.make_node("Conv", ["x", "w", "b"], ["a"], name="first", pads=[1, 1, 1, 1]),
        helper.make_node("Conv", [second, "w", "b"], ["c"], name="second", pads=[1, 1, 1, 1]),
        helper.make_node("Sigmoid", ["a"], ["y"]),
        helper.make_node("Relu" if relu else "Tanh", ["c"], ["z"]),
        helper.make_node("Abs", ["more"], ["m"]),
    ]
    shape = [1, 4, 8, 8]
    model = small_model(
        nodes,
        [("x", FLOAT, [1, 3, 8, 8])],
        [("y", FLOAT, shape), ("z", FLOAT, shape), ("m", FLOAT, [1, 3, 8, 8])],
        {
            "w": generator.standard_normal((4, 3, 3, 3)).astype(np.float32),
            "b": generator.standard_normal(4).astype(np.float32),
            "little": np.full(1, 1.002 if change == "Mul" else 0.002, np.float32),
        },
    )
    return model, [{"x": generator.random((1, 3, 8, 8), np.float32)} for _ in range(2)]


def only(case: Converted, name: str, scheme: Scheme = Scheme.W8A8) -> Encodings:
    def scheme_of(layer: Layer) -> Scheme:
        return scheme if layer.name == name else Scheme.FLOAT

    return min_max_encodings(case.model, case.feeds, case.path.parent, scheme_of)


@pytest.fixture(scope="module")
def nearly_alike(tmp_path_factory: pytest.TempPathFactory) -> Converted:
    return converted(*pair_of_layers("more"), tmp_path_factory.mktemp("nearly"))


@pytest.mark.parametrize("name", ["first", "second"])
@pytest.mark.parametrize("scheme", [Scheme.W8A8, Scheme.W4])
def test_of_layers_of_the_same_weights_that_compute_nearly_the_same_the_right_one_is_quantized(
    nearly_alike: Converted, tmp_path: Path, name: str, scheme: Scheme
) -> None:
    encodings = only(nearly_alike, name, scheme)
    place = tmp_path / "quantized.tflite"
    edges = nearly_alike.quantize(encodings, place)
    assert nearly_alike.least_decibels(place, edges, encodings) >= 60
    other = only(nearly_alike, {"first": "second", "second": "first"}[name], scheme)
    assert nearly_alike.least_decibels(place, edges, other) < 60


def test_a_layer_whose_weights_the_converter_changed_is_not_taken_for_its_twin(tmp_path: Path) -> None:
    changed = converted(*pair_of_layers("more", change="Mul"), tmp_path)
    with pytest.raises(EngineError, match=r"\(second\)"):
        changed.quantize(only(changed, "second"), tmp_path / "quantized.tflite")
    encodings = only(changed, "first")
    edges = changed.quantize(encodings, tmp_path / "quantized.tflite")
    assert changed.least_decibels(tmp_path / "quantized.tflite", edges, encodings) >= 60


@pytest.mark.parametrize("relu", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_layers_that_the_converter_made_one_must_be_quantized_alike(tmp_path: Path, relu: bool) -> None:
    merged = converted(*pair_of_layers("x", relu=relu), tmp_path)
    kinds = Graph(merged.path).schema.BuiltinOperator
    graph = Graph(merged.path)
    assert sum(graph.kind(operator) == kinds.CONV_2D for operator in graph.operators) == 1
    for name in ("first", "second"):
        with pytest.raises(EngineError, match=r"first and second|\(second\)"):
            merged.quantize(only(merged, name), tmp_path / "quantized.tflite")
    both = merged.encodings(Scheme.W8A8)
    if relu:
        with pytest.raises(EngineError, match="second"):
            merged.quantize(both, tmp_path / "quantized.tflite")
        return
    edges = merged.quantize(both, tmp_path / "quantized.tflite")
    assert merged.least_decibels(tmp_path / "quantized.tflite", edges, both) >= LEAST


def test_layers_that_compute_the_same_in_two_operators_are_refused_unless_they_are_quantized_alike(
    nearly_alike: Converted, tmp_path: Path
) -> None:
    """What is added is made 0 in model and file, so that nothing tells the layers apart."""
    nothing = np.zeros(1, np.float32)
    model = dataclasses.replace(
        nearly_alike.model, proto=with_replaced(nearly_alike.model.proto, Encodings({}, {"little": nothing}))
    )
    graph = Graph(nearly_alike.path)
    addition = next(op for op in graph.operators if graph.kind(op) == graph.schema.BuiltinOperator.ADD)
    zero = graph.add_constant(nothing, "zero")
    addition.inputs = np.asarray(
        [int(index) if graph.constant(int(index)) is None else zero for index in addition.inputs], np.int32
    )
    path = tmp_path / "alike.tflite"
    graph.save(path)
    alike = dataclasses.replace(nearly_alike, model=model, path=path)
    with pytest.raises(EngineError, match="first and second"):
        alike.quantize(only(alike, "second"), tmp_path / "quantized.tflite")
    both = alike.encodings(Scheme.W8A8)
    edges = alike.quantize(both, tmp_path / "quantized.tflite")
    assert alike.least_decibels(tmp_path / "quantized.tflite", edges, both) >= LEAST


def test_operators_go_to_the_nearest_layers() -> None:
    def of(layer: str, operator: int, distance: float, rank: int = 0) -> Candidate[str]:
        return Candidate(layer, operator, distance, rank, None if rank == 2 else f"{layer}{operator}")

    def given(candidates: list[Candidate[str]], **encodings: str) -> Assignment[str]:
        return assign(["a", "b"], candidates, encodings.get)

    near = [of("a", 0, 1e-7), of("a", 1, 2e-3), of("b", 0, 2e-3), of("b", 1, 1e-7)]
    assert given(near, b="w8").found == {"a": "a0", "b": "b1"}
    assert not given(near, b="w8").ambiguous
    same = [of("a", 0, 1e-7), of("a", 1, 2e-7), of("b", 0, 0.0), of("b", 1, 0.0)]
    assert given(same, b="w8").ambiguous == (("a", "b"),)
    assert not given(same, a="w8", b="w8").ambiguous
    assert given(same[:2], a="w8").ambiguous == (("a",),)
    assert given([of("a", 0, 0), of("b", 0, 0)], a="w8").merged == (("a", "b"),)
    assert given([of("a", 0, 0), of("b", 0, 0)], a="w8", b="w8").shared == {"b"}
    assert given([of("a", 0, 0), of("b", 0, 2e-3)], a="w8").merged == ()
    assert given([of("a", 0, 0), of("b", 0, 2e-3)], a="w8", b="w8").lost == ("b",)
    # an operator whose surroundings do not fit is left to others, and its layer takes no other that is further away
    misfits = [of("a", 0, 0, 2), of("a", 1, 2e-3), of("b", 0, 0)]
    assert given(misfits, a="w8", b="w4").found == {"b": "b0"}
    assert given([of("a", 0, 0, 2), of("a", 1, 2e-3)], a="w8").lost == ("a",)
    # a fused addition tells layers apart
    fused = [of("a", 0, 1e-7), of("a", 1, 0.0, 1), of("b", 0, 0.0, 1), of("b", 1, 1e-7)]
    assert given(fused, b="w8").found == {"a": "a0", "b": "b1"}
    assert not given(fused, b="w8").ambiguous


def _other_scale(self: Graph, scale: Any, zero_point: Any, axis: int = 0) -> Any:
    scale = [value * 1.5 if place == 1 else value for place, value in enumerate(scale)]
    return PLAIN_QUANTIZATION(self, scale, zero_point, axis)


def _other_zero_point(self: Graph, scale: Any, zero_point: Any, axis: int = 0) -> Any:
    zero_point = list(zero_point)
    return PLAIN_QUANTIZATION(self, scale, [zero_point[0] + 1] if len(zero_point) == 1 else zero_point, axis)


def _other_constant(kind: type) -> Any:
    def add(self: Graph, values: Any, name: str, *rest: Any) -> int:
        if values.dtype == kind and values.size > 1:
            values = values.copy()
            values.reshape(-1)[0] += 1 if values.reshape(-1)[0] < 100 else -1
        return PLAIN_CONSTANT(self, values, name, *rest)

    return add


PLAIN_QUANTIZATION, PLAIN_CONSTANT = Graph.quantization, Graph.add_constant


@pytest.mark.parametrize(
    ("method", "wrong"),
    [
        ("quantization", _other_scale),
        ("quantization", _other_zero_point),
        ("add_constant", _other_constant(np.int32)),
        ("add_constant", _other_constant(np.int8)),
    ],
    ids=["scale", "zero point", "bias", "code"],
)
def test_a_file_that_does_not_hold_the_encodings_is_refused(
    animals: Converted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, wrong: Any
) -> None:
    encodings = animals.encodings(Scheme.W8A8)
    animals.quantize(encodings, tmp_path / "right.tflite")
    monkeypatch.setattr(Graph, method, wrong)
    with pytest.raises(VerificationError, match="does not hold the model's encodings"):
        animals.quantize(encodings, tmp_path / "wrong.tflite")
