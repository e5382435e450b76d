"""Opening models and projects with real workers: what is refused, what is asked, and that a failure changes nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog, QLineEdit, QPushButton, QSpinBox, QWidget
from pytestqt.qtbot import QtBot

from converters.errors import (
    BadInputError,
    OtherContentsError,
    SizesNeededError,
    StudioError,
    TrustNeededError,
    UnsafeInputError,
)
from converters.recipe import StepRequest
from studio import recovery
from studio.document import Document
from studio.jobs.job import JobState
from studio.missing import MissingKind
from studio.project import MadeFile
from studio.ui.opening import Opening
from studio.ui.opening_strip import OpeningStrip
from studio.ui.workbench import Workbench
from tests.studio.conftest import DEMO

PATIENCE = 30_000  # milliseconds; the first of a test starts a worker


class Heard:
    """What an opening said, in order."""

    def __init__(self, opening: Opening) -> None:
        self.opened = 0
        self.errors: list[StudioError] = []
        opening.opened.connect(self._opened)
        opening.refused.connect(lambda error, _path: self.errors.append(error))

    def _opened(self) -> None:
        self.opened += 1


class Stage:
    """An opening, its strip on a visible widget, and what was heard."""

    def __init__(self, bench: Workbench, qtbot: QtBot) -> None:
        self.bench, self.qtbot = bench, qtbot
        self.place = QWidget()
        qtbot.addWidget(self.place)
        self.opening = Opening(bench, self.place)
        self.strip = OpeningStrip(self.opening, self.place)
        self.heard = Heard(self.opening)
        self.place.show()

    def open(self, path: Path | str) -> None:
        """Open, and wait until that is over."""
        self.over(lambda: self.opening.open(str(path)))

    def over(self, act: Callable[[], object]) -> None:
        """Do something that opens, and wait until it is over."""
        before = self.heard.opened + len(self.heard.errors)
        act()
        self.qtbot.waitUntil(lambda: self.heard.opened + len(self.heard.errors) > before, timeout=PATIENCE)

    def dialog(self, name: str) -> QDialog:
        """Return the question that is shown."""
        found = [dialog for dialog in self.place.findChildren(QDialog, name) if dialog.isVisible()]
        assert len(found) == 1
        return found[0]


@pytest.fixture
def stage(bench: Workbench, qtbot: QtBot) -> Stage:
    return Stage(bench, qtbot)


def small_model(path: Path, **changes: Any) -> Path:
    """Write a model of two layers."""
    from tests.model.small_sources import small_proto, write_onnx

    return write_onnx(path, small_proto(**changes))


def press(widget: QWidget, name: str) -> None:
    button = widget.findChild(QPushButton, name)
    assert button is not None
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def test_what_cannot_be_opened_leaves_the_first_model_open(stage: Stage, tmp_path: Path) -> None:
    stage.open("demo")
    document = stage.bench.document
    first = document.inspection
    assert first is not None
    assert first["family"]["id"] == "demo_swapper"
    assert document.project.recipe.source == "demo"
    document.set_step("simplify", {}, "simplify")
    corrupt, empty, folder, secret = (tmp_path / name for name in ("corrupt.onnx", "empty.onnx", "folder", "no.onnx"))
    corrupt.write_bytes(DEMO.read_bytes()[: DEMO.stat().st_size // 2])
    empty.touch()
    folder.mkdir()
    (folder / "readme.txt").write_text("no model")
    small_model(secret).chmod(0)
    refused = [corrupt, empty, folder, tmp_path / "absent.onnx"]
    if os.name == "posix" and os.geteuid() != 0:  # root may read everything
        refused.append(secret)
    for path in refused:
        stage.open(path)
        error = stage.heard.errors[-1]
        assert isinstance(error, BadInputError)
        assert path.name in error.what
        assert error.what in stage.strip.banner.text
        assert document.inspection is first
        assert document.project.recipe.source == "demo"
        assert document.step_options("simplify") == {}
    assert len(stage.heard.errors) == len(refused)
    assert stage.heard.opened == 1
    stage.open(small_model(tmp_path / "small.onnx"))
    assert stage.strip.banner.text == ""
    assert document.title == "small.onnx"


def test_the_newest_of_two_wins(stage: Stage, tmp_path: Path) -> None:
    small = small_model(tmp_path / "small.onnx")
    stage.opening.open(str(DEMO))
    stage.over(lambda: stage.opening.open(str(small)))
    jobs = stage.bench.jobs.jobs()
    stage.qtbot.waitUntil(lambda: all(job.state.is_over for job in stage.bench.jobs.jobs()), timeout=PATIENCE)
    assert len(jobs) == 2
    assert stage.bench.document.project.recipe.source == str(small)
    assert stage.heard.opened == 1
    assert stage.heard.errors == []


def test_cancelling_keeps_what_was_open(stage: Stage, tmp_path: Path) -> None:
    small = small_model(tmp_path / "small.onnx")
    stage.open(small)
    stage.opening.open(str(DEMO))
    with stage.qtbot.waitSignal(stage.opening.ended, timeout=PATIENCE):
        stage.strip.findChild(QPushButton, "opening-cancel").click()
    assert stage.bench.jobs.jobs()[-1].state is JobState.CANCELLED
    assert stage.bench.document.project.recipe.source == str(small)
    assert stage.heard.errors == []
    assert stage.strip.banner.text == ""


FACTORY = """
import torch

