"""The window lives on while the disk is slow."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from pytestqt.qtbot import QtBot

from converters.errors import DestinationError
from studio import project_place
from studio.document import Document
from studio.project import Project
from studio.waiting import without_freezing
from tests.studio.projects import take_model, write_model


def test_events_are_answered_while_work_waits(qtbot: QtBot) -> None:
    del qtbot
    answered = threading.Event()
    QTimer.singleShot(0, answered.set)
    assert without_freezing(lambda: answered.wait(10)), "the window's thread set it while the work was waiting for it"


def test_what_goes_wrong_is_raised_here(qtbot: QtBot) -> None:
    del qtbot
    answered = threading.Event()
    QTimer.singleShot(0, answered.set)

    def work() -> None:
        answered.wait(10)
        raise DestinationError("The disk is full.")

    with pytest.raises(DestinationError, match="full"):
        without_freezing(work)
    with pytest.raises(DestinationError, match="full"):
        without_freezing(work)  # at once, before any event


@pytest.mark.parametrize("takes_over", [False, True])
def test_what_happens_while_a_project_is_saved_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot, takes_over: bool
) -> None:
    """A slow disk: an edit, or another model, comes while the file is being written."""
    del qtbot
    monkeypatch.setenv("FFSTUDIO_DATA", str(tmp_path / "data"))
    for name in ("faces.onnx", "other.onnx"):
        write_model(tmp_path / name, name)
    document = Document()
    take_model(document, tmp_path / "faces.onnx")
    happened = threading.Event()
    plain = project_place.write_project

    def write(path: Path, project: Project) -> None:
        assert happened.wait(10)
        plain(path, project)

    def happen() -> None:
        if takes_over:
            take_model(document, tmp_path / "other.onnx")
        else:
            document.set_step("prune", {"amount": 1}, "Prune")
        happened.set()

    monkeypatch.setattr(project_place, "write_project", write)
    QTimer.singleShot(0, happen)
    document.save(tmp_path / "p.ffstudio")
    if takes_over:
        assert document.path is None
        assert document.title == "other.onnx"
    else:
        assert document.path == tmp_path / "p.ffstudio"
        assert document.is_dirty
        assert document.step_options("prune") == {"amount": 1}
    document.close()
    document.open(tmp_path / "p.ffstudio")
    assert document.project.recipe.source == str(tmp_path / "faces.onnx")
    assert document.step_options("prune") is None
    document.close()
