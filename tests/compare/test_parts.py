"""The parts of a comparison by themselves: binding, crops, numbers, recipes, words."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters.compare.binding import bind
from converters.compare.comparison import Candidate, Comparison, written
from converters.compare.crops import FacePicture, pictures_for
from converters.compare.judging import in_plain
from converters.compare.measures import judge_numbers, judge_pictures
from converters.compare.recipe_beside import recipe_beside
from converters.compare.text import as_text
from converters.compare_report.page import Shown, page
from converters.errors import BadInputError, UsageError
from converters.face.align import TEMPLATES
from converters.measure.lpips import Lpips
from converters.measure.wording import Value
from converters.model.signature import Role, TensorInfo
from converters.pictures import write_picture
from converters.progress import Progress
from converters.runtimes.base import TensorSpec
from tests.measure.drawn import noisy, portrait

IMAGE = TensorInfo("target", (1, 3, 64, 64), role=Role.IMAGE, layout="NCHW")
NO_HEAT = 1.0
VECTOR = TensorInfo("source", (1, 16), role=Role.EMBEDDING)


def spec(name: str, *shape: int) -> TensorSpec:
    return TensorSpec(name, shape, "float32")


def test_tensors_are_bound_by_name_before_shape() -> None:
    ours = [TensorInfo("a", (1, 4)), TensorInfo("b", (1, 4)), TensorInfo("c", (1, 4))]
    bound = bind(ours, [spec("x", 1, 4), spec("b", 1, 4), spec("a", 1, 4)], "m", "inputs")
    assert {name: each.name for name, each in bound.items()} == {"a": "a", "b": "b", "c": "x"}


def test_renamed_and_turned_tensors_are_bound_by_shape() -> None:
    bound = bind([IMAGE, VECTOR], [spec("args_1", 1, 16), spec("args_0", 1, 64, 64, 3)], "m.tflite", "inputs")
    assert bound["target"].name == "args_0"
    assert bound["target"].is_turned
    array = np.random.default_rng(0).random((1, 3, 64, 64)).astype(np.float32)
    turned = bound["target"].to_candidate(array)
    assert turned.shape == (1, 64, 64, 3)
    assert np.array_equal(bound["target"].from_candidate(turned), array)
    assert not bind([IMAGE], [spec("any", -1, 3, -1, -1)], "m", "inputs")["target"].is_turned


@pytest.mark.parametrize(
    "theirs", [[], [spec("target", 1, 3, 32, 32)], [spec("target", 1, 3, 64, 64), spec("more", 1, 2)]]
)
def test_other_inputs_are_refused_with_both_in_the_sentence(theirs: list[TensorSpec]) -> None:
    with pytest.raises(UsageError, match=r"m.mnn has other inputs than the original: .* instead of target 1 x 3 x 64"):
        bind([IMAGE], theirs, "m.mnn", "inputs")


def test_more_outputs_than_the_originals_are_left_alone() -> None:
    bound = bind([IMAGE], [spec("mask", 1, 1, 64, 64), spec("target", 1, 3, 64, 64)], "m", "outputs")
    assert list(bound) == ["target"]


def test_a_crop_of_the_same_size_and_template_is_taken_as_it_is(tmp_path: Path) -> None:
    for seed in range(3):
        write_picture(tmp_path / f"{seed}.png", portrait(seed))
    pictures = pictures_for("arcface_128", 128, tmp_path, 64, Progress())
    assert len(pictures.items) == 3
    assert pictures.items[1].is_crop
    assert np.array_equal(pictures.items[1].cut("arcface_128", 128), portrait(1))
    assert "3 of 3 pictures were taken for face crops" in " ".join(pictures.notes)
    # the twin: in another template the same face lies elsewhere
    other = pictures.items[1].cut("arcface_112_v2", 112)
    assert np.array_equal(other, portrait(1)[:112, 8:120])
    assert not np.array_equal(pictures.items[1].cut("ffhq_512", 128), portrait(1))


def test_models_that_want_no_face_get_whole_pictures(tmp_path: Path) -> None:
    write_picture(tmp_path / "wide.png", np.zeros((50, 90, 3), np.uint8))
    pictures = pictures_for("", 0, tmp_path, 64, Progress())
    assert pictures.items[0].points is None
    assert pictures.items[0].cut("", 64).shape == (50, 90, 3)


def test_a_picture_without_a_face_is_taken_for_a_crop(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    write_picture(tmp_path / "grey.png", np.full((300, 400, 3), 90, np.uint8))
    pictures = pictures_for("arcface_128", 128, tmp_path, 64, Progress())
    assert pictures.items[0].is_crop
    assert pictures.items[0].cut("arcface_128", 128).shape == (128, 128, 3)


def test_faces_of_photographs_are_aligned(shared: Path, tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    source = sorted((shared / "photos").glob("portrait_*.jpg"))[0]
    (tmp_path / source.name).write_bytes(source.read_bytes())
    item = pictures_for("arcface_128", 128, tmp_path, 64, Progress()).items[0]
    assert not item.is_crop
    assert item.points is not None
    centre = TEMPLATES["arcface_128"].mean(axis=0)
    whole = FacePicture(item.name, item.picture, (TEMPLATES["arcface_128"] * 128).astype(np.float32))
    assert not np.array_equal(item.cut("arcface_128", 128), whole.cut("arcface_128", 128))
    assert np.linalg.norm(item.points.mean(axis=0) / item.picture.shape[1::-1] - centre) < 0.4


def test_an_empty_folder_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no readable picture"):
        pictures_for("arcface_128", 128, tmp_path, 64, Progress())


def test_numbers_are_judged_by_the_outputs_span() -> None:
    tensor = TensorInfo("scores", (1, 4), role=Role.SCORES)
    one = np.array([[0.0, 1.0, 2.0, 3.0]], np.float32)
    found = judge_numbers(one, one + np.float32(0.5), 10.0, tensor)
    assert found["largest"] == pytest.approx(0.05)
    assert found["mean"] == pytest.approx(0.05)
    assert found["span_psnr"] == pytest.approx(-20 * math.log10(0.05))
    equal = judge_numbers(one, one, 10.0, tensor)
    assert (equal["largest"], equal["span_psnr"]) == (0, math.inf)
    broken = one.copy()
    broken[0, 2] = np.nan
    assert math.isnan(judge_numbers(one, broken, 10.0, tensor)["largest"])


def test_embeddings_and_landmarks_have_measures_of_their_own() -> None:
    one = np.random.default_rng(0).standard_normal((1, 512)).astype(np.float32)
    found = judge_numbers(one, one * 2, 1.0, TensorInfo("e", (1, 512), role=Role.EMBEDDING))
    assert found["cosine"] == pytest.approx(1)
    assert found["largest"] > 1
    zero = judge_numbers(one, one * 0, 1.0, TensorInfo("e", (1, 512), role=Role.EMBEDDING))
    assert math.isnan(zero["cosine"])
    points = np.random.default_rng(0).random((1, 136)).astype(np.float32)
    landmarks = TensorInfo("l", (1, 136), role=Role.LANDMARKS)
    assert judge_numbers(points, points, 1.0, landmarks)["displacement"] == 0
    assert judge_numbers(points, points + np.float32(0.1), 1.0, landmarks)["displacement"] > 0.05


def test_pictures_too_small_for_a_measure_get_the_others() -> None:
    one = portrait(side=24).astype(np.float32) / 255
    other = noisy(portrait(side=24), 10).astype(np.float32) / 255
    with Lpips(threads=1) as lpips:
        found, maps = judge_pictures(one, other, lpips)
        assert set(found) == {"flip", "psnr", "ssim"}
        assert set(maps) == {"flip"}
        assert set(judge_pictures(one[:8, :8], other[:8, :8], lpips)[0]) == {"flip", "psnr"}


@pytest.mark.parametrize(
    ("measure", "value", "text"),
    [
        ("lpips", 0.12345, "0.1235"),
        ("lpips", 0.00012345, "0.00012"),
        ("lpips", 0.0, "0.0000"),
        ("psnr", 41.26, "41.3 dB"),
        ("psnr", "equal", "equal"),
        ("psnr", None, "not finite"),
        ("lpips", None, "not finite"),
        ("source_drop", -0.25, "-0.2500"),
    ],
)
def test_values_in_words(measure: str, value: Value, text: str) -> None:
    assert written(measure, value) == text


def judged(values: dict[str, Value], broken: tuple[str, ...] = ()) -> Candidate:
    measures: dict[str, Any] = {"lpips": {"values": values, "summary": {}}}
    output = {"name": "output", "role": "image", "kind": "picture", "measures": measures}
    return Candidate("a.mnn", {"name": "a.mnn"}, {"outputs": [output], "broken": list(broken), "notes": []})


def test_the_worst_pictures_come_first_and_broken_ones_before_them() -> None:
    assert judged({"a": 0.1, "b": 0.3, "c": 0.2}).worst_first() == ["b", "c", "a"]
    assert judged({"a": 0.1, "b": 0.3, "c": None}, ("c",)).worst_first() == ["c", "b", "a"]
    assert judged({"a": "equal", "b": None, "c": 0.1}).worst_first() == ["b", "c", "a"]


def one_equal_one_broken() -> Comparison:
    """Return a comparison of one output of numbers on three pictures: equal, not finite, far off."""
    one = np.array([[0.0, 1.0]], np.float32)
    theirs = {"same.png": one, "broken.png": one * np.float32(np.nan), "far.png": one + np.float32(0.5)}
    tensor = TensorInfo("scores", (1, 2), role=Role.SCORES)
    figures: dict[str, dict[str, float]] = {}
    for name, other in theirs.items():
        for measure, value in judge_numbers(one, other, 1.0, tensor).items():
            figures.setdefault(measure, {})[name] = value
    output = in_plain(tensor, "numbers", figures)
    latency = {"median": 0.01, "p90": 0.01, "runs": 10}
    side = {"name": "a.mnn", "size": 10, "is_reference": False, "latency": latency, "runtime": "mnn", "threads": 1}
    side |= {"sha256": "0" * 64, "precision": "", "engine": "", "label": "", "judge": None}
    judgement = {"outputs": [output], "broken": ["broken.png"], "notes": []}
    return Comparison(side, (Candidate("a.mnn", side, judgement),), tuple(theirs), "3 pictures", "", (), 1.0)


def test_equal_and_broken_pictures_are_told_apart_everywhere() -> None:
    comparison = one_equal_one_broken()
    data = json.loads(json.dumps(comparison.to_json(), allow_nan=False))
    found = data["candidates"][0]["outputs"][0]["measures"]["span_psnr"]
    assert found["values"] == {"same.png": "equal", "broken.png": None, "far.png": pytest.approx(6.02, abs=0.01)}
    summary = found["summary"]
    assert (summary["mean"], summary["worst"], summary["worst_sample"]) == (None, None, "broken.png")
    assert (summary["equal"], summary["broken"], summary["count"]) == (1, 1, 3)
    text = as_text(comparison)
    row = next(line for line in text.splitlines() if line.startswith("  PSNR"))
    assert row.count("not finite") == 3
    assert row.endswith("broken.png")
    assert text.splitlines()[2].startswith("a.mnn: Values that are not finite on broken.png; ")
    html = page(comparison, Shown([[]], NO_HEAT, {}, {}, ""))
    rows = {
        name: next(row for row in re.findall(r"<tr>.*?</tr>", html) if f"class=name>{name}</th>" in row)
        for name in data["names"]
    }
    assert ("equal" in rows["same.png"], "not finite" in rows["same.png"]) == (True, False)
    assert ("equal" in rows["broken.png"], "not finite" in rows["broken.png"]) == (False, True)
    assert "6.0 dB" in rows["far.png"]
    assert "a.mnn: 1 equal, 1 not finite, not shown." in html


def report_of(sha256: str) -> dict[str, Any]:
    return {
        "recipe": {"version": 1, "source": {"path": "demo"}},
        "artifacts": [
            {"sha256": "0" * 64, "target": "tflite"},
            {"sha256": sha256, "target": "mnn", "precision": "fp16", "options": {}, "engine": "MNN", "verified": True},
        ],
    }


def test_the_recipe_beside_a_file_is_found_by_its_hash(tmp_path: Path) -> None:
    artifact = tmp_path / "a.mnn"
    assert recipe_beside(artifact, "1" * 64) is None
    (tmp_path / "report.json").write_text(json.dumps(report_of("1" * 64)), encoding="utf-8")
    found = recipe_beside(artifact, "1" * 64)
    assert found is not None
    assert (found["target"], found["precision"], found["recipe"]["source"]) == ("mnn", "fp16", {"path": "demo"})
    assert recipe_beside(artifact, "2" * 64) is None


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 200_000, '{"artifacts": 3}', '{"artifacts": [3, {}]}', "\0"])
def test_other_peoples_reports_are_no_recipes(tmp_path: Path, text: str) -> None:
    (tmp_path / "report.json").write_text(text, encoding="utf-8")
    assert recipe_beside(tmp_path / "a.mnn", "1" * 64) is None


def test_a_report_that_is_no_plain_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.json").write_text(json.dumps(report_of("1" * 64)), encoding="utf-8")
    (tmp_path / "report.json").symlink_to(tmp_path / "elsewhere.json")
    assert recipe_beside(tmp_path / "a.mnn", "1" * 64) is None


def test_built_in_crops_are_cut_for_any_template(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_picture(tmp_path / "0.png", portrait(3))
    monkeypatch.setattr("converters.compare.crops.DEMO_CROPS", tmp_path)
    crops = pictures_for("arcface_128", 256, None, 4, Progress())
    assert crops.origin == "1 built-in face crops"
    assert crops.items[0].cut("arcface_112_v2", 112).shape == (112, 112, 3)
    assert np.array_equal(crops.items[0].cut("arcface_112_v2", 112), portrait(3)[:112, 8:120])
    assert pictures_for("", 0, None, 4, Progress()).items[0].points is None
