"""Blending: each method against its definition on a window, and none outside the mask."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from converters.errors import UsageError
from converters.face.blend import BlendMethod, blend_by, feather
from converters.face.masks import box_mask
from converters.samples import draw_picture

METHODS = list(BlendMethod)


def blended(method: BlendMethod, window: np.ndarray, drawing: np.ndarray, mask: np.ndarray) -> np.ndarray:
    result = window.copy()
    blend_by(method)(result, drawing.astype(np.float32).copy(), mask.copy(), np.empty(drawing.shape, np.float32))
    return result


def pair(side: int = 160) -> tuple[np.ndarray, np.ndarray]:
    return (cv2.resize(draw_picture(seed), (side, side), interpolation=cv2.INTER_AREA) for seed in (1, 2))


def test_feathering_is_the_formula_rounded() -> None:
    window, drawing = pair()
    mask = box_mask(160)
    drawn = drawing + np.float32(0.3)  # not whole numbers
    exact = window * (1 - mask[..., None].astype(np.float64)) + drawn * mask[..., None].astype(np.float64)
    difference = np.abs(blended(BlendMethod.FEATHER, window, drawn, mask) - exact)
    assert difference.max() < 0.501
    assert np.abs(np.floor(exact) - exact).max() > 0.9  # truncation, which FaceFusion does, would be told


@pytest.mark.parametrize("method", METHODS)
def test_nothing_changes_outside_the_mask(method: BlendMethod) -> None:
    """On many shapes, some with holes; where something is drawn is checked too, so that doing nothing fails."""
    generator = np.random.default_rng(3)
    for _ in range(40):
        height, width = generator.integers(1, 90, 2)
        window = generator.integers(0, 256, (height, width, 3), np.uint8)
        drawing = generator.uniform(0, 255, (height, width, 3)).astype(np.float32)
        mask = generator.uniform(0, 1, (height, width)).astype(np.float32)
        mask[generator.random((height, width)) < 0.3] = 0
        if generator.random() < 0.5:
            mask[: height // 2] = 0
        result = blended(method, window, drawing, mask)
        assert np.array_equal(result[mask == 0], window[mask == 0])
    window, drawing = pair()
    result = blended(method, window, drawing, np.pad(np.ones((100, 100), np.float32), 30))
    assert np.abs(result[60:100, 60:100].astype(int) - window[60:100, 60:100]).mean() > 3


@pytest.mark.parametrize("method", METHODS)
def test_a_picture_blended_with_itself_is_itself(method: BlendMethod) -> None:
    """Its own brighter twin is not."""
    window, _ = pair()
    same = blended(method, window, window, box_mask(160))
    assert np.abs(same.astype(int) - window).max() <= 1
    other = np.clip(window * 1.0 + 40 * (np.indices((160, 160))[0][..., None] > 80), 0, 255)
    assert np.abs(blended(method, window, other, box_mask(160)).astype(int) - window).max() > 10


def test_poisson_takes_edges_from_the_drawing_and_colours_from_the_picture() -> None:
    """A drawing that is 50 steps brighter everywhere comes out as if it were not; feathering shows it."""
    window, drawing = (picture.astype(np.float32) * 0.5 + 40 for picture in pair())
    window = cv2.GaussianBlur(window, (0, 0), 8).astype(np.uint8)
    mask = np.zeros((160, 160), np.float32)
    cv2.circle(mask, (80, 80), 55, 1.0, -1)
    plain = blended(BlendMethod.POISSON, window, drawing, mask).astype(int)
    brighter = blended(BlendMethod.POISSON, window, drawing + 50, mask).astype(int)
    assert np.abs(plain - brighter).max() <= 2
    naive = blended(BlendMethod.FEATHER, window, drawing + 50, mask).astype(int)
    assert np.abs(naive - blended(BlendMethod.FEATHER, window, drawing, mask)).max() >= 49
    inside = slice(50, 110)
    edges = np.diff(plain[inside, inside], axis=1).ravel()
    wanted = np.diff(drawing[inside, inside], axis=1).ravel()
    own = np.diff(window[inside, inside].astype(int), axis=1).ravel()
    assert np.corrcoef(edges, wanted)[0, 1] > 0.97
    assert np.corrcoef(own, wanted)[0, 1] < 0.5


@pytest.mark.parametrize("edge", ["top", "left", "corner", "everywhere", "speck", "line", "nothing"])
def test_poisson_at_the_pictures_border(edge: str) -> None:
    window, drawing = pair(80)
    mask = np.zeros((80, 80), np.float32)
    parts = {
        "top": np.s_[:40, 20:60],
        "left": np.s_[20:60, :40],
        "corner": np.s_[40:, 40:],
        "everywhere": np.s_[:, :],
        "speck": np.s_[40, 40],
        "line": np.s_[40, 10:70],
        "nothing": np.s_[:0],
    }
    mask[parts[edge]] = 1
    result = blended(BlendMethod.POISSON, window, drawing, mask)
    assert np.array_equal(result[mask == 0], window[mask == 0])
    if edge not in ("nothing",):
        assert not np.array_equal(result, window)


def test_a_pyramid_has_a_softer_seam_than_its_mask() -> None:
    """Between grey and light grey with a hard-edged mask: the largest step of the coarse shades is smaller."""
    window = np.full((128, 128, 3), 100, np.uint8)
    drawing = np.full((128, 128, 3), 160, np.float32)
    mask = np.zeros((128, 128), np.float32)
    mask[:, 64:] = 1
    hard = np.abs(np.diff(blended(BlendMethod.FEATHER, window, drawing, mask)[64, :, 0].astype(int))).max()
    soft = np.abs(np.diff(blended(BlendMethod.PYRAMID, window, drawing, mask)[64, :, 0].astype(int))).max()
    assert hard == 60
    assert soft <= 45


def test_a_picture_in_another_memory_order_is_written_too() -> None:
    window, drawing = pair()
    mask = box_mask(160)
    expected = blended(BlendMethod.FEATHER, window, drawing, mask)
    flipped = np.ascontiguousarray(window[..., ::-1])  # as a camera gives it
    view = flipped[..., ::-1]
    feather(view, drawing.astype(np.float32), mask.copy(), np.empty(drawing.shape, np.float32))
    assert np.array_equal(flipped[..., ::-1], expected)


def test_values_beyond_the_range_saturate() -> None:
    window = np.full((40, 40, 3), 250, np.uint8)
    drawing = np.full((40, 40, 3), 300, np.float32)
    for method in (BlendMethod.FEATHER, BlendMethod.PYRAMID):
        assert (blended(method, window, drawing, np.ones((40, 40), np.float32)) == 255).all()


def test_an_unknown_method_is_named() -> None:
    with pytest.raises(UsageError, match="Did you mean 'poisson'"):
        blend_by("posson")
