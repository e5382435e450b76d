"""Which files need not be made again: every part of a recipe counts, how it is written does not."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from converters.precision import Precision
from converters.progress import Progress
from converters.recipe import Recipe, StepRequest, TargetRequest, VerificationRequest
from studio import product, surveying
from studio.catalogue import catalogue
from studio.jobs.running import cancelled
from studio.made_files import (
    FileState,
    content_key,
    conversion_folder,
    files_of_report,
    place_fingerprint,
    states,
)
from studio.project import MadeFile
from studio.surveying import remove_files, survey
from studio.target_options import options_of, relevant, with_option, with_precisions
from tests.studio.projects import made_file

PROJECT = Path(__file__).resolve().parents[2]
SHA = "a" * 64
INT8 = TargetRequest("mnn", Precision.INT8)
RECIPE = Recipe("model.onnx", SHA, steps=(StepRequest("quantize"),), targets=(INT8,))


class Context:
    """As much of a job's context as these kinds use."""

    progress = Progress()


def key(recipe: Recipe = RECIPE, request: TargetRequest = INT8, sha256: str = SHA) -> str:
    return content_key(recipe, request, sha256)


def with_step(**options: bool | int | float | str) -> Recipe:
    return replace(RECIPE, steps=(StepRequest("quantize", dict(options)),))


def test_the_product_says_the_version_of_its_package() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == product.VERSION


def test_how_a_recipe_is_written_makes_no_difference() -> None:
    assert key() == key(replace(RECIPE, targets=(INT8, TargetRequest("onnx"))))
    assert key() == key(replace(RECIPE, source="elsewhere/model.onnx"))
    assert key() == key(replace(RECIPE, steps=())), "int8 adds the step that quantizes"
    assert key() == key(with_step(samples=64, policy="mse"))
    assert key(request=TargetRequest("mnn", Precision.INT8, {"weight_block": 0})) == key()


@pytest.mark.parametrize(
    "change",
    [
        lambda: key(sha256="b" * 64),
        lambda: key(replace(RECIPE, shapes={"target": (1, 3, 256, 256)})),
        lambda: key(with_step(samples=8)),
        lambda: key(replace(RECIPE, steps=(StepRequest("simplify"), *RECIPE.steps))),
        lambda: key(request=TargetRequest("tflite", Precision.INT8)),
        lambda: key(request=TargetRequest("mnn", Precision.FP16)),
        lambda: key(request=TargetRequest("mnn", Precision.INT8, {"weight_block": 32})),
        lambda: key(replace(RECIPE, verification=VerificationRequest(samples=3))),
        lambda: key(replace(RECIPE, verification=VerificationRequest(images="elsewhere"))),
    ],
)
def test_every_part_of_a_recipe_counts(change: Callable[[], str]) -> None:
    assert change() != key()


def test_another_version_of_the_product_makes_other_files(monkeypatch: pytest.MonkeyPatch) -> None:
    before = key()
    monkeypatch.setattr("studio.made_files.VERSION", "9.9")
    assert key() != before


def test_what_lies_in_the_folder_of_calibration_counts_not_where_the_folder_is(tmp_path: Path) -> None:
    folder = tmp_path / "faces"
    folder.mkdir()
    (folder / "a.png").write_bytes(b"12")
    first = key(with_step(calibration=str(folder)))
    folder = folder.rename(tmp_path / "moved")
    assert key(with_step(calibration=str(folder))) == first
    os.utime(folder / "a.png", ns=(1, 1))
    touched = key(with_step(calibration=str(folder)))
    (folder / "b.png").write_bytes(b"12")
    assert len({first, touched, key(with_step(calibration=str(folder)))}) == 3
    assert place_fingerprint(f"{folder}\n") != place_fingerprint(str(folder)), "an empty line is what comes along"
    assert place_fingerprint(str(tmp_path / "gone")) != place_fingerprint("")


def file_with(tmp_path: Path, name: str, made_with: str, precision: str = "int8") -> MadeFile:
    return replace(made_file(tmp_path / name), key=made_with, precision=precision)


def test_a_file_is_current_while_the_recipe_asks_for_it_and_nobody_touched_it(tmp_path: Path) -> None:
    names = ("old.mnn", "current.mnn", "gone.mnn", "other.mnn", "written.mnn")
    files = [file_with(tmp_path, name, "k" if name != "other.mnn" else "o") for name in names]
    files = [files[0], files[2], files[3], files[4], files[1]]
    files[1].path.unlink()
    files[3].path.write_text("other contents")
    assert states(files, {"mnn-int8": "k"}) == [
        FileState.OUTDATED,  # the last one was made again since
        FileState.MISSING,
        FileState.OUTDATED,
        FileState.CHANGED,
        FileState.CURRENT,
    ]


