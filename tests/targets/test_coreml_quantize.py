"""Quantized Core ML packages: our own scales in the file, the reference's pictures, refusals before work."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import fx

from converters.compress.quantize.encodings import Encoding, Encodings, Scheme, WeightEncoding
from converters.compress.quantize.layers import Layer
from converters.errors import UnsupportedError, VerificationError
from converters.model.graph import Model, SourceInfo
from converters.model.signature import Signature, TensorInfo
from converters.parameters import Value
from converters.progress import Progress
from converters.runtimes.base import Arrays
from converters.runtimes.mil.program import MilProgram
from converters.samples import verification_samples
from converters.targets import coreml_quantize_palette
from converters.targets.base import Export, Precision
from converters.targets.coreml import CoreMLExporter
from converters.targets.coreml_quantize_check import compare_package, found_layers, integer_layers
from converters.targets.coreml_quantize_palette import lookup_table
from converters.torch_import import encoded
from converters.torch_import.encoded import marked_module
from converters.torch_import.encoded_weights import stored_bias, stored_weight
from tests.targets.quantized import decibels, min_max_encodings, reference_results, zoo, zoo_feeds
from tests.tiny_models import tiny_swapper

LEAST = 35.0
"""Decibels to the reference."""
Choice = Callable[[Layer], Scheme]


def integer(layer: Layer) -> Scheme:
    return Scheme.W8A8 if layer.has_integer_kernel else Scheme.W8


def mixed(layer: Layer) -> Scheme:
    """Give every scheme to some layer."""
    schemes = {"strided": Scheme.FLOAT, "dilated": Scheme.W8, "pointwise": Scheme.W8, "matmul": Scheme.W8}
    return schemes.get(layer.result, integer(layer))


def quantized(model: Model, feeds: list[Arrays], folder: Path, choice: Choice = integer) -> Model:
    return replace(model, encodings=min_max_encodings(model, feeds, folder, choice))


def export(
    model: Model, feeds: list[Arrays], folder: Path, precision: Precision = Precision.INT8, **options: Value
) -> Export:
    folder.mkdir()
    return CoreMLExporter().export(model, folder, precision, dict(options), feeds[:1], Progress())


def worst(path: Path, model: Model, feeds: list[Arrays], encodings: Encodings | None = None) -> float:
    """Return the lowest PSNR of any output to the reference of `encodings`, the model's own unless given."""
    used = encodings or model.encodings
    assert used is not None
    figures = []
    with CoreMLExporter().open_session(path) as session:
        for feed in feeds:
            wanted, found = reference_results(model, used, feed), session.run(feed)
            figures += [decibels(found[name], wanted[name]) for name in wanted]
    return min(figures)


def swapper_feeds(model: Model, count: int) -> list[Arrays]:
    return [sample.feeds for sample in verification_samples(model.signature, [], count)][:count]


def with_activation(encodings: Encodings, layer: str, end: str, change: Callable[[Encoding], Encoding]) -> Encodings:
    own = encodings.layers[layer]
    before = getattr(own, end)
    changed = dataclasses.replace(own, **{end: change(before)})
    return replace(encodings, layers={**encodings.layers, layer: changed})


@pytest.mark.parametrize(
    ("choice", "system", "count"),
    [
        (mixed, "auto", 6),
        pytest.param(integer, "auto", 10, marks=pytest.mark.slow),
        pytest.param(integer, "iOS18", 10, marks=pytest.mark.slow),
    ],
)
def test_every_kind_of_layer_has_our_scales_and_the_references_results(
    choice: Choice, system: str, count: int, tmp_path: Path
) -> None:
    model, feeds = zoo(), zoo_feeds(4)
    model = quantized(model, feeds, tmp_path, choice)
    made = export(model, feeds, tmp_path / "out", minimum_os=system)
    assert integer_layers(made.path) == count
    assert worst(made.path, model, feeds) >= LEAST
    kinds = MilProgram.load(made.path).operation_kinds()
    assert kinds["quantize"] >= count
    weights = "constexpr_blockwise_shift_scale" if system == "iOS18" else "constexpr_affine_dequantize"
    assert kinds[weights] > 0


