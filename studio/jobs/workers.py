"""The worker processes of the window: named ones for single operations, and the pool that conversions share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from converters.closing import Closing
from converters.errors import CancelledError
from converters.worker_client import Worker
from converters.worker_pool import WorkerPool

_POOL = "conversions"
_POOL_LANES = 2


class Workers(Closing):
    """Worker processes that start when they are first needed and stay warm until the end.

    Args:
        logs: a folder for what they print: one folder for each worker, and one for the pool.
        operations: "module:table" instead of the product's operations; for tests.
    """

    def __init__(self, logs: Path, operations: str = "") -> None:
        self._logs = logs
        self._operations = operations
        self._lock = threading.Lock()
        self._named: dict[str, Worker] = {}
        self._pool: WorkerPool | None = None
        self._is_closed = False

    def named(self, name: str) -> Worker:
        """Return the worker of that name.

        Raises:
            CancelledError: the program ends.
        """
        with self._lock:
            self._refuse_when_closed()
            if name not in self._named:
                self._named[name] = Worker(name, self.log_folder(name) / f"{name}.log", operations=self._operations)
            return self._named[name]

    def pool(self) -> WorkerPool:
        """Return the workers for conversions.

        Raises:
            CancelledError: the program ends.
        """
        with self._lock:
            self._refuse_when_closed()
            if self._pool is None:
                self._pool = WorkerPool(_POOL_LANES, self.log_folder(), operations=self._operations)
            return self._pool

    def log_folder(self, name: str = "") -> Path:
        """Return the folder with the log of a named worker; of the pool without a name."""
        return self._logs / "named" / name if name else self._logs / _POOL

    def close(self) -> None:
        """End all workers; what they do ends with CancelledError."""
        with self._lock:
            self._is_closed = True
            closings: list[Callable[[], None]] = [worker.close for worker in self._named.values()]
            if self._pool is not None:
                closings.append(self._pool.close)
            self._named, self._pool = {}, None
        if closings:
            with ThreadPoolExecutor(len(closings), thread_name_prefix="closing") as executor:
                for closing in [executor.submit(close) for close in closings]:
                    closing.result()

    def _refuse_when_closed(self) -> None:
        if self._is_closed:
            raise CancelledError("Cancelled.", "The program ends.")
