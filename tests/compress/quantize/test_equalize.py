"""Cross-layer equalization: the float function stays, quantization loses less, and what may not be equalized is not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest

from converters.compress.quantize import links as links_module
from converters.compress.quantize.encodings import Encodings, LayerEncoding, Scheme
from converters.compress.quantize.equalize import TOLERANCE, Balance, Equalized, equalize
from converters.compress.quantize.fold import fold_batch_norm
from converters.compress.quantize.layers import find_layers, with_replaced
from converters.compress.quantize.links import find_links, removes_mean
from converters.compress.quantize.qdq import build_qdq
from converters.errors import CancelledError, UsageError
from converters.model.graph import Model
from converters.model.graph_reading import GraphReading
from converters.progress import Progress
from tests.compress.quantize.weight_methods import drawn_feeds, error, results, two_convolutions, uniform
from tests.model.small_graphs import adain, graph, model, node, weights
from tests.tiny_models import tiny_swapper

PLAIN = np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64)


def uneven(outputs: int = 16, channels: int = 3) -> Model:
    """Return two convolutions whose function is even, but whose channels between differ by 1000 to 1."""
    sizes = np.logspace(-1.5, 1.5, outputs).astype(np.float32)
    first = weights(outputs, channels, 3, 3) * sizes[:, None, None, None]
    second = weights(8, outputs, 3, 3, seed=1) / sizes[None, :, None, None]
    return two_convolutions(first, second)


def change(given: Model, found: Equalized, feeds: Sequence[dict[str, np.ndarray]]) -> float:
    """Return how much the float model's results change, as a part of the largest."""
    before = results(given.proto, feeds)
    after = results(with_replaced(given.proto, Encodings({}, found.replaced)), feeds)
    return float(np.abs(after - before).max() / np.abs(before).max())


@pytest.mark.parametrize("balance", list(Balance))
@pytest.mark.parametrize("scheme", [Scheme.W8A8, Scheme.W4])
def test_it_wins_where_channels_differ_by_a_thousand(balance: Balance, scheme: Scheme) -> None:
    given, feeds = uneven(), drawn_feeds([1, 3, 12, 12], 6)
    found = equalize(given, feeds[:3], balance=balance)
    assert change(given, found, feeds) < TOLERANCE
    assert found.largest_difference < TOLERANCE
    before = error(given, uniform(given, feeds[:3], scheme), feeds[3:])
    after = error(given, uniform(given, feeds[:3], scheme, found.replaced), feeds[3:])
    assert after * (10 if scheme is Scheme.W8A8 else 3) < before, f"{before} -> {after}"
    # the twin: values that are equalized in the first layer alone change the function
    half = {name: found.replaced[name] if name != "w2" else found.replaced[name] * 1.001 for name in found.replaced}
    assert change(given, Equalized(half, ()), feeds) > TOLERANCE


def test_the_model_and_its_weights_are_left_alone() -> None:
    given = uneven()
    before = given.proto.SerializeToString(deterministic=True)
    equalize(given, drawn_feeds([1, 3, 12, 12], 1))
    assert given.proto.SerializeToString(deterministic=True) == before


def test_ranges_of_weights_are_equal_afterwards() -> None:
    found = equalize(uneven(), (), balance=Balance.WEIGHTS)
    first = np.abs(found.replaced["w1"]).max((1, 2, 3))
    second = np.abs(found.replaced["w2"]).max((0, 2, 3))
    assert np.allclose(first, second, rtol=1e-3)
    before, after = found.chains[0].spread
    assert before > 20
    assert after < 2
    assert "equalized by weights" in found.notes[0]


def test_depth_wise_layers_are_equalized_with_their_neighbours() -> None:
    sizes = np.logspace(-1, 1, 8).astype(np.float32)[:, None, None, None]
    nodes = [
        node("Conv", ["x", "w1", "b1"], "a"),
        node("Relu", ["a"], "b"),
        node("Conv", ["b", "w2", "b2"], "c", group=8, pads=[1, 1, 1, 1]),
        node("LeakyRelu", ["c"], "d"),
        node("Conv", ["d", "w3"], "y"),
    ]
    constants = {
        "w1": weights(8, 3, 1, 1) * sizes,
        "b1": weights(8, seed=3),
        "w2": weights(8, 1, 3, 3, seed=1) / sizes**2,
        "b2": weights(8, seed=4),
        "w3": weights(5, 8, 1, 1, seed=2) * sizes.reshape(1, 8, 1, 1),
    }
    given = model(graph(nodes, {"x": [1, 3, 10, 10]}, {"y": [1, 5, 10, 10]}, constants))
    feeds = drawn_feeds([1, 3, 10, 10], 3)
    found = equalize(given, feeds, balance=Balance.WEIGHTS)
    assert [chain.layers for chain in found.chains] == [("Conv_a", "Conv_c", "Conv_y")]
    ranges = [np.abs(found.replaced[name]).max(axis) for name, axis in (("w1", (1, 2, 3)), ("w2", (1, 2, 3)))]
    ranges.append(np.abs(found.replaced["w3"]).max((0, 2, 3)))
    assert np.allclose(ranges[0], ranges[1], rtol=1e-3)
    assert np.allclose(ranges[1], ranges[2], rtol=1e-3)
    for balance in Balance:
        assert change(given, equalize(given, feeds, balance=balance), feeds) < TOLERANCE


