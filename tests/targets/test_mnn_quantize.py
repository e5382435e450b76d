"""Quantized `.mnn` files compute what the reference graph computes, in every mix of schemes, and nothing is dropped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from converters.compress.quantize.data_free import uniform_encodings
from converters.compress.quantize.encodings import Encodings, Floats, LayerEncoding, Scheme
from converters.compress.quantize.layers import Layer, effective_weights, find_layers
from converters.errors import UnsupportedError, VerificationError
from converters.model.graph import Model
from converters.runtimes.base import Arrays
from converters.runtimes.mnn import integer_layers, integer_operators
from converters.runtimes.mnn_file import read_outline
from converters.targets import mnn_quantize
from converters.targets.base import Precision
from converters.targets.metadata import ArtifactMetadata
from converters.targets.mnn import MnnExporter
from tests.model.small_graphs import graph, model, node
from tests.targets.mnn_quantized import all_in, export, quantized, references, results, run, worst_psnr
from tests.tiny_models import tiny_swapper

SEVERAL = 6


def normal(seed: int, *shape: int) -> Floats:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def feeds_of(given: Model, count: int = SEVERAL) -> list[Arrays]:
    return [
        {
            tensor.name: normal(10 * place + seed, *tensor.static_shape)
            for seed, tensor in enumerate(given.signature.inputs)
        }
        for place in range(count)
    ]


def one_layer(kind: str) -> Model:
    """Return a network of one layer, as large as it takes for every kernel of MNN to have full and partial blocks."""
    convolution = {
        "dense": ((20, 13, 3, 3), {"pads": [1, 1, 1, 1]}),
        "pointwise": ((20, 13, 1, 1), {}),
        "wide": ((9, 13, 7, 7), {"pads": [3, 3, 3, 3]}),
        "strided": ((20, 13, 3, 3), {"pads": [1, 1, 1, 1], "strides": [2, 2]}),
        "dilated": ((20, 13, 3, 3), {"dilations": [2, 2]}),
        "uneven pads": ((20, 13, 3, 3), {"pads": [0, 1, 2, 1]}),
        "depthwise": ((13, 1, 3, 3), {"pads": [1, 1, 1, 1], "group": 13}),
        "relu": ((20, 13, 3, 3), {"pads": [1, 1, 1, 1]}),
        "relu6": ((20, 13, 3, 3), {"pads": [1, 1, 1, 1]}),
        "depthwise relu": ((13, 1, 3, 3), {"pads": [1, 1, 1, 1], "group": 13}),
    }
    if kind == "grouped":
        weight, attributes = (21, 4, 3, 3), {"pads": [1, 1, 1, 1], "group": 3}
        nodes = [node("Conv", ["x", "w", "b"], "y", **attributes)]
        return model(
            graph(nodes, {"x": [1, 12, 17, 11]}, {"y": [1, 21, 17, 11]}, {"w": normal(0, *weight), "b": normal(1, 21)})
        )
    if kind in ("gemm", "gemm transposed"):
        shape = (9, 30) if kind == "gemm transposed" else (30, 9)
        nodes = [node("Gemm", ["x", "w", "b"], "y", transB=int(kind != "gemm"))]
        return model(graph(nodes, {"x": [1, 30]}, {"y": [1, 9]}, {"w": normal(0, *shape), "b": normal(1, 9)}))
    if kind == "matmul":
        nodes = [node("MatMul", ["x", "w"], "y")]
        return model(graph(nodes, {"x": [1, 5, 30]}, {"y": [1, 5, 9]}, {"w": normal(0, 30, 9)}))
    weight, attributes = convolution[kind]
    nodes = [node("Conv", ["x", "w", "b"], "c", **attributes)]
    constants = {"w": normal(0, *weight), "b": normal(1, weight[0])}
    if kind == "relu6":
        constants |= {"least": np.float32(0), "most": np.float32(6)}
        nodes.append(node("Clip", ["c", "least", "most"], "y"))
    else:
        nodes.append(node("Relu", ["c"], "y") if "relu" in kind else node("Identity", ["c"], "y"))
    inferred = onnx.shape_inference.infer_shapes(
        graph(nodes, {"x": [1, 13, 17, 11]}, {"y": ["n", "c", "h", "w"]}, constants)
    )
    sizes = {
        value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim] for value in inferred.graph.value_info
    }
    if kind not in ("relu", "relu6", "depthwise relu"):
        nodes = [node("Conv", ["x", "w", "b"], "y", **attributes)]
    return model(graph(nodes, {"x": [1, 13, 17, 11]}, {"y": sizes["c"]}, constants))


KINDS = [
    "dense", "pointwise", "wide", "strided", "dilated", "uneven pads", "depthwise", "relu", "relu6", "depthwise relu",
    "grouped", "gemm", "gemm transposed", "matmul",
]  # fmt: skip


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_an_integer_layer_gives_the_reference_s_codes(tmp_path: Path, kind: str, symmetric: bool) -> None:
    """At most one value in a hundred lies so near the middle of two codes that the sums' rounding decides."""
    given = one_layer(kind)
    feeds = feeds_of(given)
    made = quantized(given, feeds, tmp_path / "seen", all_in(Scheme.W8A8), symmetric=symmetric)
    assert made.encodings is not None
    path = export(made, tmp_path / "out")
    encoding = next(iter(made.encodings.layers.values())).output
    assert encoding is not None
    wanted = references(made, feeds, tmp_path / "reference")
    steps = np.concatenate(
        [
            np.rint((one["y"] - other["y"]) / encoding.scale).reshape(-1)
            for one, other in zip(results(path, feeds), wanted, strict=True)
        ]
    )
    assert np.abs(steps).max() <= 1
    assert np.count_nonzero(steps) <= 0.01 * steps.size
    assert len(integer_layers(path)) == (3 if kind == "grouped" else 1)


