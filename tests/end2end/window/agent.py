"""Runs the real program and obeys a test: JSON lines on standard input, JSON lines on standard output.

Everything is done by real events to real widgets, found by their object names. Requests:

    {"do": "find", "name": …}                     what it shows: visible, enabled, text, value, checked
    {"do": "click", "name": …}                    the left button in the middle of it
    {"do": "type", "name": …, "text": …}          keys, one by one
    {"do": "press", "name": …, "keys": "Ctrl+Z"}  a shortcut; name "" for the window
    {"do": "choose", "name": …, "value": …}       an entry of a combo box by its text or data
    {"do": "slide", "name": …, "value": …}        a slider or spin box
    {"do": "drop", "paths": […]}                  files onto the window
    {"do": "answer", "button": …}                 a button of the dialog in front, by its text or standard name
    {"do": "picture", "path": …}                  what the window looks like
    {"do": "candidate", "path": …}                a file beside the original of the live comparison
    {"do": "settings", "theme": "light"}          changes of the person's settings
    {"do": "modules"}                             names of the modules that are loaded
    {"do": "gap"}                                 the longest pause of the event loop since the last time, in seconds,
                                                  and the longest that the window's thread was at work between two
                                                  looks at the loop
    {"do": "threads"}                             names of the threads of Python
    {"do": "close"}                               as the button of the window does
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from PySide6.QtCore import QMimeData, QObject, QPoint, QPointF, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QLabel,
    QLineEdit,
    QListWidget,
    QMainWindow,
    QMessageBox,
    QPlainTextEdit,
    QProgressBar,
    QTextEdit,
    QWidget,
)

_TICK = 5  # milliseconds between two looks at the event loop


class Agent(QObject):
    """Does in the program's window what comes in."""

    received = Signal(dict)

    def __init__(self) -> None:
        super().__init__()
        self.received.connect(self._obey, Qt.ConnectionType.QueuedConnection)
        self._longest = 0.0
        self._most_work = 0.0
        self._last = (0.0, 0.0)
        self._timer: QTimer | None = None

    def listen(self) -> None:
        """Read requests until the test closes its end, in a thread of its own."""
        for line in sys.stdin:
            self.received.emit(json.loads(line))

    def _watch(self) -> None:
        """Begin to look at the event loop, from the thread it runs in."""
        if self._timer is None:
            self._timer = QTimer(self)
            self._timer.setTimerType(Qt.TimerType.PreciseTimer)
            self._timer.timeout.connect(self._tick)
            self._last = (time.monotonic(), time.thread_time())
            self._timer.start(_TICK)

    def _tick(self) -> None:
        now, work = time.monotonic(), time.thread_time()
        self._longest = max(self._longest, now - self._last[0] - _TICK / 1000)
        self._most_work = max(self._most_work, work - self._last[1])
        self._last = (now, work)

    def _obey(self, request: dict[str, Any]) -> None:
        self._watch()
        try:
            answer = getattr(self, f"_{request.pop('do')}")(**request)
        except Exception as error:  # the test is to see it, whatever it is
            answer = {"error": f"{type(error).__name__}: {error}"}
        say(answer or {})

    def _find(self, name: str) -> dict[str, Any]:
        found = named(name)
        shown = [widget for widget in found if widget.isVisible()]
        if not found:
            return {"exists": False, "visible": False}
        widget = (shown or found)[-1]
        return {
            "exists": True,
            "visible": bool(shown),
            "enabled": widget.isEnabled(),
            "kind": type(widget).__name__,
            **_content(widget),
        }

    def _click(self, name: str) -> None:
        widget = _widget(name)
        place = QPoint(min(12, widget.width() // 2), widget.height() // 2)  # a check box reacts at its mark only
        if not isinstance(widget, QAbstractButton) or widget.hitButton(widget.rect().center()):
            place = widget.rect().center()
        # answered before the click acts, which may open a dialog that waits
        QTimer.singleShot(0, widget, lambda: QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=place))

    def _type(self, name: str, text: str) -> None:
        widget = _widget(name)
        widget.setFocus()
        QTest.keyClick(widget, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
        QTest.keyClicks(widget, text)

    def _press(self, keys: str, name: str = "") -> None:
        widget = _widget(name) if name else window()
        QTimer.singleShot(0, widget, lambda: QTest.keySequence(widget, QKeySequence(keys)))

    def _choose(self, name: str, value: str) -> None:
        box = _widget(name)
        if not isinstance(box, QComboBox):
            raise TypeError(f"{name} is a {type(box).__name__}")
        place = box.findData(value) if box.findText(value) < 0 else box.findText(value)
        if place < 0:
            raise ValueError(f"{name} offers {[box.itemText(each) for each in range(box.count())]}")
        box.setCurrentIndex(place)
        box.activated.emit(place)

    def _slide(self, name: str, value: float) -> None:
        widget = _widget(name)
        if isinstance(widget, QAbstractSlider):
            widget.setValue(int(value))
        elif isinstance(widget, QAbstractSpinBox):
            widget.setProperty("value", value)
        else:
            raise TypeError(f"{name} is a {type(widget).__name__}")

    def _row(self, name: str, row: int) -> None:
        widget = _widget(name)
        if not isinstance(widget, QListWidget):
            raise TypeError(f"{name} is a {type(widget).__name__}")
        widget.setCurrentRow(row)

    def _drop(self, paths: list[str]) -> None:
        target = window()
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(path) for path in paths])
        place = target.rect().center()
        actions, buttons, keys = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        enter = QDragEnterEvent(place, actions, data, buttons, keys)
        QApplication.sendEvent(target, enter)
        if not enter.isAccepted():
            raise ValueError("the window does not take it")
        QApplication.sendEvent(target, QDropEvent(QPointF(place), actions, data, buttons, keys))

    def _answer(self, button: str) -> None:
        dialog = QApplication.activeModalWidget() or next(
            (each for each in QApplication.topLevelWidgets() if isinstance(each, QDialog) and each.isVisible()), None
        )
        if dialog is None:
            raise ValueError("there is no dialog")
        for each in dialog.findChildren(QAbstractButton):
            standard = ""
            if isinstance(dialog, QMessageBox):
                standard = dialog.standardButton(each).name
            if button in (each.text().replace("&", ""), each.objectName(), standard):
                QTimer.singleShot(0, each, each.click)
                return
        raise ValueError(f"its buttons are {[each.text() for each in dialog.findChildren(QAbstractButton)]}")

    def _dialog(self) -> dict[str, Any]:
        dialog = QApplication.activeModalWidget()
        if dialog is None:
            return {"exists": False, "text": ""}
        words = [each.text() for each in dialog.findChildren(QLabel)]
        return {"exists": True, "text": "\n".join(filter(None, words))}

    def _picture(self, path: str, width: int = 0, height: int = 0) -> None:
        shown = window()
        if width:
            shown.resize(width, height)
            QApplication.processEvents()
        if not shown.grab().save(path):
            raise OSError(f"{path} cannot be written")

    def _candidate(self, path: str) -> None:
        from studio.preview.previewing import previewing

        previewing(window().bench).add_candidate(path)  # type: ignore[attr-defined]

    def _settings(self, **values: Any) -> None:
        window().bench.settings.change(**values)  # type: ignore[attr-defined]

    def _modules(self) -> dict[str, Any]:
        return {"modules": sorted({name.partition(".")[0] for name in sys.modules})}

    def _threads(self) -> dict[str, Any]:
        return {"threads": [thread.name for thread in threading.enumerate()]}

    def _gap(self) -> dict[str, Any]:
        found = {"seconds": self._longest, "work": self._most_work}
        self._longest = self._most_work = 0.0
        return found

    def _names(self) -> dict[str, Any]:
        return {"names": sorted({each.objectName() for each in QApplication.allWidgets() if each.isVisible()})}

    def _close(self) -> None:
        QTimer.singleShot(0, window(), window().close)


