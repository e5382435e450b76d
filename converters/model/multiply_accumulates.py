"""Multiply-accumulates of one node, by operator."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from converters.model.graph_reading import UNKNOWN, GraphReading, attribute

if TYPE_CHECKING:
    import onnx

Shape = tuple[int, ...]


def multiply_accumulates(reading: GraphReading, node: onnx.NodeProto) -> int | None:
    """Return the multiply-accumulates of one run of `node`; 0 for operators without any, None for unknown shapes."""
    count = _COUNTERS.get(node.op_type)
    return 0 if count is None else count(reading, node)


def _shape(reading: GraphReading, node: onnx.NodeProto, position: int) -> Shape | None:
    """Return the complete shape of an input, None when any size is unknown."""
    if len(node.input) <= position or not node.input[position]:
        return None
    shape = reading.shape(node.input[position])
    return None if shape is None or UNKNOWN in shape else shape


def _output(reading: GraphReading, node: onnx.NodeProto) -> Shape | None:
    shape = reading.shape(node.output[0])
    return None if shape is None or UNKNOWN in shape else shape


def _convolution(reading: GraphReading, node: onnx.NodeProto, weight: int = 1) -> int | None:
    kernel, output = _shape(reading, node, weight), _output(reading, node)
    if kernel is None or output is None:
        return None
    return math.prod(output) * math.prod(kernel[1:])


def _transposed(reading: GraphReading, node: onnx.NodeProto) -> int | None:
    kernel, source = _shape(reading, node, 1), _shape(reading, node, 0)
    if kernel is None or source is None:
        return None
    return math.prod(source) * math.prod(kernel[1:])


def _matrix_product(reading: GraphReading, node: onnx.NodeProto) -> int | None:
    left, output = _shape(reading, node, 0), _output(reading, node)
    if left is None or output is None or not left:
        return None
    return math.prod(output) * left[-1]


def _gemm(reading: GraphReading, node: onnx.NodeProto) -> int | None:
    left, output = _shape(reading, node, 0), _output(reading, node)
    if left is None or output is None:
        return None
    return math.prod(output) * left[0 if attribute(node, "transA", 0) else 1]


def _einsum(reading: GraphReading, node: onnx.NodeProto) -> int | None:
    """Count every combination of indices once for each product; what a good contraction order saves is not seen."""
    if len(node.input) < 2:
        return 0
    terms = str(attribute(node, "equation", "")).replace(" ", "").split("->")[0].split(",")
    sizes: dict[str, int] = {}
    for position, term in enumerate(terms):
        shape = _shape(reading, node, position)
        if shape is None or len(term) != len(shape):  # an ellipsis stands for axes without letters
            return None
        for letter, size in zip(term, shape, strict=True):
            sizes[letter] = max(sizes.get(letter, 1), size)
    return math.prod(sizes.values()) * (len(terms) - 1)


def _attention(reading: GraphReading, node: onnx.NodeProto) -> int | None:
    """Count Q·Kᵀ and the product with V of the standard's Attention (opset 23), heads in axis 1 or packed in axis 2."""
    shapes = [_shape(reading, node, position) for position in range(3)]
    if any(shape is None for shape in shapes):
        return None
    query, key, value = (shape for shape in shapes if shape is not None)
    if len(query) == 4:
        return math.prod(query[:3]) * key[2] * (query[3] + value[3])
    query_heads = int(attribute(node, "q_num_heads", 1))
    value_width = query_heads * (value[2] // int(attribute(node, "kv_num_heads", query_heads)))
    return query[0] * query[1] * key[1] * (query[2] + value_width)


def _recurrent(reading: GraphReading, node: onnx.NodeProto) -> int | None:
    """Count the input and the recurrent products of all gates, directions and steps."""
    source, weight, recurrence = (_shape(reading, node, position) for position in range(3))
    if source is None or weight is None or recurrence is None:
        return None
    return source[0] * source[1] * (math.prod(weight) + math.prod(recurrence))


def _quantized_convolution(reading: GraphReading, node: onnx.NodeProto) -> int | None:
    return _convolution(reading, node, weight=3)


_COUNTERS: dict[str, Callable[[GraphReading, onnx.NodeProto], int | None]] = {
    "Conv": _convolution,
    "FusedConv": _convolution,
    "ConvInteger": _convolution,
    "QLinearConv": _quantized_convolution,
    "DeformConv": _convolution,
    "ConvTranspose": _transposed,
    "Gemm": _gemm,
    "MatMul": _matrix_product,
    "MatMulInteger": _matrix_product,
    "QLinearMatMul": _matrix_product,
    "Einsum": _einsum,
    "Attention": _attention,
    **dict.fromkeys(("LSTM", "GRU", "RNN"), _recurrent),
}
