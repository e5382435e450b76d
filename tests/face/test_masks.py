"""Masks: the published vector of the box, the soft step, networks that mask, areas of landmarks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from converters.errors import BadInputError, UnsupportedError, UsageError
from converters.face.masks import (
    REGIONS,
    Area,
    Occluder,
    RegionMasker,
    area_mask,
    box_mask,
    combined,
    soft_step,
)
from converters.model.signature import Role, Signature, TensorInfo
from tests.face.nets import copying, graph, image, plain, watched

PUBLISHED = {(0, 0): 0.005325, (9, 9): 0.293859, (19, 19): 0.973431, (64, 9): 0.542088, (32, 32): 1.0}
PUBLISHED_SUM = 12116.06


def matches(mask: np.ndarray) -> bool:
    places = all(abs(float(mask[place]) - value) < 1e-6 for place, value in PUBLISHED.items())
    return places and abs(float(mask.sum(dtype=np.float64)) - PUBLISHED_SUM) < 0.01


def test_the_published_box_is_reproduced_and_its_neighbours_are_not() -> None:
    assert matches(box_mask(128))
    assert matches(box_mask(128, 0.3, (0, 0, 0, 0)))
    for other in (box_mask(128, 0.29), box_mask(128, 0.32), box_mask(128, 0.3, (0, 8, 0, 0)), np.ones((128, 128))):
        assert not matches(other)


def test_the_box_is_kept_and_cannot_be_spoilt() -> None:
    mask = box_mask(128)
    assert box_mask(128) is mask
    with pytest.raises(ValueError, match="read-only"):
        mask[0, 0] = 1


@pytest.mark.parametrize("side", [1, 2, 3, 16, 112, 512])
def test_a_box_of_any_side_stays_within_range(side: int) -> None:
    for blur in (0.0, 0.3, 1.0):
        mask = box_mask(side, blur)
        assert mask.shape == (side, side)
        assert mask.min() >= 0
        assert mask.max() <= 1 + 1e-6
        assert np.allclose(mask, mask.T, atol=1e-6)
    assert box_mask(side, 0.0)[0, 0] == 0  # a border of one pixel at least


def test_padding_takes_from_its_own_side() -> None:
    for place, sums in enumerate(("top", "right", "bottom", "left")):
        padding = [0.0] * 4
        padding[place] = 25
        mask = box_mask(128, 0.1, tuple(padding))
        quarters = {
            "top": mask[:24].sum(),
            "right": mask[:, -24:].sum(),
            "bottom": mask[-24:].sum(),
            "left": mask[:, :24].sum(),
        }
        assert min(quarters, key=lambda name: quarters[name]) == sums
        assert quarters[sums] < 1
    assert not box_mask(64, 0.0, (60, 0, 60, 0)).any()


@pytest.mark.parametrize(
    ("blur", "padding"), [(-0.1, (0,) * 4), (1.1, (0,) * 4), (np.nan, (0,) * 4), (0.3, (101, 0, 0, 0))]
)
def test_numbers_out_of_range_are_said(blur: float, padding: tuple[float, float, float, float]) -> None:
    with pytest.raises(BadInputError, match="out of range"):
        box_mask(128, blur, padding)


def test_the_soft_step_fades_inwards_only() -> None:
    """Against the formula along a straight edge: half of the Gaussian's integral, doubled."""
    from math import erf, sqrt

    mask = np.zeros((128, 128), np.float32)
    mask[:, 64:] = 1
    soft = soft_step(mask)
    assert not soft[:, :64].any()
    for column in range(64, 90):
        expected = erf((column - 63.5) / (5 * sqrt(2)))
        assert abs(float(soft[64, column]) - expected) < 0.01
        assert abs(float(soft[64, column]) - erf((column - 63.5) / (4 * sqrt(2)))) > 0.01 or column > 76
    assert soft[64, 100] == 1


def xseg() -> object:
    """Return a network that gives the first channel of an NHWC picture as the mask."""
    return graph(
        {"input": (1, 256, 256, 3)},
        {"output": (1, 256, 256, 1)},
        [("Slice", ["input", "start", "end", "axis"], ["output"], {})],
        {"start": np.array([0]), "end": np.array([1]), "axis": np.array([3])},
    )


