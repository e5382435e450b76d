"""What nobody handles ends in a file of this computer, once for each, and never in silence."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer, qWarning
from pytestqt.qtbot import QtBot

from studio import crash_reports
from studio.crash_reports import CrashReporter

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def reporter(qtbot: QtBot) -> Iterator[CrashReporter]:
    level = logging.getLogger().level
    with qtbot.captureExceptions():
        made = CrashReporter()
        assert made.install() is None
        yield made
        made.uninstall()
    logging.getLogger().setLevel(level)


def reports() -> list[Path]:
    return sorted(crash_reports.crash_folder().glob("crash-*.txt"))


def fail(_secret: str = "nobody's business") -> None:
    raise ZeroDivisionError("the bug")


def test_an_error_in_a_slot_is_written_once(reporter: CrashReporter, qtbot: QtBot) -> None:
    qWarning("Qt has something to say")
    timer = QTimer(interval=0)
    timer.timeout.connect(fail)
    with qtbot.waitSignal(reporter.reported) as told:
        timer.start()
    qtbot.wait(50)  # the timer goes on failing
    timer.stop()
    assert [str(path) for path in reports()] == told.args
    text = reports()[0].read_text(encoding="utf-8")
    assert "ZeroDivisionError: the bug" in text
    assert "Qt has something to say" in text
    assert "nobody's business" not in text


def test_an_error_in_a_thread_is_written(reporter: CrashReporter, qtbot: QtBot) -> None:
    thread = threading.Thread(target=fail, name="the worker's thread")
    with qtbot.waitSignal(reporter.reported):
        thread.start()
    thread.join()
    assert "the worker's thread" in reports()[0].read_text(encoding="utf-8")


def test_only_the_newest_are_kept(reporter: CrashReporter) -> None:
    # errors of different kinds, since the same one is written once
    kinds = [type(f"Error{number}", (Exception,), {}) for number in range(crash_reports.MOST_REPORTS + 5)]
    written = [reporter.report(kind("the bug"), None, "a test") for kind in kinds]
    assert None not in written
    assert len(reports()) == crash_reports.MOST_REPORTS


def test_a_folder_that_cannot_be_written_costs_only_the_reports(
    data_folder: Path, qtbot: QtBot, capfd: pytest.CaptureFixture[str]
) -> None:
    (data_folder / "crashes").write_text("in the way")
    reporter = CrashReporter()
    with qtbot.captureExceptions():
        assert reporter.install() is None
        try:
            assert reporter.report(ValueError("the bug"), None, "a test") is None
        finally:
            reporter.uninstall()
    assert "the bug" in capfd.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="a signal stands for the crash")
def test_a_hard_crash_is_told_of_at_the_next_start(data_folder: Path, qtbot: QtBot) -> None:
    code = (
        "import os, signal\nfrom studio.crash_reports import CrashReporter\n"
        "reporter = CrashReporter()\nassert reporter.install() is None\nos.kill(os.getpid(), signal.SIGSEGV)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, env=dict(os.environ), check=False)
    assert done.returncode == -signal.SIGSEGV
    reporter = CrashReporter()
    with qtbot.captureExceptions():
        earlier = reporter.install()
        reporter.uninstall()
    assert earlier is not None
    assert "Segmentation fault" in earlier.read_text(encoding="utf-8")
    assert [path.name for path in (data_folder / "crashes").iterdir()] == [earlier.name]
