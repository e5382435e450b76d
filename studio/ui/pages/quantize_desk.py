"""The Quantize page's calls to the worker that calibrates: one at a time, and of each kind only the newest."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Signal

from converters.errors import CancelledError, StudioError
from studio.jobs.job import Job, JobRequest, Lane
from studio.jobs.service import JobService
from studio.ui.texts import tr

Data = dict[str, Any]

OPEN, PREVIEW, HISTOGRAM = "calibration_open", "calibration_preview", "calibration_histogram"
WORKER = "calibrator"
_ORDER = (OPEN, PREVIEW, HISTOGRAM)
"""Which comes first of what waits: without a set there is nothing to show, and the picture is what a hand waits for."""


@dataclass(frozen=True)
class Wanted:
    """One call that waits or runs.

    Attributes:
        operation: its name.
        arguments: plain data.
        since: when a person asked for it, seconds of the monotonic clock.
    """

    operation: str
    arguments: Mapping[str, Any]
    since: float


class CalibrationDesk(QObject):
    """Sends calls to the worker and tells what came back.

    While one call runs, newer ones of its kind wait, and of those only the newest is kept: a hand moves a handle
    faster than pictures are made. Running calls are not cancelled for a newer value, because a worker that does not
    stop at once is ended, and all that it keeps in memory with it.

    Signals:
        opened(data), histogram(data): results.
        previewed(data, seconds): a result, and the seconds since the person asked.
        failed(error, operation): nothing came back; `retry` asks again.
        progressed(stage, fraction): of an opening.
        idle_changed(is_idle): whether something is asked for.
    """

    opened = Signal(object)
    histogram = Signal(object)
    previewed = Signal(object, float)
    failed = Signal(object, str)
    progressed = Signal(str, float)
    idle_changed = Signal(bool)

    def __init__(self, jobs: JobService, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._waiting: dict[str, Wanted] = {}
        self._running: tuple[int, Wanted] | None = None
        self._failed: Wanted | None = None
        self._is_dropped = False

    @property
    def is_idle(self) -> bool:
        """Whether nothing is asked for."""
        return self._running is None and not self._waiting

    @property
    def is_opening(self) -> bool:
        """Whether a set is being opened or waits for it."""
        return OPEN in self._waiting or (self._running is not None and self._running[1].operation == OPEN)

    def open(self, arguments: Mapping[str, Any]) -> None:
        """Open a calibration set; what was asked for about another one is forgotten."""
        self._waiting.clear()
        if self._running is not None and self._running[1].operation == OPEN:
            self._is_dropped = True
            self._jobs.cancel(self._running[0])
        elif self._running is not None:
            self._is_dropped = True
        self._want(OPEN, arguments)

    def preview(self, arguments: Mapping[str, Any]) -> None:
        """Show a sample; the newest call wins."""
        self._want(PREVIEW, arguments)

    def ask_histogram(self, arguments: Mapping[str, Any]) -> None:
        """Tell about a tensor; the newest call wins."""
        self._want(HISTOGRAM, arguments)

    def cancel(self) -> None:
        """Give up what is asked for."""
        self._waiting.clear()
        if self._running is not None:
            self._jobs.cancel(self._running[0])

    def retry(self) -> None:
        """Ask again for what failed last."""
        if self._failed is not None:
            self._want(self._failed.operation, self._failed.arguments)

    def _want(self, operation: str, arguments: Mapping[str, Any]) -> None:
        was_idle = self.is_idle
        self._failed = None
        self._waiting[operation] = Wanted(operation, arguments, time.monotonic())
        if was_idle:
            self.idle_changed.emit(False)
        self._next()

    def _next(self) -> None:
        if self._running is not None:
            return
        wanted = next((self._waiting.pop(name) for name in _ORDER if name in self._waiting), None)
        if wanted is None:
            return
        request = JobRequest(
            "operation",
            _title(wanted.operation),
            {"worker": WORKER, "operation": wanted.operation, "arguments": dict(wanted.arguments)},
            lane=Lane.INTERACTIVE,
            is_quiet=True,
        )
        identity = self._jobs.submit(request)
        self._running = (identity, wanted)
        self._is_dropped = False
        self._jobs.follow(identity, self, done=self._done, failed=self._refused, changed=self._changed)

    def _finished(self) -> Wanted | None:
        """Take note that the running call is over; return it, None where nobody wants to know any more."""
        assert self._running is not None
        _, wanted = self._running
        self._running = None
        return None if self._is_dropped else wanted

    def _done(self, result: Data) -> None:
        wanted = self._finished()
        if wanted is not None:
            if wanted.operation == OPEN:
                self.opened.emit(result)
            elif wanted.operation == HISTOGRAM:
                self.histogram.emit(result)
            else:
                self.previewed.emit(result, time.monotonic() - wanted.since)
        self._go_on()

    def _refused(self, error: StudioError) -> None:
        wanted = self._finished()
        if wanted is not None:
            self._failed = wanted
            if not isinstance(error, CancelledError):
                self._waiting.clear()
            self.failed.emit(error, wanted.operation)
        self._go_on()

    def _changed(self, job: Job) -> None:
        if self._running is not None and self._running[1].operation == OPEN and not self._is_dropped:
            self.progressed.emit(job.message.stage, job.message.fraction)

    def _go_on(self) -> None:
        self._next()
        if self.is_idle:
            self.idle_changed.emit(True)


def _title(operation: str) -> str:
    return {
        OPEN: tr("Reading the calibration set"),
        PREVIEW: tr("Showing what quantization does"),
        HISTOGRAM: tr("Reading a histogram"),
    }[operation]
