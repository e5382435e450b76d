"""One job as the threads share it: whether it began, whether it should stop, how far it is."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from converters.progress import Progress, ProgressMessage
from studio.jobs.estimate import Pace
from studio.jobs.job import JobRequest


@dataclass(frozen=True)
class News:
    """How far a job is.

    Attributes:
        message: the last one.
        parts: the last message of each worker, by the name before ": " in its stages.
    """

    message: ProgressMessage
    parts: dict[str, ProgressMessage]


class Ticket:
    """What the window's thread and a lane's thread both know of a job; all of it behind one lock.

    Args:
        identity: the job's number.
        request: what was asked for.

    Attributes:
        progress: for the work; tells how far it is and asks whether to stop.
    """

    def __init__(self, identity: int, request: JobRequest) -> None:
        self.identity = identity
        self.request = request
        self.progress = Progress(self._report, self.is_cancelled)
        self._lock = threading.Lock()
        self._has_begun = False
        self._is_cancelled = False
        self._message: ProgressMessage | None = None
        self._parts: dict[str, ProgressMessage] = {}
        self._is_new = False
        self._pace = Pace()

    def begin(self) -> bool:
        """Say that the work begins; False when it was cancelled before."""
        with self._lock:
            self._has_begun = not self._is_cancelled
            return self._has_begun

    def cancel(self) -> bool:
        """Have the work stop; True when it has not begun and therefore never will."""
        with self._lock:
            self._is_cancelled = True
            return not self._has_begun

    def is_cancelled(self) -> bool:
        """Whether somebody asked to stop."""
        return self._is_cancelled

    def news(self) -> News | None:
        """Return how far the work is; None when nothing has happened since the last time."""
        with self._lock:
            if not self._is_new or self._message is None:
                return None
            self._is_new = False
            return News(self._message, dict(self._parts))

    def remaining(self) -> float | None:
        """Return the estimated seconds that are left, None while unknown."""
        with self._lock:
            return self._pace.remaining(time.monotonic())

    def _report(self, message: ProgressMessage) -> None:
        name, separator, stage = message.stage.partition(": ")
        with self._lock:
            self._message = message
            if separator:
                self._parts.pop(name, None)  # the one that spoke last comes last
                self._parts[name] = ProgressMessage(stage, message.fraction, message.detail)
            if message.whole is not None:
                self._pace.add("", message.whole, time.monotonic())
            elif not separator:  # of one part among others nothing follows for all
                self._pace.add(message.stage, message.fraction, time.monotonic())
            self._is_new = True
