"""Anchors, priors and tiles against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from converters.face.detect.anchors import grid, priors, ssd_places
from converters.face.detect.blazeface import VARIANTS
from converters.face.detect.tiles import tiles


def test_a_grid_goes_row_by_row() -> None:
    assert grid(16, 24, 8, 1).tolist() == [[0, 0], [8, 0], [16, 0], [0, 8], [8, 8], [16, 8]]
    assert grid(8, 16, 8, 2, 0.5).tolist() == [[4, 4], [4, 4], [12, 4], [12, 4]]
    assert len(grid(20, 20, 8, 1)) == 9  # the rest has cells too


@pytest.mark.parametrize(
    ("name", "count"), [("blazeface_front", 896), ("blazeface_back", 896), ("blazeface_full_range", 2304)]
)
def test_blazeface_has_mediapipes_anchors(name: str, count: int) -> None:
    variant = VARIANTS[name]
    places = ssd_places(variant.side, variant.strides, variant.per_layer)
    assert len(places) == count
    first = variant.strides[0] / 2
    assert places[0].tolist() == [first, first]
    assert places.max() < variant.side
    if count == 896:  # one layer on the fine map, three on the coarse: two and six anchors per cell
        assert len(np.unique(places[:512], axis=0)) == 256
        assert len(np.unique(places[512:], axis=0)) == 64


def test_priors_of_a_small_canvas() -> None:
    found = priors(16, 16, (8, 16), ((16, 32), (64, 128)))
    assert found[:3].tolist() == [[4, 4, 16, 16], [4, 4, 32, 32], [12, 4, 16, 16]]
    assert found[-1].tolist() == [8, 8, 128, 128]


def test_priors_spread_evenly_stay_on_the_canvas() -> None:
    hanging = priors(240, 320, (64,), ((128,),))
    evenly = priors(240, 320, (64,), ((128,),), evenly=True)
    assert hanging[-1, 1] == 224
    assert evenly[-1, 1] == 210  # four cells of 60
    assert evenly[-1, 0] == hanging[-1, 0] == 288


@pytest.mark.parametrize(("height", "width"), [(720, 1280), (1280, 720), (1000, 1000), (480, 4000), (2160, 3840)])
def test_tiles_cover_a_picture_and_share_a_quarter(height: int, width: int) -> None:
    parts = tiles(height, width, 256, 256)
    assert 2 <= len(parts) <= 9
    seen = np.zeros((height, width), np.uint8)
    for part in parts:
        seen[part.rows, part.columns] += 1
    assert seen.min() == 1
    # a face of a quarter of a tile lies whole in one of them, wherever it is
    size = (parts[0].bottom - parts[0].top) // 4 - 2
    generator = np.random.default_rng(0)
    corner = generator.uniform(0, 1, (500, 2)) * [width - size, height - size]
    boxes = np.hstack([corner, corner + size]).astype(np.float32)
    whole = np.any([part.holds(boxes, height, width) for part in parts], axis=0)
    inside = [
        any(
            part.left <= box[0] and box[2] <= part.right and part.top <= box[1] and box[3] <= part.bottom
            for part in parts
        )
        for box in boxes
    ]
    assert all(inside)
    assert whole.all()


def test_a_picture_hardly_larger_than_the_canvas_has_no_tiles() -> None:
    assert tiles(300, 300, 256, 256) == ()
    assert tiles(1, 1, 256, 256) == ()


def test_a_face_cut_by_an_inner_edge_is_left_to_the_neighbour() -> None:
    first = tiles(720, 1280, 256, 256)[0]
    edge = first.right
    boxes = np.array([[edge - 50, 10, edge + 20, 90], [-20, -10, 40, 60]], np.float32)
    assert first.holds(boxes, 720, 1280).tolist() == [False, True]
