"""Small graphs for equalization, bias correction and rounding, and how much worse quantization makes them."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx

from converters.compress.quantize.encode import make_encodings
from converters.compress.quantize.encodings import Encodings, Floats, Scheme
from converters.compress.quantize.layers import with_replaced
from converters.compress.quantize.observe import observe
from converters.compress.quantize.policies import Policy
from converters.compress.quantize.qdq import build_qdq
from converters.compress.quantize.settings import QuantizeSettings
from converters.model.graph import Model
from converters.runtimes.onnx import open_proto
from tests.compress.quantize.drawn import DrawnSample
from tests.model.small_graphs import graph, model, node

Feeds = dict[str, np.ndarray]


def drawn_feeds(shape: Sequence[int], count: int, first: int = 0, mean: float = 0.0) -> list[Feeds]:
    """Return smooth noise: neighbours and channels resemble one another, as in pictures."""
    found = []
    for number in range(first, first + count):
        generator = np.random.default_rng(number)
        values = generator.standard_normal(tuple(shape))
        for axis in range(1, len(shape)):
            values = values + np.roll(values, 1, axis) + 0.5 * np.roll(values, 2, axis)
        found.append({"x": (values / values.std() + mean).astype(np.float32)})
    return found


def two_convolutions(
    first: Floats, second: Floats, between: Sequence[onnx.NodeProto] = (), *, side: int = 12, **constants: object
) -> Model:
    """Return Conv, what is `between` ("a" to "b"; Relu if nothing is given), Conv: x -> y."""
    channels = first.shape[1]
    nodes = [
        node("Conv", ["x", "w1", "b1"], "a", pads=[1, 1, 1, 1]),
        *(between or [node("Relu", ["a"], "b")]),
        node("Conv", ["b", "w2", "b2"], "y"),
    ]
    values = {
        "w1": first,
        "b1": np.random.default_rng(9).standard_normal(len(first)).astype(np.float32) * np.abs(first).max((1, 2, 3)),
        "w2": second,
        "b2": np.zeros(len(second), np.float32),
        **constants,
    }
    return model(graph(nodes, {"x": [1, channels, side, side]}, {"y": [1, len(second), "h", "w"]}, values))


def uniform(
    given: Model,
    feeds: Sequence[Feeds],
    scheme: Scheme,
    replaced: Mapping[str, Floats] | None = None,
    block: int = 0,
    layers: Mapping[str, Scheme] | None = None,
) -> Encodings:
    """Return min-max Encodings with one scheme for all layers, made as for the values replaced."""
    settings = QuantizeSettings(
        scheme, Policy.MIN_MAX, layers=layers or {}, families_defaults=False, weight_block=block
    )
    shown = given.with_proto(with_replaced(given.proto, Encodings({}, replaced or {})))
    samples = [DrawnSample(str(place), dict(item)) for place, item in enumerate(feeds)]
    return make_encodings(given, observe(shown, samples), settings, replaced or {})


def results(proto: onnx.ModelProto, feeds: Sequence[Feeds]) -> np.ndarray:
    """Return the first output on every sample."""
    with tempfile.TemporaryDirectory() as folder, open_proto(proto, Path(folder)) as session:
        name = session.outputs[0].name
        return np.stack([session.run(item)[name] for item in feeds])


def error(given: Model, encodings: Encodings, feeds: Sequence[Feeds]) -> float:
    """Return the root mean square error of the reference as a part of the root mean square of the float results."""
    wanted, found = results(given.proto, feeds), results(build_qdq(given, encodings), feeds)
    return float(np.sqrt(np.mean((found - wanted) ** 2) / np.mean(wanted**2)))
