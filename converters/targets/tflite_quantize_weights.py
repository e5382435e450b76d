"""How a quantized `.tflite` keeps weights: integer codes per output channel, 4-bit ones also per block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from converters.compress.quantize.encodings import Encoding, Floats, WeightEncoding
from converters.runtimes.base import Array
from converters.targets.tflite_engine import EngineError
from converters.targets.tflite_graph import Graph
from converters.targets.tflite_quantize_find import WEIGHTS, FoundLayer, layer_rows

# Half of what an accumulator holds: the products need room beside the bias.
_LARGEST_BIAS = 2**30
# Next to a step of the output as large as this, an accumulator's unit counts for nothing; kernels take no smaller one.
_LEAST_RATIO = 2.0**-31
LARGEST_RATIO = 256.0
"""XNNPACK ends the process where an accumulator's unit is this many steps of the output."""

Doubles = npt.NDArray[np.float64]


class StoredWeights:
    """Adds weights and biases of layers to a graph, once for all layers that share them.

    Args:
        graph: changed.
        weights: gives the float values of an initializer.
    """

    def __init__(self, graph: Graph, weights: Callable[[str], Floats]) -> None:
        self._graph = graph
        self._kinds = graph.schema.BuiltinOperator
        self._weights = weights
        self._codes: dict[tuple[Any, ...], int] = {}
        self._values: dict[tuple[Any, ...], int] = {}
        self.coarser: dict[str, WeightEncoding] = {}
        """Encodings that took the place of a layer's own, by its name."""

    def integer(self, found: FoundLayer, weight: WeightEncoding, read: Encoding, written: Encoding) -> tuple[int, int]:
        """Return the tensors of codes and bias for an integer layer.

        A channel whose bias would not fit beside its products, or whose products are nothing next to a step of the
        output, gets a coarser scale: its weights count for nothing either way.
        """
        own = scales_of(weight)
        bias = self._weights(found.layer.bias).reshape(-1) if found.layer.bias else np.zeros(len(own), np.float32)
        scale = own
        if read.bits == 8:
            least = np.maximum(
                np.abs(bias.astype(np.float64)) / (read.scale * _LARGEST_BIAS),
                _LEAST_RATIO * written.scale / read.scale,
            )
            scale = np.where(least > own, np.nextafter(least.astype(np.float32), np.float32(np.inf)), own)
            if np.max(scale) * read.scale / written.scale >= LARGEST_RATIO:
                raise EngineError(
                    f"the output range of {found.layer.name} is far too small for its weights; "
                    "nearest: a wider range, or the scheme w8"
                )
        used = weight
        if np.any(scale != own):
            used = WeightEncoding(weight.bits, weight.axis, tuple(float(value) for value in scale))
            self.coarser[found.layer.name] = used
        unit = scale * read.scale
        codes = np.rint(bias / unit).astype(np.int64 if read.bits == 16 else np.int32)
        quantization = self._graph.quantization(unit, [0] * len(unit))
        stored = self._graph.add_constant(codes, f"{self._graph.name(found.output)}/bias", quantization)
        return self.codes(found, used), stored

    def codes(self, found: FoundLayer, weight: WeightEncoding) -> int:
        """Return the tensor of a layer's codes, in the layout of its operator, with one scale per output channel."""
        operator, graph = found.operator, self._graph
        old = int(operator.inputs[WEIGHTS])
        key = (old, found.layer.weight, weight)
        if key not in self._codes:
            codes = layer_rows(weight.quantize(self._weights(found.layer.weight)), found.layer)
            is_depthwise = graph.kind(operator) == self._kinds.DEPTHWISE_CONV_2D
            if is_depthwise:
                codes = np.ascontiguousarray(codes.T)
            quantization = graph.quantization(weight.scale, [0] * len(weight.scale), 3 if is_depthwise else 0)
            self._codes[key] = graph.add_constant(
                codes.reshape(self._shape(found, codes)),
                self._name(old, "codes"),
                quantization,
                _packed(codes) if weight.bits == 4 else None,
            )
        return self._codes[key]

    def values(self, found: FoundLayer, weight: WeightEncoding, operators: list[Any]) -> int:
        """Return the tensor of the float weights that codes stand for; the operators that compute it are appended."""
        key = (int(found.operator.inputs[WEIGHTS]), found.layer.weight, weight)
        if key not in self._values:
            make = self._blocks if weight.block else self._channels
            self._values[key] = make(found, weight, operators)
        return self._values[key]

    def _channels(self, found: FoundLayer, weight: WeightEncoding, operators: list[Any]) -> int:
        codes = self.codes(found, weight)
        values = self._tensor(self._graph.shape(codes), codes, "values")
        operators.append(self._dequantized(codes, values, 6 if weight.bits == 4 else 5))
        return values

    def _blocks(self, found: FoundLayer, weight: WeightEncoding, operators: list[Any]) -> int:
        """Multiply rows of one block each by their scales, and bring the rows into the operator's layout.

        The format knows scales per channel only, and would need 8 bytes of zero point beside each.
        """
        graph, layer = self._graph, found.layer
        old = int(found.operator.inputs[WEIGHTS])
        codes = np.moveaxis(weight.quantize(self._weights(layer.weight)), layer.axis, 0)
        inner = codes.shape
        rows = codes.reshape(len(weight.scale), weight.block)
        packed = graph.add_constant(
            rows, self._name(old, "codes"), graph.quantization([1.0], [0]), _packed(rows) if weight.bits == 4 else None
        )
        plain = self._tensor(rows.shape, packed, "plain")
        operators.append(self._dequantized(packed, plain, 6 if weight.bits == 4 else 2))
        scales = graph.add_constant(
            np.asarray(weight.scale, np.float32).reshape(-1, 1), self._name(old, "block scales")
        )
        values = self._tensor(rows.shape, packed, "scaled")
        operators.append(graph.operator(self._kinds.MUL, 1, [plain, scales], [values], graph.schema.MulOptionsT()))
        if len(inner) > 2:
            values = self._reshaped(values, inner, operators)
            order = [0, *range(2, len(inner)), 1]
            turned = self._tensor([inner[axis] for axis in order], packed, "turned")
            permutation = graph.add_constant(np.asarray(order, np.int32), self._name(old, "order"))
            operators.append(
                graph.operator(
                    self._kinds.TRANSPOSE, 1, [values, permutation], [turned], graph.schema.TransposeOptionsT()
                )
            )
            values = turned
        return self._reshaped(values, self._shape(found, codes.reshape(len(codes), -1)), operators)

    def _reshaped(self, values: int, shape: tuple[int, ...], operators: list[Any]) -> int:
        graph = self._graph
        if graph.shape(values) == shape:
            return values
        made = self._tensor(shape, values, "reshaped")
        wanted = np.asarray(shape, np.int32)
        sizes = graph.add_constant(wanted, self._name(values, "shape"))
        options = graph.schema.ReshapeOptionsT(newShape=wanted)
        operators.append(graph.operator(self._kinds.RESHAPE, 1, [values, sizes], [made], options))
        return made

    def _dequantized(self, codes: int, values: int, version: int) -> Any:
        options = self._graph.schema.DequantizeOptionsT()
        return self._graph.operator(self._kinds.DEQUANTIZE, version, [codes], [values], options)

    def _tensor(self, shape: Any, beside: int, what: str) -> int:
        return self._graph.add_tensor(shape, "float32", self._name(beside, what))

    def _name(self, beside: int, what: str) -> str:
        return f"{self._graph.name(beside)}/{what}{len(self._graph.tensors)}"

    def _shape(self, found: FoundLayer, codes: Array) -> tuple[int, ...]:
        if self._graph.kind(found.operator) == self._kinds.FULLY_CONNECTED:
            return codes.shape[0], codes.shape[1]  # it may have been a BATCH_MATMUL, with the other axis first
        return self._graph.shape(int(found.operator.inputs[WEIGHTS]))


def scales_of(weight: WeightEncoding) -> Doubles:
    return np.asarray(weight.scale, np.float32).astype(np.float64)


def _packed(codes: Array) -> npt.NDArray[np.uint8]:
    """Return 4-bit codes two to a byte, the first in the lower half."""
    flat = codes.astype(np.int8).reshape(-1).view(np.uint8) & 15
    if flat.size % 2:
        flat = np.append(flat, np.uint8(0))
    return np.asarray(flat[0::2] | (flat[1::2] << 4), np.uint8)
