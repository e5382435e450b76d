"""The reference graph computes what integer kernels compute, to the last code."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest
import torch

from converters.compress.quantize.data_free import uniform_encodings, weight_encoding
from converters.compress.quantize.encodings import Encoding, Encodings, LayerEncoding, Scheme
from converters.compress.quantize.layers import effective_weights, find_layers
from converters.compress.quantize.qdq import build_qdq
from converters.model.graph import Model
from converters.runtimes.onnx import open_proto
from tests.model.small_graphs import graph, model, node
from tests.tiny_models import tiny_swapper

FEEDS = {
    "target": np.random.default_rng(1).uniform(0, 1, (1, 3, 32, 32)).astype(np.float32),
    "source": np.random.default_rng(2).standard_normal((1, 16)).astype(np.float32) / 4,
}


def encoding(low: float, high: float, bits: int = 8) -> Encoding:
    if bits == 16:
        reach = max(-low, high)
        return Encoding(16, True, reach / 32767, 0, low, high)
    scale = (high - low) / 255
    return Encoding(8, False, scale, round(-128 - low / scale), low, high)


def run(proto: onnx.ModelProto, folder: Path, *names: str) -> dict[str, npt.NDArray[np.float32]]:
    wanted = onnx.ModelProto()
    wanted.CopyFrom(proto)
    for name in names:
        if name not in {value.name for value in wanted.graph.output}:
            wanted.graph.output.add().CopyFrom(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    onnx.checker.check_model(proto)
    with open_proto(wanted, folder) as session:
        return {key: np.asarray(value) for key, value in session.run(FEEDS).items()}


def encoded(model: Model, folder: Path, scheme: Scheme) -> Encodings:
    """Return every layer in a scheme, its ranges those of one run."""
    layers = find_layers(model.proto)
    tensors = {name for layer in layers for name in (layer.input, layer.output)} - set(FEEDS)
    seen = {**run(model.proto, folder, *sorted(tensors)), **FEEDS}
    made = {}
    for layer in layers:
        weights = weight_encoding(effective_weights(model.proto, None, layer.weight), 8, layer.axis)
        ends = [
            encoding(float(min(seen[name].min(), 0)), float(seen[name].max()), scheme.activation_bits)
            for name in (layer.input, layer.output)
        ]
        made[layer.name] = LayerEncoding(scheme, weights, *ends)
    return Encodings(made)


def test_an_integer_convolution_is_simulated_exactly(tmp_path: Path) -> None:
    swapper = tiny_swapper()
    encodings = encoded(swapper, tmp_path, Scheme.W8A8)
    (layer,) = [layer for layer in find_layers(swapper.proto) if layer.output == "encoded"]
    own = encodings.layers[layer.name]
    assert own.input is not None
    assert own.output is not None
    assert own.weight is not None

    def expected(own: LayerEncoding) -> npt.NDArray[np.float32]:
        assert own.input is not None
        assert own.output is not None
        assert own.weight is not None
        padded = np.pad(FEEDS["target"], ((0, 0), (0, 0), (1, 1), (1, 1)), mode="reflect")
        codes = own.input.quantize(padded).astype(np.int64) - own.input.zero_point
        weights = own.weight.quantize(effective_weights(swapper.proto, None, layer.weight)).astype(np.int64)
        sums = torch.nn.functional.conv2d(torch.from_numpy(codes), torch.from_numpy(weights), stride=2).numpy()
        real = sums * np.float32(own.weight.scale)[None, :, None, None].astype(np.float64) * own.input.scale
        return own.output.dequantize(own.output.quantize(real.astype(np.float32)))

    got = run(build_qdq(swapper, encodings), tmp_path, "encoded")["encoded"]
    # Sums in float round too: one code is the least that a tie may move.
    moved = np.abs(got - expected(own)) > own.output.scale / 2
    assert moved.mean() < 0.001
    wrong = replace(own, input=replace(own.input, scale=own.input.scale * 1.05))
    assert (np.abs(got - expected(wrong)) > own.output.scale / 2).mean() > 0.05


@pytest.mark.parametrize(("scheme", "psnr"), [(Scheme.W8A8, 30.0), (Scheme.W8A16, 45.0)])
def test_the_reference_stays_near_the_float_model(tmp_path: Path, scheme: Scheme, psnr: float) -> None:
    swapper = tiny_swapper()
    proto = build_qdq(swapper, encoded(swapper, tmp_path, scheme))
    assert proto.graph.initializer[-1].name == "emap"

    def distance(other: onnx.ModelProto) -> float:
        difference = run(other, tmp_path)["output"] - run(swapper.proto, tmp_path)["output"]
        return float(-10 * np.log10(np.mean(np.square(difference))))

    assert distance(proto) > psnr
    for tensor in proto.graph.initializer:
        if tensor.name.startswith("encoded__rounded") or tensor.name == "encoded__scale":
            tensor.CopyFrom(onnx.numpy_helper.from_array(np.float32(1.0), tensor.name))
    assert distance(proto) < psnr


def test_weights_in_blocks_are_what_their_codes_stand_for(tmp_path: Path) -> None:
    swapper = tiny_swapper()
    encodings = uniform_encodings(swapper, Scheme.W4, block=9)
    plain = onnx.ModelProto()
    plain.CopyFrom(swapper.proto)
    for layer in find_layers(plain):
        weight = encodings.layers[layer.name].weight
        assert weight is not None
        values = effective_weights(swapper.proto, None, layer.weight)
        for tensor in plain.graph.initializer:
            if tensor.name == layer.weight:
                rounded = weight.dequantize(weight.quantize(values))
                tensor.CopyFrom(onnx.numpy_helper.from_array(rounded, tensor.name))
    difference = run(build_qdq(swapper, encodings), tmp_path)["output"] - run(plain, tmp_path)["output"]
    assert np.abs(difference).max() < 1e-5
    assert np.abs(run(swapper.proto, tmp_path)["output"] - run(plain, tmp_path)["output"]).max() > 1e-3


def test_activations_rounded_as_they_run_stay_near(tmp_path: Path) -> None:
    swapper = tiny_swapper()
    proto = build_qdq(swapper, uniform_encodings(swapper, Scheme.DYNAMIC))
    difference = run(proto, tmp_path)["output"] - run(swapper.proto, tmp_path)["output"]
    assert 0 < np.abs(difference).max() < 0.1
    kinds = [node.op_type for node in proto.graph.node]
    assert kinds.count("DynamicQuantizeLinear") == 3


def test_readers_of_one_tensor_share_its_rounding() -> None:
    two = model(
        graph(
            [node("Conv", ["x", "w"], "a"), node("Conv", ["x", "v"], "b"), node("Add", ["a", "b"], "y")],
            {"x": (1, 2, 8, 8)},
            {"y": (1, 4, 8, 8)},
            {"w": np.ones((4, 2, 1, 1), np.float32), "v": np.ones((4, 2, 1, 1), np.float32)},
        )
    )
    own = encoding(-1, 1)
    weights = weight_encoding(np.ones((4, 2, 1, 1), np.float32), 8, 0)
    names = [layer.name for layer in find_layers(two.proto)]
    both = Encodings({name: LayerEncoding(Scheme.W8A8, weights, own, encoding(-4, 4)) for name in names})
    count = [item.op_type for item in build_qdq(two, both).graph.node].count("QuantizeLinear")
    assert count == 3  # x once, a, b


def test_replaced_values_are_used_and_float_layers_get_them_too(tmp_path: Path) -> None:
    swapper = tiny_swapper()
    zeros = np.zeros_like(effective_weights(swapper.proto, None, "decoder.weight"))
    float_layer = Encodings({"Conv:drawn": LayerEncoding(Scheme.FLOAT)}, {"decoder.weight": zeros})
    assert np.allclose(run(build_qdq(swapper, float_layer), tmp_path)["output"], 0.5)
    weights = weight_encoding(zeros, 8, 0)
    integer = Encodings({"Conv:drawn": LayerEncoding(Scheme.W8, weights)}, {"decoder.weight": zeros})
    assert np.allclose(run(build_qdq(swapper, integer), tmp_path)["output"], 0.5)


def test_a_layer_that_does_not_exist_is_a_bug() -> None:
    with pytest.raises(ValueError, match="no such layers"):
        build_qdq(tiny_swapper(), Encodings({"nobody": LayerEncoding(Scheme.FLOAT)}))
    with pytest.raises(ValueError, match="no encodings"):
        build_qdq(tiny_swapper())


def test_names_that_are_taken_are_left_alone() -> None:
    weights = {"w": np.ones((2, 2, 1, 1), np.float32)}
    nodes = [node("Relu", ["x"], "y__weight"), node("Conv", ["y__weight", "w"], "y")]
    taken = model(graph(nodes, {"x": (1, 2, 8, 8)}, {"y": (1, 2, 8, 8)}, weights))
    proto = build_qdq(taken, uniform_encodings(taken, Scheme.W8))
    onnx.checker.check_model(proto, full_check=True)
    assert [item.output[0] for item in proto.graph.node].count("y__weight") == 1


@pytest.mark.parametrize("reads", [(-12.0, 11.0), (-40.0, 40.0)])
def test_a_tensor_is_rounded_as_it_is_written_and_again_as_it_is_read(
    reads: tuple[float, float], tmp_path: Path
) -> None:
    generator = np.random.default_rng(0)
    first, second = (generator.standard_normal(shape).astype(np.float32) for shape in ((4, 2, 3, 3), (3, 4, 3, 3)))
    chain = model(
        graph(
            [node("Conv", ["x", "w"], "a", pads=[1] * 4), node("Conv", ["a", "v"], "y", pads=[1] * 4)],
            {"x": (1, 2, 8, 8)},
            {"y": (1, 3, 8, 8)},
            {"w": first, "v": second},
        )
    )
    ends = encoding(-3, 3), encoding(-40, 40), encoding(*reads)
    layers = {
        "Conv_a": LayerEncoding(Scheme.W8A8, weight_encoding(first, 8, 0), ends[0], ends[1]),
        "Conv_y": LayerEncoding(Scheme.W8A8, weight_encoding(second, 8, 0), ends[2], encoding(-90, 90)),
    }
    proto = build_qdq(chain, Encodings(layers))
    picture = generator.standard_normal((1, 2, 8, 8)).astype(np.float32)

    def convolved(values: npt.NDArray[np.float32], weights: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        own = weight_encoding(weights, 8, 0)
        rounded = torch.from_numpy(own.dequantize(own.quantize(weights)))
        return torch.nn.functional.conv2d(torch.from_numpy(values), rounded, padding=1).numpy()

    def rounded(values: npt.NDArray[np.float32], end: Encoding) -> npt.NDArray[np.float32]:
        return end.dequantize(end.quantize(values))

    written = rounded(convolved(rounded(picture, ends[0]), first), ends[1])
    expected = rounded(convolved(rounded(written, ends[2]), second), encoding(-90, 90))
    with open_proto(proto, tmp_path) as session:
        got = np.asarray(session.run({"x": picture})["y"])
    assert np.mean(np.abs(got - expected) > 0.1) < 0.01
    pairs = [item.op_type for item in proto.graph.node].count("QuantizeLinear")
    assert pairs == (3 if reads == (-40.0, 40.0) else 4)
