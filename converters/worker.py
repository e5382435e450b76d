"""The worker process: does one operation at a time for the process that started it.

Requests come as JSON lines on standard input:

    {"id": 7, "operation": "warm", "arguments": {…}}        {"cancel": 7}        {"quit": true}
    {"tell": 7, "value": {…}}

Messages leave as JSON lines on what was standard output:

    {"event": "ready", "pid": …}
    {"id": 7, "event": "began"}
    {"id": 7, "event": "progress", "stage": …, "fraction": …, "detail": …}
    {"id": 7, "event": "said", "value": {…}}
    {"id": 7, "event": "result", "value": {…}}
    {"id": 7, "event": "error", "kind": "DestinationError", "what": …, "why": …, "remedy": …}
    {"id": 7, "event": "error", "kind": "bug", "what": …}

Native libraries print what they like, so descriptors 1 and 2 lead to a log file before any of them is loaded; the
messages use a private copy of descriptor 1 that no other code and no child knows.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import logging
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from converters.dialogue import Dialogue
from converters.errors import StudioError, WorkerError
from converters.operations import OPERATIONS, find_operation, imported
from converters.progress import ProgressMessage
from converters.worker_surroundings import isolate

GRACE = 1.5
"""Seconds that an operation has to stop after the parent died, before the process ends by force."""

_OUT_OF_MEMORY = ("bad_alloc", "can't allocate memory", "Failed to allocate memory", "out of memory")

# One line of shell instead of a thread: it acts even while native code holds the interpreter's lock for minutes.
# It shares the worker's process group, so the number of that group cannot come to mean another one.
_OVERSEER = 'read -r nothing; sleep "$1"; kill -9 "-$2"'


class _Connection:
    """The two pipes to the parent.

    Attributes:
        requests: what came in; None once there is nothing more to do.
        parent_is_gone: it closed its end.
    """

    def __init__(self, incoming: int, outgoing: int) -> None:
        self.requests: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._incoming = incoming
        self._outgoing = outgoing
        self._sending = threading.Lock()
        self._cancelled: set[int] = set()
        self._told: queue.SimpleQueue[tuple[int, dict[str, Any]]] = queue.SimpleQueue()
        self.parent_is_gone = False

    def is_cancelled(self, identity: int) -> bool:
        """Say whether the parent cancelled this request or is not there any more."""
        return self.parent_is_gone or identity in self._cancelled

    def heard(self, identity: int, seconds: float) -> dict[str, Any] | None:
        """Return the next thing that the parent told this request; None where nothing came within `seconds`."""
        until = time.monotonic() + seconds
        while True:
            try:
                told, value = self._told.get(timeout=max(until - time.monotonic(), 0.0))
            except queue.Empty:
                return None
            if told == identity:  # else it was meant for a request that is over
                return value

    def send(self, message: Mapping[str, Any]) -> None:
        """Send one message; a parent that is gone is noticed by `listen`, so that is no error here."""
        # ASCII keeps file names that are no valid Unicode (lone surrogates) whole
        data = memoryview(json.dumps(message).encode("ascii") + b"\n")
        with self._sending:
            try:
                while data:
                    data = data[os.write(self._outgoing, data) :]
            except BrokenPipeError:
                self.parent_is_gone = True

    def listen(self) -> None:
        """Take requests in until the parent closes its end, then end this process within `GRACE` seconds."""
        try:
            for line in self._lines():
                message = json.loads(line)
                if "cancel" in message:
                    self._cancelled.add(message["cancel"])
                elif "tell" in message:
                    self._told.put((message["tell"], message["value"]))
                else:
                    self.requests.put(None if "quit" in message else message)
        finally:  # a parent that talks nonsense is as good as gone
            self.parent_is_gone = True
            self.requests.put(None)
            time.sleep(GRACE)
            _end_by_force()

    def _lines(self) -> Iterator[bytes]:
        # os.read instead of a file object, whose lock would be held by this thread when the interpreter ends
        pending: list[bytes] = []
        while data := os.read(self._incoming, 1 << 16):
            first, *others = data.split(b"\n")
            pending.append(first)
            for other in others:
                yield b"".join(pending)
                pending = [other]


def _end_by_force() -> None:
    """End this process and, where it leads a process group, everything it started."""
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _answer(request: Mapping[str, Any], table: Mapping[str, str], connection: _Connection) -> dict[str, Any]:
    """Do what is asked; return the last message of this request, without its id."""
    identity: int = request["id"]

    def report(message: ProgressMessage) -> None:
        connection.send(
            {
                "id": identity,
                "event": "progress",
                "stage": message.stage,
                "fraction": message.fraction,
                "detail": message.detail,
            }
        )

    progress = Dialogue(
        report,
        lambda: connection.is_cancelled(identity),
        lambda said: connection.send({"id": identity, "event": "said", "value": said}),
        lambda seconds: connection.heard(identity, seconds),
    )
    try:
        operation = find_operation(request["operation"], table)
        value = operation(request["arguments"], progress)
        json.dumps(value)  # what is no plain data is the operation's bug, not the connection's
        return {"event": "result", "value": value}
    except StudioError as error:
        return {"event": "error", **error.to_json()}
    except SystemExit as error:
        traceback.print_exc()
        return _stopped(f"The work stopped itself (exit status {error.code}).")
    except MemoryError:
        traceback.print_exc()
        return _stopped("Memory ran out.")
    except Exception as error:
        traceback.print_exc()
        if any(words in str(error) for words in _OUT_OF_MEMORY):
            return _stopped("Memory ran out.")
        return {"event": "error", "kind": "bug", "what": _summary(error)}


def _stopped(what: str) -> dict[str, Any]:
    remedy = "Close other programs or use a machine with more memory." if "Memory" in what else ""
    return {"event": "error", **WorkerError(what, "", remedy).to_json()}


def _summary(error: Exception) -> str:
    """Return an exception and the innermost places it came through in one line; the log has the whole traceback."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    places = ", ".join(f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}" for frame in reversed(frames))
    words = "".join(traceback.format_exception_only(error)).strip()
    return f"{words[:2000]} ({places})"