@pytest.mark.parametrize("scheme", [Scheme.W8, Scheme.W4])
@pytest.mark.parametrize("kind", [*KINDS, "transposed"])
def test_codes_used_as_floats_are_the_reference_s(tmp_path: Path, kind: str, scheme: Scheme) -> None:
    given = transposed() if kind == "transposed" else one_layer(kind)
    feeds = feeds_of(given, 2)
    for block in (0, 6):
        made = replace(given, encodings=uniform_encodings(given, scheme, block))
        path = export(made, tmp_path / f"out{block}")
        assert worst_psnr(results(path, feeds), references(made, feeds, tmp_path / "reference")) > 100
        assert not integer_operators(path)


def transposed() -> Model:
    nodes = [node("ConvTranspose", ["x", "w", "b"], "y", strides=[2, 2], pads=[1, 1, 1, 1])]
    constants = {"w": normal(0, 6, 10, 4, 4), "b": normal(1, 10)}
    return model(graph(nodes, {"x": [1, 6, 8, 8]}, {"y": [1, 10, 16, 16]}, constants))


def test_a_transposed_convolution_takes_the_room_of_its_codes(tmp_path: Path) -> None:
    nodes = [node("ConvTranspose", ["x", "w"], "y", strides=[2, 2], pads=[1, 1, 1, 1])]
    given = model(graph(nodes, {"x": [1, 64, 8, 8]}, {"y": [1, 64, 16, 16]}, {"w": normal(0, 64, 64, 4, 4)}))
    path = export(replace(given, encodings=uniform_encodings(given, Scheme.W8)), tmp_path / "out")
    assert path.stat().st_size < 64 * 64 * 16 * 1.4


def busy() -> Model:
    """Return a network with all that MNN likes to compute with integers around convolutions that others read too."""
    nodes = [
        node("Conv", ["x", "w0", "b0"], "a", pads=[1, 1, 1, 1]),
        node("Relu", ["a"], "a1"),
        node("Conv", ["a1", "w1", "b1"], "b", pads=[1, 1, 1, 1]),
        node("Conv", ["a1", "w2", "b2"], "c", pads=[1, 1, 1, 1]),
        node("Add", ["b", "c"], "d"),
        node("Relu", ["d"], "d1"),
        node("Resize", ["d1", "", "factors"], "e", mode="linear"),
        node("Conv", ["e", "w3", "b3"], "f", pads=[1, 1, 1, 1]),
        node("MaxPool", ["f"], "g", kernel_shape=[2, 2], strides=[2, 2]),
        node("Add", ["g", "d"], "h"),
        node("Concat", ["h", "a1"], "i", axis=1),
        node("Conv", ["i", "w4", "b4"], "j", pads=[1, 1, 1, 1]),
        node("LeakyRelu", ["j"], "k", alpha=0.2),
        node("Conv", ["k", "w5", "b5"], "l", pads=[1, 1, 1, 1]),
        node("AveragePool", ["l"], "m", kernel_shape=[2, 2], strides=[2, 2]),
        node("Softmax", ["m"], "n", axis=1),
        node("Mul", ["m", "n"], "o"),
        node("Conv", ["o", "w6", "b6"], "p", pads=[1, 1, 1, 1]),
        node("Pad", ["p", "pads"], "q", mode="constant"),
        node("Conv", ["q", "w7", "b7"], "r"),
        node("Transpose", ["r"], "s", perm=[0, 2, 3, 1]),
        node("Add", ["l", "k"], "t"),
    ]
    inputs = {"w0": 3, "w4": 24}
    constants: dict[str, object] = {f"b{place}": normal(place, 12) / 4 for place in range(8)}
    constants |= {f"w{place}": normal(20 + place, 12, inputs.get(f"w{place}", 12), 3, 3) / 8 for place in range(8)}
    constants |= {"factors": np.array([1, 1, 2, 2], np.float32), "pads": np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64)}
    outputs = {"s": [1, 8, 8, 12], "t": [1, 12, 16, 16], "j": [1, 12, 16, 16], "p": [1, 12, 8, 8]}
    return model(graph(nodes, {"x": [1, 3, 16, 16]}, outputs, constants))


