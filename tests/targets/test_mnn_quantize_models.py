"""Real networks as int8 `.mnn`: the demo swapper and two published detectors against the reference graph."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest

from converters.builtin import DEMO_NAME
from converters.compress.quantize.calibration import CalibrationSet, calibration_set
from converters.compress.quantize.encode import make_encodings
from converters.compress.quantize.encodings import Encodings, Scheme
from converters.compress.quantize.fold import fold_batch_norm
from converters.compress.quantize.layers import find_layers
from converters.compress.quantize.observe import Observations, observe
from converters.compress.quantize.settings import QuantizeSettings
from converters.measure.lpips import Lpips
from converters.model.graph import Model
from converters.model.source import load
from converters.progress import Progress
from converters.runtimes.base import Array, Arrays
from converters.runtimes.mnn import integer_layers, integer_operators
from converters.targets.base import Precision
from tests.targets.mnn_quantized import all_in, export, quantized, references, results, worst_psnr

ALL_INTEGER = QuantizeSettings(families_defaults=False)
# The four layers that draw the picture carry nearly all of the loss.
MIXED = replace(ALL_INTEGER, layers={"*decoder*": Scheme.W8})


@dataclass(frozen=True)
class Demo:
    """The demo swapper, what its layers were seen to read and write, feeds of other pictures, and the float file."""

    model: Model
    observations: Observations
    feeds: list[Arrays]
    plain: Path

    def encoded(self, settings: QuantizeSettings) -> Model:
        return replace(self.model, encodings=make_encodings(self.model, self.observations, settings))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    model = load(DEMO_NAME, progress=Progress())
    samples = calibration_set(model, "", 18)
    seen = CalibrationSet([samples.make(place) for place in range(14)], samples.origin)
    feeds = [dict(samples.make(place).feeds) for place in range(14, 18)]
    plain = export(model, tmp_path_factory.mktemp("demo") / "float", Precision.FP32)
    return Demo(model, observe(model, seen), feeds, plain)


def as_picture(results: Arrays) -> Array:
    return np.clip(results["output"][0].transpose(1, 2, 0), 0, 1).astype(np.float32)


@pytest.mark.parametrize(
    ("settings", "integer"),
    [
        pytest.param(ALL_INTEGER, 32, id="all", marks=pytest.mark.slow),
        pytest.param(MIXED, 28, id="mixed"),
    ],
)
def test_the_demo_swapper_is_what_the_reference_shows(
    tmp_path: Path, demo: Demo, settings: QuantizeSettings, integer: int
) -> None:
    model = demo.encoded(settings)
    path = export(model, tmp_path / "out")
    assert len(integer_layers(path)) == integer
    assert path.stat().st_size <= 0.30 * demo.plain.stat().st_size
    found, wanted = results(path, demo.feeds), references(model, demo.feeds, tmp_path / "reference")
    assert worst_psnr(found, wanted) >= 35
    with Lpips() as lpips:
        far = [lpips.distance(as_picture(one), as_picture(other)) for one, other in zip(found, wanted, strict=True)]
    assert max(far) <= 0.005


def test_one_wrong_scale_in_the_demo_swapper_fails(tmp_path: Path, demo: Demo) -> None:
    model = demo.encoded(MIXED)
    assert model.encodings is not None
    name = next(layer.name for layer in find_layers(model.proto) if "encoder.3" in layer.name)
    layer = model.encodings.layers[name]
    assert layer.output is not None
    wrong = replace(layer, output=replace(layer.output, scale=layer.output.scale * 0.6))
    other = replace(model, encodings=Encodings({**model.encodings.layers, name: wrong}))
    wanted = references(model, demo.feeds, tmp_path / "reference")
    assert worst_psnr(results(export(other, tmp_path / "wrong"), demo.feeds), wanted) < 35


def ultraface(shared: Path) -> tuple[Model, list[Arrays]]:
    model = load(str(shared / "models/ultraface_version-RFB-320.onnx"), progress=Progress())
    # Scales per channel came with operator set 13.
    proto = onnx.shape_inference.infer_shapes(onnx.version_converter.convert_version(model.proto, 13))
    return fold_batch_norm(replace(model, proto=proto)), photographs(shared, (320, 240), 127.0, 128.0)


def retinaface(shared: Path) -> tuple[Model, list[Arrays]]:
    model = load(str(shared / "models/retinaface_mobilenet0.25.pth"), progress=Progress())
    return fold_batch_norm(model), photographs(shared, (640, 640), np.array([123.0, 117.0, 104.0]), 1.0)


def photographs(shared: Path, size: tuple[int, int], mean: float | Array, deviation: float) -> list[Arrays]:
    feeds: list[Arrays] = []
    for path in sorted((shared / "photos").iterdir())[:8]:
        picture = cv2.imread(str(path))
        assert picture is not None
        values = (cv2.cvtColor(cv2.resize(picture, size), cv2.COLOR_BGR2RGB) - mean) / deviation
        if deviation == 1:
            values = values[:, :, ::-1]
        feeds.append({"input": np.ascontiguousarray(values.transpose(2, 0, 1)[None], dtype=np.float32)})
    return feeds


def check_detector(model: Model, feeds: list[Arrays], folder: Path, parts: tuple[int, int]) -> None:
    """Check a detector whose layers all compute with integers, and one that mixes all schemes."""
    seen, shown = feeds[:5], feeds[5:]
    whole = quantized(model, seen, folder / "seen", all_in(Scheme.W8A8))
    path = export(whole, folder / "whole")
    kinds = list(integer_operators(path).values())
    assert (kinds.count("Convolution"), kinds.count("ConvolutionDepthwise")) == parts
    assert worst_psnr(results(path, shown), references(whole, shown, folder / "whole reference")) >= 35
    names = [layer.name for layer in find_layers(model.proto)]
    schemes = (Scheme.W8, Scheme.W8A8, Scheme.W8A8, Scheme.FLOAT, Scheme.W4)
    cycle = {name: schemes[place % len(schemes)] for place, name in enumerate(names)}
    mixed = quantized(model, seen, folder / "again", lambda layer: cycle[layer.name])
    path = export(mixed, folder / "mixed")
    assert len(integer_layers(path)) == list(cycle.values()).count(Scheme.W8A8)
    assert worst_psnr(results(path, shown), references(mixed, shown, folder / "mixed reference")) >= 35


def test_ultraface_with_depth_wise_layers_and_fused_activations(tmp_path: Path, shared: Path) -> None:
    check_detector(*ultraface(shared), tmp_path, (34, 18))


@pytest.mark.slow
def test_retinaface_with_additions_and_resizes_between_layers(tmp_path: Path, shared: Path) -> None:
    check_detector(*retinaface(shared), tmp_path, (43, 13))
