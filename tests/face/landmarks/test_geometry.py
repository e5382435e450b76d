"""Squares around faces, rolls, and the usual places of 68 points."""

from __future__ import annotations

import numpy as np
import pytest

from converters.errors import BadInputError
from converters.face.align import TEMPLATES, scale_of, transform
from converters.face.faces import Detection, Landmarks, five_of_68
from converters.face.landmarks.base import (
    GOOD,
    agreement,
    alignment_points,
    face_square,
    roll,
    size_of,
    square,
    usual_68,
)
from converters.face.landmarks.mesh_points import IBUG_68
from converters.face.landmarks.pfld import IBUG_OF_98
from converters.face.landmarks.usual_points import USUAL_68

FACE = (TEMPLATES["arcface_128"] * 100 + [30, 20]).astype(np.float32)
# iBUG's order mirrored: what was on the left is on the right
MIRROR = [
    *range(16, -1, -1),
    *range(26, 16, -1),
    *(27, 28, 29, 30, 35, 34, 33, 32, 31, 45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),
    *(54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65),
]


def turned(points: np.ndarray, degrees: float, scale: float = 1.0) -> np.ndarray:
    """Clockwise on the screen, around the origin."""
    angle = np.deg2rad(degrees)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (points @ turn.T).astype(np.float32)


@pytest.mark.parametrize("degrees", [0, 20, 90, -90, 135, 179])
def test_roll_is_the_clockwise_turn(degrees: float) -> None:
    upright = roll(FACE)
    assert abs(np.rad2deg(upright)) < 1
    assert np.rad2deg(roll(turned(FACE, degrees)) - upright) == pytest.approx(degrees, abs=0.01)


def test_roll_of_a_profile_comes_from_eyes_to_mouth() -> None:
    profile = FACE.copy()
    profile[:, 0] = profile[2, 0]  # both eyes in one place
    assert abs(np.rad2deg(roll(profile))) < 1


@pytest.mark.parametrize("degrees", [0, 33, 90, 200])
def test_a_turned_face_lies_upright_in_its_square(degrees: float) -> None:
    upright = transform(FACE, face_square(FACE, 3.0, 0.5, 192))
    points = turned(FACE, degrees, 2.5) + 400
    lying = transform(points, face_square(points, 3.0, 0.5, 192))
    assert np.abs(lying - upright).max() < 0.05
    assert np.abs(transform(points, face_square(FACE, 3.0, 0.5, 192)) - upright).max() > 10  # the twin


def test_a_squares_edges_lie_on_the_crops_edges() -> None:
    matrix = square(np.array([50.0, 60.0]), 40, 0, 80)
    corners = transform(np.array([[30, 40], [70, 80]], np.float32), matrix)
    assert corners.tolist() == [[-0.5, -0.5], [79.5, 79.5]]
    assert scale_of(matrix) == 2


def test_size_does_not_shrink_with_a_turned_head() -> None:
    profile, nodding = FACE.copy(), FACE.copy()
    profile[:, 0] = profile[2, 0]
    nodding[:, 1] = nodding[:2, 1].mean()
    assert size_of(profile) == pytest.approx(size_of(FACE), rel=0.12)
    assert size_of(nodding) == pytest.approx(size_of(FACE), rel=0.12)


def test_usual_points_are_a_symmetric_face_over_the_template() -> None:
    assert USUAL_68.shape == (68, 2)
    mirrored = USUAL_68[MIRROR] * [-1, 1] + [1, 0]
    assert np.abs(USUAL_68 - mirrored).max() < 1e-6
    assert np.abs(five_of_68(USUAL_68) - TEMPLATES["ffhq_512"]).max() < 0.02
    assert np.abs(five_of_68(USUAL_68[::-1]) - TEMPLATES["ffhq_512"]).max() > 0.1  # the twin


def test_usual_points_go_with_the_face() -> None:
    points = turned(FACE, 70, 1.7) + 300
    assert np.abs(usual_68(points) - (turned(usual_68(FACE), 70, 1.7) + 300)).max() < 0.05
    assert np.linalg.norm(five_of_68(usual_68(FACE)) - FACE, axis=1).max() < 6
    with pytest.raises(BadInputError):
        usual_68(np.zeros((5, 2), np.float32))


@pytest.mark.parametrize(("table", "most"), [(IBUG_68, 468), (IBUG_OF_98, 98)])
def test_tables_name_68_different_points(table: np.ndarray, most: int) -> None:
    assert table.shape == (68,)
    assert len(set(table.tolist())) == 68
    assert table.min() >= 0
    assert table.max() < most


@pytest.mark.parametrize(("score", "takes"), [(0.0, False), (GOOD, False), (0.51, True), (1.0, True)])
def test_landmarks_align_where_they_are_good(score: float, takes: bool) -> None:
    detection = Detection((30, 20, 130, 120), 0.9, FACE)
    points = usual_68(FACE + 3)
    chosen = alignment_points(detection, Landmarks(points, score))
    assert (chosen == (five_of_68(points) if takes else FACE)).all()
    assert alignment_points(detection, None) is detection.points


def test_agreement_falls_with_distance() -> None:
    points = usual_68(FACE)
    near, far = agreement(points, FACE), agreement(points + size_of(FACE) * 0.6, FACE)
    assert near > 0.9
    assert far < GOOD < near
