"""The comparison view: what its pixels are in every mode, how it follows hands and keys."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QSlider, QToolButton
from pytestqt.qtbot import QtBot

from studio.ui.widgets.comparison_controls import ComparisonControls
from studio.ui.widgets.comparison_look import FIT, Look, panned, placed, zoomed
from studio.ui.widgets.comparison_modes import Mode
from studio.ui.widgets.comparison_view import ComparisonView
from studio.ui.widgets.heat_colours import colour_table, opaque_table, rgb

RED, BLUE = QColor(200, 30, 30), QColor(30, 30, 200)
LEFT, RIGHT = QPoint(120, 150), QPoint(480, 150)
"""In the two halves of the view, away from labels and the divider."""


def picture(colour: QColor, side: int = 64) -> QImage:
    image = QImage(side, side, QImage.Format.Format_RGB888)
    image.fill(colour)
    return image


def grey(level: int, side: int = 64) -> QImage:
    image = QImage(side, side, QImage.Format.Format_Grayscale8)
    image.fill(level)
    return image


@pytest.fixture
def view(qtbot: QtBot) -> ComparisonView:
    view = ComparisonView()
    qtbot.addWidget(view)
    view.resize(600, 300)
    view.set_pair(picture(RED), picture(BLUE), 7)
    view.show()
    qtbot.waitExposed(view)
    return view


def seen(view: ComparisonView, point: QPoint) -> QColor:
    return QColor(view.grab().toImage().pixel(point))


def test_each_mode_shows_what_it_says(view: ComparisonView) -> None:
    # fitted, the picture is the 300 x 300 in the middle: 150..450
    inside_left, inside_right = QPoint(200, 150), QPoint(400, 150)
    assert (seen(view, inside_left), seen(view, inside_right)) == (RED, BLUE)
    view.set_mode(Mode.SIDE_BY_SIDE)
    assert (seen(view, LEFT), seen(view, RIGHT)) == (RED, BLUE)
    view.set_mode(Mode.ORIGINAL)
    assert (seen(view, inside_left), seen(view, inside_right)) == (RED, RED)
    view.set_mode(Mode.CANDIDATE)
    assert (seen(view, inside_left), seen(view, inside_right)) == (BLUE, BLUE)
    view.set_mode(Mode.DIFFERENCE)
    assert seen(view, inside_left) == QColor(170, 0, 170)
    view.set_difference(grey(255), 12.0, "Difference")
    assert seen(view, inside_left) == QColor(*rgb(255))


def test_the_divider_follows_pointer_and_keys(view: ComparisonView) -> None:
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(300, 150))
    QTest.mouseMove(view, QPoint(420, 150))
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(420, 150))
    assert view.divider == pytest.approx(0.9, abs=0.01)
    assert seen(view, QPoint(390, 150)) == RED
    QTest.keyClick(view, Qt.Key.Key_Left)
    assert view.divider == pytest.approx(0.88, abs=0.01)
    for _ in range(20):
        QTest.keyClick(view, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert view.divider == 0
    assert seen(view, QPoint(200, 150)) == BLUE


def test_the_wheel_keeps_what_is_under_the_pointer(view: ComparisonView) -> None:
    half = QImage(64, 64, QImage.Format.Format_RGB32)
    half.fill(RED)
    for x in range(32, 64):
        for y in range(64):
            half.setPixelColor(x, y, BLUE)
    view.set_mode(Mode.ORIGINAL)
    view.set_pair(half, half)
    edge = QPoint(300, 100)
    before = view.zoom
    wheel = QWheelEvent(
        QPointF(edge),
        view.mapToGlobal(QPointF(edge)),
        QPoint(),
        QPoint(0, 720),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view, wheel)
    assert view.zoom == pytest.approx(before * 1.25**6)
    assert seen(view, edge - QPoint(4, 0)) == RED
    assert seen(view, edge + QPoint(4, 0)) == BLUE
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=edge)
    QTest.mouseMove(view, edge + QPoint(60, 0))
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=edge + QPoint(60, 0))
    assert seen(view, edge + QPoint(50, 0)) == RED
    QTest.mouseDClick(view, Qt.MouseButton.LeftButton, pos=edge)
    assert view.look == FIT
    assert view.zoom == pytest.approx(before)


def test_enlarged_pixels_have_sharp_edges(view: ComparisonView) -> None:
    dots = QImage(2, 1, QImage.Format.Format_RGB32)
    dots.setPixelColor(0, 0, RED)
    dots.setPixelColor(1, 0, BLUE)
    view.set_mode(Mode.ORIGINAL)
    view.set_pair(dots, dots)
    assert view.zoom > 200
    assert (seen(view, QPoint(296, 150)), seen(view, QPoint(304, 150))) == (RED, BLUE)


def test_a_heat_map_lies_over_the_candidate_alone(view: ComparisonView) -> None:
    view.set_opacity(1.0)
    view.set_heat(grey(255), 0.05, "LPIPS")
    assert (seen(view, QPoint(200, 150)), seen(view, QPoint(400, 150))) == (RED, QColor(*rgb(255)))
    view.set_opacity(0.5)
    mixed = seen(view, QPoint(400, 150))
    assert mixed not in (BLUE, QColor(*rgb(255)))
    view.set_heat(grey(100), 0.05, "LPIPS")
    view.set_threshold(0.5)
    assert seen(view, QPoint(400, 150)) == BLUE
    view.set_threshold(0.3)
    assert seen(view, QPoint(400, 150)) != BLUE
    view.set_heat(None)
    assert seen(view, QPoint(400, 150)) == BLUE


def test_the_colours_are_those_of_reports() -> None:
    encoding = pytest.importorskip("converters.compare_report.encoding")
    table = encoding.palette()
    assert [rgb(level) for level in range(256)] == [tuple(row) for row in table.tolist()]
    assert [colour >> 24 for colour in colour_table(1.0)] == encoding._opacity().tolist()
    assert all(colour >> 24 == 255 for colour in opaque_table())
    assert colour_table(1.0, 0.5)[127] >> 24 == 0 < colour_table(1.0, 0.5)[128] >> 24


def test_flickering_takes_turns_and_stops_when_hidden(view: ComparisonView, qtbot: QtBot) -> None:
    view._timer.setInterval(10)
    view.set_mode(Mode.FLICKER)
    with qtbot.waitSignal(view._timer.timeout, timeout=2000):
        pass
    view._timer.stop()
    first = seen(view, QPoint(300, 150))
    view._take_turns()
    assert {first.name(), seen(view, QPoint(300, 150)).name()} == {RED.name(), BLUE.name()}
    view.hide()
    assert not view._timer.isActive()
    view.show()
    assert view._timer.isActive()
    view.set_mode(Mode.SPLIT)
    assert not view._timer.isActive()


def test_pairs_change_together_and_keep_the_look(view: ComparisonView) -> None:
    view.zoom_by(4)
    look = view.look
    view.set_pair(picture(BLUE), picture(RED), 8)
    assert view.frame_id == 8
    assert view.look == look
    assert (seen(view, LEFT), seen(view, RIGHT)) == (BLUE, RED)
    view.clear("Nothing here")
    assert view.frame_id == -1
    assert seen(view, LEFT) not in (RED, BLUE)


def test_pictures_of_two_sizes_cover_each_other_and_it_is_said(view: ComparisonView) -> None:
    view.set_names("demo", "demo int8")
    assert "scaled" not in view.accessibleName()
    view.set_pair(picture(RED), picture(BLUE, 128))
    assert (seen(view, QPoint(200, 150)), seen(view, QPoint(440, 150))) == (RED, BLUE)
    assert "demo int8 (128 × 128, scaled)" in view.accessibleName()


def test_keys_zoom_and_change_the_mode(view: ComparisonView) -> None:
    before = view.zoom
    QTest.keyClick(view, Qt.Key.Key_Plus)
    assert view.zoom > before
    look = view.look
    QTest.keyClick(view, Qt.Key.Key_Up)
    QTest.keyClick(view, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert view.look != look
    QTest.keyClick(view, Qt.Key.Key_0)
    assert view.zoom == before
    QTest.keyClick(view, Qt.Key.Key_Minus)
    assert view.look == FIT
    found = []
    view.mode_changed.connect(found.append)
    for _ in Mode:
        QTest.keyClick(view, Qt.Key.Key_M)
    assert found == [*list(Mode)[1:], Mode.SPLIT]


def test_a_look_shows_no_more_empty_space_than_needed() -> None:
    from PySide6.QtCore import QRectF, QSizeF

    size, pane = QSizeF(100, 100), QRectF(0, 0, 200, 100)
    look = zoomed(FIT, 4, QPointF(150, 50), size, pane)
    assert placed(look, size, pane).contains(pane)
    far = panned(look, QPointF(10_000, 10_000), size, pane.size())
    assert placed(far, size, pane).topLeft() == QPointF(0, 0)
    assert zoomed(look, 0.01, QPointF(0, 0), size, pane) == FIT
    assert panned(FIT, QPointF(5, 5), size, pane.size()) == FIT
    assert isinstance(look, Look)


def test_controls_lead_and_follow_the_view(view: ComparisonView, qtbot: QtBot) -> None:
    controls = ComparisonControls(view)
    qtbot.addWidget(controls)
    controls.findChild(QToolButton, "mode-candidate").click()
    assert view.mode is Mode.CANDIDATE
    view.set_mode(Mode.SPLIT)
    assert controls.findChild(QToolButton, "mode-split").isChecked()
    controls.set_overlays([("lpips", "LPIPS"), ("flip", "FLIP")])
    found: list[str] = []
    controls.overlay_changed.connect(found.append)
    controls.findChild(QComboBox, "overlay").setCurrentIndex(2)
    assert found == ["flip"]
    controls.set_overlays([("flip", "FLIP")], "flip")
    assert controls.overlay == "flip"
    assert found == ["flip"]
    view.set_heat(grey(255), 1.0, "FLIP")
    controls.findChild(QSlider, "opacity").setValue(100)
    assert seen(view, QPoint(400, 150)) == QColor(*rgb(255))
    exact = controls.findChild(QToolButton, "zoom-exact")
    view.set_pair(picture(RED, 2000), picture(BLUE, 2000))
    exact.click()
    assert view.zoom == pytest.approx(1.0)
