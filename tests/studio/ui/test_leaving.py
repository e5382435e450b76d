"""What is asked before work is left: what the words promise, and what jobs do while a question is in view."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QAbstractButton, QApplication, QMessageBox
from pytestqt.qtbot import QtBot

from studio.document import Document
from studio.jobs.job import JobRequest, JobState
from studio.locations import unsaved_folder
from studio.project import MadeFile
from studio.ui.start_look import StartLook
from studio.ui.window import Window
from studio.ui.workbench import Workbench

SHA256 = "0" * 64


class Person:
    """Answers questions as they come, in the order given, and remembers what they said.

    Args:
        answers: names of buttons; with each, what happens while its question is in view.
    """

    def __init__(self, *answers: str | tuple[str, Callable[[], object]]) -> None:
        self.questions: list[str] = []
        self._answers = list(answers)
        self._timer = QTimer(interval=5)
        self._timer.timeout.connect(self._look)
        self._timer.start()

    def _look(self) -> None:
        box = QApplication.activeModalWidget()
        if not isinstance(box, QMessageBox) or not box.isVisible():
            return
        self.questions.append(f"{box.text()} {box.informativeText()}")
        answer = self._answers.pop(0) if self._answers else "question-cancel"
        name, meanwhile = answer if isinstance(answer, tuple) else (answer, lambda: None)
        meanwhile()
        button = box.findChild(QAbstractButton, name) or box.findChildren(QAbstractButton)[0]
        button.click()

    def leave(self) -> None:
        """Answer nothing more."""
        self._timer.stop()


def make_file(document: Document, name: str = "made.onnx") -> Path:
    """Put a file into the project as a conversion does."""
    path = document.work_folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"made")
    document.set_files([*document.project.files, MadeFile(path, "onnx", "fp32", 4, SHA256, True, "key")])
    return document.project.files[-1].path


def begin_job(bench: Workbench) -> int:
    """Begin work for the open project that takes a while."""
    operation = {"worker": "w", "operation": "warm", "arguments": {"modules": ["torch"]}, "timeout": None}
    arguments = {**operation, "project": bench.document.project.identity}
    return bench.jobs.submit(JobRequest("operation", "Something long", arguments))


def test_the_words_say_what_becomes_of_the_files(
    window: Window, bench: Workbench, qtbot: QtBot, tmp_path: Path
) -> None:
    document = bench.document
    document.set_step("simplify", {}, "Simplify")
    person = Person("question-cancel", "question-discard", "question-discard")
    window.new_project()
    assert "file" not in person.questions[0].partition("?")[2]
    made = make_file(document)
    window.new_project()
    assert "files made so far (1) are deleted" in person.questions[1]
    qtbot.waitUntil(lambda: not made.exists())
    document.save(tmp_path / "kept.ffstudio")
    made = make_file(document)
    window.new_project()
    assert "stay" in person.questions[2]
    assert document.path is None
    assert made.exists()
    assert len(person.questions) == 3
    person.leave()


def test_what_was_made_during_the_examination_is_asked_about(
    window: Window, bench: Workbench, qtbot: QtBot, tmp_path: Path
) -> None:
    from tests.model.small_sources import small_proto, write_onnx

    document = bench.document
    with qtbot.waitSignal(window.opening.opened, timeout=30_000):
        window.open(str(write_onnx(tmp_path / "first.onnx", small_proto())))
    second = str(write_onnx(tmp_path / "second.onnx", small_proto(opset=15)))
    person = Person("question-cancel", "question-discard")
    window.open(second)
    made = make_file(document)
    qtbot.waitUntil(lambda: len(person.questions) == 1, timeout=30_000)
    assert document.title == "first.onnx"
    assert document.project.files
    assert made.exists()
    with qtbot.waitSignal(window.opening.opened, timeout=30_000):
        window.open(second)
    assert document.title == "second.onnx"
    assert len(person.questions) == 2  # one for each time, however long the examination took
    person.leave()


def test_what_a_job_made_while_the_window_asks_is_not_lost(window: Window, bench: Workbench) -> None:
    begin_job(bench)
    person = Person(("question-end-jobs", lambda: make_file(bench.document)), "question-cancel")
    assert not window.close()
    assert "still running" in person.questions[0]
    assert "Save the changes" in person.questions[1]
    assert bench.document.project.files[0].path.exists()
    # "Discard" is no answer for what came after it was asked
    again = (("question-discard", lambda: make_file(bench.document, "second.onnx")), "question-cancel")
    person.leave()
    person = Person("question-end-jobs", *again)
    assert not window.close()
    assert [question.partition("(")[2][:1] for question in person.questions] == ["", "1", "2"]
    person.leave()


@pytest.mark.parametrize("is_saved_elsewhere", [False, True])
def test_the_jobs_of_a_project_end_with_it_when_the_person_says_so(
    window: Window, bench: Workbench, qtbot: QtBot, tmp_path: Path, is_saved_elsewhere: bool
) -> None:
    document = bench.document
    document.save(tmp_path / "one.ffstudio")
    job = begin_job(bench)
    if is_saved_elsewhere:
        document.save(tmp_path / "two.ffstudio")
    before = document.project.identity
    person = Person("question-keep", "question-end-jobs")
    window.new_project()
    assert document.project.identity == before
    assert not bench.jobs.job(job).is_stopping
    window.new_project()
    assert document.project.identity != before
    qtbot.waitUntil(lambda: bench.jobs.job(job).state is JobState.CANCELLED, timeout=10_000)
    assert all("Jobs of this project" in question for question in person.questions)
    person.leave()


def test_rescued_work_is_discarded_only_when_the_person_says_so(
    window: Window, bench: Workbench, qtbot: QtBot, data_folder: Path
) -> None:
    lost = Document()
    make_file(lost)
    lost.close(keep_changes=True)
    look = StartLook(window, bench)
    look.begin()

    def rows() -> list[QAbstractButton]:
        return window.start.findChildren(QAbstractButton, "rescued-discard")

    qtbot.waitUntil(lambda: len(rows()) == 1)
    person = Person("question-cancel", "question-discard")
    rows()[0].click()
    assert "(1) are deleted" in person.questions[0]
    assert len(list((data_folder / "recovery").glob("*.json"))) == 1
    assert len(rows()) == 1
    rows()[0].click()
    qtbot.waitUntil(lambda: not rows())
    assert not list((data_folder / "recovery").glob("*.json"))
    qtbot.waitUntil(lambda: not list(unsaved_folder().glob("*")))
    person.leave()
    look.close()
