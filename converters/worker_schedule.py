"""Jobs for named workers, and which of them is next."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Call:
    """One job of a pool.

    Attributes:
        operation: a name of the table in `converters.operations`.
        arguments: plain JSON data.
        worker: which worker does it; empty for one named as the job is.
    """

    operation: str
    arguments: dict[str, Any]
    worker: str = ""


class Schedule:
    """Which job is next: the first in order whose worker is free."""

    def __init__(self, calls: Mapping[str, Call]) -> None:
        self.is_stopped = False
        self._waiting = {name: call.worker or name for name, call in calls.items()}
        self._running: dict[str, str] = {}
        self._changed = threading.Condition()

    def take(self) -> str | None:
        """Wait for a job whose worker is free; None when there is nothing left to begin."""
        with self._changed:
            while self._waiting and not self.is_stopped:
                busy = set(self._running.values())
                name = next((name for name, worker in self._waiting.items() if worker not in busy), None)
                if name is not None:
                    self._running[name] = self._waiting.pop(name)
                    return name
                self._changed.wait()
            return None

    def finished(self, name: str) -> None:
        """Free the worker of a job that was taken."""
        with self._changed:
            del self._running[name]
            self._changed.notify_all()

    def stop(self) -> None:
        """Begin nothing any more; what runs is told to stop."""
        with self._changed:
            self.is_stopped = True
            self._changed.notify_all()
