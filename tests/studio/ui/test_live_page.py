"""The tab "Live" of the Compare page: what it shows in each state, and a real preview led by its controls and keys."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QSize, QSizeF, Qt
from PySide6.QtWidgets import QComboBox, QPushButton, QSlider, QTabBar, QToolButton
from pytestqt.qtbot import QtBot

from converters.errors import UnsupportedError
from converters.preview.messages import SourceReport, SourceState
from converters.preview.request import Overlay, SourceChoice, SourceKind
from studio.preview.live import LiveState
from studio.preview.mailbox import LiveFrame
from studio.preview.previewing import Previewing, previewing
from studio.ui.pages.compare import ComparePage
from studio.ui.pages.live_fields import Item, LiveField
from studio.ui.pages.live_panel import LivePanel
from studio.ui.pages.live_side import arrangement_for
from studio.ui.pages.live_words import clock_text, stale_text
from studio.ui.widgets.comparison_modes import Mode
from studio.ui.workbench import Workbench

PATIENCE = 60_000  # milliseconds; a preview starts in about three seconds
ROOM = (936, 470)
"""Of the page in the smallest window, with the list of jobs open."""


@pytest.fixture
def opened(bench: Workbench) -> Workbench:
    inspection = {"source": {"name": "demo"}, "cost": {"macs": 2.8e9}, "signature": {"outputs": []}}
    bench.document.set_source("demo", "1" * 64, inspection, {}, False)
    return bench


@pytest.fixture
def page(opened: Workbench, qtbot: QtBot) -> Iterator[ComparePage]:
    """Make the page with its tab "Live" in view; whatever it started ends with it."""
    made = ComparePage(opened)
    qtbot.addWidget(made)
    made.resize(*ROOM)
    tabs: QTabBar = made.findChild(QTabBar, "compare-tabs")
    tabs.setCurrentIndex(1)
    made.show()
    yield made
    previewing(opened).live.close()


def panel(page: ComparePage) -> LivePanel:
    assert page.live is not None
    return page.live


def button(page: ComparePage, name: str) -> QToolButton:
    found: QToolButton = page.findChild(QToolButton, name)
    return found


def report(state: SourceState, **more: Any) -> SourceReport:
    values: dict[str, Any] = {
        "title": "Front camera",
        "state": state,
        "is_live": True,
        "seconds": 0.0,
        "duration": None,
        "index": 0,
        "count": None,
        "rate": 30.0,
        "size": (1280, 720),
    }
    return SourceReport(**{**values, **more})


def test_times_and_sentences_of_a_source_that_fails() -> None:
    assert [clock_text(seconds) for seconds in (0.9, 61.0, 3600.0)] == ["0:00", "1:01", "60:00"]
    assert stale_text(LiveState.RUNNING, "", report(SourceState.PLAYING)) == ""
    assert "no new pictures" in stale_text(LiveState.RUNNING, "", report(SourceState.FROZEN))
    assert "in 4 s" in stale_text(LiveState.RUNNING, "", report(SourceState.LOST, next_try=4.2))
    assert "again" in stale_text(LiveState.RESTARTING, "", report(SourceState.PLAYING))


@pytest.mark.parametrize(
    ("picture", "is_pair", "is_below"),
    [(QSizeF(16, 9), True, True), (QSizeF(9, 16), True, False), (QSizeF(16, 9), False, False)],
)
def test_the_numbers_lie_where_the_pictures_stay_larger(picture: QSizeF, is_pair: bool, is_below: bool) -> None:
    assert arrangement_for(QSize(1156, 445), picture, is_pair=is_pair, is_open=False).is_below is is_below


@pytest.mark.parametrize("room", [ROOM, (940, 572), (1836, 948)])
def test_nothing_is_cut_off_in_any_room(page: ComparePage, qtbot: QtBot, room: tuple[int, int]) -> None:
    page.resize(*room)
    qtbot.waitExposed(page)
    live = panel(page)
    inside = live.rect()
    assert (page.width(), page.height()) == room
    if page.hasHeightForWidth():
        assert page.heightForWidth(room[0]) <= room[1]  # else its scroll area would make it higher than the window
    for part in (live.source, live.models, live.controls, live.stack, live.transport, live.side):
        assert part.isVisible()
        assert inside.contains(part.geometry()), part.objectName()
        assert part.width() >= part.minimumSizeHint().width(), part.objectName()
    assert live.stack.width() >= room[0] * 0.6
    live.numbers.fold.findChild(QToolButton).click()
    qtbot.waitUntil(lambda: inside.contains(live.side.geometry()))


def test_a_sentence_of_the_banner_moves_nothing_around() -> None:
    wide = QSizeF(16, 9)
    before = arrangement_for(QSize(1156, 445), wide, is_pair=True, is_open=False)
    lower = QSize(1156, 380)
    assert before.is_below
    assert not arrangement_for(lower, wide, is_pair=True, is_open=False).is_below  # begun like this it would be beside
    assert arrangement_for(lower, wide, is_pair=True, is_open=False, was_below=True).is_below
    lowest = QSize(1156, 280)  # not at any price
    assert not arrangement_for(lowest, wide, is_pair=True, is_open=False, was_below=True).is_below


def test_the_smallest_window_needs_no_scrolling_sideways(page: ComparePage) -> None:
    for place in (0, 1):
        page.findChild(QTabBar, "compare-tabs").setCurrentIndex(place)
        assert page.minimumSizeHint().width() <= ROOM[0]


def test_a_phone_is_called_simulated_on_the_pictures_too(page: ComparePage, opened: Workbench) -> None:
    live, pv = panel(page), previewing(opened)
    assert live.view.note == ""
    pv.choose_phone("pixel-8")
    assert live.view.note == "Simulated, from published figures"
    assert "Simulated" in live.view.accessibleDescription()
    pv.choose_phone("")
    assert live.view.note == ""


def test_how_a_person_looks_survives_a_page_that_is_made_anew(
    page: ComparePage, opened: Workbench, qtbot: QtBot
) -> None:
    live = panel(page)
    live.view.set_mode(Mode.SPLIT)
    live.numbers.fold.findChild(QToolButton).click()
    live.controls.findChild(QSlider, "opacity").setValue(40)
    again = ComparePage(opened)
    qtbot.addWidget(again)
    again.findChild(QTabBar, "compare-tabs").setCurrentIndex(1)
    fresh = panel(again)
    assert (fresh.view.mode, fresh.numbers.fold.is_open) == (Mode.SPLIT, True)
    assert fresh.controls.findChild(QSlider, "opacity").value() == 40


def test_models_that_draw_nothing_have_no_map_and_no_chart_of_losses(page: ComparePage, opened: Workbench) -> None:
    live, pv = panel(page), previewing(opened)
    overlay = live.controls.findChild(QComboBox, "overlay")
    assert overlay.isEnabled()
    live.view.set_mode(Mode.DIFFERENCE)
    assert not overlay.isEnabled()  # nothing lies over the difference
    live.view.set_mode(Mode.SIDE_BY_SIDE)
    assert overlay.isEnabled()
    pv.models = {"event": "models", "kind": "detector", "draws": False, "sides": []}
    live.refresh()
    assert not overlay.isEnabled()
    assert live.chart.isHidden()


def test_a_long_name_loses_its_middle_and_is_whole_in_the_tooltip(page: ComparePage) -> None:
    field = LiveField("long", "File", "A tip.", 6, page)
    field.resize(160, 28)
    name = "demo-int8-" + "percentile-" * 6 + "2026.onnx"
    field.show_items([Item(name, 0)], 0)
    field.show()
    shown = field.shown_title
    assert shown != name
    assert shown.startswith("demo-")
    assert shown.endswith(".onnx")
    assert name in field.toolTip()
    field.resize(2000, 28)
    assert field.shown_title == name
    assert field.toolTip() == "A tip."


def test_before_the_start_it_says_what_it_is_for_and_how_to_begin(page: ComparePage) -> None:
    live = panel(page)
    assert live.stack.currentWidget() is live.notice
    assert "off" in live.notice.text
    ways = [each.text() for each in live.notice.findChildren(QPushButton)]
    assert ways == ["Start"]
    assert page.findChild(QPushButton, "live-run").text() == "Start"
    assert not page.findChild(QPushButton, "compare-run").isVisible()
    assert not button(page, "live-snapshot").isEnabled()


def test_a_failure_says_why_and_offers_ways_out(
    page: ComparePage, opened: Workbench, qtbot: QtBot, tmp_path: Path
) -> None:
    live, pv = panel(page), previewing(opened)
    pv.choose_source(SourceChoice(SourceKind.VIDEO, str(tmp_path / "gone.mp4")))
    page.findChild(QPushButton, "live-run").click()
    qtbot.waitUntil(lambda: pv.live.state is LiveState.FAILED, timeout=PATIENCE)
    assert live.stack.currentWidget() is live.notice
    assert "gone.mp4" in live.notice.text
    ways = {each.text(): each for each in live.notice.findChildren(QPushButton)}
    assert "Try again" in ways
    assert "Original on both sides" not in ways
    qtbot.waitUntil(ways["Use the built-in clip"].isVisible)
    ways["Use the built-in clip"].click()
    assert pv.source.kind is SourceKind.CLIP
    qtbot.waitUntil(lambda: pv.live.state is LiveState.RUNNING, timeout=PATIENCE)
    assert live.stack.currentWidget() is live.view


def test_what_is_missing_on_this_computer_is_said_with_its_remedy(page: ComparePage, opened: Workbench) -> None:
    live, pv = panel(page), previewing(opened)
    pv.live.error = UnsupportedError("MNN is not installed.", "", "Install it with pip install MNN.")
    live.notice.say_failure(pv, pv.live.error, live.start_or_stop)
    assert "pip install MNN" in live.notice.text


def test_a_preview_is_started_led_by_keys_and_found_again(page: ComparePage, opened: Workbench, qtbot: QtBot) -> None:
    live, pv = panel(page), previewing(opened)
    frames: list[LiveFrame] = []
    pv.framed.connect(frames.append)
    page.show_live()
    qtbot.waitUntil(lambda: len(frames) >= 3, timeout=PATIENCE)
    assert live.view.isVisible()
    assert live.view.mode is Mode.SIDE_BY_SIDE
    assert page.findChild(QPushButton, "live-run").text() == "Stop"
    assert live.view.heat is not None  # the map is there from the first frames on
    newest = frames[-1]
    assert live.view.frame_id == newest.identity
    # no more pixels than the pane has
    assert newest.original.width() <= live.view.width()
    assert newest.full_size[0] > newest.original.width()

    # space pauses wherever no control takes it, and the buttons follow
    qtbot.keyClick(live.view, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: _state(pv) is SourceState.PAUSED, timeout=PATIENCE)
    assert button(page, "live-play").accessibleName() == "Play (space)"
    # a frame that was on its way has arrived
    qtbot.waitUntil(lambda: frames[-1].report.index == _index(pv), timeout=PATIENCE)
    index = frames[-1].report.index
    qtbot.keyClick(live.view, Qt.Key.Key_Comma if index else Qt.Key.Key_Period)
    qtbot.waitUntil(lambda: abs(frames[-1].report.index - index) == 1, timeout=PATIENCE)
    slider: QSlider = page.findChild(QSlider, "live-seek")
    slider.setValue(4000)
    qtbot.waitUntil(lambda: abs(frames[-1].report.position - 4.0) < 0.1, timeout=PATIENCE)
    assert page.findChild(object, "live-time").text().startswith("0:0")

    # another map and a close-up reach the process while it stands still
    overlay: QComboBox = live.controls.findChild(QComboBox, "overlay")
    overlay.setCurrentIndex(overlay.findData(Overlay.DIFFERENCE.value))
    qtbot.waitUntil(lambda: live.view.heat is not None and live.view.heat.title == "Difference", timeout=PATIENCE)
    qtbot.keyClick(live.view, Qt.Key.Key_F)
    qtbot.waitUntil(lambda: frames[-1].full_size[0] == frames[-1].full_size[1], timeout=PATIENCE)
    assert button(page, "live-close-up").isChecked()

    # a page that is made anew shows what runs
    again = ComparePage(opened)
    qtbot.addWidget(again)
    assert again.live is not None
    assert again.live.view.frame_id == frames[-1].identity

    # an unexpected end is said over the greyed picture, then it goes on
    pid = pv.live.pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: pv.live.state is LiveState.RESTARTING, timeout=PATIENCE)
    assert live.view.is_stale
    qtbot.waitUntil(lambda: pv.live.state is LiveState.RUNNING and not live.view.is_stale, timeout=PATIENCE)
    page.findChild(QPushButton, "live-run").click()
    qtbot.waitUntil(lambda: live.stack.currentWidget() is live.notice, timeout=PATIENCE)


def test_a_lost_camera_greys_the_last_picture_and_counts_down(
    page: ComparePage, opened: Workbench, qtbot: QtBot
) -> None:
    live, pv = panel(page), previewing(opened)
    clip = Path(__file__).resolve().parents[3] / "resources" / "demo" / "clip.mp4"
    script = [{"at": 0.5, "do": "unplug"}, {"at": 3.0, "do": "replug"}]
    page.show_live(SourceChoice(SourceKind.VIRTUAL, str(clip), options={"script": script}))
    qtbot.waitUntil(lambda: _state(pv) is SourceState.LOST and live.view.frame_id >= 0, timeout=PATIENCE)
    assert live.view.is_stale
    assert not page.findChild(QSlider, "live-seek").isVisible()  # nothing to seek in a camera
    qtbot.waitUntil(lambda: _state(pv) is SourceState.PLAYING and not live.view.is_stale, timeout=PATIENCE)


def _state(pv: Previewing) -> SourceState | None:
    return None if pv.source_report is None else pv.source_report.state


def _index(pv: Previewing) -> int:
    return -1 if pv.source_report is None else pv.source_report.index
