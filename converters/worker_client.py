"""The parent's side of worker processes: call an operation, learn its result or a sentence on why there is none."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from converters.closing import Closing
from converters.errors import CancelledError, StudioError, WorkerError, error_from_json
from converters.process_tree import end_in_words, tree_memory
from converters.progress import Progress, ProgressMessage
from converters.worker_log import WorkerLog
from converters.worker_process import BrokenProtocolError, WorkerIsOver, WorkerProcess
from converters.worker_schedule import Call, Schedule

__all__ = ["Call", "Worker", "WorkerPool"]

Data = dict[str, Any]

_UNDERWAY = ("began", "progress")  # messages of a call that are not its last
_POLL = 0.05  # seconds between two looks at whether somebody cancelled
_PATIENCE = 1.0  # seconds for each of: stopping by itself, stopping when asked by the system
_LOG_CHECK = 0.5  # seconds between two looks at the size of the log
_MEMORY_CHECK = 0.2  # seconds between two looks at the memory


class Worker(Closing):
    """A worker process that starts at the first call, stays for the next, and is replaced after a crash.

    Use it as a context manager, or close it.

    Args:
        name: what it is called in messages to people.
        log: file that takes what native libraries print; None for a temporary one that goes with the worker.
        threads: of native libraries; 0 for all cores.
        operations: "module:table" instead of the product's operations; for tests.
    """

    def __init__(self, name: str, log: Path | None = None, *, threads: int = 0, operations: str = "") -> None:
        self.name = name
        self._log = WorkerLog(log)
        self._threads = threads
        self._operations = operations
        self._process: WorkerProcess | None = None
        self._last_id = 0
        self._stage = ""
        self._busy = threading.Lock()
        self._is_closing = threading.Event()

    @property
    def pid(self) -> int | None:
        """The number of the process; None while there is none."""
        process = self._process
        return None if process is None or process.has_ended else process.pid

    def memory(self) -> int:
        """Return the resident bytes of the process and all it started; 0 while there is none."""
        pid = self.pid
        return 0 if pid is None else tree_memory(pid)

    def start(self) -> None:
        """Start the process ahead of the first call.

        Raises:
            WorkerError: it cannot be started.
        """
        with self._used():
            self._running()

    def call(
        self, operation: str, arguments: Data, progress: Progress, timeout: float | None = None, *, wait: bool = False
    ) -> Data:
        """Have the worker do one operation.

        Args:
            operation: a name of the table in `converters.operations`.
            arguments: plain JSON data.
            progress: gets the operation's messages; asked 20 times a second whether to stop. The call ends within
                3 seconds after that, whatever the operation does.
            timeout: seconds for all of it; None for no limit.
            wait: let a call of another thread finish first, outside of the timeout.

        Returns:
            What the operation returned.

        Raises:
            CancelledError: `progress` said so, or the worker was closed.
            WorkerError: the process crashed, was killed, took too long or has a bug; the next call starts a new one.
            StudioError: the operation's own, of its own kind.
            RuntimeError: another call is running and `wait` is off, a bug of the caller.
        """
        with self._used(progress if wait else None):
            if self._should_stop(progress):
                raise _cancelled()
            was_idle = self.pid is not None
            process = self._running()
            self._log.limit()
            self._log.mark()
            self._last_id += 1
            request = {"id": self._last_id, "operation": operation, "arguments": arguments}
            process.send(request)
            try:
                answer = self._answer(process, progress, timeout, request if was_idle else None)
            except BaseException:
                self._discard()
                raise
            if answer is None:  # stopped of its own accord: it can be used again
                raise _cancelled()
            if answer["event"] == "result":
                value: Data = answer["value"]
                return value
            raise self._error(answer)

    def _answer(self, process: WorkerProcess, progress: Progress, timeout: float | None, again: Data | None) -> Any:
        """Return the last message of the running call; None when it stopped because it was told to."""
        started = log_checked = time.monotonic()
        self._stage = ""
        try:
            while True:
                message = process.receive(_POLL)
                if message is not None and message.get("id") == self._last_id:
                    if message["event"] not in _UNDERWAY:
                        return message
                    again = None
                    if message["event"] == "progress":
                        self._stage = message["stage"]
                        progress.report(ProgressMessage(message["stage"], message["fraction"], message["detail"]))
                now = time.monotonic()
                if self._should_stop(progress):
                    self._stop(process)
                    return None
                if timeout is not None and now - started > timeout:
                    raise WorkerError(
                        f"The {self.name} worker did not finish within {timeout:g} seconds and was stopped"
                        f"{self._place()}.",
                        self._last_words(),
                        "Allow more time, or try a smaller model.",
                    )
                if now - log_checked > _LOG_CHECK:
                    log_checked = now
                    self._log.limit()
        except WorkerIsOver:
            if again is None:
                raise self._crash(self._discard()) from None
            self._discard()  # it ended while it was idle: nobody has begun with this call yet
            process = self._running()
            process.send(again)
            return self._answer(process, progress, timeout, None)
        except BrokenProtocolError as error:
            raise WorkerError(
                f"The {self.name} worker sent something that is no message{self._place()}: {error}.",
                self._last_words(),
            ) from error

    def _stop(self, process: WorkerProcess) -> None:
        """End the running call: ask it, then have the system ask the process, then by force.

        Raises:
            CancelledError: the process had to go.
        """
        process.send({"cancel": self._last_id})
        deadline = time.monotonic() + (0 if self._is_closing.is_set() else _PATIENCE)
        try:
            while time.monotonic() < deadline:
                message = process.receive(_POLL)
                if message is not None and message.get("id") == self._last_id and message["event"] not in _UNDERWAY:
                    return
            process.stop(by_force=False)
            process.ends_within(_PATIENCE)
        except (WorkerIsOver, BrokenProtocolError):
            pass  # it went, or goes now: which way does not matter any more
        raise _cancelled()

    def close(self) -> None:
        """End the process; a call that is running in another thread ends with CancelledError.

        The worker may be used again afterwards, in a new process.
        """
        self._is_closing.set()
        with self._busy:
            try:
                process = self._process
                if process is not None:
                    process.quit()
                    if not process.ends_within(_PATIENCE):
                        process.stop(by_force=False)
                        process.ends_within(_PATIENCE)
                    self._discard()
            finally:
                self._log.close()
                self._is_closing.clear()

    @contextmanager
    def _used(self, waiting: Progress | None = None) -> Iterator[None]:
        while not self._busy.acquire(blocking=waiting is not None, timeout=-1 if waiting is None else _POLL):
            if waiting is None:
                raise RuntimeError("this worker is busy with another call")
            if self._should_stop(waiting):
                raise _cancelled()
        try:
            yield
        finally:
            self._busy.release()

    def _running(self) -> WorkerProcess:
        if self._process is not None and self._process.has_ended:
            self._discard()
        if self._process is None:
            self._process = WorkerProcess(self._log.path, self._threads, self._operations)
        return self._process

    def _discard(self) -> int:
        process, self._process = self._process, None
        return 0 if process is None else process.finish()

    def _should_stop(self, progress: Progress) -> bool:
        return self._is_closing.is_set() or progress.is_cancelled()

    def _error(self, answer: Data) -> StudioError:
        if answer["kind"] == "bug":
            return WorkerError(
                f"The {self.name} worker failed in a way that is not foreseen{self._place()}: {answer['what']}.",
                "",
                f"Please report this; the log of the worker {self.name} has more.",
            )
        error = error_from_json(answer)
        if isinstance(error, WorkerError) and not error.why:
            error = WorkerError(error.what, self._last_words(), error.remedy)
        return error

    def _crash(self, status: int) -> WorkerError:
        what = f"The {self.name} worker stopped in the middle of its work{self._place()}. {end_in_words(status)}"
        if any("bad_alloc" in line for line in self._log.last_lines()):
            what += " Memory ran out."
        return WorkerError(what, self._last_words())

    def _place(self) -> str:
        """Return where the call was, in the words that its progress used last: operations' names are for programs."""
        return f" (at “{self._stage}”)" if self._stage else ""

    def _last_words(self) -> str:
        lines = self._log.last_lines()
        return "\n".join(["The last lines of its log:", *lines, ""]) if lines else ""


def _cancelled() -> CancelledError:
    return CancelledError("Cancelled.")


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
            raise _cancelled()
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
                raise _cancelled()
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
