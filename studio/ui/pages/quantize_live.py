"""The Quantize page on live frames: what the picture panel shows while "Live" is on, and what is asked for then."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from converters.errors import StudioError
from converters.preview.messages import SourceState
from studio.live_calibration import LiveCalibration
from studio.preview.live import LiveState
from studio.ui.pages.live_words import stale_text, starting_text
from studio.ui.pages.quantize_preview import PreviewPanel
from studio.ui.texts import tr
from studio.ui.widgets.banner import Banner, Tone

if TYPE_CHECKING:
    from studio.preview.mailbox import LiveFrame
    from studio.preview.previewing import Previewing

_NUMBERS = 0.2
"""Seconds between two changes of the numbers: faster ones cannot be read."""


class QuantizeLive(QObject):
    """Shows the live comparison in the page's panel, with what is set on the page as the candidate.

    Args:
        calibration: the switch, and what it asks for.
        previewing: the frames.
        panel: where they are shown.
        banner: takes sentences on what went wrong.
        parent: the page.

    Attributes:
        switched: live frames, or samples, are shown from now on: the page then asks for what belongs there.
    """

    switched = Signal()

    def __init__(
        self, calibration: LiveCalibration, previewing: Previewing, panel: PreviewPanel, banner: Banner, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._calibration, self._previewing = calibration, previewing
        self._panel, self._banner = panel, banner
        self._is_in_view = False
        self._seconds = 0.0
        self._written = 0.0
        self._sizing = QTimer(self, interval=0, singleShot=True)
        self._sizing.timeout.connect(self._want_size)
        panel.live_switched.connect(self._switch)
        panel.pause_asked.connect(self._play_or_pause)
        panel.close_up_asked.connect(self._show_close_up)
        panel.view.wanted_size_changed.connect(self._sizing.start)
        calibration.drawn.connect(self._take_seconds)
        previewing.framed.connect(self._show_frame)
        previewing.changed.connect(self._follow)
        previewing.source_reported.connect(self._follow)
        previewing.told.connect(self._say)

    @property
    def is_on(self) -> bool:
        """Whether live frames are shown instead of a sample."""
        return self._calibration.is_on

    @property
    def seconds(self) -> float:
        """From the last move of a hand to the first frame that showed it; 0 while there is none."""
        return self._seconds

    def show(self) -> None:
        """Take note that the page is in view."""
        self._is_in_view = True
        self._calibration.give_up()  # what a page before this one asked for, nobody answers
        self._panel.show_live(self.is_on)
        self._panel.set_close_up(self._calibration.is_close_up)
        if self.is_on:
            self._begin()
            self.switched.emit()

    def leave(self) -> None:
        """Take note that it is not any more: the usual candidate comes back."""
        self._is_in_view = False
        self._calibration.leave()
        self._previewing.unwatch(self._panel)

    def end(self) -> None:
        """Switch it off: there is no model any more."""
        if self.is_on:
            self._switch(False)

    def _switch(self, is_on: bool) -> None:
        self._seconds = 0.0
        self._calibration.switch(is_on)
        self._panel.show_live(is_on)
        if is_on:
            self._begin()
        else:
            self._previewing.unwatch(self._panel)
            self._panel.view.set_stale(False)
            self._panel.clear(tr("Reading the sample…"))
        self.switched.emit()

    def _begin(self) -> None:
        self._previewing.watch(self._panel)
        self._want_size()
        if not self._previewing.is_on:
            self._previewing.start()
        self._follow()

    def _want_size(self) -> None:
        if self.is_on and self._is_in_view:
            width, height = self._panel.view.wanted_size()
            self._calibration.want_look(width, height)

    def _show_close_up(self, is_close_up: bool) -> None:
        self._calibration.is_close_up = is_close_up
        self._want_size()

    def _play_or_pause(self) -> None:
        report = self._previewing.source_report
        if self._previewing.live.state in (LiveState.OFF, LiveState.FAILED):
            self._previewing.start()
        elif report is not None and report.state is SourceState.PAUSED:
            self._previewing.play()
        else:
            self._previewing.pause()

    def _take_seconds(self, seconds: float) -> None:
        self._seconds = seconds
        self._panel.show_seconds(seconds)

    def _show_frame(self, frame: LiveFrame) -> None:
        if not (self.is_on and self._is_in_view):
            return
        self._panel.show_frame(frame.original, frame.candidate, frame.identity, frame.full_size)
        now = time.monotonic()
        if now - self._written >= _NUMBERS:
            self._written = now
            known = self._previewing.statistics
            self._panel.show_live_figures(known.lpips_mean, known.psnr, known.cosine_drop, known.rate)

    def _follow(self) -> None:
        """Say how the frames are doing."""
        if not (self.is_on and self._is_in_view):
            return
        state, report = self._previewing.live.state, self._previewing.source_report
        stage = self._previewing.live.stage
        self._panel.show_source(
            report.title if report is not None else "",
            is_paused=state in (LiveState.OFF, LiveState.FAILED)
            or (report is not None and report.state is SourceState.PAUSED),
        )
        if state is LiveState.FAILED:
            words = tr("The live picture ended. Press play to begin again.")
        elif state is LiveState.OFF:
            words = tr("The live picture is off. Press play to begin.")
        else:
            words = stale_text(state, stage, report)
        if self._panel.has_live_frame:
            self._panel.view.set_stale(bool(words), words)
        else:
            self._panel.clear(words or starting_text(stage))

    def _say(self, sentence: str, tone: str, error: StudioError | None) -> None:
        if not (self.is_on and self._is_in_view):
            return
        if error is not None:
            self._banner.say_error(error)
        else:
            self._banner.say(sentence, Tone(tone))
