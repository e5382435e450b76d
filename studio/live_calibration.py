"""Calibration on live frames: each new quantization becomes the candidate of the live comparison, one at a time.

One object that lives as long as the document, so that a page that is made anew goes on where it was.
"""

from __future__ import annotations

import time
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal

from converters.preview.request import ModelChoice
from studio.preview.live import LiveState
from studio.ui.texts import tr

if TYPE_CHECKING:
    from converters.preview.request import Look
    from studio.document import Document
    from studio.preview.mailbox import LiveFrame
    from studio.preview.previewing import Previewing
    from studio.ui.workbench import Workbench

_PATIENCE = 15_000
"""Milliseconds after which a candidate that no frame shows is given up: its source gives none, or nobody runs it."""


class _Stage(StrEnum):
    IDLE = "idle"
    MAKING = "making"
    SHOWING = "showing"


def live_calibration(bench: Workbench) -> LiveCalibration:
    """Return the one of a workbench's document; the first caller makes the object."""
    found = bench.document.findChild(LiveCalibration)
    if isinstance(found, LiveCalibration):
        return found
    from studio.preview.previewing import previewing

    return LiveCalibration(bench.document, previewing(bench))


class LiveCalibration(QObject):
    """Has quantizations made and shown, of which a hand asks for more than there is time for.

    Only when a frame of the last one was drawn is the next one made, with the newest settings: nobody waits behind
    what is outdated, and the video keeps its share of the processor.

    Args:
        document: the owner.
        previewing: whose candidate is replaced.

    Attributes:
        wanted: the model is to be made of the settings as they are now; answered by `take` or `give_up`.
        drawn: with the seconds from the hand to the first frame of its quantization.
        is_close_up: whether the page shows the largest face alone: its pane is small.
    """

    wanted = Signal()
    drawn = Signal(float)

    def __init__(self, document: Document, previewing: Previewing) -> None:
        super().__init__(document)
        self._previewing = previewing
        self._is_on = False
        self.is_close_up = True
        self._usual_look: Look | None = None
        self._stage = _Stage.IDLE
        self._shown: ModelChoice | None = None
        self._since = 0.0
        self._next_since: float | None = None
        self._limit = QTimer(self, interval=_PATIENCE, singleShot=True)
        self._limit.timeout.connect(self._lose_patience)
        document.source_changed.connect(self._forget)
        previewing.framed.connect(self._look_at)
        previewing.live.said.connect(self._hear)

    @property
    def is_on(self) -> bool:
        """Whether the Quantize page shows live frames."""
        return self._is_on

    @property
    def is_idle(self) -> bool:
        """Whether the frames are those of the newest settings."""
        return self._stage is _Stage.IDLE

    def switch(self, is_on: bool) -> None:
        """Show live frames from now on, or no longer."""
        self._is_on = is_on
        if not is_on:
            self.leave()

    def want_look(self, width: int, height: int) -> None:
        """Have pictures as large as the page's pane, until it is left."""
        look = self._previewing.look
        if self._usual_look is None:
            self._usual_look = look
        self._previewing.choose_look(replace(look, width=width, height=height, close_up=self.is_close_up))

    def leave(self) -> None:
        """Put the usual candidate and the usual look back: nobody looks at the page any more."""
        self._forget()
        if self._usual_look is not None:
            self._previewing.choose_look(self._usual_look)
            self._usual_look = None
        if self._previewing.trial is not None:
            self._previewing.try_candidate(None)

    def want(self) -> None:
        """Have the settings of this moment shown, as soon as those before them are."""
        self._next_since = time.monotonic()
        self._go_on()

    def take(self, path: str) -> None:
        """Show a quantization that was made."""
        if self._stage is not _Stage.MAKING:
            return
        self._stage = _Stage.SHOWING
        choice = ModelChoice(path, tr("As set here"), like_original=True)
        if self._previewing.trial == choice and self._shown == choice:
            self._finish()  # nothing changed
            return
        self._limit.start()
        self._shown = choice
        self._previewing.try_candidate(choice)

    def give_up(self) -> None:
        """Take note that it was not made; the next wish is followed again."""
        if self._stage is _Stage.MAKING:
            self._next_since = None
            self._finish()

    def _go_on(self) -> None:
        if self._is_on and self._stage is _Stage.IDLE and self._next_since is not None:
            self._since, self._next_since = self._next_since, None
            self._stage = _Stage.MAKING
            self.wanted.emit()

    def _look_at(self, frame: LiveFrame) -> None:
        if self._stage is not _Stage.SHOWING or self._shown is None:
            return
        self._limit.start()  # while there are frames it is drawn sooner or later, or refused
        if frame.report.candidate == self._shown.path:
            seconds = time.monotonic() - self._since
            self._finish()
            self.drawn.emit(seconds)

    def _hear(self, message: dict[str, Any]) -> None:
        if message["event"] == "refused" and message["command"] == "candidate":
            self._finish()

    def _lose_patience(self) -> None:
        if self._previewing.live.state in (LiveState.STARTING, LiveState.RESTARTING):
            self._limit.start()  # models that are opened take their time
        else:
            self._finish()

    def _finish(self) -> None:
        if self._stage is not _Stage.IDLE:
            self._limit.stop()
            self._stage = _Stage.IDLE
            self._go_on()

    def _forget(self) -> None:
        self._limit.stop()
        self._stage, self._next_since, self._shown = _Stage.IDLE, None, None
