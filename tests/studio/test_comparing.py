"""Which comparison is shown as the project's: the newest that speaks of what is there now, wherever it is saved."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from studio.comparing import Comparing, comparing
from studio.comparison_results import INDEX
from studio.exporting import exporting
from studio.jobs.context import WorkContext
from studio.jobs.job import JobRequest
from studio.jobs.kinds import KINDS
from studio.ui.workbench import Workbench
from tests.studio.projects import made_file, take_model, write_model

PATIENCE = 20_000  # milliseconds


def drawn(arguments: dict[str, Any], _context: WorkContext) -> dict[str, Any]:
    """Do what matters here of a comparison: leave an index of pictures in its folder."""
    folder = Path(arguments["pictures"])
    folder.mkdir(exist_ok=True)
    (folder / INDEX).write_text("{}", encoding="utf-8")
    return {}


def packaged(_arguments: dict[str, Any], _context: WorkContext) -> dict[str, Any]:
    """Say what was written, as an export does."""
    return {"folder": "somewhere", "files": []}


@pytest.fixture
def opened(bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    """Open a model with two files made of it."""
    monkeypatch.setitem(KINDS, "compare", f"{__name__}:drawn")
    monkeypatch.setitem(KINDS, "package", f"{__name__}:packaged")
    write_model(tmp_path / "model.onnx")
    take_model(bench.document, tmp_path / "model.onnx")
    files = [replace(made_file(tmp_path / name, name), precision=name[:4]) for name in ("fp32.mnn", "fp16.mnn")]
    bench.document.set_files(files)
    return bench


def run(bench: Workbench, qtbot: QtBot) -> int:
    choice = comparing(bench)
    identity = choice.start()
    qtbot.waitUntil(lambda: bench.jobs.job(identity).state.is_over, timeout=PATIENCE)
    return identity


def shown(choice: Comparing) -> int | None:
    return choice.result.identity if choice.result else None


def test_a_comparison_of_other_contents_is_not_shown(opened: Workbench, qtbot: QtBot, tmp_path: Path) -> None:
    choice, model = comparing(opened), tmp_path / "model.onnx"
    files = opened.document.project.files
    first = run(opened, qtbot)
    assert shown(choice) == first
    opened.document.set_files([replace(files[0], sha256="f" * 64), files[1]])
    assert shown(choice) is None, "a candidate was made again"
    opened.document.set_files(files[1:])
    assert shown(choice) == first, "what was taken out of the project is what it was"
    take_model(opened.document, model, {"x": (2, 3)})
    assert shown(choice) is None, "the inputs have other sizes"
    take_model(opened.document, model)
    assert shown(choice) == first

    write_model(model, "trained further")
    take_model(opened.document, model)
    opened.document.set_files(files)
    assert shown(choice) is None
    second = run(opened, qtbot)
    assert shown(choice) == second
    write_model(model)
    take_model(opened.document, model)
    assert shown(choice) is None, "the first one's pictures are gone"


def test_a_project_saved_elsewhere_keeps_its_comparison_export_and_choice(
    opened: Workbench, qtbot: QtBot, tmp_path: Path
) -> None:
    choice, export = comparing(opened), exporting(opened)
    opened.document.save(tmp_path / "one.ffstudio")
    compared = run(opened, qtbot)
    project = opened.document.project.identity
    exported = opened.jobs.submit(JobRequest("package", "Exporting", {"project": project}))
    qtbot.waitUntil(lambda: opened.jobs.job(exported).state.is_over, timeout=PATIENCE)
    choice.choose_pictures(5)
    export.choose(name="mine")

    opened.document.save(tmp_path / "two.ffstudio")
    assert opened.document.project.identity != project
    assert shown(choice) == compared
    assert export.result == {"folder": "somewhere", "files": []}
    take_model(opened.document, tmp_path / "model.onnx", {"x": (2, 3)})
    assert (choice.pictures, export.name) == (5, "mine")

    opened.document.open(tmp_path / "two.ffstudio")
    assert choice.result is None
    assert export.result is None
    opened.document.new()
    assert (choice.pictures, export.name) != (5, "mine")
