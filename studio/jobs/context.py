"""What a kind of job works with."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from converters.progress import Progress
from converters.worker_client import Worker
from converters.worker_log import LogsSince
from converters.worker_pool import WorkerPool
from studio.jobs.workers import Workers

LARGEST_TAIL = 64_000
"""Bytes of each worker's lines that a job keeps."""


class WorkContext:
    """What the function of a job's kind works with; it belongs to that one job.

    Args:
        identity: of the job.
        progress: tells how far the work is, and asks whether to stop.
        workers: all of the window's.
        scratch: a folder for files that live as long as the program.
        make_way: has warming up stop for the sake of work with these workers.

    Attributes:
        progress, scratch: as given.
    """

    def __init__(
        self,
        identity: int,
        progress: Progress,
        workers: Workers,
        scratch: Path,
        make_way: Callable[[Collection[str]], None],
    ) -> None:
        self._identity = identity
        self.progress = progress
        self.scratch = scratch
        self.make_way = make_way
        self._workers = workers
        self._printed: dict[Path, LogsSince] = {}

    def worker(self, name: str) -> Worker:
        """Return the worker of that name; another job may be using it, so call it with `wait`.

        Raises:
            CancelledError: the program ends.
        """
        worker = self._workers.named(name)
        self.watch(self._workers.log_folder(name))
        return worker

    @property
    def pool(self) -> WorkerPool:
        """The warm workers for conversions.

        Raises:
            CancelledError: the program ends.
        """
        pool = self._workers.pool()
        self.watch(pool.log_folder)
        return pool

    def own_logs(self) -> Path:
        """Return a folder for the logs of workers that the job starts itself."""
        folder = self._workers.log_folder() / f"job-{self._identity}"
        self.watch(folder)
        return folder

    def watch(self, folder: Path) -> None:
        """Count what workers print into logs of this folder from now on to this job's log."""
        if folder not in self._printed:
            self._printed[folder] = LogsSince(folder)

    def printed(self) -> str:
        """Return the last of what the workers of this job have printed."""
        texts = (since.text(LARGEST_TAIL) for since in list(self._printed.values()))
        return "\n".join(text for text in texts if text)
