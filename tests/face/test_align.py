"""Alignment: the published test vector, OpenCV as a peer, hard shrinking, and points that are no face."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest

from converters.errors import BadInputError, UsageError
from converters.face.align import (
    TEMPLATES,
    bounds,
    inverse,
    matrix_to,
    scale_of,
    similarity,
    transform,
    warp,
)
from converters.samples import draw_picture

POINTS = np.array(
    [
        (144.33728, 104.56253),
        (207.01996, 104.015366),
        (167.29865, 147.43419),
        (152.12074, 181.09818),
        (205.94629, 180.78137),
    ],
    np.float32,
)
PUBLISHED = np.array([[0.532836794, -0.0132571138, -27.5004521], [0.0132571138, 0.532836794, -6.9275969]])
CLOSE = np.array([[2e-8, 2e-8, 2e-6], [2e-8, 2e-8, 2e-6]])  # the published ones were found in float32


def placed(template: str, scale: float, degrees: float, x: float, y: float) -> np.ndarray:
    """Return a template's points as a face in a picture: `scale` picture pixels for the whole crop."""
    turn = np.deg2rad(degrees)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) * scale
    return ((TEMPLATES[template] - 0.5) @ matrix.T + [x, y]).astype(np.float32)


def test_the_published_vector_is_reproduced() -> None:
    assert (np.abs(matrix_to("arcface_128", POINTS, 128) - PUBLISHED) < CLOSE).all()


def test_the_published_vector_tells_a_neighbouring_template_and_a_moved_point() -> None:
    assert (np.abs(matrix_to("arcface_112_v2", POINTS, 128) - PUBLISHED) > CLOSE).all()
    moved = POINTS.copy()
    moved[2, 0] += 0.001
    assert (np.abs(matrix_to("arcface_128", moved, 128) - PUBLISHED) > CLOSE).any()


def test_there_are_seven_templates_and_arcface_128_is_the_112_one_moved_by_eight_pixels() -> None:
    assert sorted(TEMPLATES) == [
        *("arcface_112_v1", "arcface_112_v2", "arcface_128", "dfl_whole_face"),
        *("ffhq_512", "mtcnn_512", "styleganex_384"),
    ]
    difference = TEMPLATES["arcface_128"] * 128 - TEMPLATES["arcface_112_v2"] * 112
    assert np.allclose(difference, [8, 0], atol=2e-6)
    for points in TEMPLATES.values():
        assert points.shape == (5, 2)
        assert points[0, 0] < points[1, 0]
        assert points[3, 0] < points[4, 0]
        assert points[0, 1] < points[2, 1] < points[3, 1]


@pytest.mark.parametrize("template", sorted(TEMPLATES))
def test_opencv_finds_the_same_matrix(template: str) -> None:
    generator = np.random.default_rng(7)
    for _ in range(20):
        points = placed(template, generator.uniform(40, 600), generator.uniform(-180, 180), 300, 200)
        points += generator.normal(0, 0.02 * np.ptp(points), points.shape).astype(np.float32)
        ours = matrix_to(template, points, 256)
        wanted = (TEMPLATES[template] * 256).astype(np.float32)
        peer, _ = cv2.estimateAffinePartial2D(points, wanted, method=cv2.RANSAC, ransacReprojThreshold=100)
        corners = np.array([[0, 0], [700, 0], [700, 500], [0, 500]], np.float32)
        assert np.abs(transform(corners, ours) - transform(corners, peer)).max() < 0.01
        assert np.abs(transform(corners, ours) - transform(corners + 0.1, peer)).max() > 0.01


def test_no_other_similarity_is_nearer() -> None:
    """The sum of squares grows in every direction from the answer."""
    wanted = TEMPLATES["arcface_128"] * 128
    best = similarity(POINTS, wanted)

    def error(matrix: np.ndarray) -> float:
        return float(((POINTS.astype(np.float64) @ matrix[:, :2].T + matrix[:, 2] - wanted) ** 2).sum())

    for step in (1e-3, -1e-3):
        for change in (
            np.array([[1, 0, 0], [0, 1, 0]]),
            np.array([[0, -1, 0], [1, 0, 0]]),
            np.array([[0, 0, 100], [0, 0, 0]]),
            np.array([[0, 0, 0], [0, 0, 100]]),
        ):
            assert error(best + step * change) > error(best)


