"""The loop monitor sees what keeps the window's thread busy."""

from __future__ import annotations

import time

from PySide6.QtCore import QTimer
from pytestqt.qtbot import QtBot

from studio.loop_monitor import LoopMonitor


def test_a_busy_thread_shows_as_a_gap(qtbot: QtBot) -> None:
    monitor = LoopMonitor()
    monitor.start()
    qtbot.wait(100)
    calm = monitor.largest_gap
    QTimer.singleShot(0, lambda: time.sleep(0.25))  # stands for work on the wrong thread
    qtbot.wait(300)
    monitor.stop()
    assert 0.2 < monitor.largest_gap < 2
    assert calm < monitor.largest_gap
    assert monitor.gaps[0] == max(monitor.gaps)
    assert 0.05 < monitor.gaps[0][1] < 10
