"""Pasting: against the formula done slowly in float64, exact outside the mask, invisible for one's own crop."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from converters.face.align import bounds, matrix_to, warp
from converters.face.blend import BlendMethod
from converters.face.masks import box_mask
from converters.face.paste import Paster, pasted
from converters.pictures import read_picture
from converters.samples import draw_picture
from tests.face.test_align import placed


def sampled(crop: np.ndarray, x: np.ndarray, y: np.ndarray, *, outside_is_zero: bool) -> np.ndarray:
    """Return bilinear samples of a crop in float64, written out."""
    side = crop.shape[0]
    padded = np.pad(crop.astype(np.float64), [(1, 1), (1, 1)] + [(0, 0)] * (crop.ndim - 2), mode="edge")
    if outside_is_zero:
        padded[[0, -1]] = 0
        padded[:, [0, -1]] = 0
    x, y = np.clip(x + 1, 0, side + 1), np.clip(y + 1, 0, side + 1)
    left, top = np.minimum(x.astype(int), side), np.minimum(y.astype(int), side)
    across, down = x - left, y - top
    if crop.ndim == 3:
        across, down = across[..., None], down[..., None]
    upper = padded[top, left] * (1 - across) + padded[top, left + 1] * across
    lower = padded[top + 1, left] * (1 - across) + padded[top + 1, left + 1] * across
    return upper * (1 - down) + lower * down


def slowly(picture: np.ndarray, crop: np.ndarray, mask: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Return frame * (1 - m) + crop * m over the whole frame, before rounding."""
    rows, columns = np.mgrid[0 : picture.shape[0], 0 : picture.shape[1]].astype(np.float64)
    x = matrix[0, 0] * columns + matrix[0, 1] * rows + matrix[0, 2]
    y = matrix[1, 0] * columns + matrix[1, 1] * rows + matrix[1, 2]
    share = sampled(mask, x, y, outside_is_zero=True)[..., None]
    left, top, right, bottom = bounds(matrix, crop.shape[0])
    inside = (columns >= left) & (columns < right) & (rows >= top) & (rows < bottom)
    share *= inside[..., None]
    return picture * (1 - share) + sampled(crop, x, y, outside_is_zero=False) * 255 * share


@pytest.mark.parametrize("degrees", [0, 27, 90, 200])
@pytest.mark.parametrize("size", [80, 150, 400])
def test_the_formula(degrees: float, size: float) -> None:
    """Within the rounding and what OpenCV's float32 coordinates cost; a mask one pixel off is told."""
    picture = draw_picture(1)
    crop = draw_picture(2)[64:192, 64:192].astype(np.float32) / 255
    matrix = matrix_to("arcface_128", placed("arcface_128", size, degrees, 120, 140), 128)
    result = pasted(picture, crop, box_mask(128), matrix)
    expected = slowly(picture, crop, box_mask(128), matrix)
    assert np.abs(result - expected).max() < 0.6
    moved = slowly(picture, crop, np.roll(box_mask(128), 1, axis=1), matrix)
    assert np.abs(result - moved).max() > 1


@pytest.mark.parametrize("method", list(BlendMethod))
def test_nothing_changes_outside_the_mask(method: BlendMethod) -> None:
    """On random faces, many of them cut by the border: what is outside stays bit for bit, something inside changes."""
    generator = np.random.default_rng(0)
    paster = Paster()
    changed = 0
    for _ in range(60):
        picture = generator.integers(0, 256, (*generator.integers(20, 200, 2), 3), np.uint8)
        side = int(generator.choice([32, 64, 128]))
        crop = generator.random((side, side, 3), dtype=np.float32)
        mask = box_mask(side, float(generator.uniform(0, 1))).copy()
        mask[generator.random((side, side)) < 0.1] = 0
        size, degrees = float(generator.uniform(10, 300)), float(generator.uniform(-180, 180))
        points = placed("arcface_128", size, degrees, *generator.uniform(-50, 250, 2))
        matrix = matrix_to("arcface_128", points, side)
        before = picture.copy()
        paster.paste(picture, crop, mask, matrix, method=method)
        rows, columns = np.mgrid[0 : picture.shape[0], 0 : picture.shape[1]].astype(np.float64)
        x = matrix[0, 0] * columns + matrix[0, 1] * rows + matrix[0, 2]
        y = matrix[1, 0] * columns + matrix[1, 1] * rows + matrix[1, 2]
        box = max(1, int(side / size))  # shrinking crops are averaged first, which widens the mask by a box
        wide = cv2.dilate((mask > 0).astype(np.float32), np.ones((2 * box + 1, 2 * box + 1)))
        outside = sampled(wide, x, y, outside_is_zero=box == 1) == 0
        beyond = (x < -1 - box) | (y < -1 - box) | (x > side + box) | (y > side + box)
        assert np.array_equal(picture[outside | beyond], before[outside | beyond])
        changed += not np.array_equal(picture, before)
    assert changed > 30


def test_an_empty_mask_changes_nothing_and_a_full_one_replaces() -> None:
    picture = draw_picture(1)
    crop = np.ones((64, 64, 3), np.float32)
    matrix = np.array([[1.0, 0, -50], [0, 1, -60]])
    assert np.array_equal(pasted(picture, crop, np.zeros((64, 64), np.float32), matrix), picture)
    result = pasted(picture, crop, np.ones((64, 64), np.float32), matrix)
    assert (result[60:124, 50:114] == 255).all()
    result[60:124, 50:114] = picture[60:124, 50:114]
    assert np.array_equal(result, picture)