def test_a_wrong_scale_shows_in_the_file(tmp_path: Path) -> None:
    """The twin: one scale off, of what is read, written or of the weights."""
    model, feeds = zoo(), zoo_feeds(3)
    model = quantized(model, feeds, tmp_path)
    encodings = model.encodings
    assert encodings is not None
    made = export(model, feeds, tmp_path / "out")
    assert compare_package(made.path, model, encodings) == []
    for end, sentence in (("input", "what it reads is rounded otherwise"), ("output", "what it writes is rounded")):
        for change in (
            lambda encoding: replace(encoding, scale=encoding.scale * 1.01),
            lambda encoding: replace(encoding, zero_point=encoding.zero_point + 1),
        ):
            wrong = with_activation(encodings, "node_dilated", end, change)
            with pytest.raises(VerificationError, match=f"node_dilated: {sentence}"):
                compare_package(made.path, model, wrong)
    fewer = replace(encodings, layers={k: v for k, v in encodings.layers.items() if k != "node_pointwise"})
    with pytest.raises(VerificationError, match="codes that no layer asked for"):
        compare_package(made.path, model, fewer)
    unrounded = replace(encodings.layers["node_dilated"], scheme=Scheme.W8, input=None)
    with pytest.raises(VerificationError, match="node_dilated: what it reads is rounded"):
        compare_package(made.path, model, replace(encodings, layers={**encodings.layers, "node_dilated": unrounded}))


@pytest.mark.slow
def test_a_wrong_scale_shows_in_the_picture(tmp_path: Path) -> None:
    model, feeds = zoo(), zoo_feeds(3)
    model = quantized(model, feeds, tmp_path)
    encodings = model.encodings
    assert encodings is not None
    narrow = with_activation(encodings, "node_strided", "output", lambda e: replace(e, scale=e.scale * 0.4))
    other = export(replace(model, encodings=narrow), feeds, tmp_path / "wrong")
    assert worst(other.path, model, feeds, encodings) < LEAST <= worst(other.path, model, feeds, narrow)


def damaged_bias(*arguments: object) -> np.ndarray | None:
    bias = stored_bias(*arguments)  # type: ignore[arg-type]
    return None if bias is None else bias + 1


def damaged_weight(model: Model, encodings: Encodings, layer: Layer) -> object:
    """Damage one scale of the second of two layers with the same codes, the first covers for it if it can."""
    stored = stored_weight(model, encodings, layer)
    scale = stored.scale.copy()
    scale[:1] *= np.float32(1.5) if layer.result == "two" else 1
    return replace(stored, scale=scale)


def damaged_rounding(graph: fx.Graph, source: fx.Node, encoding: Encoding) -> fx.Node:
    return coded_rounding(graph, source, replace(encoding, zero_point=min(encoding.zero_point + 1, 127)))


coded_rounding = encoded._rounding


