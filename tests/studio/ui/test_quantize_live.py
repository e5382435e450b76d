"""The page Quantize on live frames, with real workers: what a hand changes is drawn, whoever dies meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

import psutil
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QLabel, QToolButton
from pytestqt.qtbot import QtBot

from converters.preview.messages import SourceState
from studio.live_calibration import live_calibration
from studio.preview.live import LiveState
from studio.preview.mailbox import LiveFrame
from studio.preview.previewing import Previewing, previewing
from studio.ui.pages.quantize import QuantizePage
from studio.ui.workbench import Workbench
from tests.studio.histogram_hand import Hand
from tests.studio.ui.test_quantize_page import LAYER, PATIENCE, find, opened, press, settle, shown

ROUNDING = 3
"""How far pixels may be apart where both sides compute the same in another order."""


class Watcher:
    """Keeps what the page was given: the newest frame, and the candidates that drew, in order."""

    def __init__(self, frames: Previewing) -> None:
        self.newest: LiveFrame | None = None
        self.candidates: list[str] = []
        frames.framed.connect(self._take)

    def _take(self, frame: LiveFrame) -> None:
        self.newest = frame
        if not self.candidates or frame.report.candidate != self.candidates[-1]:
            self.candidates.append(frame.report.candidate)

    @property
    def lpips(self) -> float:
        """Of the newest frame's face; -1 where there is none."""
        faces = self.newest.report.faces if self.newest is not None else ()
        return max((face.lpips for face in faces if face.lpips is not None), default=-1.0)


@pytest.fixture
def live(bench: Workbench, qtbot: QtBot) -> Iterator[tuple[QuantizePage, Previewing, Watcher]]:
    """Show the page with live frames, drawn by the model as it is set there."""
    page = opened(bench, qtbot)
    page.layers.table.choose(LAYER)
    settle(qtbot, page)
    frames = previewing(bench)
    watcher = Watcher(frames)
    button = find(page, QToolButton, "quantize-live")
    assert not button.isChecked()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    drawn(qtbot, page, watcher)
    yield page, frames, watcher
    frames.stop()


def drawn(qtbot: QtBot, page: QuantizePage, watcher: Watcher) -> str:
    """Wait until the frames are those of the newest settings; return who drew them."""
    calibration = live_calibration(page.bench)
    trial = previewing(page.bench)

    def is_drawn() -> bool:
        known = trial.trial
        newest = watcher.newest
        return bool(calibration.is_idle and known and newest and newest.report.candidate == known.path)

    qtbot.waitUntil(is_drawn, timeout=PATIENCE)
    assert trial.trial is not None
    return trial.trial.path


def workers() -> set[psutil.Process]:
    """Return the worker processes that run."""
    return {
        child
        for child in psutil.Process().children()
        if child.status() != psutil.STATUS_ZOMBIE and "converters.worker" in child.cmdline()
    }


def worker(name: str) -> psutil.Process:
    """Return the worker of a name; its log's name tells it."""
    (found,) = (each for each in workers() if any(part.endswith(f"{name}.log") for part in each.cmdline()))
    return found


def apart(frame: LiveFrame | None) -> int:
    """Return the largest difference between both sides of a frame, 0..255."""
    assert frame is not None
    assert frame.original.format() == frame.candidate.format() == QImage.Format.Format_RGB32  # rows without padding
    sides = bytes(frame.original.constBits()), bytes(frame.candidate.constBits())
    return max(abs(one - other) for one, other in zip(*sides, strict=True))


