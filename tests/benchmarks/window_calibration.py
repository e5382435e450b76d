"""How long it takes from moving a calibration handle to the new picture, in the page itself, with a real worker.

    python -m tests.benchmarks.window_calibration [--live] [MOVES]

Opens the demo model with its built-in calibration set, drags the upper handle of one layer's histogram, and waits for
each picture before the next move. Prints every time and the median, in seconds.

With --live the picture is the built-in clip's, moving: a move counts until the first frame is drawn whose right side
comes from the model with the new range. The longest pause between two frames says whether the video stopped meanwhile.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QEventLoop
from PySide6.QtWidgets import QApplication, QToolButton

from converters.builtin import DEMO_NAME
from converters.model.inspection import inspect
from converters.model.source import load
from studio.document import Document
from studio.jobs.service import JobService
from studio.preview.mailbox import LiveFrame
from studio.preview.previewing import previewing
from studio.settings import SettingsStore
from studio.ui.pages.quantize import QuantizePage
from studio.ui.theme import Theme
from studio.ui.workbench import Workbench
from tests.studio.histogram_hand import Hand

LAYER = "/encoder.3/Conv"
MOVES = 10
_PATIENCE = 120.0
_PIXELS = 6
_REST = 0.05
"""Seconds between two moves: the plot takes no more than a hundred a second."""


@dataclass(frozen=True)
class Measured:
    """What was measured.

    Attributes:
        seconds: of each move.
        pauses: between two live frames that were drawn, seconds; () without live frames.
    """

    seconds: tuple[float, ...]
    pauses: tuple[float, ...] = ()


def main(moves: int = MOVES, *, is_live: bool = False) -> Measured:
    """Measure in a window of its own, out of view."""
    application = QApplication.instance() or QApplication([])
    assert isinstance(application, QApplication)
    Theme(application).choose("dark")
    with tempfile.TemporaryDirectory(prefix="ffstudio-benchmark-") as folder:
        os.environ["FFSTUDIO_DATA"] = folder
        document, settings, jobs = Document(), SettingsStore(), JobService(Path(folder) / "jobs")
        try:
            page = QuantizePage(Workbench(document, jobs, settings))
            return _measured(page, moves, _Live(page) if is_live else _Still(page))
        finally:
            jobs.close()
            settings.close()
            document.close()


class _Still:
    """A sample's picture: shown when its file is another one."""

    def __init__(self, page: QuantizePage) -> None:
        self._page = page
        self._shown = ""

    def begin(self) -> None:
        """Wait for the first picture."""

    def move(self) -> None:
        """Take note that the hand is about to move."""
        self._shown = self._page.preview.files[1]

    def is_drawn(self) -> bool:
        """Say whether the picture shows the move; it is drawn now."""
        if self._page.preview.files[1] == self._shown:
            return False
        self._page.preview.view.repaint()
        return True

    @property
    def pauses(self) -> tuple[float, ...]:
        """There is nothing that moves."""
        return ()


class _Live:
    """The clip: a move is shown when a frame was drawn by another model than those before."""

    def __init__(self, page: QuantizePage) -> None:
        self._page = page
        self._candidate = self._newest = ""
        self._drawn: list[float] = []

    def begin(self) -> None:
        """Switch to live frames and wait for those of the settings as they are."""
        button = self._page.preview.findChild(QToolButton, "quantize-live")
        assert button is not None
        previewing(self._page.bench).framed.connect(self._take)
        button.click()
        _until(lambda: self._page.live.seconds > 0)

    def _take(self, frame: LiveFrame) -> None:
        # the page was told first: its picture is this frame's
        self._page.preview.view.repaint()
        self._newest = frame.report.candidate
        self._drawn.append(time.perf_counter())

    def move(self) -> None:
        """Take note that the hand is about to move."""
        self._candidate = self._newest

    def is_drawn(self) -> bool:
        """Say whether a frame of another model was drawn."""
        return self._newest != self._candidate

    @property
    def pauses(self) -> tuple[float, ...]:
        """Between two frames, seconds."""
        return tuple(later - earlier for earlier, later in pairwise(self._drawn))


def _measured(page: QuantizePage, moves: int, picture: _Still | _Live) -> Measured:
    model = load(DEMO_NAME)
    page.bench.document.set_source(DEMO_NAME, model.source.sha256, inspect(model).to_json(), {}, False)
    page.resize(1100, 700)
    page.show()
    begun = time.perf_counter()
    page.shown()
    _until(lambda: page.ranges.histogram is not None and page.preview.files[1] and page.desk.is_idle)
    print(f"first picture after {time.perf_counter() - begun:.2f} s")
    page.layers.table.choose(LAYER)
    _until(lambda: page.desk.is_idle)
    assert page.ranges.histogram is not None
    hand = Hand(page.ranges.histogram, "high")
    if not hand.take():
        raise SystemExit("the handle does not follow the hand")
    picture.begin()
    seconds = []
    for _ in range(moves):
        picture.move()
        time.sleep(_REST)
        begun = time.perf_counter()
        hand.move(-_PIXELS)
        _until(picture.is_drawn)
        seconds.append(time.perf_counter() - begun)
    hand.let_go()
    _until(lambda: page.desk.is_idle)
    page.close()
    return Measured(tuple(seconds), picture.pauses)


def _until(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError("the page does not answer")
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 50)


if __name__ == "__main__":
    numbers = [int(each) for each in sys.argv[1:] if each != "--live"]
    found = main(*numbers, is_live="--live" in sys.argv)
    times = found.seconds
    print(", ".join(f"{each:.2f}" for each in times))
    print(f"median {statistics.median(times):.2f} s, longest {max(times):.2f} s, {len(times)} moves")
    if found.pauses:
        rate = len(found.pauses) / sum(found.pauses)
        print(f"{rate:.1f} frames/s meanwhile, longest pause between two of them {max(found.pauses):.2f} s")
