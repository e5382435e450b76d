"""Bias correction: the means that quantization shifts come back, in the order of the graph."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from converters.compress.quantize import bias as bias_module
from converters.compress.quantize.bias import CorrectedBiases, correct_biases
from converters.compress.quantize.encodings import Encodings, Floats, Scheme
from converters.compress.quantize.equalize import equalize
from converters.compress.quantize.fold import fold_batch_norm
from converters.compress.quantize.layers import Layer, find_layers
from converters.compress.quantize.links import removes_mean
from converters.compress.quantize.qdq import build_qdq
from converters.errors import BadInputError, CancelledError
from converters.model.graph import Model
from converters.model.graph_reading import GraphReading
from converters.progress import Progress
from tests.compress.quantize.weight_methods import Feeds, drawn_feeds, error, results, two_convolutions, uniform
from tests.model.small_graphs import adain, graph, model, node, weights


def shifted(shape: tuple[int, ...], seed: int = 0, bits: int = 4) -> Floats:
    """Return weights of which all but the largest lie a little below the middle between two codes: all round down."""
    generator = np.random.default_rng(seed)
    highest = 2 ** (bits - 1) - 1
    codes = generator.integers(-highest, highest, shape) + 0.45
    codes.reshape(shape[0], -1)[:, 0] = highest
    return (codes * 0.01).astype(np.float32)


def biased_model() -> Model:
    """Return two layers that rounding to 4 bits shifts a lot, on inputs that are positive on average."""
    return two_convolutions(shifted((6, 3, 3, 3)), shifted((4, 6, 3, 3), seed=1))


def biased_feeds(count: int, first: int = 0) -> list[Feeds]:
    return drawn_feeds([1, 3, 12, 12], count, first, mean=1.0)


def mean_error(given: Model, encodings: Encodings, feeds: Sequence[Feeds]) -> float:
    """Return the mean magnitude of the shift of each output channel, as a part of the results' mean magnitude."""
    wanted, found = results(given.proto, feeds), results(build_qdq(given, encodings), feeds)
    return float(np.abs((found - wanted).mean(axis=(0, 1, 3, 4))).mean() / np.abs(wanted).mean())


def with_biases(encodings: Encodings, found: CorrectedBiases) -> Encodings:
    return replace(encodings, replaced={**encodings.replaced, **found.replaced})


@pytest.mark.parametrize("scheme", [Scheme.W4, Scheme.W8, Scheme.W8A8, Scheme.DYNAMIC])
def test_the_mean_error_falls_on_other_samples_too(scheme: Scheme) -> None:
    given, feeds = biased_model(), biased_feeds(4)
    encodings = uniform(given, feeds, scheme)
    found = correct_biases(given, encodings, feeds)
    assert [item.layer for item in found.layers] == ["Conv_a", "Conv_y"]
    assert all(item.after <= item.before * 0.05 for item in found.layers)
    corrected = with_biases(encodings, found)
    assert mean_error(given, corrected, feeds) < 0.1 * mean_error(given, encodings, feeds)
    others = biased_feeds(4, 100)
    before, after = (mean_error(given, item, others) for item in (encodings, corrected))
    assert after < 0.5 * before
    if scheme is Scheme.W4:
        assert before > 0.05
        assert after < 0.1 * before
        assert error(given, corrected, others) < 0.5 * error(given, encodings, others)
    # the twin: the same correction the other way makes it worse
    wrong = {
        name: 2 * onnx.numpy_helper.to_array(tensor) - found.replaced[name]
        for name in found.replaced
        for tensor in given.proto.graph.initializer
        if tensor.name == name
    }
    assert mean_error(given, replace(encodings, replaced=wrong), feeds) > mean_error(given, encodings, feeds)


def test_a_layer_is_measured_with_those_before_it_corrected(monkeypatch: pytest.MonkeyPatch) -> None:
    given, feeds = biased_model(), biased_feeds(4)
    encodings = uniform(given, feeds, Scheme.W4)
    assert max(item.after for item in correct_biases(given, encodings, feeds).layers) < 1e-4

    def all_at_once(layers: Sequence[Layer], _reading: GraphReading) -> Iterator[list[Layer]]:
        yield list(layers)

    monkeypatch.setattr(bias_module, "_levels", all_at_once)
    assert max(item.after for item in correct_biases(given, encodings, feeds).layers) > 1e-3


def test_the_model_and_what_was_replaced_before_are_left_alone() -> None:
    sizes = np.logspace(-1, 1, 6).astype(np.float32)
    first, second = shifted((6, 3, 3, 3)), shifted((4, 6, 3, 3), seed=1)
    given = two_convolutions(first * sizes[:, None, None, None], second / sizes[None, :, None, None])
    feeds = biased_feeds(2)
    before = given.proto.SerializeToString(deterministic=True)
    equalized = equalize(given, feeds).replaced
    kept = {name: values.copy() for name, values in equalized.items()}
    encodings = uniform(given, feeds, Scheme.W8, equalized)
    found = correct_biases(given, encodings, feeds, equalized=equalized)
    assert set(found.replaced) == {"b1", "b2"}
    assert max(item.after for item in found.layers) < 1e-4
    assert mean_error(given, with_biases(encodings, found), feeds) < 0.05 * mean_error(given, encodings, feeds)
    assert given.proto.SerializeToString(deterministic=True) == before
    assert all(np.array_equal(encodings.replaced[name], kept[name]) for name in kept)
    # without knowing what was equalized, the first layer is given means of another size
    lost = correct_biases(given, encodings, feeds)
    assert error(given, with_biases(encodings, lost), feeds) > 1.5 * error(given, with_biases(encodings, found), feeds)


