"""Writes what went wrong inside the program into files of this computer. Nothing is ever sent."""

from __future__ import annotations

import faulthandler
import hashlib
import logging
import os
import sys
import threading
import time
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from PySide6.QtCore import QObject, QtMsgType, Signal, qInstallMessageHandler, qVersion

from studio.locations import data_folder

MOST_REPORTS = 20
_MOST_LOG = 1_000_000
_LOG_TAIL = 4000
_STALE = 30 * 24 * 3600.0
_log = logging.getLogger(__name__)


def crash_folder() -> Path:
    """Return where reports are."""
    return data_folder() / "crashes"


def log_file() -> Path:
    """Return where this program and Qt write what they would say on a terminal."""
    return data_folder() / "studio.log"


class CrashReporter(QObject):
    """Takes every error that nobody handles, writes a report, and says where it is.

    Attributes:
        reported: a report was written, here; comes on the thread the reporter was made on. Not for errors that were
            reported before in this run.
    """

    reported = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._seen: set[str] = set()
        self._fault_file: TextIO | None = None
        self._handler: logging.Handler | None = None
        self._hooks: tuple[Any, Any, Any] | None = None

    def install(self) -> Path | None:
        """Take over from Python's and Qt's own ways to report; return the report of a crash of an earlier run.

        A folder that cannot be written to costs the reports, not the program.
        """
        self._hooks = (sys.excepthook, threading.excepthook, sys.unraisablehook)
        sys.excepthook = self._exception
        threading.excepthook = self._thread_exception
        sys.unraisablehook = self._unraisable
        try:
            crash_folder().mkdir(parents=True, exist_ok=True)
            earlier = _earlier_fault()
            self._fault_file = (crash_folder() / f"fault-{os.getpid()}.txt").open("w", encoding="utf-8")
            self._handler = _log_handler()
        except OSError as error:
            _log.warning("no crash reports: %s", error)
            return None
        faulthandler.enable(self._fault_file)
        logging.getLogger().addHandler(self._handler)
        logging.getLogger().setLevel(logging.INFO)
        qInstallMessageHandler(_qt_message)
        return earlier

    def uninstall(self) -> None:
        """Give everything back; at the program's end."""
        if self._hooks is not None:
            sys.excepthook, threading.excepthook, sys.unraisablehook = self._hooks
            self._hooks = None
        if self._handler is not None:
            qInstallMessageHandler(None)
            logging.getLogger().removeHandler(self._handler)
            self._handler.close()
            self._handler = None
        if self._fault_file is not None:
            faulthandler.disable()
            self._fault_file.close()
            Path(self._fault_file.name).unlink(missing_ok=True)
            self._fault_file = None

    def _exception(self, kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        self.report(error, where, "the window's thread")

    def _thread_exception(self, found: threading.ExceptHookArgs) -> None:
        if found.exc_value is not None and not isinstance(found.exc_value, SystemExit):
            self.report(found.exc_value, found.exc_traceback, found.thread.name if found.thread else "a thread")

    def _unraisable(self, found: Any) -> None:
        if found.exc_value is not None:
            self.report(found.exc_value, found.exc_traceback, found.err_msg or "while something was cleaned up")

    def report(self, error: BaseException, where: TracebackType | None, place: str) -> Path | None:
        """Write a report of one error, unless the same was reported before; return where it is."""
        trace = "".join(traceback.format_exception(type(error), error, where))
        mark = _mark(error, where)
        print(trace, file=sys.stderr, flush=True)
        if mark in self._seen:
            return None
        self._seen.add(mark)
        _log.error("unhandled in %s: %s", place, trace)
        path = crash_folder() / f"crash-{time.strftime('%Y%m%d-%H%M%S')}-{mark}.txt"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{_about(place)}\n{trace}\nThe log's end:\n{_log_tail()}", encoding="utf-8")
            _keep_newest()
        except OSError as failure:
            print(f"no crash report: {failure}", file=sys.stderr)
            return None
        self.reported.emit(str(path))
        return path


def _mark(error: BaseException, where: TracebackType | None) -> str:
    """Return 8 digits for the kind of an error and its place, so that one in a loop is reported once."""
    frames = traceback.extract_tb(where)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return hashlib.sha256(f"{type(error).__name__} {place}".encode()).hexdigest()[:8]


def _about(place: str) -> str:
    import platform

    return (
        "FaceFusion Mobile Studio crash report. It stays on this computer unless you pass it on.\n"
        f"When: {time.strftime('%Y-%m-%d %H:%M:%S %z')}\n"
        f"Where: {place}\n"
        f"Python {platform.python_version()}, Qt {qVersion()}, {platform.platform()}\n"
    )


def _log_handler() -> logging.Handler:
    path = log_file()
    if path.exists() and path.stat().st_size > _MOST_LOG:
        path.replace(path.with_suffix(".log.1"))
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
    return handler


def _log_tail() -> str:
    try:
        with log_file().open("rb") as file:
            file.seek(max(0, log_file().stat().st_size - _LOG_TAIL))
            return file.read().decode("utf-8", errors="replace")
    except OSError:
        return "(there is no log)"


def _qt_message(kind: QtMsgType, context: Any, message: str) -> None:
    levels = {
        QtMsgType.QtDebugMsg: logging.DEBUG,
        QtMsgType.QtInfoMsg: logging.INFO,
        QtMsgType.QtWarningMsg: logging.WARNING,
        QtMsgType.QtCriticalMsg: logging.ERROR,
        QtMsgType.QtFatalMsg: logging.CRITICAL,
    }
    logging.getLogger("qt").log(levels.get(kind, logging.WARNING), "%s (%s)", message, context.category)


def _earlier_fault() -> Path | None:
    """Return the report of a hard crash (a segmentation fault, say) of an earlier run, given a lasting name."""
    found = None
    for file in sorted(crash_folder().glob("fault-*.txt")):
        state = file.stat()
        if state.st_size:
            found = file.with_name(time.strftime("crash-%Y%m%d-%H%M%S-hard.txt", time.localtime(state.st_mtime)))
            file.replace(found)
        elif time.time() - state.st_mtime > _STALE:  # its run was killed long ago; younger ones may still run
            file.unlink(missing_ok=True)
    if found is not None:
        _keep_newest()
    return found


def _keep_newest() -> None:
    reports = sorted(crash_folder().glob("crash-*.txt"), key=lambda file: file.stat().st_mtime)
    for old in reports[:-MOST_REPORTS]:
        old.unlink(missing_ok=True)
