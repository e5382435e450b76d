"""The live comparison as the window knows it: one preview process, its frames, what it says, and what it is told."""

from __future__ import annotations

import threading
from enum import StrEnum
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal

from converters.errors import CancelledError, StudioError
from converters.preview.request import PreviewRequest
from converters.progress import Progress, ProgressMessage
from converters.worker_client import Worker
from studio.preview.mailbox import LiveFrame, Mailbox

Data = dict[str, Any]
WORKER = "preview"


class LiveState(StrEnum):
    """How far a preview is."""

    OFF = "off"
    STARTING = "starting"
    RUNNING = "running"
    FAILED = "failed"


class Live(QObject):
    """Runs the preview process and hands its newest frame to the window. All methods and signals: window's thread.

    Args:
        log: file that takes what the process prints.

    Attributes:
        framed: a `LiveFrame`, the newest; frames that came while the window was busy are left out.
        said: any other message of the process, plain data.
        state_changed: the state is another one.
    """

    framed = Signal(object)
    said = Signal(object)
    state_changed = Signal()
    _arrived = Signal(int)
    _heard = Signal(int, object)
    _staged = Signal(int, str)
    _ended = Signal(int, object)

    def __init__(self, log: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._log = log
        self._state = LiveState.OFF
        self._run: _Run | None = None
        self._number = 0
        self.stage = ""
        self.error: StudioError | None = None
        self.request: PreviewRequest | None = None
        self.frame: LiveFrame | None = None
        queued = Qt.ConnectionType.QueuedConnection
        self._arrived.connect(self._take, queued)
        self._heard.connect(self._hear, queued)
        self._staged.connect(self._stage, queued)
        self._ended.connect(self._end, queued)

    @property
    def state(self) -> LiveState:
        """How far it is."""
        return self._state

    def start(self, request: PreviewRequest) -> None:
        """Start a preview; one that runs is stopped first."""
        self.stop()
        self._number += 1
        self.request, self.error, self.stage = request, None, ""
        self._run = _Run(self, self._number, request, self._log)
        self._set_state(LiveState.STARTING)

    def stop(self) -> None:
        """End the process; nothing of it is left when this returns."""
        run, self._run = self._run, None
        if run is not None:
            run.close()
        self._set_state(LiveState.OFF)

    def tell(self, command: Data) -> None:
        """Tell the process something (`converters.preview.messages`); nobody hears it where none runs."""
        if self._run is not None:
            self._run.worker.tell(command)

    def _set_state(self, state: LiveState) -> None:
        if state is not self._state:
            self._state = state
            self.state_changed.emit()

    def _take(self, number: int) -> None:
        if self._run is None or number != self._number:
            return
        frame = self._run.mailbox.take()
        if frame is not None:
            self.frame = frame
            self._set_state(LiveState.RUNNING)
            self.framed.emit(frame)

    def _hear(self, number: int, message: Data) -> None:
        if number == self._number and self._run is not None:
            self.said.emit(message)

    def _stage(self, number: int, stage: str) -> None:
        if number == self._number and stage != self.stage:
            self.stage = stage
            self.state_changed.emit()

    def _end(self, number: int, error: StudioError | None) -> None:
        if number != self._number or self._run is None:
            return
        self._run.close()
        self._run = None
        self.error = error
        self._set_state(LiveState.OFF if error is None else LiveState.FAILED)


class _Run:
    """One preview process and the thread that listens to it."""

    def __init__(self, live: Live, number: int, request: PreviewRequest, log: Path | None) -> None:
        self._live, self._number, self._request = live, number, request
        self._is_stopping = threading.Event()
        self.worker = Worker(WORKER, log)
        self.mailbox = Mailbox(self._release)
        self._thread = threading.Thread(target=self._listen, name="preview", daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        progress = Progress(self._report, self._is_stopping.is_set)
        try:
            self.worker.call("preview", self._request.to_json(), progress, heard=self._hear)
        except CancelledError:
            self._live._ended.emit(self._number, None)
        except StudioError as error:
            self._live._ended.emit(self._number, error)
        else:
            self._live._ended.emit(self._number, None)

    def _report(self, message: ProgressMessage) -> None:
        self._live._staged.emit(self._number, message.stage)

    def _hear(self, message: Data) -> None:
        if message["event"] == "memory":
            self.mailbox.map(message)
        elif message["event"] != "frame":
            self._live._heard.emit(self._number, message)
        elif self.mailbox.put(message):
            self._live._arrived.emit(self._number)

    def _release(self, message: Data) -> None:
        self.worker.tell({"command": "release", "memory": message["memory"], "slot": message["slot"]})

    def close(self) -> None:
        """End the process and the thread."""
        self._is_stopping.set()
        self.worker.close()
        self._thread.join()
        self.mailbox.close()
