"""The parent's side of worker processes: call an operation, learn its result or a sentence on why there is none."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from converters.closing import Closing
from converters.errors import CancelledError, StudioError, WorkerError, error_from_json
from converters.process_tree import end_in_words, tree_memory
from converters.progress import Progress, ProgressMessage
from converters.worker_log import WorkerLog
from converters.worker_process import BrokenProtocolError, WorkerIsOver, WorkerProcess

Data = dict[str, Any]

_UNDERWAY = ("began", "progress", "said")  # messages of a call that are not its last
_POLL = 0.05  # seconds between two looks at whether somebody cancelled
_PATIENCE = 1.0  # seconds for each of: stopping by itself, stopping when asked by the system
_LOG_CHECK = 0.5  # seconds between two looks at the size of the log


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
        self._heard: Callable[[Data], None] = lambda _said: None
        self._talking: WorkerProcess | None = None
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
        self,
        operation: str,
        arguments: Data,
        progress: Progress,
        timeout: float | None = None,
        *,
        wait: bool = False,
        heard: Callable[[Data], None] = lambda _said: None,
    ) -> Data:
        """Have the worker do one operation.

        Args:
            operation: a name of the table in `converters.operations`.
            arguments: plain JSON data.
            progress: gets the operation's messages; asked 20 times a second whether to stop. The call ends within
                3 seconds after that, whatever the operation does.
            timeout: seconds for all of it; None for no limit.
            wait: let a call of another thread finish first, outside of the timeout.
            heard: gets what the operation says meanwhile (`Dialogue.say`), on the caller's thread.

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
                raise cancelled()
            was_idle = self.pid is not None
            process = self._running()
            self._log.limit()
            self._log.mark()
            self._last_id += 1
            request = {"id": self._last_id, "operation": operation, "arguments": arguments}
            process.send(request)
            try:
                self._heard = heard
                self._talking = process
                answer = self._answer(process, progress, timeout, request if was_idle else None)
            except BaseException:
                self._discard()
                raise
            finally:
                self._talking = None
            if answer is None:  # stopped of its own accord: it can be used again
                raise cancelled()
            if answer["event"] == "result":
                value: Data = answer["value"]
                return value
            raise self._error(answer)

    def tell(self, said: Data) -> None:
        """Tell the operation that runs something (`Dialogue.heard`); nobody hears it where none runs.

        Args:
            said: plain JSON data.
        """
        process = self._talking
        if process is not None:
            process.send({"tell": self._last_id, "value": said})

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
                    if message["event"] == "said":
                        self._heard(message["value"])
                    elif message["event"] == "progress":
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
            self._talking = process
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
        raise cancelled()

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
                raise cancelled()
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


def cancelled() -> CancelledError:
    return CancelledError("Cancelled.")
