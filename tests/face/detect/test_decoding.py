"""Every detector's reading of its outputs, through the whole road from a file to faces in a picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from converters.errors import UnsupportedError
from converters.face.detect.registry import open_detector
from converters.face.faces import Detection
from tests.face.detect.encoded import (
    Known,
    Outputs,
    always,
    insightface,
    retinaface_mobilenet,
    ultraface,
    yolo_face,
    yunet,
)

CANVAS = (640, 640)
FACES = (Known((101.5, 80.25, 171.0, 170.0), 0.9), Known((301.0, 200.0, 352.0, 270.5), 0.8))
ENCODERS: dict[str, Callable[..., Outputs]] = {
    "scrfd": insightface,
    "retinaface": insightface,
    "yunet": yunet,
    "yunet_n": yunet,
    "yolo_face": yolo_face,
    "retinaface_mobilenet0.25": retinaface_mobilenet,
    "ultraface_rfb_320": ultraface,
    "ultraface_slim_320": ultraface,
}
# 720p on a canvas of 640: 640 x 360, two picture pixels for one of the canvas
PICTURE = np.zeros((720, 1280, 3), np.uint8)


def canvas_of(family: str) -> tuple[int, int]:
    return (240, 320) if "ultraface" in family else CANVAS


def found(family: str, outputs: Outputs, folder: Path, **options: object) -> tuple[Detection, ...]:
    height, width = canvas_of(family)
    path = always(folder / "model.onnx", (1, 3, height, width), outputs)
    with open_detector(path, family=family, threads=1, **options) as detector:  # type: ignore[arg-type]
        return detector.detect(PICTURE)


def faces_for(family: str) -> tuple[Known, ...]:
    if "ultraface" not in family:
        return FACES
    return tuple(Known(tuple(value / 2.5 for value in face.box), face.score) for face in FACES)  # type: ignore[arg-type]


def in_picture(values: np.ndarray, family: str) -> np.ndarray:
    """UltraFace squeezes 1280 x 720 into 320 x 240."""
    scale = np.array([4.0, 3.0]) if "ultraface" in family else np.array([2.0, 2.0])
    return (values.reshape(-1, 2) + 0.5) * scale - 0.5


def largest_error(family: str, faces: tuple[Detection, ...]) -> float:
    assert len(faces) == 2
    errors = []
    for known, face in zip(faces_for(family), faces, strict=True):
        errors.append(np.abs(in_picture(np.array(known.box), family) - np.array(face.box).reshape(2, 2)).max())
        if "ultraface" not in family:
            errors.append(np.abs(in_picture(known.points, family) - face.points).max())
        errors.append(abs(known.score - face.score) * 100)
    return float(max(errors))


@pytest.mark.parametrize("family", ENCODERS)
def test_known_faces_come_back(family: str, tmp_path: Path) -> None:
    outputs = ENCODERS[family](faces_for(family), canvas_of(family))
    assert largest_error(family, found(family, outputs, tmp_path)) < 0.02


@pytest.mark.parametrize("family", ENCODERS)
def test_faces_a_stride_away_do_not_pass_for_known_ones(family: str, tmp_path: Path) -> None:
    """The twin of the test above: one box off by eight canvas pixels."""
    first, second = faces_for(family)
    left, top, right, bottom = second.box
    moved = Known((left + 8, top, right + 8, bottom), second.score)
    outputs = ENCODERS[family]((first, moved), canvas_of(family))
    assert largest_error(family, found(family, outputs, tmp_path)) > 8


@pytest.mark.parametrize("family", ["scrfd", "yunet", "yolo_face", "retinaface_mobilenet0.25", "ultraface_rfb_320"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
def test_numbers_that_are_none_give_no_faces(family: str, value: float, tmp_path: Path) -> None:
    outputs = ENCODERS[family](faces_for(family), canvas_of(family))
    scores = {"score", "cls", "obj", "conf", "scores"}
    for name, values in outputs.items():
        if family == "yolo_face":
            values[0, :4] = value
        elif name.split("_")[0] not in scores:
            values[...] = value
    assert found(family, outputs, tmp_path) == ()
    for values in outputs.values():
        values[...] = np.nan
    assert found(family, outputs, tmp_path) == ()


@pytest.mark.parametrize("family", ["yunet", "retinaface_mobilenet0.25"])
def test_sizes_beyond_any_picture_are_dropped_without_overflow(family: str, tmp_path: Path) -> None:
    outputs = ENCODERS[family](FACES, CANVAS)
    outputs["bbox_16" if family == "yunet" else "loc"][..., 2:] = 1e30
    assert found(family, outputs, tmp_path) == ()


@pytest.mark.parametrize("family", ENCODERS)
def test_a_threshold_leaves_the_certain_ones(family: str, tmp_path: Path) -> None:
    outputs = ENCODERS[family](faces_for(family), canvas_of(family))
    assert [round(face.score, 2) for face in found(family, outputs, tmp_path, threshold=0.85)] == [0.9]
    assert found(family, outputs, tmp_path, threshold=0.95) == ()


@pytest.mark.parametrize("family", ENCODERS)
def test_other_outputs_are_refused(family: str, tmp_path: Path) -> None:
    outputs = ENCODERS[family](faces_for(family), canvas_of(family))
    name = next(iter(outputs))
    fewer = {key: values[:, :-1] if key == name else values for key, values in outputs.items()}
    with pytest.raises(UnsupportedError, match=r"model\.onnx does not have the outputs of"):
        found(family, fewer, tmp_path)


def test_ultraface_conversions_that_leave_offsets_are_read_too(tmp_path: Path) -> None:
    """Some published conversions leave the last step to the program: offsets from priors, spread over the canvas."""
    known = faces_for("ultraface_rfb_320")
    outputs = ultraface(known, (240, 320))
    generator = np.random.default_rng(0)
    outputs["boxes"] = generator.normal(0, 1, outputs["boxes"].shape).astype(np.float32)
    outputs["scores"][...] = 1, 0
    # stride 32: 10 x 8 cells after 40 x 30 x 3 and 20 x 15 x 2 rows; cells 32 wide, 240 / 8 = 30 high; sides 64, 96
    for face in known:
        column, row = int(face.middle[0] // 32), int(face.middle[1] // 30)
        at = 40 * 30 * 3 + 20 * 15 * 2 + (row * 10 + column) * 2
        place = np.array([(column + 0.5) * 32, (row + 0.5) * 30])
        offsets = (face.middle + 0.5 - place) / 64 / 0.1
        outputs["boxes"][0, at] = np.concatenate([offsets, np.log(face.size / 64) / 0.2])
        outputs["scores"][0, at] = 1 - face.score, face.score
    assert largest_error("ultraface_rfb_320", found("ultraface_rfb_320", outputs, tmp_path)) < 0.02
