"""Integer weights and biases of layers in torch's layout, their scales as boxes of the tensor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from converters.compress.quantize.encodings import Encodings
from converters.compress.quantize.layers import Layer, effective_weights
from converters.model.graph import Model

_LARGEST_INT32 = 2**31 - 1


@dataclass(frozen=True)
class StoredWeight:
    """One layer's weights as a package stores them.

    Attributes:
        layer: its name.
        codes: int8 in torch's layout: (out, in, …), for a transposed convolution (in, out, …).
        scale: float32 of the same rank; each axis is 1 or divides that of the codes.
        bits: 8 or 4.
        axis: of the output channels in `codes`.
    """

    layer: str
    codes: npt.NDArray[np.int8]
    scale: npt.NDArray[np.float32]
    bits: int
    axis: int


def block_shape(shape: tuple[int, ...], block: int) -> tuple[int, ...] | None:
    """Return the shape of the scales of weights of `shape`, both with the output channels first.

    None where the blocks are no boxes of the tensor: Core ML wants each axis cut evenly.

    Args:
        shape: (output channels, input channels, kernel…).
        block: weights of a channel that share a scale; 0 for all.
    """
    channels, inputs, *kernel = shape
    ones = [1] * len(kernel)
    if not block:
        return (channels, 1, *ones)
    of_block, leftover = divmod(block, int(np.prod(kernel)))
    if leftover or not of_block or inputs % of_block:
        return None
    return (channels, inputs // of_block, *ones)


def stored_weight(model: Model, encodings: Encodings, layer: Layer) -> StoredWeight:
    """Return a layer's codes and scales in torch's layout.

    Raises:
        ValueError: its blocks cannot be stored; objections say so before work starts.
    """
    weight = encodings.layers[layer.name].weight
    assert weight is not None
    codes = weight.quantize(effective_weights(model.proto, encodings, layer.weight))
    first = np.moveaxis(codes, layer.axis, 0)
    shape = block_shape(first.shape, weight.block)
    if shape is None:
        raise ValueError(f"{layer.name}: blocks of {weight.block} do not fit weights of {codes.shape}")
    scale = np.asarray(weight.scale, np.float32).reshape(shape)
    axis = 1 if layer.operator == "ConvTranspose" else 0
    return StoredWeight(
        layer.name,
        np.ascontiguousarray(np.moveaxis(first, 0, axis)),
        np.ascontiguousarray(np.moveaxis(scale, 0, axis)),
        weight.bits,
        axis,
    )


def stored_bias(model: Model, encodings: Encodings, layer: Layer) -> npt.NDArray[np.float32] | None:
    """Return a layer's bias: for integer layers the multiple of the accumulator's unit that the reference has."""
    if not layer.bias:
        return None
    values = np.array(effective_weights(model.proto, encodings, layer.bias), np.float32).reshape(-1)
    encoding = encodings.layers[layer.name]
    if encoding.input is None or encoding.weight is None or encoding.weight.block:
        return values
    scale = np.asarray(encoding.weight.scale, np.float64) * encoding.input.scale
    codes = np.rint(values.astype(np.float64) / scale)
    if np.abs(codes).max(initial=0) > _LARGEST_INT32:
        return values
    return np.asarray(codes.astype(np.float32) * scale.astype(np.float32), np.float32)
