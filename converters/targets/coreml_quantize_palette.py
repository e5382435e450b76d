"""Weights as indices into a small table: one-dimensional k-means, and coremltools' way of storing it."""

from __future__ import annotations

import heapq
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from converters.errors import VerificationError
from converters.model.graph import Model

LEAST_WEIGHTS = 1024
"""Weights with no more values stay as they are: a table would take the room that it saves."""
# onnx.TensorProto: FLOAT, FLOAT16, DOUBLE
_FLOATS = (1, 10, 11)
_MOST_ROUNDS = 300


def with_palettes(converted: Any, bits: int) -> Any:
    """Return a converted model whose larger weights are indices into a table of 2^bits values each."""
    from coremltools.optimize import coreml as optimize

    def table(weights: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[np.uint8]]:
        return lookup_table(weights, bits)

    settings = optimize.OpPalettizerConfig(mode="custom", lut_function=table, weight_threshold=LEAST_WEIGHTS)
    return optimize.palettize_weights(converted, config=optimize.OptimizationConfig(global_config=settings))


def palette_objections(model: Model) -> list[str]:
    """Return a sentence where a palette would hold nothing: all weights are too small for one."""
    if any(_size(tensor) > LEAST_WEIGHTS for tensor in model.proto.graph.initializer if tensor.data_type in _FLOATS):
        return []
    return [
        f"None of its weights has more than {LEAST_WEIGHTS} values, smaller ones get no palette; "
        "nearest: int8 with w8, or fp16."
    ]


def palette_notes(model: Model, path: Path) -> list[str]:
    """Return sentences on how many weights of a saved package are palettized, and which layers are not.

    Raises:
        VerificationError: none is.
    """
    from converters.compress.quantize.layers import find_layers
    from converters.runtimes.mil.program import MilProgram

    count = MilProgram.load(path).operation_kinds().get("constexpr_lut_to_dense", 0)
    if not count:
        raise VerificationError(
            "The Core ML package has no palette.", "coremltools left every weight as it was.", "Use another precision."
        )
    sizes = {tensor.name: _size(tensor) for tensor in model.proto.graph.initializer}
    small = [layer.name for layer in find_layers(model.proto) if sizes[layer.weight] <= LEAST_WEIGHTS]
    notes = [f"{count} tensors of weights have a palette."]
    if small:
        named = ", ".join(small[:3]) + (f" and {len(small) - 3} more" if len(small) > 3 else "")
        notes.append(f"Too small for a palette, kept as fp16: {named}.")
    return notes


def _size(tensor: Any) -> int:
    return int(np.prod(tensor.dims))


def lookup_table(weights: npt.NDArray[Any], bits: int) -> tuple[npt.NDArray[Any], npt.NDArray[np.uint8]]:
    """Return 2^bits values and, for each weight, the index of its nearest one; the mean squared error is least nearby.

    Lloyd's algorithm ("Least squares quantization in PCM", 1982) over the distinct values, of which half precision has
    few: clustering takes as long for a hundred million weights as for a hundred thousand. Of two starts the one that
    ends better is taken: neither is best for both smooth distributions and far outliers.

    Args:
        weights: finite; of any shape.
        bits: 8 at most.

    Returns:
        The table in the dtype of the weights, rising, the last value repeated where there are fewer distinct ones; the
        indices, flat.
    """
    values, inverse, counts = np.unique(weights, return_inverse=True, return_counts=True)
    levels = 1 << bits
    if len(values) <= levels:
        centres = np.concatenate([values, np.repeat(values[-1:], levels - len(values))])
        return centres, inverse.reshape(-1).astype(np.uint8)
    spread = _Spread(values.astype(np.float64), counts.astype(np.float64))
    found = (spread.settled(start) for start in (spread.cut_into(levels), spread.by_density(levels)))
    stored = min(found, key=spread.error).astype(weights.dtype)
    nearest = np.searchsorted((stored[1:].astype(np.float64) + stored[:-1]) / 2, spread.values)
    return stored, nearest.astype(np.uint8)[inverse.reshape(-1)]


class _Spread:
    """How often each of the distinct values occurs; cells of neighbouring values cost no more than their ends.

    Args:
        values: distinct, rising.
        counts: above 0.
    """

    def __init__(self, values: npt.NDArray[np.float64], counts: npt.NDArray[np.float64]) -> None:
        self.values = values
        self._counts = counts
        self._count = np.concatenate([[0.0], np.cumsum(counts)])
        self._total = np.concatenate([[0.0], np.cumsum(counts * values)])

    def by_density(self, levels: int) -> npt.NDArray[np.float64]:
        """Return centres as dense as the cube root of the values' density (Panter and Dite, 1951)."""
        histogram, edges = np.histogram(self.values, bins=16 * levels, weights=self._counts)
        mass = np.concatenate([[0.0], np.cumsum(np.cbrt(histogram))])
        return np.asarray(np.interp((np.arange(levels) + 0.5) / levels * mass[-1], mass, edges))

    def cut_into(self, levels: int) -> npt.NDArray[np.float64]:
        """Return the means of cells that come of always cutting where it takes most of the error away."""
        cells = [self._cut(0, len(self.values))]
        while len(cells) < levels:
            _, begin, end, place = heapq.heappop(cells)
            heapq.heappush(cells, self._cut(begin, place))
            heapq.heappush(cells, self._cut(place, end))
        ends = np.asarray([0, *sorted(end for _, _, end, _ in cells)])
        return np.asarray(np.diff(self._total[ends]) / np.diff(self._count[ends]))

    def _cut(self, begin: int, end: int) -> tuple[float, int, int, int]:
        """Return the gain of the best cut, negative for the heap, the cell, and where to cut it."""
        if end - begin < 2:
            return 1.0, begin, end, begin  # never before one that can be cut
        count, total = self._count, self._total
        places = np.arange(begin + 1, end)
        left, right = count[places] - count[begin], count[end] - count[places]
        means = (total[places] - total[begin]) / left - (total[end] - total[places]) / right
        gains = left * right / (left + right) * means**2
        best = int(np.argmax(gains))
        return -float(gains[best]), begin, end, begin + 1 + best

    def settled(self, centres: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Move centres, rising, to the means of what is nearest to them until nothing changes."""
        before = np.empty(0, np.int64)
        for _ in range(_MOST_ROUNDS):
            ends = self._ends(centres)
            if np.array_equal(ends, before):
                break
            before = ends
            count, total = np.diff(self._count[ends]), np.diff(self._total[ends])
            centres = np.where(count > 0, total / np.maximum(count, 1), centres)
        return centres

    def error(self, centres: npt.NDArray[np.float64]) -> float:
        """Return the sum of squared differences, each value to its nearest centre."""
        nearest = centres[np.searchsorted((centres[1:] + centres[:-1]) / 2, self.values)]
        return float(np.sum(self._counts * (self.values - nearest) ** 2))

    def _ends(self, centres: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        inner = np.searchsorted(self.values, (centres[1:] + centres[:-1]) / 2)
        return np.asarray(np.concatenate([[0], inner, [len(self.values)]]))
