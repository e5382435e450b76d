"""How fluent the live comparison is: through the real window's parts, against a bare loop over the same stages.

    python -m tests.benchmarks.preview [--original FILE] [--candidate FILE] [--faces one] [--seconds N] [--rounds N]

The built-in 720p clip runs through the demo swapper and a candidate (by default the demo swapper once more), in turns:
a bare loop in a process of its own that decodes, finds, swaps and pastes twice, measures, and does nothing else; and
the preview with its process, shared memory and a painted side-by-side view as large as in a window of 1920 x 1080. Both
look at the clip where it would be by
the clock, so both see the same mix of frames. Prints a table in Markdown.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["QT_API"] = "pyside6"
# as the program does: painting waits for threads of Qt's own where every core is busy
os.environ.setdefault("QT_NO_GUI_THREADPOOL", "1")

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from converters.builtin import DEMO_CLIP, DEMO_NAME
from converters.preview.maps import HIGHEST
from converters.preview.messages import FrameReport
from converters.preview.request import Look, ModelChoice, Overlay, PreviewRequest, SourceChoice
from converters.progress import Progress
from converters.worker_client import Worker
from studio.loop_monitor import LoopMonitor
from studio.preview.live import Live, LiveState
from studio.preview.mailbox import LiveFrame
from studio.ui.theme import Theme
from studio.ui.widgets.comparison_modes import Mode
from studio.ui.widgets.comparison_view import ComparisonView

Data = dict[str, Any]
OPERATIONS = {"bare": "tests.benchmarks.preview:bare"}
_VIEW = (1800, 510)
_WARM = 15  # frames before anything counts
_PATIENCE = 120.0


@dataclass(frozen=True)
class Case:
    """What is measured: two models, and the options of the face pipeline."""

    original: str
    candidate: str
    options: dict[str, Any]


@dataclass
class Figures:
    """What the rounds gave; rates a second, the rest in seconds."""

    bare: list[float] = field(default_factory=list)
    live: list[float] = field(default_factory=list)
    maps: list[float] = field(default_factory=list)
    crops: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    painted: list[float] = field(default_factory=list)
    worked: list[float] = field(default_factory=list)
    painted_full: list[float] = field(default_factory=list)
    worked_full: list[float] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    stages: dict[str, list[float]] = field(default_factory=dict)


def main(arguments: list[str] | None = None) -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.preview")
    parser.add_argument("--original", default=DEMO_NAME, help="model or artifact of the one side")
    parser.add_argument("--candidate", default=DEMO_NAME, help="model or artifact of the other side")
    parser.add_argument("--faces", default="", help="which faces are swapped: `one`, or many where not told")
    parser.add_argument("--seconds", type=float, default=10.0, help="of a round; the clip has ten")
    parser.add_argument("--rounds", type=int, default=3)
    wanted = parser.parse_args(arguments)
    case = Case(wanted.original, wanted.candidate, {"faces": wanted.faces} if wanted.faces else {})
    application = QApplication.instance() or QApplication([])
    assert isinstance(application, QApplication)
    Theme(application).choose("dark")
    figures = Figures()
    with tempfile.TemporaryDirectory(prefix="ffstudio-benchmark-") as folder:
        for _ in range(wanted.rounds):
            measure_bare(figures, case, wanted.seconds, Path(folder))
            measure_live(figures, case, wanted.seconds, Path(folder))
        measure_full(figures, case, Path(folder))
    report(figures)
    return 0


def bare(arguments: Data, progress: Progress) -> Data:
    """Run the stages and nothing else; an operation of a worker.

    Args:
        arguments: "original", "candidate", "options", "seconds".
        progress: asked whether to stop.

    Returns:
        "rate": frames a second.
    """
    from converters.face.options import face_options
    from converters.preview.measures import IDENTITY_EVERY, Measures
    from converters.preview.pairs.opening import open_pair
    from converters.preview.sources.clip import VideoSource

    options = face_options(arguments["options"])
    choices = ModelChoice(arguments["original"]), ModelChoice(arguments["candidate"])
    with (
        open_pair(*choices, options, progress) as pair,
        VideoSource(DEMO_CLIP) as source,
        Measures() as measures,
    ):
        pair.set_people(())
        begun, last, done, counted = time.monotonic(), 0.0, 0, 0.0
        while True:
            now = time.monotonic()
            if done == _WARM:
                counted = now
            if done > _WARM and now - counted >= arguments["seconds"]:
                return {"rate": (done - _WARM) / (now - counted)}
            position = (now - begun) % (source.duration or 1.0)
            if position < last:
                source.seek(0.0)
                pair.reset()
            captured = source.read(position)
            last = position
            if captured is None:
                continue
            result = pair.process(captured.picture, captured.seconds, progress)
            cosines = [pair.identities(crop) for crop in result.crops] if done % IDENTITY_EVERY == 0 else ()
            measures.judge(result, cosines, Overlay.LPIPS, is_whole=False, full_size=source.size)
            done += 1


def measure_bare(figures: Figures, case: Case, seconds: float, folder: Path) -> None:
    """Let the bare loop run in a process of its own."""
    with Worker("bare", folder / "bare.log", operations="tests.benchmarks.preview:OPERATIONS") as worker:
        found = worker.call("bare", {**asdict(case), "seconds": seconds}, Progress())
    figures.bare.append(found["rate"])


class _TimedLive(Live):
    """Notes how long each frame takes from the mailbox to the painted view: everything happens within `_take`."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[float] = []
        self.worked: list[float] = []

    def _take(self, number: int) -> None:
        begun, work = time.perf_counter(), time.thread_time()
        before = self.frame
        super()._take(number)
        if self.frame is not before:
            self.taken.append(time.perf_counter() - begun)
            self.worked.append(time.thread_time() - work)


