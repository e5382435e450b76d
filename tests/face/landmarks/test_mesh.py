"""The carried face mesh on drawn people and on photographs; PFLD beside it where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from converters.face.align import TEMPLATES
from converters.face.detect.registry import open_detector
from converters.face.faces import Detection, Landmarks, Picture, five_of_68
from converters.face.landmarks.base import Landmarker, alignment_points, size_of
from converters.face.landmarks.registry import open_landmarker
from converters.samples import draw_picture

SEEN = (0, 9, 10, 19, 25)
TRUTH = TEMPLATES["arcface_128"] * 128 + 16


@pytest.fixture(scope="module")
def mesh() -> Iterator[Landmarker]:
    with open_landmarker(threads=1) as opened:
        yield opened


def check_plain(found: Landmarks) -> None:
    assert found.points.shape == (68, 2)
    assert found.points.dtype == np.float32
    assert np.isfinite(found.points).all()
    assert type(found.score) is float
    assert 0 <= found.score <= 1


def first_face(picture: Picture) -> Detection:
    with open_detector(threads=1) as detector:
        return detector.detect(picture)[0]


@pytest.mark.parametrize("seed", SEEN)
def test_the_68_points_are_in_ibugs_order(mesh: Landmarker, seed: int) -> None:
    picture = draw_picture(seed)
    found = mesh.landmarks(picture, first_face(picture))
    check_plain(found)
    assert found.score > 0.9
    points = found.points
    jaw, brows, bridge = points[:17], points[17:27], points[27:31]
    assert (np.diff(jaw[:, 0]) > 0).all()  # from ear to ear
    assert jaw[8, 1] == jaw[:, 1].max()  # by way of the chin
    assert (np.diff(brows[:, 0]) > 0).all()
    assert (np.diff(bridge[:, 1]) > 0).all()  # down the nose
    left_eye, right_eye = points[36:42], points[42:48]
    assert left_eye[0, 0] < left_eye[3, 0] < right_eye[0, 0] < right_eye[3, 0]
    for eye in (left_eye, right_eye):
        assert eye[1:3, 1].mean() < eye[4:, 1].mean()  # upper lid, then lower
        assert brows[:, 1].max() < eye[:, 1].mean()
    mouth = points[48:]
    assert mouth[0, 0] == mouth[:, 0].min()
    assert mouth[6, 0] == mouth[:, 0].max()
    upper, lower, inner_upper, inner_lower = (mouth[part, 1] for part in (2, 9, 14, 18))
    assert upper < lower
    assert inner_upper < inner_lower + 1  # closed lips lie on one another
    area = cv2.contourArea(np.concatenate([jaw, brows[::-1]]))
    assert area > 2 * size_of(five_of_68(points)) ** 2  # an outline that does not cross itself


@pytest.mark.parametrize("degrees", [0, 40, 90, 180])
def test_points_turn_with_the_face(mesh: Landmarker, degrees: float) -> None:
    picture = draw_picture(9)
    face = first_face(picture)
    upright = mesh.landmarks(picture, face)
    matrix = cv2.getRotationMatrix2D((127.5, 127.5), -degrees, 1.0)
    tilted = cv2.warpAffine(picture, matrix, (256, 256), borderMode=cv2.BORDER_REPLICATE)
    points = (face.points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    found = mesh.landmarks(tilted, Detection(face.box, face.score, points))
    check_plain(found)
    wanted = upright.points @ matrix[:, :2].T + matrix[:, 2]
    size = size_of(face.points)
    assert np.linalg.norm(found.points - wanted, axis=1).mean() < 0.05 * size
    assert np.linalg.norm(found.points - wanted[::-1], axis=1).mean() > 0.05 * size  # the twin


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (1, 500), (500, 1)])
def test_a_face_that_is_not_there_scores_low(mesh: Landmarker, size: tuple[int, int]) -> None:
    picture = np.full((*size, 3), 30, np.uint8)
    points = (TEMPLATES["arcface_128"] * 60).astype(np.float32)
    found = mesh.landmarks(picture, Detection((0, 0, 60, 60), 0.9, points))
    check_plain(found)
    assert found.score < 0.5


def test_a_face_across_the_border_gives_finite_points(mesh: Landmarker) -> None:
    picture = draw_picture(9)
    face = first_face(picture)
    check_plain(mesh.landmarks(picture[:, 110:], Detection(face.box, face.score, face.points - [110, 0])))


def test_the_picture_must_be_one(mesh: Landmarker) -> None:
    face = first_face(draw_picture(9))
    for wrong in (np.zeros((8, 8, 4), np.uint8), np.zeros((0, 8, 3), np.uint8), np.zeros((8, 8, 3), np.float32)):
        with pytest.raises(ValueError, match="no RGB picture"):
            mesh.landmarks(wrong, face)  # type: ignore[arg-type]


def test_a_result_is_the_callers_own(mesh: Landmarker) -> None:
    picture = draw_picture(9)
    face = first_face(picture)
    first = mesh.landmarks(picture, face)
    copy = first.points.copy()
    mesh.landmarks(draw_picture(19), face)
    assert (first.points == copy).all()


def test_closing(mesh: Landmarker) -> None:
    other = open_landmarker(threads=1)
    other.close()
    other.close()
    with pytest.raises(RuntimeError, match="closed"):
        other.landmarks(draw_picture(9), first_face(draw_picture(9)))
    assert mesh.landmarks(draw_picture(9), first_face(draw_picture(9))).score > 0.9


def test_on_photographs_both_agree_with_the_crops_and_each_other(mesh: Landmarker, shared: Path) -> None:
    paths = sorted((shared / "faces").iterdir())[::30]
    pictures = [np.ascontiguousarray(cv2.imread(str(path))[..., ::-1]) for path in paths]
    with open_detector(threads=1) as detector, open_landmarker(shared / "models" / "pfld.onnx", threads=1) as pfld:
        faces = [(picture, found[0]) for picture in pictures if (found := detector.detect(picture))]
        by_mesh = [mesh.landmarks(picture, face) for picture, face in faces]
        by_pfld = [pfld.landmarks(picture, face) for picture, face in faces]
    assert min(found.score for found in by_mesh) > 0.9
    assert min(found.score for found in by_pfld) > 0.7
    for landmarks in (by_mesh, by_pfld):
        five = [alignment_points(face, found) for (_, face), found in zip(faces, landmarks, strict=True)]
        error = np.linalg.norm(np.array(five) - TRUTH, axis=2).mean() / 1.28
        assert error < 4.0
        assert np.linalg.norm(np.array(five)[:, ::-1] - TRUTH, axis=2).mean() / 1.28 > 4.0  # the twin
    apart = [np.linalg.norm(a.points - b.points, axis=1) / 1.28 for a, b in zip(by_mesh, by_pfld, strict=True)]
    assert np.mean(apart) < 3.0
    mixed = np.random.default_rng(0).permutation(68)
    assert np.mean([np.linalg.norm(a.points[mixed] - a.points, axis=1) / 1.28 for a in by_mesh]) > 3.0
    # point by point: no entry of the table stands for another place
    assert np.mean(apart, axis=0).max() < 6.0