@pytest.mark.parametrize("side", [128, 256, 512])
def test_occlusion_is_asked_in_blue_green_red(tmp_path: Path, side: int) -> None:
    crop = np.zeros((side, side, 3), np.float32)
    crop[:, side // 2 :, 2] = 1  # blue on the right: the first channel of BGR
    crop[: side // 2, :, 0] = 1  # red above, the first of RGB
    with watched(xseg(), tmp_path) as session:
        mask = Occluder(session, plain(session), "xseg_1").mask(crop)
        assert session.fed["input"].shape == (1, 256, 256, 3)
        assert np.allclose(session.fed["input"][0, 20, 200], [1, 0, 1])
        assert mask.shape == (side, side)
        assert not mask[:, : side // 2 - 1].any()
        assert mask[:, -side // 8 :].min() > 0.98
        wrong = Occluder(session, Signature((image("input", 256, layout="NHWC"),), plain(session).outputs)).mask(crop)
        assert wrong[: side // 8, : side // 4].min() > 0.98  # as RGB it would see red


def parser(classes: int = 19) -> object:
    """Return a network whose scores make a class of the picture's red: round(red * 18)."""
    numbers = np.arange(classes, dtype=np.float32).reshape(1, classes, 1, 1) / 18
    return graph(
        {"input": (1, 3, 512, 512)},
        {"output": (1, classes, 512, 512), "auxiliary": (1, classes, 512, 512)},
        [
            ("Mul", ["input", "std"], ["scaled"], {}),
            ("Add", ["scaled", "mean"], ["picture"], {}),
            ("Slice", ["picture", "start", "end", "axis"], ["red"], {}),
            ("Sub", ["numbers", "red"], ["difference"], {}),
            ("Abs", ["difference"], ["distance"], {}),
            ("Neg", ["distance"], ["output"], {}),
            ("Identity", ["distance"], ["auxiliary"], {}),
        ],
        {
            "std": np.array([0.229, 0.224, 0.225], np.float32).reshape(1, 3, 1, 1),
            "mean": np.array([0.485, 0.456, 0.406], np.float32).reshape(1, 3, 1, 1),
            "start": np.array([0]),
            "end": np.array([1]),
            "axis": np.array([1]),
            "numbers": numbers,
        },
    )


def test_regions_are_classes_of_the_largest_score(tmp_path: Path) -> None:
    crop = np.full((256, 256, 3), 0.5, np.float32)
    crop[..., 0] = 17 / 18  # hair
    crop[64:192, :128, 0] = 10 / 18  # nose
    crop[64:192, 128:, 0] = 11 / 18  # mouth
    with watched(parser(), tmp_path) as session:
        masker = RegionMasker(session, plain(session), "bisenet_resnet_34")
        nose, mouth, both = masker.mask(crop, ["nose"]), masker.mask(crop, ["mouth"]), masker.mask(crop)
        assert nose[128, 64] == 1
        assert nose[128, 192] == 0
        assert mouth[128, 64] == 0
        assert mouth[128, 192] == 1
        assert both[128, 128] == 1  # no seam between two chosen regions
        assert nose[128, 128] == 0
        assert not both[:60].any()
        assert not masker.mask(crop, []).any()
        with pytest.raises(UsageError, match="Did you mean 'mouth'"):
            masker.mask(crop, ["moth"])


def test_region_numbers_are_those_of_the_published_networks() -> None:
    assert REGIONS["skin"] == 1
    assert (REGIONS["left-eyebrow"], REGIONS["right-eyebrow"]) == (2, 3)
    assert (REGIONS["left-eye"], REGIONS["right-eye"], REGIONS["glasses"]) == (4, 5, 6)
    assert (REGIONS["nose"], REGIONS["mouth"], REGIONS["upper-lip"], REGIONS["lower-lip"]) == (10, 11, 12, 13)


def test_networks_that_mask_nothing_are_refused(tmp_path: Path) -> None:
    with watched(copying(128), tmp_path, "copy") as session:
        with pytest.raises(UnsupportedError, match="regions of a face"):
            RegionMasker(session, plain(session))
        vector = Signature((image("input", 128),), (TensorInfo("output", (1, 5), role=Role.SCORES),))
        with pytest.raises(UnsupportedError, match="gives no mask"):
            Occluder(session, vector)
        with pytest.raises(UnsupportedError, match="one channel"):
            Occluder(session, plain(session)).mask(np.zeros((128, 128, 3), np.float32))
    with watched(parser(2), tmp_path, "two") as session, pytest.raises(UnsupportedError, match="regions of a face"):
        RegionMasker(session, plain(session))


def landmarks(side: int = 256) -> np.ndarray:
    """Return 68 points: jaw as an arc, brows, nose, eyes, mouth where they usually are."""
    points = np.zeros((68, 2), np.float32)
    angles = np.linspace(np.pi, 0, 17)
    points[:17] = np.stack([0.5 + 0.35 * np.cos(angles), 0.45 + 0.45 * np.sin(angles)], axis=1)
    points[17:27] = np.stack([np.linspace(0.2, 0.8, 10), np.full(10, 0.3)], axis=1)
    points[27:31] = np.stack([np.full(4, 0.5), np.linspace(0.4, 0.55, 4)], axis=1)
    points[31:36] = np.stack([np.linspace(0.42, 0.58, 5), np.full(5, 0.6)], axis=1)
    points[36:48] = np.stack([np.linspace(0.3, 0.7, 12), np.full(12, 0.4)], axis=1)
    ring = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    points[48:68] = np.stack([0.5 + 0.12 * np.cos(ring), 0.72 + 0.05 * np.sin(ring)], axis=1)
    return points * side


def test_areas_are_hulls_of_their_points() -> None:
    points = landmarks()
    upper, lower, mouth = (area_mask(points, 256, [area]) for area in Area)
    eyes, lips, forehead, chin = (128, 100), (128, 184), (128, 30), (128, 215)
    for mask, inside, outside in (
        (upper, [eyes], [lips, forehead, chin]),
        (lower, [lips, chin], [forehead]),
        (mouth, [lips], [eyes, forehead, chin]),
    ):
        assert all(mask[y, x] > 0.5 for x, y in inside)
        assert not any(mask[y, x] > 0 for x, y in outside)
    everything = area_mask(points, 256, list(Area))
    assert (everything >= np.maximum(upper, mouth) - 1e-6).all()
    assert np.array_equal(area_mask(points, 256, ["mouth"]), mouth)


def test_areas_reach_beyond_the_crop_without_harm() -> None:
    for points in (landmarks() * 5 - 600, landmarks() + 1e7, landmarks() - 300):
        mask = area_mask(points, 256, [Area.LOWER_FACE])
        assert mask.shape == (256, 256)
        assert mask.min() >= 0
        assert mask.max() <= 1
    assert not area_mask(landmarks() + 1000, 256, [Area.MOUTH]).any()


def test_bad_areas_are_said() -> None:
    with pytest.raises(UsageError, match="Did you mean 'mouth'"):
        area_mask(landmarks(), 256, ["mout"])
    with pytest.raises(UsageError, match="at least one"):
        area_mask(landmarks(), 256, [])
    with pytest.raises(BadInputError, match="not finite"):
        area_mask(np.full((68, 2), np.nan, np.float32), 256, [Area.MOUTH])
    with pytest.raises(ValueError, match="68 x 2"):
        area_mask(landmarks()[:5], 256, [Area.MOUTH])


def test_masks_are_combined_by_the_smallest() -> None:
    generator = np.random.default_rng(0)
    masks = [generator.uniform(-0.2, 1.2, (8, 8)).astype(np.float32) for _ in range(3)]
    expected = np.clip(np.min(masks, axis=0), 0, 1)
    assert np.array_equal(combined(masks), expected)
    assert not np.array_equal(combined(masks[:2]), expected)
    out = np.empty((8, 8), np.float32)
    assert combined(masks, out) is out
    kept = box_mask(128).copy()
    combined([box_mask(128), np.zeros((128, 128), np.float32)])
    assert np.array_equal(box_mask(128), kept)
    with pytest.raises(ValueError, match="no masks"):
        combined([])
