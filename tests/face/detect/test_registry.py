"""Opening detectors: what is refused, in which words, and that nothing stays open."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from converters.errors import BadInputError, StudioError, UnsupportedError, UsageError
from converters.face.detect.registry import DETECTORS, open_detector
from converters.face.landmarks.registry import LANDMARKERS
from converters.model.families import families
from tests.face.detect.encoded import Known, always, yolo_face


def test_every_family_that_detects_or_landmarks_has_a_backend() -> None:
    kinds = {"detector": DETECTORS, "landmarker": LANDMARKERS}
    missing = [known.id for known in families().values() if known.kind in kinds and known.id not in kinds[known.kind]]
    assert not missing


@pytest.mark.parametrize(
    ("options", "kind", "sentence"),
    [
        ({"family": "blazeface_bak"}, UsageError, "Did you mean 'blazeface_back'"),
        ({"family": "scrfd"}, UsageError, "brings no scrfd along"),
        ({"angles": (45,)}, UsageError, "Angles: 0, 90, 180, 270"),
        ({"angles": ()}, UsageError, "Angles"),
        ({"threshold": 1.5}, UsageError, "least score of a face cannot be 1.5"),
        ({"overlap": -1.0}, UsageError, "largest overlap"),
        ({"canvas": (320, 320)}, UsageError, "has a canvas of its own"),
        ({"model": Path("no such file.onnx")}, BadInputError, "no such file"),
    ],
)
def test_what_makes_no_sense_is_said(options: dict[str, object], kind: type[StudioError], sentence: str) -> None:
    with pytest.raises(kind, match=sentence):
        open_detector(**options)  # type: ignore[arg-type]


def test_a_model_that_finds_no_faces_is_refused(tmp_path: Path) -> None:
    path = always(tmp_path / "other.onnx", (1, 3, 32, 32), {"output": np.zeros((1, 7), np.float32)})
    with pytest.raises(UnsupportedError, match=r"other\.onnx finds no faces\. It belongs to no family known here\."):
        open_detector(path)


def test_a_model_of_another_kind_is_called_by_its_name(shared: Path) -> None:
    sentence = r"pfld\.onnx finds no faces\. It is a landmarker \(PFLD 68 landmarks\)\. Detectors: "
    with pytest.raises(UnsupportedError, match=sentence):
        open_detector(shared / "models" / "pfld.onnx")


def test_closing_twice_is_harmless_and_frees_the_model(tmp_path: Path) -> None:
    face = Known((10, 10, 60, 70), 0.9)
    path = always(tmp_path / "model.onnx", (1, 3, 640, 640), yolo_face([face], (640, 640)))
    detector = open_detector(path, family="yolo_face", threads=1)
    picture = np.zeros((64, 64, 3), np.uint8)
    assert len(detector.detect(picture)) == 1
    detector.close()
    detector.close()
    with pytest.raises(RuntimeError, match="closed"):
        detector.detect(picture)


@pytest.mark.parametrize("wrong", [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 4), np.uint8), np.zeros((8, 8, 3))])
def test_arrays_that_are_no_pictures_are_a_bug(wrong: np.ndarray) -> None:
    with open_detector(threads=1) as detector, pytest.raises(ValueError, match="no RGB picture"):
        detector.detect(wrong)