class Net(torch.nn.Module):
    def forward(self, picture):
        return picture * 2

def build():
    open(__file__ + ".ran", "w").close()
    return Net()
"""


def test_code_runs_only_when_the_person_trusts_it(stage: Stage, tmp_path: Path) -> None:
    code = tmp_path / "network.py"
    code.write_text(FACTORY, encoding="utf-8")
    ran = tmp_path / "network.py.ran"
    stage.open(f"{code}:build")
    assert isinstance(stage.heard.errors[-1], TrustNeededError)
    question = stage.dialog("trust-question")
    cancel, trust = (question.findChild(QPushButton, name) for name in ("cancel", "trust-and-open"))
    assert cancel.isDefault()
    assert not trust.isDefault()
    QTest.keyClick(question, Qt.Key.Key_Return)
    assert not question.isVisible()
    assert stage.bench.document.inspection is None
    assert not ran.exists()
    stage.open(f"{code}:build")
    # the file does not say how large its input is: that is the next question, and trust is not asked for again
    stage.over(lambda: press(stage.dialog("trust-question"), "trust-and-open"))
    assert ran.exists()
    assert isinstance(stage.heard.errors[-1], SizesNeededError)
    sizes = stage.dialog("sizes-question")
    assert not sizes.findChild(QPushButton, "open-with-sizes").isEnabled()
    sizes.findChild(QLineEdit, "size-picture").setText("1, 3, 16, 24")
    stage.over(lambda: press(sizes, "open-with-sizes"))
    document = stage.bench.document
    assert document.inspection is not None
    assert document.is_trusted
    assert document.project.recipe.shapes == {"picture": (1, 3, 16, 24)}
    assert "trust" not in str(document.project.to_json(None))


def test_what_no_trust_can_mend_is_no_question(stage: Stage, tmp_path: Path) -> None:
    from tests.model.small_sources import with_external

    (tmp_path / "inner").mkdir()
    (tmp_path / "secret").write_bytes(b"x" * 4096)
    stage.open(with_external(tmp_path / "inner" / "model.onnx", "../secret"))
    assert isinstance(stage.heard.errors[-1], UnsafeInputError)
    assert not isinstance(stage.heard.errors[-1], TrustNeededError)
    assert stage.place.findChild(QDialog, "trust-question") is None
    assert stage.strip.banner.text


def test_open_axes_are_asked_for_and_can_be_changed(stage: Stage, tmp_path: Path) -> None:
    free = small_model(tmp_path / "free.onnx", shape=("n", 3, "side", "side"))
    stage.open(free)
    sizes = stage.dialog("sizes-question")
    height, width = (sizes.findChild(QSpinBox, f"size-input-{axis}") for axis in (2, 3))
    assert sizes.findChild(QSpinBox, "size-input-1") is None  # fixed by the file
    height.setValue(40)
    assert width.value() == 40  # one name, one size
    stage.over(lambda: press(sizes, "open-with-sizes"))
    document = stage.bench.document
    assert document.inspection is not None
    assert document.inspection["open_axes"] == {"input": ["n", 3, "side", "side"]}
    document.set_step("simplify", {}, "simplify")
    stage.over(lambda: stage.opening.reopen({"input": (1, 3, 56, 56)}))
    assert document.inspection["signature"]["inputs"][0]["shape"] == [1, 3, 56, 56]
    assert document.step_options("simplify") == {}
    stage.over(lambda: stage.opening.reopen({"input": (1, 4, 56, 56)}))
    assert document.inspection["signature"]["inputs"][0]["shape"] == [1, 3, 56, 56]


def test_python_code_without_a_function_is_asked_for_it(stage: Stage, tmp_path: Path) -> None:
    code = tmp_path / "network.py"
    code.write_text(FACTORY, encoding="utf-8")
    stage.open(code)
    button = next(item for item in stage.strip.findChildren(QPushButton) if item.text().startswith("Name its"))
    button.click()
    question = stage.dialog("function-question")
    question.findChild(QLineEdit).setText("build")
    stage.over(question.accept)
    assert isinstance(stage.heard.errors[-1], TrustNeededError)
    stage.dialog("trust-question").reject()


def saved_project(stage: Stage, folder: Path) -> Path:
    """Make and save a project of the small model, with a step and a file, and leave it."""
    folder.mkdir()
    stage.open(small_model(folder / "model.onnx"))
    document = stage.bench.document
    document.set_step("simplify", {}, "simplify")
    made = folder / "made.onnx"
    made.write_bytes(b"made")
    sha256 = "6ba3f8f3ad5a0a0fd2b5d6d0c7f8b6de0ea2cdaba8bdd9b9de4b8c0f9ed8bf7a"
    document.set_files([MadeFile(made, "onnx", "fp32", 4, sha256, True, "key")])
    document.save(folder / "work.ffstudio")
    document.new()
    return folder / "work.ffstudio"


def test_a_project_is_opened_with_its_model_and_its_files_are_compared(stage: Stage, tmp_path: Path) -> None:
    project = saved_project(stage, tmp_path / "project")
    stage.open(project)
    document = stage.bench.document
    assert document.path == project
    assert document.inspection is not None
    assert document.project.recipe.steps == (StepRequest("simplify", {}),)
    # of the right size, but what is in it is not what was made
    stage.qtbot.waitUntil(lambda: bool(document.missing), timeout=PATIENCE)
    assert document.missing[0].is_changed
    assert "made.onnx" in stage.strip.banner.text


def test_a_missing_model_is_found_again_by_its_contents(stage: Stage, tmp_path: Path) -> None:
    project = saved_project(stage, tmp_path / "project")
    elsewhere = tmp_path / "elsewhere.onnx"
    shutil.move(project.parent / "model.onnx", elsewhere)
    other = small_model(tmp_path / "other.onnx", opset=15)
    with stage.qtbot.waitSignal(stage.opening.missing, timeout=PATIENCE):
        stage.opening.open(str(project))
    document = stage.bench.document
    missing = document.missing[0]
    assert "model.onnx" in stage.strip.banner.text
    assert document.inspection is None
    stage.over(lambda: stage.opening.found(missing, str(other)))
    assert isinstance(stage.heard.errors[-1], OtherContentsError)
    assert document.missing[0] == missing
    stage.over(lambda: stage.opening.found(missing, str(elsewhere)))
    assert document.project.recipe.source == str(elsewhere)
    assert document.project.recipe.steps == (StepRequest("simplify", {}),)
    assert document.inspection is not None
    assert document.path == project


def test_a_changed_model_is_used_only_when_the_person_says_so(stage: Stage, tmp_path: Path) -> None:
    project = saved_project(stage, tmp_path / "project")
    small_model(project.parent / "model.onnx", opset=15)
    stage.open(project)
    assert isinstance(stage.heard.errors[-1], OtherContentsError)
    document = stage.bench.document
    assert document.inspection is None
    button = next(item for item in stage.strip.findChildren(QPushButton) if item.text() == "Use this file")
    stage.over(button.click)
    assert document.inspection is not None
    assert document.project.files == ()
    assert document.step_options("simplify") == {}
    assert "has changed" in stage.strip.banner.text


def test_a_project_that_is_none_changes_nothing(stage: Stage, tmp_path: Path) -> None:
    stage.open("demo")
    broken = tmp_path / "broken.ffstudio"
    broken.write_text("{", encoding="utf-8")
    stage.open(broken)
    assert stage.bench.document.inspection is not None
    assert "broken.ffstudio" in stage.strip.banner.text


def buttons_of(stage: Stage) -> list[str]:
    """Return the ways out that the strip offers."""
    buttons = stage.strip.banner.findChildren(QPushButton)
    texts = [item.text() for item in buttons if not item.isHidden()]  # hidden ones wait for their end
    return [text for text in texts if text and text != "Dismiss"]


def test_another_model_may_take_the_place_of_a_missing_one(stage: Stage, tmp_path: Path) -> None:
    project = saved_project(stage, tmp_path / "project")
    (project.parent / "model.onnx").unlink()
    other = small_model(tmp_path / "other.onnx", opset=15)
    with stage.qtbot.waitSignal(stage.opening.missing, timeout=PATIENCE):
        stage.opening.open(str(project))
    document = stage.bench.document
    document.set_step("rewrite", {}, "rewrite")
    before = document.project
    stage.over(lambda: stage.opening.found(document.missing[0], str(other)))
    assert isinstance(stage.heard.errors[-1], OtherContentsError)
    button = next(item for item in stage.strip.findChildren(QPushButton) if item.text() == "Use this file")
    stage.over(button.click)
    assert len(stage.heard.errors) == 1
    assert document.project.recipe.source == str(other)
    assert document.project.recipe.steps == before.recipe.steps
    assert (document.path, document.project.identity) == (project, before.identity)
    assert document.project.files == ()  # they were made of another model
    assert document.is_dirty


def test_a_wrong_file_for_a_missing_one_is_never_opened_as_a_model(stage: Stage, tmp_path: Path) -> None:
    project = saved_project(stage, tmp_path / "project")
    (project.parent / "made.onnx").unlink()
    stage.open(project)
    document = stage.bench.document
    missing = document.missing[0]
    for wrong in (small_model(tmp_path / "wrong.onnx"), tmp_path / "wrong.py", tmp_path / "wrong.ffstudio"):
        wrong.touch()
        stage.over(lambda wrong=wrong: stage.opening.found(missing, str(wrong)))
        assert buttons_of(stage) == ["Find it..."]
    assert document.path == project
    assert document.missing == (missing,)


def test_refused_rescued_work_is_not_opened_by_its_title(stage: Stage) -> None:
    lost = Document()
    lost.set_step("simplify", {}, "simplify")
    lost.close(keep_changes=True)
    (offer,) = recovery.offers()
    recovery.discard(offer)
    stage.over(lambda: stage.opening.restore(offer))
    assert stage.strip.banner.text
    assert buttons_of(stage) == []


def test_trying_again_looks_for_the_same_contents(stage: Stage, tmp_path: Path) -> None:
    project = saved_project(stage, tmp_path / "project")
    content = (project.parent / "model.onnx").read_bytes()
    (project.parent / "model.onnx").unlink()
    with stage.qtbot.waitSignal(stage.opening.missing, timeout=PATIENCE):
        stage.opening.open(str(project))
    document, later = stage.bench.document, tmp_path / "later.onnx"
    stage.over(lambda: stage.opening.found(document.missing[0], str(later)))
    assert buttons_of(stage) == ["Find it...", "Try again"]
    for written in (small_model(later, opset=15).read_bytes(), content):
        later.write_bytes(written)
        again = next(item for item in stage.strip.findChildren(QPushButton) if item.text() == "Try again")
        stage.over(again.click)
        if written != content:  # of another file nothing is opened, in whatever way it was asked for
            assert isinstance(stage.heard.errors[-1], OtherContentsError)
            assert document.inspection is None
            later.unlink()
            stage.over(lambda: stage.opening.found(document.missing[0], str(later)))
    assert document.path == project
    assert document.project.recipe.source == str(later)
    assert not any(missing.kind is MissingKind.SOURCE for missing in document.missing)