@pytest.mark.parametrize("first", range(4))
def test_only_the_chosen_layers_compute_with_integers(tmp_path: Path, first: int) -> None:
    """Layers of all schemes stand beside one another, each combination of neighbours once."""
    schemes = [Scheme.W8A8, Scheme.W8, Scheme.W8A8, Scheme.FLOAT, Scheme.W4, Scheme.W8A8, Scheme.W8A8]
    given = busy()
    places = {layer.name: place for place, layer in enumerate(find_layers(given.proto))}

    def choice(layer: Layer) -> Scheme:
        return Scheme.W8A8 if first == 3 else schemes[(places[layer.name] + first) % len(schemes)]

    feeds = feeds_of(given)
    made = quantized(given, feeds, tmp_path / "seen", choice)
    path = export(made, tmp_path / "out")
    wanted = {layer.result for layer in find_layers(given.proto) if choice(layer) is Scheme.W8A8}
    assert integer_layers(path) == wanted
    assert set(integer_operators(path).values()) <= {"Convolution", "FloatToInt8", "Raster"}
    found, reference = results(path, feeds), references(made, feeds, tmp_path / "reference")
    assert worst_psnr(found, reference) > 45


def test_other_readers_see_what_the_reference_gives_them(tmp_path: Path) -> None:
    """A tensor that one layer reads rounded coarsely stays as it is for others; layers may disagree about it."""
    nodes = [
        node("Add", ["x", "x"], "a"),
        node("Conv", ["a", "w0"], "b"),
        node("Conv", ["a", "w0"], "c"),
        node("Sub", ["b", "c"], "d"),
        node("Mul", ["a", "a"], "e"),
    ]
    given = model(
        graph(nodes, {"x": [1, 8, 16, 16]}, {"d": [1, 8, 16, 16], "e": [1, 8, 16, 16]}, {"w0": normal(0, 8, 8, 1, 1)})
    )
    feeds = feeds_of(given, 2)
    made = quantized(given, feeds, tmp_path / "seen", all_in(Scheme.W8A8))
    assert made.encodings is not None
    layers = dict(made.encodings.layers)
    name = next(iter(layers))
    coarse = layers[name].input
    assert coarse is not None
    coarse = replace(coarse, scale=coarse.scale * 8, zero_point=0)
    layers[name] = replace(layers[name], input=coarse)
    made = replace(made, encodings=Encodings(layers))
    found = results(export(made, tmp_path / "out"), feeds)
    assert worst_psnr(found, references(made, feeds, tmp_path / "reference")) > 55
    assert (
        worst_psnr(
            [{"e": one["e"]} for one in found], [{"e": one["e"]} for one in run(given.proto, feeds, tmp_path / "f")]
        )
        > 100
    )


def test_several_inputs_mixed_schemes_and_a_wrong_scale(tmp_path: Path) -> None:
    given = tiny_swapper(width=16)
    feeds = feeds_of(given)

    def choice(layer: Layer) -> Scheme:
        return Scheme.W8 if layer.weight == "decoder.weight" else Scheme.W8A8

    made = quantized(given, feeds, tmp_path / "seen", choice)
    reference = references(made, feeds, tmp_path / "reference")
    path = export(made, tmp_path / "out")
    assert integer_layers(path) == {"encoded", "style__matmul_converted"}
    right = worst_psnr(results(path, feeds), reference)
    assert right > 35
    assert made.encodings is not None
    for name in [layer.name for layer in find_layers(given.proto) if layer.result == "encoded"]:
        layer = made.encodings.layers[name]
        assert layer.output is not None
        wrong = replace(layer, output=replace(layer.output, scale=layer.output.scale * 0.5))
        encodings = Encodings({**made.encodings.layers, name: wrong})
        path = export(replace(made, encodings=encodings), tmp_path / "wrong")
        assert worst_psnr(results(path, feeds), reference) < 30


