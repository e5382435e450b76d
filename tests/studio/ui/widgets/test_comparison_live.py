"""The comparison view with moving pictures: one frame in both panes, true sizes, old pictures, the magnifier."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, QSize, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot

from studio.ui.widgets.comparison_controls import ComparisonControls
from studio.ui.widgets.comparison_modes import Mode
from studio.ui.widgets.comparison_view import ComparisonView
from studio.ui.widgets.heat_colours import rgb
from tests.benchmarks.canvas import coloured_pair, frames_in_view

PANE = QSize(608, 200)
"""Two panes of 300 x 200 with the gap between them."""
FULL = (1200, 800)


class LateCandidate(ComparisonView):
    """What the frames of both panes must be told apart from: the candidate is one frame late."""

    def set_pair(
        self, original: QImage, candidate: QImage, frame_id: int = 0, full_size: tuple[int, int] | None = None
    ) -> None:
        late = getattr(self, "_late", candidate)
        self._late = candidate
        super().set_pair(original, late, frame_id, full_size)


def shown(qtbot: QtBot, kind: type[ComparisonView] = ComparisonView) -> ComparisonView:
    view = kind()
    qtbot.addWidget(view)
    view.set_mode(Mode.SIDE_BY_SIDE)
    view.resize(PANE)
    view.show()
    qtbot.waitExposed(view)
    return view


@pytest.fixture
def view(qtbot: QtBot) -> ComparisonView:
    return shown(qtbot)


def pixel(view: ComparisonView, x: int, y: int) -> QColor:
    return QColor(view.grab().toImage().pixel(x, y))


def mixed_frames(view: ComparisonView) -> list[int]:
    """Show frames of changing size, zoom and mode; return those that were not in both panes."""
    mixed = []
    for frame in range(1, 201):
        size = QSize(300, 200) if frame % 3 else QSize(*FULL)
        view.set_pair(*coloured_pair(frame, size), frame, FULL)
        if frame % 20 == 0:
            view.zoom_by(1.5 if view.look.is_fit else 0.01)
        if frame % 50 == 0:
            view.set_mode(Mode.SPLIT if view.mode is Mode.SIDE_BY_SIDE else Mode.SIDE_BY_SIDE)
        if frames_in_view(view) != (frame, frame) or view.frame_id != frame:
            mixed.append(frame)
    return mixed


def test_both_panes_always_show_one_frame(view: ComparisonView) -> None:
    assert mixed_frames(view) == []


def test_a_late_candidate_would_be_seen(qtbot: QtBot) -> None:
    assert len(mixed_frames(shown(qtbot, LateCandidate))) > 190


def test_the_zoom_counts_the_frames_pixels_and_asks_for_them_when_near(view: ComparisonView, qtbot: QtBot) -> None:
    view.set_pair(*coloured_pair(1, QSize(300, 200)), 1, FULL)
    assert view.zoom == pytest.approx(0.25)
    assert view.wanted_size() == (300, 200)
    with qtbot.waitSignal(view.wanted_size_changed, timeout=2000):
        view.zoom_to(1.0)
    assert view.wanted_size() == (0, 0)
    look = view.look
    view.set_pair(*coloured_pair(2, QSize(*FULL)), 2, FULL)
    assert (view.zoom, view.look) == (pytest.approx(1.0), look)
    with qtbot.waitSignal(view.wanted_size_changed, timeout=2000):
        view.fit()
    with qtbot.waitSignal(view.wanted_size_changed, timeout=2000):
        view.resize(508, 200)
    assert view.wanted_size() == (250, 200)
    with qtbot.waitSignal(view.wanted_size_changed, timeout=2000):
        view.set_magnifier(True)
    assert view.wanted_size() == (0, 0)


def stripes(width: int, height: int) -> QImage:
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(QColor("black"))
    for x in range(0, width, 2):
        for y in range(height):
            image.setPixelColor(x, y, QColor("white"))
    return image


def test_a_picture_made_for_the_pane_is_copied_pixel_by_pixel(view: ComparisonView) -> None:
    view.set_names("", "")
    for width, is_exact in ((300, True), (240, False)):
        # a frame of an odd shape, whose height in the pane is no whole number
        view.set_pair(stripes(width, 169), stripes(width, 169), 1, (1280, 721))
        row = view.grab().toImage().copy(0, 100, 300, 1)
        seen = [row.pixelColor(x, 0).lightness() for x in range(300)]
        assert (set(seen) == {0, 255}) is is_exact


def test_an_old_picture_is_grey_and_says_why(view: ComparisonView) -> None:
    original, candidate = coloured_pair(7, QSize(300, 200))
    heat = QImage(300, 200, QImage.Format.Format_Grayscale8)
    heat.fill(255)
    view.set_pair(original, candidate, 7)
    view.set_heat(heat, 0.2, "LPIPS")
    view.set_stale(True, "The camera is gone.")
    for x in (20, 330):
        colour = pixel(view, x, 170)
        assert max(colour.getRgb()[:3]) - min(colour.getRgb()[:3]) < 12
    assert "The camera is gone." in view.accessibleDescription()
    assert view.is_stale
    view.set_pair(*coloured_pair(8, QSize(300, 200)), 8)
    assert pixel(view, 20, 170).saturation() < 90  # of another frame as well
    view.set_heat(None)
    view.set_stale(False)
    assert frames_in_view(view) == (8, 8)
    assert "camera" not in view.accessibleDescription()


def test_the_magnifier_shows_one_place_of_both_sides(view: ComparisonView, qtbot: QtBot) -> None:
    red, blue = QColor(220, 40, 40), QColor(40, 40, 220)
    pictures = []
    for colour in (red, blue):
        image = QImage(300, 200, QImage.Format.Format_RGB32)
        image.fill(QColor("black"))
        for x in range(95, 106):
            for y in range(95, 106):
                image.setPixelColor(x, y, colour)
        pictures.append(image)
    view.set_pair(*pictures, 1)
    controls = ComparisonControls(view)
    qtbot.addWidget(controls)
    button = controls.findChild(QToolButton, "magnifier")
    QTest.keyClick(view, Qt.Key.Key_G)
    assert view.has_magnifier
    assert button.isChecked()
    QTest.mouseMove(view, QPoint(100, 100))
    # eleven pixels are 44 in the lens: what is 15 beside the middle is of the dot, in both panes
    assert (pixel(view, 115, 100), pixel(view, 423, 100)) == (red, blue)
    QTest.mouseMove(view, QPoint(408, 100))  # the same place, pointed at in the other pane
    assert (pixel(view, 115, 100), pixel(view, 423, 100)) == (red, blue)
    view.set_mode(Mode.ORIGINAL)
    view.move_magnifier(QPointF(254, 100))
    # one lens of two halves, each with the place in its middle
    assert (pixel(view, 254 - 46, 100), pixel(view, 254 + 46, 100)) == (red, blue)
    QTest.keyClick(view, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert pixel(view, 254 - 46, 100) != red
    button.click()
    assert not view.has_magnifier
    assert pixel(view, 254 + 46, 100) == QColor("black")


def test_only_the_part_of_a_map_in_view_is_coloured_and_lies_where_it_should(view: ComparisonView) -> None:
    heat = QImage(300, 200, QImage.Format.Format_Grayscale8)
    for x in range(300):
        for y in range(200):
            heat.setPixel(x, y, 0xFF000000 | (250 if x >= 150 else 20) * 0x010101)
    view.set_pair(*coloured_pair(3, QSize(300, 200)), 3)
    view.set_mode(Mode.DIFFERENCE)
    view.set_difference(heat, 32.0, "Difference")
    view.zoom_by(30.0, QPointF(304, 100))
    for x, level in ((200, 20), (400, 250)):
        assert pixel(view, x, 150) == QColor(*rgb(level))
    assert view._scene.difference._painted.width() < 100


def test_a_pair_of_the_same_size_describes_nothing_anew(view: ComparisonView, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(view, "setAccessibleName", said.append)
    view.set_pair(*coloured_pair(1, QSize(300, 200)), 1)
    assert len(said) == 1
    for frame in range(2, 6):
        view.set_pair(*coloured_pair(frame, QSize(300, 200)), frame)
    assert len(said) == 1


def test_a_map_whose_box_is_known_looks_as_without(qtbot: QtBot) -> None:
    view = ComparisonView()
    qtbot.addWidget(view)
    view.resize(400, 260)
    view.set_mode(Mode.CANDIDATE)
    view.show()
    plain = QImage(200, 130, QImage.Format.Format_RGB32)
    plain.fill(0xFF406080)
    view.set_pair(plain, plain)
    heat = QImage(200, 130, QImage.Format.Format_Grayscale8)
    heat.fill(0)
    for x in range(50, 90):
        for y in range(40, 70):
            heat.setPixel(x, y, 200)
    shown = []
    for box in (None, (50, 40, 40, 30), (0, 0, 10, 10)):
        view.set_heat(heat, 1.0, "LPIPS", box)
        shown.append(view.grab().toImage())
    assert shown[0] != shown[2]  # a wrong box hides the map
    inside, outside = shown[0].pixelColor(140, 110), shown[0].pixelColor(20, 20)
    for place, colour in (((140, 110), inside), ((20, 20), outside)):
        assert shown[1].pixelColor(*place) == colour
    assert inside != outside
