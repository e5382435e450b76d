"""The tray of the worst frames: what is chosen stays, pictures come one at a time, what it asks for is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QListWidget, QToolButton
from pytestqt.qtbot import QtBot

from converters.preview.messages import WorstFrame
from studio.ui.widgets.worst_tray import ICON, WorstTray


def frame(folder: Path, identity: int, loss: float) -> WorstFrame:
    thumbnail = folder / f"{identity}.png"
    image = QImage(240, 120, QImage.Format.Format_RGB32)
    image.fill(QColor(10 * identity, 20, 200))
    assert image.save(str(thumbnail))
    return WorstFrame(identity, loss, identity / 25, "", "picture", "original", "candidate", str(thumbnail))


@pytest.fixture
def tray(qtbot: QtBot) -> WorstTray:
    tray = WorstTray()
    qtbot.addWidget(tray)
    tray.resize(300, 260)
    tray.show()
    qtbot.waitExposed(tray)
    return tray


def middle_of(tray: WorstTray, row: int) -> QColor:
    image = list_of(tray).item(row).icon().pixmap(ICON).toImage()
    return image.pixelColor(image.width() // 2, image.height() // 2)


def list_of(tray: WorstTray) -> QListWidget:
    found = tray.findChild(QListWidget, "worst-frames")
    assert isinstance(found, QListWidget)
    return found


def button(tray: WorstTray, name: str) -> QToolButton:
    found = tray.findChild(QToolButton, name)
    assert isinstance(found, QToolButton)
    return found


def test_pictures_follow_after_the_frames(tray: WorstTray, tmp_path: Path, qtbot: QtBot) -> None:
    frames = [frame(tmp_path, identity, 0.5 - identity / 100) for identity in range(1, 13)]
    tray.set_frames(frames)
    # nothing was read yet: the video's next frame need not wait for twelve files
    assert all(middle_of(tray, row).alpha() == 0 for row in range(12))
    qtbot.waitUntil(lambda: not tray._loading.isActive(), timeout=5000)
    for row in range(12):
        assert middle_of(tray, row) == QColor(10 * (row + 1), 20, 200)
        assert list_of(tray).item(row).text() == f"{0.5 - (row + 1) / 100:.4f}"
    Path(frames[0].thumbnail).unlink()
    gone = WorstFrame(99, 0.9, 1.0, "a.png", "", "", "", str(tmp_path / "gone.png"))
    tray.set_frames([gone, *frames])
    qtbot.waitUntil(lambda: not tray._loading.isActive(), timeout=5000)
    assert middle_of(tray, 0).alpha() == 0
    assert middle_of(tray, 1) == QColor(10, 20, 200)  # read before, and kept


def test_what_is_chosen_stays_when_a_worse_frame_comes(tray: WorstTray, tmp_path: Path) -> None:
    first, second, third = (frame(tmp_path, identity, 0.5 - identity / 100) for identity in (1, 2, 3))
    kept: list[list[WorstFrame]] = []
    tray.keep_wanted.connect(kept.append)
    assert not button(tray, "worst-keep").isEnabled()
    tray.set_frames([first, second])
    button(tray, "worst-keep").click()
    assert kept.pop() == [first, second]
    list_of(tray).item(1).setSelected(True)
    tray.set_frames([third, first, second])
    assert tray.chosen == [second]
    assert "1" in button(tray, "worst-keep").toolTip()
    button(tray, "worst-keep").click()
    assert kept == [[second]]
    tray.set_frames([third, first])
    assert tray.chosen == []


def test_a_frame_is_shown_again_and_the_tray_is_emptied(tray: WorstTray, tmp_path: Path, qtbot: QtBot) -> None:
    frames = [frame(tmp_path, identity, 0.1) for identity in (1, 2)]
    tray.set_frames(frames)
    items = list_of(tray)
    items.setCurrentRow(1)
    with qtbot.waitSignal(tray.seek_wanted) as asked:
        QTest.keyClick(items, Qt.Key.Key_Return)
    assert asked.args == [frames[1]]
    with qtbot.waitSignal(tray.forget_wanted):
        button(tray, "worst-forget").click()
    tray.set_frames([])
    assert not items.isVisible()
    assert not button(tray, "worst-forget").isEnabled()
    assert QSize(300, 260).expandedTo(tray.minimumSizeHint()) == QSize(300, 260)