def test_replaced_weights_and_biases_are_used(tmp_path: Path) -> None:
    """Weights that were rounded otherwise than to the nearest code lie on the grid, and stay where they lie."""
    given = one_layer("dense")
    feeds = feeds_of(given)
    plain = quantized(given, feeds, tmp_path / "seen", all_in(Scheme.W8A8))
    assert plain.encodings is not None
    name, layer = next(iter(plain.encodings.layers.items()))
    assert layer.weight is not None
    weights = effective_weights(given.proto, None, "w")
    codes = layer.weight.quantize(weights)
    shifts = np.random.default_rng(5).integers(-1, 2, codes.shape)
    moved = layer.weight.dequantize(np.clip(codes + shifts, -127, 127).astype(np.int8))
    replaced = {"w": moved, "b": effective_weights(given.proto, None, "b") + 3}
    made = replace(plain, encodings=Encodings({name: layer}, replaced))
    path = export(made, tmp_path / "out")
    reference = references(made, feeds, tmp_path / "reference")
    assert worst_psnr(results(path, feeds), reference) > 60
    assert worst_psnr(references(plain, feeds, tmp_path / "plain"), reference) < 40
    floats = replace(given, encodings=Encodings({name: LayerEncoding(Scheme.FLOAT)}, replaced))
    found = results(export(floats, tmp_path / "floats"), feeds)
    assert worst_psnr(found, references(floats, feeds, tmp_path / "float reference")) > 100


def test_int4_weights_need_no_encodings(tmp_path: Path) -> None:
    given = tiny_swapper(width=96)
    feeds = feeds_of(given, 2)
    path = export(given, tmp_path / "out", Precision.INT4_WEIGHTS)
    reference = replace(given, encodings=uniform_encodings(given, Scheme.W4))
    assert worst_psnr(results(path, feeds), references(reference, feeds, tmp_path / "reference")) > 100
    metadata = ArtifactMetadata.from_text(read_outline(path).business_code)
    assert metadata is not None
    assert metadata.precision == "int4-weights"


def test_what_mnn_cannot_express_is_said_before_work() -> None:
    exporter = MnnExporter()
    given = tiny_swapper()
    with pytest.raises(UnsupportedError, match="not quantized"):
        exporter.check(given, Precision.INT8, {})
    layers = find_layers(given.proto)
    weights = uniform_encodings(given, Scheme.W8).layers
    for scheme, sentence in (
        (Scheme.W8A16, r"no 16-bit activations \(layers .*style.*nearest are w8a8, or w8"),
        (Scheme.DYNAMIC, r"ranges of activations as it runs.*nearest are w8a8, or w8"),
    ):
        encodings = Encodings({layer.name: replace(weights[layer.name], scheme=scheme) for layer in layers})
        with pytest.raises(UnsupportedError, match=sentence):
            exporter.check(replace(given, encodings=encodings), Precision.INT8, {})


def test_layers_that_mnn_takes_apart_are_said_before_work(tmp_path: Path) -> None:
    nodes = [node("Conv", ["x", "w"], "y", group=4)]
    multiplied = model(graph(nodes, {"x": [1, 4, 8, 8]}, {"y": [1, 8, 6, 6]}, {"w": normal(0, 8, 1, 3, 3)}))
    encodings = uniform_encodings(multiplied, Scheme.W8)
    with pytest.raises(UnsupportedError, match="nearest is float"):
        MnnExporter().check(replace(multiplied, encodings=encodings), Precision.INT8, {})
    feeds = feeds_of(multiplied, 2)
    found = results(export(multiplied, tmp_path / "out", Precision.INT4_WEIGHTS), feeds)
    assert worst_psnr(found, run(multiplied.proto, feeds, tmp_path / "f")) > 100

    nodes = [node("MatMul", ["x", "w"], "m"), node("Add", ["m", "b"], "y")]
    constants = {"w": normal(0, 6, 5), "b": normal(1, 5)}
    added = model(graph(nodes, {"x": [1, 3, 6]}, {"y": [1, 3, 5]}, constants))
    feeds = feeds_of(added, 2)
    with pytest.raises(UnsupportedError, match=r"addition after it.*nearest is w8"):
        MnnExporter().check(quantized(added, feeds, tmp_path / "seen", all_in(Scheme.W8A8)), Precision.INT8, {})
    made = replace(added, encodings=uniform_encodings(added, Scheme.W8))
    assert worst_psnr(results(export(made, tmp_path / "w8"), feeds), references(made, feeds, tmp_path / "r")) > 100


