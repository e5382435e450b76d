"""Which cameras there are, asked again and again while somebody looks, so that one that is plugged in appears."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from converters.errors import CancelledError, StudioError
from studio.jobs.job import JobRequest, Lane
from studio.jobs.service import JobService
from studio.ui.texts import tr

INTERVAL = 2000
"""Milliseconds from an answer to the next question."""
_WORKER = "inspector"


class Cameras(QObject):
    """Asks a worker which cameras there are.

    Attributes:
        changed: other ones.
        failed: a StudioError: they cannot be listed; not asked again before the next `begin`.
        found: those there are, each its "place" (as `SourceChoice` has it) and "title"; () before the first answer.
        is_known: whether there was an answer.
    """

    changed = Signal()
    failed = Signal(object)

    def __init__(self, jobs: JobService, parent: QObject) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._asked = 0
        self._is_on = False
        self.found: tuple[Mapping[str, str], ...] = ()
        self.is_known = False
        self._timer = QTimer(self, interval=INTERVAL, singleShot=True)
        self._timer.timeout.connect(self._ask)

    def begin(self) -> None:
        """Ask now and from then on."""
        if not self._is_on:
            self._is_on = True
            if not self._asked:
                self._ask()

    def end(self) -> None:
        """Ask no more."""
        self._is_on = False
        self._timer.stop()

    def _ask(self) -> None:
        arguments = {"worker": _WORKER, "operation": "list_cameras", "arguments": {}}
        request = JobRequest(
            "operation", tr("Looking for cameras"), arguments, Lane.MODEL, is_quiet=True, can_retry=False
        )
        self._asked = self._jobs.submit(request)
        self._jobs.follow(self._asked, self, done=self._take, failed=self._fail)

    def _take(self, answer: dict[str, Any]) -> None:
        found = tuple({"place": each["place"], "title": each["title"]} for each in answer["cameras"])
        is_new = not self.is_known or found != self.found
        self.found, self.is_known = found, True
        self._finish()
        if self._is_on:
            self._timer.start()
        if is_new:
            self.changed.emit()

    def _fail(self, error: StudioError) -> None:
        self._finish()
        self._is_on = False
        if not isinstance(error, CancelledError):
            self.failed.emit(error)

    def _finish(self) -> None:
        """Take the job out of the list: one every two seconds would push all others out."""
        identity, self._asked = self._asked, 0
        QTimer.singleShot(0, self, lambda: self._forget(identity))

    def _forget(self, identity: int) -> None:
        if any(job.identity == identity for job in self._jobs.jobs()):
            self._jobs.forget(identity)
