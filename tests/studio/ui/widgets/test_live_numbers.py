"""The live numbers: what they say, and that nothing moves when they change."""

from __future__ import annotations

import math
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QObject, QRect
from PySide6.QtWidgets import QApplication, QLabel, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from converters.preview.messages import FaceReport, FrameReport
from studio.preview.statistics import Statistics
from studio.ui.widgets.figures import Figure, milliseconds_text, number_text
from studio.ui.widgets.live_numbers import LiveNumbers

SIDE = {"runtime": "ONNX Runtime", "is_reference": False, "size": 1, "macs": 0}
SWAPPERS = {"kind": "swapper", "draws": True, "sides": [{"label": "demo", **SIDE}, {"label": "demo int8", **SIDE}]}
DETECTORS = {**SWAPPERS, "kind": "detector", "draws": False}


def report(frame: int, *, drawn: bool = True, **figures: float) -> FrameReport:
    """Return a report whose figures have another number of digits in each frame."""
    times = 10.0 ** (frame // 40 % 5 - 4)
    face = FaceReport(1, (0, 0, 9, 9), 0.02 * (frame % 7), 30.0 + frame % 80, None, 0.61, 0.61 - 0.1 * (frame % 9))
    seconds = {"track": times, "crop": 0.001, "original": times, "candidate": 3 * times, "measure": 0.02}
    faces = (face,) if drawn else ()
    size = (700, 394)
    return FrameReport(
        "m", 0, frame, size, size, 0.0, 0.0, 0.0, frame, "", seconds, faces, len(faces), "", None, figures, frame**3
    )


class Layouts(QObject):
    """Counts how often a widget was told to lay itself out anew."""

    count = 0

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        self.count += event.type() == QEvent.Type.LayoutRequest
        return False


class Page(QWidget):
    """The numbers above something that must not move."""

    def __init__(self) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        self.numbers = LiveNumbers(self, is_expanded=True)
        self.below = QLabel("below", self)
        column.addWidget(self.numbers)
        column.addWidget(self.below)
        column.addStretch(1)
        self.resize(300, 700)
        self.layouts = Layouts(self)
        self.statistics = Statistics()

    def places(self) -> dict[int, QRect]:
        return {id(part): part.geometry() for part in self.findChildren(QWidget)}

    def take(self, frame: int, models: dict[str, Any] = SWAPPERS, *, drawn: bool = True, **figures: float) -> None:
        said = report(frame, drawn=drawn, **figures)
        self.statistics.take(said, frame * 0.04)
        self.numbers.set_numbers(self.statistics, models, said)
        self.numbers._refresh()  # not only five times a second


@pytest.fixture
def page(qtbot: QtBot) -> Page:
    page = Page()
    qtbot.addWidget(page)
    page.show()
    qtbot.waitExposed(page)
    page.take(1)
    for _ in range(5):  # what is first shown is laid out in several rounds
        QApplication.processEvents()
    for part in (page, page.numbers, *page.numbers.findChildren(QWidget)):
        part.installEventFilter(page.layouts)
    return page


def moved(page: Page) -> tuple[bool, int]:
    """Let frames pass; return whether anything moved, and how often anything was laid out anew."""
    page.layouts.count = 0
    before = page.places()
    texts = set()
    for frame in range(2, 202):
        page.take(frame, drawn=frame % 11 != 0)
        QApplication.processEvents()
        texts.add(text(page, "dropped"))
    assert len(texts) == 200
    return page.places() != before, page.layouts.count


def text(page: Page, name: str) -> str:
    figure = page.numbers.figure(name)
    assert figure is not None
    return figure.text


def test_nothing_moves_while_figures_change(page: Page) -> None:
    assert moved(page) == (False, 0)


def test_a_label_that_follows_its_text_would_be_seen(page: Page) -> None:
    label = page.findChild(QLabel, "number-dropped")
    label.setMinimumSize(0, 0)
    label.setMaximumSize(1000, 1000)
    QApplication.processEvents()
    assert moved(page)[1] > 10


def test_figures_are_those_of_the_statistics(page: Page) -> None:
    for frame in range(2, 60):
        page.take(frame)
    numbers = page.statistics
    assert text(page, "rate") == "25.0"
    assert text(page, "dropped") == str(59**3 - 1)
    assert text(page, "lpips") == "0.0600"
    assert text(page, "lpips-worst") == "0.1200"
    assert numbers.lpips_mean is not None
    assert text(page, "lpips-mean") == f"{numbers.lpips_mean:.4f}"
    assert text(page, "drop") == number_text(numbers.cosine_drop, 4) != "0.0000"
    assert text(page, "original-cosine") == "0.6100"
    assert text(page, "stage-crop") == "1.0 ms"
    label = page.findChild(QLabel, "number-lpips")
    assert label.accessibleName() == "LPIPS: 0.0600"
    figure = page.numbers.figure("candidate")
    assert figure is not None
    assert "demo int8 in ONNX Runtime" in figure.toolTip()


def test_models_without_pictures_have_figures_of_their_own(page: Page) -> None:
    page.take(2, DETECTORS, boxes_matched=0.985, iou=0.91, unknown=3.0)
    QApplication.processEvents()
    for name, is_visible in (("lpips", False), ("drop", False), ("boxes_matched", True), ("rate", True)):
        figure = page.numbers.figure(name)
        assert figure is not None
        assert figure.isVisible() is is_visible, name
    assert (text(page, "boxes_matched"), text(page, "iou")) == ("98.5 %", "0.9100")
    assert page.numbers.figure("unknown") is None
    page.take(3, SWAPPERS)
    figure = page.numbers.figure("boxes_matched")
    assert figure is not None
    assert not figure.isVisible()


def test_many_frames_are_shown_five_times_a_second(page: Page, qtbot: QtBot) -> None:
    shown = page.numbers.figure("lpips")
    assert shown is not None
    before = shown.text
    said = report(5)
    page.statistics.take(said, 1.0)
    page.numbers.set_numbers(page.statistics, SWAPPERS, said)
    assert shown.text == before  # the last change is not 200 ms old
    with qtbot.waitSignal(page.numbers._timer.timeout, timeout=2000):
        pass
    assert shown.text == "0.1000" != before


def test_texts_keep_within_their_room(qtbot: QtBot) -> None:
    assert milliseconds_text(0.0084) == "8.4 ms"
    assert milliseconds_text(0.99994) == "999.9 ms"
    assert milliseconds_text(12.3456) == "12.35 s"
    assert milliseconds_text(None) == milliseconds_text(math.nan) == number_text(None, 2) == "–"
    assert number_text(math.inf, 1) == "∞"
    figure = Figure("number-x", "X", "0000.0 ms", "tip")
    qtbot.addWidget(figure)
    label = figure.findChild(QLabel, "number-x")
    for words in ("8888.8 ms", "1111.1 ms", "12.35 s", "–"):
        assert label.fontMetrics().horizontalAdvance(words) <= label.width()
    assert label.fontMetrics().horizontalAdvance("1111") == label.fontMetrics().horizontalAdvance("8888")