def test_a_layer_that_the_converter_merged_is_refused(tmp_path: Path) -> None:
    """With int8 weights alone it is right all the same: the scales take up what was multiplied in."""
    nodes = [
        node("Conv", ["x", "w"], "c"),
        node("BatchNormalization", ["c", "scale", "shift", "mean", "variance"], "y"),
    ]
    constants = {
        "w": normal(0, 8, 4, 3, 3), "scale": normal(1, 8), "shift": normal(2, 8),
        "mean": normal(3, 8), "variance": np.abs(normal(4, 8)) + 1,
    }  # fmt: skip
    given = model(graph(nodes, {"x": [1, 4, 8, 8]}, {"y": [1, 8, 6, 6]}, constants))
    feeds = feeds_of(given, 2)
    made = quantized(given, feeds, tmp_path / "seen", all_in(Scheme.W8A8))
    with pytest.raises(UnsupportedError, match=r"worked another operator into the layer.*Let this layer be w8"):
        export(made, tmp_path / "out")
    made = quantized(given, feeds, tmp_path / "again", all_in(Scheme.W8))
    assert worst_psnr(results(export(made, tmp_path / "w8"), feeds), references(made, feeds, tmp_path / "r")) > 100


def test_an_addition_that_becomes_a_bias_is_said_before_work(tmp_path: Path) -> None:
    for activation in (False, True):
        nodes = [node("Conv", ["x", "w"], "c"), *([node("Relu", ["c"], "r")] if activation else [])]
        nodes.append(node("Add", ["r" if activation else "c", "k"], "y"))
        constants = {"w": normal(0, 8, 4, 3, 3), "k": normal(1, 8, 1, 1)}
        given = model(graph(nodes, {"x": [1, 4, 8, 8]}, {"y": [1, 8, 6, 6]}, constants))
        made = quantized(given, feeds_of(given, 2), tmp_path / "seen", all_in(Scheme.W8A8))
        with pytest.raises(UnsupportedError, match=r"addition after it.*nearest is w8"):
            MnnExporter().check(made, Precision.INT8, {})
    with pytest.raises(UnsupportedError, match="weight_block has no effect on fp16"):
        MnnExporter().check(given, Precision.FP16, {"weight_block": 32})


def two_alike() -> Model:
    """Return a network of two layers with the same weights, which could cover for each other."""
    nodes = [node("Conv", ["x", "w", "b"], "c"), node("LeakyRelu", ["c"], "d"), node("Conv", ["d", "w", "b"], "y")]
    constants = {"w": normal(0, 8, 8, 1, 1), "b": normal(1, 8)}
    return model(graph(nodes, {"x": [1, 8, 9, 9]}, {"y": [1, 8, 9, 9]}, constants))


@pytest.mark.parametrize(
    ("damage", "scheme"),
    [
        *((damage, scheme) for damage in ("alpha", "bias", "code") for scheme in (Scheme.W8A8, Scheme.W8, Scheme.W4)),
        *((damage, Scheme.W8A8) for damage in ("zero point", "scale", "swapped")),
    ],
)
def test_a_damaged_writer_is_found_out_by_the_exporter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str, scheme: Scheme
) -> None:
    given = two_alike()
    made = quantized(given, feeds_of(given, 2), tmp_path / "seen", all_in(scheme))
    export(made, tmp_path / "right")
    whole, calls, earlier = mnn_quantize.convolution, [], []

    def damaged(main, codes, bits, alpha, biases, edges):  # type: ignore[no-untyped-def]
        calls.append(damage)
        alpha, biases, codes = alpha.copy(), biases.copy(), codes.copy()
        if len(calls) == 2 and damage == "alpha":
            alpha[5] *= 1.5
        elif len(calls) == 2 and damage == "bias":
            biases[5] += 1
        elif len(calls) == 2 and damage == "code":
            codes[5, 0] ^= 1
        elif len(calls) == 2 and edges is not None and damage == "zero point":
            edges = (replace(edges[0], zero_point=edges[0].zero_point - 1), edges[1])
        elif len(calls) == 2 and edges is not None and damage == "scale":
            edges = (edges[0], replace(edges[1], scale=edges[1].scale * 1.01))
        elif damage == "swapped" and edges is not None:
            earlier.append(edges)
            edges = earlier[0]
        return whole(main, codes, bits, alpha, biases, edges)

    monkeypatch.setattr(mnn_quantize, "convolution", damaged)
    with pytest.raises(VerificationError, match="not quantized as was asked for: Conv_y"):
        export(made, tmp_path / "wrong")
