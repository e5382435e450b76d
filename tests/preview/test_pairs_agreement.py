"""How well models agree that draw nothing."""

from __future__ import annotations

import numpy as np
import pytest

from converters.face.faces import Detection
from converters.preview.pairs.agreement import box_figures, mask_figures, matched, point_figures


def box(left: float, top: float, right: float, bottom: float) -> Detection:
    return Detection((left, top, right, bottom), 0.9, np.zeros((5, 2), np.float32))


def test_every_box_is_matched_once_and_the_best_fit_counts() -> None:
    one = [box(0, 0, 100, 100), box(300, 0, 400, 100)]
    other = [box(20, 0, 120, 100), box(5, 0, 105, 100), box(300, 60, 400, 160)]
    assert matched(one, other) == {0: (1, pytest.approx(95 / 105))}
    figures = box_figures(one, other)
    assert figures["boxes_matched"] == pytest.approx(2 / 5)
    assert figures["iou"] == pytest.approx(95 / 105)


def test_nothing_found_by_both_is_agreement_and_by_one_is_none() -> None:
    assert box_figures([], []) == {"boxes_original": 0, "boxes_candidate": 0, "boxes_matched": 1}
    assert box_figures([box(0, 0, 9, 9)], [])["boxes_matched"] == 0
    assert "iou" not in box_figures([box(0, 0, 9, 9)], [box(50, 50, 60, 60)])


def test_points_are_compared_in_pixels_and_in_sizes_of_the_face() -> None:
    points = np.zeros((68, 2), np.float32)
    figures = point_figures([(points, points + np.float32([3, 4]), 100.0), (points, points, 50.0)])
    assert figures == pytest.approx({"points_apart": 2.5, "points_apart_share": 0.025})
    assert point_figures([]) == {}


def test_soft_masks() -> None:
    full, half, empty = (np.full((8, 8), value, np.float32) for value in (1, 0.5, 0))
    assert mask_figures([(full, half)]) == {"mask_iou": 0.5}
    assert mask_figures([(empty, empty), (full, empty)]) == {"mask_iou": 0.5}
    assert mask_figures([]) == {}
