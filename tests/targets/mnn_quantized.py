"""Models with Encodings for the tests of `.mnn` files, and how near a file is to the reference graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx

from converters.compress.quantize.data_free import layer_weight_encoding
from converters.compress.quantize.encode import encoding_of
from converters.compress.quantize.encodings import Encodings, Floats, LayerEncoding, Scheme
from converters.compress.quantize.layers import Layer, effective_weights, find_layers
from converters.compress.quantize.qdq import build_qdq
from converters.model.graph import Model
from converters.progress import Progress
from converters.runtimes.base import Arrays
from converters.runtimes.onnx import open_proto
from converters.targets.base import Precision
from converters.targets.mnn import MnnExporter

Choice = Callable[[Layer], Scheme]


def all_in(scheme: Scheme) -> Choice:
    """Give every layer that can have it one scheme, the others int8 weights."""
    return lambda layer: Scheme.W8 if scheme.activation_bits and not layer.has_integer_kernel else scheme


def run(proto: onnx.ModelProto, feeds: Sequence[Arrays], folder: Path, names: Sequence[str] = ()) -> list[Arrays]:
    """Run a graph in ONNX Runtime, with further tensors as outputs."""
    wanted = onnx.ModelProto()
    wanted.CopyFrom(proto)
    present = {value.name for value in (*proto.graph.output, *proto.graph.input)}
    for name in names:
        if name not in present:
            wanted.graph.output.add().CopyFrom(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    folder.mkdir(exist_ok=True)
    with open_proto(wanted, folder) as session:
        return [session.run(feed) for feed in feeds]


def quantized(
    model: Model,
    feeds: Sequence[Arrays],
    folder: Path,
    choice: Choice,
    *,
    symmetric: bool = False,
    block: int = 0,
    replaced: Mapping[str, Floats] | None = None,
) -> Model:
    """Return a model with Encodings: the ranges of some feeds, schemes as chosen."""
    layers = find_layers(model.proto)
    names = sorted({name for layer in layers for name in (layer.input, layer.output)})
    seen = [{**results, **feed} for results, feed in zip(run(model.proto, feeds, folder, names), feeds, strict=True)]
    made = Encodings({}, replaced or {})
    encoded = {}
    for layer in layers:
        scheme = choice(layer)
        weights = effective_weights(model.proto, made, layer.weight)
        bits = scheme.activation_bits
        ends = [
            encoding_of(
                float(min(one[name].min() for one in seen)),
                float(max(one[name].max() for one in seen)),
                bits,
                symmetric,
            )
            if bits
            else None
            for name in (layer.input, layer.output)
        ]
        weight = None if scheme is Scheme.FLOAT else layer_weight_encoding(weights, layer, scheme, block)
        encoded[layer.name] = LayerEncoding(scheme, weight, *ends)
    return replace(model, encodings=Encodings(encoded, made.replaced))


def export(model: Model, folder: Path, precision: Precision = Precision.INT8) -> Path:
    """Write a `.mnn` and return its path."""
    folder.mkdir()
    return MnnExporter().export(model, folder, precision, {}, [], Progress()).path


def references(model: Model, feeds: Sequence[Arrays], folder: Path) -> list[Arrays]:
    """Run the graph that says what a quantized model computes."""
    return run(build_qdq(model), feeds, folder)


def results(path: Path, feeds: Sequence[Arrays]) -> list[Arrays]:
    """Run a `.mnn`."""
    with MnnExporter().open_session(path) as session:
        return [session.run(feed) for feed in feeds]


def worst_psnr(found: Sequence[Arrays], wanted: Sequence[Arrays]) -> float:
    """Return the lowest PSNR of any output of any sample, against the output's span over all samples, dB."""
    figures = []
    for name in wanted[0]:
        span = float(max(one[name].max() for one in wanted) - min(one[name].min() for one in wanted))
        for one, other in zip(found, wanted, strict=True):
            square = float(np.mean((one[name].astype(np.float64) - other[name]) ** 2))
            figures.append(10 * np.log10(span**2 / max(square, 1e-30)))
    return min(figures)
