"""Pixel boost: which pixels make which crop, that nothing is lost, and what does not divide."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from converters.errors import UnsupportedError
from converters.face.faces import Embedding
from converters.face.pixel_boost import PixelBoost, boost_factor, phases
from converters.face.swap.base import Prepared, Source, Swapper, SwapResult
from converters.runtimes.base import Array


class Numbering(Swapper):
    """Draws what it is given plus the number of the run in the third channel; keeps what it was given."""

    def __init__(self, side: int, *, mask: bool = False) -> None:
        super().__init__("numbering", "arcface_128", side, needs_embedding=False, needs_picture=False)
        self.given: list[npt.NDArray[np.float32]] = []
        self._has_mask = mask

    def _prepare(self, source: Source) -> Array | None:  # noqa: ARG002
        return None

    def _target(self, embedding: Embedding) -> Embedding:
        return embedding

    def _swap(self, crop: npt.NDArray[np.float32], prepared: Prepared) -> SwapResult:  # noqa: ARG002
        self.given.append(crop.copy())
        self._out[...] = crop
        self._out[..., 2] = len(self.given)
        return SwapResult(self._out, crop[..., 0] if self._has_mask else None)


def a_crop(side: int) -> np.ndarray:
    rows, columns = np.indices((side, side)).astype(np.float32)
    return np.stack([rows, columns, np.zeros_like(rows)], axis=2)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_every_nth_pixel_row_offset_first(factor: int) -> None:
    """Against FaceFusion's arrangement: reshaped to (side, n, side, n), the two offsets brought to the front."""
    side = 8
    crop = a_crop(side * factor)
    swapper = Numbering(side)
    drawn = PixelBoost(swapper, side * factor).swap(crop, Prepared(None)).crop
    arranged = crop.reshape(side, factor, side, factor, 3).transpose(1, 3, 0, 2, 4).reshape(-1, side, side, 3)
    assert len(swapper.given) == factor**2
    assert np.array_equal(np.stack(swapper.given), arranged)
    transposed = crop.reshape(side, factor, side, factor, 3).transpose(3, 1, 0, 2, 4).reshape(-1, side, side, 3)
    assert not np.array_equal(np.stack(swapper.given), transposed)
    tiles = crop.reshape(factor, side, factor, side, 3).transpose(0, 2, 1, 3, 4).reshape(-1, side, side, 3)
    assert not np.array_equal(np.stack(swapper.given), tiles)
    assert np.array_equal(drawn[..., :2], crop[..., :2])
    numbers = np.tile(np.arange(1, factor**2 + 1).reshape(factor, factor), (side, side))
    assert np.array_equal(drawn[..., 2], numbers)


def test_masks_are_put_together_in_the_same_way() -> None:
    crop = a_crop(16)
    result = PixelBoost(Numbering(8, mask=True), 16).swap(crop, Prepared(None))
    assert result.mask is not None
    assert np.array_equal(result.mask, crop[..., 0])
    assert PixelBoost(Numbering(8), 16).swap(crop, Prepared(None)).mask is None


def test_a_factor_of_one_is_the_swapper_itself() -> None:
    swapper = Numbering(8)
    crop = a_crop(8)
    assert np.array_equal(PixelBoost(swapper, 8).swap(crop, Prepared(None)).crop[..., :2], crop[..., :2])
    assert len(swapper.given) == 1


def test_buffers_are_used_again() -> None:
    boost = PixelBoost(Numbering(8), 16)
    assert boost.swap(a_crop(16), Prepared(None)).crop is boost.swap(a_crop(16), Prepared(None)).crop


@pytest.mark.parametrize(
    ("boosted", "side"), [(384, 256), (768, 512), (64, 128), (0, 128), (129, 128), (-128, 128), (255, 256)]
)
def test_sides_that_are_no_whole_multiple_are_refused(boosted: int, side: int) -> None:
    with pytest.raises(UnsupportedError, match=f"of side {side} cannot draw a face of side {boosted}.*{2 * side}"):
        boost_factor(boosted, side)


@pytest.mark.parametrize(("boosted", "side", "factor"), [(128, 128, 1), (256, 128, 2), (768, 128, 6), (1024, 512, 2)])
def test_whole_multiples_are_not(boosted: int, side: int, factor: int) -> None:
    assert boost_factor(boosted, side) == factor


def test_phases_are_views() -> None:
    crop = a_crop(8)
    phases(crop, 2)[3][...] = -1
    assert (crop[1::2, 1::2] == -1).all()
    assert (crop[0::2] >= 0).all()


def test_a_crop_that_does_not_fit_is_a_bug() -> None:
    with pytest.raises(ValueError, match="a crop of shape"):
        PixelBoost(Numbering(8), 16).swap(a_crop(8), Prepared(None))
