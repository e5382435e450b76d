"""More pixels than a swapper has: every n-th pixel of a larger crop makes a crop of its own, n x n of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from converters.errors import UnsupportedError
from converters.face.faces import Crop, Mask
from converters.face.swap.base import Prepared, Swapper, SwapResult


def boost_factor(boosted_side: int, side: int) -> int:
    """Return how many times the swapper's side a boosted side is.

    Raises:
        UnsupportedError: it is no whole multiple, so its pixels do not divide into equal crops.
    """
    if boosted_side < side or boosted_side % side:
        multiples = ", ".join(str(side * factor) for factor in (1, 2, 3, 4))
        raise UnsupportedError(
            f"A swapper of side {side} cannot draw a face of side {boosted_side}.",
            "Pixel boost needs a whole multiple of the swapper's side.",
            f"Choose one of {multiples}.",
        )
    return boosted_side // side


def phases(crop: npt.NDArray[np.float32], factor: int) -> list[npt.NDArray[np.float32]]:
    """Return views of every `factor`-th pixel, by row offset first, then column offset: factor x factor of them."""
    return [crop[row::factor, column::factor] for row in range(factor) for column in range(factor)]


class PixelBoost:
    """Draws crops of n times a swapper's side with n x n runs of it. Keeps buffers: use from one thread at a time.

    Not tiles: each run sees the whole face, shifted by a part of its pixel.

    Args:
        swapper: stays the caller's.
        side: of the larger crops.

    Raises:
        UnsupportedError: `side` is no whole multiple of the swapper's.
    """

    def __init__(self, swapper: Swapper, side: int) -> None:
        self.factor = boost_factor(side, swapper.side)
        self.side = side
        self._swapper = swapper
        self._crop: Crop = np.zeros((side, side, 3), np.float32)
        self._mask: Mask = np.zeros((side, side), np.float32)

    def swap(self, crop: Crop, prepared: Prepared) -> SwapResult:
        """Draw a source into a crop (side x side x 3, RGB, 0..1); the result is overwritten by the next call."""
        if crop.shape != self._crop.shape:
            raise ValueError(f"a crop of shape {crop.shape} for a pixel boost of side {self.side}")
        if self.factor == 1:
            return self._swapper.swap(crop, prepared)
        has_mask = False
        drawn, masks = phases(self._crop, self.factor), phases(self._mask, self.factor)
        for phase, into, mask in zip(phases(crop, self.factor), drawn, masks, strict=True):
            result = self._swapper.swap(phase, prepared)
            into[...] = result.crop
            if result.mask is not None:
                mask[...] = result.mask
                has_mask = True
        return SwapResult(self._crop, self._mask if has_mask else None)