def _content(widget: QWidget) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if isinstance(widget, QLabel | QAbstractButton | QLineEdit):
        found["text"] = widget.text()
    if isinstance(widget, QAbstractButton):
        found["checked"] = widget.isChecked()
    if isinstance(widget, QComboBox):
        found["text"] = widget.currentText()
    if isinstance(widget, QPlainTextEdit | QTextEdit):
        found["text"] = widget.toPlainText()
    if isinstance(widget, QProgressBar | QAbstractSlider):
        found["value"] = widget.value()
    if isinstance(widget, QAbstractSpinBox):
        found["value"] = widget.property("value")
    if "text" not in found:
        labels = [each.text() for each in widget.findChildren(QLabel) if each.isVisible()]
        found["text"] = "\n".join(labels)
    return found


def _widget(name: str) -> QWidget:
    found = [each for each in named(name) if each.isVisible()]
    if not found:
        raise LookupError(f"nothing visible is called {name}")
    if not found[-1].isEnabled():
        raise LookupError(f"{name} is disabled")
    return found[-1]


def named(name: str) -> list[QWidget]:
    """Return the widgets of that name.

    Only they get Python wrappers: those of Qt's own inner widgets would outlive them when a page is made anew.
    """
    tops = QApplication.topLevelWidgets()
    return [
        *(each for each in tops if each.objectName() == name),
        *(each for top in tops for each in top.findChildren(QWidget, name)),
    ]


def window() -> QMainWindow:
    """Return the program's window."""
    return next(each for each in QApplication.topLevelWidgets() if isinstance(each, QMainWindow) and each.isVisible())


def say(message: dict[str, Any]) -> None:
    """Send one message to the test."""
    sys.__stdout__.write(json.dumps(message) + "\n")  # type: ignore[union-attr]
    sys.__stdout__.flush()  # type: ignore[union-attr]


def main() -> int:
    """Start the program with the arguments that came, obeying from its first moment on."""
    from studio.app import main as start

    agent = Agent()
    threading.Thread(target=agent.listen, name="test", daemon=True).start()
    return start(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
