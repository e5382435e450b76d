"""Turns the system's wish that the program ends (Ctrl-C, SIGTERM) into an ordinary event of the window's thread."""

from __future__ import annotations

import signal
import socket
from types import FrameType
from typing import Any

from PySide6.QtCore import QObject, QSocketNotifier, Signal

_NUMBERS = (signal.SIGINT, signal.SIGTERM)


class EndingSignals(QObject):
    """Listens for them until it is closed. To be made on the main thread.

    Python runs its handlers only between its own instructions, and Qt's loop waits outside of them; what wakes the
    loop is a byte in a socket that the interpreter writes at once.

    Attributes:
        asked: with the signal's number.
    """

    asked = Signal(int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._reading, self._writing = socket.socketpair()
        self._reading.setblocking(False)
        self._writing.setblocking(False)
        self._former_fd = signal.set_wakeup_fd(self._writing.fileno(), warn_on_full_buffer=False)
        self._former: dict[int, Any] = {number: signal.signal(number, _nothing) for number in _NUMBERS}
        self._notifier = QSocketNotifier(self._reading.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._read)

    def close(self) -> None:
        """Give the signals back to whoever had them."""
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(self._former_fd)
        for number, handler in self._former.items():
            signal.signal(number, handler)
        self._reading.close()
        self._writing.close()

    def _read(self) -> None:
        try:
            numbers = self._reading.recv(16)
        except BlockingIOError:
            return
        for number in numbers:
            if number in _NUMBERS:
                self.asked.emit(number)


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """Exist, so that the signal does not end the process."""
