"""Puts the program together: settings, look, language, document, jobs and the window."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QObject, Qt, QTimer, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication, QMessageBox

from converters.errors import DestinationError, StudioError
from studio.arguments import Arguments, parse
from studio.crash_reports import CrashReporter
from studio.document import Document
from studio.ending_signals import EndingSignals
from studio.jobs.service import JobService
from studio.locations import data_folder
from studio.loop_monitor import LoopMonitor
from studio.product import NAME
from studio.settings import SettingsStore
from studio.ui.ahead import Ahead
from studio.ui.languages import Languages
from studio.ui.opening import DEMO
from studio.ui.start_look import StartLook
from studio.ui.texts import tr
from studio.ui.theme import Theme
from studio.ui.widgets.banner import Tone
from studio.ui.window import Window
from studio.ui.workbench import Workbench

_TURN = 0.001
"""Seconds after which a thread that computes in Python lets another one go on. The usual 5 ms add up: whatever Qt does
lets go of Python's lock for a moment, and the window's thread then waits a turn for every thread that reads an answer
of a worker or imports what pages need. Measured while pages are first shown: half of the waiting."""

_NO_PAINTING_THREADS = ("QT_NO_GUI_THREADPOOL", "1")
"""Qt hands large pictures to threads of its own and waits for them. Beside a preview, which keeps all cores busy, that
makes painting a frame seven times longer than doing it at once."""


def main(arguments: Sequence[str]) -> int:
    """Show the window until it is closed.

    Returns:
        The exit status: 0, 2 for arguments that make no sense, 128 and the signal's number where one ended it.
    """
    try:
        wanted = parse(arguments)
    except StudioError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    QCoreApplication.setApplicationName(NAME)
    QCoreApplication.setOrganizationName(NAME)
    QApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
    sys.setswitchinterval(_TURN)
    os.environ.setdefault(*_NO_PAINTING_THREADS)
    application = QApplication(["facefusion-mobile-studio"])
    application.setQuitOnLastWindowClosed(False)
    return Program(application, wanted).run()


class Program(QObject):
    """Everything there is while the window is open, and the order in which it ends.

    Args:
        application: Qt's.
        wanted: what to begin with.
    """

    def __init__(self, application: QApplication, wanted: Arguments) -> None:
        super().__init__()
        self._application = application
        self._wanted = wanted
        self._signal = 0
        self._shown = 0.0
        self._crashes = CrashReporter(self)
        self._earlier_crash = self._crashes.install()
        self._monitor = LoopMonitor(self)
        self._settings = SettingsStore(parent=self)
        self._languages = Languages(application)
        self._languages.choose(self._settings.value.language)
        self._theme = Theme(application)
        self._theme.choose(self._settings.value.theme)
        self._bench = Workbench(Document(self), self._jobs(), self._settings)
        self.window = Window(self._bench)
        self._crashes.reported.connect(self._say_crash)
        self._look = StartLook(self.window, self._bench)
        self._ahead = Ahead(self.window, self)
        self._settings.changed.connect(self._apply_settings)
        self._settings.failed.connect(self.window.say_error)
        self._bench.document.recovery_failed.connect(self.window.say_error)
        self._bench.document.noticed.connect(self._say_notice)
        self._theme.about_to_change.connect(self.window.tear_down)
        self._theme.changed.connect(self.window.rebuild)
        self.window.painted.connect(self._begin)
        self._opened = self.window.opening.opened.connect(self._show_source)
        self.window.closed.connect(application.quit)
        self._ending = EndingSignals(self)
        self._ending.asked.connect(self._end)

    def run(self) -> int:
        """Show the window and return when it is closed and nothing of it is left."""
        self.window.show()
        self._application.exec()
        document, by_signal = self._bench.document, self._signal != 0
        self.window.hide()
        self._monitor.stop()
        self._write_measures()
        document.close(keep_changes=by_signal)
        self._look.close()
        self._ahead.close()
        self._bench.jobs.close()
        self._settings.close()
        self._ending.close()
        self._crashes.uninstall()
        self.window.deleteLater()
        return 128 + self._signal if by_signal else 0

    def _say_notice(self, notice: StudioError) -> None:
        self.window.banner.say(str(notice), Tone.WARNING)

    def _jobs(self) -> JobService:
        try:
            return JobService(data_folder() / "work", parent=self)
        except DestinationError:
            # without a folder of our own (a full disk, a read-only home) work is still possible
            return JobService(Path(tempfile.gettempdir()), parent=self)

    def _begin(self) -> None:
        """Do what would have made the start longer; the window is in view by now."""
        self._shown = time.monotonic()
        if self._wanted.measure_loop is not None:
            self._monitor.start()
            self._write_measures()
        if self._settings.notice is not None:
            self._say_notice(self._settings.notice)
        if self._earlier_crash is not None:
            self._say_crash(str(self._earlier_crash), is_earlier=True)
        self._look.begin()
        self._ahead.begin()
        self.window.show_drawer(self._settings.value.drawer_open)
        if self._wanted.path:
            self.window.open(
                self._wanted.path if self._wanted.path == DEMO else str(Path(self._wanted.path).absolute())
            )

    def _show_source(self) -> None:
        """Show the source that was asked for, with the first model that is there."""
        if self._bench.document.inspection is None:
            return
        self.window.opening.opened.disconnect(self._opened)
        if self._wanted.source is not None:
            self.window.show_live(self._wanted.source)

    def _apply_settings(self) -> None:
        # later, since the control that was used goes with everything else that is made anew
        QTimer.singleShot(0, self, self._apply_look)

    def _apply_look(self) -> None:
        value = self._settings.value
        is_other = self._languages.choose(value.language)
        self._theme.choose(value.theme)
        if is_other:
            self.window.rebuild()

    def _end(self, number: int) -> None:
        self._signal = number
        self.window.close_without_questions()

    def _say_crash(self, path: str, is_earlier: bool = False) -> None:
        if self.window.findChild(QMessageBox, "crash-dialog") is not None:
            return  # one at a time is enough; the reports are all written
        box = QMessageBox(self.window)
        box.setObjectName("crash-dialog")
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setIcon(QMessageBox.Icon.Warning)
        box.setWindowTitle(NAME)
        if is_earlier:
            box.setText(tr("The program ended unexpectedly the last time."))
        else:
            box.setText(tr("Something in the program went wrong. You can go on; save your work soon."))
        box.setInformativeText(tr("A report was written to {path}. It was not sent to anybody.", path=path))
        show = box.addButton(tr("Show file"), QMessageBox.ButtonRole.ActionRole)
        show.setObjectName("crash-show")
        show.setAccessibleName(show.text())
        show.clicked.connect(lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(path)))
        close = box.addButton(tr("Close"), QMessageBox.ButtonRole.RejectRole)
        close.setAccessibleName(close.text())
        box.open()

    def _write_measures(self) -> None:
        """Write what the loop monitor saw, for whoever asked for it."""
        if self._wanted.measure_loop is None:
            return
        measures = {
            "shown": self._shown,  # seconds of the monotonic clock
            "largest_gap": self._monitor.largest_gap,
            "gaps": [{"seconds": gap, "after": after} for gap, after in self._monitor.gaps],
        }
        part = self._wanted.measure_loop.with_suffix(".part")
        part.write_text(json.dumps(measures), encoding="utf-8")
        part.replace(self._wanted.measure_loop)
