"""Layers as matrix products: rows of inputs, sampled at some of the positions where a layer computes its results."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from converters.compress.quantize.encodings import Floats, WeightEncoding
from converters.compress.quantize.layers import Layer
from converters.model.graph_reading import attribute

if TYPE_CHECKING:
    import onnx

Positions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Product:
    """How a Conv, Gemm or MatMul multiplies.

    Attributes:
        layer: it.
        shape: of its weights in the graph.
        strides, dilations: of a convolution, one per spatial axis; () otherwise.
        pads: of a convolution, as ONNX lists them; None where the shape of the input decides (`auto_pad`).
        pads_end_first: whether an odd one of those goes to the beginning (SAME_LOWER).
    """

    layer: Layer
    shape: tuple[int, ...]
    strides: tuple[int, ...] = ()
    dilations: tuple[int, ...] = ()
    pads: tuple[int, ...] | None = ()
    odd_pad_first: bool = False

    @classmethod
    def of(cls, layer: Layer, node: onnx.NodeProto, shape: tuple[int, ...]) -> Product:
        """Read a layer's node.

        Raises:
            ValueError: a transposed convolution, a bug of the caller.
        """
        if layer.operator == "ConvTranspose":
            raise ValueError("a transposed convolution is no product of patches")
        if layer.operator != "Conv":
            return cls(layer, shape)
        rank = len(shape) - 2
        automatic = attribute(node, "auto_pad", "NOTSET")
        pads: tuple[int, ...] | None = tuple(attribute(node, "pads") or [0] * (2 * rank))
        if automatic != "NOTSET":
            pads = (0,) * (2 * rank) if automatic == "VALID" else None
        return cls(
            layer,
            shape,
            tuple(attribute(node, "strides") or [1] * rank),
            tuple(attribute(node, "dilations") or [1] * rank),
            pads,
            automatic == "SAME_LOWER",
        )

    @property
    def groups(self) -> int:
        """Products that are computed side by side."""
        return self.layer.groups

    def matrix(self, weights: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        """Return weights as groups x outputs of a group x inputs of an output, in the order of `WeightEncoding`."""
        first = np.moveaxis(weights, self.layer.axis, 0)
        return np.ascontiguousarray(first.reshape(self.groups, first.shape[0] // self.groups, -1))

    def weights(self, matrix: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        """Return what `matrix` was made of."""
        moved = np.moveaxis(np.empty(self.shape, np.int8), self.layer.axis, 0).shape
        return np.ascontiguousarray(np.moveaxis(matrix.reshape(moved), 0, self.layer.axis))

    def scales(self, encoding: WeightEncoding) -> Floats:
        """Return the scale of every weight, in the shape of `matrix`."""
        outputs = self.shape[self.layer.axis]
        inputs = math.prod(self.shape) // outputs
        scale = np.asarray(encoding.scale, np.float32).reshape(outputs, -1)
        every = np.repeat(scale, inputs // scale.shape[1], axis=1)
        return np.ascontiguousarray(every.reshape(self.groups, outputs // self.groups, inputs))

    def positions(self, result: Floats) -> int:
        """Return at how many positions a result was computed."""
        return result.size // self.shape[self.layer.axis]

    def results(self, result: Floats, chosen: Positions) -> Floats:
        """Return results at some positions: groups x positions x outputs of a group."""
        rows = np.moveaxis(result, 1, -1) if self.layer.operator == "Conv" else result
        flat = rows.reshape(-1, self.shape[self.layer.axis])[chosen]
        return _grouped(flat, self.groups)

    def rows(self, values: Floats, result_shape: tuple[int, ...], chosen: Positions) -> Floats:
        """Return what the weights are multiplied with at some positions: groups x positions x inputs of an output.

        Args:
            values: the layer's input.
            result_shape: of its result.
            chosen: positions in the result, counted through samples and spatial axes.
        """
        if self.layer.operator != "Conv":
            return _grouped(values.reshape(-1, values.shape[-1])[chosen], 1)
        places = np.unravel_index(chosen, (result_shape[0], *result_shape[2:]))
        padded = self._padded(values, result_shape)
        kernel = self.shape[2:]
        index: list[Positions] = [places[0].reshape(-1, *[1] * len(kernel))]
        for axis, size in enumerate(kernel):
            offsets = np.arange(size) * self.dilations[axis]
            form = [1] * (len(kernel) + 1)
            form[axis + 1] = size
            start = (places[axis + 1] * self.strides[axis]).reshape(-1, *[1] * len(kernel))
            index.append(start + offsets.reshape(form))
        patches = np.moveaxis(padded, 1, -1)[tuple(index)]  # positions x kernel x channels
        return _grouped(np.moveaxis(patches, -1, 1).reshape(len(chosen), -1), self.groups)

    def mean_row(self, values: Floats, result_shape: tuple[int, ...]) -> Floats:
        """Return the mean over all positions of what `rows` returns: groups x 1 x inputs of an output."""
        if self.layer.operator != "Conv":
            return _grouped(values.reshape(-1, values.shape[-1]).mean(axis=0, keepdims=True), 1)
        padded = self._padded(values, result_shape)
        kernel = self.shape[2:]
        means = np.empty((values.shape[1], *kernel), np.float32)
        for offset in np.ndindex(*kernel):
            cut = tuple(
                slice(place * dilation, place * dilation + (size - 1) * stride + 1, stride)
                for place, dilation, stride, size in zip(
                    offset, self.dilations, self.strides, result_shape[2:], strict=True
                )
            )
            window = padded[(slice(None), slice(None), *cut)]
            means[(slice(None), *offset)] = np.moveaxis(window, 1, 0).reshape(values.shape[1], -1).mean(axis=1)
        return _grouped(means.reshape(1, -1), self.groups)

    def _padded(self, values: Floats, result_shape: tuple[int, ...]) -> Floats:
        rank = len(self.shape) - 2
        widths = [(0, 0), (0, 0)]
        for axis in range(rank):
            if self.pads is not None:
                widths.append((self.pads[axis], self.pads[axis + rank]))
                continue
            reach = (self.shape[axis + 2] - 1) * self.dilations[axis] + 1
            missing = max((result_shape[axis + 2] - 1) * self.strides[axis] + reach - values.shape[axis + 2], 0)
            smaller, larger = missing // 2, missing - missing // 2
            widths.append((larger, smaller) if self.odd_pad_first else (smaller, larger))
        return np.pad(values, widths)


def _grouped(rows: Floats, groups: int) -> Floats:
    """Return positions x values as groups x positions x values of a group."""
    return np.ascontiguousarray(np.moveaxis(rows.reshape(len(rows), groups, -1), 1, 0), dtype=np.float32)
