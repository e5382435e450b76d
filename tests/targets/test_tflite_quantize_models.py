"""Quantized `.tflite` of whole networks: the demo swapper, and published detectors where they are at hand."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from converters.builtin import DEMO_CROPS
from converters.compress.quantize.encodings import Encodings, Scheme
from converters.compress.quantize.fold import fold_batch_norm
from converters.compress.quantize.layers import Layer
from converters.measure.lpips import Lpips
from converters.measure.parity import SampleKind
from converters.model.graph import Model
from converters.model.source import load
from converters.progress import Progress
from converters.runtimes.base import Array, Arrays
from converters.runtimes.tflite import TFLiteSession
from converters.samples import read_pictures, verification_samples
from converters.targets import tflite, tflite_litert, tflite_onnx2tf
from converters.targets.base import Precision
from converters.targets.tflite import TFLiteExporter
from converters.targets.tflite_graph import Graph
from converters.targets.tflite_probe import reference
from converters.targets.tflite_quantize_check import integer_layers
from tests.targets.quantized import decibels, min_max_encodings, reference_results
from tests.targets.test_tflite_quantize import Converted

pytestmark = pytest.mark.slow

LEAST = 35.0
"""Decibels to the reference."""


def real_feeds(model: Model, count: int) -> list[Arrays]:
    samples = verification_samples(model.signature, read_pictures(DEMO_CROPS, count), count)
    return [sample.feeds for sample in samples if sample.kind is SampleKind.REAL]


def converted_by(engine: str, model: Model, folder: Path, count: int = 3) -> Converted:
    path, feeds = folder / "float.tflite", real_feeds(model, count)
    if engine == tflite.LITERT:
        edges = tflite_litert.convert(model, path, "nhwc", Progress())
    else:
        edges = tflite_onnx2tf.convert(model, path, feeds[0], reference(model, feeds[0], folder), feeds, Progress())
    return Converted(model, path, edges, feeds)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Converted:
    return converted_by(tflite.LITERT, load("demo", progress=Progress()), tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def mixed(demo: Converted) -> Encodings:
    return min_max_encodings(demo.model, demo.feeds, demo.path.parent, decoder_in_float)


def decoder_in_float(layer: Layer) -> Scheme:
    return Scheme.W8 if layer.name.startswith("/decoder") else Scheme.W8A8


def test_the_demo_swapper_in_int8(demo: Converted, tmp_path: Path) -> None:
    encodings = demo.encodings(Scheme.W8A8)
    place = tmp_path / "quantized.tflite"
    edges = demo.quantize(encodings, place)
    assert place.stat().st_size <= 0.30 * demo.path.stat().st_size
    assert integer_layers(place) == {"CONV_2D": 20, "DEPTHWISE_CONV_2D": 0, "FULLY_CONNECTED": 12}
    assert demo.least_decibels(place, edges, encodings) >= LEAST
    twin = with_wrong_scale(place, (3, 7, 7, 16), tmp_path / "twin.tflite")
    assert demo.least_decibels(twin, edges, encodings) < LEAST


def with_wrong_scale(path: Path, shape: tuple[int, ...], twin: Path) -> Path:
    """Copy a file whose weights of one shape say that they are a quarter larger than they are."""
    graph = Graph(path)
    (index,) = [at for at in range(len(graph.tensors)) if graph.shape(at) == shape and graph.dtype(at) == "int8"]
    graph.tensors[index].quantization.scale = graph.tensors[index].quantization.scale * np.float32(1.25)
    graph.save(twin)
    return twin


def test_the_demo_swapper_with_a_float_decoder(demo: Converted, mixed: Encodings, tmp_path: Path) -> None:
    place = tmp_path / "mixed.tflite"
    edges = demo.quantize(mixed, place)
    assert place.stat().st_size <= 0.30 * demo.path.stat().st_size
    assert integer_layers(place) == {"CONV_2D": 16, "DEPTHWISE_CONV_2D": 0, "FULLY_CONNECTED": 12}
    assert demo.least_decibels(place, edges, mixed) >= 45
    lpips = Lpips()
    for feeds in demo.feeds:
        wanted = picture(reference_results(demo.model, mixed, feeds)["output"])
        drawn = picture(demo.run(place, edges, feeds)["output"])
        assert lpips.distance(drawn, wanted) <= 0.005
        assert lpips.distance(np.roll(drawn, 2, axis=1), wanted) > 0.005


def picture(output: Array) -> Array:
    """Return a swapper's output as a picture (H, W, RGB 0..1)."""
    return np.ascontiguousarray(np.clip(output[0].transpose(1, 2, 0), 0, 1))


@pytest.mark.parametrize("engine", [tflite.LITERT, tflite.ONNX2TF])
@pytest.mark.parametrize("interface", ["float", "int8"])
def test_the_demo_swapper_through_the_exporter(
    demo: Converted, mixed: Encodings, tmp_path: Path, engine: str, interface: str
) -> None:
    model = dataclasses.replace(demo.model, encodings=mixed)
    options = {"engine": engine, "interface": interface}
    made = TFLiteExporter().export(model, tmp_path, Precision.INT8, dict(options), demo.feeds, Progress())
    with TFLiteSession(made.path) as session:
        for feeds in demo.feeds:
            wanted = reference_results(demo.model, mixed, feeds)["output"]
            result = session.run(feeds)["output"]
            assert decibels(result, wanted) >= LEAST
            assert decibels(result[..., ::-1], wanted) < LEAST
    assert made.path.stat().st_size <= 0.30 * demo.path.stat().st_size


@pytest.mark.parametrize(
    ("scheme", "least"), [(Scheme.W8A16, 60), (Scheme.W8, 100), (Scheme.W4, 100), (Scheme.DYNAMIC, LEAST)]
)
def test_the_demo_swapper_in_other_schemes(demo: Converted, tmp_path: Path, scheme: Scheme, least: float) -> None:
    encodings = demo.encodings(scheme)
    place = tmp_path / "quantized.tflite"
    edges = demo.quantize(encodings, place)
    assert demo.least_decibels(place, edges, encodings) >= least
    assert place.stat().st_size <= (0.16 if scheme is Scheme.W4 else 0.30) * demo.path.stat().st_size


PUBLISHED = {
    "ultraface_version-RFB-320.onnx": {"CONV_2D": 34, "DEPTHWISE_CONV_2D": 18, "FULLY_CONNECTED": 0},
    "retinaface_mobilenet0.25.pth": {"CONV_2D": 43, "DEPTHWISE_CONV_2D": 13, "FULLY_CONNECTED": 0},
}


@pytest.mark.parametrize(
    ("name", "engine"),
    [(name, engine) for name in PUBLISHED for engine in (tflite.LITERT, tflite.ONNX2TF)],
)
def test_published_detectors(shared: Path, tmp_path: Path, name: str, engine: str) -> None:
    model = fold_batch_norm(load(str(shared / "models" / name), progress=Progress()))
    detector = converted_by(engine, model, tmp_path, count=2)
    encodings = detector.encodings(Scheme.W8A8)
    place = tmp_path / "quantized.tflite"
    edges = detector.quantize(encodings, place)
    assert integer_layers(place) == PUBLISHED[name]
    assert detector.least_decibels(place, edges, encodings) >= LEAST
    shape = {34: (16, 3, 3, 3), 43: (8, 3, 3, 3)}[PUBLISHED[name]["CONV_2D"]]
    twin = with_wrong_scale(place, shape, tmp_path / "twin.tflite")
    assert detector.least_decibels(twin, edges, encodings) < LEAST