def test_there_and_back() -> None:
    matrix = matrix_to("ffhq_512", POINTS, 512)
    assert np.abs(transform(transform(POINTS, matrix), inverse(matrix)) - POINTS).max() < 1e-4
    with pytest.raises(ValueError, match="no inverse"):
        inverse(np.zeros((2, 3)))


def test_the_bounds_hold_every_corner_and_no_whole_pixel_more() -> None:
    for degrees in (0, 30, 90, 200):
        matrix = matrix_to("arcface_128", placed("arcface_128", 300, degrees, 100, 100), 128)
        corners = transform(np.array([[0, 0], [128, 0], [128, 128], [0, 128]], np.float32), inverse(matrix))
        left, top, right, bottom = bounds(matrix, 128)
        low, high = corners.min(axis=0), corners.max(axis=0)
        assert 0 <= low[0] - left < 1.001
        assert 0 <= low[1] - top < 1.001
        assert 0 <= right - high[0] < 1.001
        assert 0 <= bottom - high[1] < 1.001


@pytest.mark.parametrize(
    "points",
    [
        np.full((5, 2), 40.0),
        np.full((5, 2), np.nan),
        np.array([[np.inf, 0], [1, 0], [0, 1], [1, 1], [2, 2]]),
        TEMPLATES["arcface_128"] * 1e30,
        TEMPLATES["arcface_128"] * 1e-3,
        TEMPLATES["arcface_128"][[1, 0, 2, 4, 3]] * 300,
    ],
    ids=["one spot", "not numbers", "infinite", "beyond any picture", "smaller than a pixel", "mirrored"],
)
def test_points_that_are_no_face_are_refused(points: np.ndarray) -> None:
    for template in TEMPLATES:
        with pytest.raises(BadInputError, match="A face's points"):
            matrix_to(template, points.astype(np.float32), 128)


def test_points_on_one_line_give_a_plain_result() -> None:
    picture = draw_picture(1)
    for line in (np.array([[0, 1.0]]), np.array([[0.3, 1.0]])):
        points = (np.array([[100.0, 100]]) + np.array([[-30], [-30], [0], [30], [30]]) * line).astype(np.float32)
        crop = warp(picture, matrix_to("arcface_128", points, 128), 128)
        assert np.isfinite(crop).all()
        assert crop.std() > 0.05


def test_an_unknown_template_is_named() -> None:
    with pytest.raises(UsageError, match="Did you mean 'arcface_128'"):
        matrix_to("arcface_129", POINTS, 128)


def test_a_wrong_number_of_points_is_a_bug() -> None:
    with pytest.raises(ValueError, match="points of shape"):
        matrix_to("arcface_128", POINTS[:4], 128)


def test_the_demo_embedders_crop_is_part_of_the_demo_swappers() -> None:
    """Rows 0..111 and columns 8..119 of the arcface_128 crop are the arcface_112_v2 crop."""
    picture = draw_picture(3)
    for degrees in (0, 25):
        points = placed("arcface_128", 150, degrees, 128, 130)
        large = warp(picture, matrix_to("arcface_128", points, 128), 128)
        small = warp(picture, matrix_to("arcface_112_v2", points, 112), 112)
        assert np.abs(large[:112, 8:120] - small).max() <= 1.5 / 255  # a step of the 8-bit warp
        assert np.abs(large[:112, 7:119] - small).max() > 10 / 255


def test_a_warp_that_moves_whole_pixels_moves_whole_pixels() -> None:
    picture = draw_picture(2)
    crop = warp(picture, np.array([[1.0, 0, -40], [0, 1, -30]]), 64)
    assert crop.dtype == np.float32
    assert np.array_equal(np.round(crop * 255), picture[30:94, 40:104])


def test_what_lies_outside_is_the_nearest_edge() -> None:
    picture = draw_picture(2)
    crop = np.round(warp(picture, np.array([[1.0, 0, 30], [0, 1, 20]]), 64) * 255)
    assert np.array_equal(crop[20:, 30:], picture[:44, :34])
    assert (crop[:20, :30] == picture[0, 0]).all()


def test_out_is_written_and_returned() -> None:
    out = np.full((64, 64, 3), np.nan, np.float32)
    matrix = np.array([[0.7, 0.1, -10], [-0.1, 0.7, 10]])
    assert warp(draw_picture(4), matrix, 64, out) is out
    assert np.array_equal(out, warp(draw_picture(4), matrix, 64))


