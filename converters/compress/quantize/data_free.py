"""Encodings that need no calibration: every layer alike, by its weights alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from converters.compress.quantize.encodings import Encodings, Floats, LayerEncoding, Scheme, WeightEncoding
from converters.compress.quantize.layers import Layer, effective_weights, find_layers
from converters.model.graph import Model

_LEAST_SCALE = 2e-6
"""MNN raises smaller scales of depth-wise layers to 1e-6 when it runs; dead channels must not depend on that."""


def block_of(shape: Sequence[int], axis: int, wanted: int) -> int:
    """Return how many weights of a channel share a scale where about `wanted` are to; 0 where all of them do.

    A block holds whole kernels: Core ML and MNN cannot cut one. Of the sizes that divide a channel it is the largest
    that is not above `wanted`, at least one kernel.
    """
    first = [shape[axis], *(size for place, size in enumerate(shape) if place != axis)]
    kernel, inputs = math.prod(first[2:]), math.prod(first[1:2])
    if wanted <= 0:
        return 0
    most = max(1, wanted // kernel)
    together = max(count for count in range(1, inputs + 1) if count <= most and inputs % count == 0)
    return 0 if together == inputs else together * kernel


def weight_encoding(weights: Floats, bits: int, axis: int, block: int = 0) -> WeightEncoding:
    """Return the symmetric encoding whose largest code is each channel's (or block's) largest weight.

    Args:
        weights: of one layer.
        bits: 8 or 4.
        axis: of the output channels.
        block: weights that are to share a scale, see `block_of`; 0 for a whole channel.
    """
    rows = np.moveaxis(weights, axis, 0).reshape(weights.shape[axis], -1)
    used = block_of(weights.shape, axis, block)
    largest = np.abs(rows.reshape(-1, used) if used else rows).max(axis=1)
    scale = np.maximum(largest.astype(np.float64) / (2 ** (bits - 1) - 1), _LEAST_SCALE)
    return WeightEncoding(bits, axis, tuple(float(value) for value in scale.astype(np.float32)), used)


def layer_weight_encoding(weights: Floats, layer: Layer, scheme: Scheme, block: int = 0) -> WeightEncoding:
    """Return a layer's weight encoding under a scheme that has integer weights; blocks are for 4 bits only."""
    return weight_encoding(weights, scheme.weight_bits, layer.axis, block if scheme is Scheme.W4 else 0)


def uniform_encodings(model: Model, scheme: Scheme, block: int = 0) -> Encodings:
    """Return Encodings that give every layer of a model one scheme without calibrated activations.

    Args:
        model: float.
        scheme: W8, W4 or DYNAMIC; transposed convolutions get W8 where it is DYNAMIC.
        block: of 4-bit weights, as for `weight_encoding`.

    Raises:
        ValueError: the scheme needs calibration, a bug of the caller.
    """
    if scheme.activation_bits or scheme is Scheme.FLOAT:
        raise ValueError(f"{scheme} cannot be had without calibration")
    layers = {}
    for layer in find_layers(model.proto):
        own = Scheme.W8 if scheme is Scheme.DYNAMIC and not layer.has_integer_kernel else scheme
        weights = effective_weights(model.proto, None, layer.weight)
        layers[layer.name] = LayerEncoding(own, layer_weight_encoding(weights, layer, own, block))
    return Encodings(layers, origin="the weights alone")