def test_only_the_bounding_box_is_touched() -> None:
    """Written to a picture whose other parts may not be written at all."""
    picture = draw_picture(1)
    matrix = matrix_to("arcface_128", placed("arcface_128", 60, 20, 128, 128), 128)
    left, top, right, bottom = bounds(matrix, 128)
    window = picture[top:bottom, left:right].copy()
    moved = matrix.copy()
    moved[:, 2] += matrix[:, :2] @ (left, top)
    crop = np.zeros((128, 128, 3), np.float32)
    whole = pasted(picture, crop, box_mask(128), matrix)
    part = pasted(window, crop, box_mask(128), moved)
    assert np.array_equal(whole[top:bottom, left:right], part)
    whole[top:bottom, left:right] = picture[top:bottom, left:right]
    assert np.array_equal(whole, picture)


def test_buffers_serve_faces_of_every_size() -> None:
    picture = draw_picture(1)
    paster = Paster()
    for size in (150, 40, 220, 90):
        matrix = matrix_to("arcface_128", placed("arcface_128", size, size, 128, 128), 128)
        crop = draw_picture(size)[:128, :128].astype(np.float32) / 255
        once = pasted(picture, crop, box_mask(128), matrix)
        again = picture.copy()
        paster.paste(again, crop, box_mask(128), matrix)
        assert np.array_equal(once, again)
    memory = paster._memory
    paster.paste(picture.copy(), crop, box_mask(128), matrix)
    assert paster._memory is memory


@pytest.mark.parametrize("method", list(BlendMethod))
@pytest.mark.parametrize("place", [(0, 0), (255, 128), (128, -30), (-400, 0), (3000, 3000)])
@pytest.mark.parametrize("size", [2, 40, 900, 20000])
def test_faces_at_the_border_tiny_and_larger_than_the_frame(
    method: BlendMethod, place: tuple[int, int], size: float
) -> None:
    picture = draw_picture(1)[:200, :240]
    matrix = matrix_to("arcface_128", placed("arcface_128", size, 15, *place), 128)
    crop = np.full((128, 128, 3), 1, np.float32)
    result = pasted(picture, crop, box_mask(128), matrix, method=method)
    assert result.dtype == np.uint8
    left, top, right, bottom = bounds(matrix, 128)
    if right <= 0 or bottom <= 0 or left >= 240 or top >= 200:
        assert np.array_equal(result, picture)
    elif method is BlendMethod.FEATHER and size >= 40 and place == (0, 0):
        assert (result[0, 0] == 255).all()


def test_a_crop_that_shrinks_is_averaged_not_skipped() -> None:
    """A fine chequerboard pasted at a fifth of its size is grey; sampling alone gives black and white."""
    rows, columns = np.indices((256, 256))
    crop = np.repeat(((rows + columns) % 2)[..., None], 3, axis=2).astype(np.float32)
    picture = np.full((200, 200, 3), 128, np.uint8)
    matrix = matrix_to("arcface_128", placed("arcface_128", 50, 10, 100, 100), 256)
    result = pasted(picture, crop, box_mask(256), matrix)
    assert np.abs(result.astype(int) - 128).max() < 20
    sampled_only = cv2.warpAffine(crop, matrix, (200, 200), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    assert np.abs(sampled_only[85:115, 85:115] * 255 - 128).max() > 100


def difference(picture: np.ndarray, points: np.ndarray, side: int, method: BlendMethod) -> tuple[int, float]:
    """Return the largest difference and the PSNR, over the crop's box, of a picture's own crop pasted back."""
    matrix = matrix_to("arcface_128", points, side)
    result = pasted(picture, warp(picture, matrix, side), box_mask(side), matrix, method=method)
    left, top, right, bottom = bounds(matrix, side)
    box = np.s_[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    steps = np.abs(result[box].astype(int) - picture[box])
    return int(steps.max()), float(10 * np.log10(255**2 / max(float(np.mean(steps**2)), 1e-9)))


@pytest.mark.parametrize("method", list(BlendMethod))
def test_ones_own_crop_pasted_back_is_invisible(method: BlendMethod) -> None:
    """As long as the crop has twice the face's pixels; half a face off, it shows."""
    picture = cv2.GaussianBlur(draw_picture(4), (0, 0), 1)
    points = placed("arcface_128", 128, 0, 128, 128)
    largest, decibels = difference(picture, points, 256, method)
    assert largest <= 12
    assert decibels > 44
    matrix = matrix_to("arcface_128", points, 256)
    wrong = pasted(picture, warp(picture, matrix, 256)[:, ::-1], box_mask(256), matrix, method=method)
    assert np.abs(wrong.astype(int) - picture).max() > 40


def test_ones_own_crop_pasted_back_into_photographs(shared: Path) -> None:
    for name in ("portrait_000681.jpg", "portrait_021198.jpg", "group_12.jpg"):
        picture = read_picture(shared / "photos" / name)
        height, width = picture.shape[:2]
        points = placed("arcface_128", 150, 12, width * 0.45, height * 0.4)
        _, at_128 = difference(picture, points, 128, BlendMethod.FEATHER)
        _, at_256 = difference(picture, points, 256, BlendMethod.FEATHER)
        assert at_128 > 30
        assert at_256 > 36


def test_a_mask_that_does_not_fit_is_a_bug() -> None:
    with pytest.raises(ValueError, match="with a mask of shape"):
        pasted(draw_picture(0), np.zeros((64, 64, 3), np.float32), box_mask(128), np.eye(3)[:2])