def test_gemm_and_matmul() -> None:
    nodes = [
        node("Gemm", ["x", "w1", "b1"], "a", transB=1),
        node("Relu", ["a"], "b"),
        node("MatMul", ["b", "w2"], "c"),
        node("Gemm", ["c", "w3", "b3"], "y"),
    ]
    constants = {
        "w1": shifted((12, 8)),
        "b1": weights(12, seed=1),
        "w2": shifted((12, 6), seed=2),
        "w3": np.ascontiguousarray(shifted((5, 6), seed=3).T),
        "b3": weights(5, seed=4),
    }
    given = model(graph(nodes, {"x": [4, 8]}, {"y": [4, 5]}, constants))
    feeds = drawn_feeds([4, 8], 3, mean=1.0)
    found = correct_biases(given, uniform(given, feeds, Scheme.W4), feeds)
    assert [item.layer for item in found.layers] == ["Gemm_a", "Gemm_y"]
    assert max(item.before for item in found.layers) > 1e-2
    assert max(item.after for item in found.layers) < 1e-4
    assert found.skipped == {"MatMul_c": "it has no bias"}
    assert "it has no bias: MatMul_c." in found.notes[-1]


def test_float_layers_are_left_alone() -> None:
    given, feeds = biased_model(), biased_feeds(2)
    encodings = uniform(given, feeds, Scheme.W4, layers={"Conv_a": Scheme.FLOAT})
    found = correct_biases(given, encodings, feeds)
    assert set(found.replaced) == {"b2"}
    nothing = correct_biases(given, Encodings({}), feeds)
    assert not nothing.replaced
    assert nothing.notes == ("No layer has a bias that correction could help.",)


def test_what_a_normalisation_takes_away_is_not_corrected() -> None:
    given = model(adain())
    generator = np.random.default_rng(0)
    feeds = [
        {
            "target": generator.uniform(0, 1, (1, 3, 12, 12)).astype(np.float32),
            "source": generator.standard_normal((1, 512)).astype(np.float32),
        }
        for _ in range(2)
    ]
    found = correct_biases(given, uniform(given, feeds, Scheme.W8), feeds)
    assert [item.layer for item in found.layers] == ["Gemm_style"]
    assert found.skipped == {"Conv_x": "a normalisation takes its mean away"}


NORMALISED = {
    "instance normalisation": ([node("InstanceNormalization", ["a", "ones", "ones"], "b")], True),
    "mean over positions": (
        [node("ReduceMean", ["a"], "m", axes=[-2, -1], keepdims=1), node("Sub", ["a", "m"], "b")],
        True,
    ),
    "mean over channels": ([node("ReduceMean", ["a"], "m", axes=[1], keepdims=1), node("Sub", ["a", "m"], "b")], False),
    "the mean is used itself": (
        [
            node("ReduceMean", ["a"], "m", axes=[2, 3], keepdims=1),
            node("Sub", ["a", "m"], "s"),
            node("Add", ["s", "m"], "b"),
        ],
        False,
    ),
    "another reader": (
        [node("InstanceNormalization", ["a", "ones", "ones"], "i"), node("Add", ["a", "i"], "b")],
        False,
    ),
    "the other way round": (
        [node("ReduceMean", ["a"], "m", axes=[2, 3], keepdims=1), node("Sub", ["m", "a"], "b")],
        False,
    ),
    "an activation function": ([node("Relu", ["a"], "b")], False),
}


@pytest.mark.parametrize("kind", NORMALISED)
def test_normalisations_are_told_from_what_looks_like_them(kind: str) -> None:
    nodes, is_normalised = NORMALISED[kind]
    uses_ones = any("ones" in item.input for item in nodes)
    constants = {"ones": np.ones(6, np.float32)} if uses_ones else {}
    given = two_convolutions(weights(6, 3, 3, 3), weights(4, 6, 3, 3, seed=1), nodes, **constants)
    first = find_layers(given.proto)[0]
    assert removes_mean(GraphReading(given.proto), first) is is_normalised
    if is_normalised:  # and indeed: its bias changes nothing
        feeds = biased_feeds(1)
        changed = onnx.ModelProto()
        changed.CopyFrom(given.proto)
        for tensor in changed.graph.initializer:
            if tensor.name == "b1":
                tensor.CopyFrom(onnx.numpy_helper.from_array(np.arange(6, dtype=np.float32), "b1"))
        assert np.allclose(results(changed, feeds), results(given.proto, feeds), atol=1e-3)


def test_no_samples_and_cancelling() -> None:
    given, feeds = biased_model(), biased_feeds(1)
    encodings = uniform(given, feeds, Scheme.W4)
    with pytest.raises(BadInputError, match="calibration samples"):
        correct_biases(given, encodings, [])
    with pytest.raises(CancelledError):
        correct_biases(given, encodings, feeds, Progress(is_cancelled=lambda: True))


def test_a_published_detector(shared: Path) -> None:
    from converters.model.source import load

    given = fold_batch_norm(load(shared / "models" / "ultraface_version-RFB-320.onnx", progress=Progress()))
    generator = np.random.default_rng(0)
    feeds = [{"input": generator.standard_normal((1, 3, 240, 320)).astype(np.float32)} for _ in range(2)]
    encodings = uniform(given, feeds, Scheme.W4)
    found = correct_biases(given, encodings, feeds)
    before, after = (np.mean([getattr(item, name) for item in found.layers]) for name in ("before", "after"))
    assert len(found.layers) > 40
    assert before > 0.05
    assert after < 0.01 * before
