"""Say how the source is, from a thread of its own: a frame of slow models takes longer than a camera that froze may."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from converters.closing import Closing
from converters.preview.messages import SourceReport

_EVERY = 0.1  # seconds between two looks at the source
_POSITION_EVERY = 0.25  # seconds between two reports of where a clip is


class SourceReporter(Closing):
    """Says how a source is whenever that changed; where it is in its clip, a few times a second.

    Args:
        report: of the source as it is now; called from several threads.
        said: takes what is to be said; from several threads.
    """

    def __init__(self, report: Callable[[], SourceReport], said: Callable[[dict[str, Any]], None]) -> None:
        self._report, self._told = report, said
        self._lock = threading.Lock()  # so that what is said last is what was seen last
        self._said: SourceReport | None = None
        self._said_at = 0.0
        self._bug: BaseException | None = None
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Say how the source is, and from now on whenever that changed."""
        self.say()
        self._thread = threading.Thread(target=self._run, name="source report", daemon=True)
        self._thread.start()

    def say(self) -> None:
        """Say how the source is."""
        with self._lock:
            self._say(self._report())

    def check(self) -> None:
        """Do nothing, unless the thread has come upon a bug.

        Raises:
            Exception: that bug.
        """
        if self._bug is not None:
            raise self._bug

    def close(self) -> None:
        """Say nothing any more."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            while not self._over.wait(_EVERY):
                self._look()
        except BaseException as error:  # the loop's own thread raises it, with its traceback
            self._bug = error

    def _look(self) -> None:
        with self._lock:
            report, said = self._report(), self._said
            is_late = time.monotonic() - self._said_at >= _POSITION_EVERY
            seen = report
            if said is not None and not is_late:
                seen = replace(report, seconds=said.seconds, index=said.index, next_try=said.next_try)
            if seen != said:
                self._say(report)

    def _say(self, report: SourceReport) -> None:
        self._said, self._said_at = report, time.monotonic()
        self._told(report.to_json())