def exact(picture: np.ndarray, matrix: np.ndarray, side: int) -> np.ndarray:
    """Return a crop in which every pixel is the mean of 16 x 16 bilinear samples of its square: the ideal."""
    fine = 16
    matrix = matrix * fine
    matrix[:, 2] += (fine - 1) / 2
    large = cv2.warpAffine(
        picture.astype(np.float32),
        matrix,
        (side * fine, side * fine),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return large.reshape(side, fine, side, fine, 3).mean(axis=(1, 3)) / 255


def decibels(one: np.ndarray, other: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((one - other) ** 2)))


def test_shrinking_averages_instead_of_skipping() -> None:
    """Against the ideal; `cv2.warpAffine` with INTER_AREA is the twin that skips pixels and must be far worse."""
    generator = np.random.default_rng(0)
    picture = cv2.resize(draw_picture(5), (1000, 1000), interpolation=cv2.INTER_CUBIC)
    grain = generator.normal(0, 25, picture.shape)
    picture = np.clip(picture + grain, 0, 255).astype(np.uint8)
    for face in (450, 640, 900):
        matrix = matrix_to("arcface_112_v2", placed("arcface_112_v2", face, 12, 480, 500), 112)
        ideal = exact(picture, matrix, 112)
        skipping = cv2.warpAffine(picture, matrix, (112, 112), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
        ours, theirs = decibels(warp(picture, matrix, 112), ideal), decibels(skipping / 255, ideal)
        assert ours > 32
        assert ours > theirs + 8


def test_shrinking_moves_nothing() -> None:
    """A ramp of one step a pixel stays where it is, whatever box is averaged, also when it does not divide the part."""
    rows, columns = np.mgrid[0:256, 0:256]
    picture = np.stack([columns, rows, rows * 0], axis=2).astype(np.uint8)
    for scale in (0.51, 0.5, 0.4, 0.3, 0.13):
        side = int(200 * scale)
        matrix = np.array([[scale, 0, -scale * 30.3], [0, scale, -scale * 25.7]])
        crop = warp(picture, matrix, side) * 255
        wanted = np.arange(side) / scale
        assert np.abs(crop[side // 2, :, 0] - wanted - 30.3).max() < 1.01  # two roundings to whole steps
        assert np.abs(crop[:, side // 2, 1] - wanted - 25.7).max() < 1.01
        # forgetting that a box lies around its middle moves the crop by half a box, up to 3 pixels here
        assert abs(float(np.mean(crop[side // 2, :, 0] - wanted - 30.3))) < 0.8


def test_the_crop_does_not_jump_where_the_rule_changes() -> None:
    picture = cv2.GaussianBlur(cv2.resize(draw_picture(6), (900, 900)), (0, 0), 6)
    crops = [
        warp(picture, matrix_to("arcface_128", placed("arcface_128", size, 5, 450, 450), 128), 128)
        for size in (255, 255.9, 256.1, 257)
    ]
    steps = [float(np.abs(one - other).mean()) * 255 for one, other in pairwise(crops)]
    assert max(steps) < 1


@pytest.mark.parametrize("place", [(-400, 60), (60, -400), (2000, 2000), (0, 0), (255, 255)])
@pytest.mark.parametrize("face", [3, 60, 600, 5000])
def test_faces_at_or_beyond_the_border_give_finite_crops(place: tuple[int, int], face: int) -> None:
    picture = draw_picture(8)
    matrix = matrix_to("arcface_128", placed("arcface_128", face, 20, *place), 128)
    crop = warp(picture, matrix, 128)
    assert crop.shape == (128, 128, 3)
    assert crop.min() >= 0
    assert crop.max() <= 1


def test_a_picture_of_one_pixel() -> None:
    picture = np.array([[[10, 20, 30]]], np.uint8)
    for face in (4, 5000):
        crop = warp(picture, matrix_to("arcface_128", placed("arcface_128", face, 0, 0, 0), 128), 128)
        assert np.allclose(crop, np.array([10, 20, 30]) / 255)


def test_scale_is_crop_pixels_for_a_picture_pixel() -> None:
    assert scale_of(matrix_to("ffhq_512", placed("ffhq_512", 256, 70, 5, 5), 512)) == pytest.approx(2, abs=1e-4)
