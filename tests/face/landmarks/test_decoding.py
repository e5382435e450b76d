"""Every landmarker's crop and reading, through files that always answer the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from converters.errors import StudioError, UnsupportedError, UsageError
from converters.face.align import inverse, transform
from converters.face.faces import Detection
from converters.face.landmarks.base import Landmarker, agreement, face_square, usual_68
from converters.face.landmarks.heatmaps import HeatmapLandmarker
from converters.face.landmarks.pfld import IBUG_OF_98
from converters.face.landmarks.registry import open_landmarker
from converters.face.landmarks.usual_points import USUAL_68
from tests.face.detect.encoded import always
from tests.face.landmarks.test_geometry import FACE, turned

PICTURE = np.full((400, 600, 3), 90, np.uint8)
UPRIGHT = Detection((130.0, 90.0, 230.0, 240.0), 0.9, FACE + 100)
# lying to the right: turned a quarter clockwise around the origin, and back into the picture
LYING = Detection((250.0, 130.0, 400.0, 230.0), 0.9, turned(FACE, 90) + np.array([400, 50], np.float32))


def crop_points(side: int) -> np.ndarray:
    """Different points inside a crop."""
    return np.random.default_rng(0).uniform(0.2, 0.8, (68, 2)) * side


def fan_outputs(points: np.ndarray, peak: float, *, heatmaps: bool) -> dict[str, np.ndarray]:
    """Points of a crop of 256 as 2DFAN writes them: on a grid of 64, with scores; and its heat maps."""
    rows = np.column_stack([points / 4, np.full(68, peak)]).astype(np.float32)[None]
    if not heatmaps:
        return {"output": rows}
    maps = np.zeros((1, 68, 64, 64), np.float32)
    for number, (x, y) in enumerate((points / 4).astype(int)):
        maps[0, number, y, x] = peak
    return {"landmarks_xyscore": rows, "heatmaps": maps}


def opened(folder: Path, family: str, outputs: dict[str, np.ndarray]) -> Landmarker:
    shape = (1, 3, 112, 112) if "pfld" in family else (1, 3, 256, 256)
    return open_landmarker(always(folder / "model.onnx", shape, outputs), family=family, threads=1)


def facefusion_place(points: np.ndarray, box: tuple[float, ...], quarter_turns: int) -> np.ndarray:
    """Where crop points lie in the picture: longest side 195 of 256, box centred, turned in quarters."""
    left, top, right, bottom = box
    scale = 195 / max(right - left, bottom - top)
    away = (points - 127.5) / scale
    for _ in range(quarter_turns):
        away = np.column_stack([-away[:, 1], away[:, 0]])
    return away + np.array([left + right, top + bottom]) / 2


@pytest.mark.parametrize(("family", "heatmaps", "sure"), [("2dfan4", True, 0.9), ("peppa_wutz", False, 0.95)])
@pytest.mark.parametrize(("detection", "turns"), [(UPRIGHT, 0), (LYING, 1)])
def test_heatmap_models_read_as_facefusion_does(
    family: str, heatmaps: bool, sure: float, detection: Detection, turns: int, tmp_path: Path
) -> None:
    points = crop_points(256)
    with opened(tmp_path, family, fan_outputs(points, 0.6, heatmaps=heatmaps)) as landmarker:
        found = landmarker.landmarks(PICTURE, detection)
    wanted = facefusion_place(points, detection.box, turns)
    assert found.points.dtype == np.float32
    assert np.abs(found.points - wanted).max() < 0.01
    assert found.score == pytest.approx(0.6 / sure)
    # the twin: another quarter, and another box, are seen
    assert np.abs(found.points - facefusion_place(points, detection.box, turns + 1)).max() > 5
    left, top, right, bottom = detection.box
    assert np.abs(found.points - facefusion_place(points, (left, top, right + 20, bottom + 20), turns)).max() > 5


def test_a_score_never_leaves_0_to_1(tmp_path: Path) -> None:
    with opened(tmp_path, "2dfan4", fan_outputs(crop_points(256), 7.0, heatmaps=True)) as landmarker:
        assert landmarker.landmarks(PICTURE, UPRIGHT).score == 1


def test_only_dark_crops_get_more_contrast(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    noise = generator.uniform(0, 1, (256, 256, 3)).astype(np.float32)
    with opened(tmp_path, "2dfan4", fan_outputs(crop_points(256), 0.6, heatmaps=True)) as landmarker:
        assert isinstance(landmarker, HeatmapLandmarker)
        bright = noise * np.float32(0.5)
        assert landmarker._prepared(bright) is bright
        dark = noise * np.float32(0.08)
        raised = landmarker._prepared(dark)
    assert raised.dtype == np.float32
    assert raised.mean() > 1.5 * dark.mean()
    assert 0 <= raised.min() <= raised.max() <= 1


@pytest.mark.parametrize("detection", [UPRIGHT, LYING])
@pytest.mark.parametrize("family", ["pfld", "pfld_98"])
def test_pfld_gives_fractions_of_an_upright_square(family: str, detection: Detection, tmp_path: Path) -> None:
    wanted = usual_68(detection.points)
    matrix = face_square(detection.points, 2.8, 0.45, 112)
    fractions = (transform(wanted, matrix) + 0.5) / 112
    if family == "pfld_98":
        all_98 = np.full((98, 2), 0.9, np.float32)
        all_98[IBUG_OF_98] = fractions
        fractions = all_98
    with opened(tmp_path, family, {"output": fractions.reshape(1, -1).astype(np.float32)}) as landmarker:
        found = landmarker.landmarks(PICTURE, detection)
    assert np.abs(found.points - wanted).max() < 0.01
    assert found.score == pytest.approx(agreement(wanted, detection.points), abs=1e-4)
    assert found.score > 0.9
    assert np.abs(transform(fractions[:68] * 112, inverse(matrix)) - wanted).max() > 0.1  # the twin: half a pixel


def test_points_far_from_the_face_are_not_trusted(tmp_path: Path) -> None:
    corner = np.full((1, 136), 0.02, np.float32)
    with opened(tmp_path, "pfld", {"output": corner}) as landmarker:
        assert landmarker.landmarks(PICTURE, UPRIGHT).score < 0.5


def test_68_of_5_are_laid_over_the_template(tmp_path: Path) -> None:
    path = always(tmp_path / "model.onnx", (1, 5, 2), {"output": USUAL_68[None].copy()})
    with open_landmarker(path, family="fan_68_5", threads=1) as landmarker:
        found = landmarker.landmarks(PICTURE, LYING)
    assert np.abs(found.points - usual_68(LYING.points)).max() < 0.01
    assert np.abs(found.points - usual_68(UPRIGHT.points)).max() > 10  # the twin
    assert found.score == 0  # five of these are no better than the detector's


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
@pytest.mark.parametrize("family", ["2dfan4", "pfld"])
def test_a_broken_model_gives_the_usual_points_and_no_trust(family: str, value: float, tmp_path: Path) -> None:
    outputs = (
        fan_outputs(crop_points(256), 0.6, heatmaps=True)
        if family == "2dfan4"
        else {"output": np.zeros((1, 136), np.float32)}
    )
    next(iter(outputs.values()))[..., :2] = value
    with opened(tmp_path, family, outputs) as landmarker:
        found = landmarker.landmarks(PICTURE, UPRIGHT)
    assert found.score == 0
    assert (found.points == usual_68(UPRIGHT.points)).all()


@pytest.mark.parametrize("family", ["2dfan4", "peppa_wutz", "pfld", "fan_68_5"])
def test_other_outputs_are_refused(family: str, tmp_path: Path) -> None:
    shape = {"pfld": (1, 3, 112, 112), "fan_68_5": (1, 5, 2)}.get(family, (1, 3, 256, 256))
    path = always(tmp_path / "model.onnx", shape, {"output": np.zeros((1, 67, 3), np.float32)})
    with pytest.raises(UnsupportedError, match=r"model\.onnx does not "):
        open_landmarker(path, family=family, threads=1)


@pytest.mark.parametrize(
    ("options", "kind", "sentence"),
    [
        ({"family": "pfld"}, UsageError, "There is no landmarker 'pfld'"),
        ({"model": Path("x.onnx"), "family": "2dfan"}, UsageError, "Did you mean '2dfan4'"),
    ],
)
def test_what_makes_no_sense_is_said(options: dict[str, object], kind: type[StudioError], sentence: str) -> None:
    with pytest.raises(kind, match=sentence):
        open_landmarker(**options)  # type: ignore[arg-type]


def test_a_model_that_finds_no_landmarks_is_refused(tmp_path: Path) -> None:
    path = always(tmp_path / "other.onnx", (1, 3, 32, 32), {"output": np.zeros((1, 7), np.float32)})
    with pytest.raises(UnsupportedError, match=r"other\.onnx finds no landmarks\. It belongs to no family known here"):
        open_landmarker(path)
