"""How much of a long piece of work is done, when it consists of many calls whose times are known roughly beforehand."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace

from converters.progress import Progress, ProgressMessage


class WholeProgress:
    """Adds to every message how much of everything is done.

    Args:
        progress: gets the messages.
        expected: what the whole work is expected to take, in any unit; what turns up beyond it counts nothing.
    """

    def __init__(self, progress: Progress, expected: float) -> None:
        self._progress = progress
        self._expected = max(expected, 1e-9)
        self._before = 0.0  # of the phases that are over
        self._phase: Mapping[str, float] = {}
        self._done: dict[str, float] = {}
        self._last: dict[str, ProgressMessage] = {}
        self._lock = threading.Lock()

    def phase(self, expected: Mapping[str, float]) -> Progress:
        """Begin a phase, which ends the one before it, and return the progress to use in it.

        Args:
            expected: what each call is expected to take, by the name before ": " in its messages.
        """
        with self._lock:
            self._before += sum(self._phase.values())
            self._phase = expected
            self._done, self._last = {}, {}
        return Progress(self._report, self._progress.is_cancelled)

    def ended(self, name: str) -> None:
        """Count a call of this phase as done, whatever its last message said, and say so."""
        with self._lock:
            last = self._last.get(name)
        if last is not None:
            self._report(replace(last, fraction=1.0, detail=""))

    def _report(self, message: ProgressMessage) -> None:
        name = message.stage.partition(": ")[0]
        with self._lock:
            # every stage of a call begins at 0 again
            self._done[name] = max(message.fraction, self._done.get(name, 0.0))
            running = sum(self._phase.get(each, 0.0) * fraction for each, fraction in self._done.items())
            self._last[name] = replace(message, whole=min(1.0, (self._before + running) / self._expected))
            # within the lock, so that the whole never goes back for whoever is told
            self._progress.report(self._last[name])
