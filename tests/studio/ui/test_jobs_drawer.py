"""The drawer on a real service: what it lists, what its buttons do, and the log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QPlainTextEdit, QProgressBar, QPushButton, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from studio.jobs.job import JobRequest, JobState
from studio.jobs.service import JobService
from studio.ui.job_words import stage_text, time_text
from studio.ui.widgets.elided_label import ElidedLabel
from studio.ui.widgets.jobs_drawer import JobsDrawer
from studio.ui.widgets.log_view import LogView
from studio.ui.workbench import Workbench

OPERATIONS = "tests.engine.worker_operations:TABLE"
PATIENCE = 20_000  # milliseconds


@pytest.fixture
def service(qapp: object, tmp_path: Path) -> Iterator[JobService]:  # noqa: ARG001
    made = JobService(tmp_path / "jobs", operations=OPERATIONS)
    yield made
    made.close()


@pytest.fixture
def drawer(qtbot: QtBot, service: JobService) -> JobsDrawer:
    return opened(qtbot, service)


def opened(qtbot: QtBot, service: JobService) -> JobsDrawer:
    made = JobsDrawer(Workbench(document=cast(Any, None), jobs=service, settings=cast(Any, None)))
    qtbot.addWidget(made)
    made.resize(1000, 240)
    made.show()
    return made


def request(operation: str, *, is_quiet: bool = False, **arguments: Any) -> JobRequest:
    plain = {"worker": "test", "operation": operation, "arguments": arguments}
    return JobRequest("operation", f"Title of {operation}", plain, is_quiet=is_quiet)


def wait_for(qtbot: QtBot, service: JobService, identity: int) -> None:
    qtbot.waitUntil(lambda: service.job(identity).state.is_over, timeout=PATIENCE)
    qtbot.wait(0)


def find(drawer: QWidget, kind: type, name: str) -> Any:
    found = drawer.findChild(kind, name)
    assert found is not None, name
    return found


def rows(drawer: JobsDrawer) -> list[str]:
    """Return the titles in view from top to bottom."""
    titles = [each for each in drawer.findChildren(ElidedLabel) if each.objectName().startswith("job-title-")]
    shown = [each for each in titles if each.isVisible()]
    return [each.full_text for each in sorted(shown, key=lambda each: each.mapTo(drawer, each.pos()).y())]


def test_an_empty_drawer_says_so(drawer: JobsDrawer) -> None:
    assert find(drawer, QWidget, "empty-state").isVisible()
    assert not find(drawer, QWidget, "jobs-list").isVisible()


def test_a_running_job_has_bar_stage_and_cancel(qtbot: QtBot, service: JobService, drawer: JobsDrawer) -> None:
    counts: list[int] = []
    drawer.count_changed.connect(counts.append)
    identity = service.submit(request("count", to=600, pause=0.05))
    waiting = service.submit(request("echo"))
    bar = find(drawer, QProgressBar, f"job-bar-{identity}")
    qtbot.waitUntil(lambda: bar.isVisible() and bar.value() > 0, timeout=PATIENCE)
    assert counts == [1, 2]
    assert rows(drawer) == ["Title of echo", "Title of count"]
    assert find(drawer, ElidedLabel, f"job-stage-{identity}").full_text == "Counting ünïcode"
    assert find(drawer, ElidedLabel, f"job-stage-{waiting}").full_text == "Waiting for its turn"
    assert not find(drawer, QToolButton, f"job-retry-{identity}").isVisible()
    cancel = find(drawer, QToolButton, f"job-cancel-{identity}")
    cancel.setFocus()
    qtbot.keyClick(cancel, Qt.Key.Key_Space)
    assert service.job(identity).is_stopping
    wait_for(qtbot, service, waiting)
    assert service.job(identity).state is JobState.CANCELLED
    assert find(drawer, ElidedLabel, f"job-stage-{identity}").full_text == "Cancelled"
    assert not bar.isVisible()
    assert counts[-1] == 0
    assert find(drawer, QToolButton, f"job-retry-{identity}").isVisible()


def test_a_failed_job_shows_its_sentence_and_its_log(qtbot: QtBot, service: JobService, drawer: JobsDrawer) -> None:
    identity = service.submit(request("null_pointer"))
    wait_for(qtbot, service, identity)
    sentence = find(drawer, QLabel, f"job-failure-{identity}")
    assert sentence.isVisible()
    assert "SIGSEGV" in sentence.text()
    assert "about to crash" not in sentence.text()
    qtbot.mouseClick(find(drawer, QToolButton, f"job-log-{identity}"), Qt.MouseButton.LeftButton)
    view = find(drawer, LogView, "log-view")
    text = find(view, QPlainTextEdit, "log-text")
    assert text.isReadOnly()
    assert "about to crash" in text.toPlainText()
    qtbot.mouseClick(find(view, QPushButton, "log-copy"), Qt.MouseButton.LeftButton)
    copied = QGuiApplication.clipboard().text()
    assert "SIGSEGV" in copied
    assert "about to crash" in copied
    with qtbot.waitSignal(view.destroyed, timeout=PATIENCE):
        qtbot.keyClick(view, Qt.Key.Key_Escape)


def test_retry_and_remove(qtbot: QtBot, service: JobService, drawer: JobsDrawer) -> None:
    identity = service.submit(request("echo"))
    wait_for(qtbot, service, identity)
    qtbot.mouseClick(find(drawer, QToolButton, f"job-retry-{identity}"), Qt.MouseButton.LeftButton)
    again = service.jobs()[-1].identity
    assert again != identity
    wait_for(qtbot, service, again)
    qtbot.mouseClick(find(drawer, QToolButton, f"job-remove-{identity}"), Qt.MouseButton.LeftButton)
    assert [job.identity for job in service.jobs()] == [again]
    assert len(rows(drawer)) == 1
    qtbot.mouseClick(find(drawer, QPushButton, "jobs-clear"), Qt.MouseButton.LeftButton)
    assert not service.jobs()
    assert find(drawer, QWidget, "empty-state").isVisible()


def test_what_finished_and_left_files_in_its_place_is_not_run_again(
    qtbot: QtBot, service: JobService, drawer: JobsDrawer
) -> None:
    done = service.submit(replace(request("echo"), keeps_files=True))
    failed = service.submit(replace(request("bug"), keeps_files=True))
    wait_for(qtbot, service, failed)
    assert not find(drawer, QToolButton, f"job-retry-{done}").isVisible()
    assert find(drawer, QToolButton, f"job-retry-{failed}").isVisible()


def test_quiet_jobs_show_only_when_they_fail(qtbot: QtBot, service: JobService, drawer: JobsDrawer) -> None:
    good = service.submit(request("echo", is_quiet=True))
    bad = service.submit(request("bug", is_quiet=True))
    loud = service.submit(request("count", to=2))
    wait_for(qtbot, service, loud)
    assert service.job(good).state is JobState.DONE
    assert service.job(bad).state is JobState.FAILED
    assert rows(drawer) == ["Title of count", "Title of bug"]
    assert find(drawer, QToolButton, f"job-retry-{loud}").isVisible()
    assert not find(drawer, QToolButton, f"job-retry-{bad}").isVisible(), "nobody would take the result"


def test_a_new_drawer_shows_what_was_there(qtbot: QtBot, service: JobService, drawer: JobsDrawer) -> None:
    over = service.submit(request("echo"))
    wait_for(qtbot, service, over)
    service.submit(request("wait", seconds=60))
    drawer.deleteLater()
    other = opened(qtbot, service)
    assert rows(other) == ["Title of wait", "Title of echo"]
    assert other.count == 1


def test_every_button_can_be_reached_and_has_a_name(qtbot: QtBot, service: JobService, drawer: JobsDrawer) -> None:
    identity = service.submit(request("echo"))
    wait_for(qtbot, service, identity)
    buttons = [each for each in drawer.findChildren(QToolButton) if each.isVisible()]
    assert len(buttons) == 3
    for button in buttons:
        assert button.objectName()
        assert "Title of echo" in button.accessibleName()
        assert button.toolTip()
        assert button.focusPolicy() & Qt.FocusPolicy.TabFocus


def test_words_on_time(service: JobService, qtbot: QtBot) -> None:
    from dataclasses import replace

    identity = service.submit(request("echo"))
    wait_for(qtbot, service, identity)
    job = replace(service.job(identity), state=JobState.RUNNING)
    told = [time_text(replace(job, remaining=seconds)) for seconds in (0.2, 7.4, 43.0, 58.0, 200.0, 4000.0)]
    assert told == [
        "about 1 s left",
        "about 7 s left",
        "about 45 s left",
        "about 1 min left",
        "about 3 min left",
        "about 67 min left",
    ]
    assert stage_text(replace(job, is_stopping=True)) == "Stopping"
