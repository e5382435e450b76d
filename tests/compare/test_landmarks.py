"""Landmark displacement of drawn faces: from the drawings themselves, and through a whole comparison."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from converters.compare.comparison import Comparison
from converters.compare.engine import ReportFiles, Request, compare
from converters.compare.landmarks import FaceLandmarks, detection_of
from converters.compare.text import as_text
from converters.errors import UnsupportedError
from converters.face.align import TEMPLATES
from converters.measure.pictures import Values
from converters.pictures import write_picture
from tests.compare.pages import Page
from tests.face.nets import small_swapper
from tests.measure.drawn import blurred, portrait

pytest.importorskip("ai_edge_litert")

SIDE, STEP, FACES = 128, 2, 4
# of drawn portraits at this side, outer eye corner to outer eye corner: 43 to 53 pixels
EXPECTED = STEP / 47
NO_FACE = "grey.png"


def write(path: Path, step: int = 0, keep: float = 1.0) -> Path:
    """Write a swapper of a known family that gives keep * its target, `step` pixels to the right."""
    proto = small_swapper()
    drawn = next(node for node in proto.graph.node if "output" in node.output)
    drawn.output[0] = "drawn"
    node = helper.make_node
    proto.graph.node.extend(
        [
            node("Mul", ["drawn", "nothing"], ["black"]),
            node("Pad", ["target", "pads"], ["wide"], mode="edge"),
            node("Slice", ["wide", "first", "last", "axis"], ["moved"]),
            node("Mul", ["moved", "keep"], ["kept"]),
            node("Add", ["black", "kept"], ["output"]),
        ]
    )
    constants = {
        "nothing": np.float32(0),
        "pads": np.int64([0, 0, 0, step, 0, 0, 0, 0]),
        "first": np.int64([0]),
        "last": np.int64([SIDE]),
        "axis": np.int64([3]),
        "keep": np.float32(keep),
    }
    # before the others: the last is the emap
    kept = list(proto.graph.initializer)
    del proto.graph.initializer[:]
    proto.graph.initializer.extend(
        numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()
    )
    proto.graph.initializer.extend(kept)
    onnx.save(proto, str(path))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("landmarks")
    write(folder / "original.onnx")
    write(folder / "same.onnx")
    write(folder / "shifted.onnx", step=STEP)
    write(folder / "faceless.onnx", keep=0.0)
    (folder / "pictures").mkdir()
    for seed in range(FACES):
        write_picture(folder / "pictures" / f"{seed}.png", portrait(seed, SIDE))
    write_picture(folder / "pictures" / NO_FACE, np.full((SIDE, SIDE, 3), 90, np.uint8))
    return folder


@pytest.fixture(scope="module")
def compared(folder: Path) -> Comparison:
    request = Request(
        str(folder / "original.onnx"),
        tuple(str(folder / name) for name in ("same.onnx", "shifted.onnx", "faceless.onnx")),
        images=folder / "pictures",
        runs=10,
        threads=1,
    )
    return compare(request, ReportFiles(html=folder / "report.html"))


def measures(compared: Comparison, candidate: int) -> dict[str, Any]:
    found: dict[str, Any] = compared.candidates[candidate].outputs[0]["measures"]
    return found


def remark(compared: Comparison, candidate: int) -> str:
    judgement = compared.candidates[candidate].judgement
    assert judgement is not None
    return next(str(note) for note in judgement["notes"] if note.startswith("Landmark displacement"))


def test_a_model_that_shifts_its_pictures_moves_the_landmarks(compared: Comparison) -> None:
    moved = measures(compared, 1)["displacement"]["summary"]
    assert moved["mean"] == pytest.approx(EXPECTED, rel=0.15)
    assert moved["mean"] <= moved["p95"] <= moved["worst"] < 1.6 * EXPECTED
    # the twin: the same drawings where they were
    still = measures(compared, 0)["displacement"]["summary"]
    assert still["worst"] == 0
    assert still["mean"] != pytest.approx(EXPECTED, rel=0.15)


def test_a_picture_without_a_face_is_left_out_and_said_so(compared: Comparison) -> None:
    for candidate in (0, 1):
        found = measures(compared, candidate)
        assert set(found["displacement"]["values"]) == {f"{seed}.png" for seed in range(FACES)}
        assert found["displacement"]["summary"]["count"] == FACES
        assert NO_FACE in found["lpips"]["values"]
        assert "4 of 5 pictures counted; " in remark(compared, candidate)
        assert "1 of the original's drawings and in 1 of the candidate's" in remark(compared, candidate)


def test_a_model_that_draws_no_faces_has_no_displacement_and_says_why(compared: Comparison) -> None:
    assert "displacement" not in measures(compared, 2)
    assert "0 of 5 pictures counted; " in remark(compared, 2)
    assert "1 of the original's drawings and in 5 of the candidate's" in remark(compared, 2)


def test_text_data_and_page_show_it(compared: Comparison, folder: Path) -> None:
    text = as_text(compared)
    assert text.count("Landmark displacement (-)") == 2
    assert remark(compared, 1) in text
    data = json.loads(json.dumps(compared.to_json(), allow_nan=False))
    assert data["measures"]["displacement"]["title"] == "Landmark displacement"
    assert NO_FACE not in data["candidates"][1]["outputs"][0]["measures"]["displacement"]["values"]
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert 'aria-label="Landmark displacement: share of pictures' in html
    words = Page(html).words
    assert remark(compared, 1) in words
    assert "<td class=number>–</td>" in html
    assert "not finite" not in words


SCRIPT = """
import json, sys
from pathlib import Path
from converters.compare.judging import judge
from converters.compare.sides import compare_candidate, compare_original
from converters.progress import Progress

