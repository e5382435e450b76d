"""Starting workers and importing their libraries ahead of the work, in the background."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection
from functools import partial

from converters.errors import StudioError
from converters.progress import Progress
from converters.worker_schedule import Call
from studio.jobs.workers import Workers

_log = logging.getLogger(__name__)

_LEAST_MEMORY = 4_000_000_000
"""Bytes that must be free: warm workers with all libraries hold about half of that."""

_SOURCE_MODULES = ("onnx", "onnxruntime", "converters.model.source", "converters.measure.reference")


class Warming:
    """Warms one worker after the other, with one core, and steps aside for real work.

    Args:
        workers: all of the window's.
    """

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._thread: threading.Thread | None = None
        self._needed: Collection[str] | None = None  # None: nobody is in need of anything

    def begin(self) -> None:
        """Warm what is cold, unless that is going on already."""
        if self._thread is not None and self._thread.is_alive():
            return
        self._needed = None
        self._thread = threading.Thread(target=self._warm_all, name="warming", daemon=False)
        self._thread.start()

    def make_way(self, needed: Collection[str]) -> None:
        """Begin nothing more, and stop what real work does not need.

        A worker in this set goes on: the work would have to import the same, and waits for it.

        Args:
            needed: names of the pool's workers that the work will use.
        """
        self._needed = frozenset(needed)

    def join(self, timeout: float) -> None:
        """Wait for the end, after the workers were closed or told to make way."""
        if self._thread is not None:
            self._thread.join(timeout)

    def _warm_all(self) -> None:
        from converters.memory import available_memory
        from converters.registry import EXPORTERS

        calls = {"source": Call("warm", {"modules": list(_SOURCE_MODULES)})}
        calls |= {target: Call("warm_target", {"target": target}) for target in EXPORTERS}
        for name, call in calls.items():
            if self._needed is not None or available_memory() < _LEAST_MEMORY:
                return
            progress = Progress(is_cancelled=partial(self._stops, name))
            try:
                outcome = self._workers.pool().run({name: call}, progress)[name]
            except StudioError:  # cancelled, or the program ends
                return
            if isinstance(outcome, StudioError):  # whoever needs it will be told the same
                _log.info("warming %s: %s", name, outcome)

    def _stops(self, name: str) -> bool:
        return self._needed is not None and name not in self._needed
