"""AdaRound: better than the nearest codes, on the grid, the same each time, and resumable."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters.cache import Cache
from converters.compress.quantize import rounding
from converters.compress.quantize.adaround import RoundingProblem, RoundingSettings, find_rounding
from converters.compress.quantize.data_free import layer_weight_encoding, weight_encoding
from converters.compress.quantize.encodings import Encodings, Floats, Scheme, WeightEncoding
from converters.compress.quantize.equalize import equalize
from converters.compress.quantize.layers import effective_weights, find_layers
from converters.compress.quantize.rounding import AdaptivelyRounded, round_adaptively
from converters.compress.quantize.rounding_state import key_of
from converters.compress.quantize.taps import read_tensors
from converters.errors import BadInputError, CancelledError
from converters.model.graph import Model
from converters.progress import Progress, ProgressMessage
from tests.compress.quantize.weight_methods import Feeds, drawn_feeds, error, two_convolutions, uniform
from tests.model.small_graphs import graph, model, node, weights

QUICK = RoundingSettings(steps=200, rows=2048)


def convolutions() -> Model:
    return two_convolutions(weights(12, 3, 3, 3), weights(6, 12, 3, 3, seed=1))


def feeds_of(count: int, first: int = 0) -> list[Feeds]:
    return drawn_feeds([1, 3, 12, 12], count, first)


def rounded_error(given: Model, encodings: Encodings, found: AdaptivelyRounded, feeds: list[Feeds]) -> float:
    return error(given, replace(encodings, replaced={**encodings.replaced, **found.replaced}), feeds)


def assert_on_the_grid(given: Model, encodings: Encodings, found: AdaptivelyRounded) -> None:
    """Assert that every target finds the codes that were meant, with the same scales or with scales made anew."""
    for layer in find_layers(given.proto):
        if layer.weight not in found.replaced:
            continue
        encoding = encodings.layers[layer.name].weight
        assert encoding is not None
        values = found.replaced[layer.weight]
        assert values.dtype == np.float32
        assert values.shape == effective_weights(given.proto, None, layer.weight).shape
        codes = encoding.quantize(values)
        assert np.array_equal(encoding.dequantize(codes), values)
        anew = layer_weight_encoding(values, layer, encodings.layers[layer.name].scheme, encoding.block)
        assert np.array_equal(anew.quantize(values), codes)


@pytest.mark.parametrize(
    ("scheme", "block", "factor"),
    [(Scheme.W4, 0, 0.75), (Scheme.W4, 9, 0.75), (Scheme.W8, 0, 0.75), (Scheme.W8A8, 0, 1.0)],
)
def test_it_beats_the_nearest_codes_on_other_samples(scheme: Scheme, block: int, factor: float) -> None:
    given, feeds, others = convolutions(), feeds_of(8), feeds_of(8, 100)
    encodings = uniform(given, feeds, scheme, block=block)
    before = given.proto.SerializeToString(deterministic=True)
    found = round_adaptively(given, encodings, feeds, settings=QUICK)
    assert given.proto.SerializeToString(deterministic=True) == before
    nearest, better = error(given, encodings, others), rounded_error(given, encodings, found, others)
    assert better < factor * nearest, f"{nearest} -> {better}"
    assert [item.layer for item in found.layers] == ["Conv_a", "Conv_y"]
    assert all(item.error <= item.nearest_error for item in found.layers)
    assert any(item.changed > 0.02 for item in found.layers)
    assert_on_the_grid(given, encodings, found)
    # the twin: as many codes changed, but others
    shuffled = {}
    for layer in find_layers(given.proto):
        encoding = encodings.layers[layer.name].weight
        assert encoding is not None
        near = encoding.quantize(effective_weights(given.proto, None, layer.weight))
        step = encoding.quantize(found.replaced[layer.weight]) - near
        mixed = np.random.default_rng(0).permutation(step.reshape(-1)).reshape(step.shape)
        codes = np.clip(near + mixed, -encoding.highest, encoding.highest).astype(np.int8)
        shuffled[layer.weight] = encoding.dequantize(codes)
    assert error(given, replace(encodings, replaced=shuffled), others) > nearest * (1 if scheme is Scheme.W8A8 else 1.1)


OTHER_LAYERS = {
    "depth-wise": ([node("Conv", ["x", "w"], "y", group=6, pads=[1, 1, 1, 1])], [1, 6, 14, 14], (6, 1, 3, 3)),
    "groups and strides": (
        [node("Conv", ["x", "w"], "y", group=2, strides=[2, 1], dilations=[1, 2])],
        [1, 6, 14, 14],
        (8, 3, 3, 3),
    ),
    "gemm": ([node("Gemm", ["x", "w"], "y")], [64, 24], (24, 10)),
    "matmul": ([node("MatMul", ["x", "w"], "y")], [2, 40, 24], (24, 10)),
    "before a normalisation": (
        [
            node("Conv", ["x", "w"], "c"),
            node("ReduceMean", ["c"], "m", axes=[2, 3], keepdims=1),
            node("Sub", ["c", "m"], "y"),
        ],
        [1, 6, 14, 14],
        (8, 6, 3, 3),
    ),
}


@pytest.mark.parametrize("kind", OTHER_LAYERS)
def test_every_kind_of_layer(kind: str) -> None:
    nodes, size, shape = OTHER_LAYERS[kind]
    output = {"y": ["n", *"abc"[: len(size) - 1]]}
    given = model(graph(nodes, {"x": size}, output, {"w": weights(*shape, seed=3)}))
    feeds, others = drawn_feeds(size, 8, mean=0.5), drawn_feeds(size, 4, 100, mean=0.5)
    encodings = uniform(given, feeds, Scheme.W4)
    found = round_adaptively(given, encodings, feeds, settings=QUICK)
    nearest, better = error(given, encodings, others), rounded_error(given, encodings, found, others)
    assert better < 0.8 * nearest, f"{nearest} -> {better}"
    assert_on_the_grid(given, encodings, found)


def problem_of_one_row(seed: int, bits: int = 4) -> RoundingProblem:
    """Return ten weights that read inputs which resemble one another."""
    generator = np.random.default_rng(seed)
    values = generator.standard_normal((1, 1, 10)).astype(np.float32)
    inputs = (generator.standard_normal((1, 512, 3)) @ generator.standard_normal((3, 10))).astype(np.float32)
    inputs += generator.standard_normal(inputs.shape).astype(np.float32)
    scale = np.abs(values).max() / (2 ** (bits - 1) - 1)
    scales = np.full_like(values, scale)
    bias = np.zeros((1, 1, 1), np.float32)
    return RoundingProblem(values, scales, 2 ** (bits - 1) - 1, inputs, inputs @ values.transpose(0, 2, 1), bias, 128)


def squared_error(problem: RoundingProblem, codes: np.ndarray) -> float:
    gap = problem.inputs @ (codes * problem.scales - problem.weights).transpose(0, 2, 1)
    return float(np.mean(gap**2))


def test_it_comes_near_the_best_of_all_roundings() -> None:
    to_best, of_nearest = [], []
    for seed in range(10):
        problem = problem_of_one_row(seed)
        position = problem.weights / problem.scales
        choices = [np.floor(position) + np.array(up).reshape(1, 1, 10) for up in itertools.product((0, 1), repeat=10)]
        best = min(squared_error(problem, np.clip(codes, -7, 7)) for codes in choices)
        nearest = squared_error(problem, np.clip(np.rint(position), -7, 7))
        found = squared_error(problem, find_rounding(problem, RoundingSettings(steps=400)).codes)
        assert best <= found * 1.0001
        to_best.append(found / best)
        of_nearest.append(nearest / best)
    assert np.mean(of_nearest) > 1.3  # the nearest codes are far from the best
    assert np.mean(to_best) < 1.15
    assert np.mean(np.array(to_best) < 1.001) >= 0.5


def test_the_same_problem_has_the_same_solution() -> None:
    given, feeds = convolutions(), feeds_of(4)
    encodings = uniform(given, feeds, Scheme.W4)
    first, again = (round_adaptively(given, encodings, feeds, settings=QUICK) for _ in range(2))
    other = round_adaptively(given, encodings, feeds, settings=replace(QUICK, seed=1))
    for name in first.replaced:
        assert np.array_equal(first.replaced[name], again.replaced[name])
    assert any(not np.array_equal(first.replaced[name], other.replaced[name]) for name in first.replaced)


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("block", [0, 4])
def test_values_on_the_grid_are_their_codes_whatever_the_scale(bits: int, block: int) -> None:
    generator = np.random.default_rng(0)
    highest = 2 ** (bits - 1) - 1
    codes = generator.integers(-highest, highest + 1, (4096, 16)).astype(np.int8)
    codes[:, ::4] = highest  # every block has its largest code
    scales = np.exp(generator.uniform(np.log(2e-6), np.log(1e3), 4096 * (16 // (block or 16)))).astype(np.float32)
    encoding = WeightEncoding(bits, 0, tuple(float(value) for value in scales), block)
    values: Floats = encoding.dequantize(codes)
    assert np.array_equal(encoding.quantize(values), codes)
    assert np.array_equal(weight_encoding(values, bits, 0, block).quantize(values), codes)
    off = values + np.float32(0.6) * np.repeat(scales, block or 16).reshape(values.shape)
    assert not np.array_equal(encoding.quantize(off), codes)


class StopsAt(Progress):
    """Cancels when a layer is reached, after some reports."""

    def __init__(self, layer: str, reports: int) -> None:
        self.seen = 0
        self._layer, self._reports = layer, reports
        super().__init__(self._look, lambda: self.seen >= self._reports)

    def _look(self, message: ProgressMessage) -> None:
        self.seen += message.detail == self._layer


def test_cancelled_work_goes_on_where_it_stopped(tmp_path: Path) -> None:
    given, feeds = convolutions(), feeds_of(4)
    encodings = uniform(given, feeds, Scheme.W4)
    whole = round_adaptively(given, encodings, feeds, settings=QUICK)
    with pytest.raises(CancelledError):  # in the midst of the second layer
        round_adaptively(given, encodings, feeds, StopsAt("Conv_y", 12), settings=QUICK, folder=tmp_path)
    resumed = round_adaptively(given, encodings, feeds, settings=QUICK, folder=tmp_path)
    assert [item.resumed for item in resumed.layers] == [True, False]
    assert "1 of them in an earlier run" in resumed.notes[0]
    for name in whole.replaced:
        assert np.array_equal(whole.replaced[name], resumed.replaced[name])
    third = round_adaptively(given, encodings, feeds, settings=QUICK, folder=tmp_path)
    assert [item.resumed for item in third.layers] == [True, True]
    # anything else that the codes depend on begins anew
    other = round_adaptively(given, encodings, feeds_of(4, 50), settings=QUICK, folder=tmp_path)
    assert not any(item.resumed for item in other.layers)
    # damaged files are found anew, in the same place
    cache = Cache(tmp_path)
    keys = cache.keys("rounding")
    assert len(keys) == 4
    for key, damaged in zip(keys, (b"", b"PK\x03\x04 cut", b"words", whole_npz()), strict=True):
        cache.put("rounding", key, damaged)
    mended = round_adaptively(given, encodings, feeds, settings=QUICK, folder=tmp_path)
    assert not any(item.resumed for item in mended.layers)
    for name in whole.replaced:
        assert np.array_equal(whole.replaced[name], mended.replaced[name])


def whole_npz() -> bytes:
    """Return arrays of other sizes."""
    file = io.BytesIO()
    np.savez(file, codes=np.zeros(3, np.int8), figures=np.zeros(3))
    return file.getvalue()


def test_a_cache_that_cannot_be_written_costs_time_only(tmp_path: Path) -> None:
    given, feeds = convolutions(), feeds_of(2)
    encodings = uniform(given, feeds, Scheme.W4)
    file = tmp_path / "file"
    file.write_bytes(b"")
    settings = replace(QUICK, steps=20)
    plain = round_adaptively(given, encodings, feeds, settings=settings)
    for _ in range(2):
        found = round_adaptively(given, encodings, feeds, settings=settings, folder=file / "rounding")
        assert not any(item.resumed for item in found.layers)
        assert all(np.array_equal(found.replaced[name], plain.replaced[name]) for name in plain.replaced)


@pytest.mark.parametrize("library", ["onnxruntime", "torch"])
def test_other_versions_begin_anew(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given, feeds = convolutions(), feeds_of(1)
    encodings = uniform(given, feeds, Scheme.W4)
    keys = [key_of(given.proto, encodings, {}, feeds, QUICK) for _ in range(2)]
    monkeypatch.setattr(f"{library}.__version__", "0.0.0")
    assert keys[0] == keys[1] != key_of(given.proto, encodings, {}, feeds, QUICK)


def test_the_two_models_are_open_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    is_open: list[int] = []

    def counted(*given: Any) -> Iterator[Any]:
        assert not is_open
        is_open.append(1)
        yield from read_tensors(*given)
        is_open.pop()

    monkeypatch.setattr(rounding, "read_tensors", counted)
    given, feeds = convolutions(), feeds_of(3)
    round_adaptively(given, uniform(given, feeds, Scheme.W4), feeds, settings=replace(QUICK, steps=20))
    assert not is_open


def test_it_goes_with_equalization() -> None:
    sizes = np.logspace(-1, 1, 12).astype(np.float32)
    first, second = weights(12, 3, 3, 3) * sizes[:, None, None, None], weights(6, 12, 3, 3, seed=1)
    given, feeds, others = two_convolutions(first, second / sizes[None, :, None, None]), feeds_of(8), feeds_of(4, 100)
    equalized = equalize(given, feeds).replaced
    encodings = uniform(given, feeds, Scheme.W4, equalized)
    found = round_adaptively(given, encodings, feeds, settings=QUICK)
    assert rounded_error(given, encodings, found, others) < 0.7 * error(given, encodings, others)
    lost = round_adaptively(given, encodings, feeds, settings=QUICK, equalized={})  # the twin
    assert rounded_error(given, encodings, lost, others) > rounded_error(given, encodings, found, others)


def test_what_is_left_alone_is_named() -> None:
    nodes = [
        node("Conv", ["x", "w"], "a", pads=[1, 1, 1, 1]),
        node("Conv", ["a", "w"], "b", pads=[1, 1, 1, 1]),
        node("ConvTranspose", ["b", "v"], "c"),
        node("Conv", ["c", "u"], "y"),
    ]
    constants = {"w": weights(3, 3, 3, 3), "v": weights(3, 2, 2, 2), "u": weights(2, 2, 1, 1)}
    given = model(graph(nodes, {"x": [1, 3, 8, 8]}, {"y": [1, 2, 9, 9]}, constants))
    feeds = drawn_feeds([1, 3, 8, 8], 2)
    encodings = uniform(given, feeds, Scheme.W4, layers={"Conv_y": Scheme.FLOAT})
    found = round_adaptively(given, encodings, feeds, settings=QUICK)
    assert not found.replaced
    assert set(found.skipped) == {"Conv_a", "Conv_b", "ConvTranspose_c"}
    assert "No layer has integer weights" in found.notes[0]
    assert any("transposed" in note for note in found.notes)


def test_one_sample_with_one_row_and_none() -> None:
    given = model(graph([node("MatMul", ["x", "w"], "y")], {"x": [1, 4]}, {"y": [1, 2]}, {"w": weights(4, 2)}))
    feeds = drawn_feeds([1, 4], 1)
    encodings = uniform(given, feeds, Scheme.W4)
    found = round_adaptively(given, encodings, feeds, settings=QUICK)
    assert_on_the_grid(given, encodings, found)
    assert rounded_error(given, encodings, found, feeds) <= error(given, encodings, feeds)
    with pytest.raises(BadInputError, match="calibration samples"):
        round_adaptively(given, encodings, [])


@pytest.mark.slow
def test_depth_wise_layers_of_a_published_detector(shared: Path) -> None:
    from converters.compress.quantize.fold import fold_batch_norm
    from converters.model.source import load

    given = fold_batch_norm(load(shared / "models" / "ultraface_version-RFB-320.onnx", progress=Progress()))
    feeds, others = ([{"input": item["x"]} for item in drawn_feeds([1, 3, 240, 320], 4, first)] for first in (0, 100))
    encodings = uniform(given, feeds, Scheme.W4)
    found = round_adaptively(given, encodings, feeds, settings=QUICK)
    assert len(found.layers) == 52
    assert_on_the_grid(given, encodings, found)
    assert rounded_error(given, encodings, found, others) < 0.8 * error(given, encodings, others)


@pytest.mark.slow
def test_the_demo_swapper_with_4_bit_weights() -> None:
    from converters.compress.quantize.calibration import calibration_set
    from converters.model.source import load

    given = load("demo", progress=Progress())
    crops = calibration_set(given, "", 12, Progress())
    feeds = [dict(crops.make(place).feeds) for place in range(12)]
    encodings = uniform(given, feeds[:8], Scheme.W4)
    found = round_adaptively(given, encodings, feeds[:8], settings=QUICK)
    assert_on_the_grid(given, encodings, found)
    assert rounded_error(given, encodings, found, feeds[8:]) < 0.65 * error(given, encodings, feeds[8:])
