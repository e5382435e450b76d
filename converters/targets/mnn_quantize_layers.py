"""Find the layers of a model in MNN's network, where they have other names and sometimes come in several parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from converters.compress.quantize.encodings import Floats
from converters.compress.quantize.layers import Layer
from converters.errors import UnsupportedError
from converters.targets import mnn_quantize_schema as schema
from converters.targets.mnn_quantize_net import Net, Operator

# The converter turns numbers too small for normal floats into zeros.
_DENORMAL = 1.2e-38


@dataclass(frozen=True)
class Part:
    """A convolution of MNN's network that computes some or all of a layer's output channels.

    Attributes:
        operator: in the network.
        rows: which of the layer's rows of weights it has (see `rows_in_memory`).
        biases: float, one per output channel.
        is_plain: whether the converter left weights and biases as they are in the graph; otherwise it has worked a
            later operator into them.
        factors: by which the converter has multiplied each row; all 1 where `is_plain`.
        weights: float, as MNN has them.
    """

    operator: Operator
    rows: slice
    biases: Floats
    is_plain: bool
    factors: Floats
    weights: Floats


def rows_in_memory(layer: Layer, values: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """Return a layer's weights as MNN has them in memory, as rows.

    A row is an output channel; of a transposed convolution, an input channel.
    """
    if layer.operator in ("Gemm", "MatMul") and layer.axis == 1:
        values = values.T
    return np.ascontiguousarray(values).reshape(values.shape[0], -1)


class LayerFinder:
    """Layers by what their convolutions are called and, failing that, by their weights.

    Args:
        net: the network.
    """

    def __init__(self, net: Net) -> None:
        self._net = net
        self._by_name = {operator.name: operator for operator in net.operators if operator.kind in schema.CONVOLUTIONS}
        self._found: set[int] = set()

    def find(self, layer: Layer, weights: Floats, biases: Floats | None) -> tuple[Part, ...]:
        """Return the parts of a layer, in the order of its channels.

        Args:
            layer: of the graph that was converted.
            weights, biases: its float values in that graph; None for no biases.

        Raises:
            UnsupportedError: the converter has made something else of it.
        """
        rows = rows_in_memory(layer, weights).astype(np.float32)
        operators = self._named(layer) or self._alike(rows)
        if not operators or len(rows) % len(operators):
            raise _lost(layer)
        height = len(rows) // len(operators)
        parts = []
        for place, operator in enumerate(operators):
            place_rows = slice(place * height, (place + 1) * height)
            parts.append(self._part(layer, operator, place_rows, rows[place_rows], biases))
        self._found |= {operator.index for operator in operators}
        return tuple(parts)

    def _named(self, layer: Layer) -> list[Operator]:
        for name in (layer.result, f"{layer.result}__matmul_converted"):
            if name in self._by_name:
                return [self._by_name[name]]
        names = (f"{layer.result}__group__{group}" for group in range(layer.groups))
        groups = [self._by_name[name] for name in names if name in self._by_name]
        return groups if len(groups) == layer.groups else []

    def _alike(self, rows: Floats) -> list[Operator]:
        """Return the only convolution with these very weights: an addition that became its bias has named it."""
        alike = [
            operator
            for operator in self._by_name.values()
            if operator.index not in self._found
            and self._net.weights_of(operator) == rows.size
            and _same(self._net.floats(operator)[0], rows.reshape(-1))
        ]
        return alike if len(alike) == 1 else []

    def _part(self, layer: Layer, operator: Operator, place: slice, rows: Floats, biases: Floats | None) -> Part:
        stored, stored_biases = self._net.floats(operator)
        if stored.size != rows.size:
            raise _lost(layer)
        given = np.zeros_like(stored_biases) if biases is None else biases.reshape(-1)
        if operator.kind not in (schema.DECONVOLUTION, schema.DEPTHWISE_DECONVOLUTION) and biases is not None:
            given = given[place]
        ones = np.ones(len(rows), np.float32)
        same = _same(stored, rows.reshape(-1))
        is_plain = same and _same(stored_biases, given)
        factors = ones if same else _factors(stored.reshape(rows.shape), rows)
        if factors is None:
            raise _lost(layer)
        return Part(operator, place, stored_biases, is_plain, factors, stored)


def _same(first: Floats, second: Floats) -> bool:
    return first.shape == second.shape and np.allclose(first, second, rtol=0, atol=_DENORMAL)


def _factors(stored: Floats, rows: Floats) -> Floats | None:
    """Return the numbers by which whole rows were multiplied; None when something else was done to them."""
    at = np.abs(rows).argmax(axis=1)
    largest = rows[np.arange(len(rows)), at]
    factors = np.divide(
        stored[np.arange(len(rows)), at], largest, out=np.ones(len(rows), np.float32), where=largest != 0
    )
    is_scaled = np.allclose(
        stored, rows * factors[:, None], rtol=1e-5, atol=1e-6 * float(np.abs(stored).max(initial=0))
    )
    return factors.astype(np.float32) if is_scaled else None


def _lost(layer: Layer) -> UnsupportedError:
    return UnsupportedError(
        f"MNN's converter has changed the layer {layer.name} beyond recognition.",
        "It merges some layers with the operators around them.",
        "Leave this layer float.",
    )
