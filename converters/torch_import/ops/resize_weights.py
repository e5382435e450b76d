"""What Resize does along one axis, as a matrix or a list of positions.

Follows the operator's specification (ONNX Resize-19); coordinates are computed in float32, as ONNX Runtime does,
because the nearest position at a tie depends on it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Axis:
    """One axis of a Resize.

    Attributes:
        size: of the input.
        wanted: size of the output.
        scale: output pixels per input pixel, as given (not rounded).
        region: begin and end as fractions of the input, for tf_crop_and_resize.
    """

    size: int
    wanted: int
    scale: float
    region: tuple[float, float] = (0.0, 1.0)

    def coordinates(self, mode: str) -> Floats:
        """Return the input coordinate of every output position."""
        positions = np.arange(self.wanted, dtype=np.float32)
        scale = np.float32(self.scale)
        half = np.float32(0.5)
        last = np.float32(self.size - 1)
        if mode == "asymmetric":
            return np.asarray(positions / scale, np.float32)
        if mode == "align_corners":
            # the whole number of output pixels, as ONNX Runtime has it; ONNX's own reference takes the unrounded one
            steps = np.float32(self.wanted - 1)
            return np.zeros_like(positions) if self.wanted == 1 else np.asarray(positions * last / steps, np.float32)
        if mode == "tf_crop_and_resize":
            begin, end = np.float32(self.region[0]), np.float32(self.region[1])
            if self.wanted == 1:
                return np.asarray([half * (begin + end) * last], np.float32)
            return np.asarray(begin * last + positions * (end - begin) * last / np.float32(self.wanted - 1), np.float32)
        if mode == "pytorch_half_pixel" and self.wanted == 1:
            return np.zeros_like(positions)
        if mode == "half_pixel_symmetric":
            adjustment = np.float32(self.wanted) / (scale * np.float32(self.size))
            offset = np.float32(self.size) * half * (1 - adjustment)
            return np.asarray(offset + (positions + half) / scale - half, np.float32)
        return np.asarray((positions + half) / scale - half, np.float32)

    def outside(self, mode: str) -> npt.NDArray[np.bool_]:
        """Return where the extrapolation value goes: outside the input, for tf_crop_and_resize only."""
        coordinates = self.coordinates(mode)
        if mode != "tf_crop_and_resize":
            return np.zeros(self.wanted, dtype=bool)
        return np.asarray((coordinates < 0) | (coordinates > self.size - 1))


def nearest_positions(axis: Axis, mode: str, rounding: str) -> npt.NDArray[np.int64]:
    """Return the input position that each output position copies."""
    coordinates = axis.coordinates(mode)
    half = np.float32(0.5)
    rounded = {
        # ONNX Runtime's reading of Resize-10, which does not say
        "simple": np.ceil(coordinates) if axis.scale < 1 else np.floor(coordinates),
        "round_prefer_floor": np.ceil(coordinates - half),
        "round_prefer_ceil": np.floor(coordinates + half),
        "floor": np.floor(coordinates),
        "ceil": np.ceil(coordinates),
    }[rounding]
    return np.asarray(np.clip(rounded, 0, axis.size - 1), np.int64)


def weights(
    axis: Axis, mode: str, kernel: str, *, antialias: bool, exclude_outside: bool, cubic_a: float
) -> npt.NDArray[np.float64]:
    """Return the matrix (output, input) of a linear or cubic resize; every row sums to one."""
    coordinates = axis.coordinates(mode).astype(np.float64)
    support = 1 if kernel == "linear" else 2
    shrink = min(float(axis.scale), 1.0) if antialias else 1.0
    reach = support / shrink
    first = np.floor(coordinates - reach).astype(np.int64)
    matrix = np.zeros((axis.wanted, axis.size))
    rows = np.arange(axis.wanted)
    total = np.zeros(axis.wanted)
    for step in range(int(np.ceil(2 * reach)) + 2):
        taps = first + step
        distance = np.abs(taps - coordinates) * shrink
        weight = np.maximum(1 - distance, 0) if kernel == "linear" else _cubic(distance, cubic_a)
        if exclude_outside:
            weight = np.where((taps >= 0) & (taps < axis.size), weight, 0)
        total += weight
        np.add.at(matrix, (rows, np.clip(taps, 0, axis.size - 1)), weight)
    return matrix / np.where(total == 0, 1, total)[:, None]


def _cubic(distance: npt.NDArray[np.float64], a: float) -> npt.NDArray[np.float64]:
    near = ((a + 2) * distance - (a + 3)) * distance * distance + 1
    far = ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a
    return np.where(distance <= 1, near, np.where(distance < 2, far, 0))