def test_groups_and_layers_that_end_one_chain_and_begin_the_next() -> None:
    nodes = [
        node("Conv", ["x", "w1"], "a"),
        node("Relu", ["a"], "b"),
        node("Conv", ["b", "w2", "b2"], "c", group=2),
        node("Relu", ["c"], "d"),
        node("ConvTranspose", ["d", "w3"], "e", strides=[2, 2]),
        node("Relu", ["e"], "f"),
        node("Conv", ["f", "w4"], "y"),
    ]
    constants = {
        "w1": weights(6, 3, 1, 1) * np.logspace(-1, 1, 6).astype(np.float32)[:, None, None, None],
        "w2": weights(8, 3, 3, 3, seed=1),
        "b2": weights(8, seed=2),
        "w3": weights(8, 4, 2, 2, seed=3),
        "w4": weights(2, 4, 1, 1, seed=4),
    }
    given = model(graph(nodes, {"x": [1, 3, 9, 9]}, {"y": [1, 2, 14, 14]}, constants))
    feeds = drawn_feeds([1, 3, 9, 9], 3)
    for balance in Balance:
        found = equalize(given, feeds, balance=balance)
        assert len(found.chains) == 3
        assert change(given, found, feeds) < TOLERANCE
        assert found.chains[0].largest > 2 * found.chains[0].smallest


HOMOGENEOUS = {
    "nothing": [node("Identity", ["a"], "b")],
    "leaky": [node("LeakyRelu", ["a"], "b", alpha=0.2)],
    "prelu": [node("PRelu", ["a", "slope"], "b")],
    "reflect pad": [node("Relu", ["a"], "r"), node("Pad", ["r", "pads"], "b", mode="reflect")],
    "pad with 0": [node("Pad", ["a", "pads"], "b")],
    "resize": [node("Resize", ["a", "", "scales"], "b", mode="linear")],
    "max pool": [node("MaxPool", ["a"], "b", kernel_shape=[2, 2])],
    "average pool": [node("Relu", ["a"], "r"), node("AveragePool", ["r"], "b", kernel_shape=[2, 2])],
}
OTHERS = {
    "tanh": [node("Tanh", ["a"], "b")],
    "sigmoid": [node("Sigmoid", ["a"], "b")],
    "relu 6": [node("Clip", ["a", "zero", "six"], "b")],
    "pad with 1": [node("Pad", ["a", "pads", "six"], "b")],
    "two readers": [node("Relu", ["a"], "r"), node("Neg", ["a"], "n"), node("Add", ["r", "n"], "b")],
    "squared": [node("Mul", ["a", "a"], "b")],
    "normalised": [node("InstanceNormalization", ["a", "ones", "ones"], "b")],
    "turned": [node("Transpose", ["a"], "t", perm=[0, 1, 3, 2]), node("Exp", ["t"], "b")],
}
CONSTANTS = {
    "slope": np.linspace(-0.5, 0.5, 6, dtype=np.float32).reshape(6, 1, 1),
    "pads": PLAIN,
    "scales": np.array([1, 1, 2, 2], np.float32),
    "zero": np.float32(0),
    "six": np.float32(6),
    "ones": np.ones(6, np.float32),
}


def between(nodes: list[onnx.NodeProto]) -> Model:
    used = {name for item in nodes for name in item.input}
    constants = {name: value for name, value in CONSTANTS.items() if name in used}
    sizes = np.logspace(-1, 1, 6).astype(np.float32)[:, None, None, None]
    return two_convolutions(weights(6, 3, 3, 3) * sizes, weights(4, 6, 3, 3, seed=1), nodes, **constants)


@pytest.mark.parametrize("kind", HOMOGENEOUS)
def test_what_does_not_mind_the_size_of_a_channel_may_stand_between(kind: str) -> None:
    given, feeds = between(HOMOGENEOUS[kind]), drawn_feeds([1, 3, 12, 12], 2)
    for balance in Balance:
        found = equalize(given, feeds, balance=balance)
        assert len(found.chains) == 1
        assert not found.refused
        assert found.chains[0].largest > 3 * found.chains[0].smallest
        assert change(given, found, feeds) < TOLERANCE


@pytest.mark.parametrize("kind", OTHERS)
def test_what_minds_the_size_of_a_channel_may_not(kind: str) -> None:
    found = equalize(between(OTHERS[kind]), drawn_feeds([1, 3, 12, 12], 1))
    assert not found.chains
    assert not found.replaced
    assert "No two layers" in found.notes[0]