def test_each_conversion_has_a_folder_of_its_own(tmp_path: Path) -> None:
    first = conversion_folder(tmp_path, ["a", "b"])
    assert first == conversion_folder(tmp_path, ["b", "a"])
    first.mkdir()
    second = conversion_folder(tmp_path, ["a", "b"])
    assert second.parent == tmp_path
    assert second.name == f"{first.name}-2"


def test_a_report_becomes_files_and_what_failed_has_none() -> None:
    artifact = {
        "target": "mnn",
        "precision": Precision.FP16,
        "path": "/made/a.mnn",
        "size": 3,
        "sha256": SHA,
        "verified": True,
        "notes": ["n"],
    }
    report = {
        "artifacts": [artifact, {**artifact, "target": "coreml", "path": None}],
        "notes": ["folded"],
        "fp16_risk": None,
        "memory_estimate": {},
        "seconds": 1.0,
        "peak_memory": 5,
    }
    (made,) = files_of_report(report, {"mnn-fp16": "k"})
    assert (made.path, made.key, made.precision, type(made.precision)) == (Path("/made/a.mnn"), "k", "fp16", str)
    assert made.report["conversion"]["notes"] == ["folded"]
    assert MadeFile.from_json(made.to_json(None), None, "files") == made


def test_a_survey_tells_keys_and_states_and_tidies_up_after_a_killed_program(tmp_path: Path) -> None:
    good = file_with(tmp_path / "conversion-0123", "a.mnn", key())
    killed = tmp_path / "conversion-4567"
    staging = killed / ".ffstudio-999999999-00000000deadbeef"
    staging.mkdir(parents=True)
    arguments = {
        "recipe": RECIPE.to_json(),
        "sha256": SHA,
        "files": [good.to_json(None)],
        "work_folder": str(tmp_path),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("converters.files._machine", lambda: "00000000")
        assert survey(arguments, Context()) == {"keys": {"mnn-int8": key()}, "states": ["current"]}  # type: ignore[arg-type]
    assert not killed.exists()
    assert good.path.exists()


def test_only_files_of_conversions_are_removed_and_their_reports_with_the_last_one(tmp_path: Path) -> None:
    folder = tmp_path / "work" / "conversion-0123"
    first, second = made_file(folder / "a.mnn"), made_file(folder / "b.mlpackage")
    (folder / "report.json").write_text("{}")
    foreign = made_file(tmp_path / "conversion-0123" / "c.mnn")
    arguments = {"work_folder": str(tmp_path / "work"), "paths": [str(first.path), str(foreign.path)]}
    assert remove_files(arguments, Context()) == {"removed": [str(first.path)]}  # type: ignore[arg-type]
    assert foreign.path.exists()
    assert sorted(item.name for item in folder.iterdir()) == ["b.mlpackage", "report.json"]
    (folder / "mine.txt").write_text("keep")
    remove_files({**arguments, "paths": [str(second.path)]}, Context())  # type: ignore[arg-type]
    assert [item.name for item in folder.iterdir() if item.name == "mine.txt"] == ["mine.txt"]
    (folder / "mine.txt").unlink()
    remove_files({**arguments, "paths": [str(second.path)]}, Context())  # type: ignore[arg-type]
    assert not folder.exists()
    assert surveying.FOLDER_PREFIX == "conversion-"


def test_cancelled_removing_tells_what_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "work" / "conversion-0123"
    files = [made_file(folder / name) for name in ("a.mnn", "b.mnn")]
    context = Context()
    context.progress = Progress(is_cancelled=lambda: not files[0].path.exists())
    arguments = {"work_folder": str(tmp_path / "work"), "paths": [str(file.path) for file in files]}
    assert remove_files(arguments, context) == {"removed": [str(files[0].path)]}  # type: ignore[arg-type]
    assert files[1].path.exists()
    assert str(cancelled()) == "Cancelled."  # not all that can be cancelled wrote nothing


def test_options_go_to_the_files_that_they_have_an_effect_on() -> None:
    offer = catalogue()
    both = with_precisions(offer, Recipe("m"), "mnn", (Precision.INT8_WEIGHTS, Precision.FP32))
    recipe = Recipe("m", targets=with_precisions(offer, Recipe("m", targets=both), "onnx", (Precision.FP32,)))
    assert [request.name for request in recipe.targets] == ["mnn-fp32", "mnn-int8-weights", "onnx-fp32"]
    changed = replace(recipe, targets=with_option(offer, recipe, "mnn", "weight_block", 32))
    assert [request.options for request in changed.targets] == [{}, {"weight_block": 32}, {}]
    more = with_precisions(offer, changed, "mnn", (Precision.INT8_WEIGHTS, Precision.INT4_WEIGHTS))
    assert [request.options for request in more if request.target == "mnn"] == [{"weight_block": 32}] * 2
    back = replace(changed, targets=with_option(offer, changed, "mnn", "weight_block", 0))
    assert options_of(back, "mnn") == {}
    assert relevant(offer.target("mnn"), Precision.FP32, {"of_a_later_version": 1}) == {"of_a_later_version": 1}
