"""What removing channels would save: an estimate by arithmetic on the cost table, made without running anything."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

CHANNEL_OPERATORS = ("Conv", "ConvTranspose", "Gemm", "MatMul")
_FLOAT_BYTES = 4
_WINDOWS = (9, 25, 49)
"""Weights of one channel in a depth-wise convolution of the usual windows."""


@dataclass(frozen=True)
class ChannelLayer:
    """A layer whose channels could be removed.

    Attributes:
        row: its place in the graph.
        layer: plain data of its LayerCost.
        channels: of its result.
        power: its work and weights shrink with this power of the part of channels that stays: 2 where its inputs
            shrink as well, 1 for depth-wise layers and for those at the model's edges, whose other side is fixed.
    """

    row: int
    layer: Mapping[str, Any]
    channels: int
    power: int


@dataclass(frozen=True)
class Estimate:
    """What would be left: parameters, bytes of weights, multiply-accumulates."""

    parameters: int
    bytes: int
    macs: int


def channel_layers(inspection: Mapping[str, Any]) -> list[ChannelLayer]:
    """Return the layers that have channels, in the graph's order.

    The cost table does not say what is connected with what. Layers that read a model's input of few channels, or whose
    result has the shape of a model's output, count as edges; so do the first and the last.
    """
    layers = inspection["cost"]["layers"]
    rows = [row for row, layer in enumerate(layers) if layer["operator"] in CHANNEL_OPERATORS and layer["macs"]]
    outputs = [list(tensor["shape"]) for tensor in inspection["signature"]["outputs"]]
    widths = {int(size) for tensor in inspection["signature"]["inputs"] for size in tensor["shape"][1:2]}
    found = []
    for row in rows:
        layer = layers[row]
        shape = layer["output_shape"]
        at_edge = row in (rows[0], rows[-1]) or list(shape) in outputs or _is_matrix_of(layer, widths)
        power = 1 if at_edge or _inputs(layer) in _WINDOWS else 2
        found.append(ChannelLayer(row, layer, _channels(layer), power))
    return found


def estimate(inspection: Mapping[str, Any], layers: Sequence[ChannelLayer], kept: float) -> Estimate:
    """Return what would be left of the whole model.

    Args:
        inspection: plain data.
        layers: of `channel_layers`.
        kept: part of the channels that stays, 0..1, the same in every layer.
    """
    cost = inspection["cost"]

    def saved(amount: str) -> int:
        return sum(round(item.layer[amount] * (1 - kept**item.power)) for item in layers)

    parameters = saved("parameters")
    return Estimate(
        parameters=cost["parameters"] - parameters,
        bytes=max(0, cost["bytes"] - _FLOAT_BYTES * parameters),
        macs=cost["macs"] - saved("macs"),
    )


def _channels(layer: Mapping[str, Any]) -> int:
    shape = layer["output_shape"]
    axis = 1 if layer["operator"] in ("Conv", "ConvTranspose") else -1
    return int(shape[axis]) if len(shape) > 1 else 0


def _inputs(layer: Mapping[str, Any]) -> int:
    """Return the multiply-accumulates of one value of a convolution's result: inputs times window."""
    elements = math.prod(layer["output_shape"])
    return layer["macs"] // elements if layer["operator"] == "Conv" and elements > 0 else 0


def _is_matrix_of(layer: Mapping[str, Any], widths: set[int]) -> bool:
    """Whether a matrix product reads an input of the model, by its width: an embedding keeps its length."""
    elements = math.prod(layer["output_shape"])
    return layer["operator"] in ("Gemm", "MatMul") and elements > 0 and layer["macs"] // elements in widths
