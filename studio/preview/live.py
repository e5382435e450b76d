"""The live comparison as the window knows it: one preview process, its frames, what it says, and what it is told."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from converters.errors import StudioError, WorkerError, error_from_json
from converters.preview.request import PreviewRequest
from studio.preview.following import Followed
from studio.preview.mailbox import LiveFrame
from studio.preview.process import PreviewProcess, Surroundings
from studio.ui.texts import tr

Data = dict[str, Any]

MOST_CRASHES = 3
"""So many within `CRASH_SPAN` and it is not started again."""
CRASH_SPAN = 60.0
SILENCE = 30.0
"""Seconds without a word after which a process counts as hanging: it says something every 2 seconds."""
LONG_SILENCE = 300.0
"""Seconds that count where a single run of a network may take long: while models are opened, and in the reference
executor."""
_LOOK = 1000  # milliseconds between two looks at whether it does

_OF_LEAVING = ("saved", "trouble")  # what a process that ends is still listened to for: it completes its recording


class LiveState(StrEnum):
    """How far a preview is."""

    OFF = "off"
    STARTING = "starting"
    RUNNING = "running"
    RESTARTING = "restarting"
    """The process ended unexpectedly; another one takes its place."""
    FAILED = "failed"


class Live(QObject):
    """Runs the preview process and hands its newest frame to the window. All methods and signals: window's thread.

    A process that crashes, is killed or hangs is replaced by another one, which is told what the old one was told.
    Nothing here waits, except `close`.

    Args:
        log: file that takes what the process prints.
        operations: "module:table" instead of the product's operations; for tests.

    Attributes:
        framed: a `LiveFrame`, the newest; frames that came while the window was busy are left out.
        said: any other message of the process, plain data.
        refused: the name of a command and the StudioError: the request is what it was before the command.
        crashed: a StudioError: the process ended unexpectedly; `state` says whether it is started again.
        state_changed: the state is another one, or the stage while it starts.
        stage: what it does while it starts, in the engine's words.
        error: why it failed; None where it did not.
        frame: the newest; None before the first.
        replaced: frames that the window was too busy for.
    """

    framed = Signal(object)
    said = Signal(object)
    refused = Signal(str, object)
    crashed = Signal(object)
    state_changed = Signal()
    _arrived = Signal(int)
    _heard = Signal(int, object)
    _staged = Signal(int, str)
    _ended = Signal(int, object)

    def __init__(self, log: Path | None = None, parent: QObject | None = None, *, operations: str = "") -> None:
        super().__init__(parent)
        self._surroundings = Surroundings(log, operations)
        self._state = LiveState.OFF
        self._followed: Followed | None = None
        self._process: PreviewProcess | None = None
        self._leaving: dict[int, PreviewProcess] = {}
        self._waiting: list[Data] | None = None  # told before the process could hear
        self._number = 0
        self._crashes: deque[float] = deque(maxlen=MOST_CRASHES)
        self._is_closed = False
        self._is_slow = False
        self.stage = ""
        self.error: StudioError | None = None
        self.frame: LiveFrame | None = None
        self.replaced = 0
        queued = Qt.ConnectionType.QueuedConnection
        self._arrived.connect(self._take, queued)
        self._heard.connect(self._hear, queued)
        self._staged.connect(self._stage, queued)
        self._ended.connect(self._end, queued)
        self._looks = QTimer(self, interval=_LOOK)
        self._looks.timeout.connect(self._look)

    @property
    def state(self) -> LiveState:
        """How far it is."""
        return self._state

    @property
    def request(self) -> PreviewRequest | None:
        """What a process would begin with now: the last request and everything told since; None before the first."""
        return None if self._followed is None else self._followed.request

    @property
    def pid(self) -> int | None:
        """The number of the process; None while there is none."""
        return None if self._process is None else self._process.pid

    def start(self, request: PreviewRequest) -> None:
        """Start a preview, as soon as the one before is gone; nothing happens after `close`."""
        if self._is_closed:
            return
        self._leave()
        self._crashes.clear()
        self._followed = Followed(request)
        self.error, self.frame = None, None
        self._begin(LiveState.STARTING, [])

    def stop(self) -> None:
        """Have the process end well, within a moment; a recording is completed."""
        self._leave()
        self._set_state(LiveState.OFF)

    def close(self) -> None:
        """End the process and wait until nothing of it is left; nothing can be started any more."""
        self._is_closed = True
        self.stop()
        for process in self._leaving.values():
            process.join()
        self._leaving.clear()

    def tell(self, command: Mapping[str, Any]) -> None:
        """Tell the process something (`converters.preview.messages`).

        What is told while none runs is lost; what is told while it starts, it hears as soon as it can.
        """
        if self._followed is None or self._state in (LiveState.OFF, LiveState.FAILED):
            return
        told = self._followed.tell(command)
        if self._waiting is not None:
            self._waiting.append(told)
        elif self._process is not None:
            self._process.tell(told)

    # -------------------------------------------------------------------------------------------------------------

    def _begin(self, state: LiveState, first: list[Data]) -> None:
        """Start a process, unless the one before still goes: a camera cannot be opened by two.

        Args:
            state: that begins with it.
            first: what it is told before anything else.
        """
        self._waiting = first
        self.stage = ""
        if not self._leaving:
            self._launch()
        self._set_state(state)

    def _launch(self) -> None:
        assert self._followed is not None
        self._number += 1
        number = self._number
        # a slot of the queue of the window's thread each: these are called on the process's
        self._process = PreviewProcess(
            self._followed.request,
            self._surroundings,
            arrived=lambda: self._arrived.emit(number),
            heard=lambda message: self._heard.emit(number, message),
            staged=lambda stage: self._staged.emit(number, stage),
            ended=lambda error: self._ended.emit(number, error),
        )
        self._looks.start()

    def _leave(self) -> None:
        process, self._process = self._process, None
        self._waiting = None
        self._looks.stop()
        if process is not None:
            self._leaving[self._number] = process
            process.stop()

    def _set_state(self, state: LiveState) -> None:
        if state is not self._state:
            self._state = state
            self.state_changed.emit()

    def _is_current(self, number: int) -> bool:
        return self._process is not None and number == self._number

    def _take(self, number: int) -> None:
        if not self._is_current(number) or self._process is None or self._followed is None:
            return
        frame = self._process.mailbox.take()
        self.replaced = self._process.mailbox.replaced
        if frame is not None:
            self.frame = frame
            self._followed.note_position(frame.report.position)
            self._set_state(LiveState.RUNNING)
            self.framed.emit(frame)

    def _hear(self, number: int, message: Data) -> None:
        if number in self._leaving and message["event"] in _OF_LEAVING:
            self.said.emit(message)
            return
        if not self._is_current(number) or self._followed is None:
            return
        self._talk()
        if message["event"] == "refused":
            self._followed.refuse(message.get("number"), message["command"])
            self.refused.emit(message["command"], error_from_json(message["error"]))
        else:
            if message["event"] == "models":
                self._is_slow = any(side["is_reference"] for side in message["sides"])
            self.said.emit(message)

    def _stage(self, number: int, stage: str) -> None:
        if self._is_current(number):
            self._talk()
            if self._state is not LiveState.RUNNING:  # then it changes with every frame
                self.stage = stage
                self.state_changed.emit()

    def _talk(self) -> None:
        """Tell the process what it could not hear yet: it has begun, since it says something."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None and self._process is not None:
            for command in waiting:
                self._process.tell(command)

    def _look(self) -> None:
        is_quick = self._state is LiveState.RUNNING and not self._is_slow
        limit = SILENCE if is_quick else LONG_SILENCE
        if self._process is not None and self._process.silence() > limit:
            self._process.give_up(limit)

    def _end(self, number: int, error: StudioError | None) -> None:
        if number in self._leaving:
            self._leaving.pop(number).join()
            if self._state in (LiveState.STARTING, LiveState.RESTARTING) and not self._leaving:
                self._launch()
            return
        if not self._is_current(number) or self._process is None:
            return
        self._looks.stop()
        self._process.join()
        self._process, self._waiting = None, None
        if isinstance(error, WorkerError):
            self._take_crash(error)
            return
        self.error = error
        self._set_state(LiveState.OFF if error is None else LiveState.FAILED)

    def _take_crash(self, error: StudioError) -> None:
        assert self._followed is not None
        now = time.monotonic()
        self._crashes.append(now)
        if len(self._crashes) == MOST_CRASHES and now - self._crashes[0] <= CRASH_SPAN:
            self.error = StudioError(
                tr("The preview stopped {count} times within a minute and is not started again.", count=MOST_CRASHES),
                str(error),
                tr("Choose another candidate or another source, then start it again."),
            )
            self._set_state(LiveState.FAILED)
            self.crashed.emit(self.error)
            return
        self._begin(LiveState.RESTARTING, self._followed.commands_again())
        self.crashed.emit(error)