folder, staging = Path(sys.argv[1]), Path(sys.argv[2])
common = {"staging": str(staging), "shapes": {}, "trust": False, "runs": 10, "threads": 1}
original = {"model": str(folder / "original.onnx"), "images": str(folder / "pictures"), "pictures": 9, "embedder": ""}
compare_original({**common, **original}, Progress())
compare_candidate({**common, "model": str(folder / "shifted.onnx"), "number": 1}, Progress())
found = judge({"staging": str(staging), "number": 1}, Progress())
moved = found["outputs"][0]["measures"]["displacement"]["summary"]["mean"]
print(json.dumps({"moved": moved, "modules": sorted(sys.modules)}))
"""


def test_judging_imports_no_tensorflow(folder: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder), str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["moved"] == pytest.approx(EXPECTED, rel=0.15)
    assert "ai_edge_litert.interpreter" in found["modules"]
    assert "tensorflow" not in found["modules"]


def unit(seed: int, *, side: int = SIDE, blur: float = 0.0) -> Values:
    picture = portrait(seed, side)
    return (blurred(picture, blur) if blur else picture).astype(np.float32) / 255


def test_the_measure_is_of_the_face_not_of_the_pixels() -> None:
    with ExitStack() as stack:
        faces = FaceLandmarks("arcface_128", stack, [])
        soft = faces.judge("output", unit(1), unit(1, blur=1.0))["displacement"]
        other = faces.judge("output", unit(1), unit(2))["displacement"]
        assert 0 < soft < EXPECTED / 2 < other
        # a drawing twice as large has the same displacement, being a fraction of the face
        large = np.roll(unit(3, side=2 * SIDE), 2 * STEP, axis=1)
        moved = faces.judge("large", unit(3, side=2 * SIDE), large)["displacement"]
        assert moved == pytest.approx(EXPECTED, rel=0.3)
        assert faces.remarks() == [
            "Landmark displacement of output: 2 of 2 pictures counted.",
            "Landmark displacement of large: 1 of 1 pictures counted.",
        ]


def test_what_is_no_face_crop_is_not_measured() -> None:
    with ExitStack() as stack:
        wide = FaceLandmarks("arcface_128", stack, [])
        assert wide.judge("output", unit(1)[:64], unit(1)[:64]) == {}
        assert wide.remarks() == []
        notes: list[str] = []
        assert FaceLandmarks("", stack, notes).judge("output", unit(1), unit(1)) == {}
        assert notes == []


def test_without_a_landmarker_the_comparison_goes_on_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(path: Path | None) -> None:
        raise UnsupportedError(f"There is no face detector (asked for {path}).")

    monkeypatch.setattr("converters.face.landmarks.registry.open_landmarker", missing)
    notes: list[str] = []
    with ExitStack() as stack:
        assert FaceLandmarks("arcface_128", stack, notes).judge("output", unit(1), unit(1)) == {}
    assert notes == ["Landmark displacement was not measured: There is no face detector (asked for None)."]


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_box_holds_the_five_points(template: str) -> None:
    detection = detection_of(template, 256)
    left, top, right, bottom = detection.box
    assert (detection.points > (left, top)).all()
    assert (detection.points < (right, bottom)).all()
    assert right - left > 256 * (TEMPLATES[template][1, 0] - TEMPLATES[template][0, 0])
