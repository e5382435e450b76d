"""One preview process and the thread that listens to it, from its start until nothing of it is left."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converters.errors import CancelledError, StudioError, WorkerError
from converters.preview.orphans import remove_orphans
from converters.preview.request import PreviewRequest
from converters.progress import Progress, ProgressMessage
from converters.worker_client import Worker
from studio.preview.mailbox import Mailbox

Data = dict[str, Any]
WORKER = "preview"
"""What it is called in sentences about it."""
PATIENCE = 2.0
"""Seconds that it has to end well when it is told to."""
RECORDING_PATIENCE = 60.0
"""Seconds that it has when it makes a recording, which is completed and read back: ten minutes take half of it."""


@dataclass(frozen=True)
class Surroundings:
    """What every process gets.

    Attributes:
        log: file that takes what it prints; None for one that goes with it.
        operations: "module:table" instead of the product's operations; for tests.
    """

    log: Path | None = None
    operations: str = ""


class PreviewProcess:
    """A preview process. The callbacks come on its own thread; `ended` is the last and comes when nothing is left.

    Args:
        request: what it shows.
        surroundings: what every process gets.
        arrived: a frame lies in the mailbox that nobody was told of.
        heard: gets every message that is no frame.
        staged: gets what it does, when that is something else.
        ended: gets why it ended; None where it was told to.
    """

    def __init__(
        self,
        request: PreviewRequest,
        surroundings: Surroundings,
        *,
        arrived: Callable[[], None],
        heard: Callable[[Data], None],
        staged: Callable[[str], None],
        ended: Callable[[StudioError | None], None],
    ) -> None:
        self._request = request
        self._arrived, self._heard, self._staged, self._ended = arrived, heard, staged, ended
        self._deadline: float | None = None  # seconds of the monotonic clock until which it has to end
        self._silent_for = 0.0
        self._is_recording = False
        self._stage = ""
        self._is_showing = False
        self._last_word = time.monotonic()
        self._worker = Worker(WORKER, surroundings.log, operations=surroundings.operations)
        self.mailbox = Mailbox(self._release)
        self._thread = threading.Thread(target=self._run, name="preview", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int | None:
        """The number of the process; None while there is none."""
        return self._worker.pid

    def tell(self, command: Data) -> None:
        """Tell it something; nobody hears it before the process has said something."""
        self._worker.tell(command)

    def silence(self) -> float:
        """Return the seconds since it said anything."""
        return time.monotonic() - self._last_word

    def stop(self) -> None:
        """Have it end well; returns at once. Where it does not end in time it is ended by force."""
        self._deadline = time.monotonic() + (RECORDING_PATIENCE if self._is_recording else PATIENCE)
        if self._is_showing:
            self._worker.tell({"command": "stop"})
        else:  # it does not listen yet
            self._deadline = 0.0

    def give_up(self, silent_for: float) -> None:
        """End it by force: it has said nothing for so many seconds. It ends as a crash does."""
        self._silent_for = silent_for
        self._deadline = 0.0

    def join(self) -> None:
        """Wait until nothing of it is left."""
        self._thread.join()

    # on the thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        pids: list[int] = []
        error: StudioError | None = None
        try:
            self._worker.start()
            pids += [pid for pid in [self._worker.pid] if pid is not None]
            remove_orphans()
            progress = Progress(self._report, self._must_end)
            self._worker.call("preview", self._request.to_json(), progress, heard=self._hear)
        except CancelledError:
            error = self._hanged() if self._silent_for else None
        except StudioError as caught:
            error = caught
        if self._deadline is not None and not self._silent_for:
            error = None  # it was told to go: how it went does not matter any more
        try:
            self._worker.close()
            self.mailbox.close()
            remove_orphans(pids)
        except StudioError as caught:
            error = error or caught
        self._ended(error)

    def _must_end(self) -> bool:
        return self._deadline is not None and time.monotonic() >= self._deadline

    def _hanged(self) -> WorkerError:
        return WorkerError(f"The preview worker has said nothing for {self._silent_for:g} seconds and was ended.")

    def _report(self, message: ProgressMessage) -> None:
        self._last_word = time.monotonic()
        if message.stage != self._stage:
            self._stage = message.stage
            self._staged(message.stage)

    def _hear(self, message: Data) -> None:
        self._last_word = time.monotonic()
        event = message["event"]
        if event == "memory":
            self._is_showing = True
            self.mailbox.map(message)
        elif event == "frame":
            if self.mailbox.put(message):
                self._arrived()
        else:
            if event == "recording":
                self._is_recording = bool(message["is_on"])
            self._heard(message)

    def _release(self, message: Data) -> None:
        self._worker.tell({"command": "release", "memory": message["memory"], "slot": message["slot"]})
