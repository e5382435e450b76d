"""How long it takes from moving a calibration handle to the new picture, in the page itself, with a real worker.

    python -m tests.benchmarks.window_calibration [MOVES]

Opens the demo model with its built-in calibration set, drags the upper handle of one layer's histogram, and waits for
each picture before the next move. Prints every time and the median, in seconds.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QEventLoop
from PySide6.QtWidgets import QApplication

from converters.builtin import DEMO_NAME
from converters.model.inspection import inspect
from converters.model.source import load
from studio.document import Document
from studio.jobs.service import JobService
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


def main(moves: int = MOVES) -> list[float]:
    """Measure; return the seconds of each move."""
    application = QApplication.instance() or QApplication([])
    assert isinstance(application, QApplication)
    Theme(application).choose("dark")
    with tempfile.TemporaryDirectory(prefix="ffstudio-benchmark-") as folder:
        os.environ["FFSTUDIO_DATA"] = folder
        document, settings, jobs = Document(), SettingsStore(), JobService(Path(folder) / "jobs")
        try:
            return _measured(QuantizePage(Workbench(document, jobs, settings)), moves)
        finally:
            jobs.close()
            settings.close()
            document.close()


def _measured(page: QuantizePage, moves: int) -> list[float]:
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
    seconds = []
    for _ in range(moves):
        shown = page.preview.files[1]
        time.sleep(_REST)
        begun = time.perf_counter()
        hand.move(-_PIXELS)
        _until(lambda shown=shown: page.preview.files[1] != shown)  # type: ignore[misc]
        page.preview.view.repaint()
        seconds.append(time.perf_counter() - begun)
    hand.let_go()
    _until(lambda: page.desk.is_idle)
    page.close()
    return seconds


def _until(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError("the page does not answer")
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 50)


if __name__ == "__main__":
    times = main(int(sys.argv[1]) if len(sys.argv) > 1 else MOVES)
    print(", ".join(f"{each:.2f}" for each in times))
    print(f"median {statistics.median(times):.2f} s, longest {max(times):.2f} s, {len(times)} moves")