@pytest.mark.parametrize("operator", ["Tanh", "Sigmoid"])
def test_the_proof_refuses_what_the_structure_let_through(operator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links_module, "_ELEMENTWISE", ("Relu", operator))
    nodes = [node(operator, ["a"], "b")]
    found = equalize(between(nodes), drawn_feeds([1, 3, 12, 12], 1))
    assert found.refused == (("Conv_a", "Conv_y"),)
    assert not found.chains
    assert not found.replaced
    assert "would change what the model computes" in found.notes[0]


def test_a_flattened_map_is_followed_into_a_gemm() -> None:
    nodes = [
        node("Conv", ["x", "w1", "b1"], "a"),
        node("Relu", ["a"], "b"),
        node("Flatten", ["b"], "c"),
        node("Gemm", ["c", "w2"], "d", transB=1),
        node("Relu", ["d"], "e"),
        node("MatMul", ["e", "w3"], "y"),
    ]
    constants = {
        "w1": weights(4, 3, 3, 3) * np.logspace(-1, 1, 4).astype(np.float32)[:, None, None, None],
        "b1": weights(4, seed=1),
        "w2": weights(5, 4 * 16, seed=2),
        "w3": weights(5, 3, seed=3),
    }
    given = model(graph(nodes, {"x": [1, 3, 6, 6]}, {"y": [1, 3]}, constants))
    feeds = drawn_feeds([1, 3, 6, 6], 3)
    for balance in Balance:
        found = equalize(given, feeds, balance=balance)
        assert [chain.layers for chain in found.chains] == [("Conv_a", "Gemm_d"), ("Gemm_d", "MatMul_y")]
        assert change(given, found, feeds) < TOLERANCE


def test_shared_weights_are_left_alone() -> None:
    nodes = [
        node("Conv", ["x", "w"], "a", pads=[1, 1, 1, 1]),
        node("Relu", ["a"], "b"),
        node("Conv", ["b", "w"], "y", pads=[1, 1, 1, 1]),
    ]
    given = model(graph(nodes, {"x": [1, 3, 8, 8]}, {"y": [1, 3, 8, 8]}, {"w": weights(3, 3, 3, 3)}))
    assert not equalize(given).chains


def test_dead_channels_keep_their_values() -> None:
    first, second = weights(6, 3, 3, 3), weights(4, 6, 3, 3, seed=1)
    first[2] = 0
    second[:, 4] = 0
    given, feeds = two_convolutions(first, second), drawn_feeds([1, 3, 12, 12], 2)
    for balance in Balance:
        found = equalize(given, feeds, balance=balance)
        assert all(np.isfinite(values).all() for values in found.replaced.values())
        assert np.array_equal(found.replaced["w1"][2], np.zeros((3, 3, 3)))
        assert change(given, found, feeds) < TOLERANCE


def test_layers_before_a_normalisation_are_left_out() -> None:
    given = model(adain())
    reading = GraphReading(given.proto)
    assert not find_links(reading, find_layers(given.proto))
    assert [removes_mean(reading, layer) for layer in find_layers(given.proto)] == [True, False]
    assert equalize(given).notes


def test_a_layer_that_stays_float_gets_its_new_weights_too() -> None:
    given, feeds = uneven(), drawn_feeds([1, 3, 12, 12], 3)
    found = equalize(given, feeds)
    whole = uniform(given, feeds, Scheme.W8, found.replaced)
    for kept in ({}, {"Conv_a": LayerEncoding(Scheme.FLOAT)}):
        mixed = Encodings({**kept, "Conv_y": whole.layers["Conv_y"]}, found.replaced)
        assert error(given, mixed, feeds) < 0.01
    left = results(build_qdq(given, Encodings({"Conv_y": whole.layers["Conv_y"]}, {"w2": found.replaced["w2"]})), feeds)
    wanted = results(given.proto, feeds)
    assert np.abs(left - wanted).max() > 0.1 * np.abs(wanted).max()


def test_activations_need_samples_and_work_can_be_cancelled() -> None:
    with pytest.raises(UsageError, match="calibration samples"):
        equalize(uneven(), (), balance=Balance.ACTIVATIONS)
    with pytest.raises(CancelledError):
        equalize(uneven(), drawn_feeds([1, 3, 12, 12], 1), Progress(is_cancelled=lambda: True))


def test_a_swapper_in_miniature_computes_the_same() -> None:
    given = tiny_swapper()
    found = equalize(given)
    changed = with_replaced(given.proto, Encodings({}, found.replaced))
    assert changed.graph.initializer[-1].name == "emap"


def test_depth_wise_chains_of_a_published_detector(shared: Path) -> None:
    from converters.model.source import load

    given = fold_batch_norm(load(shared / "models" / "ultraface_version-RFB-320.onnx", progress=Progress()))
    generator = np.random.default_rng(0)
    feeds = [{"input": generator.standard_normal((1, 3, 240, 320)).astype(np.float32)} for _ in range(2)]
    for balance in Balance:
        found = equalize(given, feeds, balance=balance)
        assert not found.refused
        assert max(len(chain.layers) for chain in found.chains) >= 3
        assert len(found.chains) >= 10
        assert found.largest_difference < 1e-4
        assert max(chain.difference for chain in found.chains) < TOLERANCE