def _serve(connection: _Connection, table: Mapping[str, str]) -> None:
    connection.send({"event": "ready", "pid": os.getpid()})
    while (request := connection.requests.get()) is not None:
        print(f"--- {time.strftime('%H:%M:%S')} {request['operation']}", flush=True)
        connection.send({"id": request["id"], "event": "began"})
        answer = _answer(request, table, connection)
        sys.stdout.flush()
        sys.stderr.flush()
        connection.send({"id": request["id"], **answer})


def _redirect(log: Path) -> tuple[int, int]:
    """Lead descriptors 1 and 2 to the log and 0 to nothing; return private copies of what 0 and 1 were."""
    incoming, outgoing = os.dup(0), os.dup(1)  # neither is inherited by children
    log.parent.mkdir(parents=True, exist_ok=True)
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(nothing, 0)
    os.dup2(written, 1)
    os.dup2(written, 2)
    os.close(nothing)
    os.close(written)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]
    faulthandler.enable(file=2)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    return incoming, outgoing


def _oversee(lifeline: int) -> subprocess.Popen[bytes]:
    """Start the one that kills this process group when the parent dies and `GRACE` did not suffice."""
    overseer = subprocess.Popen(
        ["/bin/sh", "-c", _OVERSEER, "overseer", str(round(GRACE + 0.5)), str(os.getpgrp())],
        stdin=lifeline,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(lifeline)
    return overseer


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the process at the other end of standard input and output until it closes its end.

    Args:
        arguments: of the command line; None for the process's own.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(prog="worker", description="Works for another process; not for people.")
    parser.add_argument("--worker", action="store_true", help="ignored: how main.py is told to be a worker")
    parser.add_argument("--log", type=Path, required=True, help="takes what libraries print")
    parser.add_argument("--threads", type=int, default=0, help="of native libraries; 0 for all cores")
    parser.add_argument("--lifeline", type=int, help="a descriptor that closes when the parent dies")
    parser.add_argument("--operations", default="", help="module:table to use instead of the product's; for tests")
    given = parser.parse_args(arguments)

    incoming, outgoing = _redirect(given.log)
    overseer = None if given.lifeline is None else _oversee(given.lifeline)
    isolate(given.threads)
    table = imported(given.operations) if given.operations else OPERATIONS
    connection = _Connection(incoming, outgoing)
    threading.Thread(target=connection.listen, name="parent", daemon=True).start()
    _serve(connection, table)
    if overseer is not None and not connection.parent_is_gone:
        overseer.kill()
        overseer.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
