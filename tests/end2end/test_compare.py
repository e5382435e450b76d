"""Comparisons of real conversions: this program's own, and another's."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from converters.compare.comparison import Comparison
from converters.compare.engine import ReportFiles, Request, compare
from converters.compare.text import as_text
from converters.errors import BadInputError
from converters.pipeline import convert
from converters.recipe import Recipe, TargetRequest
from converters.targets.base import Precision
from tests.compare.pages import Page
from tests.generated import generated_swapper


def summary(comparison: Comparison, candidate: int, output: int, measure: str) -> dict[str, float]:
    found: dict[str, float] = comparison.candidates[candidate].outputs[output]["measures"][measure]["summary"]
    return found


def test_another_programs_conversion_of_a_detector(shared: Path) -> None:
    """Its scores are the original's; its boxes are not: that converter's graph ends before they are decoded."""
    models = shared / "models"
    request = Request(
        str(models / "ultraface_version-RFB-320.onnx"),
        (str(models / "ultraface_RFB-320.mnn"), str(models / "ultraface_RFB-320-quant-KL-5792.mnn")),
        images=shared / "photos",
        pictures=6,
        runs=10,
    )
    found = compare(request, ReportFiles())
    scores, boxes = (output["name"] for output in found.candidates[0].outputs)
    assert (scores, boxes) == ("scores", "boxes")
    assert summary(found, 0, 0, "largest")["worst"] < 1e-3
    assert summary(found, 0, 1, "largest")["worst"] > 0.1
    assert isinstance(found.candidates[1].error, BadInputError)
    assert found.exit_status == 5
    text = as_text(found)
    assert "boxes (boxes)" in text
    assert "mnn, " in text


def converted(folder: Path, source: str, targets: tuple[str, ...]) -> list[str]:
    recipe = Recipe(source, targets=tuple(TargetRequest(target, Precision.FP16) for target in targets))
    artifacts = convert(recipe, folder).artifacts
    assert all(artifact.verified for artifact in artifacts)
    return [str(artifact.path) for artifact in artifacts]


def test_a_converted_swapper_with_its_recipe(tmp_path: Path) -> None:
    source = tmp_path / "swapper.onnx"
    onnx.save(generated_swapper(8), str(source))
    paths = converted(tmp_path / "out", str(source), ("mnn", "onnx"))
    found = compare(Request(str(source), tuple(paths), pictures=4, runs=10), ReportFiles(tmp_path / "report.html"))
    assert found.exit_status == 0
    for number in range(2):
        assert 0 < summary(found, number, 0, "lpips")["worst"] < 0.005
        assert summary(found, number, 0, "psnr")["worst"] > 40
        candidate = found.candidates[number]
        assert candidate.recipe is not None
        assert candidate.recipe["precision"] == "fp16"
        assert candidate.recipe["recipe"]["version"] == 1
    assert found.candidates[0].side is not None
    assert found.candidates[0].side["runtime"] == "mnn"
    words = Page((tmp_path / "report.html").read_text(encoding="utf-8")).words
    assert words.count("The recipe that made this file") == 2


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_target_of_the_demo_is_hard_to_tell_from_it(tmp_path: Path) -> None:
    paths = converted(tmp_path / "out", "demo", ("mnn", "tflite", "coreml", "onnx"))
    found = compare(Request("demo", tuple(paths), pictures=16, runs=10), ReportFiles(tmp_path / "report.html"))
    assert found.exit_status == 0
    assert "embedded by embedder.onnx" in found.embeddings
    for number in range(len(paths)):
        assert summary(found, number, 0, "lpips")["worst"] <= 0.005
        assert abs(summary(found, number, 0, "source_drop")["worst"]) < 0.01
    assert (tmp_path / "report.html").stat().st_size < 5_000_000
    assert "reference executor" in as_text(found)
