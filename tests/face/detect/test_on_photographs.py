"""Every detector there are weights for, on photographs: who is found, and how exactly. Skipped without them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from converters.face.align import TEMPLATES
from converters.face.detect.base import Detector
from converters.face.detect.registry import open_detector
from converters.face.faces import Picture

# The crops' middle 128 pixels are framed by this template; real faces deviate from it by some percent.
TRUTH = TEMPLATES["arcface_128"] * 128 + 16
MODELS = {
    "blazeface_back": None,
    "blazeface_full_range": None,
    "retinaface_mobilenet0.25": "retinaface_mobilenet0.25.pth",
    "yunet_n": "yunet_n_dynamic.onnx",
    "ultraface_rfb_320": "ultraface_version-RFB-320.onnx",
}
# faces at least in the four group photographs; mean distance of points from the template at most, % of the crop
EXPECTED = {
    "blazeface_back": ((5, 9, 10, 70), 3.2),
    "blazeface_full_range": ((4, 9, 10, 40), 3.4),
    "retinaface_mobilenet0.25": ((5, 9, 10, 70), 4.0),
    "yunet_n": ((5, 9, 10, 70), 3.5),
    "ultraface_rfb_320": ((5, 9, 10, 50), 6.5),
}
MARGIN = np.array([-40, -40, 40, 40])


def read(path: Path) -> Picture:
    return np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])


@pytest.fixture(scope="module")
def opening(shared: Path) -> Callable[..., Detector]:
    def open_one(name: str, **options: object) -> Detector:
        path = shared / "models" / MODELS[name] if MODELS[name] else None
        return open_detector(path, family=name, threads=1, **options)  # type: ignore[arg-type]

    return open_one


@pytest.mark.parametrize("name", MODELS)
def test_groups_and_crops(name: str, opening: Callable[..., Detector], shared: Path) -> None:
    least, most_error = EXPECTED[name]
    crops = [read(path) for path in sorted((shared / "faces").iterdir())[::38]]
    with opening(name) as detector:
        groups = [detector.detect(read(path)) for path in sorted((shared / "photos").glob("group_*"))]
        for found, expected in zip(groups, least, strict=True):
            assert expected <= len(found) <= expected * 1.4
        faces = [detector.detect(crop) for crop in crops]
    seen = [found[0] for found in faces if found]
    assert len(seen) >= 0.93 * len(crops)
    errors = np.array([np.linalg.norm(face.points - TRUTH, axis=1).mean() / 1.28 for face in seen])
    assert errors.mean() < most_error
    shifted = np.array([np.linalg.norm(face.points + 8 - TRUTH, axis=1).mean() / 1.28 for face in seen])
    assert shifted.mean() > most_error  # the twin: eight pixels of the crop are seen


def test_the_default_finds_one_face_in_each_portrait_at_any_tilt(
    opening: Callable[..., Detector], shared: Path
) -> None:
    with opening("blazeface_back") as detector:
        for path in sorted((shared / "photos").glob("portrait_*"))[::3]:
            picture = read(path)
            (upright,) = detector.detect(picture)
            height, width = picture.shape[:2]
            for degrees in (30, 60, 90):
                middle = ((width - 1) / 2, (height - 1) / 2)
                matrix = cv2.getRotationMatrix2D(middle, degrees, 1)
                tilted = cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
                faces = detector.detect(tilted)
                assert faces, f"{path.name} at {degrees}"
                wanted = upright.points @ matrix[:, :2].T + matrix[:, 2]
                size = np.linalg.norm(wanted[1] - wanted[0])
                assert np.linalg.norm(faces[0].points - wanted, axis=1).mean() < 0.4 * size


def test_where_faces_are_painted_over_none_is_found(opening: Callable[..., Detector], shared: Path) -> None:
    with opening("blazeface_back", threshold=0.3) as finder:
        for path in sorted((shared / "photos").glob("portrait_*"))[::4]:
            picture = read(path)
            assert finder.detect(picture)
            for face in finder.detect(picture):
                left, top, right, bottom = np.clip(np.array(face.box, int) + MARGIN, 0, None)
                part = picture[top:bottom, left:right]
                part[...] = part.mean(axis=(0, 1)).astype(np.uint8)
            with opening("blazeface_back") as detector:
                assert detector.detect(picture) == ()


@pytest.mark.parametrize("size", [(320, 320), (384, 640)])
def test_a_model_with_free_axes_takes_another_canvas(
    size: tuple[int, int], opening: Callable[..., Detector], shared: Path
) -> None:
    crop = read(sorted((shared / "faces").iterdir())[3])
    with opening("yunet_n") as usual, opening("yunet_n", canvas=size) as other:
        first, second = usual.detect(crop)[0], other.detect(crop)[0]
    assert np.abs(first.points - second.points).max() < 0.5  # never enlarged: the same pixels on another canvas
    assert np.abs(first.points - second.points[::-1]).max() > 0.5


def test_a_peers_conversion_finds_the_same_faces(opening: Callable[..., Detector], shared: Path) -> None:
    """The authors' own .mnn leaves boxes as offsets from priors."""
    picture = read(shared / "photos" / "group_16.jpg")
    mnn = shared / "models" / "ultraface_RFB-320.mnn"
    with opening("ultraface_rfb_320") as ours, open_detector(mnn, family="ultraface_rfb_320", threads=1) as theirs:
        first, second = ours.detect(picture), theirs.detect(picture)
    assert len(first) == len(second) == 9
    assert np.abs(np.array([face.box for face in first]) - [face.box for face in second]).max() < 0.1