def test_what_a_hand_changes_is_drawn_by_the_next_frames(
    live: tuple[QuantizePage, Previewing, Watcher], qtbot: QtBot
) -> None:
    page, frames, watcher = live
    usual = drawn(qtbot, page, watcher)
    qtbot.waitUntil(lambda: watcher.lpips > 0, timeout=PATIENCE)
    usual_loss = watcher.lpips
    assert page.preview.view.frame_id == watcher.newest.identity  # type: ignore[union-attr]
    assert page.live.seconds > 0
    assert f"{page.live.seconds:.2f}" in find(page, QLabel, "quantize-latency").text()
    assert find(page, QLabel, "quantize-sample").toolTip() or find(page, QLabel, "quantize-sample").text()
    assert not find(page, QToolButton, "quantize-next").isVisible()

    # a handle: while it is held, and without the video standing still or the process being another one
    processes = workers()
    before = watcher.newest
    assert before is not None
    assert page.ranges.histogram is not None
    hand = Hand(page.ranges.histogram, "high")
    assert hand.take()
    for _ in range(12):
        hand.move(-14)
    dragged = drawn(qtbot, page, watcher)
    qtbot.waitUntil(lambda: watcher.lpips > 2 * usual_loss, timeout=PATIENCE)
    assert dragged != usual
    assert "ranges" not in dict(page.bench.document.step_options("quantize") or {})
    hand.let_go()
    settle(qtbot, page)

    # all layers float: nothing is lost but a rounding, for the graph was made ready to be quantized
    page.form.changed.emit("scheme", "float")
    settle(qtbot, page)
    assert drawn(qtbot, page, watcher) != dragged
    assert apart(watcher.newest) <= ROUNDING
    page.bench.document.undo_stack.undo()
    settle(qtbot, page)
    lossy = drawn(qtbot, page, watcher)
    assert apart(watcher.newest) > 2 * ROUNDING

    # one layer float, another policy
    page.recipe.keep_float(LAYER, True)
    settle(qtbot, page)
    without = drawn(qtbot, page, watcher)
    page.form.changed.emit("policy", "min-max")
    settle(qtbot, page)
    assert len({usual, dragged, lossy, without, drawn(qtbot, page, watcher)}) == 5
    assert watcher.newest is not None
    assert watcher.newest.identity > before.identity
    assert workers() == processes
    assert not page.banner.text

    # whoever leaves the page finds the usual candidate; who comes back, what is set here
    page.hide()
    assert frames.trial is None
    qtbot.waitUntil(lambda: watcher.candidates[-1] == "demo", timeout=PATIENCE)
    page.close()
    again = shown(page.bench, qtbot)
    assert find(again, QToolButton, "quantize-live").isChecked()
    drawn(qtbot, again, watcher)
    assert again.preview.has_live_frame

    qtbot.mouseClick(find(again, QToolButton, "quantize-live"), Qt.MouseButton.LeftButton)
    settle(qtbot, again, lambda: again.preview.files[1])
    assert frames.trial is None
    assert not again.preview.has_live_frame
    assert find(again, QToolButton, "quantize-next").isVisible()


@pytest.mark.slow
def test_a_death_costs_a_click_or_a_moment(live: tuple[QuantizePage, Previewing, Watcher], qtbot: QtBot) -> None:
    page, frames, watcher = live
    usual = drawn(qtbot, page, watcher)

    # of the calibrator while it works: the video goes on with what it has, and a click goes on with the rest
    with qtbot.waitSignal(page.desk.progressed, timeout=PATIENCE, check_params_cb=lambda stage, _part: bool(stage)):
        page.recipe.set_option("samples", 5)
    worker("calibrator").kill()
    qtbot.waitUntil(lambda: "calibrator" in page.banner.text, timeout=PATIENCE)
    assert frames.live.state is LiveState.RUNNING
    before = watcher.newest
    qtbot.waitUntil(lambda: watcher.newest is not before, timeout=PATIENCE)
    assert watcher.newest is not None
    assert watcher.newest.report.candidate == usual
    press(qtbot, page, "Retry")
    samples = page.calibration.grid.model()
    settle(qtbot, page, lambda: not page.banner.text and samples.rowCount() == 5)
    assert drawn(qtbot, page, watcher) != usual

    # of the calibrator while it waits: nobody notices
    worker("calibrator").kill()
    page.recipe.keep_float(LAYER, True)
    settle(qtbot, page)
    assert LAYER in str(page.recipe.options["layers"])
    kept = drawn(qtbot, page, watcher)
    assert kept != usual
    assert not page.banner.text

    # of the preview: the pane says so, and the same comes back
    worker("preview").kill()
    qtbot.waitUntil(lambda: frames.live.state is LiveState.RESTARTING, timeout=PATIENCE)
    assert page.preview.view.is_stale
    watcher.newest = None
    qtbot.waitUntil(lambda: watcher.newest is not None, timeout=PATIENCE)
    assert watcher.newest is not None
    assert watcher.newest.report.candidate == kept
    assert not page.preview.view.is_stale

    # standing still: what is set shows all the same
    qtbot.mouseClick(find(page, QToolButton, "quantize-pause"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(
        lambda: frames.source_report is not None and frames.source_report.state is SourceState.PAUSED, timeout=PATIENCE
    )
    page.form.changed.emit("scheme", "float")
    settle(qtbot, page)
    drawn(qtbot, page, watcher)
    assert apart(watcher.newest) <= ROUNDING
    assert frames.source_report is not None
    assert frames.source_report.state is SourceState.PAUSED
