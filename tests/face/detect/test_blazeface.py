"""The carried detectors on drawn people, on no people, at every edge."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from converters.builtin import DEMO_GALLERY
from converters.face.detect.base import Detector
from converters.face.detect.blazeface import five_of_six
from converters.face.detect.registry import CARRIED, open_detector
from converters.face.detect.suppression import overlaps
from converters.face.faces import Detection, Picture
from converters.samples import draw_picture, read_pictures

# Drawn people are no portraits; these are seen by every one of the carried models.
SEEN = (0, 9, 10, 19, 25)
SIDE = 256


@pytest.fixture(scope="module")
def detector() -> Iterator[Detector]:
    with open_detector(threads=1) as opened:
        yield opened


def frame_with(seed: int, left: int, top: int, scale: float = 1.0, size: tuple[int, int] = (480, 640)) -> Picture:
    frame = np.full((*size, 3), 118, np.uint8)
    side = round(SIDE * scale)
    person = cv2.resize(draw_picture(seed), (side, side), interpolation=cv2.INTER_AREA)
    frame[top : top + side, left : left + side] = person
    return frame


def check_plain(faces: tuple[Detection, ...]) -> None:
    """Finite numbers of plain kinds, best first."""
    assert [face.score for face in faces] == sorted((face.score for face in faces), reverse=True)
    for face in faces:
        assert [type(value) for value in (*face.box, face.score)] == [float] * 5
        assert np.isfinite(face.box).all()
        assert 0 <= face.score <= 1
        assert face.points.shape == (5, 2)
        assert face.points.dtype == np.float32
        assert np.isfinite(face.points).all()
        assert face.area > 0


@pytest.mark.parametrize("family", CARRIED)
@pytest.mark.parametrize("seed", SEEN)
def test_a_drawn_face_is_found_and_its_points_are_in_order(family: str, seed: int) -> None:
    with open_detector(family=family, threads=1) as detector:
        faces = detector.detect(draw_picture(seed))
    check_plain(faces)
    assert len(faces) == 1
    left, right, nose, mouth_left, mouth_right = faces[0].points
    assert left[0] < nose[0] < right[0]
    assert mouth_left[0] < nose[0] < mouth_right[0]
    assert max(left[1], right[1]) < nose[1] < min(mouth_left[1], mouth_right[1])
    box_left, top, box_right, bottom = faces[0].box
    assert (faces[0].points > [box_left, top]).all()
    assert (faces[0].points < [box_right, bottom]).all()


@pytest.mark.parametrize("seed", SEEN)
def test_points_follow_where_the_face_goes(detector: Detector, seed: int) -> None:
    first = detector.detect(frame_with(seed, 40, 60))[0]
    moved = detector.detect(frame_with(seed, 330, 190))[0]
    assert np.abs(moved.points - first.points - [290, 130]).max() < 6
    assert np.abs(moved.points - first.points - [290, 117]).max() > 6  # the twin: thirteen pixels are seen
    doubled = detector.detect(cv2.resize(frame_with(seed, 40, 60), None, fx=2, fy=2))[0]
    assert np.abs((doubled.points + 0.5) / 2 - 0.5 - first.points).max() < 6


def test_two_people_are_two_faces(detector: Detector) -> None:
    frame = frame_with(9, 20, 100)
    frame[150:406, 340:596] = draw_picture(28)
    faces = detector.detect(frame)
    check_plain(faces)
    assert sorted(face.points[2, 0] > 320 for face in faces) == [False, True]


def test_a_small_face_in_a_large_picture_is_found_in_its_parts() -> None:
    frame = frame_with(28, 1700, 800, 0.45, (1080, 1920))
    with open_detector(threads=1, tiled=False) as detector:
        assert detector.detect(frame) == ()
    with open_detector(threads=1) as detector:
        faces = detector.detect(frame)
    check_plain(faces)
    assert len(faces) == 1
    assert np.abs(faces[0].points.mean(axis=0) - [1757, 860]).max() < 15


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_lying_head_is_found_at_the_angle_that_raises_it(turns: int) -> None:
    upright = frame_with(9, 150, 90)
    lying = np.ascontiguousarray(np.rot90(upright, turns))  # counter-clockwise
    height, width = upright.shape[:2]
    with open_detector(threads=1) as detector:
        points = detector.detect(upright)[0].points
    for _ in range(turns):
        points = np.column_stack([points[:, 1], width - 1 - points[:, 0]])
        height, width = width, height
    with open_detector(threads=1, angles=(90 * turns,)) as detector:
        faces = detector.detect(lying)
    check_plain(faces)
    assert np.abs(faces[0].points - points).max() < 0.01
    assert np.abs(faces[0].points[::-1] - points).max() > 10  # the twin: the order is the face's own


def test_several_angles_still_give_one_face() -> None:
    with open_detector(threads=1, angles=(0, 90, 180, 270)) as detector:
        assert detector.overlap == 0.1
        faces = detector.detect(np.ascontiguousarray(np.rot90(frame_with(9, 150, 90))))
    check_plain(faces)
    assert len(faces) == 1


@pytest.mark.parametrize("family", CARRIED)
@pytest.mark.parametrize("size", [(1, 1), (8, 8), (1, 3000), (3000, 1), (5, 64), (720, 1280)])
@pytest.mark.parametrize("value", [0, 128, 255])
def test_where_there_is_no_face_none_is_found(family: str, size: tuple[int, int], value: int) -> None:
    with open_detector(family=family, threads=1, angles=(0, 90)) as detector:
        assert detector.detect(np.full((*size, 3), value, np.uint8)) == ()


def test_an_empty_picture_has_no_faces(detector: Detector) -> None:
    assert detector.detect(np.zeros((0, 10, 3), np.uint8)) == ()


def test_noise_gives_plain_numbers(detector: Detector) -> None:
    generator = np.random.default_rng(0)
    for _ in range(3):
        check_plain(detector.detect(generator.integers(0, 256, (300, 400, 3), dtype=np.uint8)))


def test_a_grey_picture_has_a_face_in_the_same_place(detector: Detector) -> None:
    colour = frame_with(9, 150, 90)
    grey = cv2.cvtColor(cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    seen, faces = detector.detect(colour)[0], detector.detect(grey)
    check_plain(faces)
    assert len(faces) == 1
    boxes = np.array([faces[0].box, seen.box], np.float32)
    assert overlaps(boxes[0], boxes[1:]) > 0.6
    assert overlaps(boxes[0], boxes[1:] + 60) < 0.6  # the twin


def test_a_face_cut_by_the_border_keeps_its_place(detector: Detector) -> None:
    frame = frame_with(9, 150, 90)
    whole = detector.detect(frame)[0]
    cut = round(whole.box[0] + 0.12 * (whole.box[2] - whole.box[0]))
    faces = detector.detect(frame[:, cut:])
    check_plain(faces)
    assert len(faces) == 1
    assert np.abs(faces[0].points + np.array([cut, 0]) - whole.points).max() < 10


def test_views_that_are_not_contiguous_are_as_good(detector: Detector) -> None:
    frame = frame_with(9, 150, 90)
    wide = np.zeros((480, 1280, 3), np.uint8)
    wide[:, ::2] = frame
    assert detector.detect(wide[:, ::2])[0].box == detector.detect(frame)[0].box


def test_the_same_picture_gives_the_same_faces_whatever_came_before(detector: Detector) -> None:
    frame = frame_with(10, 150, 90)
    first = detector.detect(frame)
    detector.detect(np.full((600, 50, 3), 200, np.uint8))
    second = detector.detect(frame)
    assert first[0].box == second[0].box
    assert (first[0].points == second[0].points).all()
    first[0].points[:] = 0  # a result is the caller's own
    assert (detector.detect(frame)[0].points == second[0].points).all()


def test_mouth_corners_lie_along_the_eyes() -> None:
    six = np.array([[[10, 10], [20, 20], [12, 18], [10, 25], [0, 0], [0, 0]]], np.float32)
    five = five_of_six(six)[0]
    assert five[3:].mean(axis=0) == pytest.approx([10, 25])
    direction = five[4] - five[3]
    assert direction[0] == pytest.approx(direction[1])
    assert direction[0] == pytest.approx(8.2)


def test_every_portrait_of_the_gallery_has_one_face(detector: Detector) -> None:
    portraits = read_pictures(DEMO_GALLERY, 100)
    counts = {name: len(detector.detect(picture)) for name, picture in portraits}
    assert counts == dict.fromkeys(counts, 1)