class _Watched:
    """A preview in a view that is painted, and what was seen of it."""

    def __init__(self, case: Case, folder: Path, *, is_full: bool) -> None:
        self.view = ComparisonView()
        self.view.set_mode(Mode.SIDE_BY_SIDE)
        self.view.resize(*_VIEW)
        self.view.show()
        QApplication.processEvents()
        width, height = (0, 0) if is_full else self.view.wanted_size()
        self.seen: list[tuple[float, FrameReport]] = []
        self.live = _TimedLive()
        self.live.framed.connect(self._show)
        request = PreviewRequest(
            ModelChoice(case.original),
            ModelChoice(case.candidate),
            SourceChoice(),
            str(folder / "worst"),
            options=case.options,
            look=Look(width, height),
        )
        self.live.start(request)

    def _show(self, frame: LiveFrame) -> None:
        self.view.set_pair(frame.original, frame.candidate, frame.identity, frame.full_size)
        if frame.heat is not None and frame.report.map is not None:
            self.view.set_heat(frame.heat, HIGHEST[Overlay.LPIPS], "LPIPS", frame.report.map.box)
        self.view.repaint()
        self.seen.append((time.monotonic(), frame.report))

    def until_frames(self, count: int) -> None:
        """Wait for so many frames."""
        until = time.monotonic() + _PATIENCE
        while len(self.seen) < count:
            if self.live.state is LiveState.FAILED or time.monotonic() > until:
                raise RuntimeError(f"no frames came: {self.live.error}")
            pause(0.05)

    def close(self) -> None:
        """End it."""
        self.live.close()
        self.view.close()


def measure_live(figures: Figures, case: Case, seconds: float, folder: Path) -> None:
    """Let the preview run and be painted."""
    watched = _Watched(case, folder, is_full=False)
    monitor = LoopMonitor()
    try:
        watched.until_frames(_WARM)
        watched.live.taken.clear()
        watched.live.worked.clear()
        first = len(watched.seen)
        monitor.start()
        begun = time.monotonic()
        pause(seconds)
        took = time.monotonic() - begun
        monitor.stop()
        seen = watched.seen[first:]
    finally:
        watched.close()
    figures.live.append(len(seen) / took)
    figures.maps.append(sum(report.map is not None for _, report in seen) / took)
    figures.crops.append(sum(len(report.faces) for _, report in seen if report.map is not None) / took)
    figures.gaps.append(monitor.largest_gap)
    figures.painted += watched.live.taken
    figures.worked += watched.live.worked
    figures.delays += [shown - report.taken for shown, report in seen]
    for _, report in seen:
        for stage, spent in report.seconds.items():
            figures.stages.setdefault(stage, []).append(spent)


def measure_full(figures: Figures, case: Case, folder: Path) -> None:
    """Hand over frames of 720p, as a view wants them that is zoomed in."""
    watched = _Watched(case, folder, is_full=True)
    try:
        watched.until_frames(_WARM)
        watched.live.taken.clear()
        watched.live.worked.clear()
        watched.until_frames(_WARM + 40)
    finally:
        watched.close()
    figures.painted_full += watched.live.taken
    figures.worked_full += watched.live.worked


def pause(seconds: float) -> None:
    """Let the window's thread do its work for some seconds."""
    loop = QEventLoop()
    QTimer.singleShot(round(seconds * 1000), loop.quit)
    loop.exec()


def report(figures: Figures) -> None:
    """Print the table."""
    bare_rate, live_rate = statistics.median(figures.bare), statistics.median(figures.live)
    rows = [
        ("bare loop, frames a second", _each(figures.bare, 1)),
        ("side-by-side view, frames a second", _each(figures.live, 1)),
        ("of the bare loop", f"{100 * live_rate / bare_rate:.0f} %"),
        ("frames with an LPIPS map a second", _each(figures.maps, 1)),
        ("face crops with an LPIPS map a second", _each(figures.crops, 1)),
        ("longest pause of the window's thread, ms", _each([1000 * gap for gap in figures.gaps], 0)),
        ("from the mailbox to the painted view, ms", _spread(figures.painted)),
        ("of that at work, ms", _spread(figures.worked)),
        ("the same with whole 720p pictures on both sides, ms", _spread(figures.painted_full)),
        ("of that at work, ms", _spread(figures.worked_full)),
        ("from capture to the painted view, ms", _spread(figures.delays)),
    ]
    rows += [(f"stage {name}, ms", _spread(spent)) for name, spent in figures.stages.items()]
    print("| | |")
    print("|---|---|")
    for name, value in rows:
        print(f"| {name} | {value} |")


def _each(values: list[float], digits: int) -> str:
    each = ", ".join(f"{value:.{digits}f}" for value in sorted(values))
    return f"{statistics.median(values):.{digits}f} ({each})"


def _spread(seconds: list[float]) -> str:
    """Return median and 95 % of some seconds, in milliseconds."""
    ordered = sorted(1000 * each for each in seconds)
    return f"{statistics.median(ordered):.2f} (95 %: {ordered[round(0.95 * (len(ordered) - 1))]:.2f})"


if __name__ == "__main__":
    sys.exit(main())
