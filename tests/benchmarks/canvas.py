"""How long the comparison view takes to show a pair: `set_pair` and the painting, in every mode.

    python -m tests.benchmarks.canvas [--frames N]

Prints medians and 95th percentiles in milliseconds of the wall clock, and the median of the processor's time (of all
threads: what it takes apart from waiting for other programs), for a pane of 700 x 394 and frames of 1280 x 720:
handed over at the pane's size, as the preview does while the whole picture is in view; handed over whole, as it does
near and under the magnifier; and with a heat map that is new in every frame.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Sequence

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication

from studio.ui.widgets.comparison_modes import Mode
from studio.ui.widgets.comparison_view import ComparisonView

PANE, FULL = QSize(700, 394), QSize(1280, 720)
_PAIRS = 4  # so that no picture is in the processor's cache because it was the one before


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=100, help="of each measurement")
    frames = parser.parse_args(arguments).frames
    application = QApplication.instance() or QApplication([])
    print(f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "")
    print("| set_pair and painting, ms | median | 95 % | processor |")
    print("|---|---|---|---|")
    for name, times in painting_times(frames).items():
        wall = sorted(1000 * each for each, _ in times)
        work = statistics.median(1000 * each for _, each in times)
        print(f"| {name} | {statistics.median(wall):.2f} | {wall[int(0.95 * len(wall))]:.2f} | {work:.2f} |")
    application.processEvents()
    return 0


def painting_times(frames: int) -> dict[str, list[tuple[float, float]]]:
    """Return the seconds and the processor's seconds of each frame by what was shown."""
    view = ComparisonView()
    view.resize(PANE)
    view.show()
    QApplication.processEvents()
    times = {}
    for mode in Mode:
        view.set_mode(mode)
        view.fit()
        pane = QSize(*view.wanted_size())
        small = FULL.scaled(pane, Qt.AspectRatioMode.KeepAspectRatio)
        times[f"{mode.value}, pictures of the pane's size"] = _shown(view, small, frames)
        times[f"{mode.value}, the same with a new map"] = _shown(view, small, frames, has_map=True)
        times[f"{mode.value}, whole pictures"] = _shown(view, FULL, frames)
        view.zoom_to(1.0)
        times[f"{mode.value}, near (1:1)"] = _shown(view, FULL, frames, has_map=True)
        view.zoom_to(8.0)
        times[f"{mode.value}, nearer (8:1)"] = _shown(view, FULL, frames, has_map=True)
    view.set_mode(Mode.SIDE_BY_SIDE)
    view.fit()
    view.set_magnifier(True)
    view.move_magnifier(QPointF(150, 200))
    times["side-by-side, whole pictures under the magnifier"] = _shown(view, FULL, frames, has_map=True)
    view.close()
    return times


def _shown(view: ComparisonView, size: QSize, frames: int, *, has_map: bool = False) -> list[tuple[float, float]]:
    pairs = [coloured_pair(frame, size) for frame in range(_PAIRS)]
    maps = [_map(frame, size) for frame in range(_PAIRS)] if has_map else []

    def show(frame: int) -> None:
        view.set_pair(*pairs[frame % _PAIRS], frame, (FULL.width(), FULL.height()))
        view.set_heat(maps[frame % _PAIRS] if maps else None, 0.2, "LPIPS")
        view.set_difference(maps[frame % _PAIRS] if maps else None, 0.2, "LPIPS")
        view.repaint()

    show(0)
    return [_timed(show, frame) for frame in range(frames)]


def _timed(work: Callable[[int], None], frame: int) -> tuple[float, float]:
    begun, used = time.perf_counter(), time.process_time()
    work(frame)
    return time.perf_counter() - begun, time.process_time() - used


def coloured_pair(frame: int, size: QSize) -> tuple[QImage, QImage]:
    """Return two pictures that carry the number of their frame (up to 4095) in their colour; blue tells the sides."""
    made = []
    for blue in (0, 255):
        image = QImage(size, QImage.Format.Format_RGB32)
        image.fill(QColor(16 * (frame >> 6), 4 * (frame & 63), blue))
        made.append(image)
    return made[0], made[1]


def frames_in_view(view: ComparisonView) -> tuple[int, int]:
    """Return the frames that the two panes of a side-by-side or split view show, read from the screen's pixels."""
    image = view.grab().toImage()
    found = []
    for share in (0.35, 0.65):
        colour = image.pixelColor(int(share * image.width()), int(0.55 * image.height()))
        found.append((colour.red() // 16 << 6) + colour.green() // 4)
    return found[0], found[1]


def _map(frame: int, size: QSize) -> QImage:
    image = QImage(size, QImage.Format.Format_Grayscale8)
    image.fill(40 * frame + 60)
    return image


if __name__ == "__main__":
    raise SystemExit(main())
