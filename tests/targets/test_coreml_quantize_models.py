"""Quantized Core ML packages of whole networks: the demo swapper, and published detectors where they are at hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from converters.builtin import DEMO_CROPS
from converters.compress.quantize.encodings import Scheme
from converters.compress.quantize.fold import fold_batch_norm
from converters.compress.quantize.layers import Layer
from converters.fingerprints import size_of
from converters.measure.lpips import Lpips
from converters.measure.parity import SampleKind
from converters.model.graph import Model
from converters.model.source import load
from converters.progress import Progress
from converters.runtimes.base import Array, Arrays
from converters.runtimes.mil.program import MilProgram
from converters.samples import read_pictures, verification_samples
from converters.targets.base import Precision
from converters.targets.coreml import CoreMLExporter
from converters.targets.coreml_quantize_check import found_layers, integer_layers
from tests.targets.quantized import reference_results
from tests.targets.test_coreml_quantize import LEAST, export, integer, quantized, with_activation, worst


def real_feeds(model: Model, count: int) -> list[Arrays]:
    samples = verification_samples(model.signature, read_pictures(DEMO_CROPS, count), count)
    return [sample.feeds for sample in samples if sample.kind is SampleKind.REAL]


@pytest.fixture(scope="module")
def demo() -> Model:
    return load("demo", progress=Progress())


def decoder_with_int8_weights(layer: Layer) -> Scheme:
    return Scheme.W8 if layer.name.startswith("/decoder") else Scheme.W8A8


@pytest.mark.slow
def test_the_demo_swapper_in_int8(demo: Model, tmp_path: Path) -> None:
    feeds = real_feeds(demo, 2)
    model = quantized(demo, feeds, tmp_path)
    made = export(model, feeds, tmp_path / "out")
    assert integer_layers(made.path) == 32
    assert size_of(made.path) <= 0.28 * demo.parameter_bytes  # not a single weight of more than 8 bits
    assert worst(made.path, model, feeds) >= LEAST


@pytest.mark.slow
def test_the_demo_swapper_with_int8_weights_in_its_decoder(demo: Model, tmp_path: Path) -> None:
    feeds = real_feeds(demo, 8)
    model = quantized(demo, feeds, tmp_path, decoder_with_int8_weights)
    plain = export(demo, feeds, tmp_path / "fp32", Precision.FP32)
    made = export(model, feeds, tmp_path / "out")
    assert integer_layers(made.path) == 28
    assert size_of(made.path) <= 0.30 * size_of(plain.path)
    lpips = Lpips()
    assert model.encodings is not None
    with CoreMLExporter().open_session(made.path) as session:
        for feed in feeds:
            wanted = picture(reference_results(model, model.encodings, feed)["output"])
            drawn = picture(session.run(feed)["output"])
            assert lpips.distance(drawn, wanted) <= 0.005
            assert lpips.distance(np.roll(drawn, 2, axis=1), wanted) > 0.005
    assert worst(made.path, model, feeds) >= 45

    wrong = with_activation(model.encodings, "/encoder.0/Conv", "output", lambda e: replace(e, scale=e.scale * 0.3))
    twin = export(replace(model, encodings=wrong), feeds, tmp_path / "twin")
    assert worst(twin.path, model, feeds) < LEAST


def picture(output: Array) -> Array:
    """Return a swapper's output as a picture (H, W, RGB 0..1)."""
    return np.ascontiguousarray(np.clip(output[0].transpose(1, 2, 0), 0, 1))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("precision", "bits", "most", "least"),
    [
        (Precision.INT4_WEIGHTS, 0, 0.16, 24),
        (Precision.PALETTE, 4, 0.16, 24),
        (Precision.PALETTE, 6, 0.22, 34),
        (Precision.PALETTE, 8, 0.28, 44),
    ],
)
def test_the_demo_swapper_without_calibration(
    demo: Model, tmp_path: Path, precision: Precision, bits: int, most: float, least: float
) -> None:
    feeds = real_feeds(demo, 4)
    made = export(demo, feeds, tmp_path / "out", precision, **({"palette_bits": bits} if bits else {}))
    assert size_of(made.path) <= most * demo.parameter_bytes
    unquantized = quantized(demo, feeds, tmp_path, lambda _layer: Scheme.FLOAT)
    assert worst(made.path, unquantized, feeds) >= least


PUBLISHED = {"ultraface_version-RFB-320.onnx": 52, "retinaface_mobilenet0.25.pth": 56}


@pytest.mark.slow
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_detectors(shared: Path, tmp_path: Path, name: str) -> None:
    model = fold_batch_norm(load(str(shared / "models" / name), progress=Progress()))
    feeds = real_feeds(model, 2)
    model = quantized(model, feeds, tmp_path, integer)
    made = export(model, feeds, tmp_path / "out")
    assert integer_layers(made.path) == PUBLISHED[name]
    assert len(found_layers(made.path)) == PUBLISHED[name]
    assert "batch_norm" not in MilProgram.load(made.path).operation_kinds()
    assert worst(made.path, model, feeds) >= LEAST
    assert model.encodings is not None
    first = next(iter(model.encodings.layers))
    wrong = with_activation(model.encodings, first, "output", lambda e: replace(e, scale=e.scale * 0.3))
    twin = export(replace(model, encodings=wrong), feeds, tmp_path / "twin")
    assert worst(twin.path, model, feeds) < LEAST
