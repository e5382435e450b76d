"""Write a `.mnn` as a model's Encodings say, from the float network that MNN's own converter made.

Nothing of MNN quantizes here: its converter drops silently what it cannot match, and its own rounding of weights is
not the reference's. The codes, scales and zero points in the file are those of `build_qdq`'s graph.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from converters.compress.quantize.encodings import Encoding, Encodings, Floats, LayerEncoding, Scheme
from converters.compress.quantize.layers import Layer, effective_weights, find_layers
from converters.errors import UnsupportedError
from converters.model.graph import Model
from converters.targets import mnn_quantize_schema as schema
from converters.targets.base import names_of
from converters.targets.mnn_quantize_check import Written, compare_file
from converters.targets.mnn_quantize_islands import islands
from converters.targets.mnn_quantize_layers import LayerFinder, Part, rows_in_memory
from converters.targets.mnn_quantize_net import Net
from converters.targets.mnn_quantize_weights import Codes, convolution, floating, pieces, whole_biases
from converters.targets.tflite_flatbuffer import Record

_NEAREST = {
    Scheme.W8A16: "MNN has no 16-bit activations (layers {}); the nearest are w8a8, or w8 for int8 weights only.",
    Scheme.DYNAMIC: "MNN does not choose ranges of activations as it runs (layers {}); the nearest are w8a8, or w8.",
}
# Smaller pieces with a scale each take more room than the floats would.
_LEAST_PIECE = 8


@dataclass(frozen=True)
class Quantized:
    """What was written.

    Attributes:
        integer: names of the convolutions that MNN must compute with integers, as its runtime reports them.
        notes: sentences for the report.
    """

    integer: frozenset[str]
    notes: tuple[str, ...]


def quantize_objections(model: Model, encodings: Encodings) -> list[str]:
    """Return what MNN cannot express of some Encodings, each with the nearest thing it can."""
    layers = {layer.name: layer for layer in find_layers(model.proto)}
    objections = []
    for scheme, sentence in _NEAREST.items():
        names = [name for name, layer in encodings.layers.items() if layer.scheme is scheme]
        if names:
            objections.append(sentence.format(names_of(names)))
    asked = {name: layers[name] for name, layer in encodings.layers.items() if layer.scheme is not Scheme.FLOAT}
    foreign = [name for name, layer in asked.items() if _is_foreign(model, layer)]
    if foreign:
        objections.append(
            f"MNN has no weights with codes for these kinds of layers ({names_of(foreign)}); the nearest is float."
        )
    added = [name for name in asked if encodings.scheme(name) is Scheme.W8A8 and _is_added_to(model, layers[name])]
    if added:
        objections.append(
            f"MNN makes one layer of a convolution or matrix product and the addition after it ({names_of(added)}), "
            "whose range is not known; the nearest is w8."
        )
    return objections


def expressible(model: Model, encodings: Encodings) -> tuple[Encodings, tuple[str, ...]]:
    """Return Encodings without the layers that MNN keeps float in any case, and a sentence about those."""
    layers = {layer.name: layer for layer in find_layers(model.proto)}
    foreign = [name for name in encodings.layers if _is_foreign(model, layers[name])]
    kept = {name: layer for name, layer in encodings.layers.items() if name not in foreign}
    notes = (f"MNN keeps these layers float: {names_of(foreign)}.",) if foreign else ()
    return Encodings(kept, encodings.replaced, encodings.origin), notes


def write_quantized(model: Model, encodings: Encodings, network: Path, weights: Path, path: Path) -> Quantized:
    """Write a network anew with the weights and activations of some Encodings.

    Args:
        model: whose graph, with the replaced values, was converted.
        encodings: of its layers.
        network, weights: what the converter wrote with `--saveExternalData`.
        path: of the new file.

    Raises:
        UnsupportedError: the converter made something of a layer that the Encodings do not fit.
        VerificationError: the converter's file is damaged, or what was written is not what the Encodings say.
    """
    net = Net(network, weights)
    finder = LayerFinder(net)
    parameters: dict[int, Record] = {}
    integer: dict[int, tuple[Encoding, Encoding]] = {}
    floats: list[str] = []
    written = []
    for layer in find_layers(model.proto):
        encoding = encodings.layers.get(layer.name)
        if encoding is None or encoding.scheme is Scheme.FLOAT:
            continue
        found = effective_weights(model.proto, encodings, layer.weight)
        biases = effective_weights(model.proto, encodings, layer.bias) if layer.bias else None
        parts = finder.find(layer, found, biases)
        for part in parts:
            record = _parameters(layer, encoding, part, found)
            if record is None:
                floats.append(layer.name)
                record = _rounded_floats(layer, encoding, part, found)
            parameters[part.operator.index] = record
            if encoding.scheme is Scheme.W8A8:
                integer[part.operator.index] = _edges(encoding)
        written.append(Written(layer, encoding, parts, layer.name in floats))
    plan = islands(net.operators, net.tensors, frozenset(net.outputs), integer)
    net.write(path, parameters, plan.copies, plan.inputs, plan.outputs, plan.descriptions())
    compare_file(path, model, encodings, written)
    notes = (f"Codes of these layers are kept as floats, there would be too many scales: {names_of(floats)}.",)
    return Quantized(frozenset(net.operators[index].name for index in integer), notes if floats else ())


def _parameters(layer: Layer, encoding: LayerEncoding, part: Part, found: Floats) -> Record | None:
    """Return a convolution's new parameters; None where codes would take more room than floats."""
    weight, main = encoding.weight, part.operator.main
    assert weight is not None
    assert main is not None
    codes: Codes = np.asarray(rows_in_memory(layer, weight.quantize(found)), np.int8)[part.rows]
    if encoding.scheme is Scheme.W8A8:
        if not part.is_plain:
            raise UnsupportedError(
                f"MNN's converter has worked another operator into the layer {layer.name}.",
                "The range of what it writes then is another one.",
                "Let this layer be w8, or fold what follows it into its weights first.",
            )
        read, written = _edges(encoding)
        alpha = np.asarray(weight.scale, np.float32)[part.rows]
        return convolution(main, codes, 8, alpha, whole_biases(part.biases, read.scale, alpha), (read, written))
    if part.operator.kind in (schema.CONVOLUTION, schema.DEPTHWISE):
        per_row = len(weight.scale) // found.shape[weight.axis]
        alpha = np.asarray(weight.scale, np.float32).reshape(-1, per_row)[part.rows] * part.factors[:, None]
        return convolution(main, codes, weight.bits, alpha.reshape(-1), part.biases, None)
    # MNN's memory begins with the input channels here: each piece of one output channel gets its scale.
    ones = weight.dequantize(np.ones(found.shape, np.int8))
    scales = np.asarray(rows_in_memory(layer, ones), np.float32)[part.rows] * part.factors[:, None]
    alpha = pieces(scales.reshape(-1))
    if len(alpha) * _LEAST_PIECE > scales.size:
        return None
    return convolution(main, codes, weight.bits, alpha, part.biases, None)


