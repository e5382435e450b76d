"""Several worker processes at once: named jobs in named workers that stay warm."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from converters.closing import Closing
from converters.errors import CancelledError, StudioError
from converters.process_tree import tree_memory
from converters.progress import Progress, ProgressMessage
from converters.worker_client import Data, Worker, cancelled
from converters.worker_schedule import Call, Schedule

_MEMORY_CHECK = 0.2  # seconds between two looks at the memory


class WorkerPool(Closing):
    """Several named jobs at once, in named workers that stay warm for the next jobs.

    Several threads may run jobs at the same time; each job waits until its worker is free. Use it as a context manager,
    or close it.

    Args:
        lanes: how many jobs run at the same time.
        log_folder: gets one log per worker, `<name>.log`.
        threads: of native libraries in each worker; 0 for all cores.
        operations: as for `Worker`.

    Attributes:
        peak_memory: the largest sum of resident bytes of this process and everything below it that was seen while
            jobs ran; looked at five times a second, and memory that processes share counts in each.
    """

    def __init__(self, lanes: int, log_folder: Path, *, threads: int = 0, operations: str = "") -> None:
        self.lanes = lanes
        self.peak_memory = 0
        self.log_folder = Path(log_folder)
        self._threads = threads
        self._operations = operations
        self._workers: dict[str, Worker] = {}
        self._adding = threading.Lock()
        self._is_closed = False

    def run(
        self,
        calls: Mapping[str, Call],
        progress: Progress,
        timeout: float | None = None,
        essential: Collection[str] = (),
        ended: Callable[[str], None] = lambda _name: None,
    ) -> dict[str, Data | StudioError]:
        """Run jobs, as many at once as there are lanes and free workers; one that fails stops no other.

        Args:
            calls: by name, the most urgent first. Jobs of the same worker run one after the other.
            progress: gets messages whose stage begins with the job's name ("coreml: Converting").
            timeout: seconds for each job, from its start; None for no limit.
            essential: names of jobs without which the others are pointless: when one fails, all stop.
            ended: told the name of each job that ended, on its lane's thread.

        Returns:
            For every name its result, or the error that it ended with.

        Raises:
            CancelledError: `progress` said so, or the pool was closed meanwhile; all jobs are stopped.
            StudioError: an essential job's own.
            RuntimeError: the pool was closed before, a bug of the caller.
        """
        if self._is_closed:
            raise RuntimeError("this pool of workers is closed")
        schedule = Schedule(calls)
        results: dict[str, Data | StudioError] = {}
        reporting = threading.Lock()

        def run_one(name: str, call: Call, worker: Worker) -> Data | StudioError:
            def report(message: ProgressMessage) -> None:
                with reporting:
                    progress.report(ProgressMessage(f"{name}: {message.stage}", message.fraction, message.detail))

            own = Progress(report, lambda: self._is_closed or schedule.is_stopped or progress.is_cancelled())
            try:
                return worker.call(call.operation, call.arguments, own, timeout, wait=True)
            except StudioError as error:
                return error

        def lane() -> None:
            while (name := schedule.take()) is not None:
                try:
                    results[name] = run_one(name, calls[name], workers[name])
                    ended(name)
                    if name in essential and isinstance(results[name], StudioError):
                        schedule.stop()
                except BaseException:
                    schedule.stop()
                    raise
                finally:
                    schedule.finished(name)

        workers = {name: self._worker(call.worker or name) for name, call in calls.items()}
        with self._measuring(), ThreadPoolExecutor(self.lanes, thread_name_prefix="lane") as executor:
            try:
                for running in [executor.submit(lane) for _ in range(self.lanes)]:
                    running.result()
            except BaseException:  # Ctrl-C, or a bug: nothing may go on behind the caller's back
                schedule.stop()
                raise
        for name in essential:
            failure = results.get(name)
            if isinstance(failure, StudioError) and not isinstance(failure, CancelledError):
                raise failure
        if any(isinstance(result, CancelledError) for result in results.values()):
            raise cancelled()
        return {name: results[name] for name in calls}

    def start(self, worker: str) -> None:
        """Start a worker ahead of its first job.

        Raises:
            WorkerError: it cannot be started.
        """
        self._worker(worker).start()

    def is_running(self, worker: str) -> bool:
        """Say whether a worker's process is there already."""
        return worker in self._workers and self._workers[worker].pid is not None

    def close(self) -> None:
        """End all workers for good; jobs that run in another thread end with CancelledError."""
        with self._adding:
            self._is_closed = True
            workers = list(self._workers.values())
        if workers:
            with ThreadPoolExecutor(len(workers), thread_name_prefix="closing") as closing:
                list(closing.map(Worker.close, workers))

    def _worker(self, name: str) -> Worker:
        with self._adding:
            if self._is_closed:
                raise cancelled()
            if name not in self._workers:
                log = self.log_folder / f"{name}.log"
                self._workers[name] = Worker(name, log, threads=self._threads, operations=self._operations)
            return self._workers[name]

    @contextmanager
    def _measuring(self) -> Iterator[None]:
        is_over = threading.Event()

        def measure() -> None:
            while True:
                self.peak_memory = max(self.peak_memory, tree_memory(os.getpid()))
                if is_over.wait(_MEMORY_CHECK):
                    return

        thread = threading.Thread(target=measure, name="memory", daemon=True)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()
