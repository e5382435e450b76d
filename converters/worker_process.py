"""One started worker process: its pipes, the threads that serve them, its private temporary folder, its end."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from converters.errors import WorkerError
from converters.files import Staging
from converters.process_tree import start_leader, stop_tree

_LARGEST_MESSAGE = 1 << 28  # bytes; a line longer than this is no message
_PROJECT = Path(__file__).resolve().parent.parent


class WorkerIsOver(Exception):  # noqa: N818 - an event, not an error
    """The process closed its end: it ended, or is about to."""


class BrokenProtocolError(Exception):
    """The process sent something that is no message."""


class WorkerProcess:
    """A running worker.

    Args:
        log: takes what it prints.
        threads: of native libraries; 0 for all cores.
        operations: "module:table" instead of the product's own; for tests.

    Raises:
        WorkerError: it cannot be started.
    """

    def __init__(self, log: Path, threads: int, operations: str) -> None:
        self._messages: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._has_ended = False
        # what native libraries leave in the temporary folder goes with the process, however it ends
        self._temporary = Staging(Path(tempfile.gettempdir()).absolute())
        self._temporary.__enter__()
        self._lifeline: int | None = None
        try:
            self._process = self._start(log, threads, operations)
        except OSError as error:
            self._release()
            raise WorkerError(
                "The worker process cannot be started.", f"The system says: {error}.", "Close other programs."
            ) from error
        except BaseException:
            self._release()
            raise
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._threads = (
            threading.Thread(target=self._write_all, args=(self._process.stdin,), name="to worker", daemon=True),
            threading.Thread(target=self._read_all, args=(self._process.stdout,), name="from worker", daemon=True),
        )
        for thread in self._threads:
            thread.start()

    def _start(self, log: Path, threads: int, operations: str) -> subprocess.Popen[bytes]:
        command = [*_program(), "--log", str(log), "--threads", str(threads)]
        if operations:
            command += ["--operations", operations]
        environment = dict(os.environ)
        search = [str(_PROJECT), *filter(None, [environment.get("PYTHONPATH")])]
        environment["PYTHONPATH"] = os.pathsep.join(search)
        environment.update(dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(self._temporary.path)))
        options: dict[str, Any] = {}
        inherited = None
        if sys.platform != "win32":
            # its other end closes with this process, however that ends
            inherited, self._lifeline = os.pipe()
            command += ["--lifeline", str(inherited)]
            options["pass_fds"] = (inherited,)
        log.parent.mkdir(parents=True, exist_ok=True)
        try:
            with log.open("ab") as errors:  # of the time before the worker has redirected its output itself
                return start_leader(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    env=environment,
                    **options,
                )
        finally:
            if inherited is not None:
                os.close(inherited)

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether the process closed its end, by a crash or because it was told to."""
        return self._has_ended

    def send(self, message: Mapping[str, Any]) -> None:
        """Send a message; returns at once, whether or not the process reads.

        Raises:
            TypeError: it is no plain JSON data, a bug of the caller.
        """
        self._outbox.put(json.dumps(message).encode("ascii") + b"\n")

    def receive(self, timeout: float) -> dict[str, Any] | None:
        """Return the next message; None when none came within `timeout` seconds.

        Raises:
            WorkerIsOver: the process ended and everything it sent was received.
            BrokenProtocolError: it sent something else.
        """
        try:
            line = self._messages.get(timeout=timeout)
        except queue.Empty:
            return None
        if line is None:
            self._messages.put(None)  # for whoever asks next
            raise WorkerIsOver
        try:
            message = json.loads(line)
        except ValueError as error:
            raise BrokenProtocolError(repr(line[:200])) from error
        if not isinstance(message, dict) or "event" not in message:
            raise BrokenProtocolError(repr(line[:200]))
        return message

    def stop(self, *, by_force: bool) -> None:
        """Ask the process and all it started to end, or end them by force."""
        stop_tree(self._process, by_force=by_force)

    def ends_within(self, seconds: float) -> bool:
        """Wait until the process ended; say whether it did."""
        self._threads[1].join(timeout=seconds)
        return self._has_ended

    def quit(self) -> None:
        """Ask an idle process to end by itself."""
        self.send({"quit": True})
        self._outbox.put(None)

    def finish(self) -> int:
        """End by force what still runs, free everything; return the exit status as `subprocess` has it.

        Raises:
            WorkerError: the system does not manage to end the process (it hangs in a device or network disk).
        """
        self._outbox.put(None)
        try:
            self.stop(by_force=True)
            try:
                status = self._process.wait(timeout=2)
            except subprocess.TimeoutExpired as error:
                raise WorkerError(
                    f"The worker process {self.pid} cannot be ended.",
                    "It waits for a disk or device that does not answer.",
                    "Check network folders; restart the computer if it stays.",
                ) from error
            for thread in self._threads:
                thread.join(timeout=2)
            assert self._process.stdout is not None
            self._process.stdout.close()
        finally:
            self._release()
        return status

    def _release(self) -> None:
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None
        self._temporary.__exit__(None, None, None)

    def _write_all(self, pipe: IO[bytes]) -> None:
        try:
            with pipe:
                while (data := self._outbox.get()) is not None:
                    pipe.write(data)
                    pipe.flush()
        except OSError:  # it ended; the reading thread tells so
            return

    def _read_all(self, pipe: IO[bytes]) -> None:
        while line := pipe.readline(_LARGEST_MESSAGE):
            if line.endswith(b"\n") or len(line) == _LARGEST_MESSAGE:  # else torn by the end of the process
                self._messages.put(line)
        self._has_ended = True
        self._messages.put(None)


def _program() -> list[str]:
    if getattr(sys, "frozen", False):  # a packaged program is its own interpreter
        return [sys.executable, "--worker"]
    # -P: nothing is imported from the current folder, which may be one that somebody sent
    return [sys.executable, "-P", "-X", "utf8", "-m", "converters.worker"]