def _rounded_floats(layer: Layer, encoding: LayerEncoding, part: Part, found: Floats) -> Record:
    weight, main = encoding.weight, part.operator.main
    assert weight is not None
    assert main is not None
    rounded = np.asarray(rows_in_memory(layer, weight.dequantize(weight.quantize(found))), np.float32)
    return floating(main, rounded[part.rows] * part.factors[:, None], part.biases)


def _edges(encoding: LayerEncoding) -> tuple[Encoding, Encoding]:
    assert encoding.input is not None
    assert encoding.output is not None
    return encoding.input, encoding.output


def _is_foreign(model: Model, layer: Layer) -> bool:
    """Return whether MNN has no convolution of this kind with codes: over volumes, or several times depth-wise."""
    dims = next(tuple(item.dims) for item in model.proto.graph.initializer if item.name == layer.weight)
    if layer.operator == "Conv":
        return len(dims) > 4 or (layer.groups > 1 and dims[1] == 1 and dims[0] != layer.groups)
    return layer.operator == "ConvTranspose" and len(dims) > 4


def _is_added_to(model: Model, layer: Layer) -> bool:
    """Return whether the next thing done to what a layer writes is the addition of a constant that MNN merges.

    To convolutions, also behind a Relu, it merges the second summand if that has a number for each channel.
    """
    if layer.operator not in ("Conv", "MatMul"):
        return False
    constants = {item.name: tuple(item.dims) for item in model.proto.graph.initializer}
    written = layer.output if layer.operator == "Conv" else layer.result
    readers = [node for node in model.proto.graph.node if written in node.input]
    if len(readers) != 1 or readers[0].op_type != "Add":
        return False
    if layer.operator == "MatMul":
        return any(name in constants for name in readers[0].input)
    channels = constants[layer.weight][0]
    shape = constants.get(readers[0].input[1], ())
    return math.prod(shape) == channels and len(shape) > 2 and shape[-3] == channels
