"""Whether a saved `.tflite` holds the Encodings it was made from: read anew from the file, layer by layer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from converters.compress.quantize.encodings import Encoding, Encodings, Floats, LayerEncoding, WeightEncoding
from converters.compress.quantize.layers import Layer
from converters.errors import VerificationError
from converters.targets.tflite_graph import Graph
from converters.targets.tflite_quantize_find import WEIGHTS, layer_rows
from converters.targets.tflite_quantize_weights import scales_of

_BIAS = 2
_Content = tuple[Any, ...]
"""Scale and zero point of what is read and written, scales and codes of the weights, codes of the bias."""


def compare_file(
    path: Path,
    layers: Mapping[str, Layer],
    encodings: Encodings,
    weights: Callable[[str], Floats],
    coarser: Mapping[str, WeightEncoding],
) -> None:
    """Compare every integer layer of a file with the Encodings, one to one.

    Args:
        path: as saved.
        layers: of the model, by name.
        encodings: what the file is to hold.
        weights: gives the float values of an initializer.
        coarser: weight encodings that took the place of a layer's own, by its name.

    Raises:
        VerificationError: a scale, zero point, code or bias differs, or a layer is missing or too many.
    """
    graph = Graph(path)
    found = Counter(content for operator in graph.operators if (content := _content(graph, operator)) is not None)
    matched: set[_Content] = set()
    for name, encoding in encodings.layers.items():
        if not encoding.scheme.activation_bits:
            continue
        wanted = _wanted(layers[name], encoding, coarser.get(name), weights)
        if not found[wanted] and wanted not in matched:
            raise _differs(f"no layer of the file is {name} with its scales, zero points, codes and biases")
        # a converter may have made one of two layers that are alike in everything
        found[wanted] -= bool(found[wanted])
        matched.add(wanted)
    left = sum(found.values())
    if left:
        raise _differs(f"{left} of its integer layers belong to none of the model's")


def _differs(what: str) -> VerificationError:
    return VerificationError(
        "The TFLite file does not hold the model's encodings.",
        f"Read from the file, {what}.",
        "This is a bug: please report it with the model. Try another target meanwhile.",
    )


def _wanted(
    layer: Layer, encoding: LayerEncoding, coarser: WeightEncoding | None, weights: Callable[[str], Floats]
) -> _Content:
    weight, read, written = coarser or encoding.weight, encoding.input, encoding.output
    assert weight is not None
    assert read is not None
    assert written is not None
    codes = layer_rows(weight.quantize(weights(layer.weight)), layer)
    unit = scales_of(weight) * read.scale
    bias = weights(layer.bias).reshape(-1) if layer.bias else np.zeros(len(unit), np.float32)
    return (
        _end(read),
        _end(written),
        np.asarray(weight.scale, np.float32).tobytes(),
        codes.astype(np.int8).tobytes(),
        np.rint(bias / unit).astype(np.int64).tobytes(),
    )


def _end(encoding: Encoding) -> tuple[float, int, int]:
    return float(np.float32(encoding.scale)), encoding.zero_point, encoding.bits


def _content(graph: Graph, operator: Any) -> _Content | None:
    """Return what an integer layer holds, None for every other operator."""
    kinds = graph.schema.BuiltinOperator
    kind = graph.kind(operator)
    if kind not in (kinds.CONV_2D, kinds.DEPTHWISE_CONV_2D, kinds.FULLY_CONNECTED):
        return None
    source, weights, result = int(operator.inputs[0]), int(operator.inputs[WEIGHTS]), int(operator.outputs[0])
    bits = {"int8": 8, "int16": 16}.get(graph.dtype(source), 0)
    codes = graph.constant(weights)
    if not bits or codes is None or codes.dtype != np.int8:
        return None
    rows = np.moveaxis(codes, -1, 0) if kind == kinds.DEPTHWISE_CONV_2D else codes
    bias = graph.constant(int(operator.inputs[_BIAS]))
    assert bias is not None
    return (
        _stored(graph, source, bits),
        _stored(graph, result, bits),
        np.asarray(graph.tensors[weights].quantization.scale, np.float32).tobytes(),
        np.ascontiguousarray(rows.reshape(len(rows), -1)).tobytes(),
        bias.astype(np.int64).tobytes(),
    )


def _stored(graph: Graph, index: int, bits: int) -> tuple[float, int, int]:
    found = graph.tensors[index].quantization
    return float(np.float32(found.scale[0])), int(found.zeroPoint[0]), bits
