"""Maps over a frame, and which part of it is shown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from converters.face.faces import Detection, Face
from converters.preview.display import BYTES, put
from converters.preview.maps import HIGHEST, CropMap, box_of, paint_difference, paint_maps
from converters.preview.region import CloseUp, Region, whole
from converters.preview.request import Look, Overlay

FRAME = (640, 360)


def marked(column: int, row: int, side: int = 64) -> CropMap:
    """A crop of 64 cut at (200, 100) of the frame, twice as large as there, with a loss at one place."""
    values = np.zeros((side, side), np.float32)
    values[row - 2 : row + 3, column - 2 : column + 3] = 0.1
    return CropMap(values, np.array([[2.0, 0.0, -400.0], [0.0, 2.0, -200.0]]), fades=False)


def centre(grey: np.ndarray) -> tuple[float, float]:
    """Where the light of a map is."""
    rows, columns = np.nonzero(grey > 0)
    return float(np.average(columns, weights=grey[rows, columns])), float(np.average(rows, weights=grey[rows, columns]))


@pytest.mark.parametrize("look", [Look(), Look(320, 0), Look(0, 90)])
def test_a_loss_in_the_crop_lies_over_its_place_in_the_frame(look: Look) -> None:
    region = whole(FRAME, look)
    grey = np.full((region.size[1], region.size[0]), 9, np.uint8)
    paint_maps([marked(40, 20)], 0.2, region, grey)
    share = region.size[0] / FRAME[0]
    # the crop's (40, 20) is the frame's (220, 110); a pixel is an area
    wanted = (220.5 * share - 0.5, 110.5 * share - 0.5)
    assert centre(grey) == pytest.approx(wanted, abs=0.6)
    assert grey[0, 0] == 0, "what was in the memory before is gone"
    if share == 1:
        assert grey.max() == 127
    moved = np.zeros_like(grey)
    paint_maps([marked(50, 20)], 0.2, region, moved)
    assert centre(moved) != pytest.approx(wanted, abs=0.6), "a loss elsewhere would lie there as well"


def test_a_close_up_moves_the_map_along() -> None:
    region = Region(190, 90, 250, 150, (240, 240))
    grey = np.zeros((240, 240), np.uint8)
    paint_maps([marked(40, 20)], 0.2, region, grey)
    assert centre(grey) == pytest.approx(((220.5 - 190) * 4 - 0.5, (110.5 - 90) * 4 - 0.5), abs=0.6)


def test_maps_beyond_the_edge_and_overlapping_ones() -> None:
    region = whole(FRAME, Look())
    grey = np.zeros((360, 640), np.uint8)
    outside = CropMap(np.ones((64, 64), np.float32), np.array([[1.0, 0, 900], [0, 1.0, 0]]), fades=False)
    paint_maps([outside], 0.2, region, grey)
    assert not grey.any()
    faint = replace(marked(40, 20), values=np.full((64, 64), 0.02, np.float32))
    paint_maps([marked(40, 20), faint], 0.2, region, grey)
    assert grey[110, 220] == 127, "the larger loss shows"
    assert grey[103, 203] == 25


def test_a_pasted_crops_map_fades_as_the_paste_does() -> None:
    full = CropMap(np.ones((64, 64), np.float32), np.array([[1.0, 0, -100], [0, 1.0, -100]]), fades=True)
    grey = np.zeros((360, 640), np.uint8)
    paint_maps([full], 0.2, whole(FRAME, Look()), grey)
    assert grey[132, 132] == 255
    assert grey[101, 101] < 40


def test_difference_is_the_mean_of_the_three_colours() -> None:
    one = np.zeros((8, 10, 3), np.uint8)
    other = one.copy()
    other[3, 4] = (24, 0, 0)
    other[5, 6] = (255, 255, 255)
    memories = [bytearray(8 * 10 * BYTES) for _ in range(2)]
    for picture, memory in zip((one, other), memories, strict=True):
        put(picture, (10, 8), memoryview(memory))
    grey = np.full((8, 10), 7, np.uint8)
    paint_difference(memoryview(memories[0]), memoryview(memories[1]), HIGHEST[Overlay.DIFFERENCE], grey)
    assert grey[3, 4] == round(24 / 3 / 32 * 255)
    assert grey[5, 6] == 255
    assert np.count_nonzero(grey) == 2


def face_at(left: float, top: float, side: float) -> Face:
    """A face of which only the box matters."""
    points = np.zeros((5, 2), np.float32)
    return Face(Detection((left, top, left + side, top + side), 1.0, points), points)


def test_the_close_up_follows_calmly_and_keeps_its_size() -> None:
    close_up, look = CloseUp(), Look(400, 300, close_up=True)
    first = close_up.region([face_at(100, 100, 80)], FRAME, look)
    assert (first.left, first.top, first.right, first.bottom, first.size) == (60, 60, 220, 220, (300, 300))
    trembled = close_up.region([face_at(105, 100, 80)], FRAME, look)
    assert trembled.left == 61, "a fifth of the way"
    assert close_up.region([], FRAME, look) == trembled, "without a face it stays where it was"
    jumped = close_up.region([face_at(500, 250, 100)], FRAME, look)
    assert (jumped.left, jumped.right, jumped.bottom) == (440, 640, 360), "another face at once, within the frame"
    assert jumped.size == first.size
    close_up.reset()
    middle = close_up.region([], FRAME, look)
    assert (middle.left, middle.top, middle.right, middle.bottom) == (140, 0, 500, 360)


def test_the_box_of_a_map_holds_all_that_is_not_zero() -> None:
    grey = np.zeros((40, 60), np.uint8)
    assert box_of(grey)[2:] == (0, 0)
    grey[7, 11] = grey[20, 30] = 1
    assert box_of(grey) == (11, 7, 20, 14)