@pytest.mark.parametrize(
    ("part", "damaged", "sentence"),
    [
        ("stored_bias", damaged_bias, "it has another bias"),
        ("stored_weight", damaged_weight, "node_two: its weights have other scales"),
        pytest.param("_rounding", damaged_rounding, "what it reads is rounded otherwise", marks=pytest.mark.slow),
    ],
)
def test_a_damaged_writer_is_found_out_by_the_exporter(
    part: str, damaged: object, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, feeds = zoo(), zoo_feeds(1)
    model = quantized(model, feeds, tmp_path)
    monkeypatch.setattr(encoded, part, damaged)
    with pytest.raises(VerificationError, match=sentence):
        export(model, feeds, tmp_path / "out")


def test_palettes_that_would_hold_nothing_are_refused_and_no_temporary_package_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UnsupportedError, match=r"more than 1024 values.*nearest: int8 with w8"):
        CoreMLExporter().check(convolution()[0], Precision.PALETTE, {})
    with pytest.raises(UnsupportedError, match="palette_bits has no effect on fp16"):
        CoreMLExporter().check(convolution()[0], Precision.FP16, {"palette_bits": 4})
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    model, feeds = zoo(), zoo_feeds(1)
    made = export(model, feeds, tmp_path / "out", Precision.PALETTE)
    assert any("have a palette" in note for note in made.notes)
    assert any("Too small for a palette" in note for note in made.notes)
    assert not list(temporary.glob("*.mlpackage"))

    def broken(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(coreml_quantize_palette, "with_palettes", broken)
    with pytest.raises(UnsupportedError):
        export(model, feeds, tmp_path / "again", Precision.PALETTE)
    assert not list(temporary.glob("*.mlpackage"))


def test_the_torch_view_computes_what_the_reference_does(tmp_path: Path) -> None:
    model, feeds = zoo(), zoo_feeds(2)
    model = quantized(model, feeds, tmp_path, mixed)
    assert model.encodings is not None
    module = marked_module(model, model.encodings)
    for feed in feeds:
        wanted = reference_results(model, model.encodings, feed)
        with torch.no_grad():
            found = module(*(torch.from_numpy(feed[tensor.name]) for tensor in model.signature.inputs))
        for tensor, value in zip(model.signature.outputs, found, strict=True):
            # sums in another order move single codes
            assert decibels(value.numpy(), wanted[tensor.name]) > 45


def test_the_swapper_is_int8_and_replaced_values_are_used(tmp_path: Path) -> None:
    model = tiny_swapper()
    feeds = swapper_feeds(model, 3)
    encodings = min_max_encodings(model, feeds, tmp_path, lambda _layer: Scheme.W8A8)
    weights = next(t for t in model.proto.graph.initializer if t.name == "decoder.weight")
    halved = replace(encodings, replaced={"decoder.weight": numpy_helper.to_array(weights) / 2})
    model = replace(model, encodings=halved)
    made = export(model, feeds, tmp_path / "out")
    assert integer_layers(made.path) == 3
    assert worst(made.path, model, feeds) >= LEAST
    assert worst(made.path, model, feeds, encodings) < LEAST
    assert made.notes == ("The package needs iOS 17 or later: int8 activations.",)


def single(node: str, *weights: np.ndarray, shape: tuple[int, ...], out: tuple[int, ...], more: str = "") -> Model:
    """Return a graph of one layer, with BatchNormalization or an asymmetric padding where asked for."""
    names = [f"w{index}" for index in range(len(weights))]
    tensors = [
        numpy_helper.from_array(values.astype(np.float32), name) for name, values in zip(names, weights, strict=True)
    ]
    attributes: dict[str, object] = {"pads": [0, 1, 1, 0]} if more == "pads" else {}
    nodes = [helper.make_node(node, ["x", *names], ["z"], name="layer", **attributes)]
    if more == "norm":
        channels = out[1]
        for name, value in (("a", 1.5), ("b", 0.2), ("m", 0.1), ("v", 0.7)):
            tensors.append(numpy_helper.from_array(np.full(channels, value, np.float32), name))
        nodes.append(helper.make_node("BatchNormalization", ["z", "a", "b", "m", "v"], ["y"], name="norm"))
    else:
        nodes.append(helper.make_node("LeakyRelu", ["z"], ["y"], name="leaky"))
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", shape), ("y", out))]
    graph = helper.make_graph(nodes, "single", ends[:1], ends[1:], tensors)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    proto.ir_version = 8
    signature = Signature((TensorInfo("x", shape),), (TensorInfo("y", out),))
    return Model(proto, signature, "", SourceInfo("single.onnx", "onnx", "0" * 64, 1))


def convolution(more: str = "", scale: float = 1.0) -> tuple[Model, list[Arrays]]:
    generator = np.random.default_rng(1)
    weights = generator.standard_normal((6, 8, 3, 3)) * scale
    side = 9 if more == "pads" else 8
    model = single(
        "Conv", weights, generator.standard_normal(6), shape=(1, 8, 10, 10), out=(1, 6, side, side), more=more
    )
    return model, [{"x": generator.standard_normal((1, 8, 10, 10)).astype(np.float32)} for _ in range(2)]


@pytest.mark.parametrize(
    ("more", "scheme"),
    [
        ("norm", Scheme.W8),
        ("pads", Scheme.W8A8),
        pytest.param("norm", Scheme.W8A8, marks=pytest.mark.slow),
        pytest.param("pads", Scheme.W8, marks=pytest.mark.slow),
    ],
)
def test_a_normalisation_or_a_lopsided_padding_beside_a_layer_changes_no_code(
    scheme: Scheme, more: str, tmp_path: Path
) -> None:
    model, feeds = convolution(more)
    model = quantized(model, feeds, tmp_path, lambda _layer: scheme)
    made = export(model, feeds, tmp_path / "out")
    assert worst(made.path, model, feeds) >= LEAST
    assert [layer.input is not None for layer in found_layers(made.path)] == [scheme is Scheme.W8A8]


@pytest.mark.parametrize("block", [pytest.param(0, marks=pytest.mark.slow), 18])
def test_four_bit_weights_with_and_without_blocks(block: int, tmp_path: Path) -> None:
    model, feeds = convolution()
    made = quantized(model, feeds, tmp_path, lambda _layer: Scheme.W4).encodings
    assert made is not None
    layer = made.layers["layer"]
    if block:
        weights = np.abs(numpy_helper.to_array(model.proto.graph.initializer[0]).reshape(-1, block)).max(axis=1)
        own = WeightEncoding(4, 0, tuple(float(value) for value in weights / 7), block)
        made = replace(made, layers={"layer": replace(layer, weight=own)})
    model = replace(model, encodings=made)
    package = export(model, feeds, tmp_path / "out")
    assert worst(package.path, model, feeds) > 60
    (found,) = found_layers(package.path)
    assert (found.bits, found.scale.shape) == (4, (6, 4 if block else 1, 1, 1))
    assert integer_layers(package.path) == 0
    assert package.notes == ("The package needs iOS 18 or later: 4-bit weights.",)


def test_scales_too_small_for_half_precision_stay_fp32(tmp_path: Path) -> None:
    """Two millionths are off by one in a hundred in half precision: more than a step of the largest code."""
    model, feeds = convolution(scale=1e-4)
    bias = next(tensor for tensor in model.proto.graph.initializer if tensor.name == "w1")
    bias.CopyFrom(numpy_helper.from_array(np.zeros(6, np.float32), "w1"))
    model = quantized(model, feeds, tmp_path)
    made = export(model, feeds, tmp_path / "out")
    (found,) = found_layers(made.path)
    assert not found.is_half
    assert worst(made.path, model, feeds) >= LEAST
    usual, feeds = convolution()
    usual = quantized(usual, feeds, tmp_path)
    assert [layer.is_half for layer in found_layers(export(usual, feeds, tmp_path / "usual").path)] == [True]


def test_what_core_ml_cannot_is_said_before_work(tmp_path: Path) -> None:
    model, feeds = convolution()
    exporter = CoreMLExporter()

    def said(scheme: Scheme, precision: Precision = Precision.INT8, block: int = 0, **options: Value) -> str:
        made = quantized(model, feeds, tmp_path, lambda _layer: scheme)
        assert made.encodings is not None
        layer = made.encodings.layers["layer"]
        if block:
            own = WeightEncoding(4, 0, (1.0,) * (6 * 72 // block), block)
            made = replace(made, encodings=replace(made.encodings, layers={"layer": replace(layer, weight=own)}))
        try:
            exporter.check(made, precision, options)
        except UnsupportedError as error:
            return str(error)
        return ""

    assert "no activations of 16 bits (layer); nearest: w8a8" in said(Scheme.W8A16)
    assert "without calibrated ranges (layer); nearest: w8" in said(Scheme.DYNAMIC)
    assert "minimum_os is iOS16, int8 activations need iOS17" in said(Scheme.W8A8, minimum_os="iOS16")
    assert said(Scheme.W8A8, minimum_os="iOS17") == said(Scheme.W8A8) == said(Scheme.W8, minimum_os="iOS16") == ""
    assert "4-bit weights need iOS18" in said(Scheme.W4, minimum_os="iOS17")
    assert "compressed weights need iOS16" in said(Scheme.W8, Precision.INT8_WEIGHTS, minimum_os="iOS15")
    assert "nearest: weight_block 18, or 0" in said(Scheme.W4, block=24)
    assert said(Scheme.W4, block=18) == ""
    palette = {"palette_bits": 3, "minimum_os": "iOS17"}
    assert "a palette of 3 bits need" in said(Scheme.W8, Precision.PALETTE, **palette)
    with pytest.raises(UnsupportedError, match="not quantized"):
        exporter.check(model, Precision.INT8, {})


def test_a_layer_that_torch_writes_otherwise_is_named(tmp_path: Path) -> None:
    """A vector times a matrix is a function of torch: there is no layer to hold its codes."""
    model, feeds = single("MatMul", np.eye(4), shape=(4,), out=(4,)), [{"x": np.ones(4, np.float32)}]
    model = quantized(model, feeds, tmp_path, lambda _layer: Scheme.W8)
    with pytest.raises(UnsupportedError, match="cannot quantize layer: the torch view has no such layer"):
        export(model, feeds, tmp_path / "out")


@pytest.mark.parametrize(
    ("precision", "bits"),
    [
        (Precision.INT4_WEIGHTS, 4),
        (Precision.PALETTE, 3),
        pytest.param(Precision.PALETTE, 6, marks=pytest.mark.slow),
    ],
)
def test_files_that_need_no_calibration(precision: Precision, bits: int, tmp_path: Path) -> None:
    model = tiny_swapper(width=64)
    feeds = swapper_feeds(model, 2)
    options: dict[str, Value] = {"palette_bits": bits} if precision is Precision.PALETTE else {}
    made = export(model, feeds, tmp_path / "out", precision, **options)
    kinds = MilProgram.load(made.path).operation_kinds()
    table = "constexpr_lut_to_dense" if precision is Precision.PALETTE else "constexpr_blockwise_shift_scale"
    assert kinds.get(table, 0) > 0, kinds
    quantized_model = replace(model, encodings=Encodings({}))
    assert worst(made.path, quantized_model, feeds) > {6: 30, 4: 18, 3: 15}[bits]


@pytest.mark.parametrize("bits", [2, 3, 4, 6, 8])
def test_a_palette_is_as_good_as_the_best_of_many_random_ones(bits: int) -> None:
    generator = np.random.default_rng(bits)
    weights = np.concatenate([generator.laplace(size=4000) * 0.05, generator.standard_normal(20)]).astype(np.float16)
    table, indices = lookup_table(weights, bits)
    assert table.dtype == weights.dtype
    assert len(table) == 1 << bits
    assert indices.max() < 1 << bits

    def error(centres: np.ndarray) -> float:
        exact = centres.astype(np.float64)
        return float(np.mean(np.min((weights.astype(np.float64)[:, None] - exact[None]) ** 2, axis=1)))

    ours = float(np.mean((table[indices].astype(np.float64) - weights) ** 2))
    assert ours == pytest.approx(error(table), rel=1e-9)  # every weight has its nearest entry
    even = np.linspace(weights.min(), weights.max(), 1 << bits)
    random = min(error(generator.choice(weights, 1 << bits, replace=False)) for _ in range(20))
    assert ours < 0.9 * min(error(even), random)


def test_few_distinct_weights_are_kept_exactly() -> None:
    weights = np.asarray([[0.5, -1.0], [0.5, 0.25]], np.float16)
    table, indices = lookup_table(weights, 2)
    assert table.tolist() == [-1.0, 0.25, 0.5, 0.5]
    assert table[indices].reshape(2, 2).tolist() == weights.tolist()
